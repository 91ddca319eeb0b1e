//! The end of a run: what is left on disk, and what is to be remembered.

use super::backlog;
use super::component_warnings::ComponentWarnings;
use super::prepare::Prepared;
use super::remedy;
use super::summary::Summary;
use caso_deliver::Delivery;
use caso_state::backlog::Backlog;
use caso_state::ledger::WindowLine;

/// Reports what is left to report, and keeps what the next run must know. `windows` are those that were extracted.
pub fn close(
    prepared: &Prepared,
    delivery: &Delivery,
    windows: &[WindowLine],
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
    if prepared.kind.is_real() {
        let (journal, spool) = (&prepared.journal, &prepared.spools.journal);
        backlog::keep(journal, spool, &delivery.set_aside, prepared.now);
    }
    match prepared.journal.damaged() {
        Ok(damaged) => {
            let lost = Backlog::read(&prepared.spools.journal).lost;
            let lost = backlog::remaining(&prepared.spools.journal, &lost, windows);
            summary.damaged(&damaged, &lost);
            // With a damaged file what it held was told.
            if !damaged.iter().any(|it| it.held.is_records()) {
                backlog::tell(prepared, windows, summary);
            }
        }
        Err(error) => summary.problem(remedy::message(&error)),
    }
    let memory = summary.take_memory();
    if prepared.kind.is_real()
        && let Err(error) = memory.keep(&prepared.spools.cursors)
    {
        match summary.has_told_of_no_room() && remedy::no_room(error.as_ref()).is_some() {
            true => tracing::info!("{error:#}"),
            false => summary.problem(remedy::message(error.as_ref())),
        }
    }
}
