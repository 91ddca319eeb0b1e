//! Everything before the first request: what can be wrong on this machine is
//! found before an hour's extraction is lost to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use tokio::sync::watch;

use super::adoption;
use super::backlog;
use super::component_file;
use super::components::{self, Components, Mapper, Messenger, Unusable};
use super::exit::Exit;
use super::kind::{Kind, Spools};
use super::ledger;
use super::remedy;
use super::republish::Again;
use super::site_names;
use super::summary::Summary;
use super::warning_memory::WarningMemory;
use super::{Invocation, incomplete, is_configured, where_configured};
use caso_base::Clock;
use caso_base::time::format_utc;
use caso_config::{CloudConfig, Config, MessengerInstance, Origin, RecordTypes};
use caso_journal::{Journal, JournalError};
use caso_model::notice::Notice;
use caso_sandbox::{AddressSpace, Shortage};
use caso_state::ledger::RunId;
use caso_state::{Edits, Lock, LockError};

/// A run that may begin.
pub struct Prepared {
    pub kind: Arc<Kind>,
    pub config: Arc<Config>,
    pub clock: Arc<dyn Clock>,
    /// When it began, in epoch seconds of that clock.
    pub now: i64,
    pub spools: Spools,
    pub journal: Arc<Journal>,
    /// It is from a backup, and holds what did not wait any more.
    pub journal_came_back: bool,
    pub mapper: Arc<Mapper>,
    pub messengers: Vec<Messenger>,
    pub unusable: Vec<Unusable>,
    /// A month is republished.
    pub again: Option<Again>,
    /// What is said of lastrun files, each once a run.
    pub edits: Arc<Edits>,
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

    /// Logs why, and answers with the exit code.
    pub fn report(self) -> Exit {
        remedy::log_error(remedy::message(self.error.as_ref()));
        self.exit
    }
}

impl Prepared {
    /// As its line in the ledger has it.
    pub fn run_id(&self) -> RunId {
        ledger::run_id(self.now)
    }

    /// All messengers of the configuration, usable or not.
    pub fn messenger_names(&self) -> Vec<String> {
        let messengers = self.config.messengers.iter();
        messengers
            .map(|messenger| messenger.name().to_owned())
            .collect()
    }
}

