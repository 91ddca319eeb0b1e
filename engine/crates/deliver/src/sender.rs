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
//! | start, host | the next run; nobody's record is at fault |
//!
//! **A record on which the messenger fails alone** is a *suspect*: it may be the
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

mod answer;
mod suspects;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::sync::watch;

use caso_model::answer::CheckedAnswer;
use caso_model::guest::{Batch, FailureKind, GuestFailure, Messenger};

use super::clock::Deadline;
use super::error::JournalError;
use super::journal::Shared;
use super::kind::Kind;
use super::layout::{PackName, Queue};
use super::offer::Offer;
use super::pack::{self, BatchLine};
use super::progress::AckFile;
use super::quarantine::Why;
use super::reader::{self, Item};
use super::report::{Ending, Instance, InstanceReport};
use caso_base::Clock;

/// Suspects in a row before records from further back are tried.
const SUSPECTS: usize = 3;
/// Suspects without any record to try in between.
const MOST_SUSPECTS: usize = 9;
/// Pauses without progress before a messenger waits for the next run: a run that
/// holds the lock for long keeps the next one from its work.
const IDLE_RETRIES: u32 = 2;
const REASONS: usize = 5;

/// What ends a delivery from outside.
#[derive(Clone)]
pub struct Bounds {
    pub deadline: Deadline,
    pub clock: Arc<dyn Clock>,
    pub cancel: watch::Receiver<bool>,
}

pub struct Sender<'a> {
    shared: Arc<Shared>,
    queue: Queue,
    name: String,
    messenger: Box<dyn Messenger>,
    bounds: Bounds,
    report: &'a mut InstanceReport,
    offer: Offer,
    suspects: Vec<Suspect>,
    /// Progress files of packs that are not finished yet.
    acks: HashMap<PackName, AckFile>,
    /// Whether it handled anything well in this run.
    handled: bool,
    idle_retries: u32,
    /// On the monotonic clock.
    not_before: Duration,
    asked_seconds: u32,
    asked_because: String,
}

/// Where a batch is.
#[derive(Clone)]
struct Place {
    pack: PackName,
    index: u32,
    id: String,
    kind: Kind,
    items: u32,
}

struct Suspect {
    place: Place,
    item: Item,
    failure: GuestFailure,
}

/// Why the queue stops.
type Stop = Box<Ending>;

impl From<JournalError> for Stop {
    fn from(failed: JournalError) -> Stop {
        Box::new(Ending::Journal(failed))
    }
}

impl<'a> Sender<'a> {
    pub fn new(
        shared: Arc<Shared>,
        instance: Instance,
        bounds: Bounds,
        report: &'a mut InstanceReport,
    ) -> Self {
        Sender {
            queue: shared.queue(&instance.name),
            shared,
            name: instance.name,
            messenger: instance.messenger,
            bounds,
            report,
            offer: Offer::new(instance.packing_unit),
            suspects: Vec::new(),
            acks: HashMap::new(),
            handled: false,
            idle_retries: 0,
            not_before: Duration::ZERO,
            asked_seconds: 0,
            asked_because: String::new(),
        }
    }

    pub async fn run(&mut self) -> Ending {
        match self.all().await {
            Ok(()) => Ending::Complete,
            Err(stop) => *stop,
        }
    }

    async fn all(&mut self) -> Result<(), Stop> {
        let mut passed = Vec::new();
        for entry in pack::unfinished(&self.queue)? {
            let path = self.queue.pack(entry.name);
            if let Some(format) = entry.newer {
                self.end_of_queue()?;
                return Err(Ending::Newer { path, format }.into());
            }
            self.pack(entry.name).await?;
            passed.push(entry.name);
            if self.suspects.is_empty() {
                self.finish(&mut passed)?;
            }
        }
        self.end_of_queue()?;
        self.finish(&mut passed)?;
        Ok(())
    }

    fn finish(&mut self, passed: &mut Vec<PackName>) -> Result<(), Stop> {
        for name in passed.drain(..) {
            self.acks.remove(&name);
            pack::finish(&self.shared.disk, &self.queue, name)?;
        }
        Ok(())
    }

