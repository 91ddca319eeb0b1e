//! The answer for people: a line a fact, behind the word for where it is from.

use super::nova::{Found, Stated};
use super::{Entry, Explained, Explanation, Project};
use crate::run::table::next;
use caso_base::line::{LINE_BYTES, clean_line, short_line};
use caso_base::shell_word;
use caso_base::time::{format_utc, parse_timestamp};

const JOURNAL: &str = "journal";
const NO_RECORD: &str = "no record of it waits, and none is in quarantine";

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

pub fn text(explained: &Explained<'_>) -> String {
    let mut page = Page::default();
    let several = explained.servers.len() > 1;
    if several {
        page.text += &format!(
            "{} servers are named `{}`\n",
            explained.servers.len(),
            clean_line(explained.asked)
        );
    }
    for server in &explained.servers {
        if several {
            page.text += &format!("\nserver {}\n", clean_line(&server.id));
        }
        one(server, &mut page);
    }
    if explained.servers.is_empty() {
        page.line(JOURNAL, NO_RECORD);
    }
    if several {
        page.text += "\n";
    }
    for cloud in &explained.unknown_to {
        let text = "no server of this id or name in the projects that are extracted";
        page.line(&format!("nova {cloud}"), text);
    }
    for cloud in &explained.unanswered {
        let text = format!("not asked, or no answer: {}", cloud.why);
        page.line(&format!("nova {}", cloud.cloud), &text);
    }
    page.line(
        "elsewhere",
        "what was delivered is not kept here: the consumer shows it",
    );
    page.next.push("caso status".to_owned());
    page.text + &next(&page.next)
}

fn one(server: &Explanation<'_>, page: &mut Page) {
    if server.records.is_empty() {
        page.line(JOURNAL, NO_RECORD);
    }
    for entry in &server.records {
        record(server, entry, page);
    }
    for refused in &server.refused {
        let at = format_utc(refused.at);
        page.line(
            "mapper",
            &format!("no record was made of it at {at}: {}", refused.reason),
        );
    }
    for found in &server.nova {
        page.line(&format!("nova {}", found.cloud), &described(found));
    }
    for project in &server.projects {
        cursors(project, page);
    }
}

fn record(server: &Explanation<'_>, entry: &Entry, page: &mut Page) {
    let what = format!("{} record of {}", entry.kind, format_utc(entry.measured_at));
    let (name, since) = (&entry.messenger, format_utc(entry.since));
    match &entry.reason {
        None => page.line(JOURNAL, &format!("{what} waits for `{name}` since {since}")),
        Some(reason) => {
            let text = format!("{what} is in quarantine of `{name}` since {since}: {reason}");
            page.line(JOURNAL, &text);
            let next = quarantined(name, &server.id);
            if !page.next.contains(&next) {
                page.next.push(next);
            }
        }
    }
}

/// What shows it. A mapper of the site's own wrote the id: one that is not shown as it is must not be typed, and
/// whatever else is in it, it is one word.
fn quarantined(messenger: &str, id: &str) -> String {
    let all = format!("caso queue show {messenger} --quarantine");
    match clean_line(id) == id {
        true => format!("{all} {}", shell_word(id)),
        false => all,
    }
}

fn described(found: &Found) -> String {
    let Stated {
        name,
        status,
        project,
        created,
        updated,
        ended,
    } = &found.stated;
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "not stated".to_owned());
    let mut line = format!(
        "server `{}`, {}, of project {}, created {}, changed {}",
        text(name),
        text(status),
        text(project),
        text(created),
        text(updated)
    );
    if let Some(region) = &found.region {
        line = format!("in {region}: {line}");
    }
    if let Some(ended) = ended {
        // Nova has a fraction here alone, and no zone.
        let ended = parse_timestamp(ended).map_or_else(|| ended.clone(), format_utc);
        line += &format!(", ended {ended}");
    }
    line
}

fn cursors(project: &Project<'_>, page: &mut Page) {
    let id = &project.id;
    if project.cursors.is_empty() {
        let text = format!("project {id} was never extracted: is it tagged, or in `projects`?");
        page.line("cursors", &text);
    }
    for cursor in &project.cursors {
        let up_to = cursor.at.map_or("never".to_owned(), format_utc);
        let reason = match &cursor.reason {
            Some(reason) => format!("; the last run failed: {reason}"),
            None => String::new(),
        };
        let text = format!(
            "{} of {id} is extracted up to {up_to}{reason}",
            cursor.extractor
        );
        page.line("cursors", &text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_a_mapper_made_up_is_one_word_or_none() {
        let all = "caso queue show ssm --quarantine";
        for (id, shown) in [
            ("5e00-13", format!("{all} 5e00-13")),
            ("x;touch /tmp/y;#", format!("{all} 'x;touch /tmp/y;#'")),
            ("x\u{1b}]0;y\u{7}", all.to_owned()),
            ("x\nerror: forged", all.to_owned()),
            ("x\u{202e}y", all.to_owned()),
        ] {
            assert_eq!(quarantined("ssm", id), shown);
        }
    }
}
