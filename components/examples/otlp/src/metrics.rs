//! The metrics: what they are called, their units, and what they say of a record.
//!
//! Names are built as the semantic conventions build them (`time` for what passes, `limit`
//! for what may be used at most, `io` with a direction; no unit in a name), below `caso`:
//! there are conventions for what is seen from within a machine (`system.*`) and for
//! containers, and none for VMs as a cloud sees them. Attributes are those of the registry
//! where it has them. An attribute tells two streams apart, so none is of what may change in
//! the life of a VM: its name, its status, its image.

use caso_component::messenger::Batch;
use caso_component::records::{
    AcceleratorRecord, CloudRecord, EnergyRecord, IpRecord, OtherRecord, RecordList, StorageRecord,
};
use chrono::{NaiveDate, NaiveTime};

use crate::options::Options;
use crate::point::{Kind, Point};

mod points;

use points::{Points, Span, named};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
/// Joules in a watt-hour.
const JOULES: f64 = 3_600.0;

/// How the names of quantities end, and in which unit they are exported: one without a prefix,
/// as the conventions have it, of which there are so many in one.
const UNITS: [(&str, &str, f64); 8] = [
    ("-watt-hours", "J", JOULES),
    ("-joules", "J", 1.0),
    ("-bytes", "By", 1.0),
    ("-mib", "By", 1_048_576.0),
    ("-gib", "By", 1_073_741_824.0),
    ("-hours", "s", 3_600.0),
    ("-seconds", "s", 1.0),
    ("-grams", "g", 1.0),
];

/// The points of a record; why it has none otherwise.
pub fn of(options: &Options, batch: &Batch, index: usize) -> Result<Vec<Point>, String> {
    let mut points = Points::default();
    let origin = batch.origin(index);
    points.with("cloud.region", origin.and_then(|it| it.region.as_deref()));
    // The batch has a record at every index that is asked for.
    let missing = || format!("there is no record {index}");
    match &batch.records {
        RecordList::Cloud(list) => cloud(&mut points, list.get(index).ok_or_else(missing)?),
        RecordList::Ip(list) => ip(&mut points, list.get(index).ok_or_else(missing)?),
        RecordList::Accelerator(list) => {
            accelerator(&mut points, list.get(index).ok_or_else(missing)?)
        }
        RecordList::Storage(list) => storage(&mut points, list.get(index).ok_or_else(missing)?),
        RecordList::Energy(list) => {
            energy(options, &mut points, list.get(index).ok_or_else(missing)?)
        }
        RecordList::Other(list) => {
            other(options, &mut points, list.get(index).ok_or_else(missing)?)
        }
    }?;
    Ok(points.made)
}

/// So many times a unit, in the unit that a metric has.
fn scaled(count: Option<u64>, unit: u64) -> Result<Option<u64>, String> {
    count
        .map(|count| {
            count
                .checked_mul(unit)
                .ok_or_else(|| format!("{count} is more than a data point can say"))
        })
        .transpose()
}

fn cloud(points: &mut Points, record: &CloudRecord) -> Result<(), String> {
    points
        .with("host.id", Some(&record.vm_uuid))
        .with("cloud.account.id", Some(&record.local_group_id))
        .with("user.id", record.local_user_id.as_deref())
        .with("caso.site", Some(&record.site_name))
        .with("caso.service", Some(&record.compute_service))
        .with("caso.vo", Some(&record.fqan));
    let span = Span {
        start: record.start,
        end: record.head.measured_at,
    };
    let total = Kind::Cumulative;
    for (metric, value) in [
        (
            named("caso.vm.wall.time", "s", "For how long the VM has run."),
            record.wall_seconds,
        ),
        (
            named("caso.vm.cpu.time", "s", "CPU time of the VM."),
            record.cpu_seconds,
        ),
        (
            named(
                "caso.vm.suspend.time",
                "s",
                "For how long the VM was suspended.",
            ),
            record.suspend_seconds,
        ),
    ] {
        points.add(metric, total, span, &[], value)?;
    }
    let io = named(
        "caso.vm.network.io",
        "By",
        "What the VM received and transmitted.",
    );
    for (direction, value) in [
        ("receive", record.network_inbound_bytes),
        ("transmit", record.network_outbound_bytes),
    ] {
        let direction = [("network.io.direction", direction)];
        points.add(io.clone(), total, span, &direction, value)?;
    }
    let state = Kind::Gauge;
    let limit = named("caso.vm.cpu.limit", "{cpu}", "CPUs of the VM.");
    points.add(limit, state, span, &[], record.cpu_count)?;
    for (metric, value) in [
        (
            named("caso.vm.memory.limit", "By", "Memory of the VM."),
            scaled(record.memory_mib, MIB)?,
        ),
        (
            named("caso.vm.disk.limit", "By", "Disks of the VM's flavor."),
            scaled(record.disk_gib, GIB)?,
        ),
        (
            named(
                "caso.vm.public_ip.count",
                "{address}",
                "Public addresses of the VM.",
            ),
            record.public_ip_count.map(u64::from),
        ),
    ] {
        points.add(metric, state, span, &[], value)?;
    }
    let benchmark = named(
        "caso.vm.cpu.benchmark",
        "1",
        "What a CPU of the VM achieves.",
    );
    for it in &record.benchmarks {
        let name = it.name.as_deref().unwrap_or_default();
        let by_name = [("caso.benchmark", name)];
        let by_name = if name.is_empty() { &[] } else { &by_name[..] };
        points.add(benchmark.clone(), state, span, by_name, it.value)?;
    }
    Ok(())
}

