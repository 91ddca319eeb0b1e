//! Everything before the first request: what can be wrong on this machine is
//! found before an hour's extraction is lost to it.

use std::sync::Arc;

use anyhow::{Context as _, bail};

use super::components::{self, Components, Mapper, Messenger, Unusable};
use super::exit::Exit;
use super::kind::{Kind, Spools};
use super::summary::Summary;
use super::warning_memory::WarningMemory;
use super::{Invocation, where_configured};
use caso_base::Clock;
use caso_base::time::format_utc;
use caso_config::Config;
use caso_journal::Journal;
use caso_model::notice::Notice;
use caso_state::{Lock, LockError};

/// A run that may begin.
pub struct Prepared {
    pub kind: Arc<Kind>,
    pub config: Arc<Config>,
    pub clock: Arc<dyn Clock>,
    /// When it began, in epoch seconds of that clock.
    pub now: i64,
    pub spools: Spools,
    pub journal: Arc<Journal>,
    pub mapper: Arc<Mapper>,
    pub messengers: Vec<Messenger>,
    pub unusable: Vec<Unusable>,
    /// Held until the run's end.
    _lock: Option<Lock>,
}

/// Why a run ended before its work.
#[derive(Debug)]
pub struct Stopped {
    pub exit: Exit,
    pub error: anyhow::Error,
}

impl Stopped {
    pub fn with(exit: Exit) -> impl FnOnce(anyhow::Error) -> Self {
        move |error| Self { exit, error }
    }
}

impl Prepared {
    /// All messengers of the configuration, usable or not.
    pub fn messenger_names(&self) -> Vec<String> {
        let messengers = self.config.messengers.iter();
        messengers
            .map(|messenger| messenger.name().to_owned())
            .collect()
    }
}

/// Loads the components, checks the folders, takes the lock, and only then
/// touches the spool; in this order.
///
/// # Errors
/// With the exit code that the program ends with.
pub async fn prepare(invocation: Invocation) -> Result<(Prepared, Summary), Stopped> {
    let Invocation {
        config,
        kind,
        extract,
        ..
    } = invocation;
    let config = kind
        .configuration(config)
        .map_err(Stopped::with(Exit::Usage))?;
    let clock = kind.clock();
    let now = clock.now();
    if extract {
        complete(&config, &kind, now).map_err(Stopped::with(Exit::Usage))?;
    }
    let nothing = || Stopped::with(Exit::Nothing);
    let (sandbox, cache_warnings) = components::sandbox(&config).map_err(nothing())?;
    let mut components = components::load(&sandbox, &config)
        .await
        .map_err(nothing())?;
    for messenger in &mut components.messengers {
        kind.redirect(messenger);
    }
    let spools = folders(&kind, &config, &components).map_err(nothing())?;
    let lock = kind.lock(&config).await.map_err(locked)?;
    let memory = match kind.is_real() {
        true => WarningMemory::read(&spools.cursors, now),
        false => WarningMemory::blank(now),
    };
    let mut summary = Summary::new(memory, kind.is_dry());
    for notice in notices(&config, &components, cache_warnings) {
        summary.notice(&notice);
    }
    let (journal, recovery) = Journal::open(&spools.journal, now)
        .context("cannot use the journal")
        .map_err(nothing())?;
    summary.recovered(&recovery);
    let prepared = Prepared {
        kind: Arc::new(kind),
        config: Arc::new(config),
        clock,
        now,
        spools,
        journal: Arc::new(journal),
        mapper: Arc::new(components.mapper),
        messengers: components.messengers,
        unusable: components.unusable,
        _lock: lock,
    };
    Ok((prepared, summary))
}

/// What an extraction cannot do without, and an explicit window that is empty.
fn complete(config: &Config, kind: &Kind, now: i64) -> anyhow::Result<()> {
    for cloud in &config.clouds {
        cloud.site().with_context(|| where_configured(config))?;
        if kind.is_online() {
            cloud.keystone().with_context(|| where_configured(config))?;
        }
    }
    let to = config.extract_to.unwrap_or(i64::MAX).min(now);
    match config.extract_from.explicit() {
        Some(from) if from >= to => bail!(
            "nothing lies between {} and {}: `--extract-from` must be before `--extract-to` and \
             before now",
            format_utc(from),
            format_utc(to)
        ),
        _ => Ok(()),
    }
}

/// The lock was not taken: with the exit code for it.
pub fn locked(error: LockError) -> Stopped {
    let exit = match &error {
        LockError::Held { .. } => Exit::Locked,
        _ => Exit::Nothing,
    };
    Stopped {
        exit,
        error: error.into(),
    }
}

/// Everything that must be writable is tried before Keystone is asked.
fn folders(kind: &Kind, config: &Config, components: &Components) -> anyhow::Result<Spools> {
    let spools = kind.spools(&config.spooldir)?;
    if kind.is_dry() {
        return Ok(spools);
    }
    for messenger in &components.messengers {
        for queue in messenger.queues() {
            let named = || format!("messenger `{}` cannot use its queue", messenger.name);
            caso_state::check_writable(queue).with_context(named)?;
            // Made now: some folders can be written by their looks alone.
            spools
                .journal
                .disk()
                .create_folder(queue)
                .with_context(named)?;
        }
    }
    Ok(spools)
}

/// What is odd about the configuration and the components.
fn notices(config: &Config, components: &Components, cache_warnings: Vec<String>) -> Vec<Notice> {
    let mut notices = config.warnings.clone();
    notices.extend(components.warnings.iter().cloned());
    for text in cache_warnings {
        notices.push(Notice::warning(format!("cache:{text}"), text));
    }
    if config.messengers.is_empty() {
        notices.push(Notice::warning(
            "no-messenger",
            "`messengers` names none: records are extracted for nobody",
        ));
    }
    // Two instances of one section would have the same twice.
    notices.sort();
    notices.dedup();
    notices
}
