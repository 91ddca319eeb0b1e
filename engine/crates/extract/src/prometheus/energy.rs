//! From samples of power to energy.
//!
//! A sample stands for the time since the one before it, and belongs whole to
//! the span that its own time is in, a span being half open: `(from, to]`. So
//! the energies of spans that follow each other add up to that of the whole,
//! wherever it is cut, and what a sample counts for depends on nothing that
//! comes after it: a run at any moment, and the next one, count the same as one
//! run over both, if all samples up to a span's end can be read by then
//! (`prometheus_delay_seconds`).
//!
//! - After more than [`LONGEST`] steps of silence nobody knows what was drawn
//!   meanwhile: the sample then stands for one step. Shorter ones are scrapes
//!   that failed, or an interval longer than the option says.
//! - Series of one part of a server's power (see `prometheus_sum_labels`) are
//!   laid on top of each other in the order of time. Two that run side by side,
//!   from two scrapers, then halve each other's times, and count once; one that
//!   goes on under other labels, from another host, goes on.
//! - A sample that is no number, infinite or below zero is a measurement that
//!   failed. It counts nothing, and the next one of its series stands for the
//!   time since it.

use std::collections::{BTreeMap, BTreeSet};

use caso_model::Window;
use caso_openstack::prometheus::{Sample, Series};

/// A sample more than so many steps after the one before it comes after a gap.
pub const LONGEST: i64 = 4;

/// What was found of one server in one span.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    pub watt_hours: f64,
    /// Samples in the span, those that failed among them.
    pub samples: u64,
    /// Samples that failed.
    pub failed: u64,
    /// Series with samples in the span.
    pub series: u64,
    /// Labels in which series of one part differed that had samples at the same
    /// time.
    pub differing: BTreeSet<String>,
}

impl Reading {
    pub fn add(&mut self, other: Reading) {
        self.watt_hours += other.watt_hours;
        self.samples += other.samples;
        self.failed += other.failed;
        self.series = self.series.max(other.series);
        self.differing.extend(other.differing);
    }
}

/// How samples are read.
#[derive(Debug, Clone, Copy)]
pub struct Rule<'a> {
    /// Seconds between two samples.
    pub step: i64,
    /// Labels by which the parts of one server's power differ.
    pub sum_labels: &'a [String],
}

impl Rule<'_> {
    /// Seconds before a span whose samples decide on those in it.
    pub fn lookback(&self) -> i64 {
        self.step * LONGEST
    }

    /// The energy of one server in `(span.start, span.end]`. `series` are all of
    /// its series, from [`Rule::lookback`] before the span on; `born` is when the
    /// server was created: its first sample cannot stand for a time before.
    pub fn energy(&self, series: &[&Series], span: Window, born: Option<i64>) -> Reading {
        let mut parts: BTreeMap<Vec<Option<&str>>, Vec<&Series>> = BTreeMap::new();
        for series in series {
            let part = |label: &String| series.labels.get(label).map(String::as_str);
            let part = self.sum_labels.iter().map(part).collect();
            parts.entry(part).or_default().push(series);
        }
        let mut reading = Reading::default();
        for part in parts.values_mut() {
            // The order in which they came, wherever that was.
            part.sort_by(|a, b| a.labels.cmp(&b.labels));
            reading.differing.extend(differing(part, span));
            let mut found = self.part(part, span, born);
            found.series += reading.series;
            reading.add(found);
        }
        reading
    }

    fn part(&self, series: &[&Series], span: Window, born: Option<i64>) -> Reading {
        let mut samples: Vec<(Sample, usize)> = series
            .iter()
            .enumerate()
            .flat_map(|(index, series)| series.values.iter().map(move |sample| (*sample, index)))
            .collect();
        // Stable: of two at the same time the first series' goes first.
        samples.sort_by_key(|(sample, _)| sample.milliseconds);
        let (start, end) = (span.start * 1000, span.end * 1000);
        let (step, longest) = (self.step * 1000, self.lookback() * 1000);
        let mut reading = Reading::default();
        let mut seen = vec![false; series.len()];
        let mut failures: Vec<Option<i64>> = vec![None; series.len()];
        let mut last: Option<i64> = None;
        // Microwatts times milliseconds.
        let mut sum = 0.0;
        for (sample, index) in samples {
            let time = sample.milliseconds;
            if time > end {
                break;
            }
            let within = time > start;
            if within {
                reading.samples += 1;
                if let Some(seen) = seen.get_mut(index) {
                    *seen = true;
                }
            }
            if !(sample.value.is_finite() && sample.value >= 0.0) {
                reading.failed += u64::from(within);
                if let Some(failure) = failures.get_mut(index) {
                    *failure = Some(time);
                }
                continue;
            }
            let since = last.max(failures.get(index).copied().flatten());
            last = Some(time);
            if within {
                let stands_for = match since {
                    Some(since) if time - since <= longest => time - since,
                    _ => step,
                };
                let stands_for = match born {
                    Some(born) => stands_for.min(time - born * 1000).max(0),
                    None => stands_for,
                };
                sum += sample.value * stands_for as f64;
            }
        }
        reading.series = seen.iter().filter(|seen| **seen).count() as u64;
        // 10^6 microwatts, 10^3 milliseconds, 3600 seconds.
        reading.watt_hours = sum / 3.6e12;
        reading
    }
}

/// Labels in which series differ that have samples in the span at the same
/// time. A series that begins where another one ends takes its place.
fn differing(series: &[&Series], span: Window) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let lasts = |series: &Series| {
        let times = || {
            series
                .values
                .iter()
                .map(|sample| sample.milliseconds)
                .filter(|time| *time > span.start * 1000 && *time <= span.end * 1000)
        };
        Some((times().min()?, times().max()?))
    };
    for (index, one) in series.iter().enumerate() {
        let Some((begins, ends)) = lasts(one) else {
            continue;
        };
        for other in series.iter().skip(index + 1) {
            if lasts(other).is_some_and(|(from, to)| from <= ends && to >= begins) {
                let names = one.labels.keys().chain(other.labels.keys());
                let differ = |name: &&String| one.labels.get(*name) != other.labels.get(*name);
                found.extend(names.filter(differ).cloned());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests;
