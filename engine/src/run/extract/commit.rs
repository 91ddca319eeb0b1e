//! What was read of a project, put on disk for good: all its extractors together, and with it whatever other
//! projects ended meanwhile or end in a moment (`together`).
//!
//! In this order, each for all of them: what was seen of the servers, the segments, the
//! cursors. Files are synced side by side and each folder once, so that a commit waits for six
//! syncs one after the other (eight where the mapper refused something), and one of many projects for hardly more. What fails costs the window
//! that it is of; where a project's cursors cannot be written its segments are taken back, since the next
//! run reads their windows again: delivered now, what adds up would be counted twice.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use super::Context;
use super::extractor::Due;
use super::mapping::Counts;
use super::report::ExtractorResult;
use super::together::{Coming, Together};
use crate::run::remedy;
use caso_journal::Sealed;
use caso_model::Window;
use caso_state::{Advance, CursorKey, Moves, Unmoved};

/// What is to be committed of a project in a region.
pub struct ProjectCommit {
    /// Id of the project.
    pub project: String,
    pub parts: Vec<Part>,
}

impl ProjectCommit {
    fn records(&self) -> u64 {
        let due = self.parts.iter().flat_map(|part| &part.due);
        due.map(|due| due.written.segment.records()).sum()
    }
}

/// One extractor's windows, in their order.
pub struct Part {
    pub key: CursorKey,
    pub due: Vec<Due>,
}

/// Who waits to be committed.
#[derive(Default)]
pub struct Commits(Together<ProjectCommit, Vec<ExtractorResult>>);

impl Commits {
    /// Says that a project is about to be read, whose commit may come.
    pub fn coming(&self) -> Coming<'_> {
        self.0.coming()
    }

    /// Commits it, with all that came while the commit before was under way, and with those that
    /// come in a moment. One result a part, in their order.
    pub async fn commit(
        &self,
        context: &Arc<Context>,
        commit: ProjectCommit,
        coming: Coming<'_>,
    ) -> Vec<ExtractorResult> {
        let parts = commit.parts.len();
        let records = commit.records();
        let context = context.clone();
        let committed = self
            .0
            .done((commit, records), coming, move |group| all(&context, group));
        committed.await.unwrap_or_else(|| {
            let fault = || {
                ExtractorResult::failed(
                    "a fault of cASO itself, please report it: its records were not committed",
                )
            };
            (0..parts).map(|_| fault()).collect()
        })
    }
}

/// A window on its way to the disk.
struct OnItsWay {
    /// Of its project and its part.
    place: (usize, usize),
    window: Window,
    continues: i64,
    counts: Counts,
    sealed: Result<Sealed, ExtractorResult>,
}

fn all(context: &Context, group: Vec<ProjectCommit>) -> Vec<Vec<ExtractorResult>> {
    let mut projects = Vec::with_capacity(group.len());
    let mut windows = Vec::new();
    for (number, ProjectCommit { project, parts }) in group.into_iter().enumerate() {
        let mut keys = Vec::with_capacity(parts.len());
        for (part, Part { key, due }) in parts.into_iter().enumerate() {
            keys.push(key);
            windows.extend(due.into_iter().map(|due| ((number, part), due)));
        }
        projects.push((project, keys));
    }
    let windows = sealed(context, windows);
    moved(context, &projects, windows)
}

/// Puts on disk what was seen of the servers, then the segments.
fn sealed(context: &Context, windows: Vec<((usize, usize), Due)>) -> Vec<OnItsWay> {
    let mut states = Vec::new();
    let mut segments = Vec::new();
    let mut out = Vec::with_capacity(windows.len());
    for (number, (place, due)) in windows.into_iter().enumerate() {
        states.extend(due.written.state.map(|state| (number, state)));
        segments.push((number, due.written.segment));
        out.push(OnItsWay {
            place,
            window: due.window,
            continues: due.continues,
            counts: due.counts,
            sealed: Err(ExtractorResult::UpToDate),
        });
    }
    let (numbers, states): (Vec<usize>, Vec<_>) = states.into_iter().unzip();
    let mut unkept = BTreeSet::new();
    for (number, kept) in numbers.into_iter().zip(context.histories.keep(states)) {
        if let (Err(failed), Some(window)) = (kept, out.get_mut(number)) {
            window.sealed = Err(ExtractorResult::error(&failed));
            unkept.insert(number);
        }
    }
    // A segment is not sealed where what belongs to it is not on disk.
    segments.retain(|(number, _)| !unkept.contains(number));
    let (numbers, segments): (Vec<usize>, Vec<_>) = segments.into_iter().unzip();
    for (number, sealed) in numbers.into_iter().zip(context.journal.seal(segments)) {
        if let Some(window) = out.get_mut(number) {
            window.sealed = sealed.map_err(|error| ExtractorResult::error(&error));
        }
    }
    out
}

