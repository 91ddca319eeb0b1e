//! What VMs used in a month, by VO: kept from delivery to delivery, written for Prometheus.
//!
//! A cloud record speaks of a VM since its start, so a month's part is what it has more than
//! the last record of an earlier month; without one, no more than the month has had.

use std::collections::BTreeMap;

/// What the last record of a VM in a month said.
#[derive(Debug, Clone, PartialEq)]
pub struct Vm {
    pub vo: String,
    /// Epoch seconds.
    pub measured_at: i64,
    pub start: i64,
    /// Both since the start.
    pub wall_seconds: u64,
    pub cpu_seconds: u64,
}

/// By VM and month (`2026-11`).
#[derive(Debug, Default, PartialEq)]
pub struct Totals(BTreeMap<(String, String), Vm>);

/// Months that are kept, and months that are written.
const KEPT: usize = 14;
const WRITTEN: usize = 2;

impl Totals {
    /// Takes a record in; one that speaks of an earlier moment than what is known is old. The
    /// same one again changes nothing.
    pub fn take(&mut self, uuid: &str, vm: Vm) {
        let key = (uuid.to_owned(), month(vm.measured_at - 1));
        let known = self.0.get(&key);
        if known.is_none_or(|known| known.measured_at <= vm.measured_at) {
            self.0.insert(key, vm);
        }
    }

    /// A line each, as [`Totals::write`] makes them. A line that is none is left out.
    pub fn read(text: &str) -> Self {
        let line = |line: &str| {
            let mut fields = line.split('\t');
            let mut next = || fields.next();
            let key = (next()?.to_owned(), next()?.to_owned());
            let vm = Vm {
                vo: next()?.to_owned(),
                measured_at: next()?.parse().ok()?,
                start: next()?.parse().ok()?,
                wall_seconds: next()?.parse().ok()?,
                cpu_seconds: next()?.parse().ok()?,
            };
            Some((key, vm))
        };
        Self(text.lines().filter_map(line).collect())
    }

    /// All that is worth keeping.
    pub fn write(&mut self) -> String {
        let months = self.months();
        if let Some(oldest) = months.iter().rev().nth(KEPT - 1) {
            self.0.retain(|(_, month), _| month >= oldest);
        }
        let plain = |text: &str| text.replace(['\t', '\n', '\r'], " ");
        let line = |((uuid, month), vm): (&(String, String), &Vm)| {
            format!(
                "{}\t{month}\t{}\t{}\t{}\t{}\t{}\n",
                plain(uuid),
                plain(&vm.vo),
                vm.measured_at,
                vm.start,
                vm.wall_seconds,
                vm.cpu_seconds
            )
        };
        self.0.iter().map(line).collect()
    }

    fn months(&self) -> Vec<String> {
        let mut months: Vec<String> = self.0.keys().map(|(_, month)| month.clone()).collect();
        months.sort();
        months.dedup();
        months
    }

    /// The present month and the one before, for the textfile collector of node_exporter.
    pub fn prometheus(&self) -> String {
        let months = self.months();
        let months = months.iter().rev().take(WRITTEN);
        let mut sums: BTreeMap<(String, String), Sum> = BTreeMap::new();
        for month in months {
            for ((uuid, of), vm) in &self.0 {
                if of == month {
                    let sum = sums.entry((month.clone(), vm.vo.clone())).or_default();
                    let (wall, cpu) = self.in_month(uuid, month, vm);
                    sum.vms += 1;
                    sum.wall += wall;
                    sum.cpu += cpu;
                }
            }
        }
        let mut text = String::new();
        let metrics: [Metric; 3] = [
            ("vms", "VMs that ran in a month, by VO.", |sum| sum.vms),
            (
                "wall_seconds",
                "Wall-clock time of VMs in a month, by VO.",
                |sum| sum.wall,
            ),
            ("cpu_seconds", "CPU time of VMs in a month, by VO.", |sum| {
                sum.cpu
            }),
        ];
        for (name, help, value) in metrics {
            text += &format!("# HELP caso_month_{name} {help}\n# TYPE caso_month_{name} gauge\n");
            for ((month, vo), sum) in &sums {
                text += &format!(
                    "caso_month_{name}{{month=\"{month}\",vo=\"{}\"}} {}\n",
                    label(vo),
                    value(sum)
                );
            }
        }
        text
    }

    /// Its wall-clock and CPU time of that month alone.
    fn in_month(&self, uuid: &str, month: &str, vm: &Vm) -> (u64, u64) {
        let from = (uuid.to_owned(), String::new());
        let to = (uuid.to_owned(), month.to_owned());
        if let Some((_, earlier)) = self.0.range(from..to).next_back() {
            return (
                vm.wall_seconds.saturating_sub(earlier.wall_seconds),
                vm.cpu_seconds.saturating_sub(earlier.cpu_seconds),
            );
        }
        let begins = first_second(vm.measured_at - 1).max(vm.start);
        let most = u64::try_from(vm.measured_at - begins).unwrap_or(0);
        let wall = vm.wall_seconds.min(most);
        let share = u128::from(vm.cpu_seconds) * u128::from(wall);
        let cpu = share.checked_div(u128::from(vm.wall_seconds)).unwrap_or(0);
        (wall, u64::try_from(cpu).unwrap_or(u64::MAX))
    }
}

