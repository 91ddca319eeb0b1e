//! A quarantine holds what is refused, not how often: a server that is refused each hour would
//! add a line an hour for as long as nobody looks.
//!
//! Of two records of a key the consumer keeps the one that it received last, and put back they
//! would arrive one behind the other. So the newest says all, and those before it go once it is on
//! disk. Who asks for the reason finds the newest one's.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::ControlFlow;

use caso_model::record::AccountingRecord;

use crate::error::JournalError;
use crate::layout::{PackName, QueueFolder};
use crate::quarantine;
use crate::shared::{Shared, locked};
use crate::since;

/// A line's pack, batch and index.
type Place = (PackName, u32, u32);

/// Of every queue in whose quarantine this run put something. Returns how many lines went.
pub(crate) fn settle(shared: &Shared) -> Result<u64, JournalError> {
    let queues = std::mem::take(&mut *locked(&shared.grown));
    let mut gone = 0;
    for queue in queues {
        gone += settle_queue(shared, &queue)?;
    }
    Ok(gone)
}

fn settle_queue(shared: &Shared, queue: &QueueFolder) -> Result<u64, JournalError> {
    let newest = newest(queue)?;
    let mut replaced: BTreeMap<PackName, HashSet<(u32, u32)>> = BTreeMap::new();
    quarantine::each(queue, &mut |found| {
        let at = found.record.head().measured_at;
        let place = (found.pack, found.batch, found.index);
        if let Some((newer, its)) = newest.get(&hash(&found.record))
            && *its != place
            && *newer >= at
        {
            let lines = replaced.entry(found.pack).or_default();
            lines.insert((found.batch, found.index));
        }
        ControlFlow::Continue(())
    })?;
    let mut gone = 0;
    for (pack, lines) in replaced {
        gone += quarantine::remove(&shared.disk, queue, pack, &|at| lines.contains(&at))?;
    }
    Ok(gone)
}

/// Where the newest of each key lies; the later one of two of one moment. One whose origin nobody
/// knows cannot be put back, so it replaces nothing.
fn newest(queue: &QueueFolder) -> Result<HashMap<u128, (i64, Place)>, JournalError> {
    let mut newest: HashMap<u128, (i64, Place)> = HashMap::new();
    quarantine::each(queue, &mut |found| {
        if found.origin.is_some() {
            let at = found.record.head().measured_at;
            let place = (found.pack, found.batch, found.index);
            let known = newest.entry(hash(&found.record)).or_insert((at, place));
            if known.0 <= at {
                *known = (at, place);
            }
        }
        ControlFlow::Continue(())
    })?;
    Ok(newest)
}

/// A million refused records must not cost the memory of their names; of 128 bits, as two keys of
/// one hash would cost a record.
fn hash(record: &AccountingRecord) -> u128 {
    let key = since::key(record);
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, &key).hash(&mut hasher);
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}
