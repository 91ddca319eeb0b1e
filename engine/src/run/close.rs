//! The end of a run: what is left on disk, and what is to be remembered.

use super::component_warnings::ComponentWarnings;
use super::prepare::Prepared;
use super::remedy;
use super::summary::Summary;
use caso_deliver::Delivery;

/// Reports what is left to report, and keeps what the next run must know.
pub fn close(
    prepared: &Prepared,
    delivery: &Delivery,
    remarks: &ComponentWarnings,
    summary: &mut Summary,
) {
    for notice in remarks.take() {
        summary.notice(&notice);
    }
    // Of a messenger that is missing it is not known what it takes.
    if prepared.unusable.is_empty() {
        summary.given_to_nobody(&delivery.instances);
    }
    if let Err(error) = prepared.kind.finish() {
        summary.problem(remedy::message(error.as_ref()));
    }
    match prepared.journal.waiting() {
        Ok(waiting) => summary.waiting(&waiting, &prepared.messenger_names()),
        Err(error) => summary.problem(remedy::message(&error)),
    }
    match prepared.journal.damaged() {
        Ok(damaged) => summary.damaged(&damaged),
        Err(error) => summary.problem(remedy::message(&error)),
    }
    let memory = summary.take_memory();
    if prepared.kind.is_real()
        && let Err(error) = memory.keep(&prepared.spools.cursors)
    {
        summary.problem(remedy::message(error.as_ref()));
    }
}
