//! A sink that keeps its pages.

use caso_model::guest::BoxFuture;
use futures_util::FutureExt;
use futures_util::future::ready;
use uuid::Uuid;

use crate::{ExtractError, Page, PageSink, UsageItem};

/// Takes pages and keeps them, as only a test may.
#[derive(Default)]
pub struct Kept(pub Vec<Page>);

impl PageSink for Kept {
    fn page<'a>(&'a mut self, page: Page) -> BoxFuture<'a, Result<(), ExtractError>> {
        self.0.push(page);
        ready(Ok(())).boxed()
    }
}

impl Kept {
    pub fn servers(&self) -> Vec<&caso_model::usage::Server> {
        let items = self.0.iter().flat_map(|page| &page.items);
        items
            .map(|item| match item {
                UsageItem::Server(server) => server,
                other => panic!("not a server: {other:?}"),
            })
            .collect()
    }

    /// Numbers of the servers, in order. Fails if one comes twice.
    pub fn numbers(&self) -> Vec<u128> {
        let mut numbers: Vec<u128> = self
            .servers()
            .iter()
            .map(|server| server.id.parse::<Uuid>().unwrap().as_u128())
            .collect();
        numbers.sort_unstable();
        let count = numbers.len();
        numbers.dedup();
        assert_eq!(numbers.len(), count, "a server twice");
        numbers
    }

    pub fn volumes(&self) -> Vec<&caso_model::usage::Volume> {
        let items = self.0.iter().flat_map(|page| &page.items);
        items
            .map(|item| match item {
                UsageItem::Volume(volume) => volume,
                other => panic!("not a volume: {other:?}"),
            })
            .collect()
    }

    /// How many items all pages have.
    pub fn count(&self) -> usize {
        self.0.iter().map(|page| page.items.len()).sum()
    }

    pub fn errors(&self) -> Vec<String> {
        let errors = self.0.iter().flat_map(|page| &page.errors);
        errors.map(ToString::to_string).collect()
    }
}
