//! The mapping file (`voms.json`): which VO a project belongs to, where
//! Keystone does not say. cASO reads three spellings, and so do we:
//! `{"VO": {"projects": […]}}`, and the older `"tenants": […]` and
//! `"tenant": "…"`, which count only where `projects` is absent. A bare list
//! of projects (`{"VO": […]}`), over which cASO falls, is read as well.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io;
use std::path::Path;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer};
use serde_json::{Map, Value};

use super::mapping_error::MappingError;
use caso_base::regular;
use caso_base::suggest::did_you_mean;
use caso_model::notice::Notices;

/// Projects (ids or names, as written) and their VOs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VoMapping {
    /// In the order of the file.
    entries: Vec<(String, String)>,
    by_project: HashMap<String, usize>,
}

impl VoMapping {
    /// Reads the file. One that does not exist maps nothing, as with cASO:
    /// its default path need not be there.
    pub fn read(path: &Path, warnings: &Notices) -> Result<VoMapping, MappingError> {
        let text = |bytes| {
            String::from_utf8(bytes).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
        };
        let text = match regular::read(path).and_then(text) {
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
    pub fn parse(text: &str, path: &Path, warnings: &Notices) -> Result<VoMapping, MappingError> {
        // Editors on other systems begin a file with this mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let vos: InOrder = serde_json::from_str(text)
            .map_err(|source| MappingError::of_json(path.to_owned(), source))?;
        let mut mapping = VoMapping::default();
        let mut seen = HashSet::new();
        for (vo, entry) in vos.0 {
            // As of a project's property: APEL takes blanks around it from a cloud record alone.
            let vo = vo.trim().to_owned();
            if vo.is_empty() {
                warnings.warn_once("mapping-file-no-vo", || {
                    (
                        format!("the mapping file `{}` has projects of a VO without a name, which are left out", path.display()),
                        "put the name of their VO in its place",
                    )
                });
                continue;
            }
            if !seen.insert(vo.clone()) {
                warnings.warn_once(&format!("mapping-file-vo-twice-{vo}"), || {
                    format!(
                        "the mapping file `{}` has VO `{vo}` twice; the projects of both count",
                        path.display()
                    )
                });
            }
            for project in entry.projects(&vo, path, warnings) {
                mapping.insert(project, &vo, path, warnings);
            }
        }
        Ok(mapping)
    }

    fn insert(&mut self, project: String, vo: &str, path: &Path, warnings: &Notices) {
        let known = self.by_project.get(&project).copied();
        match known.and_then(|place| self.entries.get_mut(place)) {
            // As in Python, where a later key replaces an earlier one.
            Some((_, earlier)) => {
                if earlier != vo {
                    warnings.warn_once(&format!("mapping-file-twice-{project}"), || {
                        format!(
                            "the mapping file `{}` puts project `{project}` into VO `{earlier}` and into VO `{vo}`; the last one counts",
                            path.display()
                        )
                    });
                    vo.clone_into(earlier);
                }
            }
            None => {
                self.by_project.insert(project.clone(), self.entries.len());
                self.entries.push((project, vo.to_owned()));
            }
        }
    }

    /// The VO of a project, by id or name.
    pub fn vo(&self, project: &str) -> Option<&str> {
        let entry = self.entries.get(*self.by_project.get(project)?)?;
        Some(&entry.1)
    }

    /// A project of the file that is written as this one, but for blanks around it and the case of letters.
    pub fn alike(&self, project: &str) -> Option<&str> {
        let plain = |name: &str| name.trim().to_lowercase();
        let wanted = plain(project);
        let mut names = self.entries.iter().map(|(name, _)| name.as_str());
        names.find(|name| plain(name) == wanted)
    }

    /// Projects with their VOs, each project once, in the order of the file.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &str)> {
        let entries = self.entries.iter();
        entries.map(|(project, vo)| (project.as_str(), vo.as_str()))
    }
}

/// What a VO's member says. Any entry of a list may be null, which cASO takes for
/// a project called None.
#[derive(Debug, Default, Deserialize)]
struct Members {
    projects: Option<Vec<Option<String>>>,
    tenants: Option<Vec<Option<String>>>,
    tenant: Option<String>,
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

const KNOWN: [&str; 3] = ["projects", "tenants", "tenant"];

struct Entry(Members);

impl Entry {
    /// The projects of the VO, with a warning of all that is odd.
    fn projects(self, vo: &str, path: &Path, warnings: &Notices) -> Vec<String> {
        let file = path.display();
        let Entry(members) = self;
        for key in members.unknown.keys() {
            warnings.warn_once(&format!("mapping-file-key-{vo}-{key}"), || {
                (
                    format!("the mapping file `{file}` has `{key}` for VO `{vo}`, which says nothing here"),
                    did_you_mean(key, KNOWN).unwrap_or_else(|| "a VO has `projects`".to_owned()),
                )
            });
        }
        if members.projects.is_none() && (members.tenants.is_some() || members.tenant.is_some()) {
            warnings.warn_once("mapping-file-tenants", || {
                format!(
                    "the mapping file `{file}` uses `tenant` or `tenants` (for VO `{vo}`), which cASO has replaced by `projects`"
                )
            });
        }
        let written = match members.projects {
            Some(projects) => projects,
            None => {
                let tenant = members.tenant.map(Some);
                members
                    .tenants
                    .unwrap_or_default()
                    .into_iter()
                    .chain(tenant)
                    .collect()
            }
        };
        let count = written.len();
        let named = |project: &String| !project.trim().is_empty();
        let projects: Vec<String> = written.into_iter().flatten().filter(named).collect();
        if projects.is_empty() {
            warnings.warn_once(&format!("mapping-file-empty-{vo}"), || {
                format!("the mapping file `{file}` names no project for VO `{vo}`")
            });
        } else if projects.len() < count {
            warnings.warn_once(&format!("mapping-file-null-{vo}"), || {
                format!("the mapping file `{file}` has an empty project for VO `{vo}`, which is left out")
            });
        }
        projects
    }
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectOrList;

