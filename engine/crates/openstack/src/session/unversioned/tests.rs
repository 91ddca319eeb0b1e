use std::sync::Arc;

use serde_json::{Value, json};

use crate::testing::*;
use crate::{ApiError, Scope, Service, Session};
use caso_net::{Method, Request};

const PROJECT: &str = "p";

/// A cloud whose Cinder and Nova are at `endpoint`, and what else answers.
fn cloud(endpoint: &str, other: impl Fn(&str) -> Outcome + Send + Sync + 'static) -> Arc<Fake> {
    let endpoint = endpoint.to_owned();
    Fake::new(move |request: &Request| {
        if request.method == Method::Post {
            return issued(&endpoint);
        }
        other(request.url.as_str())
    })
}

fn issued(endpoint: &str) -> Outcome {
    let entry = |kind: &str| {
        json!({"type": kind, "endpoints": [
            {"interface": "public", "region": "One", "region_id": "One", "url": endpoint}
        ]})
    };
    let body = json!({"token": {
        "project": {"id": PROJECT, "name": "n"}, "catalog": [entry("volumev3"), entry("compute")],
        "expires_at": "2030-01-01T00:00:00.000000Z", "issued_at": "2029-12-31T00:00:00.000000Z",
    }});
    text(201, &[("x-subject-token", "t")], &body.to_string())
}

fn cinder(version: &str, href: &str) -> Value {
    json!({"versions": [
        {"id": "v2.0", "status": "DEPRECATED", "version": "", "links": [{"rel": "self", "href": "http://h/volume/v2/"}]},
        {"id": "v3.0", "status": "CURRENT", "version": version, "min_version": "3.0",
         "links": [{"rel": "describedby", "href": "http://docs"}, {"rel": "self", "href": href}]},
        {"id": "v4.0", "status": "EXPERIMENTAL", "links": [{"rel": "self", "href": "http://h/volume/v4/"}]},
    ]})
}

async fn ask(session: &Session, service: Service) -> Result<Value, ApiError> {
    let scope = Scope::Project(PROJECT.to_owned());
    session.get(&scope, service, "/list", &[], None).await
}

/// Where the list was asked for.
async fn asked(endpoint: &str, service: Service, root: &'static str, document: Value) -> String {
    let fake = cloud(endpoint, move |url| {
        if url == root {
            answer(300, &document)
        } else if url.ends_with("/list") {
            answer(200, &json!({}))
        } else {
            refusal(404)
        }
    });
    let (session, _) = session(&fake);
    for _ in 0..2 {
        ask(&session, service).await.unwrap();
    }
    let lines = fake.lines();
    let documents = lines.iter().filter(|line| !line.contains("/list")).count();
    assert!(documents <= 3, "asked once: {lines:?}");
    last(&fake)
}

fn last(fake: &Fake) -> String {
    fake.asked.lock().unwrap().last().unwrap().url.to_string()
}

#[tokio::test]
async fn the_versions_own_link_below_the_catalogs_host() {
    let cinder_at = |version, href| cinder(version, href);
    for (endpoint, root, href, expected) in [
        (
            "http://h/volume",
            "http://h/volume",
            "http://h/volume/v3/",
            "http://h/volume/v3/list",
        ),
        (
            "http://h/volume/",
            "http://h/volume/",
            "v3",
            "http://h/volume/v3/list",
        ),
        // Answers only with a slash.
        (
            "http://h/volume",
            "http://h/volume/",
            "http://h/volume/v3/",
            "http://h/volume/v3/list",
        ),
        // TLS ends before the service.
        (
            "https://h/volume",
            "https://h/volume",
            "http://h/volume/v3/",
            "https://h/volume/v3/list",
        ),
        // Another host: of its link only the version counts.
        (
            "https://h/volume",
            "https://h/volume",
            "http://internal:8776/cinder/v3/",
            "https://h/volume/v3/list",
        ),
        // The same host, and a prefix that Cinder does not know.
        (
            "https://h/volume",
            "https://h/volume",
            "http://h/v3/",
            "https://h/volume/v3/list",
        ),
        (
            "http://h:8776",
            "http://h:8776/",
            "http://h:8776/v3/",
            "http://h:8776/v3/list",
        ),
        // The project's id goes behind the version.
        (
            "http://h/volume/p",
            "http://h/volume/",
            "http://h/volume/v3/",
            "http://h/volume/v3/p/list",
        ),
        // The version belongs to the front.
        (
            "http://h/api/v1/volume",
            "http://h/api/v1/volume",
            "http://h/api/v1/volume/v3/",
            "http://h/api/v1/volume/v3/list",
        ),
    ] {
        let document = cinder_at("3.71", href);
        let at = asked(endpoint, Service::BlockStorage, root, document).await;
        assert_eq!(at, expected, "{endpoint} {href}");
    }
}

