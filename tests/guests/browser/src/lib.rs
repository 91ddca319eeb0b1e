//! A messenger that makes requests of its own through `wasi:http`, as its options
//! say, and reports what became of them.

// The bindings of wasi:http exist in WebAssembly only.
#![cfg(target_arch = "wasm32")]

use caso_component::log;
use caso_component::messenger::{
    Answer, Batch, CapabilityRequest, ComponentDescription, Messenger, OptionDescription,
    OptionKind, Rest, Setup, StartError,
};
use caso_component::settings::Settings;
use caso_component::types::Setting;
use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, IncomingResponse, Method, OutgoingBody,
    OutgoingRequest, Scheme,
};
use wasip2::io::streams::StreamError;

/// A started instance.
struct Browser {
    settings: Vec<Setting>,
    /// A response that one call leaves for the next to wait for.
    left: Option<FutureIncomingResponse>,
}

impl Messenger for Browser {
    fn describe() -> ComponentDescription {
        let option = |name, kind| OptionDescription::new(name, kind, None, "");
        ComponentDescription {
            options: vec![
                option("origin", OptionKind::Url),
                option("mode", OptionKind::Text),
                option("key", OptionKind::Secret),
            ],
            capabilities: vec![CapabilityRequest::new("web", "http", "${origin}").optional()],
            ..ComponentDescription::new("browser", "", "1.0.0")
        }
    }

    fn start(setup: &Setup) -> Result<Self, StartError> {
        Ok(Self {
            settings: setup.settings.clone(),
            left: None,
        })
    }

    fn deliver(&mut self, batch: &Batch) -> Answer {
        // A test with several calls names the mode by the batch.
        let mode = match batch.id.as_str() {
            "batch" => self.setting("mode"),
            other => other.to_owned(),
        };
        let report = self
            .act(&mode)
            .unwrap_or_else(|error| format!("failed: {error}"));
        Answer::nothing(Rest::Other(report))
    }
}

impl Browser {
    /// The value of an option, or an empty text.
    fn setting(&self, name: &str) -> String {
        let value = Settings(&self.settings).optional_text(name);
        value.ok().flatten().unwrap_or_default()
    }

    /// A request as the options say, or what of it was not taken.
    fn request(&self) -> Result<OutgoingRequest, String> {
        let headers = Fields::new();
        if let Some((name, value)) = self.setting("header").split_once(':') {
            headers
                .append(name, value.trim().as_bytes())
                .map_err(|error| format!("header {error:?}"))?;
        }
        let request = OutgoingRequest::new(headers);
        let method = match self.setting("method").as_str() {
            "" => Method::Get,
            "POST" => Method::Post,
            other => Method::Other(other.to_owned()),
        };
        request
            .set_method(&method)
            .map_err(|()| "method".to_owned())?;
        let scheme = match self.setting("scheme").as_str() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            other => Scheme::Other(other.to_owned()),
        };
        request
            .set_scheme(Some(&scheme))
            .map_err(|()| "scheme".to_owned())?;
        request
            .set_authority(Some(&self.setting("authority")))
            .map_err(|()| "authority".to_owned())?;
        request
            .set_path_with_query(Some(&self.setting("path")))
            .map_err(|()| "path".to_owned())?;
        Ok(request)
    }

    fn ask(&self, bytes: usize) -> Result<String, String> {
        Ok(read(&wait(&send(self.request()?, bytes)?)?))
    }

    fn act(&mut self, mode: &str) -> Result<String, String> {
        match mode {
            "ask" => self.ask(self.setting("bytes").parse().unwrap_or(0)),
            // The body is begun and never ended.
            "give-up" => {
                let request = self.request()?;
                let body = request.body().map_err(|()| "body".to_owned())?;
                let future = outgoing_handler::handle(request, None).map_err(code)?;
                let stream = body.write().map_err(|()| "stream".to_owned())?;
                let _ = stream.blocking_write_and_flush(b"half of it");
                drop(stream);
                drop(body);
                wait(&future).map(|answer| read(&answer))
            }
            "flood" => {
                let mut answered = 0;
                for _ in 0..10_000 {
                    match self.ask(0) {
                        Ok(_) => answered += 1,
                        Err(error) => return Ok(format!("{answered} answered, then {error}")),
                    }
                }
                Ok(format!("{answered} answered"))
            }
            "hoard" => {
                let mut hoard = Vec::new();
                let mut errors = std::collections::BTreeMap::new();
                for _ in 0..50 {
                    hoard.push(send(self.request()?, 0)?);
                }
                for future in &hoard[..] {
                    if let Err(error) = wait(future) {
                        *errors.entry(error).or_insert(0) += 1;
                        continue;
                    }
                    // The first answers hold their places until they are read.
                }
                Ok(format!("{errors:?}"))
            }
            "hoard-for-ever" => {
                let mut hoard = Vec::new();
                loop {
                    hoard.push(send(self.request()?, 0)?);
                }
            }
            "many-headers" => {
                let headers = Fields::new();
                for n in 0..1_000_000 {
                    headers
                        .append(&format!("x-{n}"), &[b'x'; 1000])
                        .map_err(|error| format!("header {n} {error:?}"))?;
                }
                Ok("no end".to_owned())
            }
            "leave" => {
                let future = send(self.request()?, 0)?;
                self.left = Some(future);
                Ok("left".to_owned())
            }
            "come-back" => match self.left.take() {
                Some(future) => wait(&future).map(|answer| read(&answer)),
                None => Ok("nothing was left".to_owned()),
            },
            "tell" => {
                log::info(&self.setting("path"));
                Ok(self.setting("path"))
            }
            other => panic!("no such mode: {other}"),
        }
    }
}

/// Sends it with that many bytes of a body.
fn send(request: OutgoingRequest, bytes: usize) -> Result<FutureIncomingResponse, String> {
    let body = request.body().map_err(|()| "body".to_owned())?;
    let future = outgoing_handler::handle(request, None).map_err(code)?;
    let stream = body.write().map_err(|()| "stream".to_owned())?;
    let mut left = bytes;
    while left > 0 {
        let piece = left.min(4096);
        if stream.blocking_write_and_flush(&vec![b'x'; piece]).is_err() {
            break;
        }
        left -= piece;
    }
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
    Ok(future)
}

fn wait(future: &FutureIncomingResponse) -> Result<IncomingResponse, String> {
    future.subscribe().block();
    match future.get() {
        Some(Ok(answer)) => answer.map_err(code),
        other => Err(format!("{other:?}")),
    }
}

fn code(code: ErrorCode) -> String {
    format!("{code:?}")
}

/// Reads an answer to its end: how many bytes, the first of them, and how it ended.
fn read(answer: &IncomingResponse) -> String {
    let body = answer.consume().unwrap();
    let stream = body.stream().unwrap();
    let mut count = 0;
    let mut begin = Vec::new();
    let end = loop {
        match stream.blocking_read(64 << 10) {
            Ok(piece) => {
                count += piece.len();
                begin.extend(piece.into_iter().take(200 - begin.len().min(200)));
            }
            Err(StreamError::Closed) => break "end".to_owned(),
            Err(StreamError::LastOperationFailed(error)) => break error.to_debug_string(),
        }
    };
    let begin: String = String::from_utf8_lossy(&begin).chars().take(200).collect();
    format!("{} {count} bytes, {end}: {begin}", answer.status())
}

caso_component::export_messenger!(Browser);
