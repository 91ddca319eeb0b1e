//! What keeps us from a file or folder that is there: whose it is and who we are, its mode, or what no mode shows.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use nix::unistd::{Gid, Group, Uid, User, getgroups};

use crate::shell::shell_word;

/// The right to read, of a file; as one of the three digits of a mode.
pub const READ: u32 = 0o4;
/// The right to write, of a file.
pub const WRITE: u32 = 0o2;
/// The rights to make files in a folder, and to go through it.
pub const MAKE: u32 = 0o3;

/// What to do about a place that denies one of these rights to us: none where it is somebody else's, and its mode
/// says so.
#[must_use]
pub fn way_out(path: &Path, wanted: u32) -> Option<String> {
    let found = fs::metadata(path).ok()?;
    let groups = getgroups().unwrap_or_default();
    let (user, group) = (Uid::effective(), Gid::effective());
    let in_group = |gid: u32| gid == group.as_raw() || groups.contains(&Gid::from_raw(gid));
    let is_ours = found.uid() == user.as_raw();
    let digit = match (is_ours, in_group(found.gid())) {
        (true, _) => found.mode() >> 6,
        (false, true) => found.mode() >> 3,
        (false, false) => found.mode(),
    };
    let path = path.display().to_string();
    let path = shell_word(&path);
    if digit & wanted == wanted || user.is_root() {
        return Some(format!(
            "its mode allows it, so that something else denies it: SELinux (`ls -Z {path}`, `ausearch -m avc -ts recent`), AppArmor, or \
             `ReadWritePaths=` of the systemd unit"
        ));
    }
    is_ours.then(|| match found.is_dir() {
        true => format!("chmod -R u+rwX {path}"),
        false => format!("chmod u+rw {path}"),
    })
}

/// What denies a path to us: prints as "`/a/b` belongs to `root:root` (mode 0600), and we run as `caso`".
#[derive(Debug, PartialEq, Eq)]
pub struct Denied {
    /// The path, or the nearest folder above it that can be looked at.
    pub at: PathBuf,
    /// Its user, group and mode.
    pub owner: String,
    /// The name of the user whose rights we have.
    pub us: String,
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (at, owner, us) = (self.at.display(), &self.owner, &self.us);
        write!(f, "`{at}` belongs to {owner}, and we run as `{us}`")
    }
}

impl Denied {
    /// None where the system's reason is another one.
    #[must_use]
    pub fn of(path: &Path, reason: &io::Error) -> Option<Denied> {
        if reason.kind() != io::ErrorKind::PermissionDenied {
            return None;
        }
        // A relative path ends in the empty one, which is where we are.
        let places = path
            .ancestors()
            .map(|place| match place.as_os_str().is_empty() {
                true => Path::new("."),
                false => place,
            });
        let found = |place: &Path| Some((place.to_owned(), owner_of(place)?));
        let (at, owner) = places.into_iter().find_map(found)?;
        Some(Denied {
            at,
            owner,
            us: us(),
        })
    }

    /// What to do where it is ours, or its mode is not the reason. `of_file` is the right that is wanted if it is no
    /// folder.
    #[must_use]
    pub fn way_out(&self, of_file: u32) -> Option<String> {
        let wanted = match self.at.is_dir() {
            true => READ | MAKE,
            false => of_file,
        };
        way_out(&self.at, wanted)
    }
}

/// The name of the user whose rights we have.
#[must_use]
pub fn us() -> String {
    user_name(Uid::effective())
}

/// Its user, group and mode, as "`root:root` (mode 0755)", where they can be read.
#[must_use]
pub fn owner_of(path: &Path) -> Option<String> {
    let found = fs::metadata(path)
        .or_else(|_| fs::symlink_metadata(path))
        .ok()?;
    let gid = Gid::from_raw(found.gid());
    let group = Group::from_gid(gid)
        .ok()
        .flatten()
        .map_or_else(|| gid.to_string(), |group| group.name);
    let user = user_name(Uid::from_raw(found.uid()));
    Some(format!(
        "`{user}:{group}` (mode {:04o})",
        found.mode() & 0o7777
    ))
}

