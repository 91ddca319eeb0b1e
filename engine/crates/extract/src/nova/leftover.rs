//! Servers that no list of Nova shows, told from their usage entries.

use super::index::UsageRow;
use super::{Extraction, empty_tables, usage_row};
use crate::ExtractError;
use caso_model::usage::Server;

impl Extraction<'_> {
    /// Tells the servers that only the usage API knows. Their names are not
    /// in the index, so the pages are read once more; who is not on them any
    /// more is told without a name.
    pub(super) async fn tell_by_usage(&mut self) -> Result<(), ExtractError> {
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
}
