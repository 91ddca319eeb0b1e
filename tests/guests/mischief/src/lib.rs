//! A messenger that does what its option `verb` says: it misbehaves on purpose, for the
//! end-to-end tests. Whatever it does, no other messenger may be harmed and none of its
//! records lost.

mod describing;
mod links;

use caso_component::log;
use caso_component::messenger::{
    Answer, Batch, CapabilityRequest, ComponentDescription, Messenger, OptionDescription,
    OptionKind, Refusal, Rest, Setup, StartError, connection, queue,
};
use caso_component::records::RecordList;
use caso_component::settings::Settings;
use caso_component::types::Attribute;

/// Lines that look like the host's own, and what steers a terminal.
const FORGED: &str = "x\r\nerror: messenger `ssm`: FORGED\n\x1b]0;FORGED\x07\x1b[2J\u{202e}";

/// A started instance.
pub struct Mischief {
    /// What to do.
    verb: String,
    /// The machine it is about, for verbs that are about one.
    victim: Option<String>,
    /// What came of a message that it put before anything was delivered.
    early: Option<Result<(), queue::QueueError>>,
}

impl Messenger for Mischief {
    fn describe() -> ComponentDescription {
        describing::odd(Self::described())
    }

    fn start(setup: &Setup) -> Result<Self, StartError> {
        let settings = Settings::from(setup);
        let verb = settings.text("verb")?;
        match verb.as_str() {
            "refuse-to-start" => return Err(StartError::Unavailable("not today".into())),
            "refuse-the-verb" => return Err(StartError::option("verb", "`accept` would do")),
            "refuse-what-is-not-its-own" => {
                return Err(StartError::option("no_such_option", "it is wrong"));
            }
            "forge-at-start" => return Err(StartError::Misconfigured(FORGED.into())),
            "sleep-at-start" => {
                let _ = std::fs::write("/folder/asleep", "");
                std::thread::sleep(std::time::Duration::from_secs(3600));
            }
            _ => {}
        }
        let early = (verb == "put-early").then(|| queue::put("outgoing", b"early\n"));
        Ok(Self {
            verb,
            early,
            victim: settings.optional_text("victim")?,
        })
    }

