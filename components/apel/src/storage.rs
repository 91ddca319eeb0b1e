//! StAR storage usage records (EMI's namespace of 2011/02): XML, laid out as cASO 5.2.2
//! does, read by APEL's `apel/db/loader/star_parser.py`.
//!
//! Times are ISO 8601 without a zone, in UTC; capacities are bytes.

use caso_component::record_json::iso;
use caso_component::records::StorageRecord;

use crate::format::StarRecordId;
use crate::packing::Frame;
use crate::rules::{self, VARCHAR};
use crate::xml;

/// Root element of a storage message.
pub fn frame() -> Frame {
    Frame {
        prefix: "<sr:StorageUsageRecords \
                 xmlns:sr=\"http://eu-emi.eu/namespaces/2011/02/storagerecord\">"
            .to_owned(),
        separator: "",
        suffix: "</sr:StorageUsageRecords>",
    }
}

/// The record as an element.
///
/// # Errors
/// Why APEL would reject it.
pub fn entry(record: &StorageRecord, record_id: StarRecordId) -> Result<String, String> {
    let id = match record_id {
        StarRecordId::Interval => &record.head.id,
        StarRecordId::Volume => &record.resource_id,
    };
    mandatory("recordId", id)?;
    mandatory("StorageSystem", &record.storage_system)?;
    mandatory("Site", &record.site_name)?;
    if record.end < record.start {
        return Err(format!(
            "`EndTime` {} is before `StartTime` {}",
            record.end, record.start
        ));
    }
    let mut out = String::with_capacity(1_024);
    out.push_str("<sr:StorageUsageRecord><sr:RecordIdentity sr:createTime=\"");
    out.push_str(&time("createTime", record.create_time)?);
    out.push_str("\" sr:recordId=\"");
    xml::attribute(&mut out, id);
    out.push_str("\" />");
    xml::element(&mut out, "StorageSystem", &record.storage_system);
    xml::element(&mut out, "Site", &record.site_name);
    optional(&mut out, "StorageShare", record.storage_share.as_deref())?;
    optional(&mut out, "StorageMedia", record.storage_media.as_deref())?;
    optional(&mut out, "StorageClass", record.storage_class.as_deref())?;
    number(&mut out, "FileCount", record.file_count)?;
    optional(&mut out, "DirectoryPath", record.directory_path.as_deref())?;
    subject(&mut out, record)?;
    xml::element(&mut out, "StartTime", &time("StartTime", record.start)?);
    xml::element(&mut out, "EndTime", &time("EndTime", record.end)?);
    number(
        &mut out,
        "ResourceCapacityUsed",
        Some(record.capacity_bytes),
    )?;
    number(
        &mut out,
        "LogicalCapacityUsed",
        record.logical_capacity_bytes,
    )?;
    number(
        &mut out,
        "ResourceCapacityAllocated",
        record.allocated_bytes,
    )?;
    out.push_str("</sr:StorageUsageRecord>");
    Ok(out)
}

fn subject(out: &mut String, record: &StorageRecord) -> Result<(), String> {
    out.push_str("<sr:SubjectIdentity>");
    optional(out, "LocalUser", record.local_user.as_deref())?;
    optional(out, "LocalGroup", record.local_group.as_deref())?;
    // An empty one of these two is left out, as in cASO, and not sent as an empty element.
    let filled = |value: &Option<String>| value.clone().filter(|text| !text.is_empty());
    optional(
        out,
        "UserIdentity",
        filled(&record.user_identity).as_deref(),
    )?;
    optional(out, "Group", filled(&record.group).as_deref())?;
    for (kind, value) in [("subgroup", &record.sub_group), ("role", &record.role)] {
        if let Some(value) = value {
            representable("GroupAttribute", value)?;
            out.push_str(&format!("<sr:GroupAttribute sr:attributeType=\"{kind}\">"));
            xml::text(out, value);
            out.push_str("</sr:GroupAttribute>");
        }
    }
    out.push_str("</sr:SubjectIdentity>");
    Ok(())
}

/// Checks a mandatory text.
fn mandatory(name: &str, value: &str) -> Result<(), String> {
    rules::mandatory(name, value, rules::length)?;
    representable(name, value)
}

/// Checks that a text fits its column and can be written in XML.
fn representable(name: &str, value: &str) -> Result<(), String> {
    rules::field(name, rules::length(value, VARCHAR))?;
    if value.chars().all(xml::is_allowed) {
        Ok(())
    } else {
        Err(format!(
            "`{name}` has a character that XML cannot represent"
        ))
    }
}

fn optional(out: &mut String, name: &str, value: Option<&str>) -> Result<(), String> {
    if let Some(value) = value {
        representable(name, value)?;
        xml::element(out, name, value);
    }
    Ok(())
}

