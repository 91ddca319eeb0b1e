//! Where the APIs' answers come from: the network, the network with a recorder
//! around it, or a recording.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;

use super::{Recording, cloud, power, tape};
use crate::config::{Config, Extractor};
use crate::extract::PowerSource;
use crate::openstack::recording::{Recorder, Replayer, ReplayerOfCloud};
use crate::openstack::{Clock, PinnedClock, Session, SystemClock, Transport};

/// A recording of the test bed, gzipped: what `caso demo` runs on.
static SHIPPED: &[u8] = include_bytes!("../../demo/recording.jsonl.gz");

pub enum Source {
    Network,
    Recorded {
        folder: PathBuf,
        keep_names: bool,
        /// Set when the first session begins.
        recorder: Mutex<Option<Arc<Recorder>>>,
    },
    Replayed(Arc<Replayer>),
}

impl Source {
    /// A recording also decides what is asked, so it changes the configuration.
    pub fn open(recording: &Recording, config: &mut Config) -> anyhow::Result<Self> {
        Ok(match recording {
            Recording::Off => Self::Network,
            Recording::To { folder, keep_names } => Self::Recorded {
                folder: folder.clone(),
                keep_names: *keep_names,
                recorder: Mutex::new(None),
            },
            Recording::From { folder, .. } => Self::Replayed(tape::replay(folder, config)?),
            Recording::Shipped { .. } => {
                let mut bytes = Vec::new();
                flate2::read::GzDecoder::new(SHIPPED)
                    .read_to_end(&mut bytes)
                    .context("the recording that ships with the program is damaged")?;
                let replayer = Replayer::from_bytes(bytes, "the shipped recording")?;
                tape::apply(replayer.header(), config)?;
                Self::Replayed(Arc::new(replayer))
            }
        })
    }

    /// Whether answers come from a recording.
    pub fn is_recording(&self) -> bool {
        matches!(self, Self::Replayed(_))
    }

    /// The run's clock: that of the recording where there is one.
    pub fn clock(&self) -> Arc<dyn Clock> {
        match self {
            Self::Network | Self::Recorded { .. } => Arc::new(SystemClock::new()),
            Self::Replayed(replayer) => Arc::new(PinnedClock::at(replayer.header().clock)),
        }
    }

    /// A session with the cloud at this place of the configuration.
    pub fn session(
        &self,
        config: &Config,
        index: usize,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Session> {
        let cloud = config.clouds.get(index).context("no such cloud")?;
        let several = config.clouds.len() > 1;
        if let Self::Replayed(replayer) = self {
            let recorded = replayer.header().sessions.get(index);
            let settings = recorded.context("the recording has no session")?.settings();
            let transport = replayed(replayer, several.then_some(&cloud.name));
            return Ok(Session::new(settings, transport, clock));
        }
        let auth = cloud.keystone()?;
        let mut transport = cloud::transport(auth, &environment())?;
        let settings = cloud::session_settings(cloud, auth);
        if let Self::Recorded {
            folder,
            keep_names,
            recorder,
        } = self
        {
            let mut recorder = recorder.lock().unwrap_or_else(PoisonError::into_inner);
            let begun = match recorder.as_ref() {
                Some(begun) => begun.clone(),
                None => {
                    let now = clock.now();
                    tape::record(folder, *keep_names, config, now, transport.clone())?
                }
            };
            let name = several.then_some(cloud.name.as_str());
            transport = Arc::new(begun.beside(transport, name));
            *recorder = Some(begun);
        }
        Ok(Session::new(settings, transport, clock))
    }

    /// Where power is measured, if that cloud has an extractor that asks. After
    /// the cloud's session has begun, whose recording and repetitions it shares.
    pub fn power(
        &self,
        config: &Config,
        index: usize,
        session: &Session,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Option<PowerSource>> {
        let cloud = config.clouds.get(index).context("no such cloud")?;
        let asked = cloud.extractors.contains(&Extractor::Prometheus);
        let Some(prometheus) = cloud.prometheus.as_ref().filter(|_| asked) else {
            return Ok(None);
        };
        let name = (config.clouds.len() > 1).then_some(&cloud.name);
        let network = || power::transport(prometheus, cloud.keystone()?, &environment());
        let (transport, login): (Arc<dyn Transport>, _) = match self {
            Self::Replayed(replayer) => (replayed(replayer, name), None),
            Self::Network => (network()?, power::login(prometheus)?),
            Self::Recorded { recorder, .. } => {
                let recorder = recorder.lock().unwrap_or_else(PoisonError::into_inner);
                let recorder = recorder.as_ref().context("no session is recorded yet")?;
                let recorded = recorder.beside(network()?, name.map(String::as_str));
                (Arc::new(recorded), power::login(prometheus)?)
            }
        };
        let retry = session.settings().retry;
        Ok(Some(power::source(
            prometheus, login, retry, transport, clock,
        )))
    }

    /// To be asked at the end: what could not be recorded.
    pub fn finish(&self) -> anyhow::Result<()> {
        if let Self::Recorded { recorder, .. } = self
            && let Some(recorder) = recorder
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .as_ref()
        {
            recorder.finish()?;
        }
        Ok(())
    }
}

/// A recording's answers to one cloud, by name where there are several.
fn replayed(replayer: &Arc<Replayer>, cloud: Option<&String>) -> Arc<dyn Transport> {
    match cloud {
        Some(cloud) => Arc::new(ReplayerOfCloud {
            replayer: replayer.clone(),
            cloud: cloud.clone(),
        }),
        None => replayer.clone(),
    }
}

/// This process's, as far as it is text: proxies and certificates stand in it.
fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}
