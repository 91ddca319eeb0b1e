//! One cloud: session, projects, their starts, then its regions side by side.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::{StreamExt as _, stream};

use super::Context;
use super::absent::Absent;
use super::begins::Begins;
use super::clock;
use super::cursor_keys;
use super::held;
use super::inheritance::{self, Turn};
use super::outages::Outages;
use super::region::{Place, Region, Started};
use super::renamed::Renamed;
use super::report::{CloudReport, RegionReport};
use super::session_of::project_options;
use super::shared_service::Elsewhere;
use super::sources::Sources;
use super::window::Bounds;
use crate::run::kind::Kind;
use crate::run::remedy;
use caso_config::CloudConfig;
use caso_extract::projects::{NO_LIST, find};
use caso_extract::{PowerSource, ProjectRef, RunCaches};
use caso_history::volumes::Known;
use caso_journal::SegmentKey;
use caso_model::extraction::Extractor;
use caso_model::notice::Notices;
use caso_openstack::{Service, Session};
use caso_state::{CaughtUp, CursorError, CursorKey, Start};

/// For how long, in seconds, a project waits for a Keystone that fails to give the names of users.
const PATIENCE: i64 = 86_400;

/// The extraction of one cloud.
pub struct CloudRun {
    pub context: Arc<Context>,
    /// Its place in the configuration.
    pub index: usize,
    pub cloud: Arc<CloudConfig>,
    pub turn: Turn,
}

/// A project, and where its extractors start in each region.
struct Taken {
    project: ProjectRef,
    /// By region.
    starts: Vec<Vec<Start>>,
}

impl Taken {
    /// Where it starts in the regions other than one, by extractor.
    fn elsewhere(&self, cloud: &CloudConfig, region: usize) -> Vec<Vec<Elsewhere>> {
        let names = cloud.region_names.iter().zip(&self.starts).enumerate();
        let others = names.filter(|(order, _)| *order != region);
        let others: Vec<_> = others.map(|(_, other)| other).collect();
        let of = |extractor: usize| {
            let others = others.iter().filter_map(|(name, starts)| {
                Some(Elsewhere {
                    region: (*name).clone(),
                    start: starts.get(extractor)?.clone(),
                })
            });
            others.collect()
        };
        (0..cloud.extractors.len()).map(of).collect()
    }
}

impl CloudRun {
    /// Reads it. An error is in the report: it costs this cloud alone.
    pub async fn extract(self) -> CloudReport {
        let mut report = CloudReport {
            cloud: self.cloud.name.clone(),
            tag: self.cloud.caso_tag.clone().unwrap_or_default(),
            regions: self.cloud.region_names.len(),
            requests: 0,
            behind: None,
            ahead: None,
            result: Ok(Vec::new()),
            failures: Vec::new(),
            without_cursor: Vec::new(),
            lost: Vec::new(),
            listed: false,
            no_project: false,
            cancelled: false,
        };
        let cloud = self.cloud.clone();
        let filled = self.fill(&mut report).await;
        report.result = filled.map_err(|error| remedy::of_cloud(&error, &cloud));
        report
    }

