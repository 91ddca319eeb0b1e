//! `caso component check FILE`: whether a run would take a component, with which grants,
//! and how it behaves.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::battery::Battery;
use super::facts::Imports;
use super::filters::judged;
use super::finding::{Findings, Verdict};
use super::recorded::recorded;
use super::samples::Records;
use super::site::AtSite;
use super::stage::harmless;
use super::trial::{self, Caches, Used};
use super::{Shown, Subject};
use crate::run::remedy;
use crate::run::summary::words::grouped;
use crate::run::temporary;
use crate::run::{component_file, components};
use caso_base::conf;
use caso_config::{ComponentInstance, Config, MessengerInstance};
use caso_model::notice::Severity;
use caso_sandbox::{Component, Denial, Grant, GrantError, Place, Sandbox, Source};

pub const ADMISSION: &str = "admission";
pub const OPTIONS: &str = "options";
const GRANTS: &str = "grants";
const BATTERY: &str = "battery";

#[derive(Debug, Serialize)]
struct Report {
    file: String,
    component: Option<String>,
    version: Option<String>,
    sha256: Option<String>,
    findings: Findings,
}

/// Checks it: as the messenger of a configuration where there is one, and else with what is
/// made up for it.
///
/// # Errors
/// There is no sandbox or no temporary folder, or the command line names what there is not.
pub async fn check(
    subject: &Subject,
    config: Option<&Config>,
    caches: &Caches,
    json: bool,
) -> anyhow::Result<Shown> {
    let caches = config.map_or_else(
        || caches.clone(),
        |config| Caches(config.cache_dirs.clone()),
    );
    let sandbox = caches.sandbox()?;
    let mut findings = Findings::default();
    let site = config.and_then(|config| AtSite::of(subject, config, &mut findings));
    let component = admission(&sandbox, subject, site.as_ref(), &mut findings).await;
    let tried = component
        .as_ref()
        .filter(|component| has_its_place(component, site.as_ref(), &mut findings));
    if let Some(component) = tried {
        // A name that the site has given it already is the site's affair, and warned of.
        if site.is_none() {
            trial::named(subject, component)?;
        }
        trial::known(&component.description, &subject.set)?;
        trial::bounded(subject, component)?;
        let folder = temporary::folder("caso-check-")?;
        let folder = folder.path();
        let role = site.map_or_else(|| role(component), |place| place.role());
        match (role, site) {
            ("messenger", _) => {
                let messenger = site.and_then(|place| Some((place.config, place.messenger?)));
                let options = match messenger {
                    Some((config, messenger)) => {
                        granted(&sandbox, config, messenger, component, &mut findings).await
                    }
                    None => {
                        wanted(subject, component, &mut findings);
                        Vec::new()
                    }
                };
                let name = messenger.map_or_else(
                    || trial::instance(subject, component),
                    |(_, messenger)| messenger.name().to_owned(),
                );
                let limits = messenger.map(|(_, messenger)| messenger.component.limits);
                let mut battery =
                    Battery::new(subject, component, &name, options, folder).with_limits(limits);
                battery.run(&mut findings).await?;
            }
            (role, site) => {
                let options = match &site {
                    Some(place) => place.options(component, &mut findings),
                    None => Some(Vec::new()),
                };
                if let Some(mut options) = options {
                    options.retain(|(name, _)| !subject.set.iter().any(|(set, _)| set == name));
                    options.extend(subject.set.iter().cloned());
                    let used = Used {
                        set: &options,
                        limits: site.map(|place| place.component.limits),
                        ..Used::of(subject)
                    };
                    match role {
                        "filter" => filter(&sandbox, subject, component, used, &mut findings).await,
                        _ => mapper(used, &caches, folder, &mut findings).await,
                    }
                }
            }
        }
    }
    let report = Report {
        file: subject.file.display().to_string(),
        component: component.as_ref().map(|component| component.name.clone()),
        version: component
            .as_ref()
            .map(|component| component.version.clone()),
        sha256: component.as_ref().map(|component| component.sha256.clone()),
        findings,
    };
    let exit = report.findings.exit();
    Shown::of(&report, json, || report.findings.text(), exit)
}

