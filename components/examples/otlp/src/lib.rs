//! `otlp`: exports records as metrics to whatever takes OTLP over HTTP in JSON, as the
//! OpenTelemetry Collector does.
//!
//! It follows the OTLP specification 1.10 ("OTLP/HTTP", "JSON Protobuf Encoding") and
//! `opentelemetry/proto/metrics/v1/metrics.proto` for the form, OpenTelemetry's data model of
//! metrics for sums, gauges and their times, and the semantic conventions for names and units
//! ("Metrics semantic conventions"; the metrics of containers are the nearest there are).
//!
//! | module | what is in it |
//! |---|---|
//! | `options`, `describe` | the configuration |
//! | `point` | a data point, and the metric that it is of |
//! | `metrics` | the metrics: names, units, what they say of a record |
//! | `request` | `ExportMetricsServiceRequest` |
//! | `service` | the request, and what its answers mean |

#![warn(missing_docs)]

mod describe;
mod metrics;
mod options;
mod point;
mod request;
mod service;

#[cfg(test)]
mod tests;

use caso_component::messenger::{
    Answer, Batch, ComponentDescription, Messenger, Refusal, Setup, StartError,
};
use caso_component::settings::Settings;
use caso_http::client::{Client, Host};
use caso_http::requests::{self, Entry, Most};

pub use describe::describe;
pub use options::Options;

/// Name of the origin in the description.
pub const ORIGIN: &str = "otlp";
/// Bytes of a request's data points. The specification recommends 20 MiB for both sides;
/// many servers take 4 MiB, which it recommended for gRPC before.
const MOST_BYTES: usize = 3 << 20;

/// The messenger: a started instance.
pub struct Otlp(Options);

impl Messenger for Otlp {
    fn describe() -> ComponentDescription {
        describe()
    }

    fn start(setup: &Setup) -> Result<Self, StartError> {
        Options::from_settings(Settings::from(setup)).map(Self)
    }

    fn deliver(&mut self, batch: &Batch) -> Answer {
        deliver(&self.0, batch, &mut Host::new())
    }
}

caso_component::export_messenger!(Otlp);

/// Exports a batch.
pub fn deliver(options: &Options, batch: &Batch, client: &mut dyn Client) -> Answer {
    let (mut entries, mut refused) = (Vec::new(), Vec::new());
    for index in 0..batch.records.len() {
        match metrics::of(options, batch, index) {
            Ok(points) => entries.push(Entry {
                index,
                bytes: points.iter().map(point::Point::bytes).sum(),
                value: points,
            }),
            Err(reason) => refused.push(Refusal::new(index, reason)),
        }
    }
    // What says nothing that can be measured needs no request.
    entries.retain(|entry| !entry.value.is_empty());
    let most = Most {
        records: options.max_size,
        bytes: MOST_BYTES,
    };
    let mut service = service::Service { options, client };
    requests::deliver(batch, &entries, refused, most, &mut service)
}