    async fn fill(self, report: &mut CloudReport) -> anyhow::Result<Vec<RegionReport>> {
        let Context {
            kind,
            config,
            clock,
            ..
        } = self.context.as_ref();
        self.cloud.site()?;
        let session = kind.session(config, &self.cloud, clock.clone())?;
        let power = kind.prometheus(config, &self.cloud, &session, clock.clone())?;
        let caches = kind.caches();
        let options = project_options(&self.cloud);
        let mut cancel = self.context.cancel.clone();
        let found = tokio::select! {
            found = find(&session, &options, &caches.warnings) => found,
            _ = cancel.wait_for(|cancelled| *cancelled) => {
                report.cancelled = true;
                return Ok(Vec::new());
            }
        };
        report.requests = session.requests();
        clock::compare(&session, self.context.now)?;
        let found = found?;
        report.listed = self.context.again.is_none() && self.is_listed(&caches.warnings);
        let mut projects = Vec::new();
        let mut failures = Vec::new();
        for project in found {
            match project {
                Ok(project) => projects.push(project),
                Err(failure) => failures.push(failure),
            }
        }
        let asks_for_all = self.asks_for_all(&caches.warnings);
        let spool = &self.context.ledger;
        let absent = Absent::beside(projects.iter(), spool, &self.cloud, self.context.now);
        for failure in failures {
            let failure = absent.explain(&session, failure).await;
            let hint = remedy::of_failure(&failure, &self.cloud);
            report.failures.push((failure, hint));
        }
        if asks_for_all {
            let failures: Vec<_> = report.failures.iter().map(|(failure, _)| failure).collect();
            report.lost = absent.lost(&session, &failures).await;
        }
        report.no_project = projects.is_empty() && report.failures.is_empty();
        let taken = self.take(projects, report, &caches.warnings).await;
        report.behind = clock::behind(&session, Service::Identity);
        report.ahead = clock::ours_behind(&session);
        // Those that could not be read now are another run's, and are accounted all the same.
        let failing = report.failures.iter();
        let failing = failing
            .filter_map(|(failure, _)| failure.id.as_deref())
            .collect();
        let power_of = power.as_ref();
        let projects = (taken.as_slice(), &failing);
        let regions = self.regions(&session, caches, power_of, report.behind, projects)?;
        let regions = regions.into_iter().enumerate().map(|(at, region)| {
            let projects = taken
                .iter()
                .filter_map(|taken| {
                    Some(Started {
                        project: taken.project.clone(),
                        starts: taken.starts.get(at)?.clone(),
                        elsewhere: taken.elsewhere(&self.cloud, at),
                    })
                })
                .collect();
            Arc::new(region).extract(projects)
        });
        let reports = stream::iter(regions.collect::<Vec<_>>())
            .buffered(kind.clouds_at_a_time())
            .collect()
            .await;
        report.requests = session.requests() + power.map_or(0, |power| power.client.requests());
        Ok(reports)
    }

    /// Whether a project that was not found is lost to the site's accounting: not where this run has others than
    /// the configuration, or where Keystone gave no list. What a recording keeps is what a replay asks for.
    fn asks_for_all(&self, warnings: &Notices) -> bool {
        let Context { kind, again, .. } = self.context.as_ref();
        let recorded = !matches!(kind.as_ref(), Kind::Real | Kind::Dry { .. });
        !recorded && again.is_none() && self.is_listed(warnings)
    }

    /// Whether all projects of the configuration were asked for, and Keystone gave a list.
    fn is_listed(&self, warnings: &Notices) -> bool {
        !self.cloud.projects_typed && !warnings.has(NO_LIST)
    }

    /// Where each project starts in each region. All are asked before any of
    /// them moves, so that its lastrun file is the least of all.
    async fn take(
        &self,
        mut projects: Vec<ProjectRef>,
        report: &mut CloudReport,
        warnings: &Notices,
    ) -> Vec<Taken> {
        let cursors = &self.context.cursors;
        inheritance::by_former_names(
            &self.context.config,
            &self.cloud,
            cursors,
            &mut projects,
            warnings,
        );
        if projects
            .iter()
            .any(|project| cursors.is_foreign(&project.id, project.configured.as_deref()))
        {
            self.turn.wait().await;
        }
        let keys = cursor_keys::of_cloud(&self.cloud);
        let mut out = Vec::new();
        let sealed = self.context.journal.sealed();
        let mut renamed = Renamed::of(&self.cloud, &self.context.config.clouds);
        for project in projects {
            let may_overlap = self.context.config.overlapping_intervals;
            if !may_overlap && renamed.refuses(cursors, &project) {
                continue;
            }
            match self.starts(&project, &keys, &sealed, warnings) {
                Ok(starts) => out.push(Taken {
                    project,
                    starts: starts
                        .chunks(self.cloud.extractors.len().max(1))
                        .map(<[Start]>::to_vec)
                        .collect(),
                }),
                Err(error) => report.without_cursor.push(remedy::message(&error)),
            }
        }
        self.turn.taken();
        report.without_cursor.extend(renamed.messages());
        out
    }

