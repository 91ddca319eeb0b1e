//! A server's cloud record, and with it those of its accelerators.

use caso_component::log;
use caso_component::records::{AccountingRecord, CloudRecord, Head};

use crate::accelerator;
use crate::calendar::Month;
use crate::identity;
use crate::lifetime::{Lifetime, Told};
use crate::page::Page;
use crate::status;
use crate::usage::{Flavor, Server};

const NANOSECONDS_PER_SECOND: u64 = 1_000_000_000;

/// Maps a server. None when it did not live in the window.
pub fn map(page: &Page, server: &Server) -> Result<Vec<AccountingRecord>, String> {
    let life = Lifetime::of(server)?;
    let window = page.context.window;
    let Some(told) = life.told_at(window.start, window.end) else {
        return Ok(Vec::new());
    };
    if life.end.is_none() && server.status.is_none() {
        // The usage API counts a row that was deleted without an end for ever.
        // Nova lists no such server, so it does not run; how long it did nobody
        // knows.
        log::warning(&format!(
            "server `{}` stands in the usage of project `{}` without an end, but Nova lists no \
             such server: it is not reported",
            server.id, server.project_id
        ));
        return Ok(Vec::new());
    }
    if life.never_launched && !page.policy.record_never_launched {
        return Ok(Vec::new());
    }
    let cloud = record(page, server, told)?;
    let accelerators = accelerator::map(page, server, told, &cloud)?;
    let mut records = Vec::with_capacity(1 + accelerators.len());
    records.push(AccountingRecord::Cloud(cloud));
    records.extend(accelerators.into_iter().map(AccountingRecord::Accelerator));
    Ok(records)
}

fn record(page: &Page, server: &Server, told: Told) -> Result<CloudRecord, String> {
    let context = page.context;
    let vm_uuid = identity::uuid(&server.id)?;
    let status = told.status(server);
    let wall = told.seconds();
    let size = Size::of(server, page.flavor(server));
    let counters = server.counters.as_ref();
    let counted = counters.and_then(|counters| counters.cpu_nanoseconds);
    let cpu_seconds = match (counted, size.vcpus) {
        (Some(nanoseconds), _) => Some(nanoseconds / NANOSECONDS_PER_SECOND),
        (None, Some(vcpus)) => Some(wall.checked_mul(u64::from(vcpus)).ok_or_else(|| {
            format!("server `{vm_uuid}`: {wall} s on {vcpus} virtual CPUs are too many to count")
        })?),
        (None, None) => None,
    };
    let benchmark = page.properties(server).benchmark;
    Ok(CloudRecord {
        head: Head {
            id: format!(
                "cloud:{vm_uuid}:{}:{}",
                context.window.start, context.window.end
            ),
            supersedes: format!("{vm_uuid}:{}", apel_month(told, status)?),
            measured_at: told.until,
            attributes: Vec::new(),
        },
        site_name: context.site_name.clone(),
        compute_service: context.service_name.clone(),
        cloud_type: context.cloud_type.clone(),
        // Nova has no server without a name; should an API hide it, the id still
        // tells the VM.
        machine_name: server.name.clone().unwrap_or_else(|| vm_uuid.clone()),
        local_user_id: server.user_id.clone(),
        local_group_id: server.project_id.clone(),
        global_user_name: page.user_name(server.user_id.as_deref()),
        fqan: context.vo.clone(),
        status: status.to_owned(),
        start: told.start,
        end: told.end,
        suspend_seconds: None,
        wall_seconds: Some(wall),
        cpu_seconds,
        cpu_count: size.vcpus,
        network_type: None,
        network_inbound_bytes: counters.and_then(|counters| counters.network_incoming_bytes),
        network_outbound_bytes: counters.and_then(|counters| counters.network_outgoing_bytes),
        public_ip_count: public_addresses(server),
        memory_mib: size.memory_mib,
        disk_gib: size.disk_gib,
        benchmark_type: benchmark.name,
        benchmark_value: benchmark.value,
        storage_record_id: None,
        image_id: page.image_id(server.image_id.as_deref()),
        vm_uuid,
    })
}

