//! APEL cloud usage records: `Key: value` lines. Those of v0.4 are sorted, as cASO
//! 5.2.2 has them; those of v0.2 stand as cASO 2.1.2, the last one to know them,
//! wrote them: in the order of its table, without an `EndTime` while the VM runs,
//! and with one more line end behind the last.

use caso_component::log;
use caso_component::python;
use caso_component::records::CloudRecord;
use caso_component::shape::gib;

use crate::options::CloudVersion;
use crate::packing::Frame;
use crate::rules::{self, BENCHMARK_TYPE, TEXT};

/// What stands around the entries of a message.
pub fn frame(version: CloudVersion) -> Frame {
    Frame {
        prefix: format!("APEL-cloud-message: v{}\n", version.text()),
        separator: "\n%%\n",
        suffix: match version {
            CloudVersion::V02 => "\n\n",
            CloudVersion::V04 => "\n",
        },
    }
}

/// The fields of v0.2 in cASO's order.
const V02: [&str; 22] = [
    "VMUUID",
    "SiteName",
    "MachineName",
    "LocalUserId",
    "LocalGroupId",
    "FQAN",
    "Status",
    "StartTime",
    "EndTime",
    "SuspendDuration",
    "WallDuration",
    "CpuDuration",
    "CpuCount",
    "NetworkType",
    "NetworkInbound",
    "NetworkOutbound",
    "Memory",
    "Disk",
    "StorageRecordId",
    "ImageId",
    "CloudType",
    "GlobalUserName",
];

/// The record's lines.
///
/// # Errors
/// Why APEL would not take it.
pub fn entry(record: &CloudRecord, version: CloudVersion) -> Result<String, String> {
    let mut lines = Lines {
        vm: &record.vm_uuid,
        lines: Vec::with_capacity(24),
    };
    let v04 = version == CloudVersion::V04;
    rules::mandatory("VMUUID", &record.vm_uuid, rules::ascii_id)?;
    rules::mandatory("SiteName", &record.site_name, rules::ascii_id)?;
    lines.add("VMUUID", &record.vm_uuid);
    lines.add("SiteName", &record.site_name);
    lines.id("CloudType", &record.cloud_type)?;
    lines.id("LocalGroupId", &record.local_group_id)?;
    lines.id("FQAN", &record.fqan)?;
    lines.id("Status", &record.status)?;
    lines.name("MachineName", Some(&record.machine_name));
    lines.name("LocalUserId", record.local_user_id.as_deref());
    lines.name("GlobalUserName", record.global_user_name.as_deref());
    lines.note("ImageId", record.image_id.as_deref());
    lines.note("NetworkType", record.network_type.as_deref());
    lines.note("StorageRecordId", record.storage_record_id.as_deref());
    if v04 {
        lines.id("CloudComputeService", &record.compute_service)?;
        if let Some(count) = record.public_ip_count {
            lines.add(
                "PublicIPCount",
                rules::field("PublicIPCount", rules::int(count))?,
            );
        }
        benchmark(&mut lines, record);
    }
    times(&mut lines, record, version)?;
    lines.number("SuspendDuration", record.suspend_seconds)?;
    // APEL takes a duration of none for one that is missing.
    lines.number("WallDuration", record.wall_seconds.map(|s| s.max(1)))?;
    lines.number("CpuDuration", record.cpu_seconds.map(|s| s.max(1)))?;
    if let Some(count) = record.cpu_count {
        rules::field("CpuCount", rules::decimal(f64::from(count)))?;
        lines.add("CpuCount", count);
    }
    lines.number("Memory", record.memory_mib)?;
    lines.number("Disk", record.disk_gib)?;
    lines.number("NetworkInbound", gib(record.network_inbound_bytes))?;
    lines.number("NetworkOutbound", gib(record.network_outbound_bytes))?;
    match version {
        CloudVersion::V04 => lines.lines.sort_unstable(),
        CloudVersion::V02 => lines.lines.sort_by_key(|line| {
            let key = line.split_once(':').map_or("", |(key, _)| key);
            V02.iter().position(|known| *known == key)
        }),
    }
    Ok(lines.lines.join("\n"))
}

