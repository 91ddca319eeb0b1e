//! What a killed run sealed, before anything of it is delivered or given up.
//!
//! A segment is sealed before its cursor moves. Delivered while the cursor stands where it stood, the
//! next run would extract the same time in another window, and what adds up would count twice: so whoever
//! opens the journal, to deliver as well as to extract, first moves the cursors over what is sealed. Where one
//! is to stay, as an operator set it, the window is noted, unless the ledger tells of it. (A project of which
//! there is only a lastrun file by its name catches up when it is extracted: that name is not known before.)

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::again::{PastWindows, adds_up};
use super::cursor_keys;
use crate::run::prepare::Prepared;
use crate::run::remedy;
use crate::run::summary::Summary;
use caso_journal::SegmentKey;
use caso_model::Window;
use caso_model::notice::Notice;
use caso_state::{CaughtUp, CursorError, CursorKey, Cursors};

/// Does it, for every project of which something is sealed. One whose cursors cannot be read or written is
/// named.
pub fn sealed(prepared: &Prepared, summary: &mut Summary) {
    let sealed = prepared.journal.sealed();
    if !prepared.kind.is_real() || sealed.is_empty() {
        return;
    }
    let cursors = Cursors::open(&prepared.spools.cursors, false)
        .of_run(prepared.run_id())
        .telling(prepared.edits.clone())
        .noting(adds_up)
        .configured(cursor_keys::of_all(&prepared.config));
    let mut fails = |project: &str, error: &CursorError| {
        let key = format!("not-caught-up:{project}");
        summary.notice(&Notice::warning(key, remedy::message(error)));
    };
    let stay = moved(prepared, &cursors, sealed, &mut fails);
    for (project, windows) in unknown(prepared, stay) {
        if let Err(error) = cursors.note(&project, &windows) {
            fails(&project, &error);
        }
    }
    for error in cursors.settle() {
        summary.problem(remedy::message(&error));
    }
}

/// Moves what continues its cursor; the windows whose cursors stay, by project.
fn moved(
    prepared: &Prepared,
    cursors: &Cursors,
    sealed: Vec<SegmentKey>,
    fails: &mut dyn FnMut(&str, &CursorError),
) -> BTreeMap<String, Vec<(CursorKey, Window)>> {
    let clouds = prepared.config.clouds.iter();
    let begins: HashMap<&str, i64> = clouds
        .map(|cloud| (cloud.name.as_str(), cloud.first_extract_from.unwrap_or(0)))
        .collect();
    let mut stay: BTreeMap<String, Vec<(CursorKey, Window)>> = BTreeMap::new();
    let mut failed = BTreeSet::new();
    for segment in sealed {
        let key = cursor_keys::of_segment(&segment);
        let SegmentKey {
            project,
            window,
            again,
            ..
        } = segment;
        if failed.contains(&project) {
            continue;
        }
        // What a republish sealed may lack types, and what lies behind its cursor is still to be extracted.
        if again {
            stay.entry(project).or_default().push((key, window));
            continue;
        }
        let beginning = begins.get(key.cloud.as_str()).copied().unwrap_or(0);
        match cursors.catch_up(&project, &key, window, beginning) {
            Ok(CaughtUp::Stays) => stay.entry(project).or_default().push((key, window)),
            Ok(CaughtUp::Nothing | CaughtUp::Moved) => {}
            Err(error) => {
                fails(&project, &error);
                failed.insert(project);
            }
        }
    }
    stay
}

/// Those of what adds up that the ledger does not have. One that cannot be read has none.
fn unknown(
    prepared: &Prepared,
    mut stay: BTreeMap<String, Vec<(CursorKey, Window)>>,
) -> BTreeMap<String, Vec<(CursorKey, Window)>> {
    for windows in stay.values_mut() {
        windows.retain(|(key, _)| adds_up(&key.extractor));
    }
    stay.retain(|_, windows| !windows.is_empty());
    if stay.is_empty() {
        return stay;
    }
    let past = PastWindows::read(&prepared.spools.cursors, 0).unwrap_or_default();
    for (project, windows) in &mut stay {
        windows.retain(|(key, window)| !past.of(key, project).extracted.contains(window));
    }
    stay.retain(|_, windows| !windows.is_empty());
    stay
}
