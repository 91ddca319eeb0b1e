//! Out of a messenger's quarantine, back into its queue.
//!
//! What goes back is sealed in segments for that messenger alone, one an origin, behind all that
//! waits. A segment's header names the lines of the quarantine that it was made of: its rename
//! to `.seg` is the one step in which they change their place, and the quarantine is tidied
//! after that, by the next start where this one does not come to it. So a record is in one of
//! the two, whatever ends the program, and what was made anew never meets its former self.
//!
//! What is older than what the consumer was given since, or than what waits, would take usage
//! back: it stays out. So does what its pack is not done with, as that is offered again anyway.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use caso_disk::Disk;
use caso_model::record::AccountingRecord;
use caso_model::{Origin, Window};

use crate::error::JournalError;
use crate::layout::{Layout, PackName, QueueFolder, SegmentName};
use crate::pack::Reader;
use crate::progress::Progress;
use crate::quarantine::{self, QuarantinedRecord, Taken};
use crate::segment::{MapperIdentity, Order, SegmentKey, SegmentWriter};
use crate::shared::{SegmentState, Shared};
use crate::sight::Sight;
use crate::since::{self, Key};

/// What became of the records in quarantine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Returned {
    /// They are in the queue again.
    pub returned: u64,
    /// They stay, as the consumer was given something newer since, or something newer waits.
    pub superseded: u64,
    /// They stay, as nothing says where they come from: an earlier build of cASO 6 wrote them.
    pub of_unknown_origin: u64,
    /// Their batch is offered again anyway.
    pub still_offered: u64,
}

/// A line of the quarantine that goes back.
struct Line {
    pack: PackName,
    offset: u64,
}

#[derive(Default)]
struct Plan {
    returned: Returned,
    /// By origin, in the order in which they are sealed.
    groups: Vec<(Origin, Vec<Line>)>,
}

