//! All projects of a cloud in one region, side by side, each extractor into a segment of its own.
//!
//! The cursor of an extractor moves only after its segment is sealed on disk.
//! A project that fails costs itself. Where a service is away as a whole the
//! projects that were not begun yet are not tried one after the other: the
//! operator gets one line, not one a project.

use caso_base::time::format_utc;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::sync::watch;

use super::components::Mapper;
use super::mapping::{Mapping, Told};
use super::window::{Bounds, Plan};
use caso_base::error_chain;
use caso_config::{CloudConfig, Config};
use caso_extract::{ExtractContext, ExtractError, ProjectRef, Task};
use caso_journal::{Journal, Order, SegmentKey};
use caso_model::Window;
use caso_model::extraction::Extractor;
use caso_model::guest::BoxFuture;
use caso_model::usage::Context;
use caso_state::{Advance, CursorKey, Cursors, Start, StartSource, Unmoved};

/// What all projects of a cloud in a region share.
pub struct Extraction {
    pub config: Arc<Config>,
    pub cloud: CloudConfig,
    pub place: Place,
    pub site: String,
    pub bounds: Bounds,
    pub extractors: Vec<Extractor>,
    pub context: ExtractContext,
    pub cursors: Arc<Cursors>,
    pub journal: Arc<Journal>,
    pub mapper: Arc<Mapper>,
    /// Names of all messengers of the configuration: whose the records are.
    pub messengers: Vec<String>,
    pub cancel: watch::Receiver<bool>,
    pub outages: Outages,
}

/// Projects in a row for which an extractor found its service away. Counted for
/// each: without Cinder there is still Nova.
#[derive(Debug)]
pub struct Outages(BTreeMap<Extractor, AtomicUsize>);

impl Outages {
    pub fn of(extractors: &[Extractor]) -> Self {
        Outages(
            extractors
                .iter()
                .map(|extractor| (*extractor, AtomicUsize::new(0)))
                .collect(),
        )
    }

    fn met(&self, extractor: Extractor, outage: bool) {
        if let Some(count) = self.0.get(&extractor) {
            if outage {
                count.fetch_add(1, Ordering::Relaxed);
            } else {
                count.store(0, Ordering::Relaxed);
            }
        }
    }

    fn is_away(&self, extractor: Extractor) -> bool {
        let count = self.0.get(&extractor);
        count.is_some_and(|count| count.load(Ordering::Relaxed) >= OUTAGES)
    }
}

/// The region, among all regions of all clouds.
pub struct Place {
    pub region: Option<String>,
    /// How many are before it in the configuration.
    pub order: usize,
}

/// What became of one extractor of one project.
#[derive(Debug)]
pub struct ExtractorReport {
    pub extractor: Extractor,
    /// It had no cursor and starts from the beginning.
    pub first: bool,
    pub result: ExtractorResult,
}

#[derive(Debug)]
pub enum ExtractorResult {
    Done {
        window: Window,
        told: Told,
        /// The cursor, where the window did not move it.
        stays: Option<i64>,
    },
    UpToDate,
    /// The cloud does without the service, and always did as far as we know.
    /// The cursor stays.
    Lacking {
        /// Cloud, region and extractor.
        what: String,
        reason: String,
    },
    /// Nothing was extracted; the cursor stays.
    Failed {
        reason: String,
        outage: bool,
    },
    /// The run was asked to end.
    Cancelled,
}

/// What became of one project.
#[derive(Debug)]
pub struct ProjectReport {
    pub project: ProjectRef,
    pub extractors: Vec<ExtractorReport>,
}

/// After so many projects in a row for which a service was away, the rest of
/// the run does not try it again.
const OUTAGES: usize = 3;

/// So many numbers has a place for its projects in the order of delivery.
const MOST_PROJECTS: usize = 100_000;

