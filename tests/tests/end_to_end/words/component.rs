//! `caso component`: what somebody sees who writes or installs a component. The one that
//! they are about is the messenger of 1.0.0, whose bytes never change, and the tests' own.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use caso_tests::build;
use caso_tests::outcome::Outcome;
use caso_tests::site::Site;

use super::{kept, printed, run};
use crate::clouds::{FROM, TO, plain};

/// A site whose compiled components are kept from test to test, with that messenger.
fn bench() -> (Site, PathBuf) {
    let mut site = plain().site();
    let cache = build::workspace().join("target/test-cache");
    site.variable("CACHE_DIRECTORY", &cache.display().to_string());
    let file = site.path().join("mine.wasm");
    fs::copy(
        build::workspace().join("tests/frozen/messenger-1.0.0.wasm"),
        &file,
    )
    .unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    (site, file)
}

fn component(site: &Site, arguments: &[&str]) -> Outcome {
    run(site, "caso", &[&["component"], arguments].concat())
}

/// As [`printed`], without who owns the file, which port was had and how long it took.
#[track_caller]
fn printed_without_the_day(name: &str, outcome: &Outcome) {
    let text = outcome.snapshot();
    let lines = text.lines().map(|line| {
        let mut line = line.to_owned();
        if let (true, Some(at)) = (line.starts_with("  file "), line.find(" bytes, ")) {
            line.truncate(at + " bytes, ".len());
            line += "[OWNER] 0644";
        }
        if let (Some(begin), Some(end)) = (line.find("accepted, in "), line.find(" ms at most")) {
            line.replace_range(begin + "accepted, in ".len()..end, "[TIME]");
        }
        line
    });
    kept(name, &(lines.collect::<Vec<_>>().join("\n") + "\n"));
}

fn json(outcome: &Outcome) -> serde_json::Value {
    serde_json::from_str(&outcome.stdout).unwrap_or_else(|error| panic!("{error}: {outcome}"))
}

