//! From the journal to the messengers.

use std::sync::Arc;

use tokio::sync::watch;

use super::components::{Messenger, Starter};
use super::prepare::Prepared;
use super::summary::Summary;
use caso_base::SystemClock;
use caso_deliver::{Deadline, Delivery, Instance};
use caso_model::answer::CheckedAnswer;
use caso_model::guest::{self, Batch, BoxFuture, GuestFailure};

/// Delivers what waits, and reports to the summary. Time is the machine's, in a
/// replay too: a messenger's patience is not recorded.
pub async fn deliver(
    prepared: &Prepared,
    cancel: watch::Receiver<bool>,
    summary: &mut Summary,
) -> Delivery {
    for unusable in &prepared.unusable {
        summary.unusable(unusable);
    }
    let mut instances = Vec::new();
    for messenger in &prepared.messengers {
        // A replay's go into a folder of its own, which the demo names.
        if prepared.kind.is_online() {
            summary.goes_to(&messenger.name, messenger.destinations());
        }
        instances.push(instance(messenger, prepared.now));
    }
    let clock = Arc::new(SystemClock::new());
    let deadline = Deadline::after(clock.as_ref(), prepared.config.delivery_timeout);
    let delivery =
        caso_deliver::deliver(&prepared.journal, instances, deadline, clock, cancel).await;
    summary.delivery(&delivery);
    delivery
}

fn instance(messenger: &Messenger, now: i64) -> Instance {
    Instance {
        name: messenger.name.clone(),
        record_types: messenger.record_types.clone(),
        packing_unit: messenger.packing_unit,
        messenger: Box::new(Lazy {
            starter: messenger.starter(),
            now,
            started: None,
        }),
    }
}

/// Started with its first batch, in its own task and its own time: one that takes a
/// minute to start, or never does, takes nobody else's.
struct Lazy {
    starter: Starter,
    /// When the run began: the time of its filters.
    now: i64,
    started: Option<Box<dyn guest::Messenger>>,
}

impl guest::Messenger for Lazy {
    fn deliver<'a>(
        &'a mut self,
        batch: &'a Batch,
    ) -> BoxFuture<'a, Result<CheckedAnswer, GuestFailure>> {
        Box::pin(async move {
            let started = match self.started.take() {
                Some(started) => started,
                None => self.starter.start_filtered(self.now).await?,
            };
            self.started.insert(started).deliver(batch).await
        })
    }
}
