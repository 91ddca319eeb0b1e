//! The spool folder: where everything that must survive lies.

use std::path::{Path, PathBuf};

use caso_disk::{Disk, DiskError};

use crate::folder::{FolderError, check_writable};

/// The folder named by `spooldir`.
#[derive(Debug, Clone)]
pub struct Spool {
    folder: PathBuf,
    disk: Disk,
}

/// Why the spool cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// We may not write it.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// It could not be made.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

impl Spool {
    /// A spool to write to; made if it does not exist.
    ///
    /// # Errors
    /// We may not write there: the text names path, owner and our user.
    pub fn open(folder: &Path, disk: Disk) -> Result<Spool, SpoolError> {
        check_writable(folder)?;
        let spool = Spool::look(folder, disk);
        spool.disk.create_folder(folder)?;
        // A file of that name passes the check of a file.
        Spool::check(folder)?;
        Ok(spool)
    }

    /// Whether it could be opened; nothing is made.
    ///
    /// # Errors
    /// As [`Spool::open`].
    pub fn check(folder: &Path) -> Result<(), FolderError> {
        check_writable(folder)?;
        for part in ["caso-journal", "caso-cursors", "caso-servers", "caso-runs"] {
            check_writable(&folder.join(part))?;
        }
        Ok(())
    }

    /// A spool to read from, as a dry run does: nothing is checked or made.
    pub fn look(folder: &Path, disk: Disk) -> Spool {
        Spool {
            folder: folder.to_owned(),
            disk,
        }
    }

    /// The folder itself.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The door through which everything in it is written.
    pub fn disk(&self) -> &Disk {
        &self.disk
    }

    /// Where the journal lies.
    pub fn journal_folder(&self) -> PathBuf {
        self.folder.join("caso-journal")
    }

    pub(crate) fn failures_file(&self) -> PathBuf {
        self.folder.join("caso-failures.json")
    }

    pub(crate) fn lastruns_file(&self) -> PathBuf {
        self.folder.join("caso-lastruns.json")
    }

    pub(crate) fn ledger_folder(&self) -> PathBuf {
        self.folder.join("caso-runs")
    }

    pub(crate) fn cursors_folder(&self) -> PathBuf {
        self.folder.join("caso-cursors")
    }

    pub(crate) fn servers_folder(&self) -> PathBuf {
        self.folder.join("caso-servers")
    }

    pub(crate) fn cursor_file(&self, project: &str) -> PathBuf {
        self.cursors_folder()
            .join(format!("{}.json", file_name_for(project)))
    }

    /// `lastrun.<name>`; none for a name that cannot be part of a file's name.
    /// Python would have needed a folder `lastrun.a` for a project `a/b`, so
    /// nothing is lost by not looking there, and nothing escapes the spool.
    pub(crate) fn lastrun_file(&self, name: &str) -> Option<PathBuf> {
        let fits = !name.is_empty() && name.len() <= 240 && !name.contains(['/', '\0']);
        fits.then(|| self.folder.join(format!("lastrun.{name}")))
    }

    /// The one file of all projects that cASO wrote up to 1.4.0.
    pub(crate) fn global_lastrun_file(&self) -> PathBuf {
        self.folder.join("lastrun")
    }
}

/// A file's name for any text: letters, digits, `-`, `_` and inner dots stay,
/// other bytes become `%XX`. What grows too long ends in a digest instead.
/// Different texts give different names, and none leaves its folder.
pub fn file_name_for(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for (at, byte) in text.bytes().enumerate() {
        let plain =
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') || (byte == b'.' && at > 0);
        if plain {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("%{byte:02X}"));
        }
    }
    if name.is_empty() {
        return "%".into();
    }
    if name.len() > 180 {
        // `%%` never comes out of the rule above, so these are apart.
        name.truncate(100);
        name.push_str("%%");
        name.push_str(&caso_base::digest::sha256_hex(text.as_bytes()));
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn names_stay_in_their_folder_and_apart(a in ".*", b in ".{0,300}") {
            for text in [&a, &b] {
                let name = file_name_for(text);
                prop_assert!(name.len() <= 200);
                prop_assert!(!name.starts_with('.'));
                prop_assert!(!name.contains(['/', '\0']));
                prop_assert!(!name.is_empty());
            }
            prop_assert_eq!(a == b, file_name_for(&a) == file_name_for(&b));
        }
    }

    #[test]
    fn odd_projects_have_no_lastrun_outside_the_spool() {
        let spool = Spool::look(Path::new("/spool"), Disk::default());
        for name in ["", "a/b", "../../etc/x", "a\0b"] {
            assert!(spool.lastrun_file(name).is_none());
        }
        assert_eq!(
            spool.lastrun_file("..").unwrap(),
            Path::new("/spool/lastrun...")
        );
        assert_eq!(file_name_for(".."), "%2E.");
        assert_eq!(file_name_for("ops vo/a"), "ops%20vo%2Fa");
    }

    #[test]
    fn the_spool_is_made_and_a_file_in_its_place_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        Spool::open(&dir.path().join("a/b"), Disk::default()).unwrap();
        assert!(dir.path().join("a/b").is_dir());
        std::fs::write(dir.path().join("file"), "").unwrap();
        assert!(Spool::open(&dir.path().join("file"), Disk::default()).is_err());
    }
}
