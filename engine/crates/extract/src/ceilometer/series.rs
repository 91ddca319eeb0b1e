//! Which series of a metric to read. Gnocchi states a metric's archive policy in
//! a list of metrics or with the metric itself, and nowhere else; what a run
//! has learned of one it keeps, for an administrator's list is the whole
//! cloud's.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use super::gnocchi::Kept;
use super::readings::Counter;
use crate::ExtractError;
use caso_model::notice::Notices;
use caso_openstack::Service;
use caso_openstack::gnocchi::{Aggregation, ArchivePolicy, Gnocchi, Metric, Series};

/// Series of the metrics that a run has come across.
#[derive(Debug, Default)]
pub struct SeriesCache {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    series: Vec<Kept>,
    /// None: nothing of use is kept of it.
    metrics: HashMap<Uuid, Option<usize>>,
}

/// Series of some metrics.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Known {
    pub series: Vec<Kept>,
    /// Metric to its place in `series`.
    pub of: HashMap<String, usize>,
}

impl SeriesCache {
    /// Which series to read of these metrics, all of one counter; one of which
    /// nothing of use is kept is left out.
    pub(super) async fn lookup(
        &self,
        gnocchi: &Gnocchi,
        counter: Counter,
        metrics: &[&str],
        warnings: &Notices,
    ) -> Result<Known, ExtractError> {
        let mut missing = self.missing(metrics);
        let mut marker: Option<String> = None;
        let mut pages = 0;
        // No more pages than single questions: where the list is the whole
        // cloud's, what we look for may be at its end.
        while pages < missing.len().saturating_sub(1) {
            let page = gnocchi.metrics(counter.meter(), marker.as_deref()).await;
            let page = match page {
                Ok(page) => page,
                Err(error) if matches!(error.status_of(Service::Metric), Some(403 | 404)) => {
                    tracing::debug!("{error}; asking for one metric after the other");
                    break;
                }
                Err(error) => return Err(error.into()),
            };
            let Some(last) = page.last() else { break };
            marker = Some(last.id.clone());
            for metric in page {
                self.learn(&metric, warnings);
            }
            missing = self.missing(&missing);
            pages += 1;
        }
        for id in missing {
            match gnocchi.metric(id).await {
                Ok(metric) => self.learn(&metric, warnings),
                // Gone since we found it.
                Err(error) if error.status_of(Service::Metric) == Some(404) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(self.known(metrics))
    }

    fn missing<'a>(&self, metrics: &[&'a str]) -> Vec<&'a str> {
        let state = self.lock();
        let unknown =
            |id: &&&str| Uuid::try_parse(id).map_or(true, |id| !state.metrics.contains_key(&id));
        metrics.iter().filter(unknown).copied().collect()
    }

    fn learn(&self, metric: &Metric, warnings: &Notices) {
        let Ok(id) = Uuid::try_parse(&metric.id) else {
            return;
        };
        let kept = best(&metric.archive_policy);
        let mut state = self.lock();
        let at = kept.map(|kept| {
            let known = state.series.iter().position(|series| *series == kept);
            known.unwrap_or_else(|| {
                state.series.push(kept);
                state.series.len() - 1
            })
        });
        state.metrics.insert(id, at);
        drop(state);
        if at.is_none() {
            let policy = &metric.archive_policy.name;
            warnings.warn_once(&format!("archive-policy-{policy}"), || {
                (
                    format!(
                        "Gnocchi's archive policy `{policy}` keeps neither `max` nor `last` nor \
                         `mean`, without which a counter cannot be read: what is measured under it \
                         is not reported"
                    ),
                    "give Ceilometer a policy that has one of them",
                )
            });
        }
    }

    fn known(&self, metrics: &[&str]) -> Known {
        let state = self.lock();
        let place = |id: &&str| {
            let place = *state.metrics.get(&Uuid::try_parse(id).ok()?)?;
            Some(((*id).to_owned(), place?))
        };
        Known {
            series: state.series.clone(),
            of: metrics.iter().filter_map(place).collect(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Of what a policy keeps, the series that reaches back furthest, always the
/// same one: a finer one, kept for an hour or a day, is nearer to the present
/// but gone with the next run, and the use would seem to go down. Of its values
/// the greatest: before a reset it is what the counter had come to.
fn best(policy: &ArchivePolicy) -> Option<Kept> {
    let aggregation = [Aggregation::Max, Aggregation::Last, Aggregation::Mean]
        .into_iter()
        .find(|one| {
            let mut kept = policy.aggregation_methods.iter();
            kept.any(|method| method == one.as_str())
        })?;
    let longest = policy.definition.iter().max_by(|a, b| {
        let finer = b.granularity.total_cmp(&a.granularity);
        a.timespan.total_cmp(&b.timespan).then(finer)
    })?;
    Some(Kept {
        series: Series {
            aggregation,
            granularity: longest.granularity,
        },
        timespan: longest.timespan,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use caso_openstack::gnocchi::Definition;

    fn policy(methods: &[&str], definition: &[(f64, f64)]) -> ArchivePolicy {
        ArchivePolicy {
            name: "policy".into(),
            definition: definition
                .iter()
                .map(|(granularity, timespan)| Definition {
                    granularity: *granularity,
                    timespan: *timespan,
                })
                .collect(),
            aggregation_methods: methods.iter().map(|one| (*one).to_owned()).collect(),
        }
    }

    fn read(policy: &ArchivePolicy) -> Option<(Aggregation, f64)> {
        best(policy).map(|kept| (kept.series.aggregation, kept.series.granularity))
    }

    #[test]
    fn the_series_that_is_kept_longest() {
        let low = policy(&["mean", "rate:mean"], &[(300.0, 2_592_000.0)]);
        assert_eq!(read(&low), Some((Aggregation::Mean, 300.0)));
        let high = policy(
            &["mean", "rate:mean"],
            &[(1.0, 3600.0), (60.0, 86_400.0), (3600.0, 31_536_000.0)],
        );
        assert_eq!(read(&high), Some((Aggregation::Mean, 3600.0)));
        let accounting = policy(&["mean", "min", "max", "last"], &[(3600.0, 34_560_000.0)]);
        assert_eq!(read(&accounting), Some((Aggregation::Max, 3600.0)));
        let alike = policy(&["last"], &[(3600.0, 86_400.0), (60.0, 86_400.0)]);
        assert_eq!(read(&alike), Some((Aggregation::Last, 60.0)));
        for useless in [
            policy(&["rate:mean", "count"], &[(300.0, 86_400.0)]),
            policy(&["mean"], &[]),
        ] {
            assert_eq!(read(&useless), None);
        }
    }

    #[test]
    fn a_useless_policy_is_said_once_and_not_asked_again() {
        let cache = SeriesCache::default();
        let warnings = Notices::default();
        let ids = [
            "16448571-eb19-4c61-8590-20b26011c016",
            "17effced-ad76-4513-b25d-e083ec425b06",
        ];
        for id in ids {
            let metric = Metric {
                id: id.into(),
                archive_policy: policy(&["count"], &[(300.0, 86_400.0)]),
            };
            cache.learn(&metric, &warnings);
        }
        assert_eq!(warnings.take().len(), 1);
        assert_eq!(cache.missing(&ids), Vec::<&str>::new());
        assert_eq!(cache.known(&ids), Known::default());
    }
}
