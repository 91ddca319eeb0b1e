//! What a check found, one line each, and what that comes to.

use serde::Serialize;

use crate::run::exit::Exit;
use crate::run::summary::words::count;
use crate::run::table::columns;
use caso_base::Message;
use caso_base::line::{LINE_BYTES, short_line};

/// What a finding is about. The words are part of the JSON form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Area {
    Configuration,
    Spool,
    File,
    Lock,
    Queue,
    Mapper,
    Messenger,
    Login,
    Certificate,
    Clock,
    Cloud,
    Project,
    Flavor,
}

impl Area {
    fn word(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Spool => "spool",
            Self::File => "file",
            Self::Lock => "lock",
            Self::Queue => "queue",
            Self::Mapper => "mapper",
            Self::Messenger => "messenger",
            Self::Login => "login",
            Self::Certificate => "certificate",
            Self::Clock => "clock",
            Self::Cloud => "cloud",
            Self::Project => "project",
            Self::Flavor => "flavor",
        }
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Ok,
    /// A run goes well, and somebody should look at it.
    Warning,
    /// A run would not do it.
    Failed,
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

/// One line.
#[derive(Debug, Serialize)]
pub struct Finding {
    pub area: Area,
    /// The cloud, project, messenger or the like; absent where there is one.
    pub subject: Option<String>,
    pub verdict: Verdict,
    pub text: String,
    /// What to do about it, often a command.
    pub hint: Option<String>,
}

impl Finding {
    pub fn new(area: Area, verdict: Verdict, message: impl Into<Message>) -> Self {
        let Message { text, hint } = message.into();
        Self {
            area,
            subject: None,
            verdict,
            text: short_line(&text, LINE_BYTES),
            hint,
        }
    }

    pub fn ok(area: Area, message: impl Into<Message>) -> Self {
        Self::new(area, Verdict::Ok, message)
    }

    pub fn warning(area: Area, message: impl Into<Message>) -> Self {
        Self::new(area, Verdict::Warning, message)
    }

    pub fn failed(area: Area, message: impl Into<Message>) -> Self {
        Self::new(area, Verdict::Failed, message)
    }

    pub fn of(self, subject: &str) -> Self {
        Self {
            subject: Some(short_line(subject, LINE_BYTES)),
            ..self
        }
    }

    pub fn hint(self, hint: impl Into<Option<String>>) -> Self {
        Self {
            hint: hint.into(),
            ..self
        }
    }
}

/// All of it, as `--json` prints it. Fields are added; none changes its meaning, or `format`
/// changes.
#[derive(Debug, Serialize)]
pub struct Findings {
    format: u32,
    version: &'static str,
    /// Epoch seconds.
    now: i64,
    offline: bool,
    strict: bool,
    /// The process's.
    exit_code: u8,
    ok: u64,
    warnings: u64,
    failed: u64,
    findings: Vec<Finding>,
    /// Extractors of projects that a run would be done with.
    #[serde(skip)]
    extracted: usize,
    /// A run would end before it asks anybody.
    #[serde(skip)]
    stops: bool,
}

impl Findings {
    pub fn new(now: i64, offline: bool, strict: bool) -> Self {
        Self {
            format: 1,
            version: env!("CARGO_PKG_VERSION"),
            now,
            offline,
            strict,
            exit_code: 0,
            ok: 0,
            warnings: 0,
            failed: 0,
            findings: Vec::new(),
            extracted: 0,
            stops: false,
        }
    }

    /// So many extractors of a project would be done.
    pub fn extracts(&mut self, extractors: usize) {
        self.extracted += extractors;
        self.exit_code = self.exit().code();
    }

    /// A run would end before it asks anybody, of what was added.
    pub fn stops(&mut self) {
        self.stops = true;
        self.exit_code = self.exit().code();
    }

    pub fn add(&mut self, finding: Finding) {
        match finding.verdict {
            Verdict::Ok => self.ok += 1,
            Verdict::Warning => self.warnings += 1,
            Verdict::Failed => self.failed += 1,
        }
        self.findings.push(finding);
        self.exit_code = self.exit().code();
    }

