//! Several projects committed together, as a run does: what was seen of their servers, their
//! segments, their cursors, and at the end the lastrun files. Ended at every step: of each project the
//! intervals that were delivered follow each other without gap or overlap, and what was seen
//! of its servers is of the moment at which its cursor stands.

use std::collections::{BTreeMap, BTreeSet};

use super::consumer::{Consumer, all};
use super::site::*;
use crate::*;
use caso_disk::Disk;
use caso_disk::faults::{self, At, End};
use caso_model::Window;
use caso_state::{CursorKey, Cursors, Histories, Moves, Place};

const PROJECTS: u32 = 3;

fn cursor_key() -> CursorKey {
    CursorKey {
        cloud: "default".into(),
        region: None,
        extractor: "nova".into(),
    }
}

fn place() -> Place {
    Place {
        cloud: "default".into(),
        region: None,
    }
}

fn name(project: u32) -> String {
    format!("project-{project}")
}

struct World {
    site: Site,
    consumer: Consumer,
}

impl World {
    fn new() -> Self {
        World {
            site: Site::new(&["m"]),
            consumer: Consumer::default(),
        }
    }

    /// One run up to `end`; it goes as far as it gets.
    fn run(&self, disk: Disk, end: i64) {
        let spool = self.site.spool(disk);
        let Ok((journal, _)) = Journal::open(&spool, end) else {
            return;
        };
        let cursors = Cursors::open(&spool, false);
        self.extract(&journal, &cursors, &Histories::of(&spool), end);
        cursors.settle();
        let _ = self
            .consumer
            .deliver(&journal.queue("m"), (None, None), all);
        let _ = journal.clean();
    }

    fn starts(&self, journal: &Journal, cursors: &Cursors) -> Vec<Option<Option<i64>>> {
        let sealed = journal.sealed();
        (0..PROJECTS)
            .map(|project| {
                let project = name(project);
                let keys = [cursor_key()];
                cursors.starts(&project, None, &keys).ok()?;
                for segment in sealed.iter().filter(|it| it.project == project) {
                    cursors
                        .catch_up(&project, &cursor_key(), segment.window, 0)
                        .ok()?;
                }
                Some(cursors.starts(&project, None, &keys).ok()?[0].at)
            })
            .collect()
    }

    fn extract(&self, journal: &Journal, cursors: &Cursors, histories: &Histories, end: i64) {
        let mut windows = Vec::new();
        let mut states = Vec::new();
        let mut segments = Vec::new();
        for (project, start) in (0..).zip(self.starts(journal, cursors)) {
            let Some(start) = start else { continue };
            let Ok(mut seen) = histories.open(&place(), &name(project), start) else {
                continue;
            };
            assert_eq!(seen.history.as_of(), start, "{} up to {end}", name(project));
            let window = Window {
                start: start.unwrap_or(0),
                end,
            };
            let written = || -> Option<Finished> {
                let order = Order {
                    project,
                    extractor: 0,
                };
                let messengers = &self.site.messengers;
                let mut writer = journal
                    .begin(
                        key(project, window),
                        Vec::new(),
                        order,
                        messengers,
                        &mapper(),
                    )
                    .ok()?;
                let id = format!("{project}:{}:{end}", window.start);
                writer.append(&cloud(&id, &id, 1)).ok()?;
                if project == 1 {
                    writer.quarantine_usage(&usage("u"), "no reason").ok()?;
                }
                writer.finish().ok()
            };
            if let (Ok(state), Some(segment)) = (histories.write(&mut seen, end, 1_000), written())
            {
                windows.push((name(project), window));
                states.push(state);
                segments.push(segment);
            }
        }
        let kept = histories.keep(states);
        let segments = segments.into_iter().zip(&kept);
        let segments = segments.filter_map(|(segment, kept)| kept.is_ok().then_some(segment));
        let sealed = journal.seal(segments.collect());
        let windows = windows.into_iter().zip(&kept);
        let windows = windows.filter_map(|(window, kept)| kept.is_ok().then_some(window));
        let (moves, sealed): (Vec<Moves>, Vec<Sealed>) = windows
            .zip(sealed)
            .filter_map(|((project, window), sealed)| {
                let windows = vec![(cursor_key(), window)];
                Some((Moves { project, windows }, sealed.ok()?))
            })
            .unzip();
        for (moved, sealed) in cursors.commit(moves).into_iter().zip(sealed) {
            if moved.is_err() {
                let _ = journal.revoke(&sealed);
            }
        }
    }

