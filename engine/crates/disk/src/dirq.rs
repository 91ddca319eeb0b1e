//! The directory queue (dirq, `QueueSimple`) on disk, as SSM reads it.
//!
//! `PATH/DDDDDDDD/SSSSSSSSMMMMMR`: a folder for each minute, in it an element
//! for each message, named after the second, the microsecond and one digit of
//! the writer; all lower-case hex, so that the order of names is the order in
//! which messages were put. An element is written beside its final place as
//! `.tmp` and then gets its name by a hard link, so that a reader sees all of
//! it or nothing, and nothing is ever overwritten. Unlike Python's dirq, file
//! and folder are synced (a record must be on disk before a cursor moves), and
//! an error other than a lost race ends the call instead of looping on it.
//!
//! * No hard links here (some FUSE and CIFS): `renameat2(RENAME_NOREPLACE)`.
//! * Folders cannot be synced here, or this one may be written but not read:
//!   the file was; after a crash of the machine the name may be missing, and the
//!   messenger's acknowledgement with it.
//! * Links are the site's to make above the queue, and are followed once, when it
//!   is set up. From then on everything goes by descriptor, and a link that
//!   somebody plants in the queue, or in its place, is an error: who may write
//!   there must not choose where we write.
//! * A reader's purge removes empty folders, and `.tmp` files that are older
//!   than five minutes: whatever it took away is made again.
//! * The clock may have been set back since the last messages were put: names begin
//!   behind the highest one that lies in the queue.
//!
//! Messages that belong together are a [`Posting`]: all of them get there, or none.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::beneath::{Folder, resolved};
use crate::disk::{Disk, Step};
use crate::errno::{cannot_sync_folders, no_room};

mod posting;

pub use posting::Posting;

/// Seconds that share a folder.
const GRANULARITY: u64 = 60;
/// Names tried, and races lost to a purge, before it is an error after all.
const ATTEMPTS: usize = 1_000;
/// Names of this second and later ones are nobody's who has a clock; behind them
/// there would be no names left.
const LAST_SECOND: u64 = 0xffff_0000;

/// What went wrong, where.
#[derive(Debug, thiserror::Error)]
#[error("queue `{}`: {action} `{}` failed: {reason}", queue.display(), path.display())]
pub struct QueueFailure {
    /// The queue's folder.
    pub queue: PathBuf,
    /// The file or folder in it.
    pub path: PathBuf,
    /// What was being done to it: `writing`.
    pub action: &'static str,
    /// The system's reason; part of the text.
    pub reason: io::Error,
}

impl QueueFailure {
    /// Whether it is for want of room (or quota): less may still fit.
    pub fn is_full(&self) -> bool {
        no_room(self.reason.kind())
    }
}

/// The moments after which elements are named. They never go back, so that
/// names don't either when the clock is set. Clones share the last one: every
/// queue of a process is given a clone.
#[derive(Clone, Default)]
pub struct MonotonicNames(Arc<Mutex<u64>>);

impl MonotonicNames {
    /// Microseconds since 1970; later than any before.
    fn next(&self, now: SystemTime) -> u64 {
        let now = now
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_micros();
        let now = u64::try_from(now).unwrap_or(u64::MAX);
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *last = now.max(last.saturating_add(1));
        *last
    }

    /// None of the moments to come is this one or earlier.
    fn begin_behind(&self, micros: u64) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *last = micros.max(*last);
    }
}

/// One queue to write to.
pub struct DirQueue {
    /// Without links.
    path: PathBuf,
    /// The queue's folder, once it was opened.
    root: Mutex<Option<Arc<Folder>>>,
    /// The folder of the last message, which is the next one's for a minute.
    minute: Mutex<Option<(String, Arc<Folder>)>>,
    umask: Option<u32>,
    /// The last digit of our names: two writers seldom meet.
    digit: u8,
    moments: MonotonicNames,
    disk: Disk,
}

/// Folder and element of a moment.
fn names(micros: u64, digit: u8) -> (String, String) {
    let (seconds, micros) = (micros / 1_000_000, micros % 1_000_000);
    let folder = seconds - seconds % GRANULARITY;
    (
        format!("{folder:08x}"),
        format!("{seconds:08x}{micros:05x}{:x}", digit & 0xf),
    )
}

