//! What waits, noted beside the journal, and what of it is lost: with the journal, or with a file of it. Told by each
//! run and by `caso status` until it was extracted once more.
//!
//! Addresses are left out: they are counted at a moment, and nobody can count them afterwards.

use std::collections::BTreeSet;
use std::path::Path;

use super::extract::cursor_keys;
use super::ledger::run_id;
use super::month;
use super::prepare::Prepared;
use super::summary::Summary;
use super::summary::words::{count, len, listed};
use caso_base::error_chain;
use caso_base::time::format_utc;
use caso_disk::Disk;
use caso_journal::{Journal, JournalError, Recovery, SegmentKey, SetAside, Waiting};
use caso_model::extraction::Extractor;
use caso_model::notice::Notice;
use caso_state::Spool;
use caso_state::backlog::{self, Backlog, Extent, Lost};
use caso_state::ledger::{self, WindowLine};

/// A journal, and what was found in it.
pub struct Opened {
    pub journal: Journal,
    pub recovery: Recovery,
    /// It is from a backup, and holds what did not wait any more: newer records may have been sent since.
    pub came_back: bool,
}

/// Opens the journal of a spool. What waited by the note beside it, and is gone with the journal or with a file that
/// had to be set aside, is kept as lost before anything takes its place.
///
/// # Errors
/// As [`Journal::open`]; or it could not be noted what is gone, and would be forgotten.
pub fn open(spool: &Spool, now: i64) -> Result<Opened, JournalError> {
    let mut noted = Backlog::read(spool);
    if lose_all_where_gone(&mut noted, spool, now)? {
        noted.keep(spool)?;
    }
    let (journal, recovery) = Journal::open(spool, now)?;
    let known = !noted.waiting.is_empty();
    let is_new = !backlog::without(&waiting(&journal), &noted.waiting).is_empty();
    let went_back = lose_where_put_back(&mut noted, &journal, now);
    let damaged = lose(&mut noted, &recovery.set_aside, &journal, now);
    // What a newer cASO wrote is there, and is not read.
    let removed = !went_back
        && recovery.newer_format.is_empty()
        && lose_what_was_removed(&mut noted, &journal, now);
    if went_back || removed || damaged || !journal.sealed().is_empty() {
        noted.waits(waiting(&journal));
        noted.journal_run = journal.last_run();
        // A full disk must not keep from being delivered what would empty it.
        kept(&noted, spool);
    }
    Ok(Opened {
        journal,
        recovery,
        came_back: went_back && known && is_new,
    })
}

/// Where the journal is gone, all that waited in it is lost; whether there was any.
fn lose_all_where_gone(noted: &mut Backlog, spool: &Spool, now: i64) -> Result<bool, JournalError> {
    if noted.waiting.is_empty() || !Journal::is_gone(spool)? {
        return Ok(false);
    }
    let gone = std::mem::take(&mut noted.waiting);
    noted.lose(run_id(now), gone);
    Ok(true)
}

/// Where the journal is from a backup, what waited and is not in it is lost; whether it is. What was noted by a cASO that
/// noted no run is taken as it is.
fn lose_where_put_back(noted: &mut Backlog, journal: &Journal, now: i64) -> bool {
    if journal.last_run() >= noted.journal_run {
        return false;
    }
    let gone = backlog::without(&noted.waiting, &waiting(journal));
    noted.lose(run_id(now), gone);
    true
}

