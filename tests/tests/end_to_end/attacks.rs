//! More of what a stranger's component may try beside `ssm`, many of them in one run: as
//! `hostile.rs`, where the attacks of the sandbox's review are. Whatever they do, `ssm` has
//! delivered everything, each is named with what it did, and no text of theirs looks like
//! ours or steers a terminal.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use caso_tests::build;
use caso_tests::outcome::{Outcome, Running};
use caso_tests::site::Site;

use crate::clouds::{FROM, TO, World, plain};

const WINDOW: [&str; 4] = ["--extract-from", FROM, "--extract-to", TO];

/// The mark in the file of `mischief` that says how it describes itself.
const MARK: &[u8] = b"@described-as:                 @";

/// A copy that describes itself so.
fn described_as(folder: &Path, what: &str) -> String {
    let mut bytes = fs::read(build::mischief()).unwrap();
    let at = bytes.windows(MARK.len()).position(|part| part == MARK);
    let at = at.expect("the mark is in the file") + b"@described-as:".len();
    bytes[at..at + what.len()].copy_from_slice(what.as_bytes());
    let path = folder.join(format!("{what}.wasm"));
    fs::write(&path, bytes).unwrap();
    path.display().to_string()
}

/// Messengers beside `ssm`, each a `mischief` of its own.
struct Crowd {
    world: World,
    site: Site,
    names: Vec<String>,
}

impl Crowd {
    fn new() -> Self {
        let world = plain();
        let site = world.site();
        Self {
            world,
            site,
            names: vec!["ssm".to_owned()],
        }
    }

    /// One more, with what is set for it; a folder and a queue of its own are granted
    /// where it would like them.
    fn add(&mut self, name: &str, verb: &str, likes: &[&str]) -> &mut Self {
        let file = build::mischief().display().to_string();
        let host = format!("messenger_{name}");
        let mut grants = Vec::new();
        for like in likes {
            let place = self.site.path().join(format!("{name}-{like}"));
            fs::create_dir(&place).unwrap();
            let place = place.display().to_string();
            let kind = match *like {
                "output" => "queue",
                "library" => "directory",
                _ => "directory-write",
            };
            grants.push(format!("{kind}:{place}"));
            self.site.set(name, like, &place);
        }
        self.site
            .set(&host, "component", &file)
            .set(&host, "timeout", "3s")
            .set(&host, "deadline", "1s")
            .set(&host, "grants", &grants.join(", "))
            .set(name, "verb", verb);
        self.names.push(name.to_owned());
        let names = self.names.join(", ");
        self.site.set("DEFAULT", "messengers", &names);
        self
    }

    fn everything_arrived(&self) {
        let all: Vec<usize> = (0..self.world.plan.projects.len()).collect();
        self.world.check(&self.site, &all);
    }

    /// What was said of each, in one line; and nothing of what they said is raw.
    fn run(&self) -> Outcome {
        let outcome = self.site.extract(&WINDOW);
        self.everything_arrived();
        clean(&outcome);
        outcome
    }
}

/// What they printed is one line each, and steers nothing.
fn clean(outcome: &Outcome) {
    for text in [&outcome.stdout, &outcome.stderr] {
        let steers = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!text.contains(steers), "{outcome}");
        let forged = |line: &str| line.starts_with("error: messenger `ssm`");
        assert!(!text.lines().any(forged), "{outcome}");
    }
}

/// The line about a messenger that has this in it.
#[track_caller]
fn told(outcome: &Outcome, name: &str, what: &str) {
    let mut lines = outcome.stderr.lines();
    let named = format!("`{name}`");
    assert!(
        lines.any(|line| line.contains(&named) && line.contains(what)),
        "nothing says `{what}` of {named}: {outcome}"
    );
}

