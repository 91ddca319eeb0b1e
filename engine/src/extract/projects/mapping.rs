//! The mapping file (`voms.json`): which VO a project belongs to, where
//! Keystone does not say. cASO reads three spellings, and so do we:
//! `{"VO": {"projects": […]}}`, and the older `"tenants": […]` and
//! `"tenant": "…"`, which count only where `projects` is absent.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

use crate::extract::Warnings;

/// The mapping file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    #[error("cannot read the mapping file `{}`: {source}", .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error(
        "the mapping file `{}` is not of the form {{\"VO\": {{\"projects\": [\"project\", …]}}}}: {source}", .path.display()
    )]
    Malformed {
        path: PathBuf,
        /// Says line and column.
        source: serde_json::Error,
    },
}

/// Projects (ids or names, as written) and their VOs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VoMapping {
    by_project: HashMap<String, String>,
}

impl VoMapping {
    /// Reads the file. One that does not exist maps nothing, as with cASO:
    /// its default path need not be there.
    pub fn read(path: &Path, warnings: &Warnings) -> Result<VoMapping, MappingError> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(VoMapping::default());
            }
            Err(source) => {
                return Err(MappingError::Read {
                    path: path.to_owned(),
                    source,
                });
            }
        };
        VoMapping::parse(&text, path, warnings)
    }

    /// Reads the file's text; `path` is for messages.
    pub fn parse(text: &str, path: &Path, warnings: &Warnings) -> Result<VoMapping, MappingError> {
        // Editors on other systems begin a file with this mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let vos: InOrder =
            serde_json::from_str(text).map_err(|source| MappingError::Malformed {
                path: path.to_owned(),
                source,
            })?;
        let mut by_project = HashMap::new();
        for (vo, entry) in vos.0 {
            if entry.projects.is_none() && (entry.tenants.is_some() || entry.tenant.is_some()) {
                warnings.once("mapping-file-tenants", || {
                    format!(
                        "the mapping file `{}` uses `tenant` or `tenants` (for VO `{vo}`), which cASO has replaced by `projects`",
                        path.display()
                    )
                });
            }
            let projects = match entry.projects {
                Some(projects) => projects,
                None => entry
                    .tenants
                    .unwrap_or_default()
                    .into_iter()
                    .chain(entry.tenant)
                    .collect(),
            };
            if projects.is_empty() {
                warnings.once(&format!("mapping-file-empty-{vo}"), || {
                    format!(
                        "the mapping file `{}` names no project for VO `{vo}`",
                        path.display()
                    )
                });
            }
            for project in projects {
                // As in Python, where a later key replaces an earlier one.
                if let Some(earlier) = by_project.insert(project.clone(), vo.clone())
                    && earlier != vo
                {
                    warnings.once(&format!("mapping-file-twice-{project}"), || {
                        format!(
                            "the mapping file `{}` puts project `{project}` into VO `{earlier}` and into VO `{vo}`; the last one counts",
                            path.display()
                        )
                    });
                }
            }
        }
        Ok(VoMapping { by_project })
    }

    /// The VO of a project, by id or name.
    pub fn vo(&self, project: &str) -> Option<&str> {
        self.by_project.get(project).map(String::as_str)
    }
}

#[derive(Debug, Deserialize)]
struct Entry {
    projects: Option<Vec<String>>,
    tenants: Option<Vec<String>>,
    tenant: Option<String>,
}

/// The file's members in its own order, which decides between two VOs.
struct InOrder(Vec<(String, Entry)>);

impl<'de> Deserialize<'de> for InOrder {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = InOrder;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with a member for each VO")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<InOrder, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(InOrder(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> (VoMapping, Vec<String>) {
        let warnings = Warnings::default();
        let mapping = VoMapping::parse(text, Path::new("voms.json"), &warnings).unwrap();
        let texts = warnings.take().into_iter().map(|w| w.text).collect();
        (mapping, texts)
    }

    #[test]
    fn the_three_spellings_are_read_and_projects_wins() {
        let (mapping, warnings) = parse(
            r#"{"a": {"projects": ["p1", "p2"], "tenants": ["old"], "tenant": "older"},
                "b": {"tenants": ["t1"], "tenant": "t2"},
                "c": {"tenant": "t3"}}"#,
        );
        for (project, vo) in [
            ("p1", Some("a")),
            ("p2", Some("a")),
            ("old", None),
            ("older", None),
            ("t1", Some("b")),
            ("t2", Some("b")),
            ("t3", Some("c")),
        ] {
            assert_eq!(mapping.vo(project), vo, "{project}");
        }
        assert_eq!(warnings.len(), 1, "{warnings:?}");
    }

    #[test]
    fn a_project_in_two_vos_takes_the_last_in_the_files_order() {
        let (mapping, warnings) = parse(r#"{"z": {"projects": ["p"]}, "a": {"projects": ["p"]}}"#);
        assert_eq!(mapping.vo("p"), Some("a"));
        assert!(warnings[0].contains("`z`"), "{warnings:?}");
    }

    #[test]
    fn an_empty_list_is_warned_of() {
        let (mapping, warnings) = parse(r#"{"a": {"projects": []}, "b": {}}"#);
        assert_eq!(mapping, VoMapping::default());
        assert_eq!(warnings.len(), 2, "{warnings:?}");
    }

    #[test]
    fn a_malformed_file_is_named_with_the_place() {
        for text in [
            "{\n  \"a\": [1]\n}",
            "",
            "[]",
            r#"{"a": {"projects": "p"}}"#,
        ] {
            let error = VoMapping::parse(text, Path::new("/etc/voms.json"), &Warnings::default())
                .unwrap_err()
                .to_string();
            assert!(
                error.contains("`/etc/voms.json`") && error.contains("line"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_missing_file_maps_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let warnings = Warnings::default();
        let mapping = VoMapping::read(&folder.path().join("voms.json"), &warnings).unwrap();
        assert_eq!(mapping, VoMapping::default());
        let error = VoMapping::read(folder.path(), &warnings).unwrap_err();
        assert!(matches!(error, MappingError::Read { .. }));
    }
}
