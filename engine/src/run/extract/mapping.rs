//! From a page of usage to records in a segment.

use std::collections::{BTreeMap, BTreeSet};

use tokio::sync::OwnedSemaphorePermit;

use super::bisect::BisectingMapper;
use super::used::{Flavors, Used};
use crate::run::components::Mapper as Component;
use caso_extract::{ExtractError, Page, PageSink};
use caso_journal::{JournalError, SegmentWriter};
use caso_model::Window;
use caso_model::guest::{BoxFuture, GuestFailure, Mapper as _, Outcome};
use caso_model::record::AccountingRecord;
use caso_model::usage::{Context, Tables, UsageItem};
use caso_state::ledger::UseRow;

/// Hands each page to the mapper and what comes out to the segment.
pub struct Mapping<'a> {
    /// Which component maps.
    pub component: &'a Component,
    /// Begun with the first page: what waits for the APIs has no instance, and where nothing was
    /// used there is none.
    pub mapper: Option<Begun>,
    pub context: Context,
    pub segment: SegmentWriter,
    pub counts: Counts,
    /// Records of other types are left out; none: all are kept.
    pub types: Option<BTreeSet<String>>,
    /// A server's record as of this moment, in epoch seconds, or later is left out: what it would
    /// replace is newer.
    pub reported_from: Option<i64>,
    /// For the ledger.
    pub used: Used,
}

/// An instance of the mapper, and its place among those that there may be at a time.
pub struct Begun {
    mapper: BisectingMapper,
    /// Given back when the instance is gone: fields go in their order.
    _place: Option<OwnedSemaphorePermit>,
}

/// Items that the mapper is given at a time. A page of a thousand servers is several times as
/// large in the guest's memory and in its answer, and as many projects are read at a time as
/// `concurrency` says.
const AT_A_TIME: usize = 250;

impl Mapping<'_> {
    async fn map(
        &mut self,
        tables: &Tables,
        items: &[UsageItem],
    ) -> Result<Vec<Outcome>, GuestFailure> {
        let mut begun = match self.mapper.take() {
            Some(begun) => begun,
            None => {
                let place = self.component.place().await;
                Begun {
                    mapper: BisectingMapper::new(self.component.start(self.context.now).await?),
                    _place: place,
                }
            }
        };
        let outcomes = begun.mapper.map(&self.context, tables, items).await;
        self.mapper = Some(begun);
        outcomes
    }

    /// What became of an item.
    fn keep(
        &mut self,
        flavors: &Flavors<'_>,
        item: &UsageItem,
        outcome: Outcome,
    ) -> Result<(), JournalError> {
        self.counts.items += 1;
        let (records, reason) = match outcome {
            Outcome::Records(records) => (records, None),
            Outcome::Refused(reason) => (Vec::new(), Some(reason)),
            Outcome::Partly(records, reason) => (records, Some(reason)),
            Outcome::Failed(failure) => (Vec::new(), Some(failure.to_string())),
        };
        let types = self.types.as_ref();
        let is_wanted = |record: &&AccountingRecord| {
            types.is_none_or(|types| types.contains(record.record_type()))
                && !replaces_newer(record, self.reported_from)
        };
        self.used.item(flavors, item, &records);
        for record in records.iter().filter(is_wanted) {
            self.segment.append(record)?;
            self.counts.records += 1;
        }
        let Some(reason) = reason else {
            return Ok(());
        };
        self.segment.quarantine_usage(item, &reason)?;
        self.counts
            .lose(format!("{}: {reason}; in quarantine", name(item)));
        Ok(())
    }
}

/// Whether a record is of a server as of that moment or later. One of accelerators names its month.
fn replaces_newer(record: &AccountingRecord, reported_from: Option<i64>) -> bool {
    match (record, reported_from) {
        (AccountingRecord::Cloud(cloud), Some(from)) => cloud.head.measured_at >= from,
        _ => false,
    }
}

/// What came out of an extraction.
#[derive(Debug, Default, Clone)]
pub struct Counts {
    /// Items of usage that the extractor emitted.
    pub items: u64,
    /// Records that the mapper made of them.
    pub records: u64,
    /// Items that cost only themselves: rows that could not be read, usage that
    /// the mapper refused, or a part of it.
    pub lost: u64,
    /// The first of them, for people.
    pub reasons: Vec<String>,
    /// Each window that was sealed.
    pub windows: Vec<Sealed>,
    /// What was used in the window that is not sealed yet, where it was counted.
    pub used: Option<Box<Counted>>,
}

/// What was used in a window.
#[derive(Debug, Clone, PartialEq)]
pub struct Counted {
    /// From when on it counts, in epoch seconds; to the window's end.
    pub from: i64,
    pub rows: Vec<UseRow>,
}

/// A window that was sealed, as the ledger keeps it.
#[derive(Debug, Clone)]
pub struct Sealed {
    pub window: Window,
    /// By record type.
    pub by_type: BTreeMap<String, u64>,
    /// Items that came to nothing.
    pub lost: u64,
    pub used: Option<Box<Counted>>,
}

/// So many reasons are worth reading; the others are in the log file and in
/// quarantine.
const REASONS: usize = 5;

impl Counts {
    /// The same, of a window that was sealed.
    pub fn of_window(mut self, window: Window, by_type: BTreeMap<String, u64>) -> Self {
        let used = self.used.take();
        self.windows.push(Sealed {
            window,
            by_type,
            lost: self.lost,
            used,
        });
        self
    }

    /// With those of one more window.
    pub fn add(&mut self, other: Counts) {
        self.items += other.items;
        self.records += other.records;
        self.lost += other.lost;
        self.windows.extend(other.windows);
        let room = REASONS.saturating_sub(self.reasons.len());
        self.reasons.extend(other.reasons.into_iter().take(room));
    }

    fn lose(&mut self, reason: String) {
        self.lost += 1;
        if self.reasons.len() < REASONS {
            self.reasons.push(reason);
        } else {
            tracing::info!("{reason}");
        }
    }
}

impl PageSink for Mapping<'_> {
    fn page<'a>(&'a mut self, page: Page) -> BoxFuture<'a, Result<(), ExtractError>> {
        Box::pin(async move {
            for error in &page.errors {
                self.counts.lose(format!("{error}; not reported"));
            }
            // A volume that came from another project may count from before the window.
            let start = self.context.window.start;
            self.context.window.start = page.from.unwrap_or(start);
            let flavors = self.used.flavors(&page.tables);
            for items in page.items.chunks(AT_A_TIME) {
                let outcomes = self.map(&page.tables, items).await;
                let outcomes = outcomes.map_err(ExtractError::sink)?;
                for (item, outcome) in items.iter().zip(outcomes) {
                    self.keep(&flavors, item, outcome)
                        .map_err(ExtractError::sink)?;
                }
            }
            self.context.window.start = start;
            Ok(())
        })
    }
}

fn name(item: &UsageItem) -> String {
    match item {
        UsageItem::Server(server) => format!("server `{}`", server.id),
        UsageItem::Volume(volume) => format!("volume `{}`", volume.id),
        UsageItem::FloatingIps(ips) => format!("floating IPs of project `{}`", ips.project_id),
        UsageItem::Energy(energy) => format!("energy of server `{}`", energy.server.id),
        UsageItem::Other(other) => format!("{} `{}`", other.kind, other.id),
    }
}
