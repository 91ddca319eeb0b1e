use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::thread;

use super::*;
use caso_model::component::{OptionValue, Setting};
use caso_model::guest::{Answer, Batch, Messenger, Rest};
use caso_model::record::{Head, OtherRecord};
use caso_sandbox::{
    Component, InstanceName, Limits, MessengerSetup, Policy, Redirect, Sandbox, SandboxSettings,
    Source, decide,
};

async fn load(name: &str) -> Component {
    let sandbox = Sandbox::new(SandboxSettings::default()).unwrap();
    let bytes = builtin(name).unwrap();
    sandbox.load(Source::Builtin { name, bytes }).await.unwrap()
}

#[tokio::test]
async fn each_says_its_own_name() {
    for name in builtins() {
        let component = load(name).await;
        assert_eq!(component.name, name);
        assert_eq!(component.roles.mapper, name == "mapper");
        assert_eq!(component.roles.filter, FILTERS.contains(&name));
        let messenger = messengers().iter().any(|known| known == name);
        assert_eq!(component.roles.messenger, messenger);
    }
    assert_eq!(builtin("no-such"), None);
}

/// What `logstash` answers on 300 records sent to a server like this.
async fn logstash(server: impl Fn(TcpStream) + Send + 'static) -> Answer {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            server(stream);
        }
    });
    let setting = |name: &str, value| Setting {
        name: name.to_owned(),
        value,
    };
    let settings = vec![
        setting("host", OptionValue::Text("127.0.0.1".to_owned())),
        setting("port", OptionValue::Integer(port.into())),
        setting("tls", OptionValue::Boolean(false)),
        setting("wait_for_end", OptionValue::Boolean(true)),
    ];
    let component = load("logstash").await;
    let asked = &component.description.capabilities;
    let instance = InstanceName::new("logstash");
    let granted = decide(&instance, asked, &settings, Policy::Builtin).unwrap();
    let setup = MessengerSetup {
        instance: "logstash".to_owned(),
        settings,
        secrets: Vec::new(),
        granted,
        limits: Limits::default(),
        redirect: Redirect::default(),
        network: Default::default(),
    };
    let mut messenger = component.start_messenger(setup).await.unwrap();
    let record = |number: u32| OtherRecord {
        head: Head {
            id: number.to_string(),
            supersedes: number.to_string(),
            measured_at: 0,
            attributes: Vec::new(),
        },
        kind: "sample".to_owned(),
        payload: Some(format!("{{\"n\":{number},\"x\":\"{}\"}}", "x".repeat(500))),
        ..OtherRecord::default()
    };
    let batch = Batch {
        id: "b".to_owned(),
        attempt: 1,
        instance: "logstash".to_owned(),
        record_type: "sample".to_owned(),
        origins: Vec::new(),
        origin_of: Vec::new(),
        records: (0..300).map(record).collect::<Vec<_>>().into(),
        now: 0,
        time_left: std::time::Duration::from_secs(60),
        attributes: Vec::new(),
    };
    messenger.deliver(&batch).await.unwrap().into_inner()
}

#[tokio::test]
async fn logstash_counts_what_was_read_to_the_end() {
    let answer = logstash(|mut stream| {
        let mut all = String::new();
        stream.read_to_string(&mut all).unwrap();
        assert!(all.ends_with("}\n"));
    })
    .await;
    assert_eq!((answer.accepted, answer.rest), (300, Rest::Done));
}

#[tokio::test]
async fn logstash_counts_nothing_that_a_closing_server_left() {
    for read in [0, 1, 10_000] {
        let answer = logstash(move |mut stream| {
            let mut some = vec![0; read];
            stream.read_exact(&mut some).unwrap();
        })
        .await;
        assert_eq!(answer.accepted, 0, "after {read} bytes");
        assert!(
            matches!(answer.rest, Rest::Retry { .. }),
            "{:?}",
            answer.rest
        );
    }
}
