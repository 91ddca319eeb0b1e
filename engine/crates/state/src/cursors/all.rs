//! Every cursor of a spool, to be looked at: nothing is written, and nobody is waited for.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::io;
use std::path::PathBuf;

use super::file::{CursorFile, Found, Standing};
use super::{CursorKey, Cursors};
use crate::histories::Place;
use crate::lastrun::parse_lastrun;
use crate::ledger::RunId;
use crate::spool::Spool;
use caso_base::regular;
use caso_model::Window;

/// Where a cursor stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whereabouts {
    /// Id of the project.
    pub project: String,
    /// Of which cloud, region and extractor.
    pub key: CursorKey,
    /// Everything before this moment is extracted, in epoch seconds; none: nothing is.
    pub at: Option<i64>,
    /// How far it had come before somebody set it back, in epoch seconds, if it has not come so far again.
    pub reached: Option<i64>,
    /// Something was extracted ahead of it: by hand, or by a run that was killed.
    pub ahead: bool,
    /// The cloud does without what the extractor reads.
    pub lacking: bool,
}

/// A cursor file that says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnusableFile {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

/// Where all cursors of a spool stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllCursors {
    /// By cloud, project, region and extractor.
    pub cursors: Vec<Whereabouts>,
    /// Clouds and regions of cursors that were taken away, of which nobody said what became of them.
    pub taken_away: Vec<Place>,
    /// Of their projects nothing is known here: a run goes on from their lastrun files, or names them.
    pub unusable: Vec<UnusableFile>,
}

/// What the ledger of runs may not have of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unlisted {
    /// Its id.
    pub project: String,
    /// Windows that were extracted, and when the run began that did, in epoch seconds, where that is known.
    pub windows: Vec<(CursorKey, Window, Option<i64>)>,
    /// Windows that never were, and lie before a cursor.
    pub skipped: Vec<(CursorKey, Window)>,
    /// Present names of clouds and regions, each with a former one, which the ledger may have.
    pub renamed: Vec<(Place, Place)>,
}

impl Cursors {
    /// All that are on disk, by project, and the files that say nothing.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn all(spool: &Spool) -> io::Result<AllCursors> {
        Cursors::beside(spool, &[])
    }

    /// The same without those of these projects, whose files are not read.
    ///
    /// # Errors
    /// As [`Cursors::all`].
    pub fn beside(spool: &Spool, projects: &[&str]) -> io::Result<AllCursors> {
        let mut all = Vec::new();
        let not: HashSet<PathBuf> = projects.iter().map(|id| spool.cursor_file(id)).collect();
        let Files { good, unusable } = files_but(spool, &not)?;
        let mut taken_away = Vec::new();
        for file in good {
            let reached = file.reached.iter().map(|it| it.key.place());
            taken_away.extend(reached.filter(|place| !file.given_up.contains(place)));
            all.extend(file.cursors.iter().map(|entry| Whereabouts {
                project: file.project.clone(),
                key: entry.key.clone(),
                at: entry.at,
                reached: file.reached(&entry.key),
                ahead: file.is_ahead(&entry.key),
                lacking: entry.standing == Standing::Lacking,
            }));
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
        Ok(AllCursors {
            cursors: all,
            taken_away,
            unusable,
        })
    }

    /// Under which names, as a configuration has or had them, lastrun files are kept of projects: by their ids.
    /// Files that say nothing are left out.
    ///
    /// # Errors
    /// As [`Cursors::all`].
    pub fn names(spool: &Spool) -> io::Result<BTreeMap<String, BTreeSet<String>>> {
        let of = |file: CursorFile| {
            let names = file.lastrun.keys();
            let names = names.filter_map(|name| name.strip_prefix("lastrun."));
            let names = names.filter(|name| *name != file.project);
            let names: BTreeSet<String> = names.map(str::to_owned).collect();
            (file.project, names)
        };
        let named = files(spool)?.good.into_iter().map(of);
        Ok(named.filter(|(_, names)| !names.is_empty()).collect())
    }

    /// What stands with the cursors, as the ledger may not have it, or by another name. Files that say nothing
    /// are left out.
    ///
    /// # Errors
    /// As [`Cursors::all`].
    pub fn unlisted(spool: &Spool) -> io::Result<Vec<Unlisted>> {
        let of = |file: CursorFile| Unlisted {
            project: file.project,
            windows: file
                .windows
                .into_iter()
                .map(|it| {
                    let began = (it.run != RunId::default()).then_some(it.run.began);
                    (it.key, it.window, began)
                })
                .collect(),
            skipped: file
                .skipped
                .into_iter()
                .map(|it| (it.key, it.window))
                .collect(),
            renamed: file
                .renamed
                .into_iter()
                .map(|it| (it.now, it.was))
                .collect(),
        };
        Ok(files(spool)?.good.into_iter().map(of).collect())
    }

    /// What the lastrun files of the spool say, by what stands behind `lastrun.` in their names (the
    /// one file of all projects that cASO wrote up to 1.4.0 first, with no name): where they end, in
    /// epoch seconds; none for one that holds no date.
    ///
    /// # Errors
    /// The folder, or a file in it, cannot be read; a folder of such a name is none.
    pub fn lastruns(spool: &Spool) -> io::Result<BTreeMap<String, Option<i64>>> {
        let listing = match fs::read_dir(spool.folder()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
            listing => listing.map_err(regular::named(spool.folder()))?,
        };
        let mut found = BTreeMap::new();
        for entry in listing {
            let entry = entry.map_err(regular::named(spool.folder()))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let of = match name.as_str() {
                "lastrun" => Some(""),
                name => name.strip_prefix("lastrun.").filter(|of| !of.is_empty()),
            };
            if let Some(of) = of
                && entry.path().is_file()
            {
                let path = entry.path();
                let text = regular::read(&path).map_err(regular::named(&path))?;
                let text = String::from_utf8_lossy(&text).into_owned();
                found.insert(of.to_owned(), parse_lastrun(text.trim()));
            }
        }
        Ok(found)
    }
}