fn number(out: &mut String, name: &str, value: Option<u64>) -> Result<(), String> {
    if let Some(value) = value {
        let value = rules::field(name, rules::bigint(value))?;
        xml::element(out, name, &value.to_string());
    }
    Ok(())
}

fn time(name: &str, value: i64) -> Result<String, String> {
    let value = rules::field(name, rules::datetime(value))?;
    iso(value).ok_or_else(|| format!("`{name}` is not a time"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use caso_component::samples::storage as record;
    use proptest::prelude::*;

    #[test]
    fn bytes_of_a_message() {
        // cASO's own, of the same facts, without its microseconds.
        let reference = concat!(
            r#"<sr:StorageUsageRecords xmlns:sr="http://eu-emi.eu/namespaces/2011/02/storagerecord">"#,
            r#"<sr:StorageUsageRecord><sr:RecordIdentity sr:createTime="2026-11-21T17:20:12" "#,
            r#"sr:recordId="1f480dc7-3405-5304-88e6-247ccefd34c8" />"#,
            "<sr:StorageSystem>TEST-SITE-CLOUD</sr:StorageSystem><sr:Site>TEST-SITE</sr:Site>",
            "<sr:SubjectIdentity><sr:LocalUser>27a54f682e7c4c9d85abc5e74806cfb8</sr:LocalUser>",
            "<sr:LocalGroup>3174786e9d0146608dfdbebc1b4a983e</sr:LocalGroup>",
            "<sr:UserIdentity>b&#243;b@example.org</sr:UserIdentity>",
            "<sr:Group>vo.example.org</sr:Group></sr:SubjectIdentity>",
            "<sr:StartTime>2026-10-01T00:00:00</sr:StartTime>",
            "<sr:EndTime>2026-11-21T17:20:12</sr:EndTime>",
            "<sr:ResourceCapacityUsed>107374182400</sr:ResourceCapacityUsed>",
            "</sr:StorageUsageRecord></sr:StorageUsageRecords>",
        );
        let entry = entry(&record(), StarRecordId::Volume).unwrap();
        assert_eq!(frame().message([entry.as_str()]), reference);
    }

    #[test]
    fn every_interval_has_an_id_of_its_own() {
        let entry = entry(&record(), StarRecordId::Interval).unwrap();
        assert!(entry.contains(r#"recordId="storage:1f480dc7-"#));
    }

    #[test]
    fn group_attributes_carry_their_type() {
        let mut record = record();
        record.sub_group = Some("ops".into());
        record.role = Some("lead".into());
        record.file_count = Some(7);
        let entry = entry(&record, StarRecordId::Interval).unwrap();
        assert!(entry.contains(
            "</sr:Group><sr:GroupAttribute sr:attributeType=\"subgroup\">ops</sr:GroupAttribute>\
             <sr:GroupAttribute sr:attributeType=\"role\">lead</sr:GroupAttribute>"
        ));
        assert!(entry.contains("</sr:Site><sr:FileCount>7</sr:FileCount><sr:SubjectIdentity>"));
    }

    #[test]
    fn an_empty_identity_is_left_out() {
        let mut record = record();
        record.user_identity = Some(String::new());
        record.group = Some(String::new());
        let entry = entry(&record, StarRecordId::Interval).unwrap();
        assert!(
            !entry.contains("UserIdentity") && !entry.contains("Group />"),
            "{entry}"
        );
    }

    #[test]
    fn an_interval_may_be_a_moment() {
        let mut record = record();
        record.end = record.start;
        assert!(entry(&record, StarRecordId::Interval).is_ok());
    }

    #[test]
    fn bad_fields_are_named() {
        type Change = fn(&mut StorageRecord);
        let table: &[(&str, Change)] = &[
            ("`recordId`", |r| r.head.id = "x".repeat(256)),
            ("`StorageSystem`", |r| r.storage_system = String::new()),
            ("`EndTime`", |r| r.end = r.start - 1),
            ("`StartTime`", |r| r.start = -1),
            ("`ResourceCapacityUsed`", |r| r.capacity_bytes = u64::MAX),
            ("`LocalUser`", |r| r.local_user = Some("\u{1}".into())),
            ("`Group`", |r| r.group = Some("\u{ffff}".into())),
            ("`UserIdentity`", |r| r.user_identity = Some("\r".into())),
        ];
        for (reason, change) in table {
            let mut bad = record();
            change(&mut bad);
            let refused = entry(&bad, StarRecordId::Interval).unwrap_err();
            assert!(refused.starts_with(reason), "{refused} / {reason}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_taken_is_ascii_with_balanced_tags(value in any::<String>()) {
            let mut record = record();
            record.user_identity = Some(value.clone());
            record.site_name = value;
            if let Ok(text) = entry(&record, StarRecordId::Interval) {
                prop_assert!(text.is_ascii());
                let tags = text.matches('<').count();
                prop_assert_eq!(tags, text.matches('>').count());
                prop_assert!(!text.contains('\r'));
            }
        }
    }
}