/// The month for which APEL books the record: that of MeasurementTime, which it
/// takes from EndTime for a completed VM and else computes as StartTime +
/// WallDuration, where a duration of none is told as one second.
fn apel_month(told: Told, status: &str) -> Result<Month, String> {
    let measured = match told.end {
        Some(end) if status == status::COMPLETED => end,
        _ => told.until.max(told.start.saturating_add(1)),
    };
    Month::of(measured)
}

/// What a VM holds. Each number comes from the usage API, which tells what the
/// VM had in the window; else from its flavor; and is absent when neither has it.
struct Size {
    vcpus: Option<u32>,
    memory_mib: Option<u64>,
    disk_gib: Option<u64>,
}

impl Size {
    fn of(server: &Server, flavor: Option<&Flavor>) -> Self {
        let usage = server.compute_usage.as_ref();
        let disk = |flavor: &Flavor| flavor.root_gib?.checked_add(flavor.ephemeral_gib?);
        Self {
            vcpus: usage
                .and_then(|usage| usage.vcpus)
                .or_else(|| flavor?.vcpus),
            memory_mib: usage
                .and_then(|usage| usage.memory_mib)
                .or_else(|| flavor?.memory_mib),
            disk_gib: usage
                .and_then(|usage| usage.disk_gib)
                .or_else(|| flavor.and_then(disk)),
        }
    }
}

