//! Whose a new file is.
//!
//! Somebody who looks into a failure by hand runs cASO once as root. What that run
//! makes in the spool, or in a queue, would lock out the service user in every run
//! after it. So what root makes in somebody's folder is that somebody's.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, chown, fchown};
use std::path::Path;

use crate::disk::or_here;

/// Gives a new file to the owner of its folder, where that is somebody else and we may.
pub(crate) fn inherit(file: &File, path: &Path) {
    let own = file.metadata().ok().map(|found| found.uid());
    if let Some((user, group)) = other_owner_above(path, own) {
        // Without the right to give it away it stays ours.
        let _ = fchown(file, Some(user), Some(group));
    }
}

/// The same for a new folder.
pub(crate) fn inherit_folder(path: &Path) {
    let own = fs::metadata(path).ok().map(|found| found.uid());
    if let Some((user, group)) = other_owner_above(path, own) {
        let _ = chown(path, Some(user), Some(group));
    }
}

/// User and group of the folder that `path` lies in, where it is not `own`'s. What
/// belongs to root above is no reason: only root could have made it.
fn other_owner_above(path: &Path, own: Option<u32>) -> Option<(u32, u32)> {
    let above = fs::metadata(or_here(path.parent()?)).ok()?;
    let other = own.is_some_and(|own| own != above.uid()) && above.uid() != 0;
    other.then(|| (above.uid(), above.gid()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Disk;

    /// Whoever runs the tests: as root the owner is given, as anybody else nothing changes.
    #[test]
    fn what_root_makes_in_a_service_users_folder_is_the_service_users() {
        let dir = tempfile::tempdir().unwrap();
        let spool = dir.path().join("spool");
        fs::create_dir(&spool).unwrap();
        let root = fs::metadata(&spool).unwrap().uid() == 0;
        let service = if root {
            65534
        } else {
            fs::metadata(&spool).unwrap().uid()
        };
        if root {
            chown(&spool, Some(service), Some(service)).unwrap();
        }
        let disk = Disk::default();
        disk.create_folder(&spool.join("a/b")).unwrap();
        disk.append_lines(&spool.join("a/b/x.ack")).unwrap();
        disk.create_new(&spool.join("a/b/x.open")).unwrap();
        disk.replace(&spool.join("a/b/x.json"), b"{}").unwrap();
        for made in ["a", "a/b", "a/b/x.ack", "a/b/x.open", "a/b/x.json"] {
            let found = fs::metadata(spool.join(made)).unwrap();
            assert_eq!(found.uid(), service, "{made}");
        }
        // What is there keeps its owner.
        if root {
            let old = spool.join("a/b/x.json");
            chown(&old, Some(12_345), Some(12_345)).unwrap();
            disk.replace(&old, b"[]").unwrap();
            assert_eq!(fs::metadata(&old).unwrap().uid(), 12_345);
        }
    }

    /// Only root could have made what belongs to root above; and who has a file already keeps it.
    #[test]
    fn nobody_else_is_given_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let above = fs::metadata(dir.path()).unwrap();
        let (own, group) = (above.uid(), above.gid());
        let path = dir.path().join("f");
        assert_eq!(other_owner_above(&path, Some(own)), None);
        assert_eq!(other_owner_above(&path, None), None);
        let other = (own != 0).then_some((own, group));
        assert_eq!(other_owner_above(&path, Some(own + 1)), other);
        if own == 0 {
            chown(dir.path(), Some(12_345), Some(54_321)).unwrap();
            let other = Some((12_345, 54_321));
            assert_eq!(other_owner_above(&path, Some(0)), other);
            assert_eq!(other_owner_above(&path, Some(7)), other);
            assert_eq!(other_owner_above(&path, Some(12_345)), None);
        }
        // A relative name lies where we are.
        let here = fs::metadata(".").unwrap();
        let other = (here.uid() != 0).then_some((here.uid(), here.gid()));
        assert_eq!(
            other_owner_above(Path::new("f"), Some(here.uid() + 1)),
            other
        );
    }
}
