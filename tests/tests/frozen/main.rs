//! Version 1.0.0 of the contract, which stands for ever: `tests/frozen` has its text and
//! a component that was built on it, as bytes. Neither is ever changed. What a later 1.x
//! adds stands beside it.

mod contract;
mod versions;

use std::path::{Path, PathBuf};
use std::time::Duration;

use caso_model::component::{OptionValue, Setting};
use caso_model::guest::{Batch, GuestFailure, Messenger, Rest};
use caso_model::record::RecordList;
use caso_model::{Origin, Window};
use caso_net::NetworkEnvironment;
use caso_sandbox::{
    AdmissionError, Component, GuestMessenger, InstanceName, Limits, MessengerSetup, Policy,
    Redirect, Sandbox, SandboxSettings, Source, decide,
};
use caso_tests::build::workspace;

fn frozen() -> PathBuf {
    workspace().join("tests/frozen")
}

/// The component of 1.0.0.
fn messenger() -> PathBuf {
    frozen().join("messenger-1.0.0.wasm")
}

async fn load(path: &Path, sha256: Option<&str>) -> Result<Component, AdmissionError> {
    let sandbox = Sandbox::new(SandboxSettings::default()).unwrap();
    sandbox.load(Source::File { path, sha256 }).await
}

/// Started with its defaults and this queue, as the engine would start it.
async fn start(
    component: &Component,
    queue: &Path,
    colour: &str,
) -> Result<GuestMessenger, GuestFailure> {
    let setting = |name: &str, value| Setting {
        name: name.to_owned(),
        value,
    };
    let settings = vec![
        setting(
            "output_path",
            OptionValue::Text(queue.display().to_string()),
        ),
        setting("size", OptionValue::Integer(-7)),
        setting("share", OptionValue::Number(0.5)),
        setting("loud", OptionValue::Boolean(true)),
        setting("pause", OptionValue::DurationMilliseconds(120_000)),
        setting("room", OptionValue::SizeBytes(1_024)),
        setting("colour", OptionValue::Text(colour.to_owned())),
        setting(
            "names",
            OptionValue::Texts(vec!["a".to_owned(), "b".to_owned()]),
        ),
    ];
    let instance = InstanceName::new("mine");
    let asked = &component.description.capabilities;
    let granted = decide(&instance, asked, &settings, Policy::Builtin).unwrap();
    component
        .start_messenger(MessengerSetup {
            instance: "mine".to_owned(),
            settings,
            secrets: Vec::new(),
            granted,
            limits: Limits::default(),
            redirect: Redirect::default(),
            network: NetworkEnvironment::default(),
        })
        .await
}

fn batch(record_type: &str, records: RecordList<'static>) -> Batch<'static> {
    let origin = |cloud: &str, region: Option<&str>| Origin {
        cloud: cloud.to_owned(),
        region: region.map(str::to_owned),
        project_id: "p".to_owned(),
        extractor: "nova".to_owned(),
        window: Window {
            start: -5,
            end: 3_600,
        },
        attributes: Vec::new(),
    };
    let last = records.len() - 1;
    Batch {
        id: "b".to_owned(),
        attempt: 3,
        instance: "mine".to_owned(),
        record_type: record_type.to_owned(),
        origins: vec![origin("first", None), origin("second", Some("R"))],
        origin_of: (0..=last).map(|at| u32::from(at == last)).collect(),
        records,
        now: 1_794_787_200,
        time_left: Duration::from_secs(60),
        attributes: Vec::new(),
    }
}

/// All messages in a queue, in the order of their names.
fn messages(queue: &Path) -> Vec<String> {
    let messages = caso_tests::spool::read(queue);
    messages.into_iter().map(|message| message.text).collect()
}

#[test]
fn the_bytes_are_those_that_were_built_then() {
    use sha2::{Digest, Sha256};
    let sums = std::fs::read_to_string(frozen().join("SHA256SUMS")).unwrap();
    let (sum, name) = sums.trim().split_once("  ").unwrap();
    let bytes = std::fs::read(frozen().join(name)).unwrap();
    let found: String = Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(found, sum, "{name} is frozen");
}

#[tokio::test]
async fn the_component_of_1_0_is_loaded_and_delivers() {
    let dir = tempfile::tempdir().unwrap();
    let component = load(&messenger(), None).await.unwrap();
    assert_eq!(
        (component.name.as_str(), component.version.as_str()),
        ("frozen", "1.0.0")
    );
    let description = &component.description;
    assert_eq!(description.packing_option.as_deref(), Some("size"));
    assert_eq!(description.options.len(), 10);
    assert_eq!(description.options[2].old_names, ["old_size"]);

    let mut messenger = start(&component, dir.path(), "red").await.unwrap();
    let mut expected = Vec::new();
    for (record_type, records, lines) in contract::one_of_each() {
        let answer = messenger
            .deliver(&batch(record_type, records))
            .await
            .unwrap();
        assert_eq!(answer.rest, Rest::Done, "{record_type}");
        let refused: Vec<u32> = answer.refused.iter().map(|it| it.index).collect();
        let other = record_type == "object-storage";
        assert_eq!(refused, if other { vec![0] } else { vec![] });
        let origins = ["first/-/p/nova/-5-3600", "second/R/p/nova/-5-3600"];
        let mut message = format!(
            "mine: -7 0.5 true 120000ms 1024B red a+b\n\
             {record_type} attempt 3 of mine at 1794787200\n"
        );
        for (line, origin) in lines.iter().zip(origins) {
            message += &format!("{line} {origin}\n");
        }
        expected.push(message);
    }
    assert_eq!(messages(dir.path()), expected);

    let failure = start(&component, dir.path(), "green").await.err().unwrap();
    assert_eq!(failure.option.as_deref(), Some("colour"));
    assert_eq!(failure.detail, "`red` would do");
}