impl Extraction {
    /// Extracts the projects, `concurrency` at a time; reports in their order.
    pub async fn run(
        self: Arc<Self>,
        projects: Vec<(ProjectRef, Vec<Start>)>,
    ) -> Vec<ProjectReport> {
        let concurrency = self.config.concurrency.max(1);
        stream::iter(projects.into_iter().enumerate())
            .map(|(index, (project, starts))| {
                let spare = project.clone();
                // A task of its own: what panics there costs one project.
                let task: BoxFuture<'static, ProjectReport> =
                    Box::pin(self.clone().project(index, project, starts));
                async move {
                    tokio::spawn(task)
                        .await
                        .unwrap_or_else(|error| ProjectReport {
                            project: spare,
                            extractors: vec![ExtractorReport {
                                extractor: Extractor::Nova,
                                first: false,
                                result: ExtractorResult::Failed {
                                    reason: format!("internal error: {error}"),
                                    outage: false,
                                },
                            }],
                        })
                }
            })
            .buffered(concurrency)
            .collect()
            .await
    }

    async fn project(
        self: Arc<Self>,
        index: usize,
        project: ProjectRef,
        starts: Vec<Start>,
    ) -> ProjectReport {
        let plans: Vec<(Extractor, Start)> = self.extractors.iter().copied().zip(starts).collect();
        let mut extractors = Vec::new();
        for (order, (extractor, start)) in plans.into_iter().enumerate() {
            let key = self.key(extractor);
            let result = self
                .extractor(extractor, &project, &start, &key, (index, order))
                .await;
            extractors.push(ExtractorReport {
                extractor,
                first: self.bounds.from.explicit().is_none()
                    && start.source == StartSource::Nothing,
                result,
            });
        }
        ProjectReport {
            project,
            extractors,
        }
    }

    fn key(&self, extractor: Extractor) -> CursorKey {
        CursorKey {
            cloud: self.cloud.name.clone(),
            region: self.place.region.clone(),
            extractor: extractor.as_str().to_owned(),
        }
    }

    async fn extractor(
        &self,
        extractor: Extractor,
        project: &ProjectRef,
        start: &Start,
        key: &CursorKey,
        order: (usize, usize),
    ) -> ExtractorResult {
        let failed = |reason: String| ExtractorResult::Failed {
            reason,
            outage: false,
        };
        let (window, continues) = match self.bounds.plan(start.at, caso_extract::overlap(extractor))
        {
            Plan::Extract { window, continues } => (window, continues),
            Plan::UpToDate => return ExtractorResult::UpToDate,
            Plan::Future { cursor } => {
                return failed(format!(
                    "its last run ended at {}, which is in the future: set the clock right, or \
                     write the right date into `lastrun.{}` in the spool",
                    format_utc(cursor),
                    project.id
                ));
            }
            Plan::Empty { from } => {
                return failed(format!(
                    "nothing lies between {} and {}: the start must be before the end",
                    format_utc(from),
                    format_utc(self.bounds.to)
                ));
            }
        };
        if self.outages.is_away(extractor) {
            return ExtractorResult::Failed {
                reason: "not tried, as other projects found the service away".into(),
                outage: true,
            };
        }
        let mut cancel = self.cancel.clone();
        let extracted = tokio::select! {
            extracted = self.segment(extractor, project, window, order) => extracted,
            _ = cancel.wait_for(|cancelled| *cancelled) => return ExtractorResult::Cancelled,
        };
        match extracted {
            Ok(told) => {
                self.outages.met(extractor, false);
                let covered = Window {
                    start: continues,
                    end: window.end,
                };
                match self.cursors.advance(&project.id, key, covered) {
                    Ok(advance) => ExtractorResult::Done {
                        window,
                        told,
                        stays: match advance {
                            Advance::Unmoved(
                                Unmoved::Behind { cursor } | Unmoved::Gap { cursor },
                            ) => Some(cursor),
                            Advance::Moved { .. } | Advance::Unmoved(Unmoved::Frozen) => None,
                        },
                    },
                    Err(error) => failed(error_chain(&error)),
                }
            }
            Err(error) if error.is_service_lacking() => {
                self.lacking(project, start, key, error_chain(&error))
            }
            Err(error) => {
                let outage = error.is_outage();
                if outage {
                    self.outages.met(extractor, true);
                }
                ExtractorResult::Failed {
                    reason: error_chain(&error),
                    // Not asked for at all, and by no project.
                    outage: outage || error.is_unknown_region(),
                }
            }
        }
    }

