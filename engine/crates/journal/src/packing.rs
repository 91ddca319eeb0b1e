//! Which records make up which batch of a messenger.
//!
//! Everything that is sealed and that no pack of the messenger covers, over all
//! projects together, by record type in cASO's order and within a type in that
//! of the segments. A batch is as large as a multiple of the packing unit
//! can be below [`ABOUT`], so that only the last message of a type is smaller
//! than the unit, and N records of a type in a pack make ceil(N / unit) messages. A run makes one
//! pack, or several where it is so large that it is delivered while it is extracted. Whole messages, taken over
//! from a queue, have records of all types in them: they make packs of their own, before what was sealed behind them.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use caso_model::notice::Notice;
use caso_model::record_type::ADOPTED;
use serde::Deserialize;
use serde::de::IgnoredAny;
use uuid::Uuid;

use crate::batch;
use crate::error::JournalError;
use crate::kind::RecordKind;
use crate::layout::{FORMAT, PackName, QueueFolder, SegmentName};
use crate::lines::Lines;
use crate::pack::{self, BatchLine, Header, Ref};
use crate::shared::{SegmentInfo, SegmentState, Shared};

/// Records in a batch, where nothing else is said.
pub(crate) const ABOUT: u32 = 1_000;

/// Bytes of a batch, as its lines stand in the journal: what a messenger is offered is
/// held in memory, several times over. A larger record makes a batch of its own.
pub(crate) const MOST_BYTES: u64 = 16 << 20;

/// Bytes of other types' records that a reader passes over on its way from one record of a
/// batch to the next. Behind more the reference ends and another begins: with many types in a
/// segment each of their batches would else read all of it.
const GAP: u64 = 16 << 10;

/// Records in a full batch.
pub(crate) fn batch_size(unit: Option<u32>) -> u32 {
    match unit {
        None | Some(0) => ABOUT,
        Some(unit) if unit >= ABOUT => unit,
        Some(unit) => ABOUT / unit * unit,
    }
}

/// Whether a messenger takes a record type.
pub(crate) fn takes(record_types: Option<&[String]>, kind: &RecordKind) -> bool {
    record_types.is_none_or(|types| types.iter().any(|name| name == kind.name()))
}

/// What a messenger is given. What was sealed for it under another `record_types`
/// it is given all the same, as no other messenger has it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Taking<'a> {
    /// By the configuration of now, as far as its component takes them; none is all.
    pub record_types: Option<&'a [String]>,
    /// All that its component takes; none is all.
    pub component: Option<&'a [String]>,
}

impl Taking<'_> {
    fn takes(self, messenger: &str, info: &SegmentInfo, kind: &RecordKind) -> bool {
        takes(self.record_types, kind)
            || info.was_for(messenger, kind) && takes(self.component, kind)
    }
}

/// Records of each type that a messenger is not given.
pub type NotGiven = BTreeMap<String, u64>;

/// Packs what is sealed and not packed yet for a messenger. Where a file of a
/// newer cASO is in the way, what lies before it. Answers with what it left out,
/// of the segments that it saw for the first time.
pub(crate) fn pack(
    shared: &Shared,
    queue: &QueueFolder,
    messenger: &str,
    taking: Taking<'_>,
    unit: Option<u32>,
) -> Result<NotGiven, JournalError> {
    let mut not_given = NotGiven::new();
    let unfinished = pack::unfinished(queue)?;
    if unfinished.iter().any(|entry| entry.newer.is_some()) {
        // What it covers is not known.
        return Ok(not_given);
    }
    close_gap(shared, queue, messenger)?;
    while pack_alike(shared, queue, messenger, taking, unit, &mut not_given)? {}
    Ok(not_given)
}

/// Makes one pack, of whole messages or of records; whether there was anything to cover.
fn pack_alike(
    shared: &Shared,
    queue: &QueueFolder,
    messenger: &str,
    taking: Taking<'_>,
    unit: Option<u32>,
    not_given: &mut NotGiven,
) -> Result<bool, JournalError> {
    let mut of_messages = None;
    let mut covers: Vec<SegmentName> = Vec::new();
    let mut plan = Plan::new(batch_size(unit));
    let covered = pack::covered(queue)?;
    for (name, state) in shared.ready() {
        let SegmentState::Good(info) = state else {
            break;
        };
        if covered.contains(&name) || !info.is_for(messenger) {
            continue;
        }
        let is_of_messages = info.by_kind.keys().any(|kind| kind.name() == ADOPTED);
        if of_messages.is_some_and(|before| before != is_of_messages) {
            break;
        }
        let takes = |kind: &RecordKind| taking.takes(messenger, &info, kind);
        if info.by_kind.keys().any(takes) {
            if !shared.verify(name)? {
                continue;
            }
            let index = u32::try_from(covers.len()).unwrap_or(u32::MAX);
            plan.add(shared, name, info.created, index, &takes)?;
        }
        for (kind, records) in &info.by_kind {
            if !takes(kind) {
                *not_given.entry(kind.name().to_owned()).or_default() += *records;
            }
        }
        of_messages = Some(is_of_messages);
        covers.push(name);
    }
    if covers.is_empty() {
        return Ok(false);
    }
    shared.disk.create_folder(&queue.folder)?;
    let name = free_name(shared, queue)?;
    let batches = plan.finish();
    if batches.is_empty() {
        pack::write_done(&shared.disk, queue, name, &covers)?;
        return Ok(true);
    }
    let header = Header {
        format: FORMAT,
        engine: env!("CARGO_PKG_VERSION").to_owned(),
        id: Uuid::new_v4().to_string(),
        instance: messenger.to_owned(),
        packed: shared.now,
        segments: covers,
    };
    pack::write(&shared.disk, queue, name, &header, &batches)?;
    Ok(true)
}

