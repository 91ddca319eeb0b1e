//! Servers' lives, thrown by dice: what happens to them, what Nova shows of it, and what they
//! used, second by second.

use caso_stand_in::{Server, flavor_id};

pub const HOUR: i64 = 3_600;
pub const DAY: i64 = 24 * HOUR;

/// CPUs of the flavors 0 to 3. The last one has accelerators, too.
const CPUS: [i64; 4] = [1, 2, 4, 8];

/// Their memory, in MiB.
const MEMORY: [i64; 4] = [2_048, 4_096, 8_192, 32_768];

/// The flavor that has accelerators: two of one model.
const WITH_ACCELERATORS: usize = 3;

/// xorshift64*: the same history for a number on every machine.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % below
    }

    pub fn between(&mut self, from: i64, to: i64) -> i64 {
        from + self.roll((to - from).max(1) as u64) as i64
    }
}

/// What happens to a server.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event {
    Resize(usize),
    /// Nova moves `launched_at`, and the size stays.
    Rebuild,
    Stop,
    Shelve,
    Delete,
}

/// A server's life.
#[derive(Debug)]
pub struct Life {
    pub number: usize,
    pub created: i64,
    pub flavor: usize,
    pub events: Vec<(i64, Event)>,
    /// By how many seconds its host's clock is ahead.
    pub host_clock_ahead: i64,
    /// By how many seconds Nova's clock is ahead, which stamps what it writes.
    pub nova_clock_ahead: i64,
}

impl Life {
    /// Between two runs it boots once at most: of two boots Nova shows the later one.
    pub fn throw(dice: &mut Dice, number: usize, from: i64, runs: &[i64]) -> Life {
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
                0..=3 => Event::Resize(dice.roll(4) as usize),
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
            flavor: dice.roll(4) as usize,
            events,
            host_clock_ahead: 0,
            nova_clock_ahead: 0,
        }
    }

    /// When it ends, where it does.
    pub fn deleted(&self) -> Option<i64> {
        let (at, event) = self.events.last()?;
        (*event == Event::Delete).then_some(*at)
    }

    /// The last moment of which a run at `moment` can tell.
    pub fn until(&self, moment: i64) -> i64 {
        self.deleted().map_or(moment, |end| end.min(moment))
    }

    /// Whether it had another size before a moment than the one that it had then: who saw it
    /// for the first time then cannot know.
    pub fn was_resized_by(&self, moment: i64) -> bool {
        let mut sizes = self.resizes().filter(|(at, _)| *at <= moment);
        sizes.any(|(_, flavor)| flavor != self.flavor)
    }

    /// When it was resized, and to which flavor.
    fn resizes(&self) -> impl Iterator<Item = (i64, usize)> {
        self.events.iter().filter_map(|(at, event)| match event {
            Event::Resize(flavor) => Some((*at, *flavor)),
            _ => None,
        })
    }

    /// CPUs and memory that it had at a moment.
    pub fn size_at(&self, moment: i64) -> (i64, i64) {
        let resizes = self.resizes().take_while(|(at, _)| *at <= moment);
        let flavor = resizes.last().map_or(self.flavor, |(_, flavor)| flavor);
        (CPUS[flavor], MEMORY[flavor])
    }

    /// What Nova shows of it at a moment.
    pub fn at(&self, moment: i64) -> Option<Server> {
        if self.created > moment {
            return None;
        }
        let created = self.created + self.nova_clock_ahead;
        let mut server = Server {
            created,
            launched: Some(self.created + 20 + self.host_clock_ahead),
            updated: created + 20,
            flavor_id: flavor_id(self.flavor),
            host_clock_ahead: self.host_clock_ahead,
            ..Server::numbered(0, self.number)
        };
        for (at, event) in self.events.iter().filter(|(at, _)| *at <= moment) {
            match event {
                Event::Resize(flavor) => server.resize(flavor_id(*flavor), *at),
                Event::Rebuild => server.boot(*at),
                Event::Stop => server.turn("stopped", *at),
                Event::Shelve => server.turn("shelved_offloaded", *at),
                Event::Delete => server.delete(*at),
            }
            server.updated = *at + self.nova_clock_ahead;
        }
        Some(server)
    }

    /// The CPUs that it ever had.
    pub fn sizes(&self) -> impl Iterator<Item = i64> {
        let flavors = self.resizes().map(|(_, flavor)| flavor);
        [self.flavor]
            .into_iter()
            .chain(flavors)
            .map(|flavor| CPUS[flavor])
    }

    /// Seconds between two moments for which it had accelerators.
    pub fn accelerated(&self, from: i64, to: i64) -> i64 {
        let mut sum = 0;
        let mut flavor = Some(self.flavor);
        let mut since = self.created;
        let mut until = |at: &i64, next: Option<usize>| {
            if flavor == Some(WITH_ACCELERATORS) {
                sum += (to.min(*at) - from.max(since)).max(0);
            }
            (flavor, since) = (next, *at);
        };
        for (at, event) in &self.events {
            match event {
                Event::Resize(next) => until(at, Some(*next)),
                Event::Delete => until(at, None),
                _ => {}
            }
        }
        until(&to, None);
        sum
    }

    /// CPU seconds from its creation to a moment, second by second.
    pub fn cpu(&self, moment: i64) -> i64 {
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
