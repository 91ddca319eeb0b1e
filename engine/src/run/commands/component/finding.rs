//! What a check found, one line each.

use serde::Serialize;

use crate::run::exit::Exit;
use crate::run::table::columns;
use caso_base::line::both_ends;

/// Bytes of a finding, of which a part may be a component's own words.
const TEXT: usize = 600;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Ok,
    /// Worth knowing.
    Info,
    /// Odd, and no hindrance.
    Warn,
    /// Something of the site's is missing: a grant, or an option.
    No,
    /// It does not fit.
    Fail,
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::No => "no",
            Self::Fail => "FAIL",
        }
    }
}

/// One line.
#[derive(Debug, Serialize)]
pub struct Finding {
    /// `admission`, `grants` or `battery`.
    pub part: &'static str,
    pub verdict: Verdict,
    pub text: String,
    /// What else came to the same failure.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    #[serde(skip)]
    cause: Option<String>,
}

impl Finding {
    /// In words: one failure is told once, however much came to it.
    fn words(&self) -> String {
        let also: Vec<&str> = self.also.iter().map(String::as_str).collect();
        match also.as_slice() {
            [] => self.text.clone(),
            [one] => format!("{}; so did {one}", self.text),
            [first, .., last] => format!(
                "{}; so did {} more, from {first} to {last}",
                self.text,
                also.len()
            ),
        }
    }
}

/// What a component's failure is, whatever it failed on: who, in what call, how, and the kind
/// of the exception that its language has, whose text may name the record.
fn cause(failure: &str) -> String {
    let exception = |words: &str| {
        let last = words.rsplit(" | ").next().unwrap_or_default();
        let (name, _) = last.split_once(':').unwrap_or((last, ""));
        let is_name = !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "._".contains(c))
            && name.chars().any(|c| c.is_ascii_uppercase());
        is_name.then(|| name.to_owned())
    };
    match failure.split_once("; its last words: ") {
        Some((how, words)) => match exception(words) {
            Some(name) => format!("{how}: {name}"),
            None => failure.to_owned(),
        },
        None => failure.to_owned(),
    }
}

/// All of them, in order.
#[derive(Debug, Default, Serialize)]
pub struct Findings(pub Vec<Finding>);

impl Findings {
    pub fn add(&mut self, part: &'static str, verdict: Verdict, text: impl AsRef<str>) {
        self.0.push(Finding {
            part,
            verdict,
            text: both_ends(text.as_ref(), TEXT),
            also: Vec::new(),
            cause: None,
        });
    }

    /// A component's failure on something: told once, with how much else came to the same.
    pub fn failed(&mut self, part: &'static str, verdict: Verdict, on: &str, failure: &str) {
        let cause = cause(failure);
        let known = self.0.iter_mut().find(|known| {
            (known.part, known.verdict) == (part, verdict)
                && known.cause.as_deref() == Some(cause.as_str())
        });
        match known {
            Some(known) => known.also.push(both_ends(on, TEXT)),
            None => {
                self.add(part, verdict, format!("{on}: {failure}"));
                if let Some(last) = self.0.last_mut() {
                    last.cause = Some(cause);
                }
            }
        }
    }

    pub fn count(&self, verdict: Verdict) -> usize {
        let findings = self.0.iter();
        findings
            .filter(|finding| finding.verdict == verdict)
            .map(|finding| 1 + finding.also.len())
            .sum()
    }

    /// 0 it fits, 1 it does not, 3 it fits and something is missing.
    pub fn exit(&self) -> Exit {
        match (self.count(Verdict::Fail), self.count(Verdict::No)) {
            (0, 0) => Exit::Done,
            (0, _) => Exit::Partly,
            _ => Exit::Nothing,
        }
    }

    /// Under the headings of their parts, and what it comes to.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut part = "";
        let mut rows = Vec::new();
        for finding in &self.0 {
            if finding.part != part {
                text += &columns(&rows, 2);
                rows.clear();
                part = finding.part;
                text += &format!("{part}\n");
            }
            rows.push(vec![
                format!("{:<4}", finding.verdict.word()),
                finding.words(),
            ]);
        }
        text += &columns(&rows, 2);
        text + &self.result() + "\n"
    }

    fn result(&self) -> String {
        let count = |verdict, one: &str, more: &str| match self.count(verdict) {
            0 => None,
            1 => Some(format!("1 {one}")),
            count => Some(format!("{count} {more}")),
        };
        let counts = [
            count(Verdict::Fail, "failure", "failures"),
            count(Verdict::No, "thing missing", "things missing"),
            count(Verdict::Warn, "warning", "warnings"),
        ];
        let counts: Vec<String> = counts.into_iter().flatten().collect();
        let fits = match self.exit() {
            Exit::Done => "it fits",
            Exit::Partly => "it fits, but something is missing",
            _ => "it does not fit",
        };
        match counts.is_empty() {
            true => fits.to_owned(),
            false => format!("{fits}: {}", counts.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A traceback of Python in each of fifty lines, without its last one.
    #[test]
    fn an_exception_is_told_once_with_its_end_and_its_number() {
        let failure = |record: u32| {
            format!(
                "component `mine` failed in `deliver`: it aborted; its last words: Traceback | {} | \
                 ValueError: no price for record {record}",
                "File, line; ".repeat(100)
            )
        };
        let mut findings = Findings::default();
        for record in 0..50 {
            let on = format!("record {record}");
            findings.failed("battery", Verdict::Fail, &on, &failure(record));
        }
        assert_eq!((findings.0.len(), findings.count(Verdict::Fail)), (1, 50));
        let text = findings.text();
        assert!(
            text.contains(
                "ValueError: no price for record 0; so did 49 more, from record 1 to record 49"
            ),
            "{text}"
        );
        // Another exception is another failure, and so is what the language names in no such way.
        let other = failure(0).replace("ValueError", "KeyError");
        findings.failed("battery", Verdict::Fail, "record 50", &other);
        for words in ["panicked: a | note: x", "panicked: b | note: x"] {
            let failure = format!("it aborted; its last words: {words}");
            findings.failed("battery", Verdict::Fail, "record 51", &failure);
        }
        assert_eq!(findings.0.len(), 4);
    }

    #[test]
    fn the_worst_finding_decides() {
        let mut findings = Findings::default();
        findings.add("admission", Verdict::Ok, "a");
        findings.add("battery", Verdict::Warn, "b");
        assert_eq!(findings.exit(), Exit::Done);
        assert_eq!(
            findings.text(),
            "admission\n  ok    a\nbattery\n  warn  b\nit fits: 1 warning\n"
        );
        findings.add("battery", Verdict::No, "c");
        assert_eq!(findings.exit(), Exit::Partly);
        findings.add("battery", Verdict::Fail, "d\x1b[2J\ne");
        assert_eq!(findings.exit(), Exit::Nothing);
        assert!(
            findings.text().ends_with(
                "  FAIL  d[2J e\nit does not fit: 1 failure, 1 thing missing, 1 warning\n"
            ),
            "{}",
            findings.text()
        );
    }
}
