//! Attacks of the sandbox's review on the program as it is installed: what a stranger's
//! component does beside `ssm`, whose records must be in its queue all the same. Each
//! test names the attack (its cases there) and what holds against it. With
//! `CASO_TEST_PROGRAMS` it runs against a release.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use caso_tests::outcome::Outcome;
use caso_tests::site::Site;

use crate::clouds::{FROM, TO, World, plain};

const WINDOW: [&str; 4] = ["--extract-from", FROM, "--extract-to", TO];

/// Runs it; `ssm` has delivered everything.
fn beside_ssm(world: &World, site: &Site) -> Outcome {
    let outcome = site.extract(&WINDOW);
    let all: Vec<usize> = (0..world.plan.projects.len()).collect();
    world.check(site, &all);
    outcome
}

fn folder(site: &Site, name: &str) -> String {
    let path = site.path().join(name);
    fs::create_dir_all(&path).unwrap();
    path.display().to_string()
}

fn bytes_in(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else {
        return 0;
    };
    entries
        .map(|entry| entry.unwrap())
        .map(|entry| match entry.metadata().unwrap() {
            meta if meta.is_dir() => bytes_in(&entry.path()),
            meta => meta.len(),
        })
        .sum()
}

/// c04 to c07: a folder from which the next run's code, somebody's queue or the
/// passwords could be reached. Grants are compared with what the engine lives on, and
/// with each other, before anything runs.
#[test]
fn a_grant_over_what_others_live_on_is_not_used() {
    let world = plain();
    let mut site = world.site();
    site.with_mischief("fill-folder");
    let at = |site: &Site, name: &str| site.path().join(name).display().to_string();
    for (place, told) in [
        ("", "contains"),
        ("spool", "is"),
        ("spool/journal", "lies in"),
        ("ssm", "(the queue of messenger `ssm`)"),
        ("ssm/00000000", "lies in"),
    ] {
        let place = at(&site, place);
        site.set("mischief", "folder", &place).set(
            "messenger_mischief",
            "grants",
            &format!("directory-write:{place}"),
        );
        let outcome = site.extract(&WINDOW);
        outcome
            .says("messenger `mischief` is not used, its records wait")
            .says(told)
            .says("grant it a place of its own");
    }
    let all: Vec<usize> = (0..world.plan.projects.len()).collect();
    world.check(&site, &all);
}

/// b10, c02: a call for each record, each with megabytes and errors for root's mail.
#[test]
fn what_one_leaves_on_disk_and_says_is_bounded_for_the_run() {
    let world = plain();
    let mut site = world.site();
    let queue = folder(&site, "mine");
    site.with_mischief("one-a-time")
        .set("mischief", "output", &queue)
        .set("messenger_mischief", "grants", &format!("queue:{queue}"));
    let outcome = beside_ssm(&world, &site).expect(3);
    let errors = outcome
        .stderr
        .matches("nothing that anybody has to know")
        .count();
    assert!(errors <= 50, "{errors} lines");
    let outcome = outcome.says("raise `output`");
    let bytes = bytes_in(Path::new(&queue));
    assert!(bytes <= 80 << 20, "{bytes} bytes: {outcome}");
}

/// d05: a folder without any quota.
#[test]
fn a_folder_is_filled_so_far() {
    let world = plain();
    let mut site = world.site();
    let place = folder(&site, "data");
    site.with_mischief("fill-folder")
        .set("mischief", "folder", &place)
        .set("messenger_mischief", "output", "2MiB")
        .set(
            "messenger_mischief",
            "grants",
            &format!("directory-write:{place}"),
        );
    beside_ssm(&world, &site).expect(3).says("raise `output`");
    assert!(bytes_in(Path::new(&place)) <= 2 << 20);
}

/// d04: all was done, and the process stayed, at one end of a pipe.
#[test]
fn a_pipe_in_a_granted_folder_keeps_nobody() {
    let world = plain();
    let mut site = world.site();
    let place = folder(&site, "data");
    let made = Command::new("mkfifo")
        .arg(site.path().join("data/pipe"))
        .status();
    assert!(made.unwrap().success());
    site.with_mischief("open-pipe")
        .set("mischief", "folder", &place)
        .set(
            "messenger_mischief",
            "grants",
            &format!("directory-write:{place}"),
        );
    beside_ssm(&world, &site).expect(0);
}

/// i07: a call that sleeps delayed SIGTERM by its whole timeout.
#[test]
fn sigterm_ends_a_run_whatever_a_guest_waits_for() {
    let world = plain();
    let mut site = world.site();
    let place = folder(&site, "data");
    site.with_mischief("sleep")
        .set("mischief", "folder", &place)
        .set(
            "messenger_mischief",
            "grants",
            &format!("directory-write:{place}"),
        )
        .set("messenger_mischief", "timeout", "1h")
        .set("DEFAULT", "delivery_timeout", "3600");
    let run = site.start("caso-extract", &[], &WINDOW);
    let began = Instant::now();
    while !site.path().join("data/asleep").exists() {
        assert!(began.elapsed() < Duration::from_secs(120), "it never slept");
        std::thread::yield_now();
    }
    run.terminate().expect(3).says("SIGTERM");
    // What was offered waits, and goes next time.
    site.set("mischief", "verb", "accept");
    site.deliver().expect(0);
    let all: Vec<usize> = (0..world.plan.projects.len()).collect();
    world.check(&site, &all);
}

/// g13: 498 bytes that take gigabytes to compile; with the lock held and `ssm` behind it.
#[test]
fn a_bomb_for_the_compiler_costs_its_messenger_alone() {
    let world = plain();
    let mut site = world.site();
    let bomb = site.path().join("bomb.wasm");
    fs::write(&bomb, nest_bomb(24)).unwrap();
    site.with_mischief("accept").set(
        "messenger_mischief",
        "component",
        &bomb.display().to_string(),
    );
    beside_ssm(&world, &site)
        .expect(3)
        .says("messenger `mischief` is not used, its records wait")
        .says("it has more than 2000 instances");
}

/// Each component makes two instances of the one inside of it.
fn nest_bomb(depth: usize) -> Vec<u8> {
    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
    (0..depth).fold(COMPONENT.to_vec(), |inner, _| {
        let mut size = Vec::new();
        let mut left = inner.len();
        while left > 0x7f {
            size.push((left & 0x7f) as u8 | 0x80);
            left >>= 7;
        }
        size.push(left as u8);
        let twice = [5, 7, 2, 0, 0, 0, 0, 0, 0];
        [COMPONENT, &[4], &size, &inner, &twice].concat()
    })
}

/// a29: whoever may write the file is who runs tomorrow.
#[test]
fn a_component_file_that_others_may_write_is_named() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = plain();
    let mut site = world.site();
    site.with_mischief("accept");
    let open = site.path().join("open.wasm");
    fs::copy(caso_tests::build::mischief(), &open).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o666)).unwrap();
    site.set(
        "messenger_mischief",
        "component",
        &open.display().to_string(),
    );
    beside_ssm(&world, &site)
        .says("can be changed by others")
        .says("pin it with `sha256` in [messenger_mischief]");
}