    /// What a run of this configuration would end with: 2 where the configuration is wrong, 1
    /// where it would do nothing, 3 where it would do a part, else 0. With `strict` a warning
    /// counts as a failure.
    pub fn exit(&self) -> Exit {
        let fails = |finding: &&Finding| match finding.verdict {
            Verdict::Ok => false,
            Verdict::Warning => self.strict,
            Verdict::Failed => true,
        };
        let failures = || self.findings.iter().filter(fails);
        let failed_in = |areas: &[Area]| failures().any(|it| areas.contains(&it.area));
        // What a run would come to without asking nobody knows; what it extracts waits for messengers.
        let done = self.offline || self.extracted > 0;
        let really = |areas: &[Area]| {
            let mut findings = self.findings.iter();
            findings.any(|it| areas.contains(&it.area) && it.verdict == Verdict::Failed)
        };
        if failures().next().is_none() {
            Exit::Done
        } else if failed_in(&[Area::Configuration]) {
            Exit::Usage
        } else if self.stops
            || really(&[Area::Spool, Area::Queue, Area::Lock, Area::Mapper])
            || !done
        {
            Exit::Nothing
        } else {
            Exit::Partly
        }
    }

    /// A line each, what to do below it, and what it comes to.
    pub fn text(&self) -> String {
        let mut rows = Vec::new();
        for finding in &self.findings {
            let text = match &finding.subject {
                Some(subject) => format!("{subject}: {}", finding.text),
                None => finding.text.clone(),
            };
            rows.push(vec![
                format!("{:<7}", finding.verdict.word()),
                format!("{:<13}", finding.area.word()),
                text,
            ]);
            if let Some(hint) = &finding.hint {
                rows.push(vec![
                    String::new(),
                    String::new(),
                    format!("hint: {}", short_line(hint, LINE_BYTES)),
                ]);
            }
        }
        let next = match self.exit() {
            Exit::Done if self.offline => "caso check",
            Exit::Done => "caso extract --dry-run",
            _ => "caso check, once it is fixed",
        };
        format!(
            "{}\n{}, {}, {} ok; nothing was changed\nnext  {next}\n",
            columns(&rows, 0).trim_end(),
            count(self.failed, "failure", "failures"),
            count(self.warnings, "warning", "warnings"),
            self.ok,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exit(strict: bool, findings: Vec<Finding>) -> Exit {
        let mut all = Findings::new(0, false, strict);
        for finding in findings {
            if finding.area == Area::Project && finding.verdict == Verdict::Ok {
                all.extracts(1);
            }
            all.add(finding);
        }
        all.exit()
    }

    #[test]
    fn the_exit_code_is_that_of_the_run_that_would_be() {
        let project = || Finding::ok(Area::Project, "");
        let bad = |area| Finding::failed(area, "");
        let odd = |area| Finding::warning(area, "");
        for (strict, findings, expected) in [
            (false, vec![project()], Exit::Done),
            (false, vec![project(), odd(Area::Queue)], Exit::Done),
            (true, vec![project(), odd(Area::Queue)], Exit::Partly),
            (true, vec![project(), odd(Area::Configuration)], Exit::Usage),
            (false, vec![project(), bad(Area::Project)], Exit::Partly),
            (false, vec![project(), bad(Area::Messenger)], Exit::Partly),
            (false, vec![bad(Area::Project)], Exit::Nothing),
            (false, vec![bad(Area::Login)], Exit::Nothing),
            (false, vec![project(), bad(Area::Spool)], Exit::Nothing),
            (false, vec![project(), bad(Area::Queue)], Exit::Nothing),
            (false, vec![project(), odd(Area::File)], Exit::Done),
            (
                false,
                vec![bad(Area::Spool), bad(Area::Configuration)],
                Exit::Usage,
            ),
        ] {
            let shown = format!("{strict} {findings:?}");
            assert_eq!(exit(strict, findings), expected, "{shown}");
        }
    }

    /// A project that fails in one extractor, and is done with another, is partly done.
    #[test]
    fn what_counts_are_extractors_and_what_stops_a_run_stops_it() {
        let mut all = Findings::new(0, false, false);
        all.add(Finding::failed(Area::Project, "nova: away").of("a"));
        assert_eq!(all.exit(), Exit::Nothing);
        all.extracts(1);
        assert_eq!(all.exit(), Exit::Partly);
        // Of two clouds one's clock is off.
        all.add(Finding::failed(Area::Clock, "off"));
        assert_eq!(all.exit(), Exit::Partly);
        all.stops();
        assert_eq!((all.exit(), all.exit_code), (Exit::Nothing, 1));
    }

    #[test]
    fn a_hint_stands_below_its_line_and_no_text_breaks_out() {
        let mut all = Findings::new(0, true, false);
        all.add(Finding::ok(Area::Spool, "/s"));
        let odd = Finding::failed(Area::Messenger, "a\u{1b}[2J\nb").of("m");
        all.add(odd.hint("do\nthis".to_owned()));
        assert_eq!(
            all.text(),
            "ok       spool          /s\n\
             failed   messenger      m: a[2J b\n\
             \u{20}                       hint: do this\n\
             1 failure, 0 warnings, 1 ok; nothing was changed\n\
             next  caso check, once it is fixed\n"
        );
    }
}
