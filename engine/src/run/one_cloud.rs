//! One cloud: session, projects, extraction.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use tokio::sync::watch;

use super::cloud::project_options;
use super::components::Mapper;
use super::extraction::Extraction;
use super::said::Said;
use super::source::Source;
use super::summary::Summary;
use super::window::Bounds;
use crate::config::{CloudConfig, Config};
use crate::deliver::Journal;
use crate::extract::projects::find;
use crate::extract::{ExtractContext, RunCaches};
use crate::openstack::{Clock, Session};
use crate::state::Cursors;

/// The extraction of one cloud.
pub struct CloudRun<'a> {
    pub config: Arc<Config>,
    pub cloud: &'a CloudConfig,
    pub source: &'a Source,
    pub clock: Arc<dyn Clock>,
    pub now: i64,
    pub cursors: Arc<Cursors>,
    pub journal: Arc<Journal>,
    pub mapper: Arc<Mapper>,
    pub messengers: Vec<String>,
    pub cancel: watch::Receiver<bool>,
}

impl CloudRun<'_> {
    pub async fn extract(self, summary: &mut Summary, said: &mut Said) -> anyhow::Result<()> {
        let site = self.config.site()?.to_owned();
        let session = self
            .source
            .session(&self.config, self.cloud, self.clock.clone())?;
        let caches = Arc::new(RunCaches::default());
        let options = project_options(self.cloud);
        let mut cancel = self.cancel.clone();
        let found = tokio::select! {
            found = find(&session, &options, &caches.warnings) => found,
            _ = cancel.wait_for(|cancelled| *cancelled) => {
                summary.failures += 1;
                return Ok(());
            }
        };
        let found = found.inspect_err(|_| summary.requests += session.requests())?;
        let mut projects = Vec::new();
        for project in found {
            match project {
                Ok(project) => projects.push(project),
                Err(failure) => summary.project_failure(&failure),
            }
        }
        if projects.is_empty() && summary.failures == 0 {
            summary.no_project(&options.tag);
        }
        let present = self.now + behind(&session, said);
        let to = self.config.extract_to.unwrap_or(self.now);
        if to > self.now {
            tracing::warn!("`extract_to` lies in the future: extracting up to now");
        }
        let extraction = Arc::new(Extraction {
            bounds: Bounds {
                from: self.config.extract_from,
                first_from: self.config.first_extract_from,
                to: to.min(present),
                now: self.now,
            },
            extractors: self.cloud.extractors.clone(),
            context: ExtractContext {
                session: session.clone(),
                caches: caches.clone(),
                page_size: self.config.page_size,
                now: self.now,
            },
            cloud: self.cloud.clone(),
            site,
            cursors: self.cursors,
            journal: self.journal,
            mapper: self.mapper,
            messengers: self.messengers,
            cancel: self.cancel,
            outages: AtomicUsize::new(0),
            config: self.config,
        });
        let reports = extraction.run(projects).await;
        summary.extraction(&reports, said);
        for warning in caches.closing_warnings() {
            // Its key is the state; the text has request ids and times in it.
            said.warn_of(&warning.key, &warning.to_string());
        }
        summary.requests += session.requests();
        Ok(())
    }
}

/// Clocks differ by a little anywhere, and a `Date` is cut to its second.
const APART: i64 = 5;
/// More is no clock but a header that somebody made up.
const DAY: i64 = 86_400;

/// How far OpenStack's clock is behind ours, as a negative number. A window that
/// ended in their future would leave a gap: what changes there until then carries
/// times that the next window takes for read.
fn behind(session: &Session, said: &mut Said) -> i64 {
    match session.server_date_skew() {
        Some(skew) if (-DAY..-APART).contains(&skew) => {
            said.warn_of(
                "clock-behind",
                &format!(
                    "OpenStack's clock is {} s behind this machine's: extracting up to its now; \
                     set the clocks right",
                    -skew
                ),
            );
            skew
        }
        _ => 0,
    }
}
