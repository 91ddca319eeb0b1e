//! The status for a person.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Status;
use super::cursors::Cursor;
use super::facts::UNTAKEN;
use super::projects::Projects;
use crate::run::summary::words::{count, damaged, len, size, span};
use crate::run::{backlog, month};
use caso_base::time::format_utc;
use caso_model::Window;
use caso_state::ledger::ProblemLine;

const NAME: usize = 12;

/// A line each for the last run, the projects, the queues; then what to type next.
pub fn text(status: &Status) -> String {
    let projects = Projects::of(status);
    let run = status.last_run.as_ref();
    let mut page = Page {
        text: String::new(),
        problems: run.map_or(&[], |run| &run.problems),
        hinted: Vec::new(),
    };
    if let Some(holder) = &status.running {
        page.line("now", &format!("a run is under way: {holder}"));
    }
    page.last_run(status, &projects);
    page.projects(status, &projects);
    page.switched_off(status);
    page.queues(status);
    page.outgoing(status);
    page.lost(status);
    page.left_out(status);
    page.damaged(status);
    page.cursors(status);
    page.ledger(status);
    let free = status.bytes_free / 1_048_576;
    let spool = status.spool.display();
    page.line(
        "spool",
        &match status.spool_missing {
            true => format!("{spool} is not there"),
            false => format!("{spool}, {free} MiB free"),
        },
    );
    let attention = status.attention();
    match attention.is_empty() {
        true => page.line("all well", ""),
        false => page.line("look at", &attention.join("; ")),
    }
    page.text
}

struct Page<'a> {
    text: String,
    /// What the last run told as an error.
    problems: &'a [ProblemLine],
    /// What was said to do, each once.
    hinted: Vec<&'a str>,
}

