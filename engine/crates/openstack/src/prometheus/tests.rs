use std::collections::VecDeque;
use std::sync::Mutex;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};

use super::*;
use caso_base::PinnedClock;

type Reply = Result<Response, TransportError>;

/// Gives its replies one after the other, the last one over again.
#[derive(Default)]
struct Canned {
    replies: Mutex<VecDeque<Reply>>,
    seen: Mutex<Vec<Request>>,
}

impl Transport for Canned {
    fn send(&self, request: Request) -> BoxFuture<'_, Reply> {
        self.seen.lock().unwrap().push(request);
        let mut replies = self.replies.lock().unwrap();
        let reply = match replies.len() {
            1 => replies.front().cloned().unwrap(),
            _ => replies.pop_front().unwrap(),
        };
        ready(reply).boxed()
    }
}

/// What a real Prometheus 2.42 answered (tests/openstack/parts/prometheus).
fn recorded(name: &str) -> Reply {
    let path = format!(
        "{}/src/prometheus/testdata/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(path).unwrap();
    let kept: serde_json::Value = serde_json::from_str(&text).unwrap();
    let status = u16::try_from(kept["status"].as_u64().unwrap()).unwrap();
    reply(status, &kept["body"].to_string())
}

fn reply(status: u16, body: &str) -> Reply {
    Ok(Response {
        status,
        headers: vec![("content-type".into(), "application/json".into())],
        body: body.into(),
    })
}

fn client(endpoint: &str, replies: impl IntoIterator<Item = Reply>) -> (Prometheus, Arc<Canned>) {
    let transport = Arc::new(Canned {
        replies: Mutex::new(replies.into_iter().collect()),
        ..Canned::default()
    });
    let settings = PrometheusSettings {
        endpoint: Url::parse(endpoint).unwrap(),
        login: Some(("caso".into(), "p:w".into())),
        retry: RetryPolicy {
            retries: 2,
            connect_retries: 3,
            ..RetryPolicy::default()
        },
    };
    let clock = Arc::new(PinnedClock::at(1_795_000_000));
    (
        Prometheus::new(settings, transport.clone(), clock),
        transport,
    )
}

async fn samples(reply: Reply) -> Result<Vec<Series>, PrometheusError> {
    client("http://p:9090", [reply])
        .0
        .samples("m{}", 1000, 600)
        .await
}

#[tokio::test]
async fn a_query_is_asked_as_the_api_wants_it() {
    for (endpoint, path) in [
        ("http://p:9090", "/api/v1/query"),
        ("https://p/prometheus/", "/prometheus/api/v1/query"),
        ("https://p/a/b?x=1#y", "/a/b/api/v1/query"),
    ] {
        let (client, canned) = client(endpoint, [recorded("nothing")]);
        assert_eq!(client.samples("m{a=\"b\"}", 1000, 90).await, Ok(Vec::new()));
        let request = canned.seen.lock().unwrap().pop().unwrap();
        assert_eq!(request.url.path(), path);
        let query: Vec<_> = request.url.query_pairs().into_owned().collect();
        assert_eq!(
            query[..2],
            [
                ("query".to_owned(), "m{a=\"b\"}[90s]".to_owned()),
                ("time".to_owned(), "1000".to_owned())
            ]
        );
        // caso:p:w
        assert_eq!(request.header("authorization"), Some("Basic Y2FzbzpwOnc="));
        assert_eq!(client.requests(), 1);
    }
}

#[tokio::test]
async fn real_answers_are_read() {
    let series = samples(recorded("replicas")).await.unwrap();
    let lengths: Vec<usize> = series.iter().map(|series| series.values.len()).collect();
    assert_eq!(lengths, [4, 3]);
    assert_eq!(series[1].labels["replica"], "b");
    let odd = samples(recorded("odd-values")).await.unwrap();
    let failed = |value: f64| !value.is_finite();
    let count = odd
        .iter()
        .flat_map(|series| &series.values)
        .filter(|sample| failed(sample.value))
        .count();
    assert_eq!(count, 3, "two NaN, one +Inf");
    for (name, count) in [("count", 7), ("count-nothing", 0)] {
        let (client, _) = client("http://p:9090", [recorded(name)]);
        assert_eq!(client.count("m{}", 1000, 90).await, Ok(count), "{name}");
    }
}

#[tokio::test]
async fn real_refusals_are_told_apart() {
    let error = samples(recorded("bad-query")).await.unwrap_err();
    assert!(matches!(&error, PrometheusError::Refused { kind, .. } if kind == "bad_data"));
    assert!(!error.is_outage());
    assert!(error.to_string().contains("parse error"), "{error}");
    for name in ["too-many-samples", "timed-out"] {
        let error = samples(recorded(name)).await.unwrap_err();
        assert!(matches!(error, PrometheusError::TooMuch { .. }), "{error}");
    }
}

#[tokio::test]
async fn what_is_no_prometheus_is_said() {
    let outage = |error: &PrometheusError| error.is_outage();
    for (status, body, says) in [
        (401, "Unauthorized\n", "`prometheus_username`"),
        (403, "", "`prometheus_username`"),
        (404, "404 page not found", "`prometheus_endpoint`"),
        (200, "<html>log in</html>", "`prometheus_endpoint`"),
        (500, "oops", "status 500"),
        (
            200,
            r#"{"status":"success","warnings":["store a is away"],"data":{"result":[]}}"#,
            "store a is away",
        ),
    ] {
        let error = samples(reply(status, body)).await.unwrap_err();
        assert!(outage(&error), "{error}");
        let told = format!("{error}; {}", error.hint().unwrap_or_default());
        assert!(told.contains(says), "{told}");
    }
    let error = samples(reply(200, r#"{"status":"success"}"#))
        .await
        .unwrap_err();
    assert!(matches!(error, PrometheusError::Shape { .. }), "{error}");
}

/// Its user and password go to the address in the configuration, and nowhere else.
#[tokio::test]
async fn a_login_is_not_sent_on() {
    for location in ["https://sso/", "http://p:9091/api/v1/query", "/elsewhere"] {
        let moved = Ok(Response {
            status: 302,
            headers: vec![("location".into(), location.into())],
            body: Vec::new(),
        });
        let (client, canned) = client("http://p:9090", [moved]);
        let error = client.samples("m{}", 1000, 600).await.unwrap_err();
        assert!(matches!(error, PrometheusError::Redirect { .. }), "{error}");
        let told = format!("{error}; {}", error.hint().unwrap_or_default());
        for part in [location, "`http://p:9090/", "`prometheus_endpoint`"] {
            assert!(told.contains(part), "{told}");
        }
        assert_eq!(canned.seen.lock().unwrap().len(), 1);
    }
}

/// Thanos says so of years in which nobody kept anything.
#[tokio::test]
async fn nobody_having_anything_is_no_failure() {
    let body = r#"{"status":"success","warnings":["No StoreAPIs matched for this query"],"data":{"result":[]}}"#;
    assert_eq!(samples(reply(200, body)).await, Ok(Vec::new()));
}

#[tokio::test]
async fn a_hiccup_is_asked_again_and_an_outage_ends() {
    let refused = || Err(TransportError::Connect("refused".into()));
    let late = || Err(TransportError::Timeout("no answer for 60 s".into()));
    let cut = || reply(200, r#"{"status":"succ"#);
    for (name, bad, tries) in [
        ("connect", refused as fn() -> Reply, 4),
        ("timeout", late, 2),
        ("truncated", cut, 3),
        ("busy", || reply(503, "busy"), 3),
        ("forbidden", || reply(403, "no"), 1),
        ("broken", || reply(500, "no"), 1),
    ] {
        let (failing, _) = client("http://p:9090", [bad()]);
        let error = failing.samples("m{}", 1000, 600).await.unwrap_err();
        assert_eq!(failing.requests(), tries, "{name}: {error}");
        if tries > 1 {
            let (client, _) = client("http://p:9090", [bad(), recorded("late")]);
            let found = client.samples("m{}", 1000, 600).await.unwrap();
            assert_eq!(found.len(), 1, "{name}");
        }
    }
}

#[tokio::test]
async fn no_error_holds_the_password_or_the_query() {
    for reply in [
        reply(403, "no"),
        Err(TransportError::Protocol("odd".into())),
    ] {
        let (client, _) = client("http://caso:p%3Aw@p:9090", [reply]);
        let error = client.samples("m{}", 1000, 600).await.unwrap_err();
        let text = format!("{error} {error:?}");
        for hidden in ["p:w", "p%3Aw", "Y2Fzbzpw", "600s"] {
            assert!(!text.contains(hidden), "{text}");
        }
        assert!(
            text.contains("`http://p:9090/api/v1/query` (1 try in 0.0 s)"),
            "{text}"
        );
    }
}
