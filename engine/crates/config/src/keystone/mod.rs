//! A keystone section, `[keystone_auth]` or one that a cloud names.
//!
//! As in keystoneauth, `auth_section` moves `auth_type` and the options of the
//! auth type to another section; those of the session (certificates, timeouts)
//! stay where they are.

mod auth_type;
mod login;
mod secret_file;
mod section;
mod session;

#[cfg(test)]
mod tests;

use super::ini::normalize_section;
use super::reader::Reader;
use super::resolve::{Resolver, Slot};
use super::table::keystone as table;
use super::types::KeystoneAuth;
use caso_model::notice::Notice;

/// Reads the section of this name. `None` when nothing in it says how to
/// authenticate, or when something is wrong, which the reader has noted.
pub(super) fn read(
    reader: &mut Reader<'_>,
    section: &str,
    warnings: &mut Vec<Notice>,
) -> Option<KeystoneAuth> {
    let session = session::read(reader, section, warnings);
    let auth_section = reader.get_in(&table::AUTH_SECTION, section);
    let auth_section = auth_section.as_deref().unwrap_or(section);
    let login = login::read(reader, auth_section, warnings);
    show_the_rest(reader, section, auth_section);
    let login = login?;
    Some(KeystoneAuth {
        login,
        tls: session.tls,
        timeout: session.timeout,
        connect_retries: session.connect_retries,
        status_code_retries: session.status_code_retries,
    })
}

/// `caso config show` shows what the auth type has no use for, too.
fn show_the_rest(reader: &mut Reader<'_>, section: &str, auth_section: &str) {
    for row in table::ROWS.iter().filter(|row| row.ignored.is_none()) {
        let shown = |section: &str| {
            let section = normalize_section(section);
            let mut all = reader.shown.iter();
            all.any(|one| one.section == section && one.option == row.name)
        };
        if !shown(section) && !shown(auth_section) {
            reader.resolved(&Slot::within(row, auth_section));
        }
    }
}

/// The sections that `read` reads for this one: itself, and the one that its
/// `auth_section` names.
pub(super) fn sections(resolver: &Resolver<'_>, section: &str) -> Vec<String> {
    let mut sections = vec![normalize_section(section)];
    let named = resolver.resolve(&Slot::within(&table::AUTH_SECTION, section));
    let named = named
        .ok()
        .flatten()
        .map(|found| normalize_section(&found.text));
    sections.extend(named.filter(|named| !named.is_empty() && !sections.contains(named)));
    sections
}
