//! Small files replaced as a whole: old text or new text, never a mixture.
//!
//! cASO wrote lastrun in place; a crash left it empty and the project was
//! skipped for ever. Here the new text goes to `.NAME.tmp` beside the target,
//! is synced, renamed over the target, and the folder is synced.
//!
//! - The target is on another filesystem (a symbolic link leads there): the
//!   link is followed first, so the temporary lies beside the real file.
//! - The filesystem has no hard links: none is used.
//! - It cannot sync a folder: see [`Disk::sync_folder`].
//! - The file belongs to somebody else (root runs us once, or Python ran as
//!   another user): the new file gets the owner and mode of the old one where
//!   we may give them, so that the other program can still write it. A new one
//!   gets its folder's (`owner`).

use std::fs;
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::{Path, PathBuf};

use crate::disk::{Disk, DiskError, DiskFile, Step};

/// The name of a file's temporary. Fixed, as there is one writer: what a kill
/// leaves is overwritten by the next write.
fn temporary(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".tmp");
    path.with_file_name(name)
}

impl Disk {
    /// Replaces a file by `bytes`.
    pub fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), DiskError> {
        self.replace_with(path, |file| file.write(bytes))
    }

    /// Replaces a file by what `fill` writes.
    pub fn replace_with<E: From<DiskError>>(
        &self,
        path: &Path,
        fill: impl FnOnce(&mut DiskFile) -> Result<(), E>,
    ) -> Result<(), E> {
        let written = self.write_beside(path, fill)?;
        written.file.sync_all()?;
        let target = written.name()?;
        match target.parent() {
            Some(folder) => Ok(self.sync_folder(folder)?),
            None => Ok(()),
        }
    }

    /// Writes what is to replace a file, beside it, and syncs nothing.
    pub fn write_beside<E: From<DiskError>>(
        &self,
        path: &Path,
        fill: impl FnOnce(&mut DiskFile) -> Result<(), E>,
    ) -> Result<Beside, E> {
        let target = real_target(path).map_err(|e| DiskError::new(Step::Open, path, e))?;
        let file = self.create(&temporary(&target))?;
        keep_owner_and_mode(&target, &file);
        let mut written = Beside { file, target };
        // Dropped after a failure.
        fill(&mut written.file)?;
        Ok(written)
    }
}

/// What is to replace a file, written and not yet synced. Dropped it was never there.
#[derive(Debug)]
pub struct Beside {
    file: DiskFile,
    /// Where it goes.
    target: PathBuf,
}

impl Beside {
    /// A file that was written under another name than its own.
    pub fn new(file: DiskFile, target: PathBuf) -> Self {
        Beside { file, target }
    }

    /// The file that has to be synced.
    pub fn file(&self) -> &DiskFile {
        &self.file
    }

    /// The folder that has to be synced once it has its name.
    pub fn folder(&self) -> PathBuf {
        self.target.parent().map(Path::to_owned).unwrap_or_default()
    }

    /// Gives it its name, and answers that.
    ///
    /// # Errors
    /// The file in its place stands as it was.
    pub fn name(self) -> Result<PathBuf, DiskError> {
        self.file.rename_to(&self.target)?;
        Ok(self.target.clone())
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // Best effort: the next write overwrites it anyway.
        if self.file.path().exists() {
            let _ = self.file.remove();
        }
    }
}

fn real_target(path: &Path) -> std::io::Result<PathBuf> {
    let is_link = fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
    if is_link {
        fs::canonicalize(path)
    } else {
        Ok(path.to_owned())
    }
}

