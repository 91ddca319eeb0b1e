//! Whether we may write somewhere, asked before anything else is done.
//!
//! An operator's first run usually fails because a package made the spool for
//! one user and cron runs as another. That is to be said before Keystone is
//! asked, with the path, its owner and our user. Nothing is created here, so
//! a dry run may ask too.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::spool::Spool;
use caso_base::rights::{self, owner_of, us};
use caso_base::shell_word;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag};
use nix::unistd::{AccessFlags, faccessat};

/// What stands in the way of writing.
#[derive(Debug)]
pub enum FolderProblem {
    /// No right, or a read-only filesystem.
    Denied(io::Error),
    /// A file stands where a folder must be.
    NotAFolder,
    /// It is a link to what is not there. In a box, for an error of every call should be small.
    Dangling(Box<PathBuf>),
    /// It cannot be looked at.
    Unreachable(io::Error),
}

/// A folder or file that we must write and cannot.
#[derive(Debug)]
pub struct FolderError {
    /// What must be written.
    pub wanted: PathBuf,
    /// It must be a folder.
    pub folder: bool,
    /// What stands in the way: `wanted`, or the nearest part of it that exists.
    pub blocking: PathBuf,
    /// What is wrong with `blocking`.
    pub problem: FolderProblem,
    /// `user:group` and mode of `blocking`, where they could be read.
    pub owner: Option<String>,
    /// The name of the user whose rights we have.
    pub us: String,
}

impl fmt::Display for FolderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot write `{}`: ", self.wanted.display())?;
        if self.blocking != self.wanted {
            write!(f, "`{}` ", self.blocking.display())?;
        } else {
            f.write_str("it ")?;
        }
        let owner = self.owner.as_deref().unwrap_or("an unknown user");
        match &self.problem {
            FolderProblem::Denied(e) if e.raw_os_error() == Some(nix::libc::EROFS) => {
                f.write_str("is on a read-only filesystem")
            }
            FolderProblem::Denied(e) => {
                write!(f, "belongs to {owner}, and we run as `{}` ({e})", self.us)
            }
            FolderProblem::NotAFolder => {
                write!(
                    f,
                    "is a file of {owner} where a folder must be (we run as `{}`)",
                    self.us
                )
            }
            FolderProblem::Dangling(target) => {
                write!(f, "is a link to `{}`, which is not there", target.display())
            }
            FolderProblem::Unreachable(e) => {
                write!(f, "cannot be looked at by `{}`: {e}", self.us)
            }
        }
    }
}

impl std::error::Error for FolderError {}

impl FolderError {
    /// What to do about it, where that is known. The text does not have it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match &self.problem {
            FolderProblem::Denied(e) if e.raw_os_error() == Some(nix::libc::EROFS) => Some(
                "mount that filesystem for writing, or name another folder in the configuration"
                    .to_owned(),
            ),
            // What lies above is often everybody's, and nothing to be given away.
            FolderProblem::Denied(_) if self.folder && self.blocking != self.wanted => {
                Some(format!(
                    "make it for `{}`: install -d -o {} {}",
                    self.us,
                    shell_word(&self.us),
                    shell_word(&self.wanted.display().to_string())
                ))
            }
            FolderProblem::Denied(_) => Some(self.way_out().unwrap_or_else(|| {
                // Where one part of a spool is another's, more of it is.
                let whole = Spool::of(&self.blocking).unwrap_or(&self.blocking);
                format!(
                    "run cASO as its owner, or give it to `{}`: {}",
                    self.us,
                    rights::give(whole, &self.us)
                )
            })),
            FolderProblem::NotAFolder => {
                Some("move it away, or name another folder in the configuration".to_owned())
            }
            FolderProblem::Dangling(target) => {
                // A relative one begins where the link is.
                let target = self
                    .blocking
                    .parent()
                    .unwrap_or(&self.blocking)
                    .join(target.as_path());
                let target = target.display().to_string();
                Some(match self.folder || self.blocking != self.wanted {
                    true => format!("mkdir -p {}, or correct the link", shell_word(&target)),
                    false => "correct the link, or remove it".to_owned(),
                })
            }
            FolderProblem::Unreachable(_) => None,
        }
    }

    /// Where it is ours, or its mode is not the reason.
    fn way_out(&self) -> Option<String> {
        let wanted = match self.blocking.is_dir() {
            true => rights::MAKE,
            false => rights::WRITE,
        };
        rights::way_out(&self.blocking, wanted)
    }
}

