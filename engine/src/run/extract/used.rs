//! What a window's records say was used in it, by day, VO and flavor, for the ledger.
//!
//! A cloud record says how far a server has come since it began; what lies in this window is the
//! part of its life from where the window before ended, which needs nothing of earlier records.
//! Each of a server's records (there is one more as of each month's end) speaks for the time since
//! the one before it. A flavor is in no record, so it comes from the item of usage.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::mapping::Counted;
use caso_base::time::{DAY, end_of_month, format_utc, start_of_month};
use caso_model::Window;
use caso_model::record::{AcceleratorRecord, AccountingRecord, CloudRecord};
use caso_model::usage::{Server, Tables, UsageItem};
use caso_state::ledger::{KEPT, UseRow};

/// So many rows of a project and window are kept. More are not a site's: its flavors, which
/// anybody may name who may make them, are as many as its servers.
const MOST_ROWS: usize = 20_000;
const GIB: f64 = 1_073_741_824.0;

/// Names of flavors by their ids.
pub type Flavors<'a> = HashMap<&'a str, &'a str>;

/// The sums of a window.
pub struct Used {
    /// None: nothing is counted, or not all can be.
    window: Option<Window>,
    vo: String,
    /// By VO and flavor, by day: most of a page's servers have both in common, and where a
    /// first run looks back a year, each has hundreds of days.
    rows: BTreeMap<String, BTreeMap<Option<String>, BTreeMap<i64, UseRow>>>,
    /// How many rows there are.
    count: usize,
}

impl Used {
    /// Counts what was used in `window` of a project of this VO, as far back as the ledger is kept.
    pub fn new(window: Window, vo: &str) -> Self {
        let start = window.start.max(window.end.saturating_sub(KEPT));
        Used {
            window: Some(Window {
                start,
                end: window.end,
            }),
            vo: vo.to_owned(),
            rows: BTreeMap::new(),
            count: 0,
        }
    }

    /// Counts nothing, and does not say that nothing was used.
    pub fn nothing() -> Self {
        Used {
            window: None,
            vo: String::new(),
            rows: BTreeMap::new(),
            count: 0,
        }
    }

