//! Our records as AUDITOR's. Keys and names are those that AUDITOR's own collectors, its
//! metrics (`metrics/database.rs`: `site_id`, `group_id`, `user_id`) and its APEL plugin have.
//!
//! A VM is one record, whatever windows and months it was reported in: its record is added
//! once and only its stop time can be changed later (`routes/update.rs`). A cloud record's
//! numbers are cumulative since the VM began, so those of a VM that runs are of no use: the
//! ones of the VM that has ended are, and they are final.

use caso_component::messenger::{Batch, Refusal};
use caso_component::records::{CloudRecord, EnergyRecord, RecordList, StorageRecord};
use caso_component::types::Origin;
use caso_http::requests::Entry;
use serde_json::Value;

use crate::options::Options;
use crate::record::{self, Parts, Record};

/// Joules in a watt-hour.
const JOULES: f64 = 3_600.0;

/// The records of a batch.
#[derive(Debug, Default)]
pub struct Mapped {
    /// Those that are sent.
    pub entries: Vec<Entry<Record>>,
    /// Those that AUDITOR would not take.
    pub refused: Vec<Refusal>,
    /// How many are of VMs that run, and are not sent.
    pub running: usize,
}

/// The records of a batch; none for a type that AUDITOR has no record for.
pub fn records(options: &Options, batch: &Batch) -> Option<Mapped> {
    let mut mapped = Mapped::default();
    for index in 0..batch.records.len() {
        let origin = batch.origin(index);
        let made = match &batch.records {
            RecordList::Cloud(list) => {
                let record = list.get(index)?;
                if record.end.is_none() && !options.open {
                    mapped.running += 1;
                    continue;
                }
                cloud(options, record, origin)
            }
            RecordList::Storage(list) => storage(options, list.get(index)?, origin),
            RecordList::Energy(list) => energy(options, list.get(index)?, origin),
            _ => return None,
        };
        match made {
            Ok(value) => mapped.entries.push(Entry {
                index,
                bytes: value.json.len() + 1,
                value,
            }),
            Err(reason) => mapped.refused.push(Refusal::new(index, reason)),
        }
    }
    Some(mapped)
}

/// A VM. While it runs, without what changes until its end.
fn cloud(
    options: &Options,
    record: &CloudRecord,
    origin: Option<&Origin>,
) -> Result<Record, String> {
    let ended = record.end.is_some();
    let adds_up = |amount: Option<u64>| amount.filter(|_| ended);
    let none = Vec::new;
    let made = facts(origin)?
        .meta("site_id", Some(&record.site_name))?
        .meta("service", Some(&record.compute_service))?
        .meta("group_id", Some(&record.local_group_id))?
        .meta("user_id", record.local_user_id.as_deref())?
        .meta("voms", Some(&record.fqan))?
        .meta("image_id", record.image_id.as_deref())?
        .component("Cores", cores(record.cpu_count)?, scores(record)?)?
        .component("Memory", record.memory_mib, none())?
        .component("Disk", record.disk_gib, none())?
        .component("PublicIPs", record.public_ip_count.map(u64::from), none())?
        .component("WallTime", adds_up(record.wall_seconds), none())?
        .component("TotalCPU", adds_up(record.cpu_seconds), none())?
        .component("SuspendTime", adds_up(record.suspend_seconds), none())?
        .component(
            "NetworkInbound",
            adds_up(record.network_inbound_bytes),
            none(),
        )?
        .component(
            "NetworkOutbound",
            adds_up(record.network_outbound_bytes),
            none(),
        )?
        .record(
            &format!("{}-{}", options.prefix, record.vm_uuid),
            record.start,
            record.end,
        )?;
    Ok(Record {
        closes: ended,
        ..made
    })
}

