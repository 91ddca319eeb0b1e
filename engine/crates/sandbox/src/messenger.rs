//! A messenger's instance, called.

use std::collections::BTreeMap;
use std::sync::Arc;

use caso_disk::{DirQueue, MonotonicNames, Posting, QueueFailure};
use wasmtime::{Engine, Store};
use wasmtime_wasi::{FsPerms, WasiCtxBuilder};

use super::abi::{MessengerAbi, RunningMessenger, Starts as _};
use super::budget::{Budget, Spent};
use super::connection::Connections;
use super::failure::Who;
use super::http::{Clients, Http};
use super::instance::{Instance, Spec, World};
use super::limits::Limits;
use super::log::{GuestLog, Level};
use super::mask::Mask;
use super::policy::Granted;
use super::queue::{Stage, Staged};
use super::redirect::{Redirect, Sink};
use super::signature::{self, Signatures, Signers};
use super::sockets;
use super::state::{HostServices, State};
use caso_model::Attribute;
use caso_model::answer::CheckedAnswer;
use caso_model::component::Setting;
use caso_model::guest::{
    Answer, Batch, BoxFuture, FailureKind, GuestFailure, Messenger, Rest, StartError,
};
use caso_net::NetworkEnvironment;
use caso_net::address::Unresolved;
use caso_net::tls::TlsCache;

/// What an instance of a messenger is started with.
#[derive(Debug, Clone)]
pub struct MessengerSetup {
    /// Its name, as the host has it; a component may have several instances.
    pub instance: String,
    /// The values of the component's options.
    pub settings: Vec<Setting>,
    /// Texts to mask besides the values of its own secret options.
    pub secrets: Vec<String>,
    /// From [`crate::decide()`].
    pub granted: Granted,
    /// What one call may use.
    pub limits: Limits,
    /// Where its output goes instead of outside, if anywhere.
    pub redirect: Redirect,
    /// Proxies for its HTTP requests, and whom its connections trust where the
    /// grant does not say so.
    pub network: NetworkEnvironment,
}

/// A started messenger instance.
pub struct GuestMessenger {
    instance: Instance<MessengerWorld>,
    outlet: Outlet,
}

/// Where messages go after a call.
struct Outlet {
    queues: Arc<Queues>,
    /// Set: there, and not into their queues.
    redirected: Option<Sink>,
}

/// By the capability's name.
type Queues = BTreeMap<String, DirQueue>;

/// What was granted, and what outlives a store that is thrown away.
struct MessengerWorld {
    pre: MessengerAbi,
    granted: Arc<Granted>,
    tls: Arc<TlsCache>,
    clients: Arc<Clients>,
    signers: Arc<Signers>,
    redirect: Redirect,
}

impl GuestMessenger {
    pub(crate) async fn start(
        engine: Engine,
        pre: MessengerAbi,
        who: Who,
        setup: MessengerSetup,
        mask: Mask,
        moments: &MonotonicNames,
    ) -> Result<Self, GuestFailure> {
        let (granted, redirect) = (setup.granted.clone(), setup.redirect.clone());
        let mut spec = Spec::new(engine, who, setup.settings, setup.limits, mask);
        let signers = signers(granted, &redirect, &spec).await?;
        spec.setup.attributes.extend(signature::subjects(&signers));
        let NetworkEnvironment {
            proxies,
            certificates,
        } = setup.network;
        let tls = Arc::new(TlsCache::new(certificates));
        let clients = Clients::new(&spec.limits, Arc::clone(&tls), proxies);
        let queues = setup
            .granted
            .queues()
            .map(|(name, terms)| {
                let queue = DirQueue::new(terms.path.clone(), terms.umask, moments.clone());
                (name.to_owned(), queue)
            })
            .collect();
        let redirected = setup.redirect.queues.clone();
        let world = MessengerWorld {
            signers: Arc::new(signers),
            pre,
            granted: Arc::new(setup.granted),
            tls,
            clients: Arc::new(clients),
            redirect: setup.redirect,
        };
        Ok(Self {
            instance: Instance::start(spec, world).await?,
            outlet: Outlet {
                queues: Arc::new(queues),
                redirected,
            },
        })
    }

