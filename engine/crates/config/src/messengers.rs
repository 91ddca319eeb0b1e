//! `messengers`: names, as six versions of cASO wrote them, to instances.

use std::path::PathBuf;

mod filters;
pub(super) mod names;

use self::names::{Former, V2, bad_name, former_section, given_less, present_name};
use super::error::{At, ConfigError};
use super::ini::normalize_section;
use super::origin::Origin;
use super::reader::Reader;
use super::remarks;
use super::resolve::Slot;
use super::table::{Entry, Row, components as rows, general};
use super::text::listed;
use super::types::{
    ComponentInstance, ComponentSource, Grant, Limits, MessengerInstance, RecordTypes,
};
use super::value::{Sha256, Value};
use caso_base::Message;
use caso_base::suggest::did_you_mean;
use caso_model::notice::Notice;

/// Who gets records.
#[derive(Default)]
pub(super) struct Messengers {
    pub instances: Vec<MessengerInstance>,
    /// All that the list names, also those that cannot be read.
    pub named: Vec<String>,
}

/// Reads them in the order of the list, each once.
pub(super) fn read(reader: &mut Reader<'_>, warnings: &mut Vec<Notice>) -> Messengers {
    let list = Slot::of(&general::MESSENGERS);
    let Some((names, place)) = reader.find(&general::MESSENGERS, &list) else {
        return Messengers::default();
    };
    if place == Origin::Default {
        let row = &general::MESSENGERS;
        let harm = "all records are thrown away";
        remarks::refuse_misspelt(reader, row.section, row.name, harm);
    }
    let mut instances: Vec<MessengerInstance> = Vec::new();
    let mut named = Vec::new();
    for written in names {
        let name = present_name(&written, &place, warnings);
        named.push(name.to_owned());
        if let Some(same) = instances
            .iter()
            .find(|known| known.name().eq_ignore_ascii_case(name))
        {
            if same.name() == name {
                let text = format!(
                    "{place}: `{written}` in `messengers` is `{name}` again, and is used once"
                );
                warnings.push(Notice::warning(
                    format!("repeated-messenger:{written}"),
                    text,
                ));
            } else {
                refuse(
                    reader,
                    &place,
                    format!(
                        "`{name}` and `{}` differ only in case, and so would share a section",
                        same.name()
                    ),
                );
            }
            continue;
        }
        let builtin = &reader.resolver.sources.builtin_messengers;
        if let Some(problem) = bad_name(name, builtin) {
            refuse(reader, &place, problem);
        } else if let Some(instance) = instance(reader, name, &place, warnings) {
            instances.push(instance);
        }
    }
    filters::apart(reader, &instances);
    Messengers { instances, named }
}

fn refuse(reader: &mut Reader<'_>, origin: &Origin, what: impl Into<Message>) {
    reader.errors.push(ConfigError::Refused {
        at: At::new(
            origin,
            general::MESSENGERS.section,
            general::MESSENGERS.name,
        ),
        what: what.into(),
    });
}

