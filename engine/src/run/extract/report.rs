//! What an extraction came to: by cloud, region, project, extractor.

pub use super::mapping::{Counted, Counts, Sealed};
use crate::run::remedy::{self, Right};
use caso_base::Message;
use caso_config::CloudConfig;
use caso_extract::{ExtractError, ExtractErrorKind, ProjectFailure, ProjectRef};
use caso_model::Window;
use caso_model::extraction::Extractor;
use caso_model::notice::Notice;
use caso_state::Failing;

/// One cloud.
#[derive(Debug)]
pub struct CloudReport {
    pub cloud: String,
    /// `caso_tag`, empty where there is none.
    pub tag: String,
    /// How many regions it has in the configuration.
    pub regions: usize,
    pub requests: u64,
    /// By how many seconds its clock is behind ours, where that is much.
    pub behind: Option<i64>,
    /// By how many seconds it is ahead, where that is much.
    pub ahead: Option<i64>,
    /// An error costs the cloud as a whole.
    pub result: anyhow::Result<Vec<RegionReport>>,
    /// Each with what to do about it, where that is known.
    pub failures: Vec<(ProjectFailure, Option<String>)>,
    /// Projects whose cursors cannot be read, each with the reason.
    pub without_cursor: Vec<Message>,
    /// Of projects that were extracted, and are not any more.
    pub lost: Vec<Notice>,
    /// Its projects are known, all that the configuration asks for: one that is not among them is not accounted.
    pub listed: bool,
    /// It has none to account.
    pub no_project: bool,
    /// The run was asked to end before its projects were known.
    pub cancelled: bool,
}

/// One region of it.
#[derive(Debug)]
pub struct RegionReport {
    /// `None` is the first of the catalog.
    pub region: Option<String>,
    pub projects: Vec<ProjectReport>,
    pub warnings: Vec<Notice>,
}

/// One project in a region.
#[derive(Debug)]
pub struct ProjectReport {
    pub project: ProjectRef,
    pub extractors: Vec<ExtractorReport>,
}

/// One extractor of a project.
#[derive(Debug)]
pub struct ExtractorReport {
    pub extractor: Extractor,
    /// It had no cursor and starts from the beginning.
    pub first: bool,
    /// How long it has failed, this run included; none where it did not.
    pub failing: Option<Failing>,
    pub result: ExtractorResult,
}

/// What became of its window.
#[derive(Debug)]
pub enum ExtractorResult {
    /// Its segment is sealed.
    Done {
        window: Window,
        counts: Counts,
        /// The cursor, where the window did not move it.
        stays: Option<i64>,
    },
    /// There is nothing left to read.
    UpToDate,
    /// The cloud does without the service, and always did as far as we know.
    /// The cursor stays.
    Lacking {
        /// Cloud, region and extractor.
        what: String,
        reason: String,
    },
    /// Its service is that of another region, and the project is read there.
    Elsewhere { region: String },
    /// Nothing was extracted; the cursor stays.
    Failed {
        reason: Message,
        blame: Blame,
        /// Of what kind it was, where other projects may have met the same.
        alike: Option<Alike>,
    },
    /// The run was asked to end, or took too long.
    Cancelled {
        /// While it was read.
        begun: bool,
    },
}

/// What many projects may fail of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alike {
    pub kind: ExtractErrorKind,
    /// What gives the account the right that it lacks.
    pub right: Option<Right>,
}

impl Alike {
    /// Of an error of a project. A disabled one is of a kind of its own.
    pub fn of(error: &ExtractError, cloud: &CloudConfig, project: &ProjectRef) -> Option<Self> {
        let kind = error.kind().filter(|_| !project.disabled);
        kind.map(|kind| Alike {
            kind,
            right: remedy::right(error, cloud),
        })
    }
}

/// Whose fault a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// It is this project's, or ours.
    Project,
    /// The service is there, and gave no usage of this project: it has an error
    /// for it, or takes too long.
    Answer,
    /// The service is away, or the spool's disk is full: no project was better off.
    Outage,
    /// It was not tried, since the service was away.
    Untried,
}

impl Blame {
    /// Whether it was this project that failed, as far as anybody can see.
    pub fn is_projects(self) -> bool {
        matches!(self, Blame::Project | Blame::Answer)
    }
}

impl ExtractorResult {
    /// Whether nothing is known of what was used.
    pub fn is_unread(&self) -> bool {
        matches!(self, Self::Failed { .. } | Self::Cancelled { .. })
    }

    /// This one and that of the next window, where both are done; else the next.
    pub fn with(self, next: Self) -> Self {
        match (self, next) {
            (
                Self::Done {
                    window: first,
                    mut counts,
                    ..
                },
                Self::Done {
                    window: last,
                    counts: more,
                    stays,
                },
            ) => {
                counts.add(more);
                let window = Window {
                    start: first.start,
                    end: last.end,
                };
                Self::Done {
                    window,
                    counts,
                    stays,
                }
            }
            (_, next) => next,
        }
    }

    /// A failure of this extractor of this project alone.
    pub fn failed(reason: impl Into<Message>) -> Self {
        Self::Failed {
            reason: reason.into(),
            blame: Blame::Project,
            alike: None,
        }
    }

    /// The same, by an error.
    pub fn error(error: &(dyn std::error::Error + 'static)) -> Self {
        if let Some(reason) = remedy::no_room(error) {
            // Every project finds the same disk.
            return Self::Failed {
                reason,
                blame: Blame::Outage,
                alike: None,
            };
        }
        Self::failed(remedy::message(error))
    }
}