/// Floating addresses. Absent when Nova listed no addresses at all.
fn public_addresses(server: &Server) -> Option<u32> {
    let addresses = server.addresses.as_ref()?;
    let floating = addresses
        .iter()
        .filter(|address| address.kind.as_deref() == Some("floating"));
    u32::try_from(floating.count()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;
    use crate::samples;
    use crate::usage::{Counters, UsageItem};

    fn cloud(server: Server) -> CloudRecord {
        let records = all(&Policy::default(), server).unwrap();
        match records.into_iter().next() {
            Some(AccountingRecord::Cloud(record)) => record,
            other => panic!("no cloud record: {other:?}"),
        }
    }

    fn all(policy: &Policy, server: Server) -> Result<Vec<AccountingRecord>, String> {
        let context = samples::context();
        let tables = samples::tables();
        let items = [UsageItem::Server(server)];
        let page = Page::new(policy, &context, &tables, &items);
        match &items[0] {
            UsageItem::Server(server) => map(&page, server),
            _ => unreachable!(),
        }
    }

    #[test]
    fn running_server_by_its_flavor() {
        let record = cloud(samples::server());
        assert_eq!(record.wall_seconds, Some(1_500));
        assert_eq!(record.cpu_seconds, Some(3_000));
        assert_eq!(record.cpu_count, Some(2));
        assert_eq!(record.memory_mib, Some(4_096));
        assert_eq!(record.disk_gib, Some(50));
        assert_eq!((record.start, record.end), (500, None));
        assert_eq!(record.global_user_name.as_deref(), Some("alice"));
        assert_eq!(record.head.measured_at, 2_000);
        assert_eq!(
            record.head.supersedes,
            format!("{}:1970-01", record.vm_uuid)
        );
    }

    #[test]
    fn cpu_time_goes_with_the_cpu_count() {
        // Resized since: the usage API has the count of the window.
        let mut server = samples::server();
        server.compute_usage = Some(samples::usage());
        let record = cloud(server);
        assert_eq!(record.cpu_count, Some(8));
        assert_eq!(record.cpu_seconds, Some(8 * 1_500));
        assert_eq!(
            (record.memory_mib, record.disk_gib),
            (Some(16_384), Some(80))
        );
    }

    #[test]
    fn counted_cpu_time_outweighs_the_estimate() {
        let mut server = samples::server();
        server.counters = Some(Counters {
            cpu_nanoseconds: Some(42_900_000_000),
            network_incoming_bytes: Some(7),
            network_outgoing_bytes: None,
            measured_at: Some(2_000),
            attributes: Vec::new(),
        });
        let record = cloud(server);
        assert_eq!(record.cpu_seconds, Some(42));
        assert_eq!(
            (record.network_inbound_bytes, record.network_outbound_bytes),
            (Some(7), None)
        );
    }

    #[test]
    fn each_server_has_its_own_wall_time() {
        let mut ended = samples::server();
        ended.terminated = Some(1_100);
        ended.status = Some("DELETED".into());
        ended.compute_usage = Some(samples::usage());
        let record = cloud(ended);
        assert_eq!(record.wall_seconds, Some(600));
        assert_eq!(record.cpu_seconds, Some(8 * 600));
        assert_eq!(
            (record.end, record.status.as_str()),
            (Some(1_100), "completed")
        );
    }

    #[test]
    fn flavor_that_is_gone() {
        let mut server = samples::server();
        server.flavor_id = Some("gone".into());
        let record = cloud(server.clone());
        assert_eq!(
            (
                record.cpu_count,
                record.cpu_seconds,
                record.memory_mib,
                record.disk_gib
            ),
            (None, None, None, None)
        );
        let mut copy = samples::flavor("", &[]);
        copy.vcpus = Some(3);
        server.embedded_flavor = Some(copy);
        let record = cloud(server);
        assert_eq!(
            (record.cpu_count, record.cpu_seconds),
            (Some(3), Some(4_500))
        );
        assert_eq!(record.benchmark_type, None);
    }

    #[test]
    fn known_to_the_usage_api_alone() {
        let mut server = samples::only_usage();
        // Without an end it would run for ever.
        assert_eq!(all(&Policy::default(), server.clone()), Ok(Vec::new()));
        if let Some(usage) = &mut server.compute_usage {
            usage.ended = Some(1_800);
            usage.state = Some("terminated".into());
        }
        let record = cloud(server);
        assert_eq!(record.machine_name, "lost");
        assert_eq!((record.start, record.end), (600, Some(1_800)));
        assert_eq!(
            (record.status.as_str(), record.local_user_id),
            ("completed", None)
        );
        assert_eq!(record.cpu_count, Some(8));
        assert_eq!((record.public_ip_count, record.image_id), (None, None));
    }

    #[test]
    fn catalogue_uri_stands_for_the_image() {
        let mut server = samples::server();
        server.image_id = Some("plain".into());
        assert_eq!(cloud(server.clone()).image_id.as_deref(), Some("plain"));
        server.image_id = Some("listed".into());
        assert_eq!(
            cloud(server.clone()).image_id.as_deref(),
            Some("https://appdb.example.org/1")
        );
        server.image_id = Some("gone".into());
        assert_eq!(cloud(server).image_id.as_deref(), Some("gone"));
    }

    #[test]
    fn address_of_no_kind_is_not_public() {
        let mut server = samples::server();
        server.addresses = Some(vec![
            samples::address(Some("floating")),
            samples::address(None),
            samples::address(Some("fixed")),
        ]);
        assert_eq!(cloud(server).public_ip_count, Some(1));
    }

    #[test]
    fn never_launched_can_be_left_out() {
        let mut server = samples::server();
        server.created = Some(1_500);
        server.launched = None;
        let record = cloud(server.clone());
        assert_eq!((record.end, record.wall_seconds), (Some(1_500), Some(0)));
        let policy = Policy {
            record_never_launched: false,
            ..Policy::default()
        };
        assert_eq!(all(&policy, server), Ok(Vec::new()));
    }

    #[test]
    fn id_that_is_no_uuid_is_refused() {
        let mut server = samples::server();
        server.id = "i-0000".into();
        let reason = all(&Policy::default(), server).unwrap_err();
        assert_eq!(reason, "id `i-0000` is no UUID");
    }

    #[test]
    fn month_is_that_of_the_measurement() {
        let january = |second: i64| {
            let told = Told {
                start: 0,
                end: Some(second),
                until: second,
            };
            apel_month(told, status::COMPLETED).unwrap().to_string()
        };
        assert_eq!(january(2_678_399), "1970-01");
        assert_eq!(january(2_678_400), "1970-02");
        // Never launched in a month's last second: told as one second long.
        let told = Told {
            start: 2_678_399,
            end: Some(2_678_399),
            until: 2_678_399,
        };
        assert_eq!(apel_month(told, "error").unwrap().to_string(), "1970-02");
        assert_eq!(
            apel_month(told, status::COMPLETED).unwrap().to_string(),
            "1970-01"
        );
    }
}
