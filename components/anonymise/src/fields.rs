//! The fields of records that may say who somebody is, by the contract's names.

use caso_component::records::{AccountingRecord, Head, RecordList};

/// The records of a list, one by one.
pub fn each(list: RecordList) -> Vec<AccountingRecord> {
    macro_rules! each {
        ($records:expr, $case:ident) => {
            $records.into_iter().map(AccountingRecord::$case).collect()
        };
    }
    match list {
        RecordList::Cloud(records) => each!(records, Cloud),
        RecordList::Ip(records) => each!(records, Ip),
        RecordList::Accelerator(records) => each!(records, Accelerator),
        RecordList::Storage(records) => each!(records, Storage),
        RecordList::Energy(records) => each!(records, Energy),
        RecordList::Other(records) => each!(records, Other),
    }
}

/// Changes the fields of these names, and attributes of the head. A field that must be there
/// becomes empty where there is nothing in its place.
pub fn change(
    record: &mut AccountingRecord,
    names: &[String],
    change: &dyn Fn(&str) -> Option<String>,
) {
    let named = |name: &str| names.iter().any(|known| known == name);
    attributes(head(record), names, change);
    let maybe = |fields: &mut [(&str, &mut Option<String>)]| {
        for (name, field) in fields {
            if named(name)
                && let Some(value) = field.as_deref()
            {
                **field = change(value);
            }
        }
    };
    let must = |fields: &mut [(&str, &mut String)]| {
        for (name, field) in fields {
            if named(name) {
                **field = change(field).unwrap_or_default();
            }
        }
    };
    match record {
        AccountingRecord::Cloud(record) => {
            maybe(&mut [
                ("local-user-id", &mut record.local_user_id),
                ("global-user-name", &mut record.global_user_name),
                ("image-id", &mut record.image_id),
            ]);
            must(&mut [
                ("machine-name", &mut record.machine_name),
                ("local-group-id", &mut record.local_group_id),
                ("fqan", &mut record.fqan),
            ]);
        }
        AccountingRecord::Ip(record) => {
            maybe(&mut [
                ("local-user", &mut record.local_user),
                ("global-user-name", &mut record.global_user_name),
            ]);
            must(&mut [
                ("local-group", &mut record.local_group),
                ("fqan", &mut record.fqan),
            ]);
        }
        AccountingRecord::Accelerator(record) => {
            maybe(&mut [("global-user-name", &mut record.global_user_name)]);
            must(&mut [("fqan", &mut record.fqan)]);
        }
        AccountingRecord::Storage(record) => {
            maybe(&mut [
                ("local-user", &mut record.local_user),
                ("local-group", &mut record.local_group),
                ("user-identity", &mut record.user_identity),
                ("group", &mut record.group),
                ("sub-group", &mut record.sub_group),
                ("directory-path", &mut record.directory_path),
            ]);
        }
        AccountingRecord::Energy(record) => must(&mut [("owner", &mut record.owner)]),
        AccountingRecord::Other(_) => {}
    }
}

fn attributes(head: &mut Head, names: &[String], change: &dyn Fn(&str) -> Option<String>) {
    let attributes = std::mem::take(&mut head.attributes);
    head.attributes = attributes
        .into_iter()
        .filter_map(|mut attribute| {
            if names.contains(&attribute.name) {
                attribute.value = change(&attribute.value)?;
            }
            Some(attribute)
        })
        .collect();
}

fn head(record: &mut AccountingRecord) -> &mut Head {
    match record {
        AccountingRecord::Cloud(record) => &mut record.head,
        AccountingRecord::Ip(record) => &mut record.head,
        AccountingRecord::Accelerator(record) => &mut record.head,
        AccountingRecord::Storage(record) => &mut record.head,
        AccountingRecord::Energy(record) => &mut record.head,
        AccountingRecord::Other(record) => &mut record.head,
    }
}
