//! What the ledger says was used: sums by VO, project and flavor, and by day.
//!
//! A time counts once for each project and service: of two windows that overlap the first that
//! was extracted is taken, so that one by hand or a month once more adds nothing. What the ledger
//! has windows of and no figures is not known, and so is a day of which it has no window.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::spans::Spans;
use caso_base::time::DAY;
use caso_model::Window;
use caso_model::extraction::Extractor;
use caso_state::ledger::{RunLine, UseRow, WindowLine};
use caso_state::{FormerNames, Place};

/// What was counted to a moment longer before the end than this, in seconds, is named.
const LATE: i64 = 3 * 3_600;

/// A service of OpenStack, whose windows the ledger has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    Servers,
    Storage,
    Energy,
}

impl Source {
    pub const ALL: [Source; 3] = [Source::Servers, Source::Storage, Source::Energy];

    /// None of what the page does not show: addresses are counted at a moment.
    fn of(extractor: &str) -> Option<Self> {
        match Extractor::named(extractor)? {
            Extractor::Nova | Extractor::Ceilometer => Some(Source::Servers),
            Extractor::Cinder => Some(Source::Storage),
            Extractor::Prometheus => Some(Source::Energy),
            Extractor::Neutron => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Source::Servers => "servers",
            Source::Storage => "storage",
            Source::Energy => "energy",
        }
    }
}

/// What is added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    Servers,
    Cpus,
    Accelerators,
    Storage,
    Energy,
}

impl Measure {
    pub const ALL: [Measure; 5] = [
        Measure::Servers,
        Measure::Cpus,
        Measure::Accelerators,
        Measure::Storage,
        Measure::Energy,
    ];

    /// The unit, as in a table's heading.
    pub fn unit(self) -> &'static str {
        match self {
            Measure::Servers => "Server hours",
            Measure::Cpus => "CPU hours",
            Measure::Accelerators => "Accelerator hours",
            Measure::Storage => "GiB days",
            Measure::Energy => "kWh",
        }
    }

    pub fn source(self) -> Source {
        match self {
            Measure::Servers | Measure::Cpus | Measure::Accelerators => Source::Servers,
            Measure::Storage => Source::Storage,
            Measure::Energy => Source::Energy,
        }
    }

    /// In its unit.
    fn of(self, row: &UseRow) -> Option<f64> {
        match self {
            Measure::Servers => row.server_seconds.map(hours),
            Measure::Cpus => row.cpu_seconds.map(|it| it / 3_600.0),
            Measure::Accelerators => row.accelerator_seconds.map(|it| it / 3_600.0),
            Measure::Storage => row.gib_seconds.map(|it| it / 86_400.0),
            Measure::Energy => row.watt_hours.map(|it| it / 1_000.0),
        }
    }
}

fn hours(seconds: u64) -> f64 {
    std::time::Duration::from_secs(seconds).as_secs_f64() / 3_600.0
}

/// By what a sum is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum By {
    Vo,
    Project,
    Flavor,
}

/// How much of a day the ledger knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    All,
    Partly,
    Nothing,
}

/// A sum by name.
pub type Sums = BTreeMap<String, f64>;

/// What was counted of a project by one source.
#[derive(Debug, Default)]
struct Counted {
    known: Spans,
    unknown: Spans,
}

#[derive(Debug, Default)]
pub struct Figures {
    by: HashMap<(Measure, By), Sums>,
    days: HashMap<Measure, BTreeMap<i64, Sums>>,
    counted: HashMap<(String, Option<String>, Source, String), Counted>,
    names: HashMap<String, String>,
    /// The days of interest, and no others; none: all.
    range: Option<Window>,
    /// Which clouds and regions had other names.
    renamed: FormerNames,
    /// Hours of servers that are in no sum of CPU hours.
    pub without_cpus: f64,
}

/// Figures of which nothing more comes.
#[derive(Debug)]
pub struct Finished {
    by: HashMap<(Measure, By), Sums>,
    days: HashMap<Measure, BTreeMap<i64, Sums>>,
    known: HashMap<Source, (Spans, Spans)>,
    pub without_cpus: f64,
    /// Where the last window of all ended.
    pub until: Option<i64>,
    /// Projects that were counted to a moment well before that, with it.
    pub behind: Vec<(String, Source, i64)>,
    /// The first day and the one behind the last, in days since 1970.
    pub span: (i64, i64),
}

impl Figures {
    /// Of the days of a window, or of all that is there.
    pub fn new(range: Option<Window>, renamed: FormerNames) -> Self {
        Figures {
            range,
            renamed,
            ..Figures::default()
        }
    }

    /// Adds a run; those before it came before.
    pub fn run(&mut self, run: RunLine) {
        self.names.extend(run.names);
        for line in run.windows {
            if let Some(source) = Source::of(&line.extractor) {
                self.window(source, line);
            }
        }
    }

    fn window(&mut self, source: Source, mut line: WindowLine) {
        for project in std::mem::take(&mut line.records).into_keys() {
            // What a cloud extracted again under its present name is known by the former one.
            let was = Place {
                cloud: line.cloud.clone(),
                region: line.region.clone(),
            };
            let place = self.renamed.present(&project, was);
            let key = (place.cloud, place.region, source, project.clone());
            let counted = self.counted.entry(key).or_default();
            let (Some(start), Some(rows)) = (line.used_from, line.used.remove(&project)) else {
                counted.unknown.add(line.window);
                continue;
            };
            let span = Window {
                start,
                end: line.window.end,
            };
            if counted.known.overlaps(span) {
                // What it has beyond the known is not known: its rows are of all of it.
                counted.unknown.add(span);
                continue;
            }
            counted.known.add(span);
            for row in rows {
                self.row(&project, &row);
            }
        }
    }

