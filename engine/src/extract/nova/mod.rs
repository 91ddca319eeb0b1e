//! Servers. Which of them were there in the window, and what they used.
//!
//! No list of Nova says it alone, and asking for single servers costs a
//! request each, so several lists are laid side by side:
//!
//! 1. os-simple-tenant-usage, for the window: who was up. Kept as an
//!    [index](index::UsageIndex), not as pages.
//! 2. Servers changed since the window began, deleted ones too. A server that
//!    came, went or changed is here.
//! 3. The servers of now, if the index still names some: they run unchanged.
//! 4. Servers changed since the run began, if it still does: those that were
//!    deleted while we read the lists before.
//! 5. What then is left, Nova shows to nobody any more (a row deleted without
//!    the time of it): its usage entry is all there is, and is told as such.
//!
//! A server that turns up twice, because a list began anew or overlaps with
//! another one, counts once. Each list's page goes on as a page of ours; when
//! nothing is left unseen, no further page is asked for.

mod index;
mod selection;
mod server;

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashSet};

use serde_json::value::RawValue;
use uuid::Uuid;

use self::index::{UsageIndex, UsageRow, server_id};
use self::selection::Rule;
use super::fields::Row;
use super::{ExtractContext, ExtractError, Extracted, ItemError, Page, PageSink, ProjectRef};
use crate::model::Window;
use crate::model::usage::{Server, Tables, UsageItem};
use crate::openstack::nova::{EMBEDDED_FLAVOR, Nova, ServerList};
use crate::openstack::pages::{FetchedPage, PageError, Query};
use crate::openstack::{ApiError, Microversion, MicroversionRange, Scope, Service};

/// How far Nova's clock may be behind ours: list 4 goes back to so many
/// seconds before the run began. What it misses nevertheless is still told
/// from its usage entry.
const CLOCKS_APART: i64 = 300;

/// `[api]max_limit` as Nova ships it.
const USUAL_MAX_LIMIT: usize = 1000;

/// Reads a project's servers.
pub async fn extract(
    context: &ExtractContext,
    project: &ProjectRef,
    window: Window,
    sink: &mut dyn PageSink,
) -> Result<Extracted, ExtractError> {
    let nova = open(context, project).await?;
    let mut extraction = Extraction {
        context,
        project,
        window,
        nova,
        index: UsageIndex::default(),
        others: HashSet::new(),
        full_page: None,
        sink,
        done: Extracted::default(),
    };
    let outcome = extraction.run().await;
    context.caches.flavors.forget(&project.id).await;
    context.caches.images.forget(&project.id).await;
    outcome.map(|()| extraction.done)
}

/// Finds out what this Nova can. One that does not say is taken for the
/// oldest: everything then still works, with more requests.
async fn open(context: &ExtractContext, project: &ProjectRef) -> Result<Nova, ExtractError> {
    const OLDEST: Microversion = Microversion::new(2, 1);
    let scope = Scope::Project(project.id.clone());
    let offered = match context
        .session
        .microversions(&scope, Service::Compute)
        .await
    {
        Ok(offered) => offered,
        Err(error) if is_about_document(&error) => {
            context.caches.warnings.once("nova-versions", || {
                format!(
                    "Nova does not say which microversions it has, so the oldest is used: {error}"
                )
            });
            MicroversionRange {
                min: OLDEST,
                max: OLDEST,
            }
        }
        Err(error) => return Err(error.into()),
    };
    Ok(Nova::new(context.session.clone(), &project.id, offered))
}

fn is_about_document(error: &ApiError) -> bool {
    !error.is_outage()
        && matches!(
            error,
            ApiError::NotJson { .. }
                | ApiError::Shape { .. }
                | ApiError::NotFound { .. }
                | ApiError::Forbidden { .. }
                | ApiError::Unauthorized { .. }
                | ApiError::Status { .. }
                | ApiError::Redirect { .. }
                | ApiError::BadUrl { .. }
        )
}