/// The user to whom it belongs, where that can be read and is not us.
#[must_use]
pub fn another_owner(path: &Path) -> Option<String> {
    let owner = Uid::from_raw(fs::metadata(path).ok()?.uid());
    (owner != Uid::effective()).then(|| user_name(owner))
}

/// The command that gives it to a user, with all that is in it. Its group is left alone: that of a queue's folder is
/// what lets ssmsend in.
#[must_use]
pub fn give(path: &Path, user: &str) -> String {
    let all = match path.is_dir() {
        true => "-R ",
        false => "",
    };
    let path = path.display().to_string();
    format!("chown {all}{} {}", shell_word(user), shell_word(&path))
}

/// A user's name, or number.
#[must_use]
pub fn user_name(uid: Uid) -> String {
    User::from_uid(uid)
        .ok()
        .flatten()
        .map_or_else(|| uid.to_string(), |user| user.name)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn ours_is_opened_and_what_is_open_already_is_denied_by_something_else() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("its own");
        fs::write(&file, "").unwrap();
        let told = |path: &Path, mode, wanted| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
            way_out(path, wanted).unwrap()
        };
        assert!(told(&file, 0o600, WRITE).contains("SELinux"));
        assert!(told(dir.path(), 0o700, MAKE).contains("ReadWritePaths="));
        // To root no mode denies anything.
        if !Uid::effective().is_root() {
            assert_eq!(
                told(&file, 0o400, WRITE),
                format!("chmod u+rw '{}'", file.display())
            );
            assert_eq!(
                told(dir.path(), 0o555, MAKE),
                format!("chmod -R u+rwX {}", dir.path().display())
            );
            told(dir.path(), 0o700, MAKE);
        }
        assert_eq!(way_out(&dir.path().join("none"), READ), None);
    }

    #[test]
    fn users_and_groups_have_their_names_or_numbers() {
        assert_eq!(user_name(Uid::from_raw(0)), "root");
        assert_eq!(user_name(Uid::from_raw(4_000_000_000)), "4000000000");
        assert_eq!(us(), user_name(Uid::effective()));
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        let gid = Gid::from_raw(fs::metadata(&file).unwrap().gid());
        let group = Group::from_gid(gid).unwrap();
        let group = group.map_or_else(|| gid.to_string(), |group| group.name);
        let owner = format!("`{}:{group}` (mode 0640)", user_name(Uid::effective()));
        assert_eq!(owner_of(&file), Some(owner));
        assert_eq!(owner_of(&dir.path().join("nothing")), None);
        assert_eq!(another_owner(&file), None);
    }

    #[test]
    fn what_denies_a_path_is_the_nearest_that_can_be_seen() {
        let dir = tempfile::tempdir().unwrap();
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        let told = Denied::of(&dir.path().join("not/there"), &denied).unwrap();
        assert_eq!(told.at, dir.path());
        let (at, us) = (dir.path().display(), us());
        let owner = owner_of(dir.path()).unwrap();
        assert_eq!(
            told.to_string(),
            format!("`{at}` belongs to {owner}, and we run as `{us}`")
        );
        assert!(told.way_out(READ).unwrap().contains("SELinux"));
        assert_eq!(
            Denied::of(Path::new("none"), &denied).unwrap().at,
            Path::new(".")
        );
        let other = io::Error::from(io::ErrorKind::NotFound);
        assert_eq!(Denied::of(dir.path(), &other), None);
    }

    #[test]
    fn a_folder_is_given_with_all_that_is_in_it() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().display();
        assert_eq!(give(dir.path(), "caso"), format!("chown -R caso {folder}"));
        let file = dir.path().join("a b");
        assert_eq!(give(&file, "caso"), format!("chown caso '{folder}/a b'"));
    }
}
