//! Which service a request is for: the one set of routes, whether it came over a
//! connection or from within the process.

use crate::answer::Answer;
use crate::request::Seen;
use crate::state::State;
use crate::{cinder, glance, keystone, keystone_v2, neutron, nova, provider, telemetry, time};

/// The proper answer.
pub fn answer(state: &State, seen: &Seen) -> Answer {
    let (service, path) = split(&seen.path);
    match service {
        "identity" | "identity-admin" if state.world().plan.version_2 => {
            keystone_v2::answer(state, seen, path, service != "identity")
        }
        "identity" => keystone::answer(state, seen, path),
        "oidc" => provider::answer(state, seen, path),
        "compute" => nova::answer(state, &state.world(), seen, path),
        "image" => glance::answer(state, seen, path),
        "metric" => telemetry::gnocchi(state, seen, path),
        "metering" => telemetry::ceilometer(state, seen, path),
        "volume" => cinder::answer(state, seen, path),
        "network" => neutron::answer(state, seen, path),
        region if region.starts_with("compute-") => {
            let world = state
                .world()
                .in_region(region.trim_start_matches("compute-"));
            match world {
                Some(world) => nova::answer(state, &world, seen, path),
                None => Answer::html(404, "no such region"),
            }
        }
        _ => Answer::html(404, "<html><body><h1>404 Not Found</h1></body></html>"),
    }
}

/// With the time on it, as every answer has it: by the clock of the host that answers.
pub fn dated(state: &State, seen: &Seen, answer: Answer) -> Answer {
    let world = state.world();
    let ahead = match split(&seen.path).0 {
        "compute" => world.plan.nova_clock_ahead,
        _ => 0,
    };
    answer.with("date", time::http_date(state.now(&world) + ahead))
}

/// Sets the project that the request's token is for.
pub fn recognise(state: &State, seen: &mut Seen) {
    let token = state.token(seen);
    seen.project = token.and_then(|token| token.project().map(str::to_owned));
}

/// `/compute/v2.1/servers` into `compute` and `/v2.1/servers`; `/api/v1` before it
/// is a front's.
pub fn split(path: &str) -> (&str, &str) {
    let path = path.strip_prefix("/api/v1").unwrap_or(path);
    let path = path.trim_start_matches('/');
    let end = path.find('/').unwrap_or(path.len());
    path.split_at(end)
}
