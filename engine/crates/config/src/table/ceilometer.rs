//! `[ceilometer]`: CPU time and network traffic of servers.

use super::row::{Row, rows};
use caso_model::extraction::{CounterReading, CounterSource};

pub const CEILOMETER: &str = "ceilometer";

rows! {
    SOURCE: CounterSource = Row::new(CEILOMETER, "source",
        "Where the extractor `ceilometer` reads CPU time and network traffic: gnocchi (type metric in the \
         catalog), ceilometer (its own API, version 2, type metering), or any: the first of these that the \
         catalog has.")
        .default("any");
    READING: CounterReading = Row::new(CEILOMETER, "reading",
        "What it reports of a counter: used, the use since the server's start, bridging counter resets and \
         adding up a server's interfaces; or largest, the largest reading of any one counter in the window, \
         as cASO to 1.x did.")
        .default("used");
}