/// Its name, what it is, and which part of a sum.
type Metric = (&'static str, &'static str, fn(&Sum) -> u64);

#[derive(Default)]
struct Sum {
    vms: u64,
    wall: u64,
    cpu: u64,
}

fn label(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

const DAY: i64 = 86_400;

/// `2026-11`, in UTC.
fn month(at: i64) -> String {
    let (year, month, _) = civil(at);
    format!("{year:04}-{month:02}")
}

/// The first second of its month.
fn first_second(at: i64) -> i64 {
    let (_, _, day) = civil(at);
    (at.div_euclid(DAY) - (day - 1)) * DAY
}

/// Year, month and day (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn civil(at: i64) -> (i64, i64, i64) {
    let days = at.div_euclid(DAY) + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1 and 16 November 2026, and 1 December.
    const NOVEMBER: i64 = 1_793_491_200;
    const MIDDLE: i64 = NOVEMBER + 15 * DAY;
    const DECEMBER: i64 = NOVEMBER + 30 * DAY;

    fn vm(vo: &str, measured_at: i64, start: i64, cpus: u64) -> Vm {
        let wall_seconds = u64::try_from(measured_at - start).unwrap();
        Vm {
            vo: vo.to_owned(),
            measured_at,
            start,
            wall_seconds,
            cpu_seconds: wall_seconds * cpus,
        }
    }

    #[test]
    fn months_are_those_of_the_calendar() {
        let months = [0, -1, NOVEMBER - 1, NOVEMBER, DECEMBER, 951_782_400].map(month);
        assert_eq!(
            months,
            [
                "1970-01", "1969-12", "2026-10", "2026-11", "2026-12", "2000-02"
            ]
        );
        assert_eq!(first_second(MIDDLE), NOVEMBER);
        assert_eq!(first_second(NOVEMBER), NOVEMBER);
    }

    /// A record of the whole of October says that it was measured when November began.
    #[test]
    fn the_end_of_a_month_belongs_to_it() {
        let mut totals = Totals::default();
        totals.take("a", vm("vo", NOVEMBER, NOVEMBER - DAY, 1));
        assert!(
            totals
                .prometheus()
                .contains("{month=\"2026-10\",vo=\"vo\"} 86400\n")
        );
    }

    #[test]
    fn a_months_part_is_what_the_month_before_did_not_have() {
        let mut totals = Totals::default();
        totals.take("a", vm("vo", NOVEMBER, NOVEMBER - 10 * DAY, 2));
        totals.take("a", vm("vo", MIDDLE, NOVEMBER - 10 * DAY, 2));
        let text = totals.prometheus();
        assert!(
            text.contains("caso_month_wall_seconds{month=\"2026-11\",vo=\"vo\"} 1296000\n"),
            "{text}"
        );
        assert!(
            text.contains("caso_month_cpu_seconds{month=\"2026-11\",vo=\"vo\"} 2592000\n"),
            "{text}"
        );
        // Never seen before this month: no more than the month has had.
        let mut totals = Totals::default();
        totals.take("a", vm("vo", MIDDLE, NOVEMBER - 10 * DAY, 2));
        assert!(
            totals
                .prometheus()
                .contains("wall_seconds{month=\"2026-11\",vo=\"vo\"} 1296000\n")
        );
        assert!(
            totals
                .prometheus()
                .contains("cpu_seconds{month=\"2026-11\",vo=\"vo\"} 2592000\n")
        );
    }

    #[test]
    fn a_repetition_and_an_old_record_change_nothing() {
        let mut totals = Totals::default();
        totals.take("a", vm("vo", MIDDLE, NOVEMBER, 1));
        let before = totals.prometheus();
        totals.take("a", vm("vo", MIDDLE, NOVEMBER, 1));
        totals.take("a", vm("vo", MIDDLE - DAY, NOVEMBER, 1));
        assert_eq!(totals.prometheus(), before);
        totals.take("b", vm("vo", MIDDLE, NOVEMBER, 1));
        assert!(
            totals
                .prometheus()
                .contains("caso_month_vms{month=\"2026-11\",vo=\"vo\"} 2\n")
        );
    }

    #[test]
    fn what_is_kept_is_read_again() {
        let mut totals = Totals::default();
        totals.take("a", vm("a\tb \"c\" \\", MIDDLE, NOVEMBER, 1));
        let kept = totals.write();
        let mut again = Totals::read(&(kept.clone() + "half a li"));
        assert_eq!(again.write(), kept);
        assert!(
            again.prometheus().contains("vo=\"a b \\\"c\\\" \\\\\"}"),
            "{}",
            again.prometheus()
        );
        for months in 0..20 {
            again.take("a", vm("vo", MIDDLE + months * 30 * DAY, NOVEMBER, 1));
        }
        assert_eq!(again.write().lines().count(), KEPT);
    }
}
