//! `caso queue forget`: the way out for records of a messenger that is gone.

use std::fs;

use caso_tests::outcome::Outcome;
use caso_tests::site::Site;
use caso_tests::spool;

use crate::clouds::{FROM, TO, plain};

fn forget(site: &Site, arguments: &[&str]) -> Outcome {
    site.start("caso", &["queue", "forget"], arguments).finish()
}

/// Sealed segments, of which records wait.
fn segments(site: &Site) -> usize {
    let folder = site.spool().join("caso-journal").join("segments");
    fs::read_dir(folder).map_or(0, Iterator::count)
}

/// `ssm` has all; what waits for `mischief` was offered once.
fn with_a_backlog(world: &crate::clouds::World) -> Site {
    let mut site = world.site();
    site.with_mischief("misconfigured");
    site.extract(&["--extract-from", FROM, "--extract-to", TO])
        .expect(3);
    world.check(&site, &[0]);
    assert_eq!(segments(&site), 1);
    site
}

#[test]
fn what_waits_for_a_removed_messenger_is_given_up_by_the_command_that_the_run_names() {
    let world = plain();
    let mut site = with_a_backlog(&world);

    site.set("DEFAULT", "messengers", "ssm");
    site.deliver()
        .expect(0)
        .says("`caso queue forget mischief`");

    let done = forget(&site, &["mischief"]).expect(0);
    assert_eq!(
        done.stdout,
        "gave up 10 records that waited for messenger `mischief`\n"
    );
    assert_eq!(done.stderr, "");
    assert_eq!(segments(&site), 0);
    let messages = site.messages().len();
    let silent = site.deliver().expect(0);
    assert_eq!((silent.stdout.as_str(), silent.stderr.as_str()), ("", ""));

    // Put back, and ready to show in a queue of its own whatever it is given.
    let shown = site.path().join("mine");
    let shown_text = shown.display().to_string();
    site.with_mischief("put")
        .set("mischief", "output", &shown_text)
        .set(
            "messenger_mischief",
            "grants",
            &format!("queue:{shown_text}"),
        );
    site.deliver().expect(0);
    assert!(spool::read(&shown).is_empty(), "it was sent something old");
    assert_eq!(site.messages().len(), messages, "`ssm` was sent it again");
}

#[test]
fn a_name_that_nothing_waits_for_is_an_error_that_names_those_that_have_something() {
    let world = plain();
    let mut site = with_a_backlog(&world);
    site.set("DEFAULT", "messengers", "ssm");
    forget(&site, &["mishcief"])
        .expect(1)
        .says("nothing waits for messenger `mishcief`")
        .says("`mischief` (10 records)");
    assert_eq!(segments(&site), 1);
    forget(&site, &["mischief"]).expect(0);
    forget(&site, &["mischief"])
        .expect(1)
        .says("nothing waits for messenger `mischief`, or for any other");
}

#[test]
fn a_messenger_that_is_still_configured_is_refused_unless_it_is_meant() {
    let world = plain();
    let mut site = with_a_backlog(&world);
    forget(&site, &["mischief"])
        .expect(2)
        .says("`messengers`")
        .says("--even-if-configured");
    assert_eq!(segments(&site), 1);
    forget(&site, &["mischief", "--dry-run"]).expect(2);
    assert_eq!(segments(&site), 1);
    forget(&site, &["mischief", "--even-if-configured"])
        .expect(0)
        .says("gave up 10 records");
    assert_eq!(segments(&site), 0);
    site.set("mischief", "verb", "accept");
    site.deliver().expect(0);
}

#[test]
fn it_waits_for_its_turn_like_any_run() {
    let world = plain();
    let mut site = with_a_backlog(&world);
    let lock_path = site.path().join("lock");
    site.set("DEFAULT", "messengers", "ssm")
        .set("DEFAULT", "lock_path", &lock_path.display().to_string())
        .set("DEFAULT", "lock_timeout", "0");
    let runtime = tokio::runtime::Runtime::new().expect("threads can be had");
    let lock = runtime
        .block_on(caso_state::Lock::acquire(
            &lock_path,
            std::time::Duration::ZERO,
        ))
        .expect("a fresh folder has no lock");
    forget(&site, &["mischief"])
        .expect(75)
        .says("another cASO runs");
    assert_eq!(segments(&site), 1);
    drop(lock);
    forget(&site, &["mischief"]).expect(0);
}
