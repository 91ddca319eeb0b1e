//! A transport around another that keeps what goes through it.
//!
//! A recording that cannot be written (disk full) does not stop the run: the
//! exchanges go on, the first error is kept, and [`Recorder::finish`] gives
//! it.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::Value;
use url::Url;

use super::pseudonyms::Pseudonyms;
use super::secrets::Secrets;
use super::{
    Exchange, FILE, Failure, Header, Names, RecordedAnswer, RecordedBody, RecordedOutcome,
    RecordedRequest, RecordingError,
};
use caso_net::proxy::Through;
use caso_net::{Request, Response, Transport, TransportError};

/// Records every exchange into a folder. Readable by its owner only, for
/// names may have been kept.
pub struct Recorder {
    inner: Arc<dyn Transport>,
    tape: Arc<Mutex<Tape>>,
    /// Whose exchanges these are, where there are several clouds.
    cloud: Option<String>,
}

struct Tape {
    path: PathBuf,
    file: File,
    secrets: Secrets,
    /// None where names are kept.
    names: Option<Pseudonyms>,
    broken: Option<std::io::Error>,
}

impl Recorder {
    /// Begins a recording in a folder, which is made if it is not there and
    /// must not hold one yet.
    pub fn new(
        inner: Arc<dyn Transport>,
        folder: &Path,
        header: Header,
    ) -> Result<Self, RecordingError> {
        let path = folder.join(FILE);
        let failed = |source| RecordingError::Write {
            path: path.clone(),
            source,
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(failed)?;
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(|source| {
                if source.kind() == std::io::ErrorKind::AlreadyExists {
                    RecordingError::Exists(folder.to_owned())
                } else {
                    failed(source)
                }
            })?;
        let mut tape = Tape {
            path: path.clone(),
            file,
            secrets: Secrets::default(),
            names: (header.names == Names::Replaced).then(Pseudonyms::default),
            broken: None,
        };
        let mut line = serde_json::to_value(header).map_err(|error| failed(error.into()))?;
        tape.clean(&mut line);
        tape.write(&line).map_err(failed)?;
        Ok(Recorder {
            inner,
            tape: Arc::new(Mutex::new(tape)),
            cloud: None,
        })
    }

    /// Another way to OpenStack, onto the same tape; `cloud` where there are
    /// several.
    pub fn beside(&self, inner: Arc<dyn Transport>, cloud: Option<&str>) -> Self {
        Recorder {
            inner,
            tape: self.tape.clone(),
            cloud: cloud.map(str::to_owned),
        }
    }

    /// JSON as it would stand in this recording: secrets gone, and names
    /// replaced by what stands for them elsewhere in it. For what a run keeps
    /// beside the exchanges, such as its mapping of projects to VOs.
    pub fn cleaned(&self, mut value: Value) -> Value {
        let mut tape = self.tape.lock().unwrap_or_else(PoisonError::into_inner);
        tape.clean(&mut value);
        value
    }

    /// What could not be written, if anything; to be asked when the run ends.
    pub fn finish(&self) -> Result<(), RecordingError> {
        let mut tape = self.tape.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = match tape.broken.take() {
            Some(error) => Err(error),
            None => tape.file.sync_all(),
        };
        outcome.map_err(|source| RecordingError::Write {
            path: tape.path.clone(),
            source,
        })
    }
}

impl Transport for Recorder {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        async move {
            let outcome = self.inner.send(request.clone()).await;
            let mut tape = self.tape.lock().unwrap_or_else(PoisonError::into_inner);
            tape.keep(&request, &outcome, self.cloud.as_deref());
            outcome
        }
        .boxed()
    }

    fn through(&self, url: &Url) -> Option<Through> {
        self.inner.through(url)
    }
}

impl Tape {
    fn keep(
        &mut self,
        request: &Request,
        outcome: &Result<Response, TransportError>,
        cloud: Option<&str>,
    ) {
        if self.broken.is_some() {
            return;
        }
        let mut exchange = self.exchange(request, outcome);
        exchange.request.cloud = cloud.map(str::to_owned);
        let written = serde_json::to_value(exchange)
            .map_err(std::io::Error::from)
            .and_then(|line| self.write(&line));
        if let Err(error) = written {
            tracing::warn!(
                "the recording `{}` ends here, the run goes on: {error}",
                self.path.display()
            );
            self.broken = Some(error);
        }
    }

