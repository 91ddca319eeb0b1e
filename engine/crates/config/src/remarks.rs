//! What is odd in the files: former names, unknown names, options without
//! effect.

use std::collections::BTreeMap;
use std::path::Path;

use super::error::{At, ConfigError};
use super::form::Form;
use super::ini::Assignment;
use super::origin::Origin;
use super::reader::Reader;
use super::resolve::{Resolver, Slot};
use super::sources::{Sources, variable};
use super::table::{self, ceilometer, components, general, keystone, logging, prometheus};
use super::types::{CloudConfig, ComponentInstance, Config, MessengerInstance};
use super::value::Kind;
use caso_base::Message;
use caso_base::suggest::{did_you_mean, nearest};
use caso_model::component::Description;
use caso_model::notice::Notice;

/// A former name in use. `counts` is the place whose value the option has.
pub(super) fn old_name(
    old: (&str, &str),
    new: (&str, &str),
    origin: &Origin,
    counts: Option<&Origin>,
) -> Notice {
    let text = format!("{origin}: `[{}] {}` is an old name", old.0, old.1);
    let text = match counts.filter(|counts| *counts != origin) {
        None => (
            text,
            format!("it works, but write `{}` in [{}]", new.1, new.0),
        ),
        Some(counts) => (
            format!(
                "{text} and has no effect: `{}` in [{}] is set, too, and what counts is {counts}",
                new.1, new.0
            ),
            "remove the old one".to_owned(),
        ),
    };
    Notice::warning(format!("old-name:{}.{}", old.0, old.1), text)
}

/// A name that nobody knows.
pub(super) fn unknown_option<'a>(
    section: &str,
    name: &str,
    origin: &Origin,
    known: impl IntoIterator<Item = &'a str>,
) -> Notice {
    let text = format!("{origin}: `[{section}] {name}` is not an option and has no effect");
    let text = Message::from(text).hint(did_you_mean(name, known));
    Notice::warning(of_place("unknown", section, name, origin), text)
}

/// The same, which may be an option of another section; `host` is where the host is told about the component whose
/// section it is.
pub(super) fn unknown_or_misplaced<'a>(
    (section, host): (&str, &str),
    name: &str,
    origin: &Origin,
    known: impl IntoIterator<Item = &'a str>,
) -> Notice {
    let mut notice = unknown_option(section, name, origin, known);
    // In a section of an instance its component's own option is meant, which is not known yet.
    if notice.hint.is_none() && !table::is_of_an_instance(section) {
        notice.hint = of_the_engine(name, host);
    }
    notice
}

/// The section of the engine's that has this option, this one before all others.
pub(super) fn of_the_engine(name: &str, first: &str) -> Option<String> {
    let there = table::find(first, name).filter(|row| row.ignored.is_none());
    let row = table::rows().find(|row| row.name == name && row.ignored.is_none());
    let section = there.map(|_| first).or(row.map(|row| row.section))?;
    Some(format!("it belongs in [{section}]"))
}

/// Of most options that are misspelt, or stand in another section, a warning is enough. Where it is this one, its
/// default would do harm.
pub(super) fn refuse_misspelt(reader: &mut Reader<'_>, section: &str, option: &str, harm: &str) {
    for (written, origin) in almost(reader.resolver.sources, section, option) {
        let what = (
            format!("is not an option, and without `{option}` {harm}"),
            format!("did you mean `{option}`?"),
        );
        reader.errors.push(ConfigError::Refused {
            at: At::new(&origin, section, &written),
            what: Message::from(what),
        });
    }
    let sources = reader.resolver.sources;
    for (assignment, origin) in sources.assignments() {
        let elsewhere = assignment.section.as_str();
        // What a component of the site's calls so is its own matter.
        let nobodys = elsewhere != section
            && assignment.key == option
            && (table::is_reserved_section(elsewhere)
                || sources
                    .builtin_messengers
                    .iter()
                    .any(|own| own == elsewhere))
            && table::find(elsewhere, option).is_none();
        if nobodys {
            let what = (
                format!("is not an option there, and without `{option}` in [{section}] {harm}"),
                format!("it belongs in [{section}]"),
            );
            reader.errors.push(ConfigError::Refused {
                at: At::new(&origin, elsewhere, option),
                what: Message::from(what),
            });
        }
    }
}

