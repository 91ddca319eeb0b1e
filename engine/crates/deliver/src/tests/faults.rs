//! Thousands of faults, one behind the other, and a model that knows what must arrive.
//!
//! Many sites, each of which lives for some hours. In each hour one thing goes wrong, by chance:
//! the run is killed before or in the middle of a step that it makes on disk, a step finds the
//! disk full or fails, or a messenger is away, takes a part, asks for time. After two good hours
//! at its end each messenger must have
//!
//! - every record of every hour: none is *lost*;
//! - of what a consumer adds up, intervals without an overlap: nothing is counted *twice*;
//! - of what a later record replaces, the last one last: nothing is *stale*;
//! - nothing in quarantine, as nobody found fault with a record: none is *refused*.
//!
//! The short form is a test among others. The long one is `tests/faults/run`, which sets
//! `CASO_FAULTS` to how many faults there shall be, and prints the totals.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::support::*;
use caso_disk::Disk;
use caso_disk::faults::{At, End};
use caso_journal::{Journal, Order};
use caso_model::Window;
use caso_model::guest::*;
use caso_model::record::{AccountingRecord, OtherRecord};
use caso_state::{CursorKey, Cursors};

/// Of the short form.
const FEW: u64 = 300;
const PROJECTS: [u32; 2] = [0, 1];
const MESSENGERS: [&str; 2] = ["one", "two"];
const HOUR: i64 = 3_600;
/// Hours in which something goes wrong.
const BAD_HOURS: i64 = 7;
/// More steps than a run of these sites makes; what is beyond its last one does not strike.
const STEPS: u64 = 160;

/// Numbers that look like chance, the same in every run of the tests.
struct Chance(u64);

impl Chance {
    /// Below `end` (SplitMix64).
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// What goes wrong on disk in an hour, at one step of the run.
const ENDS: [(End, &str); 5] = [
    (End::Kill, "killed before a step on disk"),
    (End::Torn, "killed in the middle of a step"),
    (End::FullOnce, "the disk is full once"),
    (End::Full, "the disk is full from then on"),
    (End::ErrorOnce, "an error of the device"),
];

/// How a messenger is in an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Well,
    Away,
    TakesAPart,
    AsksForTime,
}

impl Mood {
    fn answer(self, records: &[AccountingRecord]) -> Answer {
        let part = records.len() / 2;
        match self {
            Mood::Well => all(records),
            Mood::Away => answer(0, &[], Rest::Other("away".into())),
            Mood::TakesAPart => answer(part, &[], Rest::Other("the connection broke".into())),
            Mood::AsksForTime => answer(part, &[], again(7_200)),
        }
    }
}

/// What was injected, and what became of it.
#[derive(Default)]
struct Totals {
    sites: u64,
    runs: u64,
    faults: BTreeMap<&'static str, u64>,
    records: u64,
    lost: u64,
    twice: u64,
    stale: u64,
    refused: u64,
    /// The first of each kind, for who must find it.
    examples: Vec<String>,
}

impl Totals {
    fn faults(&self) -> u64 {
        self.faults.values().sum()
    }

    fn wrong(&mut self, what: String) -> u64 {
        if self.examples.len() < 20 {
            self.examples.push(what);
        }
        1
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults = self.faults();
        writeln!(
            f,
            "{faults} faults in {} runs of {} sites",
            self.runs, self.sites
        )?;
        for (kind, number) in &self.faults {
            writeln!(f, "  {number:>6} {kind}")?;
        }
        let Self {
            records,
            lost,
            twice,
            stale,
            refused,
            ..
        } = self;
        write!(
            f,
            "{records} records taken: {lost} lost, {twice} counted twice, {stale} stale, {refused} refused"
        )
    }
}

/// A site, and what its messengers got.
struct World {
    site: Site,
    sinks: [Sink; 2],
    /// What there was to be extracted, by the ends of hours.
    hours: Vec<i64>,
}

fn cursor_key() -> CursorKey {
    CursorKey {
        cloud: "default".into(),
        region: None,
        extractor: "nova".into(),
    }
}