    /// One attempt.
    async fn attempt(&mut self, batch: &Batch<'_>) -> Result<CheckedAnswer, GuestFailure> {
        let mut running = self.instance.take().await?;
        let spec = &self.instance.spec;
        let records = batch.records.len();
        spec.budget
            .call(records)
            .map_err(|spent| spec.host("deliver", spent))?;
        running.services().stage.about(records);
        running.services().signatures.records = records;
        let time = spec.limits.call_time();
        let time_left = batch.time_left.min(time.timeout);
        let sent = self.instance.world.pre.batch(batch, time_left);
        let answer = running
            .call("deliver", time, |messenger, store| {
                messenger.deliver(store, &sent)
            })
            .await?;
        drop(sent);
        let log = running.log();
        for Attribute { name, value } in &answer.attributes {
            log.write(
                Level::Debug,
                &format!("batch `{}`: {name} = {value}", batch.id),
            );
        }
        let answer = CheckedAnswer::new(masked(answer, records, spec), records)
            .map_err(|problem| spec.contract("deliver", problem))?;
        let services = running.services();
        let aside = services.connections.redirected_bytes();
        let aside = aside.saturating_add(services.http.redirected_bytes());
        spec.budget
            .sent(aside, records)
            .map_err(|spent| spec.who.spent("deliver", &spent))?;
        // First what was sent, then what is put: neither hinders the other.
        let sent = services.connections.end_call().await;
        sent.and_then(|()| services.http.end_call())
            .map_err(|error| spec.host("deliver", error))?;
        let staged = services.stage.take();
        self.outlet
            .put(staged, &spec.budget)
            .await
            .map_err(|error| spec.who.failure("deliver", error.kind(), error.to_string()))?;
        spec.budget.done(answer.accepted);
        self.instance.keep(running);
        Ok(answer)
    }
}

/// The keys that it signs with. In a run that is redirected none is read: it may be made by
/// somebody who must not read them.
async fn signers(
    granted: Granted,
    redirect: &Redirect,
    spec: &Spec,
) -> Result<Signers, GuestFailure> {
    if redirect.signatures.is_some() {
        return Ok(Signers::new());
    }
    let reading = tokio::task::spawn_blocking(move || signature::read(&granted));
    let read = reading.await.map_err(|error| spec.host("start", error))?;
    read.map_err(|problem| spec.who.failure("start", FailureKind::Start, problem))
}

impl Outlet {
    /// Puts the messages on disk, in the order of the calls.
    async fn put(&self, staged: Vec<Staged>, budget: &Arc<Budget>) -> Result<(), PutError> {
        if staged.is_empty() {
            return Ok(());
        }
        if let Some(sink) = &self.redirected {
            return staged
                .iter()
                .try_for_each(|Staged { queue, message }| sink(queue, message))
                .map_err(PutError::Redirected);
        }
        let queues = Arc::clone(&self.queues);
        let budget = Arc::clone(budget);
        tokio::task::spawn_blocking(move || put_all(&queues, &staged, &budget)).await?
    }
}

