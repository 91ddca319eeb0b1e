//! Where the APIs' answers come from: the network, the network with a recorder
//! around it, or a recording.

use std::io::Read as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;

use super::{Recording, cloud, power, tape};
use caso_base::{Clock, PinnedClock, SystemClock, environment};
use caso_config::{CloudConfig, Config};
use caso_extract::PowerSource;
use caso_model::extraction::Extractor;
use caso_net::Transport;
use caso_openstack::Session;
use caso_openstack::recording::{Recorder, Replayer, ReplayerOfCloud};

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

    /// A session with a cloud of the configuration.
    pub fn session(
        &self,
        config: &Config,
        cloud: &CloudConfig,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Session> {
        if let Self::Replayed(replayer) = self {
            let index = config.clouds.iter().position(|one| one.name == cloud.name);
            let recorded = index.and_then(|index| replayer.header().sessions.get(index));
            let settings = recorded.context("the recording has no session")?.settings();
            let transport = replayed(replayer, several_name(config, cloud));
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
            transport = Arc::new(begun.beside(transport, several_name(config, cloud)));
            *recorder = Some(begun);
        }
        Ok(Session::new(settings, transport, clock))
    }

    /// Where power is measured, if the cloud has an extractor that asks. After
    /// the cloud's session has begun, whose recording and repetitions it shares.
    pub fn power(
        &self,
        config: &Config,
        cloud: &CloudConfig,
        session: &Session,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Option<PowerSource>> {
        let name = several_name(config, cloud);
        let Some(prometheus) = cloud
            .prometheus
            .as_ref()
            .filter(|_| cloud.extractors.contains(&Extractor::Prometheus))
        else {
            return Ok(None);
        };
        let (transport, login): (Arc<dyn Transport>, _) = match self {
            Self::Replayed(replayer) => (replayed(replayer, name), None),
            Self::Network | Self::Recorded { .. } => (
                power::transport(prometheus, cloud.keystone()?, &environment())?,
                power::login(prometheus)?,
            ),
        };
        let transport = match self {
            Self::Recorded { recorder, .. } => {
                let recorder = recorder.lock().unwrap_or_else(PoisonError::into_inner);
                let recorder = recorder.as_ref().context("no session is recorded yet")?;
                Arc::new(recorder.beside(transport, name))
            }
            Self::Network | Self::Replayed(_) => transport,
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

/// A cloud's name, where exchanges must say which cloud they are of.
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
