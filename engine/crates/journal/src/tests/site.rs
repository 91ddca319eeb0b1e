//! A site of its own for each test: a spool, with the records that a test
//! wants in it. Shared with the tests of the delivery, which include this file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use caso_disk::Disk;
use caso_disk::faults::folder;
use caso_journal::{Journal, MapperIdentity, Order, Recovery, Sealed, SegmentKey, SegmentWriter};
use caso_model::record::*;
use caso_model::usage::{OtherUsage, UsageItem};
use caso_model::{Attribute, Window};
use caso_state::Spool;

pub fn head(id: &str, key: &str, at: i64) -> Head {
    Head {
        id: id.into(),
        supersedes: key.into(),
        measured_at: at,
        attributes: Vec::new(),
    }
}

pub fn cloud(id: &str, key: &str, at: i64) -> AccountingRecord {
    AccountingRecord::Cloud(CloudRecord {
        head: head(id, key, at),
        vm_uuid: key.into(),
        site_name: "SITE".into(),
        compute_service: "SITE".into(),
        cloud_type: "caso".into(),
        machine_name: "ma%%chine \u{1f980}\n".into(),
        local_user_id: None,
        local_group_id: "p".into(),
        global_user_name: None,
        fqan: "vo".into(),
        status: "started".into(),
        start: 0,
        end: None,
        suspend_seconds: None,
        wall_seconds: Some(1),
        cpu_seconds: Some(1),
        cpu_count: Some(1.0),
        network_type: None,
        network_inbound_bytes: None,
        network_outbound_bytes: None,
        public_ip_count: None,
        memory_mib: Some(1),
        disk_gib: Some(1),
        benchmarks: vec![Benchmark {
            value: Some(0.1 + 0.2),
            ..Benchmark::default()
        }],
        storage_record_id: None,
        image_id: None,
    })
}

pub fn ip(id: &str) -> AccountingRecord {
    AccountingRecord::Ip(IpRecord {
        head: head(id, id, 1),
        site_name: "SITE".into(),
        compute_service: "SITE".into(),
        cloud_type: "caso".into(),
        local_user: None,
        local_group: "p".into(),
        global_user_name: None,
        fqan: "vo".into(),
        ip_version: 4,
        ip_count: 1,
    })
}

pub fn other(id: &str, kind: &str) -> AccountingRecord {
    AccountingRecord::Other(OtherRecord {
        head: head(id, id, 1),
        kind: kind.into(),
        resource_id: id.into(),
        start: 0,
        end: 1,
        quantities: Vec::new(),
        payload: Some("{}".into()),
    })
}

pub fn usage(id: &str) -> UsageItem {
    UsageItem::Other(OtherUsage {
        kind: "bucket".into(),
        id: id.into(),
        project_id: "p".into(),
        payload: Some("{}".into()),
        ..OtherUsage::default()
    })
}

pub fn fact(name: &str, value: &str) -> Attribute {
    Attribute {
        name: name.into(),
        value: value.into(),
    }
}

pub fn mapper() -> MapperIdentity {
    MapperIdentity {
        name: "mapper".into(),
        version: "1".into(),
        digest: "0".into(),
    }
}

pub fn key(project: u32, window: Window) -> SegmentKey {
    SegmentKey {
        cloud: "default".into(),
        region: None,
        project: format!("project-{project}"),
        extractor: "nova".into(),
        window,
        again: false,
    }
}

/// A spool and the messengers that its segments are for.
pub struct Site {
    pub dir: tempfile::TempDir,
    pub messengers: Vec<String>,
}

impl Site {
    pub fn new(messengers: &[&str]) -> Site {
        Site {
            dir: folder().unwrap(),
            messengers: messengers.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    pub fn spool(&self, disk: Disk) -> Spool {
        Spool::look(self.dir.path(), disk)
    }

    pub fn open(&self) -> (Journal, Recovery) {
        Journal::open(&self.spool(Disk::default()), 1000).unwrap()
    }

    /// A segment of a project, to write to.
    pub fn begin(&self, journal: &Journal, project: u32) -> SegmentWriter {
        let window = Window { start: 0, end: 1 };
        let order = Order {
            project,
            extractor: 0,
        };
        journal
            .begin(
                key(project, window),
                vec![fact("vo", "vo")],
                order,
                &self.messengers,
                &mapper(),
            )
            .unwrap()
    }

    pub fn seal(&self, journal: &Journal, project: u32, records: &[AccountingRecord]) -> Sealed {
        let mut writer = self.begin(journal, project);
        for record in records {
            writer.append(record).unwrap();
        }
        writer.seal().unwrap()
    }

    /// Records `names`, in one project, in a run of its own.
    pub fn extract(&self, names: &[&str]) {
        let records: Vec<_> = names.iter().map(|id| cloud(id, id, 1)).collect();
        self.seal(&self.open().0, 0, &records);
    }

    /// Ids in a messenger's quarantine, in order, with reasons.
    pub fn quarantined(&self, messenger: &str) -> Vec<(String, String)> {
        let folder = self.path(&format!("messengers/{messenger}/quarantine"));
        let mut found = Vec::new();
        for path in list(&folder) {
            for line in std::fs::read_to_string(path).unwrap().lines() {
                let line: serde_json::Value = serde_json::from_str(line).unwrap();
                let record: AccountingRecord =
                    serde_json::from_value(line["record"].clone()).unwrap();
                assert!(line["batch_id"].is_string());
                found.push((
                    record.head().id.clone(),
                    line["reason"].as_str().unwrap().to_owned(),
                ));
            }
        }
        found
    }

    pub fn quarantined_ids(&self, messenger: &str) -> Vec<String> {
        let found = self.quarantined(messenger);
        found.into_iter().map(|(id, _)| id).collect()
    }

    pub fn path(&self, inside: &str) -> PathBuf {
        self.dir.path().join("caso-journal").join(inside)
    }

    pub fn files(&self, inside: &str) -> Vec<String> {
        let names = list(&self.path(inside)).into_iter();
        names
            .filter(|path| path.is_file())
            .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
            .collect()
    }

    pub fn waiting(&self) -> BTreeMap<String, u64> {
        let waiting = self.open().0.waiting().unwrap();
        waiting
            .into_iter()
            .map(|waiting| (waiting.messenger, waiting.records))
            .collect()
    }
}

pub fn list(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .map(|listing| listing.map(|entry| entry.unwrap().path()).collect())
        .unwrap_or_default();
    paths.sort();
    paths
}
