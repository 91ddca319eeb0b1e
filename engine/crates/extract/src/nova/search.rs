//! Servers that must be somewhere, and were in none of the lists so far.
//!
//! Two kinds: those that the usage API names (a soft-deleted one stands in the usage,
//! and in no list of what is there), and those that the last window reported as alive
//! and this one has not seen. Of the latter, most ended in a way that the changed
//! list does not show: their change became visible after it was noted, or was noted by
//! a clock that is behind. They are looked for, in this order:
//!
//! 1. among the servers in cells that are down: then no list is whole, and the window
//!    must wait;
//! 2. in the list of servers changed since a good while before;
//! 3. one by one. Nova gives a soft-deleted one, and answers with an error for one whose
//!    cell is away, and for one whose row is broken: that one costs itself alone.
//!
//! On an ordinary day there are none, and nothing of this is asked. But a window that
//! does not go on where the last one ended, such as the first one of a project or that of
//! a month that is published again, misses nobody: there Nova is asked for its cells.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::Extraction;
use super::page::Source;
use super::selection::Rule;
use crate::{ExtractError, ItemError};
use caso_base::time::format_utc;
use caso_model::usage::Tables;
use caso_openstack::nova::{DOWN_CELLS, ServerList};
use caso_openstack::{ApiError, Service};

/// How many seconds before the end of a window Nova may have noted a change that was
/// not visible then: clocks of hosts that are apart, databases that lag behind.
pub const APART: i64 = 3600;

/// For how many seconds a server that the cloud shows nowhere is looked for.
pub(super) const PATIENCE: i64 = 7 * 86_400;

impl Extraction<'_> {
    /// Whether there are servers to look for.
    pub(super) fn is_searching(&self) -> bool {
        self.index.unseen() > 0 || self.task.history().misses_any()
    }

    /// Whether Nova states that it shows all there is; false for one that does not answer this.
    /// It is asked for each server alone, and answers with an error for one whose cell is away;
    /// so is a recording that was made before this was asked.
    ///
    /// # Errors
    /// A cell is down.
    async fn no_cell_is_down(&mut self) -> Result<bool, ExtractError> {
        if let Some(known) = self.no_cell_is_down {
            return Ok(known);
        }
        let known = match self.nova.servers_in_down_cells().await {
            Ok(down) => match down.first() {
                None => self.nova.offers(DOWN_CELLS),
                Some(example) => {
                    return Err(ExtractError::CellDown {
                        example: format!("`{example}`"),
                    });
                }
            },
            Err(error)
                if error.is_refusal_of(Service::Compute)
                    || matches!(error, ApiError::Unrecorded { .. }) =>
            {
                tracing::info!("Nova does not say which cells are down: {error}");
                false
            }
            Err(error) => return Err(error.into()),
        };
        self.no_cell_is_down = Some(known);
        Ok(known)
    }

    /// Whether Nova has to be asked for more than its lists.
    pub(super) fn is_unsure(&self) -> bool {
        !self.continues || self.is_searching()
    }

    /// Looks for them. What is found nowhere is left to the usage entries, or
    /// remembered as missing.
    pub(super) async fn search(&mut self) -> Result<(), ExtractError> {
        if !self.continues || self.task.history().misses_any() {
            self.no_cell_is_down().await?;
        }
        let since = self.task.history().changed_since(APART);
        if let Some(since) = since {
            self.read_servers(ServerList::ChangedSince(since), Rule::Named)
                .await?;
        }
        // One whose usage has an end is gone, and its entry says all there is to say.
        let unseen = self.index.unseen_servers();
        let there = unseen.filter(|(_, usage)| usage.ended.is_none());
        let left: BTreeSet<Uuid> = {
            let history = self.task.history();
            let named = there.map(|(id, _)| id);
            let named = named.filter(|id| !history.is_nowhere(*id));
            named.chain(history.missing()).collect()
        };
        for id in left {
            self.search_one(id).await?;
        }
        Ok(())
    }

    async fn search_one(&mut self, id: Uuid) -> Result<(), ExtractError> {
        let text = id.to_string();
        let found = match self.nova.server(&text, None).await {
            Err(error @ ApiError::Status { status: 500, .. }) => {
                return self.failed(id, &error).await;
            }
            found => found?,
        };
        if let Some(row) = found {
            return self
                .emit_rows(vec![row], Rule::Named, Source::One(text))
                .await;
        }
        let window = self.task.window;
        let gone = self.task.history().miss(id, window.end, PATIENCE);
        if let Some(alive) = gone {
            let project = &self.task.project.id;
            self.task
                .context
                .caches
                .warnings
                .warn_once(&format!("server-nowhere-{text}"), || {
                    format!(
                        "server `{text}` of project `{project}` was there at {}, and is gone from Nova: its end is not reported until a list shows it",
                        format_utc(alive)
                    )
                });
        }
        Ok(())
    }

    /// Nova answers with status 500 for a server. So it does where its cell is away, and the
    /// window waits: of a cell in which this project has deleted servers alone no list shows that
    /// it is down. But so it does for one whose row is broken, too, for ever, and such a one must
    /// not cost its project every window.
    async fn failed(&mut self, id: Uuid, error: &ApiError) -> Result<(), ExtractError> {
        let window = self.task.window;
        if may_be_its_cell(error) || !self.no_cell_is_down().await? {
            let seen = self.task.history().last_seen(id).unwrap_or(window.start);
            if window.end.saturating_sub(seen) <= PATIENCE {
                return Err(ExtractError::CellDown {
                    example: format!("`{id}`, for which it answers with status 500"),
                });
            }
        }
        self.mark(id);
        self.task.history().pass_over(id, window, PATIENCE);
        let error = ItemError {
            kind: "server",
            id: id.to_string(),
            reason: format!("{error}, though no other sign shows that a cell is down"),
        };
        self.emit(Vec::new(), Tables::default(), vec![error]).await
    }
}

/// Whether Nova fails as it does where the cell of a server is away
/// (`nova.compute.api.API._get_instance_from_cell`): it says so, or which exception that is.
fn may_be_its_cell(error: &ApiError) -> bool {
    let ApiError::Status { message, .. } = error else {
        return false;
    };
    let words = ["is not responding", "nova.exception.NovaException"];
    words.iter().any(|words| message.contains(words))
}
