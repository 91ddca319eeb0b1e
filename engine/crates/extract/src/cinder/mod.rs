//! Volumes: those that the project has now and had before the window ended.
//!
//! Cinder states of a volume that is there since when and how large it is, and
//! of one that was deleted nothing at all. So there is one list, read
//! from its first page to its last, and what was deleted since the last run is
//! accounted up to that run. How much of a volume's life lies in the window is
//! the mapper's business, and from when on it is this project's
//! what was remembered of it ([`caso_history::volumes`]): Cinder does not say where a volume was before.
//!
//! A list that began anew, because the volume that ended a page was deleted
//! meanwhile, shows volumes twice. The ids of those emitted are kept: 16 bytes a
//! volume, and no page.

mod volume;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::value::RawValue;
use uuid::Uuid;

use super::fields::Row;
use super::{ExtractContext, ExtractError, ItemError, NoNames, Page, PageSink, Task};
use caso_history::volumes::Shown;
use caso_model::usage::{Tables, UsageItem, Volume};
use caso_openstack::cinder;

/// Reads a project's volumes.
pub async fn extract(task: Task<'_>, sink: &mut dyn PageSink) -> Result<(), ExtractError> {
    let context = task.context;
    let mut selection = Selection {
        task,
        seen: HashSet::new(),
    };
    let mut pager = cinder::volumes(&task.project.id, context.page_size);
    let mut next = pager.next(&context.session).await?;
    while let Some(page) = next {
        let work = emit(context, &mut selection, page.rows, &mut *sink);
        next = context
            .with_next(work, pager.next(&context.session))
            .await?;
    }
    Ok(())
}

async fn emit(
    context: &ExtractContext,
    selection: &mut Selection<'_>,
    rows: Vec<Box<RawValue>>,
    sink: &mut dyn PageSink,
) -> Result<(), ExtractError> {
    // Nearly always all from the start of the window.
    let mut volumes: BTreeMap<i64, Vec<Volume>> = BTreeMap::new();
    let mut errors = Vec::new();
    for raw in rows {
        match selection.pick(&raw) {
            Ok(Some((from, volume))) => volumes.entry(from).or_default().push(volume),
            Ok(None) => {}
            Err(error) => errors.push(error),
        }
    }
    if volumes.is_empty() && !errors.is_empty() {
        volumes.insert(selection.task.window.start, Vec::new());
    }
    for (from, volumes) in volumes {
        let page = Page {
            tables: owners(context, &selection.task.project.id, &volumes).await?,
            items: volumes.into_iter().map(UsageItem::Volume).collect(),
            errors: std::mem::take(&mut errors),
            from: Some(from).filter(|from| *from != selection.task.window.start),
        };
        sink.page(page).await?;
    }
    Ok(())
}

/// The names of the volumes' owners; nothing else of a volume is looked up.
async fn owners(
    context: &ExtractContext,
    project: &str,
    volumes: &[Volume],
) -> Result<Tables, NoNames> {
    let ids: BTreeSet<String> = volumes
        .iter()
        .filter_map(|volume| volume.user_id.clone())
        .collect();
    let caches = &context.caches;
    let session = &context.session;
    let patience = context.patience(project);
    let users = caches
        .users
        .lookup(session, &ids, patience, &caches.warnings);
    Ok(Tables {
        users: users.await?,
        ..Tables::default()
    })
}

/// Which rows are emitted.
struct Selection<'a> {
    task: Task<'a>,
    /// Also those that could not be read: an error is reported once, too.
    seen: HashSet<Uuid>,
}

impl Selection<'_> {
    /// A volume, and from when on it is accounted, in epoch seconds.
    fn pick(&mut self, raw: &RawValue) -> Result<Option<(i64, Volume)>, ItemError> {
        let row = Row::parse("volume", "id", raw)?;
        let id: Uuid = row
            .id()
            .parse()
            .map_err(|_| row.error("its id is not a UUID".into()))?;
        if !self.seen.insert(id) {
            return Ok(None);
        }
        if volume::is_target_of_a_migration(&row) {
            return Ok(None);
        }
        let volume =
            volume::read(&row, &self.task.project.id).inspect_err(|_| self.task.unreadable(id))?;
        // cASO reports these too, with a start behind their end.
        if volume.created > Some(self.task.window.end) {
            return Ok(None);
        }
        let from = self.task.from(Shown {
            id,
            created: volume.created,
            updated: volume.updated,
        });
        Ok(from.map(|from| (from, volume)))
    }
}
