//! One section's options, by their rows, with notes on what is wrong.

use crate::error::{At, ConfigError};
use crate::origin::Origin;
use crate::reader::Reader;
use crate::resolve::Slot;
use crate::table::{Entry, Row};
use crate::value::Value;
use caso_base::Message;
use caso_login::DomainRef;

/// The section that holds the options of the auth type.
pub struct Section<'r, 'a> {
    pub reader: &'r mut Reader<'a>,
    pub name: &'r str,
}

/// Why an option that its auth type cannot do without is missing.
pub const NEEDED: &str = "the auth_type needs it";

impl Section<'_, '_> {
    pub fn slot(&self, row: &Entry) -> Slot {
        Slot::within(row, self.name)
    }

    /// The value in force, or the type's own default.
    pub fn get<T: Value + Default>(&mut self, row: &Row<T>) -> T {
        self.reader.get_in(row, self.name)
    }

    /// A text that the auth type needs, or a note.
    pub fn needed(&mut self, row: &Row<Option<String>>) -> Option<String> {
        self.get(row).or_else(|| self.missing(row, NEEDED))
    }

    /// An id goes before a name.
    pub fn domain(
        &mut self,
        id: &Row<Option<String>>,
        name: &Row<Option<String>>,
    ) -> Option<DomainRef> {
        let (id, name) = (self.get(id), self.get(name));
        id.map(DomainRef::Id).or_else(|| name.map(DomainRef::Name))
    }

    /// Whether somebody set it to something, be it right or wrong.
    pub fn is_set(&self, row: &Entry) -> bool {
        let found = self.reader.resolver.resolve(&self.slot(row));
        found.is_err()
            || found
                .ok()
                .flatten()
                .is_some_and(|found| !found.text.is_empty())
    }

    fn origin(&self, row: &Entry) -> Origin {
        let found = self.reader.resolver.resolve(&self.slot(row)).ok().flatten();
        found.map_or(Origin::Default, |found| found.origin)
    }

    pub fn missing<T>(&mut self, row: &Entry, why: &str) -> Option<T> {
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

    pub fn refuse<T>(&mut self, row: &Entry, what: impl Into<Message>) -> Option<T> {
        let error = ConfigError::Refused {
            at: At::new(&self.origin(row), self.name, row.name),
            what: what.into(),
        };
        self.reader.errors.push(error);
        None
    }
}
