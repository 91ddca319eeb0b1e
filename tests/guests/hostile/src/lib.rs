//! A messenger that does what its option `mode` says. What it finds out about
//! the sandbox it reports as the `other` of its answer, so that a test asserts
//! on what a guest really saw.

// There is nothing of it natively.
#![cfg(target_arch = "wasm32")]

use std::cell::RefCell;

wit_bindgen::generate!({ path: "../../../wit", world: "messenger" });

use caso::accounting::connection;
use caso::accounting::log;
use caso::accounting::queue;
use caso::accounting::records::RecordList;
use caso::accounting::types::{OptionValue, Setting};
use exports::caso::accounting::delivery::{self, Answer, Batch, Refusal, Rest};
use exports::caso::accounting::description::{
    self, CapabilityRequest, ComponentDescription, OptionDescription, OptionKind,
};

struct Hostile;

thread_local! {
    static SETTINGS: RefCell<Vec<Setting>> = const { RefCell::new(Vec::new()) };
    /// Calls of `deliver` in this store.
    static CALLS: RefCell<u32> = const { RefCell::new(0) };
    static HANDLE: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

fn option(name: &str, kind: OptionKind) -> OptionDescription {
    OptionDescription {
        name: name.to_owned(),
        kind,
        default: None,
        required: false,
        help: String::new(),
        old_names: Vec::new(),
        attributes: Vec::new(),
    }
}

fn capability(name: &str, kind: &str, target: &str) -> CapabilityRequest {
    CapabilityRequest {
        name: name.to_owned(),
        kind: kind.to_owned(),
        target: target.to_owned(),
        required: false,
        attributes: Vec::new(),
    }
}

impl description::Guest for Hostile {
    fn describe() -> ComponentDescription {
        ComponentDescription {
            name: "hostile".to_owned(),
            summary: "Does what its option says".to_owned(),
            version: "1.0.0".to_owned(),
            record_types: Vec::new(),
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
            packing_option: None,
            attributes: Vec::new(),
        }
    }
}

fn setting(name: &str) -> String {
    SETTINGS.with_borrow(|settings| {
        match settings
            .iter()
            .find(|setting| setting.name == name)
            .map(|setting| &setting.value)
        {
            Some(OptionValue::Text(text)) => text.clone(),
            _ => String::new(),
        }
    })
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

fn answer(accepted: usize, refused: Vec<Refusal>, rest: Rest) -> Answer {
    Answer {
        accepted: accepted as u32,
        refused,
        rest,
        attributes: Vec::new(),
    }
}

fn report(text: String) -> Answer {
    answer(0, Vec::new(), Rest::Other(text))
}

fn refusal(index: usize) -> Refusal {
    Refusal {
        index: index as u32,
        reason: "because".to_owned(),
    }
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

impl delivery::Guest for Hostile {
    fn start(instance: String, settings: Vec<Setting>) -> Result<(), String> {
        SETTINGS.set(settings);
        log::write(log::Level::Debug, &format!("{instance} starts"));
        match setting("mode").as_str() {
            "start-refuses" => Err(format!("no such thing as `{}`", setting("key"))),
            "start-traps" => the_guilty_function("at the start"),
            _ => Ok(()),
        }
    }

    fn deliver(batch: Batch) -> Answer {
        let ids = ids(&batch);
        let len = ids.len();
        let calls = CALLS.with_borrow_mut(|calls| {
            *calls += 1;
            *calls
        });
        put(&ids.join(","));
        let done = answer(len, Vec::new(), Rest::Done);
        let mode = setting("mode");
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
            "divide" => answer(
                len / std::hint::black_box(len - len),
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
                let key = setting("key");
                println!("the key is {key}");
                log::write(log::Level::Info, &key);
                let mut answer = report(format!("the key is {key}"));
                answer.refused = vec![Refusal {
                    index: 0,
                    reason: key,
                }];
                answer
            }
            "die-telling" => the_guilty_function(&setting("key")),
            "ask-ungranted" => {
                let queue = queue::put("elsewhere", b"x");
                let connection = connection::open("elsewhere");
                report(format!("{queue:?} {connection:?}"))
            }
            "wrong-index" => answer(len, vec![refusal(len)], Rest::Done),
            "refuse-twice" => answer(len, vec![refusal(0), refusal(0)], Rest::Done),
            "accepted-too-many" => answer(len + 1, Vec::new(), Rest::Done),
            "silent-rest" => answer(1, Vec::new(), Rest::Done),
            "refuse-first" => answer(len, vec![refusal(0)], Rest::Done),
            "too-large" => answer(0, Vec::new(), Rest::TooLarge),
            "retry" => answer(
                0,
                Vec::new(),
                Rest::Retry(delivery::Retry {
                    after_seconds: 7,
                    reason: "busy".into(),
                }),
            ),
            "huge-answer" => {
                let mut refusal = refusal(0);
                refusal.reason = "x".repeat(20 << 20);
                answer(len, vec![refusal], Rest::Done)
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
            "count-calls" => report(calls.to_string()),
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
                let run = || -> Result<Vec<u8>, connection::ConnectionError> {
                    let handle = connection::open("server")?;
                    HANDLE.set(handle);
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
            // Leaves a connection open, and uses its handle in the next call.
            "keep-handle" if calls == 1 => report(format!(
                "{:?}",
                connection::open("server")
                    .inspect(|it| HANDLE.set(*it))
                    .is_ok()
            )),
            "keep-handle" => report(format!("{:?}", connection::send(HANDLE.get(), b"late"))),
            other => report(format!("no mode `{other}`")),
        }
    }
}

#[allow(unsafe_code, reason = "wit-bindgen's export")]
mod exported {
    super::export!(Hostile with_types_in super);
    use super::Hostile;
}