/// The files of a folder and of those in it, by their paths in it.
fn texts(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = PathBuf::from(path.file_name().unwrap());
        if path.is_dir() {
            let inner = texts(&path).into_iter();
            found.extend(inner.map(|(below, text)| (name.join(below), text)));
        } else {
            found.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
    found
}

#[test]
fn the_contract_is_in_the_program() {
    let (site, _) = bench();
    let folder = site.path().join("a/wit");
    let into = folder.display().to_string();
    printed("component-wit", &component(&site, &["wit", &into]));
    let ours = build::workspace().join("wit");
    let found = |folder: &Path| {
        let mut files = texts(folder);
        files.retain(|name, _| name.extension().is_some_and(|end| end == "wit"));
        files
    };
    assert_eq!(texts(&folder), found(&ours));
    // On stdout it is one file, and the same contract.
    let printed_out = component(&site, &["wit"]).expect(0);
    let mut whole = wit_parser::Resolve::default();
    let package = whole.push_str("contract.wit", &printed_out.stdout).unwrap();
    let mut parts = wit_parser::Resolve::default();
    let (folder_package, _) = parts.push_dir(&ours).unwrap();
    let names = |resolve: &wit_parser::Resolve, package| {
        let package = &resolve.packages[package];
        let interfaces: std::collections::BTreeSet<String> =
            package.interfaces.keys().cloned().collect();
        let worlds: std::collections::BTreeSet<String> = package.worlds.keys().cloned().collect();
        (package.name.to_string(), interfaces, worlds)
    };
    assert_eq!(names(&whole, package), names(&parts, folder_package));
    let facts = json(&component(&site, &["wit", "--json"]).expect(0));
    assert_eq!(facts["files"].as_array().unwrap().len(), found(&ours).len());

    fs::write(folder.join("log.wit"), "mine").unwrap();
    printed(
        "component-wit-over-another",
        &component(&site, &["wit", &into]),
    );
    assert_eq!(fs::read_to_string(folder.join("log.wit")).unwrap(), "mine");
}

#[test]
fn a_component_is_inspected() {
    let (site, file) = bench();
    let file = file.display().to_string();
    printed_without_the_day("component-inspect", &component(&site, &["inspect", &file]));
    printed_without_the_day(
        "component-inspect-as",
        &component(
            &site,
            &[
                "inspect",
                &file,
                "--as",
                "second",
                "--set",
                "output_path=/q",
                "--set",
                "share=$x",
            ],
        ),
    );
    printed(
        "component-inspect-unknown-option",
        &component(&site, &["inspect", &file, "--set", "ouput_path=/q"]),
    );
    printed(
        "component-inspect-no-pair",
        &component(&site, &["inspect", &file, "--set", "output_path"]),
    );
    // What is too large alone goes into quarantine, as all that a site has would.
    let hostile = build::guests().join("caso_test_hostile.wasm");
    let hostile = hostile.display().to_string();
    component(&site, &["check", &hostile, "--set", "mode=too-large"])
        .expect(1)
        .says("FAIL  1 cloud records: accepted 0, refused 0, too-large");
    let other = site.path().join("text.wasm");
    fs::write(&other, "no component").unwrap();
    printed(
        "component-inspect-text",
        &component(&site, &["inspect", &other.display().to_string()]),
    );
    printed(
        "component-inspect-nothing",
        &component(&site, &["inspect", "no/such.wasm"]),
    );
    let facts = json(&component(&site, &["inspect", &file, "--json"]).expect(0));
    assert_eq!(facts["name"], "frozen");
    assert_eq!(facts["contract"]["built_for"], "1.0.0");
    assert_eq!(
        facts["configuration"]["grants"][0],
        "queue:/var/spool/frozen/outgoing"
    );
    // What is printed to be pasted is a configuration that a run takes.
    let text = facts["configuration"]["text"].as_str().unwrap();
    assert!(text.contains("sha256 = 525628be56ff"), "{text}");
}

#[test]
fn a_mapper_is_inspected() {
    let (site, _) = bench();
    let file = build::guests()
        .join("caso_test_hostile_mapper.wasm")
        .display()
        .to_string();
    component(&site, &["inspect", &file])
        .expect(0)
        .says(": a mapper for this engine")
        .says("[DEFAULT]\nmapper = ")
        .never_says("messengers =");
}

#[test]
fn all_components_are_listed() {
    let (mut site, file) = bench();
    let queue = site.path().join("outgoing").display().to_string();
    site.set("DEFAULT", "messengers", "ssm, mine, other, broken")
        .set("messenger_mine", "component", &file.display().to_string())
        .set("messenger_mine", "grants", &format!("queue:{queue}"))
        .set("mine", "output_path", &queue)
        .set("mine", "server", "127.0.0.1:9")
        .set("messenger_other", "component", "noop")
        .set("messenger_broken", "component", "/no/such.wasm");
    let list = |arguments: &[&str]| {
        site.start("caso", &["component", "list"], arguments)
            .finish()
    };
    let listed = list(&[]).expect(3);
    let lines: Vec<Vec<&str>> = listed
        .stdout
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    let names: Vec<&str> = lines.iter().take(9).map(|line| line[0]).collect();
    assert_eq!(
        names,
        [
            "NAME",
            "mapper",
            "ssm",
            "mine",
            "other",
            "broken",
            "ams",
            "logstash",
            "greendigit_cim"
        ],
        "{listed}"
    );
    assert_eq!(
        lines[3].join(" "),
        format!(
            "mine {} messenger 1.0.0 1.0.0 525628be56ff all queue:{queue} 1 NOT GRANTED ok, not pinned",
            file.display()
        )
    );
    assert!(
        lines[4]
            .join(" ")
            .starts_with("other built-in noop messenger"),
        "{listed}"
    );
    assert!(
        lines[5].join(" ").ends_with("NOT USABLE, see below"),
        "{listed}"
    );
    listed
        .says("\nmine: messenger `mine` needs `server`, which it is not granted: add `connection:127.0.0.1:9` to `grants` in [messenger_mine]\n")
        .says("\nbroken: not usable: component file `/no/such.wasm` could not be read: No such file or directory");
    let facts = json(&list(&["--json"]).expect(3));
    let mine = &facts["components"][2];
    assert_eq!(mine["grants"][0]["grant"], format!("queue:{queue}"));
    assert_eq!(
        (&mine["pinned"], &mine["usable"]),
        (&false.into(), &true.into())
    );
    assert_eq!(facts["components"][4]["usable"], false);
}

#[test]
fn records_are_delivered_with_it() {
    let (site, file) = bench();
    let file = file.display().to_string();
    let into = site.path().join("out").display().to_string();
    let ran = component(&site, &["run", &file, "--into", &into, "--set", "size=7"]);
    printed("component-run", &ran);
    printed(
        "component-run-into-a-used-folder",
        &component(&site, &["run", &file, "--into", &into]),
    );
    // The records in the program, as a file of one's own.
    let sample = component(&site, &["sample"]).expect(0).stdout;
    let clouds: String = sample
        .lines()
        .take(2)
        .map(|line| format!("{line}\n"))
        .collect();
    let records = site.path().join("records.jsonl");
    fs::write(&records, clouds).unwrap();
    let records = records.display().to_string();
    let second = site.path().join("second").display().to_string();
    let facts = json(
        &component(
            &site,
            &[
                "run",
                &file,
                "--records",
                &records,
                "--into",
                &second,
                "--json",
            ],
        )
        .expect(0),
    );
    assert_eq!(
        (&facts["offered"], &facts["accepted"]),
        (&2.into(), &2.into())
    );
    assert_eq!(facts["deliveries"][0]["output"][1]["way"], "queue");
    fs::write(site.path().join("records.jsonl"), "no record\n").unwrap();
    printed(
        "component-run-without-records",
        &component(&site, &["run", &file, "--records", &records]),
    );
    // And those of a real OpenStack.
    let third = site.path().join("third").display().to_string();
    component(&site, &["run", &file, "--replay", "demo", "--into", &third])
        .says("cloud: 56 records: accepted 56, done");
    assert!(Path::new(&third).join("outgoing").is_dir());
}

#[test]
fn one_that_fails_says_how() {
    let (site, _) = bench();
    let file = build::mischief().display().to_string();
    let tried = |verb: &str| component(&site, &["run", &file, "--set", &format!("verb={verb}")]);
    tried("trap")
        .expect(1)
        .says("failed: component `mischief` failed in `deliver`");
    tried("refuse-to-start")
        .expect(1)
        .says("start  FAILED: component `mischief` failed in `start`: not today");
    tried("refuse-first")
        .expect(3)
        .says("accepted 2, refused 1, done");
    tried("halfway")
        .expect(3)
        .says("accepted 1, other: enough for today");
    tried("put")
        .expect(0)
        .says("queue `outgoing`: 1 message, 6 bytes");
}

/// What needs more than the default is tried with what its site would give it.
#[test]
fn one_that_needs_more_memory_is_given_it() {
    let (site, _) = bench();
    let file = build::mischief().display().to_string();
    let tried = |site: &Site, more: &[&str]| {
        let arguments = ["run", &file, "--set", "verb=hold-100-mib"];
        component(site, &[&arguments[..], more].concat())
    };
    tried(&site, &[])
        .expect(1)
        .says("of memory, more than the 64 MiB that are allowed")
        .says("`--memory`");
    tried(&site, &["--memory", "128MiB"])
        .expect(0)
        .says("accepted 3, done");
    let checked = ["check", &file, "--set", "verb=hold-100-mib"];
    component(&site, &checked)
        .expect(1)
        .says("the 64 MiB that are allowed");
    let more = ["--memory", "128MiB", "--deadline", "20s"];
    component(&site, &[&checked[..], &more].concat()).never_says("that are allowed");
    for (amount, why) in [("lots", "`--memory`"), ("1k", "at least")] {
        tried(&site, &["--memory", amount]).expect(2).says(why);
    }
    // As a site has it then.
    let world = plain();
    let mut site = world.site();
    site.with_mischief("hold-100-mib")
        .set("messenger_mischief", "memory", "128MiB");
    let window = ["--extract-from", FROM, "--extract-to", TO];
    site.extract(&window).expect(0);
}

#[test]
fn a_good_component_fits() {
    let (site, file) = bench();
    let file = file.display().to_string();
    printed_without_the_day("component-check", &component(&site, &["check", &file]));
    let facts = json(&component(&site, &["check", &file, "--json"]).expect(0));
    assert_eq!(facts["findings"][0]["verdict"], "ok");
}

#[test]
fn one_that_does_not_fit_is_told_why() {
    let (site, _) = bench();
    let file = build::mischief().display().to_string();
    let checked =
        |verb: &str| component(&site, &["check", &file, "--set", &format!("verb={verb}")]);
    checked("trap")
        .expect(1)
        .says("FAIL  1 cloud records: component `mischief` failed in `deliver`");
    // It says that it has delivered, and has put nothing anywhere.
    checked("accept")
        .expect(1)
        .says("warn  it accepts records, and nothing comes out")
        .says("FAIL  a queue that is full: it says that 3 records are dealt with, and nothing came out: they are lost");
    checked("refuse-to-start")
        .expect(3)
        .says("does not start: ")
        .says("not today");
    // What is too large alone goes into quarantine, as all that a site has would.
    let hostile = build::guests().join("caso_test_hostile.wasm");
    let hostile = hostile.display().to_string();
    component(&site, &["check", &hostile, "--set", "mode=too-large"])
        .expect(1)
        .says("FAIL  1 cloud records: accepted 0, refused 0, too-large");
    let other = site.path().join("text.wasm");
    fs::write(&other, "no component").unwrap();
    component(&site, &["check", &other.display().to_string()])
        .expect(1)
        .says(
            "FAIL  `[SITE]/text.wasm` is not a WebAssembly component"
                .replace("[SITE]", &site.path().display().to_string())
                .as_str(),
        );
}

#[test]
fn it_is_checked_as_the_messenger_that_it_is() {
    let (mut site, file) = bench();
    let queue = site.path().join("outgoing").display().to_string();
    let file = file.display().to_string();
    site.set("DEFAULT", "messengers", "ssm, mine")
        .set("messenger_mine", "component", &file)
        .set(
            "messenger_mine",
            "sha256",
            "525628be56fff9c5c30b785100311d132b33a978891b469744b01289d3de016a",
        )
        .set("messenger_mine", "grants", &format!("queue:{queue}"))
        .set("mine", "output_path", &queue)
        .set("mine", "server", "127.0.0.1:9");
    let check = |site: &Site| {
        site.start("caso", &["component", "check", &file], &["--as", "mine"])
            .finish()
    };
    check(&site)
        .expect(3)
        .says("sha256 525628be56fff9c5c30b785100311d132b33a978891b469744b01289d3de016a is the one that is pinned")
        .says(&format!("outgoing: `queue:{queue}`"))
        .says("optional: messenger `mine` needs `server`, which it is not granted: add `connection:127.0.0.1:9` to `grants` in [messenger_mine]")
        .says("it fits, but something is missing: 1 thing missing");
    // Nothing of the trial lies where the site's messages do.
    assert!(!Path::new(&queue).exists());
    let spool = site.spool().display().to_string();
    site.set("messenger_mine", "grants", &format!("queue:{spool}"))
        .set("mine", "output_path", &spool)
        .unset("mine", "server");
    check(&site)
        .expect(1)
        .says("FAIL  messenger `mine` is granted")
        .says("grant it a place of its own");
    site.set("messenger_mine", "sha256", &"0".repeat(64));
    check(&site)
        .expect(1)
        .says("is pinned: somebody changed the file");
    // As before a new build is installed: what the site grants and sets counts, and not the pin.
    let (queue, new) = (site.path().join("new"), site.path().join("new.wasm"));
    fs::copy(&file, &new).unwrap();
    site.set("messenger_mine", "component", &new.display().to_string())
        .set(
            "messenger_mine",
            "grants",
            &format!("queue:{}", queue.display()),
        )
        .set("mine", "output_path", &queue.display().to_string())
        .unset("messenger_mine", "sha256");
    check(&site)
        .expect(0)
        .says(&format!("has another file as `mine`: `{}`", new.display()))
        .says(&format!("outgoing: `queue:{}`", queue.display()))
        .never_says("pinned: somebody");
}

/// With the options, the limits and the pin that a run would go by.
#[test]
fn a_filter_and_a_mapper_are_checked_as_the_site_has_them() {
    let (mut site, _) = bench();
    let filter = build::guests().join("caso_test_filter.wasm");
    let mapper = build::guests().join("caso_test_own_records.wasm");
    let (filter, mapper) = (filter.display().to_string(), mapper.display().to_string());
    site.set("DEFAULT", "messengers", "ssm")
        .set("DEFAULT", "mapper", &mapper)
        .set("messenger_ssm", "filters", "Mine")
        .set("filter_mine", "component", &filter)
        .set("mine", "verb", "rename");
    let check = |site: &Site, file: &str, more: &[&str]| {
        let arguments = ["component", "check", file];
        site.start("caso", &arguments, more).finish()
    };
    for more in [&[][..], &["--as", "Mine"]] {
        check(&site, &filter, more)
            .expect(0)
            .says("ok    `verb` of [mine]")
            .says("cloud: 0 kept, 3 replaced, 0 dropped");
    }
    // The command line goes before the site.
    check(&site, &filter, &["--set", "verb=keep"])
        .expect(0)
        .says("cloud: 3 kept, 0 replaced, 0 dropped");
    site.set("mine", "verb", "trap");
    check(&site, &filter, &[]).expect(1).says("FAIL");
    // A new build is checked with what the site has set.
    let new = site.path().join("new.wasm");
    fs::copy(&filter, &new).unwrap();
    let new = new.display().to_string();
    site.set("mine", "verb", "rename")
        .set("filter_mine", "sha256", &"0".repeat(64));
    check(&site, &filter, &[])
        .expect(1)
        .says("is pinned: somebody changed the file");
    check(&site, &new, &["--as", "Mine"])
        .expect(0)
        .says("this one is checked with its options and limits, and no pin")
        .says("3 replaced");
    site.set("filter_mine", "memory", "1MiB");
    check(&site, &new, &["--as", "Mine"])
        .expect(1)
        .says("`memory` in [filter_Mine]");
    check(&site, &mapper, &[]).expect(0).says("battery");
    site.set("mapper", "sha256", &"0".repeat(64));
    check(&site, &mapper, &[])
        .expect(1)
        .says("is pinned: somebody changed the file");
    site.unset("mapper", "sha256")
        .set("DEFAULT", "mapper", &filter);
    check(&site, &filter, &["--as", "mapper"])
        .expect(1)
        .says("has it as a mapper, which it is not");
}

/// What it makes is seen, and no run that never was is to be repeated.
#[test]
fn what_a_filter_and_a_mapper_make_is_shown() {
    let (site, messenger) = bench();
    let filter = build::guests().join("caso_test_filter.wasm");
    let mapper = build::guests().join("caso_test_own_records.wasm");
    let (filter, mapper) = (filter.display().to_string(), mapper.display().to_string());
    component(&site, &["run", &filter, "--set", "verb=rename"])
        .expect(0)
        .says("as a filter of the sample records")
        .says("    machine_name: ")
        .says(" becomes \"renamed\"");
    let into = site.path().join("made");
    let into = into.display().to_string();
    component(&site, &["run", &mapper, "--into", &into])
        .expect(0)
        .says("the first cloud:")
        .says(&format!(
            "next  caso component run MESSENGER --records {into}/records.jsonl"
        ));
    let made = format!("{into}/records.jsonl");
    component(&site, &["run", &filter, "--records", &made])
        .says(&format!("as a filter of the records of `{made}`"));
    component(
        &site,
        &["run", &messenger.display().to_string(), "--records", &made],
    )
    .says("accepted");
    let facts = json(&component(&site, &["run", &mapper, "--json"]).expect(0));
    assert!(
        facts["examples"][0]["Cloud"].is_object() || facts["examples"][1]["Cloud"].is_object(),
        "{facts}"
    );
    let hostile = build::guests().join("caso_test_hostile_mapper.wasm");
    component(
        &site,
        &["run", &hostile.display().to_string(), "--set", "mode=trap"],
    )
    .never_says("republish");
}

/// What it writes into a folder is there at once, and a reader may take it for whole.
#[test]
fn half_a_file_is_seen() {
    let (site, _) = bench();
    let file = build::mischief().display().to_string();
    let checked = |verb: &str| {
        let (verb, folder) = (format!("verb={verb}"), "folder=/srv/reports");
        let bounds = ["--deadline", "100ms"];
        let arguments = ["check", &file, "--set", &verb, "--set", folder];
        component(&site, &[&arguments[..], &bounds].concat())
    };
    checked("half-a-file").says("has left `report` in a folder, which may hold a part");
    checked("half-a-hidden-file").never_says("in a folder, which may hold");
}

/// A trap of each record is told once.
#[test]
fn one_failure_is_one_line() {
    let (site, _) = bench();
    let file = build::mischief().display().to_string();
    let checked = component(&site, &["check", &file, "--set", "verb=trap"]).expect(1);
    let lines = checked.stdout.lines();
    let traps = lines
        .filter(|line| line.trim_start().starts_with("FAIL") && line.contains("asked to trap"));
    assert_eq!(traps.count(), 1, "{checked}");
    checked.says("more, from ");
}

#[test]
fn what_a_component_logs_is_shown_on_demand() {
    let (site, _) = bench();
    let file = build::mischief().display().to_string();
    let run = |more: &[&str]| {
        component(
            &site,
            &[&["run", &file, "--set", "verb=shout"], more].concat(),
        )
    };
    run(&[]).never_says("line 7 of very many");
    run(&["-d"]).says("line 7 of very many");
}

/// Each call that hangs costs all its time.
#[test]
fn one_that_hangs_is_given_up() {
    let (site, _) = bench();
    let file = build::mischief().display().to_string();
    let checked = component(&site, &["check", &file, "--set", "verb=loop"]);
    checked
        .expect(1)
        .says("it computed for longer than 10s")
        .says("2 calls took too long: the rest was not tried")
        .never_says("what it does not take");
}

#[test]
fn what_is_wrong_on_the_command_line_is_said_as_such() {
    let (site, file) = bench();
    let file = file.display().to_string();
    for command in ["run", "inspect", "check"] {
        component(&site, &[command, &file, "--as", "a b"])
            .expect(2)
            .says("--as: ")
            .says("`a b` cannot name a messenger");
    }
    let empty = site.path().join("empty.jsonl");
    fs::write(&empty, "").unwrap();
    component(
        &site,
        &["run", &file, "--records", &empty.display().to_string()],
    )
    .expect(2)
    .says("has no record")
    .never_says("FAILED");
    component(&site, &["inspect", "nowhere.wasm"])
        .expect(1)
        .says(&format!("`{}`", site.path().join("nowhere.wasm").display()));
}

#[test]
fn of_its_command_lines() {
    let (site, _) = bench();
    for (name, arguments) in [
        ("component-help", &["--help"][..]),
        ("component-help-new", &["new", "--help"]),
        ("component-help-wit", &["wit", "--help"]),
        ("component-help-inspect", &["inspect", "--help"]),
        ("component-help-check", &["check", "--help"]),
        ("component-help-run", &["run", "--help"]),
        ("component-help-list", &["list", "--help"]),
    ] {
        printed(name, &component(&site, arguments));
    }
}

#[test]
fn a_messenger_begins_in_a_folder() {
    let (site, _) = bench();
    for (language, name) in [
        ("rust", "component-new-rust"),
        ("c", "component-new-c"),
        ("python", "component-new-python"),
        ("javascript", "component-new-javascript"),
    ] {
        let arguments = ["new", "--lang", language, "mine", "--into", language];
        printed(name, &component(&site, &arguments));
        let folder = site.path().join(language);
        for file in [
            "README.md",
            "build.sh",
            "test.sh",
            ".gitignore",
            "wit/worlds.wit",
        ] {
            let text = fs::read_to_string(folder.join(file)).unwrap();
            assert!(!text.contains("@NAME@"), "{language}/{file}");
        }
    }
    printed(
        "component-new-again",
        &component(&site, &["new", "--lang", "c", "mine", "--into", "c"]),
    );
    printed(
        "component-new-named-ssm",
        &component(&site, &["new", "--lang", "c", "ssm"]),
    );
    printed(
        "component-new-named-wrongly",
        &component(&site, &["new", "--lang", "c", "My Messenger"]),
    );
    printed(
        "component-new-in-go",
        &component(&site, &["new", "--lang", "go", "mine"]),
    );
    let facts = json(&component(&site, &["new", "--lang", "c", "other", "--json"]).expect(0));
    assert_eq!(facts["folder"], "other");
    assert!(site.path().join("other/gen/messenger.h").is_file());
}
