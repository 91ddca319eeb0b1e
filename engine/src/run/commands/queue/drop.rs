//! `caso queue drop`: gives up records, of which a copy is kept first.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use caso_base::time::format_utc;
use caso_config::Config;
use caso_disk::DiskError;
use caso_journal::Sight;
use caso_state::{Spool, file_name_for};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::entry::each;
use super::{Ask, Opened, agreed, nothing, of_messenger, opened, sight, what};
use crate::run::adoption;
use crate::run::backlog;
use crate::run::exit::Exit;
use crate::run::prepare::Stopped;
use crate::run::summary::words::{of, records};
use crate::stdout;

/// What to give up.
#[derive(Debug, PartialEq)]
pub struct Drop {
    pub messenger: String,
    pub quarantine: bool,
    /// Only what is older than so many seconds.
    pub older_than: Option<i64>,
    /// Keep a copy first.
    pub save: bool,
}

/// What was found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Found {
    records: u64,
    /// When the first and the last of them were extracted, or came into quarantine.
    first: i64,
    last: i64,
}

/// Shows what would be lost, asks, and gives it up.
///
/// # Errors
/// With the exit code; the reason is in the log.
pub async fn drop(config: &Config, what: &Drop, ask: Ask<'_>) -> Result<(), Exit> {
    dropped(config, what, ask).await.map_err(Stopped::report)
}

async fn dropped(config: &Config, drop: &Drop, ask: Ask<'_>) -> Result<(), Stopped> {
    let failed = || Stopped::with(Exit::Nothing);
    let (_, sight, now) = sight(config).map_err(failed())?;
    of_messenger(config, &sight, &drop.messenger).map_err(failed())?;
    let before = drop
        .older_than
        .map_or(i64::MAX, |age| now.saturating_sub(age));
    let found = count(&sight, drop, before).map_err(failed())?;
    if found.records == 0 {
        let which = drop.older_than.map_or("", |_| " that is older");
        let nothing = nothing(&drop.messenger, drop.quarantine, which);
        return stdout::page(&nothing).map_err(failed());
    }
    stdout::page(&announced(config, drop, found)).map_err(failed())?;
    agreed(ask, "Drop them?")?;
    let opened = opened(config).await?;
    // Copies of what is given up must not come back.
    adoption::settle(&opened.journal, &opened.spool).map_err(failed())?;
    done(&opened, drop, before, found).map_err(failed())
}

fn announced(config: &Config, drop: &Drop, found: Found) -> String {
    let saved = match drop.save {
        true => format!(
            "They are saved under {} first.\n",
            folder(&config.spooldir).display()
        ),
        false => "No copy is kept.\n".to_owned(),
    };
    format!(
        "{} ({} to {}) will be dropped: nobody gets {} any more.\n{saved}",
        what(found.records, &drop.messenger, drop.quarantine),
        format_utc(found.first),
        format_utc(found.last),
        of(found.records, "it", "them"),
    )
}

fn folder(spool: &Path) -> PathBuf {
    spool.join("dropped")
}

fn count(sight: &Sight, drop: &Drop, before: i64) -> anyhow::Result<Found> {
    let mut found = Found::default();
    each(sight, &drop.messenger, drop.quarantine, &mut |entry| {
        if entry.since < before {
            if found.records == 0 {
                (found.first, found.last) = (entry.since, entry.since);
            }
            found.records += 1;
            found.first = found.first.min(entry.since);
            found.last = found.last.max(entry.since);
        }
        Ok(())
    })?;
    Ok(found)
}

/// With the locks: nothing comes in between what is saved and what is given up.
fn done(opened: &Opened, drop: &Drop, before: i64, announced: Found) -> anyhow::Result<()> {
    let sight = opened.journal.records();
    let found = count(&sight, drop, before)?;
    if found != announced {
        return Err(anyhow!(
            "it has changed meanwhile: {} now, not {}: nothing was done",
            records(found.records),
            announced.records
        ));
    }
    let mut text = String::new();
    if drop.save {
        let path = save(&opened.spool, &sight, drop, before, opened.now)?;
        text = format!("saved as {}\n", path.display());
    }
    let name = &drop.messenger;
    let gone = match (drop.quarantine, drop.older_than) {
        (true, _) => opened.journal.forget_quarantined(name, before)?,
        (false, None) => opened.journal.forget(name)?,
        (false, Some(_)) => opened.journal.forget_before(name, before)?,
    };
    backlog::keep(&opened.journal, &opened.spool, &[], opened.now);
    text += &format!(
        "dropped {}\nnext  caso queue\n",
        what(gone, name, drop.quarantine)
    );
    stdout::page(&text)
}

/// A file that is whole and on disk, or an error.
fn save(
    spool: &Spool,
    sight: &Sight,
    drop: &Drop,
    before: i64,
    now: i64,
) -> anyhow::Result<PathBuf> {
    let folder = folder(spool.folder());
    spool.disk().create_folder(&folder)?;
    let moment: String = format_utc(now)
        .chars()
        .filter(|c| *c != ':' && *c != '-')
        .collect();
    let kind = if drop.quarantine { "-quarantine" } else { "" };
    let stem = format!("{}{kind}-{moment}", file_name_for(&drop.messenger));
    let path = (0..)
        .map(|n: u32| match n {
            0 => folder.join(format!("{stem}.jsonl.gz")),
            n => folder.join(format!("{stem}.{n}.jsonl.gz")),
        })
        .find(|path| !path.exists())
        .context("no free name for the copy")?;
    spool
        .disk()
        .replace_with(&path, |file| {
            let mut packed = GzEncoder::new(Vec::new(), Compression::default());
            each(sight, &drop.messenger, drop.quarantine, &mut |entry| {
                if entry.since < before {
                    packed.write_all(entry.line()?.as_bytes())?;
                    let ready = packed.get_mut();
                    if ready.len() >= 64 << 10 {
                        file.write(ready)?;
                        ready.clear();
                    }
                }
                Ok(())
            })
            .map_err(Unsaved)?;
            let rest = packed.finish().map_err(|error| Unsaved(error.into()))?;
            file.write(&rest)?;
            Ok::<(), Unsaved>(())
        })
        .map_err(|Unsaved(error)| {
            error.context(
                "the copy could not be written, so nothing was dropped; `--no-save` does without",
            )
        })?;
    Ok(path)
}

struct Unsaved(anyhow::Error);

impl From<DiskError> for Unsaved {
    fn from(error: DiskError) -> Self {
        Unsaved(error.into())
    }
}
