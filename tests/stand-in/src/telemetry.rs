//! What is measured of servers and interfaces, and what two services make of the same
//! samples: [`gnocchi`] and Ceilometer's own API ([`ceilometer`]).
//!
//! Shapes, refusals and limits are those of Gnocchi 4.7.1 and Ceilometer 9.0.7,
//! which `tests/openstack/parts` runs (their READMEs say what was seen there),
//! as far as an accounting run asks them.

mod ceilometer;
mod gnocchi;

use serde_json::json;

use crate::answer::Answer;
use crate::keystone::Scope;
use crate::request::Seen;
use crate::state::State;

pub use ceilometer::answer as ceilometer;
pub use gnocchi::answer as gnocchi;

/// What is measured, and who has it.
#[derive(Clone, Debug)]
pub struct Telemetry {
    /// Gnocchi is in the catalog.
    pub gnocchi: bool,
    /// Ceilometer's own API is.
    pub ceilometer: bool,
    pub counters: Vec<Counter>,
    /// Gnocchi's `[api]max_limit`.
    pub max_limit: usize,
}

impl Default for Telemetry {
    fn default() -> Self {
        Telemetry {
            gnocchi: false,
            ceilometer: false,
            counters: Vec::new(),
            max_limit: 1000,
        }
    }
}

/// The samples of one counter.
#[derive(Clone, Debug)]
pub struct Counter {
    pub project: String,
    pub server: String,
    /// Its id in Gnocchi; none where the counter is the server's own.
    pub interface: Option<String>,
    /// Ceilometer knows the interface by this same id, its port's, and not by a name
    /// with the server in it.
    pub by_port: bool,
    /// `cpu`, `network.incoming.bytes`, …
    pub meter: &'static str,
    pub policy: Policy,
    pub samples: Vec<(i64, f64)>,
}

/// An archive policy: what Gnocchi keeps of a counter.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    pub name: &'static str,
    /// Seconds of a bucket, and how many of them are kept.
    pub definition: &'static [(i64, i64)],
    pub methods: &'static [&'static str],
}

impl Policy {
    /// Ceilometer's own: a mean each 300 s, which is the sample.
    pub const LOW_RATE: Policy = Policy {
        name: "ceilometer-low-rate",
        definition: &[(300, 8640)],
        methods: &["rate:mean", "mean"],
    };
}

/// The project of the token. Both services refuse alike: keystonemiddleware stands
/// before them.
fn project(state: &State, seen: &Seen) -> Result<String, Answer> {
    let refused = || {
        let body = json!({"error": {"code": 401, "title": "Unauthorized",
            "message": "The request you have made requires authentication."}});
        Answer::json(401, &body)
    };
    match state.token(seen).map(|token| token.scope) {
        Some(Scope::Project(id)) => Ok(id),
        // No project, and so nothing of anybody's.
        Some(_) => Err(Answer::json(200, &json!([]))),
        None => Err(refused()),
    }
}
