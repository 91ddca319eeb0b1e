//! One cloud: login, certificates, clock, and each project's extractors over the last hour.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Mutex;

use futures_util::{StreamExt as _, stream};

use super::cursors::cursors;
use super::finding::{Area, Finding, Findings};
use super::trial::Trial;
use crate::run::components::Mapper;
use crate::run::extract::absent::Absent;
use crate::run::extract::clock;
use crate::run::extract::session_of::project_options;
use crate::run::extract::{Sources, usage_context};
use crate::run::kind::Kind;
use crate::run::remedy;
use crate::run::summary::words::{count, of, span};
use caso_base::Message;
use caso_base::time::format_utc;
use caso_config::{CloudConfig, Config};
use caso_disk::Disk;
use caso_extract::projects::{NO_LIST, find};
use caso_extract::{ExtractContext, ProjectRef};
use caso_history::History;
use caso_model::Window;
use caso_model::extraction::Extractor;
use caso_model::notice::{Notice, Notices};
use caso_openstack::{Scope, Service, Session};
use caso_state::Spool;

/// So far back usage is read, in seconds: what an hourly run reads.
const BACK: i64 = 3_600;
/// A certificate that ends so soon is worth a word, in seconds.
const SOON: i64 = 21 * 86_400;

/// What came of a project in a region.
struct Came {
    /// `nova 32 servers`.
    read: Vec<String>,
    /// What a run would not do, with the extractors, and what to do.
    failed: BTreeMap<Message, Vec<&'static str>>,
    lost: Vec<String>,
    lacking: Vec<&'static str>,
    flavors: BTreeMap<String, bool>,
}

/// Asks it all.
pub async fn cloud(
    config: &Config,
    cloud: &CloudConfig,
    mapper: Option<&Mapper>,
    now: i64,
    findings: &mut Findings,
) {
    // Its absence is named already.
    let Ok(auth) = cloud.keystone() else { return };
    let kind = Kind::Real;
    let session = match kind.session(config, cloud, kind.clock()) {
        Ok(session) => session,
        Err(error) => {
            let finding = failed(Area::Login, &error, cloud);
            return findings.add(finding.of(&cloud.name));
        }
    };
    let logged_in = session.log_in(&Scope::System).await;
    own_certificate(cloud, now, findings);
    let mut told = BTreeSet::new();
    certificates(&session, cloud, now, &mut told, findings);
    match logged_in {
        Err(error) => {
            let finding = failed(Area::Login, &error.into(), cloud);
            return findings.add(finding.of(&cloud.name));
        }
        Ok(renewed) => {
            let until = renewed.map_or_else(String::new, |at| {
                format!(", with a token that is renewed at {}", format_utc(at))
            });
            let text = format!("{} at {}{until}", auth.login.who(), auth.login.auth_url);
            findings.add(Finding::ok(Area::Login, text).of(&cloud.name));
        }
    }
    clocks(&session, cloud, now, findings);
    let warnings = Notices::default();
    let options = project_options(cloud);
    let found = find(&session, &options, &warnings).await;
    // What is odd about the mapping file was said when it was read (`machine::mapping`); here, whether it is used.
    let mut notices = warnings.take();
    notices.retain(|it| !it.key.starts_with("mapping-file-") || it.key == "mapping-file-used");
    noticed(notices, cloud, findings);
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            let finding = failed(Area::Project, &error.into(), cloud);
            return findings.add(finding.of(&cloud.name));
        }
    };
    let (mut projects, mut failures) = (Vec::new(), Vec::new());
    let none_found = found.is_empty();
    for project in found {
        match project {
            Ok(project) => projects.push(project),
            Err(failure) => failures.push(failure),
        }
    }
    let spool = Spool::look(&config.spooldir, Disk::default());
    let absent = Absent::beside(projects.iter(), &spool, cloud, now);
    let (mut explained, mut without_mapping) = (Vec::new(), Vec::new());
    for failure in failures {
        let failure = absent.explain(&session, failure).await;
        let name = failure.name.as_deref().unwrap_or(&failure.asked).to_owned();
        // Why the file cannot be used was said of it.
        if failure.without_mapping().is_some() {
            without_mapping.push(name);
        } else {
            let hint = remedy::of_failure(&failure, cloud);
            let text = failure.error.to_string();
            findings.add(Finding::failed(Area::Project, text).of(&name).hint(hint));
        }
        explained.push(failure);
    }
    if !cloud.projects_typed && !warnings.has(NO_LIST) {
        let failures: Vec<_> = explained.iter().collect();
        for lost in absent.lost(&session, &failures).await {
            findings.add(Finding::warning(Area::Project, lost.message()));
        }
    }
    if !without_mapping.is_empty() {
        let text = format!(
            "no property `{}` in Keystone, and the mapping file cannot be used",
            options.vo_property
        );
        let names = without_mapping.join(", ");
        findings.add(Finding::failed(Area::Project, text).of(&names));
    }
    // Of those that were found and cannot be accounted each was named.
    if none_found {
        let text = format!(
            "none is accounted: `projects` names none that can be, and none has the tag `{}`",
            options.tag
        );
        let hint = (!options.tag.is_empty())
            .then(|| format!("openstack project set --tag {} <project>", options.tag));
        findings.add(Finding::failed(Area::Project, text).hint(hint));
    }
    cursors(config, cloud, &projects, now, findings);
    let power = match kind.prometheus(config, cloud, &session, kind.clock()) {
        Ok(power) => power,
        Err(error) => {
            let finding = Finding::failed(Area::Cloud, remedy::message(error.as_ref()));
            findings.add(finding.of(&cloud.name));
            None
        }
    };
    let sources = Sources {
        kind: &kind,
        config,
        cloud,
        session: &session,
        power: power.as_ref(),
        now,
    };
    for (region, sources) in sources.of_regions(kind.caches(), |_| HashSet::new()) {
        self::region(
            cloud,
            region.as_deref(),
            &projects,
            &sources,
            mapper,
            kind.projects_at_a_time(config),
            findings,
        )
        .await;
    }
    // Those of the services too.
    certificates(&session, cloud, now, &mut told, findings);
}

