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
//! 5. Servers that must be somewhere are [looked for](search): on an ordinary day
//!    there are none.
//! 6. What then is left, Nova shows to nobody any more (a row deleted without
//!    the time of it): its usage entry is all there is, and is emitted as such.
//!
//! What earlier runs saw of a server goes with it (its sizes over time, until when it
//! was reported), and what this one sees is noted for the next.
//!
//! A server that turns up twice, because a list began anew or overlaps with
//! another one, counts once. Each list's page goes on as a page of ours; when
//! nothing is left unseen, no further page is asked for.

mod ending;
mod index;
mod leftover;
mod page;
mod search;
mod selection;
mod server;

#[cfg(test)]
mod clocks;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod remembering;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use serde_json::value::RawValue;
use uuid::Uuid;

use self::index::{UsageIndex, UsageRow};
use self::selection::Rule;
use super::fields::Row;
use super::{ExtractContext, ExtractError, ItemError, Page, PageSink, ProjectRef, Task};
use caso_base::Message;
use caso_model::usage::{Server, Tables, UsageItem};
use caso_openstack::ApiError;
use caso_openstack::nova::{Nova, ServerList};

/// How far Nova's clock may be behind ours: list 4 goes back to so many
/// seconds before the run began. What it misses nevertheless is still emitted
/// from its usage entry.
const CLOCKS_APART: i64 = 300;

/// How many seconds before a window that continues the last one the list of changed
/// servers goes back: a change may become visible some time after the moment that is
/// noted for it. What was reported already is left out.
pub const LATE: i64 = 900;

/// `[api]max_limit` as Nova ships it.
const USUAL_MAX_LIMIT: usize = 1000;

/// Which of the things that servers refer to are looked up with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum References {
    /// Flavors, images and users.
    All,
    /// Flavors alone: enough to know the servers, not whose they are.
    Flavors,
}

/// Reads a project's servers.
pub async fn extract(task: Task<'_>, sink: &mut dyn PageSink) -> Result<(), ExtractError> {
    read(task, References::All, sink).await
}

/// Reads a project's servers for an extractor that makes something of them.
pub async fn read(
    task: Task<'_>,
    references: References,
    sink: &mut dyn PageSink,
) -> Result<(), ExtractError> {
    let Task {
        context,
        project,
        window,
        ..
    } = task;
    let nova = open(context, project).await?;
    let reported_to = task.history().as_of();
    let mut extraction = Extraction {
        references,
        task,
        continues: reported_to.is_some_and(|end| window.start <= end && end < window.end),
        nova,
        index: UsageIndex::default(),
        others: HashSet::new(),
        corrected: HashMap::new(),
        no_cell_is_down: None,
        full_page: None,
        sink,
    };
    let outcome = extraction.run().await;
    context.caches.flavors.forget(&project.id).await;
    context.caches.images.forget(&project.id).await;
    outcome
}

/// Finds out what this Nova can.
async fn open(context: &ExtractContext, project: &ProjectRef) -> Result<Nova, ExtractError> {
    let (nova, unsaid) = Nova::open(context.session.clone(), &project.id).await?;
    if let Some(ApiError::NoMicroversions { detail, hint, .. }) = unsaid {
        context.caches.warnings.warn_once("nova-versions", || {
            Message::from(format!(
                "Nova does not say which microversions it has, so the oldest is used: {detail}"
            ))
            .hint(hint)
        });
    }
    Ok(nova)
}

/// One project and window, half-way.
struct Extraction<'a> {
    references: References,
    task: Task<'a>,
    /// The window goes on where the last one ended whose servers are remembered.
    continues: bool,
    nova: Nova,
    index: UsageIndex,
    /// Servers emitted that have no usage entry (they never ran).
    others: HashSet<Uuid>,
    /// Ends of servers of the present page that are to be remembered, see [`ending`].
    corrected: HashMap<Uuid, i64>,
    /// Whether Nova states that no cell is down, where it was asked.
    no_cell_is_down: Option<bool>,
    /// Rows of a page of servers that was not the last one, and so as full as
    /// Nova lets it be.
    full_page: Option<usize>,
    sink: &'a mut dyn PageSink,
}

