//! Counters from Ceilometer's own API, all servers of the project in one call
//! for each meter: first over all time, which shows what there is and since
//! when, then the greatest sample of each hour since then, which has the
//! resets.

use std::collections::HashMap;

use uuid::Uuid;

use super::bridge::Count;
use super::{ByServer, Counter};
use crate::{ExtractContext, ExtractError};
use caso_base::time::parse_timestamp;
use caso_model::Window;
use caso_model::extraction::CounterReading;
use caso_openstack::ceilometer::{Ceilometer, Statistics};

/// Resets further apart than this are kept apart.
const HOUR: i64 = 3600;

/// The API asks its database once for each period (2 ms each in SQL), so a long
/// time is divided into longer ones.
const MOST_PERIODS: i64 = 1500;

/// Counters of one project in one window.
pub struct Reader {
    ceilometer: Ceilometer,
    window: Window,
    reading: CounterReading,
    meters: HashMap<Counter, Meter>,
    /// Servers of the interfaces whose own id does not name one.
    instances: Option<HashMap<String, String>>,
}

/// What was read of a meter, for all of the project.
struct Meter {
    resources: Vec<Sampled>,
    /// Since when, and what each resource came to.
    counted: Option<(i64, HashMap<String, Count>)>,
}

/// A resource that has samples.
#[derive(Clone)]
struct Sampled {
    resource: String,
    server: Option<String>,
    /// The first of them.
    since: i64,
    max: f64,
}

impl Reader {
    pub fn new(context: &ExtractContext, project: &str, window: Window) -> Reader {
        Reader {
            ceilometer: Ceilometer::new(context.session.clone(), project),
            window,
            reading: context.counters.reading,
            meters: HashMap::new(),
            instances: None,
        }
    }

    pub async fn read(&mut self, servers: &[&str]) -> Result<ByServer, ExtractError> {
        let mut found: ByServer = servers
            .iter()
            .map(|id| ((*id).to_owned(), Default::default()))
            .collect();
        for counter in Counter::ALL {
            let mut meter = match self.meters.remove(&counter) {
                Some(meter) => meter,
                None => self.meter(counter).await?,
            };
            let of_these = |sampled: &&Sampled| {
                let server = sampled.server.as_ref();
                server.is_some_and(|server| found.contains_key(server))
            };
            let sampled: Vec<Sampled> = meter.resources.iter().filter(of_these).cloned().collect();
            if let Some(since) = sampled.iter().map(|sampled| sampled.since).min() {
                self.count(counter, &mut meter, since).await?;
            }
            for Sampled {
                resource,
                server,
                max,
                ..
            } in sampled
            {
                let count = match self.reading {
                    CounterReading::Used => meter
                        .counted
                        .as_ref()
                        .and_then(|(_, counts)| counts.get(&resource).copied()),
                    CounterReading::Largest => Count::of([max], false),
                };
                let readings = server.and_then(|server| found.get_mut(&server));
                if let (Some(readings), Some(count)) = (readings, count) {
                    readings.add(counter, count);
                }
            }
            self.meters.insert(counter, meter);
        }
        Ok(found)
    }

    /// What there is of a meter.
    async fn meter(&mut self, counter: Counter) -> Result<Meter, ExtractError> {
        let start = match self.reading {
            CounterReading::Used => 0,
            CounterReading::Largest => self.window.start,
        };
        let rows = self
            .ceilometer
            .statistics(counter.meter(), start, self.window.end, None)
            .await?;
        let mut resources = Vec::with_capacity(rows.len());
        for row in rows {
            let Some(max) = row.max else { continue };
            let resource = row.groupby.resource_id;
            let server = match counter {
                Counter::Cpu => Some(resource.clone()),
                Counter::Incoming | Counter::Outgoing => self.server_of(&resource).await?,
            };
            resources.push(Sampled {
                resource,
                server,
                // In a form of its own, it is as if samples went back for ever.
                since: parse_timestamp(&row.duration_start).unwrap_or(0),
                max,
            });
        }
        Ok(Meter {
            resources,
            counted: None,
        })
    }

    /// Counts all resources since then, if that is not done yet: Nova shows the
    /// newest servers first, and a later page may need more.
    async fn count(
        &self,
        counter: Counter,
        meter: &mut Meter,
        since: i64,
    ) -> Result<(), ExtractError> {
        let done = meter.counted.as_ref();
        if self.reading == CounterReading::Largest || done.is_some_and(|(from, _)| *from <= since) {
            return Ok(());
        }
        let start = since - since.rem_euclid(HOUR);
        let period = period(self.window.end - start);
        let mut rows = self
            .ceilometer
            .statistics(counter.meter(), start, self.window.end, Some(period))
            .await?;
        rows.sort_by(|a, b| a.period_start.cmp(&b.period_start));
        let mut peaks: HashMap<String, Vec<f64>> = HashMap::new();
        for Statistics { groupby, max, .. } in rows {
            peaks.entry(groupby.resource_id).or_default().extend(max);
        }
        let counts = peaks
            .into_iter()
            .filter_map(|(resource, peaks)| Some((resource, Count::of(peaks, false)?)));
        meter.counted = Some((start, counts.collect()));
        Ok(())
    }

    /// The server of an interface: in its id, or in what Ceilometer noted of it.
    async fn server_of(&mut self, interface: &str) -> Result<Option<String>, ExtractError> {
        if let Some(server) = named_in(interface) {
            return Ok(Some(server));
        }
        let instances = match &mut self.instances {
            Some(instances) => instances,
            none => {
                let resources = self.ceilometer.resources().await?;
                none.insert(
                    resources
                        .into_iter()
                        .filter_map(|resource| {
                            let server = resource.metadata.get("instance_id")?.as_str()?;
                            Some((resource.resource_id, server.to_owned()))
                        })
                        .collect(),
                )
            }
        };
        Ok(instances.get(interface).cloned())
    }
}

/// In seconds, a whole number of hours.
fn period(span: i64) -> i64 {
    let hours = span / (HOUR * MOST_PERIODS) + 1;
    hours * HOUR
}

/// The server's id in `instance-0000000a-SERVER-tap1234abcd-ef`. An interface
/// that has a port's id says nothing of its server.
fn named_in(interface: &str) -> Option<String> {
    let rest = interface.strip_prefix("instance-")?;
    let (_, rest) = rest.split_once('-')?;
    let id = Uuid::try_parse(rest.get(..36)?).ok()?;
    Some(id.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_in_the_ids_of_interfaces() {
        let server = "f9864f89-63ca-568d-8876-e8db9d90fb15";
        assert_eq!(
            named_in(&format!("instance-00000002-{server}-tap91ad6665-63")).as_deref(),
            Some(server)
        );
        for none in [
            server,
            "instance-00000002",
            "instance-ü",
            "",
            "instance-1-x",
        ] {
            assert_eq!(named_in(none), None, "{none}");
        }
    }

    #[test]
    fn a_long_time_has_longer_periods() {
        assert_eq!(period(0), HOUR);
        assert_eq!(period(30 * 86_400), HOUR);
        for days in [1, 63, 400, 4000] {
            let period = period(days * 86_400);
            assert!(days * 86_400 / period <= MOST_PERIODS && period % HOUR == 0);
        }
    }
}
