//! `[cloud_NAME]`: what is one cloud's own, where a site has several.

use super::row::{Row, rows};

/// Stands for the section of each cloud.
pub const CLOUD: &str = "cloud_NAME";
const PREFIX: &str = "cloud_";

/// The cloud of a configuration that names none, and of all before there were
/// several: its cursors go on under this name.
pub const ONLY: &str = "default";

rows! {
    KEYSTONE: Option<String> = Row::new(CLOUD, "keystone",
        "Section that says how to log in to this cloud, with the options of [keystone_auth]. When unset: \
         [keystone_auth_NAME]; for the cloud `default`: [keystone_auth].");
}

pub fn is_section(section: &str) -> bool {
    section.starts_with(PREFIX)
}

/// The section of a cloud's own options.
pub fn section(cloud: &str) -> String {
    format!("{PREFIX}{}", cloud.to_lowercase())
}

/// The cloud that a section is for, as a section writes it.
pub fn name_of(section: &str) -> Option<&str> {
    section.strip_prefix(PREFIX)
}
