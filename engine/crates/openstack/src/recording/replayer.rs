//! A transport that answers from a recording, and from nothing else.
//!
//! Requests come in any order; of equal ones each gets the next recorded
//! answer, and the last one over again when there are no more. One that was
//! not recorded is an error that names the nearest that were: a replay never
//! makes anything up. Only an index is held; the answers stay in the file.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::{
    Exchange, FILE, FORMAT, Header, RecordedBody, RecordedOutcome, RecordedRequest, RecordingError,
    VERSION,
};
use caso_net::{Method, Request, Response, Transport, TransportError};

/// Answers from a recording.
pub struct Replayer {
    header: Header,
    tape: Tape,
    index: HashMap<Key, Takes>,
    played: Mutex<HashMap<Key, usize>>,
}

/// Where each answer to equal requests lies, in the recorded order.
type Takes = Vec<(u64, usize)>;

enum Tape {
    File(File),
    Bytes(Cow<'static, [u8]>),
}

/// What makes two requests the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    cloud: Option<String>,
    method: String,
    /// Scheme, host and port, path.
    place: String,
    /// Sorted.
    query: Vec<(String, String)>,
    microversion: Option<String>,
    scope: String,
    /// The question that a search carries. What asks for a token is told by
    /// its scope: what else is in it are secrets.
    question: Option<String>,
}

impl Key {
    fn new(
        cloud: Option<&str>,
        method: &str,
        url: &Url,
        microversion: Option<&str>,
        scope: &str,
        body: Option<&Value>,
    ) -> Self {
        let mut query: Vec<_> = url.query_pairs().into_owned().collect();
        query.sort();
        let mut place = url.clone();
        place.set_query(None);
        place.set_fragment(None);
        Key {
            cloud: cloud.map(str::to_owned),
            method: method.to_owned(),
            place: place.to_string(),
            query,
            microversion: microversion.map(str::to_owned),
            scope: scope.to_owned(),
            question: body.filter(|body| is_question(body)).map(Value::to_string),
        }
    }

    fn recorded(request: &RecordedRequest) -> Result<Self, url::ParseError> {
        let url = Url::parse(&request.url)?;
        let version = request.headers.get("openstack-api-version");
        Ok(Key::new(
            request.cloud.as_deref(),
            &request.method,
            &url,
            version.map(String::as_str),
            &request.scope,
            request.body.as_ref(),
        ))
    }

    fn address(&self) -> String {
        let query: Vec<String> = self.query.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{} {}{mark}{}", self.method, self.place, query.join("&"))
    }

    fn describe(&self) -> String {
        let version = self.microversion.as_deref().unwrap_or("no microversion");
        let cloud = self.cloud.as_deref();
        let cloud = cloud.map_or_else(String::new, |cloud| format!(", cloud `{cloud}`"));
        format!(
            "`{}` ({version}, scope `{}`{cloud})",
            self.address(),
            self.scope
        )
    }
}

/// Whether a body is more than a request for a token (`auth` in both versions
/// of Keystone's API, `grant_type` in OAuth's).
fn is_question(body: &Value) -> bool {
    body.is_object() && body.get("auth").is_none() && body.get("grant_type").is_none()
}

/// The one part of an exchange that the index needs.
#[derive(Deserialize)]
struct Asked {
    request: RecordedRequest,
}

/// Enough to know whether the rest can be read.
#[derive(Deserialize)]
struct Kind {
    format: String,
    version: u32,
    #[serde(default)]
    engine: String,
}

impl Replayer {
    /// A recording in a folder.
    pub fn open(folder: &Path) -> Result<Self, RecordingError> {
        let path = folder.join(FILE);
        let failed = |source| RecordingError::Read {
            path: path.clone(),
            source,
        };
        let file = File::open(&path).map_err(failed)?;
        let reader = BufReader::new(file.try_clone().map_err(failed)?);
        let (header, index) = read(reader, &path)?;
        Ok(Replayer::new(header, Tape::File(file), index))
    }

    /// A recording that ships with the program; `name` is for errors.
    pub fn from_bytes(
        bytes: impl Into<Cow<'static, [u8]>>,
        name: &str,
    ) -> Result<Self, RecordingError> {
        let bytes = bytes.into();
        let (header, index) = read(Cursor::new(bytes.as_ref()), Path::new(name))?;
        Ok(Replayer::new(header, Tape::Bytes(bytes), index))
    }

    fn new(header: Header, tape: Tape, index: HashMap<Key, Takes>) -> Self {
        Replayer {
            header,
            tape,
            index,
            played: Mutex::new(HashMap::new()),
        }
    }

    /// Clock, window, sessions and arguments of the recorded run.
    pub fn header(&self) -> &Header {
        &self.header
    }

