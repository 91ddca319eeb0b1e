//! From the journal to the messengers.

use std::sync::Arc;

use tokio::sync::watch;

use super::components::Messenger;
use super::prepare::Prepared;
use super::summary::Summary;
use caso_base::SystemClock;
use caso_deliver::{Deadline, Delivery, Instance, Unstarted};
use caso_model::guest;

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
        instances.push(started(messenger).await);
    }
    let clock = Arc::new(SystemClock::new());
    let deadline = Deadline::after(clock.as_ref(), prepared.config.delivery_timeout);
    let delivery =
        caso_deliver::deliver(&prepared.journal, instances, deadline, clock, cancel).await;
    summary.delivery(&delivery);
    delivery
}

/// One that cannot be started takes part as one whose records are packed and
/// wait.
async fn started(messenger: &Messenger) -> Instance {
    let guest: Box<dyn guest::Messenger> = match messenger.start().await {
        Ok(guest) => Box::new(guest),
        Err(failure) => Box::new(Unstarted(failure)),
    };
    Instance {
        name: messenger.name.clone(),
        record_types: messenger.record_types.clone(),
        packing_unit: messenger.packing_unit,
        messenger: guest,
    }
}
