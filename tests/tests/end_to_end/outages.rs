//! Services that are away, slow, or talk nonsense: what a run makes of it, what
//! it tells, and that the next one makes up for it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use caso_stand_in::{Fault, Rule, project_id};
use caso_tests::outcome::Outcome;
use caso_tests::site::Site;

use crate::clouds::{FROM, TO, World, in_every_cloud, plain, restless};

fn extract(site: &Site) -> Outcome {
    site.extract(&["--extract-from", FROM, "--extract-to", TO])
}

fn all(world: &World) -> Vec<usize> {
    (0..world.plan.projects.len()).collect()
}

/// While it lasts nothing is told and no cursor moves; afterwards all is there.
fn nothing_then_everything(pattern: &str, fault: &Fault) {
    in_every_cloud(|world| {
        let mut site = world.site();
        site.set("keystone_auth", "timeout", "1");
        world.cloud.inject(Rule::on(pattern), fault.clone());
        extract(&site).expect(1);
        assert!(site.messages().is_empty());
        assert_eq!(site.cursor(&project_id(0)), None);
        world.cloud.heal();
        extract(&site).expect(0);
        let found = site.cloud_records();
        for id in world.expected(&[0]).keys() {
            assert!(found.contains_key(id), "{id} was lost");
        }
    });
}

#[test]
fn keystone_is_down() {
    nothing_then_everything("/identity", &Fault::Status(503));
}

/// The address that failed is not the one in the configuration.
#[test]
fn a_proxy_that_is_down_is_named() {
    let world = plain();
    let mut site = world.site();
    site.variable("http_proxy", "http://127.0.0.1:9")
        .variable("no_proxy", "");
    extract(&site)
        .expect(1)
        .says("asked through the proxy `http://127.0.0.1:9` (`http_proxy` in the environment")
        .says("correct that variable, or add the host to `no_proxy`");
}

/// Keystone is not overloaded where nobody has asked it.
#[test]
fn a_proxy_that_is_silent_is_not_taken_for_keystone() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = format!("http://{}", silent.local_addr().unwrap());
    let mut site = Site::with_auth_url("http://cloud.invalid:5000/v3");
    site.set("keystone_auth", "timeout", "1")
        .variable("http_proxy", &proxy);
    extract(&site)
        .expect(1)
        .says(&format!("asked through the proxy `{proxy}` (`http_proxy` in the environment"))
        .says("hint: see whether the proxy lets us through to Keystone, or correct that variable, or add the host to `no_proxy`");
}

/// One of a kind that we do not speak costs nothing where no request goes through it.
#[test]
fn a_socks_proxy() {
    let world = plain();
    let mut site = world.site();
    site.variable("all_proxy", "socks5://127.0.0.1:9")
        .variable("no_proxy", "");
    extract(&site)
        .expect(1)
        .says("the environment variable `all_proxy` names a kind of proxy that is not supported")
        .says(
            "hint: correct it, or leave it out for this command alone: `env -u all_proxy caso …`",
        );
    site.variable("no_proxy", "*");
    extract(&site).expect(0);
}

/// What answers every request with this status, and lets nothing through.
fn refusing_proxy(status: u16) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream);
            let (mut line, mut length) = (String::new(), 0);
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                let lower = line.to_lowercase();
                if let Some(bytes) = lower.strip_prefix("content-length: ") {
                    length = bytes.trim().parse().unwrap();
                }
                line.clear();
            }
            let _ = reader.read_exact(&mut vec![0; length]);
            let answer = format!(
                "HTTP/1.1 {status} No\r\nConnection: close\r\nContent-Length: 9\r\n\r\nnot today"
            );
            let _ = reader.get_mut().write_all(answer.as_bytes());
        }
    });
    format!("http://{address}")
}

/// Who answered of the two, a status alone does not say; but that a login is wanted, or that there is no tunnel.
#[test]
fn what_a_proxy_answers_is_not_taken_for_keystones() {
    for (variable, scheme, status, told, way_out) in [
        (
            "http_proxy",
            "http",
            503,
            "in its place, answered with status 503 to `POST http://",
            "if it was the proxy, add the host to `no_proxy`, or have it let us through to Keystone",
        ),
        (
            "HTTP_PROXY",
            "http",
            403,
            "in its place, forbids this account `POST http://",
            "if it was the proxy, add the host to `no_proxy`, or have it let us through to Keystone",
        ),
        (
            "all_proxy",
            "http",
            407,
            "wants a user and a password (status 407)",
            "write the proxy's user and password into that variable",
        ),
        (
            "https_proxy",
            "https",
            407,
            "wants a user and a password (status 407)",
            "write the proxy's user and password into that variable",
        ),
        (
            "https_proxy",
            "https",
            503,
            "refuses to make a connection to it, or cannot make one",
            "add the host to `no_proxy`, or have the proxy let `CONNECT` through to Keystone",
        ),
    ] {
        let proxy = refusing_proxy(status);
        let mut site = Site::with_auth_url(&format!("{scheme}://cloud.invalid:5000/v3"));
        site.variable(variable, &proxy);
        extract(&site)
            .expect(1)
            .says(&format!(
                "the proxy `{proxy}` (`{variable}` in the environment) {told}"
            ))
            .says(way_out)
            .never_says("the fault is Keystone's");
    }
}

