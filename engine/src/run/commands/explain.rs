//! `caso explain`: what became of a server, from the spool, and from Nova where it can be asked.
//!
//! It says of each fact where it is from. The spool keeps what waits and what was refused, and
//! nothing of what was delivered: that is the consumer's to show. A server is asked for by its
//! id or by its name; of a name there may be several, and then each is explained.

mod nova;
mod text;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use self::nova::Found;
use super::queue::{Entry, each};
use super::status::{Cursor, Status};
use crate::run::remedy;
use crate::stdout;
use caso_base::{Clock as _, SystemClock};
use caso_config::Config;
use caso_disk::Disk;
use caso_journal::Journal;
use caso_state::Spool;

/// As `--json` prints it. Fields are added; none changes its meaning, or `format` changes. Times
/// are epoch seconds, but for those that are Nova's own.
#[derive(Debug, Serialize)]
struct Explained<'a> {
    format: u32,
    /// The id or the name that was asked for.
    asked: &'a str,
    /// Clouds that answered, and know of none.
    unknown_to: Vec<String>,
    /// Clouds that could not be asked, or did not answer.
    unanswered: Vec<Unanswered>,
    /// None, where nobody knows of it.
    servers: Vec<Explanation<'a>>,
}

/// A cloud of which nothing is known.
#[derive(Debug, Serialize)]
struct Unanswered {
    cloud: String,
    why: String,
}

/// What is known of one server.
#[derive(Debug, Serialize)]
struct Explanation<'a> {
    id: String,
    /// Where Nova has it; several only if an id is in more than one cloud.
    nova: Vec<Found>,
    /// What waits and what is in quarantine, as `caso queue show --json` has it.
    records: Vec<Entry>,
    /// Of what no record was made.
    refused: Vec<RefusedUsage>,
    /// Its projects, and how far each is extracted; none of one that never was.
    projects: Vec<Project<'a>>,
}

/// A project of a server.
#[derive(Debug, Serialize)]
struct Project<'a> {
    id: String,
    cursors: Vec<&'a Cursor>,
}

/// When the mapper refused an item, and why.
#[derive(Debug, Serialize)]
struct RefusedUsage {
    at: i64,
    reason: String,
}

/// The same, as the mapper's quarantine has it.
#[derive(Deserialize)]
struct RefusedLine {
    reason: String,
    at: i64,
    item: serde_json::Value,
}

/// Explains the server of this id, or those of this name; whether there is any.
///
/// # Errors
/// The spool cannot be read, or the answer not be written as JSON.
pub async fn explain(config: &Config, asked: &str, json: bool) -> anyhow::Result<(String, bool)> {
    let now = SystemClock::new().now();
    let status = Status::read(config, now)?;
    let spool = Spool::look(&config.spooldir, Disk::default());
    let mut records = records(&spool, asked, &status)?;
    let mut refused = refused(&spool, asked)?;
    let mut unknown_to = Vec::new();
    let mut unanswered = Vec::new();
    let mut found = Vec::new();
    for cloud in &config.clouds {
        match nova::ask(config, cloud, asked, &status).await {
            Ok(servers) if servers.is_empty() => unknown_to.push(cloud.name.clone()),
            Ok(servers) => found.extend(servers),
            Err(error) => unanswered.push(Unanswered {
                cloud: cloud.name.clone(),
                why: remedy::line(error.as_ref()),
            }),
        }
    }
    let mut ids: BTreeSet<String> = found.iter().map(|it| it.id.clone()).collect();
    ids.extend(records.iter().map(|(id, _)| id.clone()));
    ids.extend(refused.iter().map(|(id, _)| id.clone()));
    let servers = ids.into_iter().map(|id| {
        let nova = found.extract_if(.., |it| it.id == id).collect::<Vec<_>>();
        let records = taken(&mut records, &id);
        let refused = taken(&mut refused, &id);
        let mut projects: BTreeSet<String> = nova.iter().filter_map(Found::project).collect();
        let origins = records.iter().filter_map(|it| it.origin.as_ref());
        projects.extend(origins.map(|origin| origin.project_id.clone()));
        Explanation {
            id,
            nova,
            records,
            refused,
            projects: projects
                .into_iter()
                .map(|project| of_project(&status, project))
                .collect(),
        }
    });
    let explained = Explained {
        format: 1,
        asked,
        servers: servers.collect(),
        unknown_to,
        unanswered,
    };
    let found = !explained.servers.is_empty();
    let text = match json {
        true => stdout::json(&explained)?,
        false => text::text(&explained),
    };
    Ok((text, found))
}

/// Those of this id, which are then no longer there.
fn taken<T>(all: &mut Vec<(String, T)>, id: &str) -> Vec<T> {
    let of_it = all.extract_if(.., |(of, _)| of == id);
    of_it.map(|(_, it)| it).collect()
}

fn of_project(status: &Status, id: String) -> Project<'_> {
    let cursors = status.cursors.iter().filter(|it| it.project == id);
    Project {
        cursors: cursors.collect(),
        id,
    }
}

/// What waits and what is in quarantine, each with the id of the server.
fn records(spool: &Spool, asked: &str, status: &Status) -> anyhow::Result<Vec<(String, Entry)>> {
    let sight = Journal::sight(spool).context("cannot read the journal")?;
    let mut found: Vec<(String, Entry)> = Vec::new();
    for queue in &status.queues {
        for quarantine in [false, true] {
            each(&sight, &queue.messenger, quarantine, &mut |entry| {
                let field = |name| entry.record.get(name).and_then(|it| it.as_str());
                if entry.is(asked) || field("machine_name") == Some(asked) {
                    found.push((entry.resource.clone(), entry));
                }
                Ok(())
            })?;
        }
    }
    Ok(found)
}

/// What came to no record, each with the id of the server.
fn refused(spool: &Spool, asked: &str) -> anyhow::Result<Vec<(String, RefusedUsage)>> {
    let folder = spool.journal_folder().join("quarantine").join("mapper");
    let mut found = Vec::new();
    let Ok(listing) = fs::read_dir(&folder) else {
        return Ok(found);
    };
    for entry in listing.flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|ending| ending != "jsonl") {
            continue;
        }
        let cannot = || format!("cannot read `{}`", path.display());
        let file = fs::File::open(&path).with_context(cannot)?;
        for line in BufReader::new(file).lines() {
            let line = line.with_context(cannot)?;
            let Ok(RefusedLine { reason, at, item }) = serde_json::from_str(&line) else {
                continue;
            };
            let field = |name| item.pointer(name).and_then(|it| it.as_str());
            let id = field("/Server/id");
            if let Some(id) = id
                && (id == asked || field("/Server/name") == Some(asked))
            {
                found.push((id.to_owned(), RefusedUsage { at, reason }));
            }
        }
    }
    Ok(found)
}