/// Where a pack or a note is gone, its segments are packed again; what was packed behind them
/// then has to follow once more, or an old record would arrive last and stand. So every pack
/// and note that covers a segment behind the first one that is not covered is given up: what
/// it covers and is still there is packed again, in its order. The youngest first, so that a
/// kill in between leaves the gap to be seen.
fn close_gap(shared: &Shared, queue: &QueueFolder, messenger: &str) -> Result<(), JournalError> {
    let covered = pack::covered(queue)?;
    let gap = shared.ready().into_iter().find_map(|(name, state)| {
        let SegmentState::Good(info) = state else {
            return None;
        };
        (info.is_for(messenger) && !covered.contains(&name)).then_some(name)
    });
    let Some(gap) = gap else { return Ok(()) };
    let left: HashSet<SegmentName> = shared.segments().iter().map(|(name, _)| *name).collect();
    let behind = |segments: &[SegmentName]| {
        segments
            .iter()
            .any(|name| *name > gap && left.contains(name))
    };
    let mut given_up = Vec::new();
    for (name, path) in pack::done_files(queue)? {
        let segments = pack::read_done(&path).map_err(JournalError::bad(&path))?;
        if behind(&segments) {
            given_up.push((name, path));
        }
    }
    for entry in pack::unfinished(queue)? {
        let path = queue.pack(entry.name);
        if behind(&pack::segments_of(&path)?) {
            given_up.push((entry.name, path));
        }
    }
    if given_up.is_empty() {
        return Ok(());
    }
    given_up.sort();
    for (name, path) in given_up.into_iter().rev() {
        shared.disk.remove(&path)?;
        shared.disk.sync_folder(&queue.folder)?;
        shared.disk.remove(&queue.ack(name))?;
    }
    shared.note(Notice::warning(
        format!("journal-gap:{messenger}"),
        format!(
            "what was noted of segment {gap} for messenger `{messenger}` is gone: the records from \
             there on that are still in the journal are delivered again, in their order"
        ),
    ));
    Ok(())
}

/// A name for a pack that nothing in the queue has.
pub(crate) fn free_name(shared: &Shared, queue: &QueueFolder) -> Result<PackName, JournalError> {
    let run = shared.run_number()?;
    let mut name = PackName { run, number: 0 };
    let taken = |name| {
        let files = [
            queue.pack(name),
            queue.done(name),
            queue.ack(name),
            queue.quarantine(name),
        ];
        files.iter().any(|path| path.exists())
    };
    while taken(name) {
        name.number += 1;
    }
    Ok(name)
}

/// The batches of each type, the last one of each still growing.
struct Plan {
    size: u32,
    full: BTreeMap<RecordKind, Growing>,
}

/// The batches of a type.
#[derive(Default)]
struct Growing {
    lines: Vec<BatchLine>,
    /// Where the last record ends in its segment.
    end: u64,
}

/// Enough of a line to know a record's: its text is skipped, not read.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(rename = "type", borrow)]
    tag: Cow<'a, str>,
    #[expect(dead_code, reason = "its presence is what makes the line a record's")]
    record: IgnoredAny,
}

impl Plan {
    fn new(size: u32) -> Self {
        Plan {
            size,
            full: BTreeMap::new(),
        }
    }

    fn add(
        &mut self,
        shared: &Shared,
        name: SegmentName,
        created: i64,
        index: u32,
        takes: &dyn Fn(&RecordKind) -> bool,
    ) -> Result<(), JournalError> {
        let path = shared.layout.segment(name);
        let mut lines = Lines::open(&path).map_err(JournalError::read(&path))?;
        while let Some((offset, line)) = lines.next().map_err(JournalError::read(&path))? {
            let Some(kind) = kind_of(line) else {
                continue;
            };
            if takes(&kind) {
                let bytes = line.len() as u64 + 1;
                self.add_record(kind, index, offset, bytes, created);
            }
        }
        Ok(())
    }

