//! What was seen of each project's servers, on disk.
//!
//! `caso-servers/<cloud>[@<region>]/<project>.a` and `.b`: the last two states, each as of
//! the end of a window. A window's state is on disk before its records are sealed, in the
//! place of the older of the two, and the cursor moves last. So a kill in between leaves the
//! state that belongs to the cursor, beside one that nobody reported from, and the loss of
//! either file costs nothing that the other and Nova together do not say.

mod volumes;

use std::fmt;
use std::fs;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use caso_base::regular;
use caso_disk::{Beside, DiskError, Step};
use caso_history::{FormError, History};

pub use self::volumes::UnusableVolumes;
use crate::spool::{Spool, file_name_for};

/// A cloud's region; as text, and for people, `CLOUD` or `CLOUD@REGION`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// Name of the cloud in the configuration.
    pub cloud: String,
    /// Name of its region; none for a cloud whose region is not named.
    pub region: Option<String>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.region {
            Some(region) => write!(f, "{}@{region}", self.cloud),
            None => f.write_str(&self.cloud),
        }
    }
}

impl From<&str> for Place {
    /// No name of a cloud has an `@`.
    fn from(text: &str) -> Self {
        let (cloud, region) = match text.split_once('@') {
            Some((cloud, region)) => (cloud, Some(region.to_owned())),
            None => (text, None),
        };
        Place {
            cloud: cloud.to_owned(),
            region,
        }
    }
}

/// Why what is remembered of a project's servers cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// It may be there, and may not be taken for nothing.
    #[error("what is remembered of its servers, `{}`, cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A newer cASO wrote it.
    #[error(
        "what is remembered of its servers, `{}`, was written by a newer cASO (format {format})",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The format that it names.
        format: u32,
    },
}

impl HistoryError {
    /// What to do about it, where that is known. The text does not have it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            HistoryError::Newer { .. } => Some(
                "use that version again, or remove the file: resized servers are then accounted with their present size",
            ),
            HistoryError::Read { .. } => None,
        }
    }
}

/// A project's history, and where its next state goes.
#[derive(Debug)]
pub struct Opened {
    /// As of the cursor, or the newest there is.
    pub history: History,
    /// Files that are not what was written, with what is wrong; they count as absent.
    pub damaged: Vec<(PathBuf, String)>,
    /// The place of the next state.
    next: PathBuf,
}

/// All of a spool.
#[derive(Debug, Clone)]
pub struct Histories {
    spool: Spool,
}

impl Histories {
    /// Those of a spool.
    #[must_use]
    pub fn of(spool: &Spool) -> Self {
        Self {
            spool: spool.clone(),
        }
    }

    /// Reads what is remembered of a project, as of its cursor, in epoch seconds.
    ///
    /// # Errors
    /// A file is there and cannot be read, or is of a newer format. One that is damaged is no
    /// error: it counts as absent, and is named.
    pub fn open(
        &self,
        place: &Place,
        project: &str,
        cursor: Option<i64>,
    ) -> Result<Opened, HistoryError> {
        let mut damaged = Vec::new();
        let [a, b] = self.files(place, project);
        let of_a = read(&a, &mut damaged)?;
        let of_b = read(&b, &mut damaged)?;
        let rank = |history: &Option<History>| {
            let as_of = history.as_ref().and_then(History::as_of);
            (as_of.is_some() && as_of == cursor, as_of)
        };
        let (history, next) = if rank(&of_b) > rank(&of_a) {
            (of_b, a)
        } else {
            (of_a, b)
        };
        Ok(Opened {
            history: history.unwrap_or_default(),
            damaged,
            next,
        })
    }