    fn deliver(&mut self, batch: &Batch) -> Answer {
        let count = batch.records.len();
        let refusal = |index: usize| Refusal::new(index, "out of mischief");
        let left = |accepted: usize, rest: Rest| Answer::partial(accepted, Vec::new(), rest);
        match self.verb.as_str() {
            "accept" => Answer::done(batch, Vec::new()),
            "trap" => panic!("asked to trap"),
            "trap-on" if has(&batch.records, self.victim.as_deref()) => {
                panic!("asked to trap on this one")
            }
            "trap-on" => Answer::done(batch, Vec::new()),
            "loop" => loop {
                std::hint::spin_loop();
            },
            "allocate" => {
                let mut hoard: Vec<Vec<u8>> = Vec::new();
                loop {
                    hoard.push(vec![1; 1 << 20]);
                }
            }
            // What a site's own runtime may need.
            "hold-100-mib" => {
                let held = std::hint::black_box(vec![1_u8; 100 << 20]);
                match held.iter().map(|byte| usize::from(*byte)).sum::<usize>() {
                    bytes if bytes == held.len() => Answer::done(batch, Vec::new()),
                    bytes => panic!("{bytes} bytes"),
                }
            }
            "shout" => {
                for n in 0..40_000 {
                    println!(
                        "line {n} of very many that nobody wants to read, \x1b[31min red\x1b[0m"
                    );
                    log::info(&format!("line {n} of very many that nobody wants to read"));
                }
                Answer::done(batch, Vec::new())
            }
            "ask" => match queue::put("somebody-elses", b"hello") {
                Err(queue::QueueError::Denied(_)) => Answer::done(batch, Vec::new()),
                other => panic!("a queue that was not granted answered {other:?}"),
            },
            "put" => match queue::put("outgoing", b"hello\n") {
                Ok(()) => Answer::done(batch, Vec::new()),
                Err(error) => Answer::nothing(Rest::Other(format!("{error:?}"))),
            },
            // A call for each record, with all that a call may do.
            "one-a-time" => {
                let _ = queue::put("outgoing", &vec![b'x'; 8 << 20]);
                for _ in 0..20 {
                    log::error("nothing that anybody has to know");
                }
                left(1, Rest::retry(0, "one more"))
            }
            "fill-folder" => {
                let block = vec![b'x'; 1 << 20];
                let filled =
                    (0..).find(|n| std::fs::write(format!("/folder/{n}"), &block).is_err());
                Answer::nothing(Rest::Other(format!("{filled:?} files")))
            }
            // More than a call of the engine's has. What a reader takes for whole.
            "half-a-file" if count > 1_000 => {
                let _ = std::fs::write("/folder/report", "half");
                loop {
                    std::hint::spin_loop();
                }
            }
            "half-a-hidden-file" if count > 1_000 => {
                let _ = std::fs::write("/folder/.report", "half");
                loop {
                    std::hint::spin_loop();
                }
            }
            "half-a-file" | "half-a-hidden-file" => Answer::done(batch, Vec::new()),
            // Somebody else has to be at the other end of a pipe.
            "open-pipe" => match std::fs::File::open("/folder/pipe") {
                Ok(_) => panic!("a pipe was opened"),
                Err(_) => Answer::done(batch, Vec::new()),
            },
            "sleep" => {
                let _ = std::fs::write("/folder/asleep", "");
                std::thread::sleep(std::time::Duration::from_secs(3600));
                Answer::done(batch, Vec::new())
            }
            // In every text that reaches somebody.
            "forge" => {
                for write in [log::error, log::warning, log::info, log::debug] {
                    write(FORGED);
                }
                println!("{FORGED}");
                eprintln!("{FORGED}");
                let mut answer = Answer::done(batch, vec![Refusal::new(0, FORGED)]);
                answer.attributes.push(Attribute {
                    name: FORGED.into(),
                    value: FORGED.into(),
                });
                answer
            }
            "forge-rest" => Answer::nothing(Rest::Other(FORGED.into())),
            "forge-panic" => panic!("{FORGED}"),
            "forge-names" => {
                let text = format!("{:?}", queue::put(FORGED, b"x"));
                Answer::nothing(Rest::Misconfigured(format!("{text} {FORGED}")))
            }
            // All that it may hold, for as long as it can.
            "hold-everything" => {
                let mut held = Vec::new();
                while let Ok(handle) = connection::open("server") {
                    held.push(handle);
                }
                let _ = std::fs::write("/folder/asleep", "");
                // With one more than it may hold, it would trap.
                let files: Vec<_> = (0..40)
                    .map(|_| std::fs::File::open("/folder/asleep"))
                    .collect();
                let _ = std::fs::rename("/folder/asleep", "/folder/holds");
                std::thread::sleep(std::time::Duration::from_secs(3600));
                drop(files);
                Answer::done(batch, Vec::new())
            }
            // What it may only read, by another name.
            "alias" => {
                let tried = [
                    std::fs::hard_link("/library/book", "/folder/book"),
                    std::fs::rename("/library/book", "/folder/book"),
                    std::fs::rename("/folder", "/library/folder"),
                    std::fs::hard_link("/folder/../library/book", "/folder/book"),
                    std::fs::write("/library/../library/book", "forged"),
                    std::fs::write("/folder/../library/book", "forged"),
                    std::fs::remove_file("/library/book"),
                    std::fs::create_dir("/library/new"),
                    std::fs::File::options()
                        .append(true)
                        .open("/library/book")
                        .map(drop),
                    std::fs::File::options()
                        .write(true)
                        .open("/library/book")
                        .and_then(|file| file.set_len(0)),
                ];
                match tried.iter().position(Result::is_ok) {
                    None => Answer::done(batch, Vec::new()),
                    Some(which) => panic!("try {which} worked"),
                }
            }
            // c04, c05: what it may write, by a name that leads elsewhere.
            "links" => match links::that_led_out() {
                None => Answer::done(batch, Vec::new()),
                Some(what) => panic!("{what}"),
            },
            "sparse" => {
                let file = std::fs::File::create("/folder/sparse");
                let grown = file.and_then(|file| file.set_len(1 << 40));
                Answer::nothing(Rest::Other(format!("{grown:?}")))
            }
            "sparse-write" => {
                use std::io::{Seek as _, Write as _};
                let written = std::fs::File::create("/folder/sparse").and_then(|mut file| {
                    file.seek(std::io::SeekFrom::Start(1 << 40))?;
                    file.write_all(b"x")
                });
                Answer::nothing(Rest::Other(format!("{written:?}")))
            }
            "put-early" => Answer::nothing(Rest::Other(format!("{:?}", self.early))),
            "refuse-in-silence" => {
                let refusals = (0..count).map(|n| Refusal::new(n, " \u{202e}\n"));
                Answer::done(batch, refusals.collect())
            }
            "deep-folders" => {
                let mut path = String::from("/folder");
                let mut made = 0;
                while std::fs::create_dir(&path).is_ok() || made == 0 {
                    path += "/d";
                    made += 1;
                }
                Answer::nothing(Rest::Other(format!("{made} folders")))
            }
            "rename-for-ever" => {
                let _ = std::fs::write("/folder/a", "");
                loop {
                    let _ = std::fs::rename("/folder/a", "/folder/b");
                    let _ = std::fs::rename("/folder/b", "/folder/a");
                }
            }
            "clock-for-ever" => loop {
                std::hint::black_box(std::time::Instant::now());
            },
            "put-nothing" => {
                let taken = (0..1_000_000)
                    .take_while(|_| queue::put("outgoing", b"").is_ok())
                    .count();
                Answer::nothing(Rest::Other(format!("{taken} messages")))
            }
            "refuse-at-length" => {
                let refusals = (0..count).map(|n| Refusal::new(n, "x".repeat(1 << 20)));
                Answer::done(batch, refusals.collect())
            }
            "many-facts" => {
                let mut answer = Answer::done(batch, Vec::new());
                let fact = Attribute {
                    name: "x".into(),
                    value: "y".into(),
                };
                answer.attributes = vec![fact; 400_000];
                answer
            }
            "retry-for-ever" => Answer::nothing(Rest::retry(u32::MAX, "later")),
            "no-progress" => left(0, Rest::retry(0, "once more")),
            "put-and-trap" => {
                let _ = queue::put("outgoing", b"must never appear\n");
                panic!("asked to trap after a message")
            }
            "refuse-first" => Answer::done(batch, vec![refusal(0)]),
            "refuse-beyond" => Answer::done(batch, vec![refusal(count + 7)]),
            "accept-too-many" => left(count + 7, Rest::Done),
            "too-large" if count > 1 => Answer::nothing(Rest::TooLarge),
            "too-large" => Answer::done(batch, Vec::new()),
            "retry" => Answer::nothing(Rest::retry(3600, "not now")),
            "misconfigured" => Answer::nothing(Rest::Misconfigured("nobody told me where".into())),
            "halfway" => left(count / 2, Rest::Other("enough for today".into())),
            other => panic!("no such verb: {other}"),
        }
    }
}

