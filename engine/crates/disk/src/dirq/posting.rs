//! Messages that belong together, on their way into their queues.
//!
//! Nearly everything that can go wrong (no room, a quota, a folder that is gone) goes
//! wrong while the messages are written and synced, and by then none of them has a name
//! that a reader would see. Where it fails later, the names are taken back, newest first.
//! A disk takes as long for one sync as for sixteen side by side, so they share the wait.

use std::collections::BTreeSet;
use std::fs::{File, Permissions};
use std::io::{self, ErrorKind, Write};
use std::mem;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::{ATTEMPTS, DirQueue, QueueFailure, names};
use crate::beneath::Folder;
use crate::disk::Step;
use crate::errno::has_no_hard_links;
use crate::together::{AT_A_TIME, Open, side_by_side};

/// Messages for one or more queues. Dropped before it was published, or where
/// publishing failed, it leaves none of them behind, but for one that a reader has
/// already taken or locked.
#[derive(Default)]
pub struct Posting<'q> {
    messages: Vec<Written<'q>>,
    /// The files of the last ones, which are still to be synced.
    unsynced: Vec<File>,
}

/// A message that was written, in full.
struct Written<'q> {
    queue: &'q DirQueue,
    message: &'q [u8],
    /// Of the minute.
    opened: Arc<Folder>,
    folder: String,
    /// Its name in the folder: `.tmp` until it is published.
    name: String,
    published: bool,
}

impl<'q> Posting<'q> {
    /// Writes a message beside its place. Of every sixteen the contents are on disk then.
    ///
    /// # Errors
    /// Any error of the filesystem but a race lost to a reader.
    pub fn write(&mut self, queue: &'q DirQueue, message: &'q [u8]) -> Result<(), QueueFailure> {
        let (written, file) = Written::new(queue, message)?;
        self.messages.push(written);
        self.unsynced.push(file);
        match self.unsynced.len() {
            AT_A_TIME => self.sync(),
            _ => Ok(()),
        }
    }

    /// Puts on disk what was written.
    fn sync(&mut self) -> Result<(), QueueFailure> {
        let files = mem::take(&mut self.unsynced);
        let synced = self.messages.len().saturating_sub(files.len());
        sync(self.messages.iter().skip(synced).zip(&files))
    }

    /// Puts all messages on disk, then gives them their names, in the order in which they
    /// were written, and returns their `folder/element`. Each folder is synced once.
    ///
    /// # Errors
    /// Any error of the filesystem but a race lost to a reader.
    pub fn publish(mut self) -> Result<Vec<String>, QueueFailure> {
        self.sync()?;
        let mut folders = BTreeSet::new();
        let mut names = Vec::with_capacity(self.messages.len());
        for message in &mut self.messages {
            message.publish()?;
            names.push(format!("{}/{}", message.folder, message.name));
        }
        for message in &self.messages {
            let dir = message.dir();
            if folders.insert(dir.clone()) {
                message.queue.sync_folder(&message.opened, &dir)?;
            }
        }
        self.messages.clear();
        Ok(names)
    }
}

impl Drop for Posting<'_> {
    fn drop(&mut self) {
        for message in self.messages.drain(..).rev() {
            message.take_back();
        }
    }
}

impl<'q> Written<'q> {
    /// With the file, which is not synced yet.
    fn new(queue: &'q DirQueue, message: &'q [u8]) -> Result<(Self, File), QueueFailure> {
        for _ in 0..ATTEMPTS {
            // When the queue is opened, what lies in it says behind which moment ours
            // begin. What hinders that is met again below.
            let _ = queue.root();
            let (folder, element) = names(queue.moments.next(SystemTime::now()), queue.digit);
            let dir = queue.path.join(&folder);
            let tmp = format!("{element}.tmp");
            let Some((opened, mut file)) = queue.create(&dir, &folder, &tmp)? else {
                continue;
            };
            let written = Self {
                queue,
                message,
                opened,
                folder,
                name: tmp,
                published: false,
            };
            let filled = written.fill(&mut file);
            return written.or_take_back(filled).map(|written| (written, file));
        }
        Err(none_free(queue, &queue.path))
    }