/// What was held of a volume in an interval.
fn storage(
    options: &Options,
    record: &StorageRecord,
    origin: Option<&Origin>,
) -> Result<Record, String> {
    facts(origin)?
        .meta("site_id", Some(&record.site_name))?
        .meta("service", Some(&record.storage_system))?
        .meta("group_id", record.local_group.as_deref())?
        .meta("user_id", record.local_user.as_deref())?
        .meta("voms", record.group.as_deref())?
        .meta("volume_id", Some(&record.resource_id))?
        .component("Capacity", Some(record.capacity_bytes), Vec::new())?
        .component("Files", record.file_count, Vec::new())?
        .record(
            &format!("{}-{}", options.prefix, record.head.id),
            record.start,
            Some(record.end),
        )
}

/// The energy that a VM used in an interval.
fn energy(
    options: &Options,
    record: &EnergyRecord,
    origin: Option<&Origin>,
) -> Result<Record, String> {
    let joules = whole((record.watt_hours * JOULES).round())
        .ok_or_else(|| format!("{} Wh is no amount for AUDITOR", record.watt_hours))?;
    facts(origin)?
        .meta("site_id", Some(&record.site_name))?
        .meta("service", Some(&record.compute_service))?
        .meta("voms", Some(&record.owner))?
        .meta("vm_id", Some(&record.exec_unit_id))?
        .component("Energy", Some(joules), Vec::new())?
        .component("WallTime", Some(record.wall_seconds), Vec::new())?
        .component("TotalCPU", record.cpu_seconds, Vec::new())?
        .record(
            &format!("{}-{}", options.prefix, record.head.id),
            record.start,
            Some(record.end),
        )
}

/// Where a record comes from.
fn facts(origin: Option<&Origin>) -> Result<Parts, String> {
    Parts::default()
        .meta("cloud", origin.map(|it| it.cloud.as_str()))?
        .meta("region", origin.and_then(|it| it.region.as_deref()))
}

/// The CPUs, of which AUDITOR counts whole ones.
fn cores(count: Option<f64>) -> Result<Option<u64>, String> {
    count
        .map(|count| {
            whole(count).ok_or_else(|| format!("{count} CPUs: AUDITOR counts whole ones alone"))
        })
        .transpose()
}

/// The benchmarks as scores of the cores; one without name or value says nothing there.
fn scores(record: &CloudRecord) -> Result<Vec<Value>, String> {
    let benchmarks = record.benchmarks.iter();
    benchmarks
        .filter_map(|it| Some(record::score(it.name.as_deref()?, it.value?)))
        .collect()
}