    /// The flavors of a page.
    pub fn flavors<'a>(&self, tables: &'a Tables) -> Flavors<'a> {
        if self.window.is_none() {
            return Flavors::new();
        }
        let named = tables.flavors.iter();
        named
            .filter_map(|flavor| Some((flavor.id.as_str(), flavor.name.as_deref()?)))
            .collect()
    }

    /// Adds what the records of an item say.
    pub fn item(&mut self, flavors: &Flavors<'_>, item: &UsageItem, records: &[AccountingRecord]) {
        let Some(window) = self.window else {
            return;
        };
        let flavor = match item {
            UsageItem::Server(server) => flavor(flavors, server),
            UsageItem::Energy(energy) => flavor(flavors, &energy.server),
            _ => None,
        };
        let clouds = records.iter().filter_map(|record| match record {
            AccountingRecord::Cloud(record) => Some(record),
            _ => None,
        });
        let lives = lives(window, clouds);
        for (span, record) in &lives {
            self.server(*span, record, flavor);
        }
        for record in records {
            match record {
                AccountingRecord::Accelerator(record) => {
                    self.accelerator(&lives, record, flavor);
                }
                AccountingRecord::Storage(record) => {
                    let vo = record.group.clone().unwrap_or_else(|| self.vo.clone());
                    let gib = exact(record.capacity_bytes) / GIB;
                    let span = within(window, record.start, record.end);
                    self.days(span, &vo, None, |row, seconds| {
                        *row.gib_seconds.get_or_insert(0.0) += gib * exact(seconds);
                    });
                }
                AccountingRecord::Energy(record) => {
                    let whole = record.end.saturating_sub(record.start).max(1);
                    let a_second = record.watt_hours / exact(whole.unsigned_abs());
                    let span = within(window, record.start, record.end);
                    let vo = self.vo.clone();
                    self.days(span, &vo, flavor, |row, seconds| {
                        *row.watt_hours.get_or_insert(0.0) += a_second * exact(seconds);
                    });
                }
                _ => {}
            }
        }
        if self.count > MOST_ROWS {
            self.window = None;
            self.rows.clear();
        }
    }

    /// The rows, where all was counted.
    pub fn finish(self) -> Option<Counted> {
        let window = self.window?;
        let flavors = self.rows.into_values().flatten();
        let mut rows: Vec<UseRow> = flavors.flat_map(|(_, days)| days.into_values()).collect();
        // Those of a day stay in the order of VO and flavor.
        rows.sort_by_key(|row| row.day);
        Some(Counted {
            from: window.start,
            rows,
        })
    }

    fn server(&mut self, span: Window, record: &CloudRecord, flavor: Option<&str>) {
        let cpus = record.cpu_count;
        self.days(span, &record.fqan, flavor, |row, seconds| {
            *row.server_seconds.get_or_insert(0) += seconds;
            match cpus {
                Some(cpus) => *row.cpu_seconds.get_or_insert(0.0) += cpus * exact(seconds),
                None => *row.without_cpus.get_or_insert(0) += seconds,
            }
        });
    }

    /// An accelerator is its server's as long as that lives, and for no longer than the record says:
    /// a server that was resized got it meanwhile. The record is of one month, the life in this
    /// window may be of several.
    fn accelerator(
        &mut self,
        lives: &[(Window, &CloudRecord)],
        record: &AcceleratorRecord,
        flavor: Option<&str>,
    ) {
        let of_record = format!("{:04}-{:02}", record.year, record.month);
        for (span, _) in lives {
            let mut at = span.start;
            while at < span.end {
                let Some(end) = start_of_month(at).and_then(end_of_month) else {
                    return;
                };
                let end = end.min(span.end);
                if format_utc(at).starts_with(&of_record) {
                    let had = i64::try_from(record.available_seconds).unwrap_or(i64::MAX);
                    let start = at.max(end.saturating_sub(had));
                    let month = Window { start, end };
                    self.days(month, &record.fqan, flavor, |row, seconds| {
                        let used = record.count * exact(seconds);
                        *row.accelerator_seconds.get_or_insert(0.0) += used;
                    });
                }
                at = end;
            }
        }
    }

    /// Calls `add` with the row of each day of the span, and the seconds of the span in it.
    fn days(
        &mut self,
        span: Window,
        vo: &str,
        flavor: Option<&str>,
        add: impl Fn(&mut UseRow, u64),
    ) {
        let mut at = span.start;
        if at >= span.end {
            return;
        }
        let flavor = flavor.map(str::to_owned);
        let flavors = match self.rows.get_mut(vo) {
            Some(flavors) => flavors,
            None => self.rows.entry(vo.to_owned()).or_default(),
        };
        let days = flavors.entry(flavor.clone()).or_default();
        while at < span.end {
            let day = at.div_euclid(DAY);
            let end = ((day + 1) * DAY).min(span.end);
            let row = days.entry(day).or_insert_with(|| {
                self.count += 1;
                UseRow {
                    day,
                    vo: vo.to_owned(),
                    flavor: flavor.clone(),
                    ..UseRow::default()
                }
            });
            add(row, end.abs_diff(at));
            at = end;
        }
    }
}

/// For which part of the window each record of a server speaks.
fn lives<'a>(
    window: Window,
    clouds: impl Iterator<Item = &'a CloudRecord>,
) -> Vec<(Window, &'a CloudRecord)> {
    let mut records: Vec<_> = clouds
        .map(|record| (record.end.unwrap_or(record.head.measured_at), record))
        .collect();
    records.sort_by_key(|(until, _)| *until);
    let mut reached = window.start;
    let mut lives = Vec::new();
    for (until, record) in records {
        let span = within(window, record.start.max(reached), until);
        if span.start < span.end {
            reached = span.end;
            lives.push((span, record));
        }
    }
    lives
}

/// What of a time lies in the window.
fn within(window: Window, start: i64, end: i64) -> Window {
    Window {
        start: start.max(window.start),
        end: end.min(window.end),
    }
}

fn flavor<'a>(flavors: &Flavors<'a>, server: &'a Server) -> Option<&'a str> {
    let id = server.flavor_id.as_deref();
    let usage = server.compute_usage.as_ref();
    let embedded = server.embedded_flavor.as_ref();
    id.and_then(|id| flavors.get(id).copied())
        .or_else(|| embedded?.name.as_deref())
        .or_else(|| usage?.flavor_name.as_deref())
}

/// A whole number as a float, which holds seconds and bytes to 53 bits.
fn exact(number: u64) -> f64 {
    Duration::from_secs(number).as_secs_f64()
}

#[cfg(test)]
mod tests;