    fn write(&mut self, line: &Value) -> std::io::Result<()> {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        self.file.write_all(&bytes)
    }

    fn exchange(
        &mut self,
        request: &Request,
        outcome: &Result<Response, TransportError>,
    ) -> Exchange {
        // All secrets of the exchange first, so that none is written before
        // it is known as one.
        for (name, value) in &request.headers {
            self.secrets.learn(name, value);
        }
        let asked: Option<Value> = request
            .body
            .as_deref()
            .map(|body| parse(request.header("content-type"), body));
        if let Some(asked) = &asked {
            self.secrets.find(asked);
        }
        let answered = outcome.as_ref().ok().map(|response| body(&response.body));
        if let Some(RecordedBody::Json(value)) = &answered {
            self.secrets.find(value);
        }
        let headers = outcome
            .as_ref()
            .map(|response| self.secrets.answer_headers(&response.headers))
            .unwrap_or_default();

        let request = RecordedRequest {
            method: request.method.name().to_owned(),
            url: self.url(&request.url),
            scope: match &mut self.names {
                Some(names) => names.scope(&request.scope),
                None => request.scope.clone(),
            },
            cloud: None,
            headers: self.secrets.request_headers(&request.headers),
            body: asked.map(|mut asked| {
                self.clean(&mut asked);
                asked
            }),
        };
        let outcome = match outcome {
            Ok(response) => RecordedOutcome::Answer(RecordedAnswer {
                status: response.status,
                headers: headers
                    .into_iter()
                    .map(|(name, value)| {
                        let value = if name == "location" {
                            self.text(&value)
                        } else {
                            value
                        };
                        (name, value)
                    })
                    .collect(),
                body: match answered {
                    Some(RecordedBody::Json(mut value)) => {
                        self.clean(&mut value);
                        RecordedBody::Json(value)
                    }
                    Some(RecordedBody::Text(text)) => RecordedBody::Text(self.page(&text)),
                    None => RecordedBody::Text(String::new()),
                },
            }),
            Err(error) => {
                let mut failure = Failure::from(error);
                if let Failure::Connect { detail }
                | Failure::Tls { detail, .. }
                | Failure::Timeout { detail }
                | Failure::Truncated { detail }
                | Failure::Protocol { detail } = &mut failure
                {
                    *detail = self.text(detail);
                }
                RecordedOutcome::Failure(failure)
            }
        };
        Exchange { request, outcome }
    }

    fn clean(&mut self, value: &mut Value) {
        self.secrets.find(value);
        self.secrets.clean(value);
        if let Some(names) = &mut self.names {
            names.json(value);
        }
    }

    fn text(&mut self, text: &str) -> String {
        let text = self.secrets.text(text);
        match &mut self.names {
            Some(names) => names.prose(&text),
            None => text,
        }
    }

    fn url(&mut self, url: &url::Url) -> String {
        let text = match &mut self.names {
            Some(names) => names.url(url).to_string(),
            None => url.to_string(),
        };
        self.secrets.text(&text)
    }

    /// A body that is no JSON. Names in it cannot be found, so only what it
    /// is remains, which is all that anybody decides on: a page, JSON cut
    /// short, or nothing.
    fn page(&self, text: &str) -> String {
        let text = self.secrets.text(text);
        if self.names.is_none() {
            return text;
        }
        match text.trim_start().chars().next() {
            None => text,
            Some('{' | '[') => "{\"removed".to_owned(),
            Some('<') => "<html>a page, removed</html>".to_owned(),
            Some(_) => "a text, removed".to_owned(),
        }
    }
}

/// A form as an object, so that its secrets stand under their names.
fn parse(content_type: Option<&str>, body: &str) -> Value {
    if content_type == Some("application/x-www-form-urlencoded") {
        let pairs = url::form_urlencoded::parse(body.as_bytes()).into_owned();
        return Value::Object(pairs.map(|(key, value)| (key, value.into())).collect());
    }
    serde_json::from_str(body).unwrap_or_else(|_| Value::String(body.to_owned()))
}

fn body(bytes: &[u8]) -> RecordedBody {
    match serde_json::from_slice(bytes) {
        Ok(value) => RecordedBody::Json(value),
        Err(_) => RecordedBody::Text(String::from_utf8_lossy(bytes).into_owned()),
    }
}