/// All cursor files.
pub(super) struct Files {
    /// Those that are whole and of a format that this version knows.
    pub(super) good: Vec<CursorFile>,
    pub(super) unusable: Vec<UnusableFile>,
}

pub(super) fn files(spool: &Spool) -> io::Result<Files> {
    files_but(spool, &HashSet::new())
}

fn files_but(spool: &Spool, not: &HashSet<PathBuf>) -> io::Result<Files> {
    let folder = spool.cursors_folder();
    let listing = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Files {
                good: Vec::new(),
                unusable: Vec::new(),
            });
        }
        listing => listing.map_err(regular::named(&folder))?,
    };
    let mut good = Vec::new();
    let mut unusable = Vec::new();
    for entry in listing {
        let path = entry.map_err(regular::named(&folder))?.path();
        if path.extension().is_none_or(|ending| ending != "json") || not.contains(&path) {
            continue;
        }
        let reason = match CursorFile::read(&path) {
            Ok(Found::Good(file)) => {
                good.push(*file);
                continue;
            }
            // Of a link that leads nowhere the name is there.
            Ok(Found::Nothing) if path.symlink_metadata().is_err() => continue,
            Ok(Found::Nothing) => "it is a link that leads nowhere".to_owned(),
            Ok(Found::Newer(format)) => format!("a newer cASO wrote it (format {format})"),
            Ok(Found::Damaged(reason)) => format!("it is damaged ({reason})"),
            Err(error) => format!("it cannot be read: {error}"),
        };
        unusable.push(UnusableFile { path, reason });
    }
    unusable.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(Files { good, unusable })
}

#[cfg(test)]
mod tests {
    use super::*;
    use caso_disk::Disk;

    fn key(cloud: &str, region: Option<&str>, extractor: &str) -> CursorKey {
        CursorKey {
            cloud: cloud.into(),
            region: region.map(str::to_owned),
            extractor: extractor.into(),
        }
    }

    fn spool() -> (tempfile::TempDir, Spool) {
        let dir = tempfile::tempdir().unwrap();
        let spool = Spool::look(dir.path(), Disk::default());
        (dir, spool)
    }