/// What is set in a section by names that nobody knows, and by which this option was probably meant.
pub(super) fn almost(sources: &Sources, section: &str, option: &str) -> Vec<(String, Origin)> {
    let is_meant = |name: &str| {
        table::find(section, name).is_none()
            && table::find_old(section, name).is_none()
            && nearest(name, names_of(section)) == Some(option)
    };
    let in_files = sources.assignments().filter_map(|(assignment, origin)| {
        let here = assignment.section == section && is_meant(&assignment.key);
        here.then(|| (assignment.key.clone(), origin))
    });
    let in_variables = sources.environment.keys().filter_map(|key| {
        let name = key.strip_prefix(&variable(section, ""))?.to_lowercase();
        is_meant(&name).then(|| (name, Origin::Environment(key.clone())))
    });
    in_files.chain(in_variables).collect()
}

impl Config {
    /// Remarks on names in its files that nobody knows, to stand beside what is missing.
    pub fn unknown_names(&self) -> Vec<Notice> {
        let unknown = |notice: &&Notice| notice.key.starts_with("unknown");
        let mut all: Vec<Notice> = self.warnings.iter().filter(unknown).cloned().collect();
        // A section may be a component's that is not described yet, but for one that is nearly the engine's.
        let sections = unknown_sections(self, &[]);
        all.extend(sections.into_iter().filter(|notice| notice.hint.is_some()));
        all
    }
}

/// Nothing is set there: a heading that came with a sample file means nothing.
fn is_bare(sources: &Sources, section: &str) -> bool {
    let mut assignments = sources.assignments();
    !assignments.any(|(assignment, _)| assignment.section == section)
}

/// The key of a matter of one option. A variable or a flag that sets it is
/// another matter than a file: it is to be changed in another place. A file's line
/// is left out, as it moves.
fn of_place(what: &str, section: &str, name: &str, origin: &Origin) -> String {
    let option = format!("{what}:{section}.{name}");
    match origin {
        Origin::Environment(place) | Origin::CommandLine(place) => format!("{option}:{place}"),
        Origin::Default | Origin::Implied(_) | Origin::File { .. } => option,
    }
}

pub(super) fn no_effect(section: &str, name: &str, origin: &Origin, why: &str) -> Notice {
    let text = format!("{origin}: `[{section}] {name}` has no effect: {why}");
    let key = of_place("ignored", section, name, origin);
    Notice::warning(key, text)
}

/// The absolute path that a relative one in a file means now.
pub(super) fn absolute(path: &str) -> Option<String> {
    let path = Path::new(path);
    if path.is_absolute() || path.as_os_str().is_empty() {
        return None;
    }
    let absolute = std::path::absolute(path).ok()?;
    Some(absolute.to_string_lossy().into_owned())
}

/// A path that depends on where cASO is started: cron starts it elsewhere than a
/// person does.
pub(super) fn relative(at: (&str, &str), path: &str, absolute: &str, origin: &Origin) -> Notice {
    let (section, name) = at;
    let way_out = match path.starts_with("~/") {
        true => "write the full path: it is the shell that knows what `~` is",
        false => "write the full path",
    };
    let text = (
        format!(
            "{origin}: `[{section}] {name}` is `{path}`, which depends on the folder that cASO is started in: now \
             it is `{absolute}`"
        ),
        way_out,
    );
    Notice::warning(of_place("relative", section, name, origin), text)
}

