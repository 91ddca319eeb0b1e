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

use std::collections::BTreeMap;
use std::fs::{File, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::beneath::{Folder, resolved};
use crate::disk::{Disk, Step};
use crate::errno::{cannot_sync_folders, has_no_hard_links};

/// Seconds that share a folder.
const GRANULARITY: u64 = 60;
/// Names tried, and races lost to a purge, before it is an error after all.
const ATTEMPTS: usize = 1_000;

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
}

/// One queue to write to.
pub struct DirQueue {
    /// Without links.
    path: PathBuf,
    /// The queue's folder, once it was opened.
    root: Mutex<Option<Arc<Folder>>>,
    umask: Option<u32>,
    /// The last digit of our names: two writers seldom meet.
    digit: u8,
    moments: MonotonicNames,
    disk: Disk,
}

/// The folders of a queue in which messages got their names, and that were not synced since.
#[derive(Default)]
pub struct Unsynced(BTreeMap<PathBuf, Folder>);

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
            umask,
            digit,
            moments,
            disk: Disk::default(),
        }
    }

    /// The same queue on a disk that a test watches.
    #[must_use]
    pub fn on(self, disk: Disk) -> Self {
        Self { disk, ..self }
    }

    /// Its folder, without links.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a message and returns its `folder/element`. It is on disk then, in
    /// full, under a name that sorts after all that this process gave before.
    ///
    /// # Errors
    /// Any error of the filesystem but a race lost to a reader; nothing of the
    /// message is left in the queue then, but perhaps a `.tmp`.
    pub fn add(&self, message: &[u8]) -> Result<String, QueueFailure> {
        let mut unsynced = Unsynced::default();
        let element = self.add_to(&mut unsynced, message)?;
        self.sync(unsynced)?;
        Ok(element)
    }

    /// The same for one of several messages: its bytes are on disk then, and its name is when
    /// [`DirQueue::sync`] was called behind the last of them.
    ///
    /// # Errors
    /// As [`DirQueue::add`].
    pub fn add_to(&self, unsynced: &mut Unsynced, message: &[u8]) -> Result<String, QueueFailure> {
        for _ in 0..ATTEMPTS {
            let (folder, element) = names(self.moments.next(SystemTime::now()), self.digit);
            let dir = self.path.join(&folder);
            let tmp = format!("{element}.tmp");
            let Some((opened, file)) = self.create(&dir, &folder, &tmp)? else {
                continue;
            };
            let written = self
                .fill(file, &dir.join(&tmp), message)
                .and_then(|()| self.name(&opened, &dir, &tmp));
            match written {
                Ok(Some(element)) => {
                    // Where a reader's purge took the folder and it was made again, the
                    // new one counts.
                    unsynced.0.insert(dir, opened);
                    return Ok(format!("{folder}/{element}"));
                }
                // A purge took the file: it is written anew.
                Ok(None) => {}
                Err(failure) => {
                    // What is left would be purged in five minutes.
                    let _ = opened.remove_file(&tmp);
                    return Err(failure);
                }
            }
        }
        Err(self.failure(
            &self.path,
            "finding a free name in",
            ErrorKind::AlreadyExists.into(),
        ))
    }

    /// Puts the names of messages on disk, each folder once.
    ///
    /// # Errors
    /// A folder could not be synced: the messages are there, and may be gone after a crash of the
    /// machine.
    pub fn sync(&self, unsynced: Unsynced) -> Result<(), QueueFailure> {
        for (dir, opened) in &unsynced.0 {
            self.sync_folder(opened, dir)?;
        }
        Ok(())
    }

    /// The queue's folder.
    fn root(&self) -> io::Result<Arc<Folder>> {
        let mut root = self.root.lock().unwrap_or_else(PoisonError::into_inner);
        match root.as_ref() {
            Some(opened) => Ok(Arc::clone(opened)),
            None => {
                let opened = Arc::new(Folder::open(&self.path)?);
                *root = Some(Arc::clone(&opened));
                Ok(opened)
            }
        }
    }

    /// The folder in the queue and the file to write to; none when a race was lost.
    fn create(
        &self,
        dir: &Path,
        folder: &str,
        tmp: &str,
    ) -> Result<Option<(Folder, File)>, QueueFailure> {
        let path = dir.join(tmp);
        let created = self.disk.allow(Step::Create, &path).and_then(|()| {
            let opened = self.root()?.folder(folder)?;
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

    fn fill(&self, mut file: File, tmp: &Path, message: &[u8]) -> Result<(), QueueFailure> {
        if let Some(umask) = self.umask {
            // The process's own umask has no say then.
            file.set_permissions(Permissions::from_mode(0o666 & !umask))
                .map_err(|error| self.failure(tmp, "setting the mode of", error))?;
        }
        self.disk
            .allow(Step::Write, tmp)
            .and_then(|()| file.write_all(message))
            .map_err(|error| self.failure(tmp, "writing", error))?;
        self.disk
            .allow(Step::SyncFile, tmp)
            .and_then(|()| file.sync_all())
            .map_err(|error| self.failure(tmp, "syncing", error))
    }

    /// Gives the file a name of the moment; none when a purge took it.
    fn name(&self, opened: &Folder, dir: &Path, tmp: &str) -> Result<Option<String>, QueueFailure> {
        for _ in 0..ATTEMPTS {
            let (_, element) = names(self.moments.next(SystemTime::now()), self.digit);
            let target = dir.join(&element);
            let linked = self.disk.allow(Step::Link, &target);
            match linked.and_then(|()| link(opened, tmp, &element)) {
                Ok(()) => return Ok(Some(element)),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(self.failure(&target, "naming", error)),
            }
        }
        Err(self.failure(
            dir,
            "finding a free name in",
            ErrorKind::AlreadyExists.into(),
        ))
    }

    /// Makes the folder and those above it, syncing each into its parent.
    fn make_folders(&self, dir: &Path) -> Result<(), QueueFailure> {
        // The queue's folder itself may be the one that went.
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

/// Names `tmp` as `target`, which must not exist, and removes the old name.
fn link(folder: &Folder, tmp: &str, target: &str) -> io::Result<()> {
    match folder.link(tmp, target) {
        Ok(()) => match folder.remove_file(tmp) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        },
        Err(error) if has_no_hard_links(&error) => folder.rename_exclusively(tmp, target),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
