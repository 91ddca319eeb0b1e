//! The bound on what waits for a messenger (`max_waiting`).
//!
//! Nothing is ever dropped for it. What a messenger that is away for weeks has not taken fills
//! the disk, and a full disk stops everything in the middle of something; a bound stops at a
//! place where nothing is lost: no window is read, every cursor stays, what waits is delivered to
//! whoever takes it, and the run says so and ends with an error, every time. When there is room
//! extraction goes on from the cursors, as after any outage.

use super::exit::Exit;
use super::prepare::{Prepared, Stopped};
use super::summary::Summary;
use super::summary::words::{records, size};
use caso_journal::Waiting;

/// Whether so much waits that nothing may be extracted; then the summary says for whom.
///
/// # Errors
/// The journal cannot be read.
pub fn reached(prepared: &Prepared, summary: &mut Summary) -> Result<bool, Stopped> {
    let bound = prepared.config.max_waiting;
    // What a dry run extracts waits for nobody.
    if bound == 0 || prepared.kind.is_dry() {
        return Ok(false);
    }
    let waiting = prepared.journal.waiting();
    let waiting = waiting.map_err(|error| Stopped::with(Exit::Nothing)(error.into()))?;
    let beyond: Vec<&Waiting> = waiting.iter().filter(|it| it.bytes >= bound).collect();
    for it in &beyond {
        let name = &it.messenger;
        summary.problem((
            format!(
                "nothing is extracted: {} ({}) wait for messenger `{name}`, and `max_waiting` is \
                 {}; the cursors stay, and nothing is lost",
                records(it.records),
                size(it.bytes),
                size(bound)
            ),
            format!(
                "see why it does not take them (caso queue flush {name}), drop them with a copy (caso queue \
                 drop {name}), or raise `max_waiting`"
            ),
        ));
    }
    Ok(!beyond.is_empty())
}