fn times(lines: &mut Lines, record: &CloudRecord, version: CloudVersion) -> Result<(), String> {
    let start = rules::field("StartTime", rules::time(record.start))?;
    let end = match record.end {
        Some(end) => rules::field("EndTime", rules::time(end))?,
        None if record.status.eq_ignore_ascii_case("completed") => {
            return Err(
                "`EndTime` is missing of a completed VM, which APEL books for no month".to_owned(),
            );
        }
        None => 0,
    };
    if record.end.is_some() && end < start {
        return Err(format!("`EndTime` {end} lies before `StartTime` {start}"));
    }
    lines.add("StartTime", start);
    if record.end.is_some() || version == CloudVersion::V04 {
        lines.add("EndTime", end);
    }
    Ok(())
}

/// Name and value of a benchmark belong together: where one can't be told, the
/// other is not, either.
fn benchmark(lines: &mut Lines, record: &CloudRecord) {
    let name = record.benchmark_type.as_deref();
    let checked = rules::field(
        "BenchmarkType",
        name.map_or(Ok(()), |name| rules::ascii_id(name, BENCHMARK_TYPE)),
    )
    .and_then(|()| {
        rules::field(
            "Benchmark",
            record.benchmark_value.map(rules::decimal).transpose(),
        )
    });
    match checked {
        Ok(value) => {
            if let Some(name) = name {
                lines.add("BenchmarkType", name);
            }
            if let Some(value) = value {
                lines.add("Benchmark", python::float_repr(value));
            }
        }
        Err(wrong) => log::warning(&format!(
            "VM `{}`: {wrong}: its record goes without a benchmark",
            lines.vm
        )),
    }
}

struct Lines<'a> {
    vm: &'a str,
    lines: Vec<String>,
}

