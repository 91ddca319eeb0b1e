//! `caso queue show`: the records of a queue or a quarantine, a line each, or one in full.

use std::collections::BTreeSet;

use anyhow::bail;
use serde::Serialize;

use super::entry::{Entry, each};
use super::{nothing, of_messenger, sight};
use crate::run::month;
use crate::run::republish::republished;
use crate::run::summary::words::span;
use crate::run::table::Table;
use crate::stdout;
use caso_base::line::clean_lines;
use caso_base::time::format_utc;
use caso_config::Config;

/// What to show.
#[derive(Debug, PartialEq)]
pub struct Show {
    pub messenger: String,
    pub quarantine: bool,
    /// Of a record, or of what it is of; none: all of them.
    pub id: Option<String>,
    pub json: bool,
}

/// As `--json` prints it.
#[derive(Serialize)]
struct Shown<'a> {
    format: u32,
    messenger: &'a str,
    /// In the order of delivery.
    records: Vec<Entry>,
}

/// # Errors
/// There is no such messenger or record, or the spool cannot be read.
pub fn show(config: &Config, what: &Show) -> anyhow::Result<String> {
    let (_, sight, now) = sight(config)?;
    of_messenger(config, &sight, &what.messenger)?;
    let mut found: Vec<Entry> = Vec::new();
    each(
        &sight,
        &what.messenger,
        what.quarantine,
        &mut |mut entry| {
            if what.id.as_ref().is_none_or(|id| entry.is(id)) {
                if what.id.is_none() && !what.json {
                    // A line of it is shown, and there may be very many.
                    entry.record = serde_json::Value::Null;
                }
                found.push(entry);
            }
            Ok(())
        },
    )?;
    if let (Some(id), true) = (&what.id, found.is_empty()) {
        let other = match what.quarantine {
            true => "",
            false => "; `--quarantine` looks there",
        };
        bail!(
            "no record `{id}`, nor one of a server or volume of this id, {} messenger `{}`{other}",
            if what.quarantine {
                "is in quarantine for"
            } else {
                "waits for"
            },
            what.messenger
        );
    }
    if what.json {
        let shown = Shown {
            format: 1,
            messenger: &what.messenger,
            records: found,
        };
        return stdout::json(&shown);
    }
    match &what.id {
        Some(_) => in_full(&found),
        None if found.is_empty() => Ok(nothing(&what.messenger, what.quarantine, "")),
        None => Ok(lines(&found, what, now)),
    }
}

fn in_full(found: &[Entry]) -> anyhow::Result<String> {
    let mut page = String::new();
    for entry in found {
        for (name, value) in [
            ("id", Some(entry.id.clone())),
            ("type", Some(entry.kind.clone())),
            ("project", Some(entry.project().to_owned())),
            ("since", Some(format_utc(entry.since))),
            ("reason", entry.reason.clone()),
        ] {
            if let Some(value) = value {
                page.push_str(&format!("{name:<9}{}\n", clean_lines(&value)));
            }
        }
        // Escaped as JSON: no text in it steers a terminal.
        let record = serde_json::to_string_pretty(&entry.record)?;
        page.extend(
            record
                .lines()
                .map(|line| format!("{}\n", caso_base::line::clean_line(line))),
        );
    }
    Ok(page)
}

fn lines(found: &[Entry], what: &Show, now: i64) -> String {
    let mut table = Table::new(["ID", "TYPE", "PROJECT", "MEASURED", ">AGE", "REASON"]);
    for entry in found {
        table.row([
            entry.id.clone(),
            entry.kind.clone(),
            entry.project().to_owned(),
            format_utc(entry.measured_at),
            span(now - entry.since),
            entry.reason.clone().unwrap_or_default(),
        ]);
    }
    let name = &what.messenger;
    let next = match what.quarantine {
        true => ways_out(name, found),
        false => format!("next  caso queue show {name} ID\n      caso queue flush {name}\n"),
    };
    // Without reasons there is an empty column.
    let page = table.to_string();
    match what.quarantine {
        true => page + &next,
        false => page.replacen("  REASON\n", "\n", 1) + &next,
    }
}

/// What cures it. Which of them does only the reason says, and that is in the words of its messenger; what
/// is wrong within a record comes back with it, however often it is put back.
fn ways_out(name: &str, found: &[Entry]) -> String {
    let mut text = format!("next  caso queue show {name} --quarantine ID\n");
    let again = |entry: &&Entry| republished().any(|kind| kind == entry.kind);
    // What is measured at the first second of a month is of the one before.
    let months = found.iter().filter(again);
    let months: BTreeSet<String> = months
        .map(|it| month::name(it.measured_at.saturating_sub(1)))
        .collect();
    let given_up = format!("      caso queue drop {name} --quarantine\n");
    text += &match months.is_empty() {
        true => format!("where the record is wrong: it cannot be made again\n{given_up}"),
        false => format!(
            "where the record is wrong (its VO, a name): fix that in OpenStack or in `mapping_file`, then\n      \
             {}\n{given_up}",
            month::republish(&months)
        ),
    };
    text + &format!(
        "where it has a former `site_name`, `service_name` or `cloud_type`\n      caso queue retry {name} --remap\n\
         where the messenger was wrong: fix that, then\n      caso queue retry {name}\n"
    )
}
