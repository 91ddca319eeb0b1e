//! What is delivered while others are still extracted.
//!
//! Records are delivered in the order of the configuration, whatever project is read first. So a
//! project's are ready when it is on disk for good, and with it everything that comes before. Each
//! time so much has become ready the journal lets it be packed, and the messengers are told.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use caso_deliver::Ready;
use caso_journal::Journal;

/// How far the run is, in the order of the configuration.
pub struct Ahead {
    journal: Arc<Journal>,
    /// None where everything is delivered at the end.
    ready: Option<Ready>,
    /// Records that are worth a pack.
    enough: u64,
    at: Mutex<At>,
}

#[derive(Default)]
struct At {
    /// Nothing comes any more of the projects before this place.
    next: u32,
    /// Nor of these, which lie behind it: where they begin, and where they end.
    behind: BTreeMap<u32, u32>,
    /// Records before `next` that nobody was told of.
    records: u64,
}

impl Ahead {
    /// `enough` records are ready: then `ready` is told. Nobody is where it is 0.
    pub fn new(journal: Arc<Journal>, ready: Option<Ready>, enough: u64) -> Self {
        let ready = ready.filter(|_| enough > 0);
        if ready.is_some() {
            journal.hold_from(Some(0));
        }
        Self {
            journal,
            ready,
            enough,
            at: Mutex::default(),
        }
    }

    /// Nothing comes any more of the projects in these places: what there was of them is on disk
    /// for good, and their cursors have moved.
    pub fn ended(&self, places: Range<u32>) {
        let Some(ready) = &self.ready else { return };
        let mut at = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        let before = at.next;
        at.end(places);
        if at.next == before {
            return;
        }
        at.records += self.journal.sealed_of(before..at.next);
        if at.records >= self.enough {
            at.records = 0;
            self.journal.hold_from(Some(at.next));
            ready.more();
        }
    }
}

impl At {
    fn end(&mut self, places: Range<u32>) {
        let end = self.behind.entry(places.start).or_default();
        *end = places.end.max(*end);
        while let Some(first) = self.behind.first_entry()
            && *first.key() <= self.next
        {
            self.next = self.next.max(first.remove());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ready_has_nothing_to_come_before_it() {
        let mut at = At::default();
        let mut next = |places| {
            at.end(places);
            at.next
        };
        assert_eq!(next(1..2), 0);
        assert_eq!(next(3..4), 0);
        assert_eq!(next(0..1), 2);
        // The region comes to its end: of places that nobody has, too.
        assert_eq!(next(100..200), 2);
        assert_eq!(next(0..100), 200);
        assert_eq!(next(50..60), 200);
        assert_eq!(next(200..201), 201);
        assert!(at.behind.is_empty());
    }
}