    /// Writes the state as of the end of a window, in epoch seconds, beside the older of the
    /// two. `recent` is for how many seconds the report of a server's end is remembered.
    ///
    /// # Errors
    /// It is not written.
    pub fn write(&self, opened: &mut Opened, as_of: i64, recent: i64) -> Result<Beside, DiskError> {
        let disk = self.spool.disk();
        if let Some(folder) = opened.next.parent() {
            disk.create_folder(folder)?;
        }
        let history = &mut opened.history;
        disk.write_beside(&opened.next, |file| {
            history.write(as_of, recent, |piece| file.write(piece))
        })
    }

    /// Puts states that were written on disk, in the places of the older ones: side by side, and
    /// each folder once. One answer a state, in their order.
    ///
    /// # Errors
    /// Both former states of that project are as they were, or the new one stands in the place
    /// of the older.
    pub fn keep(&self, states: Vec<Beside>) -> Vec<Result<(), DiskError>> {
        self.spool.disk().keep(states)
    }

    /// What is remembered of one place's servers is of another's: of each project of which that
    /// one remembers nothing yet, as a run may have begun there with one that is new.
    ///
    /// # Errors
    /// What was not moved is where it was; the next call goes on.
    pub fn rename(&self, was: &Place, now: &Place) -> Result<(), DiskError> {
        let (was, now) = (self.folder(was), self.folder(now));
        if !was.is_dir() {
            return Ok(());
        }
        let disk = self.spool.disk();
        if !now.exists() {
            disk.rename(&was, &now)?;
            return disk.sync_folder(&self.spool.servers_folder());
        }
        let listed = |source| DiskError::new(Step::Open, &was, source);
        let mut stay = false;
        for file in fs::read_dir(&was).map_err(listed)? {
            let name = file.map_err(listed)?.file_name();
            let to = now.join(&name);
            match to.exists() {
                true => stay = true,
                false => disk.rename(&was.join(&name), &to)?,
            }
        }
        disk.sync_folder(&now)?;
        if !stay {
            disk.remove_folder(&was)?;
        }
        disk.sync_folder(&self.spool.servers_folder())
    }

    /// The same for one project.
    ///
    /// # Errors
    /// What was not moved is where it was; the next call goes on.
    pub fn move_project(&self, project: &str, was: &Place, now: &Place) -> Result<(), DiskError> {
        let disk = self.spool.disk();
        let folder = self.folder(now);
        let pairs = self
            .files(was, project)
            .into_iter()
            .zip(self.files(now, project));
        let volumes = [was, now].map(|place| self.volumes_file(place, project));
        let pairs = pairs.chain([volumes.into()]);
        let pairs: Vec<_> = pairs.filter(|(was, _)| was.exists()).collect();
        if pairs.is_empty() {
            return Ok(());
        }
        disk.create_folder(&folder)?;
        for (was, now) in pairs {
            if !now.exists() {
                disk.rename(&was, &now)?;
            }
        }
        disk.sync_folder(&folder)
    }

    fn folder(&self, place: &Place) -> PathBuf {
        self.spool.servers_folder().join(match &place.region {
            // No `@` comes out of `file_name_for`.
            Some(region) => format!("{}@{}", file_name_for(&place.cloud), file_name_for(region)),
            None => file_name_for(&place.cloud),
        })
    }

    fn files(&self, place: &Place, project: &str) -> [PathBuf; 2] {
        let folder = self.folder(place);
        let project = file_name_for(project);
        ["a", "b"].map(|slot| folder.join(format!("{project}.{slot}")))
    }
}

