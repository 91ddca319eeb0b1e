//! `caso queue adopt`: what still waits in an old directory queue for ssmsend is taken over by
//! the messenger `ams`, in its order, so that ssmsend need not be kept for it.
//!
//! A message becomes a record of the kind [`KIND`], with the text as its payload, and then
//! waits in the journal like any other. It is taken in steps, each of which is on disk before
//! the next:
//!
//! ```text
//! locked in the queue, as ssmsend locks it ─► copied into SPOOLDIR/adopting ─► removed from the
//! queue ─► all of them sealed as one segment ─► SPOOLDIR/adopting removed
//! ```
//!
//! Killed anywhere, the same command goes on from there: a copy is the message's name, so it is
//! written again and not twice, and a segment that was sealed is known by its messages. In no
//! step is a message in neither place. A segment that was sealed, and delivered by another run
//! before the command was repeated, is delivered again, with the same ids: at least once.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use caso_base::digest::sha256_hex;
use caso_config::{Config, RecordTypes};
use caso_journal::{Journal, MapperIdentity, Order, SegmentKey};
use caso_model::Window;
use caso_model::record::{AccountingRecord, Head, OtherRecord};
use caso_state::Spool;

use super::opened;
use crate::run::exit::Exit;
use crate::run::prepare::Stopped;

/// The kind of a record that is a message of APEL's as somebody wrote it.
const KIND: &str = "apel-message";
/// The component that takes it.
const COMPONENT: &str = "ams";
/// Where messages lie between the queue and the journal.
const FOLDER: &str = "adopting";

/// What to take over.
#[derive(Debug, PartialEq)]
pub struct Adopt {
    /// The directory queue.
    pub folder: PathBuf,
    /// The messenger that gets it, as `messengers` names it.
    pub messenger: String,
}

/// What was left in the queue.
#[derive(Default)]
struct Left {
    /// Somebody else has locked these.
    locked: Vec<String>,
    /// These are no messages of APEL's.
    strange: Vec<String>,
}

/// Takes over what waits in a queue. Answers with lines for the operator, and how it ended.
///
/// # Errors
/// With the exit code; the reason is in the log.
pub async fn adopt(config: &Config, what: &Adopt) -> Result<(String, Exit), Exit> {
    adopted(config, what).await.map_err(Stopped::report)
}

async fn adopted(config: &Config, what: &Adopt) -> Result<(String, Exit), Stopped> {
    takes(config, &what.messenger).map_err(Stopped::with(Exit::Usage))?;
    let failed = || Stopped::with(Exit::Nothing);
    let opened = opened(config).await?;
    let spool = &opened.spool;
    let folder = spool.folder().join(FOLDER);
    let mut left = Left::default();
    let messages = elements(&what.folder)
        .with_context(|| format!("cannot read the queue `{}`", what.folder.display()))
        .map_err(failed())?;
    if !messages.is_empty() {
        let disk = spool.disk();
        disk.create_folder(&folder)
            .context("cannot make room for them in the spool")
            .map_err(failed())?;
    }
    for name in &messages {
        take(spool, &what.folder, name, &folder, &mut left)
            .with_context(|| format!("message `{name}` stays in `{}`", what.folder.display()))
            .map_err(failed())?;
    }
    let count = seal(&opened.journal, spool, &folder, &what.messenger, opened.now)
        .context("the messages are in the spool; repeat the command to go on")
        .map_err(failed())?;
    Ok(said(what, count, &left))
}

/// Whether the messenger is one that takes messages as they are.
fn takes(config: &Config, name: &str) -> anyhow::Result<()> {
    let mut messengers = config.messengers.iter();
    let messenger = messengers.find(|it| it.name() == name).ok_or_else(|| {
        anyhow!("`{name}` is not in `messengers`: nobody would send what is taken over")
    })?;
    if !messenger.component.source.is_builtin(COMPONENT) {
        return Err(anyhow!(
            "messenger `{name}` takes records, and no messages of APEL's as they are: that does `{COMPONENT}`"
        ));
    }
    match &messenger.record_types {
        RecordTypes::These { names, origin } if !names.iter().any(|it| it == KIND) => Err(anyhow!(
            "{origin}: `record_types` has no `{KIND}`, which is what is taken over: add it"
        )),
        _ => Ok(()),
    }
}

/// `FOLDER/ELEMENT` of each message, in the order in which they were put.
fn elements(queue: &Path) -> std::io::Result<Vec<String>> {
    let hexadecimal = |text: &str, digits: usize| {
        text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let names = |folder: &Path, digits: usize| -> std::io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(folder)? {
            let name = entry?.file_name();
            names.extend(
                name.to_str()
                    .filter(|it| hexadecimal(it, digits))
                    .map(str::to_owned),
            );
        }
        names.sort_unstable();
        Ok(names)
    };
    let mut all = Vec::new();
    for folder in names(queue, 8)? {
        // ssmsend removes a folder that has become empty.
        let elements = match names(&queue.join(&folder), 14) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            elements => elements?,
        };
        all.extend(elements.iter().map(|element| format!("{folder}/{element}")));
    }
    Ok(all)
}