    /// A window that a killed run sealed, and whose cursor it did not move any more, is
    /// behind its extractor.
    fn starts(
        &self,
        project: &ProjectRef,
        keys: &[CursorKey],
        sealed: &[SegmentKey],
        warnings: &Notices,
    ) -> Result<Vec<Start>, CursorError> {
        let cursors = &self.context.cursors;
        let name = project.configured.as_deref();
        let mut starts = cursors.starts(&project.id, name, keys)?;
        // Before anything moves: with the first cursor all of the project are written down.
        let begins = Begins {
            context: &self.context,
            first: self.cloud.first_extract_from.unwrap_or(0),
            warnings,
        };
        for (key, start) in keys.iter().zip(&mut starts) {
            begins.put(project, key, start)?;
        }
        let is_first = |it: &&SegmentKey| it.project == project.id && !it.again;
        for segment in sealed.iter().filter(is_first) {
            let of_segment = cursor_keys::of_segment(segment);
            let mut places = keys.iter().zip(&mut starts);
            let Some((key, start)) = places.find(|(key, _)| **key == of_segment) else {
                continue;
            };
            let beginning = self.cloud.first_extract_from.unwrap_or(0);
            let caught_up = cursors.catch_up(&project.id, key, segment.window, beginning)?;
            if caught_up == CaughtUp::Moved {
                let moved = cursors.starts(&project.id, name, std::slice::from_ref(key))?;
                if let Some(moved) = moved.into_iter().next() {
                    *start = moved;
                }
            }
        }
        Ok(starts)
    }

    /// Projects that have failed for so long that they do not wait for the names of users.
    fn impatient(&self, region: Option<&str>, taken: &[Taken]) -> HashSet<String> {
        let Context { failures, now, .. } = self.context.as_ref();
        let keys: Vec<CursorKey> = self
            .cloud
            .extractors
            .iter()
            .map(|extractor| cursor_keys::cursor_key(&self.cloud, region, *extractor))
            .collect();
        let waited = |project: &&String| {
            let failing = keys
                .iter()
                .filter_map(|key| failures.of_cursor(project, key));
            failing
                .map(|failing| failing.since)
                .min()
                .is_some_and(|since| now - since > PATIENCE)
        };
        let projects = taken.iter().map(|taken| &taken.project.id);
        projects.filter(waited).cloned().collect()
    }

    /// Which projects had which volumes, before anything moves.
    fn volumes(
        &self,
        region: Option<&str>,
        at: usize,
        taken: &[Taken],
        failing: &HashSet<&str>,
    ) -> Known {
        let mut extractors = self.cloud.extractors.iter();
        let Some(cinder) = extractors.position(|it| *it == Extractor::Cinder) else {
            return Known::default();
        };
        let key = cursor_keys::cursor_key(&self.cloud, region, Extractor::Cinder);
        let starts = taken.iter().filter_map(|taken| {
            let start = taken.starts.get(at)?.get(cinder)?;
            Some((taken.project.id.as_str(), start))
        });
        held::known(&self.context, &key, &starts.collect(), failing)
    }

    fn regions(
        &self,
        session: &Session,
        caches: RunCaches,
        power: Option<&PowerSource>,
        behind: Option<i64>,
        (taken, failing): (&[Taken], &HashSet<&str>),
    ) -> anyhow::Result<Vec<Region>> {
        let Context {
            kind, config, now, ..
        } = self.context.as_ref();
        let present = now - behind.unwrap_or(0);
        // Records are delivered in the order of the configuration: of all
        // regions of all clouds.
        let before = config.clouds.iter().take(self.index);
        let first: usize = before.map(|cloud| cloud.regions().len()).sum();
        let site = self.cloud.site()?;
        let sources = Sources {
            kind,
            config,
            cloud: &self.cloud,
            session,
            power,
            now: *now,
        };
        let sources = sources.of_regions(caches, |region| self.impatient(region, taken));
        let regions = sources.into_iter().enumerate();
        let regions = regions.map(|(at, (region, sources))| Region {
            bounds: Bounds {
                from: config.extract_from,
                first_from: self.cloud.first_extract_from,
                to: config.extract_to.unwrap_or(*now).min(present),
                now: *now,
            },
            sources,
            volumes: Arc::new(self.volumes(region.as_deref(), at, taken, failing)),
            place: Place {
                order: first + at,
                region,
            },
            context: self.context.clone(),
            cloud: self.cloud.clone(),
            site: site.to_owned(),
            outages: Outages::of(&self.cloud.extractors),
        });
        Ok(regions.collect())
    }
}
