//! A messenger that opens sockets of its own instead of asking for a
//! connection, and reports what became of it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};

use caso_component::messenger::{
    Answer, Batch, CapabilityRequest, ComponentDescription, Messenger, Rest, Setup, StartError,
};
use caso_component::types::OptionValue;

/// A started instance.
pub struct Dialler {
    /// `host:port` of each server: all of its options.
    targets: Vec<String>,
}

impl Messenger for Dialler {
    fn describe() -> ComponentDescription {
        ComponentDescription {
            capabilities: vec![CapabilityRequest::new("peer", "address", "${endpoint}")],
            ..ComponentDescription::new("dialler", "", "1.0.0")
        }
    }

    fn start(setup: &Setup) -> Result<Self, StartError> {
        let texts = setup
            .settings
            .iter()
            .filter_map(|setting| match &setting.value {
                OptionValue::Text(text) => Some(text.clone()),
                _ => None,
            });
        Ok(Self {
            targets: texts.collect(),
        })
    }

    fn deliver(&mut self, _: &Batch) -> Answer {
        let mut found: Vec<String> = self
            .targets
            .iter()
            .map(|target| dial(target).unwrap_or_else(|_| "denied".to_owned()))
            .collect();
        let listening = TcpListener::bind("127.0.0.1:0").is_ok();
        let udp = UdpSocket::bind("0.0.0.0:0")
            .and_then(|socket| socket.send_to(b"x", "127.0.0.1:9"))
            .is_ok();
        found.push(format!("listening {listening}, udp {udp}"));
        Answer::nothing(Rest::Other(found.join(", ")))
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

caso_component::export_messenger!(Dialler);