/// Cinder before Yoga, and Nova before Newton.
#[tokio::test]
async fn an_old_service_gets_the_projects_id() {
    let endpoint = "http://h/volume";
    let old = cinder("3.66", "http://h/volume/v3/");
    let at = asked(endpoint, Service::BlockStorage, endpoint, old).await;
    assert_eq!(at, "http://h/volume/v3/p/list");
    let endpoint = "http://h/compute";
    let nova = |entries: Value| json!({"versions": entries});
    let v2 = json!({"id": "v2.0", "status": "SUPPORTED", "version": "",
        "links": [{"rel": "self", "href": "http://h/compute/v2/"}]});
    let v21 = |version: &str| {
        json!({"id": "v2.1", "status": "CURRENT", "version": version, "min_version": "2.1",
               "links": [{"rel": "self", "href": "http://h/compute/v2.1/"}]})
    };
    for (entries, expected) in [
        (json!([v2, v21("2.104")]), "http://h/compute/v2.1/list"),
        (json!([v2, v21("2.12")]), "http://h/compute/v2.1/p/list"),
        (json!([v2]), "http://h/compute/v2/p/list"),
    ] {
        let at = asked(endpoint, Service::Compute, endpoint, nova(entries)).await;
        assert_eq!(at, expected);
    }
}

/// The front maps the address to the version's own.
#[tokio::test]
async fn one_versions_document_is_at_its_own_address() {
    let endpoint = "https://h/compute";
    let document = json!({"version": {"id": "v2.1", "status": "CURRENT", "version": "2.104",
        "links": [{"rel": "self", "href": "http://internal:8774/v2.1/"}]}});
    let at = asked(endpoint, Service::Compute, endpoint, document).await;
    assert_eq!(at, "https://h/compute/list");
}

#[tokio::test]
async fn without_a_document_it_is_named_what_to_do() {
    let html = text(200, &[("content-type", "text/html")], "<h1>Welcome</h1>");
    let other = answer(
        200,
        &json!({"versions": [{"id": "v1.0", "status": "CURRENT"}]}),
    );
    for (document, detail) in [
        (refusal(401), "401"),
        (refusal(403), "forbids"),
        (refusal(404), "does not know"),
        (html, "Welcome"),
        (other, "of version 3 or 2 it names only v1.0"),
        (answer(200, &json!({"volumes": []})), "lists no `versions`"),
    ] {
        let fake = cloud("http://h/volume", move |_| document.clone());
        let (session, _) = session(&fake);
        let error = ask(&session, Service::BlockStorage).await.unwrap_err();
        assert!(!error.is_outage(), "{error}");
        assert_eq!(error.service(), Some(Service::BlockStorage));
        let said = format!("{error}; {}", error.hint().unwrap_or_default());
        for part in [
            "Cinder, `http://h/volume`, names no version",
            "`http://h/volume/v3`",
        ] {
            assert!(said.contains(part), "{said}");
        }
        assert!(
            detail == "401" || said.contains(detail),
            "{detail} in {said}"
        );
        // For good: the next project does not ask again.
        let before = fake.lines().len();
        ask(&session, Service::BlockStorage).await.unwrap_err();
        assert_eq!(fake.lines().len(), before);
    }
}

#[tokio::test]
async fn a_service_that_is_away_is_asked_again() {
    let fake = cloud("http://h/volume", |_| refusal(503));
    let (session, _) = session(&fake);
    let error = ask(&session, Service::BlockStorage).await.unwrap_err();
    assert!(error.is_outage(), "{error}");
    let before = fake.lines().len();
    ask(&session, Service::BlockStorage).await.unwrap_err();
    assert!(fake.lines().len() > before);
}

/// Something that we do not know behind the version: as it was written.
#[tokio::test]
async fn an_odd_end_is_kept_where_there_is_no_document() {
    let fake = cloud("http://h/compute/v2.1/front", |url| {
        if url.ends_with("/list") {
            answer(200, &json!({}))
        } else {
            refusal(404)
        }
    });
    let (session, _) = session(&fake);
    ask(&session, Service::Compute).await.unwrap();
    assert_eq!(last(&fake), "http://h/compute/v2.1/front/list");
}
