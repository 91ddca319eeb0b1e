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
use crate::openstack::Clock;
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
                summary.cancelled = true;
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
            summary.problem(format!(
                "no project to account: `projects` names none, and this account sees none with \
                 the tag `{}`; tag the projects in Keystone, or name them in `projects`",
                options.tag
            ));
        }
        let to = self.config.extract_to.unwrap_or(self.now);
        if to > self.now {
            tracing::warn!("`extract_to` lies in the future: extracting up to now");
        }
        let extraction = Arc::new(Extraction {
            bounds: Bounds {
                from: self.config.extract_from,
                first_from: self.config.first_extract_from,
                to: to.min(self.now),
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
