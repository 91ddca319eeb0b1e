//! Every cursor of a spool, to be looked at: nothing is written, and nobody is waited for.

use std::fs;
use std::io;

use super::file::{CursorFile, Found, Standing};
use super::{CursorKey, Cursors};
use crate::spool::Spool;

/// Where a cursor stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whereabouts {
    /// Id of the project.
    pub project: String,
    /// Of which cloud, region and extractor.
    pub key: CursorKey,
    /// Everything before this moment is extracted, in epoch seconds; none: nothing is.
    pub at: Option<i64>,
    /// The cloud does without what the extractor reads.
    pub lacking: bool,
}

impl Cursors {
    /// All that are on disk, by project. A file that is damaged or of a newer version is left
    /// out: the run that needs it names it.
    ///
    /// # Errors
    /// The folder, or a file in it, cannot be read.
    pub fn all(spool: &Spool) -> io::Result<Vec<Whereabouts>> {
        let listing = match fs::read_dir(spool.cursors_folder()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            listing => listing?,
        };
        let mut all = Vec::new();
        for entry in listing {
            let path = entry?.path();
            let is_json = path.extension().is_some_and(|ending| ending == "json");
            let Found::Good(file) = CursorFile::read(&path)? else {
                continue;
            };
            if is_json {
                all.extend(file.cursors.into_iter().map(|entry| Whereabouts {
                    project: file.project.clone(),
                    key: CursorKey {
                        cloud: entry.cloud,
                        region: entry.region,
                        extractor: entry.extractor,
                    },
                    at: entry.at,
                    lacking: entry.standing == Standing::Lacking,
                }));
            }
        }
        all.sort_by(|one, other| {
            let key = |it: &Whereabouts| {
                let CursorKey {
                    cloud,
                    region,
                    extractor,
                } = it.key.clone();
                (cloud, it.project.clone(), region, extractor)
            };
            key(one).cmp(&key(other))
        });
        Ok(all)
    }
}
