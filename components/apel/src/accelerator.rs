//! APEL accelerator usage records, version 0.1: JSON with cASO's keys.

use caso_component::json::Style;
use caso_component::record_json;
use caso_component::records::AcceleratorRecord;

use crate::ip::json_frame;
use crate::packing::Frame;
use crate::rules::{self, BENCHMARK_TYPE, VARCHAR};

/// Header and end of an accelerator message.
pub fn frame() -> Frame {
    json_frame("APEL-accelerator-message", "0.1")
}

/// The record as a JSON object.
///
/// # Errors
/// Why APEL would reject it.
pub fn entry(record: &AcceleratorRecord) -> Result<String, String> {
    let benchmark = record.benchmarks.first();
    rules::mandatory("SiteName", &record.site_name, rules::length)?;
    rules::mandatory("FQAN", &record.fqan, rules::length)?;
    rules::mandatory("AssociatedRecord", &record.associated_record, rules::length)?;
    rules::mandatory("Type", &record.accelerator_type, rules::length)?;
    if !matches!(record.associated_record_type.as_str(), "cloud" | "job") {
        return Err(format!(
            "`AssociatedRecordType` is `{}`, but must be `cloud` or `job`",
            record.associated_record_type
        ));
    }
    for (name, value, limit) in [
        ("CloudType", Some(&record.cloud_type), VARCHAR),
        (
            "CloudComputeService",
            Some(&record.compute_service),
            VARCHAR,
        ),
        ("Model", record.model.as_ref(), VARCHAR),
        (
            "BenchmarkType",
            benchmark.and_then(|it| it.name.as_ref()),
            BENCHMARK_TYPE,
        ),
    ] {
        if let Some(value) = value {
            rules::field(name, rules::length(value, limit))?;
        }
    }
    if !(1..=12).contains(&record.month) {
        return Err(format!(
            "`MeasurementMonth` is `{}`, but must be from 1 to 12",
            record.month
        ));
    }
    if !(2000..=9999).contains(&record.year) {
        return Err(format!(
            "`MeasurementYear` is `{}`, but must be from 2000 to 9999",
            record.year
        ));
    }
    rules::field("Count", rules::decimal(record.count))?;
    rules::field("AvailableDuration", rules::bigint(record.available_seconds))?;
    rules::field("ActiveDuration", rules::bigint(record.active_seconds))?;
    if let Some(value) = benchmark.and_then(|it| it.value) {
        rules::field("Benchmark", rules::decimal(value))?;
    }
    Ok(record_json::accelerator(&for_apel(record), Style::Ascii))
}

/// The accelerator types of APEL's draft, which rejects a message with any other. Its
/// `Other` is meant for what else sites have (MIC, TPU, NPU); the model says what it is.
const TYPES: [&str; 3] = ["GPU", "FPGA", "Other"];

fn apel_type(kind: &str) -> &'static str {
    TYPES
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(kind.trim()))
        .unwrap_or("Other")
}

/// The record with a type that APEL knows, and the user's name cleaned as in the VM's
/// cloud record: APEL joins the two by it.
fn for_apel(record: &AcceleratorRecord) -> AcceleratorRecord {
    AcceleratorRecord {
        accelerator_type: apel_type(&record.accelerator_type).to_owned(),
        global_user_name: record
            .global_user_name
            .as_deref()
            .map(|name| rules::cleaned_name(name).into_owned()),
        ..record.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use caso_component::samples::accelerator as record;

    #[test]
    fn bytes_of_a_message() {
        // Written by cASO 5.2.2 from the same facts.
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
        for (given, sent) in [
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
            assert_eq!(entry["Type"], sent, "{given}");
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