/// What looks like a comment behind a value, and is part of it: oslo's files have comments on
/// lines of their own. The value is not shown: it may be a password.
fn comment_behind(assignment: &Assignment, origin: &Origin) -> Option<Notice> {
    let (section, name) = (assignment.section.as_str(), assignment.key.as_str());
    let mark = [" #", "\t#"]
        .iter()
        .find_map(|mark| assignment.value.find(*mark));
    mark.filter(|_| assignment.form == Form::Ini)?;
    let text = (
        format!(
            "{origin}: `[{section}] {name}` holds ` #` and all that follows: a comment needs a line of its own"
        ),
        "move it there, unless it is part of the value",
    );
    Some(Notice::warning(
        of_place("comment-behind", section, name, origin),
        text,
    ))
}

/// A variable counts before the files, and so does one that is set to nothing: an option that stands
/// there in the file is then said not to be set.
fn hidden_by_nothing(
    environment: &BTreeMap<String, String>,
    assignment: &Assignment,
    origin: &Origin,
) -> Option<Notice> {
    let (section, name) = (assignment.section.as_str(), assignment.key.as_str());
    let key = variable(section, name);
    let is_empty = environment.get(&key).is_some_and(String::is_empty);
    if assignment.value.is_empty() || !is_empty {
        return None;
    }
    let place = Origin::Environment(key.clone());
    let text = (
        format!("{place} is empty, and overrides `[{section}] {name}` of {origin}"),
        format!("unset {key}"),
    );
    Some(Notice::warning(format!("empty-variable:{key}"), text))
}

/// The sections that a configuration may have, as far as they are known before
/// any component is.
pub(super) struct Known<'a> {
    /// Those with keystoneauth's options.
    pub keystone: &'a [String],
    /// Those with host keys of messengers.
    pub hosts: &'a [String],
    pub clouds: &'a [CloudConfig],
    pub messengers: &'a [MessengerInstance],
}

/// Remarks on the sections that are the engine's. Those of components are
/// remarked on when their descriptions are known.
pub(super) fn read(sources: &Sources, known: Known<'_>, warnings: &mut Vec<Notice>) {
    let Known {
        keystone: keystone_sections,
        hosts,
        clouds,
        messengers,
    } = known;
    for (assignment, origin) in sources.assignments() {
        let (section, name) = (assignment.section.as_str(), assignment.key.as_str());
        // Options of other keystone sections go by the names of [keystone_auth].
        let as_section = if keystone_sections.iter().any(|own| own == section) {
            keystone::AUTH_TYPE.section
        } else {
            section
        };
        warnings.extend(comment_behind(assignment, &origin));
        warnings.extend(hidden_by_nothing(&sources.environment, assignment, &origin));
        if let Some(row) = table::find(as_section, name) {
            if let Some(why) = row.ignored {
                warnings.push(no_effect(section, name, &origin, why));
            }
            // `log_file` is a name below `log_dir`, and `$name` is read elsewhere. On a
            // command line a relative path is what it is in any program.
            if row.kind == Kind::Path
                && row.ignored.is_none()
                && row.name != logging::LOG_FILE.name
                && !assignment.value.starts_with('$')
                && !matches!(origin, Origin::CommandLine(_))
                && let Some(absolute) = absolute(&assignment.value)
            {
                let at = (section, name);
                warnings.push(relative(at, &assignment.value, &absolute, &origin));
            }
            if [general::EXTRACT_FROM.name, general::EXTRACT_TO.name].contains(&row.name)
                && !assignment.value.is_empty()
            {
                let text = format!(
                    "{origin}: `{name}` in a file applies to every run, so each extracts the same time again"
                );
                warnings.push(Notice::warning(format!("fixed-window:{name}"), text));
            }
        } else if let Some(row) = table::find_old(as_section, name) {
            let own = row.per_cloud && table::clouds::is_section(section);
            let new_section = if own || row.section == as_section {
                section
            } else {
                row.section
            };
            let found = Resolver::new(sources).set(&Slot::within(row, new_section));
            warnings.push(old_name(
                (section, name),
                (new_section, row.name),
                &origin,
                found.as_ref().map(|found| &found.origin),
            ));
        } else if is_checked(as_section)
            && components::former(section, name).is_none()
            && !table::is_lent(section, name)
        {
            let known = names_of(as_section);
            warnings.push(unknown_or_misplaced(
                (section, section),
                name,
                &origin,
                known,
            ));
        }
    }
    for (section, origin) in sources.sections() {
        if section.starts_with("messenger_")
            && !hosts.iter().any(|known| known == section)
            && !(components::is_of_the_sample(section) && is_bare(sources, section))
        {
            let name = section.trim_start_matches("messenger_");
            let known = messengers.iter().map(MessengerInstance::name);
            let known = known.chain(sources.builtin_messengers.iter().map(String::as_str));
            let text = format!("{origin}: [{section}] has no effect: `messengers` has no `{name}`");
            let text = Message::from(text).hint(did_you_mean(name, known));
            warnings.push(Notice::warning(format!("unknown-section:{section}"), text));
        }
    }
    filter_sections(sources, messengers, warnings);
    cloud_sections(sources, clouds, warnings);
    let hosts = messengers
        .iter()
        .map(|messenger| format!("messenger_{}", messenger.name().to_lowercase()));
    let own = clouds
        .iter()
        .map(|cloud| cloud.section.clone())
        .filter(|section| table::clouds::is_section(section));
    let sections: Vec<String> = hosts.chain(own).collect();
    flags_and_variables(sources, keystone_sections, &sections, warnings);
    warnings.sort();
    warnings.dedup();
}

