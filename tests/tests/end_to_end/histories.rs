//! Histories of a cloud, run after run, against a model that knows every second.
//!
//! Servers come, are resized, rebuilt, stopped, shelved and deleted at random moments; runs come
//! hourly, every few hours, or after weeks; some are killed at a random request. What is
//! delivered goes through APEL's rule (of a month the record received last; a month has what its
//! record has beyond that of the month before), and must be the model's, to the second.
//!
//! A longer form: `CASO_HISTORIES=40 cargo test -p caso-tests --test end_to_end histories`.

use std::collections::BTreeMap;

use caso_tests::cloud::{
    Cloud, Fault, Gate, Plan, Project, Rule, Server, Servers, epoch, flavor_id, instant, server_id,
};
use caso_tests::site::Site;

use crate::clouds::Record;

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// CPUs of the flavors 0 to 2.
const CPUS: [i64; 3] = [1, 2, 4];

/// xorshift64*: the same history for a number on every machine.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % below
    }

    fn between(&mut self, from: i64, to: i64) -> i64 {
        from + self.roll((to - from).max(1) as u64) as i64
    }
}

/// What happens to a server.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Event {
    Resize(usize),
    /// Nova moves `launched_at`, and the size stays.
    Rebuild,
    Stop,
    Shelve,
    Delete,
}

/// A server's life.
#[derive(Debug)]
struct Life {
    number: usize,
    created: i64,
    flavor: usize,
    events: Vec<(i64, Event)>,
}

impl Life {
    /// Between two runs it boots once at most: of two boots Nova shows the later one.
    fn throw(dice: &mut Dice, number: usize, from: i64, runs: &[i64]) -> Life {
        let to = runs[runs.len() - 1];
        let created = dice.between(from, to);
        let mut at = created + 30;
        let mut events = Vec::new();
        let mut booted = None;
        loop {
            at += dice.between(600, (to - from) / 3);
            if at >= to {
                break;
            }
            let event = match dice.roll(8) {
                0..=3 => Event::Resize(dice.roll(3) as usize),
                4 => Event::Rebuild,
                5 => Event::Stop,
                6 => Event::Shelve,
                _ => Event::Delete,
            };
            if matches!(event, Event::Resize(_) | Event::Rebuild) {
                let gap = runs.partition_point(|run| *run < at);
                if booted.replace(gap) == Some(gap) {
                    continue;
                }
            }
            events.push((at, event));
            if event == Event::Delete {
                break;
            }
        }
        Life {
            number,
            created,
            flavor: dice.roll(3) as usize,
            events,
        }
    }

    /// What Nova shows of it at a moment.
    fn at(&self, moment: i64) -> Option<Server> {
        if self.created > moment {
            return None;
        }
        let mut server = Server {
            created: self.created,
            launched: Some(self.created + 20),
            updated: self.created + 20,
            flavor_id: flavor_id(self.flavor),
            ..Server::numbered(0, self.number)
        };
        for (at, event) in self.events.iter().filter(|(at, _)| *at <= moment) {
            server.updated = *at;
            match event {
                Event::Resize(flavor) => {
                    server.flavor_id = flavor_id(*flavor);
                    server.vm_state = "active".into();
                    server.launched = Some(*at);
                }
                Event::Rebuild => server.launched = Some(*at),
                Event::Stop => server.vm_state = "stopped".into(),
                Event::Shelve => server.vm_state = "shelved_offloaded".into(),
                Event::Delete => server = server.deleted(*at),
            }
        }
        Some(server)
    }

    /// CPU seconds from its creation to a moment, second by second.
    fn cpu(&self, moment: i64) -> i64 {
        let (mut sum, mut from, mut cpus) = (0, self.created, CPUS[self.flavor]);
        for (at, event) in self.events.iter().filter(|(at, _)| *at < moment) {
            sum += (at - from) * cpus;
            from = *at;
            match event {
                Event::Resize(flavor) => cpus = CPUS[*flavor],
                Event::Delete => return sum,
                _ => {}
            }
        }
        sum + (moment - from).max(0) * cpus
    }
}

