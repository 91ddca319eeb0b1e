//! What people read, whole: help, summaries, configurations, warnings, errors and
//! their remedies, each as a snapshot beside this file. Who changes a text sees
//! what an operator will see, and keeps it with `INSTA_UPDATE=always cargo test -p
//! caso-tests --test end_to_end words`. Without that, and wherever `CI` is set, a text
//! that differs, or has no snapshot, fails.

mod component;
mod configuration;
mod first_day;
mod help;
mod meanings;
mod messengers;
mod openstack;
mod summaries;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use caso_stand_in::Cloud;
use caso_tests::build::workspace;
use caso_tests::outcome::{Outcome, Running};
use caso_tests::site::Site;

/// The snapshot of that name.
#[track_caller]
fn kept(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// What came of a program, without what differs from run to run.
#[track_caller]
fn printed(name: &str, outcome: &Outcome) {
    kept(name, &outcome.snapshot());
}

/// A program with these arguments, which reads no configuration that they do not
/// name.
fn run(site: &Site, program: &str, arguments: &[&str]) -> Outcome {
    let mut command = site.command(program);
    command.args(arguments);
    Running::start(command, site.path()).finish()
}

/// A site that asks for one thing after the other, so that errors come in one order,
/// and begins where its cases do.
fn site(cloud: &Cloud) -> Site {
    let mut site = Site::at(cloud);
    site.set("DEFAULT", "concurrency", "1")
        .set("DEFAULT", "first_extract_from", crate::clouds::FROM)
        .set("keystone_auth", "connect_retries", "0")
        .set("keystone_auth", "status_code_retries", "0");
    site
}

fn folder() -> PathBuf {
    workspace().join("tests/tests/end_to_end/words")
}

fn sources(folder: &Path) -> String {
    let files = fs::read_dir(folder).unwrap().flatten();
    files
        .filter(|file| file.path().extension().is_some_and(|ending| ending == "rs"))
        .map(|file| fs::read_to_string(file.path()).unwrap())
        .collect()
}

/// A snapshot that no test compares with is one that nobody keeps right.
#[test]
fn every_snapshot_has_its_test() {
    let sources = sources(&folder());
    let unused: BTreeSet<String> = fs::read_dir(folder().join("snapshots"))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|file| {
            let name = file.trim_end_matches(".snap");
            !sources.contains(&format!("\"{name}\""))
        })
        .collect();
    assert_eq!(unused, BTreeSet::new());
}
