//! The same ground as `http.rs` by the other way, `caso:http`: by name and path, the grant's
//! TLS, the same budgets, nothing in a dry run.

use std::sync::{Arc, Mutex};

use super::http::{Asker, Does, Server, acceptor, ok};
use super::*;

/// Granted this server, and about to ask it for `/`.
fn granted(scheme: &str, server: &Server, terms: &str) -> Asker {
    let origin = format!("{scheme}://{}", server.authority);
    Asker::new(|guests| &guests.caller, &origin, terms)
}

#[tokio::test]
async fn a_granted_origin_is_asked() {
    let server = Server::start(ok("hello")).await;
    let caller = granted("http", &server, "")
        .set("path", "/a/b?c=d%20e")
        .set("method", "POST")
        .set("bytes", "10000")
        .set("header", "X-Mine: yes");
    assert_eq!(caller.report().await, "200 5 bytes, cookie `a=b`: hello");
    let request = server.got().remove(0);
    let head = request.to_lowercase();
    for part in [
        "post /a/b?c=d%20e http/1.1\r\n",
        &format!("\r\nhost: {}\r\n", server.authority),
        "\r\nx-mine: yes\r\n",
        "\r\ncontent-length: 10000\r\n",
    ] {
        assert!(head.contains(part), "{part}: {request}");
    }
    assert!(request.ends_with(&"x".repeat(10_000)));
}

/// A name that was not granted, a path that is an address, a header that is the
/// connection's: nothing leaves.
#[tokio::test]
async fn nothing_but_what_was_granted_is_asked() {
    let server = Server::start(ok("ours")).await;
    let granted = granted("http", &server, "");
    let elsewhere = format!("http://{}/", server.authority);
    for (name, value, told) in [
        ("name", "elsewhere", "Denied"),
        ("name", "", "200"),
        ("path", elsewhere.as_str(), "Invalid"),
        ("path", "@elsewhere.example/", "Invalid"),
        ("path", "/a b", "Invalid"),
        ("method", "CONNECT", "Invalid"),
        ("method", "trace", "Invalid"),
        ("header", "Host: elsewhere.example", "Invalid"),
        ("header", "Content-Length: 3", "Invalid"),
        ("header", "Transfer-Encoding: chunked", "Invalid"),
        ("header", "X: a\r\nHost: elsewhere.example", "Invalid"),
        ("mode", "many-headers", "Invalid"),
    ] {
        let report = granted.clone().set(name, value).report().await;
        assert!(report.contains(told), "{name} {value}: {report}");
    }
    assert_eq!(server.got().len(), 1);
    // Without any grant its world is there, and says which line is missing.
    let caller = Asker {
        grants: Vec::new(),
        ..granted
    };
    let report = caller.report().await;
    assert!(
        report.contains(&format!(
            "add `http:http://{}` to `grants` in [messenger_mine]",
            server.authority
        )),
        "{report}"
    );
}

#[tokio::test]
async fn tls_is_that_of_the_grant() {
    let dir = tempfile::tempdir().unwrap();
    let ours = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let good = dir.path().join("good.pem");
    std::fs::write(&good, ours.cert.pem()).unwrap();
    let server = Server::with_tls(ok("hello"), Some(acceptor(&ours))).await;
    for (terms, told) in [
        (String::new(), "Tls("),
        ("?cafile=/no/such/file".to_owned(), "Tls("),
        (format!("?cafile={}", good.display()), "200 5 bytes"),
        ("?verify=false".to_owned(), "200 5 bytes"),
    ] {
        let report = granted("https", &server, &terms).report().await;
        assert!(report.contains(told), "{terms}: {report}");
    }
    assert_eq!(server.got().len(), 2);
}

/// A redirect is an answer, and nobody there is not a trap.
#[tokio::test]
async fn whatever_a_server_does_is_an_answer_or_an_error() {
    let says = |text: &str| Does::Says(text.to_owned());
    let moved =
        "HTTP/1.1 302 Found\r\nLocation: http://elsewhere.example/\r\nContent-Length: 0\r\n\r\n";
    let short = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";
    for (does, told) in [
        (says(moved), "302 0 bytes"),
        (says(short), "Closed"),
        (says("no HTTP\r\n\r\n"), "Other("),
        (Does::FallsSilent(String::new()), "TimedOut"),
        (Does::FallsSilent(short.to_owned()), "TimedOut"),
        (
            Does::NeverEnds("HTTP/1.1 200 OK\r\n\r\n".to_owned()),
            "TooLarge(1048576)",
        ),
    ] {
        let server = Server::start(does).await;
        let mut caller = granted("http", &server, "");
        caller.limits.http_request_bytes = 1 << 20;
        caller.limits.connect_timeout = SOON;
        caller.limits.transfer_timeout = 2 * SOON;
        let report = caller.report().await;
        assert!(report.contains(told), "{told}: {report}");
    }
}

