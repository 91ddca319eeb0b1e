//! Where a request may be sent on to, and what becomes of one whose connection
//! the server closes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::testing::*;
use crate::{ApiError, Scope, Service, Session, SessionSettings};
use caso_net::Method;
use caso_net::http::{HttpTransport, TransportSettings};

async fn flavors(session: &Session, project: &str) -> Result<Value, ApiError> {
    session
        .get(
            &Scope::Project(project.to_owned()),
            Service::Compute,
            "/flavors",
            &[],
            None,
        )
        .await
}

/// Asks a cloud that redirects requests of that method, and gives back the
/// addresses that were asked and the error.
async fn redirected(
    method: Method,
    from_tls: bool,
    location: &'static str,
) -> (Vec<String>, String) {
    let fake = Fake::new(move |request| {
        if request.method == method {
            text(307, &[("location", location)], "")
        } else if request.method == Method::Post {
            token(request, "the-token")
        } else {
            answer(200, &json!({}))
        }
    });
    let mut login = password();
    if from_tls {
        login.auth_url = "https://cloud:5000/v3".parse().unwrap();
    }
    let (session, _) = session_with(settings(&login), &fake);
    let error = flavors(&session, "p").await.unwrap_err();
    assert!(matches!(error, ApiError::Redirect { .. }), "{error}");
    let asked = fake.asked.lock().unwrap();
    let urls = asked.iter().map(|request| request.url.to_string());
    let told = format!("{error}; {}", error.hint().unwrap_or_default());
    (urls.collect(), told)
}

#[tokio::test]
async fn a_token_stays_with_its_port() {
    let (asked, error) = redirected(Method::Get, false, "http://cloud:8775/v2.1/flavors").await;
    assert_eq!(
        asked,
        [
            "http://cloud:5000/v3/auth/tokens",
            "http://cloud:8774/v2.1/flavors"
        ]
    );
    for part in ["`http://cloud:8774`", "`http://cloud:8775`", "catalog"] {
        assert!(error.contains(part), "{error}");
    }
}

#[tokio::test]
async fn a_password_stays_with_its_port() {
    for location in [
        "http://cloud:5001/v3/auth/tokens",
        "https://cloud:5000/v3/auth/tokens",
        "http://cloud/v3/auth/tokens",
    ] {
        let (asked, error) = redirected(Method::Post, false, location).await;
        assert_eq!(asked, ["http://cloud:5000/v3/auth/tokens"]);
        let to = location.strip_suffix("/v3/auth/tokens").unwrap();
        let to = format!("`{to}`");
        for part in ["`http://cloud:5000`", &to, "`auth_url`"] {
            assert!(error.contains(part), "{error}");
        }
    }
}

#[tokio::test]
async fn what_was_encrypted_stays_encrypted() {
    let (asked, error) = redirected(Method::Post, true, "http://cloud:5000/v3/auth/tokens").await;
    assert_eq!(asked, ["https://cloud:5000/v3/auth/tokens"]);
    for part in [
        "`https://cloud:5000`",
        "`http://cloud:5000`",
        "not encrypted",
    ] {
        assert!(error.contains(part), "{error}");
    }
}

/// Reads one request; its method and its body, or none where the other side has
/// gone.
async fn read(stream: &mut TcpStream) -> Option<(String, String)> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())
                .unwrap_or(0);
            if body.len() >= length {
                let method = head.split(' ').next().unwrap_or_default();
                return Some((method.to_owned(), body.to_owned()));
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// A token for the project that is asked for; Nova is at that port.
fn token_at(port: u16, asked: &str) -> String {
    let asked: Value = serde_json::from_str(asked).unwrap();
    json!({"token": {
        "issued_at": "2026-11-21T17:20:00.000000Z",
        "expires_at": "2026-11-21T18:20:00.000000Z",
        "user": {"id": "user-id", "name": "accounting"},
        "project": asked["auth"]["scope"]["project"],
        "catalog": [{"type": "compute", "endpoints": [
            {"interface": "public", "region_id": "R", "url": format!("http://127.0.0.1:{port}/v2.1")},
        ]}],
    }})
    .to_string()
}

/// A cloud that keeps each connection for a second request, reads that one and
/// ends the connection under it: in peace, or with a reset.
async fn cutting(reset: bool) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let cut = Arc::<AtomicUsize>::default();
    let count = cut.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let count = count.clone();
            tokio::spawn(async move {
                let body = match read(&mut stream).await {
                    Some((method, body)) if method == "POST" => token_at(port, &body),
                    Some(_) => "{}".to_owned(),
                    None => return,
                };
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Subject-Token: t\r\n\
                     Content-Length: {length}\r\n\r\n{body}"
                );
                stream.write_all(answer.as_bytes()).await.unwrap();
                if read(&mut stream).await.is_some() {
                    count.fetch_add(1, Ordering::SeqCst);
                    if reset {
                        stream.set_zero_linger().unwrap();
                    }
                }
            });
        }
    });
    (port, cut)
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_is_no_failure() {
    for reset in [false, true] {
        let (port, cut) = cutting(reset).await;
        let mut login = password();
        login.auth_url = format!("http://127.0.0.1:{port}/v3").parse().unwrap();
        let clock = ManualClock::at(START);
        let session = Session::new(
            SessionSettings::new(login),
            Arc::new(HttpTransport::new(&TransportSettings::default()).unwrap()),
            clock.clone(),
        );
        for project in ["p", "q"] {
            flavors(&session, project).await.unwrap();
            // The client takes its connection back, to keep it.
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
        }
        // Two tokens and two lists, and each request that was cut once more.
        let cut = cut.load(Ordering::SeqCst);
        assert!(cut > 0);
        assert_eq!(session.requests(), 4 + cut as u64, "reset: {reset}");
        assert_eq!(clock.pauses(), cut);
    }
}