fn ip(points: &mut Points, record: &IpRecord) -> Result<(), String> {
    points
        .with("cloud.account.id", Some(&record.local_group))
        .with("caso.site", Some(&record.site_name))
        .with("caso.service", Some(&record.compute_service))
        .with("caso.vo", Some(&record.fqan));
    let version = format!("ipv{}", record.ip_version);
    let at = record.head.measured_at;
    points.add(
        named(
            "caso.project.public_ip.count",
            "{address}",
            "Public addresses that the project holds.",
        ),
        Kind::Gauge,
        Span { start: at, end: at },
        &[("network.type", &version)],
        Some(u64::from(record.ip_count)),
    )
}

/// Its times are cumulative within the month, with which they begin anew.
fn accelerator(points: &mut Points, record: &AcceleratorRecord) -> Result<(), String> {
    points
        .with("host.id", Some(&record.associated_record))
        .with("hw.type", Some(&record.accelerator_type.to_lowercase()))
        .with("hw.model", record.model.as_deref())
        .with("caso.site", Some(&record.site_name))
        .with("caso.service", Some(&record.compute_service))
        .with("caso.vo", Some(&record.fqan));
    let span = Span {
        start: month(record.year, record.month)
            .ok_or_else(|| format!("{}-{} is no month", record.year, record.month))?,
        end: record.head.measured_at,
    };
    for (metric, value) in [
        (
            named(
                "caso.accelerator.active.time",
                "s",
                "For how long the accelerators were used in the month.",
            ),
            record.active_seconds,
        ),
        (
            named(
                "caso.accelerator.available.time",
                "s",
                "For how long the accelerators were the VM's in the month.",
            ),
            record.available_seconds,
        ),
    ] {
        points.add(metric, Kind::Cumulative, span, &[], Some(value))?;
    }
    let count = named(
        "caso.accelerator.count",
        "{accelerator}",
        "Accelerators of the VM.",
    );
    points.add(count, Kind::Gauge, span, &[], Some(record.count))
}

/// The first second of a month.
fn month(year: u16, month: u8) -> Option<i64> {
    let first = NaiveDate::from_ymd_opt(year.into(), month.into(), 1)?;
    Some(first.and_time(NaiveTime::MIN).and_utc().timestamp())
}

fn storage(points: &mut Points, record: &StorageRecord) -> Result<(), String> {
    points
        .with("caso.volume.id", Some(&record.resource_id))
        .with("cloud.account.id", record.local_group.as_deref())
        .with("user.id", record.local_user.as_deref())
        .with("caso.site", Some(&record.site_name))
        .with("caso.service", Some(&record.storage_system))
        .with("caso.vo", record.group.as_deref());
    let span = Span {
        start: record.start,
        end: record.end,
    };
    for (metric, value) in [
        (
            named("caso.volume.capacity", "By", "Size of the volume."),
            Some(record.capacity_bytes),
        ),
        (
            named("caso.volume.file.count", "{file}", "Files in the volume."),
            record.file_count,
        ),
    ] {
        points.add(metric, Kind::Gauge, span, &[], value)?;
    }
    Ok(())
}

fn energy(options: &Options, points: &mut Points, record: &EnergyRecord) -> Result<(), String> {
    points
        .with("host.id", Some(&record.exec_unit_id))
        .with("caso.site", Some(&record.site_name))
        .with("caso.service", Some(&record.compute_service))
        .with("caso.vo", Some(&record.owner));
    if record.watt_hours < 0.0 {
        return Err(format!("the energy is negative: {} Wh", record.watt_hours));
    }
    let span = Span {
        start: record.start,
        end: record.end,
    };
    points.add(
        named("caso.vm.energy", "J", "Energy that the VM used."),
        interval(options),
        span,
        &[],
        Some(record.watt_hours * JOULES),
    )
}

fn other(options: &Options, points: &mut Points, record: &OtherRecord) -> Result<(), String> {
    let fact = |name: &str| {
        let mut facts = record.head.attributes.iter();
        let found = facts.find(|it| it.name == name)?;
        Some(found.value.as_str())
    };
    points
        .with("caso.resource.id", Some(&record.resource_id))
        .with("cloud.account.id", fact("project-id"))
        .with("user.id", fact("user-id"))
        .with("caso.site", fact("site-name"))
        .with("caso.service", fact("compute-service"))
        .with("caso.vo", fact("vo"));
    let span = Span {
        start: record.start,
        end: record.end,
    };
    for quantity in &record.quantities {
        // A sum that only grows has none that is negative.
        let kind = match quantity.value < 0.0 {
            true => Kind::Gauge,
            false => interval(options),
        };
        let mut units = UNITS.iter();
        let unit = units.find(|(end, ..)| format!("-{}", quantity.name).ends_with(end));
        let (end, unit, factor) = unit.copied().unwrap_or(("", "1", 1.0));
        // A unit is no part of a name, unless there is nothing else.
        let name = quantity.name.strip_suffix(end).unwrap_or(&quantity.name);
        let name = format!("caso.{}.{name}", record.kind).replace('-', "_");
        let description = format!("The quantity {} of {}.", quantity.name, record.kind);
        let metric = (name.into(), unit, description.into());
        points.add(metric, kind, span, &[], Some(quantity.value * factor))?;
    }
    Ok(())
}

/// What is used in an interval.
fn interval(options: &Options) -> Kind {
    match options.deltas {
        true => Kind::Delta,
        false => Kind::Gauge,
    }
}

#[cfg(test)]
mod tests;
