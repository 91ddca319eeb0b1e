//! A configuration with one component in it and nothing of a site's: what is tried by it is
//! read, checked and decided as in a run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::Subject;
use super::capability::Places;
use crate::run::{components, remedy};
use caso_base::Message;
use caso_base::conf::{self, Grammar};
use caso_base::suggest::did_you_mean;
use caso_config::{CommandLine, Config, Inputs, Limits, MessengerInstance};
use caso_model::component::Description;
use caso_model::guest::{Bound, FailureKind, GuestFailure};
use caso_sandbox::{Component, Grant, Place, Sandbox, Source, suggested};

/// Folders for machine code, best first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Caches(pub Vec<PathBuf>);

impl Caches {
    /// Those of a run without a configuration, and then the user's own.
    pub fn of(environment: &BTreeMap<String, String>) -> Self {
        let folder = |name: &str| {
            let value = environment.get(name).filter(|value| !value.is_empty())?;
            Some(PathBuf::from(value))
        };
        let own = folder("XDG_CACHE_HOME");
        let own = own.or_else(|| folder("HOME").map(|home| home.join(".cache")));
        let run = folder("CACHE_DIRECTORY").unwrap_or_else(|| PathBuf::from("/var/cache/caso"));
        Self(
            [Some(run), own.map(|own| own.join("caso"))]
                .into_iter()
                .flatten()
                .collect(),
        )
    }

    /// The sandbox, with the first of them that is safe.
    pub fn sandbox(&self) -> anyhow::Result<Sandbox> {
        components::sandbox_with(self.0.clone())
    }
}

/// What a component may have to say what it is where no site says how much: as much as one could
/// let it have. Whether it starts with what one has by default is told of separately.
pub const ROOMY: Place<'static> = Place {
    memory: 1 << 30,
    section: "",
};

/// A component's file, as a configuration would have it.
#[derive(Debug, Clone, Copy)]
pub struct Used<'a> {
    pub file: &'a Path,
    /// Options of its own, with their values.
    pub set: &'a [(String, String)],
    /// What the host bounds it by: options of its host section.
    pub bounds: &'a [(&'static str, String)],
    /// And by what beside those: as a site has it.
    pub limits: Option<Limits>,
}

impl<'a> Used<'a> {
    /// With nothing set.
    pub fn bare(file: &'a Path) -> Self {
        Self {
            file,
            set: &[],
            bounds: &[],
            limits: None,
        }
    }

    /// As the command line has it.
    pub fn of(subject: &'a Subject) -> Self {
        Self {
            file: &subject.file,
            set: &subject.set,
            bounds: &subject.bounds,
            limits: None,
        }
    }

    /// The limits of what a trial made of it: a site's, where the command line has no others.
    pub fn bound(self, made: &mut Limits) {
        let Some(site) = self.limits else { return };
        let stays = |option: &str| self.bounds.iter().any(|(bound, _)| *bound == option);
        let of_the_trial = *made;
        *made = site;
        if stays("memory") {
            made.memory = of_the_trial.memory;
        }
        if stays("deadline") {
            made.deadline = of_the_trial.deadline;
        }
        if stays("timeout") {
            made.timeout = of_the_trial.timeout;
        }
    }
}

/// Takes the component's file in, as a run does.
pub async fn admitted(sandbox: &Sandbox, subject: &Subject) -> anyhow::Result<Component> {
    let source = Source::File {
        path: &subject.file,
        sha256: None,
    };
    let component = sandbox.load_at(source, &ROOMY).await?;
    named(subject, &component)?;
    known(&component.description, &subject.set)?;
    bounded(subject, &component)?;
    Ok(component)
}

/// A word on the command line that is none of the component's options.
pub fn known(description: &Description, set: &[(String, String)]) -> anyhow::Result<()> {
    let names = || {
        description
            .options
            .iter()
            .map(|option| option.name.as_str())
    };
    for (name, _) in set {
        if !names().any(|known| known == name) {
            let names: Vec<&str> = names().collect();
            bail!(Unset(match names.as_slice() {
                [] => format!("component `{}` has no options", description.name).into(),
                names => Message::from(format!(
                    "component `{}` has no option `{name}` (it has {})",
                    description.name,
                    names.join(", "),
                ))
                .hint(did_you_mean(name, names.iter().copied())),
            }));
        }
    }
    Ok(())
}

/// `--set` names an option that there is not, or another argument does not fit: a wrong command line.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.text)]
pub struct Unset(pub Message);

