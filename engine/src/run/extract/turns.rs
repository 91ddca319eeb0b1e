//! The projects of a region in the order in which they are tried: those that did
//! well first, as they are configured, then those that failed, the longest last.
//! What is reported and delivered has the order of the configuration.

use std::cmp::Reverse;
use std::sync::Arc;

use super::outages::Trouble;
use super::region::Started;
use super::report::{Alike, Blame, ExtractorReport, ExtractorResult, ProjectReport};
use super::shared_service::Elsewhere;
use caso_base::Message;
use caso_extract::ProjectRef;
use caso_model::extraction::Extractor;
use caso_state::{Start, StartSource};

/// A project.
pub struct Turn {
    /// Its place in the configuration.
    pub order: usize,
    /// Since when one of its extractors fails, in epoch seconds; none where none
    /// does.
    pub failing_since: Option<i64>,
    pub project: Arc<ProjectRef>,
    pub parts: Vec<Part>,
}

/// One of its extractors.
pub struct Part {
    pub extractor: Extractor,
    pub start: Start,
    /// Where it starts in the other regions of the cloud.
    pub elsewhere: Vec<Elsewhere>,
    pub attempt: Attempt,
}

/// What became of it so far.
#[derive(Debug)]
pub enum Attempt {
    /// It was passed over, or its turn has not come.
    Untried,
    /// It failed, and whether the service is away shows at the end.
    Suspected {
        reason: Message,
        trouble: Trouble,
        alike: Option<Alike>,
    },
    /// It came to its end.
    Ended(ExtractorResult),
}

impl Turn {
    /// That of a project which nobody has tried.
    pub fn new(
        order: usize,
        started: Started,
        extractors: &[Extractor],
        failing_since: Option<i64>,
    ) -> Self {
        let mut elsewhere = started.elsewhere.into_iter();
        let parts = extractors.iter().copied().zip(started.starts);
        Turn {
            order,
            failing_since,
            project: Arc::new(started.project),
            parts: parts
                .map(|(extractor, start)| Part {
                    extractor,
                    start,
                    elsewhere: elsewhere.next().unwrap_or_default(),
                    attempt: Attempt::Untried,
                })
                .collect(),
        }
    }

    /// Notes what became of one of its parts.
    pub fn end(&mut self, part: usize, attempt: Attempt) {
        if let Some(part) = self.parts.get_mut(part) {
            part.attempt = attempt;
        }
    }

    /// Whether some of it was passed over, by this extractor.
    pub fn lacks(&self, extractor: Extractor) -> bool {
        self.parts
            .iter()
            .any(|part| part.extractor == extractor && matches!(part.attempt, Attempt::Untried))
    }

    /// Whether some of it was passed over, and may be tried in another round.
    pub fn is_to_be_tried(&self) -> bool {
        let untried = |part: &Part| matches!(part.attempt, Attempt::Untried);
        self.parts.iter().any(untried)
    }

    /// For the operator. `explicit`: the window's start was given, so that none
    /// begins at the beginning.
    pub fn report(self, explicit: bool) -> ProjectReport {
        let parts = self.parts.into_iter();
        ProjectReport {
            extractors: parts
                .map(|part| ExtractorReport {
                    extractor: part.extractor,
                    first: !explicit && part.start.source == StartSource::Nothing,
                    failing: None,
                    result: part.attempt.ended(),
                })
                .collect(),
            project: self.project.as_ref().clone(),
        }
    }
}

impl Attempt {
    fn ended(self) -> ExtractorResult {
        match self {
            Attempt::Ended(result) => result,
            Attempt::Suspected { reason, .. } => ExtractorResult::Failed {
                reason,
                blame: Blame::Outage,
                alike: None,
            },
            Attempt::Untried => ExtractorResult::Failed {
                reason: "not tried, as other projects found the service away".into(),
                blame: Blame::Untried,
                alike: None,
            },
        }
    }
}

/// Puts them into the order in which they are tried.
pub fn queue(turns: &mut [Turn]) {
    turns.sort_by_key(|turn| {
        (
            turn.failing_since.is_some(),
            Reverse(turn.failing_since),
            turn.order,
        )
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_fail_come_last_and_the_longest_of_them_at_the_end() {
        let turn = |order, failing_since| Turn {
            order,
            failing_since,
            project: Arc::new(ProjectRef {
                id: format!("p{order}"),
                configured: None,
                name: None,
                vo: "vo".into(),
                disabled: false,
            }),
            parts: Vec::new(),
        };
        let since = [Some(50), None, Some(90), None, Some(50), None];
        let mut turns: Vec<Turn> = since
            .into_iter()
            .enumerate()
            .map(|(n, s)| turn(n, s))
            .collect();
        queue(&mut turns);
        let order: Vec<usize> = turns.iter().map(|turn| turn.order).collect();
        assert_eq!(order, [1, 3, 5, 2, 0, 4]);
    }
}
