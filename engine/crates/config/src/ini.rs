//! oslo.config's INI grammar, which is not Python's configparser.
//!
//! A site's file was written against `oslo_config/iniparser.py`, so its rules
//! are kept to the letter, also where they surprise: only a first column makes
//! a comment, an indented line always continues the value above it (also when
//! it looks like a comment), and there are no comments behind a value.
//! `tests/config` checks this against oslo.config itself. One thing is better:
//! all faults of a file are found, not the first.

use super::form::Form;
use super::text::{is_space, strip};
use caso_base::Message;

/// One `key = value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Lower case, but for `DEFAULT`.
    pub section: String,
    pub key: String,
    /// Continuation lines joined by `\n`.
    pub value: String,
    pub form: Form,
    /// Line of the key, from 1.
    pub line: usize,
}

/// A file in its own order: of INI, or of TOML as `toml_file` reads it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ini {
    /// Every section header with its line, normalized as in `Assignment`.
    pub sections: Vec<(String, usize)>,
    pub assignments: Vec<Assignment>,
}

/// A line that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub line: usize,
    pub kind: FaultKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FaultKind {
    #[error("the line has neither `=` nor `:`; expected `option = value`")]
    NoDelimiter,
    #[error("the line has no option name before its `=` or `:`")]
    EmptyKey,
    #[error("the line begins with a space, so it continues an option, but there is none above it")]
    Continuation,
    #[error("a section must end with `]`, with nothing after it")]
    NoBracket,
    #[error("`[]` is not a section name")]
    NoSectionName,
    #[error("no section before this option")]
    NoSection,
}

impl FaultKind {
    /// With what to do about it, where that is more than to write it otherwise.
    pub fn message(self) -> Message {
        let hint = match self {
            Self::NoSection => Some("put `[DEFAULT]` above it"),
            Self::Continuation => Some(
                "begin the line in its first column; an empty line or a comment above it ends a value: take that out",
            ),
            Self::NoDelimiter | Self::EmptyKey | Self::NoBracket | Self::NoSectionName => None,
        };
        Message::from(self.to_string()).hint(hint.map(str::to_owned))
    }
}

/// `[SSM]` is `[ssm]`, but `[default]` is not `[DEFAULT]`.
pub fn normalize_section(name: &str) -> String {
    if name == "DEFAULT" {
        name.to_owned()
    } else {
        name.to_lowercase()
    }
}

/// Python's universal newlines.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').flat_map(|line| {
        let line = line.strip_suffix('\r').unwrap_or(line);
        line.split('\r')
    })
}

/// Reads a file's text.
pub fn parse(text: &str) -> Result<Ini, Vec<Fault>> {
    let mut reader = Reader::default();
    for (index, line) in lines(text).enumerate() {
        reader.line(index + 1, line.trim_end_matches(is_space));
    }
    reader.flush();
    if reader.faults.is_empty() {
        Ok(reader.ini)
    } else {
        Err(reader.faults)
    }
}

#[derive(Default)]
struct Reader {
    ini: Ini,
    faults: Vec<Fault>,
    section: Option<String>,
    open: Option<(String, Vec<String>, usize)>,
    /// After a fault its continuation lines are part of it.
    skipping: bool,
}

impl Reader {
    fn line(&mut self, number: usize, line: &str) {
        if line.is_empty() {
            self.flush();
            self.skipping = false;
        } else if line.starts_with([' ', '\t']) {
            match &mut self.open {
                Some((_, values, _)) => {
                    values.push(line.trim_start_matches(is_space).to_owned());
                }
                None if self.skipping => {}
                None => self.fault(number, FaultKind::Continuation),
            }
        } else {
            self.flush();
            self.skipping = false;
            if let Some(rest) = line.strip_prefix('[') {
                self.header(number, rest);
            } else if !line.starts_with(['#', ';']) {
                self.assignment(number, line);
            }
        }
    }

