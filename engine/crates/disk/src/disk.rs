//! Every write, through one door.
//!
//! Two things are wanted of a write that `std::fs` does not give: an error that
//! names the path and, when the disk is full, how much is left; and a place at
//! which a test can end the program, or fill the disk, before any single step.
//! The second is a trait object handed in by tests: with it a test counts the
//! steps of a scenario and replays it once for each, which is how "kill -9 at
//! any instant" is tested.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::sys::statvfs::{FsFlags, Statvfs};

use crate::errno::{cannot_sync_folders, no_room};
use crate::owner;

/// What is about to be done to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// Make a folder, and those above it.
    CreateFolder,
    /// Make a file.
    Create,
    /// Open a file that is there.
    Open,
    /// Write bytes to a file.
    Write,
    /// Cut the torn last line off a file of lines.
    Truncate,
    /// fsync or fdatasync of a file.
    SyncFile,
    /// fsync of a folder: its renames, creations and removals.
    SyncFolder,
    /// Give a file another name.
    Rename,
    /// Make a link: a second name of a file, or a symbolic one.
    Link,
    /// Remove a file.
    Remove,
    /// Take a record lock.
    Lock,
}

impl Step {
    fn verb(self) -> &'static str {
        match self {
            Self::CreateFolder => "create the folder",
            Self::Create => "create",
            Self::Open => "open",
            Self::Write => "write to",
            Self::Truncate => "cut the torn end of",
            Self::SyncFile | Self::SyncFolder => "sync",
            Self::Rename => "rename to",
            Self::Link => "link to",
            Self::Remove => "remove",
            Self::Lock => "lock",
        }
    }
}

/// What a [`Fault`] wants to happen at a step.
#[derive(Debug)]
pub enum Verdict {
    /// It happens.
    Go,
    /// The step does not happen.
    Fail(io::Error),
    /// A write gets half-way, other steps do not happen.
    Torn(io::Error),
}

/// Asked before every step. Production has none.
pub trait Fault: Send + Sync {
    /// Decides over one step.
    fn before(&self, step: Step, path: &Path) -> Verdict;

    /// Told after syncs that were waited for: how many one after the other. Those that go side
    /// by side are one.
    fn waited(&self, _syncs: usize) {}

    /// What the filesystem says that it has left, where that is not to be asked.
    fn left(&self) -> Option<Left> {
        None
    }
}

/// The door: cheap to clone. `Disk::default()` is the disk without faults.
#[derive(Clone, Default)]
pub struct Disk {
    fault: Option<Arc<dyn Fault>>,
}

/// A step that failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {} `{}`{}", .step.verb(), .path.display(), room(.left.as_ref(), .source.kind()))]
pub struct DiskError {
    /// What was tried.
    pub step: Step,
    /// The file or folder; of a rename or link, the new name.
    pub path: PathBuf,
    /// Set when there is no room: what the filesystem has left for us.
    pub left: Option<Left>,
    /// The system's reason.
    #[source]
    pub source: io::Error,
}

impl DiskError {
    /// With the free room, where the reason is that there is none.
    pub fn new(step: Step, path: &Path, source: io::Error) -> DiskError {
        let full = no_room(source.kind()) || source.kind() == io::ErrorKind::FileTooLarge;
        DiskError {
            step,
            path: path.to_owned(),
            left: full.then(|| Left::on_the_filesystem_of(path)),
            source,
        }
    }

    /// The same failure, for another one that it costs.
    #[must_use]
    pub fn again(&self) -> DiskError {
        let source = match self.source.raw_os_error() {
            Some(number) => io::Error::from_raw_os_error(number),
            None => io::Error::new(self.source.kind(), self.source.to_string()),
        };
        DiskError {
            step: self.step,
            path: self.path.clone(),
            left: self.left,
            source,
        }
    }

    /// Whether it is for want of room (or quota), which passes with time or
    /// when the operator frees some.
    pub fn is_full(&self) -> bool {
        self.left.is_some()
    }