/// Whether it can be what the site has it as; what it cannot be there is not tried.
fn has_its_place(
    component: &Component,
    site: Option<&AtSite<'_>>,
    findings: &mut Findings,
) -> bool {
    let Some(place) = site.filter(|place| !place.takes(component.roles)) else {
        return true;
    };
    let text = format!(
        "{} has it as a {}, which it is not",
        place.component.origin,
        place.role()
    );
    findings.add(ADMISSION, Verdict::Fail, text);
    false
}

/// What it is tried as where no site says.
fn role(component: &Component) -> &'static str {
    match component.roles {
        roles if roles.messenger => "messenger",
        roles if roles.filter => "filter",
        _ => "mapper",
    }
}

async fn admission(
    sandbox: &Sandbox,
    subject: &Subject,
    site: Option<&AtSite<'_>>,
    findings: &mut Findings,
) -> Option<Component> {
    let installed = site.filter(|place| place.installed);
    let pin = installed.and_then(|place| place.component.sha256.as_deref());
    let source = Source::File {
        path: &subject.file,
        sha256: pin,
    };
    let place = site.map_or(trial::ROOMY, |site| Place {
        memory: site.component.limits.memory,
        section: &site.component.host_section,
    });
    let component = match sandbox.load_at(source, &place).await {
        Ok(component) => component,
        Err(error) => {
            let error = anyhow::Error::from(error);
            findings.add(ADMISSION, Verdict::Fail, remedy::line(error.as_ref()));
            return None;
        }
    };
    let mut ok = |text: String| findings.add(ADMISSION, Verdict::Ok, text);
    let bytes = std::fs::metadata(&subject.file).map_or(0, |meta| meta.len());
    ok(format!(
        "regular file, {} bytes; a {} of version {} of the contract",
        grouped(bytes),
        component.roles.names().join(" and a "),
        component.contract
    ));
    if pin.is_some() {
        ok(format!(
            "sha256 {} is the one that is pinned",
            component.sha256
        ));
    }
    let facts = Imports::of(&component.imports);
    ok(format!(
        "imports: {} of the contract, {} of WASI",
        facts.contract.len(),
        facts.wasi.len()
    ));
    // The second time from the cache, in another store.
    match sandbox.load_at(source, &place).await {
        Ok(again) if again.description == component.description => {
            ok("`describe` answers the same twice".to_owned());
        }
        Ok(_) => findings.add(
            ADMISSION,
            Verdict::Fail,
            "`describe` does not answer the same twice: it must be a constant",
        ),
        Err(error) => findings.add(ADMISSION, Verdict::Fail, error.to_string()),
    }
    let remark = match installed {
        Some(place) => component_file::remarks(place.component),
        None => made_up(subject, &component)
            .as_ref()
            .map(component_file::remarks)
            .unwrap_or_default(),
    };
    for remark in remark {
        let verdict = match remark.severity {
            Severity::Info => Verdict::Info,
            _ => Verdict::Warn,
        };
        findings.add(ADMISSION, verdict, remark.to_string());
    }
    Some(component)
}

/// The component as a configuration would have it: as what it is.
fn made_up(subject: &Subject, component: &Component) -> Option<ComponentInstance> {
    let name = trial::instance(subject, component);
    let nowhere = Path::new("/nonexistent");
    let used = Used {
        set: &[],
        ..Used::of(subject)
    };
    if component.roles.messenger {
        let config = trial::config(&name, used, &[], nowhere).ok()?;
        return Some(trial::only(&config).ok()?.component.clone());
    }
    if component.roles.filter {
        let config = trial::of_a_filter(&name, used, nowhere).ok()?;
        return trial::only(&config).ok()?.filters.first().cloned();
    }
    let config = trial::of_the_recording(Some(used), nowhere).ok()?;
    Some(config.mapper)
}

