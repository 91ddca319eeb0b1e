//! caso.toml: the same settings with TOML's types. A table is a section.
//!
//! It becomes what an INI file becomes, lines of section, option and text, so
//! that names, checks and remarks are the same for both. A list's entries go
//! through a text with commas; one that holds a comma is refused.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::form::Form;
use super::ini::{Assignment, Ini, normalize_section};

/// Something that cannot be read, or means nothing here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub line: usize,
    pub what: String,
}

/// Reads a file's text. All faults are found, not the first.
pub fn parse(text: &str) -> Result<Ini, Vec<Fault>> {
    let (root, errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader {
        text,
        ini: Ini::default(),
        faults: Vec::new(),
    };
    for error in errors {
        reader.fault(error.span().unwrap_or(0..0), error.message().to_owned());
    }
    if reader.faults.is_empty() {
        for (name, value) in root.get_ref() {
            reader.section(name.span(), name.get_ref(), value);
        }
    }
    let Reader {
        mut ini,
        mut faults,
        ..
    } = reader;
    if !faults.is_empty() {
        faults.sort_by_key(|fault| fault.line);
        return Err(faults);
    }
    // The table is sorted by its names; a file has an order of its own.
    ini.sections.sort_by_key(|(_, line)| *line);
    ini.assignments.sort_by_key(|assignment| assignment.line);
    Ok(ini)
}

struct Reader<'t> {
    text: &'t str,
    ini: Ini,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    fn line(&self, at: usize) -> usize {
        let before = self.text.as_bytes().iter().take(at);
        before.filter(|byte| **byte == b'\n').count() + 1
    }

    fn fault(&mut self, at: Range<usize>, what: String) {
        let line = self.line(at.start);
        self.faults.push(Fault { line, what });
    }

    fn section(&mut self, at: Range<usize>, name: &str, value: &Spanned<DeValue<'_>>) {
        let DeValue::Table(options) = value.get_ref() else {
            let what = format!("no section before `{name}`; put `[DEFAULT]` above it");
            return self.fault(at, what);
        };
        let section = normalize_section(name);
        let line = self.line(at.start);
        self.ini.sections.push((section.clone(), line));
        for (key, value) in options {
            self.option(&section, key, value);
        }
    }

    fn option(
        &mut self,
        section: &str,
        key: &Spanned<impl AsRef<str>>,
        value: &Spanned<DeValue<'_>>,
    ) {
        let name = key.get_ref().as_ref();
        let written = match value.get_ref() {
            DeValue::String(text) => Ok((Form::Text, text.as_ref().to_owned())),
            DeValue::Boolean(value) => Ok((Form::Boolean, value.to_string())),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map(|number| (Form::Number, number.to_string()))
                .map_err(|_| "the number is too large".to_owned()),
            DeValue::Float(number) => Ok((Form::Number, number.as_str().to_owned())),
            DeValue::Datetime(moment) => Ok((Form::Date, moment.to_string())),
            DeValue::Array(items) => {
                let items: Result<Vec<&str>, String> = items
                    .iter()
                    .map(|item| match item.get_ref() {
                        DeValue::String(text) if text.contains(',') => {
                            Err(format!("`{text}` has a comma, which a list entry cannot"))
                        }
                        DeValue::String(text) => Ok(text.as_ref()),
                        _ => Err("a list entry is not text; put it in quotes".to_owned()),
                    })
                    .collect();
                items.map(|items| (Form::Texts, items.join(",")))
            }
            DeValue::Table(_) => Err(format!(
                "`{name}` is a table within a table; a section of its own is written `[{section}_{name}]`"
            )),
        };
        let line = self.line(key.span().start);
        match written {
            Ok((form, text)) => self.ini.assignments.push(Assignment {
                section: section.to_owned(),
                key: name.to_owned(),
                value: text,
                form,
                line,
            }),
            Err(what) => self.fault(key.span(), format!("`[{section}] {name}`: {what}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn types_become_texts_with_their_lines() {
        let ini = parse(
            "# a comment\n[DEFAULT]\nprojects = [\"a\", 'b']\ndry_run = true\n\n[SSM]\nmax_size = 0x10\n\
             cost = \"1$\"\nsince = 2026-01-02T03:04:05Z\nf = 1.5\n",
        )
        .unwrap();
        let lines: Vec<_> = ini
            .assignments
            .iter()
            .map(|a| {
                (
                    a.section.as_str(),
                    a.key.as_str(),
                    a.value.as_str(),
                    a.form,
                    a.line,
                )
            })
            .collect();
        assert_eq!(
            lines,
            [
                ("DEFAULT", "projects", "a,b", Form::Texts, 3),
                ("DEFAULT", "dry_run", "true", Form::Boolean, 4),
                ("ssm", "max_size", "16", Form::Number, 7),
                ("ssm", "cost", "1$", Form::Text, 8),
                ("ssm", "since", "2026-01-02T03:04:05Z", Form::Date, 9),
                ("ssm", "f", "1.5", Form::Number, 10),
            ]
        );
        assert_eq!(ini.sections, [("DEFAULT".into(), 2), ("ssm".into(), 6)]);
    }

    #[test]
    fn what_means_nothing_here_is_refused_with_its_line() {
        let faults = parse(
            "site_name = \"X\"\n[DEFAULT]\nprojects = [\"a,b\"]\nextractor = [1]\n[cloud.prod]\nx = 1\n",
        )
        .unwrap_err();
        let lines: Vec<_> = faults.iter().map(|f| (f.line, f.what.as_str())).collect();
        assert_eq!(
            lines,
            [
                (1, "no section before `site_name`; put `[DEFAULT]` above it"),
                (
                    3,
                    "`[DEFAULT] projects`: `a,b` has a comma, which a list entry cannot"
                ),
                (
                    4,
                    "`[DEFAULT] extractor`: a list entry is not text; put it in quotes"
                ),
                (
                    5,
                    "`[cloud] prod`: `prod` is a table within a table; a section of its own is written `[cloud_prod]`"
                ),
            ]
        );
    }

    #[test]
    fn bad_grammar_is_found_with_its_line() {
        let faults = parse("[DEFAULT]\nsite_name = FOO\n").unwrap_err();
        assert_eq!(faults[0].line, 2);
        assert!(parse("[DEFAULT]\na = 1\na = 2\n").is_err());
    }

    proptest! {
        #[test]
        fn reads_anything_without_panic(text in "\\PC*") {
            let _ = parse(&text);
        }

        #[test]
        fn reads_odd_lines(text in "([\\[\\]=.{}#, \t\r\n\"'$a-c0-9])*") {
            let _ = parse(&text);
        }
    }
}
