//! What a project's lastrun files say, and whose text stands there.

use std::collections::BTreeMap;
use std::io;
use std::mem;
use std::path::{Path, PathBuf};

use super::edits::{Edit, Edits, Kind};
use super::error::CursorError;
use super::file::{CursorFile, Entry};
use super::project::{BEGINNING, cannot_read, name_of};
use super::{Start, StartSource};
use crate::lastrun::parse_lastrun;
use caso_base::regular;

/// What the lastrun files say.
#[derive(Debug)]
pub(super) struct Fallback {
    /// Where an extractor without a cursor starts.
    pub(super) start: Start,
    /// Whether it is a text that we wrote ourselves.
    pub(super) ours: bool,
    /// The same where the cursor file is lost, by what is noted of the lastrun files.
    pub(super) noted: bool,
    /// Whether it holds for those with a cursor, too.
    pub(super) edited: bool,
    /// The cursors that went with a lastrun file of ours that was removed.
    pub(super) removed: Option<Vec<Entry>>,
    /// One of ours holds no date any more.
    pub(super) damaged: bool,
    /// The project's own file is ours, by what is noted of the lastrun files, and stands there, which its cursors do not know.
    pub(super) put_back: Option<i64>,
    /// A file by its name says how far another project is.
    pub(super) of_another: bool,
}

impl Fallback {
    /// Reads the lastrun files, the first that decides first. A removed one of ours
    /// takes the project's cursors in `file` along.
    pub(super) fn read(
        file: &mut CursorFile,
        lastruns: &[PathBuf],
        global: &Path,
        settled: &BTreeMap<String, String>,
        edits: &Edits,
    ) -> Result<Fallback, CursorError> {
        let project = file.project.clone();
        let known = !file.cursors.is_empty();
        // What stands there now is known from here on, whoever wrote it: a run that is
        // killed before it has written its own there must not take it for a second edit.
        let mut seen: Vec<(String, String)> = Vec::new();
        let mut decided = false;
        let mut fallback = Fallback {
            start: Start::at_the_beginning(),
            ours: false,
            noted: false,
            edited: false,
            removed: None,
            damaged: false,
            put_back: None,
            of_another: false,
        };
        for path in lastruns.iter().map(PathBuf::as_path).chain([global]) {
            let is_global = path == global;
            let is_own = lastruns.first().is_some_and(|first| first == path);
            let name = name_of(path);
            let raw = match regular::read(path) {
                Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                Err(e) if e.kind() == io::ErrorKind::NotFound => {
                    let gone = file.lastrun.remove(&name).is_some();
                    if gone && is_own {
                        let text = format!(
                            "project `{project}`: `{}` was removed, so its cursors start anew",
                            path.display()
                        );
                        let brief = format!("`{project}`");
                        edits.add(Edit::new(Kind::Removed, &project, text, brief));
                        CursorFile::note_stood(&mut file.reached, &file.cursors);
                        fallback.removed = Some(mem::take(&mut file.cursors));
                    }
                    continue;
                }
                Err(e) => return Err(cannot_read(&project, path, e)),
            };
            let text = raw.trim().to_owned();
            let wrote = file.lastrun.get(&name).or(match is_global {
                true => None,
                false => file.coming.as_ref(),
            });
            let wrote = wrote.cloned();
            let is_settled = settled.get(&name) == Some(&text);
            let is_new = !file.wrote(&name, &text);
            if known && !is_global && file.is_of_another(&name, &text, settled) {
                fallback.of_another = true;
                continue;
            }
            let is_torn = wrote.as_ref().is_some_and(|wrote| is_part(&raw, wrote));
            let date = parse_lastrun(&text).filter(|_| !is_torn);
            if !is_global && date.is_some() {
                seen.push((name, text.clone()));
            }
            let (text, ours) = match (date, wrote) {
                // What a crash or a full disk left of a file whose text we know says nothing
                // new. It is written again with the next cursor.
                (None, Some(wrote)) => {
                    let what = match is_torn {
                        true => "a part of a date",
                        false => "no date",
                    };
                    let told = format!(
                        "project `{project}`: `{}` holds `{}`, which is {what}; cASO wrote \
                         `{wrote}` there and goes on from there",
                        path.display(),
                        shown(&text)
                    );
                    let brief = format!("`{project}` (`{}`; from {wrote})", shown(&text));
                    edits.add(Edit::new(Kind::Garbled, &project, told, brief));
                    fallback.damaged = true;
                    (wrote, true)
                }
                (Some(at), _) if known && is_new && is_settled && is_own => {
                    fallback.put_back = Some(at);
                    (text, true)
                }
                _ => (text, !is_new),
            };
            // An operator's hand on a later file counts more than what we wrote
            // into an earlier one.
            let overrules = known && !ours && !fallback.edited && !is_global;
            if decided && !overrules {
                continue;
            }
            let Some(at) = parse_lastrun(&text) else {
                return Err(CursorError::NotADate {
                    project,
                    path: path.to_owned(),
                    text: shown(&text),
                });
            };
            let edited = known && !ours && !is_global;
            let source = if edited {
                StartSource::Edited(path.to_owned())
            } else {
                StartSource::Lastrun(path.to_owned())
            };
            // Where the cursor file is lost, what is noted of the lastrun files says that it is ours: a
            // second more would overlap with what was extracted.
            let noted = !known && is_settled;
            let at = match (ours || noted, text.as_str()) {
                (true, BEGINNING) => None,
                (true, _) => Some(at),
                // What changed in Python's last second is in neither window.
                (false, _) => Some(if at > 0 { at - 1 } else { at }),
            };
            fallback.start = Start {
                at,
                source,
                ..Start::at_the_beginning()
            };
            (fallback.ours, fallback.noted, fallback.edited) = (ours, noted, edited);
            decided = true;
        }
        file.lastrun.extend(seen);
        Ok(fallback)
    }
}

/// Whether a crash can have left this of what cASO wrote, which has no line feed at its end; an editor, or `echo`, leaves
/// one.
fn is_part(raw: &str, wrote: &str) -> bool {
    !raw.is_empty() && raw.len() < wrote.len() && wrote.starts_with(raw)
}

/// Of a file's text, what a message shows.
fn shown(text: &str) -> String {
    text.chars().take(60).collect()
}