    fn add_record(
        &mut self,
        kind: RecordKind,
        segment: u32,
        offset: u64,
        bytes: u64,
        created: i64,
    ) {
        let Growing {
            lines: batches,
            end,
        } = self.full.entry(kind.clone()).or_default();
        let full = |batch: &BatchLine| {
            batch.items >= self.size || batch.bytes.saturating_add(bytes) > MOST_BYTES
        };
        if batches.last().is_none_or(full) {
            batches.push(BatchLine {
                id: Uuid::new_v4().to_string(),
                tag: kind.tag(),
                items: 0,
                bytes: 0,
                oldest: created,
                refs: Vec::new(),
            });
        }
        let Some(batch) = batches.last_mut() else {
            return;
        };
        batch.items += 1;
        batch.bytes += bytes;
        batch.oldest = batch.oldest.min(created);
        let near = offset.saturating_sub(*end) <= GAP;
        *end = offset.saturating_add(bytes);
        match batch.refs.last_mut() {
            Some(last) if last.segment == segment && near => last.count += 1,
            _ => batch.refs.push(Ref {
                segment,
                offset,
                count: 1,
            }),
        }
    }

    fn finish(self) -> Vec<BatchLine> {
        let types = self.full.into_values();
        types.flat_map(|growing| growing.lines).collect()
    }
}

/// The type of a record's line; none for header and footer.
fn kind_of(line: &[u8]) -> Option<RecordKind> {
    if let Some(tag) = batch::tag_of(line) {
        return RecordKind::parse(tag);
    }
    let line: Line<'_> = serde_json::from_slice(line).ok()?;
    RecordKind::parse(&line.tag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use caso_model::record_type::RecordType;
    use proptest::prelude::*;

    /// h04 and a27 of the sandbox's review: six records of 24 MiB in a batch, and a
    /// packing unit of four thousand millions.
    #[test]
    fn a_batch_has_a_size_in_bytes() {
        let cloud = || RecordKind::parse("cloud").unwrap();
        let mut plan = Plan::new(batch_size(Some(u32::MAX)));
        for bytes in [24 << 20, 24 << 20, 1, MOST_BYTES - 1, 1] {
            plan.add_record(cloud(), 0, 0, bytes, 0);
        }
        for _ in 0..100_000 {
            plan.add_record(cloud(), 0, 0, 1_000, 0);
        }
        let batches = plan.finish();
        let items: Vec<u32> = batches.iter().map(|batch| batch.items).collect();
        assert_eq!(items.get(..4), Some(&[1, 1, 2, 16_778][..]));
        assert!(
            batches
                .iter()
                .skip(2)
                .all(|batch| batch.bytes <= MOST_BYTES)
        );
    }

    #[test]
    fn sizes() {
        let sizes = [
            None,
            Some(0),
            Some(1),
            Some(3),
            Some(100),
            Some(300),
            Some(999),
        ];
        let sizes = sizes.map(batch_size);
        assert_eq!(sizes, [1000, 1000, 1000, 999, 1000, 900, 999]);
        assert_eq!(batch_size(Some(1000)), 1000);
        assert_eq!(batch_size(Some(4321)), 4321);
    }

    /// 5,000 kinds of a mapper's, one record of each a server: each batch read all of the segment.
    #[test]
    fn a_batch_refers_past_what_others_have_between_its_records() {
        let kinds = |count: u64| {
            let mut plan = Plan::new(batch_size(None));
            for at in 0..20 * count {
                let kind = RecordKind::parse(&format!("other:k{}", at % count)).unwrap();
                plan.add_record(kind, 0, at * 500, 500, 0);
            }
            plan.finish()
        };
        for batch in kinds(1_000) {
            assert_eq!(batch.items, 20);
            assert!(batch.refs.iter().all(|one| one.count == 1), "{batch:?}");
        }
        // Of a few types the file is as small as it was.
        assert!(kinds(20).iter().all(|batch| batch.refs.len() == 1));
    }

    proptest! {
        /// Messages of `unit` records, cut batch by batch, are as many as if the
        /// records had been cut as one list.
        #[test]
        fn packing_makes_no_message_more(records in 1u32..9000, unit in 1u32..1500) {
            let mut plan = Plan::new(batch_size(Some(unit)));
            for at in 0..records {
                plan.add_record(RecordKind::Known(RecordType::Cloud), at / 700, u64::from(at), 1, 0);
            }
            let batches = plan.finish();
            let items: u32 = batches.iter().map(|batch| batch.items).sum();
            let messages: u32 = batches.iter().map(|batch| batch.items.div_ceil(unit)).sum();
            prop_assert_eq!(items, records);
            prop_assert_eq!(messages, records.div_ceil(unit));
            for batch in batches {
                prop_assert_eq!(batch.refs.iter().map(|r| r.count).sum::<u32>(), batch.items);
            }
        }
    }
}
