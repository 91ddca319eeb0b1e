//! `caso cursor`: how far each extractor of each project is. It takes no lock.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde::Serialize;

use super::cursor::name;
use super::status::{Cursor, Status};
use crate::run::summary::words::{count, span};
use crate::run::table::{self, Table};
use crate::stdout;
use caso_base::line::clean_line;
use caso_base::time::format_utc;
use caso_base::{Clock as _, SystemClock};
use caso_config::Config;
use caso_disk::Disk;
use caso_state::{Cursors, Spool};

/// As `--json` prints it. Fields are added; none changes its meaning, or `format` changes.
/// Times are epoch seconds.
#[derive(Serialize)]
struct Listed {
    format: u32,
    now: i64,
    /// As in `caso status --json`.
    cursors: Vec<Cursor>,
}

/// # Errors
/// The spool cannot be read.
pub fn list(config: &Config, json: bool) -> anyhow::Result<String> {
    let status = Status::read(config, SystemClock::new().now())?;
    if json {
        let listed = Listed {
            format: 1,
            now: status.now,
            cursors: status.cursors,
        };
        return stdout::json(&listed);
    }
    let damaged = status.damaged_cursors.iter();
    let damaged = damaged.map(|it| format!("`{}`: {}\n", it.file.display(), it.reason));
    let damaged: String = damaged.collect();
    if status.cursors.is_empty() && damaged.is_empty() {
        let spool = Spool::look(&config.spooldir, Disk::default());
        let earlier = Cursors::lastruns(&spool).context("cannot read the lastrun files")?;
        return Ok(match (&status.last_run, earlier.is_empty()) {
            (Some(run), true) if run.replay => {
                "no project has a cursor: a replay moves none\nnext  caso status\n".to_owned()
            }
            (Some(run), true) if !run.windows.is_empty() => {
                "no project has a cursor: a window by hand moves none, and `caso cursor forget` takes them away\nnext  caso-extract\n"
                    .to_owned()
            }
            _ => of_earlier(&earlier),
        });
    }
    let mut table = Table::new(["PROJECT", "CLOUD", "EXTRACTOR", "UP TO", ">BEHIND", "STATE"]);
    for cursor in in_rows(&status.cursors) {
        table.row(cursor);
    }
    // It says of each that is behind what to do; what is forgotten nobody gets back.
    Ok(table.to_string() + &damaged + &table::next(&["caso status".to_owned()]))
}

/// A row for each; one for extractors of a project that are not well in the same way.
fn in_rows(cursors: &[Cursor]) -> Vec<[String; 6]> {
    let row = |cursor: &Cursor| {
        [
            name(cursor).to_owned(),
            cursor.key().place().to_string(),
            cursor.extractor.clone(),
            cursor.at.map_or("never".to_owned(), format_utc),
            cursor
                .lag
                .filter(|_| !cursor.switched_off)
                .map_or("-".to_owned(), span),
            state(cursor),
        ]
    };
    let mut rows: Vec<(&str, [String; 6])> = Vec::new();
    for cursor in cursors {
        let row = row(cursor);
        let is_odd = cursor.is_failing() || cursor.is_gone() || cursor.not_asked.is_some();
        let [_, place, extractor, at, _, said] = &row;
        // They stand in the order of the projects.
        let mut of_project = rows
            .iter_mut()
            .rev()
            .take_while(|(project, _)| is_odd && said != OK && *project == cursor.project);
        let known = of_project
            .find(|(_, [_, there, _, up_to, _, state])| (there, up_to, state) == (place, at, said));
        match known {
            Some((_, [_, _, extractors, ..])) => *extractors += &format!(", {extractor}"),
            None => rows.push((&cursor.project, row)),
        }
    }
    rows.into_iter().map(|(_, row)| row).collect()
}

/// Of one with which nothing is wrong.
const OK: &str = "ok";

/// Where no run of this version has been, and maybe Python's.
fn of_earlier(lastruns: &BTreeMap<String, Option<i64>>) -> String {
    if lastruns.is_empty() {
        return "no project was extracted yet\nnext  caso-extract\n".to_owned();
    }
    let mut table = Table::new(["LASTRUN OF", "UP TO"]);
    for (project, at) in lastruns {
        let project = match project.as_str() {
            "" => "every project",
            project => project,
        };
        let at = at.map_or("no date".to_owned(), format_utc);
        table.row([clean_line(project), at]);
    }
    format!(
        "No project was extracted by this cASO yet; it goes on from the lastrun files of the one before:\n\
         {table}next  caso-extract --dry-run\n"
    )
}

fn state(cursor: &Cursor) -> String {
    if cursor.lacking {
        return "the cloud has no such service".to_owned();
    }
    if cursor.switched_off {
        return "off: not in `extractor`".to_owned();
    }
    let late = cursor.is_late();
    match (&cursor.reason, cursor.failed_runs, &cursor.not_asked) {
        (Some(reason), runs, _) if runs > 0 => {
            format!("failed in {}: {reason}", count(runs, "run", "runs"))
        }
        (_, runs, _) if runs > 0 => format!("failed in {}", count(runs, "run", "runs")),
        // An outage is no project's failure.
        (Some(reason), _, _) => format!("failed: {reason}"),
        (_, _, Some(why)) if late => format!("not asked: {why}"),
        _ if late && cursor.is_gone() => "the last run did not find it".to_owned(),
        _ if late => "behind".to_owned(),
        _ => OK.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use caso_state::CursorKey;

    #[test]
    fn extractors_that_fail_alike_are_one_row() {
        let cursor = |project: &str, extractor: &str, reason: Option<&str>| Cursor {
            reason: reason.map(str::to_owned),
            in_last_run: true,
            at: Some(0),
            lag: Some(0),
            ..Cursor::unknown(
                project,
                CursorKey {
                    cloud: "default".to_owned(),
                    region: None,
                    extractor: extractor.to_owned(),
                },
            )
        };
        let rows = in_rows(&[
            cursor("a", "cinder", Some("no token")),
            cursor("a", "nova", Some("no token")),
            cursor("b", "cinder", Some("no token")),
            cursor("c", "cinder", None),
            cursor("c", "nova", None),
        ]);
        let shown: Vec<_> = rows
            .iter()
            .map(|[name, _, of, .., state]| [name, of, state])
            .collect();
        assert_eq!(
            shown,
            [
                ["a", "cinder, nova", "failed: no token"],
                ["b", "cinder", "failed: no token"],
                ["c", "cinder", "ok"],
                ["c", "nova", "ok"],
            ]
        );
    }
}
