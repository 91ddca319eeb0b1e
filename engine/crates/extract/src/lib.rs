//! Extractors: what the APIs say of a project, as normalized usage.
//!
//! The way of the data: [`projects`] finds out which projects there are and
//! what VO each belongs to; an [`Extractor`] reads one project's lists page by
//! page and hands each page, with the flavors, images and users it refers to,
//! to a [`PageSink`]. No page is kept; what outlives one is a small index of
//! the project's servers ([`nova`]) and the run's own [`RunCaches`].
//!
//! Three things can go wrong, and each costs only itself. One row that cannot
//! be read is an [`ItemError`] beside the page's items. What touches no record
//! by itself (no right to read users, Glance away) is a notice, made once
//! a run. Anything else is an [`ExtractError`]: the project's window is then
//! incomplete as a whole, and its cursor must not move.

mod caches;
pub mod ceilometer;
pub mod cinder;
mod fields;
mod flavors;
mod images;
pub mod neutron;
pub mod nova;
pub mod projects;
pub mod prometheus;
mod users;

#[cfg(test)]
mod testing;

use std::collections::HashSet;
use std::mem::{Discriminant, discriminant};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use caso_history::History;
use caso_history::volumes::{Holding, Shown};
use caso_model::Window;
use caso_model::extraction::{CounterOptions, Extractor};
use caso_model::guest::BoxFuture;
use caso_model::record_type::Accrual;
use caso_model::usage::{Tables, UsageItem};
use caso_openstack::pages::PageError;
use caso_openstack::prometheus::PrometheusError;
use caso_openstack::{ApiError, ApiErrorKind, Service, Session};

pub use caches::RunCaches;
pub use projects::{ProjectError, ProjectFailure, ProjectOptions, ProjectRef};
pub use prometheus::PowerSource;
pub use users::{NoNames, Patience};

/// Some items of one project, with the tables they refer to.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    pub tables: Tables,
    pub items: Vec<UsageItem>,
    /// Rows of the API that could not be read. They are reported, and cost no
    /// other item.
    pub errors: Vec<ItemError>,
    /// From when on its items are accounted, in epoch seconds, where that is not the start of the window.
    pub from: Option<i64>,
}

/// One thing that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} `{id}`: {reason}")]
pub struct ItemError {
    /// `server`, `usage of server`, …
    pub kind: &'static str,
    /// Id of the resource; `?` when not even that could be read.
    pub id: String,
    /// Names the field and shows its value.
    pub reason: String,
}

/// Where pages go, in order. An error ends the extraction.
///
/// Pushed, not pulled as a stream: the tables of a page borrow the run's caches
/// across awaits, which a sink leaves a plain borrow.
pub trait PageSink: Send {
    /// Takes the next page. What goes wrong with it is [`ExtractError::sink`];
    /// a sink that stands between two hands on what the next one says.
    fn page<'a>(&'a mut self, page: Page) -> BoxFuture<'a, Result<(), ExtractError>>;
}

/// One window of one project, to be extracted.
#[derive(Clone, Copy)]
pub struct Task<'a> {
    pub context: &'a ExtractContext,
    pub project: &'a ProjectRef,
    pub window: Window,
    /// What earlier runs saw of the project's servers, for the extractors that
    /// report servers. It is noted there what this one sees.
    pub history: &'a Mutex<History>,
    /// Which volumes the project had, for the extractor that reports volumes; none: each is
    /// accounted in the window.
    pub volumes: Option<&'a Mutex<Holding>>,
}

impl ExtractContext {
    /// Works on a page, and meanwhile asks for the next one, which is sure to be wanted.
    pub(crate) async fn with_next<P>(
        &self,
        work: impl Future<Output = Result<(), ExtractError>>,
        next: impl Future<Output = Result<Option<P>, PageError>>,
    ) -> Result<Option<P>, ExtractError> {
        if self.reads_ahead {
            let (worked, next) = futures_util::future::join(work, next).await;
            worked?;
            return Ok(next?);
        }
        work.await?;
        Ok(next.await?)
    }

    /// Whether a project's window waits for names that Keystone fails to give.
    pub(crate) fn patience(&self, project: &str) -> Patience {
        match self.without_names.contains(project) {
            true => Patience::GoOn,
            false => Patience::Wait,
        }
    }
}

