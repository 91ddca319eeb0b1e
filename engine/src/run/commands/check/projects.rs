//! The projects of a cloud in one region: each of their extractors over the last hour, and what a run would come to.
//!
//! A run counts extractors of projects, and so does this: one that can be read is not extracted for that, where its
//! cursor stands in the way; and a service that the cloud does without is an error where it was extracted before.

use std::collections::BTreeMap;
use std::sync::Mutex;

use futures_util::{StreamExt as _, stream};

use super::cloud::noticed;
use super::cursors::Starts;
use super::finding::{Area, Finding, Findings};
use super::patience::Patience;
use super::trial::Trial;
use crate::run::components::Mapper;
use crate::run::extract::cursor_keys::cursor_key;
use crate::run::extract::report::Alike;
use crate::run::extract::{is_gone, usage_context};
use crate::run::remedy;
use crate::run::summary::words::{count, len, of};
use crate::run::summary::{Failure, by_cause};
use caso_base::{Message, error_chain};
use caso_config::CloudConfig;
use caso_extract::{ExtractContext, ProjectRef};
use caso_history::History;
use caso_model::Window;
use caso_model::extraction::Extractor;

/// So far back usage is read, in seconds: what an hourly run reads.
const BACK: i64 = 3_600;

/// What all projects of a region share.
pub struct Asked<'a> {
    pub cloud: &'a CloudConfig,
    pub region: Option<&'a str>,
    pub sources: &'a ExtractContext,
    pub mapper: Option<&'a Mapper>,
    pub starts: &'a Starts,
    pub patience: &'a Patience,
}

/// What came of a project in a region.
#[derive(Default)]
struct Came {
    /// `nova 32 servers`.
    read: Vec<String>,
    /// How many extractors a run would be done with.
    extracted: usize,
    failed: Vec<Failed>,
    lost: Vec<String>,
    lacking: Vec<&'static str>,
    flavors: BTreeMap<String, bool>,
}

/// What a run would not do, with the extractors, and what to do.
struct Failed {
    reason: Message,
    extractors: Vec<&'static str>,
    alike: Option<Alike>,
}

/// All projects in one region, in their order.
pub async fn region(
    asked: &Asked<'_>,
    projects: &[ProjectRef],
    at_a_time: usize,
    findings: &mut Findings,
) {
    let work = projects
        .iter()
        .map(|project| async move { (project, project_of(asked, project).await) });
    let all: Vec<(&ProjectRef, Came)> = stream::iter(work.collect::<Vec<_>>())
        .buffered(at_a_time.max(1))
        .collect()
        .await;
    let mut lacking: Vec<&'static str> = Vec::new();
    let mut nothing_else = false;
    let mut flavors = BTreeMap::new();
    let mut failures = Vec::new();
    for (project, came) in &all {
        let name = named(asked, project);
        findings.extracts(came.extracted);
        nothing_else |= came.lacking.len() == asked.cloud.extractors.len();
        for service in &came.lacking {
            if !lacking.contains(service) {
                lacking.push(service);
            }
        }
        flavors.extend(came.flavors.clone());
        for it in &came.failed {
            failures.push(Failure {
                project,
                name: name.clone(),
                extractors: it.extractors.clone(),
                reason: it.reason.clone(),
                alike: it.alike.as_ref(),
            });
        }
        if let Some(first) = came.lost.first() {
            let text = format!(
                "{} cannot be accounted, the first: {first}",
                count(len(&came.lost), "item", "items")
            );
            findings.add(Finding::failed(Area::Project, text).of(&name));
        }
        if came.failed.is_empty() {
            let text = format!("VO {}; {}", project.vo, came.read.join(", "));
            findings.add(Finding::ok(Area::Project, text).of(&name));
        }
    }
    // One cause is one line.
    for cause in by_cause(failures) {
        match cause.one_by_one("") {
            Ok(few) => {
                for failure in few {
                    let of = failure.extractors.join(", ");
                    let message = failure.reason.of(&format!("{of}: "));
                    findings.add(Finding::failed(Area::Project, message).of(&failure.name));
                }
            }
            Err(all) => findings.add(Finding::failed(Area::Project, all)),
        }
    }
    for extractor in lacking {
        let text = format!("the cloud has no service for the extractor `{extractor}`");
        let hint = format!("take `{extractor}` out of `extractor`");
        let finding = match nothing_else {
            true => Finding::failed(Area::Cloud, text),
            false => Finding::warning(Area::Cloud, text),
        };
        findings.add(finding.of(&asked.cloud.name).hint(hint));
    }
    benchmarks(&flavors, findings);
    let closing = asked.sources.caches.closing_warnings();
    noticed(closing, asked.cloud, findings);
}

