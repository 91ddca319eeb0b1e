//! A filter, called.

use wasmtime::Store;
use wasmtime_wasi::WasiCtxBuilder;

use super::abi::{FilterAbi, Filtered, RunningFilter};
use super::instance::{Instance, Spec, World};
use super::log::GuestLog;
use super::state::{HostServices, State};
use super::{clock, contract};
use caso_model::guest::{Batch, BoxFuture, Filter, GuestFailure, StartError, Verdict};
use caso_model::record::{AccountingRecord, RecordList};

/// A started filter.
pub struct GuestFilter(Instance<FilterWorld>);

/// Nothing around the guest, and clocks that stand still.
struct FilterWorld {
    pre: FilterAbi,
    /// Seconds since 1970.
    now: i64,
}

impl World for FilterWorld {
    type Bindings = RunningFilter;

    async fn surround(
        &self,
        spec: &Spec,
        log: &GuestLog,
        wasi: &mut WasiCtxBuilder,
    ) -> Result<HostServices, GuestFailure> {
        clock::pin(wasi, self.now);
        Ok(HostServices::nothing(&spec.limits, log))
    }

    async fn start(
        &self,
        store: &mut Store<State>,
        spec: &Spec,
    ) -> wasmtime::Result<(RunningFilter, Result<(), StartError>)> {
        self.pre.start(store, &spec.setup).await
    }
}

impl GuestFilter {
    pub(crate) async fn start(spec: Spec, pre: FilterAbi, now: i64) -> Result<Self, GuestFailure> {
        Instance::start(spec, FilterWorld { pre, now })
            .await
            .map(Self)
    }

    async fn attempt(&mut self, batch: &Batch) -> Result<Vec<Verdict>, GuestFailure> {
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
        let records = one_by_one(&batch.records);
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

fn one_by_one(records: &RecordList) -> Vec<AccountingRecord> {
    records.clone().into_records()
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
        batch: &'a Batch,
    ) -> BoxFuture<'a, Result<Vec<Verdict>, GuestFailure>> {
        Box::pin(self.attempt(batch))
    }
}
