//! Which volumes each project had, on disk: `caso-servers/<cloud>[@<region>]/<project>.volumes`, beside what was seen of its servers.
//!
//! Written before the records of a window are sealed, and only where something has changed: up to where the volumes are accounted
//! that a project has is where its cursor stands. So a kill in between leaves a file that is right for the cursor before, too:
//! those that are gone from it stand there with their moment, those that came with the bounds of their first window, and that
//! window is read again.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use caso_base::regular;
use caso_disk::{Beside, DiskError, Step};
use caso_history::volumes::{Volumes, VolumesError};

use super::{Histories, Place};
use crate::spool::file_name_for;

/// Why what is remembered of a project's volumes cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum UnusableVolumes {
    /// It may be there, and may not be taken for nothing.
    #[error("what is remembered of its volumes, `{}`, cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Of a newer version, or damaged.
    #[error("what is remembered of its volumes, `{}`: {source}", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: VolumesError,
    },
}

impl UnusableVolumes {
    /// Whether it counts as absent: the next state is written over it.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        matches!(
            self,
            UnusableVolumes::Form {
                source: VolumesError::Damaged(_),
                ..
            }
        )
    }

    /// What to do about it, where that is known. The text does not have it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            UnusableVolumes::Form {
                source: VolumesError::Newer { .. },
                ..
            } => Some(
                "use that version again, or remove the file: a volume that is transferred before the next run may then be \
                 counted in both projects",
            ),
            _ => None,
        }
    }
}

impl Histories {
    /// What is remembered of a project's volumes; none: nothing is.
    ///
    /// # Errors
    /// The file is there and cannot be used.
    pub fn volumes(
        &self,
        place: &Place,
        project: &str,
    ) -> Result<Option<Volumes>, UnusableVolumes> {
        let read = read(&self.volumes_file(place, project))?;
        Ok(read.map(|(_, volumes)| volumes))
    }

    /// The same of all projects of a place, by their ids. Files that cannot be used are left out: each project's own run names its.
    #[must_use]
    pub fn all_volumes(&self, place: &Place) -> Vec<(String, Volumes)> {
        let Ok(files) = fs::read_dir(self.folder(place)) else {
            return Vec::new();
        };
        let paths = files.filter_map(|file| Some(file.ok()?.path()));
        let paths = paths.filter(|path| path.extension().is_some_and(|it| it == "volumes"));
        paths.filter_map(|path| read(&path).ok()?).collect()
    }

    /// Writes it beside what is remembered, to be put on disk by [`Histories::keep`].
    ///
    /// # Errors
    /// It is not written.
    pub fn write_volumes(
        &self,
        place: &Place,
        project: &str,
        volumes: &Volumes,
    ) -> Result<Beside, DiskError> {
        let disk = self.spool.disk();
        let path = self.volumes_file(place, project);
        disk.create_folder(&self.folder(place))?;
        let bytes = volumes.write(project);
        let bytes = bytes.map_err(|error| DiskError::new(Step::Write, &path, error.into()))?;
        disk.write_beside(&path, |file| file.write(&bytes))
    }

    pub(super) fn volumes_file(&self, place: &Place, project: &str) -> PathBuf {
        let name = format!("{}.volumes", file_name_for(project));
        self.folder(place).join(name)
    }
}

fn read(path: &Path) -> Result<Option<(String, Volumes)>, UnusableVolumes> {
    let bytes = match regular::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            let path = path.to_owned();
            return Err(UnusableVolumes::Read { path, source });
        }
    };
    let read = Volumes::read(&bytes).map_err(|source| {
        let path = path.to_owned();
        UnusableVolumes::Form { path, source }
    });
    read.map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Spool;
    use caso_disk::Disk;
    use caso_history::volumes::{Holding, Shown};
    use caso_model::Window;

    fn having(id: u128) -> Volumes {
        let known = std::sync::Arc::default();
        let window = Window { start: 0, end: 10 };
        let mut holding = Holding::new("p", window, None, &known, false);
        holding.from(Shown {
            id: uuid::Uuid::from_u128(id),
            created: None,
            updated: None,
        });
        holding.finish().unwrap()
    }

    #[test]
    fn what_a_project_had_is_found_by_it_and_by_others_and_goes_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let histories = Histories::of(&Spool::look(dir.path(), Disk::default()));
        let [one, two, three] = ["one", "two@north", "three"].map(Place::from);
        assert_eq!(histories.volumes(&one, "p").unwrap(), None);
        for (project, id) in [("p", 1), ("q", 2)] {
            let written = histories.write_volumes(&one, project, &having(id)).unwrap();
            assert!(histories.keep(vec![written]).iter().all(Result::is_ok));
        }
        let all = |place: &Place| {
            let mut all = histories.all_volumes(place);
            all.sort_by(|one, other| one.0.cmp(&other.0));
            all
        };
        let both = vec![("p".to_owned(), having(1)), ("q".to_owned(), having(2))];
        assert_eq!(all(&one), both);
        histories.rename(&one, &two).unwrap();
        assert_eq!((all(&one), all(&two)), (Vec::new(), both));
        histories.move_project("q", &two, &three).unwrap();
        assert_eq!(histories.volumes(&two, "q").unwrap(), None);
        assert_eq!(histories.volumes(&three, "q").unwrap(), Some(having(2)));
    }

    #[test]
    fn a_damaged_file_is_told_from_one_that_may_not_be_taken_for_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let histories = Histories::of(&Spool::look(dir.path(), Disk::default()));
        let place = Place::from("one");
        let path = histories.volumes_file(&place, "p");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "half of").unwrap();
        assert!(histories.volumes(&place, "p").unwrap_err().is_damaged());
        fs::write(&path, r#"{"format":9}"#).unwrap();
        let newer = histories.volumes(&place, "p").unwrap_err();
        assert!(!newer.is_damaged() && newer.hint().is_some(), "{newer}");
        assert!(histories.all_volumes(&place).is_empty());
    }
}