    /// Where the filesystem is mounted on which it happened: the same for every file there, so that one cause can be
    /// told once.
    pub fn mounted_at(&self) -> PathBuf {
        let folder = std::path::absolute(&self.path).unwrap_or_else(|_| self.path.clone());
        let device = |path: &Path| fs::metadata(path).ok().map(|found| found.dev());
        let mut there = folder
            .ancestors()
            .filter_map(|path| Some((path, device(path)?)));
        let Some((mut root, of)) = there.next() else {
            return folder;
        };
        for (above, device) in there {
            if device != of {
                break;
            }
            root = above;
        }
        root.to_owned()
    }
}

/// What a filesystem has left for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// Bytes.
    pub bytes: u64,
    /// Bytes that it has in all.
    pub of: u64,
    /// Files that can still be made; none where the filesystem does not count them.
    pub files: Option<u64>,
    /// Nothing can be written there.
    pub read_only: bool,
}

impl Left {
    /// Of the filesystem of `path`, or of the nearest folder above it that is there;
    /// none where it cannot be asked.
    pub fn at(path: &Path) -> Option<Left> {
        path.ancestors()
            .find_map(|place| nix::sys::statvfs::statvfs(or_here(place)).ok())
            .map(Left::from)
    }

    /// Of the filesystem on which something is open.
    pub fn beside(open: &File) -> Option<Left> {
        nix::sys::statvfs::fstatvfs(open).ok().map(Left::from)
    }

    /// Nothing at all where it cannot be asked.
    fn on_the_filesystem_of(path: &Path) -> Left {
        Left::at(path).unwrap_or(Left {
            bytes: 0,
            of: 0,
            files: None,
            read_only: false,
        })
    }
}

impl From<Statvfs> for Left {
    fn from(stat: Statvfs) -> Self {
        Left {
            bytes: stat.blocks_available().saturating_mul(stat.fragment_size()),
            of: stat.blocks().saturating_mul(stat.fragment_size()),
            files: countable(stat.files(), stat.files_available()),
            read_only: stat.flags().contains(FsFlags::ST_RDONLY),
        }
    }
}

/// How many files can still be made. A filesystem that does not count them says that it has
/// room for none in all, which is not the same as none left.
fn countable(of: u64, available: u64) -> Option<u64> {
    (of > 0).then_some(available)
}

impl DiskError {
    /// What to do about it, where that is known. The text does not have it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self.left.as_ref()? {
            _ if self.source.kind() == io::ErrorKind::FileTooLarge => "raise that limit",
            Left {
                files: Some(0),
                bytes,
                ..
            } if *bytes > 0 => "remove some files from that filesystem",
            Left { .. } => "free some room on that filesystem",
        })
    }
}

/// Where no file can be made any more the free bytes would only mislead.
fn room(left: Option<&Left>, reason: io::ErrorKind) -> String {
    match left {
        None => String::new(),
        Some(_) if reason == io::ErrorKind::FileTooLarge => " (larger than a file may get here, \
             by `ulimit -f` or `LimitFSIZE=`; nothing was advanced)"
            .to_owned(),
        Some(Left {
            files: Some(0),
            bytes,
            ..
        }) if *bytes > 0 => " (its filesystem has no inode left, however many bytes are free; \
                             nothing was advanced)"
            .to_owned(),
        Some(Left { bytes, .. }) => {
            format!(" ({bytes} bytes free on its filesystem; nothing was advanced)")
        }
    }
}

impl Disk {
    /// A disk that asks `fault` before every step.
    pub fn with_fault(fault: Arc<dyn Fault>) -> Self {
        Disk { fault: Some(fault) }
    }

    /// Makes a folder and those above it. Its name is durable when this
    /// returns; one that is there already is left as it is.
    pub fn create_folder(&self, path: &Path) -> Result<(), DiskError> {
        if path.is_dir() {
            return Ok(());
        }
        self.gate(Step::CreateFolder, path)?;
        let new: Vec<&Path> = path
            .ancestors()
            .take_while(|place| !place.is_dir())
            .collect();
        fs::create_dir_all(path).map_err(|e| DiskError::new(Step::CreateFolder, path, e))?;
        for folder in new.into_iter().rev() {
            owner::inherit_folder(folder);
            if let Some(parent) = folder.parent() {
                self.sync_folder(parent)?;
            }
        }
        Ok(())
    }

