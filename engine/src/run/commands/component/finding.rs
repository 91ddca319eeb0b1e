//! What a check found, one line each.

use serde::Serialize;

use crate::run::exit::Exit;
use crate::run::table::columns;
use caso_base::line::short_line;

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
}

/// All of them, in order.
#[derive(Debug, Default, Serialize)]
pub struct Findings(pub Vec<Finding>);

impl Findings {
    pub fn add(&mut self, part: &'static str, verdict: Verdict, text: impl AsRef<str>) {
        self.0.push(Finding {
            part,
            verdict,
            text: short_line(text.as_ref(), TEXT),
        });
    }

    pub fn count(&self, verdict: Verdict) -> usize {
        let findings = self.0.iter();
        findings
            .filter(|finding| finding.verdict == verdict)
            .count()
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
                finding.text.clone(),
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