    async fn pack(&mut self, name: PackName) -> Result<(), Stop> {
        let path = self.queue.pack(name);
        let mut reader = pack::Reader::open(&path)?;
        let header = reader.header.clone();
        let ack = AckFile::open(&self.shared.disk, &self.queue.ack(name), &header.id)?;
        self.acks.insert(name, ack);
        while let Some((index, line)) = reader.next_batch(&path)? {
            let place = place(name, index, &line)?;
            let ack = self.ack(name)?;
            if ack.progress.open(index, line.items) == 0 {
                continue;
            }
            // Reading may take a while; an empty queue needs no time at all.
            self.check_bounds()?;
            let shared = self.shared.clone();
            let progress = &self.ack(name)?.progress;
            let found = reader::read_batch(&shared, &header, index, &line, progress)?;
            if !found.missing.is_empty() {
                self.report.missing += found.missing.len() as u64;
                self.ack(name)?.resolve(index, found.missing)?;
            }
            self.batch(&place, found.items.into()).await?;
        }
        Ok(())
    }

    async fn batch(&mut self, place: &Place, mut items: VecDeque<Item>) -> Result<(), Stop> {
        while !items.is_empty() {
            self.check_bounds()?;
            self.pause().await?;
            let size = if self.suspects.is_empty() {
                self.offer.next(items.len())
            } else {
                1
            };
            match self.call(place, items.iter().take(size)).await? {
                Ok(answer) => self.answered(place, &mut items, size, answer)?,
                Err(failure) => {
                    if self.offer.failed(size) {
                        tracing::debug!(
                            "messenger `{}`: failed on {size} records of batch `{}`; trying fewer: {failure}",
                            self.name,
                            place.id
                        );
                    } else if let Some(item) = items.pop_front() {
                        self.suspect(place, item, failure, &items).await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Offers records; the inner error is the messenger's.
    async fn call(
        &mut self,
        place: &Place,
        items: impl Iterator<Item = &Item> + Clone,
    ) -> Result<Result<CheckedAnswer, GuestFailure>, Stop> {
        let left = self.left()?;
        let attempt = self.ack(place.pack)?.attempt(place.index)?;
        let count = items.clone().count();
        let ends = items.clone().map(|item| item.index);
        let (first, last) = (ends.clone().min(), ends.max());
        let batch = Batch {
            id: place.offer_id(first.unwrap_or(0), last.unwrap_or(0), count),
            attempt,
            instance: self.name.clone(),
            record_type: place.kind.name().to_owned(),
            records: place.kind.list(items.map(|item| &item.record)),
            now: self.bounds.clock.now(),
            attributes: Vec::new(),
        };
        let answered = select(
            self.messenger.deliver(&batch),
            self.bounds.clock.sleep(left),
        )
        .await;
        match answered {
            Either::Left((Ok(answer), _)) => Ok(Ok(answer)),
            Either::Left((Err(failure), _)) => match failure.kind {
                FailureKind::Start | FailureKind::Host => Err(Ending::Failed(failure).into()),
                FailureKind::Trap
                | FailureKind::Memory
                | FailureKind::Deadline
                | FailureKind::Contract => Ok(Err(failure)),
            },
            Either::Right(_) => Err(Ending::OutOfTime.into()),
        }
    }

    fn ack(&mut self, name: PackName) -> Result<&mut AckFile, JournalError> {
        self.acks
            .get_mut(&name)
            .ok_or_else(|| JournalError::Record(format!("pack `{name}` is not open")))
    }

    fn left(&self) -> Result<Duration, Stop> {
        let left = self.bounds.deadline.left(&*self.bounds.clock);
        left.ok_or_else(|| Ending::OutOfTime.into())
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
        let mut cancel = self.bounds.cancel.clone();
        let cancelled = Box::pin(async move {
            if cancel.wait_for(|cancel| *cancel).await.is_err() {
                // Nobody is left who could cancel.
                std::future::pending::<()>().await;
            }
        });
        match select(self.bounds.clock.sleep(wait), cancelled).await {
            Either::Left(_) => self.check_bounds(),
            Either::Right(_) => Err(Ending::Cancelled.into()),
        }
    }
}

fn place(pack: PackName, index: u32, line: &BatchLine) -> Result<Place, JournalError> {
    let kind = Kind::parse(&line.tag)
        .ok_or_else(|| JournalError::Record(format!("unknown type `{}`", line.tag)))?;
    Ok(Place {
        pack,
        index,
        id: line.id.clone(),
        kind,
        items: line.items,
    })
}

impl Place {
    /// The batch's id, as long as it is offered whole. A part of it has an id of
    /// its own: to a consumer that knows an id already, the other half of
    /// a batch must not look like a repetition.
    fn offer_id(&self, first: u32, last: u32, count: usize) -> String {
        if usize::try_from(self.items).is_ok_and(|items| items == count) {
            self.id.clone()
        } else {
            format!("{}.{first}-{last}-{count}", self.id)
        }
    }
}
