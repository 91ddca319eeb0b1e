//! A messenger that makes requests of its own through `wasi:http`, as its options
//! say, and reports what became of them.

// There is nothing of it natively.
#![cfg(target_arch = "wasm32")]

use std::cell::RefCell;

wit_bindgen::generate!({ path: "../../../wit", world: "messenger" });

use caso::accounting::log;
use caso::accounting::types::{OptionValue, Setting};
use exports::caso::accounting::delivery::{self, Answer, Batch, Rest};
use exports::caso::accounting::description::{
    self, CapabilityRequest, ComponentDescription, OptionDescription, OptionKind,
};
use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, IncomingResponse, Method, OutgoingBody,
    OutgoingRequest, Scheme,
};
use wasip2::io::streams::StreamError;

struct Browser;

thread_local! {
    static SETTINGS: RefCell<Vec<Setting>> = const { RefCell::new(Vec::new()) };
    /// What a call left behind for the next one.
    static LEFT: RefCell<Option<FutureIncomingResponse>> = const { RefCell::new(None) };
}

impl description::Guest for Browser {
    fn describe() -> ComponentDescription {
        let option = |name: &str, kind| OptionDescription {
            name: name.to_owned(),
            kind,
            default: None,
            required: false,
            help: String::new(),
            old_names: Vec::new(),
            attributes: Vec::new(),
        };
        let capability = |name: &str, target: &str| CapabilityRequest {
            name: name.to_owned(),
            kind: "http".to_owned(),
            target: target.to_owned(),
            required: false,
            attributes: Vec::new(),
        };
        ComponentDescription {
            name: "browser".to_owned(),
            summary: String::new(),
            version: "1.0.0".to_owned(),
            record_types: Vec::new(),
            options: vec![
                option("origin", OptionKind::Url),
                option("mode", OptionKind::Text),
                option("key", OptionKind::Secret),
            ],
            capabilities: vec![capability("web", "${origin}")],
            packing_option: None,
            attributes: Vec::new(),
        }
    }
}

fn setting(name: &str) -> String {
    SETTINGS.with_borrow(|settings| {
        let found = settings.iter().find(|setting| setting.name == name);
        match found.map(|setting| &setting.value) {
            Some(OptionValue::Text(text)) => text.clone(),
            _ => String::new(),
        }
    })
}

/// A request as the options say, or what of it was not taken.
fn request() -> Result<OutgoingRequest, String> {
    let headers = Fields::new();
    if let Some((name, value)) = setting("header").split_once(':') {
        headers
            .append(name, value.trim().as_bytes())
            .map_err(|error| format!("header {error:?}"))?;
    }
    let request = OutgoingRequest::new(headers);
    let method = match setting("method").as_str() {
        "" => Method::Get,
        "POST" => Method::Post,
        other => Method::Other(other.to_owned()),
    };
    request
        .set_method(&method)
        .map_err(|()| "method".to_owned())?;
    let scheme = match setting("scheme").as_str() {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => Scheme::Other(other.to_owned()),
    };
    request
        .set_scheme(Some(&scheme))
        .map_err(|()| "scheme".to_owned())?;
    request
        .set_authority(Some(&setting("authority")))
        .map_err(|()| "authority".to_owned())?;
    request
        .set_path_with_query(Some(&setting("path")))
        .map_err(|()| "path".to_owned())?;
    Ok(request)
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

fn ask(bytes: usize) -> Result<String, String> {
    Ok(read(&wait(&send(request()?, bytes)?)?))
}

fn act(mode: &str) -> Result<String, String> {
    match mode {
        "ask" => ask(setting("bytes").parse().unwrap_or(0)),
        // The body is begun and never ended.
        "give-up" => {
            let request = request()?;
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
                match ask(0) {
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
                hoard.push(send(request()?, 0)?);
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
                hoard.push(send(request()?, 0)?);
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
            let future = send(request()?, 0)?;
            LEFT.set(Some(future));
            Ok("left".to_owned())
        }
        "come-back" => match LEFT.take() {
            Some(future) => wait(&future).map(|answer| read(&answer)),
            None => Ok("nothing was left".to_owned()),
        },
        "tell" => {
            log::write(log::Level::Info, &setting("path"));
            Ok(setting("path"))
        }
        other => panic!("no such mode: {other}"),
    }
}

impl delivery::Guest for Browser {
    fn start(_: String, settings: Vec<Setting>) -> Result<(), String> {
        SETTINGS.set(settings);
        Ok(())
    }

    fn deliver(batch: Batch) -> Answer {
        // A test with several calls names the mode by the batch.
        let mode = match batch.id.as_str() {
            "batch" => setting("mode"),
            other => other.to_owned(),
        };
        let report = act(&mode).unwrap_or_else(|error| format!("failed: {error}"));
        Answer {
            accepted: 0,
            refused: Vec::new(),
            rest: Rest::Other(report),
            attributes: Vec::new(),
        }
    }
}

#[allow(unsafe_code, reason = "wit-bindgen's export")]
mod exported {
    super::export!(Browser with_types_in super);
    use super::Browser;
}
