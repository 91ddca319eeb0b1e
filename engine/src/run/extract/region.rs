//! All projects of a cloud in one region, side by side, each extractor into a
//! segment of its own, beside those of the project that need nothing of it.
//!
//! A project that fails costs itself, and of its extractors the one that failed.
//! Where a service is away as a whole (`outages`) the projects that were not begun
//! yet are not tried one after the other: the operator gets one line, not one a
//! project.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use futures_util::{StreamExt as _, stream};
use tokio::sync::Semaphore;

use super::Context;
use super::commit::{self, ProjectCommit};
use super::cursor_keys::cursor_key;
use super::extractor::{Came, Task};
use super::outages::Outages;
use super::report::{Blame, ExtractorResult, RegionReport};
use super::shared_service::Elsewhere;
use super::turns::{Attempt, Turn, queue};
use super::window::Bounds;
use crate::run::remedy;
use caso_config::CloudConfig;
use caso_extract::{ExtractContext, ProjectRef};
use caso_history::volumes::Known;
use caso_model::extraction::Extractor;
use caso_state::Start;

/// So many numbers has a region for its projects in the order of delivery.
const MOST_PROJECTS: usize = 100_000;

/// So many projects more than are read at a time may wait for their commit.
const COMMITTED: usize = 64;

/// A region, with what all its projects share.
pub struct Region {
    pub context: Arc<Context>,
    pub cloud: Arc<CloudConfig>,
    pub place: Place,
    /// `site_name`.
    pub site: String,
    pub bounds: Bounds,
    /// Where usage is read.
    pub sources: ExtractContext,
    pub outages: Outages,
    /// Which projects had which volumes before this run.
    pub volumes: Arc<Known>,
}

/// The region, among all regions of all clouds.
pub struct Place {
    pub region: Option<String>,
    /// How many are before it in the configuration.
    pub order: usize,
}

impl Place {
    /// That of a project among all projects of all regions: the order of the journal.
    pub fn of_project(&self, project: usize) -> u32 {
        u32::try_from(self.order * MOST_PROJECTS + project).unwrap_or(u32::MAX)
    }

    /// Those of all projects of the region.
    fn places(&self) -> Range<u32> {
        self.of_project(0)..self.of_project(MOST_PROJECTS)
    }
}

/// A project, and where each of its extractors starts in this region.
pub struct Started {
    pub project: ProjectRef,
    pub starts: Vec<Start>,
    /// In the other regions of the cloud, by extractor.
    pub elsewhere: Vec<Vec<Elsewhere>>,
}

impl Region {
    /// Extracts the projects, several at a time; reports in their order.
    pub async fn extract(self: Arc<Self>, projects: Vec<Started>) -> RegionReport {
        let turns = projects.into_iter().enumerate();
        let turns = turns
            .map(|(order, started)| {
                let since = self.failing_since(&started.project.id);
                Turn::new(order, started, &self.cloud.extractors, since)
            })
            .collect();
        let mut turns = self.round(turns).await;
        if self.is_worth_another_round(&turns).await {
            turns = self.round(turns).await;
        }
        self.context.ahead.ended(self.place.places());
        self.settle(&mut turns).await;
        self.warn_of_other_regions();
        turns.sort_by_key(|turn| turn.order);
        let explicit = self.bounds.from.explicit().is_some();
        let reports = turns.into_iter().map(|turn| turn.report(explicit));
        RegionReport {
            region: self.place.region.clone(),
            projects: reports.collect(),
            warnings: self
                .sources
                .caches
                .closing_warnings()
                .into_iter()
                .map(|notice| remedy::noticed(notice, &self.cloud))
                .collect(),
        }
    }

