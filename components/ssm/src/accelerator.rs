//! APEL accelerator usage records: JSON.

use std::borrow::Cow;

use caso_component::json::Style;
use caso_component::records::AcceleratorRecord;
use caso_component::shape;

use crate::ip::json_frame;
use crate::packing::Frame;
use crate::rules::{self, BENCHMARK_TYPE, TEXT};

/// What stands around the entries of a message.
pub fn frame() -> Frame {
    json_frame("APEL-accelerator-message", "0.1")
}

/// The record as JSON.
///
/// # Errors
/// Why APEL would not take it.
pub fn entry(record: &AcceleratorRecord) -> Result<String, String> {
    rules::mandatory("SiteName", &record.site_name, rules::text)?;
    rules::mandatory("FQAN", &record.fqan, rules::text)?;
    rules::mandatory("AssociatedRecord", &record.associated_record, rules::text)?;
    rules::mandatory("Type", &record.accelerator_type, rules::text)?;
    if !matches!(record.associated_record_type.as_str(), "cloud" | "job") {
        return Err(format!(
            "`AssociatedRecordType` is `{}`, and shall be `cloud` or `job`",
            record.associated_record_type
        ));
    }
    for (name, value, limit) in [
        ("CloudType", Some(&record.cloud_type), TEXT),
        ("CloudComputeService", Some(&record.compute_service), TEXT),
        ("Model", record.model.as_ref(), TEXT),
        (
            "BenchmarkType",
            record.benchmark_type.as_ref(),
            BENCHMARK_TYPE,
        ),
    ] {
        if let Some(value) = value {
            rules::field(name, rules::text(value, limit))?;
        }
    }
    if !(1..=12).contains(&record.month) {
        return Err(format!("`MeasurementMonth` is `{}`", record.month));
    }
    if !(2000..=9999).contains(&record.year) {
        return Err(format!("`MeasurementYear` is `{}`", record.year));
    }
    rules::field("Count", rules::decimal(record.count))?;
    rules::field("AvailableDuration", rules::big(record.available_seconds))?;
    rules::field("ActiveDuration", rules::big(record.active_seconds))?;
    if let Some(value) = record.benchmark_value {
        rules::field("Benchmark", rules::decimal(value))?;
    }
    Ok(shape::accelerator(&as_apel_has_it(record), Style::Ascii))
}

/// APEL's types. The draft refuses a message with any other, and its `Other`
/// is for those that sites have all the same (MIC, TPU, NPU): what it is the
/// model tells.
const TYPES: [&str; 3] = ["GPU", "FPGA", "Other"];

fn apel_type(kind: &str) -> &'static str {
    TYPES
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(kind.trim()))
        .unwrap_or("Other")
}

/// With the user's name as the VM's cloud record tells it, by which the two are
/// joined, and a type that APEL knows.
fn as_apel_has_it(record: &AcceleratorRecord) -> Cow<'_, AcceleratorRecord> {
    let kind = apel_type(&record.accelerator_type);
    let user = record.global_user_name.as_deref().map(rules::name);
    if record.accelerator_type == kind && record.global_user_name == user {
        return Cow::Borrowed(record);
    }
    Cow::Owned(AcceleratorRecord {
        accelerator_type: kind.to_owned(),
        global_user_name: user,
        ..record.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use caso_component::records::Head;

    fn record() -> AcceleratorRecord {
        AcceleratorRecord {
            head: Head {
                id: "accelerator:1".into(),
                supersedes: "1".into(),
                measured_at: 0,
                attributes: Vec::new(),
            },
            month: 10,
            year: 2026,
            associated_record_type: "cloud".into(),
            associated_record: "6ca2c7ca-d8c8-55fb-b2a7-427e00e0bffe".into(),
            site_name: "TEST-SITE".into(),
            compute_service: "TEST-SITE-CLOUD".into(),
            cloud_type: "caso/5.2.2 (OpenStack)".into(),
            global_user_name: Some("b\u{f3}b".into()),
            fqan: "vo.example.org".into(),
            count: 2.0,
            cores: None,
            active_seconds: 2_678_400,
            available_seconds: 2_678_400,
            benchmark_type: None,
            benchmark_value: None,
            accelerator_type: "GPU".into(),
            model: Some("NVIDIA A100".into()),
        }
    }

    #[test]
    fn bytes_of_a_message() {
        // cASO's own, of the same facts.
        let reference = r#"{"Type": "APEL-accelerator-message", "Version": "0.1", "UsageRecords": [{"SiteName": "TEST-SITE", "CloudType": "caso/5.2.2 (OpenStack)", "CloudComputeService": "TEST-SITE-CLOUD", "AssociatedRecord": "6ca2c7ca-d8c8-55fb-b2a7-427e00e0bffe", "GlobalUserName": "bb", "FQAN": "vo.example.org", "Count": 2, "AvailableDuration": 2678400, "MeasurementMonth": 10, "MeasurementYear": 2026, "AssociatedRecordType": "cloud", "Type": "GPU", "Model": "NVIDIA A100", "ActiveDuration": 2678400}]}"#;
        let entry = entry(&record()).unwrap();
        assert_eq!(frame().message([entry.as_str()]), reference);
    }

    #[test]
    fn half_an_accelerator() {
        let mut half = record();
        half.count = 0.5;
        assert!(entry(&half).unwrap().contains(r#""Count": 0.5, "#));
    }

    #[test]
    fn a_type_outside_apels_list_is_other() {
        for (given, told) in [
            ("GPU", "GPU"),
            ("gpu", "GPU"),
            ("FPGA", "FPGA"),
            ("other", "Other"),
            ("TPU", "Other"),
            ("MIC", "Other"),
            ("b\u{f3}b", "Other"),
        ] {
            let mut record = record();
            record.accelerator_type = given.into();
            let entry: serde_json::Value = serde_json::from_str(&entry(&record).unwrap()).unwrap();
            assert_eq!(entry["Type"], told, "{given}");
            assert_eq!(entry["Model"], record.model.unwrap(), "{given}");
        }
    }

    #[test]
    fn bad_fields_are_named() {
        type Change = fn(&mut AcceleratorRecord);
        let table: &[(&str, Change)] = &[
            ("`SiteName`", |r| r.site_name = "none".into()),
            ("`AssociatedRecord`", |r| {
                r.associated_record = String::new()
            }),
            ("`AssociatedRecordType`", |r| {
                r.associated_record_type = "pod".into();
            }),
            ("`MeasurementMonth`", |r| r.month = 13),
            ("`MeasurementYear`", |r| r.year = 1999),
            ("`Count`", |r| r.count = f64::NAN),
            ("`Count`", |r| r.count = -1.0),
            ("`Model`", |r| r.model = Some("x".repeat(256))),
            ("`AvailableDuration`", |r| r.available_seconds = u64::MAX),
        ];
        for (reason, change) in table {
            let mut bad = record();
            change(&mut bad);
            let refused = entry(&bad).unwrap_err();
            assert!(refused.starts_with(reason), "{refused} / {reason}");
        }
    }
}