/// Moves one message into the spool.
fn take(spool: &Spool, queue: &Path, name: &str, to: &Path, left: &mut Left) -> anyhow::Result<()> {
    let element = queue.join(name);
    let lock = queue.join(format!("{name}.lck"));
    // As Directory::Queue locks: a second name of the file.
    match fs::hard_link(&element, &lock) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            left.locked.push(name.to_owned());
            return Ok(());
        }
        // ssmsend was quicker.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        locked => locked?,
    }
    let disk = spool.disk();
    let bytes = fs::read(&element)?;
    let ours = std::str::from_utf8(&bytes).is_ok_and(is_apels);
    if ours {
        disk.replace(&to.join(name.replace('/', "-")), &bytes)?;
        disk.remove(&element)?;
    } else {
        left.strange.push(name.to_owned());
    }
    disk.remove(&lock)?;
    if let Some(folder) = element.parent() {
        // As dirq's purge: only where it is empty.
        let _ = fs::remove_dir(folder);
    }
    Ok(())
}

/// Whether it begins as one of APEL's messages; which type it is `ams` decides.
fn is_apels(text: &str) -> bool {
    let text = text.trim_start();
    ["APEL-", "{", "<"]
        .iter()
        .any(|begin| text.starts_with(begin))
}

/// Makes a segment of what lies in the folder, and removes it. Returns how many messages.
fn seal(
    journal: &Journal,
    spool: &Spool,
    folder: &Path,
    messenger: &str,
    now: i64,
) -> anyhow::Result<usize> {
    let mut names = Vec::new();
    match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        entries => {
            for entry in entries? {
                let name = entry?.file_name();
                names.extend(name.to_str().map(str::to_owned));
            }
        }
    }
    names.retain(|name| name.len() == 23);
    names.sort_unstable();
    let read = |name: &String| fs::read_to_string(folder.join(name));
    let mut digests = String::new();
    for name in &names {
        digests += &format!("{name} {}\n", sha256_hex(read(name)?.as_bytes()));
    }
    let key = SegmentKey {
        cloud: KIND.to_owned(),
        region: None,
        project: sha256_hex(digests.as_bytes()),
        extractor: "adopted".to_owned(),
        window: Window {
            start: now,
            end: now,
        },
    };
    let is_sealed = |sealed: &SegmentKey| sealed.cloud == KIND && sealed.project == key.project;
    if !names.is_empty() && !journal.sealed().iter().any(is_sealed) {
        let order = Order {
            project: 0,
            extractor: 0,
        };
        let mapper = MapperIdentity {
            name: "adopted".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            digest: "0".repeat(64),
        };
        let to = [messenger.to_owned()];
        let mut segment = journal.begin(key, Vec::new(), order, &to, &mapper)?;
        for name in &names {
            segment.append(&record(name, read(name)?))?;
        }
        segment.seal()?;
    }
    for name in &names {
        spool.disk().remove(&folder.join(name))?;
    }
    fs::remove_dir(folder).context("cannot remove its folder in the spool")?;
    Ok(names.len())
}

/// A message of that name, `FOLDER-ELEMENT`: its name begins with the second in which it was put.
fn record(name: &str, text: String) -> AccountingRecord {
    let element = name.split('-').next_back().unwrap_or_default();
    let put = element
        .get(..8)
        .and_then(|digits| i64::from_str_radix(digits, 16).ok());
    let put = put.unwrap_or_default();
    AccountingRecord::Other(OtherRecord {
        head: Head {
            id: name.to_owned(),
            supersedes: name.to_owned(),
            measured_at: put,
            attributes: Vec::new(),
        },
        kind: KIND.to_owned(),
        resource_id: name.to_owned(),
        start: put,
        end: put,
        quantities: Vec::new(),
        payload: Some(text),
    })
}

fn said(what: &Adopt, count: usize, left: &Left) -> (String, Exit) {
    let messages = |count: usize| match count {
        1 => "1 message".to_owned(),
        count => format!("{count} messages"),
    };
    let queue = what.folder.display();
    let name = &what.messenger;
    let mut text = format!("{} of `{queue}` wait for `{name}` now\n", messages(count));
    for (names, why) in [
        (
            &left.locked,
            "somebody has locked them, ssmsend as it seems: stop it, and repeat this",
        ),
        (&left.strange, "they do not begin as messages of APEL's do"),
    ] {
        if let Some(first) = names.first() {
            text += &format!(
                "{} stay there, `{first}` first: {why}\n",
                messages(names.len())
            );
        }
    }
    if count > 0 {
        text += &format!("next  caso queue flush {name}\n");
    }
    let whole = left.locked.is_empty() && left.strange.is_empty();
    let exit = match (whole, count) {
        (true, _) => Exit::Done,
        (false, 0) => Exit::Nothing,
        (false, _) => Exit::Partly,
    };
    (text, exit)
}
