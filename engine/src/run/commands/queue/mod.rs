//! `caso queue`: what waits for the messengers, and what lies in their quarantines. To look at it
//! takes no lock; to change it takes the run's lock and the journal's, as a run does.

mod adopt;
mod drop;
mod entry;
mod export;
mod forget;
mod list;
mod retry;
mod show;

use anyhow::{Context as _, anyhow};
use caso_base::{Clock as _, SystemClock};
use caso_config::Config;
use caso_disk::Disk;
use caso_journal::{Journal, Sight, Waiting};
use caso_model::guest::MAPPER;
use caso_state::{Lock, Spool};

pub use self::adopt::{Adopt, adopt};
pub use self::drop::{Drop, drop};
pub use self::entry::{Entry, each};
pub use self::export::export;
pub use self::forget::{Forget, forget};
pub use self::list::list;
pub use self::retry::{Retry, retry};
pub use self::show::{Show, show};

use crate::run::backlog;
use crate::run::exit::Exit;
use crate::run::kind::Kind;
use crate::run::prepare::{Stopped, locked};
use crate::run::remedy::advised;
use crate::run::summary::Summary;
use crate::run::summary::words::records;

/// What somebody answered who was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Yes,
    No,
    /// There is nobody to be asked.
    Nobody,
}

/// Asks a question, once what it is about has been printed.
pub type Ask<'a> = &'a dyn Fn(&str) -> Answer;

/// Goes on after a yes.
pub fn agreed(ask: Ask<'_>, question: &str) -> Result<(), Stopped> {
    match ask(question) {
        Answer::Yes => Ok(()),
        Answer::No => Err(Stopped::with(Exit::Nothing)(anyhow!("nothing was done"))),
        Answer::Nobody => Err(Stopped::with(Exit::Usage)(advised(
            "there is no terminal to ask at, so nothing was done",
            "add `--yes`",
        ))),
    }
}

/// To look at a spool, and when that is.
fn sight(config: &Config) -> anyhow::Result<(Spool, Sight, i64)> {
    let spool = Spool::look(&config.spooldir, Disk::default());
    let sight = Journal::sight(&spool).context("cannot read the journal")?;
    Ok((spool, sight, SystemClock::new().now()))
}

/// What waits for a messenger.
///
/// # Errors
/// No messenger of that name is known: the error names the others.
fn of_messenger(config: &Config, sight: &Sight, messenger: &str) -> anyhow::Result<Waiting> {
    let all = sight.waiting().context("cannot read the journal")?;
    if let Some(found) = all.iter().find(|it| it.messenger == messenger) {
        return Ok(found.clone());
    }
    if config.messengers.iter().any(|it| it.name() == messenger) {
        return Ok(Waiting {
            messenger: messenger.to_owned(),
            records: 0,
            bytes: 0,
            oldest: None,
            window: None,
            attempts: 0,
            quarantined: 0,
        });
    }
    let mut names: Vec<&str> = config.messengers.iter().map(|it| it.name()).collect();
    names.extend(all.iter().map(|it| it.messenger.as_str()));
    names.sort_unstable();
    names.dedup();
    if messenger == MAPPER {
        return Err(advised(
            "usage that the mapper refused waits for nobody: no record was made of it",
            "fix the mapper, then `caso republish --month <month>`, which makes them; what it refused lies in \
             `caso-journal/quarantine/mapper` of the spool, and may be removed then",
        ));
    }
    Err(anyhow!(
        "there is no messenger `{messenger}`, neither in `messengers` nor in the journal; there is: {}",
        names.join(", ")
    ))
}

/// The journal, with the locks of a run.
struct Opened {
    journal: Journal,
    spool: Spool,
    now: i64,
    _lock: Option<Lock>,
}

async fn opened(config: &Config) -> Result<Opened, Stopped> {
    let spools = Kind::Real
        .spools(&config.spooldir)
        .map_err(Stopped::with(Exit::Nothing))?;
    let lock = Kind::Real.lock(config).await.map_err(locked)?;
    let now = SystemClock::new().now();
    let backlog::Opened {
        journal, recovery, ..
    } = backlog::open(&spools.journal, now)
        .context("cannot use the journal")
        .map_err(Stopped::with(Exit::Nothing))?;
    // What a start finds is reported once, by the run that starts.
    Summary::default().recovered(&recovery);
    Ok(Opened {
        journal,
        spool: spools.journal,
        now,
        _lock: lock,
    })
}

/// `which`: which of it, where not all was asked for.
fn nothing(messenger: &str, quarantine: bool, which: &str) -> String {
    match quarantine {
        true => format!("nothing{which} is in quarantine for messenger `{messenger}`\n"),
        false => format!("nothing{which} waits for messenger `{messenger}`\n"),
    }
}

/// Records as a sentence has them: `38 records in quarantine for messenger `ssm``.
fn what(number: u64, messenger: &str, quarantine: bool) -> String {
    let place = match quarantine {
        true => "in quarantine for",
        false => "that wait for",
    };
    format!("{} {place} messenger `{messenger}`", records(number))
}