fn plan(shared: &Arc<Shared>, messenger: &str) -> Result<Plan, JournalError> {
    let queue = shared.layout.queue(messenger);
    let mut newest = since::read(&queue)?;
    add_what_waits(shared, &queue, messenger, &mut newest)?;
    let mut progress: HashMap<PackName, Option<Progress>> = HashMap::new();
    let mut plan = Plan::default();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut failed = None;
    quarantine::each(&queue, &mut |found| {
        let open = match is_open(&queue, &mut progress, &found) {
            Ok(open) => open,
            Err(error) => {
                failed = Some(error);
                return ControlFlow::Break(());
            }
        };
        let superseded = newest
            .get(&since::key(&found.record))
            .is_some_and(|newest| *newest >= found.record.head().measured_at);
        if open {
            plan.returned.still_offered += 1;
        } else if superseded {
            plan.returned.superseded += 1;
        } else if let Some(origin) = found.origin {
            plan.returned.returned += 1;
            let at = *places.entry(format!("{origin:?}")).or_insert_with(|| {
                plan.groups.push((origin, Vec::new()));
                plan.groups.len() - 1
            });
            if let Some((_, lines)) = plan.groups.get_mut(at) {
                lines.push(Line {
                    pack: found.pack,
                    offset: found.offset,
                });
            }
        } else {
            plan.returned.of_unknown_origin += 1;
        }
        ControlFlow::Continue(())
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    // A key's older record first; the sort is stable.
    plan.groups
        .sort_by_key(|(origin, _)| (origin.window.end, origin.window.start));
    Ok(plan)
}

/// The newest of each key in quarantine that waits: what goes back comes behind it.
fn add_what_waits(
    shared: &Arc<Shared>,
    queue: &QueueFolder,
    messenger: &str,
    newest: &mut HashMap<Key, i64>,
) -> Result<(), JournalError> {
    let mut keys = HashSet::new();
    quarantine::each(queue, &mut |found| {
        keys.insert(since::key(&found.record));
        ControlFlow::Continue(())
    })?;
    if keys.is_empty() {
        return Ok(());
    }
    Sight::new(shared.clone()).records(messenger, &mut |waiting| {
        let key = since::key(&waiting.record);
        if keys.contains(&key) {
            let at = newest.entry(key).or_insert(i64::MIN);
            *at = waiting.record.head().measured_at.max(*at);
        }
        ControlFlow::Continue(())
    })
}

/// Whether its pack is still to offer it: killed before the answer was acknowledged.
fn is_open(
    queue: &QueueFolder,
    known: &mut HashMap<PackName, Option<Progress>>,
    found: &QuarantinedRecord,
) -> Result<bool, JournalError> {
    let progress = match known.entry(found.pack) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(unknown) => unknown.insert(progress_of(queue, found.pack)?),
    };
    let progress = progress.as_ref();
    Ok(progress.is_some_and(|progress| progress.is_open(found.batch, found.index)))
}

/// None where the pack is done.
fn progress_of(queue: &QueueFolder, pack: PackName) -> Result<Option<Progress>, JournalError> {
    let path = queue.pack(pack);
    if !path.exists() || queue.done(pack).exists() {
        return Ok(None);
    }
    let header = Reader::open(&path)?.header;
    Ok(Some(Progress::read(&queue.ack(pack), &header.id)?))
}

pub(crate) fn would_return(
    shared: &Arc<Shared>,
    messenger: &str,
    each: &mut dyn FnMut(&Origin, AccountingRecord),
) -> Result<Returned, JournalError> {
    let queue = shared.layout.queue(messenger);
    let plan = plan(shared, messenger)?;
    for (origin, lines) in &plan.groups {
        for line in lines {
            if let Some(found) = quarantine::at(&queue, line.pack, line.offset)? {
                each(origin, found.record);
            }
        }
    }
    Ok(plan.returned)
}

pub(crate) fn retry(
    shared: &Arc<Shared>,
    messenger: &str,
    anew: &mut dyn FnMut(&Origin, &mut AccountingRecord),
) -> Result<Returned, JournalError> {
    let queue = shared.layout.queue(messenger);
    let plan = plan(shared, messenger)?;
    let mut sealed: Vec<Taken> = Vec::new();
    for (origin, lines) in plan.groups {
        let mut records = Vec::new();
        let mut taken: BTreeMap<PackName, Taken> = BTreeMap::new();
        for line in lines {
            let Some(mut found) = quarantine::at(&queue, line.pack, line.offset)? else {
                continue;
            };
            anew(&origin, &mut found.record);
            records.push(found.record);
            let of_pack = taken.entry(found.pack).or_insert_with(|| Taken {
                pack: found.pack.to_string(),
                ..Taken::default()
            });
            of_pack.lines.insert((found.batch, found.index));
        }
        let taken: Vec<Taken> = taken.into_values().collect();
        let mut writer = begin(shared, messenger, origin, taken.clone())?;
        for record in &records {
            writer.append(record)?;
        }
        writer.seal()?;
        sealed.extend(taken);
    }
    tidy(&shared.disk, &queue, &sealed)?;
    Ok(plan.returned)
}

fn begin(
    shared: &Arc<Shared>,
    messenger: &str,
    origin: Origin,
    taken: Vec<Taken>,
) -> Result<SegmentWriter, JournalError> {
    let order = Order {
        project: 0,
        extractor: 0,
    };
    let key = SegmentKey {
        cloud: origin.cloud,
        region: origin.region,
        project: origin.project_id,
        extractor: origin.extractor,
        window: Window {
            start: origin.window.start,
            end: origin.window.end,
        },
        again: false,
    };
    // Nobody mapped it today.
    let mapper = MapperIdentity {
        name: "quarantine".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        digest: String::new(),
    };
    SegmentWriter::begin(
        shared.clone(),
        shared.next_segment(order)?,
        key,
        origin.attributes,
        &[messenger.to_owned()],
        &mapper,
        taken,
    )
}

/// Takes the lines out of the quarantine that sealed segments were made of.
fn tidy(disk: &Disk, queue: &QueueFolder, sealed: &[Taken]) -> Result<(), JournalError> {
    let mut packs: BTreeMap<&str, Vec<&Taken>> = BTreeMap::new();
    for taken in sealed {
        packs.entry(&taken.pack).or_default().push(taken);
    }
    for (name, taken) in packs {
        if let Ok(name) = name.parse::<PackName>() {
            let goes = |at| taken.iter().any(|taken| taken.lines.contains(&at));
            quarantine::remove(disk, queue, name, &goes)?;
        }
    }
    Ok(())
}

/// Ends what an earlier start was ended in: the lines that a sealed segment was made of are no
/// longer in quarantine.
pub(crate) fn complete(
    layout: &Layout,
    disk: &Disk,
    segments: &BTreeMap<SegmentName, SegmentState>,
) -> Result<(), JournalError> {
    let mut sealed: BTreeMap<&str, Vec<Taken>> = BTreeMap::new();
    for state in segments.values() {
        if let SegmentState::Good(info) = state
            && let Some(messenger) = info.messengers.first()
        {
            let lines = sealed.entry(messenger).or_default();
            lines.extend(info.taken.iter().cloned());
        }
    }
    for (messenger, taken) in sealed {
        tidy(disk, &layout.queue(messenger), &taken)?;
    }
    Ok(())
}