    /// Where the configuration names no region, the first of the catalog is read: an
    /// operator has to learn of the others. The key names them, so that a new region
    /// is a new matter.
    fn warn_of_other_regions(&self) {
        let services = self.sources.session.regions_to_choose();
        let mut all: Vec<String> = Vec::new();
        let mut parts = Vec::new();
        let quoted = |regions: &[String]| {
            let quoted: Vec<String> = regions.iter().map(|region| format!("`{region}`")).collect();
            quoted.join(", ")
        };
        for (service, regions) in &services {
            let Some((taken, others)) = regions.split_first() else {
                continue;
            };
            parts.push(format!(
                "{service} is read in `{taken}` alone, not in {}",
                quoted(others)
            ));
            for region in regions {
                if !all.contains(region) {
                    all.push(region.clone());
                }
            }
        }
        let Some(first) = all.first() else { return };
        let cloud = &self.cloud.name;
        let key = format!("regions:{cloud}:{}", all.join(","));
        self.sources.caches.warnings.warn_once(&key, || {
            (
                format!(
                    "the catalog of cloud `{cloud}` has several regions, and `region_name` names none: {}",
                    parts.join("; "),
                ),
                format!(
                    "`region_name = {}` accounts them all, `region_name = {first}` says that the first is meant",
                    all.join(", ")
                ),
            )
        });
    }

    /// Since when an extractor of the project fails here.
    fn failing_since(&self, project: &str) -> Option<i64> {
        let key = |extractor: &Extractor| {
            let region = self.place.region.as_deref();
            cursor_key(&self.cloud, region, *extractor)
        };
        let failures = &self.context.failures;
        let keys = self.cloud.extractors.iter().map(key);
        keys.filter_map(|key| failures.of_cursor(project, &key))
            .map(|failing| failing.since)
            .min()
    }

    /// Tries what was not tried yet.
    async fn round(self: &Arc<Self>, mut turns: Vec<Turn>) -> Vec<Turn> {
        let Context { kind, config, .. } = self.context.as_ref();
        if kind.tries_failing_last() {
            queue(&mut turns);
        }
        let at_a_time = kind.projects_at_a_time(config);
        let places = Arc::new(Semaphore::new(at_a_time));
        stream::iter(turns)
            .map(|turn| self.clone().to_its_end(turn, places.clone()))
            .buffer_unordered(at_a_time + COMMITTED)
            .collect()
            .await
    }

    /// Extracts a project, and says so when nothing comes of it any more.
    async fn to_its_end(self: Arc<Self>, turn: Turn, places: Arc<Semaphore>) -> Turn {
        let turn = self.clone().project(turn, places).await;
        if !turn.is_to_be_tried() {
            let place = self.place.of_project(turn.order);
            self.context.ahead.ended(place..place.saturating_add(1));
        }
        turn
    }

    /// Reads a project in its place among those that are read at a time, and commits what
    /// came of it when the place is another one's.
    async fn project(self: Arc<Self>, mut turn: Turn, places: Arc<Semaphore>) -> Turn {
        let coming = self.context.commits.coming();
        let place = places.acquire_owned().await;
        let mut rows: BTreeMap<Row, Vec<(usize, Task)>> = BTreeMap::new();
        for (number, part) in turn.parts.iter().enumerate() {
            if let Attempt::Untried = part.attempt {
                let task = Task {
                    region: self.clone(),
                    project: turn.project.clone(),
                    extractor: part.extractor,
                    start: part.start.clone(),
                    elsewhere: part.elsewhere.clone(),
                    order: (turn.order, number),
                    held: Mutex::default(),
                };
                let row = match self.sources.reads_ahead {
                    true => Row::of(part.extractor),
                    false => Row::Servers,
                };
                rows.entry(row).or_default().push((number, task));
            }
        }
        let rows = rows.into_values().map(|row| async {
            let mut came = Vec::with_capacity(row.len());
            for (number, task) in row {
                let key = task.key();
                came.push((number, key, apart(task.run()).await));
            }
            came
        });
        let mut came: Vec<_> = join_all(rows).await.into_iter().flatten().collect();
        drop(place);
        came.sort_unstable_by_key(|(number, ..)| *number);
        let mut numbers = Vec::new();
        let mut parts = Vec::new();
        for (number, key, Came { due, end }) in came {
            numbers.push((number, end));
            parts.push(commit::Part { key, due });
        }
        if parts.iter().all(|part| part.due.is_empty()) {
            for (number, end) in numbers {
                let up_to_date = Attempt::Ended(ExtractorResult::UpToDate);
                turn.end(number, end.unwrap_or(up_to_date));
            }
            return turn;
        }
        let project = turn.project.id.clone();
        let committed = ProjectCommit { project, parts };
        let Context { commits, .. } = self.context.as_ref();
        let results = commits.commit(&self.context, committed, coming).await;
        for ((number, end), result) in numbers.into_iter().zip(results) {
            // A window of several may have failed when those before it were read.
            turn.end(number, end.unwrap_or(Attempt::Ended(result)));
        }
        turn
    }

