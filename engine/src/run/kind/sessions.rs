//! Where the APIs' answers come from: the network, the network with a recorder
//! around it, or a recording.

use std::sync::{Arc, MutexGuard, PoisonError};

use anyhow::Context as _;

use super::Kind;
use crate::run::extract::{prometheus, session_of};
use crate::run::recorded_inputs;
use caso_base::{Clock, environment};
use caso_config::{CloudConfig, Config};
use caso_extract::PowerSource;
use caso_model::extraction::Extractor;
use caso_net::Transport;
use caso_openstack::Session;
use caso_openstack::recording::{Recorder, Replayer, ReplayerOfCloud};

impl Kind {
    /// A session with a cloud of the configuration.
    ///
    /// # Errors
    /// How to log in is not configured, a certificate cannot be read, the
    /// recording cannot begin or has no such session.
    pub fn session(
        &self,
        config: &Config,
        cloud: &CloudConfig,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Session> {
        if let Self::Replay { replayer, .. } = self {
            let index = config.clouds.iter().position(|one| one.name == cloud.name);
            let recorded = index.and_then(|index| replayer.header().sessions.get(index));
            let settings = recorded.context("the recording has no session")?.settings();
            let transport = replayed(replayer, several_name(config, cloud));
            return Ok(Session::new(settings, transport, clock));
        }
        let auth = cloud.keystone()?;
        let settings = session_of::session_settings(cloud, auth, config.concurrency);
        let transport = session_of::transport(auth, &environment())?;
        let transport = self.recorded_transport(config, cloud, transport, clock.as_ref())?;
        Ok(Session::new(settings, transport, clock))
    }

    /// The same way, with a recorder around it where the run keeps one. The
    /// first way begins the recording.
    fn recorded_transport(
        &self,
        config: &Config,
        cloud: &CloudConfig,
        transport: Arc<dyn Transport>,
        clock: &dyn Clock,
    ) -> anyhow::Result<Arc<dyn Transport>> {
        let (Self::Recorded { folder, names, .. }, Some(mut recorder)) = (self, self.recorder())
        else {
            return Ok(transport);
        };
        let begun = match recorder.as_ref() {
            Some(begun) => begun.clone(),
            None => {
                let now = clock.now();
                recorded_inputs::record(folder, *names, config, now, transport.clone())?
            }
        };
        *recorder = Some(begun.clone());
        Ok(Arc::new(
            begun.beside(transport, several_name(config, cloud)),
        ))
    }

    /// Where power is measured, if the cloud has an extractor that asks. After
    /// the cloud's session has begun, whose recording and repetitions it shares.
    ///
    /// # Errors
    /// A certificate or the password's file cannot be read.
    pub fn prometheus(
        &self,
        config: &Config,
        cloud: &CloudConfig,
        session: &Session,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Option<PowerSource>> {
        let asked = cloud.extractors.contains(&Extractor::Prometheus);
        let Some(settings) = cloud.prometheus.as_ref().filter(|_| asked) else {
            return Ok(None);
        };
        let (transport, login) = match self {
            Self::Replay { replayer, .. } => {
                (replayed(replayer, several_name(config, cloud)), None)
            }
            _ => {
                let transport = prometheus::transport(settings, cloud.keystone()?, &environment())?;
                (
                    self.recorded_transport(config, cloud, transport, clock.as_ref())?,
                    prometheus::login(settings)?,
                )
            }
        };
        let retry = session.settings().retry;
        Ok(Some(prometheus::source(
            settings, login, retry, transport, clock,
        )))
    }

    /// To be asked at the end.
    ///
    /// # Errors
    /// What could not be recorded.
    pub fn finish(&self) -> anyhow::Result<()> {
        if let Some(recorder) = self.recorder().as_deref().and_then(Option::as_ref) {
            recorder.finish()?;
        }
        Ok(())
    }

    fn recorder(&self) -> Option<MutexGuard<'_, Option<Arc<Recorder>>>> {
        match self {
            Self::Recorded { recorder, .. } => {
                Some(recorder.lock().unwrap_or_else(PoisonError::into_inner))
            }
            _ => None,
        }
    }
}

/// A cloud's name, where exchanges are recorded under the name of their cloud.
fn several_name<'a>(config: &Config, cloud: &'a CloudConfig) -> Option<&'a str> {
    (config.clouds.len() > 1).then_some(cloud.name.as_str())
}

fn replayed(replayer: &Arc<Replayer>, cloud: Option<&str>) -> Arc<dyn Transport> {
    match cloud {
        Some(cloud) => Arc::new(ReplayerOfCloud {
            replayer: replayer.clone(),
            cloud: cloud.to_owned(),
        }),
        None => replayer.clone(),
    }
}
