//! One project's cursors on disk: `caso-cursors/PROJECT.json`.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::CursorKey;
use super::noted::Noted;
use super::places::Renamed;
use super::skipped::Skipped;
use crate::histories::Place;
use caso_base::digest::sha256_hex;
use caso_base::regular;
use caso_disk::{Beside, Disk, DiskError, Step};

pub const FORMAT: u32 = 1;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CursorFile {
    pub format: u32,
    /// Id of the project.
    pub project: String,
    pub cursors: Vec<Entry>,
    /// How far extractors had come whose cursors were set back or taken away since, and which have not
    /// come so far again: what adds up was extracted up to there, in windows of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reached: Vec<Reached>,
    /// Over which windows the cursors moved in runs that may not be in the ledger.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<Noted>,
    /// What was never extracted, though it lies before a cursor.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<Skipped>,
    /// Clouds and regions of which an operator said that they are no more, under whatever name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub given_up: Vec<Place>,
    /// Former names of clouds and regions, by which the ledger has them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub renamed: Vec<Renamed>,
    /// What stood in which lastrun file, by the file's name, before what is coming.
    pub lastrun: BTreeMap<String, String>,
    /// What is written there at the end of the run, and noted as settled then: until it is, either
    /// text is known, and no operator's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coming: Option<String>,
    /// SHA-256 of the file's JSON without this field, in hex: a digit that a disk changed
    /// would move a cursor in silence. Files of earlier versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    #[serde(flatten)]
    pub key: CursorKey,
    /// Everything before this moment is extracted; none: nothing is.
    pub at: Option<i64>,
    #[serde(default, skip_serializing_if = "Standing::is_untried")]
    pub standing: Standing,
    /// An operator decided where it stands, and nothing was extracted from there since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_hand: bool,
    /// Address of the Keystone that its cloud had when it moved last. Files of earlier versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keystone: Option<String>,
}

/// How far an extractor had come once, in epoch seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    #[serde(flatten)]
    pub key: CursorKey,
    pub to: i64,
}

impl Entry {
    /// One that was never tried, and says nothing of where to start.
    pub fn new(key: &CursorKey) -> Self {
        Entry {
            key: key.clone(),
            at: None,
            standing: Standing::Untried,
            by_hand: false,
            keystone: None,
        }
    }

    /// Up to where it extracted; none where somebody put it elsewhere.
    pub(super) fn extracted_to(&self) -> Option<i64> {
        self.at
            .filter(|_| self.standing == Standing::Extracted && !self.by_hand)
    }
}

/// Whether the extractor ever found what it reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// It never came so far.
    #[default]
    Untried,
    /// It extracted a window.
    Extracted,
    /// The cloud does without its service. Its cursor stays, and does not
    /// count for lastrun.
    Lacking,
}

impl Standing {
    // serde hands in a reference.
    #[allow(clippy::trivially_copy_pass_by_ref)]
    fn is_untried(&self) -> bool {
        *self == Standing::Untried
    }
}

/// What was found in the place of a cursor file.
#[derive(Debug)]
pub enum Found {
    Nothing,
    Good(Box<CursorFile>),
    Newer(u32),
    Damaged(String),
}

#[derive(Deserialize)]
struct OnlyFormat {
    format: u32,
}

impl CursorFile {
    pub fn new(project: &str) -> Self {
        CursorFile {
            format: FORMAT,
            project: project.to_owned(),
            cursors: Vec::new(),
            reached: Vec::new(),
            windows: Vec::new(),
            skipped: Vec::new(),
            given_up: Vec::new(),
            renamed: Vec::new(),
            lastrun: BTreeMap::new(),
            coming: None,
            sha256: None,
        }
    }

    /// How far an extractor had come before its cursor was set back or taken away; none where it has
    /// come so far again.
    pub fn reached(&self, key: &CursorKey) -> Option<i64> {
        let mut reached = self.reached.iter();
        reached.find(|it| it.key == *key).map(|it| it.to)
    }

    /// Notes how far `entries` have come, before somebody decides where they stand.
    pub fn note_reached(reached: &mut Vec<Reached>, entries: &[Entry]) {
        Self::note_up_to(reached, entries, Entry::extracted_to);
    }

