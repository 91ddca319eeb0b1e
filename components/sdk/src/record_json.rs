//! Accounting records as JSON objects with cASO's own keys.
//!
//! The keys, their order and what is left out when absent are those of cASO 5.2.2's
//! `model_dump_json(by_alias=True, exclude_none=True)` (`caso/record.py`), which named
//! them after APEL's record fields. SSM's public IP and accelerator messages, Logstash's
//! lines and the lists for GreenDIGIT CIM are made of them.
//!
//! Times are epoch seconds and durations seconds, but for the energy record, whose times
//! are ISO 8601. Memory is in MiB; disk, network traffic and capacity are in whole GiB.

use chrono::{DateTime, Utc};

use crate::json::{Object, Style};
use crate::python::number;
use crate::records::{
    AcceleratorRecord, CloudRecord, EnergyRecord, Head, IpRecord, OtherRecord, RecordList,
    StorageRecord,
};

const BYTES_PER_GIB: u64 = 1 << 30;

/// The record at `index`, from 0; none behind the list's end. A record of a kind that
/// cASO does not have is its payload as it is, one JSON object, or an object of its
/// quantities where it has none.
#[must_use]
pub fn record(records: &RecordList, index: usize, style: Style) -> Option<String> {
    match records {
        RecordList::Cloud(list) => list.get(index).map(|record| cloud(record, style)),
        RecordList::Ip(list) => list.get(index).map(|record| ip(record, style)),
        RecordList::Accelerator(list) => list.get(index).map(|record| accelerator(record, style)),
        RecordList::Storage(list) => list.get(index).map(|record| storage(record, style)),
        RecordList::Energy(list) => list.get(index).map(|record| energy(record, style)),
        RecordList::Other(list) => list.get(index).map(|record| other(record, style)),
    }
}

/// A cloud record, with `EndTime` 0 while the VM runs.
#[must_use]
pub fn cloud(record: &CloudRecord, style: Style) -> String {
    let benchmark = record.benchmarks.first();
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
        .maybe_raw("CpuCount", record.cpu_count.map(number).as_deref())
        .maybe_integer("Memory", record.memory_mib)
        .maybe_integer("Disk", record.disk_gib)
        .maybe_text("NetworkType", record.network_type.as_deref())
        .maybe_integer("NetworkInbound", gib(record.network_inbound_bytes))
        .maybe_integer("NetworkOutbound", gib(record.network_outbound_bytes))
        .maybe_text("StorageRecordId", record.storage_record_id.as_deref())
        .maybe_integer("SuspendDuration", record.suspend_seconds)
        .maybe_float("Benchmark", benchmark.and_then(|it| it.value))
        .maybe_text("BenchmarkType", benchmark.and_then(|it| it.name.as_deref()))
        .integer("StartTime", record.start)
        .integer("EndTime", record.end.unwrap_or(0))
        .maybe_integer("WallDuration", record.wall_seconds)
        .maybe_integer("CpuDuration", record.cpu_seconds)
        .finish()
}

/// Network traffic as APEL counts it: whole GiB, rounded down.
#[must_use]
pub fn gib(bytes: Option<u64>) -> Option<u64> {
    bytes.map(|bytes| bytes / BYTES_PER_GIB)
}

/// A public IP record. Its `uuid` is an attribute of the head.
#[must_use]
pub fn ip(record: &IpRecord, style: Style) -> String {
    ip_with(record, attribute(&record.head, "uuid"), style)
}

/// A public IP record without `uuid`, which APEL's own schema does not have.
#[must_use]
pub fn ip_without_uuid(record: &IpRecord, style: Style) -> String {
    ip_with(record, None, style)
}

fn ip_with(record: &IpRecord, uuid: Option<&str>, style: Style) -> String {
    Object::new(style)
        .text("SiteName", &record.site_name)
        .text("CloudType", &record.cloud_type)
        .text("CloudComputeService", &record.compute_service)
        .maybe_text("uuid", uuid)
        .maybe_text("LocalUser", record.local_user.as_deref())
        .maybe_text("GlobalUserName", record.global_user_name.as_deref())
        .text("LocalGroup", &record.local_group)
        .text("FQAN", &record.fqan)
        .integer("IPVersion", record.ip_version)
        .integer("IPCount", record.ip_count)
        .integer("MeasurementTime", record.head.measured_at)
        .finish()
}