fn named(asked: &Asked<'_>, project: &ProjectRef) -> String {
    let name = project.name.as_deref().unwrap_or(&project.id);
    match asked.region {
        Some(region) => format!("{name} in {region}"),
        None => name.to_owned(),
    }
}

async fn project_of(asked: &Asked<'_>, project: &ProjectRef) -> Came {
    let Asked { cloud, sources, .. } = asked;
    let mut came = Came::default();
    let now = sources.now;
    let window = Window {
        start: now - BACK,
        end: now,
    };
    for extractor in &cloud.extractors {
        // Its absence is named already.
        let site = cloud.site_name.as_deref().unwrap_or_default();
        let context = usage_context((cloud, site), asked.region, project, window, now);
        let mut trial = Trial::new(asked.mapper, context);
        let history = Mutex::new(History::empty());
        let task = caso_extract::Task {
            context: sources,
            project,
            window,
            history: &history,
            volumes: None,
        };
        let name = extractor.as_str();
        let key = cursor_key(cloud, asked.region, *extractor);
        let start = asked.starts.of(&project.id, &key);
        let who = format!("{name} of `{}`", named(asked, project));
        let read = caso_extract::extract(*extractor, task, &mut trial);
        match asked.patience.with(&who, read).await {
            Ok(Ok(())) => {
                came.read
                    .push(format!("{name} {}", items(*extractor, trial.items)));
                came.extracted += usize::from(start.is_some());
                came.lost.append(&mut trial.lost);
                came.flavors.append(&mut trial.flavors);
            }
            Ok(Err(error)) if error.is_service_lacking() => {
                let gone = start.and_then(|start| is_gone(start, name, &error_chain(&error)));
                match gone {
                    Some(reason) => came.fail(name, reason, None),
                    None => came.lacking.push(name),
                }
            }
            Ok(Err(error)) => {
                let reason = remedy::of_extraction(&error, cloud, project);
                came.fail(name, reason, Alike::of(&error, cloud, project));
            }
            Err(late) => came.fail(name, late, None),
        }
    }
    came
}

impl Came {
    /// The same of several extractors is one thing.
    fn fail(&mut self, extractor: &'static str, reason: Message, alike: Option<Alike>) {
        match self.failed.iter_mut().find(|known| known.reason == reason) {
            Some(known) => known.extractors.push(extractor),
            None => self.failed.push(Failed {
                reason,
                extractors: vec![extractor],
                alike,
            }),
        }
    }
}

fn items(extractor: Extractor, number: u64) -> String {
    match extractor {
        Extractor::Nova | Extractor::Ceilometer | Extractor::Prometheus => {
            count(number, "server", "servers")
        }
        Extractor::Cinder => count(number, "volume", "volumes"),
        // They are one item of a project.
        Extractor::Neutron if number == 0 => "no floating IPs".to_owned(),
        Extractor::Neutron => "floating IPs".to_owned(),
    }
}

fn benchmarks(flavors: &BTreeMap<String, bool>, findings: &mut Findings) {
    let without: Vec<&str> = flavors
        .iter()
        .filter(|(_, has)| !**has)
        .map(|(name, _)| name.as_str())
        .collect();
    let all = u64::try_from(flavors.len()).unwrap_or(u64::MAX);
    if without.is_empty() {
        if all > 0 {
            let text = format!(
                "{} in use, each with a benchmark",
                count(all, "flavor", "flavors")
            );
            findings.add(Finding::ok(Area::Flavor, text));
        }
        return;
    }
    let number = u64::try_from(without.len()).unwrap_or(u64::MAX);
    let text = format!(
        "{number} of {all} in use {} no benchmark, so that APEL cannot weigh what is used: {}",
        of(number, "has", "have"),
        without.join(", ")
    );
    let hint = "openstack flavor set --property accounting:benchmark_type=HEPscore23 --property \
                accounting:benchmark_value=<per core> <flavor>";
    findings.add(Finding::warning(Area::Flavor, text).hint(hint.to_owned()));
}
