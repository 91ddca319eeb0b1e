//! The VO of a project. Keystone's property leads; the mapping file, which
//! cASO is leaving behind, serves projects without it.

use std::sync::Arc;

use serde_json::Value;

use super::mapping::{MappingError, VoMapping};
use super::{ProjectError, ProjectFailure, ProjectOptions, ProjectRef};
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
        Some(Value::String(vo)) if !vo.is_empty() => Ok(vo.clone()),
        None | Some(Value::Null | Value::String(_)) => {
            let names = [Some(&project.id), written, name.as_ref()];
            let mut names = names.into_iter().flatten();
            match mapping
                .as_ref()
                .map(|mapping| names.find_map(|name| mapping.vo(name)))
            {
                Err(error) => Err(ProjectError::NoMapping {
                    property: property.clone(),
                    source: error.clone(),
                }),
                Ok(Some(vo)) => {
                    warnings.warn_once("mapping-file-used", || {
                        (
                            format!(
                                "VOs are taken from the mapping file `{}` (project `{}` has no property `{property}` in Keystone), which cASO is leaving behind",
                                options.mapping_file.display(),
                                project.id,
                            ),
                            "`caso-mapping-migrate` moves what it says to properties",
                        )
                    });
                    Ok(vo.to_owned())
                }
                Ok(None) => Err(ProjectError::NoVo {
                    property: property.clone(),
                    file: options.mapping_file.clone(),
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
