//! What a killed run sealed, before anything of it is delivered or given up.
//!
//! A segment is sealed before its cursor moves. Delivered while the cursor stands where it stood, the
//! next run would extract the same time in another window, and what adds up would count twice: so whoever
//! opens the journal, to deliver as well as to extract, first moves the cursors over what is sealed, or
//! notes the windows where they are to stay.

use std::collections::HashMap;

use super::cursor_keys;
use crate::run::prepare::Prepared;
use crate::run::remedy;
use crate::run::summary::Summary;
use caso_state::{CursorError, CursorKey, Cursors};

/// Does it, for every project of which something is sealed. One whose cursors cannot be read or written is
/// named.
pub fn sealed(prepared: &Prepared, summary: &mut Summary) {
    let config = &prepared.config;
    let sealed = prepared.journal.sealed();
    if !prepared.kind.is_real() || sealed.is_empty() {
        return;
    }
    let begins: HashMap<&str, i64> = config
        .clouds
        .iter()
        .map(|cloud| (cloud.name.as_str(), cloud.first_extract_from.unwrap_or(0)))
        .collect();
    let cursors = Cursors::open(&prepared.spools.cursors, false)
        .of_run(prepared.run_id())
        .configured(cursor_keys::of_all(config));
    let mut failed: Vec<(String, CursorError)> = Vec::new();
    for segment in sealed {
        if failed
            .iter()
            .any(|(project, _)| *project == segment.project)
        {
            continue;
        }
        let beginning = begins.get(segment.cloud.as_str()).copied().unwrap_or(0);
        let key = CursorKey {
            cloud: segment.cloud,
            region: segment.region,
            extractor: segment.extractor,
        };
        if let Err(error) = cursors.catch_up(&segment.project, &key, segment.window, beginning) {
            failed.push((segment.project, error));
        }
    }
    // What cannot be read says its project's own run, where there is one.
    for (_, error) in failed {
        summary.notice(&caso_model::notice::Notice::warning(
            format!("not-caught-up:{error}"),
            remedy::message(&error),
        ));
    }
    for error in cursors.settle() {
        summary.problem(remedy::message(&error));
    }
}
