//! Clouds that do not show all there is: rows that appear late, hosts' and Nova's clocks that are
//! apart, lists that are cut with or without a sign of it, rows that move while they are read,
//! cells and services that are away. After the next good run APEL's tables hold what they
//! would without.

use std::collections::BTreeMap;

use caso_stand_in::{
    Change, Cloud, Fault, Plan, Project, Rule, Server, Servers, epoch, instant, server_id,
};
use caso_tests::site::Site;

use super::apel::{Table, number, table};
use super::life::{DAY, Dice, Event, HOUR, Life};
use super::{SIZE, histories};

/// A row is shown so many seconds late at most.
const LATEST: i64 = 840;

/// What a cloud shows at a moment that lags behind, each row by its own time: a row that was
/// shown once does not go back.
#[derive(Default)]
struct Lagging {
    shown: BTreeMap<usize, i64>,
}

impl Lagging {
    fn at(&mut self, dice: &mut Dice, lives: &[Life], moment: i64, prompt: bool) -> Vec<Server> {
        let mut rows = Vec::new();
        for life in lives {
            let lag = match prompt || dice.roll(2) == 0 {
                true => 0,
                false => dice.between(1, LATEST),
            };
            let before = self.shown.get(&life.number).copied().unwrap_or(i64::MIN);
            let seen = (moment - lag).max(before);
            self.shown.insert(life.number, seen);
            rows.extend(life.at(seen));
        }
        rows
    }
}

/// What was told, and the runs before the last one that were good.
struct Told {
    table: Table,
    good: Vec<i64>,
}

impl Told {
    /// Whether a server booted twice between two good runs, where a boot is shown `late` by so
    /// many seconds at most: of the sizes that it had Nova shows the last one alone.
    fn shows_less_than(&self, life: &Life, late: i64) -> bool {
        let boot = |event| matches!(event, Event::Resize(_) | Event::Rebuild);
        let events = life.events.iter().filter(|(_, event)| boot(*event));
        let boots = [life.created].into_iter().chain(events.map(|(at, _)| *at));
        let boots: Vec<i64> = boots.collect();
        let gap = |at: i64| self.good.partition_point(|run| *run < at);
        boots
            .windows(2)
            .any(|two| gap(two[0] + late) >= gap(two[1]))
    }
}

/// Which runs there are, and what happens to their servers.
struct Story {
    seed: u64,
    runs: Vec<i64>,
    lives: Vec<Life>,
}

impl Story {
    /// Twelve servers and nine runs, three hours apart.
    fn throw(seed: u64, begin: i64) -> Self {
        let mut dice = Dice::new(seed);
        let begin = begin + dice.between(0, 20 * HOUR);
        let runs: Vec<i64> = (0..9).map(|n| begin + n * 3 * HOUR).collect();
        let lives = (0..12)
            .map(|number| Life::throw(&mut dice, number, begin - DAY, &runs))
            .collect();
        Story { seed, runs, lives }
    }

    fn end(&self) -> i64 {
        self.runs[self.runs.len() - 1]
    }

    fn prompt(&self, moment: i64) -> Vec<Server> {
        let lives = self.lives.iter();
        lives.filter_map(|life| life.at(moment)).collect()
    }

    /// All runs on a cloud that shows what it should, one after the other.
    fn undisturbed(&self) -> Table {
        self.told(|_, moment| self.prompt(moment)).table
    }

    /// All runs. What `shows` does to the cloud beside showing rows ends with the run; the
    /// last one must be good.
    fn told(&self, mut shows: impl FnMut(&Cloud, i64) -> Vec<Server>) -> Told {
        let cloud = Cloud::start(Plan {
            projects: vec![Project::numbered(0, Servers::Listed(Vec::new()))],
            max_limit: 4,
            ..Plan::default()
        });
        let site = Site::at(&cloud);
        let mut good = Vec::new();
        for now in &self.runs {
            let rows = shows(&cloud, *now);
            cloud.change(|plan| plan.projects[0].servers = Servers::Listed(rows));
            let outcome = site.extract(&["--extract-to", &instant(*now)]);
            cloud.heal();
            if *now == self.end() {
                outcome.expect(0);
            } else if outcome.code() == 0 {
                good.push(*now);
            }
        }
        Told {
            table: table(&site, self.seed),
            good,
        }
    }

