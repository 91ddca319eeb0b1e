//! caso.toml, `caso config`, and the help of `caso deliver`.

use std::fs;

use caso_tests::outcome::{Outcome, Running};
use caso_tests::site::Site;

use crate::clouds::plain;

fn run(site: &Site, arguments: &[&str]) -> Outcome {
    let mut command = site.command("caso");
    command.args(arguments);
    Running::start(command, site.path()).finish()
}

#[test]
fn a_converted_file_extracts_the_same() {
    let world = plain();
    let site = world.site();
    site.extract_october().expect(0);
    let before = site.cloud_records();
    let conf = site.path().join("caso.conf").display().to_string();
    let converted = run(&site, &["config", "convert", &conf])
        .expect(0)
        .says("the output holds secrets ([keystone_auth] password)");
    assert!(
        converted.stdout.contains("password = \"secret\""),
        "{converted}"
    );
    let toml = site.path().join("caso.toml").display().to_string();
    fs::write(&toml, &converted.stdout).unwrap();
    fs::remove_dir_all(site.ssm()).unwrap();
    let mut command = site.command("caso-extract");
    command.args([
        "--config-file",
        &toml,
        "--extract-from",
        "2026-10-01",
        "--extract-to",
        "2026-10-16",
    ]);
    Running::start(command, site.path()).finish().expect(0);
    assert_eq!(site.cloud_records(), before);
}

#[test]
fn what_is_in_force_is_shown_with_its_origin() {
    let world = plain();
    let mut site = world.site();
    site.variable("OS_DEFAULT__PAGE_SIZE", "77");
    site.extract_october().expect(0);
    let conf = site.path().join("caso.conf").display().to_string();
    run(
        &site,
        &[
            "config",
            "show",
            "--config-file",
            &conf,
            "--projects",
            "p,q",
        ],
    )
    .expect(0)
    .says(&format!("# read: {conf}"))
    .says("# environment variable `OS_DEFAULT__PAGE_SIZE`\npage_size = 77\n")
    .says("# command line `--projects`\nprojects = p,q\n")
    .says("`\npassword = ***\n")
    .says("[ssm]\n")
    .says("# default\nmax_size = 100\n")
    .never_says("secret");
    run(
        &site,
        &["config", "show", "--config-file", "/nonexistent/caso.toml"],
    )
    .expect(2)
    .says("cannot read the configuration file `/nonexistent/caso.toml`");
}

/// A delivery's help has its own flags; those of an extraction are taken, and
/// said to do nothing.
#[test]
fn the_help_of_a_delivery_has_its_own_flags() {
    let world = plain();
    let site = world.site();
    run(&site, &["deliver", "--help"])
        .expect(0)
        .says("--config-file")
        .says("--summary")
        .says("--log-file")
        .never_says("--extract-from")
        .never_says("--projects")
        .never_says("--dry-run")
        .never_says("without effect");
    site.extract_october().expect(0);
    let conf = site.path().join("caso.conf").display().to_string();
    run(
        &site,
        &["deliver", "--config-file", &conf, "--projects", "x"],
    )
    .expect(0)
    .says("warning: `--projects` has no effect on a delivery");
}

/// Two messengers, one queue: done as told, nobody gets a record twice.
#[test]
fn messengers_that_write_into_one_queue_are_named_with_what_parts_them() {
    let world = plain();
    let mut site = world.site();
    // A former name reads the section of the present one.
    site.set("DEFAULT", "messengers", "ssm, ssmv2");
    let hint =
        "take one of them out of `messengers`, or part them by `record_types` in [messenger_ssmv2]";
    let both = "messengers `ssm` and `ssmv2` write the same records into";
    site.extract(&["--dry-run"]).expect(0).says(both).says(hint);
    site.set("messenger_ssm", "record_types", "cloud")
        .set("messenger_ssmv2", "record_types", "ip");
    site.extract(&["--dry-run"])
        .expect(0)
        .never_says("write the same records");
    // One of the site's own has a section of its own.
    let folder = site.ssm().display().to_string();
    site.unset("messenger_ssm", "record_types")
        .set("DEFAULT", "messengers", "ssm, second")
        .set("messenger_second", "component", "ssm")
        .set("second", "output_path", &folder);
    site.extract(&["--dry-run"]).expect(0).says(
        "set another folder in [second], or part them by `record_types` in [messenger_second]",
    );
    let other = site.path().join("other").display().to_string();
    site.set("second", "output_path", &other);
    site.extract(&["--dry-run"])
        .expect(0)
        .never_says("write the same records");
}
