//! What is handed in for a delivery, and what comes out of it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use caso_base::error_chain;
use caso_journal::{JournalError, NotGiven, SetAside};
use caso_model::answer::CheckedAnswer;
use caso_model::guest::{Batch, BoxFuture, FailureKind, GuestFailure, Messenger};
use caso_model::notice::Notice;

/// A messenger of this run with what the host knows of it.
pub struct Instance {
    /// Its name in the configuration: its queue.
    pub name: String,
    /// Record types that it gets; `None` is all.
    pub record_types: Option<Vec<String>>,
    /// Those that its component takes: what was sealed for it before `record_types` left it
    /// out it gets all the same.
    pub component_types: Option<Vec<String>>,
    /// Records that go into one message (`max_size`), where it has such a thing.
    pub packing_unit: Option<u32>,
    /// Whether it may be given records while others are still extracted. One that talks to another
    /// machine may not: what is between two such parts would be a silence on its connection.
    pub beside: bool,
    /// Where it could not be started, [`Unstarted`].
    pub messenger: Box<dyn Messenger>,
}

/// A messenger that could not be started: its records are packed and wait.
pub struct Unstarted(pub GuestFailure);

impl Messenger for Unstarted {
    fn deliver<'a>(
        &'a mut self,
        _: &'a Batch<'_>,
    ) -> BoxFuture<'a, Result<CheckedAnswer, GuestFailure>> {
        Box::pin(std::future::ready(Err(self.0.clone())))
    }
}

/// What a delivery came to, for all messengers.
#[derive(Debug)]
pub struct Delivery {
    /// In the order in which the instances were handed in.
    pub instances: Vec<InstanceReport>,
    /// Files that did not pass their checksum.
    pub set_aside: Vec<SetAside>,
    /// What was odd about the journal and cost no record.
    pub notices: Vec<Notice>,
    /// Why what is done with could not be removed: the next start does it.
    pub cleanup: Option<JournalError>,
}

/// What a delivery came to, for one messenger.
#[derive(Debug)]
pub struct InstanceReport {
    /// Name of the instance.
    pub name: String,
    /// Records that it accepted in this run.
    pub delivered: u64,
    /// Records that it refused in this run; they are in its quarantine.
    pub refused: u64,
    /// Records on which it failed, each alone; they are in its quarantine.
    pub failed: u64,
    /// Records that its filters left out in this run, by their reasons.
    pub dropped: BTreeMap<String, u64>,
    /// Records whose segment was damaged or is gone: not delivered, and not
    /// waiting any more.
    pub missing: u64,
    /// Records still to be delivered.
    pub waiting: u64,
    /// Records of this run, by type, that it was not given because of its
    /// `record_types`.
    pub not_given: NotGiven,
    /// The first few reasons of what was refused or failed, for the summary, each once.
    pub reasons: Vec<Reason>,
    /// Calls of this run that failed on several records, and were made again with fewer.
    pub made_again: Option<MadeAgain>,
    /// Why it ended.
    pub outcome: Ending,
}

/// Calls that failed, and were made again with fewer records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeAgain {
    /// How many.
    pub calls: u64,
    /// Of the last of them.
    pub failure: GuestFailure,
}

/// Why records went to quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Id of the first of them.
    pub record: String,
    /// As the messenger, or the host, says it.
    pub why: String,
    /// How many.
    pub records: u64,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "record `{}`", self.record)?;
        match self.records {
            0 | 1 => {}
            more => write!(f, " and {} more", more - 1)?,
        }
        write!(f, ": {}", self.why)
    }
}

impl InstanceReport {
    /// Counts a record that went to quarantine, with the reason where there is room for another one.
    pub(crate) fn quarantined(&mut self, record: &str, why: &str) {
        const REASONS: usize = 5;
        let count = self.reasons.len();
        match self.reasons.iter_mut().find(|reason| reason.why == why) {
            Some(reason) => reason.records += 1,
            None if count < REASONS => self.reasons.push(Reason {
                record: record.to_owned(),
                why: why.to_owned(),
                records: 1,
            }),
            None => {}
        }
    }

