//! One section's options, by their rows, with notes on what is wrong.

use url::Url;

use crate::error::{At, ConfigError};
use crate::origin::Origin;
use crate::reader::Reader;
use crate::resolve::Slot;
use crate::table::Row;
use crate::value;
use caso_login::DomainRef;

/// The section that holds the options of the auth type.
pub struct Section<'r, 'a> {
    pub reader: &'r mut Reader<'a>,
    pub name: &'r str,
}

/// Why an option that its auth type cannot do without is missing.
pub const NEEDED: &str = "the auth_type needs it";

impl Section<'_, '_> {
    pub fn slot(&self, row: &Row) -> Slot {
        Slot::within(row, self.name)
    }

    pub fn text(&mut self, row: &Row) -> Option<String> {
        let slot = self.slot(row);
        self.reader.text(&slot)
    }

    /// A text that the auth type needs, or a note.
    pub fn needed(&mut self, row: &Row) -> Option<String> {
        self.text(row).or_else(|| self.missing(row, NEEDED))
    }

    /// An address over HTTP or HTTPS.
    pub fn url(&mut self, row: &Row) -> Option<(Url, Origin)> {
        let slot = self.slot(row);
        self.reader.parsed(&slot, |text| match text {
            "" => Ok(None),
            _ => value::url(text).map(Some),
        })
    }

    /// An id goes before a name.
    pub fn domain(&mut self, id: &Row, name: &Row) -> Option<DomainRef> {
        let (id, name) = (self.text(id), self.text(name));
        id.map(DomainRef::Id).or_else(|| name.map(DomainRef::Name))
    }

    /// Whether somebody set it to something, be it right or wrong.
    pub fn is_set(&self, row: &Row) -> bool {
        let found = self.reader.resolver.resolve(&self.slot(row));
        found.is_err()
            || found
                .ok()
                .flatten()
                .is_some_and(|found| !found.text.is_empty())
    }

    fn origin(&self, row: &Row) -> Origin {
        let found = self.reader.resolver.resolve(&self.slot(row)).ok().flatten();
        found.map_or(Origin::Default, |found| found.origin)
    }

    pub fn missing<T>(&mut self, row: &Row, why: &str) -> Option<T> {
        // One that cannot be read is not missing, and has been noted.
        if self.is_set(row) {
            return None;
        }
        self.reader.errors.push(ConfigError::Missing {
            section: self.name.to_owned(),
            option: row.name.to_owned(),
            why: why.to_owned(),
        });
        None
    }

    pub fn refuse<T>(&mut self, row: &Row, what: String) -> Option<T> {
        let error = ConfigError::Refused {
            at: At::new(&self.origin(row), self.name, row.name),
            what,
        };
        self.reader.errors.push(error);
        None
    }
}
