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

/// The fields of v0.2 in the order in which cASO 2.1.2 wrote them.
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

/// The lines of the record, without a line end behind the last.
///
/// # Errors
/// Why APEL would reject it.
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
    lines.optional("ImageId", record.image_id.as_deref());
    lines.optional("NetworkType", record.network_type.as_deref());
    lines.optional("StorageRecordId", record.storage_record_id.as_deref());
    if v04 {
        lines.id("CloudComputeService", &record.compute_service)?;
        if let Some(count) = record.public_ip_count {
            let count = rules::field("PublicIPCount", rules::int(count))?;
            lines.add("PublicIPCount", count.to_string());
        }
        benchmark(&mut lines, record);
    }
    times(&mut lines, record, version)?;
    lines.number("SuspendDuration", record.suspend_seconds)?;
    // APEL treats a duration of 0 as missing, so cASO sends 1.
    lines.number("WallDuration", record.wall_seconds.map(|s| s.max(1)))?;
    lines.number("CpuDuration", record.cpu_seconds.map(|s| s.max(1)))?;
    if let Some(count) = record.cpu_count {
        // The column has three decimal places; a whole number is written without any.
        let count = rules::field("CpuCount", rules::decimal(count))?;
        lines.add("CpuCount", python::number(count));
    }
    lines.number("Memory", record.memory_mib)?;
    lines.number("Disk", record.disk_gib)?;
    lines.number("NetworkInbound", gib(record.network_inbound_bytes))?;
    lines.number("NetworkOutbound", gib(record.network_outbound_bytes))?;
    // Each key is there once, so that keys order the lines as whole lines would: the only one
    // that another begins with is `Benchmark`, which comes before `BenchmarkType` either way.
    match version {
        CloudVersion::V04 => lines.lines.sort_unstable_by_key(|(key, _)| *key),
        CloudVersion::V02 => {
            let place = |wanted: &str| V02.iter().position(|key| *key == wanted);
            lines.lines.sort_by_key(|(key, _)| place(key));
        }
    }
    Ok(lines.joined())
}

fn times(lines: &mut Lines, record: &CloudRecord, version: CloudVersion) -> Result<(), String> {
    let start = rules::field("StartTime", rules::datetime(record.start))?;
    let end = match record.end {
        Some(end) => rules::field("EndTime", rules::datetime(end))?,
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
    lines.add("StartTime", start.to_string());
    if record.end.is_some() || version == CloudVersion::V04 {
        lines.add("EndTime", end.to_string());
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
        "BenchmarkType",
        name.map_or(Ok(()), |name| rules::ascii_id(name, BENCHMARK_TYPE)),
    )
    .and_then(|()| rules::field("Benchmark", benchmark.value.map(rules::decimal).transpose()));
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
            "VM `{}`: {wrong}; its record is sent without a benchmark",
            lines.vm
        )),
    }
}

/// The lines of a record under construction. Texts are not copied before the record is
/// whole: what formats a million records does little else.
struct Lines<'a> {
    /// Id of the VM, for the log.
    vm: &'a str,
    /// Key and value.
    lines: Vec<(&'static str, Cow<'a, str>)>,
}

impl<'a> Lines<'a> {
    fn add(&mut self, key: &'static str, value: impl Into<Cow<'a, str>>) {
        self.lines.push((key, value.into()));
    }

    /// Adds a text by which usage is booked.
    fn id(&mut self, key: &'static str, value: &'a str) -> Result<(), String> {
        rules::field(key, rules::ascii_id(value, VARCHAR))?;
        self.add(key, value);
        Ok(())
    }

    /// Adds a name for people to read, cleaned.
    fn name(&mut self, key: &'static str, value: Option<&'a str>) {
        let Some(value) = value else { return };
        let cleaned = rules::cleaned_name(value);
        // Characters that are not ASCII are dropped without a log line, as in cASO.
        if matches!(&cleaned, Cow::Owned(text) if !value.chars().filter(char::is_ascii).eq(text.chars()))
        {
            log::info(&format!(
                "VM `{}`: `{key}` is sent as `{cleaned}`: APEL cannot load it as it is",
                self.vm
            ));
        }
        self.add(key, cleaned);
    }

    /// Adds a text that a record can do without.
    fn optional(&mut self, key: &'static str, value: Option<&'a str>) {
        let Some(value) = value else { return };
        match rules::ascii_id(value, VARCHAR) {
            Ok(()) => self.add(key, value),
            Err(wrong) => log::warning(&format!(
                "VM `{}`: `{key}` {wrong}; its record is sent without it",
                self.vm
            )),
        }
    }

    /// Adds a whole number, if there is one.
    fn number(&mut self, key: &'static str, value: Option<u64>) -> Result<(), String> {
        if let Some(value) = value {
            let value = rules::field(key, rules::bigint(value))?;
            self.add(key, value.to_string());
        }
        Ok(())
    }

    /// The lines in the order in which they are, without a line end behind the last.
    fn joined(&self) -> String {
        let bytes = |(key, value): &(&str, Cow<'_, str>)| key.len() + value.len() + ": \n".len();
        let mut text = String::with_capacity(self.lines.iter().map(bytes).sum());
        for (at, (key, value)) in self.lines.iter().enumerate() {
            if at > 0 {
                text.push('\n');
            }
            text.push_str(key);
            text.push_str(": ");
            text.push_str(value);
        }
        text
    }
}

#[cfg(test)]
mod tests;
