//! What is remembered from run to run of projects that fail: read before the first
//! request, counted when all clouds have come to their end.
//!
//! An outage is nobody's failure, and counts for no project: neither as one more
//! nor as the end of the row.

use super::cursor_keys::cursor_key;
use super::report::{CloudReport, ExtractorReport, ExtractorResult};
use crate::run::prepare::Prepared;
use crate::run::remedy;
use caso_model::notice::Notice;
use caso_state::{CursorKey, Failures};

/// Those of earlier runs, and a note where they are not known.
pub fn read(prepared: &Prepared) -> (Failures, Option<Notice>) {
    let (failures, forgotten) = Failures::read(&prepared.spools.cursors, prepared.now);
    let note = forgotten.map(|why| Notice::warning("failures-forgotten", remedy::message(&why)));
    (failures, note)
}

/// Counts what a real run came to, says in the reports how long each has failed,
/// and keeps it. A file that cannot be written costs
/// the counts and no more: a note.
pub fn update(
    prepared: &Prepared,
    mut failures: Failures,
    reports: &mut [CloudReport],
) -> Option<Notice> {
    for (cloud, report) in prepared.config.clouds.iter().zip(reports) {
        let Ok(regions) = &mut report.result else {
            continue;
        };
        for region in regions {
            for project in &mut region.projects {
                for part in &mut project.extractors {
                    let key = cursor_key(cloud, region.region.as_deref(), part.extractor);
                    let id = &project.project.id;
                    match prepared.kind.is_real() {
                        true => count(&mut failures, id, &key, part, prepared.now),
                        // One that only looks is none of those in a row.
                        false if is_projects(&part.result) => {
                            part.failing = failures.of_cursor(id, &key);
                        }
                        false => {}
                    }
                }
            }
        }
    }
    if !prepared.kind.is_real() {
        return None;
    }
    let kept = failures.keep(&prepared.spools.cursors);
    // A full disk costs more than this, and is told by what it costs.
    kept.err().filter(|error| !error.is_full()).map(|error| {
        Notice::warning(
            "failures-not-kept",
            remedy::message(&error).of("cannot keep which projects failed: "),
        )
    })
}

/// Whether it failed, and nobody else would have fared as badly.
fn is_projects(result: &ExtractorResult) -> bool {
    matches!(result, ExtractorResult::Failed { blame, .. } if blame.is_projects())
}

fn count(
    failures: &mut Failures,
    project: &str,
    key: &CursorKey,
    part: &mut ExtractorReport,
    now: i64,
) {
    match &part.result {
        result if is_projects(result) => {
            part.failing = Some(failures.failed(project, key, now));
        }
        ExtractorResult::Done { .. }
        | ExtractorResult::Lacking { .. }
        | ExtractorResult::Elsewhere { .. } => {
            failures.succeeded(project, key);
        }
        ExtractorResult::Failed { .. }
        | ExtractorResult::UpToDate
        | ExtractorResult::Cancelled { .. } => {}
    }
}
