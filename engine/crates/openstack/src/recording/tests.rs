//! A run recorded and replayed: the same answers in any order, no secret in
//! the file, and nothing made up.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use super::super::testing::*;
use super::super::{ApiError, Microversion, Scope, Service, Session, keystone};
use super::*;
use caso_base::PinnedClock;
use caso_net::{Method, Request, Transport, TransportError};

const PROJECT: &str = "3174786e9d0146608dfdbebc1b4a983e";

fn scope() -> Scope {
    Scope::Project(PROJECT.to_owned())
}

/// A cloud whose only server comes in two pages, and whose Glance is down.
fn cloud() -> Arc<Fake> {
    Fake::new(|request| {
        if request.method == Method::Post {
            return match request.scope.as_str() {
                "system" => refusal(401),
                _ => token(request, "a-real-token-id"),
            };
        }
        match (request.url.path(), request.url.query()) {
            ("/v2.1/servers", Some(query)) if query.contains("marker") => {
                answer(200, &json!({"servers": []}))
            }
            ("/v2.1/servers", _) => text(
                200,
                &[("set-cookie", "session=1"), ("content-type", "application/json")],
                &json!({
                    "servers": [{"id": "s", "name": "alices-machine", "adminPass": "boot",
                                 "addresses": {"net": [{"addr": "130.206.1.2"}]}}],
                    "seen": request.header("openstack-api-version"),
                    "servers_links": [{"rel": "next", "href": "http://cloud:8774/v2.1/servers?limit=1&marker=s"}],
                })
                .to_string(),
            ),
            ("/v2.1/flavors", _) => text(200, &[], "{\"flavors\": [{\"name\": \"alices"),
            ("/v3/projects/3174786e9d0146608dfdbebc1b4a983e", _) => answer(
                200,
                &json!({"project": {"id": PROJECT, "name": "alices-project", "VO": "vo.example.org"}}),
            ),
            ("/v2/images", _) => Err(TransportError::Timeout("no answer for 60 s".into())),
            _ => refusal(404),
        }
    })
}

fn header(names: Names) -> Header {
    let mut header = Header::new(START, Some(Window { start: 1, end: 2 }), names);
    let recorded = RecordedSession::of(&settings(&password()));
    header.sessions.push(recorded);
    header
        .arguments
        .insert("projects".into(), json!(["alices-project", PROJECT]));
    header
}

/// What a run would ask; `version` makes it ask for another microversion.
async fn ask(session: &Session, version: Option<Microversion>) -> Vec<String> {
    let scope = scope();
    let mut seen = Vec::new();
    let mut note = |answer: Result<Value, ApiError>| {
        seen.push(match answer {
            Ok(value) => value.to_string(),
            // Times differ.
            Err(error) => error.to_string().split(" (").next().unwrap().to_owned(),
        });
    };
    let limit = [("limit", "1".to_owned()), ("all", "0".to_owned())];
    let page: Result<Value, _> = session
        .get(&scope, Service::Compute, "/servers", &limit, version)
        .await;
    let href = page.as_ref().ok().map(|page| {
        page["servers_links"][0]["href"]
            .as_str()
            .unwrap()
            .to_owned()
    });
    note(page);
    if let Some(href) = href {
        note(
            session
                .get_link(&scope, Service::Compute, &href, version)
                .await,
        );
    }
    note(
        session
            .get(&scope, Service::Compute, "/flavors", &[], None)
            .await,
    );
    note(
        session
            .get(&scope, Service::Image, "/v2/images", &[], None)
            .await,
    );
    note(
        session
            .get(&scope, Service::Compute, "/nothing", &[], None)
            .await,
    );
    let project = keystone::project_by_id(session, PROJECT).await;
    note(project.map(|project| json!([project.id, project.name, project.extra])));
    seen
}

async fn record(folder: &Path, names: Names) -> Vec<String> {
    let recorder = Arc::new(Recorder::new(cloud(), folder, header(names)).unwrap());
    let clock = ManualClock::at(START);
    let session = Session::new(settings(&password()), recorder.clone(), clock);
    let version = Some(Microversion::new(2, 61));
    let seen = ask(&session, version).await;
    recorder.finish().unwrap();
    seen
}

