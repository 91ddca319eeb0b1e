//! `caso init`: from nothing to a message, by the lines that the program itself prints.

use std::fs;

use caso_stand_in::{Cloud, Plan};
use caso_tests::outcome::{Outcome, Running};
use caso_tests::site::Site;

fn init(site: &Site, arguments: &[&str]) -> Outcome {
    let mut command = site.command("caso");
    command.arg("init").args(arguments);
    Running::start(command, site.path()).finish()
}

#[test]
fn a_messenger_that_nobody_has_is_not_written_down() {
    let cloud = Cloud::start(Plan::generated(1, 1));
    let mut site = Site::at(&cloud);
    site.variable("OS_PASSWORD", "secret");
    let file = site.path().join("first.conf");
    let name = file.display().to_string();
    let account = ["--site-name", "A", "--username", "b"];
    let rest = ["--auth-url", "http://localhost", "--messengers", "smm"];
    init(&site, &[&[name.as_str()], &account[..], &rest[..]].concat())
        .says("`smm` is no messenger of this program")
        .says("did you mean `ssm`?");
    assert!(!file.exists());
}

/// As after `source openrc`: the site's name is all that is not known.
#[test]
fn a_site_begins_with_an_openrc_and_its_name() {
    let cloud = Cloud::start(Plan::generated(1, 3));
    let mut site = Site::at(&cloud);
    for (name, value) in [
        ("OS_AUTH_URL", cloud.auth_url().as_str()),
        ("OS_USERNAME", "accounting"),
        ("OS_PASSWORD", "secret"),
    ] {
        site.variable(name, value);
    }
    let file = site.path().join("first.conf");
    let name = file.display().to_string();
    let missing = init(&site, &[&name]).expect(2);
    assert_eq!(
        missing.stderr,
        "error: missing: the site's name in GOCDB (`--site-name`); nothing was written\n"
    );
    assert!(!file.exists());
    let spool = site.path().join("spool-of-the-first");
    init(
        &site,
        &[&name, "--site-name", "FIRST", "--project", "project-0"],
    )
    .expect(0)
    .says(
        "  openstack role add --user accounting --user-domain Default --project project-0 reader\n",
    )
    .says(&format!("next  caso check --config-file {name}\n"));
    let text = fs::read_to_string(&file).expect("the file");
    assert_eq!(
        text,
        format!(
            "# Written by `caso init`. Every other option, with what it is for: `caso sample`.\n\n[DEFAULT]\n\
             site_name = FIRST\nmessengers = ssm\nprojects = project-0\n\n[keystone_auth]\nauth_type = v3password\n\
             auth_url = {}\nusername = accounting\nuser_domain_name = Default\n\
             project_domain_name = Default\npassword = secret\n",
            cloud.auth_url()
        )
    );
    // What it says is enough for a run; the test's own folders apart.
    site.variable("OS_DEFAULT__SPOOLDIR", &spool.display().to_string());
    site.variable("OS_SSM__OUTPUT_PATH", &site.ssm().display().to_string());
    fs::create_dir(&spool).expect("a spool");
    for line in [&["check"][..], &["extract", "--extract-from", "2026-10-01"]] {
        let mut command = site.command("caso");
        command.args(line).arg("--config-file").arg(&file);
        Running::start(command, site.path()).finish().expect(0);
    }
    assert!(!site.messages().is_empty());
    // A second time it says something.
    init(&site, &[&name, "--site-name", "OTHER"])
        .expect(1)
        .says("exists and has settings");
    assert_eq!(fs::read_to_string(&file).expect("the file"), text);
}
