//! A messenger's instance, called.

use std::collections::BTreeMap;
use std::sync::Arc;

use wasmtime::Engine;
use wasmtime_wasi::{FsPerms, WasiCtxBuilder};

use super::bindings::messenger::exports::caso::accounting::delivery;
use super::bindings::messenger::{Messenger as Bindings, MessengerPre};
use super::component::MessengerSetup;
use super::connection::Connections;
use super::convert::Cross;
use super::decide::Granted;
use super::detour::Detour;
use super::dirq::{DirQueue, Moments, QueueFailure};
use super::failure::Who;
use super::http::{Clients, Http};
use super::limits::Limits;
use super::log::{GuestLog, Mask};
use super::mapper::{REASON_BYTES, as_start};
use super::queue::{Stage, Staged};
use super::state::{Guest, Outside, State, wasi};
use super::{contract, sockets};
use caso_model::component::Setting;
use caso_model::guest::{Answer, Batch, BoxFuture, FailureKind, GuestFailure, Messenger, Rest};
use caso_net::address::Unresolved;
use caso_net::tls::TlsCache;

/// A started messenger instance.
pub struct GuestMessenger {
    recipe: Recipe,
    live: Option<Live>,
}

/// All that makes a fresh store, and what stays when one is thrown away.
struct Recipe {
    engine: Engine,
    pre: MessengerPre<State>,
    who: Who,
    settings: Vec<Setting>,
    granted: Arc<Granted>,
    queues: Arc<BTreeMap<String, DirQueue>>,
    tls: Arc<TlsCache>,
    clients: Arc<Clients>,
    detour: Detour,
    limits: Limits,
    mask: Mask,
}

struct Live {
    guest: Guest,
    bindings: Bindings,
}

impl GuestMessenger {
    pub(super) async fn start(
        engine: Engine,
        pre: MessengerPre<State>,
        who: Who,
        setup: MessengerSetup,
        mask: Mask,
        moments: &Moments,
    ) -> Result<Self, GuestFailure> {
        let MessengerSetup {
            instance: _,
            settings,
            secrets: _,
            granted,
            limits,
            detour,
            network,
        } = setup;
        let tls = Arc::new(TlsCache::new(network.certificates));
        let clients = Clients::new(&limits, Arc::clone(&tls), network.proxies);
        let queues = granted
            .queues
            .iter()
            .map(|(name, terms)| {
                let queue = DirQueue::new(terms.path.clone(), terms.umask, moments.clone());
                (name.clone(), queue)
            })
            .collect();
        let recipe = Recipe {
            engine,
            pre,
            who,
            settings,
            granted: Arc::new(granted),
            queues: Arc::new(queues),
            tls,
            clients: Arc::new(clients),
            detour,
            limits,
            mask,
        };
        let live = Some(recipe.fresh().await?);
        Ok(Self { recipe, live })
    }

    /// One attempt. The store survives only a call that went well, and none
    /// that is dropped half-way.
    async fn attempt(&mut self, batch: &Batch) -> Result<Answer, GuestFailure> {
        let recipe = &self.recipe;
        let mut live = match self.live.take() {
            Some(live) => live,
            None => recipe.fresh().await?,
        };
        live.guest
            .begin(recipe.limits.deadline, recipe.limits.timeout);
        let sent: delivery::Batch = batch.clone().cross();
        let calling = live
            .bindings
            .caso_accounting_delivery()
            .call_deliver(&mut live.guest.store, &sent);
        let result = tokio::time::timeout(recipe.limits.timeout, calling).await;
        drop(sent);
        let answer: Answer = live.guest.end("deliver", result)?.cross();
        let answer = contract::answer(answer, batch.records.len()).map_err(|problem| {
            recipe
                .who
                .failure("deliver", FailureKind::Contract, problem)
        })?;
        let outside = &mut live.guest.store.data_mut().outside;
        // First what was sent, then what is put: neither hinders the other.
        let sent = outside.connections.end_call().await;
        sent.and_then(|()| outside.http.end_call())
            .map_err(|error| recipe.host("deliver", error.to_string()))?;
        let staged = outside.stage.take();
        recipe.put(staged).await?;
        self.live = Some(live);
        Ok(recipe.masked(answer))
    }
}