/// All projects in one region, in their order.
async fn region(
    cloud: &CloudConfig,
    region: Option<&str>,
    projects: &[ProjectRef],
    sources: &ExtractContext,
    mapper: Option<&Mapper>,
    at_a_time: usize,
    findings: &mut Findings,
) {
    let work = projects.iter().map(|project| async move {
        (
            project,
            project_of(cloud, region, project, sources, mapper).await,
        )
    });
    let mut came = stream::iter(work.collect::<Vec<_>>()).buffered(at_a_time.max(1));
    let mut lacking: Vec<&'static str> = Vec::new();
    let mut flavors = BTreeMap::new();
    while let Some((project, came)) = came.next().await {
        let name = project.name.as_deref().unwrap_or(&project.id);
        let name = match region {
            Some(region) => format!("{name} in {region}"),
            None => name.to_owned(),
        };
        for service in came.lacking {
            if !lacking.contains(&service) {
                lacking.push(service);
            }
        }
        flavors.extend(came.flavors);
        let well = came.failed.is_empty();
        for (reason, extractors) in came.failed {
            let message = reason.of(&format!("{}: ", extractors.join(", ")));
            findings.add(Finding::failed(Area::Project, message).of(&name));
        }
        if let Some(first) = came.lost.first() {
            let number = u64::try_from(came.lost.len()).unwrap_or(u64::MAX);
            let text = format!(
                "{} cannot be accounted, the first: {first}",
                count(number, "item", "items")
            );
            findings.add(Finding::warning(Area::Project, text).of(&name));
        }
        if well {
            let text = format!("VO {}; {}", project.vo, came.read.join(", "));
            findings.add(Finding::ok(Area::Project, text).of(&name));
        }
    }
    for extractor in lacking {
        let text = format!("the cloud has no service for the extractor `{extractor}`");
        let hint = format!("take `{extractor}` out of `extractor`");
        findings.add(
            Finding::warning(Area::Cloud, text)
                .of(&cloud.name)
                .hint(hint),
        );
    }
    benchmarks(&flavors, findings);
    noticed(sources.caches.closing_warnings(), cloud, findings);
}

