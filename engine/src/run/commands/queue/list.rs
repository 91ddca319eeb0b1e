//! `caso queue list`: every queue with its quarantine, from the spool alone.

use std::collections::HashMap;
use std::ops::ControlFlow;

use anyhow::Context as _;
use serde::Serialize;

use super::sight;
use crate::run::commands::status::{LOOK_BACK, Queue, queues};
use crate::run::summary::words::{size, span};
use crate::run::table::{self, Table};
use crate::stdout;
use caso_config::Config;
use caso_journal::Sight;
use caso_state::ledger;

/// As `--json` prints it. Fields are added; none changes its meaning, or `format` changes.
/// Times are epoch seconds.
#[derive(Debug, Serialize)]
struct Listed {
    format: u32,
    now: i64,
    queues: Vec<Line>,
}

#[derive(Debug, Serialize)]
struct Line {
    /// `ok`, `waits`, `stopped` (the last run could not empty it) or `not in use`.
    state: &'static str,
    /// `messenger`, `configured`, `waiting`, `bytes`, `oldest`, `attempts`, `quarantined`,
    /// `stopped`, as in `caso status --json`.
    #[serde(flatten)]
    queue: Queue,
    quarantine: Option<Quarantine>,
}

/// What lies in quarantine.
#[derive(Debug, Default, Serialize)]
struct Quarantine {
    records: u64,
    bytes: u64,
    oldest: Option<i64>,
    /// The most frequent first.
    reasons: Vec<Reason>,
}

#[derive(Debug, Serialize)]
struct Reason {
    reason: String,
    records: u64,
}

/// # Errors
/// The spool cannot be read.
pub fn list(config: &Config, json: bool) -> anyhow::Result<String> {
    let (spool, sight, now) = sight(config)?;
    let runs = ledger::read(&spool, now - LOOK_BACK).context("cannot read the ledger of runs")?;
    let mut lines = Vec::new();
    for queue in queues(config, &spool, runs.last())? {
        lines.push(Line {
            state: state(&queue),
            quarantine: match queue.quarantined {
                0 => None,
                _ => Some(quarantine(&sight, &queue.messenger)?),
            },
            queue,
        });
    }
    let listed = Listed {
        format: 1,
        now,
        queues: lines,
    };
    match json {
        true => stdout::json(&listed),
        false => Ok(text(&listed)),
    }
}

fn state(queue: &Queue) -> &'static str {
    match (queue.configured, queue.waiting, &queue.stopped) {
        (false, ..) => "not in use",
        (true, 0, _) => "ok",
        (true, _, Some(_)) => "stopped",
        (true, _, None) => "waits",
    }
}

fn quarantine(sight: &Sight, messenger: &str) -> anyhow::Result<Quarantine> {
    let mut sum = Quarantine::default();
    let mut reasons: HashMap<String, u64> = HashMap::new();
    sight
        .quarantined(messenger, &mut |found| {
            sum.records += 1;
            sum.bytes += found.bytes();
            sum.oldest = Some(sum.oldest.map_or(found.at, |known| known.min(found.at)));
            *reasons.entry(found.reason).or_default() += 1;
            ControlFlow::Continue(())
        })
        .context("cannot read the quarantine")?;
    let reasons = reasons.into_iter();
    sum.reasons = reasons
        .map(|(reason, records)| Reason { reason, records })
        .collect();
    sum.reasons
        .sort_by(|a, b| (b.records, &a.reason).cmp(&(a.records, &b.reason)));
    Ok(sum)
}

fn text(listed: &Listed) -> String {
    let mut table = Table::new([
        "MESSENGER",
        "STATE",
        ">RECORDS",
        ">SIZE",
        ">OLDEST",
        ">TRIES",
        "LAST ANSWER",
    ]);
    let age = |oldest: Option<i64>| oldest.map_or("-".to_owned(), |at| span(listed.now - at));
    let mut next = Vec::new();
    for Line {
        state,
        queue,
        quarantine,
    } in &listed.queues
    {
        let name = &queue.messenger;
        let some = |text: String| match queue.waiting {
            0 => "-".to_owned(),
            _ => text,
        };
        table.row([
            name.clone(),
            (*state).to_owned(),
            queue.waiting.to_string(),
            some(size(queue.bytes)),
            some(age(queue.oldest)),
            some(queue.attempts.to_string()),
            match (&queue.stopped, queue.configured) {
                (_, false) => "no longer in `messengers`".to_owned(),
                (Some(stopped), true) => stopped.clone(),
                (None, true) => "-".to_owned(),
            },
        ]);
        match (queue.waiting, queue.configured) {
            (0, _) => {}
            (_, true) => next.push(format!("caso queue flush {name}")),
            (_, false) => next.push(format!("caso queue drop {name}")),
        }
        if let Some(held) = quarantine {
            table.row([
                "  quarantine".to_owned(),
                String::new(),
                held.records.to_string(),
                size(held.bytes),
                age(held.oldest),
                "-".to_owned(),
                why(&held.reasons),
            ]);
            next.push(format!("caso queue show {name} --quarantine"));
        }
    }
    table.to_string() + &table::next(&next)
}

fn why(reasons: &[Reason]) -> String {
    match reasons {
        [] => "-".to_owned(),
        [one] => format!("{} ({}x)", one.reason, one.records),
        [first, others @ ..] => format!(
            "{} ({}x), and {} other reasons",
            first.reason,
            first.records,
            others.len()
        ),
    }
}
