//! One run from start to exit code and summary.
//!
//! The order is fixed by what must not happen. Components and folders come
//! before Keystone, so that an hour's extraction is not lost to a typing error.
//! The lock comes before anything in the spool is touched. Extraction seals
//! segments and moves cursors; delivery comes after, from the journal only, so
//! that what waits from earlier runs goes first, and goes even when OpenStack
//! is away.

mod cloud;
mod clouds;
mod components;
mod demo;
mod exit;
mod extraction;
mod forget;
mod mapping;
mod migrate;
mod mode;
mod one_cloud;
mod power;
mod projects;
mod said;
mod sample;
mod show;
mod source;
mod summary;
mod tape;
mod window;

use caso_base::time::format_utc;
use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, bail};
use tokio::sync::watch;

pub use self::demo::demo;
pub use self::exit::Exit;
pub use self::forget::{Forget, forget};
pub use self::migrate::mapping_migrate;
pub use self::projects::projects;
pub use self::sample::sample;
pub use self::show::show;

use self::clouds::{Extractions, SIDE_BY_SIDE, cursor_keys};
use self::components::Components;
use self::mode::{Mode, Spools};
use self::said::Said;
use self::source::Source;
use self::summary::Summary;
use caso_base::SystemClock;
use caso_base::error_chain;
use caso_config::Config;
use caso_deliver::{Deadline, Instance};
use caso_journal::{Journal, Recovery};
use caso_model::notice::Notice;
use caso_state::{Cursors, Lock, LockError, check_writable};

/// What a command line came to.
pub struct Invocation {
    pub config: Config,
    pub recording: Recording,
    /// Whether to extract, or only to deliver what waits.
    pub extract: bool,
    /// Print the summary in any case.
    pub verbose: bool,
    /// What components remark on.
    pub remarks: Remarks,
}

/// Notices of components, held back until the run knows which are new. Filled
/// by the logger; clones share what they hold.
#[derive(Debug, Clone, Default)]
pub struct Remarks(Arc<Mutex<Vec<String>>>);

/// More than a person reads.
const REMARKS: usize = 500;

