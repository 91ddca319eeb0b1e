//! The cloud records of a server (APEL cloud usage record 0.4), followed by the records of
//! its accelerators.
//!
//! Durations, in seconds, are cumulative since the VM began: APEL itself computes what was
//! used in a month, as the difference between the last records of that month and of an
//! earlier one (`SummariseVMs` in `schemas/cloud.sql`). What lies between a month's last
//! record and its end is thus booked to the next month, or to the one of the next run. So
//! besides the record as of the window's end there is one as of the last second of each month
//! that ends in the window. (cASO makes the former alone.)
//!
//! Windows overlap by a minute. A month's end in the overlap is reported in both of them, with
//! the same figures and the same key, so that APEL replaces one record by the other. The second
//! is not left out: the overlap exists for servers that the first window did not see, and the
//! mapper does not know which those are.

use caso_component::log;
use caso_component::records::{AccountingRecord, CloudRecord, Head};

use crate::accelerator;
use crate::calendar::Month;
use crate::counted;
use crate::cpu;
use crate::held;
use crate::identity;
use crate::lifetime::{Lifetime, Reported};
use crate::page::Page;
use crate::status;
use crate::usage::{Flavor, Server};

/// Maps a server: its records in the order of the moments for which they speak, then those of
/// its accelerators. No records when it did not exist in the window.
///
/// # Errors
/// Why the server cannot be accounted: an id that is not a UUID, no start, numbers out of
/// range.
pub fn map(page: &Page, server: &Server) -> Result<Vec<AccountingRecord>, String> {
    let life = Lifetime::of(server)?;
    let window = page.context.window;
    let Some(reported) = life.reported_in(window) else {
        return Ok(Vec::new());
    };
    if life.end.is_none() && server.status.is_none() && server.created.is_none() {
        // A row deleted without an end is counted by the usage API for ever. Nova lists no
        // such server, so it is not running, and nobody knows for how long it did. (One that it
        // lists was created: a missing status alone says nothing.)
        log::warning(&format!(
            "server `{}` is in the usage of project `{}` without an end, but Nova does not list \
             it: it is not reported",
            server.id, server.project_id
        ));
        return Ok(Vec::new());
    }
    if life.never_launched && !page.policy.record_never_launched {
        return Ok(Vec::new());
    }
    let mut records = Vec::new();
    if page.policy.month_ends {
        for reported in reported.at_month_ends(window)? {
            records.push(AccountingRecord::Cloud(record(page, server, reported)?));
        }
    }
    let cloud = record(page, server, reported)?;
    let accelerators = accelerator::map(page, server, reported, &cloud)?;
    records.push(AccountingRecord::Cloud(cloud));
    records.extend(accelerators.into_iter().map(AccountingRecord::Accelerator));
    Ok(records)
}

/// The record that speaks for the moment `reported.until`.
fn record(page: &Page, server: &Server, reported: Reported) -> Result<CloudRecord, String> {
    let context = page.context;
    let window = context.window;
    let vm_uuid = identity::canonical_uuid(&server.id)?;
    let status = reported.status(server);
    let former = held::former(page, server, reported.until);
    let size = match former {
        Some(former) => Size::of_former(server, former, reported.until),
        None => Size::of(server, page.flavor(server), reported.until),
    };
    let month = apel_month(reported, status)?;
    let benchmark = match former {
        Some(former) => page
            .properties_of(&former.id)
            .and_then(|it| it.benchmark.clone()),
        None => page.benchmark(server),
    };
    let supersedes = [vm_uuid.as_str(), ":", month.text().as_str()].concat();
    let (mut start, mut end) = (itoa::Buffer::new(), itoa::Buffer::new());
    let of_what = match reported.is_of_a_month_end(window) {
        true => &supersedes,
        false => &vm_uuid,
    };
    let (start, end) = (start.format(window.start), end.format(window.end));
    Ok(CloudRecord {
        head: Head {
            id: ["cloud:", of_what, ":", start, ":", end].concat(),
            supersedes,
            measured_at: reported.until,
            attributes: Vec::new(),
        },
        site_name: context.site_name.clone(),
        compute_service: context.service_name.clone(),
        cloud_type: context.cloud_type.clone(),
        // Every server in Nova has a name; should an API hide it, the id stands in.
        machine_name: server.name.clone().unwrap_or_else(|| vm_uuid.clone()),
        local_user_id: server.user_id.clone(),
        local_group_id: server.project_id.clone(),
        global_user_name: page.user_name(server.user_id.as_deref()),
        fqan: context.vo.clone(),
        status: status.to_owned(),
        start: reported.start,
        end: reported.end,
        suspend_seconds: None,
        wall_seconds: Some(reported.seconds()),
        cpu_seconds: cpu::seconds(server, size.vcpus, reported, window)?,
        cpu_count: size.vcpus.map(f64::from),
        network_type: None,
        network_inbound_bytes: counted::at(server, reported, window, |it| {
            it.network_incoming_bytes
        }),
        network_outbound_bytes: counted::at(server, reported, window, |it| {
            it.network_outgoing_bytes
        }),
        public_ip_count: public_addresses(server),
        memory_mib: size.memory_mib,
        disk_gib: size.disk_gib,
        benchmarks: benchmark.into_iter().collect(),
        storage_record_id: None,
        image_id: page.image_id(server.image_id.as_deref()),
        vm_uuid,
    })
}

/// The month to which APEL assigns the record: that of MeasurementTime, which is EndTime for
/// a completed VM, and StartTime + WallDuration otherwise (`schemas/cloud.sql`). A duration
/// of 0 is sent as one second.
fn apel_month(life: Reported, status: &str) -> Result<Month, String> {
    let measured = match life.end {
        Some(end) if status == status::COMPLETED => end,
        _ => life.until.max(life.start.saturating_add(1)),
    };
    Month::of(measured)
}

/// The size of a VM. Each number comes from the usage API, which has what the VM holds now, or
/// else from its flavor; where it had another flavor at the moment, from that one. It is absent
/// when neither has it. The CPUs are those that it was seen to have then.
struct Size {
    vcpus: Option<u32>,
    memory_mib: Option<u64>,
    disk_gib: Option<u64>,
}

impl Size {
    fn of(server: &Server, flavor: Option<&Flavor>, moment: i64) -> Self {
        let usage = server.compute_usage.as_ref();
        Self {
            vcpus: cpu::at(&server.sizes, moment)
                .or_else(|| usage.and_then(|usage| usage.vcpus))
                .or_else(|| flavor?.vcpus),
            memory_mib: usage
                .and_then(|usage| usage.memory_mib)
                .or_else(|| flavor?.memory_mib),
            disk_gib: usage
                .and_then(|usage| usage.disk_gib)
                .or_else(|| flavor.and_then(disk_of)),
        }
    }

    fn of_former(server: &Server, former: &Flavor, moment: i64) -> Self {
        Self {
            vcpus: cpu::at(&server.sizes, moment).or(former.vcpus),
            memory_mib: former.memory_mib,
            disk_gib: disk_of(former),
        }
    }
}

fn disk_of(flavor: &Flavor) -> Option<u64> {
    flavor.root_gib?.checked_add(flavor.ephemeral_gib?)
}

/// Number of floating addresses; absent when Nova did not list the addresses.
fn public_addresses(server: &Server) -> Option<u32> {
    let addresses = server.addresses.as_ref()?;
    let floating = addresses
        .iter()
        .filter(|address| address.kind.as_deref() == Some("floating"));
    u32::try_from(floating.count()).ok()
}

#[cfg(test)]
mod tests;
