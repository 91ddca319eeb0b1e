//! What passes between the engine and its components, and how a component fails.
//!
//! `run` and `deliver` work against the two traits, `sandbox` implements them
//! with wasmtime, and unit tests with a few lines of their own. Documented in
//! `wit/{mapping,outcomes,delivery,deliveries}.wit`.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use super::answer::CheckedAnswer;
use super::record::{AccountingRecord, RecordList};
use super::usage::{Context, Tables, UsageItem};
use super::{Attribute, Origin};

/// A future that may move between the runtime's threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What became of one usage item.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    Records(Vec<AccountingRecord>),
    /// The mapper refused it, or broke the contract on it, for this reason.
    Refused(String),
    /// These records, and a part that cannot be accounted, for this reason.
    Partly(Vec<AccountingRecord>, String),
    /// The mapper failed on this item alone, in a fresh store.
    Failed(GuestFailure),
}

/// Records of one type, as one attempt offers them to a messenger.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch<'a> {
    /// Fixed on disk when first packed: the idempotency key.
    pub id: String,
    /// 1 for the first attempt.
    pub attempt: u32,
    pub instance: String,
    pub record_type: String,
    /// Where the records come from.
    pub origins: Vec<Origin>,
    /// For each record the index of its origin, from 0.
    pub origin_of: Vec<u32>,
    pub records: RecordList<'a>,
    pub now: i64,
    /// Until the run ends this call; the instance's own limits may end it earlier.
    pub time_left: Duration,
    pub attributes: Vec<Attribute>,
}

impl Batch<'_> {
    /// The same, with records of its own.
    #[must_use]
    pub fn into_owned(self) -> Batch<'static> {
        Batch {
            records: self.records.into_owned(),
            id: self.id,
            attempt: self.attempt,
            instance: self.instance,
            record_type: self.record_type,
            origins: self.origins,
            origin_of: self.origin_of,
            now: self.now,
            time_left: self.time_left,
            attributes: self.attributes,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub index: u32,
    pub reason: String,
}

/// What to do with the records that are neither accepted nor refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rest {
    Done,
    Retry { after_seconds: u32, reason: String },
    TooLarge,
    Misconfigured(String),
    Other(String),
}

/// What becomes of a record on its way to a messenger, in a filter's word. A
/// [`Filter`] hands out checked ones only: what it replaces a record by has the
/// record's type and keys.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    Keep,
    Replace(Box<AccountingRecord>),
    /// Not for this messenger, for this reason.
    Drop(String),
}

/// How far a delivery got, in the messenger's own numbers. A [`Messenger`] hands
/// out checked ones only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub accepted: u32,
    pub refused: Vec<Refusal>,
    pub rest: Rest,
    pub attributes: Vec<Attribute>,
}

/// Why a component does not start, in its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartError {
    /// An option has a value that will not do.
    WrongOption {
        name: String,
        reason: String,
    },
    Misconfigured(String),
    Unavailable(String),
    Other(String),
}
/// The mapper's name as an instance. No messenger can have it.
pub const MAPPER: &str = "mapper";

/// How a call of a component failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// It trapped (unreachable, division by zero, stack overflow, …).
    Trap,
    /// It asked for more memory than its limit.
    Memory,
    /// It computed past its deadline, or a call took longer than its timeout.
    Deadline,
    /// It broke the contract: an index outside the batch, too many items, a
    /// number that is not finite, more data than the limit.
    Contract,
    /// It could not be started: options refused, an import missing.
    Start,
    /// What it asked for was granted and done well, but the host could not do
    /// its part: a folder is gone, a disk fails. Not the
    /// component's fault; never a reason to halve or to quarantine.
    Host,
    /// As `Host`, and fewer records may go well: the queue has no room for so many
    /// messages at a time. None of them is in it.
    Room,
}

/// What a site bounds of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    Memory,
    /// The time in which it computes.
    Deadline,
    /// The wall clock, all waits included.
    Timeout,
    /// What it may put into queues and folders in a run.
    Output,
}

