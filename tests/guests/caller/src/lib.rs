//! A messenger that makes requests through `caso:http`, as its options say, and reports what
//! became of them.

// A native build of it is empty.
#![cfg(target_arch = "wasm32")]

use std::cell::RefCell;
use std::collections::BTreeMap;

wit_bindgen::generate!({ path: ["../../../wit", "../../../wit/http"], world: "caso:http/messenger-http", generate_all });

use caso::accounting::deliveries::{Answer, Batch, Rest};
use caso::accounting::descriptions::{
    CapabilityRequest, ComponentDescription, OptionDescription, OptionKind,
};
use caso::accounting::types::{OptionValue, Setup, StartError};
use caso::http::http::{self, Header, HttpError, Request};
use exports::caso::accounting::{delivery, description};

struct Caller;

thread_local! {
    static OPTIONS: RefCell<BTreeMap<String, String>> = const { RefCell::new(BTreeMap::new()) };
}

fn option(name: &str) -> String {
    OPTIONS.with_borrow(|options| options.get(name).cloned().unwrap_or_default())
}

impl description::Guest for Caller {
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
        ComponentDescription {
            name: "caller".to_owned(),
            summary: String::new(),
            version: "1.0.0".to_owned(),
            record_types: Vec::new(),
            options: vec![
                option("origin", OptionKind::Url),
                option("mode", OptionKind::Text),
                option("key", OptionKind::Secret),
            ],
            capabilities: vec![CapabilityRequest {
                name: "web".to_owned(),
                kind: "http".to_owned(),
                target: "${origin}".to_owned(),
                required: false,
                attributes: Vec::new(),
            }],
            packing_option: None,
            attributes: Vec::new(),
        }
    }
}

impl delivery::Guest for Caller {
    fn start(setup: Setup) -> Result<(), StartError> {
        for setting in setup.settings {
            if let OptionValue::Text(text) = setting.value {
                OPTIONS.with_borrow_mut(|options| options.insert(setting.name, text));
            }
        }
        Ok(())
    }

    fn deliver(_: Batch) -> Answer {
        Answer {
            accepted: 0,
            refused: Vec::new(),
            rest: Rest::Other(report()),
            attributes: Vec::new(),
        }
    }
}

fn report() -> String {
    match option("mode").as_str() {
        "flood" => {
            let mut answered = 0;
            loop {
                match ask() {
                    Ok(_) => answered += 1,
                    Err(error) => return format!("{answered} answered, then {error}"),
                }
            }
        }
        "many-headers" => {
            let header = |n| Header {
                name: format!("x-{n}"),
                value: "x".repeat(100),
            };
            let request = Request {
                headers: (0..10_000).map(header).collect(),
                ..request()
            };
            shown(http::send("web", &request)).unwrap_or_else(|error| error)
        }
        _ => ask().unwrap_or_else(|error| error),
    }
}

fn request() -> Request {
    let or = |text: String, usual: &str| match text.is_empty() {
        true => usual.to_owned(),
        false => text,
    };
    let header = option("header");
    let header = header.split_once(':').map(|(name, value)| Header {
        name: name.to_owned(),
        value: value.trim().to_owned(),
    });
    Request {
        method: or(option("method"), "GET"),
        path: or(option("path"), "/"),
        headers: header.into_iter().collect(),
        body: vec![b'x'; option("bytes").parse().unwrap_or(0)],
    }
}

fn ask() -> Result<String, String> {
    let name = match option("name") {
        name if name.is_empty() => "web".to_owned(),
        name => name,
    };
    shown(http::send(&name, &request()))
}

fn shown(answer: Result<http::Response, HttpError>) -> Result<String, String> {
    let answer = answer.map_err(|error| format!("{error:?}"))?;
    let cookie = answer.headers.iter().find(|it| it.name == "set-cookie");
    let cookie = cookie.map(|it| it.value.as_str()).unwrap_or_default();
    let begin = &answer.body[..answer.body.len().min(200)];
    Ok(format!(
        "{} {} bytes, cookie `{cookie}`: {}",
        answer.status,
        answer.body.len(),
        String::from_utf8_lossy(begin)
    ))
}

#[allow(unsafe_code, reason = "wit-bindgen's export")]
mod exported {
    super::export!(Caller with_types_in super);
    use super::Caller;
}
