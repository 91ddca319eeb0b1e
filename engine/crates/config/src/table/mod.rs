//! The one table of the engine's options. Defaults, help, flags, the sample
//! file, former names and the suggestions for misspelt ones come from it.
//!
//! Rows are statics, so that code names them (`table::general::SPOOLDIR`) and a
//! misspelling does not compile.

pub mod ceilometer;
pub mod clouds;
pub mod components;
pub mod general;
pub mod keystone;
pub mod logging;
pub mod prometheus;
mod row;

pub use row::{Described, Entry, Flag, Row};

/// Every row, in the order of the sample file.
pub fn rows() -> impl Iterator<Item = &'static dyn Described> {
    [
        general::ROWS,
        logging::ROWS,
        clouds::ROWS,
        keystone::ROWS,
        prometheus::ROWS,
        ceilometer::ROWS,
        components::ROWS,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// Whether the host is told there about one messenger or filter.
pub fn is_of_an_instance(section: &str) -> bool {
    is_of_a_messenger(section) || is_of_a_filter(section)
}

fn is_of_a_messenger(section: &str) -> bool {
    section.starts_with("messenger_")
}

fn is_of_a_filter(section: &str) -> bool {
    section.starts_with("filter_")
}

/// Whether a section of this name belongs to a row's section.
pub fn in_section(row: &Entry, section: &str) -> bool {
    if row.section == components::MESSENGER {
        is_of_a_messenger(section)
    } else if row.section == components::FILTER {
        is_of_a_filter(section)
    } else if clouds::is_section(section) {
        row.section == clouds::CLOUD || row.per_cloud
    } else {
        row.section == section
    }
}

/// The row of an option by its present name.
pub fn find(section: &str, name: &str) -> Option<&'static dyn Described> {
    rows().find(|row| row.name == name && in_section(row, section))
}

/// The row that this was a former name of.
pub fn find_old(section: &str, name: &str) -> Option<&'static dyn Described> {
    // What was a name in [DEFAULT] is one in a cloud's section too.
    let in_default = clouds::is_section(section);
    rows().find(|row| {
        row.old.iter().any(|old| {
            old.split_once('.') == Some((section, name))
                || in_default && row.per_cloud && old.split_once('.') == Some((row.section, name))
        })
    })
}

/// Former names of the engine's options in a section.
pub fn old_names_in(section: &str) -> impl Iterator<Item = &'static str> {
    let old = rows().flat_map(|row| row.old.iter().filter_map(|old| old.split_once('.')));
    old.filter(move |(of, _)| *of == section)
        .map(|(_, name)| name)
}

/// Whether an option of an engine's section is a component's to read.
pub fn is_lent(section: &str, name: &str) -> bool {
    section == prometheus::PROMETHEUS && prometheus::LENT.contains(&name)
}

/// Whether a section's options are the engine's, and nobody else's to read but
/// for those that are [lent](is_lent).
pub fn is_engine_section(section: &str) -> bool {
    section == "extractor" || rows().any(|row| in_section(row, section))
}

/// Whether a section of this name has, or had, or may get another meaning than a
/// component's: an engine's section, one where options of the engine's stood once, or
/// one of a cloud's login, whether or not the cloud is in use today.
pub fn is_reserved_section(section: &str) -> bool {
    let former = |row: &'static dyn Described| {
        let mut old = row.old.iter().filter_map(|old| old.split_once('.'));
        old.any(|(former, _)| former.eq_ignore_ascii_case(section))
    };
    section.eq_ignore_ascii_case(general::SPOOLDIR.section)
        || is_engine_section(section)
        || section.starts_with("keystone")
        || rows().any(former)
        || components::component_sections().any(|own| own == section)
        || components::why_ignored(section).is_some()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::resolve::{Resolver, Slot};
    use crate::sources::Sources;
    use crate::value::Kind;

    #[test]
    fn every_default_is_a_value_of_its_option() {
        let sources = Sources::default();
        for row in rows().filter(|row| row.default.is_some()) {
            let resolved = Resolver::new(&sources).resolve(&Slot::of(row)).unwrap();
            // `service_name` is what `site_name` is, which has no default.
            let text = resolved.map_or_else(String::new, |resolved| resolved.text);
            assert_eq!(row.check(&text), Ok(()), "{}", row.name);
        }
    }

    /// What the loop above could not find out if it were so.
    #[test]
    fn every_option_but_a_free_text_refuses_something() {
        for row in rows() {
            let free = matches!(
                row.kind,
                Kind::Text | Kind::Secret | Kind::Path | Kind::Texts
            );
            assert!(free || row.check("?").is_err(), "{}", row.name);
        }
    }

    #[test]
    fn no_option_stands_twice() {
        let mut seen = BTreeSet::new();
        for row in rows() {
            assert!(
                seen.insert((row.section, row.name)),
                "{}.{}",
                row.section,
                row.name
            );
            for old in row.old {
                let (section, name) = old.split_once('.').unwrap();
                assert!(
                    find(section, name).is_none(),
                    "{old} is also a present name"
                );
            }
        }
    }

    #[test]
    fn every_live_option_has_help() {
        for row in rows() {
            assert_eq!(row.help.is_empty(), row.ignored.is_some(), "{}", row.name);
            assert!(
                row.help.is_empty() || row.help.ends_with('.'),
                "{}",
                row.name
            );
        }
    }

    #[test]
    fn every_name_of_six_versions_is_known() {
        let names = "messengers spooldir lock_path dry_run site_name service_name tenants projects caso_tag \
            vo_property mapping_file extract_from extract_to extractor region_name benchmark_name_key \
            benchmark_value_key accelerator_type_key accelerator_vendor_key accelerator_model_key \
            accelerator_number_key debug verbose log_file logfile log_dir logdir log_config log_config_append \
            log_date_format use_syslog syslog_log_facility use_json use_journal use_stderr watch_log_file \
            default_log_levels config_source";
        let former = |name: &str| components::FORMER.iter().any(|(old, _)| *old == name);
        for name in names.split_whitespace() {
            let known = find("DEFAULT", name).is_some() || find_old("DEFAULT", name).is_some();
            assert!(known || former(&format!("DEFAULT.{name}")), "{name}");
        }
        for name in ["user", "password", "endpoint", "insecure", "mapping_file"] {
            assert!(find_old("extractor", name).is_some(), "{name}");
        }
        for name in ["auth_plugin", "tenant_id", "tenant_name", "user_name"] {
            assert!(find_old("keystone_auth", name).is_some(), "{name}");
        }
    }
}
