//! What is said of folders, files and locks: path, owner, what to do.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use caso_stand_in::{Fault, Gate, Rule, project_id};

use super::{printed, run, site};
use crate::clouds::{FROM, TO, plain};

const WINDOW: [&str; 4] = ["--extract-from", FROM, "--extract-to", TO];

#[test]
fn of_what_stands_in_the_way() {
    let world = plain();
    for (name, section, option, below) in [
        ("spooldir-that-is-a-file", "DEFAULT", "spooldir", ""),
        ("spooldir-below-a-file", "DEFAULT", "spooldir", "x"),
        ("lock-path-below-a-file", "DEFAULT", "lock_path", "x"),
        ("cache-dir-below-a-file", "DEFAULT", "cache_dir", "x"),
        ("queue-below-a-file", "ssm", "output_path", "x"),
        ("log-file-below-a-file", "DEFAULT", "log_file", "x"),
    ] {
        let mut site = site(&world.cloud);
        let path = site.path().join("in-the-way");
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        // Pushing an empty part would end the path with a slash.
        let path = if below.is_empty() {
            path
        } else {
            path.join(below)
        };
        site.set(section, option, &path.display().to_string());
        printed(name, &site.extract(&WINDOW));
    }
    let mut site = site(&world.cloud);
    site.set("DEFAULT", "spooldir", "relative");
    printed("spooldir-that-is-relative", &site.extract(&WINDOW));
}

#[test]
fn of_files_of_the_journal() {
    let world = plain();
    let site = site(&world.cloud);
    site.extract(&["--extract-to", "2026-10-09"]).expect(0);
    let counter = site.spool().join("caso-journal/journal.json");
    let text = fs::read_to_string(&counter).unwrap();
    fs::write(&counter, "{}").unwrap();
    printed(
        "journal-whose-counter-is-damaged",
        &site.extract(&["--extract-to", "2026-10-10"]),
    );
    let ours = text.find("\"format\":").expect("it says its format") + "\"format\":".len();
    fs::write(&counter, format!("{}9{}", &text[..ours], &text[ours..])).unwrap();
    printed(
        "journal-of-a-newer-version",
        &site.extract(&["--extract-to", "2026-10-11"]),
    );
    let cursors = site
        .spool()
        .join("caso-cursors")
        .join(format!("{}.json", project_id(0)));
    fs::write(&cursors, "{").unwrap();
    fs::remove_dir_all(site.spool().join("caso-journal")).unwrap();
    printed(
        "cursor-file-that-is-damaged",
        &site.extract(&["--extract-to", "2026-10-12"]),
    );
}

#[test]
fn of_another_run() {
    let world = plain();
    let gate = Gate::default();
    world
        .cloud
        .inject(Rule::on("/compute"), Fault::Held(gate.clone()));
    let mut site = site(&world.cloud);
    site.set("DEFAULT", "lock_timeout", "1");
    let first = site.start("caso-extract", &[], &WINDOW);
    assert!(gate.is_reached(), "nothing was asked: {}", first.kill());
    printed("another-run", &site.extract(&WINDOW));
    first.kill();
}

#[test]
fn of_commands_that_do_not_fit() {
    let world = plain();
    let site = site(&world.cloud);
    site.extract(&WINDOW).expect(0);
    let conf = ["--config-file", "caso.conf"];
    let caso = |arguments: &[&str]| run(&site, "caso", &[arguments, &conf].concat());
    printed(
        "delivery-with-flags-of-an-extraction",
        &caso(&["deliver", "--projects", "x", "--extract-from", FROM]),
    );
    printed("delivery-that-is-dry", &caso(&["deliver", "--dry-run"]));
    printed("projects", &caso(&["projects"]));
    printed("mapping-migrate", &caso(&["mapping-migrate"]));
    printed(
        "replay-of-nothing",
        &caso(&["extract", "--replay", "nowhere", "--into", "fresh"]),
    );
    fs::create_dir(site.path().join("full")).unwrap();
    fs::write(site.path().join("full/file"), "").unwrap();
    printed(
        "record-into-a-full-folder",
        &caso(&["extract", "--record", "full"]),
    );
    let recorded = [&["extract", "--record", "recording"], &WINDOW[..]].concat();
    caso(&recorded).expect(0);
    printed(
        "replay-into-a-full-folder",
        &caso(&["extract", "--replay", "recording", "--into", "full"]),
    );
    printed(
        "demo",
        &run(
            &site,
            "caso",
            &["demo", &site.path().join("demo").display().to_string()],
        ),
    );
}

/// Found before Keystone is asked; with the owner, and who we are.
#[test]
fn of_a_folder_of_somebody_else() {
    let world = plain();
    let mut site = site(&world.cloud);
    site.without_root();
    let locked = site.path().join("locked");
    fs::create_dir(&locked).unwrap();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o555)).unwrap();
    site.set(
        "DEFAULT",
        "spooldir",
        &locked.join("spool").display().to_string(),
    );
    printed("folder-of-somebody-else", &site.extract(&WINDOW));
}
