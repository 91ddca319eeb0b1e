//! `caso-projects`: which projects are accounted, and to which VO. Reads
//! Keystone and the mapping file, and the spool where that knows another name
//! of a project: no messenger is started, nothing is written.
//!
//! The lines on stdout are cASO's to the character, its odd quotes included,
//! since sites read them in scripts. A project without VO, which cASO lists as
//! one of VO `None`, is named on stderr, and so is any that cannot be read.

use super::{log_warnings, no_keystone};
use crate::run::extract::absent::Absent;
use crate::run::extract::session_of::project_options;
use crate::run::summary::Summary;
use crate::run::{Exit, Kind, remedy};
use crate::stdout;
use caso_config::{CloudConfig, Config};
use caso_disk::Disk;
use caso_extract::ProjectRef;
use caso_extract::projects::find;
use caso_model::notice::Notices;
use caso_state::Spool;

/// Lists them, and answers with the exit code.
pub async fn projects(config: Config) -> Exit {
    let mut summary = Summary::default();
    log_warnings(&config);
    if let Some(exit) = no_keystone(&config) {
        return exit;
    }
    for cloud in &config.clouds {
        if let Err(error) = list(&config, cloud, &mut summary).await {
            summary.problem(remedy::message(error.as_ref()));
        }
    }
    summary.exit(config.partial_exit_ok)
}

async fn list(config: &Config, cloud: &CloudConfig, summary: &mut Summary) -> anyhow::Result<()> {
    let session = Kind::Real.session(config, cloud, Kind::Real.clock())?;
    let options = project_options(cloud);
    let warnings = Notices::default();
    let found = find(&session, &options, &warnings).await;
    for warning in warnings.take() {
        remedy::log_warning(remedy::noticed(warning, cloud).message());
    }
    let found = found?;
    if found.is_empty() {
        summary.no_project("", &options.tag);
    }
    let spool = Spool::look(&config.spooldir, Disk::default());
    let known = found.iter().filter_map(|project| project.as_ref().ok());
    let absent = Absent::beside(known, &spool, cloud, Kind::Real.clock().now());
    let mut failures = Vec::new();
    for project in found {
        match project {
            Ok(project) => {
                stdout::write(&line(&project))?;
                summary.success();
            }
            Err(failure) => {
                let failure = absent.explain(&session, failure).await;
                let hint = remedy::of_failure(&failure, cloud);
                failures.push((failure, hint));
            }
        }
    }
    summary.project_failures("", &failures);
    Ok(())
}

fn line(project: &ProjectRef) -> String {
    let name = project.name.as_deref().unwrap_or("None");
    format!(
        "'{} ({}) mapped to VO '{}'\n",
        plain(&project.id),
        plain(name),
        plain(&project.vo)
    )
}

/// The text in one line, whatever it holds.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            plain.extend(c.escape_default());
        } else {
            plain.push(c);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_casos_and_one_line() {
        let mut project = ProjectRef {
            id: "p1".into(),
            configured: None,
            name: Some("vo-project".into()),
            vo: "/vo.example.org/ops".into(),
            disabled: false,
        };
        assert_eq!(
            line(&project),
            "'p1 (vo-project) mapped to VO '/vo.example.org/ops'\n"
        );
        project.name = Some("a\n'b' \u{e9}\u{1b}".into());
        assert_eq!(
            line(&project),
            "'p1 (a\\n'b' \u{e9}\\u{1b}) mapped to VO '/vo.example.org/ops'\n"
        );
    }
}
