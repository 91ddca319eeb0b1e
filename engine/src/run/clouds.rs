//! All clouds of a run, side by side, and the regions of each.
//!
//! A cloud that is away costs itself: each has its own session, its own
//! projects, its own waiting, and what came of it is told in the order of the
//! configuration when all have come to their end. Their number at a time is
//! bounded, for the machine's sake.

use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use tokio::sync::watch;

use super::components::Mapper;
use super::one_cloud::{CloudReport, CloudRun};
use super::said::Said;
use super::source::Source;
use super::summary::Summary;
use caso_base::Clock;
use caso_config::Config;
use caso_journal::Journal;
use caso_state::{CursorKey, Cursors};

/// Clouds, and regions of a cloud, that are read at a time.
pub const SIDE_BY_SIDE: usize = 4;

/// What all clouds of a run share.
pub struct Extractions<'a> {
    pub config: Arc<Config>,
    pub source: &'a Source,
    pub clock: Arc<dyn Clock>,
    pub now: i64,
    pub cursors: Arc<Cursors>,
    pub journal: Arc<Journal>,
    pub mapper: Arc<Mapper>,
    /// Names of all messengers of the configuration: whose the records are.
    pub messengers: Vec<String>,
    pub cancel: watch::Receiver<bool>,
    /// Clouds and regions at a time: 1 where the order of requests matters.
    pub side_by_side: usize,
}

impl Extractions<'_> {
    /// Extracts them all, and tells the summary.
    pub async fn run(&self, summary: &mut Summary, said: &mut Said) {
        // Whether the clouds before have taken up their projects.
        let (taken, turns): (Vec<_>, Vec<_>) = self
            .config
            .clouds
            .iter()
            .map(|_| watch::channel(false))
            .unzip();
        let runs = self.config.clouds.iter().zip(taken).enumerate();
        let reports: Vec<CloudReport<'_>> = stream::iter(runs)
            .map(|(index, (cloud, taken))| {
                let run = CloudRun {
                    shared: self,
                    index,
                    cloud,
                    before: turns.iter().take(index).cloned().collect(),
                    taken,
                };
                run.extract()
            })
            .buffered(self.side_by_side)
            .collect()
            .await;
        for report in &reports {
            summary.cloud(report, self.config.clouds.len(), said);
        }
    }
}

/// Every cursor that the configuration has.
pub fn cursor_keys(config: &Config) -> Vec<CursorKey> {
    let mut keys = Vec::new();
    for cloud in &config.clouds {
        for region in cloud.regions() {
            for extractor in &cloud.extractors {
                keys.push(CursorKey {
                    cloud: cloud.name.clone(),
                    region: region.clone(),
                    extractor: extractor.as_str().to_owned(),
                });
            }
        }
    }
    keys
}