/// Segments that somebody removed are lost; whether there are any. What is delivered goes first in, first out, and a segment stays as long as
/// one before it waits: so one that is missing behind an older one of its kind was not delivered. Of the oldest ones nobody knows: a
/// process that was killed may have delivered them.
fn lose_what_was_removed(noted: &mut Backlog, journal: &Journal, now: i64) -> bool {
    let first = journal.sealed().into_iter().filter(|it| !it.again);
    let there: Vec<Extent> = first.filter_map(|it| extent(&it)).collect();
    let known: Vec<Extent> = noted.lost.iter().map(|it| it.extent.clone()).collect();
    let gone = backlog::without(&noted.waiting, &waiting(journal));
    let mut gone = backlog::without(&gone, &known);
    gone.retain(|gone| {
        let of_it = |it: &&Extent| (&it.key, &it.project) == (&gone.key, &gone.project);
        let mut of_it = there.iter().filter(of_it);
        of_it.any(|it| it.window.end <= gone.window.start)
    });
    let any = !gone.is_empty();
    noted.lose(run_id(now), gone);
    any
}

fn kept(noted: &Backlog, spool: &Spool) {
    if let Err(error) = noted.keep(spool) {
        tracing::info!(
            "it is not noted what waits in the journal: {}",
            error_chain(&error)
        );
    }
}

/// Notes what waits now, and what was lost while it was delivered. Once the run is over what was lost and made again
/// a while ago is forgotten.
pub fn keep(journal: &Journal, spool: &Spool, set_aside: &[SetAside], now: i64) {
    let mut noted = Backlog::read(spool);
    lose(&mut noted, set_aside, journal, now);
    noted.waits(waiting(journal));
    noted.journal_run = journal.last_run();
    let old = |lost: &Lost| now - lost.at > KEPT;
    if noted.lost.iter().any(old) {
        let left = remaining(spool, &noted.lost, &[]);
        noted
            .lost
            .retain(|lost| !old(lost) || is_among(&left, lost));
    }
    kept(&noted, spool);
}

/// For so many seconds it is remembered that something was lost, and was made again.
pub const KEPT: i64 = 8 * 86_400;

fn is_among(left: &[Lost], lost: &Lost) -> bool {
    let same = |it: &Lost| {
        (it.at, it.process) == (lost.at, lost.process)
            && it.extent.key == lost.extent.key
            && it.extent.project == lost.extent.project
            && it.extent.window.start >= lost.extent.window.start
            && it.extent.window.end <= lost.extent.window.end
    };
    left.iter().any(same)
}

/// What nobody has extracted again; `more` is of the run that is under way. A ledger that cannot be read says of
/// nothing that it was.
pub fn remaining(spool: &Spool, lost: &[Lost], more: &[WindowLine]) -> Vec<Lost> {
    let Some(first) = lost.iter().map(|it| it.at).min() else {
        return Vec::new();
    };
    let runs = ledger::read(spool, first).unwrap_or_default();
    backlog::remaining(lost, &runs, more)
}

/// What is lost, and not extracted again: by the note, and where no run has seen yet that the journal is gone.
pub fn lost(spool: &Spool, now: i64) -> Vec<Lost> {
    let mut noted = Backlog::read(spool);
    // One that cannot be looked into is told of where it is read.
    let _ = lose_all_where_gone(&mut noted, spool, now);
    remaining(spool, &noted.lost, &[])
}

/// Says it: as an error in the run that misses it first, afterwards once a week. `windows` are those that this run
/// extracted.
pub fn tell(prepared: &Prepared, windows: &[WindowLine], summary: &mut Summary) {
    let (spool, run) = (&prepared.spools.journal, prepared.run_id());
    let noted = Backlog::read(spool);
    let left = remaining(spool, &noted.lost, windows);
    let Some((text, hint)) = words(spool.folder(), &left) else {
        return;
    };
    let own = |lost: &Lost| (lost.at, lost.process) == (run.began, run.process);
    match left.iter().any(own) {
        true => summary.problem((text, hint)),
        false => summary.standing("lost-windows", text, hint),
    }
}