#[test]
fn nova_is_down() {
    nothing_then_everything("/compute", &Fault::Status(503));
}

#[test]
fn nova_closes_every_connection() {
    nothing_then_everything("/compute", &Fault::Closed);
}

#[test]
fn nova_is_a_welcome_page() {
    nothing_then_everything("/servers/detail", &Fault::Html);
}

#[test]
fn nova_never_ends_its_answers() {
    nothing_then_everything("/servers/detail", &Fault::Truncated);
}

#[test]
fn nova_is_silent() {
    nothing_then_everything("/compute", &Fault::Never);
}

/// One line for an outage, however many projects it is about.
#[test]
fn an_outage_is_one_line() {
    let world = restless();
    world.cloud.inject(Rule::on("/compute"), Fault::Status(503));
    let outcome = extract(&world.site()).expect(1);
    let lines = outcome
        .stderr
        .lines()
        .filter(|line| line.contains("503"))
        .count();
    assert_eq!(lines, 1, "{outcome}");
}

/// Where an image came from refines a record and is no reason to lose it.
#[test]
fn glance_is_down() {
    for fault in [
        Fault::Status(503),
        Fault::Closed,
        Fault::Html,
        Fault::Truncated,
    ] {
        in_every_cloud(|world| {
            world.cloud.inject(Rule::on("/image"), fault.clone());
            let site = world.site();
            extract(&site).expect(0);
            world.check(&site, &all(world));
        });
    }
}

/// One project's Nova answers 500; the other's records and cursor are its own.
#[test]
fn one_project_fails_alone() {
    let world = restless();
    world.cloud.inject(
        Rule::on("/servers/detail")
            .of_project(&project_id(1))
            .when(|seen| seen.param("marker").is_some()),
        Fault::Status(500),
    );
    let site = world.site();
    extract(&site).expect(3).says(&project_id(1));
    let found = site.cloud_records();
    assert_eq!(
        found.len(),
        world.expected(&[0]).len(),
        "pages of a project that failed were sent"
    );
    assert!(site.cursor(&project_id(0)).is_some());
    assert_eq!(site.cursor(&project_id(1)), None);
}

/// An answer that fails once is asked for again.
#[test]
fn a_hiccup_costs_nothing() {
    for fault in [Fault::Status(503), Fault::Closed, Fault::Truncated] {
        in_every_cloud(|world| {
            for pattern in [
                "/servers/detail",
                "os-simple-tenant-usage",
                "/flavors/detail",
            ] {
                world.cloud.inject(Rule::on(pattern).nth(1), fault.clone());
            }
            let site = world.site();
            extract(&site).expect(0);
            world.check(&site, &all(world));
        });
    }
}

#[test]
fn retry_after_is_waited_for() {
    let world = plain();
    world.cloud.inject(
        Rule::on("os-simple-tenant-usage").nth(1),
        Fault::Refuse {
            status: 429,
            header: ("retry-after", "1".into()),
        },
    );
    let site = world.site();
    let outcome = extract(&site).expect(0);
    assert!(outcome.took >= Duration::from_secs(1), "{outcome}");
    world.check(&site, &[0]);
}

/// A page that times out is asked for again at half its size, until it comes.
#[test]
fn a_page_that_times_out_is_asked_for_at_half_its_limit() {
    let world = plain();
    world.cloud.inject(
        Rule::on("/servers/detail").when(|seen| {
            seen.param("limit")
                .and_then(|limit| limit.parse::<usize>().ok())
                .is_none_or(|limit| limit > 300)
        }),
        Fault::Never,
    );
    let mut site = world.site();
    site.set("keystone_auth", "timeout", "1");
    extract(&site).expect(0);
    world.check(&site, &[0]);
    let limits: Vec<usize> = world
        .cloud
        .seen()
        .iter()
        .filter_map(|seen| seen.param("limit")?.parse().ok())
        .collect();
    assert!(limits.iter().any(|limit| *limit <= 300), "{limits:?}");
}

/// A clean run from cron says nothing at all.
#[test]
fn a_clean_run_prints_nothing() {
    in_every_cloud(|world| {
        let site = world.site();
        // The first run may have something to say about itself.
        extract(&site).expect(0);
        let outcome = site.extract(&["--extract-to", "2026-10-17"]).expect(0);
        assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""));
    });
}

/// JSON, and not Nova's: with the address, and whom to ask.
#[test]
fn a_list_of_another_shape_says_whom_to_ask_and_how_to_keep_the_answer() {
    for (body, what) in [
        (
            r#"{"servers": null}"#,
            "in an unexpected form: at `servers`",
        ),
        (r#"{"servers": {}}"#, "in an unexpected form: at `servers`"),
        (
            r#"{"servers": [null]}"#,
            "holds something that is no object, `null`",
        ),
    ] {
        let world = plain();
        world
            .cloud
            .inject(Rule::on("/servers/detail"), Fault::Json(body));
        extract(&world.site())
            .expect(1)
            .says(what)
            .says("hint: ask whoever runs Nova")
            .says("`caso-extract --dry-run --record DIR` keeps the answer");
    }
}
