//! One messenger's queue, batch by batch: the retry rule.
//!
//! | answer | what the host does |
//! |---|---|
//! | accepted n, refused some | the refused to quarantine, then all of them acknowledged, whatever else the answer says |
//! | `done` | next batch; records that are left all the same: as `other` |
//! | `retry-after-seconds` | waits so long, where the run's time lasts that long, and offers the rest; else, or after three such answers in a row without any progress, the next run |
//! | `too-large` | smaller offers for the rest of the run; a record that is too large alone: quarantine |
//! | `misconfigured`, `other` | the next run; no matter when nothing is left of the batch |
//! | trap, memory, contract, deadline | the first half, and so on down to one record; see below |
//! | no room in its queue | smaller offers for the rest of the run, down to one message; then the next run |
//! | start, host | the next run; nobody's record is at fault |
//!
//! **A record on which the messenger fails alone** is offered again (`again`), as often as it
//! takes to tell it from a messenger that fails now and then. Where it fails each time it is a
//! *suspect*: it may be the
//! record, it may be the messenger, or what it talks to. It goes to quarantine when
//! the messenger handles another record well *after* having failed on it: the records
//! behind it are offered, singly while there is a suspect. Three suspects in a row, and
//! three more records from further back in the batch are tried, as bad records
//! come in clusters. Where one of them is handled well the suspects are quarantined
//! and the queue goes on behind them, in order (that one is delivered again in its
//! turn: its key may have had an older record before it). Where none is, the messenger
//! is broken: it stops, and nothing is quarantined. At the end of the queue, with nothing
//! left to try, something that it handled well earlier in the run decides, but not for a
//! missed deadline, which is as likely a host that hung. Else the suspects wait for what
//! the next run puts behind them.
//!
//! A suspect's quarantine is on disk before what proved it guilty is acknowledged, so
//! that at no instant a record behind it is done with while it is open.

mod again;
mod answer;
mod suspects;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use caso_base::Clock;
use caso_journal::{
    BatchItem, BatchRecords, JournalError, OpenPack, PackedBatch, Queue, SegmentName,
};
use caso_model::Origin;
use caso_model::guest::{Batch, BoxFuture, FailureKind, GuestFailure, Messenger};
use futures_util::future::{Either, select};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinHandle};

use caso_model::answer::CheckedAnswer;

use crate::batch_size::BatchSize;
use crate::deadline::Deadline;
use crate::report::{Ending, Instance, InstanceReport};

use self::again::Calls;

/// Suspects in a row before records from further back are tried.
const SUSPECTS: usize = 3;
/// Suspects without any record to try in between.
const MOST_SUSPECTS: usize = 9;
/// Pauses without progress before a messenger waits for the next run: a run that
/// holds the lock for long keeps the next one from its work.
const IDLE_RETRIES: u32 = 2;

/// What ends a delivery from outside.
#[derive(Clone)]
pub(crate) struct Bounds {
    pub(crate) deadline: Deadline,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) cancel: watch::Receiver<bool>,
}

impl Bounds {
    /// Comes when the run is to end.
    fn cancelled(&self) -> BoxFuture<'static, ()> {
        let mut cancel = self.cancel.clone();
        Box::pin(async move {
            if cancel.wait_for(|cancel| *cancel).await.is_err() {
                // Nobody is left who could cancel.
                std::future::pending::<()>().await;
            }
        })
    }
}

pub(crate) struct Sender<'a> {
    queue: Queue,
    name: String,
    messenger: Box<dyn Messenger>,
    bounds: Bounds,
    report: &'a mut InstanceReport,
    size: BatchSize,
    suspects: Vec<Suspect>,
    /// Packs that it has been through, of which suspects may be left.
    passed: Vec<OpenPack>,
    /// Whether it handled anything well in this run.
    handled: bool,
    /// The last of its calls that took too long. Others that went well since, with fewer
    /// records, say nothing of where the time went.
    too_long: Option<GuestFailure>,
    /// Of its calls in this run, how many it failed.
    calls: Calls,
    idle_retries: u32,
    /// On the monotonic clock.
    not_before: Duration,
    asked_seconds: u32,
    asked_because: String,
}

struct Suspect {
    batch: PackedBatch,
    item: BatchItem,
    failure: GuestFailure,
}

/// Why the queue stops.
type Stop = Box<Ending>;

fn ended<T>(outcome: Result<T, Stop>, too_long: Option<GuestFailure>) -> Ending {
    match outcome.map_err(|stop| *stop) {
        Ok(_) => Ending::Complete,
        // That is where the time went.
        Err(Ending::OutOfTime(None)) => Ending::OutOfTime(too_long),
        Err(ending) => ending,
    }
}

impl From<JournalError> for Stop {
    fn from(failed: JournalError) -> Stop {
        Box::new(Ending::Journal(failed))
    }
}

