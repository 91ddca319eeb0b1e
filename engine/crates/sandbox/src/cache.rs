//! Where compiled components are kept between runs.
//!
//! What lies there is native code that the next run executes unseen, so the
//! folder counts only when nobody else could have written into it: it is ours,
//! 0700, no link, below folders that nobody else may rename, and holds nothing
//! that is not ours. Anywhere else the components are compiled anew each run,
//! which costs a second or two and a warning, never trust. What lies there may also
//! be damaged: see [`sums`].

pub mod sums;

use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use wasmtime::{Cache, CacheConfig};

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
    /// Something else stands there, a link for instance.
    #[error(", which is not a folder of its own")]
    NotAFolder,
    /// Somebody else owns it.
    #[error(", which belongs to another user")]
    OtherOwner,
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
    #[error(
        ", because `{}` is not ours alone (remove it; a umask of 022 keeps it so)", .0.display()
    )]
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
            let folder = parent.join("wasm");
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
            Err(error) => return Err(refused(path, error)),
        }
    }
    Ok(())
}

fn refused(folder: &Path, problem: impl Into<CacheProblem>) -> CacheRefusal {
    CacheRefusal {
        folder: folder.to_owned(),
        problem: problem.into(),
    }
}

/// Says why `folder` is not safe for code.
fn examine(folder: &Path, uid: u32) -> Result<(), CacheRefusal> {
    let not = |problem: CacheProblem| Err(refused(folder, problem));
    let look = |path: &Path| std::fs::symlink_metadata(path).map_err(|error| refused(path, error));
    let meta = look(folder)?;
    if !meta.is_dir() {
        return not(CacheProblem::NotAFolder);
    }
    if meta.uid() != uid {
        return not(CacheProblem::OtherOwner);
    }
    if meta.mode() & 0o077 != 0 {
        return not(CacheProblem::Open);
    }
    // A user who may rename a folder above could put another in its place. The
    // path is resolved first, so that links above are what they point at.
    let real = folder
        .canonicalize()
        .map_err(|error| refused(folder, error))?;
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
    match std::fs::symlink_metadata(sums::file(folder)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(refused(folder, error)),
        Ok(meta) if meta.is_file() && is_ours(&meta, uid) => Ok(()),
        Ok(_) => not(CacheProblem::Contents(sums::file(folder))),
    }
}

/// Nobody else wrote it, and nobody else may.
fn is_ours(meta: &std::fs::Metadata, uid: u32) -> bool {
    meta.uid() == uid && meta.mode() & 0o022 == 0
}

/// Everything below must be ours and closed, too: the folder may have been
/// open before.
fn contents(folder: &Path, uid: u32) -> Result<(), CacheRefusal> {
    let failed = |error: io::Error| refused(folder, error);
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let meta = match std::fs::symlink_metadata(&path) {
            Ok(meta) => meta,
            // Another run of ours tidies up at the same time.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(refused(&path, error)),
        };
        if !is_ours(&meta, uid) || !(meta.is_dir() || meta.is_file()) {
            return Err(refused(folder, CacheProblem::Contents(path)));
        }
        if meta.is_dir() {
            contents(&path, uid)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
