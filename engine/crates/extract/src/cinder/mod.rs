//! Volumes: those that the project has now and had before the window ended.
//!
//! Cinder states of a volume that is there since when and how large it is, and
//! of one that was deleted nothing at all. So there is one list, read
//! from its first page to its last, and what was deleted since the last run is
//! accounted up to that run. How much of a volume's life lies in the window is
//! the mapper's business.
//!
//! A list that began anew, because the volume that ended a page was deleted
//! meanwhile, shows volumes twice. The ids of those emitted are kept: 16 bytes a
//! volume, and no page.

mod volume;

#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashSet};

use serde_json::value::RawValue;
use uuid::Uuid;

use super::fields::Row;
use super::{ExtractContext, ExtractError, ItemError, NoNames, Page, PageSink, Task};
use caso_model::Window;
use caso_model::usage::{Tables, UsageItem, Volume};
use caso_openstack::cinder;

/// Reads a project's volumes.
pub async fn extract(
    Task {
        context,
        project,
        window,
        ..
    }: Task<'_>,
    sink: &mut dyn PageSink,
) -> Result<(), ExtractError> {
    let mut selection = Selection {
        project: &project.id,
        window,
        seen: HashSet::new(),
    };
    let mut pager = cinder::volumes(&project.id, context.page_size);
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
    let mut volumes = Vec::new();
    let mut errors = Vec::new();
    for raw in rows {
        match selection.pick(&raw) {
            Ok(volume) => volumes.extend(volume),
            Err(error) => errors.push(error),
        }
    }
    if volumes.is_empty() && errors.is_empty() {
        return Ok(());
    }
    let page = Page {
        tables: owners(context, selection.project, &volumes).await?,
        items: volumes.into_iter().map(UsageItem::Volume).collect(),
        errors,
    };
    sink.page(page).await
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
    project: &'a str,
    window: Window,
    /// Also those that could not be read: an error is reported once, too.
    seen: HashSet<Uuid>,
}

impl Selection<'_> {
    fn pick(&mut self, raw: &RawValue) -> Result<Option<Volume>, ItemError> {
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
        let volume = volume::read(&row, self.project)?;
        // cASO reports these too, with a start behind their end.
        let later = |created| created > self.window.end;
        Ok((!volume.created.is_some_and(later)).then_some(volume))
    }
}
