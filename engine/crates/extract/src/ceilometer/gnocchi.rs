//! Counters from Gnocchi: the metrics of a page's servers and of their
//! interfaces, by search; which of their series to read, by archive policy; the
//! series, many at a time.
//!
//! Ceilometer's own policies keep a value each 5 minutes for 30 days, and of a
//! value only the mean: with a sample each 5 minutes, the counter itself. The
//! whole of a series is read each time, for only what lies between its falls
//! has the use; as peaks of each hour, which Gnocchi makes of it, that is 40 kB
//! a metric.

use std::collections::{BTreeMap, HashMap};

use super::bridge::Count;
use super::{ByServer, Counter};
use crate::{ExtractContext, ExtractError};
use caso_model::Window;
use caso_model::extraction::CounterReading;
use caso_openstack::gnocchi::{Aggregation, Gnocchi, Resource, Series, Span};
use caso_openstack::{ApiError, Service};

/// Servers in one search.
const SERVERS: usize = 500;
/// Values in one answer, which is some 60 bytes each.
const VALUES: f64 = 200_000.0;
/// Series in one request.
const MOST_SERIES: usize = 250;
/// Resets further apart than this are kept apart.
const HOUR: f64 = 3600.0;
/// Ceilometer has sampled each 600 s, later each 300 s: a mean over more may be
/// of several samples.
const ONE_SAMPLE: f64 = 600.0;

/// Counters of one project in one window.
pub struct Reader {
    gnocchi: Gnocchi,
    context: ExtractContext,
    window: Window,
}

/// A metric, and what it counts of whom.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    metric: String,
    server: String,
    counter: Counter,
}

impl Reader {
    pub fn new(context: &ExtractContext, project: &str, window: Window) -> Reader {
        Reader {
            gnocchi: Gnocchi::new(context.session.clone(), project, context.page_size),
            context: context.clone(),
            window,
        }
    }

    pub async fn read(&self, servers: &[&str]) -> Result<ByServer, ExtractError> {
        let mut found = ByServer::new();
        for servers in servers.chunks(SERVERS) {
            let mut wanted = Vec::new();
            for resource in self.gnocchi.servers(servers).await? {
                let server = resource.id.clone();
                want(&mut wanted, resource, &server, &[Counter::Cpu]);
            }
            for resource in self.gnocchi.interfaces(servers).await? {
                if let Some(server) = resource.instance_id.clone() {
                    let both = [Counter::Incoming, Counter::Outgoing];
                    want(&mut wanted, resource, &server, &both);
                }
            }
            self.count(&wanted, &mut found).await?;
        }
        Ok(found)
    }

    async fn count(&self, wanted: &[Wanted], found: &mut ByServer) -> Result<(), ExtractError> {
        let caches = &self.context.caches;
        let mut by_series: BTreeMap<usize, Vec<&Wanted>> = BTreeMap::new();
        let mut series = Vec::new();
        for counter in Counter::ALL {
            let of_counter = || wanted.iter().filter(move |one| one.counter == counter);
            let metrics: Vec<&str> = of_counter().map(|one| one.metric.as_str()).collect();
            let known = caches
                .series
                .lookup(&self.gnocchi, counter, &metrics, &caches.warnings)
                .await?;
            for one in of_counter() {
                if let Some(place) = known.of.get(one.metric.as_str()) {
                    by_series.entry(*place).or_default().push(one);
                }
            }
            // What is known only grows.
            series = known.series;
        }
        for (place, wanted) in by_series {
            let Some(kept) = series.get(place) else {
                continue;
            };
            for wanted in wanted.chunks(kept.at_once()) {
                let counts = self.counts(wanted, *kept).await?;
                for one in wanted {
                    if let Some(count) = counts.get(&one.metric) {
                        let readings = found.entry(one.server.clone()).or_default();
                        readings.add(one.counter, *count);
                    }
                }
            }
        }
        Ok(())
    }

