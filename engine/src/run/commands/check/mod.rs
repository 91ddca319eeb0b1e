//! `caso check`: whether a run would go well, before cron starts it.
//!
//! It looks at what a run looks at, by the same code: the configuration, the spool and what
//! waits in it, the components as they are admitted and configured, the ways of the messengers;
//! then each cloud: login, projects, and for each of them its extractors over the last hour.
//! Everything is looked at, whatever failed before. No lock is taken, no cursor moves, no record
//! is kept or sent; the only thing that may be written is compiled code, into a `cache_dir` that
//! is there.

mod cloud;
mod cursors;
mod destinations;
mod finding;
mod machine;
mod patience;
mod projects;
mod trial;

use std::collections::BTreeSet;

use self::finding::{Area, Finding, Findings};
use self::patience::Patience;
use crate::run::ComponentWarnings;
use crate::run::commands::config_show::of_components;
use crate::run::components::Messenger;
use crate::run::exit::Exit;
use crate::run::kind::Kind;
use crate::run::{NAME_A_FILE, components, prepare, remedy, site_names, where_configured};
use crate::stdout;
use caso_base::{Clock as _, SystemClock};
use caso_config::{Config, ConfigErrors, Origin};
use caso_model::notice::{Notice, Severity};

/// How it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Check {
    /// Nobody is asked, and no connection made.
    pub offline: bool,
    /// A warning is a failure.
    pub strict: bool,
    pub json: bool,
}

/// What is printed, and the process's exit code.
pub struct Shown {
    pub text: String,
    pub exit: Exit,
}

impl Shown {
    fn of(findings: &Findings, json: bool) -> anyhow::Result<Self> {
        Ok(Self {
            text: match json {
                true => stdout::json(findings)?,
                false => findings.text(),
            },
            exit: findings.exit(),
        })
    }
}

/// Of a configuration that cannot be used: what is wrong with it.
///
/// # Errors
/// None that is expected: the findings cannot be written as JSON.
pub fn unusable(errors: &ConfigErrors, what: Check) -> anyhow::Result<Shown> {
    let mut findings = Findings::new(SystemClock::new().now(), what.offline, what.strict);
    for error in &errors.0 {
        findings.add(Finding::failed(Area::Configuration, error.message()));
    }
    for remark in &errors.1 {
        findings.add(Finding::warning(Area::Configuration, remark.message()));
    }
    Shown::of(&findings, what.json)
}

/// Looks at everything. `remarks` takes what components warn of.
///
/// # Errors
/// As [`unusable`].
pub async fn check(
    config: &Config,
    what: Check,
    remarks: &ComponentWarnings,
) -> anyhow::Result<Shown> {
    let now = Kind::Real.clock().now();
    let mut findings = Findings::new(now, what.offline, what.strict);
    let is_usable = machine::spool(config, &mut findings);
    if is_usable || !config.lock_path.starts_with(&config.spooldir) {
        machine::lock(config, &mut findings);
    }
    machine::queues(config, now, is_usable, &mut findings);
    // Made anew or not at all: who checks is perhaps not who runs it.
    let mut caches = config.cache_dirs.clone();
    caches.retain(|folder| folder.is_dir());
    let sandbox = components::sandbox_with(caches);
    machine::files(config, sandbox.as_ref().ok(), &mut findings);
    let loaded = match sandbox {
        Ok(sandbox) => components::load(&sandbox, config).await,
        Err(error) => Err(error),
    };
    let notices = match &loaded {
        Ok(components) => prepare::notices(config, components, Vec::new()),
        Err(_) => config.warnings.clone(),
    };
    configuration(config, &notices, &mut findings);
    machine::mapping(config, &mut findings);
    let mapper = match loaded {
        Err(error) => {
            machine::secrets(config.values.iter(), &mut findings);
            findings.add(Finding::failed(
                Area::Mapper,
                remedy::message(error.as_ref()),
            ));
            None
        }
        Ok(loaded) => {
            let identity = loaded.mapper.identity();
            let text = format!("{} {}", identity.name, identity.version);
            findings.add(Finding::ok(Area::Mapper, text));
            let (own, _) = of_components(config, &loaded);
            machine::secrets(config.values.iter().chain(&own), &mut findings);
            let queues = loaded.messengers.iter().flat_map(Messenger::queues);
            machine::lost_spool(config, queues, &mut findings);
            destinations::messengers(config, &loaded, now, what.offline, &mut findings).await;
            Some(loaded.mapper)
        }
    };
    if !what.offline {
        let patience = Patience::of(config.extraction_timeout);
        for one in &config.clouds {
            let asked = cloud::cloud(config, one, mapper.as_ref(), now, &patience, &mut findings);
            patience.telling(asked).await;
        }
    }
    for warning in remarks.take() {
        findings.add(Finding::warning(Area::Flavor, warning.message()));
    }
    Shown::of(&findings, what.json)
}

fn configuration(config: &Config, notices: &[Notice], findings: &mut Findings) {
    let area = Area::Configuration;
    let files: Vec<String> = config
        .files
        .iter()
        .map(|it| it.display().to_string())
        .collect();
    match files.is_empty() {
        true => findings.add(Finding::failed(
            area,
            (where_configured(config), NAME_A_FILE),
        )),
        false => findings.add(Finding::ok(area, format!("read {}", files.join(", ")))),
    }
    // They count before the files, and are easily forgotten.
    let variables: BTreeSet<&str> = config
        .values
        .iter()
        .filter_map(|it| match &it.origin {
            Origin::Environment(name) => Some(name.as_str()),
            _ => None,
        })
        .collect();
    if !variables.is_empty() {
        let names = Vec::from_iter(variables).join(", ");
        let text = format!("the environment overrides the files: {names}");
        findings.add(Finding::ok(area, text));
    }
    for notice in notices {
        // What is merely worth knowing is no reason to look at anything.
        let verdict = match notice.severity {
            Severity::Info => finding::Verdict::Ok,
            Severity::Warning => finding::Verdict::Warning,
        };
        findings.add(Finding::new(area, verdict, notice.message()));
    }
    for cloud in &config.clouds {
        let keystone = cloud.keystone().map(drop);
        for missing in [cloud.site().map(drop), keystone] {
            if let Err(error) = missing {
                findings.add(Finding::failed(area, error.message()).of(&cloud.name));
            }
        }
    }
    if let Err(error) = site_names::check(config) {
        findings.add(Finding::failed(area, remedy::message(error.as_ref())));
    }
}