    /// A cloud without Cinder or Neutron has nothing to account there, and the
    /// default of `extractor` asks for both: no failure. One that had it and
    /// has it no more may be about to lose usage: that is one, until somebody
    /// says that it is meant.
    fn lacking(
        &self,
        project: &ProjectRef,
        start: &Start,
        key: &CursorKey,
        reason: String,
    ) -> ExtractorResult {
        let failed = |reason: String| ExtractorResult::Failed {
            reason,
            outage: false,
        };
        if let (true, Some(until)) = (start.extracted, start.at) {
            return failed(format!(
                "it was extracted up to {}, and now {reason}; if it was taken away for good, \
                 remove `{}` from `extractor`",
                format_utc(until),
                key.extractor
            ));
        }
        match self.cursors.leave_out(&project.id, key) {
            Ok(()) => ExtractorResult::Lacking {
                what: format!(
                    "{}/{}/{}",
                    key.cloud,
                    key.region.as_deref().unwrap_or_default(),
                    key.extractor
                ),
                reason,
            },
            Err(error) => failed(error_chain(&error)),
        }
    }

    /// One window into one sealed segment.
    fn segment<'a>(
        &'a self,
        extractor: Extractor,
        project: &'a ProjectRef,
        window: Window,
        order: (usize, usize),
    ) -> BoxFuture<'a, Result<Told, ExtractError>> {
        Box::pin(self.one_segment(extractor, project, window, order))
    }

    async fn one_segment(
        &self,
        extractor: Extractor,
        project: &ProjectRef,
        window: Window,
        (project_order, extractor_order): (usize, usize),
    ) -> Result<Told, ExtractError> {
        let mapper = self
            .mapper
            .start(self.bounds.now)
            .await
            .map_err(ExtractError::sink)?;
        let key = SegmentKey {
            cloud: self.cloud.name.clone(),
            region: self.place.region.clone(),
            project: project.id.clone(),
            extractor: extractor.as_str().to_owned(),
            window,
        };
        let order = Order {
            project: u32::try_from(self.place.order * MOST_PROJECTS + project_order)
                .unwrap_or(u32::MAX),
            extractor: u32::try_from(extractor_order).unwrap_or(u32::MAX),
        };
        let segment = self
            .journal
            .begin(key, order, &self.messengers, &self.mapper.identity())
            .map_err(ExtractError::sink)?;
        let mut mapping = Mapping {
            mapper,
            context: self.usage_context(project, window),
            segment,
            told: Told::default(),
        };
        caso_extract::extract(
            extractor,
            Task {
                context: &self.context,
                project,
                window,
            },
            &mut mapping,
        )
        .await?;
        mapping.segment.seal().map_err(ExtractError::sink)?;
        Ok(mapping.told)
    }

    fn usage_context(&self, project: &ProjectRef, window: Window) -> Context {
        Context {
            site_name: self.site.clone(),
            service_name: self
                .cloud
                .service_name
                .clone()
                .unwrap_or_else(|| self.site.clone()),
            cloud_type: self.cloud.cloud_type.clone(),
            cloud: self.cloud.name.clone(),
            region: self.place.region.clone(),
            project_id: project.id.clone(),
            project_name: project.name.clone(),
            vo: project.vo.clone(),
            window,
            now: self.bounds.now,
            attributes: Vec::new(),
        }
    }
}
