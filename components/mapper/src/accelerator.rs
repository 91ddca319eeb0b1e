//! The accelerator records of a server (APEL accelerator usage record 0.1): one for each
//! month of the window and each model that it had then.
//!
//! APEL keeps one record for a VM, month and model: the one received last. So the
//! durations, in seconds, are cumulative within the month: they count from the first
//! second of the month or the VM's start, and not from the start of the window. A record names
//! its month, so that it has all of it, the last second included; in APEL's sums of cloud
//! records that second belongs to the next month.
//!
//! A server that was resized had the accelerators of each of its flavors for as long as it had
//! that flavor ([`held`]). A model that it lost is reported by the windows of the hour in which Nova
//! may show that late, and its record then stays as it is.

use caso_component::records::{AcceleratorRecord, CloudRecord, Head};

use crate::calendar::{Month, months};
use crate::flavor::Accelerator;
use crate::held::{self, Held, LATE};
use crate::identity;
use crate::lifetime::Reported;
use crate::page::Page;
use crate::usage::Server;

/// Makes the records of a server, in the order of the months; none where it had no
/// accelerators. `cloud` is the server's cloud record.
///
/// # Errors
/// When a time is in no year that a record can name.
pub fn map(
    page: &Page,
    server: &Server,
    life: Reported,
    cloud: &CloudRecord,
) -> Result<Vec<AcceleratorRecord>, String> {
    let present = page.properties(server).accelerator;
    let changes = held::changes(server);
    if present.is_none() && changes.is_empty() {
        return Ok(Vec::new());
    }
    let window = page.context.window;
    // A resize that the last window did not know of, and that is told now.
    let late = window.start.saturating_sub(LATE);
    let lately = late.max(life.start.saturating_add(1))..window.start;
    let is_late = changes.iter().any(|(since, _)| lately.contains(since));
    let since = if is_late { late } else { window.start };
    // An end that is reported late lies before the window, and so may its month.
    let since = match life.until < window.start {
        true => since.min(life.until.saturating_sub(1)),
        false => since,
    };
    let months: Vec<Month> = months(life.start.max(since), life.until)?.collect();
    let Some(first) = months.first() else {
        return Ok(Vec::new());
    };
    let from = life.start.max(first.start());
    let held = held::of(page, server, present.as_ref(), &changes, (from, life.until));
    let mut records = Vec::new();
    for month in months {
        for sum in sums(&held, month) {
            // It was reported when it ended.
            if sum.until <= late && sum.until < life.until {
                continue;
            }
            let Sum { last, .. } = sum;
            let mut id = format!(
                "accelerator:{}:{month}:{}:{}",
                cloud.vm_uuid, window.start, window.end
            );
            if present.as_ref().is_none_or(|it| it.model != last.model) {
                id = identity::key(format!("{id}:{}", last.model));
            }
            records.push(AcceleratorRecord {
                head: Head {
                    id,
                    supersedes: identity::key(format!("{}:{month}:{}", cloud.vm_uuid, last.model)),
                    measured_at: month.next().start().min(life.until),
                    attributes: Vec::new(),
                },
                month: month.number(),
                year: month.year(),
                associated_record_type: "cloud".to_owned(),
                associated_record: cloud.vm_uuid.clone(),
                site_name: cloud.site_name.clone(),
                compute_service: cloud.compute_service.clone(),
                cloud_type: cloud.cloud_type.clone(),
                global_user_name: cloud.global_user_name.clone(),
                fqan: cloud.fqan.clone(),
                count: sum.count(),
                cores: None,
                active_seconds: sum.seconds.into(),
                available_seconds: sum.seconds.into(),
                benchmarks: Vec::new(),
                accelerator_type: last.kind.clone(),
                model: Some(last.model.clone()),
            });
        }
    }
    Ok(records)
}

/// What a server had of one model in one month.
struct Sum<'a> {
    /// The last of its flavors with that model.
    last: &'a Accelerator,
    /// How many of them, if it was the same number all the time.
    always: bool,
    seconds: u32,
    /// Seconds times number.
    accelerator_seconds: f64,
    /// Until when it had them.
    until: i64,
}

impl Sum<'_> {
    /// How many it had on average while it had any.
    fn count(&self) -> f64 {
        if self.always {
            return self.last.count;
        }
        self.accelerator_seconds / f64::from(self.seconds)
    }
}