impl Mischief {
    fn described() -> ComponentDescription {
        ComponentDescription {
            record_types: vec!["cloud".into()],
            options: vec![
                OptionDescription::new("verb", OptionKind::Text, Some("accept"), "What to do"),
                OptionDescription::new("victim", OptionKind::Text, None, "The machine it is about"),
                OptionDescription::new("output", OptionKind::Path, None, "A queue it would like"),
                OptionDescription::new("folder", OptionKind::Path, None, "A folder it would like"),
                OptionDescription::new("library", OptionKind::Path, None, "A folder to read"),
                OptionDescription::new("server", OptionKind::Endpoint, None, "Whom to connect to"),
            ],
            // Dropped unless `output` is set; then it must be granted.
            capabilities: vec![
                CapabilityRequest::new("outgoing", "queue", "${output}").optional(),
                CapabilityRequest::new("folder", "directory-write", "${folder}").optional(),
                CapabilityRequest::new("library", "directory", "${library}").optional(),
                CapabilityRequest::new("server", "connection", "${server}").optional(),
            ],
            ..ComponentDescription::new(
                "mischief",
                "Misbehaves on demand",
                env!("CARGO_PKG_VERSION"),
            )
        }
    }
}

/// Whether one of the VMs has this machine name.
fn has(records: &RecordList, victim: Option<&str>) -> bool {
    match records {
        RecordList::Cloud(records) => records
            .iter()
            .any(|record| Some(record.machine_name.as_str()) == victim),
        _ => false,
    }
}

caso_component::export_messenger!(Mischief);
