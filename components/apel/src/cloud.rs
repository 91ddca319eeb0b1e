//! APEL cloud usage records: a record is a block of `Key: value` lines.
//!
//! Records of v0.4 are written as cASO 5.2.2 does: lines sorted, `EndTime: 0` while the VM
//! runs. Those of v0.2 are written as cASO 2.1.2 did, the last version to support them:
//! lines in the order of its table, no `EndTime` while the VM runs, and an empty line at
//! the end of the message. Times are epoch seconds, durations seconds, `Memory` is in MiB,
//! `Disk` and the traffic are in GiB.

use std::borrow::Cow;

use caso_component::log;
use caso_component::python;
use caso_component::record_json::gib;
use caso_component::records::CloudRecord;

use crate::format::CloudVersion;
use crate::packing::Frame;
use crate::rules::{self, BENCHMARK_TYPE, VARCHAR};

/// Header, separator and end of a cloud message.
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

/// The fields with their keys.
macro_rules! fields {
    ($($field:ident $key:literal,)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        enum Field {
            $($field,)*
        }

        /// Their keys, in the same order.
        const KEYS: [&str; FIELDS] = [$($key,)*];

        const FIELDS: usize = [$($key,)*].len();
    };
}

// In the order of v0.4's lines: of the keys.
fields! {
    Benchmark "Benchmark",
    BenchmarkType "BenchmarkType",
    CloudComputeService "CloudComputeService",
    CloudType "CloudType",
    CpuCount "CpuCount",
    CpuDuration "CpuDuration",
    Disk "Disk",
    EndTime "EndTime",
    Fqan "FQAN",
    GlobalUserName "GlobalUserName",
    ImageId "ImageId",
    LocalGroupId "LocalGroupId",
    LocalUserId "LocalUserId",
    MachineName "MachineName",
    Memory "Memory",
    NetworkInbound "NetworkInbound",
    NetworkOutbound "NetworkOutbound",
    NetworkType "NetworkType",
    PublicIpCount "PublicIPCount",
    SiteName "SiteName",
    StartTime "StartTime",
    Status "Status",
    StorageRecordId "StorageRecordId",
    SuspendDuration "SuspendDuration",
    VmUuid "VMUUID",
    WallDuration "WallDuration",
}

/// Those of v0.2, in the order in which cASO 2.1.2 wrote them.
const V02: [Field; 22] = [
    Field::VmUuid,
    Field::SiteName,
    Field::MachineName,
    Field::LocalUserId,
    Field::LocalGroupId,
    Field::Fqan,
    Field::Status,
    Field::StartTime,
    Field::EndTime,
    Field::SuspendDuration,
    Field::WallDuration,
    Field::CpuDuration,
    Field::CpuCount,
    Field::NetworkType,
    Field::NetworkInbound,
    Field::NetworkOutbound,
    Field::Memory,
    Field::Disk,
    Field::StorageRecordId,
    Field::ImageId,
    Field::CloudType,
    Field::GlobalUserName,
];

impl Field {
    fn place(self) -> usize {
        usize::from(self as u8)
    }

    fn key(self) -> &'static str {
        KEYS.get(self.place()).copied().unwrap_or_default()
    }
}

/// The lines of the record, without a line end behind the last.
///
/// # Errors
/// Why APEL would reject it.
pub fn entry(record: &CloudRecord, version: CloudVersion) -> Result<String, String> {
    let mut lines = Lines::of(&record.vm_uuid);
    let v04 = version == CloudVersion::V04;
    rules::mandatory(Field::VmUuid.key(), &record.vm_uuid, rules::ascii_id)?;
    rules::mandatory(Field::SiteName.key(), &record.site_name, rules::ascii_id)?;
    lines.add(Field::VmUuid, &record.vm_uuid);
    lines.add(Field::SiteName, &record.site_name);
    lines.id(Field::CloudType, &record.cloud_type)?;
    lines.id(Field::LocalGroupId, &record.local_group_id)?;
    lines.id(Field::Fqan, &record.fqan)?;
    lines.id(Field::Status, &record.status)?;
    lines.name(Field::MachineName, Some(&record.machine_name));
    lines.name(Field::LocalUserId, record.local_user_id.as_deref());
    lines.name(Field::GlobalUserName, record.global_user_name.as_deref());
    lines.optional(Field::ImageId, record.image_id.as_deref());
    lines.optional(Field::NetworkType, record.network_type.as_deref());
    lines.optional(Field::StorageRecordId, record.storage_record_id.as_deref());
    if v04 {
        lines.id(Field::CloudComputeService, &record.compute_service)?;
        if let Some(count) = record.public_ip_count {
            let count = rules::field(Field::PublicIpCount.key(), rules::int(count))?;
            lines.whole(Field::PublicIpCount, count.into());
        }
        benchmark(&mut lines, record);
    }
    times(&mut lines, record, version)?;
    lines.number(Field::SuspendDuration, record.suspend_seconds)?;
    // APEL treats a duration of 0 as missing, so cASO sends 1.
    lines.number(Field::WallDuration, record.wall_seconds.map(|s| s.max(1)))?;
    lines.number(Field::CpuDuration, record.cpu_seconds.map(|s| s.max(1)))?;
    if let Some(count) = record.cpu_count {
        // The column has three decimal places; a whole number is written without any.
        let count = rules::field(Field::CpuCount.key(), rules::decimal(count))?;
        lines.add(Field::CpuCount, python::number(count));
    }
    lines.number(Field::Memory, record.memory_mib)?;
    lines.number(Field::Disk, record.disk_gib)?;
    lines.number(Field::NetworkInbound, gib(record.network_inbound_bytes))?;
    lines.number(Field::NetworkOutbound, gib(record.network_outbound_bytes))?;
    Ok(lines.joined(version))
}

