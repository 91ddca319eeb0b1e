//! Servers as [`nova`](super::nova) emits them, with what was counted of them:
//! CPU time and network bytes, from Gnocchi or from Ceilometer's own API.
//!
//! It stands in the place of `nova`, as it did in cASO (the configuration takes
//! `nova` out where both are named): each page of servers
//! goes through here on its way to the sink, and the counters of its servers
//! are read in as few calls as the back end allows. A server of which nothing
//! was counted goes on as it came. A back end that does not answer fails the
//! window, for a record without counters would replace a better one.
//!
//! What is emitted, and what cASO 1.x emitted, stands in `README.md` beside this.

mod bridge;
mod gnocchi;
mod metering;
mod readings;
mod series;

#[cfg(test)]
mod tests;

use self::readings::{ByServer, Counter};
pub use self::series::SeriesCache;
use super::{ExtractContext, ExtractError, Page, PageSink, Task, nova};
use caso_model::Window;
use caso_model::extraction::CounterSource;
use caso_model::guest::BoxFuture;
use caso_model::usage::{Counters, Server, UsageItem};
use caso_openstack::{Scope, Service};

const NANOSECONDS_PER_SECOND: u64 = 1_000_000_000;

/// Reads a project's servers and their counters.
pub async fn extract(task: Task<'_>, sink: &mut dyn PageSink) -> Result<(), ExtractError> {
    let mut enriched = Enriched {
        task,
        counters: ServerCounters {
            context: task.context.clone(),
            project: task.project.id.clone(),
            window: task.window,
            source: None,
        },
        sink,
    };
    nova::extract(task, &mut enriched).await
}

/// Puts counters to the servers of each page.
struct Enriched<'a> {
    task: Task<'a>,
    counters: ServerCounters,
    sink: &'a mut dyn PageSink,
}

impl PageSink for Enriched<'_> {
    fn page<'a>(&'a mut self, mut page: Page) -> BoxFuture<'a, Result<(), ExtractError>> {
        Box::pin(async move {
            self.counters.fill(&mut page).await?;
            self.remember(&mut page);
            self.sink.page(page).await
        })
    }
}

impl Enriched<'_> {
    /// What was reported once is not undone. Not by a source that forgot it: Gnocchi removes
    /// the resource of a deleted server after a day. Nor by the first sample: before it the CPUs
    /// were taken for what was used, and that holds until the counter is past it.
    fn remember(&self, page: &mut Page) {
        let mut history = self.task.history();
        for item in &mut page.items {
            if let UsageItem::Server(server) = item
                && let Ok(id) = server.id.parse()
            {
                let mut counted = server.counters.take();
                let estimated = server.created.and_then(|at| history.estimated(id, at));
                let estimated = estimated.map(|it| it.saturating_mul(NANOSECONDS_PER_SECOND));
                let counter = counted.as_mut().and_then(|it| it.cpu_nanoseconds.as_mut());
                let as_of = history.as_of();
                let reported = estimated.zip(counter).map(|(estimated, counter)| {
                    *counter = estimated.max(*counter);
                    Counters {
                        cpu_nanoseconds: Some(estimated),
                        measured_at: as_of,
                        ..Counters::default()
                    }
                });
                let (now, earlier) = history.count(id, counted);
                (server.counters, server.earlier_counters) = (now, earlier.or(reported));
            }
        }
    }
}

/// The counters of one project's servers in one window.
struct ServerCounters {
    context: ExtractContext,
    project: String,
    window: Window,
    /// Found with the first server.
    source: Option<Source>,
}

enum Source {
    Gnocchi(gnocchi::Reader),
    Metering(metering::Reader),
}

impl ServerCounters {
    async fn fill(&mut self, page: &mut Page) -> Result<(), ExtractError> {
        let servers: Vec<&Server> = page
            .items
            .iter()
            .filter_map(|item| match item {
                UsageItem::Server(server) => Some(server),
                _ => None,
            })
            .collect();
        if servers.is_empty() {
            return Ok(());
        }
        let ids: Vec<&str> = servers.iter().map(|server| server.id.as_str()).collect();
        let source = match &mut self.source {
            Some(source) => source,
            none => none.insert(find(&self.context, &self.project, self.window).await?),
        };
        let reading = self.context.counters.reading;
        let (found, name) = match source {
            Source::Gnocchi(reader) => (reader.read(&ids).await?, CounterSource::Gnocchi),
            Source::Metering(reader) => (reader.read(&ids).await?, CounterSource::Ceilometer),
        };
        for item in &mut page.items {
            if let UsageItem::Server(server) = item
                && let Some(readings) = found.get(&server.id)
            {
                server.counters = readings.counters(reading, name, self.window.end);
            }
        }
        Ok(())
    }
}

/// Where the counters are. Gnocchi goes first: where both are in a catalog, the
/// old API is what was left standing.
async fn find(
    context: &ExtractContext,
    project: &str,
    window: Window,
) -> Result<Source, ExtractError> {
    let scope = Scope::Project(project.to_owned());
    let session = &context.session;
    let gnocchi = match context.counters.source {
        CounterSource::Gnocchi => true,
        CounterSource::Ceilometer => false,
        CounterSource::Any => {
            let gnocchi = session.offers(&scope, Service::Metric).await?;
            if !gnocchi && !session.offers(&scope, Service::Metering).await? {
                return Err(ExtractError::NoCounters {
                    project: project.to_owned(),
                });
            }
            gnocchi
        }
    };
    Ok(if gnocchi {
        Source::Gnocchi(gnocchi::Reader::new(context, project, window))
    } else {
        Source::Metering(metering::Reader::new(context, project, window))
    })
}
