//! `caso preview`, and `--dry-run --format`: what a run would publish, for people, for programs,
//! or beside what is published already.
//!
//! It is a dry run: usage is read from where the cursors are, and nothing of the site's is made
//! or moved. What messengers put into their queues is kept in memory instead of printed.

mod diff;
mod facts;
mod messages;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use self::facts::Facts;
use super::component_warnings::ComponentWarnings;
use super::exit::Exit;
use super::kind::Kind;
use super::prepare::{self, Prepared, Stopped};
use super::{Invocation, deliver, extract};
use crate::stdout;
use caso_config::Config;
use caso_sandbox::{Redirect, Sink};

/// How it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PreviewForm {
    /// What is counted, project by project.
    Table,
    /// The same with every record, as one JSON object.
    Json,
    /// Record by record beside the messages in a queue folder; none: in the messenger's own.
    Diff { against: Option<PathBuf> },
}

/// A message that a messenger would have put into one of its queues.
#[derive(Debug)]
pub struct Put {
    pub messenger: String,
    pub message: Vec<u8>,
}

type Kept = Arc<Mutex<Vec<Put>>>;

/// Shows it.
pub async fn preview(
    config: Config,
    form: &PreviewForm,
    remarks: ComponentWarnings,
    cancel: watch::Receiver<bool>,
) -> Exit {
    let shown = show(config, form, remarks, cancel).await;
    shown.unwrap_or_else(Stopped::report)
}

async fn show(
    config: Config,
    form: &PreviewForm,
    remarks: ComponentWarnings,
    cancel: watch::Receiver<bool>,
) -> Result<Exit, Stopped> {
    let failed = || Stopped::with(Exit::Nothing);
    if let PreviewForm::Diff {
        against: Some(folder),
    } = form
        && !folder.is_dir()
    {
        let error = anyhow::anyhow!("`{}` is not a folder", folder.display());
        return Err(Stopped::with(Exit::Usage)(error));
    }
    let invocation = Invocation {
        config,
        kind: Kind::dry().map_err(failed())?,
        extract: true,
        only: None,
        again: None,
        verbose: false,
        remarks: remarks.clone(),
    };
    let (mut prepared, mut summary) = prepare::prepare(invocation, cancel.clone(), true).await?;
    let kept = Kept::default();
    for messenger in &mut prepared.messengers {
        messenger.setup.redirect = keep(&messenger.name, &kept);
    }
    let extracted = extract::extract(&prepared, cancel.clone(), None, &mut summary).await;
    let mut facts = Facts::of(&prepared, &extracted).map_err(failed())?;
    let delivering = deliver::begin(&prepared, cancel);
    let delivery = deliver::end(delivering, &prepared, &mut summary).await;
    for notice in remarks.take() {
        summary.notice(&notice);
    }
    let put = std::mem::take(&mut *kept.lock().unwrap_or_else(PoisonError::into_inner));
    facts.put(&prepared, &delivery, &put);
    let exit = summary.exit(prepared.config.partial_exit_ok);
    let (text, differs) = match form {
        PreviewForm::Table => (facts.text(), false),
        PreviewForm::Json => (stdout::json(&facts).map_err(failed())?, false),
        PreviewForm::Diff { against } => {
            let folders = folders(&prepared, against.as_ref());
            let found = diff::Diff::of(&folders, &put).map_err(failed())?;
            (found.text(), found.differs())
        }
    };
    stdout::page(&text).map_err(failed())?;
    Ok(match exit {
        Exit::Done if differs => Exit::Partly,
        exit => exit,
    })
}

/// Queue messages are kept, everything else goes nowhere.
fn keep(messenger: &str, kept: &Kept) -> Redirect {
    let nowhere: Sink = Arc::new(|_, _| Ok(()));
    let (messenger, kept) = (messenger.to_owned(), kept.clone());
    let queues: Sink = Arc::new(move |_, message| {
        kept.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Put {
                messenger: messenger.clone(),
                message: message.to_vec(),
            });
        Ok(())
    });
    Redirect {
        queues: Some(queues),
        connections: Some(nowhere.clone()),
        signatures: Some(nowhere.clone()),
        requests: Some(nowhere),
    }
}

/// What is compared with.
fn folders(prepared: &Prepared, against: Option<&PathBuf>) -> Vec<PathBuf> {
    if let Some(folder) = against {
        return vec![folder.clone()];
    }
    let queues = prepared.messengers.iter().flat_map(|it| it.queues());
    let mut folders: Vec<PathBuf> = queues.cloned().collect();
    folders.sort();
    folders.dedup();
    folders
}
