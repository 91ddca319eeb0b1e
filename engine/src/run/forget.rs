//! `caso queue forget`: gives up the records that wait for a messenger.
//!
//! Records wait for a messenger that was taken out of `messengers` until it is
//! put back, and their segments stay with them. This is the other way out.

use anyhow::{Context as _, anyhow};
use caso_base::error_chain;
use caso_config::Config;
use caso_disk::Disk;
use caso_journal::{Journal, Waiting};
use caso_state::Spool;

use super::exit::Exit;
use super::mode::Mode;
use super::{Stopped, lock, stop};

/// What to give up.
pub struct Forget {
    /// The messenger, as `messengers` named it.
    pub messenger: String,
    /// Give up what waits for it although it is still in `messengers`.
    pub even_if_configured: bool,
    /// When this began, in epoch seconds.
    pub now: i64,
}

/// Gives up what waits for a messenger. Answers with a line for the operator,
/// or the exit code, the reason being reported.
pub async fn forget(config: &Config, what: &Forget) -> Result<String, Exit> {
    match work(config, what).await {
        Ok(line) => Ok(line),
        Err(stopped) => {
            tracing::error!("{}", error_chain(stopped.error.as_ref()));
            Err(stopped.exit)
        }
    }
}

async fn work(config: &Config, what: &Forget) -> Result<String, Stopped> {
    let messenger = &what.messenger;
    let is_configured = config.messengers.iter().any(|m| m.name() == messenger);
    if is_configured && !what.even_if_configured {
        return Err(stop(Exit::Usage)(anyhow!(
            "messenger `{messenger}` is in `messengers`, so what waits for it is delivered: take \
             it out first, or add `--even-if-configured` to lose these records"
        )));
    }
    let spool = Spool::open(&config.spooldir, Disk::default())
        .context("cannot use the spool")
        .map_err(stop(Exit::Nothing))?;
    let _lock = lock(&Mode::Real, config).await?;
    give_up(&spool, what).map_err(stop(Exit::Nothing))
}

fn give_up(spool: &Spool, what: &Forget) -> anyhow::Result<String> {
    let messenger = &what.messenger;
    let (journal, recovery) = Journal::open(spool, what.now).context("cannot use the journal")?;
    for notice in &recovery.notices {
        tracing::warn!("{notice}");
    }
    for aside in &recovery.set_aside {
        tracing::error!("{aside}");
    }
    for newer in &recovery.newer_format {
        tracing::error!("{newer}");
    }
    let waiting = journal.waiting()?;
    let waits = |entry: &&Waiting| entry.records > 0;
    if !waiting
        .iter()
        .filter(waits)
        .any(|entry| &entry.messenger == messenger)
    {
        let others: Vec<String> = waiting
            .iter()
            .filter(waits)
            .map(|entry| format!("`{}` ({})", entry.messenger, records(entry.records)))
            .collect();
        return Err(match others.as_slice() {
            [] => anyhow!("nothing waits for messenger `{messenger}`, or for any other"),
            others => anyhow!(
                "nothing waits for messenger `{messenger}`; something waits for {}",
                others.join(", ")
            ),
        });
    }
    let given_up = journal.forget(messenger)?;
    Ok(format!(
        "gave up {} that waited for messenger `{messenger}`",
        records(given_up)
    ))
}

fn records(count: u64) -> String {
    match count {
        1 => "1 record".to_owned(),
        count => format!("{count} records"),
    }
}