/// By model, in the order in which it had them first; none of no time.
fn sums<'a>(held: &[Held<'a>], month: Month) -> Vec<Sum<'a>> {
    let mut sums: Vec<Sum> = Vec::new();
    for held in held {
        let from = month.start().max(held.from);
        let to = month.next().start().min(held.to);
        let seconds = u32::try_from(to.saturating_sub(from)).unwrap_or(0);
        if seconds == 0 {
            continue;
        }
        let had = held.accelerator;
        let had_before = |sum: &Sum| sum.last.model == had.model;
        let place = sums.iter().position(had_before).unwrap_or(sums.len());
        if place == sums.len() {
            sums.push(Sum {
                last: had,
                always: true,
                seconds: 0,
                accelerator_seconds: 0.0,
                until: to,
            });
        }
        let Some(sum) = sums.get_mut(place) else {
            continue;
        };
        sum.always &= sum.last.count == had.count;
        sum.last = had;
        sum.seconds = sum.seconds.saturating_add(seconds);
        sum.accelerator_seconds += f64::from(seconds) * had.count;
        sum.until = to;
    }
    sums
}

#[cfg(test)]
mod tests {
    use caso_component::log;
    use caso_component::records::AccountingRecord;
    use caso_component::types::Window;

    use crate::policy::Policy;
    use crate::samples;
    use crate::usage::{SizeSpan, Tables, UsageItem};

    const OCTOBER: i64 = 1_790_812_800;
    const NOVEMBER: i64 = 1_793_491_200;
    const DAY: i64 = 86_400;