fn instance(
    reader: &mut Reader<'_>,
    name: &str,
    origin: &Origin,
    warnings: &mut Vec<Notice>,
) -> Option<MessengerInstance> {
    let host = Host::new(name);
    if host.refuse_in_a_former_section(reader) {
        return None;
    }
    let component = host.get(reader, &rows::MESSENGER_COMPONENT);
    let mut v2 = None;
    let source = match component {
        Some(text) if is_file(&text) => ComponentSource::File(PathBuf::from(text)),
        Some(text) => builtin(reader, &text, &host.slot(&rows::MESSENGER_COMPONENT))?,
        None if name == V2.name => {
            v2 = Some(&V2);
            ComponentSource::BuiltIn(V2.component.into())
        }
        None => own_name(reader, name, origin)?,
    };
    host.warn_of_former_section(reader, warnings);
    let types = host.slot(&rows::MESSENGER_RECORD_TYPES);
    let record_types = match reader.find(&rows::MESSENGER_RECORD_TYPES, &types) {
        Some((names, _)) if names.is_empty() => RecordTypes::All,
        Some((names, origin)) => RecordTypes::These { names, origin },
        None => {
            let fewer = match (&source, v2) {
                (_, Some(v2)) => Some(v2.record_types),
                (ComponentSource::BuiltIn(component), None) => given_less(component),
                (ComponentSource::File(_), None) => None,
            };
            fewer.map_or(RecordTypes::Described, |types| RecordTypes::These {
                names: types.iter().map(|name| (*name).to_owned()).collect(),
                origin: Origin::Default,
            })
        }
    };
    let grants = host.slot(&rows::MESSENGER_GRANTS);
    let (texts, place) = reader
        .find(&rows::MESSENGER_GRANTS, &grants)
        .unwrap_or((Vec::new(), Origin::Default));
    let resolved = reader.resolver.resolve(&grants);
    let secret = resolved.is_ok_and(|found| found.is_some_and(|found| found.secret));
    let grants = texts.into_iter().filter(|text| !text.is_empty());
    let grants = grants
        .map(|text| Grant {
            text,
            origin: place.clone(),
            secret,
        })
        .collect();
    let filters = filters::read(reader, &host.slot(&rows::MESSENGER_FILTERS));
    let limits = Limits {
        memory: host.get(reader, &rows::MESSENGER_MEMORY).0,
        timeout: host.get(reader, &rows::MESSENGER_TIMEOUT),
        deadline: host.get(reader, &rows::MESSENGER_DEADLINE),
        output: host.get(reader, &rows::MESSENGER_OUTPUT).0,
    };
    Some(MessengerInstance {
        component: ComponentInstance {
            name: name.to_owned(),
            source,
            host_section: host.section.clone(),
            section: normalize_section(v2.map_or(name, |v2| v2.component)),
            implied: v2.map(Former::implied).into_iter().collect(),
            sha256: host
                .get(reader, &rows::MESSENGER_SHA256)
                .map(|Sha256(hex)| hex),
            limits,
            origin: origin.clone(),
        },
        record_types,
        filters,
        grants,
    })
}

/// The mapper, with its host keys in `[mapper]`.
pub(super) fn mapper(reader: &mut Reader<'_>) -> ComponentInstance {
    let file = reader.find(&general::MAPPER, &Slot::of(&general::MAPPER));
    let (source, origin) = match file {
        Some((Some(file), origin)) => (ComponentSource::File(file), origin),
        _ => (
            ComponentSource::BuiltIn(rows::MAPPER.into()),
            Origin::Default,
        ),
    };
    ComponentInstance {
        name: rows::MAPPER.into(),
        source,
        host_section: rows::MAPPER.into(),
        section: rows::MAPPER.into(),
        implied: Vec::new(),
        sha256: reader.get(&rows::MAPPER_SHA256).map(|Sha256(hex)| hex),
        limits: Limits {
            memory: reader.get(&rows::MAPPER_MEMORY).0,
            timeout: reader.get(&rows::MAPPER_TIMEOUT),
            deadline: reader.get(&rows::MAPPER_DEADLINE),
            // It has no way to put anything anywhere.
            output: 0,
        },
        origin,
    }
}

/// The section of a messenger's host keys, and the one of its former name.
struct Host {
    section: String,
    former: Option<&'static str>,
}

impl Host {
    fn new(name: &str) -> Self {
        Self {
            section: format!("messenger_{}", name.to_lowercase()),
            former: former_section(name),
        }
    }

    fn get<T: Value + Default>(&self, reader: &mut Reader<'_>, row: &Row<T>) -> T {
        let found = reader.find(row, &self.slot(row));
        found.map(|(value, _)| value).unwrap_or_default()
    }

    fn slot(&self, row: &Entry) -> Slot {
        let mut slot = Slot::within(row, &self.section);
        slot.names.extend(
            self.former
                .map(|former| (former.to_owned(), row.name.to_owned())),
        );
        slot
    }

