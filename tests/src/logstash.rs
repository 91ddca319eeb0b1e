//! A stand-in Logstash: a TCP input that takes JSON lines, or does not. Behind TLS
//! it ends as rsyslog does: without a `close_notify` of its own.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use caso_stand_in::Gate;

/// How it takes what is sent.
#[derive(Clone, Debug)]
pub enum Mood {
    Normal,
    /// A few bytes at a time, with a pause between them.
    Slow {
        bytes: usize,
        pause: Duration,
    },
    /// Takes a connection, which the gate shows, and never reads: one that speaks
    /// TLS waits for it.
    Deaf(Gate),
    /// Closes after that many bytes, of every connection.
    ClosesAfter(usize),
}

/// Listens on a port of the loopback interface as long as the process lives.
pub struct Logstash {
    port: u16,
    mood: Arc<Mutex<Mood>>,
    taken: Arc<Mutex<Vec<u8>>>,
}

impl Logstash {
    pub fn start(mood: Mood) -> Self {
        Logstash::start_with(mood, None)
    }

    /// The same behind TLS.
    pub fn start_tls(config: ServerConfig) -> Self {
        Logstash::start_with(Mood::Normal, Some(Arc::new(config)))
    }

    fn start_with(mood: Mood, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener =
            TcpListener::bind("127.0.0.1:0").expect("a free port on the loopback interface");
        let port = listener
            .local_addr()
            .expect("a bound listener has an address")
            .port();
        let mood = Arc::new(Mutex::new(mood));
        let taken = Arc::new(Mutex::new(Vec::new()));
        let (moods, sink) = (mood.clone(), taken.clone());
        thread::spawn(move || {
            let mut deaf = Vec::new();
            for stream in listener.incoming().flatten() {
                let mood = lock(&moods).clone();
                if let Mood::Deaf(gate) = mood {
                    gate.arrive();
                    deaf.push(stream);
                    continue;
                }
                let (sink, tls) = (sink.clone(), tls.clone());
                thread::spawn(move || match tls {
                    None => take(stream, mood, &sink),
                    Some(tls) => {
                        let session = ServerConnection::new(tls).expect("a complete configuration");
                        take(StreamOwned::new(session, stream), mood, &sink);
                    }
                });
            }
        });
        Logstash { port, mood, taken }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// From the next connection on.
    pub fn set_mood(&self, mood: Mood) {
        *lock(&self.mood) = mood;
    }

    /// The lines that arrived whole.
    pub fn lines(&self) -> Vec<serde_json::Value> {
        let taken = lock(&self.taken);
        let whole = taken
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        BufReader::new(&taken[..whole])
            .lines()
            .map(|line| serde_json::from_str(&line.expect("UTF-8")).expect("a line is JSON"))
            .collect()
    }

    /// What arrived in whole lines, as it was sent; what is no UTF-8 as U+FFFD.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&lock(&self.taken)).into_owned()
    }

    /// A port where nothing listens: what was there has gone.
    pub fn down() -> u16 {
        let listener =
            TcpListener::bind("127.0.0.1:0").expect("a free port on the loopback interface");
        listener
            .local_addr()
            .expect("a bound listener has an address")
            .port()
    }
}

fn take(mut stream: impl Read, mood: Mood, sink: &Mutex<Vec<u8>>) {
    let mut mine = Vec::new();
    let mut buffer = vec![0; 65_536];
    loop {
        let room = match mood {
            Mood::Slow { bytes, .. } => bytes,
            Mood::ClosesAfter(limit) => limit - mine.len(),
            Mood::Normal | Mood::Deaf(_) => buffer.len(),
        };
        let Ok(count @ 1..) = stream.read(&mut buffer[..room.min(65_536)]) else {
            break;
        };
        mine.extend_from_slice(&buffer[..count]);
        match mood {
            Mood::Slow { pause, .. } => thread::sleep(pause),
            Mood::ClosesAfter(limit) if mine.len() == limit => break,
            _ => {}
        }
    }
    // Whole lines of a connection stay together; a torn one is its end.
    let mut taken = lock(sink);
    let whole = mine
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    taken.extend_from_slice(&mine[..whole]);
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
