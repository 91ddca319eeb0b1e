//! Where an extractor begins that has nothing but its project's lastrun file, where that is ours: others have moved it.
//!
//! | it | begins |
//! |---|---|
//! | was extracted once, and its cursor was lost while it was switched off | where the ledger of runs says that it was |
//! | was never extracted, as it was switched off when the project came | with the project |
//! | was extracted farther by a former name of its cloud or region, of which only the ledger tells | where its lastrun file says |
//! | is new to the site | where the others are, as in cASO; it is said how to have what was before |

use super::Context;
use super::again::{Newcomer, PastWindows};
use super::cursor_keys;
use caso_base::time::{format_month, format_utc};
use caso_extract::ProjectRef;
use caso_model::extraction::Extractor;
use caso_model::notice::Notices;
use caso_state::{CursorError, CursorKey, Start, StartSource};

/// Of the projects of one cloud.
pub struct Begins<'a> {
    pub context: &'a Context,
    /// Nothing before it is extracted, in epoch seconds.
    pub first: i64,
    pub warnings: &'a Notices,
}

impl Begins<'_> {
    /// Puts the start there. To be asked before anything of the project moves.
    ///
    /// # Errors
    /// The project's files cannot be read.
    pub fn put(
        &self,
        project: &ProjectRef,
        key: &CursorKey,
        start: &mut Start,
    ) -> Result<(), CursorError> {
        let Context {
            config, cursors, ..
        } = self.context;
        let by_lastrun = matches!(start.source, StartSource::Lastrun(_));
        let (true, Some(at), None) = (by_lastrun, start.at, config.extract_from.explicit()) else {
            return Ok(());
        };
        if !cursors.has_own_lastrun(&project.id) {
            return Ok(());
        }
        // One that cannot be read is said where windows of the past are needed.
        let Ok(past) = self.context.past() else {
            return Ok(());
        };
        let left_behind = self.left_behind(past, project, key, at);
        let Some(begins) = left_behind.or_else(|| self.newcomer(past, project, key, at)) else {
            return Ok(());
        };
        start.at = Some(begins);
        cursors.goes_on_from(&project.id, key, begins)
    }

    fn left_behind(
        &self,
        past: &PastWindows,
        project: &ProjectRef,
        key: &CursorKey,
        at: i64,
    ) -> Option<i64> {
        let configured = cursor_keys::of_all(&self.context.config);
        let last = past.left_behind(key, &project.id, at, &configured)?;
        let extractor = &key.extractor;
        self.warnings
            .warn_once(&format!("left-behind:{}:{extractor}", project.id), || {
                format!(
                    "project `{}`: {extractor} has no cursor any more; it goes on at {}, where the ledger of runs says that it was, \
                     and not at {}, where its lastrun file and other extractors are",
                    project.id,
                    format_utc(last),
                    format_utc(at)
                )
            });
        Some(last)
    }

    fn newcomer(
        &self,
        past: &PastWindows,
        project: &ProjectRef,
        key: &CursorKey,
        at: i64,
    ) -> Option<i64> {
        // Of a moment that has passed nothing can be made.
        let extractor = Extractor::named(&key.extractor).filter(|it| !it.is_of_a_moment())?;
        let began = match past.newcomer(key, &project.id, self.first)? {
            Newcomer::Project(began) => Some(began).filter(|began| *began < at)?,
            Newcomer::Extractor => {
                self.new_to_the_site(extractor, project, key, at);
                return None;
            }
        };
        self.warnings
            .warn_once(&format!("newcomer:{}:{extractor}", project.id), || {
                format!(
                    "project `{}`: {extractor} was switched off when the project came; it begins at {}, where the project \
                     began, and not at {}, where its lastrun file and other extractors are",
                    project.id,
                    format_utc(began),
                    format_utc(at)
                )
            });
        Some(began)
    }

    /// Once, and not for each project.
    fn new_to_the_site(
        &self,
        extractor: Extractor,
        project: &ProjectRef,
        key: &CursorKey,
        at: i64,
    ) {
        let types: Vec<&str> = extractor
            .record_types()
            .iter()
            .map(|it| it.name())
            .collect();
        let anyway = match caso_extract::adds_up(extractor) {
            true => " --storage-anyway",
            false => "",
        };
        self.warnings.warn_once(&format!("new-extractor:{key:?}"), || {
            (
                format!(
                    "{extractor} is new here, and begins where the other extractors are (project `{}`: {})",
                    project.id,
                    format_utc(at)
                ),
                format!(
                    "what was used before that is sent by `caso republish --month {} --types {}{anyway}`, a month at a time",
                    format_month(at),
                    types.join(",")
                ),
            )
        });
    }
}