/// A limit that a call came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    pub bound: Bound,
    /// Where the site sets it: `messenger_NAME`, `filter_NAME` or `mapper`.
    pub section: String,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (option, what) = match self.bound {
            Bound::Memory => ("memory", "how much memory it may use"),
            Bound::Deadline => ("deadline", "how long a call may compute"),
            Bound::Timeout => ("timeout", "how long a call may take, waits included"),
            // Who puts too much is seldom an honest one: it is not to be raised by itself.
            Bound::Output => {
                return write!(
                    f,
                    "raise `output` in [{}] if it has to put so much there",
                    self.section
                );
            }
        };
        write!(f, "`{option}` in [{}] is {what}", self.section)
    }
}

/// A component's failure, as people and the retry rule need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestFailure {
    pub component: String,
    pub instance: String,
    pub call: &'static str,
    pub kind: FailureKind,
    /// The option that is to blame for a start that failed, as the component calls
    /// it; `detail` says what is wrong with its value.
    pub option: Option<String>,
    /// The limit of the site's that ended the call.
    pub limit: Option<Limit>,
    pub detail: String,
    /// Function names, innermost first.
    pub frames: Vec<String>,
    /// The tail of what it wrote to stderr, cleaned.
    pub stderr: String,
}

impl GuestFailure {
    /// For a message that has named the component and what it was to do.
    pub fn cause(&self) -> Cause<'_> {
        Cause(self)
    }

    /// A failure that the host found, with nothing of the guest's own to show for it.
    pub fn seen_by_host(
        component: &str,
        instance: &str,
        call: &'static str,
        kind: FailureKind,
        detail: impl Into<String>,
    ) -> Self {
        GuestFailure {
            component: component.to_owned(),
            instance: instance.to_owned(),
            call,
            kind,
            option: None,
            limit: None,
            detail: detail.into(),
            frames: Vec::new(),
            stderr: String::new(),
        }
    }
}

impl fmt::Display for GuestFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "component `{}`", self.component)?;
        if self.instance == MAPPER {
            if self.component != MAPPER {
                f.write_str(" (the mapper)")?;
            }
        } else if !self.instance.is_empty() && self.instance != self.component {
            write!(f, " (messenger `{}`)", self.instance)?;
        }
        write!(f, " failed in `{}`: {}", self.call, self.cause())
    }
}

/// How it failed, without who and in what.
pub struct Cause<'a>(&'a GuestFailure);

impl fmt::Display for Cause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(failure) = self;
        if let Some(option) = &failure.option {
            write!(f, "option `{option}`: ")?;
        }
        f.write_str(&failure.detail)?;
        if let Some(frame) = failure.frames.first() {
            write!(f, " (in `{frame}`)")?;
        }
        if !failure.stderr.is_empty() {
            write!(f, "; its last words: {}", failure.stderr)?;
        }
        Ok(())
    }
}

impl std::error::Error for GuestFailure {}

/// A started mapper. Isolates failures itself: a page on which the component
/// fails is halved, each half in a fresh store, down to the one item, so that
/// one outcome for each item comes back, in the items' order. An error means
/// that the component fails whatever it is given, or cannot be started again.
pub trait Mapper: Send {
    fn map<'a>(
        &'a mut self,
        context: &'a Context,
        tables: &'a Tables,
        items: &'a [UsageItem],
    ) -> BoxFuture<'a, Result<Vec<Outcome>, GuestFailure>>;
}

/// A started filter: one verdict for each record of a batch, in order. After a failure
/// it takes a fresh store by itself at the next call.
pub trait Filter: Send {
    /// Judges the records of a batch.
    fn filter<'a>(
        &'a mut self,
        batch: &'a Batch<'_>,
    ) -> BoxFuture<'a, Result<Vec<Verdict>, GuestFailure>>;
}

/// A started messenger instance. After a failure it takes a fresh store by
/// itself at the next call. Messages it put into queues are on disk, with
/// fsync, when `deliver` returns an answer, and are dropped otherwise. An answer
/// whose numbers do not fit the batch is a failure of kind `Contract`.
pub trait Messenger: Send {
    /// Offers the records of a batch.
    fn deliver<'a>(
        &'a mut self,
        batch: &'a Batch<'_>,
    ) -> BoxFuture<'a, Result<CheckedAnswer, GuestFailure>>;
}
