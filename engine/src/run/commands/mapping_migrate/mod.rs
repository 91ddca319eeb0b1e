//! `caso-mapping-migrate`: the VOs of the mapping file as properties of the
//! projects in Keystone; and, with `--migrate-projects`, `projects` as tags.
//!
//! A dry run, which is the default, prints the commands with which somebody who
//! may write to Keystone does it: those that cASO prints, but quoted for a shell.
//! With `--nodry-run` the projects are changed in Keystone itself, as cASO does,
//! each on its own.
//!
//! Unlike cASO this asks Keystone first, in a dry run as far as it answers. A
//! project that is gone is reported, and there is no command for it that would
//! fail; one given by name is in the command by its id; and a property that is
//! there already is not replaced: it counts before the mapping file, so that the
//! project's usage would move to another VO.

mod plan;
pub mod shell;

use std::io::{self, IsTerminal as _};

use anyhow::bail;

use self::plan::{Change, Found, Step};
use super::{log_warnings, no_keystone};
use crate::run::extract::session_of::project_options;
use crate::run::summary::Summary;
use crate::run::{Exit, Kind, incomplete, remedy};
use crate::stdout;
use caso_config::{CloudConfig, Config};
use caso_extract::ProjectOptions;
use caso_extract::projects::{Lookup, VoMapping};
use caso_model::notice::Notices;
use caso_openstack::{ApiError, Scope, Session, keystone};

/// cASO's words.
const WARNING: &str = "WARNING: Running in 'dry-run' mode, no actions will be peformed. If you \
                       want to apply the changes, run with '--nodry-run'. Be aware that in that \
                       case the cASO user will need write access to Keystone. If unsure run the \
                       following commands as admin.";

/// Migrates, or prints how to, and answers with the exit code.
pub async fn mapping_migrate(config: Config, verbose: bool) -> Exit {
    let mut summary = Summary::default();
    log_warnings(&config);
    if config.dry_run {
        if let Err(error) = print(WARNING) {
            summary.problem(remedy::message(error.as_ref()));
            return summary.exit(config.partial_exit_ok);
        }
    } else if let Some(exit) = no_keystone(&config) {
        return exit;
    }
    for cloud in &config.clouds {
        if let Err(error) = migrate(&config, cloud, &mut summary).await {
            summary.problem(remedy::message(error.as_ref()));
        }
    }
    if (verbose || io::stderr().is_terminal()) && !config.logging.debug {
        summary.print(config.logging.json);
    }
    summary.exit(config.partial_exit_ok)
}

async fn migrate(
    config: &Config,
    cloud: &CloudConfig,
    summary: &mut Summary,
) -> anyhow::Result<()> {
    let options = project_options(cloud);
    if config.migrate_projects && options.tag.is_empty() {
        bail!("`caso_tag` is empty, so there is no tag to give to `projects`");
    }
    let mapping = mapping(cloud, &options)?;
    let tagged = match config.migrate_projects {
        true => options.configured.as_slice(),
        false => &[],
    };
    let mapped = mapping.entries().map(|(project, _)| project.to_owned());
    let written: Vec<String> = mapped.chain(tagged.iter().cloned()).collect();
    if written.is_empty() {
        tracing::warn!(
            "nothing to migrate: the mapping file `{}` names no project, or does not exist",
            options.mapping_file.display()
        );
        return Ok(());
    }
    let session = match session(config, cloud).await {
        Ok(session) => Some(session),
        // The person who runs the commands has credentials of their own.
        Err(error) if config.dry_run => {
            remedy::log_warning(remedy::message(error.as_ref()).of(
                "Keystone could not be asked, so the commands have projects as they are written in the mapping file: ",
            ));
            None
        }
        Err(error) => return Err(error),
    };
    let mut found = Found::default();
    if let Some(session) = &session {
        let lookup = Lookup::of(session, options.domain.as_ref(), &written, &[]).await;
        for project in &written {
            if !found.has(project) {
                found.add(project, lookup.project(project).await);
            }
        }
    }
    let properties = plan::properties(&mapping, &options.vo_property, &found);
    for step in properties
        .into_iter()
        .chain(plan::tags(tagged, &options.tag, &found))
    {
        match (step, config.dry_run, &session) {
            (Err(problem), _, _) => summary.problem(problem),
            (Ok(step), false, Some(session)) => apply(session, step, summary).await,
            (Ok(step), _, _) => show(&step, summary)?,
        }
    }
    Ok(())
}

/// A file that somebody named must be there; the default one need not.
fn mapping(cloud: &CloudConfig, options: &ProjectOptions) -> anyhow::Result<VoMapping> {
    let file = &options.mapping_file;
    if cloud.mapping_file_set && !file.exists() {
        bail!("the mapping file `{}` does not exist", file.display());
    }
    let warnings = Notices::default();
    let mapping = VoMapping::read(file, &warnings);
    for warning in warnings.take() {
        // That the file is old is why somebody runs this.
        if warning.key != "mapping-file-tenants" {
            remedy::log_warning(warning.message());
        }
    }
    Ok(mapping?)
}

/// A session that Keystone lets in.
async fn session(config: &Config, cloud: &CloudConfig) -> anyhow::Result<Session> {
    let login = cloud.keystone();
    login.map_err(|error| incomplete(config, error))?;
    let session = Kind::Real.session(config, cloud, Kind::Real.clock())?;
    session.own_project(&Scope::System).await?;
    Ok(session)
}

/// The command, for somebody with the rights.
fn show(step: &Step, summary: &mut Summary) -> anyhow::Result<()> {
    if let Some(reason) = &step.unsure {
        tracing::warn!("{reason}; the command has it as it is written in the mapping file");
    }
    print(&shell::command(step))?;
    summary.success();
    Ok(())
}

async fn apply(session: &Session, step: Step, summary: &mut Summary) {
    let Step {
        project,
        shown,
        change,
        there,
        unsure,
    } = step;
    if let Some(reason) = unsure {
        return summary.problem(reason);
    }
    let made: Result<(), ApiError> = match &change {
        _ if there => Ok(()),
        Change::Property { name, value } => {
            keystone::set_property(session, &project, name, value).await
        }
        Change::Tag(tag) => keystone::add_tag(session, &project, tag).await,
    };
    match made {
        Ok(()) => {
            let already = if there { " already" } else { "" };
            summary.success();
            summary.line(format!("{shown} has {change}{already}"));
        }
        Err(error) => {
            let what = format!("{shown} could not be given {change}: ");
            summary.problem(remedy::message(&error).of(&what));
        }
    }
}

fn print(line: &str) -> anyhow::Result<()> {
    stdout::write(&format!("{line}\n"))
}
