//! The storage record of a volume (StAR): how much it held in the window, from when to when.
//!
//! Unlike a cloud record, it is of the window alone: consumers add up the intervals.
//!
//! An interval that crosses a month's end is not divided. APEL keeps every interval with both
//! its ends and books it to no month (`schemas/storage.sql`), and what a volume holds is the
//! same all along it, so that a reader can cut it at any second. And where a site has
//! `star_record_id = volume`, the second of two records would replace the first at APEL.

use caso_component::records::{AccountingRecord, Head, StorageRecord};
use caso_component::types::Attribute;

use crate::identity;
use crate::page::Page;
use crate::usage::Volume;

const BYTES_PER_GIB: u64 = 1 << 30;

/// Maps a volume; no records when it did not exist in the window.
///
/// # Errors
/// Why it cannot be accounted: an id that is not a UUID, no size, no time of creation.
pub fn map(page: &Page, volume: &Volume) -> Result<Vec<AccountingRecord>, String> {
    let context = page.context;
    let window = context.window;
    let volume_id = identity::canonical_uuid(&volume.id)?;
    let created = volume
        .created
        .ok_or_else(|| format!("volume `{volume_id}` has no `created_at`"))?;
    let gib = volume
        .size_gib
        .ok_or_else(|| format!("volume `{volume_id}` has no `size`"))?;
    let capacity_bytes = gib
        .checked_mul(BYTES_PER_GIB)
        .ok_or_else(|| format!("volume `{volume_id}`: the size of {gib} GiB is out of range"))?;
    let start = created.max(window.start);
    let end = volume
        .deleted
        .map_or(window.end, |deleted| deleted.min(window.end));
    if end <= start {
        return Ok(Vec::new());
    }
    // The id is StAR's key. Each interval needs its own, or a later interval of a volume
    // would replace an earlier one.
    let id = format!("storage:{volume_id}:{start}:{end}");
    Ok(vec![AccountingRecord::Storage(StorageRecord {
        head: Head {
            supersedes: id.clone(),
            id,
            measured_at: end,
            attributes: facts(volume, start, end),
        },
        volume_id,
        storage_system: context.service_name.clone(),
        site_name: context.site_name.clone(),
        cloud_type: context.cloud_type.clone(),
        create_time: context.now,
        start,
        end,
        capacity_bytes,
        logical_capacity_bytes: None,
        allocated_bytes: None,
        storage_share: None,
        storage_media: None,
        storage_class: None,
        file_count: None,
        directory_path: None,
        local_user: volume.user_id.clone(),
        local_group: Some(volume.project_id.clone()),
        user_identity: page.user_name(volume.user_id.as_deref()),
        group: Some(context.vo.clone()),
        sub_group: None,
        role: None,
    })])
}