/// All that `describe` can do but describe, in one run.
#[test]
fn whatever_describe_does_costs_its_messenger_alone() {
    let mut crowd = Crowd::new();
    let cases = [
        ("exit", "it exited with status 0"),
        ("trap", "asked to trap"),
        ("loop", "it computed for longer than 5s"),
        ("allocate", "more than the 64 MiB that are allowed"),
        ("recurse", "out of bounds memory access"),
        ("long-help", "its summary has more than 2000 bytes"),
        ("long-answer", "MiB to the host at once"),
        ("many-options", "more than 500 options or capabilities"),
        ("many-types", "MiB to the host at once"),
        ("odd-type", "one of its record types is not of a-z"),
        ("odd-name", "its name `x"),
        (
            "odd-version",
            "its version has characters that are not shown",
        ),
        (
            "odd-summary",
            "its summary has characters that are not shown",
        ),
        ("odd-option", "is not a `name` or `section.name`"),
        (
            "odd-default",
            "its default has characters that are not shown",
        ),
        ("odd-kind", "its kind of a capability has characters"),
        ("odd-target", "its target has characters that are not shown"),
        ("unknown-kind", "of kind `shell`, which is not offered"),
        ("root", "which is granted to nobody: it lies in `/`"),
        (
            "environment",
            "which is granted to nobody: it lies in `/proc`",
        ),
        ("metadata", "clouds hand out credentials"),
        (
            "foreign-option",
            "`ssm.output_path`, which is not a component's to read",
        ),
        ("foreign-old-name", "`keystone_auth.password`"),
        ("option-twice", "it has the option `verb` twice"),
        ("packing", "its packing option `verb`"),
    ];
    for (what, _) in cases {
        let file = described_as(crowd.site.path(), what);
        crowd.add(what, "accept", &[]);
        let host = format!("messenger_{what}");
        crowd.site.set(&host, "component", &file);
    }
    let outcome = crowd.run().expect(3);
    for (what, says) in cases {
        told(&outcome, what, says);
    }
}

/// What is odd and does no harm: it is loaded, and delivers.
#[test]
fn what_describe_does_without_harm_is_no_failure() {
    let mut crowd = Crowd::new();
    for what in ["shout", "sleep", "ask", "time", "same-name"] {
        let file = described_as(crowd.site.path(), what);
        crowd.add(what, "accept", &[]);
        let host = format!("messenger_{what}");
        crowd.site.set(&host, "component", &file);
    }
    crowd.run().expect(0);
}

/// Who writes where programs lie, or where it says what is started, runs with the rights of others.
#[test]
fn where_programs_lie_is_granted_to_nobody() {
    let mut crowd = Crowd::new();
    let program = build::program("caso");
    let beside = program.parent().unwrap().display().to_string();
    let places = [
        ("program", beside.as_str(), "(this program)"),
        ("cron", "/etc/cron.d", "(the system runs what lies there)"),
        (
            "tool",
            "/usr/local/bin",
            "(the system runs what lies there)",
        ),
        (
            "library",
            "/usr/lib/caso",
            "(the system runs what lies there)",
        ),
    ];
    for (name, place, _) in places {
        crowd.add(name, "accept", &[]);
        let host = format!("messenger_{name}");
        crowd
            .site
            .set(&host, "grants", &format!("directory-write:{place}"));
        crowd.site.set(name, "folder", place);
    }
    let outcome = crowd.run().expect(3);
    for (name, _, says) in places {
        told(&outcome, name, says);
    }
}

/// All that `deliver` can say and use up, in one run.
#[test]
fn whatever_deliver_does_costs_its_messenger_alone() {
    let mut crowd = Crowd::new();
    // Named with this; nothing is said of who did no harm.
    let cases: [(&str, &[&str], &str); 20] = [
        ("forge", &[], "1 record is in quarantine"),
        ("forge-rest", &[], "x  error"),
        ("forge-panic", &[], "it fails whatever it is given"),
        ("forge-names", &[], "it is misconfigured"),
        ("forge-at-start", &[], "failed in `start`"),
        ("alias", &["folder", "library"], ""),
        ("links", &["folder"], ""),
        ("sparse", &["folder"], "more into folders in one run than"),
        (
            "sparse-write",
            &["folder"],
            "more into folders in one run than",
        ),
        ("put-early", &["output"], "in `deliver`, and nowhere else"),
        ("refuse-in-silence", &[], ": it does not say why"),
        ("deep-folders", &["folder"], " folders"),
        ("rename-for-ever", &["folder"], "error"),
        ("clock-for-ever", &[], "error"),
        (
            "put-nothing",
            &["output"],
            "more into queues in one run than 1040 messages, which is far more than it has records",
        ),
        ("refuse-at-length", &[], "10 records are in quarantine"),
        ("many-facts", &[], ""),
        ("retry-for-ever", &[], "it asks to be tried again"),
        ("no-progress", &[], "it asks to be tried again"),
        ("allocate", &[], "error"),
    ];
    for (verb, likes, _) in cases {
        crowd.add(verb, verb, likes);
    }
    let book = crowd.site.path().join("alias-library/book");
    fs::write(&book, "true").unwrap();
    let outcome = crowd.run().expect(3);
    assert_eq!(fs::read_to_string(&book).unwrap(), "true");
    let led_out = |entry: &fs::DirEntry| {
        let name = entry.file_name();
        ["escaped", "escaped.d", "moved"]
            .iter()
            .any(|left| name == *left)
    };
    for beside in [".", "ssm", "spool", ".."] {
        let folder = crowd.site.path().join(beside);
        let mut entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
        assert!(!entries.any(|entry| led_out(&entry)), "in `{beside}`");
    }
    for (verb, _, says) in cases {
        match says {
            "" => {
                let named = format!("error: messenger `{verb}`");
                assert!(!outcome.stderr.contains(&named), "{outcome}");
            }
            says => told(&outcome, verb, says),
        }
    }
}

