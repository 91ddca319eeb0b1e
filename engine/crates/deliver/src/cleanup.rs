//! Removing what nobody waits for any more.

use std::collections::{HashMap, HashSet};

use super::error::JournalError;
use super::journal::{SegmentState, Shared, entries};
use super::layout::{Queue, SegmentName};
use super::{pack, packing, waiting};

/// Ends packs whose last record is dealt with, removes segments that every
/// one of their messengers is done with, then each `.done` that has no
/// segment left.
pub fn clean(shared: &Shared) -> Result<(), JournalError> {
    let mut done: HashMap<std::path::PathBuf, HashSet<SegmentName>> = HashMap::new();
    for folder in entries(&shared.layout.messengers())? {
        if !folder.is_dir() {
            continue;
        }
        let queue = Queue { folder };
        for entry in pack::unfinished(&queue)? {
            if entry.newer.is_none() && pack::left(&queue, entry.name)?.records == 0 {
                pack::finish(&shared.disk, &queue, entry.name)?;
            }
        }
        done.insert(queue.folder.clone(), pack::done_segments(&queue)?);
    }
    let mut removed = false;
    for (name, state) in shared.segments() {
        let SegmentState::Good(info) = state else {
            continue;
        };
        let finished = info.messengers.iter().all(|messenger| {
            done.get(&shared.layout.queue(messenger))
                .is_some_and(|segments| segments.contains(&name))
        });
        if finished {
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
    for folder in done.into_keys() {
        for (_, path) in pack::done_files(&Queue { folder })? {
            let covers = pack::read_done(&path).unwrap_or_default();
            if covers.iter().all(|name| !left.contains(name)) {
                shared.disk.remove(&path)?;
            }
        }
    }
    Ok(())
}

/// Notes that a messenger is done with everything that waits for it.
pub fn forget(shared: &Shared, messenger: &str) -> Result<u64, JournalError> {
    let queue = shared.queue(messenger);
    let left = waiting::records_left(shared, &queue, messenger)?.records;
    let done = pack::done_segments(&queue)?;
    let given_up: Vec<SegmentName> = shared
        .segments()
        .into_iter()
        .filter(|(name, state)| match state {
            SegmentState::Good(info) => {
                info.messengers.iter().any(|m| m == messenger) && !done.contains(name)
            }
            SegmentState::Newer(_) => false,
        })
        .map(|(name, _)| name)
        .collect();
    shared.disk.create_folder(&queue.folder)?;
    let name = packing::free_name(shared, messenger)?;
    pack::write_done(&shared.disk, &queue, name, &given_up)?;
    for entry in pack::unfinished(&queue)? {
        if entry.newer.is_none() {
            shared.disk.remove(&queue.pack(entry.name))?;
            shared.disk.remove(&queue.ack(entry.name))?;
        }
    }
    clean(shared)?;
    Ok(left)
}
