//! A folder by its descriptor, from which nothing leads out.
//!
//! A path is looked up anew each time, through whatever stands there by then. Here
//! a folder is opened once, step by step from the root, and what is done in it is
//! done by single names below the descriptor; a link is never followed. That is what
//! `openat2` with `RESOLVE_NO_SYMLINKS` would do in one call, on every kernel.

use std::ffi::OsStr;
use std::fs::{File, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
use std::path::{Component, Path, PathBuf};

use nix::NixPath;
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{Mode, SFlag, fstat, fstatat, mkdirat};
use nix::unistd::{UnlinkatFlags, geteuid, linkat, unlinkat};

use crate::disk::or_here;

/// An open folder. It need not be readable: to go through it is enough.
#[derive(Debug)]
pub struct Folder(OwnedFd);

#[cfg(target_os = "linux")]
const SEARCH: OFlag = OFlag::O_PATH;
#[cfg(not(target_os = "linux"))]
const SEARCH: OFlag = OFlag::O_RDONLY;

/// So many links are followed that lead to what is not there, as the kernel follows so many.
const MOST_LINKS: usize = 40;

/// The path without links, as far as it exists; the rest as it is. A link to what is not there is followed, too:
/// who makes that later is led there by the link.
pub fn resolved(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let (real, rest) = existing(&path);
        let mut parts = rest.components();
        let dangling = parts.next().map(|first| real.join(first));
        let target = dangling.as_ref().and_then(|it| it.read_link().ok());
        let Some(target) = target else {
            return match rest.as_os_str().is_empty() {
                true => real,
                false => real.join(rest),
            };
        };
        let led = real.join(target).join(parts.as_path());
        path = led;
    }
    path
}

/// Of a path what exists, without links, and the rest of it.
fn existing(path: &Path) -> (PathBuf, &Path) {
    for existing in path.ancestors() {
        if let (Ok(real), Ok(rest)) = (
            or_here(existing).canonicalize(),
            path.strip_prefix(existing),
        ) {
            return (real, rest);
        }
    }
    (PathBuf::new(), path)
}

impl Folder {
    /// `/`.
    pub fn root() -> io::Result<Self> {
        let flags = SEARCH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let root = nix::fcntl::open("/", flags, Mode::empty())?;
        Ok(Self(root))
    }

