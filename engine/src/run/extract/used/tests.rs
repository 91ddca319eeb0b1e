use super::*;
use caso_model::record::{EnergyRecord, Head, StorageRecord};
use caso_model::usage::{Energy, Flavor};

/// 2026-10-01T00:00:00Z.
const OCTOBER: i64 = 1_790_812_800;
const NOVEMBER: i64 = OCTOBER + 31 * DAY;
const HOUR: i64 = 3_600;

fn w(start: i64, end: i64) -> Window {
    Window { start, end }
}

fn cloud(start: i64, end: Option<i64>, at: i64, cpus: Option<f64>) -> AccountingRecord {
    AccountingRecord::Cloud(CloudRecord {
        head: Head {
            measured_at: at,
            ..Head::default()
        },
        fqan: "vo".into(),
        start,
        end,
        cpu_count: cpus,
        ..CloudRecord::default()
    })
}

fn server(flavor: &str) -> UsageItem {
    UsageItem::Server(Server {
        flavor_id: Some(flavor.into()),
        ..Server::default()
    })
}

fn flavors() -> Flavors<'static> {
    [("1", "m1.small")].into()
}

fn counted(window: Window, items: &[(UsageItem, Vec<AccountingRecord>)]) -> Vec<UseRow> {
    let mut used = Used::new(window, "of-project");
    for (item, records) in items {
        used.item(&flavors(), item, records);
    }
    used.finish().unwrap().rows
}

#[test]
fn a_server_counts_by_day_from_where_the_window_before_ended() {
    let window = w(OCTOBER + 23 * HOUR, OCTOBER + 25 * HOUR);
    let rows = counted(
        window,
        &[
            // Since long, two CPUs; ended in the window; of another flavor, with CPUs unknown.
            (
                server("1"),
                vec![cloud(5, None, OCTOBER + 25 * HOUR, Some(2.0))],
            ),
            (
                server("1"),
                vec![cloud(
                    OCTOBER,
                    Some(OCTOBER + 24 * HOUR),
                    OCTOBER + 24 * HOUR,
                    Some(0.5),
                )],
            ),
            (
                server("gone"),
                vec![cloud(
                    OCTOBER + 24 * HOUR + 10,
                    None,
                    OCTOBER + 25 * HOUR,
                    None,
                )],
            ),
            // Ended before it.
            (
                server("1"),
                vec![cloud(5, Some(OCTOBER), OCTOBER, Some(8.0))],
            ),
        ],
    );
    let row = |day, flavor: Option<&str>, server_seconds, cpu_seconds, without_cpus| UseRow {
        day: OCTOBER / DAY + day,
        vo: "vo".into(),
        flavor: flavor.map(str::to_owned),
        server_seconds: Some(server_seconds),
        cpu_seconds,
        without_cpus,
        ..UseRow::default()
    };
    assert_eq!(
        rows,
        [
            row(0, Some("m1.small"), 7_200, Some(9_000.0), None),
            row(1, None, 3_590, None, Some(3_590)),
            row(1, Some("m1.small"), 3_600, Some(7_200.0), None),
        ]
    );
}

/// The record as of a month's last second and the one of the window's end share the time.
#[test]
fn a_second_record_of_a_server_counts_nothing_twice() {
    let window = w(NOVEMBER - HOUR, NOVEMBER + HOUR);
    let rows = counted(
        window,
        &[(
            server("1"),
            vec![
                cloud(OCTOBER, None, NOVEMBER - 1, Some(1.0)),
                cloud(OCTOBER, None, NOVEMBER + HOUR, Some(1.0)),
            ],
        )],
    );
    let seconds: Vec<_> = rows.iter().map(|row| row.server_seconds).collect();
    assert_eq!(seconds, [Some(3_600), Some(3_600)]);
}

#[test]
fn an_accelerators_record_counts_in_its_month() {
    let accelerator = |month, count, available_seconds| {
        AccountingRecord::Accelerator(AcceleratorRecord {
            year: 2026,
            month,
            count,
            fqan: "vo".into(),
            available_seconds,
            ..AcceleratorRecord::default()
        })
    };
    let rows = counted(
        w(NOVEMBER - HOUR, NOVEMBER + 2 * HOUR),
        &[(
            server("1"),
            vec![
                cloud(OCTOBER, None, NOVEMBER + 2 * HOUR, Some(1.0)),
                accelerator(10, 1.0, 999_999),
                accelerator(11, 0.5, 999_999),
                // It got it half an hour ago.
                accelerator(11, 2.0, 1_800),
            ],
        )],
    );
    let seconds: Vec<_> = rows.iter().map(|row| row.accelerator_seconds).collect();
    assert_eq!(seconds, [Some(3_600.0), Some(3_600.0 + 3_600.0)]);
}

#[test]
fn storage_and_energy_are_of_their_intervals() {
    let volume = AccountingRecord::Storage(StorageRecord {
        start: OCTOBER - HOUR,
        end: OCTOBER + HOUR,
        capacity_bytes: 3 << 29,
        ..StorageRecord::default()
    });
    let energy = AccountingRecord::Energy(EnergyRecord {
        start: OCTOBER - HOUR,
        end: OCTOBER + HOUR,
        watt_hours: 10.0,
        ..EnergyRecord::default()
    });
    let of_energy = UsageItem::Energy(Energy {
        server: Server {
            embedded_flavor: Some(Flavor {
                name: Some("own".into()),
                ..Flavor::default()
            }),
            ..Server::default()
        },
        ..Energy::default()
    });
    let rows = counted(
        w(OCTOBER, OCTOBER + HOUR),
        &[
            (UsageItem::Volume(Default::default()), vec![volume]),
            (of_energy, vec![energy]),
        ],
    );
    let day = OCTOBER / DAY;
    let empty = UseRow {
        day,
        vo: "of-project".into(),
        ..UseRow::default()
    };
    assert_eq!(
        rows,
        [
            UseRow {
                gib_seconds: Some(5_400.0),
                ..empty.clone()
            },
            UseRow {
                flavor: Some("own".into()),
                watt_hours: Some(5.0),
                ..empty
            },
        ]
    );
}

/// A first window begins in 1970; and flavors may be as many as somebody likes.
#[test]
fn what_is_kept_has_bounds() {
    let record = |start| vec![cloud(start, None, NOVEMBER, Some(1.0))];
    let mut used = Used::new(w(0, NOVEMBER), "vo");
    used.item(&flavors(), &server("1"), &record(0));
    let counted = used.finish().unwrap();
    assert_eq!(counted.from, NOVEMBER - KEPT);
    assert_eq!(counted.rows.len(), 400);
    let mut used = Used::new(w(NOVEMBER - HOUR, NOVEMBER), "vo");
    for number in 0..=MOST_ROWS {
        let name = number.to_string();
        let flavors = [(name.as_str(), name.as_str())].into();
        used.item(&flavors, &server(&name), &record(OCTOBER));
    }
    assert_eq!(used.finish(), None);
    assert_eq!(Used::nothing().finish(), None);
}
