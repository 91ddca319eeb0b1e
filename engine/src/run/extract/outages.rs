//! Services that are away as a whole.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use caso_model::extraction::Extractor;

/// After so many projects in a row for which a service was away, the rest of
/// the run does not try it again.
const ENOUGH: usize = 3;

/// Projects in a row for which an extractor found its service away. Counted for
/// each extractor: without Cinder there is still Nova.
#[derive(Debug)]
pub struct Outages(BTreeMap<Extractor, AtomicUsize>);

impl Outages {
    /// None yet.
    pub fn of(extractors: &[Extractor]) -> Self {
        let count = |extractor: &Extractor| (*extractor, AtomicUsize::new(0));
        Outages(extractors.iter().map(count).collect())
    }

    /// Counts one more, or starts again where the service answered.
    pub fn count(&self, extractor: Extractor, outage: bool) {
        if let Some(count) = self.0.get(&extractor) {
            if outage {
                count.fetch_add(1, Ordering::Relaxed);
            } else {
                count.store(0, Ordering::Relaxed);
            }
        }
    }

    /// Whether to try it no more.
    pub fn is_away(&self, extractor: Extractor) -> bool {
        let count = self.0.get(&extractor);
        count.is_some_and(|count| count.load(Ordering::Relaxed) >= ENOUGH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_in_a_row_are_enough_and_each_service_counts_alone() {
        let outages = Outages::of(&[Extractor::Nova, Extractor::Cinder]);
        let away = |extractor| outages.is_away(extractor);
        for outage in [true, true, false, true, true] {
            outages.count(Extractor::Cinder, outage);
        }
        assert!(!away(Extractor::Cinder), "an answer starts it again");
        outages.count(Extractor::Cinder, true);
        assert!(away(Extractor::Cinder) && !away(Extractor::Nova));
    }
}