    /// Month and days of each record of a VM with this life in this window.
    fn days(start: i64, end: Option<i64>, window: (i64, i64)) -> Vec<(u8, i64)> {
        let mut context = samples::context();
        context.window = Window {
            start: window.0,
            end: window.1,
        };
        let tables = samples::tables_with_gpus("2");
        let mut server = samples::server();
        server.created = Some(start);
        server.launched = Some(start);
        server.terminated = end;
        let items = [UsageItem::Server(server)];
        match &crate::map(&Policy::default(), &context, &tables, &items)[..] {
            [
                crate::Outcome {
                    records,
                    refused: None,
                    ..
                },
            ] => records
                .iter()
                .filter_map(|record| match record {
                    AccountingRecord::Accelerator(record) => {
                        assert_eq!(record.count, 2.0);
                        assert_eq!(record.available_seconds, record.active_seconds);
                        let seconds = i64::try_from(record.available_seconds).unwrap();
                        assert_eq!(seconds % DAY, 0);
                        Some((record.month, seconds / DAY))
                    }
                    _ => None,
                })
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn cumulative_within_each_month_of_the_window() {
        let mid = OCTOBER + 15 * DAY;
        let window = (mid, NOVEMBER + 15 * DAY);
        // Older than the window: all of October nevertheless.
        assert_eq!(days(OCTOBER - 90 * DAY, None, window), [(10, 31), (11, 15)]);
        assert_eq!(days(mid + DAY, None, window), [(10, 15), (11, 15)]);
        assert_eq!(
            days(mid + DAY, Some(NOVEMBER + DAY), window),
            [(10, 15), (11, 1)]
        );
    }

    #[test]
    fn cut_at_the_servers_end_as_far_as_it_lies_in_the_window() {
        let window = (OCTOBER, NOVEMBER + 15 * DAY);
        // It ended after the window: in this window it runs.
        let after = Some(NOVEMBER + 20 * DAY);
        assert_eq!(days(OCTOBER + DAY, after, window), [(10, 30), (11, 15)]);
        // A month in which it did not exist has no record.
        let ended = Some(OCTOBER + 2 * DAY);
        assert_eq!(days(OCTOBER + DAY, ended, window), [(10, 1)]);
        // Never launched: it held nothing at any time.
        assert_eq!(days(OCTOBER + DAY, Some(OCTOBER + DAY), window), []);
    }

    /// Number of cloud records, and type and count of each accelerator record, of a server
    /// whose flavor has these extra specs.
    fn counts(specs: &[(&str, &str)]) -> (usize, Vec<(String, f64)>) {
        let mut tables = samples::tables();
        tables.flavors[0].extra_specs = Some(samples::specs(specs));
        let items = [UsageItem::Server(samples::server())];
        match &crate::map(&Policy::default(), &samples::context(), &tables, &items)[..] {
            [
                crate::Outcome {
                    records,
                    refused: None,
                    ..
                },
            ] => {
                let clouds = records
                    .iter()
                    .filter(|record| matches!(record, AccountingRecord::Cloud(_)));
                let accelerators = records.iter().filter_map(|record| match record {
                    AccountingRecord::Accelerator(record) => {
                        Some((record.accelerator_type.clone(), record.count))
                    }
                    _ => None,
                });
                (clouds.count(), accelerators.collect())
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn bad_metadata_costs_the_accelerator_and_nothing_else() {
        let with = |number| {
            [
                ("Accelerator:Type", "TPU"),
                ("Accelerator:Vendor", "Google"),
                ("Accelerator:Model", "v4"),
                ("Accelerator:Number", number),
            ]
        };
        assert_eq!(counts(&with("0.5")), (1, vec![("TPU".to_owned(), 0.5)]));
        assert_eq!(counts(&with("1.0")), (1, vec![("TPU".to_owned(), 1.0)]));
        for bad in ["two", "", "-1", "nan", "1e999"] {
            assert_eq!(counts(&with(bad)), (1, vec![]), "{bad}");
        }
        for missing in 0..4 {
            let mut specs = with("1").to_vec();
            specs.remove(missing);
            assert_eq!(counts(&specs), (1, vec![]), "{specs:?}");
        }
    }

    /// Flavors `1` (2 GPUs), `one` (1 of the same), `other` (3 of another model), `none`.
    fn flavors() -> Tables {
        let mut tables = samples::tables_with_gpus("2");
        for (id, model, number) in [("one", "A100", "1"), ("other", "H100", "3")] {
            let mut flavor = tables.flavors[0].clone();
            flavor.id = id.into();
            flavor.extra_specs = Some(samples::specs(&[
                ("Accelerator:Type", "GPU"),
                ("Accelerator:Vendor", "NVIDIA"),
                ("Accelerator:Model", model),
                ("Accelerator:Number", number),
            ]));
            tables.flavors.push(flavor);
        }
        tables.flavors.push(samples::flavor("none", &[]));
        tables
    }

    /// Model, number and days of each record of a server that began with October and had these
    /// flavors, each from a day of October on; the last one is the present one.
    fn resized(
        flavors_had: &[(i64, &str)],
        end: Option<i64>,
        window: (i64, i64),
    ) -> Vec<(String, f64, f64)> {
        let mut context = samples::context();
        context.window = Window {
            start: window.0,
            end: window.1,
        };
        let mut server = samples::server();
        (server.created, server.launched) = (Some(OCTOBER), Some(OCTOBER));
        server.terminated = end;
        server.flavor_id = flavors_had.last().map(|(_, id)| (*id).to_owned());
        let span = |(day, id): &(i64, &str)| SizeSpan {
            since: OCTOBER + day * DAY,
            vcpus: 2,
            attributes: samples::specs(&[("flavor-id", id)]),
        };
        server.sizes = flavors_had.iter().map(span).collect();
        let items = [UsageItem::Server(server)];
        let outcomes = crate::map(&Policy::default(), &context, &flavors(), &items);
        let mut ids: Vec<&str> = Vec::new();
        let mut found = Vec::new();
        for record in outcomes.iter().flat_map(|outcome| &outcome.records) {
            if let AccountingRecord::Accelerator(record) = record {
                assert_eq!((record.year, record.month), (2026, 10));
                assert!(!ids.contains(&&*record.head.id), "{ids:?}");
                ids.push(&record.head.id);
                let days = record.available_seconds as f64 / DAY as f64;
                let model = record.model.clone().unwrap_or_default();
                assert!(
                    record
                        .head
                        .supersedes
                        .ends_with(&format!(":2026-10:{model}"))
                );
                found.push((model.replace("NVIDIA ", ""), record.count, days));
            }
        }
        found
    }

    fn expected(records: &[(&str, f64, f64)]) -> Vec<(String, f64, f64)> {
        let records = records.iter();
        records
            .map(|(model, count, days)| ((*model).to_owned(), *count, *days))
            .collect()
    }

    const WHOLE: (i64, i64) = (OCTOBER, NOVEMBER);

    #[test]
    fn each_flavor_counts_for_its_time() {
        type Case<'a> = (&'a [(i64, &'a str)], &'a [(&'a str, f64, f64)]);
        let cases: [Case; 7] = [
            (&[(0, "none"), (30, "1")], &[("A100", 2.0, 1.0)]),
            (&[(0, "1"), (30, "none")], &[("A100", 2.0, 30.0)]),
            (
                &[(0, "other"), (21, "1")],
                &[("H100", 3.0, 21.0), ("A100", 2.0, 10.0)],
            ),
            (&[(0, "1"), (10, "none"), (30, "1")], &[("A100", 2.0, 11.0)]),
            // The model stays, its number does not: what it had on average.
            (
                &[(0, "one"), (15, "1"), (30, "none")],
                &[("A100", 1.5, 30.0)],
            ),
            // What was before the month counts for another one.
            (&[(-60, "other"), (-10, "1")], &[("A100", 2.0, 31.0)]),
            (&[(0, "none"), (30, "none")], &[]),
        ];
        for (had, records) in cases {
            assert_eq!(resized(had, None, WHOLE), expected(records), "{had:?}");
        }
        let ended = Some(OCTOBER + 30 * DAY);
        assert_eq!(
            resized(&[(0, "other"), (29, "1")], ended, WHOLE),
            expected(&[("H100", 3.0, 29.0), ("A100", 2.0, 1.0)])
        );
    }

    #[test]
    fn a_model_that_is_lost_is_reported_by_the_window_that_sees_it() {
        let had = [(0, "1"), (10, "other")];
        let day = |from: i64, to: i64| (OCTOBER + from * DAY, OCTOBER + to * DAY);
        assert_eq!(
            resized(&had, None, day(9, 11)),
            expected(&[("A100", 2.0, 10.0), ("H100", 3.0, 1.0)])
        );
        assert_eq!(
            resized(&had, None, day(11, 12)),
            expected(&[("H100", 3.0, 2.0)])
        );
        // Visible late: the window begins a little after it.
        let late = (OCTOBER + 10 * DAY + 1_800, OCTOBER + 11 * DAY);
        assert_eq!(resized(&had, None, late).len(), 2);
        // In the first hour of the next month, which is about October, too.
        let had = [(0, "none"), (30, "1")];
        let in_october = |window| resized(&had, Some(NOVEMBER), window).len();
        assert_eq!(in_october((NOVEMBER, NOVEMBER + 60)), 0);
    }

    /// A host whose clock is a day behind: the end lies before the window that meets it.
    #[test]
    fn an_end_that_is_reported_late_is_reported() {
        let window = (OCTOBER + 20 * DAY, OCTOBER + 21 * DAY);
        let ended = Some(OCTOBER + 18 * DAY);
        assert_eq!(
            resized(&[(0, "none"), (17, "1")], ended, window),
            expected(&[("A100", 2.0, 1.0)])
        );
        assert_eq!(days(OCTOBER, ended, window), [(10, 18)]);
        // The month that it ended in was reported whole.
        let window = (NOVEMBER + 3_600, NOVEMBER + 7_200);
        let ended = Some(NOVEMBER - DAY);
        assert_eq!(days(OCTOBER, ended, window), [(10, 30)]);
        assert_eq!(days(OCTOBER, Some(NOVEMBER), window), [(10, 31)]);
        assert_eq!(days(OCTOBER, Some(NOVEMBER), (NOVEMBER, NOVEMBER + 60)), []);
    }

    #[test]
    fn a_resize_in_the_last_hour_of_a_month_that_is_seen_in_the_next_one_counts_for_both() {
        let mut context = samples::context();
        context.window = Window {
            start: NOVEMBER + 600,
            end: NOVEMBER + 4_200,
        };
        let mut server = samples::server();
        (server.created, server.launched) = (Some(OCTOBER), Some(OCTOBER));
        let span = |since, id| SizeSpan {
            since,
            vcpus: 2,
            attributes: samples::specs(&[("flavor-id", id)]),
        };
        server.sizes = vec![span(OCTOBER, "other"), span(NOVEMBER - 900, "1")];
        let items = [UsageItem::Server(server)];
        let outcomes = crate::map(&Policy::default(), &context, &flavors(), &items);
        let mut found = Vec::new();
        for record in outcomes.iter().flat_map(|outcome| &outcome.records) {
            if let AccountingRecord::Accelerator(record) = record {
                found.push((record.month, record.count, record.available_seconds));
            }
        }
        let lost = (10, 3.0, (31 * DAY - 900) as u64);
        assert_eq!(found, [lost, (10, 2.0, 900), (11, 2.0, 4_200)]);
    }

    #[test]
    fn where_nobody_knows_what_a_flavor_had_the_next_one_stands_in() {
        let warned = || {
            let lines = log::take_lines().into_iter();
            let warnings = lines.filter(|(level, _)| *level == log::Level::Warning);
            warnings.map(|(_, line)| line).collect::<Vec<_>>()
        };
        warned();
        let had = [(0, "retired"), (10, "1")];
        assert_eq!(resized(&had, None, WHOLE), expected(&[("A100", 2.0, 31.0)]));
        let said = warned();
        assert!(
            said.iter().any(|line| line.contains("`retired`")),
            "{said:?}"
        );
        // Without a word where it is about another month.
        let had = [(-90, "retired"), (-60, "1")];
        assert_eq!(resized(&had, None, WHOLE), expected(&[("A100", 2.0, 31.0)]));
        assert_eq!(warned(), [""; 0]);
    }

    #[test]
    fn no_record_of_no_time() {
        let window = (OCTOBER, NOVEMBER);
        assert_eq!(days(OCTOBER, None, window), [(10, 31)]);
        assert_eq!(days(NOVEMBER, None, window), []);
        assert_eq!(days(OCTOBER + DAY, Some(NOVEMBER), window), [(10, 30)]);
    }
}
