use super::*;
use crate::policy::Policy;
use crate::samples;
use crate::usage::{Counters, UsageItem};

mod month_ends;

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
    assert_eq!(record.cpu_count, Some(2.0));
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
    // Resized since: the usage API has the number for the window.
    let mut server = samples::server();
    server.compute_usage = Some(samples::usage());
    let record = cloud(server);
    assert_eq!(record.cpu_count, Some(8.0));
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
        (Some(3.0), Some(4_500))
    );
    assert_eq!(record.benchmarks, []);
}

#[test]
fn known_to_the_usage_api_alone() {
    let mut server = samples::only_usage();
    // Without an end it would be counted for ever.
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
    assert_eq!(record.cpu_count, Some(8.0));
    assert_eq!((record.public_ip_count, record.image_id), (None, None));
}

/// Nova lists it, so it runs: only its status is missing.
#[test]
fn a_missing_status_costs_no_record() {
    let mut server = samples::server();
    server.status = None;
    assert_eq!(cloud(server.clone()).status, "unknown");
    server.compute_usage = Some(samples::usage());
    assert_eq!(cloud(server).status, "started");
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
fn an_id_that_is_not_a_uuid_is_refused() {
    let mut server = samples::server();
    server.id = "i-0000".into();
    let reason = all(&Policy::default(), server).unwrap_err();
    assert_eq!(reason, "id `i-0000` is not a UUID");
}

#[test]
fn month_is_that_of_the_measurement() {
    let january = |second: i64| {
        let life = Reported {
            start: 0,
            end: Some(second),
            until: second,
        };
        apel_month(life, status::COMPLETED).unwrap().to_string()
    };
    assert_eq!(january(2_678_399), "1970-01");
    assert_eq!(january(2_678_400), "1970-02");
    // Never launched, in the last second of a month: sent as one second long.
    let life = Reported {
        start: 2_678_399,
        end: Some(2_678_399),
        until: 2_678_399,
    };
    assert_eq!(apel_month(life, "error").unwrap().to_string(), "1970-02");
    assert_eq!(
        apel_month(life, status::COMPLETED).unwrap().to_string(),
        "1970-01"
    );
}
