//! All messengers of a run, side by side.
//!
//! Each has a task of its own: one that computes without end, or waits for a
//! host that is down, takes nobody else's time, and one that panics takes
//! nobody else along.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;

use caso_model::guest::{FailureKind, GuestFailure};

use super::clock::Deadline;
use super::journal::{Journal, Shared};
use super::packing::NotGiven;
use super::report::{Delivery, Ending, Instance, InstanceReport};
use super::sender::{Bounds, Sender};
use super::{cleanup, packing, waiting};
use caso_base::Clock;

/// Packs what is sealed for each instance and delivers what its queue holds,
/// oldest first, until the queue is empty, the instance gives a reason to stop,
/// the deadline passes, or `cancel` becomes true (seen between batches and
/// in waits). Segments that nobody waits for any more are removed at the end.
///
/// An answer's numbers are taken as they stand: whether they lie in the batch
/// is checked once more, as quarantining the wrong record would be silent.
pub async fn deliver(
    journal: &Journal,
    instances: Vec<Instance>,
    deadline: Deadline,
    clock: Arc<dyn Clock>,
    cancel: watch::Receiver<bool>,
) -> Delivery {
    let shared = &journal.shared;
    let bounds = Bounds {
        deadline,
        clock,
        cancel,
    };
    let mut reports: Vec<InstanceReport> = instances
        .iter()
        .map(|instance| InstanceReport::new(&instance.name))
        .collect();
    let mut tasks = JoinSet::new();
    for (place, instance) in instances.into_iter().enumerate() {
        let shared = shared.clone();
        let bounds = bounds.clone();
        tasks.spawn(async move { (place, run(shared, instance, bounds).await) });
    }
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
        let queue = shared.queue(&report.name);
        match waiting::records_left(shared, &queue, &report.name) {
            Ok(left) => report.waiting = left.records,
            Err(failed) if report.outcome.is_complete() => {
                report.outcome = Ending::Journal(failed);
            }
            Err(_) => {}
        }
    }
    Delivery {
        instances: reports,
        cleanup: cleanup::clean(shared).err(),
        set_aside: shared.take_set_aside(),
    }
}

async fn run(shared: Arc<Shared>, instance: Instance, bounds: Bounds) -> InstanceReport {
    let mut report = InstanceReport::new(&instance.name);
    let packed = packing::pack(
        &shared,
        &instance.name,
        instance.record_types.as_deref(),
        instance.packing_unit,
    );
    // What is packed already goes, also when nothing can be added to it.
    let mut sender = Sender::new(shared, instance, bounds, &mut report);
    let outcome = sender.run().await;
    report.outcome = match (outcome, packed) {
        (Ending::Complete, Err(failed)) => Ending::Journal(failed),
        (outcome, Err(_)) => outcome,
        (outcome, Ok(not_given)) => {
            report.not_given = not_given;
            outcome
        }
    };
    report
}

impl InstanceReport {
    fn new(name: &str) -> Self {
        InstanceReport {
            name: name.to_owned(),
            delivered: 0,
            refused: 0,
            failed: 0,
            missing: 0,
            waiting: 0,
            not_given: NotGiven::new(),
            reasons: Vec::new(),
            outcome: Ending::Failed(GuestFailure {
                component: name.to_owned(),
                instance: name.to_owned(),
                call: "deliver",
                kind: FailureKind::Host,
                detail: "its task ended unexpectedly".into(),
                frames: Vec::new(),
                stderr: String::new(),
            }),
        }
    }
}
