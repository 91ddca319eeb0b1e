//! APEL public IP usage records, version 0.2: JSON with cASO's keys.

use caso_component::json::Style;
use caso_component::record_json;
use caso_component::records::IpRecord;

use crate::format::IpFormat;
use crate::packing::Frame;
use crate::rules::{self, VARCHAR};

/// Header and end of a public IP message.
pub fn frame(format: IpFormat) -> Frame {
    let version = match format {
        IpFormat::Caso => "0.2",
        IpFormat::Strict => "v0.2",
    };
    json_frame("APEL Public IP message", version)
}

/// Header and end of a JSON message of this type, spelled as Python's `json.dumps` does.
pub fn json_frame(kind: &str, version: &str) -> Frame {
    Frame {
        prefix: format!(r#"{{"Type": "{kind}", "Version": "{version}", "UsageRecords": ["#),
        separator: ", ",
        suffix: "]}",
    }
}

/// The record as a JSON object.
///
/// # Errors
/// Why APEL would reject it.
pub fn entry(record: &IpRecord, format: IpFormat) -> Result<String, String> {
    rules::mandatory("SiteName", &record.site_name, rules::length)?;
    rules::mandatory("LocalGroup", &record.local_group, rules::length)?;
    rules::mandatory("FQAN", &record.fqan, rules::length)?;
    for (name, value) in [
        ("CloudType", Some(&record.cloud_type)),
        ("CloudComputeService", Some(&record.compute_service)),
        ("LocalUser", record.local_user.as_ref()),
        ("GlobalUserName", record.global_user_name.as_ref()),
    ] {
        if let Some(value) = value {
            rules::field(name, rules::length(value, VARCHAR))?;
        }
    }
    if !matches!(record.ip_version, 4 | 6) {
        return Err(format!(
            "`IPVersion` is `{}`, but must be 4 or 6",
            record.ip_version
        ));
    }
    rules::field("IPCount", rules::int(record.ip_count))?;
    rules::field("MeasurementTime", rules::datetime(record.head.measured_at))?;
    Ok(match format {
        IpFormat::Caso => record_json::ip(record, Style::Ascii),
        IpFormat::Strict => record_json::ip_without_uuid(&with_user(record), Style::Ascii),
    })
}

/// The record with a user, for in the draft's table the two columns must not be null.
///
/// Addresses belong to a project and not to a user, so the project's id stands in for one.
/// The draft's key has the user's name in it but no project: with one constant word for
/// all, the projects of a site would replace each other's records.
fn with_user(record: &IpRecord) -> IpRecord {
    let or_project = |value: &Option<String>| {
        let given = value.as_ref().filter(|text| !rules::is_null(text));
        Some(given.unwrap_or(&record.local_group).clone())
    };
    IpRecord {
        local_user: or_project(&record.local_user),
        global_user_name: or_project(&record.global_user_name),
        ..record.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use caso_component::samples::ip as record;

    #[test]
    fn bytes_of_a_message() {
        // Written by cASO 5.2.2 from the same facts.
        let reference = r#"{"Type": "APEL Public IP message", "Version": "0.2", "UsageRecords": [{"SiteName": "TEST-SITE", "CloudType": "caso/5.2.2 (OpenStack)", "CloudComputeService": "TEST-SITE-CLOUD", "uuid": "75d1b232-3688-4508-aaa8-14b3c084f3b7", "LocalGroup": "3174786e9d0146608dfdbebc1b4a983e", "FQAN": "vo.example.org", "IPVersion": 4, "IPCount": 2, "MeasurementTime": 1795281612}]}"#;
        let entry = entry(&record(), IpFormat::Caso).unwrap();
        let message = frame(IpFormat::Caso).message([entry.as_str()]);
        assert_eq!(message, reference);
    }

    #[test]
    fn strict_shape_has_every_column_and_no_other() {
        let text = entry(&record(), IpFormat::Strict).unwrap();
        let message = frame(IpFormat::Strict).message([text.as_str()]);
        let message: serde_json::Value = serde_json::from_str(&message).unwrap();
        assert_eq!(message["Version"], "v0.2");
        let fields = message["UsageRecords"][0].as_object().unwrap();
        assert!(!fields.contains_key("uuid"));
        // By the draft's key, two projects of a site must not be one.
        assert_eq!(fields["LocalUser"], record().local_group);
        assert_eq!(fields["GlobalUserName"], record().local_group);
        let mut with_user = record();
        with_user.local_user = Some("u".into());
        with_user.global_user_name = Some("None".into());
        let entry = entry(&with_user, IpFormat::Strict).unwrap();
        let fields: serde_json::Value = serde_json::from_str(&entry).unwrap();
        assert_eq!(fields["LocalUser"], "u");
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
