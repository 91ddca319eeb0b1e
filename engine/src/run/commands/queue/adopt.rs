//! `caso queue adopt`: what still waits in an old directory queue for ssmsend is taken over by
//! the messenger `ams`, in its order, so that ssmsend need not be kept for it.
//! How, and what a kill leaves: [`crate::run::adoption`].

use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use caso_config::{Config, RecordTypes};
use caso_state::ledger;

use super::{Opened, opened};
use crate::run::adoption::{KIND, Left, seal, take_all};
use crate::run::exit::Exit;
use crate::run::month;
use crate::run::prepare::Stopped;
use crate::run::summary::words::{count, len, of};
use crate::run::table::next;

/// The component that takes it.
const COMPONENT: &str = "ams";

/// What to take over.
#[derive(Debug, PartialEq)]
pub struct Adopt {
    /// The directory queue.
    pub folder: PathBuf,
    /// The messenger that gets it, as `messengers` names it.
    pub messenger: String,
}

/// Takes over what waits in a queue. Answers with lines for the operator, and how it ended.
///
/// # Errors
/// With the exit code; the reason is in the log.
pub async fn adopt(config: &Config, what: &Adopt) -> Result<(String, Exit), Exit> {
    adopted(config, what).await.map_err(Stopped::report)
}

async fn adopted(config: &Config, what: &Adopt) -> Result<(String, Exit), Stopped> {
    takes(config, &what.messenger).map_err(Stopped::with(Exit::Usage))?;
    let failed = || Stopped::with(Exit::Nothing);
    let opened = opened(config).await?;
    let given = was_given(&opened, &what.messenger).map_err(failed())?;
    let left = take_all(&opened.spool, &what.folder).map_err(failed())?;
    let count = seal(&opened.journal, &opened.spool, &what.messenger, opened.now)
        .context("the messages are in the spool; repeat the command to go on")
        .map_err(failed())?;
    let again = given.then(|| month::name(opened.now));
    Ok(said(what, count, &left, again))
}

/// Whether the messenger was given records before, which the messages would come behind.
fn was_given(opened: &Opened, name: &str) -> anyhow::Result<bool> {
    let waiting = opened.journal.waiting();
    let waiting = waiting.context("cannot read the journal")?;
    let mut given = waiting
        .iter()
        .any(|it| it.messenger == name && it.records > 0);
    ledger::each(&opened.spool, 0, &mut |run| {
        let mut messengers = run.messengers.iter();
        given |= messengers.any(|it| it.name == name && it.delivered > 0);
    })
    .context("cannot read the ledger of runs")?;
    Ok(given)
}

/// Whether the messenger is one that takes messages as they are.
fn takes(config: &Config, name: &str) -> anyhow::Result<()> {
    let mut messengers = config.messengers.iter();
    let messenger = messengers.find(|it| it.name() == name).ok_or_else(|| {
        anyhow!("`{name}` is not in `messengers`: nobody would send what is taken over")
    })?;
    if !messenger.component.source.is_builtin(COMPONENT) {
        return Err(anyhow!(
            "messenger `{name}` takes records, and no messages of APEL's as they are: that does `{COMPONENT}`"
        ));
    }
    match &messenger.record_types {
        RecordTypes::These { names, origin } if !names.iter().any(|it| it == KIND) => Err(anyhow!(
            "{origin}: `record_types` has no `{KIND}`, which is what is taken over: add it"
        )),
        _ => Ok(()),
    }
}

/// `again` is the month to publish once more, where newer records were given to the messenger before.
fn said(what: &Adopt, number: u64, left: &Left, again: Option<String>) -> (String, Exit) {
    let messages = |number: u64| count(number, "message", "messages");
    let queue = what.folder.display();
    let name = &what.messenger;
    let mut text = format!(
        "{} of `{queue}` {} for `{name}` now\n",
        messages(number),
        of(number, "waits", "wait")
    );
    for (names, why) in [
        (
            &left.locked,
            "somebody has locked them, ssmsend as it seems: stop it, and repeat this",
        ),
        (&left.strange, "they do not begin as messages of APEL's do"),
    ] {
        if let Some(first) = names.first() {
            text += &format!(
                "{} {} there, `{first}` first: {why}\n",
                messages(len(names)),
                of(len(names), "stays", "stay")
            );
        }
    }
    if number > 0 {
        let mut commands = vec![format!("caso queue flush {name}")];
        if let Some(month) = again {
            text += &format!(
                "`{name}` was given newer records before: for a server in both, the older record comes last, until \
                 its month is published again\n"
            );
            commands.push(format!("caso republish --month {month}"));
        }
        text += &next(&commands);
    }
    let whole = left.locked.is_empty() && left.strange.is_empty();
    let exit = match (whole, number) {
        (true, _) => Exit::Done,
        (false, 0) => Exit::Nothing,
        (false, _) => Exit::Partly,
    };
    (text, exit)
}
