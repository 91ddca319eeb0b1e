//! What keeps us from a file or folder that is there: its mode, or what no mode shows.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use nix::unistd::{Gid, Uid, getgroups};

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
}
