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
use super::resolve::{Resolver, Slot};
use super::table::{clouds as rows, general, keystone as keystone_rows};
use super::text::once_each;
use super::types::CloudConfig;
use super::value::Date;
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
    let listed = reader.find(&general::CLOUDS, &slot);
    let (names, origin) = listed.unwrap_or((Vec::new(), Origin::Default));
    let names = once_each(names);
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
                "`{name}` cannot name a cloud; expected at most 64 letters, digits, `_`, `-` and `.`"
            ))
        } else {
            let same = out.iter().find(|known| known.own == section);
            same.map(|same| {
                format!(
                    "`{name}` and `{}` differ only in case, and so would share a section",
                    same.name
                )
            })
        };
        match problem {
            Some(what) => reader.errors.push(ConfigError::Refused {
                at: At::new(&origin, general::CLOUDS.section, general::CLOUDS.name),
                what: what.into(),
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
    let named = reader.get_in(&rows::KEYSTONE, section);
    let usual = keystone_rows::AUTH_TYPE.section;
    let section = named.unwrap_or_else(|| match name {
        rows::ONLY => usual.to_owned(),
        _ => format!("{usual}_{name}"),
    });
    normalize_section(&section)
}

fn cloud(reader: &mut Reader<'_>, sections: Sections, warnings: &mut Vec<Notice>) -> CloudConfig {
    let own = sections.own.as_str();
    let site_name = reader.get_in(&general::SITE_NAME, own);
    let mapping = Slot::within(&general::MAPPING_FILE, own);
    CloudConfig {
        service_name: reader
            .get_in(&general::SERVICE_NAME, own)
            .or_else(|| site_name.clone()),
        site_name,
        cloud_type: reader.get_in(&general::CLOUD_TYPE, own),
        region_names: once_each(reader.get_in(&general::REGION_NAME, own)),
        first_extract_from: reader
            .get_in(&general::FIRST_EXTRACT_FROM, own)
            .map(|Date(at)| at),
        interfaces: reader.get_in(&general::INTERFACE, own),
        extractors: extractors(reader, own, warnings),
        written_extractors: written_extractors(reader, own),
        projects: once_each(reader.get_in(&general::PROJECTS, own)),
        caso_tag: reader.get_in(&general::CASO_TAG, own),
        projects_typed: typed(reader, general::PROJECTS.section, general::PROJECTS.name)
            || typed(reader, general::CASO_TAG.section, general::CASO_TAG.name),
        vo_property: reader.get_in(&general::VO_PROPERTY, own),
        mapping_file_set: reader.resolver.set(&mapping).is_some(),
        mapping_file: reader.get_in(&general::MAPPING_FILE, own),
        keystone_auth: keystone::read(reader, &sections.keystone, warnings),
        prometheus: None,
        keystone_section: sections.keystone,
        section: sections.own,
        name: sections.name,
    }
}

/// Whether an option has a flag on the command line.
fn typed(reader: &Reader<'_>, section: &str, option: &str) -> bool {
    let name = (section.to_owned(), option.to_owned());
    reader.resolver.sources.typed(&[name]).is_some()
}

/// The extractors of the run.
fn extractors(
    reader: &mut Reader<'_>,
    section: &str,
    warnings: &mut Vec<Notice>,
) -> Vec<Extractor> {
    let row = &general::EXTRACTOR;
    let mut extractors = reader.get_in(row, section);
    if instead_of_nova(&mut extractors) {
        // Clouds that have it from [DEFAULT] have it in common.
        let own = (section.to_owned(), row.name.to_owned());
        let place = match reader.resolver.sources.find(&[own]) {
            Some(_) => section,
            None => row.section,
        };
        warnings.push(Notice::warning(
            format!("nova-and-ceilometer:{place}"),
            (
                format!(
                    "`[{place}] extractor` has both `nova` and `ceilometer`: the latter extracts the same \
                     servers with their counters, so `nova` does not run"
                ),
                "remove it to silence this",
            ),
        ));
    }
    extractors
}

/// Those without the command line. What is wrong with them is no matter of a run that has others.
fn written_extractors(reader: &Reader<'_>, section: &str) -> Vec<Extractor> {
    let row = &general::EXTRACTOR;
    let resolver = Resolver {
        flags: false,
        ..reader.resolver
    };
    let resolved = resolver.resolve(&Slot::within(row, section)).ok().flatten();
    let parsed = resolved.and_then(|resolved| row.parse(&resolved.text).ok().flatten());
    let mut extractors = parsed.unwrap_or_default();
    instead_of_nova(&mut extractors);
    extractors
}

/// Takes `nova` out where `ceilometer` is there: that one emits the same servers, and of two records of a VM APEL
/// keeps the last. Whether both were.
fn instead_of_nova(extractors: &mut Vec<Extractor>) -> bool {
    let both = [Extractor::Ceilometer, Extractor::Nova]
        .iter()
        .all(|extractor| extractors.contains(extractor));
    if both {
        extractors.retain(|extractor| *extractor != Extractor::Nova);
    }
    both
}

/// Whether each names projects of its own, and no tag brings others.
fn are_divided(one: &CloudConfig, other: &CloudConfig) -> bool {
    let names_all = |it: &CloudConfig| it.caso_tag.is_none() && !it.projects.is_empty();
    let shared = one
        .projects
        .iter()
        .any(|project| other.projects.contains(project));
    names_all(one) && names_all(other) && !shared
}

/// Of two clouds of one Keystone that extract the same region one is refused each project that both ask for.
fn twice(clouds: &[CloudConfig], warnings: &mut Vec<Notice>) {
    for (index, one) in clouds.iter().enumerate() {
        for other in clouds.iter().skip(index + 1) {
            let same_regions = one.region_names.is_empty()
                || other.region_names.is_empty()
                || one
                    .region_names
                    .iter()
                    .any(|name| other.region_names.contains(name));
            if one.is_of_one_keystone(other) && same_regions && !are_divided(one, other) {
                let shared = match one.keystone_section == other.keystone_section {
                    true => format!("share [{}]", one.keystone_section),
                    false => "share one Keystone".to_owned(),
                };
                let text = (
                    format!(
                        "the clouds `{}` and `{}` {shared} and extract the same region: a project of both is refused in one",
                        one.name, other.name
                    ),
                    "set `region_name` of each; or `projects` of each, and an empty `caso_tag`",
                );
                let id = format!("clouds-alike:{}:{}", one.name, other.name);
                warnings.push(Notice::warning(id, text));
            }
        }
    }
}
