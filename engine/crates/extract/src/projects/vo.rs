//! The VO of a project. Keystone's property leads; the mapping file, which
//! cASO is leaving behind, serves projects without it.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::mapping::VoMapping;
use super::mapping_error::MappingError;
use super::{Alike, ProjectError, ProjectFailure, ProjectOptions, ProjectRef};
use caso_base::suggest::nearest;
use caso_model::notice::Notices;
use caso_openstack::keystone::Project;

/// The VO: the project's property, or what the mapping file says, by id or by
/// either name.
pub fn with_vo(
    project: Project,
    written: Option<&String>,
    options: &ProjectOptions,
    mapping: &Result<VoMapping, Arc<MappingError>>,
    warnings: &Notices,
) -> Result<ProjectRef, ProjectFailure> {
    let name = Some(project.name.clone()).filter(|name| !name.is_empty());
    let property = &options.vo_property;
    let vo = match project.extra.get(property) {
        // APEL takes blanks around it from a cloud record, and leaves them in records of other types.
        Some(Value::String(vo)) if !vo.trim().is_empty() => Ok(vo.trim().to_owned()),
        None | Some(Value::Null | Value::String(_)) => {
            let names = [Some(&project.id), written, name.as_ref()];
            let names: Vec<&String> = names.into_iter().flatten().collect();
            match mapping
                .as_ref()
                .map(|mapping| names.iter().find_map(|name| mapping.vo(name)))
            {
                Err(error) => Err(ProjectError::NoMapping {
                    property: property.clone(),
                    alike: alike(property, &project.extra),
                    source: error.clone(),
                }),
                Ok(Some(vo)) => {
                    warnings.warn_once("mapping-file-used", || {
                        (
                            format!(
                                "VOs are taken from the mapping file `{}` (project `{}` has no property `{property}` in Keystone), which cASO is phasing out",
                                options.mapping_file.display(),
                                project.id,
                            ),
                            "`caso-mapping-migrate` prints the commands that set properties in its place; with `--nodry-run` it sets them",
                        )
                    });
                    Ok(vo.to_owned())
                }
                Ok(None) => Err(ProjectError::NoVo {
                    property: property.clone(),
                    alike: alike(property, &project.extra),
                    file: options.mapping_file.clone(),
                    written: mapping.as_ref().ok().and_then(|mapping| {
                        let mut near = names.iter().filter_map(|name| mapping.alike(name));
                        near.next().map(str::to_owned)
                    }),
                }),
            }
        }
        Some(other) => Err(ProjectError::OddVo {
            property: property.clone(),
            value: other.to_string(),
        }),
    };
    match vo {
        Ok(vo) => Ok(ProjectRef {
            id: project.id,
            configured: written.cloned(),
            name,
            vo,
            disabled: project.enabled == Some(false),
        }),
        Err(error) => Err(ProjectFailure {
            asked: written.cloned().unwrap_or_else(|| project.id.clone()),
            id: Some(project.id),
            name,
            error: Box::new(error),
        }),
    }
}

/// The property that was probably meant: sites write `VO` and `accounting:VO`, and in either case of letters.
fn alike(wanted: &str, properties: &Map<String, Value>) -> Option<Alike> {
    let texts = || {
        let text = |(name, value): (&'_ String, &'_ Value)| {
            let value = value.as_str().filter(|value| !value.is_empty())?;
            Some((name.clone(), value.to_owned()))
        };
        properties.iter().filter_map(text)
    };
    let last_word = |name: &str| {
        let mut words = name.rsplit(|c: char| !c.is_alphanumeric());
        words.next().unwrap_or_default().to_lowercase()
    };
    let by_word = texts().find(|(name, _)| last_word(name) == last_word(wanted));
    let (name, value) = by_word.or_else(|| {
        let names: Vec<String> = texts().map(|(name, _)| name).collect();
        let near = nearest(wanted, names.iter().map(String::as_str))?;
        texts().find(|(name, _)| name == near)
    })?;
    Some(Alike { name, value })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_property_that_was_meant_is_one_of_the_same_last_word_or_near_it() {
        for (wanted, has, meant) in [
            ("VO", json!({"accounting:VO": "vo"}), Some("accounting:VO")),
            ("accounting:VO", json!({"VO": "vo"}), Some("VO")),
            ("VO", json!({"vo": "vo"}), Some("vo")),
            (
                "accounting:VO",
                json!({"acounting:VOs": "vo"}),
                Some("acounting:VOs"),
            ),
            // No text, or none at all.
            ("VO", json!({"vo": ["vo"], "accounting:VO": ""}), None),
            // What Keystone has of every project.
            (
                "VO",
                json!({"description": "of VO x", "parent_id": "default", "is_domain": false}),
                None,
            ),
        ] {
            let found = alike(wanted, has.as_object().unwrap());
            let name = found.as_ref().map(|it| it.name.as_str());
            assert_eq!(name, meant, "{wanted} of {has}");
            assert!(found.is_none_or(|it| it.value == "vo"));
        }
    }
}