impl Recipe {
    /// A fresh store, started.
    async fn fresh(&self) -> Result<Live, GuestFailure> {
        let Who {
            component,
            instance,
        } = &self.who;
        let log = GuestLog::new(component, instance, self.mask.clone(), &self.limits);
        let mut wasi = wasi(&log);
        self.grant(&mut wasi).await?;
        let http = Http::new(
            instance,
            &self.limits,
            Arc::clone(&self.granted),
            Arc::clone(&self.clients),
            log.clone(),
        );
        let outside = Outside {
            instance: instance.clone(),
            granted: Arc::clone(&self.granted),
            stage: Stage::new(&self.limits),
            connections: Connections::new(
                &self.limits,
                Arc::clone(&self.tls),
                self.detour.connections.clone(),
            ),
            http: http.detoured(self.detour.requests.clone()),
        };
        let mut guest = Guest::new(
            &self.engine,
            self.who.clone(),
            &self.limits,
            log,
            wasi,
            outside,
        );
        guest.begin(self.limits.deadline, self.limits.timeout);
        let settings: Vec<_> = self.settings.clone().cross();
        let result = tokio::time::timeout(self.limits.timeout, async {
            let bindings = self.pre.instantiate_async(&mut guest.store).await?;
            let started = bindings
                .caso_accounting_delivery()
                .call_start(&mut guest.store, instance, &settings)
                .await?;
            wasmtime::Result::Ok((bindings, started))
        })
        .await;
        let (bindings, started) = guest.end("start", result).map_err(as_start)?;
        started.map_err(|reason| {
            let detail = self.mask.line(&reason, REASON_BYTES);
            self.who.failure("start", FailureKind::Start, detail)
        })?;
        Ok(Live { guest, bindings })
    }

    /// What of WASI was granted.
    async fn grant(&self, wasi: &mut WasiCtxBuilder) -> Result<(), GuestFailure> {
        for terms in &self.granted.directories {
            let perms = if terms.write {
                FsPerms::ReadWrite
            } else {
                FsPerms::ReadOnly
            };
            wasi.preopened_dir(&terms.path, format!("/{}", terms.name), perms)
                .map_err(|error| {
                    let path = terms.path.display();
                    self.host(
                        "start",
                        format!("directory `{path}`: {}", error.root_cause()),
                    )
                })?;
        }
        let resolving = sockets::allow(wasi, &self.granted.addresses);
        match tokio::time::timeout(self.limits.connect_timeout, resolving).await {
            Ok(result) => result.map_err(|Unresolved(reason)| self.host("start", reason)),
            Err(_) => {
                let wait = self.limits.connect_timeout;
                Err(self.host("start", format!("names were not resolved within {wait:?}")))
            }
        }
    }

    fn host(&self, call: &'static str, detail: String) -> GuestFailure {
        self.who.failure(call, FailureKind::Host, detail)
    }

    /// Puts the messages on disk, in the order of the calls.
    async fn put(&self, staged: Vec<Staged>) -> Result<(), GuestFailure> {
        if staged.is_empty() {
            return Ok(());
        }
        if let Some(sink) = &self.detour.queues {
            return staged
                .iter()
                .try_for_each(|Staged { queue, message }| sink(queue, message))
                .map_err(|error| self.host("deliver", error.to_string()));
        }
        let queues = Arc::clone(&self.queues);
        let writing = tokio::task::spawn_blocking(move || {
            for Staged { queue, message } in staged {
                // The stage takes messages for granted queues only.
                if let Some(queue) = queues.get(&queue) {
                    queue.add(&message)?;
                }
            }
            Ok(())
        });
        let written: Result<(), QueueFailure> = match writing.await {
            Ok(written) => written,
            Err(error) => return Err(self.host("deliver", error.to_string())),
        };
        written.map_err(|failure| self.host("deliver", failure.to_string()))
    }

    /// The guest's texts, fit to be shown and kept.
    fn masked(&self, mut answer: Answer) -> Answer {
        let line = |text: &str| self.mask.line(text, REASON_BYTES);
        for refusal in &mut answer.refused {
            refusal.reason = line(&refusal.reason);
        }
        for attribute in &mut answer.attributes {
            attribute.name = line(&attribute.name);
            attribute.value = line(&attribute.value);
        }
        answer.rest = match answer.rest {
            Rest::Retry {
                after_seconds,
                reason,
            } => Rest::Retry {
                after_seconds,
                reason: line(&reason),
            },
            Rest::Misconfigured(text) => Rest::Misconfigured(line(&text)),
            Rest::Other(text) => Rest::Other(line(&text)),
            rest => rest,
        };
        answer
    }
}

impl Messenger for GuestMessenger {
    fn deliver<'a>(&'a mut self, batch: &'a Batch) -> BoxFuture<'a, Result<Answer, GuestFailure>> {
        Box::pin(self.attempt(batch))
    }
}
