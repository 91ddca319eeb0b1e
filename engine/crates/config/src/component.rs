//! A component's options: described by the component, set by the site, parsed
//! and checked here before the component runs.
//!
//! A component cannot read what is not its own, and what it describes it is handed.
//! So one of the site's describes options of its own section and nothing else: a
//! list of what it must not read would never be complete, since what stands in a
//! file belongs to somebody whether or not anybody reads it today. Those that came
//! with the engine may know the sections of cASO's that their options stood in, but
//! for the engine's and those of others. Defaults are not substituted.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::error::{At, Collector, ConfigError, ConfigErrors};
use super::ini::normalize_section;
use super::option_places::OptionPlaces;
use super::origin::Origin;
use super::remarks;
use super::resolve::{Resolver, Slot};
use super::sources::Name;
use super::table::{self, components};
use super::text::{listed, once_each};
use super::types::{ComponentInstance, Config, RecordTypes};
use super::value::{self, Kind};
use caso_base::suggest::did_you_mean;
use caso_model::component::{Description, OptionDescription, OptionKind, OptionValue, Setting};
use caso_model::notice::Notice;
use caso_model::record_type::RecordType;
use caso_model::secret::{MASK, SHORTEST_SECRET, Secret};

/// A component's options with the values in force. `Debug` masks the secret
/// ones.
#[derive(Clone, Default, PartialEq)]
pub struct ComponentSettings {
    /// In the order of the description; those without value absent.
    pub settings: Vec<Setting>,
    /// Names of those whose values nobody may see.
    pub secrets: Vec<String>,
    /// Texts that nobody may see: what the site set of those, and secrets of the
    /// engine of which it made others. Never shown by `Debug`.
    pub hidden: Vec<String>,
    /// Where each came from.
    pub places: OptionPlaces,
    /// Former names in use, and options that mean nothing.
    pub warnings: Vec<Notice>,
}

impl fmt::Debug for ComponentSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.settings.iter().map(|setting| {
            let value = match self.secrets.contains(&setting.name) {
                true => MASK.to_owned(),
                false => format!("{:?}", setting.value),
            };
            (&setting.name, value)
        });
        f.debug_map().entries(shown).finish()
    }
}

/// Reads the options that a component describes.
///
/// # Errors
/// All that is wrong, together: values that do not fit, options that are missing,
/// and descriptions of options that are not the component's to read; with the remarks
/// on names that nobody knows.
pub fn component_settings(
    config: &Config,
    instance: &ComponentInstance,
    description: &Description,
) -> Result<ComponentSettings, ConfigErrors> {
    let mut errors = Collector::default();
    let mut out = ComponentSettings::default();
    let resolver = Resolver {
        component: Some((&instance.section, description)),
        ..Resolver::new(&config.sources)
    };
    for option in &description.options {
        let problem = refusal(config, instance, option).or_else(|| contradiction(option));
        if let Some(problem) = problem {
            errors.push(ConfigError::Component {
                component: description.name.clone(),
                what: problem,
            });
            continue;
        }
        let slot = slot(instance, option);
        let value = errors.take(read(&resolver, &slot, option)).flatten();
        let mut secret = option.is_secret();
        if let Some(Read {
            mut value,
            origin,
            of_a_secret,
        }) = value
        {
            secret |= of_a_secret;
            if origin != Origin::Default {
                out.hidden.extend(hidden(config, &value, secret));
            }
            if let (OptionKind::Path, OptionValue::Text(path)) = (&option.kind, &mut value)
                && let Some(absolute) = remarks::absolute(path)
            {
                // A grant has to name the place that it opens.
                let at = (slot.section(), slot.option());
                out.warnings
                    .push(remarks::relative(at, path, &absolute, &origin));
                *path = absolute;
            }
            out.settings.push(Setting {
                name: option.name.clone(),
                value,
            });
            let at = At::new(&origin, slot.section(), slot.option());
            out.places.0.insert(option.name.clone(), at);
        }
        if secret {
            out.secrets.push(option.name.clone());
        }
        let counts = resolver.set(&slot).map(|found| found.origin);
        former_names(config, &slot, counts.as_ref(), &mut out.warnings);
    }
    record_types(config, instance, description, &mut errors);
    let mut unknown = Vec::new();
    unknown_options(config, instance, description, &mut unknown);
    match errors.finish(Some(())) {
        Ok(()) => {
            out.warnings.extend(unknown);
            Ok(out)
        }
        Err(ConfigErrors(errors, _)) => Err(ConfigErrors(errors, unknown)),
    }
}

