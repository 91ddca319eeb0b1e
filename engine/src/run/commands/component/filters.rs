//! A filter at work on the sample records.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use serde::Serialize;

use super::samples::Records;
use super::trial::Used;
use super::{Subject, trial};
use crate::run::components;
use caso_model::guest::{Filter as _, GuestFailure, Verdict};
use caso_sandbox::{Component, Sandbox};

/// What became of the records of a type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verdicts {
    pub record_type: String,
    pub kept: usize,
    pub replaced: usize,
    /// By their reasons.
    pub dropped: Vec<String>,
}

impl Verdicts {
    pub fn words(&self) -> String {
        let Self {
            record_type,
            kept,
            replaced,
            dropped,
        } = self;
        let mut text = format!(
            "{record_type}: {kept} kept, {replaced} replaced, {} dropped",
            dropped.len()
        );
        if let Some(reason) = dropped.first() {
            text += &format!(": {reason}");
        }
        text
    }
}

/// All verdicts, and what they come to.
pub struct Judged {
    pub verdicts: Vec<Vec<Verdict>>,
    pub counts: Vec<Verdicts>,
}

/// Starts the filter as a run does, and gives it the sample records.
///
/// # Errors
/// It is refused, does not start, or fails.
pub async fn judged(
    sandbox: &Sandbox,
    subject: &Subject,
    component: &Component,
) -> anyhow::Result<Judged> {
    let name = trial::instance(subject, component);
    let nowhere = Path::new("/nonexistent");
    let config = trial::of_a_filter(&name, Used::of(subject), nowhere)?;
    let instance = trial::only(&config)?.filters.first().context("no filter")?;
    let filter = components::load_filter(sandbox, &config, instance, &mut Vec::new()).await?;
    let mut filter = filter.start(0).await?;
    let mut judged = Judged {
        verdicts: Vec::new(),
        counts: Vec::new(),
    };
    for batch in Records::sample()?.batches("trial", Duration::from_secs(60), 1_000) {
        let verdicts: Result<Vec<Verdict>, GuestFailure> = filter.filter(&batch).await;
        let verdicts = verdicts?;
        let mut counts = Verdicts {
            record_type: batch.record_type,
            ..Verdicts::default()
        };
        for verdict in &verdicts {
            match verdict {
                Verdict::Keep => counts.kept += 1,
                Verdict::Replace(_) => counts.replaced += 1,
                Verdict::Drop(reason) => counts.dropped.push(reason.clone()),
            }
        }
        judged.counts.push(counts);
        judged.verdicts.push(verdicts);
    }
    Ok(judged)
}
