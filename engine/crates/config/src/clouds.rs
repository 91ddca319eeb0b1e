//! `clouds`: which OpenStacks there are, and what each has of its own.
//!
//! Without `clouds` there is one, named `default`, and its options stand in
//! [DEFAULT] and [keystone_auth]. With it, each cloud's section goes before
//! [DEFAULT], option by option; how to log in is never shared by accident, so
//! each has a section of its own for that, or names one.

use super::error::{At, ConfigError};
use super::ini::normalize_section;
use super::keystone;
use super::origin::Origin;
use super::prometheus;
use super::reader::Reader;
use super::resolve::Slot;
use super::table::{Row, clouds as rows, general, keystone as keystone_rows};
use super::types::{CloudConfig, Interface};
use super::value;
use caso_base::suggest::hint;
use caso_model::extraction::Extractor;
use caso_model::notice::Notice;

/// The sections of one cloud.
struct Sections {
    name: String,
    own: String,
    keystone: String,
}

/// Reads them in the order of the list.
pub(super) fn read(reader: &mut Reader<'_>, warnings: &mut Vec<Notice>) -> Vec<CloudConfig> {
    // One for all of them: ids of servers are unique wherever they are.
    let power = prometheus::read(reader, warnings);
    let clouds: Vec<CloudConfig> = sections(reader)
        .into_iter()
        .map(|sections| CloudConfig {
            prometheus: power.clone(),
            ..cloud(reader, sections, warnings)
        })
        .collect();
    twice(&clouds, warnings);
    clouds
}

/// The sections that hold passwords, of all clouds. [keystone_auth] is one
/// whether or not a cloud uses it.
pub(super) fn keystone_sections(reader: &Reader<'_>, clouds: &[CloudConfig]) -> Vec<String> {
    let usual = keystone_rows::AUTH_TYPE.section;
    let mut sections = keystone::sections(&reader.resolver, usual);
    for cloud in clouds {
        sections.extend(keystone::sections(
            &reader.resolver,
            &cloud.keystone_section,
        ));
    }
    sections.sort();
    sections.dedup();
    sections
}

fn sections(reader: &mut Reader<'_>) -> Vec<Sections> {
    let slot = Slot::of(&general::CLOUDS);
    let listed = reader.resolved(&slot);
    let origin = listed
        .as_ref()
        .map_or(Origin::Default, |listed| listed.origin.clone());
    let names = listed.map_or_else(Vec::new, |listed| once_each(value::texts(&listed.text)));
    if names.is_empty() {
        return vec![Sections {
            name: rows::ONLY.to_owned(),
            own: general::CLOUDS.section.to_owned(),
            keystone: keystone_rows::AUTH_TYPE.section.to_owned(),
        }];
    }
    let mut out: Vec<Sections> = Vec::new();
    for name in names {
        let section = rows::section(&name);
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let problem = if !name.chars().all(plain) || name.starts_with('.') || name.len() > 64 {
            Some(format!(
                "`{name}` is no name for a cloud: it takes letters, digits, `_`, `-` and `.`, at most 64"
            ))
        } else {
            let same = out.iter().find(|known| known.own == section);
            same.map(|same| {
                format!(
                    "`{name}` and `{}` are told apart by case only, and so would share a section",
                    same.name
                )
            })
        };
        match problem {
            Some(what) => reader.errors.push(ConfigError::Refused {
                at: At::new(&origin, general::CLOUDS.section, general::CLOUDS.name),
                what,
            }),
            None => out.push(Sections {
                keystone: keystone_section(reader, &name, &section),
                own: section,
                name,
            }),
        }
    }
    out
}

fn keystone_section(reader: &mut Reader<'_>, name: &str, section: &str) -> String {
    let named = reader.text(&Slot::within(&rows::KEYSTONE, section));
    let usual = keystone_rows::AUTH_TYPE.section;
    let section = named.unwrap_or_else(|| match name {
        rows::ONLY => usual.to_owned(),
        _ => format!("{usual}_{name}"),
    });
    normalize_section(&section)
}