/// Neither is a reason to fail: without the right to give a file away it is
/// ours, and the folder lets us replace it again.
fn keep_owner_and_mode(target: &Path, file: &DiskFile) {
    let Ok(old) = fs::metadata(target) else {
        return;
    };
    let new = file.inner().metadata().ok();
    if new.is_none_or(|new| (new.uid(), new.gid()) != (old.uid(), old.gid())) {
        let _ = fchown(file.inner(), Some(old.uid()), Some(old.gid()));
    }
    let _ = file.inner().set_permissions(old.permissions());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::{At, End};
    use std::os::unix::fs::PermissionsExt;

    /// NFS: the answer is lost, the call is sent again, and finds no file of the old name.
    #[test]
    fn a_rename_that_was_done_and_answered_with_an_error_was_done() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        fs::write(&path, "old").unwrap();
        let beside = || {
            let fill = |file: &mut DiskFile| file.write(b"new text");
            Disk::default().write_beside::<DiskError>(&path, fill)
        };
        let written = beside().unwrap();
        fs::rename(temporary(&path), &path).unwrap();
        assert_eq!(written.name().unwrap(), path);
        assert_eq!(fs::read_to_string(&path).unwrap(), "new text");
        // Gone, and not there.
        let written = beside().unwrap();
        fs::remove_file(temporary(&path)).unwrap();
        assert_eq!(written.name().unwrap_err().step, Step::Rename);
    }

    #[test]
    fn at_every_kill_the_file_is_old_or_new() {
        let counted = At::never();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        fs::write(&path, "old").unwrap();
        counted.disk().replace(&path, b"new text").unwrap();
        let steps: Vec<Step> = counted.steps.lock().unwrap().iter().map(|s| s.0).collect();
        assert_eq!(
            steps,
            [
                Step::Create,
                Step::Write,
                Step::SyncFile,
                Step::Rename,
                Step::SyncFolder
            ]
        );
        for end in [End::Kill, End::Torn, End::FullOnce] {
            for at in 0..counted.seen() {
                fs::write(&path, "old").unwrap();
                let failed = At::new(end, at).disk().replace(&path, b"new text").is_err();
                let text = fs::read_to_string(&path).unwrap();
                let expected = if at <= 3 && failed { "old" } else { "new text" };
                assert_eq!(text, expected, "{end:?} at {at}");
                Disk::default().replace(&path, b"again").unwrap();
                assert_eq!(fs::read_to_string(&path).unwrap(), "again");
                assert!(!temporary(&path).exists());
            }
        }
    }

    #[test]
    fn a_link_stays_a_link_and_the_mode_stays() {
        let dir = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let real = elsewhere.path().join("real");
        fs::write(&real, "old").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o664)).unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&real, &link).unwrap();
        Disk::default().replace(&link, b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&real).unwrap(), "new");
        assert_eq!(
            fs::metadata(&real).unwrap().permissions().mode() & 0o777,
            0o664
        );
    }

    /// What could not be written, or was given up, is not found beside the file later.
    #[test]
    fn what_is_dropped_was_never_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        fs::write(&path, "old").unwrap();
        let disk = Disk::default();
        let names = || {
            let entries = fs::read_dir(dir.path()).unwrap();
            entries.map(|e| e.unwrap().file_name()).collect::<Vec<_>>()
        };
        let written = disk
            .write_beside::<DiskError>(&path, |file| file.write(b"new"))
            .unwrap();
        assert_eq!(names().len(), 2);
        drop(written);
        assert_eq!(names(), ["f"]);
        let full = |_: &mut DiskFile| {
            let reason = std::io::ErrorKind::StorageFull;
            Err(DiskError::new(Step::Write, &path, reason.into()))
        };
        assert!(disk.replace_with(&path, full).unwrap_err().is_full());
        assert_eq!(names(), ["f"]);
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    }

    /// As root each of them is given to the one who had the file; as anybody else there is only
    /// one whose they can be.
    #[test]
    fn a_new_text_belongs_to_the_one_whose_the_old_one_was() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        fs::write(&path, "old").unwrap();
        let found = || {
            let found = fs::metadata(&path).unwrap();
            (found.uid(), found.gid())
        };
        let (user, group) = found();
        let owners = match user {
            0 => vec![(12_345, group), (user, 12_345), (12_345, 54_321)],
            _ => vec![(user, group)],
        };
        for owner in owners {
            std::os::unix::fs::chown(&path, Some(owner.0), Some(owner.1)).unwrap();
            Disk::default().replace(&path, b"new").unwrap();
            assert_eq!(found(), owner);
        }
    }
}