fn read(
    path: &Path,
    damaged: &mut Vec<(PathBuf, String)>,
) -> Result<Option<History>, HistoryError> {
    let failed = |source| HistoryError::Read {
        path: path.to_owned(),
        source,
    };
    let file = match regular::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    match History::read(BufReader::new(file)) {
        Ok(history) => Ok(Some(history)),
        Err(FormError::Io(source)) => Err(failed(source)),
        Err(FormError::Newer { format }) => Err(HistoryError::Newer {
            path: path.to_owned(),
            format,
        }),
        Err(FormError::Damaged(reason)) => {
            damaged.push((path.to_owned(), reason));
            Ok(None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use caso_disk::Disk;
    use caso_disk::faults::{At, End, folder};
    use caso_history::{Life, Sighting};

    const T: i64 = 1_000_000;

    fn place(region: Option<&str>) -> Place {
        Place {
            cloud: "default".into(),
            region: region.map(str::to_owned),
        }
    }

    fn histories(folder: &Path, disk: Disk) -> Histories {
        Histories::of(&Spool::look(folder, disk))
    }

    /// A run from `cursor` to `end` that sees a server of this size.
    fn run(histories: &Histories, cursor: Option<i64>, end: i64, vcpus: u32) -> Vec<u32> {
        let mut opened = histories.open(&place(None), "p", cursor).unwrap();
        let sizes = opened.history.note(
            &Sighting {
                flavor: None,
                id: uuid::Uuid::from_u128(1),
                vcpus: Some(vcpus),
                created: Some(5),
                launched: None,
                life: Life::Alive,
            },
            end,
        );
        if let Ok(state) = histories.write(&mut opened, end, 1_000) {
            let _ = histories.keep(vec![state]);
        }
        sizes.iter().map(|size| size.vcpus).collect()
    }

    #[test]
    fn the_state_of_the_cursor_is_used_and_the_other_overwritten() {
        let dir = folder().unwrap();
        let histories = histories(dir.path(), Disk::default());
        run(&histories, None, T, 16);
        run(&histories, Some(T), T + 10, 16);
        // A run that saw it resized, and was killed before the cursor moved.
        assert_eq!(run(&histories, Some(T + 10), T + 20, 2), [16, 2]);
        let again = histories.open(&place(None), "p", Some(T + 10)).unwrap();
        assert_eq!(again.history.as_of(), Some(T + 10));
        assert_eq!(run(&histories, Some(T + 10), T + 30, 2), [16, 2]);
        let next = histories.open(&place(None), "p", Some(T + 30)).unwrap();
        assert_eq!(next.history.as_of(), Some(T + 30));
        // An edited lastrun: the newest.
        let edited = histories.open(&place(None), "p", Some(7)).unwrap();
        assert_eq!(edited.history.as_of(), Some(T + 30));
    }

    #[test]
    fn either_file_may_be_lost_or_damaged() {
        for slot in ["a", "b"] {
            for bytes in [None, Some("")] {
                let dir = folder().unwrap();
                let histories = histories(dir.path(), Disk::default());
                run(&histories, None, T, 16);
                run(&histories, Some(T), T + 10, 16);
                let path = dir.path().join(format!("caso-servers/default/p.{slot}"));
                match bytes {
                    None => std::fs::remove_file(&path).unwrap(),
                    Some(text) => std::fs::write(&path, text).unwrap(),
                }
                let found = histories.open(&place(None), "p", Some(T + 10)).unwrap();
                assert_eq!(found.damaged.len(), usize::from(bytes.is_some()));
                assert_eq!(run(&histories, Some(T + 10), T + 20, 2), [16, 2], "{slot}");
            }
        }
    }

    #[test]
    fn clouds_regions_and_projects_are_apart() {
        let histories = histories(Path::new("/spool"), Disk::default());
        let mut all = Vec::new();
        for region in [None, Some("R"), Some("a/b")] {
            for project in ["p", "q/../p"] {
                all.extend(histories.files(&place(region), project));
            }
        }
        let number = all.len();
        assert!(all.iter().all(|path| path.components().count() == 5));
        all.sort();
        all.dedup();
        assert_eq!(all.len(), number);
    }

    #[test]
    fn a_newer_format_and_what_cannot_be_read_are_not_taken_for_nothing() {
        let dir = folder().unwrap();
        let histories = histories(dir.path(), Disk::default());
        run(&histories, None, T, 16);
        let path = dir.path().join("caso-servers/default/p.b");
        let text = r#"{"format":3,"engine":"","as_of":1,"servers":0,"more":0}"#;
        std::fs::write(&path, format!("{text}\n")).unwrap();
        let newer = histories.open(&place(None), "p", None).unwrap_err();
        assert_eq!(
            newer.to_string(),
            format!(
                "what is remembered of its servers, `{}`, was written by a newer cASO (format 3)",
                path.display()
            )
        );
        assert_eq!(
            newer.hint(),
            Some(
                "use that version again, or remove the file: resized servers are then accounted \
                 with their present size"
            )
        );
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        let folder = histories.open(&place(None), "p", None).unwrap_err();
        assert!(matches!(folder, HistoryError::Read { .. }), "{folder}");
    }

    /// Else a failing disk has resized servers accounted with their present size.
    #[test]
    fn a_state_that_cannot_be_opened_is_not_absent() {
        let dir = folder().unwrap();
        let histories = histories(dir.path(), Disk::default());
        run(&histories, None, T, 16);
        let path = dir.path().join("caso-servers/default/p.a");
        let _ = std::fs::remove_file(&path);
        std::os::unix::fs::symlink(&path, &path).unwrap();
        let failed = histories.open(&place(None), "p", Some(T)).unwrap_err();
        let HistoryError::Read { source, .. } = &failed else {
            panic!("{failed}");
        };
        assert_eq!(
            failed.to_string(),
            format!(
                "what is remembered of its servers, `{}`, cannot be read: {source}",
                path.display()
            )
        );
        assert_eq!(failed.hint(), None);
    }

    /// A run under the new name may have begun with a project that is new.
    #[test]
    fn what_is_remembered_goes_with_a_place_that_gets_another_name() {
        for begun in [false, true] {
            let dir = folder().unwrap();
            let histories = histories(dir.path(), Disk::default());
            let was = Place::from("was");
            let seen = |place: &Place, project: &str, end| {
                let mut opened = histories.open(place, project, None).unwrap();
                let state = histories.write(&mut opened, end, 1_000).unwrap();
                histories
                    .keep(vec![state])
                    .into_iter()
                    .collect::<Result<Vec<_>, _>>()
                    .unwrap();
            };
            for (project, end) in [("p", T), ("p", T + 10), ("both", T)] {
                seen(&was, project, end);
            }
            if begun {
                seen(&place(None), "new", T + 20);
                seen(&place(None), "both", T + 20);
            }
            // A second time it finds nothing to do.
            for _ in 0..2 {
                histories.rename(&was, &place(None)).unwrap();
            }
            let as_of = |place: &Place, project: &str, cursor| {
                let opened = histories.open(place, project, cursor).unwrap();
                opened.history.as_of()
            };
            let here = place(None);
            assert_eq!(as_of(&here, "p", Some(T + 10)), Some(T + 10), "{begun}");
            assert_eq!(as_of(&here, "p", Some(T)), Some(T), "{begun}");
            assert_eq!(as_of(&was, "p", Some(T + 10)), None, "{begun}");
            assert_eq!(as_of(&here, "new", None), begun.then_some(T + 20));
            assert_eq!(
                as_of(&here, "both", None),
                Some(if begun { T + 20 } else { T })
            );
        }
    }

    #[test]
    fn wherever_the_writing_ends_the_former_state_stands() {
        for end in [End::Kill, End::Full] {
            for at in 0.. {
                let dir = folder().unwrap();
                run(&histories(dir.path(), Disk::default()), None, T, 16);
                let fault = At::new(end, at);
                run(&histories(dir.path(), fault.disk()), Some(T), T + 10, 16);
                let sound = histories(dir.path(), Disk::default());
                let after = sound.open(&place(None), "p", Some(T)).unwrap();
                assert_eq!(after.history.as_of(), Some(T), "{end:?} at {at}");
                assert_eq!(run(&sound, Some(T), T + 20, 2), [16, 2]);
                if fault.seen() <= at {
                    break;
                }
            }
        }
    }
}
