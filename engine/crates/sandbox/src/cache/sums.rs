//! Compiled code as it was when it was put there.
//!
//! wasmtime's cache has no checksum of its own, and runs what it finds: a bit that
//! flipped on the disk, or a block that a power cut left empty, is a program that
//! crashes in each run, or one that writes wrong records. So the SHA-256 of each file
//! is noted beside the cache, and what is not as noted is removed before wasmtime
//! looks: it is compiled anew. Damage is what this is about; whoever could write there
//! could write the notes as well, and is kept out by [`super::CacheChoice`].

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use caso_base::digest::sha256_hex;
use caso_base::regular;

/// The files of a cache and what they should be.
#[derive(Debug)]
pub struct Sums {
    /// The cache's folder.
    folder: PathBuf,
    /// The notes: a line a file, `SHA-256  PATH`, as sha256sum writes it.
    file: PathBuf,
    /// By the path below the folder.
    noted: Mutex<BTreeMap<String, String>>,
}

/// What wasmtime has in its folder besides compiled code: how often that was used, and
/// what is being written.
const NO_CODE: [&str; 3] = [".stats", ".lock", "wip-"];
/// That a component was compiled within its limits: it is not, once its code is gone.
pub const WITHIN_LIMITS: &str = "compiled-";

/// Where it is noted of a cache, beside it.
pub fn file(folder: &Path) -> PathBuf {
    folder.with_extension("sums")
}

impl Sums {
    /// Reads what was noted of the cache in `folder`, and removes what is not as it
    /// was: never noted, or damaged since. Returns the damaged files beside it.
    ///
    /// # Errors
    /// A file can be neither read nor removed: the cache is not to be used.
    pub fn check(folder: &Path) -> io::Result<(Self, Vec<PathBuf>)> {
        let file = file(folder);
        let mut noted = read(&file)?;
        let mut damaged = Vec::new();
        let found = files(folder)?;
        let before = noted.len();
        noted.retain(|name, _| found.contains(name));
        // Of code that somebody removed, wasmtime among them, nobody knows whose it was.
        let mut removed = noted.len() < before;
        for name in found {
            let path = folder.join(&name);
            let sum = sha256_hex(&std::fs::read(&path)?);
            if noted.get(&name) == Some(&sum) {
                continue;
            }
            std::fs::remove_file(&path)?;
            removed = true;
            if noted.remove(&name).is_some() {
                damaged.push(path);
            }
        }
        if removed {
            forget_limits(folder)?;
            write(&file, &noted)?;
        }
        let sums = Self {
            folder: folder.to_owned(),
            file,
            noted: Mutex::new(noted),
        };
        Ok((sums, damaged))
    }

    /// Notes what was compiled since, and closes it to others: wasmtime and the process that compiles make
    /// their files as the umask has it.
    ///
    /// # Errors
    /// The notes cannot be written; what they lack is compiled anew by the next run.
    pub fn note(&self) -> io::Result<()> {
        close(&self.folder)?;
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let mut new = files(&self.folder)?;
        new.retain(|name| !noted.contains_key(name));
        if new.is_empty() {
            return Ok(());
        }
        // Another process may have noted something since.
        for (name, sum) in read(&self.file)? {
            noted.entry(name).or_insert(sum);
        }
        for name in new {
            if let Entry::Vacant(unnoted) = noted.entry(name) {
                let sum = sha256_hex(&std::fs::read(self.folder.join(unnoted.key()))?);
                unnoted.insert(sum);
            }
        }
        write(&self.file, &noted)
    }
}

fn write(file: &Path, noted: &BTreeMap<String, String>) -> io::Result<()> {
    let beside = file.parent().unwrap_or(Path::new("."));
    let mut new = tempfile::NamedTempFile::new_in(beside)?;
    for (name, sum) in noted {
        writeln!(new, "{sum}  {name}")?;
    }
    new.persist(file)?;
    Ok(())
}

/// Without notes, none: lines that are none are dropped, with what they were about.
fn read(file: &Path) -> io::Result<BTreeMap<String, String>> {
    let bytes = match regular::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(error),
    };
    let text = String::from_utf8_lossy(&bytes);
    let line = |line: &str| {
        let (sum, name) = line.split_once("  ")?;
        Some((name.to_owned(), sum.to_owned()))
    };
    Ok(text.lines().filter_map(line).collect())
}

/// Files of compiled code, by their paths below the folder. One that goes meanwhile
/// is none.
fn files(folder: &Path) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(place) = folders.pop() {
        let entries = match std::fs::read_dir(&place) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else if !NO_CODE.iter().any(|part| name.contains(part))
                && !name.starts_with(WITHIN_LIMITS)
                && let Some(name) = path.strip_prefix(folder).ok().and_then(Path::to_str)
            {
                found.push(name.to_owned());
            }
        }
    }
    Ok(found)
}