/// Opens the spool, takes the lock, loads the components, and only then
/// touches what lies in the spool; in this order.
///
/// # Errors
/// With the exit code that the program ends with.
pub async fn prepare(
    invocation: Invocation,
    cancel: watch::Receiver<bool>,
    watched: bool,
) -> Result<(Prepared, Summary), Stopped> {
    let Invocation {
        config,
        kind,
        extract,
        only,
        again,
        ..
    } = invocation;
    let config = kind
        .configuration(config)
        .map_err(Stopped::with(Exit::Usage))?;
    let clock = kind.clock();
    let now = clock.now();
    if extract {
        complete(&config, &kind, now).map_err(|error| {
            // What is missing may stand there under a name that nobody knows.
            for remark in config.unknown_names() {
                remedy::log_warning(remark.message());
            }
            Stopped::with(Exit::Usage)(error)
        })?;
        if kind.is_real() && config.messengers.is_empty() {
            return Err(Stopped::with(Exit::Usage)(remedy::advised(
                "`messengers` names none: records would be extracted for nobody",
                "for APEL write `messengers = ssm`; `messengers = noop` throws records away",
            )));
        }
    } else {
        is_configured(&config).map_err(Stopped::with(Exit::Usage))?;
    }
    let nothing = || Stopped::with(Exit::Nothing);
    let (sandbox, cache_warnings) =
        components::sandbox(&config, kind.compiling()).map_err(nothing())?;
    let spools = kind.spools(&config.spooldir).map_err(nothing())?;
    // Then the lock: what components take to be compiled must not pile up, run upon run.
    let lock = lock(&kind, &config, cancel.clone()).await?;
    let mut components = unless_cancelled(cancel, components::load(&sandbox, &config))
        .await
        .map_err(nothing())?;
    if let Some(only) = only {
        components.messengers.retain(|it| it.name == only);
        components.unusable.retain(|it| it.name == only);
    }
    for messenger in &mut components.messengers {
        kind.redirect(messenger);
    }
    if !kind.is_dry() {
        components
            .leave_out_without_queue(&spools.journal)
            .map_err(nothing())?;
    }
    let memory = match kind.is_real() {
        true => WarningMemory::read(&spools.cursors, now).watched(watched),
        false => WarningMemory::blank(now),
    };
    let mut summary = Summary::new(memory, kind.is_dry()).of_a_rehearsal(!kind.is_real());
    for notice in notices(&config, &components, cache_warnings) {
        // Of a recording nothing is for anybody.
        if kind.is_online() || notice.key != ONLY_NOOP {
            summary.notice(&notice);
        }
        // Records go elsewhere for as long as it holds.
        if notice.key.starts_with(component_file::REPLACES) {
            summary.line(notice.text);
        }
    }
    if let Some(notice) = room(&kind, &config, AddressSpace::of_process()).filter(|_| extract) {
        summary.notice(&notice);
    }
    let opened = match kind.is_real() {
        true => backlog::open(&spools.journal, now),
        false => Journal::open(&spools.journal, now).map(|(journal, recovery)| backlog::Opened {
            journal,
            recovery,
            came_back: false,
        }),
    };
    let backlog::Opened {
        journal,
        recovery,
        came_back,
    } = opened.map_err(unopened)?;
    if extract && kind.is_real() {
        let lost = lost_list(&config, &journal).map_err(nothing())?;
        lost.map_or(Ok(()), Err)
            .map_err(Stopped::with(Exit::Usage))?;
    }
    journal.gives(given(&config));
    summary.recovered(&recovery);
    if let Some(notice) = adoption::settle(&journal, &spools.journal).map_err(nothing())? {
        summary.notice(&notice);
    }
    let prepared = Prepared {
        kind: Arc::new(kind),
        config: Arc::new(config),
        clock,
        now,
        spools,
        journal: Arc::new(journal),
        journal_came_back: came_back,
        mapper: Arc::new(components.mapper),
        messengers: components.messengers,
        unusable: components.unusable,
        again,
        edits: Arc::new(Edits::of_run(now)),
        _lock: lock,
    };
    Ok((prepared, summary))
}

/// That a site which has delivered to a messenger has lost the line that names it: `noop`, the default, would throw away all
/// that is extracted from here on.
fn lost_list(config: &Config, journal: &Journal) -> anyhow::Result<Option<anyhow::Error>> {
    let is_default = |it: &MessengerInstance| {
        it.component.origin == Origin::Default && it.component.source.is_builtin("noop")
    };
    if !config.messengers.iter().all(is_default) {
        return Ok(None);
    }
    let known = journal.waiting()?.into_iter().map(|it| it.messenger);
    let known: Vec<String> = known.filter(|name| name != "noop").collect();
    Ok((!known.is_empty()).then(|| {
        let names = known.join(", ");
        remedy::advised(
            format!(
                "`messengers` is not set, and this spool has records delivered to `{names}`: its default, `noop`, would throw away \
                 all that is extracted"
            ),
            format!("write `messengers = {names}` again, or `messengers = noop` where that is meant"),
        )
    }))
}

/// The record types that the configuration gives each messenger, whether it can be used or not.
fn given(config: &Config) -> BTreeMap<String, Option<Vec<String>>> {
    let types = |it: &MessengerInstance| match &it.record_types {
        RecordTypes::These { names, .. } => Some(names.clone()),
        RecordTypes::All | RecordTypes::Described => None,
    };
    let messengers = config.messengers.iter();
    messengers
        .map(|it| (it.name().to_owned(), types(it)))
        .collect()
}

/// The key of the notice that nobody gets the records.
const ONLY_NOOP: &str = "only-noop";

/// What an extraction cannot do without, and an explicit window that is empty.
fn complete(config: &Config, kind: &Kind, now: i64) -> anyhow::Result<()> {
    for cloud in &config.clouds {
        cloud.site().map_err(|error| incomplete(config, error))?;
        if kind.is_online() {
            let login = cloud.keystone();
            login.map_err(|error| incomplete(config, error))?;
        }
    }
    site_names::check(config).with_context(|| where_configured(config))?;
    let to = config.extract_to.unwrap_or(i64::MAX).min(now);
    match config.extract_from.explicit() {
        Some(from) if from >= to => Err(remedy::advised(
            format!(
                "nothing lies between {} and {}",
                format_utc(from),
                format_utc(to)
            ),
            "`--extract-from` must be before `--extract-to` and before now",
        )),
        _ => Ok(()),
    }
}

