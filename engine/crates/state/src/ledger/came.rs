//! How far extractors came, by the last runs in the ledger: what a cursor that somebody put back does not know.

use std::collections::HashMap;
use std::io;

use serde::Deserialize;
use serde::de::IgnoredAny;

use caso_base::regular;
use caso_model::Window;

use super::months;
use crate::cursors::{CursorKey, Cursors, FormerNames};
use crate::spool::Spool;

/// So many bytes of the ledger's end are read first: the last run of most sites is in them. A line of a site of thousands of projects is
/// a megabyte.
pub(super) const FIRST: u64 = 1 << 20;
/// And no more than these, where somebody is looked for that no run extracted since.
const MOST: u64 = 64 << 20;

/// How far extractors came, of the ledger's end that was read so far.
#[derive(Debug)]
pub struct Came {
    spool: Spool,
    /// What ends later is of a clock that was ahead.
    now: i64,
    /// By id of the project.
    ends: HashMap<String, HashMap<CursorKey, i64>>,
    /// Bytes that were read at most; 0 before anything was.
    pub(super) read: u64,
    /// When the first run in them began, in epoch seconds: None where no run is there.
    oldest: Option<i64>,
    /// Whether that is all of the ledger.
    pub(super) whole: bool,
}

impl Came {
    /// Up to `now`. Nothing is read yet.
    pub fn new(spool: &Spool, now: i64) -> Self {
        Self {
            spool: spool.clone(),
            now,
            ends: HashMap::new(),
            read: 0,
            oldest: None,
            whole: false,
        }
    }

    /// Where an extractor of a project stopped, whose cursor stands at `cursor`: only a run that began later can have extracted it farther, so as
    /// far back is looked, where that is not too much. None where no such run has it.
    ///
    /// # Errors
    /// A file of the ledger is there and cannot be read.
    pub fn of(&mut self, key: &CursorKey, project: &str, cursor: i64) -> io::Result<Option<i64>> {
        loop {
            let found = self.ends.get(project).and_then(|it| it.get(key));
            if let Some(found) = found {
                return Ok(Some(*found));
            }
            let far_enough = self.oldest.is_some_and(|oldest| oldest < cursor);
            if self.whole || far_enough || self.read >= MOST {
                return Ok(None);
            }
            self.read_back((self.read * 4).clamp(FIRST, MOST))?;
        }
    }

    /// Reads so many bytes from the end, of the newest months first.
    fn read_back(&mut self, end: u64) -> io::Result<()> {
        let mut left = end;
        self.whole = true;
        for (_, path) in months(&self.spool.ledger_folder())?.iter().rev() {
            if left == 0 {
                self.whole = false;
                break;
            }
            let length = path.metadata().map_or(0, |found| found.len());
            let lines = regular::last_lines(path, left).map_err(regular::named(path))?;
            for line in lines.split(|byte| *byte == b'\n') {
                self.note(line);
            }
            self.whole &= length <= left;
            left = left.saturating_sub(length);
        }
        self.read = end;
        by_former_names(&Cursors::renamed(&self.spool), &mut self.ends);
        Ok(())
    }

    /// The ends of a run's windows, of its line nothing else.
    fn note(&mut self, line: &[u8]) {
        #[derive(Deserialize)]
        struct OnlyWindows {
            began: i64,
            #[serde(default)]
            windows: Vec<OnlyWindow>,
        }
        #[derive(Deserialize)]
        struct OnlyWindow {
            cloud: String,
            #[serde(default)]
            region: Option<String>,
            extractor: String,
            window: Window,
            records: HashMap<String, IgnoredAny>,
        }
        let Ok(run) = serde_json::from_slice::<OnlyWindows>(line) else {
            return;
        };
        self.oldest = Some(self.oldest.map_or(run.began, |it| it.min(run.began)));
        for line in run.windows {
            if line.window.end > self.now {
                continue;
            }
            let key = CursorKey {
                cloud: line.cloud,
                region: line.region,
                extractor: line.extractor,
            };
            for project in line.records.into_keys() {
                let ends = self.ends.entry(project).or_default();
                let end = ends.entry(key.clone()).or_insert(i64::MIN);
                *end = line.window.end.max(*end);
            }
        }
    }
}

/// By a former name of its place the ledger has what is of the present one.
fn by_former_names(renamed: &FormerNames, came: &mut HashMap<String, HashMap<CursorKey, i64>>) {
    for (project, ends) in came {
        let former: Vec<(CursorKey, i64)> = renamed
            .of(project)
            .iter()
            .flat_map(|(now, was)| {
                let of_was = ends.iter().filter(|(key, _)| key.place() == *was);
                of_was.map(|(key, end)| (now.key(&key.extractor), *end))
            })
            .collect();
        for (key, end) in former {
            let known = ends.entry(key).or_insert(end);
            *known = end.max(*known);
        }
    }
}