    fn play(&self, request: &Request, cloud: Option<&str>) -> Result<Response, TransportError> {
        let asked = request
            .body
            .as_deref()
            .and_then(|body| serde_json::from_str::<Value>(body).ok());
        let key = Key::new(
            cloud,
            request.method.name(),
            &request.url,
            request.header("openstack-api-version"),
            &request.scope,
            asked.as_ref(),
        );
        let Some(takes) = self.index.get(&key) else {
            return Err(TransportError::Unrecorded(self.nearest(&key)));
        };
        let at = {
            let mut played = self.played.lock().unwrap_or_else(PoisonError::into_inner);
            let next = played.entry(key).or_insert(0);
            let at = (*next).min(takes.len().saturating_sub(1));
            *next += 1;
            at
        };
        let line = takes
            .get(at)
            .and_then(|(start, length)| self.line(*start, *length).ok())
            .ok_or_else(|| TransportError::Protocol("the recording changed meanwhile".into()))?;
        let exchange: Exchange = serde_json::from_slice(&line)
            .map_err(|error| TransportError::Protocol(format!("a bad recording: {error}")))?;
        match exchange.outcome {
            RecordedOutcome::Failure(failure) => Err(failure.into()),
            RecordedOutcome::Answer(answer) => Ok(Response {
                status: answer.status,
                headers: answer.headers.into_iter().collect(),
                body: match answer.body {
                    RecordedBody::Json(value) => value.to_string().into_bytes(),
                    RecordedBody::Text(text) => text.into_bytes(),
                },
            }),
        }
    }

    fn line(&self, start: u64, length: usize) -> std::io::Result<Vec<u8>> {
        match &self.tape {
            Tape::File(file) => {
                let mut line = vec![0; length];
                file.read_exact_at(&mut line, start)?;
                Ok(line)
            }
            Tape::Bytes(bytes) => {
                let mut line = vec![0; length];
                let mut cursor = Cursor::new(bytes.as_ref());
                cursor.set_position(start);
                cursor.read_exact(&mut line)?;
                Ok(line)
            }
        }
    }

    /// The request and the recorded ones most like it.
    fn nearest(&self, key: &Key) -> String {
        let wanted = key.address();
        let mut near: Vec<(usize, &Key)> = self
            .index
            .keys()
            .map(|other| {
                let mut distance = strsim::levenshtein(&wanted, &other.address()) * 2;
                distance += usize::from(other.scope != key.scope);
                distance += usize::from(other.cloud != key.cloud);
                distance += usize::from(other.microversion != key.microversion);
                (distance, other)
            })
            .collect();
        near.sort_by_key(|(distance, other)| (*distance, other.describe()));
        let near: Vec<String> = near.iter().take(3).map(|(_, k)| k.describe()).collect();
        if near.is_empty() {
            format!("{}; nothing is recorded at all", key.describe())
        } else {
            format!("{}; nearest: {}", key.describe(), near.join(", "))
        }
    }
}

impl Transport for Replayer {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        debug_assert!(matches!(request.method, Method::Get | Method::Post));
        futures_util::future::ready(self.play(&request, None)).boxed()
    }
}

/// The part of a recording that is one cloud's, of several.
pub struct ReplayerOfCloud {
    pub replayer: Arc<Replayer>,
    pub cloud: String,
}

impl Transport for ReplayerOfCloud {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        let answer = self.replayer.play(&request, Some(&self.cloud));
        futures_util::future::ready(answer).boxed()
    }
}

/// Header and index. A last line without its end is what a killed run
/// leaves, and is left out; any other that cannot be read is an error.
fn read(
    mut reader: impl BufRead,
    path: &Path,
) -> Result<(Header, HashMap<Key, Takes>), RecordingError> {
    let failed = |source| RecordingError::Read {
        path: path.to_owned(),
        source,
    };
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line).map_err(failed)?;
    let header = header(&line, path)?;
    let mut index: HashMap<Key, Takes> = HashMap::new();
    let mut start = line.len() as u64;
    for number in 2.. {
        line.clear();
        let length = reader.read_until(b'\n', &mut line).map_err(failed)?;
        if length == 0 {
            break;
        }
        if !line.ends_with(b"\n") {
            tracing::warn!(
                "the recording `{}` ends in the middle of line {number}, which is left out",
                path.display()
            );
            break;
        }
        let bad = |detail: String| RecordingError::Line {
            path: path.to_owned(),
            line: number,
            detail,
        };
        let asked: Asked = serde_json::from_slice(&line).map_err(|error| bad(error.to_string()))?;
        let key = Key::recorded(&asked.request).map_err(|error| bad(error.to_string()))?;
        index.entry(key).or_default().push((start, length));
        start += length as u64;
    }
    Ok((header, index))
}

fn header(line: &[u8], path: &Path) -> Result<Header, RecordingError> {
    let path: PathBuf = path.to_owned();
    let not_ours = |error: serde_json::Error| RecordingError::NotOurs {
        path: path.clone(),
        detail: error.to_string(),
    };
    let kind: Kind = serde_json::from_slice(line).map_err(not_ours)?;
    if kind.format != FORMAT {
        return Err(RecordingError::NotOurs {
            path,
            detail: format!("its format is `{}`", kind.format),
        });
    }
    if kind.version != VERSION {
        return Err(RecordingError::OtherVersion {
            path,
            version: kind.version,
            engine: kind.engine,
        });
    }
    serde_json::from_slice(line).map_err(not_ours)
}
