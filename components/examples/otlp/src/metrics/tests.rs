//! Each record type as metrics.

use super::*;
use crate::options::tests::options;
use crate::point::Metric;
use crate::request::body;
use caso_component::samples;
use caso_component::types::Attribute;
use serde_json::{Value as Json, json};

fn points(changes: &[(&str, &str)], records: RecordList) -> Result<Vec<Point>, String> {
    let options = options(changes).ok().unwrap();
    of(&options, &samples::batch(records), 0)
}

/// Name, unit, what it is, and the value of each point, in order.
fn values(points: &[Point]) -> Vec<(String, String, Kind, Json)> {
    let of = |point: &Point| {
        let json = json_of(point);
        let value = ["asInt", "asDouble"].map(|name| json.get(name));
        let value = value.into_iter().flatten().next().cloned();
        let Metric {
            name, unit, kind, ..
        } = &point.metric;
        (name.to_string(), (*unit).to_owned(), *kind, value.unwrap())
    };
    points.iter().map(of).collect()
}

fn json_of(point: &Point) -> Json {
    serde_json::from_str(&point.json).unwrap()
}

fn attributes(point: &Point) -> Vec<String> {
    let json = json_of(point);
    let list = json["attributes"].as_array().unwrap().iter();
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    list.map(|it| text(&it["key"]) + "=" + &text(&it["value"]["stringValue"]))
        .collect()
}

fn times(point: &Point) -> (Option<String>, String) {
    let json = json_of(point);
    let time = |name: &str| json.get(name).map(|it| it.as_str().unwrap().to_owned());
    (time("startTimeUnixNano"), time("timeUnixNano").unwrap())
}

fn at(start: Option<&str>, time: &str) -> (Option<String>, String) {
    (start.map(str::to_owned), time.to_owned())
}

#[test]
fn a_vm_is_totals_since_its_start_and_a_state() {
    let mut record = samples::cloud();
    record.network_inbound_bytes = Some(7);
    let points = points(&[], RecordList::Cloud(vec![record])).unwrap();
    let values = values(&points);
    let values: Vec<_> = values
        .iter()
        .map(|(name, unit, kind, value)| (name.as_str(), unit.as_str(), *kind, value.clone()))
        .collect();
    let (total, state) = (Kind::Cumulative, Kind::Gauge);
    assert_eq!(
        values,
        [
            ("caso.vm.wall.time", "s", total, json!("1000")),
            ("caso.vm.cpu.time", "s", total, json!("2000")),
            ("caso.vm.network.io", "By", total, json!("7")),
            ("caso.vm.cpu.limit", "{cpu}", state, json!(2.0)),
            ("caso.vm.memory.limit", "By", state, json!("4294967296")),
            ("caso.vm.disk.limit", "By", state, json!("21474836480")),
            ("caso.vm.public_ip.count", "{address}", state, json!("0")),
            ("caso.vm.cpu.benchmark", "1", state, json!(99.0)),
        ]
    );
    let of_all = [
        "host.id=f03d90cc-9de7-5999-9b5d-6548f06c28cf",
        "cloud.account.id=g",
        "user.id=u",
        "caso.site=TEST-SITE",
        "caso.service=TEST-SITE-CLOUD",
        "caso.vo=vo.example.org",
    ];
    assert_eq!(attributes(&points[0]), of_all);
    assert_eq!(
        attributes(&points[2]).last().unwrap(),
        "network.io.direction=receive"
    );
    assert_eq!(
        attributes(&points[7]).last().unwrap(),
        "caso.benchmark=HEPscore23"
    );
    let measured = "1795281612000000000";
    assert_eq!(times(&points[0]), at(Some("1000000000000"), measured));
    assert_eq!(times(&points[3]), at(None, measured));
}

/// A name, a status or an image that changes makes no other stream of it.
#[test]
fn a_vm_is_the_same_stream_all_its_life() {
    let early = samples::cloud();
    let mut late = samples::cloud();
    late.head.measured_at += 86_400;
    late.machine_name = "renamed".into();
    late.status = "completed".into();
    late.end = Some(late.head.measured_at);
    late.image_id = Some("rebuilt".into());
    let of = |record| points(&[], RecordList::Cloud(vec![record])).unwrap();
    let (early, late) = (of(early), of(late));
    assert_eq!(attributes(&early[0]), attributes(&late[0]));
    assert_eq!(times(&early[0]).0, times(&late[0]).0);
    assert_ne!(times(&early[0]).1, times(&late[0]).1);
}

#[test]
fn a_region_is_an_attribute() {
    let options = options(&[]).ok().unwrap();
    let mut batch = samples::batch(RecordList::Cloud(vec![samples::cloud()]));
    batch.origins[0].region = Some("R".into());
    let points = of(&options, &batch, 0).unwrap();
    assert_eq!(attributes(&points[0])[0], "cloud.region=R");
}

#[test]
fn an_accelerator_begins_anew_with_the_month() {
    let points = points(&[], RecordList::Accelerator(vec![samples::accelerator()])).unwrap();
    let names: Vec<_> = values(&points).into_iter().map(|it| (it.0, it.3)).collect();
    assert_eq!(
        names,
        [
            ("caso.accelerator.active.time".to_owned(), json!("2678400")),
            (
                "caso.accelerator.available.time".to_owned(),
                json!("2678400")
            ),
            ("caso.accelerator.count".to_owned(), json!(2.0)),
        ]
    );
    // 2026-10-01T00:00:00Z
    assert_eq!(times(&points[0]).0.as_deref(), Some("1790812800000000000"));
    assert!(attributes(&points[0]).contains(&"hw.type=gpu".to_owned()));
    assert_eq!(month(1970, 1), Some(0));
    assert_eq!(month(2000, 13), None);
}

