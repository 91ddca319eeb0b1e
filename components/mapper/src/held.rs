//! Which flavor and which accelerators a server had, and when.
//!
//! Nova says the present flavor alone. Taken for the whole month, a server that was resized an
//! hour ago would have had its accelerators since the month began, and the record of a month that
//! ended before the resize would have the memory of after it. So each flavor that the server was
//! seen to have counts for its time, with what it gives now.

use caso_component::log;

use crate::flavor::Accelerator;
use crate::page::{self, Page};
use crate::usage::{Flavor, Server};

/// For how many seconds Nova may not have shown a resize that had ended.
pub const LATE: i64 = 3_600;

/// The accelerators of a server from one moment to another.
#[derive(Debug, Clone, PartialEq)]
pub struct Held<'a> {
    /// Epoch seconds.
    pub from: i64,
    /// The first second after it.
    pub to: i64,
    /// Those of its flavor.
    pub accelerator: &'a Accelerator,
}

/// When it got which flavor, oldest first, where it was seen to have had several.
pub type Change<'a> = (i64, Option<&'a str>);

/// The changes of a server's flavor; the first of them is the flavor that it had before. Empty
/// where nobody saw one.
pub fn changes(server: &Server) -> Vec<Change<'_>> {
    let mut changes: Vec<Change> = Vec::new();
    for size in &server.sizes {
        let flavor = page::flavor_of(size);
        if changes.last().is_none_or(|(_, last)| *last != flavor) {
            changes.push((size.since, flavor));
        }
    }
    if changes.iter().all(|(_, flavor)| flavor.is_none()) {
        changes.clear();
    }
    changes
}

/// The flavor that it had at a moment, where that was another one than it has now. The oldest one
/// is taken to have been that of its start; where nobody knows what a flavor gave, the next one
/// stands in, as it does for accelerators.
pub fn former<'a>(page: &'a Page, server: &Server, moment: i64) -> Option<&'a Flavor> {
    let changes = changes(server);
    let begun = changes.partition_point(|(since, _)| *since <= moment);
    for (_, flavor) in changes.iter().skip(begun.saturating_sub(1)) {
        if *flavor == server.flavor_id.as_deref() {
            return None;
        }
        let known = flavor.and_then(|id| page.flavor_of_id(id));
        if known.is_some() {
            return known;
        }
    }
    None
}

/// What it had between the two moments, oldest first; `present` is what it has now. The oldest
/// flavor is taken to have been that of its start. Where nobody knows what a flavor had, what it had
/// next stands in: most servers keep their accelerators when their flavor is replaced by another.
pub fn of<'a>(
    page: &'a Page,
    server: &Server,
    present: Option<&'a Accelerator>,
    changes: &[Change<'_>],
    (begin, until): (i64, i64),
) -> Vec<Held<'a>> {
    let whole = [(begin, server.flavor_id.as_deref())];
    let changes = if changes.is_empty() {
        &whole[..]
    } else {
        changes
    };
    let mut held = Vec::new();
    let mut to = until;
    let mut had = present;
    for (place, (since, flavor)) in changes.iter().enumerate().rev() {
        let from = if place == 0 { begin } else { begin.max(*since) };
        if from >= to {
            continue;
        }
        if *flavor == server.flavor_id.as_deref() {
            had = present;
        } else if let Some(id) = flavor {
            match page.properties_of(id) {
                Some(properties) => had = properties.accelerator.as_ref(),
                None => warn_unknown(server, id),
            }
        }
        if let Some(accelerator) = had {
            held.push(Held {
                from,
                to,
                accelerator,
            });
        }
        to = from;
    }
    held.reverse();
    held
}

fn warn_unknown(server: &Server, flavor: &str) {
    log::warning(&format!(
        "server `{}` had flavor `{flavor}` before, and that flavor is gone: the accelerators, memory, \
         disk and benchmark that it had next are reported for that time, too",
        server.id
    ));
}