/// Sections of filters that no messenger names.
fn filter_sections(
    sources: &Sources,
    messengers: &[MessengerInstance],
    warnings: &mut Vec<Notice>,
) {
    let used: Vec<String> = messengers
        .iter()
        .flat_map(|messenger| &messenger.filters)
        .map(|filter| filter.name.to_lowercase())
        .collect();
    for (section, origin) in sources.sections() {
        if let Some(name) = section.strip_prefix("filter_")
            && used.iter().all(|used| used != name)
            && !components::BUILTIN_FILTERS.contains(&name)
        {
            let text = format!(
                "{origin}: [{section}] has no effect: no messenger has `{name}` among its `filters`"
            );
            let near = did_you_mean(name, used.iter().map(String::as_str));
            let text = Message::from(text).hint(near);
            warnings.push(Notice::warning(format!("unknown-section:{section}"), text));
        }
    }
}

/// Sections of clouds that `clouds` does not name.
fn cloud_sections(sources: &Sources, clouds: &[CloudConfig], warnings: &mut Vec<Notice>) {
    for (section, origin) in sources.sections() {
        let Some(name) = table::clouds::name_of(section) else {
            continue;
        };
        if clouds.iter().all(|cloud| cloud.section != section) {
            let known = clouds.iter().map(|cloud| cloud.name.as_str());
            let text = format!("{origin}: [{section}] has no effect: `clouds` has no `{name}`");
            let text = Message::from(text).hint(did_you_mean(name, known));
            warnings.push(Notice::warning(format!("unknown-section:{section}"), text));
        }
    }
}

/// [mapper] is the mapper's too, and so is left to `component_settings`.
fn is_checked(section: &str) -> bool {
    table::is_engine_section(section) && section != components::MAPPER
}

fn names_of(section: &str) -> impl Iterator<Item = &'static str> {
    table::rows()
        .filter(move |row| table::in_section(row, section) && row.ignored.is_none())
        .map(|row| row.name)
        .chain(table::old_names_in(section))
        .chain(components::former_names_in(section))
}