/// Whether a folder or file can be written, or, where it does not exist yet,
/// made. Creates nothing.
///
/// # Errors
/// With what stands in the way, whose it is and who we are.
pub fn check_writable(path: &Path) -> Result<(), FolderError> {
    check(path, false)
}

/// The same of what must be a folder.
///
/// # Errors
/// As [`check_writable`], and where a file stands there.
pub fn check_folder(path: &Path) -> Result<(), FolderError> {
    check(path, true)
}

fn check(path: &Path, folder: bool) -> Result<(), FolderError> {
    let refuse = |blocking: &Path, problem| FolderError {
        wanted: path.to_owned(),
        folder,
        blocking: blocking.to_owned(),
        problem,
        owner: owner_of(blocking),
        us: us(),
    };
    for place in path.ancestors() {
        // A relative path ends in the empty one, which is where we are.
        let place = if place.as_os_str().is_empty() {
            Path::new(".")
        } else {
            place
        };
        let found = match fs::metadata(place) {
            Ok(found) => found,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                if let Ok(target) = fs::read_link(place) {
                    return Err(refuse(place, FolderProblem::Dangling(Box::new(target))));
                }
                continue;
            }
            // A part of the path is a file, or a folder that we may not
            // enter: the part itself says which.
            Err(e)
                if matches!(
                    e.kind(),
                    io::ErrorKind::NotADirectory | io::ErrorKind::PermissionDenied
                ) =>
            {
                continue;
            }
            Err(e) => return Err(refuse(place, FolderProblem::Unreachable(e))),
        };
        if !found.is_dir() {
            if folder || place != path {
                return Err(refuse(place, FolderProblem::NotAFolder));
            }
            return access(place, AccessFlags::W_OK)
                .map_err(|e| refuse(place, FolderProblem::Denied(e)));
        }
        return access(place, AccessFlags::W_OK | AccessFlags::X_OK)
            .and_then(|()| unnamed_file(place))
            .map_err(|e| refuse(place, FolderProblem::Denied(e)));
    }
    Ok(())
}

fn access(path: &Path, wanted: AccessFlags) -> io::Result<()> {
    faccessat(AT_FDCWD, path, wanted, AtFlags::AT_EACCESS).map_err(io::Error::from)
}

