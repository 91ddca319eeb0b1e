//! StAR storage usage records: XML.

use caso_component::records::StorageRecord;
use caso_component::shape::iso;

use crate::options::StarRecordId;
use crate::packing::Frame;
use crate::rules::{self, TEXT};
use crate::xml;

/// What stands around the entries of a message.
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
/// Why APEL would not take it.
pub fn entry(record: &StorageRecord, record_id: StarRecordId) -> Result<String, String> {
    let id = match record_id {
        StarRecordId::Interval => &record.head.id,
        StarRecordId::Volume => &record.volume_id,
    };
    check("recordId", id)?;
    check("StorageSystem", &record.storage_system)?;
    check("Site", &record.site_name)?;
    if record.end < record.start {
        return Err(format!(
            "`EndTime` {} lies before `StartTime` {}",
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
    let stated = |value: &Option<String>| value.clone().filter(|text| !text.is_empty());
    optional(
        out,
        "UserIdentity",
        stated(&record.user_identity).as_deref(),
    )?;
    optional(out, "Group", stated(&record.group).as_deref())?;
    for (kind, value) in [("subgroup", &record.sub_group), ("role", &record.role)] {
        if let Some(value) = value {
            allowed("GroupAttribute", value)?;
            out.push_str(&format!("<sr:GroupAttribute sr:attributeType=\"{kind}\">"));
            xml::text(out, value);
            out.push_str("</sr:GroupAttribute>");
        }
    }
    out.push_str("</sr:SubjectIdentity>");
    Ok(())
}

/// A text that must be there.
fn check(name: &str, value: &str) -> Result<(), String> {
    rules::mandatory(name, value, rules::text)?;
    allowed(name, value)
}

fn allowed(name: &str, value: &str) -> Result<(), String> {
    rules::field(name, rules::text(value, TEXT))?;
    if value.chars().all(xml::is_allowed) {
        Ok(())
    } else {
        Err(format!("`{name}` has a character that XML does not have"))
    }
}

fn optional(out: &mut String, name: &str, value: Option<&str>) -> Result<(), String> {
    if let Some(value) = value {
        allowed(name, value)?;
        xml::element(out, name, value);
    }
    Ok(())
}

fn number(out: &mut String, name: &str, value: Option<u64>) -> Result<(), String> {
    if let Some(value) = value {
        let value = rules::field(name, rules::big(value))?;
        xml::element(out, name, &value.to_string());
    }
    Ok(())
}

fn time(name: &str, value: i64) -> Result<String, String> {
    let value = rules::field(name, rules::time(value))?;
    iso(value).ok_or_else(|| format!("`{name}` is no time"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use caso_component::records::Head;
    use proptest::prelude::*;

    fn record() -> StorageRecord {
        StorageRecord {
            head: Head {
                id: "storage:1f480dc7-3405-5304-88e6-247ccefd34c8:1:2".into(),
                supersedes: "1".into(),
                measured_at: 1_794_787_200,
                attributes: Vec::new(),
            },
            volume_id: "1f480dc7-3405-5304-88e6-247ccefd34c8".into(),
            storage_system: "TEST-SITE-CLOUD".into(),
            site_name: "TEST-SITE".into(),
            cloud_type: "caso/5.2.2 (OpenStack)".into(),
            create_time: 1_795_281_612,
            start: 1_790_812_800,
            end: 1_795_281_612,
            capacity_bytes: 107_374_182_400,
            logical_capacity_bytes: None,
            allocated_bytes: None,
            storage_share: None,
            storage_media: None,
            storage_class: None,
            file_count: None,
            directory_path: None,
            local_user: Some("27a54f682e7c4c9d85abc5e74806cfb8".into()),
            local_group: Some("3174786e9d0146608dfdbebc1b4a983e".into()),
            user_identity: Some("b\u{f3}b@example.org".into()),
            group: Some("vo.example.org".into()),
            sub_group: None,
            role: None,
        }
    }

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
