//! The mapper, called.

use std::ops::Range;

use super::abi::{Mapped, MapperAbi, PageAbi};
use super::contract::{self, RecordsError};
use super::instance::{Instance, Spec};
use super::limits::CallTime;
use super::pure::Pure;
use caso_model::guest::{GuestFailure, Outcome};
use caso_model::usage::{Context, Tables, UsageItem};

/// A started mapper.
pub struct GuestMapper(Instance<Pure<MapperAbi>>);

impl GuestMapper {
    pub(crate) async fn start(spec: Spec, pre: MapperAbi, now: i64) -> Result<Self, GuestFailure> {
        Instance::start(spec, Pure { pre, now }).await.map(Self)
    }

    /// The time that one call may take.
    pub fn call_time(&self) -> CallTime {
        self.0.spec.limits.call_time()
    }

    /// A page of usage, copied once for the guest, to be mapped whole or in parts.
    pub fn page(
        &mut self,
        context: &Context,
        tables: &Tables,
        items: &[UsageItem],
    ) -> GuestPage<'_> {
        let page = self.0.world.pre.page(context, tables, items);
        GuestPage {
            mapper: &mut self.0,
            page,
        }
    }
}

/// A page on its way through a mapper.
pub struct GuestPage<'a> {
    mapper: &'a mut Instance<Pure<MapperAbi>>,
    page: PageAbi,
}

impl GuestPage<'_> {
    /// Maps the items of this range, and no item beyond the page: one outcome
    /// for each, in their order. One call of the guest, within this time; after
    /// one that failed, the next has a fresh store.
    pub async fn map(
        &mut self,
        range: Range<usize>,
        time: CallTime,
    ) -> Result<Vec<Outcome>, GuestFailure> {
        let items = self.page.items_in(range.clone());
        let mut running = self.mapper.take().await?;
        let outcomes = running
            .call("map-usage", time, |mapper, store| {
                mapper.map_usage(store, &self.page, range)
            })
            .await?;
        let spec = &self.mapper.spec;
        if outcomes.len() != items {
            let detail = format!("{} outcomes for {items} items", outcomes.len());
            return Err(spec.contract("map-usage", detail));
        }
        let mut of_two = contract::of_two_items(outcomes.iter().map(|it| &it.records[..]));
        let outcomes = outcomes.into_iter().enumerate();
        let outcomes = outcomes
            .map(|(place, outcome)| checked(outcome, of_two.remove(&place), spec))
            .collect();
        self.mapper.keep(running);
        Ok(outcomes)
    }
}

/// An outcome that keeps the contract; records that break it cost their item.
fn checked(outcome: Mapped, of_two: Option<RecordsError>, spec: &Spec) -> Outcome {
    let Mapped { records, refused } = outcome;
    let kept = contract::records(&records)
        .and(of_two.map_or(Ok(()), Err))
        // Last: what is refused for something else makes no kind.
        .and_then(|()| contract::kinds(&records, &spec.budget));
    if let Err(problem) = kept {
        let reason = format!("the mapper broke the contract: {problem}");
        return Outcome::Refused(spec.reason(&reason));
    }
    match refused.map(|reason| spec.reason(&reason)) {
        None => Outcome::Records(records),
        Some(reason) if records.is_empty() => Outcome::Refused(reason),
        Some(reason) => Outcome::Partly(records, reason),
    }
}
