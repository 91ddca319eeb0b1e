//! The README's first command, and what it stands on: recording and replay.

use caso_tests::site::Site;
use caso_tests::spool;

use crate::clouds::{FROM, TO, in_every_cloud, plain};

const WINDOW: [&str; 4] = ["--extract-from", FROM, "--extract-to", TO];

#[test]
fn the_demo_leaves_messages_in_a_fresh_folder() {
    let site = plain().site();
    let folder = site.path().join("demo");
    let output = site
        .command("caso")
        .arg("demo")
        .arg(&folder)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("VMUUID"), "a record is shown: {text}");
    assert!(
        text.contains(&folder.display().to_string()),
        "where the messages lie is said: {text}"
    );
    let messages: Vec<_> = walk(&folder);
    for begin in [
        "APEL-cloud-message: v0.4\n",
        "{\"Type\": \"APEL Public IP message\"",
        "{\"Type\": \"APEL-accelerator-message\"",
        "<sr:StorageUsageRecords ",
    ] {
        let found = messages
            .iter()
            .any(|path| std::fs::read_to_string(path).is_ok_and(|text| text.starts_with(begin)));
        assert!(found, "no message begins with `{begin}`");
    }
}

/// It has a configuration to go on with, and goes without what others put beside it.
#[test]
fn what_a_demo_left_is_looked_at_and_removed() {
    let site = plain().site();
    let folder = site.path().join("demo");
    let of = |arguments: &[&str]| {
        let output = site.command("caso").args(arguments).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        (output.status.code(), text)
    };
    let shown = folder.display().to_string();
    let conf = folder.join("caso.conf").display().to_string();
    assert_eq!(of(&["demo", &shown]).0, Some(0));
    // What the README names next: a replay has no cursors, and no cron that fails to start it.
    let (code, status) = of(&["status", "--config-file", &conf]);
    for part in [
        "last run    a replay",
        "ssm: nothing waits",
        "as a replay moves none",
        "all well",
    ] {
        assert!(status.contains(part), "{part}: {status}");
    }
    assert_eq!(
        (code, status.contains("cron")),
        (Some(0), false),
        "{status}"
    );
    let (code, cursors) = of(&["cursor", "--config-file", &conf]);
    assert_eq!(
        (code, cursors),
        (
            Some(0),
            format!(
                "no project has a cursor: a replay moves none\nnext  caso status --config-file {conf}\n"
            )
        )
    );
    let (code, config) = of(&["config", "show", "--config-file", &conf]);
    assert!(
        code == Some(0) && config.contains("site_name = DEMO-SITE"),
        "{config}"
    );
    let (code, page) = of(&[
        "report",
        "--html",
        "-",
        "--month",
        "2026-10",
        "--config-file",
        &conf,
    ]);
    assert!(
        code == Some(0) && page.contains("vo.flavor.example.org"),
        "{page}"
    );
    // A folder in which something lies is left as it is, another's too.
    let (code, refused) = of(&["demo", &shown]);
    assert!(
        code == Some(1) && refused.contains("is not empty"),
        "{refused}"
    );
    let other = site.path().join("other");
    std::fs::create_dir_all(other.join("out")).unwrap();
    std::fs::write(other.join("caso.conf"), "[DEFAULT]\n").unwrap();
    let (code, refused) = of(&["demo", "--remove", &other.display().to_string()]);
    assert!(
        code == Some(1) && refused.contains("has no demo in it"),
        "{refused}"
    );
    assert!(other.join("out").exists());
    std::fs::write(folder.join("mine"), "").unwrap();
    assert_eq!(of(&["demo", "--remove", &shown]).0, Some(0));
    assert_eq!(spool::names(&folder), ["mine"]);
    std::fs::remove_file(folder.join("mine")).unwrap();
    assert_eq!(of(&["demo", &shown]).0, Some(0));
    assert_eq!(of(&["demo", "--remove", &shown]).0, Some(0));
    assert!(!folder.exists());
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    spool::names(folder)
        .into_iter()
        .map(|name| folder.join(name))
        .flat_map(|path| {
            if path.is_dir() {
                walk(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

/// What was recorded is replayed without a network, into a folder of its own,
/// to the same records.
#[test]
fn a_recording_replays_to_the_same_records() {
    in_every_cloud(|world| {
        let site = world.site();
        let recording = site.path().join("recording").display().to_string();
        site.extract(&[&WINDOW[..], &["--record", &recording, "--record-names"]].concat())
            .expect(0);
        let recorded = site.cloud_records();
        assert!(!recorded.is_empty());
        let secrets = walk(std::path::Path::new(&recording))
            .iter()
            .filter_map(|path| std::fs::read_to_string(path).ok())
            .any(|text| text.contains("gAAAAAB") || text.contains("\"secret\""));
        assert!(!secrets, "a token or a password is in the recording");

        world.cloud.forget_seen();
        let into = site.path().join("replayed").display().to_string();
        site.extract(&[&WINDOW[..], &["--replay", &recording, "--into", &into]].concat())
            .expect(0);
        assert!(world.cloud.seen().is_empty(), "a replay asked the cloud");
        let replayed: std::collections::BTreeMap<_, _> = walk(std::path::Path::new(&into))
            .iter()
            .filter_map(|path| std::fs::read_to_string(path).ok())
            .filter(|text| text.starts_with("APEL-cloud-message"))
            .flat_map(|text| {
                spool::Message {
                    name: String::new(),
                    text,
                }
                .cloud_records()
            })
            .map(|record| (record["VMUUID"].clone(), record))
            .collect();
        assert_eq!(replayed, recorded);
    });
}

/// Names and addresses are replaced unless asked for otherwise.
#[test]
fn a_recording_has_no_names() {
    let world = plain();
    let site: Site = world.site();
    let recording = site.path().join("recording").display().to_string();
    site.extract(&[&WINDOW[..], &["--record", &recording]].concat())
        .expect(0);
    for path in walk(std::path::Path::new(&recording)) {
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        for name in ["vm-0-1", "user-1", "project-0", "203.0.113.7"] {
            assert!(!text.contains(name), "`{name}` is in {}", path.display());
        }
    }
}
