//! Record and replay: every exchange of a run, kept in one file, and a
//! transport that answers from it without a network.
//!
//! `DIR/recording.jsonl` has one JSON object a line: a [`Header`], then the
//! [`Exchange`]s as they came. A recording is made to be shown to others, so
//! what it holds is decided by a list of what is kept, not of what is taken
//! out: of the headers a few known ones ([`secrets`]). Passwords, secrets and
//! tokens are never in it. Names of people, machines and networks, and their
//! addresses, are replaced ([`names`]), the same by the same, unless they are
//! asked to stay; the header then says so. Ids stay: they mean nothing
//! outside of their cloud, and everything refers to them.
//!
//! A request is matched by cloud, method, address (the order of its query
//! aside), microversion and scope, in whatever order it is asked ([`replayer`]).

mod names;
mod pseudonyms;
mod recorder;
mod replayer;
pub(crate) mod secrets;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::SessionSettings;
use caso_login::Login;
use caso_model::Window;
use caso_net::TransportError;

pub use recorder::Recorder;
pub use replayer::{Replayer, ReplayerOfCloud};

/// Name of the file in the recording's folder.
pub const FILE: &str = "recording.jsonl";
const FORMAT: &str = "caso-recording";
/// 1 had the options of the login as they stood in the file.
const VERSION: u32 = 2;

/// What happens to names and addresses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Names {
    /// Each by one of its own, the same everywhere in the recording.
    #[default]
    Replaced,
    /// As they are: such a recording is not for others.
    Kept,
}

/// First line of a recording.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Always `caso-recording`.
    pub format: String,
    /// Of the format.
    pub version: u32,
    /// Version of the program that recorded.
    pub engine: String,
    /// When the run began: seconds since the epoch. A replay takes it for now.
    pub clock: i64,
    /// The window of the run, where one was given; otherwise each project's
    /// own is among the arguments.
    pub window: Option<Window>,
    pub names: Names,
    /// The recorded sessions, one a cloud.
    pub sessions: Vec<RecordedSession>,
    /// Options of the run that decide what is asked, for the run to read
    /// back. Names of projects under `projects` and `tenants` are replaced
    /// like all others.
    pub arguments: BTreeMap<String, Value>,
}

impl Header {
    pub fn new(clock: i64, window: Option<Window>, names: Names) -> Self {
        Header {
            format: FORMAT.to_owned(),
            version: VERSION,
            engine: env!("CARGO_PKG_VERSION").to_owned(),
            clock,
            window,
            names,
            sessions: Vec::new(),
            arguments: BTreeMap::new(),
        }
    }
}

/// Of a session, what a replay needs to ask the same questions.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordedSession {
    /// Its secrets serialize to nothing.
    pub login: Login,
    pub interfaces: Vec<String>,
    pub region: Option<String>,
}

impl RecordedSession {
    pub fn of(settings: &SessionSettings) -> Self {
        RecordedSession {
            login: settings.login.clone(),
            interfaces: settings.interfaces.clone(),
            region: settings.region.clone(),
        }
    }

    /// For a session that replays this one.
    pub fn settings(&self) -> SessionSettings {
        SessionSettings {
            interfaces: self.interfaces.clone(),
            region: self.region.clone(),
            ..SessionSettings::new(self.login.clone())
        }
    }
}

/// One line: what was asked, and what came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Exchange {
    request: RecordedRequest,
    #[serde(flatten)]
    outcome: RecordedOutcome,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct RecordedRequest {
    method: String,
    url: String,
    scope: String,
    /// Where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cloud: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<Value>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RecordedOutcome {
    Answer(RecordedAnswer),
    /// There was none.
    Failure(Failure),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct RecordedAnswer {
    status: u16,
    headers: BTreeMap<String, String>,
    body: RecordedBody,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RecordedBody {
    Json(Value),
    Text(String),
}

/// [`TransportError`] on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Failure {
    Connect {
        detail: String,
    },
    Tls {
        unknown_issuer: bool,
        detail: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        remedy: Option<String>,
    },
    Timeout {
        detail: String,
    },
    Truncated {
        detail: String,
    },
    TooLarge {
        limit: u64,
    },
    Protocol {
        detail: String,
    },
}

impl From<&TransportError> for Failure {
    fn from(error: &TransportError) -> Self {
        let clean = |detail: &String| secrets::without_userinfo(detail);
        match error {
            TransportError::Connect(detail) | TransportError::Proxy { detail, .. } => {
                Failure::Connect {
                    detail: clean(detail),
                }
            }
            TransportError::Tls {
                unknown_issuer,
                detail,
                remedy,
            } => Failure::Tls {
                unknown_issuer: *unknown_issuer,
                detail: clean(detail),
                remedy: remedy.clone(),
            },
            TransportError::Timeout(detail) => Failure::Timeout {
                detail: clean(detail),
            },
            TransportError::Truncated(detail) => Failure::Truncated {
                detail: clean(detail),
            },
            TransportError::TooLarge { limit } => Failure::TooLarge { limit: *limit },
            TransportError::Unrecorded(detail) | TransportError::Protocol(detail) => {
                Failure::Protocol {
                    detail: clean(detail),
                }
            }
        }
    }
}

impl From<Failure> for TransportError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Connect { detail } => TransportError::Connect(detail),
            Failure::Tls {
                unknown_issuer,
                detail,
                remedy,
            } => TransportError::Tls {
                unknown_issuer,
                detail,
                remedy,
            },
            Failure::Timeout { detail } => TransportError::Timeout(detail),
            Failure::Truncated { detail } => TransportError::Truncated(detail),
            Failure::TooLarge { limit } => TransportError::TooLarge { limit },
            Failure::Protocol { detail } => TransportError::Protocol(detail),
        }
    }
}

/// A recording that cannot be made or read.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    #[error("there is a recording in `{}` already; give `--record` a folder of its own", .0.display())]
    Exists(PathBuf),
    #[error("cannot write the recording `{}`", .path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("cannot read the recording `{}`", .path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("`{}` is not a recording of ours: {detail}", .path.display())]
    NotOurs { path: PathBuf, detail: String },
    #[error("`{}` has version {version} of the format, and this program reads {VERSION}; use the program that recorded it ({engine})", .path.display())]
    OtherVersion {
        path: PathBuf,
        version: u32,
        engine: String,
    },
    #[error("line {line} of the recording `{}` cannot be read: {detail}", .path.display())]
    Line {
        path: PathBuf,
        line: usize,
        detail: String,
    },
}
