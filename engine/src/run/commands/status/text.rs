//! The status for a person.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Status;
use super::facts::{Cursor, LATE, UNTAKEN};
use crate::run::summary::words::{count, damaged, size, span};
use crate::run::{backlog, month};
use caso_base::shell_word as word;
use caso_base::time::format_utc;

const NAME: usize = 12;

/// A line each for the last run, the projects, the queues; then what to type next.
pub fn text(status: &Status) -> String {
    let mut page = Page(String::new());
    if let Some(holder) = &status.running {
        page.line("now", &format!("a run is under way: {holder}"));
    }
    page.last_run(status);
    page.projects(status);
    page.queues(status);
    page.outgoing(status);
    page.lost(status);
    page.left_out(status);
    page.damaged(status);
    page.cursors(status);
    page.ledger(status);
    let free = status.bytes_free / 1_048_576;
    page.line(
        "spool",
        &format!("{}, {free} MiB free", status.spool.display()),
    );
    let attention = status.attention();
    match attention.is_empty() {
        true => page.line("all well", ""),
        false => page.line("look at", &attention.join("; ")),
    }
    page.0
}

struct Page(String);

impl Page {
    fn line(&mut self, name: &str, text: &str) {
        // A String takes all that is written to it.
        let _ = writeln!(self.0, "{}", format!("{name:<NAME$}{text}").trim_end());
    }

    fn last_run(&mut self, status: &Status) {
        let Some(run) = &status.last_run else {
            let text = match (status.unreadable.is_empty(), &status.running) {
                (true, None) => "none is known: `caso-extract` makes one",
                (true, Some(_)) => "none before it is known",
                (false, _) => "not known",
            };
            return self.line("last run", text);
        };
        self.line(
            "last run",
            &format!(
                "{} ({} ago), exit code {}, {:.1} s, process {}",
                format_utc(run.began),
                span(status.now - run.began),
                run.exit,
                std::time::Duration::from_millis(run.took_ms).as_secs_f64(),
                run.process
            ),
        );
        let whole = match status.last_whole {
            Some(at) => format!("{} ({} ago)", format_utc(at), span(status.now - at)),
            None => "none in the last 32 days".to_owned(),
        };
        self.line("last whole", &whole);
        for failure in run.failures.iter().filter(|it| it.project.is_none()) {
            let place = match failure.cloud.as_str() {
                "" | "default" => String::new(),
                cloud => format!("cloud `{cloud}`: "),
            };
            self.line("", &format!("{place}{}", failure.reason));
        }
        // What no line of a cloud, a project or a queue tells.
        let told: Vec<&str> = run.failures.iter().map(|it| it.reason.as_str()).collect();
        let stopped = run.messengers.iter().filter_map(|it| it.stopped.as_deref());
        let told: Vec<&str> = told.into_iter().chain(stopped).collect();
        for problem in &run.problems {
            if !told.iter().any(|told| problem.text.contains(told)) {
                self.line("", &problem.text);
            }
        }
        let mut hints: Vec<&str> = Vec::new();
        for hint in run.problems.iter().filter_map(|it| it.hint.as_deref()) {
            if !hints.contains(&hint) {
                hints.push(hint);
            }
        }
        for hint in hints {
            self.line("hint", hint);
        }
    }

    /// Those that are up to date are counted; of the others each is named.
    fn projects(&mut self, status: &Status) {
        let mut by_project: BTreeMap<(&str, &str), Vec<&Cursor>> = BTreeMap::new();
        for cursor in &status.cursors {
            let key = (cursor.cloud.as_str(), cursor.project.as_str());
            by_project.entry(key).or_default().push(cursor);
        }
        let odd = |cursor: &&Cursor| {
            cursor.is_failing() || !cursor.lacking && cursor.lag.is_none_or(|lag| lag > LATE)
        };
        let all = by_project.len();
        by_project.retain(|_, cursors| cursors.iter().any(odd));
        let well = all - by_project.len();
        let number = u64::try_from(all).unwrap_or(u64::MAX);
        self.line(
            "projects",
            &format!(
                "{}, {well} up to date",
                count(number, "project", "projects")
            ),
        );
        for cursors in by_project.values() {
            for cursor in cursors.iter().filter(|it| odd(it)) {
                self.cursor(cursor);
            }
            let lost = cursors
                .iter()
                .rfind(|it| odd(it) && !it.in_last_run && it.reason.is_none());
            if let Some(lost) = lost {
                self.line("hint", &way_out(lost));
            }
        }
        for failure in status.without_cursor() {
            let project = failure.project.as_deref().unwrap_or_default();
            let name = failure.name.as_deref().unwrap_or(project);
            self.line("", &format!("{name}: never extracted: {}", failure.reason));
        }
    }

    fn cursor(&mut self, cursor: &Cursor) {
        let id = cursor.project.as_str();
        let name = match (&cursor.name, cursor.in_last_run) {
            (None, _) => id.to_owned(),
            (Some(name), true) => name.clone(),
            // Keystone may not show it any more: by the name alone nobody finds it.
            (Some(name), false) => format!("{name} ({id})"),
        };
        let up_to = match (cursor.at, cursor.lag) {
            (Some(at), Some(lag)) => format!("up to {}, {} behind", format_utc(at), span(lag)),
            _ => "never extracted".to_owned(),
        };
        let why = match (&cursor.reason, cursor.in_last_run) {
            (Some(reason), _) => format!(": {reason}"),
            (None, false) => {
                ": the last run did not find it: has it lost its tag, or its place in \
                              `projects`? Its usage since then is not accounted"
                    .to_owned()
            }
            (None, true) => String::new(),
        };
        let runs = match cursor.failed_runs {
            0 => String::new(),
            runs => format!(" (failed in {})", count(runs, "run", "runs")),
        };
        let region = cursor
            .region
            .as_ref()
            .map_or_else(String::new, |it| format!(" {it}"));
        self.line(
            "",
            &format!("{name}{region} {}: {up_to}{runs}{why}", cursor.extractor),
        );
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
                    "; not in `messengers`: `caso queue drop {}` gives it up",
                    queue.messenger
                );
            }
            if let Some(stopped) = &queue.stopped {
                let _ = write!(text, "; {stopped}");
            }
            if queue.quarantined > 0 {
                let _ = write!(
                    text,
                    "; {} in quarantine: `caso queue show {} --quarantine` says why, and what puts that right",
                    queue.quarantined, queue.messenger
                );
            }
            self.line(if at == 0 { "queues" } else { "" }, &text);
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
                true => format!("; {}", month::republish(&[&month::name(it.at)])),
                false => String::new(),
            };
            self.line(
                "lost",
                &format!(
                    "{}: {}, found on {}: what the journal had of them was damaged or gone{cure}",
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
                    "{project}{region} {}: in {}, {} to {}, some of what was used came to no record; once that is mended: \
                     caso republish --month {}",
                    it.extractor,
                    count(it.windows, "window", "windows"),
                    format_utc(it.from),
                    format_utc(it.to),
                    month::name(it.to - 1)
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
                     again of their time, as nobody knows its windows any more; a copy of the file from a backup mends it, and where there is none, this is said \
                     until those lines are taken out (a whole one is a JSON object)",
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

/// What to do about a project that the last run did not find.
fn way_out(cursor: &Cursor) -> String {
    let forget = format!("caso cursor forget {}", word(&cursor.project));
    match &cursor.way_back {
        Some(way_back) => format!("{way_back}, to account it; {forget}, to give it up"),
        None => forget,
    }
}