impl Extraction<'_> {
    async fn run(&mut self) -> Result<(), ExtractError> {
        self.read_usage().await?;
        let since = if self.continues {
            self.task.window.start.saturating_sub(LATE)
        } else {
            self.task.window.start
        };
        self.read_servers(ServerList::ChangedSince(since), Rule::InWindow)
            .await?;
        // Without pages, the usage API may have left servers out, and only
        // their own times decide which belong to the window.
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
            let since = self
                .task
                .window
                .start
                .max(self.task.context.now - CLOCKS_APART);
            self.read_servers(ServerList::ChangedSince(since), rule)
                .await?;
        }
        if self.is_unsure() {
            self.search().await?;
        }
        if self.index.unseen() > 0 {
            self.emit_by_usage().await?;
        }
        Ok(())
    }

    fn usage_is_whole(&self) -> bool {
        self.nova.usage_has_pages()
    }

    /// Whether there may be servers that no list has shown yet.
    fn is_open(&self) -> bool {
        self.is_searching() || !self.usage_is_whole()
    }

    async fn read_usage(&mut self) -> Result<(), ExtractError> {
        let mut errors = Vec::new();
        let mut pager = self.nova.usage(
            self.task.window.start,
            self.task.window.end,
            self.task.context.page_size,
        );
        while let Some(page) = pager.next(self.nova.session()).await? {
            self.index.expect(page.rows.len());
            for raw in page.rows {
                match usage_row(&raw) {
                    Ok(row) => self.index.add(&row),
                    Err(error) => {
                        // The row is bad, the server may be well: its own row
                        // and its flavor have what is needed.
                        match Uuid::parse_str(&error.id) {
                            Ok(id) => {
                                self.index.add(&UsageRow::without_figures(id));
                                self.warn_of_figures(&error);
                            }
                            Err(_) => errors.push(error),
                        }
                    }
                }
            }
        }
        self.index.seal();
        self.emit(Vec::new(), Tables::default(), errors).await
    }

    async fn read_servers(&mut self, list: ServerList, rule: Rule) -> Result<(), ExtractError> {
        let all = rule == Rule::InWindow;
        if !all && !self.is_searching() {
            return Ok(());
        }
        let context = self.task.context;
        let session = self.nova.session().clone();
        let mut pager = self.nova.servers(list, context.page_size);
        let mut next = pager.next(&session).await?;
        while let Some(page) = next {
            if !page.last {
                self.full_page = Some(page.rows.len());
            }
            // Whatever this page has, there is more to look for on the next one.
            let is_sure = !page.last && (all || self.index.unseen() > page.rows.len());
            let work = self.emit_page(list, rule, page);
            next = if is_sure {
                context.with_next(work, pager.next(&session)).await?
            } else {
                work.await?;
                match all || self.is_searching() {
                    true => pager.next(&session).await?,
                    false => None,
                }
            };
        }
        Ok(())
    }

    async fn emit(
        &mut self,
        servers: Vec<Server>,
        tables: Tables,
        errors: Vec<ItemError>,
    ) -> Result<(), ExtractError> {
        if servers.is_empty() && errors.is_empty() {
            return Ok(());
        }
        let page = Page {
            tables,
            items: servers.into_iter().map(UsageItem::Server).collect(),
            errors,
            from: None,
        };
        self.sink.page(page).await
    }

    /// A notice, and no [`ItemError`]: it costs no record.
    fn warn_of_figures(&self, error: &ItemError) {
        tracing::info!("{error}: what its flavor gives is reported");
        let project = &self.task.project.id;
        let warnings = &self.task.context.caches.warnings;
        warnings.warn_once(&format!("usage-figures-{project}"), || {
            format!(
                "{error}: what its flavor gives is reported instead, also for other servers of project `{project}`"
            )
        });
    }

    fn warn_if_cut_off(&self) {
        let entries = self.index.len();
        if entries < USUAL_MAX_LIMIT && Some(entries) != self.full_page {
            return;
        }
        let project = &self.task.project.id;
        self.task.context
            .caches
            .warnings
            .warn_once(&format!("usage-cut-off-{project}"), || {
                format!(
                    "Nova's usage API gave exactly {entries} servers of project `{project}`, and before microversion 2.40 it does not say whether there are more: servers that it left out are found in the lists, with the sizes of their flavors"
                )
            });
    }
}

fn usage_row(raw: &RawValue) -> Result<UsageRow, ItemError> {
    UsageRow::read(&Row::parse("usage of server", "instance_id", raw)?)
}