    /// Whether a service is back for which projects were passed over.
    async fn is_worth_another_round(&self, turns: &[Turn]) -> bool {
        let mut back = false;
        for extractor in &self.cloud.extractors {
            if turns.iter().any(|turn| turn.lacks(*extractor)) {
                let asked = self.outages.is_back(*extractor, &self.sources);
                back |= self.unless_cancelled(asked).await.unwrap_or(false);
            }
        }
        back
    }

    /// Tells failures of projects from those of a service that is away.
    async fn settle(&self, turns: &mut [Turn]) {
        for part in turns.iter_mut().flat_map(|turn| turn.parts.iter_mut()) {
            if let Attempt::Suspected {
                reason,
                trouble,
                alike,
            } = &mut part.attempt
            {
                let asked = self.outages.is_outage(trouble, &self.sources);
                let outage = self.unless_cancelled(asked).await.unwrap_or(true);
                part.attempt = Attempt::Ended(ExtractorResult::Failed {
                    reason: std::mem::take(reason),
                    blame: if outage { Blame::Outage } else { Blame::Answer },
                    alike: alike.take(),
                });
            }
        }
    }

    /// What comes of the work; none where the run is asked to end before.
    pub async fn unless_cancelled<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut cancel = self.context.cancel.clone();
        tokio::select! {
            done = work => Some(done),
            _ = cancel.wait_for(|cancelled| *cancelled) => None,
        }
    }
}

/// Extractors that go one after the other, beside those of the other rows: what one of servers
/// notes of them the next one reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Row {
    Servers,
    Volumes,
    Addresses,
}

impl Row {
    fn of(extractor: Extractor) -> Self {
        match extractor {
            Extractor::Nova | Extractor::Ceilometer | Extractor::Prometheus => Row::Servers,
            Extractor::Cinder => Row::Volumes,
            Extractor::Neutron => Row::Addresses,
        }
    }
}

/// Runs an extractor as a task of its own: what panics there costs this
/// extractor of this project, and is reported as theirs.
async fn apart(work: impl Future<Output = Came> + Send + 'static) -> Came {
    match tokio::spawn(work).await {
        Ok(came) => came,
        Err(error) => Came::to(Attempt::Ended(ExtractorResult::failed(format!(
            "a fault of cASO itself, please report it: {error}"
        )))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_this_extractors_failure_and_has_its_message() {
        let work = async {
            let nothing: Option<Came> = None;
            match nothing {
                Some(came) => came,
                None => panic!("a page without rows"),
            }
        };
        let end = apart(work).await.end;
        let Some(Attempt::Ended(ExtractorResult::Failed { reason, blame, .. })) = end else {
            panic!("a panic is a failure");
        };
        assert_eq!(blame, Blame::Project);
        assert!(reason.text.contains("a page without rows"), "{reason:?}");
        let up_to_date = Came::to(Attempt::Ended(ExtractorResult::UpToDate));
        let fine = apart(std::future::ready(up_to_date)).await.end;
        assert!(matches!(
            fine,
            Some(Attempt::Ended(ExtractorResult::UpToDate))
        ));
    }
}