impl DirQueue {
    /// The queue in the folder `path`, which is made when the first message
    /// needs it. Links in the path count as they stand now. With a `umask`, files and folders get the mode it leaves of 666
    /// and 777, whatever the process's own says.
    pub fn new(path: PathBuf, umask: Option<u32>, moments: MonotonicNames) -> Self {
        let digit = uuid::Uuid::new_v4()
            .as_bytes()
            .first()
            .copied()
            .unwrap_or_default();
        Self {
            path: resolved(&path),
            root: Mutex::default(),
            minute: Mutex::default(),
            umask,
            digit,
            moments,
            disk: Disk::default(),
        }
    }

    /// Its folder, without links.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a message and returns its `folder/element`. It is on disk then, in
    /// full, under a name that sorts after all that lay in the queue, and after all
    /// that this process gave before.
    ///
    /// # Errors
    /// Any error of the filesystem but a race lost to a reader; nothing of the
    /// message is left in the queue then, but perhaps a `.tmp`.
    pub fn add(&self, message: &[u8]) -> Result<String, QueueFailure> {
        let mut posting = Posting::default();
        posting.write(self, message)?;
        Ok(posting.publish()?.pop().unwrap_or_default())
    }

    /// The queue's folder.
    fn root(&self) -> io::Result<Arc<Folder>> {
        let mut root = self.root.lock().unwrap_or_else(PoisonError::into_inner);
        match root.as_ref() {
            Some(opened) => Ok(Arc::clone(opened)),
            None => {
                let opened = Arc::new(Folder::open(&self.path)?);
                if let Some(latest) = latest(&opened) {
                    self.moments.begin_behind(latest);
                }
                *root = Some(Arc::clone(&opened));
                Ok(opened)
            }
        }
    }

    /// The folder of a minute.
    fn minute(&self, name: &str) -> io::Result<Arc<Folder>> {
        let mut minute = self.minute.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, opened)) = minute.as_ref()
            && known == name
        {
            return Ok(Arc::clone(opened));
        }
        let opened = Arc::new(self.root()?.folder(name)?);
        *minute = Some((name.to_owned(), Arc::clone(&opened)));
        Ok(opened)
    }

    /// The folder in the queue and the file to write to; none when a race was lost.
    fn create(
        &self,
        dir: &Path,
        folder: &str,
        tmp: &str,
    ) -> Result<Option<(Arc<Folder>, File)>, QueueFailure> {
        let path = dir.join(tmp);
        let created = self.disk.allow(Step::Create, &path).and_then(|()| {
            let opened = self.minute(folder)?;
            let file = opened.create_new(tmp, 0o666 & !self.umask.unwrap_or(0))?;
            Ok((opened, file))
        });
        match created {
            Ok(created) => Ok(Some(created)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(None),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.make_folders(dir).map(|()| None)
            }
            Err(error) => Err(self.failure(&path, "creating", error)),
        }
    }

    /// Makes the folder and those above it, syncing each into its parent.
    fn make_folders(&self, dir: &Path) -> Result<(), QueueFailure> {
        // The queue's folder itself may be the one that went.
        *self.minute.lock().unwrap_or_else(PoisonError::into_inner) = None;
        *self.root.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let mut above = Path::new("/");
        let mut opened = Folder::root().map_err(|error| self.failure(above, "opening", error))?;
        let mut parts: Vec<&Path> = dir.ancestors().collect();
        parts.reverse();
        for path in parts {
            let Some(name) = path.file_name() else {
                continue;
            };
            let mut next = opened.folder(name);
            if let Err(error) = &next
                && error.kind() == ErrorKind::NotFound
            {
                match self.make_folder(&opened, above, path) {
                    Ok(()) => {}
                    // A purge was quicker with a folder above; the caller tries again.
                    Err(failure) if failure.reason.kind() == ErrorKind::NotFound => return Ok(()),
                    Err(failure) => return Err(failure),
                }
                next = opened.folder(name);
            }
            opened = match next {
                Ok(next) => next,
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
                Err(error) => return Err(self.failure(path, "opening", error)),
            };
            above = path;
        }
        Ok(())
    }

    /// Makes one, `path`, in the folder `above` that is opened.
    fn make_folder(&self, opened: &Folder, above: &Path, path: &Path) -> Result<(), QueueFailure> {
        let name = path.file_name().unwrap_or_default();
        let mode = 0o777 & !self.umask.unwrap_or(0);
        let made = self.disk.allow(Step::CreateFolder, path);
        match made.and_then(|()| opened.make_folder(name, mode)) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(()),
            Err(error) => return Err(self.failure(path, "making the folder", error)),
        }
        if self.umask.is_some() {
            opened
                .folder(name)
                .and_then(|made| {
                    made.to_read()?
                        .set_permissions(Permissions::from_mode(mode))
                })
                .map_err(|error| self.failure(path, "setting the mode of", error))?;
        }
        self.sync_folder(opened, above)
    }

    fn sync_folder(&self, opened: &Folder, dir: &Path) -> Result<(), QueueFailure> {
        let allowed = self.disk.allow(Step::SyncFolder, dir);
        let synced = allowed.and_then(|()| opened.to_read()?.sync_all());
        match synced {
            Ok(()) => Ok(()),
            Err(error) if cannot_sync_folders(&error) => Ok(()),
            // Whoever gave us the folder lets us write it, but not read it; or a
            // reader took the message and a purge the folder already.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::PermissionDenied | ErrorKind::NotFound
                ) =>
            {
                Ok(())
            }
            Err(error) => Err(self.failure(dir, "syncing the folder", error)),
        }
    }

    fn failure(&self, path: &Path, action: &'static str, reason: io::Error) -> QueueFailure {
        QueueFailure {
            queue: self.path.clone(),
            path: path.to_owned(),
            action,
            reason,
        }
    }
}