/// What the site grants, with all that it is compared with; the options of the site that
/// lead nowhere.
async fn granted(
    sandbox: &Sandbox,
    config: &Config,
    instance: &MessengerInstance,
    component: &Component,
    findings: &mut Findings,
) -> Vec<(String, String)> {
    let mut remarks = Vec::new();
    let configured = components::configured(config, instance, component.clone(), &mut remarks);
    for remark in remarks {
        findings.add(GRANTS, Verdict::Warn, remark.to_string());
    }
    let messenger = match configured {
        Ok(messenger) => messenger,
        Err(error) => {
            let missing = error.downcast_ref::<GrantError>().is_some_and(missing);
            let verdict = match missing {
                true => Verdict::No,
                false => Verdict::Fail,
            };
            findings.add(GRANTS, verdict, remedy::line(error.as_ref()));
            return Vec::new();
        }
    };
    let granted = &messenger.setup.granted;
    for (name, grant) in &granted.grants {
        let shown = granted.instance.shown(grant);
        let missing = missing_files(grant);
        for missing in &missing {
            let missing = granted.instance.shown(missing);
            findings.add(GRANTS, Verdict::No, format!("{name}: `{shown}`: {missing}"));
        }
        if missing.is_empty() {
            findings.add(GRANTS, Verdict::Ok, format!("{name}: `{shown}`"));
        }
    }
    for error in granted.denied.values() {
        let verdict = match missing(error) {
            true => Verdict::No,
            false => Verdict::Warn,
        };
        findings.add(GRANTS, verdict, format!("optional: {error}"));
    }
    if component.description.capabilities.is_empty() {
        findings.add(GRANTS, Verdict::Ok, "it asks for nothing");
    }
    for queue in messenger.queues() {
        if let Err(error) = caso_state::check_folder(queue) {
            let error = anyhow::Error::from(error);
            findings.add(GRANTS, Verdict::No, remedy::line(error.as_ref()));
        }
    }
    // With all others of the configuration, with which it may overlap.
    match components::load(sandbox, config).await {
        Ok(all) => {
            let name = instance.name();
            let refused = all.unusable.iter().find(|unusable| unusable.name == name);
            if let Some(refused) = refused {
                findings.add(GRANTS, Verdict::Fail, &refused.failure.detail);
            }
        }
        Err(error) => findings.add(GRANTS, Verdict::Warn, remedy::line(error.as_ref())),
    }
    harmless(&component.description, &messenger.setup.settings)
}

/// What a grant names and a run would not find: it does not make a folder, as it makes a queue.
fn missing_files(grant: &Grant) -> Vec<String> {
    let files: Vec<&PathBuf> = match grant {
        Grant::Directory(terms) => {
            let path = terms.path.display();
            return match std::fs::metadata(&terms.path) {
                Ok(meta) if meta.is_dir() => Vec::new(),
                Ok(_) => vec![format!("`{path}` is no folder")],
                Err(error) => vec![format!("the folder `{path}` cannot be used: {error}")],
            };
        }
        Grant::Connection(terms) => terms.trust.files().collect(),
        Grant::Http(terms) => terms.trust.files().collect(),
        Grant::Signature(terms) => terms.files().collect(),
        Grant::Queue(_) | Grant::Address(_) => Vec::new(),
    };
    let unreadable = files.into_iter().filter_map(|path| {
        let error = std::fs::File::open(path).err()?;
        Some(format!("`{}` cannot be read: {error}", path.display()))
    });
    let mut found: Vec<String> = unreadable.collect();
    // A key may lie with its certificate.
    found.dedup();
    found
}

fn missing(error: &GrantError) -> bool {
    matches!(
        *error.denial,
        Denial::NotGranted { .. } | Denial::Unset { .. }
    )
}

/// What it would have to be granted.
fn wanted(subject: &Subject, component: &Component, findings: &mut Findings) {
    let suggestion = trial::suggestion(subject, component);
    match suggestion.map(|suggestion| suggestion.grants) {
        Ok(granted) if granted.is_empty() => {
            findings.add(GRANTS, Verdict::Ok, "it asks for nothing");
        }
        Ok(granted) => {
            for (name, grant) in &granted {
                match conf::entry(&grant.to_string()) {
                    Ok(grant) => {
                        let text = format!("{name}: it would need `{grant}` or similar");
                        findings.add(GRANTS, Verdict::Info, text);
                    }
                    Err(why) => {
                        let text = format!(
                            "{name}: it would need `{grant}`, which cannot stand in `grants`: {why}"
                        );
                        findings.add(GRANTS, Verdict::Fail, text);
                    }
                }
            }
        }
        Err(error) => findings.add(GRANTS, Verdict::Fail, remedy::line(error.as_ref())),
    }
}