/// A server that says a little now and then costs the answer, not the call: the guest is
/// told in time to say how far it got.
#[tokio::test]
async fn an_answer_ends_before_its_call_does() {
    let head = "HTTP/1.1 200 OK\r\n\r\nbegin".to_owned();
    let server = Server::start(Does::FallsSilent(head)).await;
    let mut caller = granted("http", &server, "");
    caller.limits.timeout = 10 * SOON;
    caller.limits.transfer_timeout = Duration::from_secs(3_600);
    assert_eq!(caller.report().await, "HttpError::TimedOut");
}

#[tokio::test]
async fn requests_and_bytes_of_a_call_are_counted() {
    let server = Server::start(ok("")).await;
    let mut caller = granted("http", &server, "").set("mode", "flood");
    caller.limits.http_requests = 50;
    let report = caller.report().await;
    assert!(report.starts_with("50 answered, then "), "{report}");
    assert!(
        report.contains("more than 50 HTTP requests in one call"),
        "{report}"
    );
    assert_eq!(server.got().len(), 50);
    let mut caller = granted("http", &server, "").set("bytes", "100000");
    caller.limits.http_request_bytes = 50_000;
    assert_eq!(caller.report().await, "HttpError::TooLarge(50000)");
    let mut caller = granted("http", &server, "")
        .set("mode", "flood")
        .set("bytes", "1000");
    caller.limits.http_bytes = 10_000;
    let report = caller.report().await;
    assert!(
        report.starts_with("10 answered, then HttpError::TooLarge"),
        "{report}"
    );
}

/// Where nothing may leave, what would is shown, without headers and secrets.
#[tokio::test]
async fn a_dry_run_asks_nobody() {
    let server = Server::start(ok("hello")).await;
    let shown: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
    let sink = Arc::clone(&shown);
    let mut caller = granted("http", &server, "")
        .set("key", "p\u{e4}ss word")
        .set("path", "/login?password=p%C3%A4ss+word")
        .set("header", "Authorization: Bearer very-secret")
        .set("method", "POST")
        .set("bytes", "3");
    caller.redirect.requests = Some(Arc::new(move |name, bytes| {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        sink.lock().unwrap().push((name.to_owned(), text));
        Ok(())
    }));
    assert_eq!(caller.report().await, "204 0 bytes, cookie ``: ");
    let expected = format!("POST http://{}/login?password=***\nxxx\n", server.authority);
    assert_eq!(*shown.lock().unwrap(), [("web".to_owned(), expected)]);
    assert_eq!(server.got(), Vec::<String>::new());
}

/// What is shown instead of sent has no peer that bounds it: a dry run printed gigabytes.
#[tokio::test]
async fn what_a_dry_run_would_send_is_bounded_by_the_runs_budget() {
    let server = Server::start(ok("hello")).await;
    let shown: Arc<Mutex<usize>> = Arc::default();
    let sink = Arc::clone(&shown);
    let mut caller = granted("http", &server, "")
        .set("method", "POST")
        .set("bytes", "4000000");
    caller.redirect.requests = Some(Arc::new(move |_, bytes| {
        *sink.lock().unwrap() += bytes.len();
        Ok(())
    }));
    assert!(caller.clone().report().await.starts_with("204"));
    assert!(*shown.lock().unwrap() > 4_000_000);
    caller.limits.run.output = 3 << 20;
    let failure = caller.deliver().await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Host);
    assert!(
        failure
            .detail
            .contains("it would have sent more over the network in one run than 3 MiB"),
        "{failure}"
    );
    let limit = failure.limit.unwrap().to_string();
    assert!(
        limit.starts_with("raise `output` in [messenger_"),
        "{limit}"
    );
    assert!(
        *shown.lock().unwrap() < 5_000_000,
        "none of the second call"
    );
    assert_eq!(server.got(), Vec::<String>::new());
}
