//! All messengers of a run, side by side.
//!
//! Each has a task of its own: one that computes without end, or waits for a
//! host that is down, takes nobody else's time, and one that panics takes
//! nobody else along.
//!
//! Most is delivered when everything is extracted. Where there is much, those that write to this
//! machine alone begin before that ([`Instance::beside`]): each time somebody says that more of
//! the journal is ready they pack what is, and deliver it. What a record that they fail on is to
//! be blamed for, and whatever else needs all of the queue, is decided at the end.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use caso_base::Clock;
use caso_journal::{Journal, NotGiven, Queue, Taking};

use crate::deadline::Deadline;
use crate::report::{Delivery, Ending, Instance, InstanceReport};
use crate::sender::{Bounds, Sender};

/// How far the extraction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extraction {
    /// More of it is ready each time this is said.
    UnderWay,
    Over,
}

/// A delivery that has begun.
pub struct Delivering {
    journal: Journal,
    bounds: Bounds,
    extraction: watch::Sender<Extraction>,
    /// What is reported of those whose tasks come to no end.
    reports: Vec<InstanceReport>,
    tasks: JoinSet<(usize, InstanceReport)>,
}

/// Says that more is ready.
#[derive(Clone)]
pub struct Ready(watch::Sender<Extraction>);

impl Ready {
    /// What the journal lets be packed now can be delivered.
    pub fn more(&self) {
        // Who listens is told of it, though it is what it was.
        self.0.send_modify(|_| {});
    }
}

/// Begins a delivery: nothing is packed or delivered before somebody says that something is
/// ready, or that everything is extracted.
///
/// `budget` is the time for what is left when everything is extracted; `cancel` ends a delivery
/// when it becomes true (seen between batches and in waits).
pub fn begin(
    journal: &Journal,
    instances: Vec<Instance>,
    budget: Duration,
    clock: Arc<dyn Clock>,
    cancel: watch::Receiver<bool>,
) -> Delivering {
    let bounds = Bounds {
        deadline: Deadline::of(budget),
        clock,
        cancel,
    };
    let reports = instances
        .iter()
        .map(|instance| InstanceReport::new(&instance.name))
        .collect();
    let (extraction, listens) = watch::channel(Extraction::UnderWay);
    let mut tasks = JoinSet::new();
    for (place, instance) in instances.into_iter().enumerate() {
        let queue = journal.queue(&instance.name);
        let (bounds, extraction) = (bounds.clone(), listens.clone());
        tasks.spawn(async move { (place, run(queue, instance, bounds, extraction).await) });
    }
    Delivering {
        journal: journal.clone(),
        bounds,
        extraction,
        reports,
        tasks,
    }
}

impl Delivering {
    /// For who extracts.
    pub fn ready(&self) -> Ready {
        Ready(self.extraction.clone())
    }

    /// Everything is extracted. Packs what is sealed for each instance and delivers what its queue
    /// holds, oldest first, until the queue is empty, the instance gives a reason to stop, or the
    /// time is over. Segments that nobody waits for any more are removed at the end.
    ///
    /// An answer's numbers are taken as they stand: whether they lie in the batch
    /// is checked once more, as quarantining the wrong record would be silent.
    pub async fn end(self) -> Delivery {
        let Delivering {
            journal,
            bounds,
            extraction,
            mut reports,
            mut tasks,
        } = self;
        journal.make_room();
        journal.hold_from(None);
        bounds.deadline.begin(bounds.clock.as_ref());
        extraction.send_replace(Extraction::Over);
        while let Some(ended) = tasks.join_next().await {
            match ended {
                Ok((place, report)) => {
                    if let Some(slot) = reports.get_mut(place) {
                        *slot = report;
                    }
                }
                // Its slot still says that it never came to an end.
                Err(e) => tracing::error!("a messenger's task ended unexpectedly: {e}"),
            }
        }
        for report in &mut reports {
            match journal.queue(&report.name).records_left() {
                Ok(left) => report.waiting = left,
                Err(failed) if report.outcome.is_complete() => {
                    report.outcome = Ending::Journal(failed);
                }
                // The reason why it ended comes first, and says more.
                Err(_) => {}
            }
        }
        Delivery {
            instances: reports,
            cleanup: journal
                .clean()
                .and_then(|()| journal.settle().map(drop))
                .err(),
            set_aside: journal.take_set_aside(),
            notices: journal.take_notices(),
        }
    }
}

async fn run(
    queue: Queue,
    instance: Instance,
    bounds: Bounds,
    mut extraction: watch::Receiver<Extraction>,
) -> InstanceReport {
    let mut report = InstanceReport::new(&instance.name);
    let beside = instance.beside;
    let (types, unit) = (instance.record_types.clone(), instance.packing_unit);
    let component = instance.component_types.clone();
    let taking = Taking {
        record_types: types.as_deref(),
        component: component.as_deref(),
    };
    let pack = || queue.pack(taking, unit);
    let mut not_given = NotGiven::new();
    let mut sender = Sender::new(queue.clone(), instance, bounds, &mut report);
    let mut early = Ending::Complete;
    while beside && early.is_complete() && more(&mut extraction).await {
        early = match pack() {
            Ok(left_out) => {
                add(&mut not_given, left_out);
                sender.beside().await
            }
            Err(failed) => Ending::Journal(failed),
        };
    }
    // Nobody is left who could say it where the run was given up.
    let _ = extraction.wait_for(|it| *it == Extraction::Over).await;
    let packed = pack();
    let outcome = match early {
        Ending::Complete => sender.run().await,
        // A disk that was full may have room by now.
        Ending::Journal(_) => {
            sender.start_again();
            sender.run().await
        }
        ended => ended,
    };
    // What is packed already goes, also when nothing can be added to it.
    report.outcome = match (outcome, packed) {
        (Ending::Complete, Err(failed)) => Ending::Journal(failed),
        (outcome, Err(_)) => outcome,
        (outcome, Ok(left_out)) => {
            add(&mut not_given, left_out);
            report.not_given = not_given;
            outcome
        }
    };
    report
}

/// Waits until more is ready; false when everything is extracted.
async fn more(extraction: &mut watch::Receiver<Extraction>) -> bool {
    extraction.changed().await.is_ok() && *extraction.borrow_and_update() != Extraction::Over
}

fn add(all: &mut NotGiven, more: NotGiven) {
    for (record_type, records) in more {
        *all.entry(record_type).or_default() += records;
    }
}
