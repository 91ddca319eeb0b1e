//! What is to be changed, project by project, and what must not be.

use std::collections::HashMap;
use std::fmt;

use serde_json::Value;

use caso_extract::projects::{ProjectError, VoMapping};
use caso_openstack::keystone::Project;

/// One change of one project.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its id; as it was written, where Keystone does not give it.
    pub project: String,
    /// The project, for people.
    pub shown: String,
    pub change: Change,
    /// Whether it is there already.
    pub there: bool,
    /// Why Keystone gives nothing about the project.
    pub unsure: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    Property { name: String, value: String },
    Tag(String),
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Property { name, value } => write!(f, "the property `{name}` = `{value}`"),
            Self::Tag(tag) => write!(f, "the tag `{tag}`"),
        }
    }
}

/// What Keystone has of projects, by what was written.
#[derive(Default)]
pub struct Found(HashMap<String, Result<Project, ProjectError>>);

impl Found {
    pub fn has(&self, written: &str) -> bool {
        self.0.contains_key(written)
    }

    pub fn add(&mut self, written: &str, project: Result<Project, ProjectError>) {
        self.0.insert(written.to_owned(), project);
    }

    /// The step for a project, with what Keystone knows of it; an error for one
    /// that is gone.
    fn step(&self, written: &str, change: Change) -> Result<(Step, Option<&Project>), String> {
        let mut step = Step {
            project: written.to_owned(),
            shown: format!("project `{written}`"),
            change,
            there: false,
            unsure: None,
        };
        match self.0.get(written) {
            None => Ok((step, None)),
            Some(Ok(project)) => {
                step.project.clone_from(&project.id);
                step.shown = format!("project `{}` ({})", project.name, project.id);
                Ok((step, Some(project)))
            }
            Some(Err(error)) if error.is_gone() => Err(format!("{}: {error}", step.shown)),
            Some(Err(error)) => {
                step.unsure = Some(format!("{}: {error}", step.shown));
                Ok((step, None))
            }
        }
    }
}

/// The mapping file's VOs as properties, in its order. A project that it has by id
/// and by name gets the VO of its id, as in an extraction.
pub fn properties(mapping: &VoMapping, property: &str, found: &Found) -> Vec<Result<Step, String>> {
    let mut steps = Vec::new();
    for (written, vo) in mapping.entries() {
        let change = Change::Property {
            name: property.to_owned(),
            value: vo.to_owned(),
        };
        let (mut step, project) = match found.step(written, change) {
            Ok(known) => known,
            Err(gone) => {
                steps.push(Err(gone));
                continue;
            }
        };
        if let Some(project) = project {
            let by_id = mapping.vo(&project.id);
            if project.id != written && by_id.is_some() {
                if by_id != Some(vo) {
                    tracing::warn!(
                        "the mapping file has {} by id and by name, with different VOs; the one of \
                         the id counts",
                        step.shown
                    );
                }
                continue;
            }
            match project.extra.get(property) {
                Some(Value::String(there)) if there == vo => step.there = true,
                Some(Value::String(there)) if !there.is_empty() => {
                    steps.push(Err(format!(
                        "{} has the property `{property}` = `{there}` in Keystone, which counts; \
                         the mapping file says `{vo}`: nothing is changed, correct one of the two",
                        step.shown
                    )));
                    continue;
                }
                None | Some(Value::Null | Value::String(_)) => {}
                Some(other) => {
                    steps.push(Err(format!(
                        "{} has the property `{property}` = {other} in Keystone, which is not a VO: \
                         nothing is changed, remove it first",
                        step.shown
                    )));
                    continue;
                }
            }
        }
        steps.push(Ok(step));
    }
    steps
}

/// `projects` as tags.
pub fn tags(projects: &[String], tag: &str, found: &Found) -> Vec<Result<Step, String>> {
    let step = |written: &String| {
        let (mut step, project) = found.step(written, Change::Tag(tag.to_owned()))?;
        let tags = project.map_or(&[][..], |project| project.tags.as_slice());
        step.there = tags.iter().any(|there| there == tag);
        Ok(step)
    };
    projects.iter().map(step).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde::Deserialize as _;
    use serde_json::json;

    use super::*;
    use caso_model::notice::Notices;

    fn mapping(text: &str) -> VoMapping {
        VoMapping::parse(text, Path::new("voms.json"), &Notices::default()).unwrap()
    }

    fn found(projects: &[(&str, Value)]) -> Found {
        let mut found = Found::default();
        for (written, project) in projects {
            found.add(written, Ok(Project::deserialize(project).unwrap()));
        }
        found
    }

    #[test]
    fn a_property_that_counts_is_not_replaced() {
        let mapping = mapping(r#"{"vo": ["same", "other", "empty", "none", "odd"]}"#);
        let project = |id: &str, vo: Value| json!({"id": id, "name": "n", "VO": vo});
        let found = found(&[
            ("same", project("same", json!("vo"))),
            ("other", project("other", json!("vo-of-keystone"))),
            ("empty", project("empty", json!(""))),
            ("none", json!({"id": "none", "name": "n"})),
            ("odd", project("odd", json!(["vo"]))),
        ]);
        let steps = properties(&mapping, "VO", &found);
        let there = |n: usize| steps[n].as_ref().map(|step| step.there);
        assert_eq!(
            (there(0), there(2), there(3)),
            (Ok(true), Ok(false), Ok(false))
        );
        let refused = steps[1].as_ref().unwrap_err();
        assert!(
            refused.contains("`vo-of-keystone`") && refused.contains("`vo`"),
            "{refused}"
        );
        assert!(steps[4].is_err());
    }

    #[test]
    fn a_name_becomes_an_id_and_the_id_counts_before_it() {
        let mapping = mapping(r#"{"a": ["by name", "b-name"], "b": ["b-id"]}"#);
        let found = found(&[
            ("by name", json!({"id": "a-id", "name": "by name"})),
            ("b-name", json!({"id": "b-id", "name": "b-name"})),
            ("b-id", json!({"id": "b-id", "name": "b-name"})),
        ]);
        let steps: Vec<Step> = properties(&mapping, "VO", &found)
            .into_iter()
            .map(Result::unwrap)
            .collect();
        let projects: Vec<&str> = steps.iter().map(|step| step.project.as_str()).collect();
        assert_eq!(projects, ["a-id", "b-id"]);
        assert_eq!(
            steps[1].change,
            Change::Property {
                name: "VO".into(),
                value: "b".into()
            }
        );
    }

    #[test]
    fn without_keystone_projects_are_as_written_and_a_tag_is_seen() {
        let steps = tags(&["p".into(), "q".into()], "caso", &Found::default());
        assert!(
            steps
                .iter()
                .all(|step| step.as_ref().is_ok_and(|step| !step.there))
        );
        let found = found(&[("p", json!({"id": "p", "name": "n", "tags": ["caso"]}))]);
        assert!(
            tags(&["p".into()], "caso", &found)[0]
                .as_ref()
                .unwrap()
                .there
        );
    }
}
