//! The spool folder: where everything that must survive lies.

use std::path::{Path, PathBuf};

use caso_disk::{Disk, DiskError};

use crate::folder::{FolderError, check_folder, check_writable};

/// The folders in a spool.
const PARTS: [&str; 4] = ["caso-journal", "caso-cursors", "caso-servers", "caso-runs"];
/// Those in which folders are that are written for many projects.
const SHARED: [&str; 4] = [
    "caso-journal",
    "caso-journal/messengers",
    "caso-journal/quarantine",
    "caso-servers",
];

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
        Spool::check(folder)?;
        let spool = Spool::look(folder, disk);
        spool.disk.create_folder(folder)?;
        Ok(spool)
    }

    /// Whether it could be opened; nothing is made.
    ///
    /// # Errors
    /// As [`Spool::open`].
    pub fn check(folder: &Path) -> Result<(), FolderError> {
        check_folder(folder)?;
        for part in Spool::parts(folder) {
            check_writable(&part)?;
        }
        // One of a project's files that cannot be written costs that project alone; a folder costs all of them.
        for place in SHARED {
            for below in folders_in(&folder.join(place)) {
                check_writable(&below)?;
            }
        }
        Ok(())
    }

    /// The spool in which a path lies; none where it is not in a part of one.
    pub fn of(path: &Path) -> Option<&Path> {
        let part = path.ancestors().find(|place| {
            place
                .file_name()
                .is_some_and(|name| PARTS.iter().any(|part| name == *part))
        })?;
        part.parent()
    }

    /// The folders in it.
    pub fn parts(folder: &Path) -> [PathBuf; 4] {
        PARTS.map(|part| folder.join(part))
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

    pub(crate) fn renamed_file(&self) -> PathBuf {
        self.folder.join("caso-renamed.json")
    }

    /// What waits, noted beside the journal.
    pub fn backlog_file(&self) -> PathBuf {
        self.folder.join("caso-waiting.json")
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

/// What cannot be read is not there, or is found by who reads it.
fn folders_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
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
    use crate::folder::FolderProblem;
    use crate::other_process;
    use proptest::prelude::*;
    use std::os::unix::fs::PermissionsExt;

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
    }

    #[test]
    fn the_spool_is_made_and_a_file_in_its_place_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        Spool::open(&dir.path().join("a/b"), Disk::default()).unwrap();
        assert!(dir.path().join("a/b").is_dir());
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert!(Spool::open(&file, Disk::default()).is_err());
        let failed = Spool::check(&file).unwrap_err();
        assert_eq!(failed.wanted, file);
        assert_eq!(failed.blocking, file);
        assert!(matches!(failed.problem, FolderProblem::NotAFolder));
    }

    /// The other side of `a_part_of_another_user_is_named`, as a user without rights.
    #[test]
    #[ignore = "started by a_part_of_another_user_is_named"]
    fn opens_anothers_spool() {
        other_process::answer(|folder| {
            let refused = |part: std::fs::DirEntry| {
                let failed = Spool::open(&part.path(), Disk::default()).unwrap_err();
                let SpoolError::Folder(failed) = failed else {
                    panic!("{failed}");
                };
                let place = failed.blocking.strip_prefix(folder).unwrap();
                place.display().to_string()
            };
            let spools = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
            let mut refused: Vec<String> = spools.map(refused).collect();
            refused.sort();
            refused.join(" ")
        });
    }

    /// A run by hand as root made that part of it.
    #[test]
    fn a_part_of_another_user_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let mode = std::fs::Permissions::from_mode;
        for (spool, part) in [
            ("a", "caso-cursors"),
            ("b", "caso-journal"),
            ("c", "caso-runs"),
            ("d", "caso-servers"),
            ("e", "caso-servers/default"),
            ("f", "caso-journal/segments"),
            ("g", "caso-journal/messengers/ssm"),
            ("h", "caso-journal/quarantine/mapper"),
        ] {
            let part = dir.path().join(spool).join(part);
            std::fs::create_dir_all(&part).unwrap();
            std::fs::set_permissions(&part, mode(0o555)).unwrap();
            for above in part.ancestors().skip(1).take_while(|it| *it != dir.path()) {
                std::fs::set_permissions(above, mode(0o777)).unwrap();
            }
        }
        let answer =
            other_process::without_rights(dir.path(), "spool::tests::opens_anothers_spool");
        assert_eq!(
            answer,
            "a/caso-cursors b/caso-journal c/caso-runs d/caso-servers e/caso-servers/default \
             f/caso-journal/segments g/caso-journal/messengers/ssm h/caso-journal/quarantine/mapper"
        );
    }

    /// A later version, and cASO for Python, look for them there.
    #[test]
    fn everything_has_its_place() {
        let spool = Spool::look(Path::new("/spool"), Disk::default());
        assert_eq!(spool.folder(), Path::new("/spool"));
        for (path, place) in [
            (spool.journal_folder(), "caso-journal"),
            (spool.failures_file(), "caso-failures.json"),
            (spool.lastruns_file(), "caso-lastruns.json"),
            (spool.ledger_folder(), "caso-runs"),
            (spool.backlog_file(), "caso-waiting.json"),
            (spool.cursors_folder(), "caso-cursors"),
            (spool.servers_folder(), "caso-servers"),
            (spool.cursor_file("a/b"), "caso-cursors/a%2Fb.json"),
            (spool.lastrun_file("a b").unwrap(), "lastrun.a b"),
            (spool.global_lastrun_file(), "lastrun"),
        ] {
            assert_eq!(path, Path::new("/spool").join(place));
        }
    }

    #[test]
    fn a_file_of_a_part_is_in_its_spool() {
        for path in ["/a/spool/caso-journal/segments/1.seg", "/a/spool/caso-runs"] {
            assert_eq!(Spool::of(Path::new(path)), Some(Path::new("/a/spool")));
        }
        assert_eq!(Spool::of(Path::new("/a/spool/lastrun")), None);
    }

    #[test]
    fn a_name_that_is_too_long_for_a_file_has_no_lastrun() {
        let spool = Spool::look(Path::new("/spool"), Disk::default());
        assert!(spool.lastrun_file(&"a".repeat(240)).is_some());
        assert!(spool.lastrun_file(&"a".repeat(241)).is_none());
    }

    /// A file that an earlier run wrote is found again under the name that it had.
    #[test]
    fn names_are_what_they_were() {
        let longest = "a".repeat(180);
        for (text, name) in [
            ("", "%"),
            ("a-b_c.d", "a-b_c.d"),
            ("..", "%2E."),
            ("ops vo/a", "ops%20vo%2Fa"),
            ("é%@", "%C3%A9%25%40"),
            (longest.as_str(), longest.as_str()),
        ] {
            assert_eq!(file_name_for(text), name);
        }
        let longer = "a".repeat(181);
        let digest = caso_base::digest::sha256_hex(longer.as_bytes());
        let name = format!("{}%%{digest}", "a".repeat(100));
        assert_eq!(file_name_for(&longer), name);
    }
}
