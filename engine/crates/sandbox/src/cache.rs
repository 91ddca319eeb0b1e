//! Where compiled components are kept between runs.
//!
//! What lies there is native code that the next run executes unseen, so the
//! folder counts only when nobody else could have written into it: it is ours,
//! 0700, no link, below folders that nobody else may rename, and holds nothing
//! that is not ours. Anywhere else the components are compiled anew each run,
//! which costs a second or two and a warning, never trust. What is ours in it and was
//! open to others, as wasmtime leaves it where the umask is 007, is removed and compiled
//! anew; so that this happens once, [`sums`] closes what was compiled. What lies there may
//! also be damaged: see there.

pub mod sums;

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use caso_base::rights::{self, Denied};
use caso_base::shell_word;
use wasmtime::{Cache, CacheConfig};

/// The bits of a mode that let anybody else write.
const OTHERS_WRITE: u32 = 0o022;

/// Where compiled code is kept in this run, and where it could not be.
#[derive(Debug, Default)]
pub struct CacheChoice {
    /// The folder in use; none: everything is compiled anew.
    pub folder: Option<PathBuf>,
    /// The candidates before it that were not safe, and why.
    pub refused: Vec<CacheRefusal>,
    /// Compiled code that was not as it had been put there. It was removed, to be
    /// compiled anew.
    pub damaged: Vec<PathBuf>,
}

/// Why compiled code is not kept in a folder. Reads on after "not kept in".
#[derive(Debug, thiserror::Error)]
#[error("`{}`{problem}", folder.display())]
pub struct CacheRefusal {
    /// The folder, or the one above that should hold it.
    pub folder: PathBuf,
    /// What is wrong with it.
    pub problem: CacheProblem,
}

/// What makes a folder unsafe for code, or unusable.
#[derive(Debug, thiserror::Error)]
pub enum CacheProblem {
    /// It cannot be made or looked at.
    #[error(": {0}")]
    Io(#[from] io::Error),
    /// We have no right to make or look at it.
    #[error(", because {by} ({reason})")]
    Denied {
        /// What does not let us.
        by: Box<Denied>,
        /// What the system says.
        reason: io::Error,
        /// The candidate: the folder itself, or the one above.
        cache_dir: PathBuf,
    },
    /// Something else stands there, a link for instance.
    #[error(", which is not a folder of its own")]
    NotAFolder,
    /// Somebody else owns it.
    #[error(", which belongs to {0}, and we run as `{us}`", us = rights::us())]
    OtherOwner(String),
    /// Others may read or write it.
    #[error(", which is open to other users (it should have mode 0700)")]
    Open,
    /// Somebody else may put another folder in its place.
    #[error(", which lies in `{}`, where other users may write", .0.display())]
    WritableAbove(PathBuf),
    /// The same, by owning the folder above.
    #[error(", which lies in `{}`, which belongs to another user", .0.display())]
    OtherOwnerAbove(PathBuf),
    /// Something in it could have been written by somebody else.
    #[error(", because `{}` in it is not ours alone", .0.display())]
    Contents(PathBuf),
    /// The compiler's cache does not take it.
    #[error(": {0}")]
    Compiler(String),
}

impl CacheChoice {
    /// The first of the candidates that is safe for this user, made if need be.
    pub(crate) fn among(candidates: &[PathBuf], uid: u32) -> Self {
        let mut choice = Self::default();
        for parent in candidates {
            let folder = folder_in(parent);
            match make(parent, &folder).and_then(|()| examine(&folder, uid)) {
                Ok(()) => {
                    choice.folder = Some(folder);
                    break;
                }
                Err(refusal) => choice.refused.push(refusal),
            }
        }
        choice
    }

    /// What to do about [`Self::warning`], where no folder is safe.
    pub fn hint(&self) -> Option<String> {
        if self.folder.is_some() {
            return None;
        }
        let known = self.refused.iter().find_map(CacheRefusal::hint);
        Some(known.unwrap_or_else(|| "set `cache_dir` to a writable folder".to_owned()))
    }