/// Moves the cursors over what is sealed.
fn moved(
    context: &Context,
    projects: &[(String, Vec<CursorKey>)],
    mut windows: Vec<OnItsWay>,
) -> Vec<Vec<ExtractorResult>> {
    // Behind a window that failed its extractor's later ones would leave a gap.
    let mut failed = BTreeSet::new();
    for window in &mut windows {
        if failed.contains(&window.place) {
            let later = ExtractorResult::failed("not kept, as the window before it was not");
            if let Ok(sealed) = std::mem::replace(&mut window.sealed, Err(later)) {
                take_back(context, &sealed);
            }
        } else if window.sealed.is_err() {
            failed.insert(window.place);
        }
    }
    let moves = projects
        .iter()
        .enumerate()
        .map(|(number, (project, keys))| {
            let of_project = windows.iter().filter(|window| window.place.0 == number);
            let covered = of_project.filter(|window| window.sealed.is_ok());
            let windows = covered.filter_map(|window| {
                let key = keys.get(window.place.1)?.clone();
                let start = window.continues;
                let end = window.window.end;
                Some((key, Window { start, end }))
            });
            Moves {
                project: project.clone(),
                windows: windows.collect(),
            }
        });
    let moves: Vec<Moves> = moves.collect();
    let mut advances: Vec<_> = context
        .cursors
        .commit(moves)
        .into_iter()
        .map(|moved| moved.map(VecDeque::from))
        .collect();
    let mut results: Vec<Vec<Option<ExtractorResult>>> = projects
        .iter()
        .map(|(_, keys)| keys.iter().map(|_| None).collect())
        .collect();
    for window in windows {
        let (project, part) = window.place;
        let result = match (window.sealed, advances.get_mut(project)) {
            (Err(result), _) => result,
            (Ok(sealed), Some(Err(error))) => {
                take_back(context, &sealed);
                ExtractorResult::error(error)
            }
            (Ok(sealed), moved) => ExtractorResult::Done {
                window: window.window,
                counts: window.counts.of_window(window.window, sealed.by_type),
                stays: moved
                    .and_then(|moved| moved.as_mut().ok()?.pop_front())
                    .and_then(stays),
            },
        };
        let slot = results.get_mut(project).and_then(|it| it.get_mut(part));
        if let Some(slot) = slot {
            *slot = Some(match slot.take() {
                // What failed first is what is told.
                Some(before @ ExtractorResult::Failed { .. }) => before,
                Some(before) => before.with(result),
                None => result,
            });
        }
    }
    let none = |result: Option<ExtractorResult>| result.unwrap_or(ExtractorResult::UpToDate);
    results
        .into_iter()
        .map(|parts| parts.into_iter().map(none).collect())
        .collect()
}

/// Where the cursor stands, if a window did not move it.
fn stays(advance: Advance) -> Option<i64> {
    match advance {
        Advance::Unmoved(Unmoved::Behind { cursor } | Unmoved::Gap { cursor }) => Some(cursor),
        Advance::Moved { .. } | Advance::Unmoved(Unmoved::Frozen) => None,
    }
}

fn take_back(context: &Context, sealed: &Sealed) {
    if let Err(left) = context.journal.revoke(sealed) {
        let message = remedy::message(&left);
        remedy::log_warning(message.of("the records of the window could not be taken back: "));
    }
}
