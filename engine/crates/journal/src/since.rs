//! What was delivered since of the keys that lie in a messenger's quarantine.
//!
//! Of two records of a key the consumer keeps the one that it received last. So a record that is
//! put back behind a newer one would take usage back, and the journal keeps nothing of what was
//! delivered. While records lie in quarantine, what is accepted of their keys is noted, in
//! `quarantine/delivered-since`, before it is acknowledged: a kill in between leaves a note of
//! what will be delivered again. A queue without a quarantine costs nothing.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use caso_model::record::AccountingRecord;

use crate::error::JournalError;
use crate::kind::RecordKind;
use crate::layout::QueueFolder;
use crate::lines::{Lines, parse, to_line};
use crate::quarantine;
use crate::shared::{Shared, locked};

/// A type's tag and the consumer's key.
pub(crate) type Key = (String, String);

#[derive(Serialize, Deserialize)]
struct Note {
    #[serde(rename = "type")]
    tag: String,
    key: String,
    measured_at: i64,
}

/// Of public IP addresses the key begins with the site's names, which may have been put right
/// since: what is behind them says which records replace each other.
pub(crate) fn key(record: &AccountingRecord) -> Key {
    let mut key = record.head().supersedes.as_str();
    if let AccountingRecord::Ip(it) = record {
        let names = format!("{}:{}:", it.site_name, it.compute_service);
        key = key.strip_prefix(&names).unwrap_or(key);
    }
    (RecordKind::of(record).tag(), key.to_owned())
}

/// In memory a key is its hash: two of one hash cost a note that nobody needs.
fn hash(record: &AccountingRecord) -> u64 {
    let mut hasher = DefaultHasher::new();
    key(record).hash(&mut hasher);
    hasher.finish()
}

/// These are in quarantine from now on.
pub(crate) fn quarantined<'a>(
    shared: &Shared,
    queue: &QueueFolder,
    records: impl Iterator<Item = &'a AccountingRecord>,
) -> Result<(), JournalError> {
    locked(&shared.grown).insert(queue.clone());
    let mut known = locked(&shared.quarantined);
    // Nobody asked yet: they are read with the others then.
    if let Some(keys) = known.get_mut(queue) {
        keys.extend(records.map(hash));
    }
    Ok(())
}

/// These were accepted.
pub(crate) fn delivered<'a>(
    shared: &Shared,
    queue: &QueueFolder,
    records: impl Iterator<Item = &'a AccountingRecord>,
) -> Result<(), JournalError> {
    let mut known = locked(&shared.quarantined);
    if !known.contains_key(queue) {
        known.insert(queue.clone(), keys_in(queue)?);
    }
    let Some(keys) = known.get(queue).filter(|keys| !keys.is_empty()) else {
        return Ok(());
    };
    let path = queue.since();
    let mut text = Vec::new();
    for record in records.filter(|record| keys.contains(&hash(record))) {
        let (tag, key) = key(record);
        let note = Note {
            tag,
            key,
            measured_at: record.head().measured_at,
        };
        text.extend(to_line(&path, &note)?);
    }
    if text.is_empty() {
        return Ok(());
    }
    let mut file = shared.disk.append_lines(&path)?;
    file.write(&text)?;
    file.sync_data()?;
    Ok(())
}

fn keys_in(queue: &QueueFolder) -> Result<HashSet<u64>, JournalError> {
    let mut keys = HashSet::new();
    quarantine::each(queue, &mut |found| {
        keys.insert(hash(&found.record));
        ControlFlow::Continue(())
    })?;
    Ok(keys)
}

/// The newest moment that was delivered of each key. A line that cannot be read is passed over.
pub(crate) fn read(queue: &QueueFolder) -> Result<HashMap<Key, i64>, JournalError> {
    let path = queue.since();
    let mut newest: HashMap<Key, i64> = HashMap::new();
    let mut lines = match Lines::open(&path) {
        Ok(lines) => lines,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(newest),
        Err(e) => return Err(JournalError::read(&path)(e)),
    };
    while let Some((_, line)) = lines.next().map_err(JournalError::read(&path))? {
        if let Ok(note) = parse::<Note>(line) {
            let at = newest.entry((note.tag, note.key)).or_insert(i64::MIN);
            *at = note.measured_at.max(*at);
        }
    }
    Ok(newest)
}
