//! Records as lines of JSON.

use caso_component::json::Style;
use caso_component::record_json;
use caso_component::records::{OtherRecord, RecordList};

/// The line of the record at `index`, newline included.
///
/// # Errors
/// Why the record cannot be written as a line, for the operator.
pub fn line(records: &RecordList, index: usize) -> Result<String, String> {
    if let RecordList::Other(list) = records
        && let Some(record) = list.get(index)
        && let Some(payload) = &record.payload
    {
        return Ok(one_line(record, payload)? + "\n");
    }
    record_json::record(records, index, Style::Compact)
        .map(|line| line + "\n")
        .ok_or_else(|| format!("the batch has no record {index}"))
}

/// The payload without line ends. In JSON these can only be white space between tokens.
fn one_line(record: &OtherRecord, payload: &str) -> Result<String, String> {
    let text = payload.trim();
    if text.starts_with('{') && text.ends_with('}') {
        Ok(text.replace(['\n', '\r'], " "))
    } else {
        Err(format!(
            "the payload of record `{}` is not a JSON object",
            record.head.id
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use caso_component::records::{CloudRecord, Head, StorageRecord};
    use caso_component::samples;
    use caso_component::types::Attribute;

    fn only(records: RecordList) -> String {
        line(&records, 0).unwrap()
    }

    #[test]
    fn cloud_record_in_casos_shape() {
        let record = CloudRecord {
            machine_name: "b\u{f3}b\n".into(),
            wall_seconds: Some(0),
            cpu_seconds: Some(0),
            image_id: Some("i".into()),
            ..samples::cloud()
        };
        assert_eq!(
            only(RecordList::Cloud(vec![record])),
            concat!(
                r#"{"SiteName":"TEST-SITE","CloudType":"caso/5.2.2 (OpenStack)","#,
                r#""CloudComputeService":"TEST-SITE-CLOUD","#,
                r#""VMUUID":"f03d90cc-9de7-5999-9b5d-6548f06c28cf","MachineName":"bób\n","#,
                r#""LocalUserId":"u","LocalGroupId":"g","FQAN":"vo.example.org","#,
                r#""Status":"started","ImageId":"i","PublicIPCount":0,"CpuCount":2,"#,
                r#""Memory":4096,"Disk":20,"Benchmark":99.0,"BenchmarkType":"HEPscore23","#,
                r#""StartTime":1000,"EndTime":0,"WallDuration":0,"CpuDuration":0}"#,
                "\n"
            )
        );
    }

    #[test]
    fn storage_record_has_the_facts_of_its_head() {
        let fact = |name: &str, value: &str| Attribute {
            name: name.into(),
            value: value.into(),
        };
        let record = StorageRecord {
            head: Head {
                attributes: vec![
                    fact("name", "data"),
                    fact("status", "in-use"),
                    fact("type", "Block Storage (cinder)"),
                    fact("created", "500"),
                    fact("attached-to", "s1,s2"),
                    fact("attached-seconds", "400"),
                ],
                ..samples::storage().head
            },
            create_time: 2_500,
            start: 1_000,
            end: 2_000,
            user_identity: None,
            ..samples::storage()
        };
        assert_eq!(
            only(RecordList::Storage(vec![record])),
            concat!(
                r#"{"SiteName":"TEST-SITE","CloudType":"caso/5.2.2 (OpenStack)","#,
                r#""CloudComputeService":"TEST-SITE-CLOUD","#,
                r#""VolumeUUID":"1f480dc7-3405-5304-88e6-247ccefd34c8","RecordName":"data","#,
                r#""LocalUser":"27a54f682e7c4c9d85abc5e74806cfb8","#,
                r#""LocalGroup":"3174786e9d0146608dfdbebc1b4a983e","FQAN":"vo.example.org","#,
                r#""ActiveDuration":1000,"AttachedDuration":400.0,"AttachedTo":"s1,s2","#,
                r#""Type":"Block Storage (cinder)","Status":"in-use","#,
                r#""Capacity":100,"StartTime":1000,"CreateTime":2500,"VolumeCreationTime":500}"#,
                "\n"
            )
        );
    }

    #[test]
    fn energy_record_in_casos_shape() {
        assert_eq!(
            only(RecordList::Energy(vec![samples::energy()])),
            concat!(
                r#"{"SiteName":"TEST-SITE","CloudType":"caso/5.2.2 (OpenStack)","#,
                r#""CloudComputeService":"TEST-SITE-CLOUD","#,
                r#""ExecUnitID":"f03d90cc-9de7-5999-9b5d-6548f06c28cf","#,
                r#""StartExecTime":"1970-01-01T00:00:00Z","EndExecTime":"1970-01-01T01:00:00Z","#,
                r#""EnergyWh":0.5,"Work":7200.0,"Efficiency":1.0,"WallClockTime_s":3600,"#,
                r#""CpuDuration_s":3600,"SuspendDuration_s":0,"CPUNormalizationFactor":1.0,"#,
                r#""ExecUnitFinished":0,"Status":"active","Owner":"vo.example.org"}"#,
                "\n"
            )
        );
    }

    #[test]
    fn without_a_payload_the_quantities_are_the_line() {
        let record = OtherRecord {
            payload: None,
            ..samples::other()
        };
        assert_eq!(
            only(RecordList::Other(vec![record])),
            concat!(
                r#"{"RecordType":"bucket","ResourceId":"1","StartTime":0,"EndTime":3600,"#,
                r#""Quantities":{"capacity-bytes":12}}"#,
                "\n"
            )
        );
    }

    #[test]
    fn payload_is_one_line_or_refused() {
        let other = |payload: &str| OtherRecord {
            payload: Some(payload.into()),
            ..samples::other()
        };
        let records = RecordList::Other(vec![
            other("{\n\"a\": 1\r\n}\n"),
            other("[]"),
            other("{"),
            other("}"),
        ]);
        assert_eq!(line(&records, 0).as_deref(), Ok("{ \"a\": 1  }\n"));
        for bad in [1, 2, 3] {
            let reason = line(&records, bad).unwrap_err();
            assert!(reason.contains("not a JSON object"), "{reason}");
        }
        assert!(line(&records, 4).is_err());
    }
}