    /// Servers that shrank, and ended before what was reported in excess of them could be made
    /// up for: no number falls, so theirs stay.
    fn ended_soon_after_it_shrank(&self, life: &Life) -> bool {
        let until = life.until(self.end());
        let mut size = life.flavor;
        life.events.iter().any(|(at, event)| {
            let Event::Resize(flavor) = event else {
                return false;
            };
            let shrank = *flavor < size;
            size = *flavor;
            // From 4 CPUs to 1.
            shrank && until - at <= LATEST + 3 * LATEST
        })
    }

    fn compare(&self, right: &Table, told: &Told, late: i64) {
        let found = &told.table;
        let life = |id: &str| {
            let mut lives = self.lives.iter();
            lives
                .find(|life| server_id(0, life.number) == id)
                .expect("a server")
        };
        let lost = right.keys().find(|key| !found.contains_key(*key));
        let lost = lost.map(|key| (key, life(&key.0)));
        assert!(lost.is_none(), "history {}: lost: {lost:#?}", self.seed);
        let beyond = found.keys().find(|key| !right.contains_key(*key));
        assert_eq!(beyond, None, "history {}", self.seed);
        for (key, record) in right {
            let (mut record, mut other) = (record.clone(), found[key].clone());
            let life = life(&key.0);
            let unknown = told.shows_less_than(life, late);
            if unknown || self.ended_soon_after_it_shrank(life) {
                let cpu = |record: &BTreeMap<String, String>| number(record, "CpuDuration");
                assert!(unknown || cpu(&other) >= cpu(&record));
                for record in [&mut record, &mut other] {
                    record.remove("CpuDuration");
                }
            }
            // The size that no run saw is not known at the month's end either: it has another one.
            if unknown && other["CpuCount"] != record["CpuCount"] {
                assert!(life.sizes().any(|cpus| cpus == number(&other, "CpuCount")));
                for field in SIZE {
                    record.remove(field);
                    other.remove(field);
                }
            }
            // A month's record that a later run makes has the status that the server has by then.
            let measured = number(&record, "StartTime") + number(&record, "WallDuration");
            let mut later = life.events.iter().filter(|(at, _)| *at > measured);
            if later.any(|(_, event)| other["Status"] == status_behind(event)) {
                record.remove("Status");
                other.remove("Status");
            }
            assert_eq!(other, record, "history {}, {key:?}: {life:#?}", self.seed);
        }
    }
}

/// The status of a record of a server to which this happened last. One that was deleted was there
/// at the month's end, of which the record is.
fn status_behind(event: &Event) -> &'static str {
    match event {
        Event::Shelve => "unknown",
        Event::Resize(_) | Event::Rebuild | Event::Stop | Event::Delete => "started",
    }
}

/// Rows that are noted before they are visible.
#[test]
fn a_cloud_that_shows_its_changes_late_leaves_what_a_prompt_one_does() {
    for seed in histories(100, 2) {
        let story = Story::throw(seed, epoch("2026-10-03"));
        let mut dice = Dice::new(seed + 1);
        let mut lagging = Lagging::default();
        let told = story
            .told(|_, moment| lagging.at(&mut dice, &story.lives, moment, moment == story.end()));
        assert_eq!(told.good.len(), story.runs.len() - 1);
        story.compare(&story.undisturbed(), &told, LATEST);
    }
}

/// One thing that goes wrong in a run.
fn disturb(cloud: &Cloud, dice: &mut Dice, rows: &mut [Server]) {
    let list = match dice.roll(3) {
        0 => "GET /compute/v2.1/servers/detail?changes-since",
        1 => "GET /compute/v2.1/servers/detail",
        _ => "os-simple-tenant-usage",
    };
    let nth = |dice: &mut Dice| Rule::on(list).nth(1 + dice.roll(3) as u32);
    match dice.roll(8) {
        // Silently.
        0 => cloud.inject(nth(dice), Fault::Unlinked),
        1 => cloud.inject(Rule::on(list), Fault::HalfList),
        // By all that is asked for, so that trying again is in vain.
        2 => cloud.inject(Rule::on(list), Fault::HalfBody),
        3 => cloud.inject(Rule::on(list), Fault::Truncated),
        4 => cloud.inject(Rule::on(list), Fault::Status(503)),
        5 => {
            for server in rows {
                server.in_down_cell = dice.roll(2) == 0;
            }
        }
        6 => cloud.inject(nth(dice), Fault::Html),
        // The server that would come next is touched, and comes first.
        _ => {
            let touch = |plan: &mut Plan| {
                plan.lists_by_update = true;
                if let Servers::Listed(servers) = &mut plan.projects[0].servers {
                    let newest = servers.iter().map(|server| server.updated).max();
                    let oldest = servers.iter_mut().min_by_key(|server| server.updated);
                    if let (Some(server), Some(newest)) = (oldest, newest) {
                        server.updated = newest + 1;
                    }
                }
            };
            cloud.inject(nth(dice), Fault::Then(Change::new(touch)));
        }
    }
}