    /// A new file; one that is there already is an error.
    pub fn create_new(&self, path: &Path) -> Result<DiskFile, DiskError> {
        self.gate(Step::Create, path)?;
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(path)
            .map_err(|e| DiskError::new(Step::Create, path, e))?;
        owner::inherit(&file, path);
        Ok(self.file(file, path))
    }

    /// A new file, over one that may be there.
    pub fn create(&self, path: &Path) -> Result<DiskFile, DiskError> {
        self.gate(Step::Create, path)?;
        let file = File::create(path).map_err(|e| DiskError::new(Step::Create, path, e))?;
        owner::inherit(&file, path);
        Ok(self.file(file, path))
    }

    /// A file of lines, to add lines to. A last line without its end is what a
    /// kill left of a write; it is cut off. A new file is made known to its folder,
    /// and so is one without a line: a kill may have come before that.
    pub fn append_lines(&self, path: &Path) -> Result<DiskFile, DiskError> {
        let exists = path.exists();
        let step = if exists { Step::Open } else { Step::Create };
        // Who opens a pipe to write waits until somebody reads it.
        if exists && !path.is_file() {
            let reason = io::Error::other("it is not a file");
            return Err(DiskError::new(step, path, reason));
        }
        self.gate(step, path)?;
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
            .map_err(|e| DiskError::new(step, path, e))?;
        if !exists {
            owner::inherit(&file, path);
        }
        let mut known = exists;
        if exists {
            let whole = whole_lines(path).map_err(|e| DiskError::new(Step::Open, path, e))?;
            let length = file
                .metadata()
                .map_err(|e| DiskError::new(Step::Open, path, e))?
                .len();
            if whole < length {
                self.gate(Step::Truncate, path)?;
                file.set_len(whole)
                    .map_err(|e| DiskError::new(Step::Truncate, path, e))?;
            }
            known = length > 0;
        }
        if !known && let Some(parent) = path.parent() {
            self.sync_folder(parent)?;
        }
        Ok(self.file(file, path))
    }

    /// Renames a file, over one that may be there. Durable after a
    /// [`Disk::sync_folder`] of its folder.
    pub fn rename(&self, from: &Path, to: &Path) -> Result<(), DiskError> {
        self.gate(Step::Rename, to)?;
        fs::rename(from, to).map_err(|e| DiskError::new(Step::Rename, to, e))
    }

    /// Makes a symbolic link with that text.
    pub fn symlink(&self, text: &Path, link: &Path) -> Result<(), DiskError> {
        self.gate(Step::Link, link)?;
        symlink(text, link).map_err(|e| DiskError::new(Step::Link, link, e))
    }

    /// Removes a folder, which must be empty.
    pub fn remove_folder(&self, path: &Path) -> Result<(), DiskError> {
        self.gate(Step::Remove, path)?;
        fs::remove_dir(path).map_err(|e| DiskError::new(Step::Remove, path, e))
    }

    /// Removes a file; one that is not there is no error.
    pub fn remove(&self, path: &Path) -> Result<(), DiskError> {
        self.gate(Step::Remove, path)?;
        match fs::remove_file(path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                Err(DiskError::new(Step::Remove, path, e))
            }
            _ => Ok(()),
        }
    }

    /// Makes renames, creations and removals in a folder durable. On a
    /// filesystem that cannot sync a folder (some FUSE and CIFS mounts answer
    /// EINVAL or ENOTSUP) they are as durable as it makes them by itself.
    pub fn sync_folder(&self, path: &Path) -> Result<(), DiskError> {
        let synced = self.allow(Step::SyncFolder, path).and_then(|()| {
            let synced = File::open(or_here(path)).and_then(|folder| folder.sync_all());
            self.waited(1);
            synced
        });
        match synced {
            Err(e) if !cannot_sync_folders(&e) => Err(DiskError::new(Step::SyncFolder, path, e)),
            _ => Ok(()),
        }
    }

    pub(crate) fn waited(&self, syncs: usize) {
        if let Some(fault) = &self.fault {
            fault.waited(syncs);
        }
    }

    /// What the filesystem of a file or folder, which need not be there, has left for us.
    pub fn left(&self, path: &Path) -> Left {
        let made_up = self.fault.as_ref().and_then(|fault| fault.left());
        made_up.unwrap_or_else(|| Left::on_the_filesystem_of(path))
    }

    fn file(&self, file: File, path: &Path) -> DiskFile {
        DiskFile {
            file,
            path: path.to_owned(),
            disk: self.clone(),
        }
    }

    pub(crate) fn gate(&self, step: Step, path: &Path) -> Result<(), DiskError> {
        self.allow(step, path)
            .map_err(|e| DiskError::new(step, path, e))
    }

    /// The fault's word on a step that is all or nothing.
    pub(crate) fn allow(&self, step: Step, path: &Path) -> io::Result<()> {
        match self.verdict(step, path) {
            Verdict::Go => Ok(()),
            Verdict::Fail(e) | Verdict::Torn(e) => Err(e),
        }
    }

    fn verdict(&self, step: Step, path: &Path) -> Verdict {
        match &self.fault {
            Some(fault) => fault.before(step, path),
            None => Verdict::Go,
        }
    }
}