fn number(record: &Record, field: &str) -> i64 {
    record[field].parse().expect("a number")
}

/// The table of APEL's records: of a server and month the one received last.
type Table = BTreeMap<(String, String), Record>;

fn month(time: i64) -> String {
    instant(time)[.."2026-09".len()].to_owned()
}

/// Also looks at the order of what was sent: no cumulative number falls.
fn table(site: &Site, seed: u64) -> Table {
    let mut last: BTreeMap<String, (i64, i64, i64)> = BTreeMap::new();
    let mut table = Table::new();
    for message in site.messages() {
        for record in message.cloud_records() {
            let (wall, cpu) = (
                number(&record, "WallDuration"),
                number(&record, "CpuDuration"),
            );
            let measured = match record["Status"].as_str() {
                "completed" => number(&record, "EndTime"),
                _ => number(&record, "StartTime") + wall,
            };
            let before = last.entry(record["VMUUID"].clone()).or_default();
            // Of the same moment, or of one that the window before reported, too.
            if measured > before.0 {
                assert!(
                    wall >= before.1 && cpu >= before.2,
                    "history {seed}: {wall} s and {cpu} s after {before:?}: {record:?}"
                );
                *before = (measured, wall, cpu);
            }
            table.insert((record["VMUUID"].clone(), month(measured)), record);
        }
    }
    table
}

fn history(seed: u64) {
    let mut dice = Dice::new(seed);
    let begin = epoch("2026-01-20") + dice.between(0, 20 * DAY);
    let mut runs = vec![begin];
    for _ in 0..10 {
        let pause = match dice.roll(4) {
            0 => HOUR,
            1 => 4 * HOUR + dice.between(0, 90),
            2 => dice.between(HOUR, 3 * DAY),
            _ => dice.between(10 * DAY, 45 * DAY),
        };
        runs.push(runs[runs.len() - 1] + pause);
    }
    let end = runs[runs.len() - 1];
    let lives: Vec<Life> = (0..6)
        .map(|number| Life::throw(&mut dice, number, begin - 20 * DAY, &runs))
        .collect();
    let cloud = Cloud::start(Plan {
        projects: vec![Project::numbered(0, Servers::Listed(Vec::new()))],
        max_limit: 4,
        ..Plan::default()
    });
    let site = Site::at(&cloud);
    // What a resize before the first run did is nobody's to know.
    let mut known: BTreeMap<usize, i64> = BTreeMap::new();
    for now in &runs {
        let shown: Vec<Server> = lives.iter().filter_map(|life| life.at(*now)).collect();
        for life in &lives {
            let seen = life.created <= *now;
            if seen && !known.contains_key(&life.number) {
                known.insert(life.number, *now);
            }
        }
        cloud.change(|plan| plan.projects[0].servers = Servers::Listed(shown));
        let to = instant(*now);
        if dice.roll(3) == 0 {
            let gate = Gate::default();
            let nth = 1 + dice.roll(6) as u32;
            cloud.inject(Rule::on("").nth(nth), Fault::Held(gate.clone()));
            let run = site.start("caso-extract", &[], &["--extract-to", &to]);
            if gate.is_reached() {
                run.kill();
            } else {
                run.finish();
            }
            cloud.heal();
        }
        site.extract(&["--extract-to", &to]).expect(0);
    }
    let table = table(&site, seed);
    for life in &lives {
        let id = server_id(0, life.number);
        let Some(first) = known.get(&life.number) else {
            continue;
        };
        // Only from the run that saw it first on are sizes known: before, it had the
        // one that it had then.
        let seen = life.at(*first).expect("it was seen");
        let unknown = life.events.iter().any(|(at, event)| {
            at <= first && matches!(event, Event::Resize(flavor) if flavor_id(*flavor) != flavor_id(life.flavor))
        });
        if unknown {
            continue;
        }
        assert_eq!(seen.created, life.created);
        let mut before = 0;
        for ((_, in_month), record) in table.range((id.clone(), String::new())..) {
            if record["VMUUID"] != id {
                break;
            }
            let until = number(record, "StartTime") + number(record, "WallDuration");
            let right = life.cpu(until) - before;
            let told = number(record, "CpuDuration") - before;
            assert_eq!(told, right, "history {seed}, {in_month} of {life:#?}");
            before = number(record, "CpuDuration");
        }
        // All of it, up to its end or the last run's.
        assert_eq!(before, life.cpu(end), "history {seed}: {life:#?}");
    }
}