    #[test]
    fn all_are_listed_by_cloud_project_region_and_extractor() {
        let (_dir, spool) = spool();
        assert_eq!(Cursors::all(&spool).unwrap().cursors, []);
        let cursors = Cursors::open(&spool, false);
        for (project, cloud, region, end) in [
            ("q", "one", None, 40),
            ("p", "two", None, 30),
            ("p", "one", Some("north"), 20),
            ("p", "one", None, 10),
        ] {
            let keys = ["nova", "cinder"].map(|extractor| key(cloud, region, extractor));
            cursors.starts(project, None, &keys).unwrap();
            let window = Window { start: 0, end };
            cursors.advance(project, &keys[0], window).unwrap();
        }
        cursors.leave_out("q", &key("one", None, "cinder")).unwrap();
        let found = Cursors::all(&spool).unwrap().cursors;
        let expected = [
            ("p", key("one", None, "cinder"), None, false),
            ("p", key("one", None, "nova"), Some(10), false),
            ("p", key("one", Some("north"), "cinder"), None, false),
            ("p", key("one", Some("north"), "nova"), Some(20), false),
            ("q", key("one", None, "cinder"), None, true),
            ("q", key("one", None, "nova"), Some(40), false),
            ("p", key("two", None, "cinder"), None, false),
            ("p", key("two", None, "nova"), Some(30), false),
        ];
        let expected = expected.map(|(project, key, at, lacking)| Whereabouts {
            project: project.into(),
            key,
            at,
            reached: None,
            ahead: false,
            lacking,
        });
        assert_eq!(found, expected);
        let beside = Cursors::beside(&spool, &["p", "r"]).unwrap().cursors;
        assert!(beside.iter().all(|it| it.project == "q"), "{beside:?}");
        assert_eq!(beside.len(), 2);
    }

    #[test]
    fn the_names_of_projects_are_those_of_their_lastrun_files() {
        let (_dir, spool) = spool();
        assert!(Cursors::names(&spool).unwrap().is_empty());
        fs::write(spool.folder().join("lastrun.old"), "2026-11-01").unwrap();
        let cursors = Cursors::open(&spool, false);
        let nova = [key("one", None, "nova")];
        for (project, name) in [("p", Some("old")), ("q", Some("new")), ("r", None)] {
            cursors.starts(project, name, &nova).unwrap();
            let window = Window {
                start: 0,
                end: 1_800_000_000,
            };
            cursors.advance(project, &nova[0], window).unwrap();
        }
        assert!(cursors.settle().is_empty());
        // Of `new` there was no file, and none is begun.
        let names = [("p".to_owned(), BTreeSet::from(["old".to_owned()]))];
        assert_eq!(Cursors::names(&spool).unwrap(), names.into());
    }

    #[test]
    fn what_says_nothing_is_named_and_hides_nothing_else() {
        let (_dir, spool) = spool();
        let cursors = Cursors::open(&spool, false);
        let nova = key("one", None, "nova");
        cursors
            .starts("p", None, std::slice::from_ref(&nova))
            .unwrap();
        cursors
            .advance("p", &nova, Window { start: 0, end: 10 })
            .unwrap();
        let folder = spool.cursors_folder();
        fs::copy(folder.join("p.json"), folder.join("p.json.old")).unwrap();
        fs::write(folder.join("damaged.json"), "{").unwrap();
        fs::write(folder.join("newer.json"), r#"{"format": 2}"#).unwrap();
        fs::create_dir(folder.join("saved")).unwrap();
        fs::create_dir(folder.join("q.json")).unwrap();
        std::os::unix::fs::symlink("nowhere", folder.join("r.json")).unwrap();
        let all = Cursors::all(&spool).unwrap();
        assert_eq!(all.cursors.len(), 1);
        let unusable: Vec<(String, &str)> = all
            .unusable
            .iter()
            .map(|it| {
                (
                    it.path.file_name().unwrap().display().to_string(),
                    it.reason.as_str(),
                )
            })
            .collect();
        let reasons = [
            ("damaged.json", "it is damaged ("),
            ("newer.json", "a newer cASO wrote it (format 2)"),
            ("q.json", "it cannot be read: Is a directory"),
            ("r.json", "it is a link that leads nowhere"),
        ];
        assert_eq!(unusable.len(), reasons.len(), "{unusable:?}");
        for ((file, reason), (expected, begins)) in unusable.iter().zip(reasons) {
            assert!(
                file == expected && reason.starts_with(begins),
                "{file}: {reason}"
            );
        }
        fs::remove_dir_all(&folder).unwrap();
        fs::write(&folder, "").unwrap();
        assert_eq!(
            Cursors::all(&spool).unwrap_err().kind(),
            io::ErrorKind::NotADirectory
        );
    }
}