    fn row(&mut self, project: &str, row: &UseRow) {
        let start = row.day.saturating_mul(DAY);
        if self
            .range
            .is_some_and(|range| start < range.start || start >= range.end)
        {
            return;
        }
        self.without_cpus += row.without_cpus.map_or(0.0, hours);
        for measure in Measure::ALL {
            let Some(used) = measure.of(row) else {
                continue;
            };
            let flavor = row.flavor.as_deref().unwrap_or("(not known)");
            for (by, name) in [
                (By::Vo, row.vo.as_str()),
                (By::Project, project),
                (By::Flavor, flavor),
            ] {
                let sums = self.by.entry((measure, by)).or_default();
                add(sums, name, used);
            }
            let days = self.days.entry(measure).or_default();
            add(days.entry(row.day).or_default(), &row.vo, used);
        }
    }

    /// At the moment `now`.
    pub fn finish(mut self, now: i64) -> Finished {
        let labels = labels(&self.counted, &self.names);
        for ((_, by), sums) in &mut self.by {
            if *by == By::Project {
                let named = std::mem::take(sums).into_iter().map(|(id, used)| {
                    let label = labels.get(&id).cloned();
                    (label.unwrap_or(id), used)
                });
                *sums = named.collect();
            }
        }
        let mut known: HashMap<Source, (Spans, Spans)> = HashMap::new();
        let mut ends = BTreeMap::new();
        for ((_, _, source, project), counted) in &self.counted {
            let (all, unknown) = known.entry(*source).or_default();
            all.add_all(&counted.known);
            unknown.add_without(&counted.unknown, &counted.known);
            if let Some(bounds) = counted.known.bounds() {
                let end = ends.entry((*source, project)).or_insert(bounds.end);
                *end = bounds.end.max(*end);
            }
        }
        let until = ends.values().copied().max();
        let behind = ends.into_iter().filter_map(|((source, project), end)| {
            let label = labels.get(project).unwrap_or(project);
            (end < until? - LATE).then(|| (label.clone(), source, end))
        });
        let behind = behind.collect();
        let first = known.values().filter_map(|(all, _)| all.bounds());
        let first = first.map(|bounds| bounds.start).min().unwrap_or(now);
        // A day that has begun and of which no run was due yet is no gap.
        let now = until.filter(|until| now - until < DAY).unwrap_or(now);
        let (start, end) = match self.range {
            Some(range) => (range.start, range.end.min(now)),
            None => (first, now),
        };
        Finished {
            by: self.by,
            days: self.days,
            known,
            without_cpus: self.without_cpus,
            until,
            behind,
            span: (start.div_euclid(DAY), (end - 1).div_euclid(DAY) + 1),
        }
    }
}

impl Finished {
    /// Sums by name, the greatest first.
    pub fn by(&self, measure: Measure, by: By) -> Vec<(&str, f64)> {
        let sums = self.by.get(&(measure, by)).into_iter().flatten();
        let mut sums: Vec<_> = sums.map(|(name, used)| (name.as_str(), *used)).collect();
        sums.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
        sums
    }

    /// What a day came to, by VO; nothing where nothing was used or is known.
    pub fn day(&self, measure: Measure, day: i64) -> Option<&Sums> {
        self.days.get(&measure)?.get(&day)
    }

    /// Of everything; none where nothing is known.
    pub fn total(&self, measure: Measure) -> Option<f64> {
        let is_known = (self.span.0..self.span.1)
            .any(|day| self.known(measure.source(), day) != Known::Nothing);
        let sums = self.by.get(&(measure, By::Vo)).into_iter().flatten();
        is_known.then(|| sums.map(|(_, used)| *used).sum())
    }

    pub fn known(&self, source: Source, day: i64) -> Known {
        let Some((known, unknown)) = self.known.get(&source) else {
            return Known::Nothing;
        };
        let start = day * DAY;
        let end = (start + DAY).min(self.until.unwrap_or(start));
        let window = Window { start, end };
        match known.seconds_in(window) {
            0 => Known::Nothing,
            seconds if seconds < end - start || unknown.seconds_in(window) > 0 => Known::Partly,
            _ => Known::All,
        }
    }

    /// Of how many days of the page a source is known in no part, and in part.
    pub fn gaps(&self, source: Source) -> (usize, usize) {
        let states = (self.span.0..self.span.1).map(|day| self.known(source, day));
        let states: Vec<_> = states.collect();
        let count = |it| states.iter().filter(|state| **state == it).count();
        (count(Known::Nothing), count(Known::Partly))
    }
}

fn add(sums: &mut Sums, name: &str, used: f64) {
    match sums.get_mut(name) {
        Some(sum) => *sum += used,
        None => {
            sums.insert(name.to_owned(), used);
        }
    }
}

/// How each project is called: by its name, with its id where several have that name.
fn labels(
    counted: &HashMap<(String, Option<String>, Source, String), Counted>,
    names: &HashMap<String, String>,
) -> HashMap<String, String> {
    let ids: BTreeSet<&String> = counted.keys().map(|(_, _, _, project)| project).collect();
    let mut of_name: HashMap<&String, u32> = HashMap::new();
    for name in ids.iter().filter_map(|id| names.get(*id)) {
        *of_name.entry(name).or_default() += 1;
    }
    let label = |id: &String| match names.get(id) {
        Some(name) if of_name.get(name) == Some(&1) => name.clone(),
        Some(name) => format!("{name} ({id})"),
        None => id.clone(),
    };
    ids.into_iter().map(|id| (id.clone(), label(id))).collect()
}
