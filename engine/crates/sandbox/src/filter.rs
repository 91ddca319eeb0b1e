//! A filter, called.

use super::abi::{FilterAbi, Filtered};
use super::contract;
use super::instance::{Instance, Spec};
use super::pure::Pure;
use caso_model::guest::{Batch, BoxFuture, Filter, GuestFailure, Verdict};
use caso_model::record::AccountingRecord;

/// A started filter.
pub struct GuestFilter(Instance<Pure<FilterAbi>>);

impl GuestFilter {
    pub(crate) async fn start(spec: Spec, pre: FilterAbi, now: i64) -> Result<Self, GuestFailure> {
        Instance::start(spec, Pure { pre, now }).await.map(Self)
    }

    async fn attempt(&mut self, batch: &Batch<'_>) -> Result<Vec<Verdict>, GuestFailure> {
        let mut running = self.0.take().await?;
        let time = self.0.spec.limits.call_time();
        let time_left = batch.time_left.min(time.timeout);
        let sent = self.0.world.pre.batch(batch, time_left);
        let verdicts = running
            .call("filter", time, |filter, store| filter.filter(store, &sent))
            .await?;
        drop(sent);
        let spec = &self.0.spec;
        let count = batch.records.len();
        if verdicts.len() != count {
            let detail = format!("{} verdicts for {count} records", verdicts.len());
            return Err(spec.contract("filter", detail));
        }
        let records = batch.records.clone().into_records();
        let verdicts = verdicts
            .into_iter()
            .zip(records)
            .map(|(verdict, record)| checked(verdict, &record, spec))
            .collect::<Result<_, String>>()
            .map_err(|problem| spec.contract("filter", spec.reason(&problem)))?;
        self.0.keep(running);
        Ok(verdicts)
    }
}

/// A verdict that keeps the contract, or how it does not.
fn checked(verdict: Filtered, record: &AccountingRecord, spec: &Spec) -> Result<Verdict, String> {
    match verdict {
        Filtered::Keep => Ok(Verdict::Keep),
        Filtered::Drop(reason) => Ok(Verdict::Drop(spec.reason(&reason))),
        Filtered::Other(name, value) => Err(format!("it answers `{name}`: {value}")),
        Filtered::Replace(other) => {
            let (own, new) = (record.head(), other.head());
            if other.record_type() != record.record_type() {
                let types = (record.record_type(), other.record_type().to_owned());
                return Err(format!(
                    "it replaces a record of type `{}` by one of type `{}`",
                    types.0, types.1
                ));
            }
            if own.id != new.id || own.supersedes != new.supersedes {
                return Err(format!(
                    "it changes the `id` or the `supersedes` of record `{}`",
                    own.id
                ));
            }
            if let Err(problem) = contract::records(std::slice::from_ref(&*other)) {
                return Err(problem.to_string());
            }
            Ok(Verdict::Replace(other))
        }
    }
}

impl Filter for GuestFilter {
    fn filter<'a>(
        &'a mut self,
        batch: &'a Batch<'_>,
    ) -> BoxFuture<'a, Result<Vec<Verdict>, GuestFailure>> {
        Box::pin(self.attempt(batch))
    }
}