/// An interval of a volume: whoever gets it adds it up.
fn interval(project: u32, window: Window) -> AccountingRecord {
    let id = format!("{project}-volume:{}:{}", window.start, window.end);
    match other(&id, "volume") {
        AccountingRecord::Other(it) => AccountingRecord::Other(OtherRecord {
            resource_id: format!("{project}-volume"),
            start: window.start,
            end: window.end,
            ..it
        }),
        one => one,
    }
}

/// What ended in an hour, and is in no later one.
fn ended(project: u32, hour: i64) -> AccountingRecord {
    let id = format!("{project}-ended-{hour}");
    cloud(&id, &id, hour)
}

/// What goes on, and is in each hour anew.
fn going_on(project: u32, hour: i64) -> AccountingRecord {
    cloud(
        &format!("{project}-vm-{hour}"),
        &format!("{project}-vm"),
        hour,
    )
}

impl World {
    fn new() -> Self {
        World {
            site: Site::new(&MESSENGERS),
            sinks: [Sink::default(), Sink::default()],
            hours: Vec::new(),
        }
    }

    /// A run of this hour; it goes as far as it gets.
    fn run(&mut self, disk: Disk, moods: [Mood; 2]) {
        let now = HOUR * (i64::try_from(self.hours.len()).unwrap() + 1);
        self.hours.push(now);
        let spool = self.site.spool(disk);
        let Ok((journal, _)) = Journal::open(&spool, now) else {
            return;
        };
        let cursors = Cursors::open(&spool, false);
        for project in PROJECTS {
            let _ = self.extract(&journal, &cursors, project, now);
        }
        let instances =
            MESSENGERS
                .into_iter()
                .zip(&self.sinks)
                .zip(moods)
                .map(|((name, sink), mood)| {
                    sink.messenger(name, move |records| Ok(mood.answer(records)))
                });
        let (_keep, cancel) = watch::channel(false);
        let clock: Arc<dyn Clock> = self.site.clock.clone();
        let budget = Duration::from_secs(600);
        block_on(deliver(
            &journal,
            instances.collect(),
            budget,
            clock,
            cancel,
        ));
    }

    /// As a run of the engine does: what was sealed moves its cursor first, and what is sealed
    /// without its cursor is taken back.
    fn extract(&self, journal: &Journal, cursors: &Cursors, project: u32, now: i64) -> Option<()> {
        let name = format!("project-{project}");
        let key_of = cursor_key();
        cursors
            .starts(&name, None, std::slice::from_ref(&key_of))
            .ok()?;
        for segment in journal.sealed().iter().filter(|it| it.project == name) {
            cursors.catch_up(&name, &key_of, segment.window, 0).ok()?;
        }
        let starts = cursors
            .starts(&name, None, std::slice::from_ref(&key_of))
            .ok()?;
        let window = Window {
            start: starts[0].at.unwrap_or(0),
            end: now,
        };
        if window.start >= window.end {
            return None;
        }
        let order = Order {
            project,
            extractor: 0,
        };
        let messengers = &self.site.messengers;
        let mut writer = journal
            .begin(
                key(project, window),
                Vec::new(),
                order,
                messengers,
                &mapper(),
            )
            .ok()?;
        for hour in self.hours.iter().filter(|hour| **hour > window.start) {
            writer.append(&ended(project, *hour)).ok()?;
        }
        writer.append(&going_on(project, now)).ok()?;
        writer.append(&interval(project, window)).ok()?;
        let sealed = writer.seal().ok()?;
        if cursors.advance(&name, &key_of, window).is_err() {
            let _ = journal.revoke(&sealed);
        }
        Some(())
    }

