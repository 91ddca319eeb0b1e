//! Records as lines.

use caso_component::json::Style;
use caso_component::records::{OtherRecord, RecordList};
use caso_component::shape;

/// The line of a record, newline included.
///
/// # Errors
/// Why it has none.
pub fn line(records: &RecordList, position: usize) -> Result<String, String> {
    const STYLE: Style = Style::Compact;
    let line = match records {
        RecordList::Cloud(list) => list.get(position).map(|r| shape::cloud(r, STYLE)),
        RecordList::Ip(list) => list.get(position).map(|r| shape::ip(r, STYLE)),
        RecordList::Accelerator(list) => list.get(position).map(|r| shape::accelerator(r, STYLE)),
        RecordList::Storage(list) => list.get(position).map(|r| shape::storage(r, STYLE)),
        RecordList::Energy(list) => list.get(position).map(|r| shape::energy(r, STYLE)),
        RecordList::Other(list) => list.get(position).map(payload).transpose()?,
    };
    line.map(|line| line + "\n").ok_or_else(gone)
}

fn gone() -> String {
    "the record is not in the batch".to_owned()
}

/// A payload on one line: a raw line end in JSON is white space between tokens.
fn payload(record: &OtherRecord) -> Result<String, String> {
    let text = record.payload.trim();
    if text.starts_with('{') && text.ends_with('}') {
        Ok(text.replace(['\n', '\r'], " "))
    } else {
        Err(format!(
            "the payload of record `{}` is no JSON object",
            record.head.id
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use caso_component::records::{CloudRecord, EnergyRecord, Head, StorageRecord};
    use caso_component::types::Attribute;

    fn only(records: RecordList) -> String {
        line(&records, 0).unwrap()
    }

    fn head(attributes: &[(&str, &str)]) -> Head {
        Head {
            id: "1".into(),
            supersedes: "1".into(),
            measured_at: 2_000,
            attributes: attributes
                .iter()
                .map(|(name, value)| Attribute {
                    name: (*name).into(),
                    value: (*value).into(),
                })
                .collect(),
        }
    }

    #[test]
    fn cloud_record_in_casos_shape() {
        let record = CloudRecord {
            head: head(&[]),
            vm_uuid: "f03d90cc-9de7-5999-9b5d-6548f06c28cf".into(),
            site_name: "S".into(),
            compute_service: "C".into(),
            cloud_type: "T".into(),
            machine_name: "b\u{f3}b\n".into(),
            local_user_id: Some("u".into()),
            local_group_id: "g".into(),
            global_user_name: None,
            fqan: "vo".into(),
            status: "started".into(),
            start: 1_000,
            end: None,
            suspend_seconds: None,
            wall_seconds: Some(0),
            cpu_seconds: Some(0),
            cpu_count: Some(2),
            network_type: None,
            network_inbound_bytes: None,
            network_outbound_bytes: None,
            public_ip_count: Some(0),
            memory_mib: Some(4_096),
            disk_gib: Some(20),
            benchmark_type: Some("HS".into()),
            benchmark_value: Some(99.0),
            storage_record_id: None,
            image_id: Some("i".into()),
        };
        assert_eq!(
            only(RecordList::Cloud(vec![record])),
            concat!(
                r#"{"SiteName":"S","CloudType":"T","CloudComputeService":"C","#,
                r#""VMUUID":"f03d90cc-9de7-5999-9b5d-6548f06c28cf","MachineName":"bób\n","#,
                r#""LocalUserId":"u","LocalGroupId":"g","FQAN":"vo","Status":"started","#,
                r#""ImageId":"i","PublicIPCount":0,"CpuCount":2,"Memory":4096,"Disk":20,"#,
                r#""Benchmark":99.0,"BenchmarkType":"HS","StartTime":1000,"EndTime":0,"#,
                r#""WallDuration":0,"CpuDuration":0}"#,
                "\n"
            )
        );
    }

    #[test]
    fn storage_record_has_the_facts_of_its_head() {
        let record = StorageRecord {
            head: head(&[
                ("name", "data"),
                ("status", "in-use"),
                ("type", "Block Storage (cinder)"),
                ("created", "500"),
            ]),
            volume_id: "v".into(),
            storage_system: "C".into(),
            site_name: "S".into(),
            cloud_type: "T".into(),
            create_time: 2_500,
            start: 1_000,
            end: 2_000,
            capacity_bytes: 100 << 30,
            logical_capacity_bytes: None,
            allocated_bytes: None,
            storage_share: None,
            storage_media: None,
            storage_class: None,
            file_count: None,
            directory_path: None,
            local_user: Some("u".into()),
            local_group: Some("g".into()),
            user_identity: None,
            group: Some("vo".into()),
            sub_group: None,
            role: None,
        };
        assert_eq!(
            only(RecordList::Storage(vec![record])),
            concat!(
                r#"{"SiteName":"S","CloudType":"T","CloudComputeService":"C","VolumeUUID":"v","#,
                r#""RecordName":"data","LocalUser":"u","LocalGroup":"g","FQAN":"vo","#,
                r#""ActiveDuration":1000,"Type":"Block Storage (cinder)","Status":"in-use","#,
                r#""Capacity":100,"StartTime":1000,"CreateTime":2500,"VolumeCreationTime":500}"#,
                "\n"
            )
        );
    }

    #[test]
    fn energy_record_in_casos_shape() {
        let record = EnergyRecord {
            head: head(&[]),
            exec_unit_id: "e".into(),
            site_name: "S".into(),
            compute_service: "C".into(),
            cloud_type: "T".into(),
            start: 0,
            end: 3_600,
            watt_hours: 0.5,
            work: Some(7_200.0),
            efficiency: Some(1.0),
            wall_seconds: 3_600,
            cpu_seconds: Some(3_600),
            suspend_seconds: Some(0),
            cpu_normalization_factor: Some(1.0),
            finished: false,
            status: "active".into(),
            owner: "vo".into(),
        };
        assert_eq!(
            only(RecordList::Energy(vec![record])),
            concat!(
                r#"{"SiteName":"S","CloudType":"T","CloudComputeService":"C","ExecUnitID":"e","#,
                r#""StartExecTime":"1970-01-01T00:00:00Z","EndExecTime":"1970-01-01T01:00:00Z","#,
                r#""EnergyWh":0.5,"Work":7200.0,"Efficiency":1.0,"WallClockTime_s":3600,"#,
                r#""CpuDuration_s":3600,"SuspendDuration_s":0,"CPUNormalizationFactor":1.0,"#,
                r#""ExecUnitFinished":0,"Status":"active","Owner":"vo"}"#,
                "\n"
            )
        );
    }

    #[test]
    fn payload_is_one_line_or_refused() {
        let other = |payload: &str| OtherRecord {
            head: head(&[]),
            kind: "bucket".into(),
            payload: payload.into(),
        };
        let records = RecordList::Other(vec![other("{\n\"a\": 1\r\n}\n"), other("[]")]);
        assert_eq!(line(&records, 0).as_deref(), Ok("{ \"a\": 1  }\n"));
        assert!(line(&records, 1).unwrap_err().contains("no JSON object"));
        assert!(line(&records, 2).is_err());
    }
}