fn cloud(reader: &mut Reader<'_>, sections: Sections, warnings: &mut Vec<Notice>) -> CloudConfig {
    let slot = |row: &Row| Slot::within(row, &sections.own);
    let mapping = slot(&general::MAPPING_FILE);
    let site_name = reader.text(&slot(&general::SITE_NAME));
    CloudConfig {
        service_name: reader
            .text(&slot(&general::SERVICE_NAME))
            .or_else(|| site_name.clone()),
        site_name,
        cloud_type: required(
            reader,
            &slot(&general::CLOUD_TYPE),
            "a text such as `caso/5.2.2 (OpenStack)`",
        ),
        region_names: once_each(reader.texts(&slot(&general::REGION_NAME))),
        first_extract_from: reader.moment(&slot(&general::FIRST_EXTRACT_FROM)),
        interfaces: words(reader, &slot(&general::INTERFACE), &INTERFACES),
        extractors: instead_of_nova(
            words(
                reader,
                &slot(&general::EXTRACTOR),
                &Extractor::ALL.map(|one| (one.as_str(), one)),
            ),
            warnings,
        ),
        projects: once_each(reader.texts(&slot(&general::PROJECTS))),
        caso_tag: reader.text(&slot(&general::CASO_TAG)),
        vo_property: required(
            reader,
            &slot(&general::VO_PROPERTY),
            "the name of a property",
        ),
        mapping_file_set: reader.resolver.set(&mapping).is_some(),
        mapping_file: reader.path(&mapping).unwrap_or_default(),
        keystone_auth: keystone::read(reader, &sections.keystone, warnings),
        prometheus: None,
        keystone_section: sections.keystone,
        section: sections.own,
        name: sections.name,
    }
}

/// The extractors without `nova` where `ceilometer` is one of them: that one
/// tells the same servers, and of two records of a VM APEL keeps the last.
fn instead_of_nova(mut extractors: Vec<Extractor>, warnings: &mut Vec<Notice>) -> Vec<Extractor> {
    if extractors.contains(&Extractor::Ceilometer) && extractors.contains(&Extractor::Nova) {
        extractors.retain(|extractor| *extractor != Extractor::Nova);
        warnings.push(Notice::warning(
            "nova-and-ceilometer",
            "`extractor` has both `nova` and `ceilometer`: the latter tells the same servers with \
             their counters, so `nova` does not run; remove it to silence this",
        ));
    }
    extractors
}

/// Two clouds that log in alike and extract the same region would report each
/// project of it twice.
fn twice(clouds: &[CloudConfig], warnings: &mut Vec<Notice>) {
    for (index, one) in clouds.iter().enumerate() {
        for other in clouds.iter().skip(index + 1) {
            let same_regions = one.region_names.is_empty()
                || other.region_names.is_empty()
                || one
                    .region_names
                    .iter()
                    .any(|name| other.region_names.contains(name));
            if one.keystone_section == other.keystone_section && same_regions {
                let text = format!(
                    "the clouds `{}` and `{}` log in by [{}] and extract the same region: a project of both \
                     is reported twice; set `region_name` or `projects` and `caso_tag` of each",
                    one.name, other.name, one.keystone_section
                );
                let id = format!("clouds-alike:{}:{}", one.name, other.name);
                warnings.push(Notice::warning(id, text));
            }
        }
    }
}

/// Names in the catalog; keystoneauth takes the old `publicURL` as well.
const INTERFACES: [(&str, Interface); 6] = [
    ("public", Interface::Public),
    ("internal", Interface::Internal),
    ("admin", Interface::Admin),
    ("publicURL", Interface::Public),
    ("internalURL", Interface::Internal),
    ("adminURL", Interface::Admin),
];

/// A list of known words, each once; an empty list is the default.
fn words<T: Copy + PartialEq>(reader: &mut Reader<'_>, slot: &Slot, known: &[(&str, T)]) -> Vec<T> {
    let parse = |text: &str| {
        let mut out = Vec::new();
        for word in value::texts(text) {
            let found = known.iter().find(|(name, _)| *name == word);
            let Some((_, item)) = found else {
                let names: Vec<&str> = known
                    .iter()
                    .map(|(name, _)| *name)
                    .filter(|name| !name.ends_with("URL"))
                    .collect();
                let listed = names
                    .iter()
                    .map(|name| format!("`{name}`"))
                    .collect::<Vec<_>>()
                    .join(", ");
                return Err(format!("a list of {listed}{}", hint(&word, names)));
            };
            if !out.contains(item) {
                out.push(*item);
            }
        }
        Ok(Some(out).filter(|out| !out.is_empty()))
    };
    reader
        .parsed(slot, parse)
        .map(|(words, _)| words)
        .unwrap_or_default()
}

/// Without the empty entries that oslo keeps.
fn once_each(texts: Vec<String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for text in texts {
        if !text.is_empty() && !out.contains(&text) {
            out.push(text);
        }
    }
    out
}

/// A text that may not be emptied.
pub(super) fn required(reader: &mut Reader<'_>, slot: &Slot, expected: &str) -> String {
    let parse = |text: &str| match text {
        "" => Err(expected.to_owned()),
        _ => Ok(Some(text.to_owned())),
    };
    reader
        .parsed(slot, parse)
        .map(|(text, _)| text)
        .unwrap_or_default()
}