    /// What an operator should know: that no candidate would do, and why. One
    /// that stands in for another is no news, since the first is often a usual
    /// place that is not there.
    pub fn warning(&self) -> Option<String> {
        if let Some(damaged) = self.damaged.first() {
            return Some(format!(
                "compiled code was damaged on the disk, `{}`{}; it is recompiled. Check the \
                 disk: what else is on it is no safer",
                damaged.display(),
                match self.damaged.len() {
                    1 => String::new(),
                    all => format!(" and {} more files", all - 1),
                }
            ));
        }
        if self.folder.is_some() || self.refused.is_empty() {
            return None;
        }
        let refused: Vec<String> = self.refused.iter().map(ToString::to_string).collect();
        Some(format!(
            "compiled components are not kept in {}, they are recompiled in each run",
            refused.join(", nor in ")
        ))
    }
}

impl CacheRefusal {
    /// What to do about it, where another folder is not all that helps. Code of somebody else is removed and never
    /// given to us, who would run it.
    fn hint(&self) -> Option<String> {
        let word = |path: &Path| shell_word(&path.display().to_string()).into_owned();
        let us = rights::us();
        match &self.problem {
            CacheProblem::Denied { by, cache_dir, .. } => {
                Some(by.way_out(rights::READ).unwrap_or_else(|| {
                    let (user, dir) = (shell_word(&us), word(cache_dir));
                    // What lies above is often everybody's, and nothing to be given away.
                    let made = match by.at == *cache_dir {
                        true => {
                            let folder = folder_in(cache_dir);
                            let (code, sums) = (word(&folder), word(&sums::file(&folder)));
                            format!("rm -rf {code} {sums} && chown {user} {dir}")
                        }
                        false => format!("install -d -o {user} {dir}"),
                    };
                    format!("set `cache_dir` to a folder of `{us}`, or as root: {made}")
                }))
            }
            CacheProblem::OtherOwner(_) => {
                let (code, sums) = (word(&self.folder), word(&sums::file(&self.folder)));
                Some(format!("as root: rm -rf {code} {sums}"))
            }
            CacheProblem::NotAFolder | CacheProblem::Open => Some(format!(
                "rm -r {}; the next run makes it anew",
                word(&self.folder)
            )),
            CacheProblem::Contents(path) => Some(format!("rm -r {}", word(path))),
            CacheProblem::WritableAbove(_) | CacheProblem::OtherOwnerAbove(_) => Some(format!(
                "set `cache_dir` to a folder that only `{us}` and root can write, and all above it"
            )),
            CacheProblem::Io(_) | CacheProblem::Compiler(_) => None,
        }
    }
}

/// Where code is kept in a candidate.
fn folder_in(cache_dir: &Path) -> PathBuf {
    cache_dir.join("wasm")
}

/// wasmtime's cache in that folder.
///
/// A file that it has read 256 times it would write anew, compressed better: that saves a
/// few KiB, and to [`sums`] it is damage.
pub(crate) fn open(folder: &Path) -> wasmtime::Result<Cache> {
    let mut config = CacheConfig::new();
    config
        .with_directory(folder)
        .with_optimized_compression_usage_counter_threshold(u64::MAX);
    Cache::new(config)
}

/// Makes `folder`, and the parent if the parent's own folder is there.
fn make(parent: &Path, folder: &Path) -> Result<(), CacheRefusal> {
    for path in [parent, folder] {
        match std::fs::DirBuilder::new().mode(0o700).create(path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(parent, path, error)),
        }
    }
    Ok(())
}

fn refused(folder: &Path, problem: CacheProblem) -> CacheRefusal {
    CacheRefusal {
        folder: folder.to_owned(),
        problem,
    }
}

/// What the system says, and of what is denied to us whose it is.
fn failed(cache_dir: &Path, path: &Path, reason: io::Error) -> CacheRefusal {
    let cache_dir = cache_dir.to_owned();
    let problem = match Denied::of(path, &reason) {
        Some(by) => CacheProblem::Denied {
            by: Box::new(by),
            reason,
            cache_dir,
        },
        None => reason.into(),
    };
    refused(path, problem)
}

/// Says why `folder` is not safe for code.
fn examine(folder: &Path, uid: u32) -> Result<(), CacheRefusal> {
    let not = |problem: CacheProblem| Err(refused(folder, problem));
    let cache_dir = folder.parent().unwrap_or(folder);
    let look = |path: &Path| {
        std::fs::symlink_metadata(path).map_err(|error| failed(cache_dir, path, error))
    };
    let meta = look(folder)?;
    if !meta.is_dir() {
        return not(CacheProblem::NotAFolder);
    }
    if meta.uid() != uid {
        let owner = rights::owner_of(folder);
        return not(CacheProblem::OtherOwner(
            owner.unwrap_or_else(|| "another user".to_owned()),
        ));
    }
    if meta.mode() & 0o077 != 0 {
        return not(CacheProblem::Open);
    }
    // A user who may rename a folder above could put another in its place. The
    // path is resolved first, so that links above are what they point at.
    let real = folder
        .canonicalize()
        .map_err(|error| failed(cache_dir, folder, error))?;
    for above in real.ancestors().skip(1) {
        let meta = look(above)?;
        let sticky = meta.mode() & 0o1000 != 0;
        if meta.mode() & 0o022 != 0 && !sticky {
            return not(CacheProblem::WritableAbove(above.to_owned()));
        }
        if meta.uid() != uid && meta.uid() != 0 {
            return not(CacheProblem::OtherOwnerAbove(above.to_owned()));
        }
    }
    contents(folder, uid)?;
    // It is followed, and so must not be a pipe, or a link to what has no end.
    match closed(folder, &sums::file(folder), uid)? {
        Some(meta) if !meta.is_file() => not(CacheProblem::Contents(sums::file(folder))),
        _ => Ok(()),
    }
}

/// Everything below must be ours and closed, too: the folder may have been
/// open before.
fn contents(folder: &Path, uid: u32) -> Result<(), CacheRefusal> {
    let unread = |error: io::Error| refused(folder, error.into());
    for entry in std::fs::read_dir(folder).map_err(unread)? {
        let path = entry.map_err(unread)?.path();
        if closed(folder, &path, uid)?.is_some_and(|meta| meta.is_dir()) {
            contents(&path, uid)?;
        }
    }
    Ok(())
}

/// What stands there, if others cannot have written it. What is ours and open to them is removed, for they may have
/// done so; what is not ours is left to its owner, and refused.
fn closed(folder: &Path, path: &Path, uid: u32) -> Result<Option<Metadata>, CacheRefusal> {
    // Another run of ours tidies up at the same time.
    let gone = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Ok(None),
        _ => Err(refused(path, error.into())),
    };
    let meta = match std::fs::symlink_metadata(path) {
        Ok(meta) => meta,
        Err(error) => return gone(error),
    };
    if meta.uid() != uid || !(meta.is_dir() || meta.is_file()) {
        return Err(refused(folder, CacheProblem::Contents(path.to_owned())));
    }
    if meta.mode() & OTHERS_WRITE == 0 {
        return Ok(Some(meta));
    }
    tracing::debug!(
        "compiled code that others could have written is removed: `{}`",
        path.display()
    );
    let removed = match meta.is_dir() {
        true => std::fs::remove_dir_all(path),
        false => std::fs::remove_file(path),
    };
    removed.map(|()| None).or_else(gone)
}

#[cfg(test)]
mod tests;
