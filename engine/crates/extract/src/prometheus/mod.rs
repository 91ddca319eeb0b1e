//! The energy that a project's servers used, from samples of their power.
//!
//! Which servers there were, deleted ones too, is Nova's to say: the lists of
//! [`nova`](super::nova) are read, and each page of servers, without those
//! whose life has no second in the window, goes to Prometheus in a few
//! [queries](measure) and on as a page of [energies](energy).
//!
//! A power that could not be asked for is not zero: any query that fails fails
//! the project's window as a whole, whose cursor then stays, and the next run
//! asks for all of it. A server of which Prometheus has no sample has no
//! energy, and no item.

mod energy;
mod measure;

#[cfg(test)]
mod tests;

use self::energy::Reading;
use super::nova::{self, References};
use super::{ExtractError, ItemError, Page, PageSink, ProjectRef, Task};
use caso_model::guest::BoxFuture;
use caso_model::notice::Notices;
use caso_model::usage::{Energy, Server, UsageItem};
use caso_model::{Attribute, Window};
use caso_openstack::prometheus::{Prometheus, Selector};

/// Where the power of servers is measured, and how it is read.
#[derive(Clone)]
pub struct PowerSource {
    pub client: Prometheus,
    /// Series of a gauge, in microwatts.
    pub selector: Selector,
    /// Seconds between two samples; at least 1.
    pub step: i64,
    /// Labels by which the parts of one server's power differ.
    pub sum_labels: Vec<String>,
}

/// The part of a server's life that is in the window.
#[derive(Debug, Clone, PartialEq)]
struct Life {
    id: String,
    /// `(start, end]`; never empty.
    span: Window,
    born: Option<i64>,
}

/// Labels that say who measured, and where; not what.
const WHO: &[&str] = &[
    "instance",
    "exported_instance",
    "job",
    "exported_job",
    "replica",
    "__replica__",
    "prometheus",
    "prometheus_replica",
    "receive_replica",
    "cluster",
    "region",
    "host",
    "hostname",
    "node",
    "nodename",
    "hypervisor",
    "exporter",
    "pod",
    "container",
    "namespace",
    "service",
    "endpoint",
];

/// Reads the energy of a project's servers.
pub async fn extract(task: Task<'_>, sink: &mut dyn PageSink) -> Result<(), ExtractError> {
    let Some(source) = &task.context.power else {
        return Err(ExtractError::NoPowerSource);
    };
    let mut meter = PowerSink {
        source,
        warnings: &task.context.caches.warnings,
        window: task.window,
        sink,
        emitted: 0,
        silent: 0,
        active: 0,
    };
    nova::read(task, References::Flavors, &mut meter).await?;
    meter.warn_of_silence(task.project);
    Ok(())
}

/// Takes pages of servers and hands on pages of their energy.
struct PowerSink<'a> {
    source: &'a PowerSource,
    warnings: &'a Notices,
    window: Window,
    sink: &'a mut dyn PageSink,
    /// Servers whose energy was handed on.
    emitted: usize,
    /// Servers without samples.
    silent: u64,
    /// Those of them that run.
    active: u64,
}

impl PageSink for PowerSink<'_> {
    fn page<'a>(&'a mut self, page: Page) -> BoxFuture<'a, Result<(), ExtractError>> {
        Box::pin(self.measure(page))
    }
}

