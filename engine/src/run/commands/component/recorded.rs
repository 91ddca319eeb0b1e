//! The recording that is in the program: what the mapper makes of it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::samples::Records;
use super::trial;
use crate::run::{ComponentWarnings, Exit, Invocation, Kind, extract, prepare};
use caso_base::SystemClock;
use caso_deliver::{Deadline, Instance};
use caso_model::answer::CheckedAnswer;
use caso_model::guest::{Answer, Batch, BoxFuture, GuestFailure, Messenger, Rest};

/// What came of a recording.
pub struct Recorded {
    pub records: Records,
    /// Whether all of it could be accounted; what could not is logged.
    pub whole: bool,
}

/// Maps the usage of the recording, by the built-in mapper or by the one in this file, in a
/// folder of its own.
///
/// # Errors
/// The mapper cannot start, or the folder cannot be used.
pub async fn recorded(
    mapper: Option<(&Path, &[(String, String)])>,
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
    extract::extract(&prepared, cancel.clone(), &mut summary).await;
    let taken = Taken::default();
    let clock = Arc::new(SystemClock::new());
    let deadline = Deadline::after(clock.as_ref(), Duration::from_secs(600));
    let instances = prepared.messenger_names().into_iter().map(|name| Instance {
        name,
        record_types: None,
        packing_unit: None,
        messenger: Box::new(taken.clone()),
    });
    let instances = instances.collect();
    caso_deliver::deliver(&prepared.journal, instances, deadline, clock, cancel).await;
    let batches = std::mem::take(&mut *taken.0.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(Recorded {
        records: of_batches(batches),
        whole: summary.exit(false) == Exit::Done,
    })
}

/// Takes every record, and keeps it.
#[derive(Clone, Default)]
struct Taken(Arc<Mutex<Vec<Batch>>>);

impl Messenger for Taken {
    fn deliver<'a>(
        &'a mut self,
        batch: &'a Batch,
    ) -> BoxFuture<'a, Result<CheckedAnswer, GuestFailure>> {
        let offered = batch.records.len();
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.push(batch.clone());
        let answer = Answer {
            accepted: u32::try_from(offered).unwrap_or(u32::MAX),
            refused: Vec::new(),
            rest: Rest::Done,
            attributes: Vec::new(),
        };
        // It has accepted what was offered, no more.
        let checked = CheckedAnswer::new(answer, offered).map_err(|problem| GuestFailure {
            component: "caso".to_owned(),
            instance: batch.instance.clone(),
            call: "deliver",
            kind: caso_model::guest::FailureKind::Contract,
            option: None,
            detail: problem.to_string(),
            frames: Vec::new(),
            stderr: String::new(),
        });
        Box::pin(std::future::ready(checked))
    }
}

fn of_batches(batches: Vec<Batch>) -> Records {
    let mut all = Records::default();
    for batch in batches {
        let first = u32::try_from(all.origins.len()).unwrap_or(u32::MAX);
        all.origins.extend(batch.origins);
        let origins = batch.origin_of.into_iter().map(|origin| origin + first);
        all.records
            .extend(batch.records.into_records().into_iter().zip(origins));
    }
    all
}
