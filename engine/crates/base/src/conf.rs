//! Texts as they stand in caso.conf: what somebody pastes there, or does as a hint told, and
//! what the file then reads back is the text, and not what its grammar makes of it.
//!
//! Such a text may be a component's: a target, a default, a word of a choice. With
//! `$keystone_auth.password` in it, pasted as it is, the site's password would become
//! part of a grant, and so of every line that names the grant. Whatever offers a text for
//! caso.conf comes through here. `caso_config` reads it back in a property test.

use std::fmt;

use super::line::clean_line;

/// Why a text cannot stand in caso.conf. Reads on after what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unwritable {
    /// The end of a line, or what a terminal would not show, so that nobody could paste it.
    #[error("it has the end of a line, or a character that is not shown")]
    Unseen,
    /// In a list it would be two.
    #[error("it has a comma, which divides a list")]
    Comma,
    /// A list cuts that off.
    #[error("it begins or ends with a blank, or is empty, which a list leaves out")]
    Blank,
}

/// How a place reads the text that is written there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Grammar {
    /// INI: `$` stands for another option, quotes and blanks around a value go.
    #[default]
    Ini,
    /// The texts of TOML, in which `$` is a dollar.
    Toml,
}

/// The value of an option, as it stands behind `option = `.
///
/// ```
/// use caso_base::conf::value;
/// assert_eq!(value("/var/$a.b").unwrap(), "/var/$$a.b");
/// assert_eq!(value(" x").unwrap(), "\" x\"");
/// assert!(value("a\nb = c").is_err());
/// ```
///
/// # Errors
/// Nothing that can be written reads back as it.
pub fn value(text: &str) -> Result<String, Unwritable> {
    Ok(enclosed(literal(text)?))
}

/// The value of an option that is a list.
///
/// # Errors
/// An entry cannot stand in a list.
pub fn list<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<String, Unwritable> {
    let entries = entries.into_iter().map(entry);
    let entries = entries.collect::<Result<Vec<_>, _>>()?;
    Ok(enclosed(entries.join(", ")))
}

/// One entry of a list in which others stand, too.
///
/// # Errors
/// It cannot stand in a list.
pub fn entry(text: &str) -> Result<String, Unwritable> {
    entry_in(text, Grammar::Ini)
}

/// The same in a file of this grammar.
///
/// # Errors
/// It cannot stand in a list.
pub fn entry_in(text: &str, grammar: Grammar) -> Result<String, Unwritable> {
    if text.contains(',') {
        return Err(Unwritable::Comma);
    }
    if text.is_empty() || text.trim() != text {
        return Err(Unwritable::Blank);
    }
    match grammar {
        Grammar::Ini => literal(text),
        Grammar::Toml => seen(text).map(str::to_owned),
    }
}

/// A text in which no `$` stands for another option. `$$` is a dollar; behind a backslash it
/// is not, as `\$` is a dollar without the backslash, wherever it stands: there `\\$` is both.
///
/// # Errors
/// It cannot be written into a line.
pub fn literal(text: &str) -> Result<String, Unwritable> {
    Ok(dollars(seen(text)?))
}

/// The same of a text that is handed over without a file, whatever is in it.
pub fn dollars(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    let mut before = None;
    for c in text.chars() {
        match (before, c) {
            (Some('\\'), '$') => written.push_str("\\$"),
            (_, '$') => written.push_str("$$"),
            (_, c) => written.push(c),
        }
        before = Some(c);
    }
    written
}

/// In quotes, where quotes or blanks around it would go.
fn enclosed(text: String) -> String {
    let blank = |c: char| c.is_whitespace();
    let quoted = ['"', '\''].into_iter().any(|quote| {
        let rest = text.strip_prefix(quote);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with(quote))
    });
    match quoted || text.starts_with(blank) || text.ends_with(blank) {
        true => format!("\"{text}\""),
        false => text,
    }
}

fn seen(text: &str) -> Result<&str, Unwritable> {
    match clean_line(text) == text {
        true => Ok(text),
        false => Err(Unwritable::Unseen),
    }
}

/// A value in words: as it stands in caso.conf, or that it cannot stand there.
pub struct Offered<'a>(pub &'a str);

impl fmt::Display for Offered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match value(self.0) {
            Ok(written) => f.write_str(&written),
            Err(why) => write!(f, "{} (which cannot be written: {why})", clean_line(self.0)),
        }
    }
}