/// Waits for the lock, as long as nobody asks us to end.
async fn lock(
    kind: &Kind,
    config: &Config,
    mut cancel: watch::Receiver<bool>,
) -> Result<Option<Lock>, Stopped> {
    tokio::select! {
        lock = kind.lock(config) => lock.map_err(locked),
        Ok(_) = cancel.wait_for(|cancelled| *cancelled) => Err(Stopped {
            exit: Exit::Nothing,
            error: anyhow!("asked to end while waiting for the lock: nothing was done"),
        }),
    }
}

/// What components take to be admitted, as long as nobody asks us to end.
async fn unless_cancelled<T>(
    mut cancel: watch::Receiver<bool>,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    tokio::select! {
        done = work => done,
        Ok(_) = cancel.wait_for(|cancelled| *cancelled) => {
            Err(anyhow!("asked to end while the components were loaded: nothing was done"))
        }
    }
}

/// The journal was not opened: with the exit code for it.
fn unopened(error: JournalError) -> Stopped {
    let exit = match &error {
        // Two configurations with one spool and two `lock_path`s.
        JournalError::Busy { .. } => Exit::Locked,
        _ => Exit::Nothing,
    };
    let error = anyhow::Error::new(error).context("cannot use the journal");
    Stopped { exit, error }
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

/// Whether fewer projects than the site wants are read at a time, for want of address space.
fn room(kind: &Kind, config: &Config, space: AddressSpace) -> Option<Notice> {
    let wanted = kind.mappers_at_a_time(config);
    let shortage = space.shortage(wanted)?;
    let fit = space.guests()?;
    Some(Notice::warning(
        format!("address-space:{wanted}:{fit}"),
        (
            format!(
                "{shortage}: by the configuration {wanted} projects may be read at a time, and {fit} will be"
            ),
            format!("{}, or lower `concurrency`", Shortage::WAYS_OUT),
        ),
    ))
}

/// A `site_name` that no site has.
fn spaced(cloud: &CloudConfig) -> Option<Notice> {
    let name = cloud.site_name.as_deref()?;
    // What looks like a comment behind it was said to be none.
    let odd = name.contains(char::is_whitespace) && !name.contains(" #");
    odd.then(|| {
        Notice::warning(
            format!("site-name-space:{}", cloud.name),
            (
                format!(
                    "`[{}] site_name` is `{name}`, with a space: no site of the GOC database is named so, and \
                     every record carries it",
                    cloud.section
                ),
                "set it to the site's name in the GOC database",
            ),
        )
    })
}

/// Where it stands, unless it stands nowhere.
fn set_by(origin: &Origin) -> Option<String> {
    match origin {
        Origin::Default | Origin::Implied(_) => None,
        origin => Some(origin.to_string()),
    }
}

/// What is odd about the configuration and the components.
pub fn notices(
    config: &Config,
    components: &Components,
    cache_warnings: Vec<String>,
) -> Vec<Notice> {
    let mut notices = components.warnings.clone();
    for text in cache_warnings {
        notices.push(Notice::warning(format!("cache:{text}"), text));
    }
    if config.messengers.is_empty() {
        notices.push(Notice::warning(
            "no-messenger",
            (
                "`messengers` names none: records are extracted for nobody",
                "for APEL write `messengers = ssm`",
            ),
        ));
    } else if config
        .messengers
        .iter()
        .all(|it| it.component.source.is_builtin("noop"))
    {
        notices.push(Notice::warning(
            ONLY_NOOP,
            (
                "`messengers` is `noop` alone, which throws records away: they are extracted for nobody".to_owned(),
                match config.messengers.iter().find_map(|it| set_by(&it.component.origin)) {
                    Some(place) => format!("for APEL write `messengers = ssm` there: {place}"),
                    None => "for APEL write `messengers = ssm`".to_owned(),
                },
            ),
        ));
    }
    notices.extend(config.clouds.iter().filter_map(spaced));
    // Two instances of one section would have the same twice.
    notices.sort();
    notices.dedup();
    notices
}