    /// Whether a component of the site's own stands in a section that belongs to one of the
    /// program's by a former name.
    fn refuse_in_a_former_section(&self, reader: &mut Reader<'_>) -> bool {
        let row = &rows::MESSENGER_COMPONENT;
        let sections = [Some(self.section.as_str()), self.former];
        for section in sections.into_iter().flatten() {
            let Some((old, present)) = names::former_of_section(section) else {
                continue;
            };
            if let Some((Some(file), origin)) = reader.find(row, &Slot::within(row, section))
                && is_file(&file)
            {
                let what = (
                    format!(
                        "`{old}` is an old name of the built-in `{present}`, whose place \
                         `{file}` would take"
                    ),
                    "choose another name for a component of your own, here and in `messengers`",
                );
                reader.errors.push(ConfigError::Refused {
                    at: At::new(&origin, section, row.name),
                    what: what.into(),
                });
                return true;
            }
        }
        false
    }

    fn warn_of_former_section(&self, reader: &Reader<'_>, warnings: &mut Vec<Notice>) {
        let Some(former) = self.former else { return };
        for (section, origin) in reader.resolver.sources.sections() {
            if section == former {
                let text = (
                    format!("{origin}: [{former}] is an old name"),
                    format!("it works, but write [{}]", self.section),
                );
                warnings.push(Notice::warning(format!("old-section:{former}"), text));
            }
        }
    }
}

fn is_file(text: &str) -> bool {
    text.contains('/') || text.ends_with(".wasm")
}

/// `component = NAME`.
fn builtin(reader: &mut Reader<'_>, name: &str, slot: &Slot) -> Option<ComponentSource> {
    let known = &reader.resolver.sources.builtin_messengers;
    if known.iter().any(|known| known == name) {
        return Some(ComponentSource::BuiltIn(name.to_owned()));
    }
    let expected = format!("a file, or one of {}", listed(known));
    let near = did_you_mean(name, known.iter().map(String::as_str));
    if let Ok(Some(resolved)) = reader.resolver.resolve(slot) {
        reader
            .errors
            .push(slot.bad_value(&resolved, expected, near));
    }
    None
}

/// No `component`: the built-in one of the messenger's name.
fn own_name(reader: &mut Reader<'_>, name: &str, origin: &Origin) -> Option<ComponentSource> {
    let known = &reader.resolver.sources.builtin_messengers;
    if known.iter().any(|known| known == name) {
        return Some(ComponentSource::BuiltIn(name.to_owned()));
    }
    let what = format!(
        "no messenger `{name}` is built in (there are {})",
        listed(known)
    );
    let host = format!("messenger_{}", name.to_lowercase());
    let option = rows::MESSENGER_COMPONENT.name;
    let misspelt = remarks::almost(reader.resolver.sources, &host, option);
    let hint = match misspelt.first() {
        Some((written, place)) => {
            format!("{place}: `[{host}] {written}` is not an option; did you mean `{option}`?")
        }
        None => near_or_own(
            name,
            known.iter().map(String::as_str),
            &format!("messenger_{name}"),
        ),
    };
    refuse(reader, origin, (what, hint));
    None
}

/// What to do about a name that is not built in: the nearest that is, and a component of the
/// site's own, whose file its host section names.
fn near_or_own<'n>(name: &str, known: impl IntoIterator<Item = &'n str>, host: &str) -> String {
    let own = format!("for a component of your own write `component = /its/file.wasm` in [{host}]");
    match did_you_mean(name, known) {
        Some(near) => format!("{near} {own}"),
        None => own,
    }
}

/// The sections that hold the host keys of a messenger that may be named: one
/// in use, a built-in one, or one of cASO's.
/// Those in use that could not be read are as good: what is wrong with them was said.
pub(super) fn host_sections(named: &[String], builtin: &[String]) -> Vec<String> {
    let known = named.iter().chain(builtin).map(String::as_str);
    let known = known.chain([names::V4, V2.name]);
    known
        .map(|name| format!("messenger_{}", name.to_lowercase()))
        .collect()
}

#[cfg(test)]
mod tests;