/// Whether the name on the command line can be one.
///
/// # Errors
/// It cannot: a wrong command line.
pub fn named(subject: &Subject, component: &Component) -> anyhow::Result<()> {
    let Some(name) = &subject.name else {
        return Ok(());
    };
    let named = component.roles.messenger || component.roles.filter;
    let taken = caso_config::stands_for(name, &caso_builtin::messengers());
    if let Some(taken) = taken.filter(|_| named) {
        let text = format!("--as: {taken}");
        bail!(Unset(Message::from((text, "choose another name"))));
    }
    let nowhere = Path::new("/nonexistent");
    let tried = match component.roles.filter {
        true => of_a_filter(name, Used::bare(&subject.file), nowhere),
        false => config(name, Used::bare(&subject.file), &[], nowhere),
    };
    match tried {
        Ok(_) => Ok(()),
        Err(error) => bail!(Unset(remedy::message(error.as_ref()).of("--as: "))),
    }
}

/// Whether what is to bound it can.
///
/// # Errors
/// They are not: a wrong command line.
pub fn bounded(subject: &Subject, component: &Component) -> anyhow::Result<()> {
    let used = Used {
        set: &[],
        ..Used::of(subject)
    };
    let nowhere = Path::new("/nonexistent");
    let name = instance(subject, component);
    let tried = match component.roles {
        roles if roles.messenger => config(&name, used, &[], nowhere),
        roles if roles.filter => of_a_filter(&name, used, nowhere),
        _ => of_the_recording(Some(used), nowhere),
    };
    match tried {
        Ok(_) => Ok(()),
        Err(error) => bail!(Unset(remedy::message(error.as_ref()))),
    }
}

/// Whether options may be all that it lacks: it says itself, at its start, what is wrong.
pub fn may_lack_options(failure: &GuestFailure) -> bool {
    failure.kind == FailureKind::Start && failure.frames.is_empty() && failure.limit.is_none()
}

/// A failure, and with which argument the limit that it came to is another one in a trial.
pub fn told(failure: &GuestFailure) -> String {
    let argument = match failure.limit.as_ref().map(|limit| limit.bound) {
        Some(Bound::Memory) => "--memory",
        Some(Bound::Deadline) => "--deadline",
        Some(Bound::Timeout) => "--timeout",
        _ => return failure.to_string(),
    };
    let limit = failure.limit.as_ref().map(ToString::to_string);
    format!(
        "{failure}; {}, and `{argument}` here",
        limit.unwrap_or_default()
    )
}

/// The instance's name: what the command line says, or the component's own word, unless
/// that is taken: by cASO for something else, or by a component of the program.
pub fn instance(subject: &Subject, component: &Component) -> String {
    if let Some(name) = &subject.name {
        return name.clone();
    }
    let own = &component.description.name;
    free(own, &subject.file, component.roles.messenger)
}

/// The name that a component gives itself, or another one where nothing of a site's may have it.
fn free(own: &str, file: &Path, messenger: bool) -> String {
    let nowhere = Path::new("/nonexistent");
    let tried = match messenger {
        true => config(own, Used::bare(file), &[], nowhere),
        false => of_a_filter(own, Used::bare(file), nowhere),
    };
    let taken = caso_config::stands_for(own, &caso_builtin::messengers());
    match tried.is_ok() && taken.is_none() {
        true => own.to_owned(),
        false => format!("my_{own}"),
    }
}

/// The configuration. `folder` is where the run's own files would lie.
///
/// # Errors
/// The name cannot be a messenger's.
pub fn config(
    name: &str,
    used: Used<'_>,
    grants: &[String],
    folder: &Path,
) -> anyhow::Result<Config> {
    let host = format!("messenger_{}", name.to_lowercase());
    let mut values = Values::new(name, folder);
    values.put(&host, "component", &absolute(used.file));
    values.put(&host, "grants", &grants.join(", "));
    values.used(used, &host, name);
    values.load(folder)
}

/// What a site that has none of it would write to use a messenger.
pub struct Suggestion {
    pub instance: String,
    /// The options that are set, and those that have to be, with a value that shows their form.
    pub set: Vec<(String, String)>,
    pub grants: BTreeMap<String, Grant>,
}

/// By the decision that a run would come to.
///
/// # Errors
/// Its options or its requests cannot be had.
pub fn suggestion(subject: &Subject, component: &Component) -> anyhow::Result<Suggestion> {
    let instance = instance(subject, component);
    let mut set = subject.set.clone();
    set.extend(Places::of_a_page(&instance).values(&component.description, &set));
    let used = Used {
        set: &set,
        ..Used::bare(&subject.file)
    };
    let config = config(&instance, used, &[], Path::new("/nonexistent"))?;
    let grants = wanted(&config, &instance, component)?;
    Ok(Suggestion {
        instance,
        set,
        grants,
    })
}