    fn header(&mut self, number: usize, rest: &str) {
        match rest.strip_suffix(']') {
            None => self.fault(number, FaultKind::NoBracket),
            Some("") => self.fault(number, FaultKind::NoSectionName),
            Some(name) => {
                let name = normalize_section(name);
                self.ini.sections.push((name.clone(), number));
                self.section = Some(name);
            }
        }
    }

    fn assignment(&mut self, number: usize, line: &str) {
        let Some((key, value)) = line.split_once(['=', ':']) else {
            return self.fault(number, FaultKind::NoDelimiter);
        };
        let (key, value) = (strip(key), unquote(strip(value)));
        if key.is_empty() {
            return self.fault(number, FaultKind::EmptyKey);
        }
        // Once is enough: every option up to the first header has this fault.
        let known = |fault: &Fault| fault.kind == FaultKind::NoSection;
        if self.section.is_none() && !self.faults.iter().any(known) {
            self.fault(number, FaultKind::NoSection);
        }
        self.open = Some((key.to_owned(), vec![value.to_owned()], number));
    }

    fn flush(&mut self) {
        if let (Some((key, values, line)), Some(section)) = (self.open.take(), &self.section) {
            self.ini.assignments.push(Assignment {
                section: section.clone(),
                key,
                value: values.join("\n"),
                form: Form::Ini,
                line,
            });
        }
    }

    fn fault(&mut self, line: usize, kind: FaultKind) {
        self.skipping = true;
        self.faults.push(Fault { line, kind });
    }
}

/// One pair of equal quotes around a value goes; a lone quote is such a pair
/// to oslo, and leaves nothing.
fn unquote(value: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(rest) = value.strip_prefix(quote) {
            if rest.is_empty() {
                return rest;
            }
            return rest.strip_suffix(quote).unwrap_or(value);
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value(text: &str) -> String {
        parse(text).unwrap().assignments[0].value.clone()
    }

    #[test]
    fn values_keep_what_looks_like_a_comment() {
        assert_eq!(value("[DEFAULT]\nsite_name = FOO # x"), "FOO # x");
        assert_eq!(value("[DEFAULT]\na = 1\n  # c\n  2"), "1\n# c\n2");
    }

    #[test]
    fn the_first_delimiter_counts() {
        let ini = parse("[a]\nx:y=z\nu=v:w\n").unwrap();
        let pairs: Vec<_> = ini
            .assignments
            .iter()
            .map(|a| (a.key.as_str(), a.value.as_str(), a.line))
            .collect();
        assert_eq!(pairs, [("x", "y=z", 2), ("u", "v:w", 3)]);
    }

    #[test]
    fn one_pair_of_quotes_goes() {
        assert_eq!(value("[a]\nx = ''a''"), "'a'");
        assert_eq!(value("[a]\nx = \""), "");
        assert_eq!(value("[a]\nx = \"a'"), "\"a'");
    }

    #[test]
    fn all_faults_are_found() {
        let faults = parse("x = 1\n[a\nno delimiter\n  of it\n= 2\n[]\n\n  lost").unwrap_err();
        let kinds: Vec<_> = faults.iter().map(|f| (f.line, f.kind)).collect();
        assert_eq!(
            kinds,
            [
                (1, FaultKind::NoSection),
                (2, FaultKind::NoBracket),
                (3, FaultKind::NoDelimiter),
                (5, FaultKind::EmptyKey),
                (6, FaultKind::NoSectionName),
                (8, FaultKind::Continuation),
            ]
        );
    }

    proptest! {
        #[test]
        fn reads_anything_without_panic(text in "\\PC*") {
            let _ = parse(&text);
        }

        #[test]
        fn reads_odd_lines(text in "([\\[\\]=:#; \t\r\n\"'$a-c])*") {
            let _ = parse(&text);
        }

        #[test]
        fn what_is_written_is_read(key in "[a-z_][a-z0-9_]{0,12}", value in "[ -~&&[^\"' ]]([ -~]{0,20}[!-~&&[^\"']])?") {
            let ini = parse(&format!("[s]\n{key} = {value}\n")).unwrap();
            prop_assert_eq!(&ini.assignments[0].key, &key);
            prop_assert_eq!(&ini.assignments[0].value, &value);
        }
    }
}
