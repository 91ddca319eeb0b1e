//! A page of servers, made a page of usage: which rows are emitted, and what they
//! refer to.

use std::collections::BTreeSet;

use serde_json::value::RawValue;
use uuid::Uuid;

use super::index::server_id;
use super::search::PATIENCE;
use super::selection::{Known, Rule, is_deleted};
use super::{Extraction, References, ending, server};
use crate::fields::Row;
use crate::{ExtractError, ItemError};
use caso_history::{Life, Sighting};
use caso_model::usage::{Flavor, Server, Tables};
use caso_openstack::nova::{EMBEDDED_FLAVOR, ServerList};
use caso_openstack::pages::{FetchedPage, PageError, Query};

/// A month, and the hour for which a resize may have been invisible, in seconds.
const LONGEST_MONTH: i64 = 31 * 86_400 + 3_600;

/// Where rows come from, to ask for them once more in another form.
pub(super) enum Source {
    Page {
        list: ServerList,
        /// The page's whole query.
        query: Query,
        /// Its rows.
        count: usize,
    },
    /// The server of this id, asked for alone.
    One(String),
}

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
        let count = rows.len();
        self.emit_rows(rows, rule, Source::Page { list, query, count })
            .await
    }

    /// The same, wherever the rows come from.
    pub(super) async fn emit_rows(
        &mut self,
        rows: Vec<Box<RawValue>>,
        rule: Rule,
        source: Source,
    ) -> Result<(), ExtractError> {
        let mut servers = Vec::new();
        let mut errors = Vec::new();
        // Each row's text goes as soon as it is read.
        for raw in rows {
            match self.pick(&raw, rule) {
                Ok(server) => servers.extend(server),
                Err(error) => errors.push(error),
            }
        }
        let tables = self.tables(&mut servers, &source).await?;
        self.recall(&mut servers, &tables);
        self.emit(servers, tables, errors).await
    }

    /// Notes what is seen of the servers, and puts to them what was seen before.
    fn recall(&mut self, servers: &mut [Server], tables: &Tables) {
        let mut history = self.task.history();
        history.expect(servers.len());
        for server in servers {
            let Ok(id) = server.id.parse() else { continue };
            let mut sighting = sighting(id, server, tables, self.task.window.end);
            if sighting.life == Life::Ended
                && let Some(end) = self.corrected.remove(&id)
            {
                sighting.life = Life::EndedAt(end);
            }
            server.sizes = history.note(&sighting, self.task.window.end);
        }
    }

    fn pick(&mut self, raw: &RawValue, rule: Rule) -> Result<Option<Server>, ItemError> {
        let row = Row::parse("server", "id", raw)?;
        let id = server_id(&row)?;
        let seen = self.index.seen(id);
        if seen.unwrap_or_else(|| self.others.contains(&id)) {
            return Ok(None);
        }
        let warnings = &self.task.context.caches.warnings;
        let mut server = match server::read(&row, &self.task.project.id, warnings) {
            Ok(server) => server,
            Err(error) => {
                self.mark(id);
                let window = self.task.window;
                self.task.history().pass_over(id, window, PATIENCE);
                return Err(error);
            }
        };
        server.compute_usage = self.index.usage(id);
        let past = self.task.history().past(id);
        let correction = ending::correct(&mut server, past, self.task.window.end);
        let known = Known {
            named: seen.is_some(),
            reported: self.task.history().reported(id, self.task.window),
        };
        if !rule.takes(&server, known, self.task.window, self.continues) {
            return Ok(None);
        }
        self.mark(id);
        if let Some(correction) = correction {
            self.corrected.extend(correction.end().map(|end| (id, end)));
            if let Some(message) = correction.message(&server) {
                warnings.warn_once("host-clock", || message);
            }
        }
        Ok(Some(server))
    }

    pub(super) fn mark(&mut self, id: Uuid) {
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
        source: &Source,
    ) -> Result<Tables, ExtractError> {
        if servers.is_empty() {
            return Ok(Tables::default());
        }
        let context = self.task.context;
        let caches = &context.caches;
        let warnings = &caches.warnings;
        let ids = |of: fn(&Server) -> Option<&String>| -> BTreeSet<String> {
            servers.iter().filter_map(of).cloned().collect()
        };
        let mut flavor_ids = ids(|server| server.flavor_id.as_ref());
        let former_ids = self.former_flavors(servers);
        flavor_ids.extend(former_ids.iter().cloned());
        let image_ids = ids(|server| server.image_id.as_ref());
        let user_ids = ids(|server| server.user_id.as_ref());

        let flavors = caches
            .flavors
            .lookup(&self.nova, &flavor_ids, context.page_size, warnings)
            .await?;
        let mut gone: Vec<&mut Server> = servers
            .iter_mut()
            .filter(|server| {
                server
                    .flavor_id
                    .as_ref()
                    .is_some_and(|id| !flavors.contains_key(id))
            })
            .collect();
        if !gone.is_empty() {
            match source {
                Source::Page { list, query, count } => {
                    self.embed_flavors(&mut gone, *list, query, *count).await?;
                }
                Source::One(id) => self.embed_flavor(&mut gone, id).await?,
            }
        }
        let mut tables = Tables {
            flavors: flavors.values().map(|flavor| (**flavor).clone()).collect(),
            ..Tables::default()
        };
        self.keep_flavors(servers, &former_ids, &mut tables.flavors);
        tables.flavors.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        if self.references == References::Flavors {
            return Ok(tables);
        }
        let session = self.nova.session();
        let images = caches
            .images
            .lookup(session, &self.task.project.id, &image_ids, warnings)
            .await;
        let patience = context.patience(&self.task.project.id);
        let users = caches.users.lookup(session, &user_ids, patience, warnings);
        tables.users = users.await?;
        tables.images = images.values().map(|image| (**image).clone()).collect();
        tables.images.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        Ok(tables)
    }

    /// The flavors that servers of a page had before, as far as this window can be about them.
    fn former_flavors(&self, servers: &[Server]) -> BTreeSet<String> {
        let history = self.task.history();
        // A record of accelerators is of a whole month, however short the window.
        let since = self.task.window.start.saturating_sub(LONGEST_MONTH);
        let of_server = |server: &Server| {
            let had = server.id.parse().map(|id| history.flavors(id, since));
            let had = had.into_iter().flatten();
            let others = had.filter(|id| server.flavor_id.as_deref() != Some(id));
            others.map(str::to_owned).collect::<Vec<_>>()
        };
        servers.iter().flat_map(of_server).collect()
    }

    /// Keeps the flavors that were found, and the copies that servers have of those that are gone;
    /// adds the former ones that are gone as they last were.
    fn keep_flavors(&self, servers: &[Server], former: &BTreeSet<String>, found: &mut Vec<Flavor>) {
        let mut history = self.task.history();
        for flavor in &*found {
            history.keep_flavor(flavor);
        }
        for server in servers {
            if let (Some(id), Some(copy)) = (&server.flavor_id, &server.embedded_flavor) {
                history.keep_flavor(&Flavor {
                    id: id.clone(),
                    ..copy.clone()
                });
            }
        }
        let gone = |id: &&String| !found.iter().any(|flavor| flavor.id == **id);
        let kept = former.iter().filter(gone);
        let kept: Vec<Flavor> = kept
            .filter_map(|id| history.kept_flavor(id).cloned())
            .collect();
        found.extend(kept);
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
                self.embed(servers, &raw);
            }
        }
        Ok(())
    }

    /// The same for a server that was asked for alone.
    async fn embed_flavor(
        &mut self,
        servers: &mut [&mut Server],
        id: &str,
    ) -> Result<(), ExtractError> {
        if self.nova.offers(EMBEDDED_FLAVOR)
            && let Some(raw) = self.nova.server(id, Some(EMBEDDED_FLAVOR)).await?
        {
            self.embed(servers, &raw);
        }
        Ok(())
    }

    fn embed(&mut self, servers: &mut [&mut Server], raw: &RawValue) {
        let Ok(row) = Row::parse("server", "id", raw) else {
            return;
        };
        let Some(server) = servers.iter_mut().find(|server| server.id == row.id()) else {
            return;
        };
        match server::embedded_flavor(&row) {
            Ok(flavor) => server.embedded_flavor = flavor,
            Err(error) => self
                .task
                .context
                .caches
                .warnings
                .warn_once(&format!("embedded-flavor-{}", error.id), || {
                    error.to_string()
                }),
        }
    }
}

/// What a run whose window ends at `until` saw of a server, for the runs to come.
fn sighting<'a>(id: Uuid, server: &'a Server, tables: &Tables, until: i64) -> Sighting<'a> {
    let flavor = || {
        let id = server.flavor_id.as_ref()?;
        let known = tables.flavors.iter().find(|flavor| flavor.id == *id);
        known.or(server.embedded_flavor.as_ref())?.vcpus
    };
    let usage = server.compute_usage.as_ref();
    // One whose end lies behind the window is reported as running, and its end is still to be
    // reported.
    let ended = match ending::end(server) {
        Some(end) => end <= until,
        None => is_deleted(server) || (server.launched.is_none() && usage.is_none()),
    };
    let soft_deleted = server.vm_state.as_deref() == Some("soft-delete")
        || server.status.as_deref() == Some("SOFT_DELETED");
    Sighting {
        id,
        vcpus: usage.and_then(|usage| usage.vcpus).or_else(flavor),
        flavor: server.flavor_id.as_deref(),
        created: server.created,
        launched: server.launched,
        life: match server.updated {
            _ if ended => Life::Ended,
            Some(updated) if soft_deleted => Life::Hidden(updated),
            _ => Life::Alive,
        },
    }
}