#[test]
fn addresses_and_volumes_are_states() {
    let held = points(&[], RecordList::Ip(vec![samples::ip()])).unwrap();
    assert_eq!(values(&held)[0].0, "caso.project.public_ip.count");
    assert_eq!(attributes(&held[0]).last().unwrap(), "network.type=ipv4");
    let volume = points(&[], RecordList::Storage(vec![samples::storage()])).unwrap();
    assert_eq!(
        values(&volume),
        [(
            "caso.volume.capacity".to_owned(),
            "By".to_owned(),
            Kind::Gauge,
            json!("107374182400")
        )]
    );
    assert_eq!(times(&volume[0]), at(None, "1795281612000000000"));
}

#[test]
fn what_was_used_in_an_interval_is_a_delta_or_a_gauge() {
    for (intervals, kind) in [("sum", Kind::Delta), ("gauge", Kind::Gauge)] {
        let changes = [("intervals", intervals)];
        let energy = points(&changes, RecordList::Energy(vec![samples::energy()])).unwrap();
        assert_eq!(
            values(&energy),
            [(
                "caso.vm.energy".to_owned(),
                "J".to_owned(),
                kind,
                json!(1_800.0)
            )]
        );
        let start = (kind == Kind::Delta).then_some("0");
        assert_eq!(times(&energy[0]), at(start, "3600000000000"));
        let other = points(&changes, RecordList::Other(vec![samples::other()])).unwrap();
        assert_eq!(values(&other)[0].2, kind);
    }
}

#[test]
fn quantities_of_other_kinds_have_their_unit() {
    let mut record = samples::other();
    record.kind = "object-storage".into();
    record.head.attributes = vec![Attribute {
        name: "vo".into(),
        value: "vo.example.org".into(),
    }];
    let quantity = |name: &str, value| caso_component::types::Quantity {
        name: name.into(),
        value,
    };
    record.quantities = vec![
        quantity("capacity-gib", 2.0),
        quantity("requests", 3.0),
        quantity("bytes", 4.0),
        quantity("vcpu-hours", 0.5),
        quantity("balance", -1.0),
    ];
    let points = points(&[], RecordList::Other(vec![record])).unwrap();
    let values = values(&points);
    let values: Vec<_> = values
        .iter()
        .map(|(name, unit, kind, value)| (name.as_str(), unit.as_str(), *kind, value.clone()))
        .collect();
    assert_eq!(
        values,
        [
            (
                "caso.object_storage.capacity",
                "By",
                Kind::Delta,
                json!(2_147_483_648.0)
            ),
            ("caso.object_storage.requests", "1", Kind::Delta, json!(3.0)),
            ("caso.object_storage.bytes", "By", Kind::Delta, json!(4.0)),
            ("caso.object_storage.vcpu", "s", Kind::Delta, json!(1_800.0)),
            ("caso.object_storage.balance", "1", Kind::Gauge, json!(-1.0)),
        ]
    );
    assert_eq!(
        attributes(&points[0]),
        ["caso.resource.id=1", "caso.vo=vo.example.org"]
    );
}

#[test]
fn what_otlp_cannot_say_is_refused() {
    let mut early = samples::cloud();
    early.start = -1;
    let mut large = samples::cloud();
    large.memory_mib = Some(u64::MAX);
    let mut larger = samples::cloud();
    larger.cpu_seconds = Some(u64::MAX);
    for record in [early, large, larger] {
        assert!(points(&[], RecordList::Cloud(vec![record])).is_err());
    }
    let mut energy = samples::energy();
    energy.watt_hours = -1.0;
    assert!(points(&[], RecordList::Energy(vec![energy])).is_err());
}

#[test]
fn a_request_has_each_metric_once_and_enumerations_as_numbers() {
    let of = |records| points(&[], records).unwrap();
    let mut second = samples::cloud();
    second.vm_uuid = "another".into();
    let mut all = of(RecordList::Cloud(vec![samples::cloud()]));
    all.extend(of(RecordList::Cloud(vec![second])));
    all.extend(of(RecordList::Energy(vec![samples::energy()])));
    let body: Json = serde_json::from_str(&body("caso", all.iter())).unwrap();
    let resource = &body["resourceMetrics"][0];
    assert_eq!(
        resource["resource"]["attributes"],
        json!([{"key": "service.name", "value": {"stringValue": "caso"}}])
    );
    let scope = &resource["scopeMetrics"][0];
    assert_eq!(scope["scope"]["name"], "caso-otlp");
    let metrics = scope["metrics"].as_array().unwrap();
    assert_eq!(metrics.len(), 8);
    let wall = &metrics[0];
    assert_eq!(
        (&wall["name"], &wall["unit"]),
        (&json!("caso.vm.wall.time"), &json!("s"))
    );
    assert_eq!(wall["sum"]["aggregationTemporality"], 2);
    assert_eq!(wall["sum"]["isMonotonic"], true);
    assert_eq!(wall["sum"]["dataPoints"].as_array().unwrap().len(), 2);
    assert_eq!(
        metrics[2]["gauge"]["dataPoints"].as_array().unwrap().len(),
        2
    );
    assert_eq!(metrics[7]["sum"]["aggregationTemporality"], 1);
}