/// What StAR has no field for, but cASO's own shape of the record has. A volume that is
/// shared by several servers counts as attached to all of them, since the first.
fn facts(volume: &Volume, start: i64, end: i64) -> Vec<Attribute> {
    let servers: Vec<&str> = volume
        .attachments
        .iter()
        .filter_map(|attachment| attachment.server_id.as_deref())
        .collect();
    let attached_seconds = volume
        .attachments
        .iter()
        .filter_map(|attachment| attachment.attached)
        .min()
        .map(|since| end.saturating_sub(since.max(start)).max(0).to_string());
    [
        ("name", volume.name.clone()),
        ("status", volume.status.clone()),
        ("type", Some("Block Storage (cinder)".to_owned())),
        ("created", volume.created.map(|time| time.to_string())),
        (
            "attached_to",
            (!servers.is_empty()).then(|| servers.join(",")),
        ),
        ("attached_seconds", attached_seconds),
    ]
    .into_iter()
    .filter_map(|(name, value)| {
        Some(Attribute {
            name: name.to_owned(),
            value: value?,
        })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;
    use crate::samples;
    use crate::usage::UsageItem;
    use crate::{Outcome, map as map_page};

    fn map(volume: Volume) -> Result<Option<StorageRecord>, String> {
        let outcomes = map_page(
            &Policy::default(),
            &samples::context(),
            &samples::tables(),
            &[UsageItem::Volume(volume)],
        );
        match outcomes.into_iter().next() {
            Some(Outcome::Records(records)) => {
                Ok(records.into_iter().next().map(|record| match record {
                    AccountingRecord::Storage(record) => record,
                    other => panic!("{other:?}"),
                }))
            }
            Some(Outcome::Refused(reason)) => Err(reason),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn interval_is_cut_to_the_window() {
        let record = map(samples::volume()).unwrap().unwrap();
        assert_eq!((record.start, record.end), (1_000, 2_000));
        assert_eq!(record.create_time, 2_500);
        assert_eq!(record.capacity_bytes, 107_374_182_400);
        assert_eq!(record.user_identity.as_deref(), Some("alice"));

        let mut volume = samples::volume();
        volume.created = Some(1_400);
        volume.deleted = Some(1_500);
        let record = map(volume).unwrap().unwrap();
        assert_eq!((record.start, record.end), (1_400, 1_500));
    }

    #[test]
    fn intervals_of_a_volume_have_ids_of_their_own() {
        let whole = map(samples::volume()).unwrap().unwrap();
        let mut volume = samples::volume();
        volume.deleted = Some(1_500);
        let shorter = map(volume).unwrap().unwrap();
        assert_ne!(whole.head.id, shorter.head.id);
    }

    #[test]
    fn outside_the_window_there_is_nothing() {
        let mut volume = samples::volume();
        volume.created = Some(2_000);
        assert_eq!(map(volume.clone()), Ok(None));
        volume.created = Some(500);
        volume.deleted = Some(900);
        assert_eq!(map(volume), Ok(None));
    }

    #[test]
    fn nameless_volume_without_attachment_is_one_like_others() {
        let mut volume = samples::volume();
        volume.name = None;
        volume.status = Some("in-use".into());
        assert!(map(volume).unwrap().is_some());
    }

    #[test]
    fn a_volume_of_several_servers_names_them_all() {
        let fact = |volume: &Volume, name: &str| {
            let facts = facts(volume, 1_000, 2_000);
            let found = facts.into_iter().find(|fact| fact.name == name);
            found.map(|fact| fact.value)
        };
        let attachment = |server: Option<&str>, attached| crate::usage::Attachment {
            server_id: server.map(str::to_owned),
            attached,
            attributes: Vec::new(),
        };
        let mut volume = samples::volume();
        volume.attachments = vec![
            attachment(Some("s1"), Some(1_700)),
            attachment(None, None),
            attachment(Some("s2"), Some(1_600)),
        ];
        assert_eq!(fact(&volume, "attached_to").as_deref(), Some("s1,s2"));
        assert_eq!(fact(&volume, "attached_seconds").as_deref(), Some("400"));
        // Attached before the window: for all of it.
        volume.attachments = vec![attachment(Some("s1"), Some(10))];
        assert_eq!(fact(&volume, "attached_seconds").as_deref(), Some("1000"));
        volume.attachments = vec![attachment(Some("s1"), None)];
        assert_eq!(fact(&volume, "attached_to").as_deref(), Some("s1"));
        assert_eq!(fact(&volume, "attached_seconds"), None);
        volume.attachments.clear();
        assert_eq!(fact(&volume, "attached_to"), None);
    }

    #[test]
    fn times_are_seconds_of_utc_and_end_with_the_window() {
        // Defect 41: cASO uses the local time of the run as the end.
        let record = map(samples::volume()).unwrap().unwrap();
        assert_eq!((record.end, record.head.measured_at), (2_000, 2_000));
        assert!(record.create_time > record.end);
    }

    #[test]
    fn missing_facts_are_named() {
        let mut volume = samples::volume();
        volume.size_gib = None;
        assert!(map(volume).unwrap_err().contains("has no `size`"));
        let mut volume = samples::volume();
        volume.created = None;
        assert!(map(volume).unwrap_err().contains("has no `created_at`"));
    }
}
