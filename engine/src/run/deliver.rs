//! From the journal to the messengers.

use std::sync::Arc;

use tokio::sync::watch;

use super::components::{Messenger, Starter};
use super::prepare::Prepared;
use super::summary::Summary;
use caso_base::SystemClock;
use caso_deliver::{Delivering, Delivery, Instance};
use caso_model::answer::CheckedAnswer;
use caso_model::guest::{self, Batch, BoxFuture, GuestFailure};

/// Begins the delivery: see [`caso_deliver::begin`]. Time is the machine's, in a
/// replay too: a messenger's patience is not recorded.
pub fn begin(prepared: &Prepared, cancel: watch::Receiver<bool>) -> Delivering {
    let messengers = prepared.messengers.iter();
    caso_deliver::begin(
        &prepared.journal,
        messengers.map(|it| instance(it, prepared.now)).collect(),
        prepared.config.delivery_timeout,
        Arc::new(SystemClock::new()),
        cancel,
    )
}

/// Delivers what waits, and reports to the summary.
pub async fn end(delivering: Delivering, prepared: &Prepared, summary: &mut Summary) -> Delivery {
    for unusable in &prepared.unusable {
        summary.unusable(unusable);
    }
    // A replay's go into a folder of its own, which the demo names.
    if prepared.kind.is_online() {
        for messenger in &prepared.messengers {
            summary.goes_to(&messenger.name, messenger.destinations());
        }
    }
    let delivery = delivering.end().await;
    summary.delivery(&delivery);
    delivery
}

fn instance(messenger: &Messenger, now: i64) -> Instance {
    Instance {
        name: messenger.name.clone(),
        record_types: messenger.record_types.clone(),
        component_types: messenger.component_types.clone(),
        packing_unit: messenger.packing_unit,
        beside: messenger.writes_here_alone(),
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
        batch: &'a Batch<'_>,
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
