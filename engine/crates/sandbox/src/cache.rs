//! Where compiled components are kept between runs.
//!
//! What lies there is native code that the next run executes unseen, so the
//! folder counts only when nobody else could have written into it: it is ours,
//! 0700, no link, below folders that nobody else may rename, and holds nothing
//! that is not ours. Anywhere else the components are compiled anew each run,
//! which costs a second or two and a warning, never trust.

use std::ffi::OsStr;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Where to keep compiled code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CacheDir {
    /// The first of these that is safe; the first entry was asked for by name
    /// if `asked`, and is warned about when it is not.
    Search {
        candidates: Vec<PathBuf>,
        asked: bool,
    },
    /// Compile anew each time.
    Off,
}

impl CacheDir {
    /// The order of the configuration: the option, else systemd's
    /// `$CACHE_DIRECTORY` (the value is handed in), else `/var/cache/caso`,
    /// else below the spool.
    pub fn select(option: Option<&Path>, cache_directory: Option<&OsStr>, spool: &Path) -> Self {
        if let Some(path) = option {
            return Self::Search {
                candidates: vec![path.to_owned()],
                asked: true,
            };
        }
        // systemd separates several by colons; the first is the unit's main one.
        let first = cache_directory
            .and_then(|value| std::env::split_paths(value).next())
            .filter(|path| path.is_absolute());
        let asked = first.is_some();
        let candidates = first
            .into_iter()
            .chain([PathBuf::from("/var/cache/caso"), spool.join("cache")])
            .collect();
        Self::Search { candidates, asked }
    }

    /// The folder to use, made if need be, and what the operator should know.
    pub(super) fn prepare(&self, uid: u32) -> (Option<PathBuf>, Vec<String>) {
        let Self::Search { candidates, asked } = self else {
            return (None, Vec::new());
        };
        let mut refused = Vec::new();
        for (index, parent) in candidates.iter().enumerate() {
            let folder = parent.join("wasm");
            match make(parent, &folder).and_then(|()| examine(&folder, uid)) {
                Ok(()) => {
                    // Falling back from a folder nobody asked for is no news.
                    let warnings = if *asked { refused } else { Vec::new() };
                    return (Some(folder), warnings);
                }
                Err(reason) if index == 0 || candidates.len() == 1 || *asked => {
                    refused.push(format!("compiled components are not kept in {reason}"));
                }
                Err(reason) => refused.push(format!("nor in {reason}")),
            }
        }
        refused.push("they are compiled anew in each run; set `cache_dir`".to_owned());
        (None, vec![refused.join(", ")])
    }
}

/// Makes `folder`, and the parent if the parent's own folder is there.
fn make(parent: &Path, folder: &Path) -> Result<(), String> {
    for path in [parent, folder] {
        match std::fs::DirBuilder::new().mode(0o700).create(path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(format!("`{}`: {error}", path.display())),
        }
    }
    Ok(())
}

/// Says why `folder` is not safe for code.
fn examine(folder: &Path, uid: u32) -> Result<(), String> {
    let at = |path: &Path, what: &str| Err(format!("`{}`, which {what}", path.display()));
    let look = |path: &Path| {
        std::fs::symlink_metadata(path).map_err(|error| format!("`{}`: {error}", path.display()))
    };
    let meta = look(folder)?;
    if !meta.is_dir() {
        return at(folder, "is not a folder of its own");
    }
    if meta.uid() != uid {
        return at(folder, "belongs to another user");
    }
    if meta.mode() & 0o077 != 0 {
        return at(folder, "is open to other users (it should have mode 0700)");
    }
    // Whoever may rename a folder above could put one of his own in its place.
    // The path is resolved first, so that links above are what they point at.
    let real = folder
        .canonicalize()
        .map_err(|error| format!("`{}`: {error}", folder.display()))?;
    for above in real.ancestors().skip(1) {
        let meta = look(above)?;
        let sticky = meta.mode() & 0o1000 != 0;
        if meta.mode() & 0o022 != 0 && !sticky {
            let what = format!("lies in `{}`, where other users may write", above.display());
            return at(folder, &what);
        }
        if meta.uid() != uid && meta.uid() != 0 {
            let what = format!(
                "lies in `{}`, which belongs to another user",
                above.display()
            );
            return at(folder, &what);
        }
    }
    contents(folder, uid)
}

