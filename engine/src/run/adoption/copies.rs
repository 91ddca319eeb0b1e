//! The journal's side: the copies become a segment, and go.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::PathBuf;

use anyhow::Context as _;
use caso_base::digest::sha256_hex;
use caso_journal::{Journal, MapperIdentity, Order, SegmentKey};
use caso_model::Window;
use caso_model::notice::Notice;
use caso_model::record::{AccountingRecord, Head, OtherRecord};
use caso_state::Spool;

use super::{FOLDER, KIND};
use crate::run::summary::words::{count, len, of};

/// `FOLDER-ELEMENT`, of 8 and 14 digits.
const NAME_BYTES: usize = 23;

/// Where copies lie that are in the journal, until they are removed.
const DONE: &str = "adopted";

/// The messages that lie in the spool, and not yet in the journal.
struct Copies {
    folder: PathBuf,
    /// In the order in which they were put into their queue.
    names: Vec<String>,
}

impl Copies {
    /// None where no take-over is under way.
    fn read(spool: &Spool) -> io::Result<Option<Self>> {
        let folder = spool.folder().join(FOLDER);
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            entries => entries?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            names.extend(name.to_str().map(str::to_owned));
        }
        // A kill may have left one that was being written, under another name.
        names.retain(|name| name.len() == NAME_BYTES);
        names.sort_unstable();
        Ok(Some(Self { folder, names }))
    }

    fn text(&self, name: &str) -> anyhow::Result<String> {
        let path = self.folder.join(name);
        fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))
    }

    /// What the segment of exactly these messages is known by.
    fn digest(&self) -> anyhow::Result<String> {
        let mut digests = String::new();
        for name in &self.names {
            digests += &format!("{name} {}\n", sha256_hex(self.text(name)?.as_bytes()));
        }
        Ok(sha256_hex(digests.as_bytes()))
    }

    fn are_sealed(&self, journal: &Journal, digest: &str) -> bool {
        let mut sealed = journal.sealed().into_iter();
        sealed.any(|key| key.cloud == KIND && key.project == digest)
    }

    /// Removes all of them or none: what is known by all of its messages would not be by some.
    fn remove(&self, spool: &Spool) -> anyhow::Result<()> {
        let disk = spool.disk();
        disk.rename(&self.folder, &spool.folder().join(DONE))?;
        disk.sync_folder(spool.folder())?;
        clear(spool)
    }
}

/// Removes the folder of copies that are in the journal, where a kill left it.
fn clear(spool: &Spool) -> anyhow::Result<()> {
    let folder = spool.folder().join(DONE);
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        spool.disk().remove(&entry?.path())?;
    }
    spool.disk().remove_folder(&folder)?;
    Ok(())
}

/// Makes a segment of the messages that were taken, and removes the copies. Returns how many.
///
/// # Errors
/// They are all still in the spool, or all in the journal: the next time goes on.
pub fn seal(journal: &Journal, spool: &Spool, messenger: &str, now: i64) -> anyhow::Result<u64> {
    clear(spool)?;
    let Some(copies) = Copies::read(spool)? else {
        return Ok(0);
    };
    let digest = copies.digest()?;
    if !copies.names.is_empty() && !copies.are_sealed(journal, &digest) {
        let key = SegmentKey {
            cloud: KIND.to_owned(),
            region: None,
            project: digest,
            extractor: "adopted".to_owned(),
            window: Window {
                start: now,
                end: now,
            },
            again: false,
        };
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
        for name in &copies.names {
            segment.append(&record(name, copies.text(name)?))?;
        }
        segment.seal()?;
    }
    copies.remove(spool)?;
    Ok(len(&copies.names))
}

/// Before anything is delivered: removes the copies of what is in the journal, so that they are
/// not put there again. Answers with a notice where a take-over was cut off before that.
///
/// # Errors
/// The copies cannot be read or removed: what is in the journal must wait.
pub fn settle(journal: &Journal, spool: &Spool) -> anyhow::Result<Option<Notice>> {
    clear(spool)?;
    let Some(copies) = Copies::read(spool)? else {
        return Ok(None);
    };
    if copies.names.is_empty() || copies.are_sealed(journal, &copies.digest()?) {
        copies.remove(spool)?;
        return Ok(None);
    }
    let number = len(&copies.names);
    let text = format!(
        "{} taken over from an old queue {} in `{}`, and {} sent: `caso queue adopt` did not come to its end",
        count(number, "message", "messages"),
        of(number, "lies", "lie"),
        copies.folder.display(),
        of(number, "is not", "are not"),
    );
    let hint = "repeat `caso queue adopt` with the same queue";
    Ok(Some(Notice::warning("adoption-unfinished", (text, hint))))
}

/// A message of that name: its second part begins with the second in which it was put.
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
