//! The records of one batch, read from the segments it refers to. One batch
//! is all that is in memory of a queue.

use std::borrow::Cow;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use caso_model::Origin;
use caso_model::record::AccountingRecord;

use crate::error::JournalError;
use crate::format_1;
use crate::kind::RecordKind;
use crate::layout::SegmentName;
use crate::lines::Lines;
use crate::pack::{BatchLine, Header};
use crate::progress::Rest;
use crate::shared::{SegmentInfo, Shared};

/// A record with its place in the batch.
#[derive(Debug, Clone)]
pub struct BatchItem {
    /// Its place: position in the batch as it was packed, from 0.
    pub index: u32,
    /// The segment that it lies in.
    pub segment: SegmentName,
    /// Where the segment's records come from.
    pub origin: Arc<Origin>,
    /// As the mapper made it.
    pub record: AccountingRecord,
}

/// What was found of a batch.
#[derive(Debug, Default)]
pub struct BatchRecords {
    /// What is still to be delivered, in its order.
    pub items: Vec<BatchItem>,
    /// Indices whose segment is set aside or gone.
    pub missing: Vec<u32>,
}

/// The record is parsed only where its type is the batch's.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(rename = "type", borrow)]
    tag: Cow<'a, str>,
    #[serde(borrow)]
    record: &'a RawValue,
}

/// The whole line at once, where the form is today's and the type is known to be the batch's.
#[derive(Deserialize)]
struct Whole {
    record: AccountingRecord,
}

/// The type of a record's line as every cASO has written it, found without reading the line: a
/// record is most of it. None for any other spelling of the same JSON, for header and footer.
pub(crate) fn tag_of(line: &[u8]) -> Option<&str> {
    let rest = line.strip_prefix(br#"{"type":""#)?;
    let end = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
    let (tag, rest) = rest.split_at_checked(end)?;
    rest.starts_with(br#"","record":{"#)
        .then(|| std::str::from_utf8(tag).ok())?
}

pub(crate) fn read(
    shared: &Shared,
    header: &Header,
    batch: &BatchLine,
    rest: &Rest,
) -> Result<BatchRecords, JournalError> {
    let mut read = BatchRecords::default();
    let mut index = 0;
    // Several references of a batch may lead into one segment.
    let mut open: Option<(SegmentName, Lines)> = None;
    for reference in &batch.refs {
        let range = index..index + reference.count;
        index = range.end;
        let wanted: Vec<u32> = range.clone().filter(|i| rest.has(*i)).collect();
        if wanted.is_empty() {
            continue;
        }
        let name = usize::try_from(reference.segment)
            .ok()
            .and_then(|segment| header.segments.get(segment).copied());
        let Some(name) = name else {
            read.missing.extend(wanted);
            continue;
        };
        let whole = shared.verify(name)?;
        let Some(info) = shared.segment(name).filter(|_| whole) else {
            read.missing.extend(wanted);
            continue;
        };
        let path = shared.layout.segment(name);
        let lines = match open.take() {
            Some((same, lines)) if same == name => lines,
            _ => Lines::open(&path).map_err(JournalError::read(&path))?,
        };
        let (_, lines) = open.insert((name, lines));
        let at = reference.offset;
        lines.seek(at).map_err(JournalError::read(&path))?;
        let from = (name, info.as_ref());
        let found = read_range(lines, from, &batch.tag, range.clone());
        let found = found.map_err(JournalError::read(&path))?;
        let is_there = |index: &u32| found.binary_search_by_key(index, |item| item.index).is_ok();
        read.missing
            .extend(wanted.iter().copied().filter(|index| !is_there(index)));
        read.items.extend(
            found
                .into_iter()
                .filter(|item| wanted.binary_search(&item.index).is_ok()),
        );
    }
    Ok(read)
}

/// A record as a file of that format has it.
pub(crate) fn parsed(format: u32, text: &str) -> Option<AccountingRecord> {
    match format {
        1 => format_1::record(text).ok(),
        _ => serde_json::from_str(text).ok(),
    }
}

/// Every record of a segment, in its order, until `each` has enough.
pub(crate) fn of_segment(
    shared: &Shared,
    (name, info): (SegmentName, &SegmentInfo),
    each: &mut dyn FnMut(AccountingRecord) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, JournalError> {
    if !shared.verify(name)? {
        return Ok(ControlFlow::Continue(()));
    }
    let path = shared.layout.segment(name);
    let mut lines = Lines::open(&path).map_err(JournalError::read(&path))?;
    while let Some((_, line)) = lines.next().map_err(JournalError::read(&path))? {
        if let Ok(line) = serde_json::from_slice::<Line<'_>>(line)
            && let Some(record) = parsed(info.format, line.record.get())
            && each(record).is_break()
        {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// The records of a type from where the lines stand.
fn read_range(
    lines: &mut Lines,
    (name, info): (SegmentName, &SegmentInfo),
    tag: &str,
    indices: std::ops::Range<u32>,
) -> io::Result<Vec<BatchItem>> {
    let mut items = Vec::new();
    let mut indices = indices;
    while !indices.is_empty() {
        let Some((_, line)) = lines.next()? else {
            break;
        };
        let Some(record) = of_type(line, tag, info.format) else {
            continue;
        };
        let Some(index) = indices.next() else {
            break;
        };
        if let Some(record) = record
            && RecordKind::of(&record).tag() == tag
        {
            items.push(BatchItem {
                index,
                segment: name,
                origin: info.origin.clone(),
                record,
            });
        }
    }
    Ok(items)
}

/// The record of a line, where it is of this type; inside, none where it cannot be read.
fn of_type(line: &[u8], tag: &str, format: u32) -> Option<Option<AccountingRecord>> {
    // Once for the line, and not for each text in it.
    let line = std::str::from_utf8(line).ok()?;
    if format != 1
        && let Some(found) = tag_of(line.as_bytes())
    {
        if found != tag {
            return None;
        }
        if let Ok(whole) = serde_json::from_str::<Whole>(line) {
            return Some(Some(whole.record));
        }
    }
    let line = serde_json::from_str::<Line<'_>>(line).ok()?;
    (line.tag == tag).then(|| parsed(format, line.record.get()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_found_as_reading_the_line_finds_it() {
        for (line, tag) in [
            (r#"{"type":"cloud","record":{"Cloud":{}}}"#, Some("cloud")),
            (r#"{"type":"other:b\u00fccket","record":{}}"#, None),
            (r#"{"type":"other:b","record":{}}"#, Some("other:b")),
            (r#"{ "type":"cloud","record":{}}"#, None),
            (r#"{"type":"cloud","x":1,"record":{}}"#, None),
            (r#"{"type":"cloud"}"#, None),
            (r#"{"type":"#, None),
            (r#"{"format":2,"engine":"6.0.0"}"#, None),
        ] {
            assert_eq!(tag_of(line.as_bytes()), tag, "{line}");
            let read = serde_json::from_str::<Line<'_>>(line).ok();
            if tag.is_some() {
                assert_eq!(read.as_ref().map(|line| line.tag.as_ref()), tag, "{line}");
            }
        }
    }
}
