//! `messengers`: names, as six versions of cASO wrote them, to instances.

use std::path::PathBuf;

pub(super) mod names;

use self::names::{V2, bad_name, present_name};
use super::error::{At, ConfigError};
use super::ini::normalize_section;
use super::origin::Origin;
use super::reader::Reader;
use super::resolve::Slot;
use super::table::{Row, components as rows, general};
use super::types::{
    ComponentInstance, ComponentSource, Grant, Limits, MessengerInstance, RecordTypes,
};
use super::value;
use caso_base::suggest::hint;
use caso_model::notice::Notice;

/// Reads them in the order of the list, each once.
pub(super) fn read(reader: &mut Reader<'_>, warnings: &mut Vec<Notice>) -> Vec<MessengerInstance> {
    let Some(list) = reader.resolved(&Slot::of(&general::MESSENGERS)) else {
        return Vec::new();
    };
    let mut instances: Vec<MessengerInstance> = Vec::new();
    for written in value::texts(&list.text) {
        let name = present_name(&written, &list.origin, warnings);
        if let Some(same) = instances
            .iter()
            .find(|known| known.name().eq_ignore_ascii_case(name))
        {
            if same.name() == name {
                let text = format!(
                    "{}: `{written}` in `messengers` is `{name}` once more; it is used once",
                    list.origin
                );
                warnings.push(Notice::warning(
                    format!("repeated-messenger:{written}"),
                    text,
                ));
            } else {
                refuse(
                    reader,
                    &list.origin,
                    format!(
                        "`{name}` and `{}` are told apart by case only, and so would share a section",
                        same.name()
                    ),
                );
            }
            continue;
        }
        if let Some(problem) = bad_name(name) {
            refuse(reader, &list.origin, problem);
        } else if let Some(instance) = instance(reader, name, &list.origin, warnings) {
            instances.push(instance);
        }
    }
    instances
}

fn refuse(reader: &mut Reader<'_>, origin: &Origin, what: String) {
    reader.errors.push(ConfigError::Refused {
        at: At::new(
            origin,
            general::MESSENGERS.section,
            general::MESSENGERS.name,
        ),
        what,
    });
}

fn instance(
    reader: &mut Reader<'_>,
    name: &str,
    origin: &Origin,
    warnings: &mut Vec<Notice>,
) -> Option<MessengerInstance> {
    let host = Host::new(name);
    let component = reader.text(&host.slot(&rows::MESSENGER_COMPONENT));
    let (source, implied_by) = match component {
        Some(text) if is_file(&text) => (ComponentSource::File(PathBuf::from(text)), None),
        Some(text) => (
            builtin(reader, &text, &host.slot(&rows::MESSENGER_COMPONENT))?,
            None,
        ),
        None if name == V2 => (ComponentSource::BuiltIn(rows::SSM.into()), Some(V2)),
        None => (own_name(reader, name, origin)?, None),
    };
    let implied = implied_by.map(|_| ("cloud_version".to_owned(), "0.2".to_owned()));
    host.warn_of_former_section(reader, warnings);
    let types = reader.resolved(&host.slot(&rows::MESSENGER_RECORD_TYPES));
    let record_types = match types {
        Some(found) => match value::texts(&found.text) {
            names if names.is_empty() => RecordTypes::All,
            names => RecordTypes::These {
                names,
                origin: found.origin,
            },
        },
        None => {
            let fewer = match (&source, implied_by) {
                (_, Some(_)) => Some(rows::SSM_V2_RECORD_TYPES),
                (ComponentSource::BuiltIn(component), None) => {
                    rows::default_record_types(component)
                }
                _ => None,
            };
            fewer.map_or(RecordTypes::Described, |types| RecordTypes::These {
                names: types.iter().map(|name| (*name).to_owned()).collect(),
                origin: Origin::Default,
            })
        }
    };
    let grants = reader
        .resolved(&host.slot(&rows::MESSENGER_GRANTS))
        .map_or_else(Vec::new, |found| {
            let grant = |text: String| Grant {
                text,
                origin: found.origin.clone(),
            };
            value::texts(&found.text)
                .into_iter()
                .filter(|text| !text.is_empty())
                .map(grant)
                .collect()
        });
    let limits = limits(
        reader,
        |row| host.slot(row),
        [
            &rows::MESSENGER_MEMORY,
            &rows::MESSENGER_TIMEOUT,
            &rows::MESSENGER_DEADLINE,
        ],
    );
    Some(MessengerInstance {
        component: ComponentInstance {
            name: name.to_owned(),
            source,
            section: normalize_section(if implied_by.is_some() {
                rows::SSM
            } else {
                name
            }),
            implied: implied.into_iter().collect(),
            sha256: sha256(reader, &host.slot(&rows::MESSENGER_SHA256)),
            limits,
            origin: origin.clone(),
        },
        record_types,
        grants,
    })
}

