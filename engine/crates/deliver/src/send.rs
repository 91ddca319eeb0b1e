//! All messengers of a run, side by side.
//!
//! Each has a task of its own: one that computes without end, or waits for a
//! host that is down, takes nobody else's time, and one that panics takes
//! nobody else along.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;

use caso_base::Clock;
use caso_journal::{Journal, Queue};

use crate::deadline::Deadline;
use crate::report::{Delivery, Ending, Instance, InstanceReport};
use crate::sender::{Bounds, Sender};

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
    let bounds = Bounds {
        deadline,
        clock,
        cancel,
    };
    let mut reports: Vec<InstanceReport> = instances
        .iter()
        .map(|instance| InstanceReport::new(&instance.name))
        .collect();
    journal.make_room();
    let mut tasks = JoinSet::new();
    for (place, instance) in instances.into_iter().enumerate() {
        let queue = journal.queue(&instance.name);
        let bounds = bounds.clone();
        tasks.spawn(async move { (place, run(queue, instance, bounds).await) });
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
        cleanup: journal.clean().err(),
        set_aside: journal.take_set_aside(),
        notices: journal.take_notices(),
    }
}

async fn run(queue: Queue, instance: Instance, bounds: Bounds) -> InstanceReport {
    let mut report = InstanceReport::new(&instance.name);
    let packed = queue.pack(instance.record_types.as_deref(), instance.packing_unit);
    // What is packed already goes, also when nothing can be added to it.
    let mut sender = Sender::new(queue, instance, bounds, &mut report);
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
