//! What waits, for the summary and the operator.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use caso_model::Window;

use crate::error::JournalError;
use crate::layout::{QueueFolder, entries};
use crate::lines::Lines;
use crate::pack::{self, Left};
use crate::shared::{SegmentState, Shared};

/// What waits in a messenger's queue. For a messenger that is not configured any more, or
/// could not be packed for, records of types that it does not take count, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Name of its instance.
    pub messenger: String,
    /// Records that it has not accepted or refused yet.
    pub records: u64,
    /// Their size in the segments.
    pub bytes: u64,
    /// When the oldest of them was extracted, in epoch seconds; none where none
    /// waits.
    pub oldest: Option<i64>,
    /// From where to where the windows reach of which they may be; none where none waits.
    pub window: Option<Window>,
    /// How often the batch at the front was offered.
    pub attempts: u32,
    /// Records in its quarantine.
    pub quarantined: u64,
}

pub(crate) fn waiting(shared: &Shared) -> Result<Vec<Waiting>, JournalError> {
    let mut names: BTreeMap<QueueFolder, String> = BTreeMap::new();
    for folder in entries(&shared.layout.messengers())? {
        if folder.is_dir() {
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            let name = name.into_owned();
            names.insert(QueueFolder { folder }, name);
        }
    }
    for (_, state) in shared.segments() {
        if let SegmentState::Good(info) = state {
            for name in &info.messengers {
                // The name itself, where the folder's is another.
                names.insert(shared.layout.queue(name), name.clone());
            }
        }
    }
    names
        .into_iter()
        .map(|(queue, messenger)| of_queue(shared, &queue, messenger))
        .collect()
}

fn of_queue(
    shared: &Shared,
    queue: &QueueFolder,
    messenger: String,
) -> Result<Waiting, JournalError> {
    let left = records_left(shared, queue, &messenger)?;
    Ok(Waiting {
        attempts: pack::attempts(queue)?,
        messenger,
        records: left.records,
        bytes: left.bytes,
        oldest: left.oldest,
        window: left.window,
        quarantined: lines_in(&queue.quarantine_folder())?,
    })
}

/// What one messenger has before it, packed or not.
pub(crate) fn records_left(
    shared: &Shared,
    queue: &QueueFolder,
    name: &str,
) -> Result<Left, JournalError> {
    let mut sum = Left::default();
    let mut covered = pack::done_segments(queue)?;
    // A pack does not say which of its segments a batch is of: all of them.
    let mut packed = HashSet::new();
    for entry in pack::unfinished(queue)? {
        if entry.newer.is_none() {
            let (left, segments) = pack::left(queue, entry.name)?;
            if let Some(oldest) = left.oldest {
                sum.add(left.records, left.bytes, oldest);
                packed.extend(segments.iter().copied());
            }
            covered.extend(segments);
        }
    }
    for (segment, state) in shared.segments() {
        let SegmentState::Good(info) = state else {
            continue;
        };
        if info.is_for(name) && !covered.contains(&segment) {
            sum.add(info.records, info.bytes, info.created);
            sum.reaches(info.key.window);
        } else if packed.contains(&segment) {
            sum.reaches(info.key.window);
        }
    }
    Ok(sum)
}

/// Lines in the `.jsonl` files of a folder.
pub(crate) fn lines_in(folder: &Path) -> Result<u64, JournalError> {
    let mut count = 0;
    for path in entries(folder)? {
        if path.extension().is_some_and(|ending| ending == "jsonl") {
            let mut lines = Lines::open(&path).map_err(JournalError::read(&path))?;
            while lines.next().map_err(JournalError::read(&path))?.is_some() {
                count += 1;
            }
        }
    }
    Ok(count)
}
