//! What was read of a server, made its counters.

use std::collections::HashMap;

use super::bridge::Count;
use caso_model::Attribute;
use caso_model::extraction::{CounterReading, CounterSource};
use caso_model::usage::Counters;

/// Which of a server's counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Counter {
    /// CPU time of all virtual CPUs together, in nanoseconds.
    Cpu,
    /// Bytes received on one interface.
    Incoming,
    /// Bytes sent on one interface.
    Outgoing,
}

impl Counter {
    pub const ALL: [Counter; 3] = [Counter::Cpu, Counter::Incoming, Counter::Outgoing];

    /// Its name in Ceilometer and in Gnocchi. (cASO asked for
    /// `network.outcoming.bytes`, which nobody has.)
    pub fn meter(self) -> &'static str {
        match self {
            Counter::Cpu => "cpu",
            Counter::Incoming => "network.incoming.bytes",
            Counter::Outgoing => "network.outgoing.bytes",
        }
    }
}

/// What was read of one server; what is missing was not.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Readings {
    cpu: Option<Count>,
    incoming: Option<Count>,
    outgoing: Option<Count>,
}

/// By server id.
pub type ByServer = HashMap<String, Readings>;

impl Readings {
    /// Adds a counter: of several interfaces, their sum.
    pub fn add(&mut self, counter: Counter, count: Count) {
        let sum = match counter {
            Counter::Cpu => &mut self.cpu,
            Counter::Incoming => &mut self.incoming,
            Counter::Outgoing => &mut self.outgoing,
        };
        *sum = Some(match *sum {
            Some(before) => before.and(count),
            None => count,
        });
    }

    /// None when nothing was read.
    pub fn counters(
        &self,
        reading: CounterReading,
        source: CounterSource,
        measured_at: i64,
    ) -> Option<Counters> {
        let all = [self.cpu, self.incoming, self.outgoing];
        if all.iter().all(Option::is_none) {
            return None;
        }
        let value = |count: Option<Count>| {
            count.map(|count| match reading {
                CounterReading::Used => whole(count.used),
                CounterReading::Largest => whole(count.largest),
            })
        };
        let mut attributes = vec![attribute("source", source.as_str())];
        for (counter, count) in Counter::ALL.into_iter().zip(all) {
            if let Some(count) = count {
                let meter = counter.meter();
                let largest = whole(count.largest).to_string();
                attributes.push(attribute(&format!("{meter}-largest"), &largest));
                if count.resets > 0 {
                    let resets = count.resets.to_string();
                    attributes.push(attribute(&format!("{meter}-resets"), &resets));
                }
            }
        }
        Some(Counters {
            cpu_nanoseconds: value(self.cpu),
            network_incoming_bytes: value(self.incoming),
            network_outgoing_bytes: value(self.outgoing),
            measured_at: Some(measured_at),
            attributes,
        })
    }
}

fn attribute(name: &str, value: &str) -> Attribute {
    Attribute {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

/// Never negative and finite, as the bridge leaves them; `as` stops at the
/// greatest number there is.
fn whole(value: f64) -> u64 {
    value.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(readings: &[f64]) -> Count {
        Count::of(readings.iter().copied(), false).unwrap()
    }

    #[test]
    fn interfaces_are_added_up_and_what_is_missing_stays_missing() {
        let mut readings = Readings::default();
        assert_eq!(
            readings.counters(CounterReading::Used, CounterSource::Gnocchi, 7),
            None
        );
        readings.add(Counter::Incoming, count(&[5.0, 9.0, 2.0]));
        readings.add(Counter::Incoming, count(&[3.0]));
        let used = readings
            .counters(CounterReading::Used, CounterSource::Gnocchi, 7)
            .unwrap();
        assert_eq!(used.network_incoming_bytes, Some(14));
        assert_eq!(
            (used.cpu_nanoseconds, used.network_outgoing_bytes),
            (None, None)
        );
        assert_eq!(used.measured_at, Some(7));
        let emitted: Vec<(&str, &str)> = used
            .attributes
            .iter()
            .map(|attribute| (attribute.name.as_str(), attribute.value.as_str()))
            .collect();
        assert_eq!(
            emitted,
            [
                ("source", "gnocchi"),
                ("network.incoming.bytes-largest", "9"),
                ("network.incoming.bytes-resets", "1"),
            ]
        );
        // What cASO 1.x emitted: the largest reading of any one interface.
        let largest = readings.counters(CounterReading::Largest, CounterSource::Gnocchi, 7);
        assert_eq!(largest.unwrap().network_incoming_bytes, Some(9));
    }
}