/// What an answer says besides, in a run that logs everything: as many lines as a call may have.
#[test]
fn facts_of_an_answer_are_lines_of_its_log() {
    let mut crowd = Crowd::new();
    crowd.add("many-facts", "many-facts", &[]);
    crowd.site.set("DEFAULT", "debug", "true");
    let outcome = crowd
        .run()
        .expect(0)
        .says("more than 199 lines in one call");
    let lines = outcome
        .stderr
        .lines()
        .filter(|line| line.contains(": x = y"));
    let lines = lines.count();
    assert!((100..200).contains(&lines), "{lines}");
}

/// Waits until all of them have done what they were to do.
fn wait_for(crowd: &Crowd, file: &str) {
    let began = Instant::now();
    let done = |name: &String| {
        let folder = crowd.site.path().join(format!("{name}-folder"));
        name == "ssm" || folder.join(file).exists()
    };
    while !crowd.names.iter().all(done) {
        assert!(began.elapsed() < Duration::from_secs(120), "no `{file}`");
        std::thread::yield_now();
    }
}

/// And until `ssm` has delivered; then the run is ended.
fn end(crowd: &Crowd, run: Running) {
    let began = Instant::now();
    let servers = crowd.world.plan.projects.len() * 10;
    while crowd.site.cloud_records().len() < servers.min(9) {
        assert!(
            began.elapsed() < Duration::from_secs(120),
            "`ssm` never delivered"
        );
        std::thread::yield_now();
    }
    clean(&run.terminate().expect(3));
    crowd.everything_arrived();
}

/// i04: they started one after the other, before `ssm`, each for as long as it liked.
#[test]
fn six_that_never_start_keep_nobody_from_starting() {
    let mut crowd = Crowd::new();
    for n in 0..6 {
        let name = format!("a{n}");
        crowd.add(&name, "sleep-at-start", &["folder"]);
        let host = format!("messenger_{name}");
        crowd.site.set(&host, "timeout", "1h");
    }
    crowd.names.rotate_left(1);
    let names = crowd.names.join(", ");
    crowd
        .site
        .set("DEFAULT", "messengers", &names)
        .set("DEFAULT", "delivery_timeout", "3600");
    let run = crowd.site.start("caso-extract", &[], &WINDOW);
    wait_for(&crowd, "asleep");
    end(&crowd, run);
}

/// d07: six that hold all that they may, where a process may have 1,024 open files.
#[test]
fn six_that_hold_all_they_may_leave_enough_for_others() {
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let kept: Vec<_> = server.incoming().collect();
        drop(kept);
    });
    let mut crowd = Crowd::new();
    for n in 0..6 {
        let name = format!("a{n}");
        crowd.add(&name, "hold-everything", &["folder"]);
        let folder = crowd.site.path().join(format!("{name}-folder"));
        let host = format!("messenger_{name}");
        let grants = format!("directory-write:{}, connection:{address}", folder.display());
        crowd
            .site
            .set(&host, "timeout", "1h")
            .set(&host, "grants", &grants)
            .set(&name, "server", &address);
    }
    crowd.site.set("DEFAULT", "delivery_timeout", "3600");
    let run = crowd
        .site
        .start_limited("--nofile=1024:1024", "caso-extract", &WINDOW);
    wait_for(&crowd, "holds");
    let held = fs::read_dir(format!("/proc/{}/fd", run.id()))
        .unwrap()
        .count();
    assert!((300..800).contains(&held), "{held} open files");
    end(&crowd, run);
}
