//! Where the APIs' answers come from: the network, the network with a recorder
//! around it, or a recording.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;

use super::{Recording, cloud, power, tape};
use crate::config::{CloudConfig, Config, Extractor};
use crate::extract::PowerSource;
use crate::openstack::recording::{Recorder, Replayer};
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

    pub fn session(
        &self,
        config: &Config,
        cloud: &CloudConfig,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Session> {
        if let Self::Replayed(replayer) = self {
            let recorded = replayer.header().sessions.first();
            let settings = recorded
                .context("the recording has no session")?
                .settings()?;
            let transport: Arc<dyn Transport> = replayer.clone();
            return Ok(Session::new(settings, transport, clock));
        }
        let auth = cloud.keystone()?;
        let mut transport = cloud::transport(auth, &environment())?;
        let options = cloud::auth_options(auth);
        if let Self::Recorded {
            folder,
            keep_names,
            recorder,
        } = self
        {
            let begun = tape::record(
                folder,
                *keep_names,
                config,
                &options,
                clock.now(),
                transport,
            )?;
            *recorder.lock().unwrap_or_else(PoisonError::into_inner) = Some(begun.clone());
            transport = begun;
        }
        let settings = cloud::session_settings(cloud, auth, &options)?;
        Ok(Session::new(settings, transport, clock))
    }

    /// Where power is measured, if the cloud has an extractor that asks. After
    /// the cloud's session has begun, whose recording and repetitions it shares.
    pub fn power(
        &self,
        cloud: &CloudConfig,
        session: &Session,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Option<PowerSource>> {
        let Some(prometheus) = cloud
            .prometheus
            .as_ref()
            .filter(|_| cloud.extractors.contains(&Extractor::Prometheus))
        else {
            return Ok(None);
        };
        let (transport, login): (Arc<dyn Transport>, _) = match self {
            Self::Replayed(replayer) => (replayer.clone(), None),
            Self::Network | Self::Recorded { .. } => (
                power::transport(prometheus, cloud.keystone()?, &environment())?,
                power::login(prometheus)?,
            ),
        };
        let transport = match self {
            Self::Recorded { recorder, .. } => {
                let recorder = recorder.lock().unwrap_or_else(PoisonError::into_inner);
                let recorder = recorder.as_ref().context("no session is recorded yet")?;
                Arc::new(recorder.beside(transport))
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

/// This process's, as far as it is text: proxies and certificates stand in it.
fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}