impl PowerSink<'_> {
    async fn measure(&mut self, page: Page) -> Result<(), ExtractError> {
        let mut errors = page.errors;
        let mut servers = Vec::new();
        let mut lives = Vec::new();
        for item in page.items {
            let UsageItem::Server(server) = item else {
                continue;
            };
            match life(&server, self.window) {
                Ok(Some(life)) => {
                    servers.push(server);
                    lives.push(life);
                }
                Ok(None) => {}
                Err(error) => errors.push(error),
            }
        }
        let readings = measure::measure(self.source, &lives).await?;
        let mut items = Vec::new();
        for ((server, life), reading) in servers.into_iter().zip(lives).zip(readings) {
            if let Some(energy) = self.judge(server, life, reading) {
                items.push(UsageItem::Energy(energy));
            }
        }
        if items.is_empty() && errors.is_empty() {
            return Ok(());
        }
        self.emitted += items.len();
        let page = Page {
            tables: page.tables,
            items,
            errors,
            from: None,
        };
        self.sink.page(page).await
    }

    /// The item, and what there is to say of it.
    fn judge(&mut self, server: Server, life: Life, reading: Reading) -> Option<Energy> {
        if reading.samples == 0 {
            tracing::debug!("server `{}` has no samples of its power", life.id);
            self.silent += 1;
            self.active += u64::from(server.status.as_deref() == Some("ACTIVE"));
            return None;
        }
        let unknown = |label: &&String| !WHO.contains(&label.as_str());
        if let Some(label) = reading.differing.iter().find(unknown) {
            self.warnings.warn_once(&format!("power-series-{label}"), || {
                (
                    format!(
                        "Prometheus has several series at a time for the power of one server, as of `{}`, that differ \
                         in `{label}`: they are taken for the same power and counted once",
                        life.id
                    ),
                    format!(
                        "if each is a part of it, add `{label}` to `prometheus_sum_labels` in `[prometheus]`, else \
                         choose one by `labels`"
                    ),
                )
            });
        }
        if reading.failed == reading.samples {
            let (id, samples) = (&life.id, reading.samples);
            self.warnings.warn_once(&format!("power-failed-{id}"), || {
                format!(
                    "all {samples} samples of the power of server `{id}` are NaN, infinite or below zero: it has no \
                     energy record"
                )
            });
            return None;
        }
        Some(Energy {
            server,
            measured: life.span,
            watt_hours: reading.watt_hours,
            attributes: attributes(&reading),
        })
    }

    /// Where nothing at all is found, it is rather a wrong name than a project
    /// without power.
    fn warn_of_silence(&self, project: &ProjectRef) {
        if self.silent > 0 {
            tracing::info!(
                "project `{}`: {} servers have no samples of their power, and so no energy record",
                project.id,
                self.silent
            );
        }
        // In a short window there need not be a sample.
        let short = self.window.end - self.window.start < energy::LONGEST * self.source.step;
        if self.emitted > 0 || self.active == 0 || short {
            return;
        }
        let example = self.source.selector.of_servers(["…"]);
        self.warnings.warn_once("power-silence", || {
            (
                format!(
                    "Prometheus has no samples of the power of any server of project `{}`, {} of which run: the query \
                     was `{example}`",
                    project.id, self.active
                ),
                "check `prometheus_metric_name`, `vm_uuid_label_name` and `labels` in `[prometheus]`",
            )
        });
    }
}

/// The part of the window in which the server was there; `None` where that is
/// empty.
fn life(server: &Server, window: Window) -> Result<Option<Life>, ItemError> {
    // It goes into a regular expression.
    if !server
        .id
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c == '-')
    {
        return Err(ItemError {
            kind: "server",
            id: server.id.clone(),
            reason: "its id is not a UUID, so Prometheus cannot be asked for it".into(),
        });
    }
    let usage = server.compute_usage.as_ref();
    let born = server
        .created
        .or_else(|| usage.and_then(|usage| usage.started));
    let deleted = server.status.as_deref() == Some("DELETED");
    let ended = server
        .terminated
        .or_else(|| usage.and_then(|usage| usage.ended))
        .or(if deleted { server.updated } else { None });
    let span = Window {
        start: born.map_or(window.start, |born| born.max(window.start)),
        end: ended.map_or(window.end, |ended| ended.min(window.end)),
    };
    Ok((span.start < span.end).then(|| Life {
        id: server.id.clone(),
        span,
        born,
    }))
}

fn attributes(reading: &Reading) -> Vec<Attribute> {
    let mut facts = vec![("samples", reading.samples), ("series", reading.series)];
    if reading.failed > 0 {
        facts.push(("failed-samples", reading.failed));
    }
    let attribute = |(name, value): (&str, u64)| Attribute {
        name: name.to_owned(),
        value: value.to_string(),
    };
    facts.into_iter().map(attribute).collect()
}