fn times(lines: &mut Lines, record: &CloudRecord, version: CloudVersion) -> Result<(), String> {
    let start = rules::field(Field::StartTime.key(), rules::datetime(record.start))?;
    let end = match record.end {
        Some(end) => rules::field(Field::EndTime.key(), rules::datetime(end))?,
        None if record.status.eq_ignore_ascii_case("completed") => {
            return Err(
                "`EndTime` is missing although the VM is completed: APEL could not assign the \
                 record to a month"
                    .to_owned(),
            );
        }
        None => 0,
    };
    if record.end.is_some() && end < start {
        return Err(format!("`EndTime` {end} is before `StartTime` {start}"));
    }
    lines.whole(Field::StartTime, start);
    if record.end.is_some() || version == CloudVersion::V04 {
        lines.whole(Field::EndTime, end);
    }
    Ok(())
}

/// Adds name and value of the benchmark. They belong together: where APEL would reject
/// one of them, both are left out.
fn benchmark<'a>(lines: &mut Lines<'a>, record: &'a CloudRecord) {
    // A message has room for one: the preferred.
    let Some(benchmark) = record.benchmarks.first() else {
        return;
    };
    let name = benchmark.name.as_deref();
    let checked = rules::field(
        Field::BenchmarkType.key(),
        name.map_or(Ok(()), |name| rules::ascii_id(name, BENCHMARK_TYPE)),
    )
    .and_then(|()| {
        rules::field(
            Field::Benchmark.key(),
            benchmark.value.map(rules::decimal).transpose(),
        )
    });
    match checked {
        Ok(value) => {
            if let Some(name) = name {
                lines.add(Field::BenchmarkType, name);
            }
            if let Some(value) = value {
                lines.add(Field::Benchmark, python::float_repr(value));
            }
        }
        Err(wrong) => log::warning(&format!(
            "VM `{}`: {wrong}; its record is sent without a benchmark",
            lines.vm
        )),
    }
}

/// The lines of a record under construction, each at its field's place: what formats a million
/// records neither sorts nor copies before the record is whole.
struct Lines<'a> {
    /// Id of the VM, for the log.
    vm: &'a str,
    values: [Value<'a>; FIELDS],
}

/// What stands behind a key.
enum Value<'a> {
    /// The record has no such line.
    Absent,
    Text(Cow<'a, str>),
    Whole(i64),
}

impl<'a> Lines<'a> {
    fn of(vm: &'a str) -> Self {
        Self {
            vm,
            values: [const { Value::Absent }; FIELDS],
        }
    }

    fn set(&mut self, field: Field, value: Value<'a>) {
        if let Some(place) = self.values.get_mut(field.place()) {
            *place = value;
        }
    }

    fn add(&mut self, field: Field, value: impl Into<Cow<'a, str>>) {
        self.set(field, Value::Text(value.into()));
    }

    fn whole(&mut self, field: Field, value: i64) {
        self.set(field, Value::Whole(value));
    }

    /// Adds a text by which usage is booked.
    fn id(&mut self, field: Field, value: &'a str) -> Result<(), String> {
        rules::field(field.key(), rules::ascii_id(value, VARCHAR))?;
        self.add(field, value);
        Ok(())
    }

    /// Adds a name for people to read, cleaned.
    fn name(&mut self, field: Field, value: Option<&'a str>) {
        let Some(value) = value else { return };
        let cleaned = rules::cleaned_name(value);
        // Characters that are not ASCII are dropped without a log line, as in cASO.
        if matches!(&cleaned, Cow::Owned(text) if !value.chars().filter(char::is_ascii).eq(text.chars()))
        {
            log::info(&format!(
                "VM `{}`: `{}` is sent as `{cleaned}`: APEL cannot load it as it is",
                self.vm,
                field.key()
            ));
        }
        self.add(field, cleaned);
    }

    /// Adds a text that a record can do without.
    fn optional(&mut self, field: Field, value: Option<&'a str>) {
        let Some(value) = value else { return };
        match rules::ascii_id(value, VARCHAR) {
            Ok(()) => self.add(field, value),
            Err(wrong) => log::warning(&format!(
                "VM `{}`: `{}` {wrong}; its record is sent without it",
                self.vm,
                field.key()
            )),
        }
    }

    /// Adds a whole number, if there is one.
    fn number(&mut self, field: Field, value: Option<u64>) -> Result<(), String> {
        if let Some(value) = value {
            self.whole(field, rules::field(field.key(), rules::bigint(value))?);
        }
        Ok(())
    }

    /// The lines in the order of the version, without a line end behind the last.
    fn joined(&self, version: CloudVersion) -> String {
        // Longer than nearly all are.
        let mut text = String::with_capacity(1_024);
        match version {
            CloudVersion::V04 => {
                for (key, value) in KEYS.iter().zip(&self.values) {
                    append(&mut text, key, value);
                }
            }
            CloudVersion::V02 => {
                for field in V02 {
                    if let Some(value) = self.values.get(field.place()) {
                        append(&mut text, field.key(), value);
                    }
                }
            }
        }
        text
    }
}

fn append(text: &mut String, key: &str, value: &Value<'_>) {
    let mut digits = itoa::Buffer::new();
    let value = match value {
        Value::Absent => return,
        Value::Text(value) => value,
        Value::Whole(value) => digits.format(*value),
    };
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(key);
    text.push_str(": ");
    text.push_str(value);
}

#[cfg(test)]
mod tests;