/// The option's section and name: its own, or its historic ones.
pub(super) fn full_name(instance: &ComponentInstance, name: &str) -> Name {
    match name.split_once('.') {
        Some((section, option)) => (normalize_section(section), option.to_owned()),
        None => (instance.section.clone(), name.to_owned()),
    }
}

/// Why the component may not have this option.
fn refusal(
    config: &Config,
    instance: &ComponentInstance,
    option: &OptionDescription,
) -> Option<String> {
    if instance.source.file().is_some() {
        return beyond_its_section(instance, option);
    }
    let (section, name) = full_name(instance, &option.name);
    let foreign = |section: &str| {
        let other = config
            .messengers
            .iter()
            .map(|messenger| &messenger.component);
        let other = other
            .chain([&config.mapper])
            .any(|other| other.section == section);
        let engines = table::is_engine_section(section)
            || config.keystone_sections.iter().any(|own| own == section);
        section != instance.section && (other || engines)
    };
    let lent = instance.section == components::MAPPER && table::is_lent(&section, &name);
    let host_key = section == components::MAPPER && table::find(&section, &name).is_some();
    if foreign(&section) && !lent || host_key {
        return Some(format!(
            "it describes an option `{}`, which is not a component's to read",
            option.name
        ));
    }
    let taken = |old: &&String| {
        let (section, name) = full_name(instance, old);
        // A former name may stand in [DEFAULT], where cASO had some, but only
        // where it is nobody else's.
        let engines = table::find(&section, &name).or_else(|| table::find_old(&section, &name));
        engines.is_some() || foreign(&section) && section != "DEFAULT"
    };
    let old = option.old_names.iter().find(taken)?;
    Some(format!(
        "it describes `{old}` as an old name of `{}`, which is not a component's to read",
        option.name
    ))
}

/// A component of the site has options in its own section, under names of its own
/// section.
fn beyond_its_section(instance: &ComponentInstance, option: &OptionDescription) -> Option<String> {
    let elsewhere = |name: &str| {
        let (section, option) = full_name(instance, name);
        section != instance.section
            || option.contains('.')
            // What the host is told about it stands beside its own in [mapper].
            || table::find(&section, &option).is_some()
    };
    let section = &instance.section;
    if option.name.contains('.') || elsewhere(&option.name) {
        return Some(format!(
            "it describes an option `{}`, which is not a component's to read: a component of a \
             site's own has options in [{section}] alone, without a dot in their names",
            option.name
        ));
    }
    let old = option.old_names.iter().find(|old| elsewhere(old))?;
    Some(format!(
        "it describes `{old}` as an old name of `{}`, which is not a component's to read: a \
         component of a site's own has options in [{section}] alone",
        option.name
    ))
}

/// What an option says of itself that cannot hold together. Nobody but the component's author can put it right, and a
/// site would look for it in its own files.
fn contradiction(option: &OptionDescription) -> Option<String> {
    let name = &option.name;
    let ours = "a mistake in the component, which its author must fix";
    let bounds = matches!(option.kind, OptionKind::Integer | OptionKind::Number);
    for attribute in option.attributes.iter().filter(|_| bounds) {
        let (bound, value) = (attribute.name.as_str(), attribute.value.as_str());
        let fits = match option.kind {
            OptionKind::Integer => value.parse::<i64>().is_ok(),
            _ => value.parse::<f64>().is_ok_and(f64::is_finite),
        };
        if matches!(bound, "minimum" | "maximum") && !fits {
            let what =
                format!("the {bound} of its option `{name}` is `{value}`, which is no such number");
            return Some(format!("{what}: {ours}"));
        }
    }
    let (least, greatest) = (bound::<f64>(option, "minimum"), bound(option, "maximum"));
    if bounds
        && let (Some(least), Some(greatest)) = (least, greatest)
        && least > greatest
    {
        return Some(format!(
            "its option `{name}` is to be at least {least} and at most {greatest}: {ours}"
        ));
    }
    let default = option.default.as_deref()?;
    let expected = parse(option, default).err()?;
    let shown = match option.is_secret() {
        true => MASK,
        false => default,
    };
    Some(format!(
        "the default of its option `{name}` is `{shown}`, where {expected} is expected: {ours}"
    ))
}

