//! Servers that no list of Nova shows, emitted from their usage entries.
//!
//! Such an entry is not all there is to say: of a server that was resized it has the last boot for a
//! beginning, and the last size alone. So one that was reported as alive waits until a list shows its
//! end, as no number may fall; one whose end was reported is left out; and one that is new and has an end already, of which the list
//! of changes was cut or late, is emitted and looked for in the next run.

use super::index::UsageRow;
use super::search::PATIENCE;
use super::{Extraction, usage_row};
use crate::ExtractError;
use caso_history::Reported;
use caso_model::usage::{Server, Tables};

impl Extraction<'_> {
    /// Emits the servers that only the usage API knows. Their names are not
    /// in the index, so the pages are read once more; one that has left them
    /// is emitted without a name.
    pub(super) async fn emit_by_usage(&mut self) -> Result<(), ExtractError> {
        let mut pager = self.nova.usage(
            self.task.window.start,
            self.task.window.end,
            self.task.context.page_size,
        );
        while self.index.unseen() > 0
            && let Some(page) = pager.next(self.nova.session()).await?
        {
            let mut servers = Vec::new();
            for raw in page.rows {
                // Odd rows were reported at the first reading.
                let Ok(row) = usage_row(&raw) else { continue };
                if self.index.seen(row.id) == Some(false) {
                    servers.extend(self.by_usage(row));
                }
            }
            self.emit(servers, Tables::default(), Vec::new()).await?;
        }
        let most = usize::try_from(self.task.context.page_size).unwrap_or(usize::MAX);
        while self.index.unseen() > 0 {
            let left: Vec<_> = self.index.unseen_servers().take(most).collect();
            let mut servers = Vec::new();
            for (id, usage) in left {
                servers.extend(self.by_usage(UsageRow {
                    id,
                    name: None,
                    usage,
                }));
            }
            self.emit(servers, Tables::default(), Vec::new()).await?;
        }
        Ok(())
    }

    fn by_usage(&mut self, row: UsageRow) -> Option<Server> {
        self.index.mark(row.id);
        let window = self.task.window;
        {
            let mut history = self.task.history();
            match history.reported(row.id, window) {
                Some(Reported::Alive) => return None,
                // Remembered for as long as the usage has it, which may be for ever.
                Some(Reported::Ended) => {
                    history.miss(row.id, window.end, PATIENCE);
                    return None;
                }
                None if row.usage.ended.is_none() => {}
                None => history.owe(row.id, window.start),
            }
        }
        Some(Server {
            id: row.id.to_string(),
            name: row.name,
            project_id: self.task.project.id.clone(),
            compute_usage: Some(row.usage),
            ..Server::default()
        })
    }
}