/// A message is not in its queue.
#[derive(Debug, thiserror::Error)]
enum PutError {
    #[error(transparent)]
    Queue(#[from] QueueFailure),
    /// The stage takes messages for granted queues only; were that ever broken,
    /// the message must not be acknowledged.
    #[error("a message is for the queue `{0}`, which was not granted")]
    NoQueue(String),
    #[error(transparent)]
    Room(#[from] Spent),
    #[error(transparent)]
    Redirected(std::io::Error),
    #[error(transparent)]
    Task(#[from] tokio::task::JoinError),
}

impl PutError {
    /// Less may fit where there is no room for all.
    fn kind(&self) -> FailureKind {
        match self {
            Self::Queue(failure) if failure.is_full() => FailureKind::Room,
            Self::Room(_) => FailureKind::Room,
            Self::Queue(_) | Self::NoQueue(_) | Self::Redirected(_) | Self::Task(_) => {
                FailureKind::Host
            }
        }
    }
}

/// All messages, or none where one has no queue or finds no room.
fn put_all(queues: &Queues, staged: &[Staged], budget: &Budget) -> Result<(), PutError> {
    let addressed = staged
        .iter()
        .map(|Staged { queue, message }| match queues.get(queue) {
            Some(queue) => Ok((queue, message)),
            None => Err(PutError::NoQueue(queue.clone())),
        })
        .collect::<Result<Vec<_>, _>>()?;
    let mut posting = Posting::default();
    for (queue, message) in addressed {
        budget.room(queue.path())?;
        posting.write(queue, message)?;
    }
    posting.publish()?;
    Ok(())
}

impl World for MessengerWorld {
    type Bindings = RunningMessenger;

    async fn surround(
        &self,
        spec: &Spec,
        log: &GuestLog,
        wasi: &mut WasiCtxBuilder,
    ) -> Result<HostServices, GuestFailure> {
        for (name, terms) in self.granted.directories() {
            let perms = if terms.write {
                FsPerms::ReadWrite
            } else {
                FsPerms::ReadOnly
            };
            wasi.preopened_dir(&terms.path, format!("/{name}"), perms)
                .map_err(|error| {
                    let path = terms.path.display();
                    let detail = format!("directory `{path}`: {}", error.root_cause());
                    spec.host("start", detail)
                })?;
        }
        let wait = spec.limits.connect_timeout;
        tokio::time::timeout(wait, sockets::allow(wasi, self.granted.addresses()))
            .await
            .map_err(|_| spec.host("start", format!("names were not resolved within {wait:?}")))?
            .map_err(|Unresolved(reason)| spec.host("start", reason))?;
        let http = Http::new(
            &spec.limits,
            Arc::clone(&self.granted),
            Arc::clone(&self.clients),
            log.clone(),
        );
        Ok(HostServices {
            granted: Arc::clone(&self.granted),
            stage: Stage::new(&spec.limits),
            connections: Connections::new(
                &spec.limits,
                Arc::clone(&self.tls),
                self.redirect.connections.clone(),
            )
            .with_cafile_at(self.granted.cafile_place()),
            signatures: Signatures::new(
                &spec.limits,
                Arc::clone(&self.signers),
                self.redirect.signatures.clone(),
            ),
            http: http.redirected(self.redirect.requests.clone()),
        })
    }

    async fn start(
        &self,
        store: &mut Store<State>,
        spec: &Spec,
    ) -> wasmtime::Result<(RunningMessenger, Result<(), StartError>)> {
        self.pre.start(store, &spec.setup).await
    }
}

/// The guest's texts, fit to be shown and kept. What is in the log already is left out.
fn masked(mut answer: Answer, offered: usize, spec: &Spec) -> Answer {
    answer.attributes.clear();
    // With more there is one that fits none of the batch, or one twice: the answer is refused as a
    // whole, and nobody waits for the masking of a million reasons.
    answer.refused.truncate(offered.saturating_add(1));
    for refusal in &mut answer.refused {
        refusal.reason = spec.reason(&refusal.reason);
    }
    match &mut answer.rest {
        // Why it is busy is of no matter to who tries again.
        Rest::Retry { reason, .. } if reason.is_empty() => {}
        Rest::Retry { reason: text, .. } | Rest::Misconfigured(text) | Rest::Other(text) => {
            *text = spec.reason(text);
        }
        Rest::Done | Rest::TooLarge => {}
    }
    answer
}

impl Messenger for GuestMessenger {
    fn deliver<'a>(
        &'a mut self,
        batch: &'a Batch<'_>,
    ) -> BoxFuture<'a, Result<CheckedAnswer, GuestFailure>> {
        Box::pin(self.attempt(batch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_without_a_queue_is_a_failure_and_nothing_is_put() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("queue");
        let queue = DirQueue::new(path.clone(), None, MonotonicNames::default());
        let queues = Queues::from([("known".to_owned(), queue)]);
        let staged = |queue: &str| Staged {
            queue: queue.to_owned(),
            message: b"message".to_vec(),
        };
        let error = put_all(
            &queues,
            &[staged("known"), staged("lost")],
            &Budget::default(),
        )
        .unwrap_err();
        assert!(
            matches!(&error, PutError::NoQueue(name) if name == "lost"),
            "{error}"
        );
        assert!(!path.exists());
        put_all(&queues, &[staged("known")], &Budget::default()).unwrap();
        assert!(path.exists());
    }
}