fn slot(instance: &ComponentInstance, option: &OptionDescription) -> Slot {
    let present = full_name(instance, &option.name);
    let described = option.old_names.iter().map(|old| full_name(instance, old));
    let full = format!("{}.{}", present.0, present.1);
    let former = components::FORMER
        .iter()
        .filter(|(_, new)| *new == full)
        .filter_map(|(old, _)| old.split_once('.'))
        .map(|(section, name)| (section.to_owned(), name.to_owned()));
    let mut names = vec![present];
    for name in described.chain(former) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let secret = option.is_secret();
    let mut slot = Slot::foreign(names, option.default.clone(), secret);
    slot.kind = Some(Kind::from(&option.kind));
    slot.implied = instance
        .implied
        .iter()
        .find(|(name, _)| *name == option.name)
        .map(|(_, value)| (instance.name.clone(), value.clone()));
    slot
}

/// What an option comes to.
struct Read {
    value: OptionValue,
    origin: Origin,
    /// Whether it refers to a secret.
    of_a_secret: bool,
}

/// What of a value nobody may see.
fn hidden(config: &Config, value: &OptionValue, secret: bool) -> Vec<String> {
    let texts = match value {
        OptionValue::Text(text) => vec![text.clone()],
        OptionValue::Texts(texts) => texts.clone(),
        OptionValue::Integer(number) => vec![number.to_string()],
        OptionValue::Number(number) => vec![number.to_string()],
        OptionValue::DurationMilliseconds(number) | OptionValue::SizeBytes(number) => {
            vec![number.to_string()]
        }
        OptionValue::Boolean(_) => Vec::new(),
    };
    let mut hidden: Vec<String> = config
        .secrets
        .iter()
        .map(Secret::expose)
        // Shorter ones stand in every other word.
        .filter(|known| known.chars().count() >= SHORTEST_SECRET)
        .filter(|known| texts.iter().any(|text| text.contains(known)))
        .map(str::to_owned)
        .collect();
    if secret {
        hidden.extend(texts);
    }
    hidden
}

fn read(
    resolver: &Resolver<'_>,
    slot: &Slot,
    option: &OptionDescription,
) -> Result<Option<Read>, ConfigError> {
    let missing = || ConfigError::Missing {
        section: slot.section().to_owned(),
        option: slot.option().to_owned(),
        why: option.help.clone(),
    };
    let parse = |text: &str| parse(option, text);
    let Some(resolved) = resolver.resolve(slot)? else {
        return if option.required {
            Err(missing())
        } else {
            Ok(None)
        };
    };
    let value = parse(&resolved.text).map_err(|expected| {
        let near = match &option.kind {
            OptionKind::Choice(words) => {
                let words: Vec<String> = words.iter().map(|word| value::offered(word)).collect();
                did_you_mean(&resolved.text, words.iter().map(String::as_str))
            }
            _ => None,
        };
        slot.bad_value(&resolved, expected, near)
    })?;
    if let Some(value) = value {
        let empty = value == OptionValue::Text(String::new());
        return if option.required && empty {
            Err(missing())
        } else {
            Ok(Some(Read {
                value,
                origin: resolved.origin,
                of_a_secret: resolved.secret,
            }))
        };
    }
    // Empty, where that means nothing: the default holds.
    match option
        .default
        .as_deref()
        .and_then(|text| parse(text).ok().flatten())
    {
        Some(value) => Ok(Some(Read {
            value,
            origin: Origin::Default,
            of_a_secret: false,
        })),
        None if option.required => Err(missing()),
        None => Ok(None),
    }
}

