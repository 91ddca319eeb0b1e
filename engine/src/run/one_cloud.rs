//! One cloud: session, projects, their starts, then its regions side by side.

use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use tokio::sync::watch;

use super::cloud::project_options;
use super::clouds::Extractions;
use super::extraction::{Extraction, Outages, Place, ProjectReport};
use super::window::Bounds;
use caso_base::error_chain;
use caso_config::CloudConfig;
use caso_extract::projects::find;
use caso_extract::{ExtractContext, PowerSource, ProjectFailure, ProjectRef, RunCaches};
use caso_model::notice::Notice;
use caso_openstack::Session;
use caso_state::{CursorKey, Start};

/// The extraction of one cloud.
pub struct CloudRun<'a> {
    pub shared: &'a Extractions<'a>,
    /// Its place in the configuration.
    pub index: usize,
    pub cloud: &'a CloudConfig,
    /// Of the clouds before it in the configuration: whether they have taken up
    /// their projects.
    pub before: Vec<watch::Receiver<bool>>,
    /// The same of this one, for those behind it.
    pub taken: watch::Sender<bool>,
}

/// What came of a cloud.
pub struct CloudReport<'a> {
    pub cloud: &'a CloudConfig,
    pub requests: u64,
    /// By how many seconds its clock is behind ours, where that is much.
    pub behind: Option<i64>,
    /// An error costs the cloud as a whole.
    pub result: anyhow::Result<Vec<RegionReport>>,
    pub failures: Vec<ProjectFailure>,
    /// Projects whose cursors cannot be read.
    pub without_cursor: Vec<String>,
    /// It has none to account.
    pub no_project: bool,
    /// The run was asked to end before its projects were known.
    pub cancelled: bool,
}

/// What came of a region of it.
pub struct RegionReport {
    pub region: Option<String>,
    pub projects: Vec<ProjectReport>,
    pub warnings: Vec<Notice>,
}

/// A project, and where its extractors start in each region.
struct Taken {
    project: ProjectRef,
    /// By region.
    starts: Vec<Vec<Start>>,
}

