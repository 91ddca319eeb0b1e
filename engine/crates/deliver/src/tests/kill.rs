//! "kill -9 at any instant loses no record": a run is ended before, and in the
//! middle of, every single step that it makes on disk, or finds the disk full
//! there; runs after it go on from what is left.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::support::*;
use crate::*;
use caso_disk::faults::{self, At, End};
use caso_disk::{Disk, Step};
use caso_journal::{Journal, Order};
use caso_model::Window;
use caso_model::guest::*;
use caso_model::record::AccountingRecord;
use caso_state::{CursorKey, Cursors};

const PROJECTS: [u32; 2] = [0, 1];

fn cursor_key() -> CursorKey {
    CursorKey {
        cloud: "default".into(),
        region: None,
        extractor: "nova".into(),
    }
}

/// What a cloud has of a project: one VM each that changes in most
/// windows, one that changes once, and an address.
fn extracted(project: u32, window: Window) -> Vec<AccountingRecord> {
    let id = |what: &str| format!("{project}-{what}-{}", window.end);
    let mut records = vec![cloud(&id("once"), &id("once"), window.end), ip(&id("ip"))];
    if changes(window.end) {
        let vm = cloud(&id("vm"), &format!("{project}-vm"), window.end);
        records.insert(0, vm);
    }
    records
}

/// Not in the last window, where a new record would hide that an old one came
/// after its successor.
fn changes(end: i64) -> bool {
    end % 300 != 0
}

struct World {
    site: Site,
    plain: Sink,
    picky: Sink,
    /// Every record whose window a cursor has passed, or should have.
    ends: BTreeSet<i64>,
    /// Nobody takes anything: packs pile up.
    down: bool,
    /// Each project is delivered while the next one is extracted.
    beside: bool,
}

impl World {
    fn new(beside: bool) -> Self {
        World {
            site: Site::new(&["plain", "picky"]),
            plain: Sink::default(),
            picky: Sink::default(),
            ends: BTreeSet::new(),
            down: false,
            beside,
        }
    }

    /// Two hours of an outage, in which the first record was accepted.
    fn backlog(beside: bool) -> Self {
        let mut world = World::new(beside);
        world.down = true;
        for hour in [50, 100] {
            world.run(Disk::default(), hour);
        }
        world.down = false;
        world
    }

    fn instances(&self) -> Vec<Instance> {
        if self.down {
            let down = |_: &[AccountingRecord]| Ok(answer(1, &[], Rest::Other("down".into())));
            return vec![
                self.plain.messenger("plain", down),
                self.picky.messenger("picky", down),
            ];
        }
        let picky = self.picky.messenger("picky", |records| {
            let is = |record: &AccountingRecord, what: &str| record.head().id.starts_with(what);
            if records.iter().any(|r| is(r, "1-once")) {
                return Err(failure(FailureKind::Trap));
            }
            let refused: Vec<u32> = (0..records.len())
                .filter(|at| is(&records[*at], "0-once"))
                .map(|at| at as u32)
                .collect();
            Ok(answer(records.len(), &refused, Rest::Done))
        });
        vec![self.plain.healthy("plain"), picky]
    }

    /// One run, up to `end`, on this disk; it goes as far as it gets.
    fn run(&mut self, disk: Disk, end: i64) {
        self.ends.insert(end);
        let spool = self.site.spool(disk);
        let Ok((journal, _)) = Journal::open(&spool, end) else {
            return;
        };
        let cursors = Cursors::open(&spool, false);
        let (_keep, cancel) = watch::channel(false);
        let clock: Arc<dyn Clock> = self.site.clock.clone();
        let budget = Duration::from_secs(1_000_000);
        block_on(async {
            let delivering = begin(&journal, self.instances(), budget, clock, cancel);
            for project in PROJECTS {
                let held = self.beside.then_some(project);
                journal.hold_from(held);
                let _ = self.project(&journal, &cursors, project, end);
                if self.beside {
                    journal.hold_from(Some(project + 1));
                    delivering.ready().more();
                    // As far as it comes before the next project is done.
                    for _ in 0..200 {
                        tokio::task::yield_now().await;
                    }
                }
            }
            delivering.end().await
        });
    }

    fn project(&self, journal: &Journal, cursors: &Cursors, project: u32, end: i64) -> Option<()> {
        let name = format!("project-{project}");
        let starts = cursors.starts(&name, None, &[cursor_key()]).ok()?;
        let start = starts[0].at.unwrap_or(0);
        let order = Order {
            project,
            extractor: 0,
        };
        let mut writer = journal
            .begin(
                key(project, Window { start, end }),
                Vec::new(),
                order,
                &self.site.messengers,
                &mapper(),
            )
            .ok()?;
        // Everything that changed since the cursor, hour by hour.
        for hour in self.ends.iter().filter(|hour| **hour > start) {
            for record in extracted(project, Window { start, end: *hour }) {
                writer.append(&record).ok()?;
            }
        }
        writer.quarantine_usage(&usage("u"), "no reason").ok()?;
        writer.seal().ok()?;
        cursors
            .advance(&name, &cursor_key(), Window { start, end })
            .ok()?;
        Some(())
    }

