//! One cloud: login, certificates, clock, and which projects it has; then what `projects` makes of them.

use std::collections::{BTreeSet, HashSet};

use super::cursors::cursors;
use super::finding::{Area, Finding, Findings};
use super::patience::Patience;
use super::projects::{self, Asked};
use crate::run::components::Mapper;
use crate::run::extract::Sources;
use crate::run::extract::absent::Absent;
use crate::run::extract::clock;
use crate::run::extract::session_of::project_options;
use crate::run::kind::Kind;
use crate::run::remedy;
use crate::run::summary::words::span;
use crate::run::tags;
use caso_base::time::format_utc;
use caso_config::{CloudConfig, Config};
use caso_disk::Disk;
use caso_extract::projects::{NO_LIST, find};
use caso_model::notice::{Notice, Notices};
use caso_openstack::{Scope, Service, Session};
use caso_state::Spool;

/// A certificate that ends so soon is worth a word, in seconds.
const SOON: i64 = 21 * 86_400;

/// Asks it all.
pub async fn cloud(
    config: &Config,
    cloud: &CloudConfig,
    mapper: Option<&Mapper>,
    now: i64,
    patience: &Patience,
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
    let log_in = session.log_in(&Scope::System);
    let logged_in = patience.with(&of_keystone(cloud), log_in).await;
    own_certificate(cloud, now, findings);
    let mut told = BTreeSet::new();
    certificates(&session, cloud, now, &mut told, findings);
    match logged_in {
        Err(late) => {
            let finding = Finding::failed(Area::Login, late.of("the login was "));
            return findings.add(finding.of(&cloud.name));
        }
        Ok(Err(error)) => {
            let finding = failed(Area::Login, &error.into(), cloud);
            return findings.add(finding.of(&cloud.name));
        }
        Ok(Ok(renewed)) => {
            let until = renewed.map_or_else(String::new, |at| {
                format!(", with a token that is renewed at {}", format_utc(at))
            });
            let text = format!("{} at {}{until}", auth.login.who(), auth.login.auth_url);
            findings.add(Finding::ok(Area::Login, text).of(&cloud.name));
        }
    }
    let in_time = clocks(&session, cloud, now, findings);
    let warnings = Notices::default();
    let options = project_options(cloud);
    let find = find(&session, &options, &warnings);
    let found = patience.with(&of_keystone(cloud), find).await;
    // What is odd about the mapping file was said when it was read (`machine::mapping`); here, whether it is used.
    let mut notices = warnings.take();
    notices.retain(|it| !it.key.starts_with("mapping-file-") || it.key == "mapping-file-used");
    noticed(notices, cloud, findings);
    let found = match found {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => {
            let finding = failed(Area::Project, &error.into(), cloud);
            return findings.add(finding.of(&cloud.name));
        }
        Err(late) => {
            let finding =
                Finding::failed(Area::Project, late.of("Keystone's list of projects was "));
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
        let (why, hint) = tags::no_project(&options.tag);
        let text = format!("none is accounted: {why}");
        findings.add(Finding::failed(Area::Project, text).hint(hint));
    }
    let mut starts = cursors(config, cloud, &projects, now, findings);
    if !in_time {
        // A run would not go beyond its clock.
        starts.clear();
    }
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
        let asked = Asked {
            cloud,
            region: region.as_deref(),
            sources: &sources,
            mapper,
            starts: &starts,
            patience,
        };
        let at_a_time = kind.projects_at_a_time(config);
        projects::region(&asked, &projects, at_a_time, findings).await;
    }
    // Those of the services too.
    certificates(&session, cloud, now, &mut told, findings);
}

/// Of a cloud as a whole.
fn failed(area: Area, error: &anyhow::Error, cloud: &CloudConfig) -> Finding {
    let error = remedy::of_cloud(error, cloud);
    Finding::failed(area, remedy::message(error.as_ref()))
}

/// Who is waited for.
fn of_keystone(cloud: &CloudConfig) -> String {
    format!("Keystone of `{}`", cloud.name)
}

pub fn noticed(notices: Vec<Notice>, cloud: &CloudConfig, findings: &mut Findings) {
    for notice in notices {
        let message = remedy::noticed(notice, cloud).message();
        findings.add(Finding::warning(Area::Cloud, message).of(&cloud.name));
    }
}

/// Whether a run would take it.
fn clocks(session: &Session, cloud: &CloudConfig, now: i64, findings: &mut Findings) -> bool {
    if let Err(apart) = clock::compare(session, now) {
        let finding = Finding::failed(Area::Clock, remedy::message(&apart));
        findings.add(finding.of(&cloud.name));
        return false;
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
                "OpenStack's is {} behind this machine's: windows end at its time",
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
        (_, _, None) => return true,
    };
    findings.add(finding.of(&cloud.name));
    true
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
                "{whose} ended on {}; `insecure` is set, so it is not checked",
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