/// The mode bits are not the whole truth (NFS, SELinux): makes a file that has
/// no name, so that not even a kill leaves one. Filesystems that cannot are
/// taken at their word.
fn unnamed_file(folder: &Path) -> io::Result<()> {
    let made = fs::OpenOptions::new()
        .write(true)
        .custom_flags(OFlag::O_TMPFILE.bits())
        .open(folder);
    match made {
        Err(e)
            if matches!(
                e.kind(),
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
            ) =>
        {
            Err(e)
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::other_process;
    use nix::unistd::Uid;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_exists_or_can_be_made_is_writable_and_nothing_is_left() {
        let dir = tempfile::tempdir().unwrap();
        check_writable(dir.path()).unwrap();
        check_writable(&dir.path().join("a/b/c")).unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "x").unwrap();
        check_writable(&file).unwrap();
        let failed = check_folder(&file).unwrap_err();
        assert!(matches!(failed.problem, FolderProblem::NotAFolder));
        check_folder(dir.path()).unwrap();
        check_folder(&dir.path().join("a/b")).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "x");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_in_the_way_is_named_with_owner_and_us() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "x").unwrap();
        let failed = check_writable(&file.join("spool")).unwrap_err();
        assert_eq!(failed.blocking, file);
        assert_eq!(
            failed.to_string(),
            format!(
                "cannot write `{wanted}`: `{file}` is a file of {owner} where a folder must be (we \
                 run as `{us}`)",
                wanted = file.join("spool").display(),
                file = file.display(),
                owner = owner_of(&file).unwrap(),
                us = us(),
            )
        );
    }

    #[test]
    fn a_link_to_nothing_or_to_itself_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let refused = |name: &str, to: &str| {
            let link = dir.path().join(name);
            std::os::unix::fs::symlink(to, &link).unwrap();
            let wanted = [link.clone(), link.join("spool")];
            wanted.map(|wanted| {
                let failed = check_folder(&wanted).unwrap_err();
                assert!(failed.blocking == link || name == "loop", "{failed}");
                failed
            })
        };
        for failed in refused("link", "gone/away") {
            let text = failed.to_string();
            assert!(
                text.ends_with(" is a link to `gone/away`, which is not there"),
                "{text}"
            );
            let target = dir.path().join("gone/away");
            let hint = format!("mkdir -p {}, or correct the link", target.display());
            assert_eq!(failed.hint(), Some(hint));
        }
        for failed in refused("loop", "loop") {
            let FolderProblem::Unreachable(found) = &failed.problem else {
                panic!("{failed}");
            };
            assert_eq!(found.raw_os_error(), Some(nix::libc::ELOOP));
        }
        let failed = check_writable(&dir.path().join("link")).unwrap_err();
        assert_eq!(
            failed.hint().as_deref(),
            Some("correct the link, or remove it")
        );
    }

    /// Whatever else the system says of a place, it is not taken for one that can be made.
    #[test]
    fn a_name_that_is_too_long_cannot_be_written() {
        let dir = tempfile::tempdir().unwrap();
        let long = dir.path().join("a".repeat(300));
        let failed = check_writable(&long).unwrap_err();
        assert_eq!(failed.blocking, long);
        assert!(matches!(failed.problem, FolderProblem::Unreachable(_)));
    }

    #[test]
    fn a_filesystem_without_unnamed_files_is_taken_at_its_word() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        // Of a file the system says what it says of a filesystem that cannot: not that we may not.
        unnamed_file(&file).unwrap();
    }

    #[test]
    fn what_stands_in_the_way_is_said_and_what_to_do() {
        let error = |blocking: &str, problem, owner: Option<&str>| FolderError {
            wanted: "/spool/caso".into(),
            folder: true,
            blocking: blocking.into(),
            problem,
            owner: owner.map(str::to_owned),
            us: "caso".into(),
        };
        let denied = |number| FolderProblem::Denied(io::Error::from_raw_os_error(number));
        // It is not there in this test: else with `-R`.
        let ours = "run cASO as its owner, or give it to `caso`: chown caso /spool/caso";
        let made = "make it for `caso`: install -d -o caso /spool/caso";
        for (failed, text, hint) in [
            (
                error(
                    "/spool",
                    denied(nix::libc::EACCES),
                    Some("`root:root` (mode 0755)"),
                ),
                "cannot write `/spool/caso`: `/spool` belongs to `root:root` (mode 0755), and we \
                 run as `caso` (Permission denied (os error 13))",
                Some(made),
            ),
            (
                error("/spool/caso", denied(nix::libc::EACCES), None),
                "cannot write `/spool/caso`: it belongs to an unknown user, and we run as `caso` \
                 (Permission denied (os error 13))",
                Some(ours),
            ),
            (
                FolderError {
                    wanted: "/spool/caso/caso-journal/segments".into(),
                    ..error(
                        "/spool/caso/caso-journal/segments",
                        denied(nix::libc::EACCES),
                        Some("`root:root` (mode 0700)"),
                    )
                },
                "cannot write `/spool/caso/caso-journal/segments`: it belongs to `root:root` (mode \
                 0700), and we run as `caso` (Permission denied (os error 13))",
                Some(ours),
            ),
            (
                error(
                    "/spool",
                    denied(nix::libc::EROFS),
                    Some("`root:root` (mode 0755)"),
                ),
                "cannot write `/spool/caso`: `/spool` is on a read-only filesystem",
                Some(
                    "mount that filesystem for writing, or name another folder in the configuration",
                ),
            ),
            (
                error(
                    "/spool",
                    FolderProblem::NotAFolder,
                    Some("`root:root` (mode 0644)"),
                ),
                "cannot write `/spool/caso`: `/spool` is a file of `root:root` (mode 0644) where \
                 a folder must be (we run as `caso`)",
                Some("move it away, or name another folder in the configuration"),
            ),
            (
                error(
                    "/spool/caso",
                    FolderProblem::Unreachable(io::Error::from_raw_os_error(nix::libc::ELOOP)),
                    None,
                ),
                "cannot write `/spool/caso`: it cannot be looked at by `caso`: Too many levels of \
                 symbolic links (os error 40)",
                None,
            ),
        ] {
            assert_eq!(failed.to_string(), text);
            assert_eq!(failed.hint().as_deref(), hint);
        }
    }

    /// The other side of `who_may_not_make_a_file_makes_no_unnamed_one`.
    #[test]
    #[ignore = "started by who_may_not_make_a_file_makes_no_unnamed_one"]
    fn makes_an_unnamed_file() {
        other_process::answer(|folder| match unnamed_file(&folder.join("closed")) {
            Ok(()) => "made".into(),
            Err(failed) => failed.kind().to_string(),
        });
    }

    /// Where the mode bits said yes this is what is left to ask.
    #[test]
    fn who_may_not_make_a_file_makes_no_unnamed_one() {
        let dir = tempfile::tempdir().unwrap();
        let closed = dir.path().join("closed");
        fs::create_dir(&closed).unwrap();
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).unwrap();
        let answer =
            other_process::without_rights(dir.path(), "folder::tests::makes_an_unnamed_file");
        assert_eq!(answer, "permission denied");
    }

    /// The other side of `another_users_folder_is_named`, as a user without rights.
    #[test]
    #[ignore = "started by another_users_folder_is_named"]
    fn checks_for_another() {
        other_process::answer(
            |folder| match check_writable(&folder.join("closed/spool")) {
                Ok(()) => "writable".into(),
                Err(failed) => failed.to_string(),
            },
        );
    }

    #[test]
    fn another_users_folder_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let closed = dir.path().join("closed");
        fs::create_dir(&closed).unwrap();
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).unwrap();
        let answer = other_process::without_rights(dir.path(), "folder::tests::checks_for_another");
        assert!(answer.contains("closed"), "{answer}");
        assert!(answer.contains(&owner_of(&closed).unwrap()), "{answer}");
        assert!(answer.contains("we run as"), "{answer}");
        if Uid::effective().is_root() {
            assert!(!answer.contains("we run as `root`"), "{answer}");
        }
    }

    /// The other side of `what_only_another_user_may_enter_is_named`.
    #[test]
    #[ignore = "started by what_only_another_user_may_enter_is_named"]
    fn looks_into_what_is_closed() {
        other_process::answer(
            |folder| match check_writable(&folder.join("closed/in/spool")) {
                Ok(()) => "writable".into(),
                Err(failed) => format!("blocked by {}: {failed}", failed.blocking.display()),
            },
        );
    }

    #[test]
    fn what_only_another_user_may_enter_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let closed = dir.path().join("closed");
        fs::create_dir_all(closed.join("in")).unwrap();
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
        let answer =
            other_process::without_rights(dir.path(), "folder::tests::looks_into_what_is_closed");
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
        let blocked = format!("blocked by {}: ", closed.display());
        assert!(answer.starts_with(&blocked), "{answer}");
    }
}
