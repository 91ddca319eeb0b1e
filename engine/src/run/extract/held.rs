//! Which volumes a project had before one extraction, and has now: so that one that was transferred is accounted once.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Context;
use super::extractor::Task;
use super::window::Piece;
use caso_disk::{Beside, DiskError};
use caso_history::volumes::{Holding, Known, Volumes};
use caso_model::extraction::Extractor;
use caso_state::{CursorKey, Cursors, Histories, Place, Start, StartSource, UnusableVolumes};

/// What is remembered of all projects of a region. `starts` are those of the projects that this run reads; of others their
/// cursors are looked up, and `failing` are those that it should have read.
pub fn known(
    context: &Context,
    key: &CursorKey,
    starts: &HashMap<&str, &Start>,
    failing: &HashSet<&str>,
) -> Known {
    let mut known = Known::default();
    let all = context.histories.all_volumes(&key.place());
    let mut others = HashMap::new();
    if all
        .iter()
        .any(|(project, _)| !starts.contains_key(project.as_str()))
    {
        let ids: Vec<&str> = starts.keys().copied().collect();
        let beside = Cursors::beside(&context.ledger, &ids).map(|all| all.cursors);
        let of_key = beside.unwrap_or_default().into_iter();
        let of_key = of_key.filter(|it| it.key == *key);
        others.extend(of_key.map(|it| (it.project, it.at.max(it.reached))));
    }
    for (project, volumes) in &all {
        let (is_read, reached) = match starts.get(project.as_str()) {
            Some(start) => (true, reached(context, key, project, start)),
            None => (
                failing.contains(project.as_str()),
                others.get(project).copied().flatten(),
            ),
        };
        known.add(project, is_read, reached, volumes);
    }
    known.ready()
}

/// How far an extractor had come, wherever somebody has set its cursor since, or put it back from a backup.
fn reached(context: &Context, key: &CursorKey, project: &str, start: &Start) -> Option<i64> {
    let at = start.at?;
    let came = context.came(key, project, at);
    let came = came.filter(|came| *came <= context.now);
    start.at.max(start.reached).max(came)
}

/// The volumes of one project, for one extraction.
pub struct Held<'a> {
    task: &'a Task,
    place: Place,
    /// None for an extractor that reports no volumes.
    holding: Option<Mutex<Holding>>,
    own: Option<Volumes>,
    /// The window goes on from the cursor, or from one that does.
    goes_on: bool,
    /// Its state is on disk with its cursor: a run that moves nothing writes none, and of several windows the last one does.
    is_kept: bool,
}

impl<'a> Held<'a> {
    /// Opens it. A project that this cASO has extracted before, and of whose volumes nothing is remembered, is said once.
    ///
    /// # Errors
    /// What is remembered may not be taken for nothing.
    pub fn open(task: &'a Task, piece: Piece) -> Result<Self, UnusableVolumes> {
        let context = &task.region.context;
        let place = task.key().place();
        let project = &task.project.id;
        let window = piece.window;
        let mut held = Held {
            task,
            place,
            holding: None,
            own: None,
            goes_on: false,
            is_kept: false,
        };
        if task.extractor != Extractor::Cinder {
            return Ok(held);
        }
        let again = context.again.is_some() || Some(window.end) <= task.reached();
        let before = task.held().clone();
        // By hand, and ahead of its cursor: what lies between nobody has extracted.
        let is_apart =
            !again && before.is_none() && task.start.at.is_some_and(|at| window.start > at);
        held.goes_on = !again && !is_apart;
        held.is_kept = held.goes_on && context.kind.is_real() && piece.is_last;
        held.own = match before {
            _ if is_apart => None,
            Some(before) => Some(before),
            None => held.remembered(&context.histories)?,
        };
        if held.own.is_none() && held.goes_on {
            held.warn();
        }
        let (own, known) = (held.own.clone(), &task.region.volumes);
        let holding = Holding::new(project, window, own, known, again);
        held.holding = Some(Mutex::new(holding));
        Ok(held)
    }

    /// One that is damaged counts as absent.
    fn remembered(&self, histories: &Histories) -> Result<Option<Volumes>, UnusableVolumes> {
        let project = &self.task.project.id;
        match histories.volumes(&self.place, project) {
            Err(error) if error.is_damaged() => {
                let warnings = &self.task.region.sources.caches.warnings;
                warnings.warn_once(&format!("volumes-damaged-{}-{project}", self.place), || {
                    format!("project `{project}`: {error}, and is written anew")
                });
                Ok(None)
            }
            read => read,
        }
    }

    fn warn(&self) {
        let Task {
            start,
            region,
            project,
            ..
        } = self.task;
        if start.source != StartSource::Cursor || !start.extracted {
            return;
        }
        let place = &self.place;
        let warnings = &region.sources.caches.warnings;
        warnings.warn_once(&format!("volumes-unknown-{place}"), || {
            format!(
                "nothing is remembered of the volumes of project `{}`, or of others: one that was transferred to another project since the \
                 last run may be accounted in both for a part of that time, or in neither; from now on they are kept in `caso-servers` in the spool",
                project.id
            )
        });
    }

    /// What the extraction asks.
    pub fn holding(&self) -> Option<&Mutex<Holding>> {
        self.holding.as_ref()
    }

    /// Writes what the project has now beside what is remembered, where that is something else.
    ///
    /// # Errors
    /// It is not written.
    pub fn write(self) -> Result<Option<Beside>, DiskError> {
        let (Some(holding), true) = (self.holding, self.goes_on) else {
            return Ok(None);
        };
        let holding = holding.into_inner().unwrap_or_else(PoisonError::into_inner);
        let next = holding.finish();
        let now = next.as_ref().or(self.own.as_ref()).cloned();
        let is_new = next.is_some() || self.task.held().is_some();
        self.task.held().clone_from(&now);
        let Some(now) = now.filter(|_| is_new && self.is_kept) else {
            return Ok(None);
        };
        let project = &self.task.project.id;
        let histories = &self.task.region.context.histories;
        histories
            .write_volumes(&self.place, project, &now)
            .map(Some)
    }
}

impl Task {
    /// How far it had come.
    pub(super) fn reached(&self) -> Option<i64> {
        let context = &self.region.context;
        reached(context, &self.key(), &self.project.id, &self.start)
    }

    /// What the windows before in this run say of its volumes; none: it was the first, or is to be.
    pub(super) fn held(&self) -> MutexGuard<'_, Option<Volumes>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
