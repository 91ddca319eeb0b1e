use proptest::prelude::*;

use super::*;

const STEP: i64 = 30;

fn rule() -> Rule<'static> {
    Rule {
        step: STEP,
        sum_labels: &[],
    }
}

fn series(labels: &[(&str, &str)], values: &[(i64, f64)]) -> Series {
    Series {
        labels: labels
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        values: values
            .iter()
            .map(|(milliseconds, value)| Sample {
                milliseconds: *milliseconds,
                value: *value,
            })
            .collect(),
    }
}

/// Samples of 3.6 W, of which 1000 s are 1 Wh, every step.
fn steady(labels: &[(&str, &str)], from: i64, to: i64) -> Series {
    let times = (from..=to).step_by(STEP as usize);
    let values: Vec<(i64, f64)> = times.map(|time| (time * 1000, 3.6e6)).collect();
    series(labels, &values)
}

fn span(start: i64, end: i64) -> Window {
    Window { start, end }
}

/// Seconds of the steady power.
fn seconds(series: &[&Series], span: Window) -> f64 {
    let found = rule().energy(series, span, None);
    (found.watt_hours * 1000.0 * 1e6).round() / 1e6
}

/// cASO counted the points at both ends, each for a whole step.
#[test]
fn a_span_is_open_at_its_start_and_closed_at_its_end() {
    let steady = steady(&[], 0, 3600);
    assert_eq!(seconds(&[&steady], span(600, 900)), 300.0);
    assert_eq!(seconds(&[&steady], span(599, 900)), 330.0);
    assert_eq!(seconds(&[&steady], span(601, 900)), 300.0 - 30.0 + 30.0);
    // Shorter than a step: what the sample in it stands for, or nothing.
    assert_eq!(seconds(&[&steady], span(600, 601)), 0.0);
    assert_eq!(seconds(&[&steady], span(599, 600)), 30.0);
}

#[test]
fn a_series_that_ends_draws_no_more() {
    let steady = steady(&[], 0, 600);
    assert_eq!(seconds(&[&steady], span(300, 6000)), 300.0);
}

#[test]
fn a_gap_is_not_filled() {
    let mut steady = steady(&[], 0, 3600);
    steady
        .values
        .retain(|sample| !(1_000_000..1_300_000).contains(&sample.milliseconds));
    // Up to 990, then from 1320 on, whose first one stands for a step.
    assert_eq!(
        seconds(&[&steady], span(0, 3600)),
        990.0 + 30.0 + (3600.0 - 1320.0)
    );
}

/// A scrape that failed, or an interval longer than the option says.
#[test]
fn up_to_four_steps_are_no_gap() {
    for every in [15_usize, 30, 60, 120] {
        let values: Vec<(i64, f64)> = (0..=3600)
            .step_by(every)
            .map(|time| (time * 1000, 3.6e6))
            .collect();
        let series = series(&[], &values);
        assert_eq!(seconds(&[&series], span(0, 3600)), 3600.0, "{every}");
    }
}

#[test]
fn two_series_of_the_same_power_count_once() {
    let a = steady(&[("replica", "a")], 0, 3600);
    for shift in [0, 7_000, 15_000] {
        let mut b = steady(&[("replica", "b")], 0, 3600);
        for sample in &mut b.values {
            sample.milliseconds += shift;
        }
        let found = rule().energy(&[&a, &b], span(600, 1200), None);
        assert!((found.watt_hours - 0.6).abs() < 1e-9, "{found:?}");
        assert_eq!(found.series, 2);
        assert_eq!(found.differing, BTreeSet::from(["replica".to_owned()]));
    }
}

/// As after a migration.
#[test]
fn a_series_goes_on_under_another_label() {
    let before = steady(&[("instance", "c1")], 0, 1800);
    let after = steady(&[("instance", "c2")], 1830, 3600);
    let found = rule().energy(&[&after, &before], span(0, 3600), None);
    assert!((found.watt_hours - 3.6).abs() < 1e-9, "{found:?}");
    assert!(found.differing.is_empty());
}