        impl<'de> Visitor<'de> for ObjectOrList {
            type Value = Entry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with `projects`")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Entry, A::Error> {
                Members::deserialize(MapAccessDeserializer::new(map)).map(Entry)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Entry, A::Error> {
                let mut projects = Vec::new();
                while let Some(project) = list.next_element()? {
                    projects.push(project);
                }
                Ok(Entry(Members {
                    projects: Some(projects),
                    ..Members::default()
                }))
            }
        }

        deserializer.deserialize_any(ObjectOrList)
    }
}

/// The file's members in its own order, which decides between two VOs.
struct InOrder(Vec<(String, Entry)>);

impl<'de> Deserialize<'de> for InOrder {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Vos;

        impl<'de> Visitor<'de> for Vos {
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

        deserializer.deserialize_map(Vos)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> (VoMapping, Vec<String>) {
        let warnings = Notices::default();
        let mapping = VoMapping::parse(text, Path::new("voms.json"), &warnings).unwrap();
        let texts = warnings.take().iter().map(ToString::to_string).collect();
        (mapping, texts)
    }

    #[test]
    fn blanks_around_a_vo_are_none_of_its_name_and_without_a_name_it_is_none() {
        let (mapping, warnings) =
            parse(r#"{" ops ": ["p"], "": ["q"], "  ": ["r"], "ops": ["s"]}"#);
        for (project, vo) in [
            ("p", Some("ops")),
            ("q", None),
            ("r", None),
            ("s", Some("ops")),
        ] {
            assert_eq!(mapping.vo(project), vo, "{project}");
        }
        assert_eq!(
            warnings,
            [
                "the mapping file `voms.json` has projects of a VO without a name, which are left out; put the \
                 name of their VO in its place",
                "the mapping file `voms.json` has VO `ops` twice; the projects of both count",
            ]
        );
    }

    #[test]
    fn a_project_that_is_written_otherwise_is_found_for_a_message() {
        let (mapping, _) = parse(r#"{"vo": ["Project-A ", "project-1"]}"#);
        assert_eq!(mapping.alike("project-a"), Some("Project-A "));
        assert_eq!(mapping.alike("project-2"), None);
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
    fn a_bare_list_a_vo_with_slashes_and_a_name_are_read_in_their_order() {
        let (mapping, warnings) = parse(
            r#"{"/dteam/NGI_IBERGRID": ["p2", "group/by name"], "vo": {"projects": ["p1"]}}"#,
        );
        let entries: Vec<_> = mapping.entries().collect();
        assert_eq!(
            entries,
            [
                ("p2", "/dteam/NGI_IBERGRID"),
                ("group/by name", "/dteam/NGI_IBERGRID"),
                ("p1", "vo")
            ]
        );
        assert!(warnings.is_empty(), "{warnings:?}");
    }

    #[test]
    fn an_absent_tenant_is_no_project_called_none() {
        let (mapping, warnings) = parse(
            r#"{"a": {"tenants": ["t", null]}, "b": {"tenant": null}, "c": {"projects": [""]}}"#,
        );
        assert_eq!(mapping.entries().collect::<Vec<_>>(), [("t", "a")]);
        assert_eq!(mapping.vo("None"), None);
        // Of the old name, of each empty entry, of each VO without a project.
        assert_eq!(warnings.len(), 4, "{warnings:?}");
    }

    #[test]
    fn an_unknown_key_is_named_with_the_nearest() {
        let (mapping, warnings) = parse(r#"{"a": {"project": ["p"], "comment": "x"}}"#);
        assert_eq!(mapping, VoMapping::default());
        assert!(
            warnings
                .iter()
                .any(|w| w.contains("`project`") && w.contains("`projects`?")),
            "{warnings:?}"
        );
        assert!(
            warnings.iter().any(|w| w.contains("`comment`")),
            "{warnings:?}"
        );
    }

    #[test]
    fn a_project_twice_keeps_its_place_and_a_vo_twice_all_its_projects() {
        let (mapping, warnings) = parse(r#"{"a": ["p", "q", "p"], "b": ["p"], "a": ["r"]}"#);
        let entries: Vec<_> = mapping.entries().collect();
        assert_eq!(entries, [("p", "b"), ("q", "a"), ("r", "a")]);
        assert_eq!(warnings.len(), 2, "{warnings:?}");
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
            let error = VoMapping::parse(text, Path::new("/etc/voms.json"), &Notices::default())
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
        let warnings = Notices::default();
        let mapping = VoMapping::read(&folder.path().join("voms.json"), &warnings).unwrap();
        assert_eq!(mapping, VoMapping::default());
        let error = VoMapping::read(folder.path(), &warnings).unwrap_err();
        assert!(matches!(error, MappingError::Read { .. }));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[{}\\[\\]\",:a-z1 ]{0,40}") {
            let _ = VoMapping::parse(&text, Path::new("voms.json"), &Notices::default());
        }

        /// Each project once, at its first place, with the last VO that has it.
        #[test]
        fn a_project_has_one_place_and_the_last_vo(
            vos in prop::collection::vec(("[ab/]{1,2}", prop::collection::vec("[p-s]", 0..4)), 0..6),
        ) {
            let members: Vec<String> = vos
                .iter()
                .map(|(vo, projects)| format!("{vo:?}: {{\"projects\": {projects:?}}}"))
                .collect();
            let (mapping, _) = parse(&format!("{{{}}}", members.join(", ")));
            let mut right: Vec<(&str, &str)> = Vec::new();
            for (vo, projects) in &vos {
                for project in projects {
                    match right.iter_mut().find(|(known, _)| known == project) {
                        Some(entry) => entry.1 = vo,
                        None => right.push((project, vo)),
                    }
                }
            }
            prop_assert_eq!(mapping.entries().collect::<Vec<_>>(), right);
        }
    }
}
