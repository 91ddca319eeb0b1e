//! A filter at work on a few records.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use serde::Serialize;

use super::samples::Records;
use super::trial::Used;
use super::{Subject, trial};
use crate::run::components;
use caso_model::guest::{Filter as _, GuestFailure, Verdict};
use caso_model::record::AccountingRecord;
use caso_sandbox::{Component, Sandbox};

/// What became of the records of a type.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Verdicts {
    pub record_type: String,
    pub kept: usize,
    pub replaced: usize,
    /// By their reasons.
    pub dropped: Vec<String>,
    /// The first that was replaced, as it went in and as it came out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub example: Option<Box<(AccountingRecord, AccountingRecord)>>,
}

impl Verdicts {
    pub fn words(&self) -> String {
        let Self {
            record_type,
            kept,
            replaced,
            dropped,
            example: _,
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

/// Starts the filter as a run does, and gives it these records.
///
/// # Errors
/// It is refused, does not start, or fails.
pub async fn judged(
    sandbox: &Sandbox,
    subject: &Subject,
    component: &Component,
    used: Used<'_>,
    records: &Records,
) -> anyhow::Result<Judged> {
    let name = trial::instance(subject, component);
    let nowhere = Path::new("/nonexistent");
    let config = trial::of_a_filter(&name, used, nowhere)?;
    let instance = trial::only(&config)?.filters.first().context("no filter")?;
    let filter = components::load_filter(sandbox, &config, instance, &mut Vec::new()).await?;
    let mut filter = filter.start(0).await?;
    let mut judged = Judged {
        verdicts: Vec::new(),
        counts: Vec::new(),
    };
    for batch in records.batches("trial", Duration::from_secs(60), 1_000) {
        let verdicts: Result<Vec<Verdict>, GuestFailure> = filter.filter(&batch).await;
        let verdicts = verdicts?;
        let mut counts = Verdicts {
            record_type: batch.record_type,
            ..Verdicts::default()
        };
        for (record, verdict) in batch.records.into_records().into_iter().zip(&verdicts) {
            match verdict {
                Verdict::Keep => counts.kept += 1,
                Verdict::Replace(other) => {
                    counts.replaced += 1;
                    counts
                        .example
                        .get_or_insert_with(|| Box::new((record, other.as_ref().clone())));
                }
                Verdict::Drop(reason) => counts.dropped.push(reason.clone()),
            }
        }
        judged.counts.push(counts);
        judged.verdicts.push(verdicts);
    }
    Ok(judged)
}