    /// What the metrics come to, by their ids.
    async fn counts(
        &self,
        wanted: &[&Wanted],
        kept: Kept,
    ) -> Result<HashMap<String, Count>, ExtractError> {
        let span = Span {
            start: match self.context.counters.reading {
                CounterReading::Used => None,
                CounterReading::Largest => Some(self.window.start),
            },
            stop: kept.stop(self.window.end, self.context.now),
        };
        // Halves that came too late whole, the next one last.
        let mut waiting = vec![wanted];
        let mut counts = HashMap::new();
        while let Some(wanted) = waiting.pop() {
            let metrics: Vec<&str> = wanted.iter().map(|one| one.metric.as_str()).collect();
            let many = self
                .gnocchi
                .many(&metrics, kept.series, span, kept.peaks())
                .await;
            match many {
                Ok(all) => counts.extend(all.into_iter().filter_map(|(metric, values)| {
                    let blurred = kept.is_blurred() && kept.peaks().is_none();
                    Some((metric, Count::of(values, blurred)?))
                })),
                Err(error) if error.is_timeout() && wanted.len() > 1 => {
                    let (first, second) = wanted.split_at(wanted.len() / 2);
                    waiting.extend([second, first]);
                }
                Err(error) if is_about_the_question(&error) => {
                    tracing::debug!("{error}; asking for one metric after the other");
                    for metric in metrics {
                        let values = match self.gnocchi.measures(metric, kept.series, span).await {
                            Ok(values) => values,
                            // Gone since we found it.
                            Err(error) if error.status_of(Service::Metric) == Some(404) => continue,
                            Err(error) => return Err(error.into()),
                        };
                        if let Some(count) = Count::of(values, kept.is_blurred()) {
                            counts.insert(metric.to_owned(), count);
                        }
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(counts)
    }
}

fn want(wanted: &mut Vec<Wanted>, mut resource: Resource, server: &str, counters: &[Counter]) {
    for counter in counters {
        if let Some(metric) = resource.metrics.remove(counter.meter()) {
            wanted.push(Wanted {
                metric,
                server: server.to_owned(),
                counter: *counter,
            });
        }
    }
}

/// Whether this Gnocchi does not do many metrics at once: older ones have no
/// aggregates (4.1), do not know `full_ffill` (4.4), or refuse them to whom the
/// metrics belong (4.3.3, gnocchi issue 1039); and one metric that is gone
/// spoils the answer of all.
fn is_about_the_question(error: &ApiError) -> bool {
    matches!(
        error.status_of(Service::Metric),
        Some(400 | 403 | 404 | 405 | 500 | 501)
    )
}

/// A series, and for how long it is kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Kept {
    pub series: Series,
    /// In seconds.
    pub timespan: f64,
}

impl Kept {
    /// The peaks of each hour, of a series that has several values in one.
    fn peaks(&self) -> Option<u32> {
        (self.series.granularity < HOUR).then_some(HOUR as u32)
    }

    fn is_blurred(&self) -> bool {
        self.series.aggregation == Aggregation::Mean && self.series.granularity > ONE_SAMPLE
    }

    /// How many of them fit into one answer.
    fn at_once(&self) -> usize {
        let each = (self.timespan / self.series.granularity.max(HOUR)).max(1.0);
        ((VALUES / each) as usize).clamp(1, MOST_SERIES)
    }

    /// Where to stop: a bucket begins before the end and may reach beyond it.
    /// One that is whole by now has what came after the end in it; one that
    /// still fills up has not.
    fn stop(&self, end: i64, now: i64) -> i64 {
        let seconds = (self.series.granularity as i64).max(1);
        let begin = end - end.rem_euclid(seconds);
        if begin + seconds <= now { begin } else { end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(aggregation: Aggregation, granularity: f64, days: f64) -> Kept {
        Kept {
            series: Series {
                aggregation,
                granularity,
            },
            timespan: days * 86_400.0,
        }
    }

    #[test]
    fn a_bucket_that_reaches_beyond_the_end() {
        let low = kept(Aggregation::Mean, 300.0, 30.0);
        assert_eq!(low.stop(900, 100_000), 900);
        assert_eq!(low.stop(1100, 100_000), 900);
        // Of now: it holds nothing that came later.
        assert_eq!(low.stop(1100, 1100), 1100);
        assert_eq!(low.stop(1100, 1199), 1100);
        assert_eq!(low.stop(1100, 1200), 900);
    }

    #[test]
    fn answers_stay_of_one_size() {
        assert_eq!(kept(Aggregation::Mean, 300.0, 30.0).at_once(), 250);
        assert_eq!(kept(Aggregation::Max, 3600.0, 400.0).at_once(), 20);
        assert_eq!(kept(Aggregation::Mean, 1.0, 1e9).at_once(), 1);
    }

    #[test]
    fn only_long_means_are_blurred() {
        assert!(kept(Aggregation::Mean, 3600.0, 365.0).is_blurred());
        assert!(!kept(Aggregation::Mean, 300.0, 30.0).is_blurred());
        assert!(!kept(Aggregation::Max, 3600.0, 365.0).is_blurred());
    }
}
