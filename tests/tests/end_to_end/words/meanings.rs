//! What each message means: docs/messages.toml, the page that is made of it, and the snapshots of
//! the messages themselves. A new message without an entry fails here, and so does an entry whose
//! message is gone.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use caso_tests::build::workspace;
use serde::Deserialize;

use super::folder;

#[derive(Deserialize)]
struct Book {
    section: Vec<Section>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    title: String,
    message: Vec<Meaning>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Meaning {
    /// With `…` for what differs.
    like: Vec<String>,
    means: String,
    next: String,
}

fn book() -> Book {
    let text = fs::read_to_string(workspace().join("docs/messages.toml")).unwrap();
    toml::from_str(&text).unwrap()
}

/// The errors and warnings of all snapshots, each with the hint below it.
fn messages() -> BTreeSet<(String, String)> {
    let mut all = BTreeSet::new();
    for file in fs::read_dir(folder().join("snapshots")).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            let message = ["error: ", "warning: "].iter().find_map(|level| {
                let at = line.find(level)?;
                let starts = at == 0 || line[..at].ends_with(' ');
                starts.then(|| &line[at + level.len()..])
            });
            if let Some(message) = message {
                let hint = lines.next_if(|line| line.trim_start().starts_with("hint: "));
                all.insert((
                    format!("{message} {}", hint.unwrap_or_default()),
                    name.clone(),
                ));
            }
        }
    }
    all
}

/// Whether the parts of `like` stand in the message, in their order.
fn is_like(message: &str, like: &str) -> bool {
    let mut rest = message;
    like.split('…')
        .map(str::trim)
        .all(|part| match rest.split_once(part) {
            Some((_, behind)) => {
                rest = behind;
                true
            }
            None => false,
        })
}

#[test]
fn every_message_has_a_meaning_and_every_meaning_a_message() {
    let book = book();
    let meanings = book.section.iter().flat_map(|section| &section.message);
    let likes: Vec<&String> = meanings.flat_map(|meaning| &meaning.like).collect();
    let messages = messages();
    assert!(
        messages.len() > 200,
        "only {} messages were found",
        messages.len()
    );
    let mut unused: BTreeSet<&String> = likes.iter().copied().collect();
    let mut without = Vec::new();
    for (message, snapshot) in &messages {
        let found: Vec<_> = likes.iter().filter(|like| is_like(message, like)).collect();
        for like in &found {
            unused.remove(**like);
        }
        if found.is_empty() {
            without.push(format!("{snapshot}: {message}"));
        }
    }
    assert!(
        without.is_empty(),
        "docs/messages.toml has no entry for\n{}",
        without.join("\n")
    );
    assert!(
        unused.is_empty(),
        "no snapshot has a message like {unused:#?}"
    );
}

/// The page of the book is made of the table: `INSTA_UPDATE=always` writes it.
#[test]
fn the_page_of_messages_is_that_of_the_table() {
    let path = workspace().join("docs/src/messages.md");
    let page = page(&book());
    if std::env::var("INSTA_UPDATE").is_ok_and(|value| value == "always") {
        fs::write(&path, &page).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/src/messages.md is not what docs/messages.toml says: run this with INSTA_UPDATE=always"
    );
}

fn page(book: &Book) -> String {
    let mut page = "# Messages, what they mean, and what to do\n\n\
        <!-- Made of docs/messages.toml by a test (words::meanings): change that, and not this. -->\n\n\
        A run prints errors and warnings on standard error, one per line, and in the log. A line often has several parts, separated by \
        colons: what was to be done, and why it was not. Look for the last part first; `…` stands for what varies.\n"
        .to_owned();
    for section in &book.section {
        let _ = write!(
            page,
            "\n## {}\n\n| message | it means | next |\n|---|---|---|\n",
            section.title
        );
        for meaning in &section.message {
            let likes: Vec<String> = meaning.like.iter().map(|like| code(like)).collect();
            let cell = |text: &str| text.replace('|', "\\|");
            let _ = writeln!(
                page,
                "| {} | {} | {} |",
                likes.join("<br>"),
                cell(&meaning.means),
                cell(&meaning.next)
            );
        }
    }
    page
}

/// As code, between more backticks than it has.
fn code(text: &str) -> String {
    let text = text.replace('|', "\\|");
    match text.contains('`') {
        true => format!("`` {text} ``"),
        false => format!("`{text}`"),
    }
}