    /// Nothing is lost, nothing stale came last, nothing is left over.
    fn check(&self, what: &str) {
        let refused: BTreeSet<String> = self.site.quarantined_ids("picky").into_iter().collect();
        for (sink, quarantined) in [(&self.plain, &BTreeSet::new()), (&self.picky, &refused)] {
            let got = sink.got.lock().unwrap().clone();
            let ids: BTreeSet<String> = got.iter().map(|r| r.head().id.clone()).collect();
            let mut last: BTreeMap<String, i64> = BTreeMap::new();
            for record in &got {
                let head = record.head();
                last.insert(head.supersedes.clone(), head.measured_at);
            }
            for project in PROJECTS {
                for end in &self.ends {
                    for record in extracted(
                        project,
                        Window {
                            start: 0,
                            end: *end,
                        },
                    ) {
                        let id = &record.head().id;
                        assert!(
                            ids.contains(id) || quarantined.contains(id),
                            "{what}: `{id}` is lost"
                        );
                    }
                }
                let newest = self.ends.iter().rfind(|end| changes(**end));
                let kept = last.get(&format!("{project}-vm"));
                assert_eq!(kept, newest, "{what}: a stale record came last");
            }
        }
        for id in &refused {
            assert!(id.contains("once"), "{what}: `{id}` is in quarantine");
        }
        let lines = self.site.quarantined_ids("picky");
        let batches: BTreeSet<String> = lines.iter().cloned().collect();
        assert!(lines.len() <= 2 * batches.len(), "{what}: {lines:?}");
        let waiting = self.site.waiting();
        assert!(
            waiting.values().all(|records| *records == 0),
            "{what}: {waiting:?}"
        );
        for folder in [
            "",
            "segments",
            "messengers/plain",
            "messengers/picky",
            "set-aside",
        ] {
            let mut files = self.site.files(folder);
            files.retain(|name| !["journal.json", "lock", "reserve"].contains(&name.as_str()));
            assert_eq!(files, [""; 0], "{what}: left in `{folder}`");
        }
    }
}

/// Steps of the run that is to be disturbed.
fn steps(beside: bool) -> usize {
    let mut world = World::backlog(beside);
    let counted = At::never();
    world.run(counted.disk(), 200);
    world.run(Disk::default(), 300);
    world.check("undisturbed");
    counted.seen()
}

fn at_every_step(end: End) {
    for beside in [false, true] {
        let steps = faults::at_every_step(end, |disk, what| {
            let mut world = World::backlog(beside);
            world.run(disk, 200);
            world.run(Disk::default(), 300);
            world.check(&format!("{what} (beside: {beside})"));
        });
        assert!(steps > 50, "{steps}");
    }
}

#[test]
fn killed_before_every_step() {
    at_every_step(End::Kill);
}

#[test]
fn killed_in_the_middle_of_every_step() {
    at_every_step(End::Torn);
}

#[test]
fn the_disk_full_once_at_every_step() {
    at_every_step(End::FullOnce);
}

#[test]
fn the_disk_full_from_every_step_on() {
    at_every_step(End::Full);
}

#[test]
fn killed_again_and_again_at_different_steps() {
    let steps = [false, true].map(steps);
    for seed in 0..40 {
        let beside = seed % 4 < 2;
        let steps = steps[usize::from(beside)];
        let mut world = World::new(beside);
        for hour in 1..6 {
            let at = (seed * 31 + hour as usize * 17) % steps;
            let end = if (seed + hour as usize).is_multiple_of(2) {
                End::Kill
            } else {
                End::Torn
            };
            world.run(At::new(end, at).disk(), hour * 100);
        }
        world.run(Disk::default(), 600);
        world.run(Disk::default(), 900);
        world.check(&format!("seed {seed}"));
    }
}

/// A crash of the machine keeps only what was synced: each step that others
/// rely on comes after the syncs it relies on.
#[test]
fn what_is_relied_on_is_synced_first() {
    let mut world = World::new(false);
    let counted = At::never();
    world.run(counted.disk(), 100);
    let steps = counted.steps.lock().unwrap().clone();
    let mut dirty: BTreeSet<std::path::PathBuf> = BTreeSet::new();
    let mut unsynced_folders: BTreeSet<std::path::PathBuf> = BTreeSet::new();
    for (step, path) in steps {
        let parent = path.parent().unwrap().to_owned();
        let text = path.display().to_string();
        match step {
            Step::Write => {
                dirty.insert(path);
            }
            Step::SyncFile => {
                dirty.remove(&path);
            }
            Step::SyncFolder => {
                unsynced_folders.remove(&path);
            }
            Step::Rename => {
                let from = match path.extension().and_then(|e| e.to_str()) {
                    Some("seg") => path.with_extension("open"),
                    Some("jsonl") => path.with_extension("jsonl.open"),
                    _ => parent.join(format!(".{}.tmp", path.file_name().unwrap().display())),
                };
                assert!(!dirty.contains(&from), "renamed before its sync: {text}");
                unsynced_folders.insert(parent);
            }
            Step::Remove if text.ends_with(".seg") || text.ends_with(".pack") => {
                assert_eq!(dirty, BTreeSet::new(), "removed while unsynced: {text}");
                let unsynced = unsynced_folders
                    .iter()
                    .filter(|f| f.ends_with("messengers"));
                assert_eq!(unsynced.count(), 0, "{text}");
            }
            _ => {}
        }
        // The cursor moves when its segment is there to stay.
        if text.contains("lastrun") || text.contains("caso-cursors/") {
            let segments = world.site.path("segments");
            assert!(!unsynced_folders.contains(&segments), "{text}");
            assert!(
                !dirty.iter().any(|path| path.starts_with(&segments)),
                "{text}"
            );
        }
    }
    assert_eq!(dirty, BTreeSet::new());
}
