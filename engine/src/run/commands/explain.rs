//! `caso explain`: what became of a server, from the spool, and from Nova where it can be asked.
//!
//! It says of each fact where it is from. The spool keeps what waits and what was refused, and
//! nothing of what was delivered: that is the consumer's to show.

use std::fs;
use std::io::{BufRead as _, BufReader};

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::queue::{Entry, each};
use super::status::{Cursor, Status};
use crate::run::kind::Kind;
use crate::run::table::next;
use caso_base::line::{LINE_BYTES, short_line};
use caso_base::time::format_utc;
use caso_base::{Clock as _, SystemClock, error_chain};
use caso_config::{CloudConfig, Config};
use caso_disk::Disk;
use caso_journal::Journal;
use caso_openstack::Service;
use caso_openstack::nova::Nova;
use caso_state::Spool;

/// What Nova states of a server, as far as it matters here.
#[derive(Deserialize)]
struct Server {
    name: Option<String>,
    status: Option<String>,
    tenant_id: Option<String>,
    created: Option<String>,
    updated: Option<String>,
    #[serde(rename = "OS-SRV-USG:terminated_at")]
    terminated: Option<String>,
}

/// A usage item that the mapper refused, as its quarantine has it.
#[derive(Deserialize)]
struct Refused {
    reason: String,
    at: i64,
    item: serde_json::Value,
}

/// The lines of the answer.
#[derive(Default)]
struct Page {
    text: String,
    next: Vec<String>,
}

impl Page {
    fn line(&mut self, source: &str, text: &str) {
        let text = short_line(text, LINE_BYTES);
        self.text += &format!("{source:<11} {text}\n");
    }
}

/// # Errors
/// The spool cannot be read.
pub async fn explain(config: &Config, server: &str) -> anyhow::Result<String> {
    let now = SystemClock::new().now();
    let status = Status::read(config, now)?;
    let spool = Spool::look(&config.spooldir, Disk::default());
    let mut page = Page::default();
    let mut projects = journal(&spool, server, &status, &mut page)?;
    refused_usage(&spool, server, &mut page)?;
    for cloud in &config.clouds {
        match ask(config, cloud, server, &status).await {
            Ok(Some(found)) => {
                page.line(&format!("nova {}", cloud.name), &described(&found));
                projects.extend(found.tenant_id);
            }
            Ok(None) => {
                let text = "no server of this id in the projects that are extracted";
                page.line(&format!("nova {}", cloud.name), text);
            }
            Err(error) => {
                let text = format!("not asked, or no answer: {}", error_chain(error.as_ref()));
                page.line(&format!("nova {}", cloud.name), &text);
            }
        }
    }
    projects.sort();
    projects.dedup();
    for project in &projects {
        cursors(&status, project, &mut page);
    }
    page.line(
        "elsewhere",
        "what was delivered is not kept here: the consumer shows it",
    );
    page.next.push("caso status".to_owned());
    Ok(page.text + &next(&page.next))
}

/// What waits and what is in quarantine; answers with the projects of it.
fn journal(
    spool: &Spool,
    server: &str,
    status: &Status,
    page: &mut Page,
) -> anyhow::Result<Vec<String>> {
    let sight = Journal::sight(spool).context("cannot read the journal")?;
    let mut found: Vec<Entry> = Vec::new();
    for queue in &status.queues {
        for quarantine in [false, true] {
            each(&sight, &queue.messenger, quarantine, &mut |entry| {
                if entry.is(server) {
                    found.push(entry);
                }
                Ok(())
            })?;
        }
    }
    if found.is_empty() {
        page.line(
            "journal",
            "no record of it waits, and none is in quarantine",
        );
    }
    for entry in &found {
        let what = format!("{} record of {}", entry.kind, format_utc(entry.measured_at));
        let (name, since) = (&entry.messenger, format_utc(entry.since));
        match &entry.reason {
            None => page.line(
                "journal",
                &format!("{what} waits for `{name}` since {since}"),
            ),
            Some(reason) => {
                let text = format!("{what} is in quarantine of `{name}` since {since}: {reason}");
                page.line("journal", &text);
                let next = format!("caso queue show {name} --quarantine {server}");
                if !page.next.contains(&next) {
                    page.next.push(next);
                }
            }
        }
    }
    let origins = found.into_iter().filter_map(|entry| entry.origin);
    Ok(origins.map(|origin| origin.project_id).collect())
}

/// What came to no record.
fn refused_usage(spool: &Spool, server: &str, page: &mut Page) -> anyhow::Result<()> {
    let folder = spool.journal_folder().join("quarantine").join("mapper");
    let Ok(listing) = fs::read_dir(&folder) else {
        return Ok(());
    };
    for entry in listing.flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|ending| ending != "jsonl") {
            continue;
        }
        let file =
            fs::File::open(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        for line in BufReader::new(file).lines() {
            let line = line.with_context(|| format!("cannot read `{}`", path.display()))?;
            if !line.contains(server) {
                continue;
            }
            if let Ok(found) = serde_json::from_str::<Refused>(&line)
                && found.item.pointer("/Server/id").and_then(|id| id.as_str()) == Some(server)
            {
                let at = format_utc(found.at);
                page.line(
                    "mapper",
                    &format!("no record was made of it at {at}: {}", found.reason),
                );
            }
        }
    }
    Ok(())
}

/// Asks Nova for it in the first of the extracted projects that may see it.
async fn ask(
    config: &Config,
    cloud: &CloudConfig,
    server: &str,
    status: &Status,
) -> anyhow::Result<Option<Server>> {
    let session = Kind::Real.session(config, cloud, Kind::Real.clock())?;
    let of_cloud = status.cursors.iter().filter(|it| it.cloud == cloud.name);
    let mut projects: Vec<&str> = of_cloud.map(|it| it.project.as_str()).collect();
    projects.dedup();
    anyhow::ensure!(!projects.is_empty(), "no project of it was extracted yet");
    for region in cloud.regions() {
        let session = session.in_region(region.as_deref());
        for project in &projects {
            let scope = caso_openstack::Scope::Project((*project).to_owned());
            let offered = session.microversions(&scope, Service::Compute).await?;
            let nova = Nova::new(session.clone(), project, offered);
            if let Some(found) = nova.server(server, None).await? {
                return Ok(Some(read(&found)?));
            }
        }
    }
    Ok(None)
}

fn read(found: &RawValue) -> anyhow::Result<Server> {
    serde_json::from_str(found.get()).context("Nova's answer cannot be read")
}

fn described(server: &Server) -> String {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "not stated".to_owned());
    let mut line = format!(
        "server `{}`, {}, of project {}, created {}, changed {}",
        text(&server.name),
        text(&server.status),
        text(&server.tenant_id),
        text(&server.created),
        text(&server.updated)
    );
    if let Some(ended) = &server.terminated {
        line += &format!(", ended {ended}");
    }
    line
}

fn cursors(status: &Status, project: &str, page: &mut Page) {
    let of_project: Vec<&Cursor> = status
        .cursors
        .iter()
        .filter(|it| it.project == project)
        .collect();
    if of_project.is_empty() {
        let text = format!(
            "project {project} was never extracted: has it a tag, or a place in `projects`?"
        );
        page.line("cursors", &text);
    }
    for cursor in of_project {
        let up_to = cursor.at.map_or("never".to_owned(), format_utc);
        let reason = match &cursor.reason {
            Some(reason) => format!("; the last run failed: {reason}"),
            None => String::new(),
        };
        let text = format!(
            "{} of {project} is extracted up to {up_to}{reason}",
            cursor.extractor
        );
        page.line("cursors", &text);
    }
}
