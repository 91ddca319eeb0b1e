//! What is written: the part that can be tested without a sandbox.

use crate::caso::accounting::records::CloudRecord;

/// A line for each VM: its id, its VO and for how long it has run, in seconds. What is not
/// known stays empty: absent is not zero.
pub fn lines(records: &[CloudRecord], separator: &str) -> String {
    records
        .iter()
        .map(|record| {
            let wall = record.wall_seconds.map(|seconds| seconds.to_string());
            let fields = [&record.vm_uuid, &record.fqan, &wall.unwrap_or_default()];
            fields.map(|field| one_line(field)).join(separator) + "\n"
        })
        .collect()
}

/// A text may hold anything, ends of lines too.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caso::accounting::records::Head;

    fn record(uuid: &str, wall_seconds: Option<u64>) -> CloudRecord {
        CloudRecord {
            head: Head {
                id: uuid.into(),
                supersedes: uuid.into(),
                measured_at: 0,
                attributes: Vec::new(),
            },
            vm_uuid: uuid.into(),
            site_name: "SITE".into(),
            compute_service: "CLOUD".into(),
            cloud_type: "OpenStack".into(),
            machine_name: "vm".into(),
            local_user_id: None,
            local_group_id: "p".into(),
            global_user_name: None,
            fqan: "vo.example.org".into(),
            status: "started".into(),
            start: 0,
            end: None,
            suspend_seconds: None,
            wall_seconds,
            cpu_seconds: None,
            cpu_count: None,
            network_type: None,
            network_inbound_bytes: None,
            network_outbound_bytes: None,
            public_ip_count: None,
            memory_mib: None,
            disk_gib: None,
            benchmarks: Vec::new(),
            storage_record_id: None,
            image_id: None,
        }
    }

    #[test]
    fn a_line_each_and_nothing_for_what_is_not_known() {
        let records = [record("a", Some(60)), record("b\nc", None)];
        assert_eq!(
            lines(&records, ";"),
            "a;vo.example.org;60\nb c;vo.example.org;\n"
        );
        assert_eq!(lines(&[], ";"), "");
    }
}
