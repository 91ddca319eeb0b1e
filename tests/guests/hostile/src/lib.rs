//! A messenger that does what its option `mode` says. What it finds out about
//! the sandbox it reports as the `other` of its answer, so that a test asserts
//! on what a guest really saw.

use caso_component::log;
use caso_component::messenger::{
    Answer, Batch, CapabilityRequest, ComponentDescription, Messenger, OptionDescription,
    OptionKind, Refusal, Rest, Setup, StartError, connection, queue,
};
use caso_component::records::RecordList;
use caso_component::settings::Settings;
use caso_component::types::{Attribute, Setting};

/// A started instance.
pub struct Hostile {
    settings: Vec<Setting>,
    /// What the host says of itself.
    facts: Vec<Attribute>,
    /// Calls of `deliver` in this store.
    calls: u32,
    /// The connection that was opened last.
    handle: u32,
}

fn ids(batch: &Batch) -> Vec<String> {
    match &batch.records {
        RecordList::Other(records) => records
            .iter()
            .map(|record| record.head.id.clone())
            .collect(),
        _ => Vec::new(),
    }
}

fn report(text: String) -> Answer {
    Answer::nothing(Rest::Other(text))
}

fn refusal(index: usize) -> Refusal {
    Refusal::new(index, "because")
}

fn put(message: &str) {
    // Where no queue is granted there is nothing to leave behind.
    let _ = queue::put("outgoing", message.as_bytes());
}

#[inline(never)]
fn the_guilty_function(what: &str) -> ! {
    panic!("{what}")
}

#[allow(unconditional_recursion)]
#[inline(never)]
fn dive(depth: u64) -> u64 {
    let wide = [depth; 16];
    dive(std::hint::black_box(wide)[3] + 1) + wide[5]
}

impl Messenger for Hostile {
    fn describe() -> ComponentDescription {
        let option = |name, kind| OptionDescription::new(name, kind, None, "");
        let capability = |name, kind, target| CapabilityRequest::new(name, kind, target).optional();
        ComponentDescription {
            options: vec![
                option("mode", OptionKind::Text),
                option("output_path", OptionKind::Path),
                option("server", OptionKind::Endpoint),
                option("directory", OptionKind::Path),
                option("key", OptionKind::Secret),
            ],
            capabilities: vec![
                capability("outgoing", "queue", "${output_path}"),
                capability("server", "connection", "${server}"),
                capability("data", "directory-write", "${directory}"),
            ],
            ..ComponentDescription::new("hostile", "Does what its option says", "1.0.0")
        }
    }

    fn start(setup: &Setup) -> Result<Self, StartError> {
        let instance = &setup.instance;
        let hostile = Self {
            settings: setup.settings.clone(),
            facts: setup.attributes.clone(),
            calls: 0,
            handle: 0,
        };
        log::debug(&format!("{instance} starts"));
        match hostile.setting("mode").as_str() {
            "start-refuses" => Err(StartError::Misconfigured(format!(
                "no such thing as `{}`",
                hostile.setting("key")
            ))),
            "start-refuses-option" => Err(StartError::option("mode\u{1b}", hostile.setting("key"))),
            "start-traps" => the_guilty_function("at the start"),
            _ => Ok(hostile),
        }
    }

