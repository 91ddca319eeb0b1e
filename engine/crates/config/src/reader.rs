//! Typed access to options. What is wrong is noted and reading goes on, so
//! that all errors come out together.

use std::path::PathBuf;
use std::time::Duration;

use super::date;
use super::error::Collector;
use super::origin::Origin;
use super::resolve::{Resolved, Resolver, Slot};
use super::sources::Sources;
use super::table::Row;
use super::types::ShownValue;
use super::value::{self, Kind};
use caso_model::secret::{MASK, Secret};

pub(super) struct Reader<'a> {
    pub resolver: Resolver<'a>,
    pub errors: Collector,
    pub shown: Vec<ShownValue>,
}

impl<'a> Reader<'a> {
    pub fn new(sources: &'a Sources) -> Self {
        Self {
            resolver: Resolver::new(sources),
            errors: Collector::default(),
            shown: Vec::new(),
        }
    }

    /// The text in force, remembered for `caso config show`.
    pub fn resolved(&mut self, slot: &Slot) -> Option<Resolved> {
        let resolved = self.errors.take(self.resolver.resolve(slot)).flatten();
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
            origin: resolved
                .as_ref()
                .map_or(Origin::Default, |resolved| resolved.origin.clone()),
        });
        resolved
    }

    /// The value in force. A text that means nothing (an empty number, an
    /// empty path) is as good as none: then the default holds.
    pub fn parsed<T>(
        &mut self,
        slot: &Slot,
        parse: impl Fn(&str) -> Result<Option<T>, String>,
    ) -> Option<(T, Origin)> {
        let resolved = self.resolved(slot)?;
        match parse(&resolved.text) {
            Ok(Some(value)) => Some((value, resolved.origin)),
            Ok(None) => {
                let value = slot
                    .default
                    .as_deref()
                    .and_then(|text| parse(text).ok().flatten());
                value.map(|value| (value, Origin::Default))
            }
            Err(expected) => {
                self.errors.push(slot.bad_value(&resolved, expected));
                None
            }
        }
    }

    /// A text that is not empty.
    pub fn text(&mut self, slot: &Slot) -> Option<String> {
        self.resolved(slot)
            .map(|resolved| resolved.text)
            .filter(|text| !text.is_empty())
    }

    pub fn secret(&mut self, slot: &Slot) -> Option<Secret> {
        self.text(slot).map(Secret::new)
    }

    pub fn path(&mut self, slot: &Slot) -> Option<PathBuf> {
        let parse = |text: &str| Ok(Some(PathBuf::from(text)).filter(|_| !text.is_empty()));
        self.parsed(slot, parse).map(|(path, _)| path)
    }

    pub fn boolean(&mut self, slot: &Slot) -> bool {
        let parse = |text: &str| value::boolean(text).map(Some);
        self.parsed(slot, parse).is_some_and(|(value, _)| value)
    }

    pub fn texts(&mut self, slot: &Slot) -> Vec<String> {
        self.resolved(slot)
            .map(|resolved| value::texts(&resolved.text))
            .unwrap_or_default()
    }

    /// A whole number within the row's bounds.
    pub fn integer<T: TryFrom<i64> + Default>(&mut self, row: &Row) -> T {
        self.integer_in(row, row.section)
    }

    /// The same in a section of the row's kind.
    pub fn integer_in<T: TryFrom<i64> + Default>(&mut self, row: &Row, section: &str) -> T {
        let (minimum, maximum) = match row.kind {
            Kind::Integer(minimum, maximum) => (minimum, maximum),
            _ => (i64::MIN, i64::MAX),
        };
        let parse = |text: &str| value::integer(text, minimum, maximum);
        let value = self.parsed(&Slot::within(row, section), parse);
        value
            .and_then(|(value, _)| T::try_from(value).ok())
            .unwrap_or_default()
    }

    /// A span of time within the row's bounds.
    pub fn duration(&mut self, slot: &Slot, kind: Kind) -> Duration {
        let parse = |text: &str| match kind {
            Kind::Duration(minimum, maximum) => value::duration(text, minimum, maximum),
            _ => seconds(text),
        };
        let value = self.parsed(slot, parse);
        value.map_or(Duration::ZERO, |(value, _)| Duration::from_millis(value))
    }

    pub fn size(&mut self, slot: &Slot, kind: Kind) -> u64 {
        let minimum = match kind {
            Kind::Size(minimum) => minimum,
            _ => 0,
        };
        let value = self.parsed(slot, |text| value::size(text, minimum));
        value.map_or(0, |(value, _)| value)
    }

    /// A moment in epoch seconds.
    pub fn moment(&mut self, slot: &Slot) -> Option<i64> {
        let parse = |text: &str| match text {
            "" | "None" => Ok(None),
            _ => date::moment(text).map(Some),
        };
        self.parsed(slot, parse).map(|(value, _)| value)
    }
}

/// keystoneauth's seconds: a number above zero, in milliseconds.
fn seconds(text: &str) -> Result<Option<u64>, String> {
    let expected = || "a number of seconds above 0, at most 86400".to_owned();
    let value = value::number(text, 0.001, 86_400.0).map_err(|_| expected())?;
    Ok(value.map(|seconds| (seconds * 1_000.0).round() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table;

    #[test]
    fn every_default_is_a_value_of_its_option() {
        let sources = Sources::default();
        let mut reader = Reader::new(&sources);
        for row in table::rows().filter(|row| row.default.is_some()) {
            let slot = Slot::of(row);
            match row.kind {
                Kind::Boolean => drop(reader.boolean(&slot)),
                Kind::Integer(..) => assert!(reader.integer::<i64>(row) > 0, "{}", row.name),
                Kind::Duration(..) | Kind::Positive => {
                    assert!(
                        reader.duration(&slot, row.kind) > Duration::ZERO,
                        "{}",
                        row.name
                    );
                }
                Kind::Size(_) => assert!(reader.size(&slot, row.kind) > 0, "{}", row.name),
                Kind::Choice(words) => {
                    assert!(words.contains(&row.default.unwrap()), "{}", row.name)
                }
                _ => drop(reader.resolved(&slot)),
            }
        }
        assert_eq!(reader.errors.finish(Some(())), Ok(()));
    }

    #[test]
    fn timeouts_may_have_fractions() {
        assert_eq!(seconds("1.5"), Ok(Some(1_500)));
        assert_eq!(seconds(""), Ok(None));
        assert!(seconds("0").is_err());
        assert!(seconds("-1").is_err());
    }
}
