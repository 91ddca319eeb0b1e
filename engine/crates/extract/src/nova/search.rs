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
//!    cell is away.
//!
//! On an ordinary day there are none, and nothing of this is asked. But a window that
//! does not go on where the last one ended, such as the first one of a project or that of
//! a month that is published again, misses nobody: there Nova is asked for its cells.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::Extraction;
use super::page::Source;
use super::selection::Rule;
use crate::ExtractError;
use caso_base::time::format_utc;
use caso_openstack::nova::ServerList;
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

    /// Whether Nova shows all there is. One that does not answer this is asked for each
    /// server alone, and says it then; so is a recording that was made before this was
    /// asked.
    async fn check_cells(&mut self) -> Result<(), ExtractError> {
        match self.nova.servers_in_down_cells().await {
            Ok(down) => match down.first() {
                None => Ok(()),
                Some(example) => Err(ExtractError::CellDown {
                    example: format!("`{example}`"),
                }),
            },
            Err(error)
                if error.is_refusal_of(Service::Compute)
                    || matches!(error, ApiError::Unrecorded { .. }) =>
            {
                tracing::info!("Nova does not say which cells are down: {error}");
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whether Nova has to be asked for more than its lists.
    pub(super) fn is_unsure(&self) -> bool {
        !self.continues || self.is_searching()
    }

    /// Looks for them. What is found nowhere is left to the usage entries, or
    /// remembered as missing.
    pub(super) async fn search(&mut self) -> Result<(), ExtractError> {
        if !self.continues || self.task.history().misses_any() {
            self.check_cells().await?;
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
            // So answers a Nova for a server whose cell is away.
            Err(ApiError::Status { status: 500, .. }) => {
                return Err(ExtractError::CellDown {
                    example: format!("`{text}`, for which it answers with status 500"),
                });
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
}
