//! Where usage is read, region by region: the same for a run and for a look at what a run would do.

use std::collections::HashSet;
use std::sync::Arc;

use crate::run::kind::Kind;
use caso_config::{CloudConfig, Config};
use caso_extract::{ExtractContext, PowerSource, RunCaches};
use caso_openstack::Session;

/// What all regions of a cloud have in common.
pub struct Sources<'a> {
    pub kind: &'a Kind,
    pub config: &'a Config,
    pub cloud: &'a CloudConfig,
    pub session: &'a Session,
    pub power: Option<&'a PowerSource>,
    pub now: i64,
}

impl Sources<'_> {
    /// Each region with its source, in their order. `without_names`: projects of a region that
    /// do not wait for the names of users.
    pub fn of_regions(
        &self,
        caches: RunCaches,
        without_names: impl Fn(Option<&str>) -> HashSet<String>,
    ) -> Vec<(Option<String>, ExtractContext)> {
        let Self {
            kind,
            config,
            cloud,
            session,
            power,
            now,
        } = *self;
        let mut next = Some(caches);
        let mut out = Vec::new();
        for region in cloud.regions() {
            let Some(caches) = next.take() else { break };
            next = Some(caches.of_next_region());
            let source = ExtractContext {
                session: session.in_region(region.as_deref()),
                caches: Arc::new(caches),
                page_size: config.page_size,
                reads_ahead: kind.reads_side_by_side(config),
                now,
                counters: config.counters,
                ip_records_for_past_windows: config.ip_records_for_past_windows,
                without_names: Arc::new(without_names(region.as_deref())),
                power: power.cloned(),
            };
            out.push((region, source));
        }
        out
    }
}
