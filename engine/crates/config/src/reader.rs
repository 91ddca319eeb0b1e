//! Typed access to options. What is wrong is noted and reading goes on, so
//! that all errors come out together.

use super::error::Collector;
use super::origin::Origin;
use super::resolve::{Resolved, Resolver, Slot};
use super::sources::Sources;
use super::table::Row;
use super::types::ShownValue;
use super::value::{Kind, Value};
use caso_model::secret::{MASK, Secret};

pub(crate) struct Reader<'a> {
    pub resolver: Resolver<'a>,
    pub errors: Collector,
    pub shown: Vec<ShownValue>,
    /// Values of secret options.
    pub secrets: Vec<Secret>,
    /// Options that are paths, by their names, with the values in force.
    pub paths: Vec<(String, String)>,
}

impl<'a> Reader<'a> {
    pub fn new(sources: &'a Sources) -> Self {
        Self {
            resolver: Resolver::new(sources),
            errors: Collector::default(),
            shown: Vec::new(),
            secrets: Vec::new(),
            paths: Vec::new(),
        }
    }

    /// The value in force. One that is wrong, which has been noted, reads as its
    /// type's own default.
    pub fn get<T: Value + Default>(&mut self, row: &Row<T>) -> T {
        self.get_in(row, row.section)
    }

    /// The same in a section of the row's kind.
    pub fn get_in<T: Value + Default>(&mut self, row: &Row<T>, section: &str) -> T {
        let found = self.find(row, &Slot::within(row, section));
        found.map(|(value, _)| value).unwrap_or_default()
    }

    /// The value in force of a type that has no default of its own; `None` where
    /// it is wrong, which has been noted.
    pub fn try_get<T: Value>(&mut self, row: &Row<T>) -> Option<T> {
        self.find(row, &Slot::of(row)).map(|(value, _)| value)
    }

    /// The value in force, and where it stands; `None` where there is none, or
    /// where it is wrong, which has been noted. A text that means nothing (an
    /// empty number, an empty path) is as good as none: then the default holds.
    pub fn find<T: Value>(&mut self, row: &Row<T>, slot: &Slot) -> Option<(T, Origin)> {
        let resolved = self.resolved(slot)?;
        match row.parse(&resolved.text) {
            Ok(Some(value)) => Some((value, resolved.origin)),
            Ok(None) => {
                let default = slot.default.as_deref();
                let value = default.and_then(|text| row.parse(text).ok().flatten());
                value.map(|value| (value, Origin::Default))
            }
            Err(expected) => {
                let near = T::near(&resolved.text).filter(|_| !resolved.secret);
                self.errors.push(slot.bad_value(&resolved, expected, near));
                None
            }
        }
    }

    /// The text in force, remembered for `caso config show`.
    pub fn resolved(&mut self, slot: &Slot) -> Option<Resolved> {
        let resolved = self.errors.take(self.resolver.resolve(slot)).flatten();
        if let Some(Resolved { text, secret, .. }) = &resolved
            && !text.is_empty()
        {
            if *secret {
                self.secrets.push(Secret::new(text.as_str()));
            } else if slot.kind == Some(Kind::Path) {
                let name = format!("`{}` in [{}]", slot.option(), slot.section());
                self.paths.push((name, text.clone()));
            }
        }
        let shown =
            resolved.as_ref().map(
                |resolved| match resolved.secret && !resolved.text.is_empty() {
                    true => MASK.to_owned(),
                    false => resolved.text.clone(),
                },
            );
        self.shown.push(ShownValue {
            section: slot.section().to_owned(),
            option: slot.option().to_owned(),
            value: shown,
            secret: slot.secret || resolved.as_ref().is_some_and(|resolved| resolved.secret),
            origin: resolved
                .as_ref()
                .map_or(Origin::Default, |resolved| resolved.origin.clone()),
        });
        resolved
    }
}