    /// Itself, where what was done to it went well; what is left of it else would be
    /// purged in five minutes.
    fn or_take_back(self, done: Result<(), QueueFailure>) -> Result<Self, QueueFailure> {
        match done {
            Ok(()) => Ok(self),
            Err(failure) => {
                self.take_back();
                Err(failure)
            }
        }
    }

    fn dir(&self) -> PathBuf {
        self.queue.path.join(&self.folder)
    }

    fn path(&self) -> PathBuf {
        self.dir().join(&self.name)
    }

    fn fill(&self, file: &mut File) -> Result<(), QueueFailure> {
        let tmp = self.path();
        if let Some(umask) = self.queue.umask {
            // The process's own umask has no say then.
            file.set_permissions(Permissions::from_mode(0o666 & !umask))
                .map_err(|error| self.queue.failure(&tmp, "setting the mode of", error))?;
        }
        let disk = &self.queue.disk;
        disk.allow(Step::Write, &tmp)
            .and_then(|()| file.write_all(self.message))
            .map_err(|error| self.queue.failure(&tmp, "writing", error))
    }

    /// Gives it its name. Where a purge took the file, it is written anew.
    fn publish(&mut self) -> Result<(), QueueFailure> {
        for _ in 0..ATTEMPTS {
            if self.name()? {
                return Ok(());
            }
            let (again, file) = Self::new(self.queue, self.message)?;
            let synced = sync([(&again, &file)]);
            *self = again.or_take_back(synced)?;
        }
        Err(none_free(self.queue, &self.dir()))
    }

    /// Gives it the name of the moment; false when a purge took the file.
    fn name(&mut self) -> Result<bool, QueueFailure> {
        let dir = self.dir();
        for _ in 0..ATTEMPTS {
            let now = self.queue.moments.next(SystemTime::now());
            let (_, element) = names(now, self.queue.digit);
            let target = dir.join(&element);
            let linked = self.queue.disk.allow(Step::Link, &target);
            match linked.and_then(|()| link(&self.opened, &self.name, &element)) {
                Ok(()) => {
                    self.name = element;
                    self.published = true;
                    return Ok(true);
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
                Err(error) => return Err(self.queue.failure(&target, "naming", error)),
            }
        }
        Err(none_free(self.queue, &dir))
    }

    /// Removes it, as far as it may: what a reader has locked is the reader's, and is
    /// put once more by the next attempt.
    fn take_back(&self) {
        let locked = self.published && self.opened.has(&format!("{}.lck", self.name));
        let allowed = self.queue.disk.allow(Step::Remove, &self.path());
        if !locked && allowed.is_ok() {
            // It may be gone, and more than to try cannot be done.
            let _ = self.opened.remove_file(&self.name);
        }
    }
}

/// Puts messages on disk, side by side.
fn sync<'a, 'q: 'a>(
    messages: impl IntoIterator<Item = (&'a Written<'q>, &'a File)>,
) -> Result<(), QueueFailure> {
    let messages: Vec<(&DirQueue, PathBuf, &File)> = messages
        .into_iter()
        .map(|(message, file)| (message.queue, message.path(), file))
        .collect();
    let open: Vec<Open<'_>> = messages
        .iter()
        .map(|(queue, path, file)| Open {
            disk: &queue.disk,
            path,
            file,
        })
        .collect();
    for ((queue, path, _), answer) in messages.iter().zip(side_by_side(&open)) {
        answer.map_err(|error| queue.failure(path, "syncing", error))?;
    }
    Ok(())
}

fn none_free(queue: &DirQueue, place: &Path) -> QueueFailure {
    let reason = ErrorKind::AlreadyExists.into();
    queue.failure(place, "finding a free name in", reason)
}

/// Names `tmp` as `target`, which must not exist, and removes the old name.
pub(super) fn link(folder: &Folder, tmp: &str, target: &str) -> io::Result<()> {
    match folder.link(tmp, target) {
        // The message is in its place. Were its other name left, a purge removes it.
        Ok(()) => {
            let _ = folder.remove_file(tmp);
            Ok(())
        }
        Err(error) if has_no_hard_links(&error) => folder.rename_exclusively(tmp, target),
        Err(error) => Err(error),
    }
}
