//! All clouds of a run, side by side, and the regions of each.
//!
//! A cloud that is away costs itself: each has its own session, its own
//! projects, its own waiting, and what came of it is reported in the order of the
//! configuration when all have come to their end. How many are read at a time is
//! bounded, for the machine's sake.

mod bisect;
mod clock;
mod cloud_run;
mod cursor_keys;
mod extractor;
mod inheritance;
mod mapping;
mod outages;
mod past_failures;
pub mod prometheus;
mod region;
pub mod report;
mod seen;
mod segment;
pub mod session_of;
mod turns;
mod window;

use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use tokio::sync::watch;

pub use self::bisect::BisectingMapper;
use self::cloud_run::CloudRun;
use super::components::Mapper;
use super::kind::Kind;
use super::prepare::Prepared;
use super::summary::Summary;
use caso_base::Clock;
use caso_config::Config;
use caso_journal::Journal;
use caso_state::{Cursors, Failures, Histories};

/// What all clouds, regions and projects of a run share.
pub struct Context {
    pub kind: Arc<Kind>,
    pub config: Arc<Config>,
    pub clock: Arc<dyn Clock>,
    /// When the run began, in epoch seconds.
    pub now: i64,
    pub cursors: Cursors,
    /// Which projects failed before this run.
    pub failures: Failures,
    pub histories: Histories,
    pub journal: Arc<Journal>,
    pub mapper: Arc<Mapper>,
    /// Names of all messengers of the configuration: who the records are for.
    pub messengers: Vec<String>,
    pub cancel: watch::Receiver<bool>,
}

/// Extracts from all clouds, and reports to the summary.
pub async fn extract(prepared: &Prepared, cancel: watch::Receiver<bool>, summary: &mut Summary) {
    let Prepared { config, now, .. } = prepared;
    if config.extract_to.is_some_and(|to| to > *now) {
        tracing::warn!("`extract_to` lies in the future: extracting up to now");
    }
    let (failures, forgotten) = past_failures::read(prepared);
    if let Some(note) = forgotten {
        summary.notice(&note);
    }
    let context = Arc::new(context(prepared, failures, cancel));
    let turns = inheritance::turns(config.clouds.len());
    let runs = config.clouds.iter().zip(turns).enumerate();
    let mut reports: Vec<_> = stream::iter(runs)
        .map(|(index, (cloud, turn))| {
            let run = CloudRun {
                context: context.clone(),
                index,
                cloud: Arc::new(cloud.clone()),
                turn,
            };
            run.extract()
        })
        .buffered(prepared.kind.clouds_at_a_time())
        .collect()
        .await;
    let failures = context.failures.clone();
    if let Some(note) = past_failures::update(prepared, failures, &mut reports) {
        summary.notice(&note);
    }
    for report in &reports {
        summary.cloud(report, config.clouds.len());
    }
}

fn context(prepared: &Prepared, failures: Failures, cancel: watch::Receiver<bool>) -> Context {
    let Prepared { kind, config, .. } = prepared;
    let cursors = Cursors::open(&prepared.spools.cursors, !kind.is_real());
    Context {
        kind: kind.clone(),
        config: config.clone(),
        clock: prepared.clock.clone(),
        now: prepared.now,
        cursors: cursors.configured(cursor_keys::of_all(config)),
        failures,
        histories: Histories::of(&prepared.spools.cursors),
        journal: prepared.journal.clone(),
        mapper: prepared.mapper.clone(),
        messengers: prepared.messenger_names(),
        cancel,
    }
}
