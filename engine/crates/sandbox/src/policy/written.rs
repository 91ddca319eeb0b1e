//! How a grant is written behind its kind: `TARGET[?TERM=VALUE[&TERM=VALUE]…]`,
//! one grammar for all kinds.
//!
//! In a path, and in every value, `%3F` stands for `?`, `%26` for `&`, `%2C` for
//! the comma that would end the grant, `%25` for `%` itself. A term that a kind
//! does not have is refused, never skipped: it is there to make a grant
//! narrower, and who reads past it grants more than was written.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use super::grant::{GrantProblem, Kind};
use super::value::{self, ValueError};

/// What would end a path, a value or the whole grant.
const SIGNS: &AsciiSet = &CONTROLS.add(b'%').add(b'?').add(b'&').add(b',');
/// What the list of grants cuts off at either end.
const SIGNS_AND_BLANK: &AsciiSet = &SIGNS.add(b' ');

/// A grant's text, taken apart.
#[derive(Debug, Default)]
pub struct Written<'a> {
    /// As it stands, with its escapes.
    pub target: &'a str,
    pub terms: Terms,
}

/// The terms that were written, by their names, each once and each of its kind.
#[derive(Debug, Default)]
pub struct Terms(BTreeMap<&'static str, String>);

impl<'a> Written<'a> {
    pub fn read(kind: Kind, text: &'a str) -> Result<Self, GrantProblem> {
        let Some((target, query)) = text.split_once('?') else {
            return Ok(Self {
                target: text,
                terms: Terms::default(),
            });
        };
        let mut terms = Terms::default();
        for term in query.split('&') {
            let (name, value) = term
                .split_once('=')
                .ok_or_else(|| GrantProblem::NoTerm(term.to_owned()))?;
            let known = kind.terms().iter().find(|known| **known == name);
            let name = known.ok_or_else(|| GrantProblem::UnknownTerm {
                term: name.to_owned(),
                kind: kind.as_str(),
                known: kind.terms(),
            })?;
            if terms.0.insert(name, decoded(value)?).is_some() {
                return Err(GrantProblem::TermTwice(name));
            }
        }
        Ok(Self { target, terms })
    }

    /// The target of a kind that leads to a place on disk.
    pub fn path(&self) -> Result<PathBuf, GrantProblem> {
        Ok(value::path(&decoded(self.target)?)?)
    }
}

impl Terms {
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub fn path(&self, name: &str) -> Result<Option<PathBuf>, ValueError> {
        self.text(name).map(value::path).transpose()
    }

    pub fn boolean(&self, name: &str) -> Result<Option<bool>, ValueError> {
        self.text(name).map(value::boolean).transpose()
    }
}

fn decoded(text: &str) -> Result<String, GrantProblem> {
    let bad = || GrantProblem::Encoding(text.to_owned());
    let mut pieces = text.split('%');
    let _ = pieces.next();
    let digits = |piece: &str| {
        let digits = piece.as_bytes().get(..2);
        digits.is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit))
    };
    if !pieces.all(digits) || text.contains('?') {
        return Err(bad());
    }
    let text = percent_decode_str(text).decode_utf8().map_err(|_| bad())?;
    Ok(text.into_owned())
}

/// Behind this sign, the beginning of another grant.
pub fn another(text: &str, divider: char) -> Option<&str> {
    text.split(divider).skip(1).find(|word| {
        let kind = word.trim_start().split_once(':');
        kind.is_some_and(|(kind, _)| Kind::named(kind).is_some())
    })
}

/// A path as it stands in a grant.
pub fn encoded(path: &Path) -> String {
    let text = path.to_string_lossy();
    // A blank in the middle reads better as it is, where nothing else is read into it.
    let set = match text.trim() == text && another(&text, ' ').is_none() {
        true => SIGNS,
        false => SIGNS_AND_BLANK,
    };
    utf8_percent_encode(&text, set).to_string()
}

/// Writes `?name=value&name=value` for the terms that have a value.
pub fn write_terms<const N: usize>(
    f: &mut fmt::Formatter<'_>,
    terms: [(&str, Option<String>); N],
) -> fmt::Result {
    let mut sign = '?';
    for (name, value) in terms {
        if let Some(value) = value {
            write!(f, "{sign}{name}={value}")?;
            sign = '&';
        }
    }
    Ok(())
}
