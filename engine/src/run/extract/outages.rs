//! Which services are away as a whole, so that the projects of a region need not
//! all find it out one after the other.
//!
//! A project's failure is no proof: its lists may time out, or a proxy answer 503
//! to what they ask, for ever. What counts is whether the service gave anybody an
//! answer. After [`ENOUGH`] projects in a row that got none, with none to anybody
//! else in between, the service is asked for what is no project's. If it answers
//! all go on. If not, projects are passed over, and it is asked again at growing
//! distance: after one of them, two, four. Those that were passed over are tried
//! at the end, if it is back by then.
//!
//! So whatever set of projects fails, the others are tried in every run, and a
//! service that is away costs a few requests and the operator one line.

use std::collections::BTreeMap;

use tokio::sync::Mutex;

use caso_extract::{ExtractContext, ExtractError};
use caso_model::extraction::Extractor;
use caso_openstack::{Scope, Service};

/// After so many projects in a row without an answer the service is asked itself.
pub const ENOUGH: usize = 3;

/// What may be away: a service, or Prometheus, which is none of OpenStack's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Suspect {
    Service(Service),
    Prometheus,
}

/// What is known of a suspect beside what projects came to.
pub trait Witness: Sync {
    /// How many answers it gave in this run, to whomever.
    fn answers(&self, suspect: Suspect) -> u64;

    /// Whether it answers a question that is about no project. `scope` is one
    /// whose catalog has it.
    fn is_there(&self, suspect: Suspect, scope: &Scope) -> impl Future<Output = bool> + Send;
}

/// A project's failure that may be an outage.
#[derive(Debug, Clone, PartialEq)]
pub struct Trouble {
    suspect: Suspect,
    scope: Scope,
    /// How many answers there had been.
    answers: u64,
}

/// What projects in a row came to, for each extractor: without Cinder there is
/// still Nova.
#[derive(Debug)]
pub struct Outages {
    rows: BTreeMap<Extractor, Mutex<Row>>,
    /// What was found at the end.
    gone: Mutex<BTreeMap<Suspect, bool>>,
}

/// Projects in a row without an answer.
#[derive(Debug, Default)]
struct Row {
    /// The last of them.
    last: Option<Trouble>,
    length: usize,
    /// How many projects were passed over since the service was last asked.
    passed: usize,
    /// How many are to be before it is asked again.
    distance: usize,
}

impl Outages {
    /// None yet.
    pub fn of(extractors: &[Extractor]) -> Self {
        let row = |extractor: &Extractor| (*extractor, Mutex::default());
        Outages {
            rows: extractors.iter().map(row).collect(),
            gone: Mutex::default(),
        }
    }

    /// Whether the next project is to be tried. Those who ask at the same time
    /// wait for one answer.
    pub async fn may_try(&self, extractor: Extractor, witness: &impl Witness) -> bool {
        let Some(row) = self.rows.get(&extractor) else {
            return true;
        };
        let mut row = row.lock().await;
        if !row.is_long(witness) {
            return true;
        }
        if row.passed < row.distance {
            row.passed += 1;
            return false;
        }
        let there = row.ask(witness).await;
        if !there {
            row.distance = (row.distance * 2).max(1);
            row.passed = 1;
        }
        there
    }

    /// Notes a failure.
    pub async fn note(
        &self,
        extractor: Extractor,
        suspect: Suspect,
        scope: Scope,
        witness: &impl Witness,
    ) -> Trouble {
        let trouble = Trouble {
            suspect,
            scope,
            answers: witness.answers(suspect),
        };
        if let Some(row) = self.rows.get(&extractor) {
            row.lock().await.add(trouble.clone(), witness);
        }
        trouble
    }

    /// Whether projects that were passed over can be tried now.
    pub async fn is_back(&self, extractor: Extractor, witness: &impl Witness) -> bool {
        let Some(row) = self.rows.get(&extractor) else {
            return true;
        };
        let mut row = row.lock().await;
        if !row.is_long(witness) {
            return true;
        }
        let suspect = row.last.as_ref().map(|last| last.suspect);
        let there = row.ask(witness).await;
        if let (Some(suspect), false) = (suspect, there) {
            self.gone.lock().await.insert(suspect, true);
        }
        there
    }

    /// At the end: whether a failure was an outage, of a service that answered
    /// nobody since. Otherwise it is the project's own.
    pub async fn is_outage(&self, trouble: &Trouble, witness: &impl Witness) -> bool {
        if witness.answers(trouble.suspect) > trouble.answers {
            return false;
        }
        let mut gone = self.gone.lock().await;
        if let Some(gone) = gone.get(&trouble.suspect) {
            return *gone;
        }
        let there = witness.is_there(trouble.suspect, &trouble.scope).await;
        gone.insert(trouble.suspect, !there);
        !there
    }
}

impl Row {
    /// Whether it is long enough, and nobody got an answer since.
    fn is_long(&mut self, witness: &impl Witness) -> bool {
        self.end_at_an_answer(witness);
        self.length >= ENOUGH
    }

    fn add(&mut self, trouble: Trouble, witness: &impl Witness) {
        self.end_at_an_answer(witness);
        let same = |last: &Trouble| last.suspect == trouble.suspect;
        if !self.last.as_ref().is_some_and(same) {
            *self = Row::default();
        }
        self.length += 1;
        self.last = Some(trouble);
    }

    fn end_at_an_answer(&mut self, witness: &impl Witness) {
        let answered = |last: &Trouble| witness.answers(last.suspect) > last.answers;
        if self.last.as_ref().is_some_and(answered) {
            *self = Row::default();
        }
    }

    /// Asks the service itself; an answer ends the row.
    async fn ask(&mut self, witness: &impl Witness) -> bool {
        let there = match &self.last {
            Some(last) => witness.is_there(last.suspect, &last.scope).await,
            None => true,
        };
        if there {
            *self = Row::default();
        }
        there
    }
}

/// Whom an outage of this error would be of, and for which scope it was asked.
pub fn suspect(error: &ExtractError) -> Option<(Suspect, Scope)> {
    if !error.is_outage() {
        return None;
    }
    match error {
        ExtractError::Api(error) => {
            let call = error.call()?;
            Some((Suspect::Service(call.service), call.scope.clone()))
        }
        ExtractError::Prometheus(_) => Some((Suspect::Prometheus, Scope::Unscoped)),
        _ => None,
    }
}

impl Witness for ExtractContext {
    fn answers(&self, suspect: Suspect) -> u64 {
        match suspect {
            Suspect::Service(service) => self.session.answers(service),
            Suspect::Prometheus => self
                .power
                .as_ref()
                .map_or(0, |power| power.client.answers()),
        }
    }

    async fn is_there(&self, suspect: Suspect, scope: &Scope) -> bool {
        let found = match (suspect, &self.power) {
            (Suspect::Service(service), _) => self
                .session
                .is_there(scope, service)
                .await
                .map_err(|error| error.to_string()),
            (Suspect::Prometheus, Some(power)) => power
                .client
                .is_there(self.now)
                .await
                .map_err(|error| error.to_string()),
            (Suspect::Prometheus, None) => Ok(()),
        };
        if let Err(error) = &found {
            tracing::debug!("still away: {error}");
        }
        found.is_ok()
    }
}

#[cfg(test)]
mod tests;
