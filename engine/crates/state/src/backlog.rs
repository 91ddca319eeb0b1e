//! What waits in the journal, noted beside it: `caso-waiting.json`.
//!
//! The journal is a folder, and a folder can be removed: by somebody who wants room, by a backup that leaves it
//! out, with a disk. Its cursors have moved, so that nobody would extract again what waited in it, and nobody would
//! know. So a run that leaves something behind notes here of which windows it is, and what the next one misses is
//! kept as lost until the ledger has runs that extracted all of it once more.
//!
//! It is written only where something waits, and decides on nothing but on what the operator reads. Of what was
//! sealed by a run that was killed, the run after it notes it. Windows that touch are one, so that a messenger
//! which is away for a month costs no more than one that is away for an hour.

use std::io;

use serde::{Deserialize, Serialize};

use caso_base::regular;
use caso_disk::{DiskError, Step};
use caso_model::Window;

use crate::cursors::CursorKey;
use crate::ledger::{RunId, RunLine, WindowLine};
use crate::spool::Spool;

const FORMAT: u32 = 1;

/// What was extracted of an extractor of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extent {
    /// Of what.
    #[serde(flatten)]
    pub key: CursorKey,
    /// Id of the project.
    pub project: String,
    /// In epoch seconds.
    pub window: Window,
}

/// The same of what is in no journal any more, though messengers had not got all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// When the run began that missed it, in epoch seconds.
    pub at: i64,
    /// Its process: the run that left it may have begun in the same second.
    pub process: u32,
    /// What it is.
    #[serde(flatten)]
    pub extent: Extent,
}

/// The file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backlog {
    format: u32,
    /// The number of the last run of the journal that sealed something, by which one from a backup is known.
    #[serde(default)]
    pub journal_run: u64,
    /// What the journal holds for its messengers.
    pub waiting: Vec<Extent>,
    /// What it does not hold any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<Lost>,
}

impl Backlog {
    /// That of a spool. One that cannot be used says nothing, as one that is not there: what it would tell of is
    /// then not known.
    pub fn read(spool: &Spool) -> Self {
        let read = regular::read(&spool.backlog_file()).ok();
        let file = read.and_then(|bytes| serde_json::from_slice::<Backlog>(&bytes).ok());
        file.filter(|file| file.format == FORMAT)
            .unwrap_or_default()
    }

    /// Writes it, where the spool's says something else; one that says nothing is removed.
    ///
    /// # Errors
    /// The spool's is then as it was.
    pub fn keep(&self, spool: &Spool) -> Result<(), DiskError> {
        let path = spool.backlog_file();
        if self.waiting.is_empty() && self.lost.is_empty() {
            return match path.exists() {
                true => spool.disk().remove(&path),
                false => Ok(()),
            };
        }
        let file = Backlog {
            format: FORMAT,
            ..self.clone()
        };
        if file == Backlog::read(spool) {
            return Ok(());
        }
        let bytes = serde_json::to_vec(&file)
            .map_err(|error| DiskError::new(Step::Write, &path, io::Error::other(error)))?;
        spool.disk().replace(&path, &bytes)
    }

    /// What waits, instead of what waited.
    pub fn waits(&mut self, waiting: Vec<Extent>) {
        self.waiting = together(waiting);
    }

    /// Keeps it as lost since then.
    pub fn lose(&mut self, run: RunId, lost: Vec<Extent>) {
        let RunId { began: at, process } = run;
        for extent in together(lost) {
            self.lost.push(Lost {
                at,
                process,
                extent,
            });
        }
    }
}

/// One after the other, those that touch as one.
fn together(mut extents: Vec<Extent>) -> Vec<Extent> {
    let place = |it: &Extent| {
        let CursorKey {
            cloud,
            region,
            extractor,
        } = it.key.clone();
        (
            cloud,
            region,
            extractor,
            it.project.clone(),
            it.window.start,
        )
    };
    extents.sort_by_cached_key(place);
    let mut whole: Vec<Extent> = Vec::new();
    for next in extents {
        match whole.last_mut() {
            Some(last)
                if (&last.key, &last.project) == (&next.key, &next.project)
                    && next.window.start <= last.window.end =>
            {
                last.window.end = last.window.end.max(next.window.end);
            }
            _ => whole.push(next),
        }
    }
    whole
}