/// A filter judges the same records in the same way.
async fn filter(
    sandbox: &Sandbox,
    subject: &Subject,
    component: &Component,
    used: Used<'_>,
    findings: &mut Findings,
) {
    let records = match Records::sample() {
        Ok(records) => records,
        Err(error) => {
            findings.add(BATTERY, Verdict::Fail, remedy::line(error.as_ref()));
            return;
        }
    };
    let first = judged(sandbox, subject, component, used, &records).await;
    let second = judged(sandbox, subject, component, used, &records).await;
    match (first, second) {
        (Ok(first), Ok(second)) => {
            for counts in &first.counts {
                findings.add(BATTERY, Verdict::Ok, counts.words());
            }
            match first.verdicts == second.verdicts {
                true => findings.add(BATTERY, Verdict::Ok, "judges in the same way twice"),
                false => findings.add(
                    BATTERY,
                    Verdict::Fail,
                    "judges otherwise the second time: a filter must be pure",
                ),
            }
        }
        (Err(error), _) | (_, Err(error)) => {
            let failure = error.downcast_ref::<caso_model::guest::GuestFailure>();
            let (verdict, hint) = match failure.is_some_and(trial::may_lack_options) {
                true => (Verdict::No, "; `--set OPTION=VALUE` gives it options"),
                false => (Verdict::Fail, ""),
            };
            let text = format!("{}{hint}", remedy::line(error.as_ref()));
            findings.add(BATTERY, verdict, text);
        }
    }
}

/// A mapper makes the same of the same usage.
async fn mapper(used: Used<'_>, caches: &Caches, folder: &Path, findings: &mut Findings) {
    let mapper = Some(used);
    let mut made = Vec::new();
    for run in ["first", "second"] {
        match recorded(mapper, &caches.0, &folder.join(run)).await {
            Ok(recorded) => made.push(recorded),
            Err(error) => {
                findings.add(BATTERY, Verdict::Fail, remedy::line(error.as_ref()));
                return;
            }
        }
    }
    let [first, second] = made.as_slice() else {
        return;
    };
    let count = first.records.records.len();
    let verdict = match (first.whole, count) {
        (true, _) => Verdict::Ok,
        // At a site every server would be in quarantine.
        (false, 0) => Verdict::Fail,
        (false, _) => Verdict::Warn,
    };
    let refused = match first.whole {
        true => "",
        false => "; not all of its usage could be accounted (see the log)",
    };
    let text = format!("makes {count} records of the recording in the program{refused}");
    findings.add(BATTERY, verdict, text);
    match first.records.records == second.records.records {
        true => findings.add(BATTERY, Verdict::Ok, "makes the same of it twice"),
        false => findings.add(
            BATTERY,
            Verdict::Fail,
            "makes something else of it the second time: a mapper must be pure",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `ok` was said of each.
    #[test]
    fn what_a_grant_names_and_is_not_there_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        std::fs::write(&file, "").unwrap();
        let found = |grant: String| missing_files(&grant.parse::<Grant>().unwrap());
        let (there, file) = (folder.path().display(), file.display());
        for grant in [
            format!("directory:{there}"),
            format!("http:https://a?cafile={file}"),
            format!("connection:tls://a:1?cafile={there}"),
            format!("signature:{file}"),
            format!("queue:{there}/q"),
        ] {
            assert_eq!(found(grant.clone()), Vec::<String>::new(), "{grant}");
        }
        for (grant, words) in [
            (format!("directory-write:{there}/no"), "the folder"),
            (format!("directory:{file}"), "is no folder"),
            (
                format!("http:https://a?cafile={there}/no"),
                "cannot be read",
            ),
            (
                format!("connection:tls://a:1?certfile={there}/no"),
                "cannot be read",
            ),
            (format!("signature:{there}/no"), "cannot be read"),
        ] {
            let found = found(grant.clone());
            assert_eq!(found.len(), 1, "{grant}: {found:?}");
            assert!(found[0].contains(words), "{found:?}");
        }
    }
}
