use super::*;
use caso_component::samples::cloud as record;
use proptest::prelude::*;

/// The entry of the sample record with a change.
fn entry_with(change: impl FnOnce(&mut CloudRecord)) -> Result<String, String> {
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
            '\n' | '\r' | '\x0b' | '\x0c' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}'
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
        entry_with(|_| ()).unwrap(),
        "Benchmark: 99.0\n\
         BenchmarkType: HEPscore23\n\
         CloudComputeService: TEST-SITE-CLOUD\n\
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
    let wanted = V02.into_iter().map(Field::key);
    let sorted: Vec<&str> = wanted.filter(|key| keys.contains(key)).collect();
    assert_eq!(keys, sorted);
}

/// A field's place is that of its key, and the lines of v0.4 come sorted.
#[test]
fn the_keys_are_sorted_and_each_is_its_fields_own() {
    assert!(KEYS.is_sorted());
    for (place, key) in KEYS.iter().enumerate() {
        let field = V02.into_iter().find(|field| field.place() == place);
        let name = field.map(|field| format!("{field:?}").to_lowercase());
        assert!(name.is_none_or(|name| name == key.to_lowercase()), "{key}");
    }
    let last = Field::WallDuration;
    assert_eq!((last.place(), last.key()), (FIELDS - 1, "WallDuration"));
    assert_eq!(Field::PublicIpCount.key(), "PublicIPCount");
    assert_eq!(Field::CloudComputeService.key(), "CloudComputeService");
}

#[test]
fn a_duration_of_zero_is_sent_as_one_second() {
    let text = entry_with(|record| {
        record.wall_seconds = Some(0);
        record.cpu_seconds = Some(0);
    })
    .unwrap();
    assert!(text.contains("WallDuration: 1") && text.contains("CpuDuration: 1\n"));
    let text = entry_with(|record| record.cpu_seconds = None).unwrap();
    assert!(!text.contains("CpuDuration"));
}

#[test]
fn a_vm_may_end_the_moment_it_began() {
    let text = entry_with(|record| {
        record.status = "completed".into();
        record.end = Some(record.start);
    })
    .unwrap();
    assert!(text.contains("EndTime: 1000\n"));
}

#[test]
fn traffic_is_sent_in_gib() {
    let text = entry_with(|record| record.network_inbound_bytes = Some(3 << 30)).unwrap();
    assert!(text.contains("NetworkInbound: 3\n"));
}

#[test]
fn names_are_cleaned() {
    let text = entry_with(|record| {
        record.machine_name = "b\u{f3}b%%\nVMUUID: x".into();
        record.global_user_name = Some("J\u{f3}hn".into());
    })
    .unwrap();
    assert!(text.contains("MachineName: bb% VMUUID: x\n"), "{text}");
    assert!(text.contains("GlobalUserName: Jhn\n"));
    // Logged where more than characters outside of ASCII had to go.
    let lines = log::take_lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0]
            .1
            .contains("`MachineName` is sent as `bb% VMUUID: x`")
    );
    entry_with(|record| record.machine_name = "plain".into()).unwrap();
    assert!(log::take_lines().is_empty());
}

#[test]
fn optional_texts_are_left_out() {
    let text = entry_with(|record| {
        record.image_id = Some("https://\u{f3}".into());
        record.benchmarks[0].name = Some("x".repeat(51));
    })
    .unwrap();
    assert!(!text.contains("ImageId") && !text.contains("Benchmark"));
    let lines = log::take_lines();
    assert!(
        lines[0].1.contains("`ImageId` has a character"),
        "{lines:?}"
    );
    assert!(
        lines[1].1.contains("`BenchmarkType` is longer than 50"),
        "{lines:?}"
    );
    let text = entry_with(|record| record.benchmarks[0].value = Some(1e7)).unwrap();
    assert!(!text.contains("Benchmark"));
}

#[test]
fn cpus_are_whole_or_have_a_fraction() {
    for (count, line) in [
        (2.0, "CpuCount: 2\n"),
        (0.5, "CpuCount: 0.5\n"),
        (0.0, "CpuCount: 0\n"),
    ] {
        let text = entry_with(|record| record.cpu_count = Some(count)).unwrap();
        assert!(text.contains(line), "{text}");
    }
}

#[test]
fn of_several_benchmarks_the_first_is_sent() {
    let text = entry_with(|record| {
        record
            .benchmarks
            .push(caso_component::samples::benchmark("hepspec06", 12.0));
    })
    .unwrap();
    assert!(
        text.contains("Benchmark: 99.0\nBenchmarkType: HEPscore23"),
        "{text}"
    );
    assert!(!text.contains("hepspec06"), "{text}");
    let name_alone = entry_with(|record| record.benchmarks[0].value = None).unwrap();
    assert!(
        name_alone.contains("BenchmarkType: HEPscore23"),
        "{name_alone}"
    );
    assert!(!name_alone.contains("Benchmark: "), "{name_alone}");
}

/// What APEL's loader and database would reject is refused before it is sent.
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
        ("`StartTime` is before 1970", |r| r.start = -1),
        ("`EndTime` 999 is before `StartTime` 1000", |r| {
            r.end = Some(999)
        }),
        ("`EndTime` is missing", |r| r.status = "completed".into()),
        ("`EndTime` is before 1970", |r| r.end = Some(i64::MAX)),
        ("`WallDuration` is larger", |r| {
            r.wall_seconds = Some(u64::MAX);
        }),
        ("`CpuCount` is larger", |r| r.cpu_count = Some(1e7)),
        ("`PublicIPCount` is larger", |r| {
            r.public_ip_count = Some(u32::MAX);
        }),
    ];
    for (reason, change) in table {
        let refused = entry_with(*change).unwrap_err();
        assert!(refused.starts_with(reason), "{refused} / {reason}");
    }
}

proptest! {
    /// Whatever a record contains: it is refused, or a message with three copies of it
    /// is ASCII and loads as three records with known keys.
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
        record.benchmarks[0].name = Some(texts[6].clone());
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
