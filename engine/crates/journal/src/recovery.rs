//! What a start makes of what the last run left.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use caso_base::time::format_utc;
use caso_disk::{Disk, has_no_record_locks};
use caso_model::Window;
use caso_model::notice::Notice;

use crate::error::JournalError;
use crate::layout::{
    COUNTER, FORMAT, Layout, PackName, QueueFolder, SegmentName, entries, stem_and_ending,
};
use crate::lines::{self, Bad};
use crate::pack;
use crate::retry;
use crate::segment::{Footer, Header, SegmentKey};
use crate::shared::{Counter, SegmentInfo, SegmentState};

/// What a start found, for the summary.
#[derive(Debug, Default)]
pub struct Recovery {
    /// Unsealed segments of an interrupted extraction, deleted: their windows
    /// are extracted again.
    pub discarded_open: Vec<PathBuf>,
    /// Damaged files, moved out of the way.
    pub set_aside: Vec<SetAside>,
    /// Files that only a newer cASO can read, left where they are.
    pub newer_format: Vec<NewerFile>,
    /// What is odd and cost no record.
    pub notices: Vec<Notice>,
}

/// A file that did not pass its checksum, or lacks its end.
#[derive(Debug, Clone)]
pub struct SetAside {
    /// Where it was.
    pub was: PathBuf,
    /// Where it is now.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
    /// What it was for.
    pub held: Held,
}

/// What a damaged file was for, and so what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// Records; of which window, where its beginning can be read.
    Records(Option<SegmentKey>),
    /// How far a messenger got.
    Progress,
    /// The number of the last run.
    Counter,
}

/// A damaged file that lies in `set-aside`, of this run or an earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damaged {
    /// Where it lies.
    pub path: PathBuf,
    /// What it was for.
    pub held: Held,
}

impl Held {
    /// Whether records may have been lost with it.
    pub fn is_records(&self) -> bool {
        matches!(self, Held::Records(_))
    }

    /// Of which window its records are, where its beginning can be read.
    pub fn key(&self) -> Option<&SegmentKey> {
        match self {
            Held::Records(key) => key.as_ref(),
            Held::Progress | Held::Counter => None,
        }
    }

    /// What extracts again what it held, where that is known.
    pub fn command(&self) -> Option<String> {
        let Held::Records(Some(key)) = self else {
            return None;
        };
        let Window { start, end } = key.window;
        Some(format!(
            "caso extract --caso_tag '' --projects {} --extractor {} --extract-from {} --extract-to {}",
            key.project,
            key.extractor,
            format_utc(start),
            format_utc(end)
        ))
    }
}

impl fmt::Display for SetAside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is damaged ({}) and was set aside as `{}`; {}",
            self.was.display(),
            self.reason,
            self.path.display(),
            self.held
        )
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Held::Records(None) => f.write_str(
                "its records are not delivered, and its beginning, which says of what project and \
                 window they are, cannot be read",
            ),
            Held::Records(Some(key)) => {
                write!(
                    f,
                    "what messengers had not received of it is not delivered: {} of project \
                     `{}`",
                    key.extractor, key.project
                )?;
                let region = key.region.as_ref();
                if let Some(region) = region {
                    write!(f, " in region `{region}`")?;
                }
                let Window { start, end } = key.window;
                write!(
                    f,
                    " from {} to {}. To extract that again: `{}`",
                    format_utc(start),
                    format_utc(end),
                    self.command().unwrap_or_default()
                )
            }
            Held::Progress => f.write_str(
                "no record is lost: what it spoke of and is still in the journal is delivered \
                 again, in its order",
            ),
            Held::Counter => f.write_str(
                "nothing is lost: it held the number of the last run, which the names of the \
                 other files say too",
            ),
        }
    }
}

/// A file of a newer cASO, left where it is.
#[derive(Debug, Clone)]
pub struct NewerFile {
    /// Where it is.
    pub path: PathBuf,
    /// The format it names.
    pub format: u32,
    /// The version that wrote it.
    pub engine: String,
}

