//! The recording that is in the program: what the mapper makes of it.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tokio::sync::watch;

use super::samples::Records;
use super::trial::{self, Used};
use crate::run::{ComponentWarnings, Exit, Invocation, Kind, extract, prepare};

/// What came of a recording.
pub struct Recorded {
    pub records: Records,
    /// Whether all of it could be accounted; what could not is logged.
    pub whole: bool,
}

/// Maps the usage of the recording, by the built-in mapper or by the one of this file, in a
/// folder of its own.
///
/// # Errors
/// The mapper cannot start, or the folder cannot be used.
pub async fn recorded(
    mapper: Option<Used<'_>>,
    cache_dirs: &[PathBuf],
    folder: &Path,
) -> anyhow::Result<Recorded> {
    let mut config = trial::of_the_recording(mapper, &folder.join(".run"))?;
    config.cache_dirs = cache_dirs.to_vec();
    let (_keep, cancel) = watch::channel(false);
    let invocation = Invocation {
        config,
        kind: Kind::demo(&folder.join(".recorded"))?,
        extract: true,
        only: None,
        again: None,
        verbose: false,
        remarks: ComponentWarnings::default(),
    };
    let (prepared, mut summary) = prepare::prepare(invocation, cancel.clone(), false)
        .await
        .map_err(|stopped| stopped.error)?;
    extract::extract(&prepared, cancel, None, &mut summary).await;
    let names = prepared.messenger_names();
    let messenger = names.first().context("the trial has no messenger")?;
    let mut records = Records::default();
    prepared
        .journal
        .records()
        .records(messenger, &mut |found| {
            records.push(found.record, &found.origin);
            ControlFlow::Continue(())
        })
        .context("cannot read what was extracted")?;
    Ok(Recorded {
        records,
        whole: summary.exit(false) == Exit::Done,
    })
}
