//! `caso-renamed.json`: which clouds and regions had other names, for the whole spool.
//!
//! Each project's cursors say so, too. This is for a project whose file is lost: under its present name nothing
//! would tell what the ledger has under the former one, and what adds up would be extracted again in other windows.

use serde::{Deserialize, Serialize};

use caso_base::digest::sha256_hex;
use caso_base::regular;
use caso_disk::{DiskError, Step};

use super::places::Renamed;
use crate::histories::Place;
use crate::spool::Spool;

/// All of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FormerNames(Vec<Of>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Of {
    #[serde(flatten)]
    renamed: Renamed,
    /// Ids of projects that were extracted under both names, as two clouds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    except: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Form {
    renamed: Vec<Of>,
    /// SHA-256 of the JSON of `renamed`, in hex.
    sha256: String,
}

impl FormerNames {
    /// Those of a spool. A file that is lost or damaged says nothing: the projects' own do.
    pub(super) fn read(spool: &Spool) -> Self {
        let read = || -> Option<Vec<Of>> {
            let bytes = regular::read(&spool.renamed_file()).ok()?;
            let form: Form = serde_json::from_slice(&bytes).ok()?;
            let found = sha256_hex(&serde_json::to_vec(&form.renamed).ok()?);
            (found == form.sha256).then_some(form.renamed)
        };
        Self(read().unwrap_or_default())
    }

    /// Of a project: present names, each with a former one.
    #[must_use]
    pub fn of(&self, project: &str) -> Vec<(Place, Place)> {
        self.of_project(project)
            .map(|it| (it.now.clone(), it.was.clone()))
            .collect()
    }

    pub(super) fn of_project<'a>(&'a self, project: &str) -> impl Iterator<Item = &'a Renamed> {
        let all = self.0.iter();
        let concerned = all.filter(move |it| !it.except.iter().any(|id| id == project));
        concerned.map(|it| &it.renamed)
    }

    /// What was of one place is of another from here on, but for these projects.
    pub(super) fn rename(&mut self, was: &Place, now: &Place, except: Vec<String>) {
        for it in &mut self.0 {
            if it.renamed.now == *was {
                it.renamed.now = now.clone();
            }
        }
        let renamed = Renamed {
            now: now.clone(),
            was: was.clone(),
        };
        // Its present name again, or said a second time, as after a kill.
        self.0
            .retain(|it| it.renamed.now != it.renamed.was && it.renamed != renamed);
        self.0.push(Of { renamed, except });
    }

    pub(super) fn write(&self, spool: &Spool) -> Result<(), DiskError> {
        let path = spool.renamed_file();
        let failed = |e: serde_json::Error| DiskError::new(Step::Write, &path, e.into());
        let sha256 = sha256_hex(&serde_json::to_vec(&self.0).map_err(failed)?);
        let renamed = self.0.clone();
        let form = serde_json::to_vec(&Form { renamed, sha256 }).map_err(failed)?;
        spool.disk().replace(&path, &form)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use caso_disk::Disk;

    #[test]
    fn there_and_back_again_and_twice_after_a_kill() {
        let dir = tempfile::tempdir().unwrap();
        let spool = Spool::look(dir.path(), Disk::default());
        let (a, b) = (Place::from("a"), Place::from("b"));
        let mut names = FormerNames::read(&spool);
        for _ in 0..2 {
            names.rename(&a, &b, vec!["both".to_owned()]);
            names.write(&spool).unwrap();
            names = FormerNames::read(&spool);
            assert_eq!(names.of("p"), [(b.clone(), a.clone())]);
            assert_eq!(names.of("both"), []);
        }
        names.rename(&b, &a, Vec::new());
        assert_eq!(names.of("p"), [(a.clone(), b.clone())]);
        let c = Place::from("c@north");
        names.rename(&a, &c, Vec::new());
        assert_eq!(names.of("p"), [(c.clone(), b), (c, a)]);
        std::fs::write(dir.path().join("caso-renamed.json"), "{}").unwrap();
        assert_eq!(FormerNames::read(&spool), FormerNames::default());
    }
}
