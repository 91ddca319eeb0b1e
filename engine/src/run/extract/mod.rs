//! All clouds of a run, side by side, and the regions of each.
//!
//! A cloud that is away costs itself: each has its own session, its own
//! projects, its own waiting, and what came of it is reported in the order of the
//! configuration when all have come to their end. How many are read at a time is
//! bounded, for the machine's sake.

pub mod absent;
pub mod again;
mod ahead;
mod begins;
mod bisect;
pub mod catch_up;
pub mod clock;
mod cloud_run;
mod commit;
pub mod cursor_keys;
mod extractor;
mod held;
pub mod inheritance;
pub mod late;
mod mapping;
mod outages;
mod past_failures;
pub mod prometheus;
mod region;
pub mod renamed;
pub mod report;
mod seen;
mod segment;
pub mod session_of;
mod shared_service;
mod sources;
mod together;
mod turns;
mod used;
pub mod window;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use tokio::sync::watch;

pub use self::again::AgainError;
use self::again::PastWindows;
use self::ahead::Ahead;
pub use self::bisect::BisectingMapper;
use self::cloud_run::CloudRun;
use self::commit::Commits;
pub use self::extractor::is_gone;
pub use self::segment::usage_context;
pub use self::sources::Sources;
use super::components::Mapper;
use super::kind::Kind;
use super::ledger::Extracted;
use super::prepare::Prepared;
use super::remedy;
use super::republish::Again;
use super::summary::Summary;
use caso_base::{Clock, SystemClock};
use caso_config::Config;
use caso_deliver::Ready;
use caso_journal::Journal;
use caso_state::ledger::Came;
use caso_state::{CursorKey, Cursors, Failures, Histories, Spool};

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
    /// What was extracted before, once a window by hand asks for it.
    past: OnceLock<Result<PastWindows, String>>,
    /// How far earlier runs came.
    came: Mutex<Came>,
    /// Where the ledger of runs lies.
    pub ledger: Spool,
    pub histories: Histories,
    pub commits: Commits,
    pub journal: Arc<Journal>,
    pub ahead: Ahead,
    pub mapper: Arc<Mapper>,
    /// A month is republished: no cursor moves.
    pub again: Option<Again>,
    /// Names of all messengers of the configuration: who the records are for.
    pub messengers: Vec<String>,
    pub cancel: watch::Receiver<bool>,
}

/// Extracts from all clouds, and reports to the summary; says what is `ready` to be delivered. Answers with what the ledger keeps.
pub async fn extract(
    prepared: &Prepared,
    cancel: watch::Receiver<bool>,
    ready: Option<Ready>,
    summary: &mut Summary,
) -> Extracted {
    let Prepared { config, now, .. } = prepared;
    if config.extract_to.is_some_and(|to| to > *now) {
        tracing::warn!("`extract_to` lies in the future: extracting up to now");
    }
    let (failures, forgotten) = past_failures::read(prepared);
    if let Some(note) = forgotten {
        summary.notice(&note);
    }
    let (cancel, is_late) = within(config.extraction_timeout, cancel);
    let context = Arc::new(context(prepared, failures, ready, cancel));
    let mappers = prepared.kind.mappers_at_a_time(config);
    prepared.mapper.at_most(mappers);
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
    for error in context.cursors.settle() {
        summary.problem(remedy::message(&error));
    }
    let failures = context.failures.clone();
    if let Some(note) = past_failures::update(prepared, failures, &mut reports) {
        summary.notice(&note);
    }
    for report in &reports {
        summary.cloud(report, config.clouds.len());
    }
    if *is_late.borrow() {
        summary.problem(late::settle(&mut reports, config.extraction_timeout));
    }
    Extracted::of(reports)
}

/// Becomes true when the run is asked to end, or when the extraction has taken so long; the
/// second one only in that case. Time is the machine's, in a replay too.
fn within(
    most: Duration,
    mut cancel: watch::Receiver<bool>,
) -> (watch::Receiver<bool>, watch::Receiver<bool>) {
    let (end, ends) = watch::channel(*cancel.borrow());
    let (is_late, late) = watch::channel(false);
    tokio::spawn(async move {
        let clock = SystemClock::new();
        tokio::select! {
            () = clock.sleep(most) => is_late.send_replace(true),
            Ok(_) = cancel.wait_for(|cancelled| *cancelled) => false,
            // Nobody is left who would want to know.
            () = end.closed() => return,
        };
        end.send_replace(true);
    });
    (ends, late)
}

impl Context {
    /// A window is on an earlier run's line if that run began after the window's end.
    ///
    /// # Errors
    /// The ledger is there and cannot be read.
    pub fn past(&self) -> Result<&PastWindows, &str> {
        let from = self.config.extract_from.explicit().unwrap_or(0);
        let read = || PastWindows::read(&self.ledger, from).map_err(|error| error.to_string());
        self.past.get_or_init(read).as_ref().map_err(String::as_str)
    }

    /// How far an extractor of a project came by the ledger, whose cursor stands at `cursor`. A ledger that cannot be read is said
    /// where windows of the past are needed.
    pub fn came(&self, key: &CursorKey, project: &str, cursor: i64) -> Option<i64> {
        let mut came = self.came.lock().unwrap_or_else(PoisonError::into_inner);
        came.of(key, project, cursor).unwrap_or_default()
    }
}

fn context(
    prepared: &Prepared,
    failures: Failures,
    ready: Option<Ready>,
    cancel: watch::Receiver<bool>,
) -> Context {
    let Prepared { kind, config, .. } = prepared;
    let again = prepared.again.clone();
    let frozen = !kind.is_real() || again.is_some();
    let cursors = Cursors::open(&prepared.spools.cursors, frozen)
        .of_run(prepared.run_id())
        .telling(prepared.edits.clone())
        .noting(again::adds_up)
        .by_hand(config.extract_from.explicit().is_some())
        .at_keystones(cursor_keys::keystones(config));
    Context {
        kind: kind.clone(),
        config: config.clone(),
        clock: prepared.clock.clone(),
        now: prepared.now,
        cursors: cursors.configured(cursor_keys::of_all(config)),
        failures,
        past: OnceLock::new(),
        came: Mutex::new(Came::new(&prepared.spools.cursors, prepared.now)),
        ledger: prepared.spools.cursors.clone(),
        histories: Histories::of(&prepared.spools.cursors),
        commits: Commits::default(),
        journal: prepared.journal.clone(),
        ahead: Ahead::new(
            prepared.journal.clone(),
            ready.filter(|_| !frozen),
            config.deliver_while_extracting,
        ),
        mapper: prepared.mapper.clone(),
        again,
        messengers: prepared.messenger_names(),
        cancel,
    }
}
