//! Removing what nobody waits for any more.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use crate::error::JournalError;
use crate::layout::{PackName, QueueFolder, SegmentName, entries};
use crate::open_pack::OpenPack;
use crate::shared::{SegmentState, Shared};
use crate::{pack, packing, quarantine, waiting};

/// What a queue is done with.
#[derive(Default)]
struct Done {
    segments: HashSet<SegmentName>,
    /// Each `.done` with what it covers.
    notes: Vec<(PathBuf, Vec<SegmentName>)>,
}

/// Ends packs whose last record is dealt with, removes segments that every
/// one of their messengers is done with, then each `.done` that has no
/// segment left.
pub(crate) fn clean(shared: &Shared) -> Result<(), JournalError> {
    let mut queues: HashMap<QueueFolder, Done> = HashMap::new();
    for folder in entries(&shared.layout.messengers())? {
        if folder.is_dir() {
            let queue = QueueFolder { folder };
            finish_packs(shared, &queue)?;
            let done = read_done(&queue)?;
            queues.insert(queue, done);
        }
    }
    let mut removed = false;
    // Who has an older one still to take. What it was done with behind that stays: where only
    // the note of the older one is lost, both are delivered again, in order (`packing::close_gap`).
    let mut behind: HashSet<String> = HashSet::new();
    for (name, state) in shared.segments() {
        let SegmentState::Good(info) = state else {
            continue;
        };
        for messenger in &info.messengers {
            let queue = queues.get(&shared.layout.queue(messenger));
            if !queue.is_some_and(|done| done.segments.contains(&name)) {
                behind.insert(messenger.clone());
            }
        }
        if info.messengers.iter().all(|it| !behind.contains(it)) {
            shared.disk.remove(&shared.layout.segment(name))?;
            shared.forget_segment(name);
            removed = true;
        }
    }
    if removed {
        // Before the notes go that say why they may be gone.
        shared.disk.sync_folder(&shared.layout.segments())?;
    }
    let left: HashSet<SegmentName> = shared.segments().iter().map(|(name, _)| *name).collect();
    // By what the notes said above: one that cannot be read now must not
    // count as covering nothing, or its segments would be packed again.
    for (note, covers) in queues.into_values().flat_map(|done| done.notes) {
        if covers.iter().all(|name| !left.contains(name)) {
            shared.disk.remove(&note)?;
        }
    }
    Ok(())
}

fn finish_packs(shared: &Shared, queue: &QueueFolder) -> Result<(), JournalError> {
    for entry in pack::unfinished(queue)? {
        if entry.newer.is_none() && pack::left(queue, entry.name)?.0.records == 0 {
            pack::finish(&shared.disk, queue, entry.name)?;
        }
    }
    Ok(())
}

fn read_done(queue: &QueueFolder) -> Result<Done, JournalError> {
    let mut done = Done::default();
    for (_, path) in pack::done_files(queue)? {
        let covers = pack::read_done(&path).map_err(JournalError::bad(&path))?;
        done.segments.extend(&covers);
        done.notes.push((path, covers));
    }
    Ok(done)
}

/// Notes that a messenger is done with everything that waits for it: each pack by itself, so that wherever this
/// ends none is left without its segments, which would look like a loss; then what is in none.
pub(crate) fn forget(shared: &Shared, messenger: &str) -> Result<u64, JournalError> {
    let queue = shared.layout.queue(messenger);
    let left = waiting::records_left(shared, &queue, messenger)?.records;
    let mut damaged = Vec::new();
    for entry in pack::unfinished(&queue)? {
        if entry.newer.is_some() {
            continue;
        }
        match pack::finish(&shared.disk, &queue, entry.name) {
            Ok(()) => {}
            Err(error @ JournalError::Disk(_)) => return Err(error),
            // Nobody can say what it covers: its segments are among those in no pack.
            Err(_) => damaged.push(entry.name),
        }
    }
    let done = pack::done_segments(&queue)?;
    let given_up: Vec<SegmentName> = shared
        .segments()
        .into_iter()
        .filter(|(name, state)| match state {
            SegmentState::Good(info) => info.is_for(messenger) && !done.contains(name),
            SegmentState::Newer(_) => false,
        })
        .map(|(name, _)| name)
        .collect();
    if !given_up.is_empty() || !damaged.is_empty() {
        shared.disk.create_folder(&queue.folder)?;
        let name = packing::free_name(shared, &queue)?;
        pack::write_done(&shared.disk, &queue, name, &given_up)?;
    }
    for name in damaged {
        shared.disk.remove(&queue.pack(name))?;
        shared.disk.remove(&queue.ack(name))?;
    }
    clean(shared)?;
    Ok(left)
}

/// Notes that a messenger is done with what was extracted before a moment.
pub(crate) fn forget_before(
    shared: &Arc<Shared>,
    messenger: &str,
    before: i64,
) -> Result<u64, JournalError> {
    let queue = shared.layout.queue(messenger);
    let mut gone = 0;
    let is_old = |name| {
        shared
            .segment(name)
            .is_some_and(|info| info.created < before)
    };
    for entry in pack::unfinished(&queue)? {
        if entry.newer.is_some() {
            break;
        }
        let mut opened = OpenPack::open(shared, &queue, messenger, entry.name)?;
        while let Some(batch) = opened.next_batch()? {
            let items = batch.records()?.items;
            let old = items.iter().filter(|item| is_old(item.segment));
            let old: Vec<u32> = old.map(|item| item.index).collect();
            if !old.is_empty() {
                gone += old.len() as u64;
                batch.resolve(old)?;
            }
        }
    }
    let covered = pack::covered(&queue)?;
    let mut given_up = Vec::new();
    for (name, state) in shared.segments() {
        if let SegmentState::Good(info) = state
            && info.is_for(messenger)
            && info.created < before
            && !covered.contains(&name)
        {
            gone += info.records;
            given_up.push(name);
        }
    }
    if !given_up.is_empty() {
        shared.disk.create_folder(&queue.folder)?;
        let name = packing::free_name(shared, &queue)?;
        pack::write_done(&shared.disk, &queue, name, &given_up)?;
    }
    clean(shared)?;
    Ok(gone)
}

/// Takes what lies in quarantine since before a moment out of it.
pub(crate) fn forget_quarantined(
    shared: &Shared,
    messenger: &str,
    before: i64,
) -> Result<u64, JournalError> {
    let queue = shared.layout.queue(messenger);
    let mut old: BTreeMap<PackName, HashSet<(u32, u32)>> = BTreeMap::new();
    quarantine::each(&queue, &mut |found| {
        if found.at < before {
            let lines = old.entry(found.pack).or_default();
            lines.insert((found.batch, found.index));
        }
        ControlFlow::Continue(())
    })?;
    let mut gone = 0;
    for (pack, lines) in old {
        gone += quarantine::remove(&shared.disk, &queue, pack, &|at| lines.contains(&at))?;
    }
    Ok(gone)
}