/// The files of the messages that lie in a queue, in the order in which they were put: neither
/// what is not written yet nor what is no queue's. None where there is no such folder. A link to
/// the queue is followed, as it is where messages are put.
///
/// # Errors
/// The queue is there and cannot be listed.
pub fn elements(queue: &Path) -> io::Result<Vec<PathBuf>> {
    let listed = |folder: &Path| match fs::read_dir(folder) {
        Ok(listing) => listing.map(|entry| Ok(entry?.path())).collect(),
        // A reader's purge took it.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    };
    let is_named = |path: &Path, length| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.len() == length && name.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    let mut elements: Vec<PathBuf> = Vec::new();
    let folders: Vec<PathBuf> = listed(queue)?;
    for folder in folders.iter().filter(|path| is_named(path, 8)) {
        let files: Vec<PathBuf> = listed(folder)?;
        elements.extend(files.into_iter().filter(|path| is_named(path, 14)));
    }
    elements.sort();
    Ok(elements)
}

/// The moment of the highest name in a queue, whatever became of its message; none
/// where there is none, or where we may not look.
fn latest(root: &Folder) -> Option<u64> {
    let minute = highest(root, |name| {
        Some((hexadecimal(name, 0..8, 8)?, name.to_owned()))
    })?
    .1;
    let minute = root.folder(minute).ok()?;
    highest(&minute, |name| {
        // `.lck` and `.tmp` of an element count as the element does.
        let name = name.get(..14)?;
        let (seconds, micros) = (hexadecimal(name, 0..8, 14)?, hexadecimal(name, 8..13, 14)?);
        Some(seconds * 1_000_000 + micros)
    })
}

fn highest<T: Ord>(folder: &Folder, read: impl Fn(&str) -> Option<T>) -> Option<T> {
    let names = folder.names().ok()?;
    names.iter().filter_map(|name| read(name)).max()
}

/// A number in a name of so many characters, all of which must be hex, and which
/// must be one that a clock may have given.
fn hexadecimal(name: &str, part: std::ops::Range<usize>, length: usize) -> Option<u64> {
    let hex = name.len() == length && name.bytes().all(|b| b.is_ascii_hexdigit());
    let number = |part| u64::from_str_radix(name.get(part)?, 16).ok();
    (hex && number(0..8)? < LAST_SECOND).then(|| number(part))?
}

#[cfg(test)]
mod tests;