/// Takes from others what they may do with what is in the folder. What goes meanwhile is closed.
fn close(folder: &Path) -> io::Result<()> {
    let gone = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return gone(error),
    };
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        let meta = match entry.metadata() {
            Ok(meta) => meta,
            Err(error) => {
                gone(error)?;
                continue;
            }
        };
        if meta.mode() & super::OTHERS_WRITE != 0 {
            let ours = Permissions::from_mode(meta.mode() & 0o700);
            std::fs::set_permissions(&path, ours).or_else(gone)?;
        }
        if meta.is_dir() {
            close(&path)?;
        }
    }
    Ok(())
}

fn forget_limits(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_string_lossy().starts_with(WITHIN_LIMITS) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("wasm");
        std::fs::create_dir_all(folder.join("modules/v")).unwrap();
        for name in [
            "modules/v/a",
            "modules/v/b",
            "modules/v/a.stats",
            "compiled-x",
        ] {
            std::fs::write(folder.join(name), name).unwrap();
        }
        (dir, folder)
    }

    #[test]
    fn what_is_as_noted_stays_and_what_is_not_goes() {
        let (_dir, folder) = cache();
        // Nobody vouches for what was there before there were notes.
        let (sums, damaged) = Sums::check(&folder).unwrap();
        assert!(damaged.is_empty());
        assert_eq!(files(&folder).unwrap(), [""; 0]);
        assert!(folder.join("modules/v/a.stats").exists() && !folder.join("compiled-x").exists());

        for name in ["a", "b"] {
            std::fs::write(folder.join("modules/v").join(name), name).unwrap();
        }
        std::fs::write(folder.join("compiled-y"), "").unwrap();
        sums.note().unwrap();
        let (_, damaged) = Sums::check(&folder).unwrap();
        assert_eq!((damaged.len(), files(&folder).unwrap().len()), (0, 2));
        assert!(folder.join("compiled-y").exists());

        std::fs::write(folder.join("modules/v/b"), "c").unwrap();
        let (sums, damaged) = Sums::check(&folder).unwrap();
        assert_eq!(damaged, [folder.join("modules/v/b")]);
        assert_eq!(files(&folder).unwrap(), ["modules/v/a"]);
        assert!(!folder.join("compiled-y").exists());

        // What was compiled anew counts from then on, and what is gone no more.
        std::fs::write(folder.join("modules/v/b"), "c").unwrap();
        std::fs::remove_file(folder.join("modules/v/a")).unwrap();
        sums.note().unwrap();
        let (_, damaged) = Sums::check(&folder).unwrap();
        assert_eq!((damaged.len(), files(&folder).unwrap().len()), (0, 1));
    }

    /// Its code would be made anew here, by no process of its own and without limits.
    #[test]
    fn what_is_gone_was_not_compiled_within_its_limits() {
        let (_dir, folder) = cache();
        let (sums, _) = Sums::check(&folder).unwrap();
        std::fs::write(folder.join("modules/v/a"), "a").unwrap();
        std::fs::write(folder.join("compiled-y"), "").unwrap();
        sums.note().unwrap();
        std::fs::remove_file(folder.join("modules/v/a")).unwrap();
        for _ in 0..2 {
            let (_, damaged) = Sums::check(&folder).unwrap();
            assert!(damaged.is_empty());
            assert!(!folder.join("compiled-y").exists());
        }
        // Said once: what is compiled after that stays noted.
        std::fs::write(folder.join("compiled-y"), "").unwrap();
        Sums::check(&folder).unwrap();
        assert!(folder.join("compiled-y").exists());
    }

    #[test]
    fn damaged_notes_vouch_for_nothing() {
        let (_dir, folder) = cache();
        let (sums, _) = Sums::check(&folder).unwrap();
        std::fs::write(folder.join("modules/v/a"), "a").unwrap();
        sums.note().unwrap();
        let notes = folder.with_extension("sums");
        let text = std::fs::read(&notes).unwrap();
        for at in 0..text.len() {
            let mut spoilt = text.clone();
            spoilt[at] ^= 1;
            std::fs::write(&notes, &spoilt).unwrap();
            Sums::check(&folder).unwrap();
            assert_eq!(files(&folder).unwrap(), [""; 0], "{at}");
            std::fs::write(folder.join("modules/v/a"), "a").unwrap();
        }
    }

    /// As wasmtime makes them with a umask of 002.
    #[test]
    fn what_was_compiled_is_closed() {
        let (_dir, folder) = cache();
        let places = ["modules", "modules/v", "modules/v/a", "modules/v/a.stats"];
        let mode = |name: &str| folder.join(name).metadata().unwrap().mode() & 0o777;
        let (sums, _) = Sums::check(&folder).unwrap();
        std::fs::write(folder.join("modules/v/a"), "a").unwrap();
        for name in places {
            let open = if folder.join(name).is_dir() {
                0o775
            } else {
                0o664
            };
            std::fs::set_permissions(folder.join(name), Permissions::from_mode(open)).unwrap();
        }
        sums.note().unwrap();
        assert_eq!(places.map(mode), [0o700, 0o700, 0o600, 0o600]);
    }
}