/// A text as a value of the option's kind; `None` for an empty text that is no
/// such value.
fn parse(option: &OptionDescription, text: &str) -> Result<Option<OptionValue>, String> {
    let given = |parsed: Result<String, String>| match text {
        "" => Ok(None),
        _ => parsed.map(|text| Some(OptionValue::Text(text))),
    };
    Ok(match &option.kind {
        OptionKind::Text | OptionKind::Other(_) => Some(OptionValue::Text(text.to_owned())),
        OptionKind::Secret | OptionKind::Path => given(Ok(text.to_owned()))?,
        OptionKind::Url => given(value::url(text).map(|_| text.to_owned()))?,
        OptionKind::Endpoint => given(value::endpoint(text).map(|_| text.to_owned()))?,
        OptionKind::Choice(words) => given(value::choice(text, words))?,
        OptionKind::Boolean => Some(OptionValue::Boolean(value::boolean(text)?)),
        OptionKind::Texts => Some(OptionValue::Texts(value::texts(text))),
        OptionKind::Integer => {
            let (least, greatest) = (bound(option, "minimum"), bound(option, "maximum"));
            let (least, greatest) = (least.unwrap_or(i64::MIN), greatest.unwrap_or(i64::MAX));
            value::integer(text, least, greatest)?.map(OptionValue::Integer)
        }
        OptionKind::Number => {
            let (least, greatest) = (bound(option, "minimum"), bound(option, "maximum"));
            let least = least.unwrap_or(f64::NEG_INFINITY);
            value::number(text, least, greatest.unwrap_or(f64::INFINITY))?.map(OptionValue::Number)
        }
        OptionKind::Duration => {
            let span = value::duration(text, Duration::ZERO, Duration::MAX)?;
            let span = span.and_then(|span| u64::try_from(span.as_millis()).ok());
            span.map(OptionValue::DurationMilliseconds)
        }
        OptionKind::Size => value::size(text, 0)?.map(OptionValue::SizeBytes),
    })
}

/// `minimum` or `maximum`, where it is a number.
fn bound<T: FromStr>(option: &OptionDescription, name: &str) -> Option<T> {
    let mut attributes = option.attributes.iter();
    let bound = attributes.find(|attribute| attribute.name == name)?;
    bound.value.parse().ok()
}

fn former_names(config: &Config, slot: &Slot, counts: Option<&Origin>, warnings: &mut Vec<Notice>) {
    let former = slot.names.get(1..).unwrap_or_default();
    for (assignment, origin) in config.sources.assignments() {
        let at =
            |(section, name): &&Name| *section == assignment.section && *name == assignment.key;
        if let Some((section, name)) = former.iter().find(at) {
            warnings.push(remarks::old_name(
                (section, name),
                (slot.section(), slot.option()),
                &origin,
                counts,
            ));
        }
    }
}

/// Names in `record_types` that are neither the contract's nor the component's.
fn record_types(
    config: &Config,
    instance: &ComponentInstance,
    description: &Description,
    errors: &mut Collector,
) {
    let messenger = config
        .messengers
        .iter()
        .find(|messenger| messenger.name() == instance.name);
    let Some(RecordTypes::These { names, origin }) =
        messenger.map(|messenger| &messenger.record_types)
    else {
        return;
    };
    let described = || description.record_types.iter().map(String::as_str);
    let known = || RecordType::names().chain(described());
    for name in names {
        if !known().any(|known| known == name) {
            let names = once_each(known().map(str::to_owned).collect());
            errors.push(ConfigError::Value {
                at: At::new(
                    origin,
                    &format!("messenger_{}", instance.name),
                    "record_types",
                ),
                value: name.clone(),
                expected: format!("one of {}", listed(names)),
                near: did_you_mean(name, known()),
            });
        }
    }
}

/// Options in the component's sections that it does not describe.
fn unknown_options(
    config: &Config,
    instance: &ComponentInstance,
    description: &Description,
    warnings: &mut Vec<Notice>,
) {
    let mut known: Vec<Name> = Vec::new();
    for option in &description.options {
        known.push(full_name(instance, &option.name));
        known.extend(option.old_names.iter().map(|old| full_name(instance, old)));
    }
    known.extend(
        table::rows()
            .filter(|row| row.section == instance.section)
            .map(|row| (row.section.to_owned(), row.name.to_owned())),
    );
    let own = |section: &str| {
        section == instance.section
            || !table::is_engine_section(section) && known.iter().any(|(known, _)| known == section)
    };
    for (assignment, origin) in config.sources.assignments() {
        let (section, key) = (&assignment.section, &assignment.key);
        if own(section) && !known.iter().any(|(s, k)| s == section && k == key) {
            // A section of cASO's of which the component knows but a part.
            if *section != instance.section
                && let Some(why) = components::why_ignored(section)
            {
                warnings.push(remarks::no_effect(section, key, &origin, why));
                continue;
            }
            let names = known
                .iter()
                .filter(|(s, _)| s == section)
                .map(|(_, name)| name.as_str());
            let place = (section.as_str(), instance.host_section.as_str());
            warnings.push(remarks::unknown_or_misplaced(place, key, &origin, names));
        }
    }
}