/// Everything below must be ours and closed, too: the folder may have been
/// open before.
fn contents(folder: &Path, uid: u32) -> Result<(), String> {
    let failed = |error: io::Error| format!("`{}`: {error}", folder.display());
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let meta = match std::fs::symlink_metadata(&path) {
            Ok(meta) => meta,
            // Another run of ours tidies up at the same time.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(format!("`{}`: {error}", path.display())),
        };
        let ours = meta.uid() == uid && meta.mode() & 0o022 == 0;
        if !ours || !(meta.is_dir() || meta.is_file()) {
            return Err(format!(
                "`{}`, because `{}` is not ours alone (remove it; a umask of 022 keeps it so)",
                folder.display(),
                path.display()
            ));
        }
        if meta.is_dir() {
            contents(&path, uid)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn uid() -> u32 {
        nix::unistd::geteuid().as_raw()
    }

    fn mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    fn asked(path: &Path) -> CacheDir {
        CacheDir::select(Some(path), None, Path::new("/nowhere"))
    }

    #[test]
    fn the_order_is_option_systemd_system_spool() {
        let spool = Path::new("/spool");
        let all = |cache: CacheDir| match cache {
            CacheDir::Search { candidates, .. } => candidates,
            CacheDir::Off => Vec::new(),
        };
        let path = |text: &str| PathBuf::from(text);
        assert_eq!(
            all(CacheDir::select(Some(Path::new("/c")), None, spool)),
            [path("/c")]
        );
        assert_eq!(
            all(CacheDir::select(
                None,
                Some(OsStr::new("/var/cache/a:/b")),
                spool
            )),
            [
                path("/var/cache/a"),
                path("/var/cache/caso"),
                path("/spool/cache")
            ]
        );
        assert_eq!(
            all(CacheDir::select(None, None, spool)),
            [path("/var/cache/caso"), path("/spool/cache")]
        );
    }

    #[test]
    fn a_fresh_folder_is_closed_and_accepted_again() {
        let dir = tempfile::tempdir().unwrap();
        let cache = asked(&dir.path().join("cache"));
        for _ in 0..2 {
            let (folder, warnings) = cache.prepare(uid());
            let folder = folder.unwrap();
            assert_eq!(std::fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
            assert_eq!(warnings, Vec::<String>::new());
        }
    }

    #[test]
    fn what_others_could_have_written_is_not_used() {
        type Spoil = fn(&Path);
        let spoil: [(&str, Spoil); 5] = [
            ("mode 0700", |folder| mode(folder, 0o755)),
            ("not ours alone", |folder| {
                std::fs::write(folder.join("code"), "x").unwrap();
                mode(&folder.join("code"), 0o664);
            }),
            ("not ours alone", |folder| {
                symlink("/etc/passwd", folder.join("code")).unwrap()
            }),
            ("where other users may write", |folder| {
                mode(folder.parent().unwrap(), 0o777)
            }),
            ("not a folder of its own", |folder| {
                std::fs::rename(folder, folder.with_extension("real")).unwrap();
                symlink(folder.with_extension("real"), folder).unwrap();
            }),
        ];
        for (reason, spoil) in spoil {
            let dir = tempfile::tempdir().unwrap();
            let cache = asked(&dir.path().join("cache"));
            let (folder, _) = cache.prepare(uid());
            spoil(&folder.unwrap());
            let (folder, warnings) = cache.prepare(uid());
            assert_eq!(folder, None);
            assert!(warnings[0].contains(reason), "{warnings:?}");
            assert!(warnings[0].contains("compiled anew"), "{warnings:?}");
        }
    }

    #[test]
    fn a_folder_of_another_user_is_not_used() {
        let dir = tempfile::tempdir().unwrap();
        let cache = asked(&dir.path().join("cache"));
        cache.prepare(uid());
        let (folder, warnings) = cache.prepare(uid() + 1);
        assert_eq!(folder, None);
        assert!(warnings[0].contains("another user"), "{warnings:?}");
    }

    #[test]
    fn the_next_candidate_is_taken_quietly_unless_one_was_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let candidates = vec![dir.path().join("no/such"), dir.path().join("spool")];
        for asked in [false, true] {
            let cache = CacheDir::Search {
                candidates: candidates.clone(),
                asked,
            };
            let (folder, warnings) = cache.prepare(uid());
            assert_eq!(folder, Some(dir.path().join("spool/wasm")));
            assert_eq!(warnings.len(), usize::from(asked), "{warnings:?}");
        }
    }
}
