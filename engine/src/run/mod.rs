//! One run from start to exit code and summary.
//!
//! The order is fixed by what must not happen. Components and folders come
//! before Keystone, so that an hour's extraction is not lost to a typing error.
//! The lock comes before anything in the spool is touched. Extraction seals
//! segments and moves cursors; delivery comes after, from the journal only, so
//! that what waits from earlier runs goes first, and goes even when OpenStack
//! is away. Where much is extracted what is on disk for good is delivered while
//! the rest is read (`extract/ahead`).
//!
//! ```text
//! prepare ─ Prepared ─ extract ─ deliver ─ close ─ Summary ─ exit code
//! ```
//!
//! In what kinds of run differ, dry ones and replays, is `kind`'s alone.

mod adoption;
mod backlog;
mod bound;
mod close;
mod commands;
mod component_file;
mod component_warnings;
mod components;
mod deliver;
mod exit;
mod extract;
mod failed_alike;
mod kind;
mod ledger;
mod month;
mod prepare;
mod preview;
mod recorded_inputs;
mod remedy;
pub mod report;
mod report_page;
mod republish;
mod site_names;
mod summary;
mod table;
mod tags;
mod temporary;
mod territory;
mod warning_memory;

use std::io::{self, IsTerminal as _};
use std::time::Instant;

use tokio::sync::watch;

pub use self::commands::{
    Account, Check, Checked, FirstSite, StatusForm, check, check_unusable, demo, explain, init,
    mapping_migrate, projects, remove_demo, sample, show, status, status_unknown, support,
};
pub use self::commands::{component, cursor, cursor_places, queue};
pub use self::component_warnings::ComponentWarnings;
pub use self::components::COMPILE;
pub use self::exit::Exit;
pub use self::extract::BisectingMapper;
pub use self::kind::Kind;
pub use self::preview::{PreviewForm, preview};
pub use self::remedy::{log_error, message, of as hint};
pub use self::report_page::{ReportPage, report_page};
pub use self::republish::{Republish, republish, republished};

use crate::log_line;

use self::prepare::Stopped;
use self::republish::Again;
use self::summary::Summary;
use caso_base::Message;
use caso_config::{Config, ConfigError};

/// What a command line came to.
pub struct Invocation {
    /// As the site wrote it.
    pub config: Config,
    pub kind: Kind,
    /// Whether to extract, or only to deliver what waits.
    pub extract: bool,
    /// The one messenger to deliver to; none: to all.
    pub only: Option<String>,
    /// A month is republished.
    pub again: Option<Again>,
    /// Print the summary in any case.
    pub verbose: bool,
    /// What components warn of.
    pub remarks: ComponentWarnings,
}

/// Runs, reports, and answers with the exit code.
pub async fn run(invocation: Invocation, cancel: watch::Receiver<bool>) -> Exit {
    let partial_exit_ok = invocation.config.partial_exit_ok;
    let quiet = invocation.config.logging.debug;
    let json = invocation.config.logging.json;
    let extract = invocation.extract;
    let of_record = invocation.kind.is_real().then(|| invocation.config.clone());
    let began = invocation.kind.clock().now();
    let watched = invocation.verbose || io::stderr().is_terminal();
    // A dry run is somebody's who looks; and a log file without a line on a good hour looks as if
    // cron did not run.
    let wanted = watched || invocation.kind.is_dry() || log_line::stderr_is_a_file();
    match phases(invocation, cancel, watched).await {
        Ok(summary) => {
            let exit = summary.exit(partial_exit_ok);
            // Where an extraction failed altogether its errors are enough.
            let worth_it = exit != Exit::Done && (summary.has_success() || !extract);
            if (wanted || worth_it) && !quiet {
                summary.print(json);
            }
            exit
        }
        Err(stopped) => {
            if let Some(config) = of_record {
                ledger::keep_stopped(&config, began, &stopped).await;
            }
            stopped.report()
        }
    }
}

async fn phases(
    invocation: Invocation,
    cancel: watch::Receiver<bool>,
    watched: bool,
) -> Result<Summary, Stopped> {
    let began = Instant::now();
    let extract = invocation.extract;
    let remarks = invocation.remarks.clone();
    let (prepared, mut summary) = prepare::prepare(invocation, cancel.clone(), watched).await?;
    backlog::tell_put_back(&prepared, &mut summary);
    extract::catch_up::sealed(&prepared, &mut summary);
    let delivering = deliver::begin(&prepared, cancel.clone());
    let mut extracted = None;
    if extract && !bound::reached(&prepared, &mut summary)? {
        let ready = Some(delivering.ready());
        extracted = Some(extract::extract(&prepared, cancel.clone(), ready, &mut summary).await);
    }
    let delivery = deliver::end(delivering, &prepared, &mut summary).await;
    if *cancel.borrow() {
        summary.remember(&Message::from(
            "a signal asked it to end before it was done",
        ));
    }
    let windows = extracted.as_ref().map(|it| it.windows.as_slice());
    close::close(
        &prepared,
        &delivery,
        windows.unwrap_or_default(),
        &remarks,
        &mut summary,
    );
    let took = began.elapsed();
    let exit = summary.exit(prepared.config.partial_exit_ok);
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    ledger::keep(&prepared, extracted, &delivery, exit, took_ms, &summary);
    summary.took(took.as_secs_f64());
    Ok(summary)
}

/// Whether anything says where records wait: without a configuration nothing is known, which is not the same as that
/// all is well.
///
/// # Errors
/// Nothing does.
pub fn is_configured(config: &Config) -> anyhow::Result<()> {
    match config.files.is_empty() && !config.spooldir.exists() {
        false => Ok(()),
        true => Err(remedy::advised(
            format!(
                "nothing says where records wait: {}",
                where_configured(config)
            ),
            NAME_A_FILE,
        )),
    }
}

/// What to do where there is no configuration.
const NAME_A_FILE: &str =
    "`caso init` makes one, `caso sample` prints one, `--config-file` names one";

/// What the configuration lacks, with the files that it came from. Where there is none, an option is not what is to be set.
fn incomplete(config: &Config, error: ConfigError) -> anyhow::Error {
    match config.files.is_empty() {
        true => remedy::advised(
            format!("{}: {error}", where_configured(config)),
            NAME_A_FILE,
        ),
        false => anyhow::Error::new(error).context(where_configured(config)),
    }
}

/// Which files the configuration came from, for the person who has to complete
/// it.
fn where_configured(config: &Config) -> String {
    match (config.files.as_slice(), config.folders.as_slice()) {
        ([], []) => "no configuration file was found in ~/.caso, ~, /etc/caso or /etc".to_owned(),
        ([], folders) => {
            let names: Vec<String> = folders
                .iter()
                .map(|it| format!("`{}`", it.display()))
                .collect();
            format!("no file `*.conf` or `*.toml` lies in {}", names.join(", "))
        }
        (files, _) => {
            let names: Vec<String> = files.iter().map(|f| f.display().to_string()).collect();
            format!(
                "the configuration is not complete (read: {})",
                names.join(", ")
            )
        }
    }
}