impl<'a> Sender<'a> {
    pub(crate) fn new(
        queue: Queue,
        instance: Instance,
        bounds: Bounds,
        report: &'a mut InstanceReport,
    ) -> Self {
        Sender {
            queue,
            name: instance.name,
            messenger: instance.messenger,
            bounds,
            report,
            size: BatchSize::new(instance.packing_unit),
            suspects: Vec::new(),
            passed: Vec::new(),
            handled: false,
            too_long: None,
            calls: Calls::default(),
            idle_retries: 0,
            not_before: Duration::ZERO,
            asked_seconds: 0,
            asked_because: String::new(),
        }
    }

    /// Delivers what is packed, while more is still to come.
    pub(crate) async fn beside(&mut self) -> Ending {
        ended(self.packed().await, self.too_long.take())
    }

    /// Delivers what is packed, behind which nothing comes.
    pub(crate) async fn run(&mut self) -> Ending {
        ended(self.all().await, self.too_long.take())
    }

    /// What was begun is taken up from the disk.
    pub(crate) fn start_again(&mut self) {
        self.suspects.clear();
        self.passed.clear();
    }

    async fn all(&mut self) -> Result<(), Stop> {
        let newer = self.packed().await?;
        self.end_of_queue()?;
        if let Some(newer) = newer {
            return Err(newer);
        }
        self.finish()
    }

    /// Goes through all packs, or up to one of a newer cASO, which it answers with.
    async fn packed(&mut self) -> Result<Option<Stop>, Stop> {
        for pending in self.queue.pending()? {
            if self.passed.iter().any(|pack| pack.name() == pending.name) {
                continue;
            }
            if let Some(format) = pending.newer {
                let path = pending.path;
                return Ok(Some(Ending::Newer { path, format }.into()));
            }
            let mut pack = self.queue.open(pending.name)?;
            self.pack(&mut pack).await?;
            self.passed.push(pack);
            if self.suspects.is_empty() {
                self.finish()?;
            }
        }
        Ok(None)
    }

    /// Ends packs that have nothing left.
    fn finish(&mut self) -> Result<(), Stop> {
        for pack in self.passed.drain(..) {
            pack.finish()?;
        }
        Ok(())
    }

    /// While the messenger has one batch the next one is read: two are in memory.
    async fn pack(&mut self, pack: &mut OpenPack) -> Result<(), Stop> {
        // Nobody works meanwhile on what is read first.
        let mut next = match pack.next_batch()? {
            Some(batch) => {
                // Reading may take a while; an empty queue needs no time at all.
                self.check_bounds()?;
                Some((batch.records()?, batch))
            }
            None => None,
        };
        while let Some((found, batch)) = next {
            self.check_bounds()?;
            let ahead = read_ahead(pack);
            let done = self.found(&batch, found).await;
            // Whatever became of it: nobody is left at the journal when this one is not.
            let behind = read(ahead).await;
            done?;
            next = behind?;
        }
        Ok(())
    }

    async fn found(&mut self, batch: &PackedBatch, found: BatchRecords) -> Result<(), Stop> {
        if !found.missing.is_empty() {
            self.report.missing += found.missing.len() as u64;
            batch.resolve(found.missing)?;
        }
        self.batch(batch, found.items.into()).await
    }

