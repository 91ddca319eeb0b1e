//! What somebody did to a lastrun file, and what there is to say of it.

use std::path::{Path, PathBuf};

use caso_base::time::format_month;

use super::super::edits::{Edit, Kind};
use super::super::file::{CursorFile, Entry, Standing};
use super::super::{Start, StartSource};
use super::name_of;
use crate::lastrun::format_lastrun;

/// Where the extractor is that has come farthest.
pub(super) fn furthest(cursors: &[Entry]) -> Option<i64> {
    let extracted = |entry: &&Entry| entry.standing == Standing::Extracted;
    cursors
        .iter()
        .filter(extracted)
        .filter_map(|it| it.at)
        .max()
}

/// What there is to say of somebody who moved the cursors. Forward it takes usage away that only a look at the
/// two dates shows: a day typed wrong, or Python cASO that ran meanwhile.
pub(super) fn edit_of(project: &str, file: &CursorFile, start: &Start) -> Option<Edit> {
    let (StartSource::Edited(path), Some(to)) = (&start.source, start.at) else {
        return None;
    };
    let extracted = |entry: &&Entry| entry.standing == Standing::Extracted;
    let known = file.cursors.iter().filter(extracted).map(|entry| entry.at);
    let least = match furthest(&file.cursors) {
        furthest if furthest > Some(to) => furthest,
        _ => known.min().flatten(),
    };
    let from = least?;
    let month = format_month(from);
    let text = |at: i64| format_lastrun(at).unwrap_or_else(|| at.to_string());
    let (path, from, to) = (path.display(), (from, text(from)), (to, text(to)));
    let brief = format!(
        "`{project}` (from {}, where cASO had come to {})",
        to.1, from.1
    );
    Some(if to.0 > from.0 {
        let text = format!(
            "project `{project}`: `{path}` was written by somebody else: extracting from {}, \
             where cASO had come to {}. What lies between is not extracted: whoever wrote it has \
             to have done so (Python cASO does); if not, write {} there before the next run, or have it \
             sent later (caso republish --month {month} --project {project} --storage-anyway, where Python has sent nothing of that month)",
            to.1, from.1, from.1
        );
        Edit::new(Kind::Forward, project, text, brief)
    } else {
        let text = format!(
            "project `{project}`: `{path}` was set back from {} to {}: extracting from there again",
            from.1, to.1
        );
        Edit::new(Kind::Back, project, text, brief)
    })
}

pub(super) fn put_back(file: &CursorFile, path: &Path, lastrun: Option<&PathBuf>) -> Edit {
    let lastrun = lastrun.map(|it| name_of(it)).unwrap_or_default();
    let text = format!(
        "project `{}`: `{}` is older than `{lastrun}`, and cASO wrote both, as where it was put back from a backup: extracting from \
         where its cursors stand; what adds up is extracted again in the windows of the first time, as far as the ledger of runs \
         knows them",
        file.project,
        path.display()
    );
    let brief = format!("`{}`", file.project);
    Edit::new(Kind::PutBack, &file.project, text, brief)
}
