//! The place that a configuration has for a component: what it is there, and with which options and limits.

use std::path::Path;

use super::finding::{Findings, Verdict};
use super::stage::written;
use super::{Subject, check};
use crate::run::summary::words::listed;
use crate::run::{components, remedy};
use caso_config::{ComponentInstance, ComponentSource, Config, MessengerInstance};
use caso_sandbox::{Component, Roles};

/// A component as a configuration has it.
#[derive(Clone, Copy)]
pub struct AtSite<'a> {
    pub config: &'a Config,
    pub component: &'a ComponentInstance,
    /// Where it is a messenger.
    pub messenger: Option<&'a MessengerInstance>,
    /// That file, and not another one which is to take its place.
    pub installed: bool,
}

impl<'a> AtSite<'a> {
    /// The one that is meant: by its name, or by its file. Of one that has another file, as before a new build
    /// is installed, the grants, options and limits count, and not the pin.
    pub fn of(subject: &Subject, config: &'a Config, findings: &mut Findings) -> Option<Self> {
        let Some(name) = &subject.name else {
            return places(config, subject).find(|place| place.installed);
        };
        let mut of_that_name = places(config, subject).filter(|place| place.is_named(name));
        let first = of_that_name.next()?;
        let found = match first.installed {
            true => first,
            false => of_that_name.find(|place| place.installed).unwrap_or(first),
        };
        if found.installed {
            return Some(found);
        }
        let origin = &found.component.origin;
        let (text, found) = match &found.component.source {
            ComponentSource::File(path) => (
                format!(
                    "{origin} has another file as `{name}`: `{}`; this one is checked with its {}, and no pin",
                    path.display(),
                    match found.messenger {
                        Some(_) => "grants, options and limits",
                        None => "options and limits",
                    }
                ),
                Some(found),
            ),
            ComponentSource::BuiltIn(other) => (
                format!("{origin} has a built-in component as `{name}`: `{other}`"),
                None,
            ),
        };
        findings.add(check::ADMISSION, Verdict::Warn, text);
        found
    }

    fn is_named(&self, name: &str) -> bool {
        self.component.name == name
    }

    /// What it is there.
    pub fn role(&self) -> &'static str {
        match self.component.host_section.split_once('_') {
            Some(("filter", _)) => "filter",
            Some(_) => "messenger",
            None => "mapper",
        }
    }

    /// Whether a component can be what it is to be there.
    pub fn takes(&self, roles: Roles) -> bool {
        match self.role() {
            "filter" => roles.filter,
            "mapper" => roles.mapper,
            _ => roles.messenger,
        }
    }

    /// The site's options of a filter or mapper, as a site would write them; none of them leads anywhere.
    pub fn options(
        &self,
        component: &Component,
        findings: &mut Findings,
    ) -> Option<Vec<(String, String)>> {
        let mut remarks = Vec::new();
        let found = components::options(
            self.config,
            self.component,
            &component.description,
            &mut remarks,
        );
        for remark in remarks {
            findings.add(check::OPTIONS, Verdict::Warn, remark.to_string());
        }
        match found {
            Ok(found) => {
                let names = found.settings.iter().map(|setting| setting.name.as_str());
                let set = names.filter(|name| found.places.get(name).is_some());
                let set: Vec<String> = set.map(|name| format!("`{name}`")).collect();
                if !set.is_empty() {
                    let section = &self.component.section;
                    let text = format!("{} of [{section}]", listed(&set, "and"));
                    findings.add(check::OPTIONS, Verdict::Ok, text);
                }
                Some(found.settings.iter().map(written).collect())
            }
            Err(error) => {
                let text = remedy::line(error.as_ref());
                findings.add(check::OPTIONS, Verdict::Fail, text);
                None
            }
        }
    }
}

/// All that a configuration has a file for, or a component of the program.
fn places<'a>(config: &'a Config, subject: &Subject) -> impl Iterator<Item = AtSite<'a>> {
    let real = |path: &Path| path.canonicalize().ok();
    let file = real(&subject.file);
    let messengers = config.messengers.iter();
    let all = messengers
        .clone()
        .map(|messenger| (&messenger.component, Some(messenger)));
    let filters = messengers.flat_map(|messenger| messenger.filters.iter());
    let pure = filters.chain([&config.mapper]).map(|pure| (pure, None));
    all.chain(pure).map(move |(component, messenger)| AtSite {
        config,
        component,
        messenger,
        installed: file.is_some() && component.source.file().and_then(real) == file,
    })
}
