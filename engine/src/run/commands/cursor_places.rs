//! `caso cursor rename`, and `caso cursor forget --cloud`: a cloud or a region has another name in the
//! configuration, or is gone from it.

use std::collections::BTreeSet;

use anyhow::Context as _;

use super::cursor::of_project;
use super::queue::{Ask, agreed};
use super::status::Status;
use crate::run::exit::Exit;
use crate::run::extract::cursor_keys;
use crate::run::kind::Kind;
use crate::run::prepare::{Stopped, locked};
use crate::run::remedy::advised;
use crate::run::summary::words::count;
use crate::stdout;
use caso_base::{Clock as _, SystemClock};
use caso_config::Config;
use caso_disk::Disk;
use caso_state::{Cursors, Histories, Place, Spool};

/// What to do with all cursors of a cloud and region, each written `CLOUD` or `CLOUD@REGION`.
#[derive(Debug, PartialEq, Eq)]
pub enum OfPlace {
    /// They are of the other one from now on.
    Rename {
        was: String,
        now: String,
        /// Those of this one alone, which went from one cloud of the configuration to the other.
        project: Option<String>,
    },
    /// They go.
    Forget { place: String },
}

/// Says what it does, asks where something is forgotten, and does it.
///
/// # Errors
/// With the exit code; the reason is in the log.
pub async fn change(config: &Config, what: &OfPlace, ask: Ask<'_>) -> Result<(), Exit> {
    changed(config, what, ask).await.map_err(Stopped::report)
}

async fn changed(config: &Config, what: &OfPlace, ask: Ask<'_>) -> Result<(), Stopped> {
    let failed = || Stopped::with(Exit::Nothing);
    let usage = Stopped::with(Exit::Usage);
    let spool = Spool::look(&config.spooldir, Disk::default());
    let known = known(&spool).map_err(failed())?;
    let was = match what {
        OfPlace::Rename { was, .. } | OfPlace::Forget { place: was } => Place::from(was.as_str()),
    };
    if !known.contains(&was) {
        return Err(failed()(advised(
            format!("no project has a cursor of `{was}`"),
            match known.is_empty() {
                true => "caso cursor".to_owned(),
                false => format!("there are: {}", listed(&known)),
            },
        )));
    }
    match what {
        OfPlace::Rename { now, project, .. } => {
            let now = Place::from(now.as_str());
            let keys = cursor_keys::of_all(config).into_iter();
            let configured: BTreeSet<Place> = keys.map(|key| key.place()).collect();
            let is_there = project.is_none() && configured.contains(&was);
            if !configured.contains(&now) || is_there {
                let (text, hint) = match is_there {
                    true => (
                        format!("`{was}` is in the configuration by that name"),
                        format!(
                            "for a project that went from it to `{now}`: caso cursor rename {was} {now} --project ID; it has: {}",
                            listed(&configured)
                        ),
                    ),
                    false => (
                        format!("the configuration has no `{now}`"),
                        format!("it has: {}", listed(&configured)),
                    ),
                };
                return Err(usage(advised(text, hint)));
            }
            if let Some(project) = project {
                return moved(config, &spool, project, &was, &now).await;
            }
            let _lock = Kind::Real.lock(config).await.map_err(locked)?;
            // Before the cursors: called again after a kill it does the rest.
            Histories::of(&spool)
                .rename(&was, &now)
                .context("what is remembered of its servers could not be renamed")
                .map_err(failed())?;
            let renamed = Cursors::rename(&spool, &was, &now);
            let (renamed, both) = renamed
                .context("the cursors could not be written")
                .map_err(failed())?;
            if both > 0 {
                return Err(failed()(advised(
                    format!(
                        "{} extracted under both names already, and stay as they are; {renamed} renamed",
                        match both {
                            1 => "1 project was".to_owned(),
                            number => format!("{number} projects were"),
                        }
                    ),
                    format!("caso cursor forget --cloud {was}"),
                )));
            }
            stdout::page(&format!(
                "{}: `{}` is `{}` now\nnext  caso-extract\n",
                projects(renamed),
                was,
                now
            ))
        }
        OfPlace::Forget { .. } => {
            stdout::page(&format!(
                "Should a run find projects of `{}` again, it extracts them from the beginning \
                 (`first_extract_from`).\n",
                was
            ))
            .map_err(failed())?;
            agreed(ask, "Forget it?")?;
            let _lock = Kind::Real.lock(config).await.map_err(locked)?;
            let forgotten = Cursors::forget_place(&spool, &was)
                .context("the cursors could not be written")
                .map_err(failed())?;
            stdout::page(&format!(
                "{}: `{}` is forgotten\nnext  caso cursor\n",
                projects(forgotten),
                was
            ))
        }
    }
    .map_err(failed())
}

/// One project went from one cloud to another.
async fn moved(
    config: &Config,
    spool: &Spool,
    project: &str,
    was: &Place,
    now: &Place,
) -> Result<(), Stopped> {
    let failed = || Stopped::with(Exit::Nothing);
    let status = Status::read(config, SystemClock::new().now()).map_err(failed())?;
    let cursors = of_project(&status, project).map_err(failed())?;
    let is_of = |place: &Place| cursors.iter().any(|it| it.key().place() == *place);
    let immovable = || {
        failed()(advised(
            format!("`{project}` has no cursor of `{was}`, or has one of `{now}` already"),
            "caso cursor",
        ))
    };
    let id = cursors.first().filter(|_| is_of(was) && !is_of(now));
    let id = id.ok_or_else(immovable)?.project.clone();
    let _lock = Kind::Real.lock(config).await.map_err(locked)?;
    // Before the cursors: called again after a kill it does the rest.
    Histories::of(spool)
        .move_project(&id, was, now)
        .context("what is remembered of its servers could not be moved")
        .map_err(failed())?;
    let moved = Cursors::move_project(spool, &id, was, now);
    let moved = moved.context("its cursors could not be written");
    match moved.map_err(failed())? {
        true => stdout::page(&format!(
            "`{project}`: `{was}` is `{now}` now\nnext  caso-extract\n"
        ))
        .map_err(failed()),
        false => Err(immovable()),
    }
}

fn projects(number: usize) -> String {
    count(
        u64::try_from(number).unwrap_or(u64::MAX),
        "project",
        "projects",
    )
}

fn listed(places: &BTreeSet<Place>) -> String {
    let places: Vec<String> = places.iter().map(Place::to_string).collect();
    places.join(", ")
}

/// Those that have cursors, or had.
fn known(spool: &Spool) -> anyhow::Result<BTreeSet<Place>> {
    let all = Cursors::all(spool).context("cannot read the cursors")?;
    let cursors = all.cursors.into_iter().map(|it| it.key.place());
    Ok(cursors.chain(all.taken_away).collect())
}
