//! A row of `volumes/detail` as the facts of a volume. Nothing is judged here.

use serde_json::Value;

use crate::ItemError;
use crate::fields::Row;
use caso_base::time::parse_timestamp;
use caso_model::Attribute;
use caso_model::usage::{Attachment, Volume};

/// Reads a volume as any Cinder shows it. It may have no name, and an API of
/// version 1 calls it `display_name`.
pub fn read(row: &Row<'_>, project_id: &str) -> Result<Volume, ItemError> {
    if let Some(owner) = row.text("os-vol-tenant-attr:tenant_id")?
        && owner != project_id
    {
        return Err(row.error(format!(
            "belongs to project `{owner}`, not to `{project_id}`"
        )));
    }
    let name = match row.text("name")? {
        Some(name) => Some(name),
        None => row.text("display_name")?,
    };
    Ok(Volume {
        id: row.id().to_owned(),
        name,
        project_id: project_id.to_owned(),
        // Of a row without an owner the APIs show an empty one.
        user_id: row.text("user_id")?.filter(|id| !id.is_empty()),
        status: row.text("status")?,
        volume_type: row.text("volume_type")?,
        size_gib: row.count("size")?,
        created: row.time("created_at")?,
        updated: row.time("updated_at")?,
        // Cinder does not show deleted volumes.
        deleted: None,
        attachments: attachments(row),
        metadata: row.written_by_users("metadata"),
        attributes: row
            .text("availability_zone")?
            .filter(|zone| !zone.is_empty())
            .map(|value| Attribute {
                name: "availability_zone".into(),
                value,
            })
            .into_iter()
            .collect(),
    })
}

/// Whether it is the copy that a migration makes of another volume, which is there as well and
/// takes its place. Cinder hides it from all but administrators: `cinder.volume.api.API.get_all`
/// filters by `migration_status`, which only they are shown.
pub fn is_target_of_a_migration(row: &Row<'_>) -> bool {
    let status = row.text("os-vol-mig-status-attr:migstat");
    matches!(status, Ok(Some(status)) if status.starts_with("target:"))
}

/// Where it is attached. No usage follows from it, so what cannot be read of
/// it is left out, and costs nothing: Cinder has shown `in-use` without any
/// attachment, and attachments without a time.
fn attachments(row: &Row<'_>) -> Vec<Attachment> {
    let listed = row.value("attachments");
    let listed = listed.as_ref().and_then(Value::as_array);
    let text = |entry: &Value, key: &str| entry.get(key)?.as_str().map(str::to_owned);
    listed
        .into_iter()
        .flatten()
        .filter(|entry| entry.is_object())
        .map(|entry| Attachment {
            server_id: text(entry, "server_id"),
            attached: text(entry, "attached_at").and_then(|time| parse_timestamp(&time)),
            attributes: Vec::new(),
        })
        .collect()
}
