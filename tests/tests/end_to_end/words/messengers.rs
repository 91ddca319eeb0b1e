//! What is said of messengers that fail, are misconfigured, or ask for what the site
//! did not grant.

use caso_tests::cim::{Cim, EMAIL};
use caso_tests::logstash::Logstash;

use super::{printed, site};
use crate::clouds::{FROM, TO, plain};

const WINDOW: [&str; 4] = ["--extract-from", FROM, "--extract-to", TO];

/// Each way in which `mischief` fails.
#[test]
fn of_one_that_fails() {
    let world = plain();
    for (name, verb) in [
        ("messenger-loop", "loop"),
        ("messenger-retry", "retry"),
        ("messenger-misconfigured", "misconfigured"),
        ("messenger-refuse-to-start", "refuse-to-start"),
        ("messenger-refuse-the-verb", "refuse-the-verb"),
        (
            "messenger-refuse-what-is-not-its-own",
            "refuse-what-is-not-its-own",
        ),
        ("messenger-trap", "trap"),
        ("messenger-allocate", "allocate"),
        ("messenger-refuse-beyond", "refuse-beyond"),
        ("messenger-accept-too-many", "accept-too-many"),
        ("messenger-refuse-first", "refuse-first"),
        ("messenger-ask", "ask"),
        ("messenger-unheard-of", "unheard-of"),
    ] {
        let mut site = site(&world.cloud);
        // One that loops is found out long before the delivery's time is over.
        site.with_mischief(verb)
            .set("messenger_mischief", "deadline", "200ms")
            .set("DEFAULT", "delivery_timeout", "60");
        printed(name, &site.extract(&WINDOW));
    }
}

/// Of one that cannot start, too, a line in the wrong section is sent to its own and to no other's.
#[test]
fn of_an_option_in_the_hosts_section() {
    let world = plain();
    let mut site = site(&world.cloud);
    site.set("DEFAULT", "messengers", "ssm, greendigit_cim")
        .set("messenger_greendigit_cim", "email", "a@b")
        .set("messenger_greendigit_cim", "output_path", "/q");
    printed("options-in-the-hosts-section", &site.extract(&WINDOW));
}

/// What it asks for and was not granted, and grants that are none.
#[test]
fn of_grants() {
    let world = plain();
    let mut site = site(&world.cloud);
    let queue = site.path().join("mine").display().to_string();
    site.with_mischief("put").set("mischief", "output", &queue);
    printed("grant-that-is-missing", &site.extract(&WINDOW));
    for (name, grant) in [
        ("grant-of-nothing-known", "qeue:/tmp"),
        ("grant-without-target", "queue:"),
        ("grant-of-a-relative-path", "queue:mine"),
        ("grant-with-an-unknown-term", "queue:/tmp/x?colour=red"),
        ("grant-of-a-connection-without-port", "connection:localhost"),
        ("grant-of-plain-http", "http:ftp://localhost"),
        ("grant-of-an-address", "http://localhost"),
        ("grant-nobody-asks-for", "connection:localhost:5000"),
    ] {
        site.set("messenger_mischief", "grants", grant);
        printed(name, &site.extract(&WINDOW));
    }
}

#[test]
fn of_component_files() {
    let world = plain();
    let mut site = site(&world.cloud);
    site.with_mischief("accept");
    site.set("messenger_mischief", "sha256", &"0".repeat(64));
    printed("component-with-another-digest", &site.extract(&WINDOW));
    site.unset("messenger_mischief", "sha256").set(
        "messenger_mischief",
        "component",
        "/nowhere/mine.wasm",
    );
    printed("component-that-is-not-there", &site.extract(&WINDOW));
    let file = site.path().join("mine.wasm");
    std::fs::write(&file, "no component").unwrap();
    site.set(
        "messenger_mischief",
        "component",
        &file.display().to_string(),
    );
    printed("component-that-is-none", &site.extract(&WINDOW));
    site.set("DEFAULT", "messengers", "ssm")
        .set("DEFAULT", "mapper", &file.display().to_string());
    printed("mapper-that-is-none", &site.extract(&WINDOW));
}

#[test]
fn of_options() {
    let world = plain();
    let with = |section: &str, option: &str, value: &str| {
        let mut site = site(&world.cloud);
        site.set(section, option, value);
        site.extract(&WINDOW)
    };
    printed("ssm-with-a-bad-option", &with("ssm", "max_size", "lots"));
    // Right by its kind; what is wrong with it only the component knows.
    printed(
        "ssm-with-too-small-messages",
        &with("ssm", "max_message_bytes", "10"),
    );
    printed(
        "mapper-with-a-bad-factor",
        &with("prometheus", "cpu_normalization_factor", "0"),
    );
    printed("ssm-with-an-unknown-option", &with("ssm", "maxsize", "10"));
    printed(
        "record-type-that-is-none",
        &with("messenger_ssm", "record_types", "cluod"),
    );
    printed(
        "record-types-that-leave-some-out",
        &with("messenger_ssm", "record_types", "ip"),
    );
    printed("section-of-nobody", &with("sssm", "max_size", "10"));
    printed(
        "section-in-small-letters",
        &with("default", "site_name", "X"),
    );
    printed(
        "section-without-effect",
        &with("oslo_concurrency", "lock_path", "/run"),
    );
    printed("no-messenger", &with("DEFAULT", "messengers", ""));
}

#[test]
fn of_receivers() {
    let world = plain();
    let mut site = site(&world.cloud);
    site.set("DEFAULT", "messengers", "logstash")
        .set("logstash", "host", "127.0.0.1")
        .set("logstash", "port", &Logstash::down().to_string());
    printed("logstash-that-is-down", &site.extract(&WINDOW));
    site.set("logstash", "cafile", "/etc/ssl/ca.pem");
    printed(
        "logstash-with-a-cafile-without-tls",
        &site.extract(&["--extract-to", "2026-10-17"]),
    );
    let cim = Cim::start(None);
    site.set("DEFAULT", "messengers", "greendigit_cim");
    printed(
        "cim-without-an-account",
        &site.extract(&["--extract-to", "2026-10-18"]),
    );
    site.set("greendigit_cim", "base_url", &cim.url())
        .set("greendigit_cim", "email", EMAIL)
        .set("greendigit_cim", "password", "wrong");
    printed(
        "cim-with-nothing-to-take",
        &site.extract(&["--extract-to", "2026-10-19"]),
    );
}
