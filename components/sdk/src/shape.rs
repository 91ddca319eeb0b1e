//! Records as JSON in cASO's shape: its keys, in its order, without what is
//! absent. The SSM messages of two record types and Logstash's lines have it.

use chrono::{DateTime, Utc};

use crate::json::{Object, Style};
use crate::records::{AcceleratorRecord, CloudRecord, EnergyRecord, Head, IpRecord, StorageRecord};

const BYTES_PER_GIB: u64 = 1 << 30;

/// A VM. `EndTime` is 0 while it runs.
#[must_use]
pub fn cloud(record: &CloudRecord, style: Style) -> String {
    Object::new(style)
        .text("SiteName", &record.site_name)
        .text("CloudType", &record.cloud_type)
        .text("CloudComputeService", &record.compute_service)
        .text("VMUUID", &record.vm_uuid)
        .text("MachineName", &record.machine_name)
        .maybe_text("LocalUserId", record.local_user_id.as_deref())
        .maybe_text("GlobalUserName", record.global_user_name.as_deref())
        .text("LocalGroupId", &record.local_group_id)
        .text("FQAN", &record.fqan)
        .text("Status", &record.status)
        .maybe_text("ImageId", record.image_id.as_deref())
        .maybe_integer("PublicIPCount", record.public_ip_count)
        .maybe_integer("CpuCount", record.cpu_count)
        .maybe_integer("Memory", record.memory_mib)
        .maybe_integer("Disk", record.disk_gib)
        .maybe_text("NetworkType", record.network_type.as_deref())
        .maybe_integer("NetworkInbound", gib(record.network_inbound_bytes))
        .maybe_integer("NetworkOutbound", gib(record.network_outbound_bytes))
        .maybe_text("StorageRecordId", record.storage_record_id.as_deref())
        .maybe_integer("SuspendDuration", record.suspend_seconds)
        .maybe_float("Benchmark", record.benchmark_value)
        .maybe_text("BenchmarkType", record.benchmark_type.as_deref())
        .integer("StartTime", record.start)
        .integer("EndTime", record.end.unwrap_or(0))
        .maybe_integer("WallDuration", record.wall_seconds)
        .maybe_integer("CpuDuration", record.cpu_seconds)
        .finish()
}

/// Whole GiB of bytes: network traffic, as APEL counts it.
#[must_use]
pub fn gib(bytes: Option<u64>) -> Option<u64> {
    bytes.map(|bytes| bytes / BYTES_PER_GIB)
}

/// Public IP addresses.
#[must_use]
pub fn ip(record: &IpRecord, style: Style) -> String {
    Object::new(style)
        .text("SiteName", &record.site_name)
        .text("CloudType", &record.cloud_type)
        .text("CloudComputeService", &record.compute_service)
        .text("uuid", &record.uuid)
        .maybe_text("LocalUser", record.local_user.as_deref())
        .maybe_text("GlobalUserName", record.global_user_name.as_deref())
        .text("LocalGroup", &record.local_group)
        .text("FQAN", &record.fqan)
        .integer("IPVersion", record.ip_version)
        .integer("IPCount", record.ip_count)
        .integer("MeasurementTime", record.head.measured_at)
        .finish()
}

/// An accelerator.
#[must_use]
pub fn accelerator(record: &AcceleratorRecord, style: Style) -> String {
    Object::new(style)
        .text("SiteName", &record.site_name)
        .text("CloudType", &record.cloud_type)
        .text("CloudComputeService", &record.compute_service)
        .text("AssociatedRecord", &record.associated_record)
        .maybe_text("GlobalUserName", record.global_user_name.as_deref())
        .text("FQAN", &record.fqan)
        .raw("Count", &crate::python::number(record.count))
        .integer("AvailableDuration", record.available_seconds)
        .integer("MeasurementMonth", record.month)
        .integer("MeasurementYear", record.year)
        .text("AssociatedRecordType", &record.associated_record_type)
        .text("Type", &record.accelerator_type)
        .maybe_integer("Cores", record.cores)
        .maybe_text("Model", record.model.as_deref())
        .maybe_float("Benchmark", record.benchmark_value)
        .maybe_text("BenchmarkType", record.benchmark_type.as_deref())
        .integer("ActiveDuration", record.active_seconds)
        .finish()
}

/// A volume. What a storage record has no field for, the mapper left among the
/// attributes.
#[must_use]
pub fn storage(record: &StorageRecord, style: Style) -> String {
    let fact = |name| attribute(&record.head, name);
    let number = |name| fact(name).and_then(|text| text.parse::<i64>().ok());
    let attached = fact("attached_seconds").and_then(|text| text.parse::<f64>().ok());
    Object::new(style)
        .text("SiteName", &record.site_name)
        .text("CloudType", &record.cloud_type)
        .text("CloudComputeService", &record.storage_system)
        .text("VolumeUUID", &record.volume_id)
        .maybe_text("RecordName", fact("name"))
        .maybe_text("LocalUser", record.local_user.as_deref())
        .maybe_text("GlobalUserName", record.user_identity.as_deref())
        .maybe_text("LocalGroup", record.local_group.as_deref())
        .maybe_text("FQAN", record.group.as_deref())
        .integer("ActiveDuration", record.end.saturating_sub(record.start))
        // The one duration that is no whole number in cASO.
        .maybe_float("AttachedDuration", attached)
        .maybe_text("AttachedTo", fact("attached_to"))
        .maybe_text("Type", fact("type"))
        .maybe_text("Status", fact("status"))
        .integer("Capacity", record.capacity_bytes / BYTES_PER_GIB)
        .integer("StartTime", record.start)
        .integer("CreateTime", record.create_time)
        .maybe_integer("VolumeCreationTime", number("created"))
        .finish()
}

fn attribute<'a>(head: &'a Head, name: &str) -> Option<&'a str> {
    head.attributes
        .iter()
        .find(|attribute| attribute.name == name)
        .map(|attribute| attribute.value.as_str())
}

/// Energy.
#[must_use]
pub fn energy(record: &EnergyRecord, style: Style) -> String {
    Object::new(style)
        .text("SiteName", &record.site_name)
        .text("CloudType", &record.cloud_type)
        .text("CloudComputeService", &record.compute_service)
        .text("ExecUnitID", &record.exec_unit_id)
        .maybe_text("StartExecTime", zulu(record.start).as_deref())
        .maybe_text("EndExecTime", zulu(record.end).as_deref())
        .float("EnergyWh", record.watt_hours)
        .maybe_float("Work", record.work)
        .maybe_float("Efficiency", record.efficiency)
        .integer("WallClockTime_s", record.wall_seconds)
        .maybe_integer("CpuDuration_s", record.cpu_seconds)
        .maybe_integer("SuspendDuration_s", record.suspend_seconds)
        .maybe_float("CPUNormalizationFactor", record.cpu_normalization_factor)
        .integer("ExecUnitFinished", u8::from(record.finished))
        .text("Status", &record.status)
        .text("Owner", &record.owner)
        .finish()
}

/// A time as Python's naive `isoformat` has it: `2026-10-01T00:00:00`.
#[must_use]
pub fn iso(time: i64) -> Option<String> {
    DateTime::<Utc>::from_timestamp(time, 0)
        .map(|date| date.format("%Y-%m-%dT%H:%M:%S").to_string())
}

fn zulu(time: i64) -> Option<String> {
    iso(time).map(|text| text + "Z")
}