/// One project and window, half-way.
struct Extraction<'a> {
    context: &'a ExtractContext,
    project: &'a ProjectRef,
    window: Window,
    nova: Nova,
    index: UsageIndex,
    /// Servers told that have no usage entry (they never ran).
    others: HashSet<Uuid>,
    /// Rows of a page of servers that was not the last one, and so as full as
    /// Nova lets it be.
    full_page: Option<usize>,
    sink: &'a mut dyn PageSink,
    done: Extracted,
}

impl Extraction<'_> {
    async fn run(&mut self) -> Result<(), ExtractError> {
        self.read_usage().await?;
        self.read_servers(ServerList::ChangedSince(self.window.start), Rule::InWindow)
            .await?;
        // Without pages, the usage API may have left servers out, and only
        // their own times tell which belong to the window.
        let rule = if self.usage_is_whole() {
            Rule::Named
        } else {
            self.warn_if_cut_off();
            Rule::InWindow
        };
        if self.is_open() {
            self.read_servers(ServerList::Current, rule).await?;
        }
        if self.is_open() {
            let since = self.window.start.max(self.context.now - CLOCKS_APART);
            self.read_servers(ServerList::ChangedSince(since), rule)
                .await?;
        }
        if self.index.unseen() > 0 {
            self.tell_by_usage().await?;
        }
        Ok(())
    }

    fn usage_is_whole(&self) -> bool {
        self.nova.usage_has_pages()
    }

    /// Whether there may be servers that no list has shown yet.
    fn is_open(&self) -> bool {
        self.index.unseen() > 0 || !self.usage_is_whole()
    }

    async fn read_usage(&mut self) -> Result<(), ExtractError> {
        let mut errors = Vec::new();
        let mut pager = self
            .nova
            .usage(self.window.start, self.window.end, self.context.page_size);
        while let Some(page) = pager.next(self.nova.session()).await? {
            self.index.expect(page.rows.len());
            for raw in page.rows {
                match usage_row(&raw) {
                    Ok(row) => self.index.add(&row),
                    Err(error) => errors.push(error),
                }
            }
        }
        self.index.seal();
        self.tell(Vec::new(), empty_tables(), errors).await
    }

    async fn read_servers(&mut self, list: ServerList, rule: Rule) -> Result<(), ExtractError> {
        let all = rule == Rule::InWindow;
        let mut pager = self.nova.servers(list, self.context.page_size);
        while (all || self.index.unseen() > 0)
            && let Some(page) = pager.next(self.nova.session()).await?
        {
            if !page.last {
                self.full_page = Some(page.rows.len());
            }
            self.tell_page(list, rule, page).await?;
        }
        Ok(())
    }

    /// Picks the servers of a page that belong to the window and were not
    /// told before, and tells them.
    async fn tell_page(
        &mut self,
        list: ServerList,
        rule: Rule,
        page: FetchedPage,
    ) -> Result<(), ExtractError> {
        let FetchedPage { rows, query, .. } = page;
        let mut servers = Vec::new();
        let mut errors = Vec::new();
        for raw in &rows {
            match self.pick(raw, rule) {
                Ok(server) => servers.extend(server),
                Err(error) => errors.push(error),
            }
        }
        let rows = rows.len();
        let tables = self.tables(&mut servers, list, &query, rows).await?;
        self.tell(servers, tables, errors).await
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
    async fn tables(
        &mut self,
        servers: &mut [Server],
        list: ServerList,
        query: &Query,
        rows: usize,
    ) -> Result<Tables, ExtractError> {
        if servers.is_empty() {
            return Ok(empty_tables());
        }
        let caches = &self.context.caches;
        let warnings = &caches.warnings;
        let ids = |of: fn(&Server) -> Option<&String>| -> BTreeSet<String> {
            servers.iter().filter_map(of).cloned().collect()
        };
        let flavor_ids = ids(|server| server.flavor_id.as_ref());
        let image_ids = ids(|server| server.image_id.as_ref());
        let user_ids = ids(|server| server.user_id.as_ref());

        let flavors = caches
            .flavors
            .lookup(&self.nova, &flavor_ids, self.context.page_size, warnings)
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
        let session = self.nova.session();
        let images = caches
            .images
            .lookup(session, &self.project.id, &image_ids, warnings)
            .await;
        let users = caches.users.lookup(session, &user_ids, warnings).await;
        let mut tables = Tables {
            flavors: flavors.values().map(|flavor| (**flavor).clone()).collect(),
            images: images.values().map(|image| (**image).clone()).collect(),
            users,
        };
        tables.flavors.sort_unstable_by(|a, b| a.id.cmp(&b.id));
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
                // The page's marker has just gone: the usage API still tells
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
                        .once(&format!("embedded-flavor-{}", error.id), || {
                            error.to_string()
                        }),
                }
            }
        }
        Ok(())
    }

    /// Tells the servers that only the usage API knows. Their names are not
    /// in the index, so the pages are read once more; who is not on them any
    /// more is told without a name.
    async fn tell_by_usage(&mut self) -> Result<(), ExtractError> {
        let mut pager = self
            .nova
            .usage(self.window.start, self.window.end, self.context.page_size);
        while self.index.unseen() > 0
            && let Some(page) = pager.next(self.nova.session()).await?
        {
            let mut servers = Vec::new();
            for raw in page.rows {
                // Odd rows were reported at the first reading.
                let Ok(row) = usage_row(&raw) else { continue };
                if self.index.seen(row.id) == Some(false) {
                    self.index.mark(row.id);
                    servers.push(self.by_usage(row));
                }
            }
            self.tell(servers, empty_tables(), Vec::new()).await?;
        }
        let most = usize::try_from(self.context.page_size).unwrap_or(usize::MAX);
        while self.index.unseen() > 0 {
            let left: Vec<_> = self.index.unseen_servers().take(most).collect();
            let mut servers = Vec::new();
            for (id, usage) in left {
                self.index.mark(id);
                servers.push(self.by_usage(UsageRow {
                    id,
                    name: None,
                    usage,
                }));
            }
            self.tell(servers, empty_tables(), Vec::new()).await?;
        }
        Ok(())
    }

    fn by_usage(&self, row: UsageRow) -> Server {
        Server {
            id: row.id.to_string(),
            name: row.name,
            project_id: self.project.id.clone(),
            user_id: None,
            status: None,
            vm_state: None,
            task_state: None,
            created: None,
            launched: None,
            terminated: None,
            updated: None,
            image_id: None,
            flavor_id: None,
            embedded_flavor: None,
            addresses: None,
            compute_usage: Some(row.usage),
            counters: None,
            attributes: Vec::new(),
        }
    }

    async fn tell(
        &mut self,
        servers: Vec<Server>,
        tables: Tables,
        errors: Vec<ItemError>,
    ) -> Result<(), ExtractError> {
        if servers.is_empty() && errors.is_empty() {
            return Ok(());
        }
        self.done.pages += 1;
        self.done.items += servers.len() as u64;
        self.done.errors += errors.len() as u64;
        let page = Page {
            tables,
            items: servers.into_iter().map(UsageItem::Server).collect(),
            errors,
        };
        self.sink.page(page).await.map_err(ExtractError::Sink)
    }

    fn warn_if_cut_off(&self) {
        let entries = self.index.len();
        if entries < USUAL_MAX_LIMIT && Some(entries) != self.full_page {
            return;
        }
        let project = &self.project.id;
        self.context
            .caches
            .warnings
            .once(&format!("usage-cut-off-{project}"), || {
                format!(
                    "Nova's usage API gave exactly {entries} servers of project `{project}`, and before microversion 2.40 it does not say whether there are more; servers that it left out are found in the lists, with the sizes of their flavors"
                )
            });
    }
}

fn usage_row(raw: &RawValue) -> Result<UsageRow, ItemError> {
    UsageRow::read(&Row::parse("usage of server", "instance_id", raw)?)
}

fn empty_tables() -> Tables {
    Tables {
        flavors: Vec::new(),
        images: Vec::new(),
        users: Vec::new(),
    }
}
