//! The queue's side: messages are locked so that ssmsend leaves them alone, copied and removed.

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use caso_base::regular;
use caso_disk::{Disk, elements};
use caso_state::Spool;

use super::FOLDER;

/// What was left in the queue.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Somebody else has locked these.
    pub locked: Vec<String>,
    /// These are no messages of APEL's.
    pub strange: Vec<String>,
}

/// Takes what waits in a queue into the spool, in its order.
///
/// # Errors
/// The queue cannot be read, or a message cannot be taken: it stays where it is.
pub fn take_all(spool: &Spool, queue: &Path) -> anyhow::Result<Left> {
    let unread = || format!("cannot read the queue `{}`", queue.display());
    // One that is not there is a typing error, and not an empty one.
    fs::metadata(queue).with_context(unread)?;
    let to = spool.folder().join(FOLDER);
    let lock = Lock::of(spool)?;
    lock.sweep(spool.disk(), queue).with_context(unread)?;
    let messages = elements(queue).with_context(unread)?;
    if !messages.is_empty() {
        let disk = spool.disk();
        disk.create_folder(&to)
            .context("cannot make room for the messages in the spool")?;
    }
    let mut left = Left::default();
    for element in messages {
        let Ok(name) = element.strip_prefix(queue) else {
            continue;
        };
        let name = name.display().to_string();
        take(spool.disk(), &element, &name, &to, &lock, &mut left)
            .with_context(|| format!("message `{name}` stays in `{}`", queue.display()))?;
    }
    Ok(left)
}

/// Moves one message into the spool.
fn take(
    disk: &Disk,
    element: &Path,
    name: &str,
    to: &Path,
    lock: &Lock,
    left: &mut Left,
) -> anyhow::Result<()> {
    if !lock.take(disk, element)? {
        left.locked.push(name.to_owned());
        return Ok(());
    }
    match regular::read(element) {
        // ssmsend had it, and was quicker.
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        bytes => {
            let bytes = bytes?;
            if std::str::from_utf8(&bytes).is_ok_and(is_apels) {
                disk.replace(&to.join(name.replace('/', "-")), &bytes)?;
                disk.remove(element)?;
            } else {
                left.strange.push(name.to_owned());
            }
        }
    }
    lock.give_back(disk, element)
}

/// Whether it begins as one of APEL's messages; which type it is `ams` decides.
fn is_apels(text: &str) -> bool {
    let text = text.trim_start();
    ["APEL-", "{", "<"]
        .iter()
        .any(|begin| text.starts_with(begin))
}

/// The lock of a message, `ELEMENT.lck`. dirq's own, which ssmsend takes, is a second name of the
/// message, and says not whose it is. Ours is a symbolic link whose text names the spool, and leads
/// nowhere: dirq cannot make a second name where it is, and we know it again after a kill.
struct Lock {
    text: OsString,
}

impl Lock {
    fn of(spool: &Spool) -> anyhow::Result<Self> {
        let folder = fs::canonicalize(spool.folder()).context("cannot use the spool")?;
        let mut text = OsString::from("caso:");
        text.push(folder);
        Ok(Self { text })
    }

    fn of_message(element: &Path) -> PathBuf {
        element.with_extension("lck")
    }

    /// Locks a message: false where somebody else has.
    fn take(&self, disk: &Disk, element: &Path) -> anyhow::Result<bool> {
        let lock = Self::of_message(element);
        match disk.symlink(Path::new(&self.text), &lock) {
            Err(error) if error.source.kind() == ErrorKind::AlreadyExists => {
                Ok(self.is_ours(&lock))
            }
            // ssmsend removed the message, and its folder with it.
            Err(error) if error.source.kind() == ErrorKind::NotFound => Ok(true),
            locked => Ok(locked.map(|()| true)?),
        }
    }

    fn is_ours(&self, lock: &Path) -> bool {
        fs::read_link(lock).is_ok_and(|text| text.as_os_str() == self.text)
    }

    fn give_back(&self, disk: &Disk, element: &Path) -> anyhow::Result<()> {
        disk.remove(&Self::of_message(element))?;
        if let Some(folder) = element.parent() {
            // As dirq's purge: only where it is empty.
            let _ = fs::remove_dir(folder);
        }
        Ok(())
    }

    /// Removes our locks of messages that are gone: a kill came between the two.
    fn sweep(&self, disk: &Disk, queue: &Path) -> anyhow::Result<()> {
        for folder in fs::read_dir(queue)? {
            let folder = folder?.path();
            // Whatever else lies in a queue is not ours to read.
            let Ok(files) = fs::read_dir(&folder) else {
                continue;
            };
            for file in files.flatten().map(|file| file.path()) {
                let is_lock = file.extension().is_some_and(|it| it == "lck");
                let element = file.with_extension("");
                if is_lock && self.is_ours(&file) && !element.exists() {
                    self.give_back(disk, &element)?;
                }
            }
        }
        Ok(())
    }
}