    /// The folder at an absolute path in which no link stands.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut folder = Self::root()?;
        for part in path.components() {
            match part {
                Component::RootDir => {}
                Component::Normal(name) => folder = folder.folder(name)?,
                _ => return Err(io::Error::from(Errno::EINVAL)),
            }
        }
        Ok(folder)
    }

    /// A folder in this one.
    pub fn folder(&self, name: impl AsRef<OsStr>) -> io::Result<Self> {
        let name = name.as_ref();
        let flags = SEARCH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        match openat(&self.0, name, flags, Mode::empty()) {
            Ok(folder) => Ok(Self(folder)),
            Err(errno @ (Errno::ENOTDIR | Errno::ELOOP)) if self.is_link(name) => {
                let text = format!("`{}` is a link, which is not followed", name.display());
                Err(io::Error::new(io::Error::from(errno).kind(), text))
            }
            Err(errno) => Err(errno.into()),
        }
    }

    fn is_link<P: ?Sized + NixPath>(&self, name: &P) -> bool {
        let found = fstatat(&self.0, name, AtFlags::AT_SYMLINK_NOFOLLOW);
        found.is_ok_and(|found| {
            SFlag::from_bits_truncate(found.st_mode & SFlag::S_IFMT.bits()) == SFlag::S_IFLNK
        })
    }

    /// Makes a folder in this one.
    pub fn make_folder(&self, name: &OsStr, mode: u32) -> io::Result<()> {
        mkdirat(&self.0, name, permissions(mode))?;
        if let Some(owner) = self.other_owner() {
            // Without the right to give it away it stays root's.
            let _ = self.give(name, &owner);
        }
        Ok(())
    }

    /// Gives a folder that we have made away. By a descriptor of its own: whoever owns this folder may put something else
    /// in its place meanwhile, and what he puts there is not to become his.
    fn give(&self, name: &OsStr, owner: &Owner) -> io::Result<()> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let made = File::from(openat(&self.0, name, flags, Mode::empty())?);
        let found = made.metadata()?;
        let is_new = found.uid() == 0
            && found.nlink() <= 2
            && Dir::from_fd(made.try_clone()?.into())?.iter().count() <= 2;
        if !is_new || found.dev() != owner.dev {
            return Err(io::Error::from(Errno::EPERM));
        }
        fchown(&made, Some(owner.uid), Some(owner.gid))?;
        // Its group's rights, and that what is made in it is that group's.
        made.set_permissions(Permissions::from_mode(
            (found.mode() & 0o777) | (owner.mode & 0o2070),
        ))
    }

    /// A new file in this folder, to write to.
    pub fn create_new(&self, name: &str, mode: u32) -> io::Result<File> {
        let flags =
            OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let file = File::from(openat(&self.0, name, flags, permissions(mode))?);
        if let Some(owner) = self.other_owner() {
            let _ = fchown(&file, Some(owner.uid), Some(owner.gid));
            // Whoever takes messages by the group's right reads and links them.
            if let Ok(made) = file.metadata() {
                let mode = (made.mode() & 0o7777) | (owner.mode & 0o060);
                let _ = file.set_permissions(Permissions::from_mode(mode));
            }
        }
        Ok(file)
    }

    /// Whose the folder is, where we are root and it is a service user's: what root makes there by hand would
    /// lock out that user, and those of its group; see `owner`.
    fn other_owner(&self) -> Option<Owner> {
        if !geteuid().is_root() {
            return None;
        }
        let found = fstat(&self.0).ok().filter(|found| found.st_uid != 0)?;
        Some(Owner {
            uid: found.st_uid,
            gid: found.st_gid,
            mode: found.st_mode,
            dev: found.st_dev,
        })
    }

    /// The folder itself, to be synced or to have its mode set.
    pub fn to_read(&self) -> io::Result<File> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        Ok(File::from(openat(&self.0, ".", flags, Mode::empty())?))
    }

    /// Whether anything has this name in it.
    pub fn has(&self, name: &str) -> bool {
        fstatat(&self.0, name, AtFlags::AT_SYMLINK_NOFOLLOW).is_ok()
    }

    /// The names in it, in any order; those that are no Unicode are left out.
    pub fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in Dir::from_fd(self.to_read()?.into())?.iter() {
            names.extend(entry?.file_name().to_str().ok().map(str::to_owned));
        }
        Ok(names)
    }

    /// A second name for a file; one that is taken is an error.
    pub fn link(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(linkat(&self.0, from, &self.0, to, AtFlags::empty())?)
    }

    /// Removes a file.
    pub fn remove_file(&self, name: &str) -> io::Result<()> {
        Ok(unlinkat(&self.0, name, UnlinkatFlags::NoRemoveDir)?)
    }

    /// Another name for a file; one that is taken is an error.
    pub fn rename_exclusively(&self, from: &str, to: &str) -> io::Result<()> {
        #[cfg(all(target_os = "linux", target_env = "gnu"))]
        {
            use nix::fcntl::{RenameFlags, renameat2};
            let flags = RenameFlags::RENAME_NOREPLACE;
            Ok(renameat2(&self.0, from, &self.0, to, flags)?)
        }
        // Without that call there is no safe way left.
        #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
        {
            let _ = (from, to);
            let text = "the filesystem has no hard links";
            Err(io::Error::new(io::ErrorKind::Unsupported, text))
        }
    }
}

/// Of a folder.
struct Owner {
    uid: u32,
    gid: u32,
    mode: u32,
    dev: u64,
}

