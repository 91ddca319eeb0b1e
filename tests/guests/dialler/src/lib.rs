//! A messenger that opens sockets of its own instead of asking for a
//! connection, and reports what became of it.

// There is nothing of it natively.
#![cfg(target_arch = "wasm32")]

use std::cell::RefCell;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};

wit_bindgen::generate!({ path: "../../../wit", world: "messenger" });

use caso::accounting::types::{OptionValue, Setting};
use exports::caso::accounting::delivery::{self, Answer, Batch, Rest};
use exports::caso::accounting::description::{self, CapabilityRequest, ComponentDescription};

struct Dialler;

thread_local! {
    static TARGETS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

impl description::Guest for Dialler {
    fn describe() -> ComponentDescription {
        ComponentDescription {
            name: "dialler".to_owned(),
            summary: String::new(),
            version: "1.0.0".to_owned(),
            record_types: Vec::new(),
            options: Vec::new(),
            capabilities: vec![CapabilityRequest {
                name: "peer".to_owned(),
                kind: "address".to_owned(),
                target: "${endpoint}".to_owned(),
                required: true,
                attributes: Vec::new(),
            }],
            packing_option: None,
            attributes: Vec::new(),
        }
    }
}

fn dial(target: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(target)?;
    stream.write_all(b"hello")?;
    stream.shutdown(std::net::Shutdown::Write)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

impl delivery::Guest for Dialler {
    fn start(_: String, settings: Vec<Setting>) -> Result<(), String> {
        TARGETS.set(
            settings
                .into_iter()
                .filter_map(|setting| match setting.value {
                    OptionValue::Text(text) => Some(text),
                    _ => None,
                })
                .collect(),
        );
        Ok(())
    }

    fn deliver(_: Batch) -> Answer {
        let mut found: Vec<String> = TARGETS.with_borrow(|targets| {
            targets
                .iter()
                .map(|target| dial(target).unwrap_or_else(|_| "denied".to_owned()))
                .collect()
        });
        let listening = TcpListener::bind("127.0.0.1:0").is_ok();
        let udp = UdpSocket::bind("0.0.0.0:0")
            .and_then(|socket| socket.send_to(b"x", "127.0.0.1:9"))
            .is_ok();
        found.push(format!("listening {listening}, udp {udp}"));
        Answer {
            accepted: 0,
            refused: Vec::new(),
            rest: Rest::Other(found.join(", ")),
            attributes: Vec::new(),
        }
    }
}

#[allow(unsafe_code, reason = "wit-bindgen's export")]
mod exported {
    super::export!(Dialler with_types_in super);
    use super::Dialler;
}
