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
    /// Ids of the projects that went from one to the other; where there are none, all did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    only: Vec<String>,
}

impl Of {
    fn concerns(&self, project: &str) -> bool {
        let is_in = |ids: &[String]| ids.iter().any(|id| id == project);
        !is_in(&self.except) && (self.only.is_empty() || is_in(&self.only))
    }

    /// Of all others; none where there are none.
    fn without(mut self, project: &str) -> Option<Self> {
        if self.only.is_empty() {
            self.except.push(project.to_owned());
            return Some(self);
        }
        self.only.retain(|id| id != project);
        (!self.only.is_empty()).then_some(self)
    }
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

    /// By which name what the ledger has of a project under this one is known now.
    #[must_use]
    pub fn present(&self, project: &str, was: Place) -> Place {
        let mut renamed = self.of_project(project).filter(|it| it.was == was);
        match renamed.next() {
            Some(first) => renamed.last().unwrap_or(first).now.clone(),
            None => was,
        }
    }

    pub(super) fn of_project<'a>(&'a self, project: &str) -> impl Iterator<Item = &'a Renamed> {
        let concerned = self.0.iter().filter(move |it| it.concerns(project));
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
        self.0.retain(|it| {
            it.renamed.now != it.renamed.was && (it.renamed != renamed || !it.only.is_empty())
        });
        self.0.push(Of {
            renamed,
            except,
            only: Vec::new(),
        });
    }

    /// What was of one place is of another from here on, for one project.
    pub(super) fn rename_of(&mut self, project: &str, was: &Place, now: &Place) {
        let mut former = vec![was.clone()];
        let all = std::mem::take(&mut self.0).into_iter();
        self.0 = all
            .filter_map(|it| match it.renamed.now == *was && it.concerns(project) {
                false => Some(it),
                true => {
                    former.push(it.renamed.was.clone());
                    it.without(project)
                }
            })
            .collect();
        for was in former.into_iter().filter(|was| was != now) {
            let renamed = Renamed {
                now: now.clone(),
                was,
            };
            // Said a second time, as after a kill.
            let mut all = self.0.iter();
            if !all.any(|it| it.renamed == renamed && it.concerns(project)) {
                self.0.push(Of {
                    renamed,
                    except: Vec::new(),
                    only: vec![project.to_owned()],
                });
            }
        }
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
    use std::collections::BTreeSet;

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
        let both = [(c.clone(), b.clone()), (c.clone(), a.clone())];
        assert_eq!(names.of("p"), both);
        // One project goes elsewhere and comes back.
        let d = Place::from("d");
        for _ in 0..2 {
            names.rename_of("p", &c, &d);
            names.write(&spool).unwrap();
            names = FormerNames::read(&spool);
            let former = |it: &Place| (d.clone(), it.clone());
            let of_p: BTreeSet<_> = names.of("p").into_iter().collect();
            assert_eq!(of_p, [former(&a), former(&b), former(&c)].into());
            assert_eq!(
                names.of("q"),
                [(c.clone(), b.clone()), (c.clone(), a.clone())]
            );
            for was in [&a, &b, &c] {
                assert_eq!(names.present("p", was.clone()), d);
                assert_eq!(names.present("q", was.clone()), c);
            }
        }
        names.rename_of("p", &d, &c);
        let of_p: BTreeSet<_> = names.of("p").into_iter().collect();
        let former = |it: &Place| (c.clone(), it.clone());
        assert_eq!(of_p, [former(&a), former(&b), former(&d)].into());
        std::fs::write(dir.path().join("caso-renamed.json"), "{}").unwrap();
        assert_eq!(FormerNames::read(&spool), FormerNames::default());
    }
}
