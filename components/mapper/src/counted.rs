//! What was counted of a server (Ceilometer, Gnocchi) up to some moment.
//!
//! A counter is read at one moment of the window, and a record as of a month's end speaks for
//! an earlier one. What lies between the reading that the last window reported and the present
//! one is taken to have grown evenly; before the first reading, from nothing at the start.

use caso_component::types::Window;

use crate::lifetime::Reported;
use crate::usage::{Counters, Server};

/// A counter as of `reported.until`; absent where nothing was counted.
pub fn at(
    server: &Server,
    reported: Reported,
    window: Window,
    counter: fn(&Counters) -> Option<u64>,
) -> Option<u64> {
    let counters = server.counters.as_ref()?;
    let now = counter(counters)?;
    // Without the moment of its reading it speaks for the window's end.
    let Some(read) = counters.measured_at else {
        return Some(now);
    };
    if reported.until >= read || !reported.is_of_a_month_end(window) {
        return Some(now);
    }
    let earlier = server.earlier_counters.as_ref();
    let earlier = earlier.and_then(|earlier| Some((earlier.measured_at?, counter(earlier)?)));
    let (from, before) = earlier.unwrap_or((reported.start, 0));
    if reported.until <= from {
        return Some(before);
    }
    let grown = u128::from(now.saturating_sub(before));
    let (part, whole) = (reported.until - from, read - from);
    let part = grown * u128::from(part.unsigned_abs()) / u128::from(whole.unsigned_abs());
    u64::try_from(part).ok()?.checked_add(before)
}