impl Lines<'_> {
    fn add(&mut self, key: &str, value: impl std::fmt::Display) {
        self.lines.push(format!("{key}: {value}"));
    }

    fn id(&mut self, key: &str, value: &str) -> Result<(), String> {
        rules::field(key, rules::ascii_id(value, TEXT))?;
        self.add(key, value);
        Ok(())
    }

    fn name(&mut self, key: &str, value: Option<&str>) {
        let Some(value) = value else { return };
        let cleaned = rules::name(value);
        // What is not ASCII goes without a word, as in cASO.
        if !value.chars().filter(char::is_ascii).eq(cleaned.chars()) {
            log::info(&format!(
                "VM `{}`: `{key}` is told as `{cleaned}`, for APEL can't take it as it is",
                self.vm
            ));
        }
        self.add(key, cleaned);
    }

    fn note(&mut self, key: &str, value: Option<&str>) {
        let Some(value) = value else { return };
        match rules::ascii_id(value, TEXT) {
            Ok(()) => self.add(key, value),
            Err(wrong) => log::warning(&format!(
                "VM `{}`: `{key}` {wrong}: its record goes without it",
                self.vm
            )),
        }
    }

    fn number(&mut self, key: &str, value: Option<u64>) -> Result<(), String> {
        if let Some(value) = value {
            self.add(key, rules::field(key, rules::big(value))?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use caso_component::records::Head;
    use proptest::prelude::*;

    fn record() -> CloudRecord {
        CloudRecord {
            head: Head {
                id: "cloud:1".into(),
                supersedes: "1".into(),
                measured_at: 2_000,
                attributes: Vec::new(),
            },
            vm_uuid: "f03d90cc-9de7-5999-9b5d-6548f06c28cf".into(),
            site_name: "TEST-SITE".into(),
            compute_service: "TEST-CLOUD".into(),
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
            cpu_count: Some(2),
            network_type: None,
            network_inbound_bytes: None,
            network_outbound_bytes: None,
            public_ip_count: Some(0),
            memory_mib: Some(4_096),
            disk_gib: Some(20),
            benchmark_type: Some("HEPscore23".into()),
            benchmark_value: Some(99.0),
            storage_record_id: None,
            image_id: None,
        }
    }

    fn told(change: impl FnOnce(&mut CloudRecord)) -> Result<String, String> {
        let mut record = record();
        change(&mut record);
        entry(&record, CloudVersion::V04)
    }

    /// What APEL's `create_records` makes of a message body, or why it rejects it.
    fn load(message: &str) -> Result<Vec<Vec<(String, String)>>, String> {
        let (header, rest) = message.trim().split_once('\n').ok_or("no header")?;
        if header.split(':').next() != Some("APEL-cloud-message") {
            return Err("not recognised".into());
        }
        let line_end = |c| {
            matches!(
                c,
                '\n' | '\r' | '\x0b' | '\x0c' | '\x1c'
                    ..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}'
            )
        };
        rest.trim()
            .split("%%")
            .filter(|chunk| !chunk.trim().is_empty())
            .map(|chunk| {
                chunk
                    .trim()
                    .split(line_end)
                    .map(|line| {
                        line.split_once(':')
                            .map(|(key, value)| (key.trim().into(), value.trim().into()))
                            .ok_or_else(|| format!("line `{line}` has no colon"))
                    })
                    .collect()
            })
            .collect()
    }

    #[test]
    fn bytes_of_a_record() {
        assert_eq!(
            told(|_| ()).unwrap(),
            "Benchmark: 99.0\n\
             BenchmarkType: HEPscore23\n\
             CloudComputeService: TEST-CLOUD\n\
             CloudType: caso/5.2.2 (OpenStack)\n\
             CpuCount: 2\n\
             CpuDuration: 2000\n\
             Disk: 20\n\
             EndTime: 0\n\
             FQAN: vo.example.org\n\
             LocalGroupId: g\n\
             LocalUserId: u\n\
             MachineName: vm\n\
             Memory: 4096\n\
             PublicIPCount: 0\n\
             SiteName: TEST-SITE\n\
             StartTime: 1000\n\
             Status: started\n\
             VMUUID: f03d90cc-9de7-5999-9b5d-6548f06c28cf\n\
             WallDuration: 1000"
        );
    }

    #[test]
    fn version_02_lacks_what_came_later() {
        let text = entry(&record(), CloudVersion::V02).unwrap();
        for key in ["Benchmark", "CloudComputeService", "PublicIPCount"] {
            assert!(!text.contains(key), "{key}");
        }
        assert!(text.contains("CloudType: ") && text.contains("WallDuration: 1000"));
        assert!(!text.contains("EndTime"));
        assert!(frame(CloudVersion::V02).prefix.ends_with("v0.2\n"));
        let keys: Vec<&str> = text
            .lines()
            .filter_map(|line| line.split(':').next())
            .collect();
        let sorted: Vec<&str> = V02.into_iter().filter(|key| keys.contains(key)).collect();
        assert_eq!(keys, sorted);
    }

    #[test]
    fn no_time_is_told_as_one_second() {
        let text = told(|record| {
            record.wall_seconds = Some(0);
            record.cpu_seconds = Some(0);
        })
        .unwrap();
        assert!(text.contains("WallDuration: 1") && text.contains("CpuDuration: 1\n"));
        let text = told(|record| record.cpu_seconds = None).unwrap();
        assert!(!text.contains("CpuDuration"));
    }

    #[test]
    fn traffic_is_told_in_gib() {
        let text = told(|record| record.network_inbound_bytes = Some(3 << 30)).unwrap();
        assert!(text.contains("NetworkInbound: 3\n"));
    }

    #[test]
    fn names_are_cleaned() {
        let text = told(|record| {
            record.machine_name = "b\u{f3}b%%\nVMUUID: x".into();
            record.global_user_name = Some("J\u{f3}hn".into());
        })
        .unwrap();
        assert!(text.contains("MachineName: bb% VMUUID: x\n"), "{text}");
        assert!(text.contains("GlobalUserName: Jhn\n"));
    }

    #[test]
    fn notes_are_left_out() {
        let text = told(|record| {
            record.image_id = Some("https://\u{f3}".into());
            record.benchmark_type = Some("x".repeat(51));
        })
        .unwrap();
        assert!(!text.contains("ImageId") && !text.contains("Benchmark"));
        let text = told(|record| record.benchmark_value = Some(1e7)).unwrap();
        assert!(!text.contains("Benchmark"));
    }

    /// The verdicts of APEL's loader and database, each told before it is asked.
    #[test]
    fn what_apel_rejects_is_refused_by_field() {
        type Change = fn(&mut CloudRecord);
        let table: &[(&str, Change)] = &[
            ("`VMUUID` is `None`", |r| r.vm_uuid = "None".into()),
            ("`VMUUID` has a line end", |r| r.vm_uuid = "a\nb".into()),
            ("`SiteName` is ``", |r| r.site_name = String::new()),
            ("`SiteName` is `nUlL`", |r| r.site_name = "nUlL".into()),
            ("`SiteName` has a character", |r| {
                r.site_name = "\u{f3}".into()
            }),
            ("`FQAN` has a character", |r| r.fqan = "vo.\u{f3}".into()),
            ("`FQAN` has `%%`", |r| r.fqan = "a%%b".into()),
            ("`FQAN` has a line end", |r| r.fqan = "a\rb".into()),
            ("`FQAN` is longer", |r| r.fqan = "x".repeat(256)),
            ("`CloudComputeService` has", |r| {
                r.compute_service = "\u{f3}".into();
            }),
            ("`CloudType` has", |r| r.cloud_type = "\u{f3}".into()),
            ("`LocalGroupId` has", |r| r.local_group_id = "\x1e".into()),
            ("`Status` has", |r| r.status = "\x0c".into()),
            ("`StartTime` lies", |r| r.start = -1),
            ("`EndTime` 999 lies before `StartTime` 1000", |r| {
                r.end = Some(999)
            }),
            ("`EndTime` is missing", |r| r.status = "completed".into()),
            ("`EndTime` lies before 1970", |r| r.end = Some(i64::MAX)),
            ("`WallDuration` is larger", |r| {
                r.wall_seconds = Some(u64::MAX);
            }),
            ("`CpuCount` is larger", |r| r.cpu_count = Some(u32::MAX)),
            ("`PublicIPCount` is larger", |r| {
                r.public_ip_count = Some(u32::MAX);
            }),
        ];
        for (reason, change) in table {
            let refused = told(*change).unwrap_err();
            assert!(refused.starts_with(reason), "{refused} / {reason}");
        }
    }

    proptest! {
        /// Whatever stands in a record: it is refused, or a message of three of
        /// it is ASCII and loads as three records of known keys.
        #[test]
        fn a_taken_record_never_breaks_its_message(
            texts in prop::collection::vec(any::<String>(), 9),
            spice in prop::sample::select(vec!["", "%%", "%", "\n", "\u{2028}", "\x1c", "a:b", "None"]),
            at in 0_usize..9,
        ) {
            let mut texts = texts;
            texts[at].push_str(spice);
            let mut record = record();
            record.vm_uuid = texts[0].clone();
            record.site_name = texts[1].clone();
            record.machine_name = texts[2].clone();
            record.fqan = texts[3].clone();
            record.global_user_name = Some(texts[4].clone());
            record.image_id = Some(texts[5].clone());
            record.benchmark_type = Some(texts[6].clone());
            record.local_group_id = texts[7].clone();
            record.compute_service = texts[8].clone();
            for version in [CloudVersion::V04, CloudVersion::V02] {
                let Ok(text) = entry(&record, version) else { continue };
                let frame = frame(version);
                let message = frame.message([text.as_str(); 3]);
                prop_assert!(message.is_ascii());
                let loaded = load(&message).unwrap();
                prop_assert_eq!(loaded.len(), 3);
                for fields in loaded {
                    prop_assert_eq!(fields.iter().filter(|(key, _)| key == "VMUUID").count(), 1);
                    prop_assert!(fields.len() >= 13 && fields.len() <= 21);
                }
            }
        }
    }
}