/// What of some extents is in none of the others.
pub fn without(extents: &[Extent], others: &[Extent]) -> Vec<Extent> {
    let left = extents.iter().flat_map(|extent| {
        let same = |it: &&Extent| (&it.key, &it.project) == (&extent.key, &extent.project);
        cut(extent, others.iter().filter(same).map(|it| it.window))
    });
    left.collect()
}

/// What of the lost no run extracted again since it was missed, as whole as it went. The runs are in the order in which
/// they began; `more` is of the one that is under way.
pub fn remaining(lost: &[Lost], runs: &[RunLine], more: &[WindowLine]) -> Vec<Lost> {
    let left = lost.iter().flat_map(|lost| {
        let extent = &lost.extent;
        // In the order in which they ended, as several may have begun in one second.
        let own = runs
            .iter()
            .position(|run| (run.began, run.process) == (lost.at, lost.process));
        let place = own.unwrap_or_else(|| runs.partition_point(|run| run.began <= lost.at));
        let runs = runs.get(place..).unwrap_or_default().iter();
        let lines = runs.flat_map(|run| &run.windows).chain(more);
        let again = lines.filter(|line| {
            line.cloud == extent.key.cloud
                && line.region == extent.key.region
                && line.extractor == extent.key.extractor
                && line.records.contains_key(&extent.project)
                && !line.lost.contains_key(&extent.project)
        });
        let left = cut(extent, again.map(|line| line.window));
        left.into_iter().map(|extent| Lost { extent, ..*lost })
    });
    left.collect()
}