/// Flags without effect, and variables that name no option.
fn flags_and_variables(
    sources: &Sources,
    keystone_sections: &[String],
    sections: &[String],
    warnings: &mut Vec<Notice>,
) {
    for ((section, name), (_, flag)) in &sources.command_line {
        if let Some(why) = table::find(section, name).and_then(|row| row.ignored) {
            warnings.push(no_effect(
                section,
                name,
                &Origin::CommandLine(flag.clone()),
                why,
            ));
        }
    }
    let mut own: Vec<(String, &str)> = keystone_sections
        .iter()
        .map(|section| (section.clone(), keystone::AUTH_TYPE.section))
        .collect();
    let default = general::CLOUDS.section;
    own.push((default.to_owned(), default));
    for section in sections {
        own.push((section.clone(), section));
    }
    for key in sources.environment.keys() {
        // The longest section counts: one may begin with another's name.
        let named = own
            .iter()
            .filter_map(|(section, rows)| {
                let name = key.strip_prefix(&variable(section, ""))?;
                Some((section, *rows, name.to_lowercase()))
            })
            .max_by_key(|(section, _, _)| section.len());
        if let Some((section, rows, name)) = named {
            variable_of(section, rows, &name, key, warnings);
        }
    }
}

/// One variable. In [DEFAULT] it may be meant for any other program of
/// OpenStack, unless it is almost one of ours.
fn variable_of(section: &str, rows: &str, name: &str, key: &str, warnings: &mut Vec<Notice>) {
    let origin = Origin::Environment(key.to_owned());
    if let Some(row) = table::find(rows, name) {
        if let Some(why) = row.ignored.filter(|_| section != general::CLOUDS.section) {
            warnings.push(no_effect(section, name, &origin, why));
        }
        return;
    }
    if let Some(row) = table::find_old(rows, name) {
        let present = if row.section == rows {
            section
        } else {
            row.section
        };
        let text = (
            format!("{origin} has no effect: a former name counts in files only"),
            format!("set `{}`", variable(present, row.name)),
        );
        let key = of_place("unknown", section, name, &origin);
        warnings.push(Notice::warning(key, text));
    } else if section != general::CLOUDS.section || nearest(name, names_of(rows)).is_some() {
        warnings.push(unknown_option(section, name, &origin, names_of(rows)));
    }
}

/// Sections that belong to nobody, once all components in use are described.
pub fn unknown_sections(
    config: &Config,
    described: &[(&ComponentInstance, &Description)],
) -> Vec<Notice> {
    let mut known: Vec<&str> = vec![
        "DEFAULT",
        "extractor",
        "keystone_auth",
        prometheus::PROMETHEUS,
        ceilometer::CEILOMETER,
        components::MAPPER,
    ];
    for section in components::component_sections() {
        known.push(section);
    }
    known.extend(config.sources.builtin_messengers.iter().map(String::as_str));
    known.extend(components::BUILTIN_FILTERS);
    known.extend(
        config
            .messengers
            .iter()
            .map(|messenger| messenger.component.section.as_str()),
    );
    let filters = config.messengers.iter().flat_map(|one| &one.filters);
    known.extend(filters.map(|filter| filter.section.as_str()));
    known.extend(config.keystone_sections.iter().map(String::as_str));
    for (instance, description) in described {
        known.push(&instance.section);
        let sections = description
            .options
            .iter()
            .filter_map(|option| option.name.split_once('.'));
        known.extend(sections.map(|(section, _)| section));
    }
    let mut warnings = Vec::new();
    for (section, origin) in config.sources.sections() {
        if known.contains(&section)
            || table::is_of_an_instance(section)
            || table::clouds::is_section(section)
            || components::is_of_the_sample(section)
        {
            continue;
        }
        let text = match components::why_ignored(section) {
            Some(why) => format!("{origin}: [{section}] has no effect: {why}").into(),
            None if section == "default" => Message::from((
                format!("{origin}: [{section}] has no effect"),
                "write `[DEFAULT]` in capitals",
            )),
            None => Message::from(format!(
                "{origin}: [{section}] is unknown and has no effect"
            ))
            .hint(did_you_mean(section, known.iter().copied())),
        };
        warnings.push(Notice::warning(format!("unknown-section:{section}"), text));
    }
    warnings.sort();
    warnings.dedup();
    warnings
}
