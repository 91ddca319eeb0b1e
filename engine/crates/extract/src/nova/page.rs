//! A page of servers, made a page of usage: which rows are emitted, and what they
//! refer to.

use std::collections::BTreeSet;

use serde_json::value::RawValue;
use uuid::Uuid;

use super::index::server_id;
use super::selection::Rule;
use super::{Extraction, References, server};
use crate::fields::Row;
use crate::{ExtractError, ItemError};
use caso_model::usage::{Server, Tables};
use caso_openstack::nova::{EMBEDDED_FLAVOR, ServerList};
use caso_openstack::pages::{FetchedPage, PageError, Query};

impl Extraction<'_> {
    /// Picks the servers of a page that belong to the window and were not
    /// emitted before, and emits them.
    pub(super) async fn emit_page(
        &mut self,
        list: ServerList,
        rule: Rule,
        page: FetchedPage,
    ) -> Result<(), ExtractError> {
        let FetchedPage { rows, query, .. } = page;
        let mut servers = Vec::new();
        let mut errors = Vec::new();
        let count = rows.len();
        // Each row's text goes as soon as it is read.
        for raw in rows {
            match self.pick(&raw, rule) {
                Ok(server) => servers.extend(server),
                Err(error) => errors.push(error),
            }
        }
        let tables = self.tables(&mut servers, list, &query, count).await?;
        self.emit(servers, tables, errors).await
    }

    fn pick(&mut self, raw: &RawValue, rule: Rule) -> Result<Option<Server>, ItemError> {
        let row = Row::parse("server", "id", raw)?;
        let id = server_id(&row)?;
        let seen = self.index.seen(id);
        if seen.unwrap_or_else(|| self.others.contains(&id)) {
            return Ok(None);
        }
        let server = match server::read(&row, &self.project.id) {
            Ok(server) => server,
            Err(error) => {
                self.mark(id);
                return Err(error);
            }
        };
        if !rule.takes(&server, seen.is_some(), self.window) {
            return Ok(None);
        }
        self.mark(id);
        Ok(Some(Server {
            compute_usage: self.index.usage(id),
            ..server
        }))
    }

    fn mark(&mut self, id: Uuid) {
        if !self.index.mark(id) {
            self.others.insert(id);
        }
    }

    /// Looks up what the servers of a page refer to. Those whose flavor is
    /// gone get their own copy of it.
    // `&mut`, here and below: a sink may move to another thread, but two may
    // not look at it at once, and a shared borrow across an await is both.
    async fn tables(
        &mut self,
        servers: &mut [Server],
        list: ServerList,
        query: &Query,
        rows: usize,
    ) -> Result<Tables, ExtractError> {
        if servers.is_empty() {
            return Ok(Tables::default());
        }
        let context = self.context;
        let caches = &context.caches;
        let warnings = &caches.warnings;
        let ids = |of: fn(&Server) -> Option<&String>| -> BTreeSet<String> {
            servers.iter().filter_map(of).cloned().collect()
        };
        let flavor_ids = ids(|server| server.flavor_id.as_ref());
        let image_ids = ids(|server| server.image_id.as_ref());
        let user_ids = ids(|server| server.user_id.as_ref());

        let flavors = caches
            .flavors
            .lookup(&self.nova, &flavor_ids, context.page_size, warnings)
            .await?;
        if flavors.len() < flavor_ids.len() {
            let mut gone: Vec<&mut Server> = servers
                .iter_mut()
                .filter(|server| {
                    server
                        .flavor_id
                        .as_ref()
                        .is_some_and(|id| !flavors.contains_key(id))
                })
                .collect();
            self.embed_flavors(&mut gone, list, query, rows).await?;
        }
        let mut tables = Tables {
            flavors: flavors.values().map(|flavor| (**flavor).clone()).collect(),
            ..Tables::default()
        };
        tables.flavors.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        if self.references == References::Flavors {
            return Ok(tables);
        }
        let session = self.nova.session();
        let images = caches
            .images
            .lookup(session, &self.project.id, &image_ids, warnings)
            .await;
        tables.users = caches.users.lookup(session, &user_ids, warnings).await;
        tables.images = images.values().map(|image| (**image).clone()).collect();
        tables.images.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        Ok(tables)
    }

    /// Asks for the same page once more, at the microversion that shows each
    /// server's own copy of its flavor.
    async fn embed_flavors(
        &mut self,
        servers: &mut [&mut Server],
        list: ServerList,
        query: &Query,
        rows: usize,
    ) -> Result<(), ExtractError> {
        if !self.nova.offers(EMBEDDED_FLAVOR) {
            return Ok(());
        }
        let mut pager = self.nova.servers_with_flavors(list, query);
        let mut read = 0;
        while read < rows
            && servers
                .iter()
                .any(|server| server.embedded_flavor.is_none())
        {
            let page = match pager.next(self.nova.session()).await {
                Ok(Some(page)) => page,
                Ok(None) => break,
                // The page's marker has just gone: the usage API still knows
                // the sizes.
                Err(PageError::LostPlace { .. }) => break,
                Err(error) => return Err(error.into()),
            };
            read += page.rows.len();
            for raw in page.rows {
                let Ok(row) = Row::parse("server", "id", &raw) else {
                    continue;
                };
                let Some(server) = servers.iter_mut().find(|server| server.id == row.id()) else {
                    continue;
                };
                match server::embedded_flavor(&row) {
                    Ok(flavor) => server.embedded_flavor = flavor,
                    Err(error) => self
                        .context
                        .caches
                        .warnings
                        .warn_once(&format!("embedded-flavor-{}", error.id), || {
                            error.to_string()
                        }),
                }
            }
        }
        Ok(())
    }
}