impl<'a> CloudRun<'a> {
    pub async fn extract(self) -> CloudReport<'a> {
        let mut report = CloudReport {
            cloud: self.cloud,
            requests: 0,
            behind: None,
            result: Ok(Vec::new()),
            failures: Vec::new(),
            without_cursor: Vec::new(),
            no_project: false,
            cancelled: false,
        };
        report.result = self.fill(&mut report).await;
        report
    }

    async fn fill(self, report: &mut CloudReport<'a>) -> anyhow::Result<Vec<RegionReport>> {
        let shared = self.shared;
        let site = self.cloud.site()?.to_owned();
        let session = shared
            .source
            .session(&shared.config, self.cloud, shared.clock.clone())?;
        let power =
            shared
                .source
                .power(&shared.config, self.cloud, &session, shared.clock.clone())?;
        let caches = RunCaches::default();
        let options = project_options(self.cloud);
        let mut cancel = shared.cancel.clone();
        let found = tokio::select! {
            found = find(&session, &options, &caches.warnings) => found,
            _ = cancel.wait_for(|cancelled| *cancelled) => {
                report.cancelled = true;
                return Ok(Vec::new());
            }
        };
        report.requests = session.requests();
        let mut projects = Vec::new();
        for project in found? {
            match project {
                Ok(project) => projects.push(project),
                Err(failure) => report.failures.push(failure),
            }
        }
        report.no_project = projects.is_empty() && report.failures.is_empty();
        let taken = self.take(projects, report).await;
        report.behind = behind(&session);
        let extractions = self.regions(&session, caches, power.as_ref(), &site, report.behind);
        let regions = extractions.into_iter().enumerate().map(|(at, extraction)| {
            let projects = taken
                .iter()
                .filter_map(|taken| Some((taken.project.clone(), taken.starts.get(at)?.clone())))
                .collect();
            region(extraction, projects)
        });
        let reports = stream::iter(regions.collect::<Vec<_>>())
            .buffered(shared.side_by_side)
            .collect()
            .await;
        report.requests = session.requests() + power.map_or(0, |power| power.client.requests());
        Ok(reports)
    }

    /// Where each project starts in each region. All are asked before any of
    /// them moves, so that its lastrun file is the least of all.
    async fn take(&self, projects: Vec<ProjectRef>, report: &mut CloudReport<'_>) -> Vec<Taken> {
        let cursors = &self.shared.cursors;
        // What cASO left of a project is one region's: of two clouds that have
        // the project the first in the configuration goes on from it.
        if projects
            .iter()
            .any(|project| cursors.is_foreign(&project.id, project.configured.as_deref()))
        {
            for before in &self.before {
                // Gone is as good as taken.
                let _ = before.clone().wait_for(|taken| *taken).await;
            }
        }
        let keys: Vec<CursorKey> = self
            .cloud
            .regions()
            .iter()
            .flat_map(|region| self.keys(region))
            .collect();
        let mut out = Vec::new();
        for project in projects {
            match cursors.starts(&project.id, project.configured.as_deref(), &keys) {
                Ok(starts) => out.push(Taken {
                    project,
                    starts: starts
                        .chunks(self.cloud.extractors.len().max(1))
                        .map(<[Start]>::to_vec)
                        .collect(),
                }),
                Err(error) => report.without_cursor.push(error_chain(&error)),
            }
        }
        self.taken.send_replace(true);
        out
    }

    fn keys(&self, region: &Option<String>) -> impl Iterator<Item = CursorKey> {
        let key = |extractor: &caso_model::extraction::Extractor| CursorKey {
            cloud: self.cloud.name.clone(),
            region: region.clone(),
            extractor: extractor.as_str().to_owned(),
        };
        self.cloud
            .extractors
            .iter()
            .map(key)
            .collect::<Vec<_>>()
            .into_iter()
    }

    fn regions(
        &self,
        session: &Session,
        caches: RunCaches,
        power: Option<&PowerSource>,
        site: &str,
        behind: Option<i64>,
    ) -> Vec<Arc<Extraction>> {
        let shared = self.shared;
        let config = &shared.config;
        let present = shared.now - behind.unwrap_or(0);
        let regions = self.cloud.regions();
        // Who is in line before decides on the place of the records.
        let places = config.clouds.iter().take(self.index);
        let first: usize = places.map(|cloud| cloud.regions().len()).sum();
        let mut next = Some(caches);
        let mut out = Vec::new();
        for (at, region) in regions.into_iter().enumerate() {
            let Some(caches) = next.take() else { break };
            next = Some(caches.of_next_region());
            out.push(Arc::new(Extraction {
                bounds: Bounds {
                    from: config.extract_from,
                    first_from: self.cloud.first_extract_from,
                    to: config.extract_to.unwrap_or(shared.now).min(present),
                    now: shared.now,
                },
                extractors: self.cloud.extractors.clone(),
                context: ExtractContext {
                    session: session.in_region(region.as_deref()),
                    caches: Arc::new(caches),
                    page_size: config.page_size,
                    now: shared.now,
                    counters: config.counters,
                    ip_records_for_past_windows: config.ip_records_for_past_windows,
                    power: power.cloned(),
                },
                place: Place {
                    order: first + at,
                    region,
                },
                cloud: self.cloud.clone(),
                site: site.to_owned(),
                cursors: shared.cursors.clone(),
                journal: shared.journal.clone(),
                mapper: shared.mapper.clone(),
                messengers: shared.messengers.clone(),
                cancel: shared.cancel.clone(),
                outages: Outages::of(&self.cloud.extractors),
                config: config.clone(),
            }));
        }
        out
    }
}

async fn region(
    extraction: Arc<Extraction>,
    projects: Vec<(ProjectRef, Vec<Start>)>,
) -> RegionReport {
    let projects = extraction.clone().run(projects).await;
    RegionReport {
        region: extraction.place.region.clone(),
        projects,
        warnings: extraction.context.caches.closing_warnings(),
    }
}

/// Clocks differ by a little anywhere, and a `Date` is cut to its second.
const APART: i64 = 5;
/// More is no clock but a header that somebody made up.
const DAY: i64 = 86_400;

/// How far OpenStack's clock is behind ours. A window that ended in their future
/// would leave a gap: what changes there until then carries times that the next
/// window takes for read.
fn behind(session: &Session) -> Option<i64> {
    let skew = session.server_date_skew()?;
    (-DAY..-APART).contains(&skew).then_some(-skew)
}
