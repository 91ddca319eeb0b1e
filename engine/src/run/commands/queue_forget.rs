//! `caso queue forget`: gives up the records that wait for a messenger.
//!
//! Records wait for a messenger that was taken out of `messengers` until it is
//! put back, and their segments stay with them. This is the other way out.

use anyhow::{Context as _, anyhow};
use caso_base::{Clock as _, SystemClock, error_chain};
use caso_config::Config;
use caso_journal::{Journal, Waiting};
use caso_state::Spool;

use crate::run::exit::Exit;
use crate::run::kind::Kind;
use crate::run::prepare::{Stopped, locked};
use crate::run::summary::Summary;
use crate::run::summary::words::records;

/// What to give up.
#[derive(Debug, PartialEq)]
pub struct Forget {
    /// The messenger, as `messengers` named it.
    pub messenger: String,
    /// Give up what waits for it although it is still in `messengers`.
    pub even_if_configured: bool,
}

/// Gives up what waits for a messenger. Answers with a line for the operator.
///
/// # Errors
/// With the exit code; the reason is in the log.
pub async fn forget(config: &Config, what: &Forget) -> Result<String, Exit> {
    locked_spool(config, what).await.map_err(|stopped| {
        tracing::error!("{}", error_chain(stopped.error.as_ref()));
        stopped.exit
    })
}

async fn locked_spool(config: &Config, what: &Forget) -> Result<String, Stopped> {
    let messenger = &what.messenger;
    let is_configured = config.messengers.iter().any(|m| m.name() == messenger);
    if is_configured && !what.even_if_configured {
        return Err(Stopped::with(Exit::Usage)(anyhow!(
            "messenger `{messenger}` is in `messengers`, so what waits for it is delivered: take \
             it out first, or add `--even-if-configured` to lose these records"
        )));
    }
    let spools = Kind::Real
        .spools(&config.spooldir)
        .map_err(Stopped::with(Exit::Nothing))?;
    let _lock = Kind::Real.lock(config).await.map_err(locked)?;
    give_up(&spools.journal, messenger).map_err(Stopped::with(Exit::Nothing))
}

fn give_up(spool: &Spool, messenger: &str) -> anyhow::Result<String> {
    let now = SystemClock::new().now();
    let (journal, recovery) = Journal::open(spool, now).context("cannot use the journal")?;
    // What a start finds is reported once, by whoever starts.
    Summary::default().recovered(&recovery);
    let mut waiting = journal.waiting()?;
    waiting.retain(|entry| entry.records > 0);
    if !waiting.iter().any(|entry| entry.messenger == messenger) {
        return Err(nothing_waits(messenger, &waiting));
    }
    let given_up = journal.forget(messenger)?;
    Ok(format!(
        "gave up {} that waited for messenger `{messenger}`\n",
        records(given_up)
    ))
}

fn nothing_waits(messenger: &str, others: &[Waiting]) -> anyhow::Error {
    let others: Vec<String> = others
        .iter()
        .map(|entry| format!("`{}` ({})", entry.messenger, records(entry.records)))
        .collect();
    match others.as_slice() {
        [] => anyhow!("nothing waits for messenger `{messenger}`, or for any other"),
        others => anyhow!(
            "nothing waits for messenger `{messenger}`; something waits for {}",
            others.join(", ")
        ),
    }
}