    /// The same where somebody writes a lastrun file, or takes it away: up to where another one set a cursor that
    /// he sets back may have been extracted, too.
    pub fn note_stood(reached: &mut Vec<Reached>, entries: &[Entry]) {
        Self::note_up_to(reached, entries, |entry| {
            entry.at.filter(|_| entry.by_hand).max(entry.extracted_to())
        });
    }

    /// Whether that is what we wrote into a lastrun file, or were about to write.
    pub fn wrote(&self, name: &str, text: &str) -> bool {
        let wrote = self.lastrun.get(name).map(String::as_str);
        wrote == Some(text) || self.coming.as_deref() == Some(text)
    }

    /// Whether a lastrun file of this name, in which that stands, says how far another project is: that one has the name now, or
    /// had it meanwhile, and moved it. By the project's own id there is no other.
    pub fn is_of_another(
        &self,
        name: &str,
        text: &str,
        settled: &BTreeMap<String, String>,
    ) -> bool {
        name != format!("lastrun.{}", self.project)
            && settled.get(name).is_some_and(|known| known == text)
            && !self.wrote(name, text)
    }

    /// Whether an extractor has not come so far.
    pub fn is_behind(&self, to: i64) -> bool {
        let mut entries = self.cursors.iter();
        entries.any(|entry| entry.extracted_to().is_some_and(|at| at < to))
    }

    /// The same of cursors that are older than what a lastrun file of ours says, as from a backup: up to there those that
    /// are not so far may have been extracted.
    pub fn note_put_back(&mut self, to: i64) {
        Self::note_up_to(&mut self.reached, &self.cursors, |entry| {
            entry.extracted_to().filter(|at| *at < to).map(|_| to)
        });
    }

    fn note_up_to(
        reached: &mut Vec<Reached>,
        entries: &[Entry],
        to: impl Fn(&Entry) -> Option<i64>,
    ) {
        for entry in entries {
            let Some(to) = to(entry) else {
                continue;
            };
            match reached.iter_mut().find(|it| it.key == entry.key) {
                Some(known) => known.to = known.to.max(to),
                None => reached.push(Reached {
                    key: entry.key.clone(),
                    to,
                }),
            }
        }
    }

    /// An extractor has come to `to`: what it had reached before is no news any more, if that is not farther.
    pub fn came(&mut self, key: &CursorKey, to: i64) {
        self.reached.retain(|it| it.key != *key || it.to > to);
    }

    /// The checksum of everything else in it.
    fn checksum(&self) -> serde_json::Result<String> {
        let without = CursorFile {
            sha256: None,
            ..self.clone()
        };
        Ok(sha256_hex(&serde_json::to_vec(&without)?))
    }

    /// Whether it is what was written, as far as it says.
    fn is_whole(&self) -> bool {
        match &self.sha256 {
            None => true,
            Some(written) => self.checksum().is_ok_and(|found| found == *written),
        }
    }

    pub fn read(path: &Path) -> io::Result<Found> {
        let bytes = match regular::read(path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
            Err(e) => return Err(e),
        };
        Ok(match serde_json::from_slice::<OnlyFormat>(&bytes) {
            Ok(found) if found.format > FORMAT => Found::Newer(found.format),
            Err(e) => Found::Damaged(e.to_string()),
            Ok(_) => match serde_json::from_slice(&bytes) {
                Ok(file) if !CursorFile::is_whole(&file) => {
                    Found::Damaged("its checksum differs".to_owned())
                }
                Ok(file) => Found::Good(Box::new(file)),
                Err(e) => Found::Damaged(e.to_string()),
            },
        })
    }

    /// Writes it beside the one at `path`, and syncs nothing.
    pub fn write_beside(&self, disk: &Disk, path: &Path) -> Result<Beside, DiskError> {
        let failed = |e: serde_json::Error| DiskError::new(Step::Write, path, e.into());
        let summed = CursorFile {
            sha256: Some(self.checksum().map_err(failed)?),
            ..self.clone()
        };
        let mut text = serde_json::to_vec_pretty(&summed).map_err(failed)?;
        text.push(b'\n');
        disk.write_beside(path, |file| file.write(&text))
    }
}