/// An extent without these windows.
fn cut(extent: &Extent, windows: impl Iterator<Item = Window>) -> Vec<Extent> {
    let mut left = vec![extent.window];
    for window in windows {
        let pieces = left.into_iter().flat_map(|it| {
            let before = Window {
                start: it.start,
                end: it.end.min(window.start),
            };
            let behind = Window {
                start: it.start.max(window.end),
                end: it.end,
            };
            [before, behind]
        });
        left = pieces.filter(|piece| piece.start < piece.end).collect();
    }
    let of = |window| Extent {
        window,
        ..extent.clone()
    };
    left.into_iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use caso_disk::Disk;
    use caso_disk::faults::{At, End, folder};

    fn extent(project: &str, extractor: &str, start: i64, end: i64) -> Extent {
        Extent {
            key: CursorKey {
                cloud: "default".into(),
                region: None,
                extractor: extractor.into(),
            },
            project: project.into(),
            window: Window { start, end },
        }
    }

    fn id(began: i64) -> RunId {
        RunId { began, process: 1 }
    }

    fn some() -> Backlog {
        let mut backlog = Backlog::default();
        backlog.waits(vec![
            extent("p", "nova", 20, 30),
            extent("q", "nova", 10, 20),
            extent("p", "nova", 10, 20),
            extent("p", "nova", 40, 50),
        ]);
        backlog
    }

    #[test]
    fn what_waits_is_kept_with_windows_that_touch_as_one() {
        let dir = folder().unwrap();
        let spool = Spool::look(dir.path(), Disk::default());
        assert_eq!(Backlog::read(&spool), Backlog::default());
        some().keep(&spool).unwrap();
        assert_eq!(
            Backlog::read(&spool).waiting,
            [
                extent("p", "nova", 10, 30),
                extent("p", "nova", 40, 50),
                extent("q", "nova", 10, 20),
            ]
        );
        Backlog::default().keep(&spool).unwrap();
        assert!(!spool.backlog_file().exists());
        // A damaged one accuses nobody.
        std::fs::write(spool.backlog_file(), "{").unwrap();
        assert_eq!(Backlog::read(&spool), Backlog::default());
    }

    /// Nothing is written while nothing changes, as in each hour of a receiver that is away for good.
    #[test]
    fn the_same_is_not_written_again() {
        let dir = folder().unwrap();
        let spool = Spool::look(dir.path(), Disk::default());
        some().keep(&spool).unwrap();
        let counted = At::never();
        let backlog = Backlog::read(&spool);
        let watched = Spool::look(dir.path(), counted.disk());
        backlog.keep(&watched).unwrap();
        assert_eq!(counted.seen(), 0);
        let nothing = folder().unwrap();
        let watched = Spool::look(nothing.path(), counted.disk());
        Backlog::default().keep(&watched).unwrap();
        assert_eq!(counted.seen(), 0);
    }

    /// It is the one or the other.
    #[test]
    fn killed_at_any_step_it_is_whole() {
        let mut changed = some();
        changed.lose(id(7), vec![extent("p", "nova", 10, 30)]);
        let dir = folder().unwrap();
        let counted = At::never();
        let good = Spool::look(dir.path(), Disk::default());
        some().keep(&good).unwrap();
        changed
            .clone()
            .keep(&Spool::look(dir.path(), counted.disk()))
            .unwrap();
        for end in [End::Kill, End::Torn, End::Full] {
            for at in 0..counted.seen() {
                some().keep(&good).unwrap();
                let _ = changed
                    .clone()
                    .keep(&Spool::look(dir.path(), At::new(end, at).disk()));
                let left = Backlog::read(&good);
                assert!(left.waiting == some().waiting, "{left:?}");
                assert!(
                    left.lost.is_empty() || left.lost == changed.lost,
                    "{left:?}"
                );
            }
        }
    }

    #[test]
    fn what_is_in_no_other_is_what_is_left() {
        let all = [extent("p", "nova", 10, 50), extent("q", "nova", 10, 20)];
        let others = [
            extent("p", "nova", 20, 30),
            extent("p", "cinder", 10, 50),
            extent("q", "nova", 5, 25),
        ];
        assert_eq!(
            without(&all, &others),
            [extent("p", "nova", 10, 20), extent("p", "nova", 30, 50)]
        );
    }

    #[test]
    fn what_was_extracted_again_is_lost_no_more() {
        let line = |start, end, lost: bool| WindowLine {
            cloud: "default".into(),
            extractor: "nova".into(),
            window: Window { start, end },
            records: [("p".to_owned(), 0)].into(),
            lost: lost.then(|| ("p".to_owned(), 1)).into_iter().collect(),
            ..WindowLine::default()
        };
        let run = |began, windows| RunLine {
            format: RunLine::FORMAT,
            version: String::new(),
            began,
            took_ms: 0,
            exit: 0,
            process: 1,
            extracted: false,
            replay: false,
            listed: Vec::new(),
            requests: 0,
            names: Default::default(),
            windows,
            failures: Vec::new(),
            messengers: Vec::new(),
            problems: Vec::new(),
        };
        let mut backlog = Backlog::default();
        backlog.lose(
            id(100),
            vec![extent("p", "nova", 10, 50), extent("q", "nova", 10, 50)],
        );
        let left = |runs: &[RunLine], more: &[WindowLine]| {
            let left = remaining(&backlog.lost, runs, more);
            let of_p = left.iter().filter(|it| it.extent.project == "p");
            of_p.map(|it| (it.extent.window.start, it.extent.window.end))
                .collect::<Vec<_>>()
        };
        // The run that extracted it first, also within that second, and one that lacked something.
        assert_eq!(left(&[run(99, vec![line(10, 50, false)])], &[]), [(10, 50)]);
        let same_second = RunLine {
            process: 2,
            ..run(100, vec![line(10, 50, false)])
        };
        let missing = run(100, Vec::new());
        assert_eq!(
            left(&[same_second.clone(), missing.clone()], &[]),
            [(10, 50)]
        );
        assert_eq!(left(&[missing, same_second], &[]), []);
        assert_eq!(left(&[run(101, vec![line(10, 50, true)])], &[]), [(10, 50)]);
        let half = [run(100, vec![line(0, 30, false)])];
        assert_eq!(left(&half, &[]), [(30, 50)]);
        assert_eq!(left(&half, &[line(30, 60, false)]), []);
        assert_eq!(
            remaining(&backlog.lost, &half, &[line(30, 60, false)]).len(),
            1,
            "of q"
        );
    }
}
