//! APEL public IP usage records: JSON.

use caso_component::json::{Object, Style};
use caso_component::records::IpRecord;
use caso_component::shape;

use crate::options::IpFormat;
use crate::packing::Frame;
use crate::rules::{self, TEXT};

/// What stands around the entries of a message.
pub fn frame(format: IpFormat) -> Frame {
    let version = match format {
        IpFormat::Caso => "0.2",
        IpFormat::Strict => "v0.2",
    };
    json_frame("APEL Public IP message", version)
}

/// A JSON message, as Python's `json.dumps` writes it.
pub fn json_frame(kind: &str, version: &str) -> Frame {
    Frame {
        prefix: format!(r#"{{"Type": "{kind}", "Version": "{version}", "UsageRecords": ["#),
        separator: ", ",
        suffix: "]}",
    }
}

/// The record as JSON.
///
/// # Errors
/// Why APEL would not take it.
pub fn entry(record: &IpRecord, format: IpFormat) -> Result<String, String> {
    rules::mandatory("SiteName", &record.site_name, rules::text)?;
    rules::mandatory("LocalGroup", &record.local_group, rules::text)?;
    rules::mandatory("FQAN", &record.fqan, rules::text)?;
    for (name, value) in [
        ("CloudType", Some(&record.cloud_type)),
        ("CloudComputeService", Some(&record.compute_service)),
        ("LocalUser", record.local_user.as_ref()),
        ("GlobalUserName", record.global_user_name.as_ref()),
    ] {
        if let Some(value) = value {
            rules::field(name, rules::text(value, TEXT))?;
        }
    }
    if !matches!(record.ip_version, 4 | 6) {
        return Err(format!(
            "`IPVersion` is `{}`, and shall be 4 or 6",
            record.ip_version
        ));
    }
    rules::field("IPCount", rules::int(record.ip_count))?;
    rules::field("MeasurementTime", rules::time(record.head.measured_at))?;
    Ok(match format {
        IpFormat::Caso => shape::ip(record, Style::Ascii),
        IpFormat::Strict => strict(record),
    })
}

/// Without `uuid`, which the draft does not know, and with a user always, for
/// its columns are not null. Addresses belong to a project and to no user, so
/// the project stands for one: the draft's key is the user's name and has no
/// project in it, and a word for all would make the projects of a site replace
/// each other.
fn strict(record: &IpRecord) -> String {
    let or_project = |value: &Option<String>| {
        let stated = value.clone().filter(|text| !rules::is_null(text));
        stated.unwrap_or_else(|| record.local_group.clone())
    };
    Object::new(Style::Ascii)
        .text("SiteName", &record.site_name)
        .text("CloudType", &record.cloud_type)
        .text("CloudComputeService", &record.compute_service)
        .text("LocalUser", &or_project(&record.local_user))
        .text("GlobalUserName", &or_project(&record.global_user_name))
        .text("LocalGroup", &record.local_group)
        .text("FQAN", &record.fqan)
        .integer("IPVersion", record.ip_version)
        .integer("IPCount", record.ip_count)
        .integer("MeasurementTime", record.head.measured_at)
        .finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use caso_component::records::Head;

    fn record() -> IpRecord {
        IpRecord {
            head: Head {
                id: "ip:1".into(),
                supersedes: "1".into(),
                measured_at: 1_795_281_612,
                attributes: Vec::new(),
            },
            site_name: "TEST-SITE".into(),
            compute_service: "TEST-SITE-CLOUD".into(),
            cloud_type: "caso/5.2.2 (OpenStack)".into(),
            uuid: "75d1b232-3688-4508-aaa8-14b3c084f3b7".into(),
            local_user: None,
            local_group: "3174786e9d0146608dfdbebc1b4a983e".into(),
            global_user_name: None,
            fqan: "vo.example.org".into(),
            ip_version: 4,
            ip_count: 2,
        }
    }

    #[test]
    fn bytes_of_a_message() {
        // cASO's own, of the same facts.
        let reference = r#"{"Type": "APEL Public IP message", "Version": "0.2", "UsageRecords": [{"SiteName": "TEST-SITE", "CloudType": "caso/5.2.2 (OpenStack)", "CloudComputeService": "TEST-SITE-CLOUD", "uuid": "75d1b232-3688-4508-aaa8-14b3c084f3b7", "LocalGroup": "3174786e9d0146608dfdbebc1b4a983e", "FQAN": "vo.example.org", "IPVersion": 4, "IPCount": 2, "MeasurementTime": 1795281612}]}"#;
        let entry = entry(&record(), IpFormat::Caso).unwrap();
        let message = frame(IpFormat::Caso).message([entry.as_str()]);
        assert_eq!(message, reference);
    }

    #[test]
    fn strict_shape_has_every_column_and_no_other() {
        let entry = entry(&record(), IpFormat::Strict).unwrap();
        let message = frame(IpFormat::Strict).message([entry.as_str()]);
        let message: serde_json::Value = serde_json::from_str(&message).unwrap();
        assert_eq!(message["Version"], "v0.2");
        let fields = message["UsageRecords"][0].as_object().unwrap();
        assert!(!fields.contains_key("uuid"));
        // By the draft's key, two projects of a site must not be one.
        assert_eq!(fields["LocalUser"], record().local_group);
        assert_eq!(fields["GlobalUserName"], record().local_group);
    }

    #[test]
    fn bad_fields_are_named() {
        let mut bad = record();
        bad.ip_version = 5;
        assert!(
            entry(&bad, IpFormat::Caso)
                .unwrap_err()
                .starts_with("`IPVersion`")
        );
        let mut bad = record();
        bad.fqan = "none".into();
        assert!(
            entry(&bad, IpFormat::Caso)
                .unwrap_err()
                .starts_with("`FQAN`")
        );
        let mut bad = record();
        bad.local_user = Some("x".repeat(256));
        assert!(
            entry(&bad, IpFormat::Caso)
                .unwrap_err()
                .starts_with("`LocalUser`")
        );
    }
}