/// The grants that the one messenger of this configuration would need.
///
/// # Errors
/// Its options or its requests cannot be had.
pub fn wanted(
    config: &Config,
    instance: &str,
    component: &Component,
) -> anyhow::Result<BTreeMap<String, Grant>> {
    let Description { capabilities, .. } = &component.description;
    let messenger = only(config)?;
    let found =
        caso_config::component_settings(config, &messenger.component, &component.description)?;
    let asking = components::asking(instance, Grammar::Ini);
    Ok(suggested(&asking, capabilities, &found.settings)?)
}

/// The one messenger of a trial.
///
/// # Errors
/// There is none.
pub fn only(config: &Config) -> anyhow::Result<&MessengerInstance> {
    let messenger = config.messengers.first();
    messenger.context("the configuration has no messenger")
}

/// The configuration that maps the recording in the program, by the built-in mapper or by
/// this file with these options of its own.
///
/// # Errors
/// The mapper's file cannot be named so.
pub fn of_the_recording(mapper: Option<Used<'_>>, folder: &Path) -> anyhow::Result<Config> {
    let mut values = Values::new("noop", folder);
    if let Some(used) = mapper {
        values.put("DEFAULT", "mapper", &absolute(used.file));
        values.used(used, "mapper", "mapper");
    }
    let mut config = values.load(folder)?;
    if let Some(used) = mapper {
        used.bound(&mut config.mapper.limits);
    }
    Ok(config)
}

/// The configuration in which a messenger has this file as its filter, with these options.
///
/// # Errors
/// The name cannot be a filter's.
pub fn of_a_filter(name: &str, used: Used<'_>, folder: &Path) -> anyhow::Result<Config> {
    let host = format!("filter_{}", name.to_lowercase());
    let mut values = Values::new("noop", folder);
    values.put("messenger_noop", "filters", name);
    values.put(&host, "component", &absolute(used.file));
    values.used(used, &host, name);
    let mut config = values.load(folder)?;
    let filters = config
        .messengers
        .iter_mut()
        .flat_map(|messenger| &mut messenger.filters);
    for filter in filters {
        used.bound(&mut filter.limits);
    }
    Ok(config)
}

/// A grant and a component's file stand in a configuration by their whole paths.
fn absolute(file: &Path) -> String {
    let whole = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    whole.display().to_string()
}

/// Values as on a command line, by section and option.
struct Values(BTreeMap<(String, String), (String, String)>);

impl Values {
    /// A site that is none, with this messenger.
    fn new(messengers: &str, folder: &Path) -> Self {
        let mut values = Self(BTreeMap::new());
        let below = |name: &str| folder.join(name).display().to_string();
        for (option, value) in [
            ("site_name", "TRIAL".to_owned()),
            ("service_name", "TRIAL-CLOUD".to_owned()),
            ("messengers", messengers.to_owned()),
            ("spooldir", below("spool")),
            ("cache_dir", below("cache")),
        ] {
            values.put("DEFAULT", option, &value);
        }
        values
    }

    /// The options of a component, in its own section, and what bounds it, in the host's.
    fn used(&mut self, used: Used<'_>, host: &str, own: &str) {
        for (option, value) in used.set {
            let own = own.to_lowercase();
            self.insert(&own, option, value, format!("--set {option}=…"));
        }
        for (option, value) in used.bounds {
            self.insert(host, option, value, format!("--{option}"));
        }
    }

    fn put(&mut self, section: &str, option: &str, value: &str) {
        self.insert(section, option, value, "caso component".to_owned());
    }

    fn insert(&mut self, section: &str, option: &str, value: &str, flag: String) {
        let name = (section.to_owned(), option.to_owned());
        self.0.insert(name, (conf::dollars(value), flag));
    }

    fn load(self, folder: &Path) -> anyhow::Result<Config> {
        let command_line = CommandLine {
            values: self.0,
            ..CommandLine::default()
        };
        let inputs = Inputs::apart(command_line, folder, caso_builtin::messengers());
        Ok(caso_config::load(&inputs)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One that called itself `ssm` was to be `[messenger_ssm]`, and so in the place of ssm.
    #[test]
    fn no_component_is_named_like_one_of_the_program() {
        let file = Path::new("/x/mine.wasm");
        let program = caso_builtin::builtins().map(str::to_owned);
        for name in program.chain(["ssmv4".to_owned(), "keystone_auth".to_owned()]) {
            for messenger in [true, false] {
                assert_eq!(free(&name, file, messenger), format!("my_{name}"));
            }
        }
        assert_eq!(free("mine", file, true), "mine");
        assert_eq!(free("mine", file, false), "mine");
    }
}
