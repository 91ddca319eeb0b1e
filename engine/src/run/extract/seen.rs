//! What earlier runs saw of a project's servers, and what this one sees, around one
//! extraction.

use std::sync::Mutex;

use super::extractor::Task;
use caso_base::time::format_utc;
use caso_disk::{Beside, DiskError};
use caso_extract::nova::LATE;
use caso_history::History;
use caso_model::Window;
use caso_model::extraction::Extractor;
use caso_state::{Histories, HistoryError, Opened, Place};

/// The report of a server's end is remembered while a list may show it again: windows reach
/// back by their overlap, lists of changes by [`LATE`].
const RECENT: i64 = LATE + 100;

/// The history of one project, for one extraction.
pub struct Seen<'a> {
    history: Mutex<History>,
    /// Where it goes; none for an extractor that reports no servers, and in a run that
    /// moves nothing.
    kept: Option<(&'a Histories, Opened)>,
}

impl<'a> Seen<'a> {
    /// Opens it. A project that has been extracted before, and of whose servers nothing
    /// is remembered, is said once.
    pub fn open(task: &'a Task) -> Result<Self, HistoryError> {
        if !matches!(task.extractor, Extractor::Nova | Extractor::Ceilometer) {
            return Ok(Self {
                history: Mutex::default(),
                kept: None,
            });
        }
        let context = &task.region.context;
        let place = Place {
            cloud: task.region.cloud.name.clone(),
            region: task.region.place.region.clone(),
        };
        let project = &task.project.id;
        let mut opened = context.histories.open(&place, project, task.start.at)?;
        let warnings = &task.region.sources.caches.warnings;
        for (path, reason) in &opened.damaged {
            warnings.warn_once(&format!("servers-damaged-{}", path.display()), || {
                format!(
                    "`{}` is damaged ({reason}) and is written anew: the state before it is used",
                    path.display()
                )
            });
        }
        let history = std::mem::take(&mut opened.history);
        if history.as_of().is_none() && task.start.at.is_some() {
            warnings.warn_once(&format!("servers-unknown-{}", place.cloud), || {
                format!(
                    "nothing is remembered of the servers of project `{project}`, or of others: those that were resized before are accounted with their present size, and from now on sizes are kept in `caso-servers` in the spool"
                )
            });
        }
        let older = history
            .as_of()
            .zip(task.start.at)
            .filter(|(seen, at)| seen < at);
        if let (Some((seen, at)), None) = (older, &context.again) {
            warnings.warn_once(&format!("servers-older-{}", place.cloud), || {
                format!(
                    "what is remembered of the servers of project `{project}`, or of others, is of {}, and its cursor stands at {}, as after `caso cursor set`, \
                     runs of another cASO, or where `caso-servers` was put back from a backup: those that were resized in between are accounted as if they had not been",
                    format_utc(seen),
                    format_utc(at)
                )
            });
        }
        Ok(Self {
            history: Mutex::new(history),
            kept: (context.kind.is_real() && context.again.is_none())
                .then_some((&context.histories, opened)),
        })
    }

    /// What the extraction reads and notes.
    pub fn history(&self) -> &Mutex<History> {
        &self.history
    }

    /// Writes it beside what is remembered, unless the window lies before that: a month
    /// that is published once more says nothing new.
    pub fn write(&mut self, window: Window) -> Result<Option<Beside>, DiskError> {
        let history = self.history.get_mut();
        let history = history.unwrap_or_else(std::sync::PoisonError::into_inner);
        match &mut self.kept {
            Some((histories, opened)) if history.as_of() < Some(window.end) => {
                opened.history = std::mem::take(history);
                histories.write(opened, window.end, RECENT).map(Some)
            }
            _ => Ok(None),
        }
    }
}
