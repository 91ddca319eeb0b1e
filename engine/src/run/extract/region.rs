//! All projects of a cloud in one region, side by side, each extractor into a
//! segment of its own.
//!
//! A project that fails costs itself, and of its extractors the one that failed.
//! Where a service is away as a whole the projects that were not begun yet are
//! not tried one after the other: the operator gets one line, not one a project.

use std::sync::Arc;

use futures_util::{StreamExt as _, stream};

use super::Context;
use super::extractor::Task;
use super::outages::Outages;
use super::report::{ExtractorReport, ExtractorResult, ProjectReport, RegionReport};
use super::window::Bounds;
use caso_config::CloudConfig;
use caso_extract::{ExtractContext, ProjectRef};
use caso_model::extraction::Extractor;
use caso_state::{Start, StartSource};

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
}

/// The region, among all regions of all clouds.
pub struct Place {
    pub region: Option<String>,
    /// How many are before it in the configuration.
    pub order: usize,
}

/// A project, and where each of its extractors starts in this region.
pub struct Started {
    pub project: ProjectRef,
    pub starts: Vec<Start>,
}

impl Region {
    /// Extracts the projects, several at a time; reports in their order.
    pub async fn extract(self: Arc<Self>, projects: Vec<Started>) -> RegionReport {
        let Context { kind, config, .. } = self.context.as_ref();
        let projects = stream::iter(projects.into_iter().enumerate())
            .map(|(order, started)| self.clone().project(order, started))
            .buffered(kind.projects_at_a_time(config))
            .collect()
            .await;
        self.warn_of_other_regions();
        RegionReport {
            region: self.place.region.clone(),
            projects,
            warnings: self.sources.caches.closing_warnings(),
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
            format!(
                "the catalog{cloud} has several regions, and `region_name` names none: {}; `region_name = {}` accounts them all, `region_name = {first}` says that the first is meant",
                parts.join("; "),
                all.join(", "),
            )
        });
    }

    async fn project(self: Arc<Self>, order: usize, started: Started) -> ProjectReport {
        let project = Arc::new(started.project);
        let extractors = self.cloud.extractors.iter().copied().zip(started.starts);
        let extractors: Vec<(Extractor, Start)> = extractors.collect();
        let mut reports = Vec::new();
        for (place, (extractor, start)) in extractors.into_iter().enumerate() {
            let first =
                self.bounds.from.explicit().is_none() && start.source == StartSource::Nothing;
            let task = Task {
                region: self.clone(),
                project: project.clone(),
                extractor,
                start,
                order: (order, place),
            };
            reports.push(ExtractorReport {
                extractor,
                first,
                result: apart(task.run()).await,
            });
        }
        ProjectReport {
            project: project.as_ref().clone(),
            extractors: reports,
        }
    }
}

/// Runs an extractor as a task of its own: what panics there costs this
/// extractor of this project, and is reported as theirs.
async fn apart(work: impl Future<Output = ExtractorResult> + Send + 'static) -> ExtractorResult {
    match tokio::spawn(work).await {
        Ok(result) => result,
        Err(error) => {
            ExtractorResult::failed(format!("a fault of cASO itself, please report it: {error}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_this_extractors_failure_and_has_its_message() {
        let work = async {
            let nothing: Option<ExtractorResult> = None;
            match nothing {
                Some(result) => result,
                None => panic!("a page without rows"),
            }
        };
        let ExtractorResult::Failed { reason, outage } = apart(work).await else {
            panic!("a panic is a failure");
        };
        assert!(!outage);
        assert!(reason.contains("a page without rows"), "{reason}");
        let fine = apart(std::future::ready(ExtractorResult::UpToDate)).await;
        assert!(matches!(fine, ExtractorResult::UpToDate));
    }
}