async fn project_of(
    cloud: &CloudConfig,
    region: Option<&str>,
    project: &ProjectRef,
    sources: &ExtractContext,
    mapper: Option<&Mapper>,
) -> Came {
    let mut came = Came {
        read: Vec::new(),
        failed: BTreeMap::new(),
        lost: Vec::new(),
        lacking: Vec::new(),
        flavors: BTreeMap::new(),
    };
    let now = sources.now;
    let window = Window {
        start: now - BACK,
        end: now,
    };
    for extractor in &cloud.extractors {
        // Its absence is named already.
        let site = cloud.site_name.as_deref().unwrap_or_default();
        let context = usage_context((cloud, site), region, project, window, now);
        let mut trial = Trial::new(mapper, context);
        let history = Mutex::new(History::empty());
        let task = caso_extract::Task {
            context: sources,
            project,
            window,
            history: &history,
        };
        let name = extractor.as_str();
        match caso_extract::extract(*extractor, task, &mut trial).await {
            Ok(()) => {
                came.read
                    .push(format!("{name} {}", items(*extractor, trial.items)));
                came.lost.append(&mut trial.lost);
                came.flavors.append(&mut trial.flavors);
            }
            Err(error) if error.is_service_lacking() => came.lacking.push(name),
            Err(error) => {
                let reason = remedy::of_extraction(&error, cloud, project);
                came.failed.entry(reason).or_default().push(name);
            }
        }
    }
    came
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

/// Of a cloud as a whole.
fn failed(area: Area, error: &anyhow::Error, cloud: &CloudConfig) -> Finding {
    let error = remedy::of_cloud(error, cloud);
    Finding::failed(area, remedy::message(error.as_ref()))
}

fn noticed(notices: Vec<Notice>, cloud: &CloudConfig, findings: &mut Findings) {
    for notice in notices {
        let message = remedy::noticed(notice, cloud).message();
        findings.add(Finding::warning(Area::Cloud, message).of(&cloud.name));
    }
}

fn clocks(session: &Session, cloud: &CloudConfig, now: i64, findings: &mut Findings) {
    if let Err(apart) = clock::compare(session, now) {
        let finding = Finding::failed(Area::Clock, remedy::message(&apart));
        return findings.add(finding.of(&cloud.name));
    }
    let skew = session.clock_skew(Service::Identity);
    let hint = clock::SET_CLOCK;
    let finding = match (
        clock::behind(session, Service::Identity),
        clock::ours_behind(session),
        skew,
    ) {
        (Some(behind), _, _) => Finding::warning(
            Area::Clock,
            format!(
                "OpenStack's is {} behind this machine's: windows end at its now",
                span(behind)
            ),
        )
        .hint(hint.to_owned()),
        (_, Some(behind), _) => Finding::warning(
            Area::Clock,
            format!(
                "this machine's is {} behind OpenStack's: what happened since waits",
                span(behind)
            ),
        )
        .hint(hint.to_owned()),
        (_, _, Some(skew)) => {
            let text = format!("{} apart from OpenStack's", span(skew.saturating_abs()));
            Finding::ok(Area::Clock, text)
        }
        (_, _, None) => return,
    };
    findings.add(finding.of(&cloud.name));
}

fn own_certificate(cloud: &CloudConfig, now: i64, findings: &mut Findings) {
    let own = cloud
        .keystone_auth
        .as_ref()
        .and_then(|auth| auth.tls.certfile.as_ref());
    if let Some(file) = own
        && let Ok(Some(end)) = caso_net::tls::certificate_end(file)
    {
        findings
            .add(ends(&format!("ours, `{}`,", file.display()), end, now, false).of(&cloud.name));
    }
}

/// Those of the servers that were spoken to, but for what was told of already.
fn certificates(
    session: &Session,
    cloud: &CloudConfig,
    now: i64,
    told: &mut BTreeSet<String>,
    findings: &mut Findings,
) {
    let login = cloud.keystone_auth.as_ref();
    let unchecked = login.is_some_and(|it| it.tls.insecure);
    for (host, end) in session.certificate_ends() {
        if told.insert(host.clone()) {
            let whose = format!("that of `{host}`");
            findings.add(ends(&whose, end, now, unchecked).of(&cloud.name));
        }
    }
}

fn ends(whose: &str, end: i64, now: i64, unchecked: bool) -> Finding {
    let left = end - now;
    let hint = "have it renewed".to_owned();
    match left {
        ..=0 if unchecked => {
            let text = format!(
                "{whose} ended on {}; `insecure` is set, so nothing looks at it",
                format_utc(end)
            );
            Finding::warning(Area::Certificate, text).hint(hint)
        }
        ..=0 => {
            let text = format!("{whose} ended on {}", format_utc(end));
            Finding::failed(Area::Certificate, text).hint(hint)
        }
        1..SOON => {
            let text = format!("{whose} ends in {}, on {}", span(left), format_utc(end));
            Finding::warning(Area::Certificate, text).hint(hint)
        }
        SOON.. => Finding::ok(Area::Certificate, format!("{whose} ends in {}", span(left))),
    }
}
