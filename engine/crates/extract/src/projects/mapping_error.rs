//! Why the mapping file cannot be used, and where in it somebody has to look. It is written by hand, and its
//! faults are those of JSON that is written by hand.

use std::io;
use std::path::PathBuf;

use serde_json::error::Category;

/// The mapping file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    #[error("cannot read the mapping file `{}`: {source}", .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("the mapping file `{}` is not JSON: {source}", .path.display())]
    Syntax {
        path: PathBuf,
        /// Says line and column.
        source: serde_json::Error,
    },
    #[error(
        "the mapping file `{}` is not of the form {{\"VO\": {{\"projects\": [\"project\", …]}}}}: {source}", .path.display()
    )]
    Malformed {
        path: PathBuf,
        /// Says line and column.
        source: serde_json::Error,
    },
}

impl MappingError {
    pub(super) fn of_json(path: PathBuf, source: serde_json::Error) -> Self {
        match source.classify() {
            Category::Syntax | Category::Eof => Self::Syntax { path, source },
            Category::Data | Category::Io => Self::Malformed { path, source },
        }
    }

    /// What to do about it. The text does not have it.
    #[must_use]
    pub fn hint(&self) -> String {
        let (path, source, what) = match self {
            Self::Read { path, .. } => {
                return format!(
                    "make `{}` a file of text that the user who runs cASO can read",
                    path.display()
                );
            }
            Self::Syntax { path, source } => (path, source, fault(&source.to_string())),
            Self::Malformed { path, source } => {
                (path, source, "each VO has a list of projects, in quotes")
            }
        };
        // What runs on over the end of its line is found in the next one, before its first column.
        let line = match source.column() {
            0 => source.line().saturating_sub(1).max(1),
            _ => source.line(),
        };
        format!("fix line {line} of `{}`: {what}", path.display())
    }
}

/// What somebody has probably written, by what the parser says of it.
fn fault(parser: &str) -> &'static str {
    let faults = [
        (
            "trailing comma",
            "remove the comma after the last entry, before the bracket",
        ),
        (
            "key must be a string",
            "a name needs double quotes: one is missing, or is a single one; JSON has no comments",
        ),
        (
            "control character",
            "a text ends in the line that it begins in: the double quote at its end is missing",
        ),
        (
            "expected `,` or",
            "between two entries a comma is missing, or a double quote, or before it a closing bracket",
        ),
        ("expected `:`", "behind the name of a VO a colon is missing"),
        (
            "EOF while parsing a string",
            "the double quote at the end of a text is missing",
        ),
        (
            "EOF while parsing a value",
            "the file is empty, or ends where a value should be: for no VO at all write `{}`",
        ),
        (
            "EOF",
            "the file ends before its last bracket: one that closes is missing",
        ),
        (
            "trailing characters",
            "nothing may follow the last bracket: it is one too many, or too early",
        ),
        (
            "expected value",
            "text in double quotes or a bracket is missing here, or a comma is too many; JSON has no comments",
        ),
    ];
    let found = faults.iter().find(|(begins, _)| parser.starts_with(begins));
    found.map_or("it is no JSON", |(_, what)| what)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::VoMapping;
    use caso_model::notice::Notices;

    /// The common ones, each with the line that is to be changed.
    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (text, line, what) in [
            (
                "{\"vo\": {\"projects\": [\n\"a\",\n]}}",
                3,
                "remove the comma",
            ),
            (
                "{\"vo\": {\"projects\": [\"a\"]},\n}",
                2,
                "remove the comma",
            ),
            (
                "{\nvo: {\"projects\": [\"a\"]}}",
                2,
                "a name needs double quotes",
            ),
            (
                "{\n'vo': {\"projects\": [\"a\"]}}",
                2,
                "a name needs double quotes",
            ),
            (
                "{\"vo\": {\"projects\": [\n\"a,\n\"b\"]}}",
                2,
                "the double quote at its end",
            ),
            (
                "{\"vo\": {\"projects\": [\n\"a\"\n\"b\"]}}",
                3,
                "a comma is missing",
            ),
            (
                "{\"vo\": {\"projects\": [\"a, \"b\"]}}",
                1,
                "or a double quote",
            ),
            ("{\"vo\"\n{\"projects\": [\"a\"]}}", 2, "a colon is missing"),
            (
                "{\"vo\": {\"projects\": [\"a\"]}\n",
                1,
                "one that closes is missing",
            ),
            ("{\"vo\": {\"projects\": [\"a\"]}}\n}", 2, "one too many"),
            (
                "{\"vo\": {\"projects\": [\n'a']}}",
                2,
                "text in double quotes",
            ),
            ("{\"vo\":\n{\"projects\": \"a\"}}", 2, "a list of projects"),
        ] {
            let path = Path::new("/etc/voms.json");
            let error = VoMapping::parse(text, path, &Notices::default()).unwrap_err();
            let hint = error.hint();
            let begin = format!("fix line {line} of `/etc/voms.json`: ");
            assert!(
                hint.starts_with(&begin) && hint.contains(what),
                "{text}: {error}; {hint}"
            );
        }
    }
}