fn replay(replayer: Replayer) -> Session {
    let header = replayer.header().clone();
    let settings = header.sessions[0].settings();
    Session::new(
        settings,
        Arc::new(replayer),
        Arc::new(PinnedClock::at(header.clock)),
    )
}

#[tokio::test]
async fn the_same_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut recorded = record(folder.path(), Names::Kept).await;
    // But for the secret in the first page.
    recorded[0] = recorded[0].replace("\"boot\"", "\"removed\"");
    let header = Replayer::open(folder.path()).unwrap().header().clone();
    assert_eq!(header.clock, START);
    assert_eq!(header.window, Some(Window { start: 1, end: 2 }));
    assert_eq!(header.engine, env!("CARGO_PKG_VERSION"));
    let version = Some(Microversion::new(2, 61));
    for _ in 0..2 {
        let session = replay(Replayer::open(folder.path()).unwrap());
        assert_eq!(ask(&session, version).await, recorded);
        // And when asked again, the last of each.
        assert_eq!(ask(&session, version).await, recorded);
    }
    let bytes = std::fs::read(folder.path().join(FILE)).unwrap();
    let session = replay(Replayer::from_bytes(bytes, "shipped").unwrap());
    assert_eq!(ask(&session, version).await, recorded);
}

#[tokio::test]
async fn no_secret_is_in_it_and_no_name_unless_asked_for() {
    for names in [Names::Kept, Names::Replaced] {
        let folder = tempfile::tempdir().unwrap();
        record(folder.path(), names).await;
        let text = std::fs::read_to_string(folder.path().join(FILE)).unwrap();
        for secret in [
            "hunter2",
            "a-real-token-id",
            "session=1",
            "\"boot\"",
            "x-auth-token",
        ] {
            assert!(!text.contains(secret), "{secret}");
        }
        for name in ["alices", "130.206.1.2", "http://cloud", "accounting"] {
            assert_eq!(text.contains(name), names == Names::Kept, "{name}");
        }
        assert!(text.contains("vo.example.org") && text.contains(PROJECT));
        let mode = std::fs::metadata(folder.path().join(FILE)).unwrap();
        assert_eq!(
            std::os::unix::fs::PermissionsExt::mode(&mode.permissions()) & 0o777,
            0o600
        );
    }
}