#[test]
fn parts_that_the_option_names_add_up() {
    let parts = [
        steady(&[("domain", "core"), ("replica", "a")], 0, 3600),
        steady(&[("domain", "core"), ("replica", "b")], 0, 3600),
        steady(&[("domain", "dram"), ("replica", "a")], 0, 3600),
    ];
    let all: Vec<&Series> = parts.iter().collect();
    let names = ["domain".to_owned()];
    let rule = Rule {
        step: STEP,
        sum_labels: &names,
    };
    let found = rule.energy(&all, span(0, 3600), None);
    assert!((found.watt_hours - 7.2).abs() < 1e-9, "{found:?}");
    assert_eq!(found.series, 3);
    assert_eq!(found.differing, BTreeSet::from(["replica".to_owned()]));
}

#[test]
fn what_is_no_number_counts_nothing_and_spoils_nothing() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0] {
        let mut steady = steady(&[], 0, 3600);
        steady.values[20].value = bad;
        let found = rule().energy(&[&steady], span(0, 3600), None);
        assert!((found.watt_hours - 3.57).abs() < 1e-9, "{bad}: {found:?}");
        assert_eq!((found.samples, found.failed), (120, 1));
    }
}

/// One of two that measure the same fails: the other one did not.
#[test]
fn a_failure_is_its_series_own() {
    let a = steady(&[("replica", "a")], 0, 3600);
    let mut b = steady(&[("replica", "b")], 0, 3600);
    for sample in &mut b.values {
        sample.value = f64::NAN;
    }
    let found = rule().energy(&[&b, &a], span(0, 3600), None);
    assert!((found.watt_hours - 3.6).abs() < 1e-9, "{found:?}");
}

/// A first sample cannot stand for a time before the server was there.
#[test]
fn power_begins_with_the_server() {
    let steady = steady(&[], 600, 3600);
    let found = rule().energy(&[&steady], span(590, 3600), Some(590));
    assert!((found.watt_hours - 3.01).abs() < 1e-9, "{found:?}");
}

/// Real samples: a few in a thousand are late, missing, or no numbers.
fn samples() -> impl Strategy<Value = Vec<(i64, f64)>> {
    let value = prop_oneof![
        20 => 0.0..1e8f64,
        1 => Just(f64::NAN),
        1 => Just(-5.0),
    ];
    proptest::collection::vec((1i64..400_000, value), 0..60).prop_map(|steps| {
        let mut time = 0;
        steps
            .into_iter()
            .map(|(wait, value)| {
                time += wait;
                (time, value)
            })
            .collect()
    })
}

proptest! {
    /// Wherever a span is cut, its pieces have the energy of the whole, each
    /// asked for with no more of the past than the rule says.
    #[test]
    fn pieces_add_up_to_the_whole(
        a in samples(),
        b in samples(),
        mut cuts in proptest::collection::vec(0i64..12_000, 0..6),
        born in proptest::option::of(0i64..500),
    ) {
        let all = [series(&[("replica", "a")], &a), series(&[("replica", "b")], &b)];
        let cut_to = |span: Window| -> Vec<Series> {
            let from = (span.start - rule().lookback()) * 1000;
            let within = |sample: &&Sample| {
                sample.milliseconds >= from && sample.milliseconds <= span.end * 1000
            };
            all.iter()
                .map(|series| Series {
                    labels: series.labels.clone(),
                    values: series.values.iter().filter(within).copied().collect(),
                })
                .collect()
        };
        let energy = |span: Window| {
            let series = cut_to(span);
            rule().energy(&series.iter().collect::<Vec<_>>(), span, born)
        };
        let whole = energy(span(0, 12_000));
        cuts.extend([0, 12_000]);
        cuts.sort_unstable();
        let mut sum = Reading::default();
        for pair in cuts.windows(2) {
            if pair[0] < pair[1] {
                sum.add(energy(span(pair[0], pair[1])));
            }
        }
        prop_assert!((whole.watt_hours - sum.watt_hours).abs() <= 1e-9 * whole.watt_hours.max(1.0));
        prop_assert_eq!((whole.samples, whole.failed), (sum.samples, sum.failed));
    }

    /// No sample stands for more than the time since the one before it, nor for
    /// more than four steps: power cannot be made up, whatever the series do.
    #[test]
    fn nothing_is_counted_twice(a in samples(), b in samples()) {
        let all = [series(&[("replica", "a")], &a), series(&[("replica", "b")], &b)];
        let found = rule().energy(&[&all[0], &all[1]], span(0, 24_000), None);
        let most = 1e8 * (24_000 + STEP) as f64 / 3.6e9;
        prop_assert!((0.0..=most).contains(&found.watt_hours), "{:?}", found);
    }
}