#[test]
fn whatever_disturbs_a_run_the_next_good_one_leaves_what_it_would_have_left() {
    for seed in histories(200, 4) {
        // Over a month's end, every other time.
        let begin = match seed % 2 {
            0 => epoch("2026-10-03"),
            _ => epoch("2026-10-30 20:00:00"),
        };
        let mut story = Story::throw(seed, begin);
        let mut dice = Dice::new(seed + 1);
        let nova_clock_ahead = dice.between(-300, 300);
        for life in &mut story.lives {
            life.host_clock_ahead = dice.between(-600, 600);
            life.nova_clock_ahead = nova_clock_ahead;
        }
        let told = story.told(|cloud, moment| {
            cloud.change(|plan| plan.lists_by_update = false);
            let mut rows = story.prompt(moment);
            if moment != story.end() && dice.roll(3) > 0 {
                disturb(cloud, &mut dice, &mut rows);
            }
            // Nova names what is there in a cell that is down, and not what ended in it: a
            // first run, which knows of no server, cannot miss that.
            if moment == story.runs[0] {
                let ended = rows.iter_mut().filter(|row| row.is_deleted());
                ended.for_each(|row| row.in_down_cell = false);
            }
            rows
        });
        story.compare(&story.undisturbed(), &told, 0);
    }
}

/// When a life ended, as it is to be reported: by the host's clock, unless a run comes between the
/// deletion, by Nova's clock, and that time.
fn ended(life: &Life, at: i64, runs: &[i64]) -> i64 {
    let (host, nova) = (at + life.host_clock_ahead, at + life.nova_clock_ahead);
    let told = runs.iter().filter(|run| **run >= at).find_map(|run| {
        let is_ahead = host > nova + 60 && nova <= *run;
        (host <= *run).then_some(host).or(is_ahead.then_some(nova))
    });
    told.unwrap_or(host)
}

/// The clocks of hosts and of Nova, minutes apart in both directions: every end is told, by
/// the host's clock as far as that can be, and no more is lost or won than the clocks are apart.
#[test]
fn clocks_that_are_apart_cost_what_they_are_apart() {
    for seed in histories(300, 2) {
        let mut story = Story::throw(seed, epoch("2026-10-03"));
        let mut dice = Dice::new(seed + 1);
        let nova_clock_ahead = dice.between(-300, 300);
        for life in &mut story.lives {
            life.host_clock_ahead = dice.between(-600, 600);
            life.nova_clock_ahead = nova_clock_ahead;
            // An end after the last run, by the host's clock, is for the next one to tell.
            let last = story.runs[story.runs.len() - 1] - 2 * HOUR;
            life.events.retain(|(at, _)| *at < last);
        }
        let found = story.undisturbed();
        for life in &story.lives {
            let mut records = found.values().rev();
            let id = server_id(0, life.number);
            let record = records.find(|record| record["VMUUID"] == id);
            let record = record.expect("it was there");
            let about = format!("history {seed}: {record:#?} of {life:#?}");
            let started = life.created + nova_clock_ahead;
            assert_eq!(number(record, "StartTime"), started, "{about}");
            let wall = match life.deleted() {
                Some(at) => {
                    let end = ended(life, at, &story.runs);
                    assert_eq!(record["Status"], "completed", "{about}");
                    assert_eq!(number(record, "EndTime"), end.max(started), "{about}");
                    (end - started).max(1)
                }
                None => story.end() - started,
            };
            assert_eq!(number(record, "WallDuration"), wall, "{about}");
            // Of what was before a run saw it for the first time nobody knows the sizes.
            let first = story.runs.iter().find(|run| **run >= life.created);
            if first.is_some_and(|first| life.was_resized_by(*first)) {
                continue;
            }
            let right = life.cpu(life.until(story.end()));
            let apart = life.host_clock_ahead.abs() + nova_clock_ahead.abs();
            let resizes = life.events.len() as i64 + 2;
            let told = number(record, "CpuDuration");
            assert!((told - right).abs() <= 4 * apart * resizes, "{about}");
        }
    }
}