#[tokio::test]
async fn with_names_replaced_it_replays_as_well() {
    let folder = tempfile::tempdir().unwrap();
    record(folder.path(), Names::Replaced).await;
    let session = replay(Replayer::open(folder.path()).unwrap());
    let seen = ask(&session, Some(Microversion::new(2, 61))).await;
    let page: Value = serde_json::from_str(&seen[0]).unwrap();
    let name = page["servers"][0]["name"].as_str().unwrap();
    assert!(name.starts_with("name-"), "{name}");
    assert_eq!(seen[1], r#"{"servers":[]}"#);
    assert!(seen[2].contains("ended in the middle"), "{}", seen[2]);
    assert!(seen[3].contains("did not answer in time"), "{}", seen[3]);
    assert!(seen[4].contains("does not know"), "{}", seen[4]);
    assert!(seen[5].contains("vo.example.org"), "{}", seen[5]);
    let project: Value = serde_json::from_str(&seen[5]).unwrap();
    let header = Replayer::open(folder.path()).unwrap().header().clone();
    assert_eq!(header.arguments["projects"], json!([project[1], PROJECT]));
}

#[tokio::test]
async fn what_was_not_recorded_is_named_with_its_neighbours() {
    let folder = tempfile::tempdir().unwrap();
    record(folder.path(), Names::Kept).await;
    let session = replay(Replayer::open(folder.path()).unwrap());
    let error = session
        .get::<Value>(
            &scope(),
            Service::Compute,
            "/servers",
            &[("limit", "2".to_owned())],
            None,
        )
        .await
        .unwrap_err();
    assert!(matches!(error, ApiError::Unrecorded { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("/servers?limit=2`"), "{text}");
    assert_eq!(error.call().unwrap().tries, 1);
    assert!(text.contains("compute 2.61"), "{text}");
    // Another microversion is another question.
    let seen = ask(&session, None).await;
    assert!(seen[0].contains("not in the recording"), "{}", seen[0]);
}

fn get(url: &str, scope: &str) -> Request {
    Request {
        method: Method::Get,
        url: url::Url::parse(url).unwrap(),
        headers: Vec::new(),
        body: None,
        scope: scope.to_owned(),
    }
}

#[tokio::test]
async fn equal_requests_in_their_order_others_in_any() {
    let count = std::sync::atomic::AtomicU32::new(0);
    let fake = Fake::new(move |_| {
        answer(
            200,
            &json!(count.fetch_add(1, std::sync::atomic::Ordering::SeqCst)),
        )
    });
    let folder = tempfile::tempdir().unwrap();
    let recorder =
        Recorder::new(fake, folder.path(), Header::new(0, None, Names::Replaced)).unwrap();
    let a = get("http://h/x?b=1&a=2", "system");
    let voms = json!({"vo": {"projects": ["alices-project", PROJECT], "tenant": "bobs"}});
    let cleaned = recorder.cleaned(voms);
    assert_eq!(cleaned["vo"]["projects"][1], PROJECT);
    assert!(!cleaned.to_string().contains("alices") && !cleaned.to_string().contains("bobs"));
    let b = get("http://h/x?b=1&a=2", &format!("project:{PROJECT}"));
    for request in [&a, &b, &a, &a] {
        recorder.send(request.clone()).await.unwrap();
    }
    let replayer = Replayer::open(folder.path()).unwrap();
    // The host was replaced: ask at the one that stands for it.
    let at = |request: &Request, query: &str| {
        let mut request = request.clone();
        request.url.set_host(Some("host-1.example.org")).unwrap();
        request.url.set_query(Some(query));
        request
    };
    let mut seen = Vec::new();
    for request in [
        at(&b, "a=2&b=1"),
        at(&a, "b=1&a=2"),
        at(&a, "a=2&b=1"),
        at(&b, "b=1&a=2"),
        at(&a, "b=1&a=2"),
        at(&a, "b=1&a=2"),
    ] {
        seen.push(replayer.send(request).await.unwrap().body);
    }
    assert_eq!(seen, [b"1", b"0", b"2", b"1", b"3", b"3"]);
    let other_host = replayer.send(a).await.unwrap_err();
    assert!(
        matches!(other_host, TransportError::Unrecorded(_)),
        "{other_host}"
    );
}

#[tokio::test]
async fn files_that_are_no_recording() {
    let folder = tempfile::tempdir().unwrap();
    let error = |text: &str| {
        std::fs::write(folder.path().join(FILE), text).unwrap();
        Replayer::open(folder.path()).err().unwrap().to_string()
    };
    assert!(error("").contains("not a recording of ours"));
    assert!(error("{\"format\": \"other\", \"version\": 1}\n").contains("`other`"));
    let newer = error("{\"format\": \"caso-recording\", \"version\": 9, \"engine\": \"7.0.0\"}\n");
    assert!(
        newer.contains("version 9") && newer.contains("7.0.0"),
        "{newer}"
    );
    let older = error("{\"format\": \"caso-recording\", \"version\": 1, \"engine\": \"6.0.0\"}\n");
    assert!(
        older.contains("version 1") && !older.contains("newer"),
        "{older}"
    );
    let first = serde_json::to_string(&Header::new(0, None, Names::Kept)).unwrap();
    assert!(error(&format!("{first}\n{{}}\n")).contains("line 2"));
    // A run that was killed.
    std::fs::write(folder.path().join(FILE), format!("{first}\n{{\"requ")).unwrap();
    Replayer::open(folder.path()).unwrap();
    // A second recording does not go over the first.
    let again = Recorder::new(cloud(), folder.path(), header(Names::Kept))
        .err()
        .unwrap();
    assert!(matches!(again, RecordingError::Exists(_)), "{again}");
}
