//! The cloud without a network: a request in, an answer out, both as plain
//! values. A unit test makes a transport of it in a few lines.

use crate::answer::Answer;
use crate::plan::Plan;
use crate::request::Seen;
use crate::routes;
use crate::state::State;

/// A cloud that answers whoever calls it.
pub struct InProcess(State);

impl InProcess {
    /// `base` is what stands before the services' paths, such as `http://cloud`:
    /// the catalog has it.
    pub fn new(plan: Plan, base: &str) -> Self {
        InProcess(State::new(plan, base.to_owned()))
    }

    /// What `[keystone_auth] auth_url` would be.
    pub fn auth_url(&self) -> String {
        format!("{}/identity/v3", self.0.base)
    }

    /// The proper answer; sets what of the request only the cloud knows, and what
    /// was answered.
    pub fn answer(&self, seen: &mut Seen) -> Answer {
        self.recognise(seen);
        let answer = routes::dated(&self.0, seen, routes::answer(&self.0, seen));
        seen.status = answer.status;
        seen.answered_bytes = answer.body.len();
        answer
    }

    /// Sets [`Seen::project`], for who looks at a request before it is answered.
    pub fn recognise(&self, seen: &mut Seen) {
        routes::recognise(&self.0, seen);
    }

    /// Changes the cloud: from the next request on it is so.
    pub fn change<T>(&self, change: impl FnOnce(&mut Plan) -> T) -> T {
        self.0.change(change)
    }
}
