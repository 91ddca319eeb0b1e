//! One valid record of each type, batches of them, and what an instance is started with, for the tests of messengers.
//!
//! Behind the feature `testing`, to be enabled in `[dev-dependencies]`:
//!
//! ```toml
//! [dev-dependencies]
//! caso-component = { …, features = ["testing"] }
//! ```
//!
//! A test changes the field that it is about and leaves the others alone.

use crate::messenger::{Answer, Batch, Rest};
use crate::records::{
    AcceleratorRecord, Benchmark, CloudRecord, EnergyRecord, Head, IpRecord, OtherRecord,
    RecordList, StorageRecord,
};
use crate::types::{Attribute, OptionValue, Origin, Quantity, Setting, Setup, Window};

/// What an instance of this name is started with.
#[must_use]
pub fn setup(instance: &str, settings: Vec<Setting>) -> Setup {
    Setup {
        instance: instance.into(),
        settings,
        attributes: Vec::new(),
    }
}

/// What is to be done with the rest of a batch, in words: `retry 30: it is down`.
#[must_use]
pub fn said(answer: &Answer) -> String {
    match &answer.rest {
        Rest::Done => "done".to_owned(),
        Rest::Retry(retry) => format!("retry {}: {}", retry.after_seconds, retry.reason),
        Rest::Misconfigured(reason) => format!("misconfigured: {reason}"),
        Rest::Other(reason) => format!("other: {reason}"),
        Rest::TooLarge => "too large".to_owned(),
    }
}

/// An option with this value.
#[must_use]
pub fn setting(name: &str, value: OptionValue) -> Setting {
    Setting {
        name: name.into(),
        value,
        attributes: Vec::new(),
    }
}

/// Project `3174…` of the cloud `default`, from 2026-10-01 to 2026-11-21T17:20:12, by
/// `nova`.
#[must_use]
pub fn origin() -> Origin {
    Origin {
        cloud: "default".into(),
        region: None,
        project_id: "3174786e9d0146608dfdbebc1b4a983e".into(),
        extractor: "nova".into(),
        window: Window {
            start: 1_790_812_800,
            end: 1_795_281_612,
        },
        attributes: Vec::new(),
    }
}

fn head(id: &str) -> Head {
    Head {
        id: id.into(),
        supersedes: id.into(),
        measured_at: 1_795_281_612,
        attributes: Vec::new(),
    }
}

/// A VM with 2 CPUs and 4 GiB that has run for 1,000 s and still does.
#[must_use]
pub fn cloud() -> CloudRecord {
    CloudRecord {
        head: head("cloud:1"),
        vm_uuid: "f03d90cc-9de7-5999-9b5d-6548f06c28cf".into(),
        site_name: "TEST-SITE".into(),
        compute_service: "TEST-SITE-CLOUD".into(),
        cloud_type: "caso/5.2.2 (OpenStack)".into(),
        machine_name: "vm".into(),
        local_user_id: Some("u".into()),
        local_group_id: "g".into(),
        global_user_name: None,
        fqan: "vo.example.org".into(),
        status: "started".into(),
        start: 1_000,
        end: None,
        suspend_seconds: None,
        wall_seconds: Some(1_000),
        cpu_seconds: Some(2_000),
        cpu_count: Some(2.0),
        network_type: None,
        network_inbound_bytes: None,
        network_outbound_bytes: None,
        public_ip_count: Some(0),
        memory_mib: Some(4_096),
        disk_gib: Some(20),
        benchmarks: vec![benchmark("HEPscore23", 99.0)],
        storage_record_id: None,
        image_id: None,
    }
}

/// A benchmark with name and value.
#[must_use]
pub fn benchmark(name: &str, value: f64) -> Benchmark {
    Benchmark {
        name: Some(name.into()),
        value: Some(value),
        attributes: Vec::new(),
    }
}

/// Two public IPv4 addresses of a project.
#[must_use]
pub fn ip() -> IpRecord {
    IpRecord {
        head: Head {
            attributes: vec![Attribute {
                name: "uuid".into(),
                value: "75d1b232-3688-4508-aaa8-14b3c084f3b7".into(),
            }],
            ..head("ip:1")
        },
        site_name: "TEST-SITE".into(),
        compute_service: "TEST-SITE-CLOUD".into(),
        cloud_type: "caso/5.2.2 (OpenStack)".into(),
        local_user: None,
        local_group: "3174786e9d0146608dfdbebc1b4a983e".into(),
        global_user_name: None,
        fqan: "vo.example.org".into(),
        ip_version: 4,
        ip_count: 2,
    }
}

/// Two GPUs of a VM in October 2026, the whole month.
#[must_use]
pub fn accelerator() -> AcceleratorRecord {
    AcceleratorRecord {
        head: head("accelerator:1"),
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
        benchmarks: Vec::new(),
        accelerator_type: "GPU".into(),
        model: Some("NVIDIA A100".into()),
    }
}

/// A volume of 100 GiB from 2026-10-01T00:00:00 to 2026-11-21T17:20:12.
#[must_use]
pub fn storage() -> StorageRecord {
    StorageRecord {
        head: head("storage:1f480dc7-3405-5304-88e6-247ccefd34c8:1:2"),
        resource_id: "1f480dc7-3405-5304-88e6-247ccefd34c8".into(),
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

/// Half a watt-hour of a running VM in the first hour of 1970.
#[must_use]
pub fn energy() -> EnergyRecord {
    EnergyRecord {
        head: head("energy:1"),
        exec_unit_id: "f03d90cc-9de7-5999-9b5d-6548f06c28cf".into(),
        site_name: "TEST-SITE".into(),
        compute_service: "TEST-SITE-CLOUD".into(),
        cloud_type: "caso/5.2.2 (OpenStack)".into(),
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
        owner: "vo.example.org".into(),
    }
}

/// A record of a kind (`bucket`) that the contract has no case for: 12 bytes for an
/// hour, with the payload `{}`.
#[must_use]
pub fn other() -> OtherRecord {
    OtherRecord {
        head: head("bucket:1"),
        kind: "bucket".into(),
        resource_id: "1".into(),
        start: 0,
        end: 3_600,
        quantities: vec![Quantity {
            name: "capacity-bytes".into(),
            value: 12.0,
        }],
        payload: Some("{}".into()),
    }
}

/// The first attempt at a batch of these records, with the id `batch`.
#[must_use]
pub fn batch(records: RecordList) -> Batch {
    let record_type = match &records {
        RecordList::Cloud(_) => "cloud",
        RecordList::Ip(_) => "ip",
        RecordList::Accelerator(_) => "accelerator",
        RecordList::Storage(_) => "storage",
        RecordList::Energy(_) => "energy",
        RecordList::Other(records) => records.first().map_or("other", |record| &record.kind),
    };
    Batch {
        id: "batch".into(),
        attempt: 1,
        instance: "messenger".into(),
        record_type: record_type.into(),
        origins: vec![origin()],
        origin_of: vec![0; records.len()],
        records,
        now: 0,
        time_left_milliseconds: 60_000,
        attributes: Vec::new(),
    }
}