/// Says that the journal may be from a backup: what is in it for a messenger was there before the last run, which had
/// left nothing. It is delivered all the same, since nobody knows better; but behind newer records it takes usage back.
pub fn tell_put_back(prepared: &Prepared, summary: &mut Summary) {
    let Prepared { journal, .. } = prepared;
    if !prepared.kind.is_real() || journal.sealed().is_empty() {
        return;
    }
    let last = ledger::last_line(&prepared.spools.cursors);
    let (Ok(Some(last)), Ok(waiting)) = (last, journal.waiting()) else {
        return;
    };
    for Waiting {
        messenger,
        records,
        oldest,
        window,
        ..
    } in waiting
    {
        let mut lines = last.messengers.iter();
        // Of one that could not be used the line does not say what waits.
        let left_nothing =
            lines.any(|it| it.name == messenger && it.waiting == 0 && it.stopped.is_none());
        let (Some(oldest), Some(window)) = (oldest, window) else {
            continue;
        };
        if !(left_nothing || prepared.journal_came_back) || oldest >= last.began {
            continue;
        }
        let knows = match left_nothing {
            true => "though the run before this one left it nothing",
            false => "though the run before this one left other records",
        };
        let (waits, wait) = (
            count(records, "record waits", "records wait"),
            format_utc(oldest),
        );
        let text = format!(
            "messenger `{messenger}`: {waits} that were extracted from {wait} on, {knows}, as where \
             `caso-journal` was put back from a backup: where newer records of the same servers were sent since, these take usage back"
        );
        let hint = format!(
            "when they are delivered: `{}`",
            month::republish_what_replaces(&month::of(window))
        );
        summary.notice(&Notice::warning(
            format!("journal-put-back:{messenger}"),
            (text, hint),
        ));
    }
}

/// Of which windows it is, and the command that makes it again.
pub fn words(spooldir: &Path, left: &[Lost]) -> Option<(String, String)> {
    let spool = Spool::look(spooldir, Disk::default());
    let extents = || left.iter().map(|lost| &lost.extent);
    let start = extents().map(|it| it.window.start).min()?;
    let end = extents().map(|it| it.window.end).max()?;
    let extractors: BTreeSet<&str> = extents().map(|it| it.key.extractor.as_str()).collect();
    let extractors: Vec<String> = extractors.into_iter().map(str::to_owned).collect();
    let projects: BTreeSet<&str> = extents().map(|it| it.project.as_str()).collect();
    let which = match Vec::from_iter(projects).as_slice() {
        [one] => format!("project `{one}`"),
        several => count(len(several), "project", "projects"),
    };
    Some((
        format!(
            "what waited in `{}` is gone: {} of {which}, from {} to {}; its messengers did not get it",
            spool.journal_folder().display(),
            listed(&extractors, "and"),
            format_utc(start),
            format_utc(end)
        ),
        format!(
            "{}; if nobody wants it: rm {}",
            command(left)?,
            spool.backlog_file().display()
        ),
    ))
}

/// What makes it again.
pub fn command(left: &[Lost]) -> Option<String> {
    let windows = left.iter().map(|it| it.extent.window);
    let months: BTreeSet<String> = windows.flat_map(month::of).collect();
    (!months.is_empty()).then(|| month::republish(&months))
}

/// Adds what files held that had to be set aside; whether there were any.
fn lose(noted: &mut Backlog, set_aside: &[SetAside], journal: &Journal, now: i64) -> bool {
    let mut any = false;
    for aside in set_aside.iter().filter(|it| it.held.is_records()) {
        any = true;
        let gone = match aside.held.key() {
            Some(key) => extent(key).into_iter().collect(),
            // Of which nothing can be read: what is there no more, though it waited.
            None => backlog::without(&noted.waiting, &waiting(journal)),
        };
        noted.lose(run_id(now), gone);
    }
    any
}

fn waiting(journal: &Journal) -> Vec<Extent> {
    journal.sealed().iter().filter_map(extent).collect()
}

fn extent(segment: &SegmentKey) -> Option<Extent> {
    let extractor = Extractor::named(&segment.extractor)?;
    (!extractor.is_of_a_moment()).then(|| Extent {
        key: cursor_keys::of_segment(segment),
        project: segment.project.clone(),
        window: segment.window,
    })
}