/// The mapper, with its host keys in `[mapper]`.
pub(super) fn mapper(reader: &mut Reader<'_>) -> ComponentInstance {
    let file = reader
        .resolved(&Slot::of(&general::MAPPER))
        .filter(|file| !file.text.is_empty());
    let (source, origin) = match file {
        Some(file) => (ComponentSource::File(PathBuf::from(file.text)), file.origin),
        None => (
            ComponentSource::BuiltIn(rows::MAPPER.into()),
            Origin::Default,
        ),
    };
    ComponentInstance {
        name: rows::MAPPER.into(),
        source,
        section: rows::MAPPER.into(),
        implied: Vec::new(),
        sha256: sha256(reader, &Slot::of(&rows::MAPPER_SHA256)),
        limits: limits(
            reader,
            Slot::of,
            [
                &rows::MAPPER_MEMORY,
                &rows::MAPPER_TIMEOUT,
                &rows::MAPPER_DEADLINE,
            ],
        ),
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
            former: (name == rows::SSM).then_some(rows::SSM_SECTIONS.0),
        }
    }

    fn slot(&self, row: &Row) -> Slot {
        let mut slot = Slot::within(row, &self.section);
        slot.names.extend(
            self.former
                .map(|former| (former.to_owned(), row.name.to_owned())),
        );
        slot
    }

    fn warn_of_former_section(&self, reader: &Reader<'_>, warnings: &mut Vec<Notice>) {
        let Some(former) = self.former else { return };
        for (section, origin) in reader.resolver.sources.sections() {
            if section == former {
                let text = format!(
                    "{origin}: [{former}] is an old name; it works, but write [{}]",
                    self.section
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
    let expected = format!(
        "a file, or one of {}{}",
        list(known),
        hint(name, known.iter().map(String::as_str))
    );
    if let Ok(Some(resolved)) = reader.resolver.resolve(slot) {
        reader.errors.push(slot.bad_value(&resolved, expected));
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
        "no messenger `{name}` is built in (there are {}){}; for a component of your own write `component = /its/file.wasm` in [messenger_{name}]",
        list(known),
        hint(name, known.iter().map(String::as_str)),
    );
    refuse(reader, origin, what);
    None
}

fn list(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

fn limits(reader: &mut Reader<'_>, slot: impl Fn(&Row) -> Slot, rows: [&'static Row; 3]) -> Limits {
    let [memory, timeout, deadline] = rows;
    Limits {
        memory: reader.size(&slot(memory), memory.kind),
        timeout: reader.duration(&slot(timeout), timeout.kind),
        deadline: reader.duration(&slot(deadline), deadline.kind),
    }
}

fn sha256(reader: &mut Reader<'_>, slot: &Slot) -> Option<String> {
    let parse = |text: &str| {
        let text = text.to_ascii_lowercase();
        match text.len() {
            0 => Ok(None),
            64 if text.bytes().all(|byte| byte.is_ascii_hexdigit()) => Ok(Some(text)),
            _ => Err("64 hex digits, as sha256sum prints them".to_owned()),
        }
    };
    reader.parsed(slot, parse).map(|(digest, _)| digest)
}

/// Whether a section belongs to the host keys of a messenger that may be
/// named: one in use, a built-in one, or one of cASO's.
pub(super) fn is_known_section(
    section: &str,
    instances: &[MessengerInstance],
    builtin: &[String],
) -> bool {
    let Some(name) = section.strip_prefix("messenger_") else {
        return false;
    };
    instances
        .iter()
        .any(|instance| instance.name().eq_ignore_ascii_case(name))
        || builtin.iter().any(|known| known == name)
        || ["ssmv4", V2].contains(&name)
}

#[cfg(test)]
mod tests;
