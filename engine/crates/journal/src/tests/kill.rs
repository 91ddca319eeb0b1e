//! A run is ended before, and in the middle of, every single step that it makes
//! on disk, or finds the disk full there; runs after it go on from what is left.
//! Here with a delivery of a few lines, so that what is tested is the journal.

use std::collections::BTreeSet;

use super::consumer::{Consumer, Taken, all};
use super::site::*;
use crate::*;
use caso_disk::Disk;
use caso_disk::faults::{self, At, End};
use caso_model::Window;
use caso_model::record::AccountingRecord;
use caso_state::{CursorKey, Cursors};

fn cursor_key() -> CursorKey {
    CursorKey {
        cloud: "default".into(),
        region: None,
        extractor: "nova".into(),
    }
}

/// A VM that changes in each hour, and an address.
fn of_hour(hour: i64) -> Vec<AccountingRecord> {
    vec![
        cloud(&format!("vm-{hour}"), "vm", hour),
        cloud(&format!("bad-{hour}"), "bad", hour),
        ip(&format!("ip-{hour}")),
    ]
}

struct World {
    site: Site,
    consumer: Consumer,
    hours: BTreeSet<i64>,
}

impl World {
    fn new() -> Self {
        World {
            site: Site::new(&["m"]),
            consumer: Consumer::default(),
            hours: BTreeSet::new(),
        }
    }

    /// Two hours of an outage, in which the first record was accepted.
    fn backlog() -> Self {
        let mut world = World::new();
        for hour in [50, 100] {
            world.run(Disk::default(), hour, |_| Taken {
                accepted: 1,
                refused: Vec::new(),
            });
        }
        world
    }

    /// One run, up to `end`, on this disk; it goes as far as it gets.
    fn run(&mut self, disk: Disk, end: i64, rule: impl Fn(&[AccountingRecord]) -> Taken) {
        self.hours.insert(end);
        let spool = self.site.spool(disk);
        let Ok((journal, _)) = Journal::open(&spool, end) else {
            return;
        };
        let _ = self.extract(&journal, &Cursors::open(&spool, false), end);
        let _ = self
            .consumer
            .deliver(&journal.queue("m"), (None, None), rule);
        let _ = journal.clean();
    }

    fn extract(&self, journal: &Journal, cursors: &Cursors, end: i64) -> Option<()> {
        let starts = cursors.starts("project-0", None, &[cursor_key()]).ok()?;
        let start = starts[0].at.unwrap_or(0);
        let window = Window { start, end };
        let order = Order {
            project: 0,
            extractor: 0,
        };
        let mut writer = journal
            .begin(
                key(0, window),
                Vec::new(),
                order,
                &self.site.messengers,
                &mapper(),
            )
            .ok()?;
        for hour in self.hours.iter().filter(|hour| **hour > start) {
            for record in of_hour(*hour) {
                writer.append(&record).ok()?;
            }
        }
        writer.quarantine_usage(&usage("u"), "no reason").ok()?;
        writer.seal().ok()?;
        cursors.advance("project-0", &cursor_key(), window).ok()?;
        Some(())
    }

    /// Nothing is lost, nothing stale came last, nothing is left over.
    fn check(&self, what: &str) {
        let got = self.consumer.ids();
        let refused = self.site.quarantined_ids("m");
        for hour in &self.hours {
            for record in of_hour(*hour) {
                let id = &record.head().id;
                assert!(
                    got.contains(id) || refused.contains(id),
                    "{what}: `{id}` is lost"
                );
            }
        }
        let last = got.iter().rfind(|id| id.starts_with("vm")).unwrap();
        let newest = self.hours.iter().next_back().unwrap();
        assert_eq!(*last, format!("vm-{newest}"), "{what}: a stale one is last");
        assert!(
            refused.iter().all(|id| id.starts_with("bad")),
            "{what}: {refused:?}"
        );
        assert_eq!(self.site.waiting()["m"], 0, "{what}");
        for folder in ["", "segments", "messengers/m", "set-aside"] {
            let mut files = self.site.files(folder);
            files.retain(|name| !["journal.json", "lock", "reserve"].contains(&name.as_str()));
            assert_eq!(files, [""; 0], "{what}: left in `{folder}`");
        }
    }
}

/// Refuses what is bad, takes the rest.
fn picky(records: &[AccountingRecord]) -> Taken {
    let is_bad = |at: &usize| records[*at].head().id.starts_with("bad");
    Taken {
        refused: (0..records.len()).filter(is_bad).collect(),
        ..all(records)
    }
}

fn at_every_step(end: End) {
    let steps = faults::at_every_step(end, |disk, what| {
        let mut world = World::backlog();
        world.run(disk, 200, picky);
        world.run(Disk::default(), 300, picky);
        world.check(what);
    });
    assert!(steps > 40, "{steps}");
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

/// Who goes on after a failed write must not get a seal on what is torn.
#[test]
fn a_segment_with_a_failed_write_is_never_sealed() {
    let site = Site::new(&["m"]);
    for at in 0..40 {
        let fault = At::new(End::FullOnce, at);
        let Ok((journal, _)) = Journal::open(&site.spool(fault.disk()), 1) else {
            continue;
        };
        let window = Window { start: 0, end: 1 };
        let order = Order {
            project: 0,
            extractor: 0,
        };
        let messengers = ["m".to_owned()];
        let Ok(mut writer) =
            journal.begin(key(0, window), Vec::new(), order, &messengers, &mapper())
        else {
            continue;
        };
        let mut failed = false;
        for n in 0..500 {
            failed |= writer.append(&cloud(&n.to_string(), "k", 1)).is_err();
        }
        failed |= writer.quarantine_usage(&usage("u"), "x").is_err();
        assert!(writer.seal().is_err() || !failed, "step {at}");
    }
    let (journal, recovery) = site.open();
    assert_eq!(recovery.set_aside.len(), 0);
    Consumer::default().drain(&journal, "m");
    assert_eq!(journal.take_set_aside().len(), 0);
}