impl Task<'_> {
    /// A task that panicked left whole notes behind, never half of one.
    pub(crate) fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From when on a volume is accounted, in epoch seconds; none: not in this window.
    pub(crate) fn from(&self, shown: Shown) -> Option<i64> {
        match self.volumes {
            Some(volumes) => volumes
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .from(shown),
            None => Some(self.window.start),
        }
    }

    /// A volume is in the list, and its row is not as it should be.
    pub(crate) fn unreadable(&self, id: uuid::Uuid) {
        if let Some(volumes) = self.volumes {
            let volumes = volumes.lock();
            volumes
                .unwrap_or_else(PoisonError::into_inner)
                .unreadable(id);
        }
    }
}

/// Why a project's usage could not be read whole.
#[derive(Debug, thiserror::Error)]
pub enum ExtractError {
    #[error(transparent)]
    Api(#[from] ApiError),
    /// A list that cannot be read to its end.
    #[error(transparent)]
    Pages(PageError),
    /// Prometheus is away, or does not want us.
    #[error(transparent)]
    Prometheus(PrometheusError),
    /// Prometheus is there, and did not give what these servers used.
    #[error("power of {whose} from {from} to {to}: {source}")]
    Power {
        whose: String,
        from: String,
        to: String,
        source: PrometheusError,
    },
    /// The run has no `[prometheus]`: a recording that was made without.
    #[error("nothing says where Prometheus is")]
    NoPowerSource,
    /// `ceilometer` without either of its back ends.
    #[error(
        "the catalog for project `{project}` has neither Gnocchi (type `metric`) nor Ceilometer's own API (type `metering`) on the interface and in the region that are asked for, so there are no counters to read"
    )]
    NoCounters { project: String },
    /// Keystone failed to give the names of users.
    #[error(transparent)]
    NoNames(#[from] NoNames),
    /// A part of the cloud's database is away, and its servers are in no list.
    #[error(
        "a cell of Nova is down, and its lists leave out the servers there (among them {example}): the window is read when the cell is back"
    )]
    CellDown { example: String },
    /// What takes the pages could not take one: mapper or journal.
    #[error(transparent)]
    Sink(Box<dyn std::error::Error + Send + Sync>),
}

/// What an error is, without its words: two projects that came to the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExtractErrorKind {
    error: Discriminant<ExtractError>,
    api: Option<ApiErrorKind>,
}

impl ExtractError {
    /// Of what kind it is, whatever project it befell; none where that says little of the cause.
    #[must_use]
    pub fn kind(&self) -> Option<ExtractErrorKind> {
        let api = match self {
            ExtractError::Api(error) => Some(error.kind()),
            ExtractError::NoNames(_)
            | ExtractError::NoCounters { .. }
            | ExtractError::CellDown { .. } => None,
            ExtractError::Pages(_)
            | ExtractError::Prometheus(_)
            | ExtractError::Power { .. }
            | ExtractError::NoPowerSource
            | ExtractError::Sink(_) => return None,
        };
        Some(ExtractErrorKind {
            error: discriminant(self),
            api,
        })
    }

    /// What to do about it, where that is known. The text does not have it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            ExtractError::Api(error) => error.hint(),
            ExtractError::Pages(error) => error.hint(),
            ExtractError::Prometheus(error) | ExtractError::Power { source: error, .. } => {
                error.hint().map(str::to_owned)
            }
            ExtractError::NoCounters { .. } => Some(
                "replace `ceilometer` with `nova` in `extractor`, or register the endpoint"
                    .to_owned(),
            ),
            ExtractError::NoNames(error) => error.hint(),
            ExtractError::NoPowerSource | ExtractError::CellDown { .. } | ExtractError::Sink(_) => {
                None
            }
        }
    }

    /// The error of a [`PageSink`].
    pub fn sink(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Sink(Box::new(error))
    }

    /// The region is in no catalog, whichever the project.
    pub fn is_unknown_region(&self) -> bool {
        matches!(self, ExtractError::Api(ApiError::NoRegion { .. }))
    }

    /// The service is away as a whole: worth one line, not one a project.
    pub fn is_outage(&self) -> bool {
        match self {
            ExtractError::Api(error) => error.is_outage(),
            ExtractError::Prometheus(error) => error.is_outage(),
            ExtractError::Pages(_)
            | ExtractError::Power { .. }
            | ExtractError::NoPowerSource
            | ExtractError::NoCounters { .. }
            | ExtractError::NoNames(_)
            | ExtractError::CellDown { .. }
            | ExtractError::Sink(_) => false,
        }
    }

    /// The service answered, with an error of its own: 500 or 501.
    pub fn is_services_own(&self) -> bool {
        match self {
            ExtractError::Api(error) => error.status().is_some_and(|status| status >= 500),
            _ => false,
        }
    }

    /// The cloud has no Cinder or no Neutron: nothing of it was used, and no
    /// next run will find it otherwise. Without Nova it is no cloud.
    pub fn is_service_lacking(&self) -> bool {
        match self {
            ExtractError::Api(error) => {
                error.is_service_lacking()
                    && matches!(
                        error.service(),
                        Some(Service::BlockStorage | Service::Network)
                    )
            }
            _ => false,
        }
    }
}