/// A number without a fraction, as far as a float holds every one of them.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole, and within what fits"
)]
fn whole(number: f64) -> Option<u64> {
    let fits = number.fract() == 0.0 && (0.0..9_007_199_254_740_992.0).contains(&number);
    fits.then_some(number as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::tests::options;
    use caso_component::samples;
    use serde_json::json;

    fn mapped(changes: &[(&str, &str)], records: RecordList) -> Mapped {
        let options = options(changes).ok().unwrap();
        super::records(&options, &samples::batch(records)).unwrap()
    }

    fn one(records: RecordList) -> Value {
        let mapped = mapped(&[], records);
        assert!(mapped.refused.is_empty(), "{:?}", mapped.refused);
        json(&mapped.entries[0].value)
    }

    fn json(record: &Record) -> Value {
        serde_json::from_str(&record.json).unwrap()
    }

    fn ended() -> CloudRecord {
        CloudRecord {
            end: Some(2_000),
            status: "completed".into(),
            ..samples::cloud()
        }
    }

    #[test]
    fn a_vm_that_has_ended_is_a_record_of_its_own() {
        let record = one(RecordList::Cloud(vec![ended()]));
        assert_eq!(
            record,
            json!({
                "record_id": "caso-f03d90cc-9de7-5999-9b5d-6548f06c28cf",
                "meta": {
                    "cloud": ["default"],
                    "site_id": ["TEST-SITE"],
                    "service": ["TEST-SITE-CLOUD"],
                    "group_id": ["g"],
                    "user_id": ["u"],
                    "voms": ["vo.example.org"],
                },
                "components": [
                    {"name": "Cores", "amount": 2,
                     "scores": [{"name": "HEPscore23", "value": 99.0}]},
                    {"name": "Memory", "amount": 4096, "scores": []},
                    {"name": "Disk", "amount": 20, "scores": []},
                    {"name": "PublicIPs", "amount": 0, "scores": []},
                    {"name": "WallTime", "amount": 1000, "scores": []},
                    {"name": "TotalCPU", "amount": 2000, "scores": []},
                ],
                "start_time": "1970-01-01T00:16:40Z",
                "stop_time": "1970-01-01T00:33:20Z",
            })
        );
    }

    #[test]
    fn a_vm_that_runs_is_left_out_or_open() {
        let both = || RecordList::Cloud(vec![samples::cloud(), ended()]);
        let skipped = mapped(&[], both());
        assert_eq!((skipped.running, skipped.entries.len()), (1, 1));
        assert_eq!(skipped.entries[0].index, 1);
        let open = mapped(&[("running", "open")], both());
        assert_eq!((open.running, open.entries.len()), (0, 2));
        let record = &open.entries[0].value;
        assert!(!record.closes);
        let opened = json(record);
        assert!(opened.get("stop_time").is_none());
        let names: Vec<&str> = opened["components"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["Cores", "Memory", "Disk", "PublicIPs"]);
        // The same record, which its end closes.
        let closed = &open.entries[1].value;
        assert_eq!(opened["record_id"], json(closed)["record_id"]);
        assert!(closed.closes);
    }

    #[test]
    fn volumes_and_energy_are_records_of_their_interval() {
        let record = one(RecordList::Storage(vec![samples::storage()]));
        assert_eq!(
            record["record_id"],
            "caso-storage:1f480dc7-3405-5304-88e6-247ccefd34c8:1:2"
        );
        assert_eq!(
            record["components"],
            json!([{"name": "Capacity", "amount": 107_374_182_400_u64, "scores": []}])
        );
        let record = one(RecordList::Energy(vec![samples::energy()]));
        assert_eq!(record["components"][0]["amount"], 1_800);
        assert_eq!(record["meta"]["voms"], json!(["vo.example.org"]));
        assert_eq!(record["stop_time"], "1970-01-01T01:00:00Z");
    }

    #[test]
    fn what_auditor_would_not_take_is_refused_and_the_others_go_on() {
        let bad = [
            CloudRecord {
                cpu_count: Some(0.5),
                ..ended()
            },
            CloudRecord {
                fqan: "/vo\0".into(),
                ..ended()
            },
            CloudRecord {
                start: i64::MAX,
                ..ended()
            },
            CloudRecord {
                image_id: Some("x".repeat(300)),
                ..ended()
            },
        ];
        let mut records = bad.to_vec();
        records.push(ended());
        let mapped = mapped(&[], RecordList::Cloud(records));
        let reasons: Vec<&str> = mapped.refused.iter().map(|it| it.reason.as_str()).collect();
        assert_eq!(reasons.len(), 4);
        for (reason, part) in reasons
            .iter()
            .zip(["0.5 CPUs", "`voms`", "no time", "`image_id`"])
        {
            assert!(reason.contains(part), "{reason}");
        }
        assert_eq!(mapped.entries[0].index, 4);
    }

    #[test]
    fn a_benchmark_without_name_or_value_is_no_score() {
        let mut record = ended();
        record.benchmarks[0].value = None;
        let mut nameless = samples::benchmark("x", 1.0);
        nameless.name = None;
        record.benchmarks.push(nameless);
        let json = one(RecordList::Cloud(vec![record]));
        assert_eq!(json["components"][0]["scores"], json!([]));
    }

    #[test]
    fn what_auditor_has_no_record_for_is_not_taken() {
        let options = options(&[]).ok().unwrap();
        let batch = samples::batch(RecordList::Ip(vec![samples::ip()]));
        assert!(super::records(&options, &batch).is_none());
    }
}
