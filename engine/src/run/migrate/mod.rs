//! `caso-mapping-migrate`: what the mapping file says, as properties of the
//! projects in Keystone; and, with `--migrate-projects`, `projects` as tags.
//!
//! A dry run, which is the default, prints the commands by which somebody who
//! may write to Keystone does it, as cASO prints them, but quoted for a shell.
//! With `--nodry-run` cASO writes to Keystone itself, and so does this; each
//! project on its own.
//!
//! Other than in cASO, Keystone is asked first, in a dry run as far as it
//! answers: a project that is gone is named instead of told in a command that
//! fails, one given by name is told by its id, and a property that is there
//! already is not replaced by another, for it counts before the mapping file, and
//! with it the project's usage would move to another VO.

mod plan;
mod shell;

use caso_base::error_chain;
use std::io::{self, IsTerminal as _, Write as _};

use anyhow::{Context as _, bail};

use self::plan::{Change, Found, Step};
use super::cloud::project_options;
use super::exit::Exit;
use super::source::Source;
use super::summary::Summary;
use super::{files, no_keystone, say_warnings};
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
    say_warnings(&config);
    if config.dry_run {
        print(WARNING);
    } else if let Some(exit) = no_keystone(&config) {
        return exit;
    }
    for cloud in &config.clouds {
        if let Err(error) = migrate(&config, cloud, &mut summary).await {
            summary.problem(error_chain(error.as_ref()));
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
            "nothing to migrate: the mapping file `{}` names no project, or is not there",
            options.mapping_file.display()
        );
        return Ok(());
    }
    let session = match session(config, cloud).await {
        Ok(session) => Some(session),
        // Whoever runs the commands has credentials of their own.
        Err(error) if config.dry_run => {
            tracing::warn!(
                "Keystone could not be asked, so projects are told as they are written: {}",
                error_chain(error.as_ref())
            );
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
            (Ok(step), _, _) => show(&step, summary),
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
            tracing::warn!("{warning}");
        }
    }
    Ok(mapping?)
}

/// A session that Keystone lets in.
async fn session(config: &Config, cloud: &CloudConfig) -> anyhow::Result<Session> {
    cloud.keystone().with_context(|| files(config))?;
    let session = Source::Network.session(config, cloud, Source::Network.clock())?;
    session.own_project(&Scope::System).await?;
    Ok(session)
}

/// The command, for who may.
fn show(step: &Step, summary: &mut Summary) {
    if let Some(reason) = &step.unsure {
        tracing::warn!("{reason}; the command tells it as it is written");
    }
    print(&shell::command(step));
    summary.successes += 1;
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
            summary.successes += 1;
            summary.line(format!("{shown} has {change}{already}"));
        }
        Err(error) => summary.problem(format!("{shown} has not got {change}: {error}")),
    }
}

/// Data, for a reader that may have gone.
fn print(line: &str) {
    let _ = writeln!(io::stdout().lock(), "{line}");
}