    fn judge(&self, what: &str, totals: &mut Totals) {
        let last = *self.hours.last().expect("an hour");
        for (messenger, sink) in MESSENGERS.into_iter().zip(&self.sinks) {
            let got = sink.got.lock().unwrap().clone();
            totals.records += u64::try_from(got.len()).unwrap();
            let ids: BTreeSet<&str> = got.iter().map(|it| it.head().id.as_str()).collect();
            for project in PROJECTS {
                let of = |text: &str| format!("{what}, {messenger}: {text}");
                for hour in &self.hours {
                    let id = ended(project, *hour).head().id.clone();
                    if !ids.contains(id.as_str()) {
                        totals.lost += totals.wrong(of(&format!("`{id}` is lost")));
                    }
                }
                let vm = format!("{project}-vm");
                let of_vm = got.iter().filter(|it| it.head().supersedes == vm);
                let newest = of_vm
                    .fold(None, |_, it| Some(it))
                    .map(|it| it.head().measured_at);
                if newest != Some(last) {
                    totals.stale += totals.wrong(of(&format!("`{vm}` is as of {newest:?}")));
                }
                let volume = format!("{project}-volume");
                let mut intervals: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
                for record in &got {
                    if let AccountingRecord::Other(it) = record
                        && it.resource_id == volume
                    {
                        intervals.insert(&it.head.id, (it.start, it.end));
                    }
                }
                let mut sorted: Vec<(i64, i64)> = intervals.into_values().collect();
                sorted.sort_unstable();
                let mut reached = 0;
                for (start, end) in sorted {
                    if start > reached {
                        totals.lost += totals
                            .wrong(of(&format!("`{volume}` from {reached} to {start} is lost")));
                    }
                    if start < reached {
                        totals.twice +=
                            totals.wrong(of(&format!("`{volume}` from {start} is counted twice")));
                    }
                    reached = reached.max(end);
                }
                if reached != last {
                    totals.lost += totals.wrong(of(&format!("`{volume}` after {reached} is lost")));
                }
            }
            for id in self.site.quarantined_ids(messenger) {
                totals.refused += totals.wrong(format!("{what}, {messenger}: `{id}` is refused"));
            }
        }
        for (messenger, waiting) in self.site.waiting() {
            if waiting > 0 {
                let text = format!("{what}, {messenger}: {waiting} records still wait");
                totals.lost += totals.wrong(text);
            }
        }
    }
}

/// One life of a site.
fn live(seed: u64, totals: &mut Totals) {
    let mut chance = Chance(seed);
    let mut world = World::new();
    totals.sites += 1;
    let mut history = Vec::new();
    for _ in 0..BAD_HOURS {
        totals.runs += 1;
        let mut count = |kind| *totals.faults.entry(kind).or_default() += 1;
        let mut moods = [Mood::Well; 2];
        for mood in &mut moods {
            *mood = match chance.below(6) {
                0 => Mood::Away,
                1 => Mood::TakesAPart,
                2 => Mood::AsksForTime,
                _ => Mood::Well,
            };
            match mood {
                Mood::Well => {}
                Mood::Away => count("a messenger is away"),
                Mood::TakesAPart => count("a messenger takes a part"),
                Mood::AsksForTime => count("a messenger asks for time"),
            }
        }
        let (end, name) = ENDS[usize::try_from(chance.below(5)).unwrap()];
        let step = usize::try_from(chance.below(STEPS)).unwrap();
        let steps = At::new(end, step);
        world.run(steps.disk(), moods);
        history.push(format!("{end:?} at {step}, {moods:?}"));
        // Only what struck is a fault.
        if steps.seen() > step {
            count(name);
        }
    }
    for _ in 0..2 {
        totals.runs += 1;
        world.run(Disk::default(), [Mood::Well; 2]);
    }
    world.judge(&format!("seed {seed} ({})", history.join("; ")), totals);
}

#[test]
fn nothing_is_lost_or_counted_twice_however_many_faults() {
    let wanted = std::env::var("CASO_FAULTS").ok();
    let wanted = wanted.map_or(FEW, |text| text.parse().expect("CASO_FAULTS is a number"));
    let mut totals = Totals::default();
    let mut seed = 0;
    while totals.faults() < wanted {
        live(seed, &mut totals);
        seed += 1;
    }
    println!("{totals}");
    let wrong = [totals.lost, totals.twice, totals.stale, totals.refused];
    assert_eq!(wrong, [0; 4], "{}", totals.examples.join("\n"));
    assert!(totals.faults.len() >= 8, "every kind was tried: {totals}");
}
