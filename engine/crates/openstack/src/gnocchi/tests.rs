//! Against answers of Gnocchi 4.7.1, as recorded.

use std::sync::Arc;

use super::super::testing::*;
use super::*;
use caso_net::Method;

const SERVER: &str = "f9864f89-63ca-568d-8876-e8db9d90fb15";
const SPAN: Span = Span {
    start: None,
    stop: START,
};
const LOW: Series = Series {
    aggregation: Aggregation::Mean,
    granularity: 300.0,
};

fn recorded(name: &str) -> (u16, Value) {
    let all: Value = serde_json::from_str(include_str!("../testdata/gnocchi.json")).unwrap();
    let status = all[name]["status"].as_u64().unwrap();
    (u16::try_from(status).unwrap(), all[name]["answer"].clone())
}

/// A cloud whose Gnocchi gives these recorded answers, one after the other.
fn cloud(names: &[&'static str]) -> (Gnocchi, Arc<Fake>) {
    let answers = std::sync::Mutex::new(names.to_vec());
    let fake = Fake::new(move |request| {
        if request.url.path().ends_with("/auth/tokens") {
            return token(request, "t");
        }
        let name = answers.lock().unwrap().remove(0);
        if name == "nothing" {
            return answer(200, &json!([]));
        }
        if name == "timeout" {
            return Err(caso_net::TransportError::Timeout("test".into()));
        }
        let (status, body) = recorded(name);
        answer(status, &body)
    });
    let (session, _) = session(&fake);
    (Gnocchi::new(session, "p1", 1000), fake)
}

fn asked(fake: &Fake) -> Vec<(String, Value)> {
    let requests = fake.asked.lock().unwrap();
    let to_gnocchi = requests
        .iter()
        .filter(|request| !request.url.path().ends_with("/auth/tokens"));
    to_gnocchi
        .map(|request| {
            let question = request.body.as_deref().unwrap_or("null");
            assert_eq!(request.method == Method::Post, question != "null");
            let query = request.url.query().unwrap_or_default();
            (
                format!("{}?{query}", request.url.path()),
                serde_json::from_str(question).unwrap(),
            )
        })
        .collect()
}

#[tokio::test]
async fn interfaces_are_read_to_the_empty_page() {
    let (gnocchi, fake) = cloud(&["search-nic-in-servers", "nothing"]);
    let found = gnocchi.interfaces(&[SERVER]).await.unwrap();
    assert_eq!(found.len(), 3);
    let of_server = |one: &&Resource| one.instance_id.as_deref() == Some(SERVER);
    assert_eq!(found.iter().filter(of_server).count(), 2);
    assert!(found.iter().all(|one| one.metrics.len() == 2));
    let asked = asked(&fake);
    assert_eq!(
        asked[0],
        (
            "/v1/search/resource/instance_network_interface?limit=1000&sort=id%3Aasc".into(),
            json!({"and": [{"=": {"project_id": "p1"}}, {"in": {"instance_id": [SERVER]}}]}),
        )
    );
    let marker = format!("&marker={}", found[2].id);
    assert!(asked[1].0.ends_with(&marker), "{}", asked[1].0);
    assert_eq!(asked[1].1, asked[0].1, "the question is sent again");
}

#[tokio::test]
async fn a_page_that_comes_too_late_is_asked_for_less() {
    let (gnocchi, fake) = cloud(&["timeout", "timeout", "list-metrics-reader"]);
    let metrics = gnocchi.metrics("cpu", None).await.unwrap();
    let policy = &metrics[0].archive_policy;
    assert_eq!(policy.name, "ceilometer-low-rate");
    assert_eq!(policy.aggregation_methods, ["mean", "rate:mean"]);
    assert_eq!(
        policy.definition,
        [Definition {
            granularity: 300.0,
            timespan: 2_592_000.0
        }]
    );
    let limits: Vec<String> = asked(&fake).into_iter().map(|(path, _)| path).collect();
    assert_eq!(
        limits,
        ["1000", "500", "250"]
            .map(|limit| format!("/v1/metric?name=cpu&limit={limit}&sort=id%3Aasc"))
    );
    // One that always comes too late says how often it was asked for: 1000, 500, … 15, 10.
    let (gnocchi, fake) = cloud(&["timeout"; 8]);
    let error = gnocchi.metrics("cpu", None).await.unwrap_err();
    assert_eq!(asked(&fake).len(), 8);
    assert!(error.to_string().contains("(8 tries in "), "{error}");
}

#[tokio::test]
async fn measures_of_one_metric() {
    let (gnocchi, fake) = cloud(&["measures-reset", "measures-no-measures"]);
    let values = gnocchi.measures("m", LOW, SPAN).await.unwrap();
    assert_eq!(values.len(), 7);
    assert_eq!(
        (values[2], values[3]),
        (337_066_566_873_012.0, 30_583_306_415.0)
    );
    let none = gnocchi.measures("m", LOW, SPAN).await.unwrap();
    assert_eq!(none, Vec::<f64>::new());
    assert_eq!(
        asked(&fake)[0].0,
        "/v1/metric/m/measures?stop=2026-11-21T17%3A20%3A00&aggregation=mean&granularity=300"
    );
}

#[tokio::test]
async fn many_metrics_in_one_answer() {
    let (gnocchi, fake) = cloud(&["aggregates-ids-reader", "aggregates-ids-reader"]);
    let all = gnocchi
        .many(&["a", "b"], LOW, SPAN, Some(3600))
        .await
        .unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!(all["ad3e4c70-b321-4449-a0a3-325d18513977"].len(), 4);
    assert_eq!(
        all["ad3e4c70-b321-4449-a0a3-325d18513977"][0],
        1_748_766_840_960_472.0
    );
    gnocchi.many(&["a"], LOW, SPAN, None).await.unwrap();
    let asked = asked(&fake);
    assert_eq!(
        asked[0],
        (
            "/v1/aggregates?stop=2026-11-21T17%3A20%3A00&granularity=300&fill=full_ffill".into(),
            json!({"operations": ["resample", "max", 3600, ["metric", ["a", "mean"], ["b", "mean"]]]}),
        )
    );
    assert_eq!(asked[1].1, json!({"operations": ["metric", ["a", "mean"]]}));
}

#[tokio::test]
async fn refusals_say_what_gnocchi_said() {
    let (gnocchi, _) = cloud(&[
        "json-error-403",
        "json-error-404-granularity",
        "json-error-aggregates",
    ]);
    let forbidden = gnocchi.metric("m").await.unwrap_err();
    assert!(forbidden.is_forbidden(), "{forbidden}");
    assert!(
        forbidden
            .to_string()
            .starts_with("Gnocchi forbids this account"),
        "{forbidden}"
    );
    let missing = gnocchi.measures("m", LOW, SPAN).await.unwrap_err();
    assert!(missing.is_not_found(), "{missing}");
    let mixed = gnocchi.many(&["a"], LOW, SPAN, None).await.unwrap_err();
    assert_eq!(mixed.status(), Some(400));
    assert!(
        mixed.to_string().contains("Metrics cannot be aggregated"),
        "{mixed}"
    );
}

#[test]
fn spans_of_time_as_python_prints_them() {
    for (text, seconds) in [
        ("0:05:00", Some(300.0)),
        ("1 day, 0:00:00", Some(86_400.0)),
        ("30 days, 0:00:00", Some(2_592_000.0)),
        ("365 days, 1:02:03.5", Some(31_539_723.5)),
        ("300", None),
        ("soon", None),
        ("x days, 0:00:00", None),
        ("", None),
    ] {
        assert_eq!(seconds_of(text), seconds, "{text}");
    }
    let definition = |text: &str| serde_json::from_str::<Definition>(text);
    assert_eq!(
        definition(r#"{"granularity": 300.0, "timespan": "1:00:00", "points": 12}"#).unwrap(),
        Definition {
            granularity: 300.0,
            timespan: 3600.0
        }
    );
    assert!(definition(r#"{"granularity": 0, "timespan": "1:00:00"}"#).is_err());
}

#[test]
fn points_without_a_value_are_none() {
    let points: Vec<Point> = serde_json::from_str(
        r#"[["2026-11-15T23:30:00+00:00", 300.0, 1.5], ["2026-11-15T23:35:00+00:00", 300.0, null]]"#,
    )
    .unwrap();
    assert_eq!(values(points), [1.5]);
}
