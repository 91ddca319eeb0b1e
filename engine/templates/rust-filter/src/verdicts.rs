//! What becomes of each record: the part that can be tested without a sandbox.

use crate::caso::accounting::records::{AccountingRecord, CloudRecord, RecordList};
use crate::caso::filter::verdicts::Verdict;

/// A verdict for each record, in their order. A record may be changed in everything but its
/// type, its `id` and its `supersedes`; `Verdict::Drop` leaves it out, with the reason.
pub fn verdicts(records: RecordList, shown_as: &str) -> Vec<Verdict> {
    match records {
        RecordList::Cloud(records) => records
            .into_iter()
            .map(|record| hidden(record, shown_as))
            .collect(),
        RecordList::Ip(records) => kept(records.len()),
        RecordList::Accelerator(records) => kept(records.len()),
        RecordList::Storage(records) => kept(records.len()),
        RecordList::Energy(records) => kept(records.len()),
        RecordList::Other(records) => kept(records.len()),
    }
}

fn kept(count: usize) -> Vec<Verdict> {
    std::iter::repeat_with(|| Verdict::Keep)
        .take(count)
        .collect()
}

fn hidden(mut record: CloudRecord, shown_as: &str) -> Verdict {
    record.machine_name = shown_as.into();
    Verdict::Replace(AccountingRecord::Cloud(record))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caso::accounting::records::Head;

    fn record(name: &str) -> CloudRecord {
        CloudRecord {
            head: Head {
                id: name.into(),
                supersedes: name.into(),
                measured_at: 0,
                attributes: Vec::new(),
            },
            vm_uuid: name.into(),
            site_name: "SITE".into(),
            compute_service: "CLOUD".into(),
            cloud_type: "OpenStack".into(),
            machine_name: name.into(),
            local_user_id: None,
            local_group_id: "p".into(),
            global_user_name: None,
            fqan: "vo.example.org".into(),
            status: "started".into(),
            start: 0,
            end: None,
            suspend_seconds: None,
            wall_seconds: None,
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
    fn the_name_is_hidden_and_the_record_is_the_same() {
        let records = RecordList::Cloud(vec![record("web-1"), record("db-1")]);
        let verdicts = verdicts(records, "hidden");
        let shown: Vec<(String, String)> = verdicts
            .into_iter()
            .map(|verdict| match verdict {
                Verdict::Replace(AccountingRecord::Cloud(record)) => {
                    (record.head.id, record.machine_name)
                }
                _ => panic!("another verdict"),
            })
            .collect();
        let hidden = |id: &str| (id.to_owned(), "hidden".to_owned());
        assert_eq!(shown, [hidden("web-1"), hidden("db-1")]);
    }

    #[test]
    fn what_has_no_name_is_kept() {
        let verdicts = verdicts(RecordList::Energy(Vec::new()), "hidden");
        assert!(verdicts.is_empty());
    }
}