impl Remarks {
    pub fn add(&self, text: String) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() < REMARKS && !held.contains(&text) {
            held.push(text);
        }
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Whether the APIs' answers are kept, or come from a folder.
pub enum Recording {
    Off,
    To {
        folder: PathBuf,
        keep_names: bool,
    },
    From {
        folder: PathBuf,
        into: PathBuf,
    },
    /// The recording that ships with the program.
    Shipped {
        into: PathBuf,
    },
}

/// Why a run ended before its work.
struct Stopped {
    exit: Exit,
    error: anyhow::Error,
}

fn stop(exit: Exit) -> impl FnOnce(anyhow::Error) -> Stopped {
    move |error| Stopped { exit, error }
}

/// Runs, says what there is to say, and answers with the exit code.
pub async fn run(invocation: Invocation, cancel: watch::Receiver<bool>) -> Exit {
    let partial_exit_ok = invocation.config.partial_exit_ok;
    let quiet = invocation.config.logging.debug;
    let json = invocation.config.logging.json;
    let extract = invocation.extract;
    let watched = invocation.verbose || io::stderr().is_terminal();
    match work(invocation, cancel).await {
        Ok(summary) => {
            let exit = summary.exit(partial_exit_ok);
            // Of an extraction in which nothing went well the errors say it all.
            let told = exit != Exit::Done && (summary.successes > 0 || !extract);
            if (watched || told) && !quiet {
                summary.print(json);
            }
            exit
        }
        Err(stopped) => {
            tracing::error!("{}", error_chain(stopped.error.as_ref()));
            stopped.exit
        }
    }
}

async fn work(invocation: Invocation, cancel: watch::Receiver<bool>) -> Result<Summary, Stopped> {
    let started = std::time::Instant::now();
    let mut config = invocation.config;
    let mut summary = Summary::default();
    let source = Source::open(&invocation.recording, &mut config).map_err(stop(Exit::Usage))?;
    let mode = match &invocation.recording {
        Recording::From { into, .. } | Recording::Shipped { into } => Mode::replay(into),
        _ if config.dry_run => Mode::dry(),
        _ => Ok(Mode::Real),
    }
    .map_err(stop(Exit::Usage))?;
    if !matches!(invocation.recording, Recording::Off) {
        // One project after the other: what projects ask for together (flavors,
        // images) is then asked by the same one when the recording is replayed.
        config.concurrency = 1;
    }
    if invocation.extract {
        complete(&config, &source).map_err(stop(Exit::Usage))?;
    }
    summary.dry = config.dry_run;
    let clock = source.clock();
    let now = clock.now();
    let config = Arc::new(config);

    let (sandbox, cache_warnings) = components::sandbox(&config).map_err(stop(Exit::Nothing))?;
    let mut components = components::load(&sandbox, &config)
        .await
        .map_err(stop(Exit::Nothing))?;
    for messenger in &mut components.messengers {
        mode.turn_aside(messenger);
    }
    let spools = check_folders(&mode, &config, &components).map_err(stop(Exit::Nothing))?;
    if let Recording::From { folder, .. } = &invocation.recording {
        tape::restore_cursors(folder, spools.cursors.folder()).map_err(stop(Exit::Nothing))?;
    }
    let _lock = lock(&mode, &config).await?;
    let warnings = all_warnings(&config, &components, cache_warnings);
    // Whoever tries something out wants to see it all.
    let mut said = if mode.is_real() {
        Said::read(&spools.cursors, now)
    } else {
        Said::fresh(now)
    };
    for warning in &warnings {
        said.warn(&warning.text);
    }
    let (journal, recovery) = Journal::open(&spools.journal, now)
        .context("cannot use the journal")
        .map_err(stop(Exit::Nothing))?;
    let journal = Arc::new(journal);
    for notice in &recovery.notices {
        said.warn(&notice.text);
    }
    recovered(&recovery, &mut summary);

    let names: Vec<String> = config
        .messengers
        .iter()
        .map(|messenger| messenger.name().to_owned())
        .collect();
    let Components {
        mapper,
        messengers,
        unusable,
        ..
    } = components;
    if invocation.extract {
        let keys = cursor_keys(&config);
        let cursors = Cursors::open(&spools.cursors, !mode.is_real()).configured(keys);
        if config.extract_to.is_some_and(|to| to > now) {
            tracing::warn!("`extract_to` lies in the future: extracting up to now");
        }
        let extractions = Extractions {
            config: config.clone(),
            source: &source,
            clock: clock.clone(),
            now,
            cursors: Arc::new(cursors),
            journal: journal.clone(),
            mapper: Arc::new(mapper),
            messengers: names.clone(),
            cancel: cancel.clone(),
            side_by_side: match invocation.recording {
                Recording::Off => SIDE_BY_SIDE,
                _ => 1,
            },
        };
        extractions.run(&mut summary, &mut said).await;
    }

    for unusable in &unusable {
        summary.problem(format!(
            "messenger `{}` is not used, its records wait: {}",
            unusable.name, unusable.failure.detail
        ));
    }
    let instances = start(messengers).await;
    let delivery_clock = Arc::new(SystemClock::new());
    let deadline = Deadline::after(delivery_clock.as_ref(), config.delivery_timeout);
    let delivery =
        caso_deliver::deliver(&journal, instances, deadline, delivery_clock, cancel).await;
    for aside in &delivery.set_aside {
        summary.problem(aside.to_string());
    }
    if let Some(error) = &delivery.cleanup {
        summary.problem(error_chain(error));
    }
    for report in &delivery.instances {
        summary.delivery(report);
    }
    for remark in invocation.remarks.take() {
        said.warn(&remark);
    }
    if unusable.is_empty() {
        // Of one that is missing it is not known what it takes.
        summary.given_to_nobody(&delivery.instances, &mut said);
    }
    if let Err(error) = source.finish() {
        summary.problem(error_chain(error.as_ref()));
    }
    match journal.waiting() {
        Ok(waiting) => summary.waiting(&waiting, &names, &mut said),
        Err(error) => summary.problem(error_chain(&error)),
    }
    match journal.damaged() {
        Ok(damaged) => summary.damaged(&damaged, &mut said),
        Err(error) => summary.problem(error_chain(&error)),
    }
    if mode.is_real()
        && let Err(error) = said.keep(&spools.cursors)
    {
        summary.problem(error_chain(&error));
    }
    summary.line(format!(
        "{} requests, {:.1} s",
        summary.requests,
        started.elapsed().as_secs_f64()
    ));
    Ok(summary)
}

/// What an extraction can't do without, and an explicit window that is none:
/// said before anything is touched.
fn complete(config: &Config, source: &Source) -> anyhow::Result<()> {
    for cloud in &config.clouds {
        cloud.site().with_context(|| files(config))?;
        if !source.is_recording() {
            cloud.keystone().with_context(|| files(config))?;
        }
    }
    let to = config
        .extract_to
        .unwrap_or(i64::MAX)
        .min(source.clock().now());
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

/// For commands that must ask Keystone: the exit code where nothing says how.
fn no_keystone(config: &Config) -> Option<Exit> {
    let mut clouds = config.clouds.iter();
    let error = clouds.find_map(|cloud| cloud.keystone().err())?;
    let error = anyhow::Error::new(error).context(files(config));
    tracing::error!("{}", error_chain(error.as_ref()));
    Some(Exit::Usage)
}

/// What is odd about the configuration, in full: for commands that somebody runs
/// by hand, and that leave nothing behind by which to know what was said.
fn say_warnings(config: &Config) {
    let mut warnings = config.warnings.clone();
    warnings.sort();
    warnings.dedup();
    for warning in warnings {
        tracing::warn!("{}", warning.text);
    }
}

/// Where the configuration came from, for who has to complete it.
fn files(config: &Config) -> String {
    match config.files.as_slice() {
        [] => "no configuration file was found in ~/.caso, ~, /etc/caso or /etc; `caso sample` \
               prints one, `--config-file` names one"
            .to_owned(),
        files => {
            let names: Vec<String> = files.iter().map(|f| f.display().to_string()).collect();
            format!(
                "the configuration is not complete (read: {})",
                names.join(", ")
            )
        }
    }
}

/// One cASO at a time; a run that writes nothing of the site's needs no lock.
async fn lock(mode: &Mode, config: &Config) -> Result<Option<Lock>, Stopped> {
    if !mode.is_real() {
        return Ok(None);
    }
    match Lock::acquire(&config.lock_path, config.lock_timeout).await {
        Ok(lock) => Ok(Some(lock)),
        Err(error) => {
            let exit = match &error {
                LockError::Held { .. } => Exit::Locked,
                _ => Exit::Nothing,
            };
            Err(stop(exit)(error.into()))
        }
    }
}

/// Everything that must be writable is tried before Keystone is asked.
fn check_folders(mode: &Mode, config: &Config, components: &Components) -> anyhow::Result<Spools> {
    let spools = mode.spools(&config.spooldir)?;
    if matches!(mode, Mode::Dry { .. }) {
        return Ok(spools);
    }
    for messenger in &components.messengers {
        for queue in messenger.queues() {
            let named = || format!("messenger `{}` cannot use its queue", messenger.name);
            check_writable(queue).with_context(named)?;
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

fn all_warnings(
    config: &Config,
    components: &Components,
    cache_warnings: Vec<String>,
) -> Vec<Notice> {
    let mut warnings = config.warnings.clone();
    warnings.extend(components.warnings.iter().cloned());
    warnings.extend(
        cache_warnings
            .into_iter()
            .map(|text| Notice::warning("cache", text)),
    );
    if config.messengers.is_empty() {
        warnings.push(Notice::warning(
            "no-messenger",
            "`messengers` names none: records are extracted for nobody",
        ));
    }
    // Two instances of one section would say the same twice.
    warnings.sort();
    warnings.dedup();
    warnings
}

fn recovered(recovery: &Recovery, summary: &mut Summary) {
    if !recovery.discarded_open.is_empty() {
        summary.line(format!(
            "{} segments of an interrupted run were discarded; their windows are extracted again",
            recovery.discarded_open.len()
        ));
    }
    for aside in &recovery.set_aside {
        summary.problem(aside.to_string());
    }
    for newer in &recovery.newer_format {
        summary.problem(newer.to_string());
    }
}

/// Starts the messengers; one that cannot be started takes part as one whose
/// records are packed and wait.
async fn start(messengers: Vec<components::Messenger>) -> Vec<Instance> {
    let mut instances = Vec::new();
    for messenger in messengers {
        let guest: Box<dyn caso_model::guest::Messenger> =
            match messenger.component.start_messenger(messenger.setup).await {
                Ok(guest) => Box::new(guest),
                Err(failure) => Box::new(caso_deliver::Unstarted(failure)),
            };
        instances.push(Instance {
            name: messenger.name,
            record_types: messenger.record_types,
            packing_unit: messenger.packing_unit,
            messenger: guest,
        });
    }
    instances
}
