//! Misbehaviour on demand: a [`Rule`] says which requests, a [`Fault`] what
//! becomes of them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::gate::Gate;
use crate::plan::Plan;
use crate::request::Seen;

/// What a matched request gets instead of, or with, its proper answer.
#[derive(Clone, Debug)]
pub enum Fault {
    /// This status, with a body in the service's own shape.
    Status(u16),
    /// This status, and this for its message.
    Words(u16, &'static str),
    /// This status and header, such as 429 with `Retry-After`.
    Refuse {
        status: u16,
        header: (&'static str, String),
    },
    /// 200 and a page for people, as a captive portal or a proxy answers.
    Html,
    /// 200 and this JSON, as no service documents it.
    Json(&'static str),
    /// The proper status and length, half of the body, then the end of the
    /// connection.
    Truncated,
    /// The proper status and half of the body, as if it were all.
    HalfBody,
    /// The proper answer without its links to a further page.
    Unlinked,
    /// The proper answer with half of its rows and without links: whole by its looks.
    HalfList,
    /// The proper answer, late.
    Slow(Duration),
    /// The connection stays open and silent.
    Never,
    /// The proper answer, once the test opens the gate.
    Held(Gate),
    /// The connection is closed without a byte.
    Closed,
    /// The token is forgotten: 401 for this request and for all that use it.
    TokenEnds,
    /// The proper answer, and from then on this server, flavor, user, image,
    /// volume, floating IP or project is not known any more, by id.
    Vanish(Vec<String>),
    /// The proper answer, and from then on the last row on it, which is the
    /// marker of the next page, is not known any more.
    VanishLast,
    /// The proper answer, and from then on these servers are deleted.
    Delete(Vec<String>),
    /// The proper answer, and from then on the cloud is as this makes it.
    Then(Change),
}

/// What happens to a cloud in the middle of a run.
#[derive(Clone)]
pub struct Change(Arc<dyn Fn(&mut Plan) + Send + Sync>);

impl Change {
    pub fn new(change: impl Fn(&mut Plan) + Send + Sync + 'static) -> Self {
        Change(Arc::new(change))
    }

    pub(super) fn make(&self, plan: &mut Plan) {
        (self.0)(plan);
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a change")
    }
}

/// Which requests a fault befalls.
#[derive(Clone)]
pub struct Rule {
    pattern: String,
    project: Option<String>,
    condition: Option<Condition>,
    /// Of the requests that match, which ones, counted from 1.
    first: u32,
    count: u32,
}

/// Anything a rule's own fields cannot say.
type Condition = Arc<dyn Fn(&Seen) -> bool + Send + Sync>;

impl Rule {
    /// Every request whose method, path and query contain `pattern`, the
    /// three written as in a request line: `GET /compute/v2.1/servers`.
    pub fn on(pattern: &str) -> Self {
        Rule {
            pattern: pattern.into(),
            project: None,
            condition: None,
            first: 1,
            count: u32::MAX,
        }
    }

    /// Only with a token of this project.
    pub fn of_project(mut self, id: &str) -> Self {
        self.project = Some(id.into());
        self
    }

    /// Only if this holds too.
    pub fn when(mut self, condition: impl Fn(&Seen) -> bool + Send + Sync + 'static) -> Self {
        self.condition = Some(Arc::new(condition));
        self
    }

    /// Only the `n`-th of the requests that match, counted from 1.
    pub fn nth(mut self, n: u32) -> Self {
        self.first = n;
        self.count = 1;
        self
    }

    /// Only the first `n` of the requests that match.
    pub fn times(mut self, n: u32) -> Self {
        self.count = n;
        self
    }

    fn matches(&self, seen: &Seen) -> bool {
        let query: Vec<String> = seen
            .query
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        format!("{} {}?{}", seen.method, seen.path, query.join("&")).contains(&self.pattern)
            && self
                .project
                .as_ref()
                .is_none_or(|id| seen.project.as_ref() == Some(id))
            && self.condition.as_ref().is_none_or(|holds| holds(seen))
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` from {} on, {} times",
            self.pattern, self.first, self.count
        )
    }
}

/// The rules in force, each with the number of requests it has met, and how often any struck.
#[derive(Debug, Default)]
pub struct Faults {
    rules: Vec<(Rule, Fault, u32)>,
    struck: usize,
}

impl Faults {
    pub fn add(&mut self, rule: Rule, fault: Fault) {
        self.rules.push((rule, fault, 0));
    }

    pub fn clear(&mut self) {
        *self = Faults::default();
    }

    pub fn struck(&self) -> usize {
        self.struck
    }

    /// Every rule counts the request; the faults of all that are due apply.
    pub fn due(&mut self, seen: &Seen) -> Vec<Fault> {
        let mut due = Vec::new();
        for (rule, fault, met) in &mut self.rules {
            if !rule.matches(seen) {
                continue;
            }
            *met += 1;
            if *met >= rule.first && *met - rule.first < rule.count {
                due.push(fault.clone());
            }
        }
        self.struck += due.len();
        due
    }
}
