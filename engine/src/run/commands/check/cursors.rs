//! Where a run would go on with the projects of a cloud, or why it would not.

use std::collections::HashMap;
use std::sync::Arc;

use super::finding::{Area, Finding, Findings};
use crate::run::extract::cursor_keys;
use crate::run::extract::inheritance;
use crate::run::extract::renamed::Renamed;
use crate::run::extract::window::in_the_future;
use crate::run::remedy;
use caso_config::{CloudConfig, Config};
use caso_disk::Disk;
use caso_extract::ProjectRef;
use caso_model::notice::Notices;
use caso_state::{CursorKey, Cursors, Edits, Spool, Start};

/// Where extractors that can go on would start.
#[derive(Default)]
pub struct Starts(HashMap<String, Vec<(CursorKey, Start)>>);

impl Starts {
    /// That of one; none where something is in its way.
    pub fn of(&self, project: &str, key: &CursorKey) -> Option<&Start> {
        let starts = self.0.get(project)?;
        starts
            .iter()
            .find(|(of, _)| of == key)
            .map(|(_, start)| start)
    }

    /// Nothing goes on.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

/// Names what stands in the way; of a project that can go on, nothing.
pub fn cursors(
    config: &Config,
    cloud: &CloudConfig,
    projects: &[ProjectRef],
    now: i64,
    findings: &mut Findings,
) -> Starts {
    let mut all = Starts::default();
    let spool = Spool::look(&config.spooldir, Disk::default());
    let cursors = Cursors::open(&spool, true)
        .telling(Arc::new(Edits::of_run(now)))
        .configured(cursor_keys::of_all(config));
    let keys = cursor_keys::of_cloud(cloud);
    let mut renamed = Renamed::of(cloud, &config.clouds);
    let mut projects = projects.to_vec();
    // A run says it.
    let unsaid = Notices::default();
    inheritance::by_former_names(config, cloud, &cursors, &mut projects, &unsaid);
    for project in &projects {
        if renamed.refuses(&cursors, project) {
            continue;
        }
        let name = project.name.as_deref().unwrap_or(&project.id);
        let failed = match cursors.starts(&project.id, project.configured.as_deref(), &keys) {
            Err(error) => Some(remedy::message(&error)),
            Ok(starts) => {
                let ahead = starts.iter().filter(|start| start.at > Some(now));
                let ahead = ahead.max_by_key(|start| start.at);
                let ahead = ahead
                    .and_then(|start| Some(in_the_future(start.at?, start, &project.id).into()));
                let starts = keys.iter().cloned().zip(starts);
                let goes_on = |(_, start): &(CursorKey, Start)| start.at.is_none_or(|at| at <= now);
                let starts = starts.filter(goes_on).collect();
                all.0.insert(project.id.clone(), starts);
                ahead
            }
        };
        if let Some(message) = failed {
            findings.add(Finding::failed(Area::Project, message).of(name));
        }
    }
    cursors.say_edits();
    for message in renamed.messages() {
        findings.add(Finding::failed(Area::Cloud, message).of(&cloud.name));
    }
    all
}