impl Page<'_> {
    fn line(&mut self, name: &str, text: &str) {
        // A String takes all that is written to it.
        let _ = writeln!(self.text, "{}", format!("{name:<NAME$}{text}").trim_end());
    }

    /// What the last run said to do about this; about a project, where others have the same.
    fn hint_of(&mut self, reason: &str, project: Option<&str>) {
        if reason.is_empty() {
            return;
        }
        let all = || self.problems.iter().filter(|it| it.text.contains(reason));
        let of_project = |it: &&ProblemLine| project.is_some_and(|id| it.text.contains(id));
        let alone = all().any(|it| of_project(&it));
        let about = all()
            .filter(|it| !alone || of_project(it))
            .filter_map(|it| it.hint.as_deref());
        for hint in about {
            if !self.hinted.contains(&hint) {
                self.hinted.push(hint);
                self.line("hint", hint);
            }
        }
    }

    fn last_run(&mut self, status: &Status, projects: &Projects) {
        let Some(run) = &status.last_run else {
            let text = match (status.unreadable.is_empty(), &status.running) {
                (true, None) => "none is known: `caso-extract` makes one",
                (true, Some(_)) => "none before it is known",
                (false, _) => "not known",
            };
            return self.line("last run", text);
        };
        let began = format_utc(run.began);
        let when = match run.replay {
            true => format!("a replay, at the time of its recording, {began}"),
            false => format!("{began} ({})", ago(status.now, run.began)),
        };
        self.line(
            "last run",
            &format!(
                "{when}, exit code {}, {:.1} s, process {}",
                run.exit,
                std::time::Duration::from_millis(run.took_ms).as_secs_f64(),
                run.process
            ),
        );
        if !run.replay {
            let whole = match (status.last_whole, status.without_whole()) {
                (Some(at), _) => format!("{} ({})", format_utc(at), ago(status.now, at)),
                (None, Some(since)) => format!("none in the last {}", span(since)),
                (None, None) => "none yet".to_owned(),
            };
            self.line("last whole", &whole);
        }
        for failure in run.failures.iter().filter(|it| it.project.is_none()) {
            let place = match failure.cloud.as_str() {
                "" | "default" => String::new(),
                cloud => format!("cloud `{cloud}`: "),
            };
            self.line("", &format!("{place}{}", failure.reason));
            self.hint_of(&failure.reason, None);
        }
        let of_projects = projects.lines.iter().flat_map(|it| &it.reasons);
        let of_projects = of_projects.map(String::as_str);
        let of_queues = status.queues.iter().filter_map(|it| it.stopped.as_deref());
        let later: Vec<&str> = of_projects.chain(of_queues).collect();
        let known: Vec<&str> = run.failures.iter().map(|it| it.reason.as_str()).collect();
        for problem in self.problems {
            let told = |it: &&str| !it.is_empty() && problem.text.contains(it);
            // What a line of a project or a queue tells is told there, with what to do.
            if later.iter().any(told) {
                continue;
            }
            if !known.iter().any(told) {
                self.line("", &problem.text);
            }
            self.hint_of(&problem.text, None);
        }
    }

    /// Those that are up to date are counted; of the others each is named.
    fn projects(&mut self, status: &Status, projects: &Projects) {
        let text = match (projects.all, &status.last_run) {
            (0, Some(run)) if run.replay => "none has a cursor, as a replay moves none".to_owned(),
            (0, Some(run)) if !run.windows.is_empty() => {
                "none has a cursor: a window by hand moves none, and `caso cursor forget` takes them away"
                    .to_owned()
            }
            (all, _) => format!(
                "{}, {} up to date",
                count(all, "project", "projects"),
                projects.well
            ),
        };
        self.line("projects", &text);
        for line in &projects.lines {
            self.line("", &line.text);
            match &line.hint {
                Some(hint) => self.line("hint", hint),
                None => {
                    for reason in &line.reasons {
                        self.hint_of(reason, line.project.as_deref());
                    }
                }
            }
        }
    }

    /// That nobody waits for them is no fault, and somebody may wonder where their records are.
    fn switched_off(&mut self, status: &Status) {
        let mut found: BTreeMap<(String, &str), Vec<&Cursor>> = BTreeMap::new();
        for cursor in status.cursors.iter().filter(|it| it.switched_off) {
            let key = (cursor.key().place().to_string(), cursor.extractor.as_str());
            found.entry(key).or_default().push(cursor);
        }
        for ((place, extractor), cursors) in found {
            let place = match place.as_str() {
                "default" => String::new(),
                place => format!(" of `{place}`"),
            };
            let last = cursors.iter().filter_map(|it| it.at).max();
            let last = last.map_or_else(String::new, |at| format!(", up to {}", format_utc(at)));
            self.line(
                "off",
                &format!(
                    "{extractor}{place}: it is not in `extractor`; it extracted {}{last}, and would go on from there",
                    count(len(&cursors), "project", "projects")
                ),
            );
        }
    }

    fn queues(&mut self, status: &Status) {
        for (at, queue) in status.queues.iter().enumerate() {
            let mut text = match queue.waiting {
                0 => format!("{}: nothing waits", queue.messenger),
                waiting => format!(
                    "{}: {}, {}, wait{}",
                    queue.messenger,
                    count(waiting, "record", "records"),
                    size(queue.bytes),
                    queue.oldest.map_or_else(String::new, |oldest| {
                        format!(", the oldest for {}", span(status.now - oldest))
                    })
                ),
            };
            if !queue.configured {
                let _ = write!(
                    text,
                    "; not in `messengers`: `caso queue drop {}` drops it",
                    queue.messenger
                );
            }
            if let Some(stopped) = &queue.stopped {
                let _ = write!(text, "; {stopped}");
            }
            if queue.quarantined > 0 {
                let _ = write!(
                    text,
                    "; {} in quarantine: `caso queue show {} --quarantine` says why, and how to fix it",
                    queue.quarantined, queue.messenger
                );
            }
            self.line(if at == 0 { "queues" } else { "" }, &text);
            self.hint_of(queue.stopped.as_deref().unwrap_or_default(), None);
        }
    }

    fn damaged(&mut self, status: &Status) {
        for records in [true, false] {
            let files = status.damaged.iter().filter(|it| it.records == records);
            let files: Vec<_> = files.map(|it| &it.found).collect();
            if let Some((text, hint)) = damaged(&files, &status.lost_windows) {
                self.line("damaged", &format!("{text}; {hint}"));
            }
        }
    }

    fn lost(&mut self, status: &Status) {
        let with_a_file = status.damaged.iter().any(|it| it.records);
        let windows = backlog::words(&status.spool, &status.lost_windows).filter(|_| !with_a_file);
        for it in &status.lost {
            // Where it is known of which windows, the line on those has the command.
            let cure = match status.lost_windows.is_empty() && !with_a_file {
                true => format!("; {}", month::republish(&[month::name(it.at)].into())),
                false => String::new(),
            };
            self.line(
                "lost",
                &format!(
                    "{}: {}, found on {}: the journal's copy of them was damaged or gone{cure}",
                    it.messenger,
                    count(it.records, "record", "records"),
                    format_utc(it.at)
                ),
            );
        }
        if let Some((text, hint)) = windows {
            self.line("lost", &format!("{text}; {hint}"));
        }
    }

    fn left_out(&mut self, status: &Status) {
        for it in &status.left_out {
            let project = it.name.as_deref().unwrap_or(&it.project);
            let region = it.region.as_ref();
            let region = region.map_or_else(String::new, |it| format!(" {it}"));
            self.line(
                "left out",
                &format!(
                    "{project}{region} {}: in {}, {} to {}, some usage has no record; once that is fixed: {}",
                    it.extractor,
                    count(it.windows, "window", "windows"),
                    format_utc(it.from),
                    format_utc(it.to),
                    month::republish(&month::of(Window {
                        start: it.from,
                        end: it.to
                    }))
                ),
            );
        }
    }

    fn cursors(&mut self, status: &Status) {
        for it in &status.damaged_cursors {
            self.line(
                "damaged",
                &format!(
                    "{}: {}; without it (move it away) the project goes on from its lastrun file",
                    it.file.display(),
                    it.reason
                ),
            );
        }
    }

    fn ledger(&mut self, status: &Status) {
        for it in &status.damaged_ledger {
            self.line(
                "damaged",
                &format!(
                    "{}: what {} of it said is lost: `caso report` lacks those runs, and what adds up is not extracted \
                     again of their time, as nobody knows its windows any more; a copy of the file from a backup fixes \
                     it; without one, this is shown until those lines are removed (an intact one is a JSON object)",
                    it.file.display(),
                    count(it.lines, "line", "lines")
                ),
            );
        }
    }

    fn outgoing(&mut self, status: &Status) {
        for outgoing in status.outgoing.iter().filter(|it| it.messages > 0) {
            let age = outgoing.oldest.map(|oldest| status.now - oldest);
            let mut text = format!(
                "{}: {}",
                outgoing.folder.display(),
                count(outgoing.messages, "message", "messages")
            );
            if let Some(age) = age {
                let _ = write!(text, ", the oldest for {}", span(age));
                if age > UNTAKEN {
                    text.push_str(": does ssmsend run?");
                }
            }
            self.line("outgoing", &text);
        }
    }
}

/// How long ago something was, by a clock that may have been ahead.
fn ago(now: i64, at: i64) -> String {
    match now - at {
        ..-1 => format!("{} in the future: was the clock ahead?", span(at - now)),
        since => format!("{} ago", span(since)),
    }
}