    async fn batch(
        &mut self,
        batch: &PackedBatch,
        mut items: VecDeque<BatchItem>,
    ) -> Result<(), Stop> {
        while !items.is_empty() {
            self.check_bounds()?;
            self.pause().await?;
            let size = if self.suspects.is_empty() {
                self.size.next(items.len())
            } else {
                1
            };
            match self.call(batch, items.iter().take(size)).await? {
                Ok(answer) => self.answered(batch, &mut items, size, answer)?,
                // Fewer are offered, to which no record gave reason.
                Err(failure) if failure.kind == FailureKind::Room => {
                    tracing::debug!(
                        "messenger `{}`: no room for {size} records; trying fewer: {failure}",
                        self.name
                    );
                    self.report.made_again(failure);
                }
                Err(failure) => {
                    let too_long = failure.kind == FailureKind::Deadline;
                    if self.size.failed(size, too_long) {
                        tracing::debug!(
                            "messenger `{}`: failed on {size} records of batch `{}`; trying fewer: {failure}",
                            self.name,
                            batch.id()
                        );
                        self.report.made_again(failure);
                        continue;
                    }
                    match self.once_more(batch, &items, failure).await? {
                        Ok(answer) => self.answered(batch, &mut items, 1, answer)?,
                        Err(failure) => {
                            if let Some(item) = items.pop_front() {
                                self.suspect(batch, item, failure, &items).await?;
                            }
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Offers records; the inner error is the messenger's.
    async fn call(
        &mut self,
        packed: &PackedBatch,
        items: impl Iterator<Item = &BatchItem> + Clone,
    ) -> Result<Result<CheckedAnswer, GuestFailure>, Stop> {
        let left = self.left()?;
        let attempt = packed.attempt()?;
        let count = items.clone().count();
        let ends = items.clone().map(|item| item.index);
        let (first, last) = (ends.clone().min(), ends.max());
        let (origins, origin_of) = origins(items.clone());
        let batch = Batch {
            id: offer_id(packed, first.unwrap_or(0), last.unwrap_or(0), count),
            attempt,
            instance: self.name.clone(),
            record_type: packed.kind().name().to_owned(),
            origins,
            origin_of,
            records: packed.kind().list(items.map(|item| &item.record)),
            now: self.bounds.clock.now(),
            time_left: left,
            attributes: Vec::new(),
        };
        let bounds = select(self.bounds.clock.sleep(left), self.bounds.cancelled());
        let answered = match select(self.messenger.deliver(&batch), bounds).await {
            Either::Left((answered, _)) => Ok(answered),
            Either::Right((Either::Left(_), _)) => Err(Ending::OutOfTime(None)),
            // A call that waits, or computes, is left where it is: what it put is dropped,
            // and what it was offered is offered again.
            Either::Right((Either::Right(_), _)) => Err(Ending::Cancelled),
        };
        match &answered {
            // It did its part.
            Ok(Err(failure)) if failure.kind == FailureKind::Room => {}
            answered => self.calls.count(matches!(answered, Ok(Ok(_)))),
        }
        match answered? {
            Ok(answer) => Ok(Ok(answer)),
            Err(failure) => match failure.kind {
                FailureKind::Deadline => {
                    self.too_long = Some(failure.clone());
                    Ok(Err(failure))
                }
                FailureKind::Start | FailureKind::Host => Err(Ending::Failed(failure).into()),
                FailureKind::Room if self.size.no_room(count) => Ok(Err(failure)),
                FailureKind::Room => Err(Ending::Failed(failure).into()),
                FailureKind::Trap | FailureKind::Memory | FailureKind::Contract => Ok(Err(failure)),
            },
        }
    }

    fn left(&self) -> Result<Duration, Stop> {
        let left = self.bounds.deadline.left(&*self.bounds.clock);
        left.ok_or_else(|| Ending::OutOfTime(None).into())
    }

    fn check_bounds(&self) -> Result<(), Stop> {
        if *self.bounds.cancel.borrow() {
            return Err(Ending::Cancelled.into());
        }
        self.left().map(|_| ())
    }

    /// Waits as long as the messenger asked to be left alone.
    async fn pause(&mut self) -> Result<(), Stop> {
        let wait = self
            .not_before
            .saturating_sub(self.bounds.clock.monotonic());
        if wait.is_zero() {
            return Ok(());
        }
        if wait >= self.left()? {
            return Err(Ending::RetryLater {
                seconds: self.asked_seconds,
                reason: self.asked_because.clone(),
            }
            .into());
        }
        // For who watches: half a minute in silence looks like a hang.
        tracing::info!(
            target: PROGRESS,
            "messenger `{}`: trying again in {} s: {}",
            self.name,
            wait.as_secs().max(1),
            self.asked_because
        );
        match select(self.bounds.clock.sleep(wait), self.bounds.cancelled()).await {
            Either::Left(_) => self.check_bounds(),
            Either::Right(_) => Err(Ending::Cancelled.into()),
        }
    }
}

/// The log target of what only somebody at a terminal wants to read while it lasts.
pub const PROGRESS: &str = "progress";

type Reading = JoinHandle<Result<BatchRecords, JournalError>>;

/// Begins to read the records of a pack's next batch. What is left of it does not change before it
/// is offered: nothing is resolved but in the batch that the messenger has, and in those before.
fn read_ahead(pack: &mut OpenPack) -> Result<Option<(Reading, PackedBatch)>, JournalError> {
    Ok(pack.next_batch()?.map(|batch| {
        let read = batch.clone();
        let reading = tokio::task::spawn_blocking(move || read.records());
        (reading, batch)
    }))
}

/// What was read ahead.
async fn read(
    ahead: Result<Option<(Reading, PackedBatch)>, JournalError>,
) -> Result<Option<(BatchRecords, PackedBatch)>, Stop> {
    match ahead? {
        Some((reading, batch)) => Ok(Some((reading.await.map_err(Ended)??, batch))),
        None => Ok(None),
    }
}

/// The thread that read ended before it had read.
struct Ended(JoinError);

impl From<Ended> for Stop {
    fn from(Ended(error): Ended) -> Stop {
        Ending::Other(format!("its queue could not be read: {error}")).into()
    }
}

/// The segments' origins, each once, and which of them each record has.
fn origins<'a>(items: impl Iterator<Item = &'a BatchItem>) -> (Vec<Origin>, Vec<u32>) {
    let mut origins = Vec::new();
    let mut known: HashMap<SegmentName, u32> = HashMap::new();
    let origin_of = items
        .map(|item| {
            *known.entry(item.segment).or_insert_with(|| {
                origins.push(item.origin.as_ref().clone());
                u32::try_from(origins.len() - 1).unwrap_or(u32::MAX)
            })
        })
        .collect();
    (origins, origin_of)
}

/// The batch's id, as long as it is offered whole. A part of it has an id of
/// its own: to a consumer that knows an id already, the other half of
/// a batch must not look like a repetition.
fn offer_id(batch: &PackedBatch, first: u32, last: u32, count: usize) -> String {
    if usize::try_from(batch.items()).is_ok_and(|items| items == count) {
        batch.id().to_owned()
    } else {
        format!("{}.{first}-{last}-{count}", batch.id())
    }
}
