//! Counters from Ceilometer's own API: the greatest sample of each hour, of
//! all servers of the project in one call for each meter.

use std::collections::HashMap;

use uuid::Uuid;

use super::bridge::Count;
use super::{ByServer, Counter};
use crate::config::CounterReading;
use crate::extract::{ExtractContext, ExtractError};
use crate::model::Window;
use crate::openstack::ceilometer::Ceilometer;

/// Resets further apart than this are told apart.
const HOUR: i64 = 3600;

/// The API asks its database once for each period (2 ms each in SQL), so a long
/// time is divided into longer ones.
const MOST_PERIODS: i64 = 1500;

/// Counters of one project in one window.
pub struct Reader {
    ceilometer: Ceilometer,
    window: Window,
    reading: CounterReading,
    known: Option<Known>,
    /// Servers of the interfaces whose own id does not name one.
    instances: Option<HashMap<String, String>>,
}

/// What was read, of all of the project's resources.
struct Known {
    since: i64,
    counts: Vec<(Counter, HashMap<String, Count>)>,
}

impl Reader {
    pub fn new(context: &ExtractContext, project: &str, window: Window) -> Reader {
        Reader {
            ceilometer: Ceilometer::new(context.session.clone(), project),
            window,
            reading: context.counters.reading,
            known: None,
            instances: None,
        }
    }

    /// `since`: before it none of these servers was there.
    pub async fn read(&mut self, servers: &[&str], since: i64) -> Result<ByServer, ExtractError> {
        let since = match self.reading {
            CounterReading::Used => since.clamp(0, self.window.end),
            CounterReading::Largest => self.window.start,
        };
        // Nova shows the newest servers first, so a later page may need more.
        let known = match self.known.take() {
            Some(known) if known.since <= since => known,
            _ => self.fetch(since).await?,
        };
        let mut found: ByServer = servers
            .iter()
            .map(|id| ((*id).to_owned(), Default::default()))
            .collect();
        for (counter, counts) in &known.counts {
            for (resource, count) in counts {
                let server = match counter {
                    Counter::Cpu => Some(resource.clone()),
                    Counter::Incoming | Counter::Outgoing => self.server_of(resource).await?,
                };
                if let Some(readings) = server.and_then(|server| found.get_mut(&server)) {
                    readings.add(*counter, *count);
                }
            }
        }
        self.known = Some(known);
        Ok(found)
    }

    async fn fetch(&mut self, since: i64) -> Result<Known, ExtractError> {
        let Window { end, .. } = self.window;
        let period = match self.reading {
            CounterReading::Used => period(end - since),
            CounterReading::Largest => (end - since).max(1),
        };
        let mut counts = Vec::new();
        for counter in Counter::ALL {
            let mut peaks: HashMap<String, Vec<f64>> = HashMap::new();
            for statistics in self
                .ceilometer
                .peaks(counter.meter(), since, end, period)
                .await?
            {
                let of_resource = peaks.entry(statistics.groupby.resource_id).or_default();
                of_resource.push(statistics.max);
            }
            let of_counter = peaks
                .into_iter()
                .filter_map(|(resource, peaks)| Some((resource, Count::of(peaks, false)?)))
                .collect();
            counts.push((counter, of_counter));
        }
        Ok(Known { since, counts })
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
        for none in [server, "instance-00000002", "instance-ü", "", "instance-1-x"] {
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
