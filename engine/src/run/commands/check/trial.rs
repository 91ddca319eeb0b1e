//! An extraction whose records go nowhere: what can be read is counted, and what the mapper
//! makes of it is looked at.

use std::collections::BTreeMap;

use crate::run::components::Mapper;
use crate::run::extract::BisectingMapper;
use caso_extract::{ExtractError, Page, PageSink};
use caso_model::guest::{BoxFuture, Mapper as _, Outcome};
use caso_model::record::AccountingRecord;
use caso_model::usage::{Context, UsageItem};

/// Takes the pages of an extractor.
pub struct Trial<'a> {
    pub mapper: Option<&'a Mapper>,
    pub context: Context,
    begun: Option<BisectingMapper>,
    pub items: u64,
    /// What costs an item or a part of it, in words.
    pub lost: Vec<String>,
    /// By a flavor's name, whether its servers' records have a benchmark.
    pub flavors: BTreeMap<String, bool>,
}

impl<'a> Trial<'a> {
    pub fn new(mapper: Option<&'a Mapper>, context: Context) -> Self {
        Self {
            mapper,
            context,
            begun: None,
            items: 0,
            lost: Vec::new(),
            flavors: BTreeMap::new(),
        }
    }

    async fn map(&mut self, page: &Page) -> Result<(), ExtractError> {
        let Some(mapper) = self.mapper.filter(|_| !page.items.is_empty()) else {
            return Ok(());
        };
        let mut begun = match self.begun.take() {
            Some(begun) => begun,
            None => {
                let started = mapper.start(self.context.now).await;
                BisectingMapper::new(started.map_err(ExtractError::sink)?)
            }
        };
        let outcomes = begun.map(&self.context, &page.tables, &page.items).await;
        self.begun = Some(begun);
        let outcomes = outcomes.map_err(ExtractError::sink)?;
        for (item, outcome) in page.items.iter().zip(outcomes) {
            let (records, reason) = match outcome {
                Outcome::Records(records) => (records, None),
                Outcome::Refused(reason) => (Vec::new(), Some(reason)),
                Outcome::Partly(records, reason) => (records, Some(reason)),
                Outcome::Failed(failure) => (Vec::new(), Some(failure.to_string())),
            };
            self.lost.extend(reason);
            if let UsageItem::Server(server) = item {
                let flavor = page.tables.flavors.iter();
                let mut flavor =
                    flavor.filter(|it| Some(it.id.as_str()) == server.flavor_id.as_deref());
                let name = flavor.next().and_then(|flavor| flavor.name.clone());
                if let (Some(name), Some(has)) = (name, has_benchmark(&records)) {
                    self.flavors.insert(name, has);
                }
            }
        }
        Ok(())
    }
}

/// Of a server's records; none where there is none of it.
fn has_benchmark(records: &[AccountingRecord]) -> Option<bool> {
    records.iter().find_map(|record| match record {
        AccountingRecord::Cloud(record) => Some(
            record
                .benchmarks
                .iter()
                .any(|it| it.name.is_some() && it.value.is_some()),
        ),
        _ => None,
    })
}

impl PageSink for Trial<'_> {
    fn page<'a>(&'a mut self, page: Page) -> BoxFuture<'a, Result<(), ExtractError>> {
        Box::pin(async move {
            for error in &page.errors {
                self.lost.push(error.to_string());
            }
            self.items += u64::try_from(page.items.len()).unwrap_or(u64::MAX);
            self.map(&page).await
        })
    }
}