    fn deliver(&mut self, batch: &Batch) -> Answer {
        let ids = ids(batch);
        let len = ids.len();
        self.calls += 1;
        put(&ids.join(","));
        let done = Answer::partial(len, Vec::new(), Rest::Done);
        let mode = self.setting("mode");
        if let Some(id) = mode.strip_prefix("trap-on:") {
            if ids.iter().any(|known| known == id) {
                the_guilty_function(id);
            }
            return done;
        }
        match mode.as_str() {
            "accept" => done,
            "trap" => the_guilty_function("on purpose"),
            "exit" => std::process::exit(3),
            "divide" => Answer::partial(
                len / (std::hint::black_box(len) - len),
                Vec::new(),
                Rest::Done,
            ),
            "loop" => loop {
                std::hint::black_box(len);
            },
            "sleep" => {
                std::thread::sleep(std::time::Duration::from_secs(3600));
                done
            }
            "alloc" => {
                let mut hoard: Vec<Vec<u8>> = Vec::new();
                loop {
                    hoard.push(std::hint::black_box(vec![1; 1 << 20]));
                }
            }
            "deep-recursion" => report(dive(0).to_string()),
            "print-megabytes" => {
                let line = "x".repeat(10_000);
                for _ in 0..500 {
                    println!("{line}");
                    eprintln!("{line}");
                }
                print!("{}", "y".repeat(3_000_000));
                done
            }
            "log-megabytes" => {
                let line = "x".repeat(100_000);
                for _ in 0..200 {
                    log::write(log::Level::Error, &line);
                }
                done
            }
            "tell-secret" => {
                let key = self.setting("key");
                println!("the key is {key}");
                log::write(log::Level::Info, &key);
                let mut answer = report(format!("the key is {key}"));
                answer.refused = vec![Refusal::new(0, key)];
                answer
            }
            "die-telling" => the_guilty_function(&self.setting("key")),
            "ask-ungranted" => {
                let queue = queue::put("elsewhere", b"x");
                let connection = connection::open("elsewhere");
                report(format!("{queue:?} {connection:?}"))
            }
            "wrong-index" => Answer::partial(len, vec![refusal(len)], Rest::Done),
            "refuse-twice" => Answer::partial(len, vec![refusal(0), refusal(0)], Rest::Done),
            "accepted-too-many" => Answer::partial(len + 1, Vec::new(), Rest::Done),
            "silent-rest" => Answer::partial(1, Vec::new(), Rest::Done),
            "refuse-first" => Answer::partial(len, vec![refusal(0)], Rest::Done),
            "too-large" => Answer::partial(0, Vec::new(), Rest::TooLarge),
            "retry" => Answer::nothing(Rest::retry(7, "busy")),
            "origins" => {
                let of = |index| {
                    let origin = batch
                        .origin(index)
                        .map(|it| (&it.cloud, &it.region, it.window));
                    origin.map(|(cloud, region, window)| {
                        format!("{cloud}/{region:?}/{}-{}", window.start, window.end)
                    })
                };
                report(format!("{:?}", (0..=len).map(of).collect::<Vec<_>>()))
            }
            "time-left" => report(batch.time_left_milliseconds.to_string()),
            "facts" => {
                let facts = self
                    .facts
                    .iter()
                    .map(|it| format!("{}={}", it.name, it.value));
                report(facts.collect::<Vec<_>>().join(", "))
            }
            "huge-answer" => {
                let mut refusal = refusal(0);
                refusal.reason = "x".repeat(20 << 20);
                Answer::partial(len, vec![refusal], Rest::Done)
            }
            "huge-message" => {
                let answer = queue::put("outgoing", &vec![0; 20 << 20]);
                report(format!("{answer:?}"))
            }
            "flood-queue" => {
                let mut taken = 0;
                loop {
                    match queue::put("outgoing", b"flood") {
                        Ok(()) => taken += 1,
                        Err(error) => return report(format!("{taken} {error:?}")),
                    }
                }
            }
            "flood-objects" => {
                let mut open = Vec::new();
                for _ in 0..1_000_000 {
                    open.push(std::fs::File::open("/data"));
                }
                done
            }
            "count-calls" if ids == ["slow"] => {
                std::thread::sleep(std::time::Duration::from_secs(3600));
                done
            }
            "count-calls" => report(self.calls.to_string()),
            "write-file" => {
                let paths = [
                    "/tmp/x",
                    "x",
                    "/etc/passwd",
                    "/data/x",
                    "/data/../x",
                    "/data/link",
                ];
                let results = paths.map(|path| match std::fs::write(path, "hostile") {
                    Ok(()) => format!("{path} written"),
                    Err(_) => format!("{path} refused"),
                });
                report(results.join(", "))
            }
            "fill-folder" => {
                let block = vec![b'x'; 1 << 20];
                for n in 0..1_000_000 {
                    if let Err(error) = std::fs::write(format!("/data/{n}"), &block) {
                        return report(format!("{n} {error}"));
                    }
                }
                done
            }
            "many-files" => {
                for n in 0..1_000_000 {
                    if let Err(error) = std::fs::write(format!("/data/{n}"), "") {
                        return report(format!("{n} {error}"));
                    }
                }
                done
            }
            "open-pipe" => {
                let read = std::fs::File::open("/data/pipe").map(drop);
                let write = std::fs::OpenOptions::new()
                    .write(true)
                    .open("/data/pipe")
                    .map(drop);
                report(format!("{} {}", read.is_ok(), write.is_ok()))
            }
            "one-a-time" => {
                let _ = queue::put("outgoing", &vec![b'x'; 1 << 20]);
                for _ in 0..100 {
                    log::error("an error for root's mail");
                }
                let rest = Rest::retry(0, "one more");
                Answer::partial(1, Vec::new(), rest)
            }
            "wait-for-nothing" => {
                let begin = std::time::Instant::now();
                std::thread::sleep(std::time::Duration::from_millis(20));
                report(format!("{}", begin.elapsed().as_nanos()))
            }
            "env" => {
                let directory = std::fs::read_dir("/").map(|entries| entries.count());
                report(format!(
                    "{} variables, {} arguments, root {}, stdin {:?}",
                    std::env::vars().count(),
                    std::env::args().count(),
                    if directory.is_ok() {
                        "readable"
                    } else {
                        "closed"
                    },
                    std::io::read_to_string(std::io::stdin()),
                ))
            }
            "connect" => {
                let mut run = || -> Result<Vec<u8>, connection::ConnectionError> {
                    let handle = connection::open("server")?;
                    self.handle = handle;
                    connection::send(handle, format!("{}\n", ids.join(",")).as_bytes())?;
                    connection::finish(handle)?;
                    let received = connection::receive(handle, 100)?;
                    connection::close(handle);
                    Ok(received)
                };
                report(match run() {
                    Ok(bytes) => format!("received {}", String::from_utf8_lossy(&bytes)),
                    Err(error) => format!("{error:?}"),
                })
            }
            // A server that always has one byte more: no single wait is ever too long.
            "listen-for-ever" => {
                let heard = connection::open("server").and_then(|handle| {
                    loop {
                        connection::receive(handle, 1)?;
                    }
                });
                let (Ok(ended) | Err(ended)) = heard.map_err(|error| format!("{error:?}"));
                report(ended)
            }
            // Leaves a connection open, and uses its handle in the next call.
            "keep-handle" if self.calls == 1 => report(format!(
                "{:?}",
                connection::open("server")
                    .inspect(|handle| self.handle = *handle)
                    .is_ok()
            )),
            "keep-handle" => report(format!("{:?}", connection::send(self.handle, b"late"))),
            other => report(format!("no mode `{other}`")),
        }
    }
}

impl Hostile {
    /// The value of an option, or an empty text.
    fn setting(&self, name: &str) -> String {
        let value = Settings(&self.settings).optional_text(name);
        value.ok().flatten().unwrap_or_default()
    }
}

caso_component::export_messenger!(Hostile);