impl From<PageError> for ExtractError {
    fn from(error: PageError) -> Self {
        match error {
            PageError::Api(error) => ExtractError::Api(error),
            error => ExtractError::Pages(error),
        }
    }
}

/// How far a window reaches back behind the cursor, in seconds. A change of a
/// server is visible some time after the moment that Nova notes for it, and its
/// clock is not ours; records of servers are keyed, so that emitting one twice
/// costs nothing. The others read what is there now, and StAR adds the
/// intervals of a volume up, as everybody does energy: theirs follow each other
/// without a seam.
#[must_use]
pub fn overlap(extractor: Extractor) -> i64 {
    match extractor {
        Extractor::Nova | Extractor::Ceilometer => 60,
        Extractor::Cinder | Extractor::Neutron | Extractor::Prometheus => 0,
    }
}

/// Whether a later record of the same thing takes the place of an earlier one: those of servers
/// say how far each has come since it began. StAR's and the energy's add up, and an address's is
/// of the moment.
#[must_use]
pub fn supersedes(extractor: Extractor) -> bool {
    extractor.accrual() == Accrual::Latest
}

/// The service that says what there is to account. Gnocchi, Ceilometer and Prometheus only measure what Nova lists.
#[must_use]
pub fn service(extractor: Extractor) -> Service {
    match extractor {
        Extractor::Nova | Extractor::Ceilometer | Extractor::Prometheus => Service::Compute,
        Extractor::Cinder => Service::BlockStorage,
        Extractor::Neutron => Service::Network,
    }
}

/// Whether a consumer adds the records up, so that two of the same time count twice.
#[must_use]
pub fn adds_up(extractor: Extractor) -> bool {
    extractor.accrual() == Accrual::Sum
}

/// Reads what the task's project used in its window and hands it to `sink`.
///
/// # Errors
/// The pages already handed over are then a part of the window only, and must be
/// discarded.
pub async fn extract(
    extractor: Extractor,
    task: Task<'_>,
    sink: &mut dyn PageSink,
) -> Result<(), ExtractError> {
    match extractor {
        Extractor::Nova => nova::extract(task, sink).await,
        Extractor::Ceilometer => ceilometer::extract(task, sink).await,
        Extractor::Cinder => cinder::extract(task, sink).await,
        Extractor::Neutron => neutron::extract(task, sink).await,
        Extractor::Prometheus => prometheus::extract(task, sink).await,
    }
}

/// What every extraction of a run shares. Cheap to clone: one for each task.
#[derive(Clone)]
pub struct ExtractContext {
    pub session: Session,
    pub caches: Arc<RunCaches>,
    /// `limit` of a list, and so the most items of a page. The API may give
    /// fewer.
    pub page_size: u32,
    /// Whether the next page of a list is asked for while one is worked on.
    pub reads_ahead: bool,
    /// When the run began, by our clock: before any of its requests.
    pub now: i64,
    /// Of `ceilometer`.
    pub counters: CounterOptions,
    /// Whether windows of the past get records of the floating IPs of now.
    pub ip_records_for_past_windows: bool,
    /// Projects that have waited long enough for the names that Keystone fails to give.
    pub without_names: Arc<HashSet<String>>,
    /// For the extractor `prometheus`; absent where it is not among them.
    pub power: Option<PowerSource>,
}
