//! The mapper, called.

use std::ops::Range;

use wasmtime::Engine;

use super::bindings::mapper::exports::caso::accounting::mapping;
use super::bindings::mapper::{Mapper as Bindings, MapperPre};
use super::convert::Cross;
use super::failure::Who;
use super::isolate::{self, Share};
use super::limits::Limits;
use super::log::{GuestLog, Mask};
use super::state::{Guest, Outside, State, wasi};
use super::{clock, contract};
use caso_model::component::Setting;
use caso_model::guest::{BoxFuture, FailureKind, GuestFailure, Mapper, Outcome};
use caso_model::record::AccountingRecord;
use caso_model::usage::{Context, Tables, UsageItem};

/// Bytes of a refusal's reason.
pub(super) const REASON_BYTES: usize = 1_000;

/// A started mapper.
pub struct GuestMapper {
    recipe: Recipe,
    live: Option<Live>,
    /// It has mapped something.
    proven: bool,
}

/// All that makes a fresh store.
struct Recipe {
    engine: Engine,
    pre: MapperPre<State>,
    who: Who,
    settings: Vec<Setting>,
    now: i64,
    limits: Limits,
    mask: Mask,
}

struct Live {
    guest: Guest,
    bindings: Bindings,
}

impl GuestMapper {
    pub(super) async fn start(
        engine: Engine,
        pre: MapperPre<State>,
        who: Who,
        settings: Vec<Setting>,
        now: i64,
        limits: Limits,
        mask: Mask,
    ) -> Result<Self, GuestFailure> {
        let recipe = Recipe {
            engine,
            pre,
            who,
            settings,
            now,
            limits,
            mask,
        };
        let live = Some(recipe.fresh().await?);
        Ok(Self {
            recipe,
            live,
            proven: false,
        })
    }

    /// One call, in the store at hand or a fresh one. The store survives only
    /// a call that went well, and none that is dropped half-way.
    async fn call(
        &mut self,
        context: &Context,
        tables: &mapping::Tables,
        items: &[UsageItem],
        share: Share,
    ) -> Result<Vec<Outcome>, GuestFailure> {
        let recipe = &self.recipe;
        let mut live = match self.live.take() {
            Some(live) => live,
            None => recipe.fresh().await?,
        };
        let timeout = share.of(recipe.limits.timeout);
        live.guest.begin(share.of(recipe.limits.deadline), timeout);
        let context = context.clone().cross();
        let sent: Vec<mapping::UsageItem> = items.to_vec().cross();
        let calling = live.bindings.caso_accounting_mapping().call_map_usage(
            &mut live.guest.store,
            &context,
            tables,
            &sent,
        );
        let result = tokio::time::timeout(timeout, calling).await;
        let outcomes = live.guest.end("map-usage", result)?;
        if outcomes.len() != items.len() {
            let detail = format!("{} outcomes for {} items", outcomes.len(), items.len());
            return Err(recipe
                .who
                .failure("map-usage", FailureKind::Contract, detail));
        }
        self.live = Some(live);
        Ok(outcomes
            .into_iter()
            .map(|outcome| recipe.checked(outcome))
            .collect())
    }
}

impl Recipe {
    /// A fresh store, started.
    async fn fresh(&self) -> Result<Live, GuestFailure> {
        let Who {
            component,
            instance,
        } = &self.who;
        let log = GuestLog::new(component, instance, self.mask.clone(), &self.limits);
        let mut wasi = wasi(&log);
        clock::pin(&mut wasi, self.now);
        let outside = Outside::nothing(instance, &self.limits, &log);
        let mut guest = Guest::new(
            &self.engine,
            self.who.clone(),
            &self.limits,
            log,
            wasi,
            outside,
        );
        guest.begin(self.limits.deadline, self.limits.timeout);
        let settings: Vec<_> = self.settings.clone().cross();
        let result = tokio::time::timeout(self.limits.timeout, async {
            let bindings = self.pre.instantiate_async(&mut guest.store).await?;
            let started = bindings
                .caso_accounting_mapping()
                .call_start(&mut guest.store, &settings)
                .await?;
            wasmtime::Result::Ok((bindings, started))
        })
        .await;
        let (bindings, started) = guest.end("start", result).map_err(as_start)?;
        started.map_err(|reason| {
            let detail = self.mask.line(&reason, REASON_BYTES);
            self.who.failure("start", FailureKind::Start, detail)
        })?;
        Ok(Live { guest, bindings })
    }

    fn checked(&self, outcome: mapping::Outcome) -> Outcome {
        let crossed: Result<Vec<AccountingRecord>, String> = outcome.cross();
        match crossed {
            Err(reason) => Outcome::Refused(self.mask.line(&reason, REASON_BYTES)),
            Ok(records) => match contract::records(&records) {
                Ok(()) => Outcome::Records(records),
                Err(problem) => {
                    let reason = format!("the mapper broke the contract: {problem}");
                    Outcome::Refused(self.mask.line(&reason, REASON_BYTES))
                }
            },
        }
    }
}

/// A failure before the component took its options.
pub(super) fn as_start(failure: GuestFailure) -> GuestFailure {
    GuestFailure {
        kind: FailureKind::Start,
        ..failure
    }
}

impl Mapper for GuestMapper {
    fn map<'a>(
        &'a mut self,
        context: &'a Context,
        tables: &'a Tables,
        items: &'a [UsageItem],
    ) -> BoxFuture<'a, Result<Vec<Outcome>, GuestFailure>> {
        Box::pin(async move {
            let proven = self.proven;
            let tables = tables.clone().cross();
            let mut page = Page {
                mapper: self,
                context,
                tables,
                items,
            };
            let outcomes = isolate::isolate(&mut page, items.len(), proven).await?;
            self.proven |= outcomes
                .iter()
                .any(|outcome| !matches!(outcome, Outcome::Failed(_)));
            Ok(outcomes)
        })
    }
}

/// One page on its way through the mapper.
struct Page<'a> {
    mapper: &'a mut GuestMapper,
    context: &'a Context,
    tables: mapping::Tables,
    items: &'a [UsageItem],
}

impl isolate::Part for Page<'_> {
    fn call(
        &mut self,
        range: Range<usize>,
        share: Share,
    ) -> BoxFuture<'_, Result<Vec<Outcome>, GuestFailure>> {
        let items = self.items.get(range).unwrap_or_default();
        Box::pin(self.mapper.call(self.context, &self.tables, items, share))
    }
}