    /// The intervals of each project, without gap or overlap, up to `end`.
    fn check(&self, end: i64, what: &str) {
        let mut intervals: BTreeMap<String, BTreeSet<(i64, i64)>> = BTreeMap::new();
        for id in self.consumer.ids() {
            let mut parts = id.split(':');
            let project = parts.next().unwrap().to_owned();
            let [from, to] = [0; 2].map(|_| parts.next().unwrap().parse().unwrap());
            intervals.entry(project).or_default().insert((from, to));
        }
        for project in 0..PROJECTS {
            let intervals = &intervals[&project.to_string()];
            let reached = intervals.iter().fold(0, |reached, (from, to)| {
                assert_eq!(*from, reached, "{what}: {project}: {intervals:?}");
                *to
            });
            assert_eq!(reached, end, "{what}: {project}");
            let lastrun = self
                .site
                .dir
                .path()
                .join(format!("lastrun.{}", name(project)));
            let text = std::fs::read_to_string(lastrun).unwrap();
            assert_eq!(
                text,
                format!("1970-01-01 00:0{}:00+00:00", end / 60),
                "{what}"
            );
        }
        assert_eq!(self.site.waiting()["m"], 0, "{what}");
    }
}

fn at_every_step(end: End) {
    let steps = faults::at_every_step(end, |disk, what| {
        let world = World::new();
        world.run(Disk::default(), 60);
        world.run(disk, 120);
        world.run(Disk::default(), 180);
        world.check(180, what);
    });
    assert!(steps > 60, "{steps}");
}

#[test]
fn killed_before_every_step_of_a_commit() {
    at_every_step(End::Kill);
}

#[test]
fn killed_in_the_middle_of_every_step_of_a_commit() {
    at_every_step(End::Torn);
}

#[test]
fn the_disk_full_at_every_step_of_a_commit() {
    at_every_step(End::FullOnce);
    at_every_step(End::Full);
}

/// On a disk that takes 20 ms for a sync, two hundred projects that end in groups of at
/// least ten wait less than three seconds: a hundred and fifty syncs one after the other.
#[test]
fn a_commit_waits_for_few_syncs_however_many_projects_it_is_of() {
    let site = Site::new(&["m"]);
    let counted = At::never();
    let spool = site.spool(counted.disk());
    let (journal, _) = Journal::open(&spool, 1).unwrap();
    let cursors = Cursors::open(&spool, false);
    let histories = Histories::of(&spool);
    let commit = |projects: std::ops::Range<u32>, hour: i64| {
        let window = Window {
            start: 60 * hour,
            end: 60 * (hour + 1),
        };
        let mut states = Vec::new();
        let mut segments = Vec::new();
        let mut moves = Vec::new();
        for project in projects {
            let at = (hour > 0).then_some(window.start);
            cursors
                .starts(&name(project), None, &[cursor_key()])
                .unwrap();
            let mut seen = histories.open(&place(), &name(project), at).unwrap();
            states.push(histories.write(&mut seen, window.end, 1_000).unwrap());
            let mut writer = site.begin(&journal, project);
            let id = format!("{project}-{hour}");
            writer.append(&cloud(&id, &id, 1)).unwrap();
            segments.push(writer.finish().unwrap());
            moves.push(Moves {
                project: name(project),
                windows: vec![(cursor_key(), window)],
            });
        }
        let before = counted.waits();
        counted.take_steps(site.dir.path());
        assert!(histories.keep(states).iter().all(Result::is_ok));
        assert!(journal.seal(segments).iter().all(Result::is_ok));
        assert!(cursors.commit(moves).iter().all(Result::is_ok));
        let steps = counted.take_steps(site.dir.path());
        let syncs = steps.iter().filter(|step| step.starts_with("Sync")).count();
        (counted.waits() - before, syncs)
    };
    commit(0..31, 0);
    // What was seen, its folder, the segments, theirs, the cursors, theirs.
    assert_eq!(commit(0..1, 1), (6, 3 + 3));
    assert_eq!(commit(1..17, 1), (6, 3 * 16 + 3));
    assert_eq!(commit(17..31, 1), (6, 3 * 14 + 3));
    let before = counted.waits();
    assert!(cursors.settle().is_empty());
    assert_eq!(counted.waits() - before, 3);
    let groups = 200 / 10;
    assert!(groups * 6 + 3 < 150);
}