/// An accelerator record. `Count` may be a fraction, where VMs share an accelerator.
#[must_use]
pub fn accelerator(record: &AcceleratorRecord, style: Style) -> String {
    let benchmark = record.benchmarks.first();
    Object::new(style)
        .text("SiteName", &record.site_name)
        .text("CloudType", &record.cloud_type)
        .text("CloudComputeService", &record.compute_service)
        .text("AssociatedRecord", &record.associated_record)
        .maybe_text("GlobalUserName", record.global_user_name.as_deref())
        .text("FQAN", &record.fqan)
        .raw("Count", &number(record.count))
        .integer("AvailableDuration", record.available_seconds)
        .integer("MeasurementMonth", record.month)
        .integer("MeasurementYear", record.year)
        .text("AssociatedRecordType", &record.associated_record_type)
        .text("Type", &record.accelerator_type)
        .maybe_integer("Cores", record.cores)
        .maybe_text("Model", record.model.as_deref())
        .maybe_float("Benchmark", benchmark.and_then(|it| it.value))
        .maybe_text("BenchmarkType", benchmark.and_then(|it| it.name.as_deref()))
        .integer("ActiveDuration", record.active_seconds)
        .finish()
}

/// A storage record, in cASO's shape and not StAR's. What the contract's record has no
/// field for (name, status, type, attachment) comes from its attributes.
#[must_use]
pub fn storage(record: &StorageRecord, style: Style) -> String {
    let fact = |name| attribute(&record.head, name);
    let integer = |name| fact(name).and_then(|text| text.parse::<i64>().ok());
    let attached = fact("attached-seconds").and_then(|text| text.parse::<f64>().ok());
    Object::new(style)
        .text("SiteName", &record.site_name)
        .text("CloudType", &record.cloud_type)
        .text("CloudComputeService", &record.storage_system)
        .text("VolumeUUID", &record.resource_id)
        .maybe_text("RecordName", fact("name"))
        .maybe_text("LocalUser", record.local_user.as_deref())
        .maybe_text("GlobalUserName", record.user_identity.as_deref())
        .maybe_text("LocalGroup", record.local_group.as_deref())
        .maybe_text("FQAN", record.group.as_deref())
        .integer("ActiveDuration", record.end.saturating_sub(record.start))
        // The one duration that cASO writes with a fraction.
        .maybe_float("AttachedDuration", attached)
        .maybe_text("AttachedTo", fact("attached-to"))
        .maybe_text("Type", fact("type"))
        .maybe_text("Status", fact("status"))
        .integer("Capacity", record.capacity_bytes / BYTES_PER_GIB)
        .integer("StartTime", record.start)
        .integer("CreateTime", record.create_time)
        .maybe_integer("VolumeCreationTime", integer("created"))
        .finish()
}

fn attribute<'a>(head: &'a Head, name: &str) -> Option<&'a str> {
    head.attributes
        .iter()
        .find(|attribute| attribute.name == name)
        .map(|attribute| attribute.value.as_str())
}

/// An energy record, as GreenDIGIT CIM takes it.
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

/// A record of a kind that cASO does not have: its payload as it is, or, without one,
/// what it says otherwise.
#[must_use]
pub fn other(record: &OtherRecord, style: Style) -> String {
    if let Some(payload) = &record.payload {
        return payload.clone();
    }
    let quantities = record
        .quantities
        .iter()
        .fold(Object::new(style), |object, quantity| {
            object.raw(&quantity.name, &number(quantity.value))
        });
    Object::new(style)
        .text("RecordType", &record.kind)
        .text("ResourceId", &record.resource_id)
        .integer("StartTime", record.start)
        .integer("EndTime", record.end)
        .raw("Quantities", &quantities.finish())
        .finish()
}

/// Epoch seconds as Python's `isoformat` writes a naive UTC time: `2026-10-01T00:00:00`.
/// None for a time whose year chrono cannot represent.
#[must_use]
pub fn iso(time: i64) -> Option<String> {
    DateTime::<Utc>::from_timestamp(time, 0)
        .map(|date| date.format("%Y-%m-%dT%H:%M:%S").to_string())
}

fn zulu(time: i64) -> Option<String> {
    iso(time).map(|text| text + "Z")
}