    /// Counts a call that failed, and is made again with fewer records.
    pub(crate) fn made_again(&mut self, failure: GuestFailure) {
        let before = self.made_again.take().map_or(0, |it| it.calls);
        self.made_again = Some(MadeAgain {
            calls: before.saturating_add(1),
            failure,
        });
    }

    /// Of a task that has not come to an end.
    pub fn new(name: &str) -> Self {
        InstanceReport {
            name: name.to_owned(),
            delivered: 0,
            refused: 0,
            failed: 0,
            dropped: BTreeMap::new(),
            missing: 0,
            waiting: 0,
            not_given: NotGiven::new(),
            reasons: Vec::new(),
            made_again: None,
            outcome: Ending::Failed(GuestFailure::seen_by_host(
                name,
                name,
                "deliver",
                FailureKind::Host,
                "its task ended unexpectedly",
            )),
        }
    }
}

/// Reasons that are told apart; a filter may give as many as there are records.
const DROP_REASONS: usize = 10;

impl InstanceReport {
    /// Counts a record that a filter left out.
    pub(crate) fn dropped(&mut self, reason: &str) {
        let known = self.dropped.contains_key(reason);
        let reason = match known || self.dropped.len() < DROP_REASONS {
            true => reason,
            false => "other reasons",
        };
        *self.dropped.entry(reason.to_owned()).or_default() += 1;
    }
}

/// Why a messenger's delivery ended.
#[derive(Debug)]
pub enum Ending {
    /// Nothing is left in its queue.
    Complete,
    /// It asked to be tried again after so many seconds, and the run's time
    /// does not last that long.
    RetryLater {
        /// How long it wants to be left alone.
        seconds: u32,
        /// In its own words.
        reason: String,
    },
    /// By its own words.
    Misconfigured(String),
    /// By its own words.
    Other(String),
    /// It could not be started, or the host could not do its part.
    Failed(GuestFailure),
    /// It fails whatever it is given: its last failure. Nothing was quarantined for it.
    Broken(GuestFailure),
    /// It failed on the last records of its queue, and there was nothing behind
    /// them to show whether they are the reason: tried again in the next run.
    Undecided(GuestFailure),
    /// The time for delivery was over.
    OutOfTime(Option<GuestFailure>),
    /// The run was asked to end.
    Cancelled,
    /// A file of a newer cASO stands first in its queue.
    Newer {
        /// The file.
        path: PathBuf,
        /// The format it names.
        format: u32,
    },
    /// Its queue could not be read or written.
    Journal(JournalError),
}

impl Ending {
    /// Whether nothing is left to be delivered.
    pub fn is_complete(&self) -> bool {
        matches!(self, Self::Complete)
    }
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Complete => f.write_str("all delivered"),
            Self::RetryLater { seconds, reason } => {
                write!(f, "it asks to be tried again after {seconds} s")?;
                if reason.is_empty() {
                    return Ok(());
                }
                write!(f, ": {reason}")
            }
            Self::Misconfigured(reason) => write!(f, "it is misconfigured: {reason}"),
            Self::Other(reason) => f.write_str(reason),
            Self::Failed(failure) => failure.fmt(f),
            Self::Broken(failure) => write!(
                f,
                "it fails whatever it is given, so nothing was quarantined: {failure}"
            ),
            Self::Undecided(failure) => write!(
                f,
                "it fails on what is left of its queue; tried again when there is more: {failure}"
            ),
            Self::OutOfTime(None) => f.write_str("the time for delivery was over"),
            Self::OutOfTime(Some(failure)) => {
                write!(f, "the time for delivery was over, as {failure}")
            }
            Self::Cancelled => f.write_str("the run was asked to end"),
            Self::Newer { path, format } => write!(
                f,
                "`{}` was written by a newer cASO (format {format}) and comes first",
                path.display()
            ),
            Self::Journal(failed) => f.write_str(&error_chain(failed)),
        }
    }
}