impl std::fmt::Debug for Disk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Disk")
            .field("faults", &self.fault.is_some())
            .finish()
    }
}

/// A file that is being written.
#[derive(Debug)]
pub struct DiskFile {
    file: File,
    path: PathBuf,
    disk: Disk,
}

impl DiskFile {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes all of `bytes`: at the end of a file opened by
    /// [`Disk::append_lines`], else behind what was written before.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), DiskError> {
        match self.disk.verdict(Step::Write, &self.path) {
            Verdict::Go => self
                .file
                .write_all(bytes)
                .map_err(|e| DiskError::new(Step::Write, &self.path, e)),
            Verdict::Fail(e) => Err(DiskError::new(Step::Write, &self.path, e)),
            Verdict::Torn(e) => {
                let (half, _) = bytes.split_at(bytes.len() / 2);
                let _ = self.file.write_all(half);
                Err(DiskError::new(Step::Write, &self.path, e))
            }
        }
    }

    /// Contents and length on disk (fdatasync).
    pub fn sync_data(&self) -> Result<(), DiskError> {
        self.disk.gate(Step::SyncFile, &self.path)?;
        self.disk.waited(1);
        self.file
            .sync_data()
            .map_err(|e| DiskError::new(Step::SyncFile, &self.path, e))
    }

    /// Everything on disk (fsync).
    pub fn sync_all(&self) -> Result<(), DiskError> {
        self.disk.gate(Step::SyncFile, &self.path)?;
        self.disk.waited(1);
        self.file
            .sync_all()
            .map_err(|e| DiskError::new(Step::SyncFile, &self.path, e))
    }

    /// A network filesystem may answer with an error what it has done, as where the first answer was lost and the
    /// call was sent once more. So an error counts where `target` is another file than this one.
    pub(crate) fn rename_to(&self, target: &Path) -> Result<(), DiskError> {
        let renamed = self.disk.rename(&self.path, target);
        renamed.or_else(|error| match self.is_at(target) {
            true => Ok(()),
            false => Err(error),
        })
    }

    fn is_at(&self, path: &Path) -> bool {
        let (Ok(own), Ok(there)) = (self.file.metadata(), fs::symlink_metadata(path)) else {
            return false;
        };
        (own.dev(), own.ino()) == (there.dev(), there.ino())
    }

    pub(crate) fn remove(&self) -> Result<(), DiskError> {
        self.disk.remove(&self.path)
    }

    pub(crate) fn inner(&self) -> &File {
        &self.file
    }
}

/// The folder above a relative name is the empty path, which is where we are.
pub(crate) fn or_here(folder: &Path) -> &Path {
    match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    }
}

/// Length of a file up to and with its last line feed.
fn whole_lines(path: &Path) -> io::Result<u64> {
    use io::{Read, Seek, SeekFrom};
    let mut file = File::open(path)?;
    let mut end = file.metadata()?.len();
    let mut block = [0u8; 4096];
    while end > 0 {
        let start = end.saturating_sub(block.len() as u64);
        let wanted = usize::try_from(end - start).unwrap_or(block.len());
        let Some(part) = block.get_mut(..wanted) else {
            break;
        };
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(part)?;
        if let Some(at) = part.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

#[cfg(test)]
mod tests;