impl fmt::Display for NewerFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` was written by a newer cASO (format {}, {}): it stays where it is, and what stands behind it in its queue waits; use that version again",
            self.path.display(),
            self.format,
            self.engine
        )
    }
}

pub(crate) struct Found {
    pub(crate) last_run: u64,
    pub(crate) segments: BTreeMap<SegmentName, SegmentState>,
    /// None where the filesystem has no record locks.
    pub(crate) lock: Option<File>,
    /// It is only looked at.
    pub(crate) looks: bool,
}

/// Locks the journal, then brings its files into order.
pub(crate) fn recover(layout: &Layout, disk: &Disk) -> Result<(Found, Recovery), JournalError> {
    // Before anything is made: a newer journal may look different.
    let mut recovery = Recovery::default();
    let counted = counter(layout)?;
    for folder in [
        layout.root().to_owned(),
        layout.segments(),
        layout.messengers(),
        layout.mapper_quarantine(),
    ] {
        disk.create_folder(&folder)?;
    }
    let lock = lock(layout, disk, &mut recovery)?;
    let counted = match counted {
        Ok(last_run) => last_run,
        Err(reason) => {
            let aside = put_aside(layout, disk, &layout.counter(), reason)?;
            recovery.set_aside.extend(aside);
            0
        }
    };
    remove_temporary(disk, layout.root())?;
    discard_open(layout, disk, &mut recovery)?;
    let segments = read_segments(layout, disk, &mut recovery)?;
    let highest = segments.keys().map(|name| name.run).max().unwrap_or(0);
    let packed = recover_queues(layout, disk, &mut recovery)?;
    retry::complete(layout, disk, &segments)?;
    let found = Found {
        last_run: counted.max(highest).max(packed),
        segments,
        lock,
        looks: false,
    };
    Ok((found, recovery))
}

/// The sealed segments as they lie there. One that is damaged, or gone by now, is left out.
pub(crate) fn look(layout: &Layout) -> Result<Found, JournalError> {
    let mut segments = BTreeMap::new();
    for path in entries(&layout.segments())? {
        if let Some((stem, "seg")) = stem_and_ending(&path)
            && let Ok(name) = stem.parse::<SegmentName>()
            && let Ok(state) = read_segment(&path)
        {
            segments.insert(name, state);
        }
    }
    Ok(Found {
        last_run: 0,
        segments,
        lock: None,
        looks: true,
    })
}

/// Whether neither the counter is there, or what is left of it, nor anything that waits.
pub(crate) fn is_gone(layout: &Layout) -> Result<bool, JournalError> {
    let path = layout.counter();
    if path.try_exists().map_err(JournalError::read(&path))? {
        return Ok(false);
    }
    let counters = damaged(layout)?.into_iter();
    let set_aside = counters.filter(|it| it.held == Held::Counter).count();
    Ok(set_aside == 0 && entries(&layout.segments())?.is_empty())
}

/// Number of the last run; the inner error says why the file cannot be used.
fn counter(layout: &Layout) -> Result<Result<u64, String>, JournalError> {
    let path = layout.counter();
    if !path.exists() {
        return Ok(Ok(0));
    }
    if let Ok((format, engine)) = lines::format_of(&path)
        && format > FORMAT
    {
        return Err(JournalError::Newer {
            path: layout.root().to_owned(),
            format,
            engine,
        });
    }
    match lines::first_line::<Counter>(&path) {
        Ok(counter) => Ok(Ok(counter.last_run)),
        Err(Bad::Corrupt(reason)) => Ok(Err(reason)),
        Err(Bad::Io(e)) => Err(JournalError::read(&path)(e)),
    }
}

/// One process works on a journal, also where two configurations with
/// different `lock_path` share a spool. A filesystem that has no record locks
/// leaves that to the run's lock, with a notice; any other failure of the lock
/// must not pass for one that was taken.
fn lock(
    layout: &Layout,
    disk: &Disk,
    recovery: &mut Recovery,
) -> Result<Option<File>, JournalError> {
    match disk.lock(&layout.lock()) {
        Ok(Some(file)) => Ok(Some(file)),
        Ok(None) => Err(JournalError::Busy {
            path: layout.root().to_owned(),
        }),
        Err(failed) if has_no_record_locks(&failed) => {
            recovery.notices.push(Notice::warning(
                "journal-lock",
                format!(
                    "the filesystem of `{}` has no record locks ({}): only `lock_path` keeps two \
                     runs apart, so give all that share this spool the same one",
                    layout.root().display(),
                    failed.source
                ),
            ));
            Ok(None)
        }
        Err(failed) => Err(JournalError::Lock(failed)),
    }
}

fn remove_temporary(disk: &Disk, folder: &Path) -> Result<(), JournalError> {
    for path in entries(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') && name.ends_with(".tmp") {
            disk.remove(&path)?;
        }
    }
    Ok(())
}

fn discard_open(layout: &Layout, disk: &Disk, recovery: &mut Recovery) -> Result<(), JournalError> {
    for folder in [layout.mapper_quarantine(), layout.segments()] {
        remove_temporary(disk, &folder)?;
        for path in entries(&folder)? {
            if path.extension().is_some_and(|ending| ending == "open") {
                disk.remove(&path)?;
                if folder == layout.segments() {
                    recovery.discarded_open.push(path);
                }
            }
        }
    }
    Ok(())
}

fn read_segments(
    layout: &Layout,
    disk: &Disk,
    recovery: &mut Recovery,
) -> Result<BTreeMap<SegmentName, SegmentState>, JournalError> {
    let mut segments = BTreeMap::new();
    for path in entries(&layout.segments())? {
        let name = match stem_and_ending(&path) {
            Some((stem, "seg")) => stem.parse::<SegmentName>().ok(),
            _ => None,
        };
        let Some(name) = name else {
            continue;
        };
        match read_segment(&path) {
            Ok(state) => {
                if let SegmentState::Newer(format) = state {
                    recovery.newer_format.push(newer(&path, format));
                }
                segments.insert(name, state);
            }
            Err(Bad::Corrupt(reason)) => {
                let aside = put_aside(layout, disk, &path, reason)?;
                recovery.set_aside.extend(aside);
            }
            Err(Bad::Io(e)) => return Err(JournalError::read(&path)(e)),
        }
    }
    Ok(segments)
}

fn read_segment(path: &Path) -> Result<SegmentState, Bad> {
    let (format, _) = lines::format_of(path)?;
    if format > FORMAT {
        return Ok(SegmentState::Newer(format));
    }
    let header: Header = lines::first_line(path)?;
    let footer: Footer = lines::last_line(path)?;
    let bytes = std::fs::metadata(path)?.len();
    let info = SegmentInfo::new(&header, &footer, bytes);
    Ok(SegmentState::Good(Arc::new(info)))
}

/// Looks after every messenger's folder; answers the highest run of a pack.
fn recover_queues(
    layout: &Layout,
    disk: &Disk,
    recovery: &mut Recovery,
) -> Result<u64, JournalError> {
    let mut highest = 0;
    for folder in entries(&layout.messengers())? {
        if !folder.is_dir() {
            continue;
        }
        remove_temporary(disk, &folder)?;
        let queue = QueueFolder { folder };
        remove_temporary(disk, &queue.quarantine_folder())?;
        highest = highest.max(recover_queue(layout, disk, &queue, recovery)?);
    }
    Ok(highest)
}

fn recover_queue(
    layout: &Layout,
    disk: &Disk,
    queue: &QueueFolder,
    recovery: &mut Recovery,
) -> Result<u64, JournalError> {
    let mut highest = 0;
    let mut damaged = false;
    for path in entries(&queue.folder)? {
        let Some((stem, ending)) = stem_and_ending(&path) else {
            continue;
        };
        let Ok(name) = stem.parse::<PackName>() else {
            continue;
        };
        highest = highest.max(name.run);
        match ending {
            // `.done` wins: its pack was delivered to the last record.
            "pack" if queue.done(name).exists() => disk.remove(&path)?,
            "ack" if queue.done(name).exists() || !queue.pack(name).exists() => {
                disk.remove(&path)?;
            }
            "pack" => match lines::format_of(&path) {
                Ok((format, _)) if format > FORMAT => {
                    recovery.newer_format.push(newer(&path, format));
                }
                // What lies behind a damaged pack and was offered to nobody
                // yet is packed again with it, or the order would change.
                _ if damaged && !queue.ack(name).exists() => disk.remove(&path)?,
                _ => match pack::check(&path) {
                    Ok(()) => {}
                    Err(Bad::Corrupt(reason)) => {
                        let aside = put_aside(layout, disk, &path, reason)?;
                        recovery.set_aside.extend(aside);
                        disk.remove(&queue.ack(name))?;
                        damaged = true;
                    }
                    Err(Bad::Io(e)) => return Err(JournalError::read(&path)(e)),
                },
            },
            "done" => {
                if let Err(Bad::Corrupt(reason)) = pack::read_done(&path) {
                    let aside = put_aside(layout, disk, &path, reason)?;
                    recovery.set_aside.extend(aside);
                }
            }
            _ => {}
        }
    }
    Ok(highest)
}

fn newer(path: &Path, format: u32) -> NewerFile {
    let engine = lines::format_of(path).map(|found| found.1);
    NewerFile {
        path: path.to_owned(),
        format,
        engine: engine.unwrap_or_default(),
    }
}

/// What a file was for, by its name or the one that it has where it is set aside, and by its beginning where
/// that can be read.
fn held(path: &Path) -> Held {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match () {
        () if name.starts_with("segments_") || path.extension().is_some_and(|it| it == "seg") => {
            let header = lines::first_line::<Header>(path).ok();
            Held::Records(header.map(|header| header.key))
        }
        () if name.starts_with(COUNTER) => Held::Counter,
        () => Held::Progress,
    }
}

/// What lies in `set-aside`.
pub(crate) fn damaged(layout: &Layout) -> Result<Vec<Damaged>, JournalError> {
    let files = entries(&layout.set_aside())?.into_iter();
    let damaged = files.map(|path| Damaged {
        held: held(&path),
        path,
    });
    Ok(damaged.collect())
}

/// Moves a damaged file to `set-aside`, under a name that says where it was.
pub(crate) fn put_aside(
    layout: &Layout,
    disk: &Disk,
    path: &Path,
    reason: String,
) -> Result<Option<SetAside>, JournalError> {
    let held = held(path);
    disk.create_folder(&layout.set_aside())?;
    let inside = path.strip_prefix(layout.root()).unwrap_or(path);
    let plain = inside.to_string_lossy().replace('/', "_");
    let free = (0u32..)
        .map(|n| match n {
            0 => format!("{plain}.corrupt"),
            n => format!("{plain}.{n}.corrupt"),
        })
        .map(|name| layout.set_aside().join(name))
        .find(|target| !target.exists());
    let Some(target) = free else {
        return Ok(None);
    };
    match disk.rename(path, &target) {
        Ok(()) => {}
        // Another task was first.
        Err(failed) if failed.source.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(failed) => return Err(failed.into()),
    }
    disk.sync_folder(&layout.set_aside())?;
    Ok(Some(SetAside {
        held,
        was: path.to_owned(),
        path: target,
        reason,
    }))
}