fn permissions(mode: u32) -> Mode {
    Mode::from_bits_truncate(mode as nix::libc::mode_t)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As root what is made in a service user's queue is that user's, and its group's as the folder is; as anybody
    /// else nothing changes.
    #[test]
    fn what_root_makes_in_a_service_users_queue_is_the_service_users() {
        use std::os::unix::fs::chown;
        let dir = tempfile::tempdir().unwrap();
        let queue = dir.path().canonicalize().unwrap().join("queue");
        std::fs::create_dir(&queue).unwrap();
        let own = std::fs::metadata(&queue).unwrap();
        let root = own.uid() == 0;
        if root {
            chown(&queue, Some(65_534), Some(12_345)).unwrap();
            std::fs::set_permissions(&queue, Permissions::from_mode(0o2770)).unwrap();
        }
        let folder = Folder::open(&queue).unwrap();
        folder.make_folder(OsStr::new("part"), 0o755).unwrap();
        let part = folder.folder("part").unwrap();
        part.create_new("message", 0o644).unwrap();
        // What somebody put in the place of a new folder stays whose it is.
        let victim = queue.join("victim");
        std::fs::create_dir(&victim).unwrap();
        std::fs::write(victim.join("its own"), "").unwrap();
        std::os::unix::fs::symlink(&victim, queue.join("link")).unwrap();
        if let Some(owner) = folder.other_owner() {
            for name in ["victim", "link"] {
                assert!(folder.give(OsStr::new(name), &owner).is_err(), "{name}");
            }
            assert_eq!(std::fs::metadata(&victim).unwrap().uid(), 0);
        }
        for (made, mode) in [("part", 0o2775), ("part/message", 0o660 | 0o004)] {
            let found = std::fs::metadata(queue.join(made)).unwrap();
            match root {
                true => {
                    assert_eq!((found.uid(), found.gid()), (65_534, 12_345), "{made}");
                    assert_eq!(found.mode() & 0o7777, mode, "{made}");
                }
                false => assert_eq!(found.uid(), own.uid(), "{made}"),
            }
        }
    }

    /// Paths are compared as text: one that ends with a slash would be another one in a message.
    #[test]
    fn a_path_is_resolved_as_far_as_it_exists() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().canonicalize().unwrap();
        std::fs::create_dir(real.join("there")).unwrap();
        std::os::unix::fs::symlink("there", real.join("link")).unwrap();
        let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, real.join(name)).unwrap();
        link("later/queue", "dangling");
        link("../dangling/in", "there/two");
        link("loop", "loop");
        let here = std::env::current_dir().unwrap().canonicalize().unwrap();
        for (path, expected) in [
            (real.join("dangling"), real.join("later/queue")),
            (real.join("dangling/a/b"), real.join("later/queue/a/b")),
            (real.join("link/two"), real.join("later/queue/in")),
            (real.join("loop/a"), real.join("loop/a")),
            (real.join("there"), real.join("there")),
            (real.join("link"), real.join("there")),
            (real.join("link/a/b"), real.join("there/a/b")),
            (PathBuf::from("not-there/a"), here.join("not-there/a")),
        ] {
            assert_eq!(resolved(&path).as_os_str(), expected.as_os_str());
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_opened_is_not_inherited_and_follows_no_link() {
        use nix::fcntl::{FcntlArg, FdFlag, fcntl};
        use std::os::fd::AsFd;
        let check = |opened: &dyn AsFd, with: OFlag| {
            let flags = fcntl(opened.as_fd(), FcntlArg::F_GETFL).unwrap();
            let flags = OFlag::from_bits_retain(flags);
            assert!(flags.contains(with), "{flags:?} lacks {with:?}");
            let inherited = fcntl(opened.as_fd(), FcntlArg::F_GETFD).unwrap();
            assert_eq!(FdFlag::from_bits_retain(inherited), FdFlag::FD_CLOEXEC);
        };
        let root = Folder::root().unwrap();
        check(&root.0, OFlag::O_PATH | OFlag::O_DIRECTORY);
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(&resolved(dir.path())).unwrap();
        check(
            &folder.0,
            OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW,
        );
        let file = folder.create_new("file", 0o600).unwrap();
        check(&file, OFlag::O_WRONLY | OFlag::O_NOFOLLOW);
        check(&folder.to_read().unwrap(), OFlag::O_DIRECTORY);
    }

    #[test]
    fn what_is_there_is_not_created_anew() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(&resolved(dir.path())).unwrap();
        std::fs::write(dir.path().join("there"), "text").unwrap();
        std::os::unix::fs::symlink("elsewhere", dir.path().join("link")).unwrap();
        for name in ["there", "link"] {
            let error = folder.create_new(name, 0o600).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AlreadyExists, "{name}");
        }
        assert_eq!(
            std::fs::read_to_string(dir.path().join("there")).unwrap(),
            "text"
        );
        assert!(!dir.path().join("elsewhere").exists());
    }
}
