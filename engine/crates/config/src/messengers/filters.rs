//! `filters`: names to instances of components.

use std::path::PathBuf;

use super::{is_file, near_or_own};
use crate::error::{At, ConfigError};
use crate::ini::normalize_section;
use crate::origin::Origin;
use crate::reader::Reader;
use crate::remarks;
use crate::resolve::Slot;
use crate::table::{self, components as rows};
use crate::text::listed;
use crate::types::{ComponentInstance, ComponentSource, Limits, MessengerInstance};
use crate::value::Sha256;
use caso_base::Message;

/// The filters of a messenger, whose `filters` are in this slot.
pub fn read(reader: &mut Reader<'_>, slot: &Slot) -> Vec<ComponentInstance> {
    let option = rows::MESSENGER_FILTERS.name;
    let harm = "the messenger gets users' names and ids as they are";
    remarks::refuse_misspelt(reader, slot.section(), option, harm);
    let Some((names, origin)) = reader.find(&rows::MESSENGER_FILTERS, slot) else {
        return Vec::new();
    };
    let names = names.into_iter().filter(|name| !name.is_empty());
    names
        .filter_map(|name| match instance(reader, &name, &origin) {
            Ok(instance) => Some(instance),
            Err(what) => {
                reader.errors.push(ConfigError::Refused {
                    at: At::new(&origin, slot.section(), slot.option()),
                    what,
                });
                None
            }
        })
        .collect()
}

fn instance(
    reader: &mut Reader<'_>,
    name: &str,
    origin: &Origin,
) -> Result<ComponentInstance, Message> {
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let section = normalize_section(name);
    if !name.chars().all(safe) || name.starts_with('-') || name.len() > 64 {
        return Err(format!(
            "`{name}` cannot name a filter; expected at most 64 letters, digits, `_` and `-`"
        )
        .into());
    }
    if table::is_reserved_section(&section) {
        return Err(format!(
            "`{name}` cannot name a filter: the section [{section}] has another meaning"
        )
        .into());
    }
    let host = format!("filter_{}", name.to_lowercase());
    let component = Slot::within(&rows::FILTER_COMPONENT, &host);
    let component = reader.find(&rows::FILTER_COMPONENT, &component);
    let source = match component.and_then(|(text, _)| text) {
        Some(text) if is_file(&text) => ComponentSource::File(PathBuf::from(text)),
        Some(text) => builtin(&text, &host)?,
        None => builtin(name, &host)?,
    };
    let sha256 = reader.get_in(&rows::FILTER_SHA256, &host);
    Ok(ComponentInstance {
        name: name.to_owned(),
        source,
        host_section: host.clone(),
        section,
        implied: Vec::new(),
        sha256: sha256.map(|Sha256(hex)| hex),
        limits: Limits {
            memory: reader.get_in(&rows::FILTER_MEMORY, &host).0,
            timeout: reader.get_in(&rows::FILTER_TIMEOUT, &host),
            deadline: reader.get_in(&rows::FILTER_DEADLINE, &host),
            // It has no way to put anything anywhere.
            output: 0,
        },
        origin: origin.clone(),
    })
}

fn builtin(name: &str, host: &str) -> Result<ComponentSource, Message> {
    let known = rows::BUILTIN_FILTERS;
    if known.contains(&name) {
        return Ok(ComponentSource::BuiltIn(name.to_owned()));
    }
    let all: Vec<String> = known.iter().map(|known| (*known).to_owned()).collect();
    Err((
        format!("no filter `{name}` is built in (there is {})", listed(&all)),
        near_or_own(name, known.iter().copied(), host),
    )
        .into())
}

/// A filter and a messenger of one name would share a section.
pub fn apart(reader: &mut Reader<'_>, instances: &[MessengerInstance]) {
    for instance in instances {
        for filter in &instance.filters {
            let shares = instances
                .iter()
                .any(|messenger| messenger.component.section == filter.section);
            if shares {
                let what = format!("`{}` is a filter and a messenger", filter.name);
                let section = &instance.component.host_section;
                reader.errors.push(ConfigError::Refused {
                    at: At::new(&filter.origin, section, rows::MESSENGER_FILTERS.name),
                    what: (what, "give one another name").into(),
                });
            }
        }
    }
}