#[test]
fn what_apel_adds_up_is_what_was_used() {
    let histories: u64 = match std::env::var("CASO_HISTORIES") {
        Ok(text) => text.parse().expect("a number of histories"),
        Err(_) => 3,
    };
    for seed in 0..histories {
        history(seed);
    }
}

/// What a cloud shows at a moment that lags behind by up to a quarter of an hour, each row
/// by its own time: a row that was shown once does not go back.
struct Lagging {
    dice: Dice,
    shown: BTreeMap<usize, i64>,
}

impl Lagging {
    fn at(&mut self, lives: &[Life], moment: i64, healed: bool) -> Vec<Server> {
        let mut rows = Vec::new();
        for life in lives {
            let lag = match healed || self.dice.roll(2) == 0 {
                true => 0,
                false => self.dice.between(1, 840),
            };
            let before = self.shown.get(&life.number).copied().unwrap_or(i64::MIN);
            let seen = (moment - lag).max(before);
            self.shown.insert(life.number, seen);
            rows.extend(life.at(seen));
        }
        rows
    }
}

/// Runs of three hours on a cloud, with what it shows at each of them.
fn runs_on(mut shows: impl FnMut(i64) -> Vec<Server>, runs: &[i64], seed: u64) -> Table {
    let cloud = Cloud::start(Plan {
        projects: vec![Project::numbered(0, Servers::Listed(Vec::new()))],
        max_limit: 4,
        ..Plan::default()
    });
    let site = Site::at(&cloud);
    for now in runs {
        let rows = shows(*now);
        cloud.change(|plan| plan.projects[0].servers = Servers::Listed(rows));
        site.extract(&["--extract-to", &instant(*now)]).expect(0);
    }
    table(&site, seed)
}

/// Rows that are noted before they are visible: after the next run that sees them, APEL has what
/// it would have without. Of servers that shrank late the CPU time may be more, as it never falls.
#[test]
fn a_cloud_that_shows_its_changes_late_leaves_what_a_prompt_one_does() {
    for seed in 100..102 {
        let mut dice = Dice::new(seed);
        let begin = epoch("2026-10-03") + dice.between(0, DAY);
        let runs: Vec<i64> = (0..9).map(|n| begin + n * 3 * HOUR).collect();
        let end = runs[runs.len() - 1];
        let mut lives: Vec<Life> = (0..12)
            .map(|number| Life::throw(&mut dice, number, begin - DAY, &runs))
            .collect();
        for life in &mut lives {
            let mut last = life.flavor;
            life.events.retain(|(_, event)| match event {
                Event::Resize(flavor) if *flavor < last => false,
                Event::Resize(flavor) => {
                    last = *flavor;
                    true
                }
                _ => true,
            });
        }
        let prompt = |moment| lives.iter().filter_map(|life| life.at(moment)).collect();
        let right = runs_on(prompt, &runs, seed);
        let mut lagging = Lagging {
            dice: Dice::new(seed + 1),
            shown: BTreeMap::new(),
        };
        let late = |moment| lagging.at(&lives, moment, moment == end);
        let found = runs_on(late, &runs, seed);
        assert_eq!(right.len(), found.len());
        for (key, record) in &right {
            assert_eq!(found.get(key), Some(record), "history {seed}, {key:?}");
        }
    }
}
