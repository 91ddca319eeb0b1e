//! The sandbox against guests that mean harm. Each guest does what its option
//! `mode` says; what the test asserts on is the typed failure, what lies on
//! disk, and what the guest itself reports to have seen.

mod admission;
mod budgets;
mod connections;
mod fuzzed;
mod http;
mod isolation;
mod limits;
mod mapper;
mod messenger;
mod plain_http;
mod signatures;
mod trust;

use std::path::{Path, PathBuf};
use std::time::Duration;

use caso_model::answer::CheckedAnswer;
use caso_model::component::{OptionValue, Setting};
use caso_model::guest::{Batch, FailureKind, GuestFailure, Messenger, Rest};
use caso_model::record::{Head, OtherRecord};
use caso_model::{Origin, Window};
use caso_net::NetworkEnvironment;
use caso_sandbox::{
    Component, Granted, GuestMessenger, InstanceName, Limits, MessengerSetup, Policy, Redirect,
    Sandbox, SandboxSettings, Source, decide,
};
use tokio::sync::OnceCell;

/// The components, compiled once for all tests.
struct Guests {
    sandbox: Sandbox,
    hostile: Component,
    mapper: Component,
    dialler: Component,
    browser: Component,
    caller: Component,
    signer: Component,
}

async fn guests() -> &'static Guests {
    static GUESTS: OnceCell<Guests> = OnceCell::const_new();
    GUESTS
        .get_or_init(|| async {
            let sandbox = Sandbox::new(SandboxSettings::default()).unwrap();
            assert_eq!(sandbox.cache().warning(), None);
            let load = async |name| {
                let path = file(name);
                sandbox
                    .load(Source::File {
                        path: &path,
                        sha256: None,
                    })
                    .await
                    .unwrap()
            };
            let hostile = load("caso_test_hostile").await;
            let mapper = load("caso_test_hostile_mapper").await;
            let dialler = load("caso_test_dialler").await;
            let browser = load("caso_test_browser").await;
            let caller = load("caso_test_caller").await;
            let signer = load("caso_test_signer").await;
            Guests {
                sandbox,
                hostile,
                mapper,
                dialler,
                browser,
                caller,
                signer,
            }
        })
        .await
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CASO_TEST_GUESTS")).join(format!("{name}.wasm"))
}

fn text(name: &str, value: &str) -> Setting {
    Setting {
        name: name.to_owned(),
        value: OptionValue::Text(value.to_owned()),
    }
}

/// The instance, in the words of cASO's configuration.
fn mine() -> InstanceName {
    InstanceName {
        name: "mine".to_owned(),
        grants: "`grants` in [messenger_mine]".to_owned(),
        options: "[mine]".to_owned(),
        ..InstanceName::default()
    }
}

/// An instance of the hostile messenger, and what it has.
struct Instance {
    settings: Vec<Setting>,
    limits: Limits,
    granted: Option<Granted>,
}

fn instance(mode: &str) -> Instance {
    Instance {
        settings: vec![text("mode", mode)],
        limits: Limits::default(),
        granted: None,
    }
}

impl Instance {
    fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.push(text(name, value));
        self
    }

    fn queue(self, path: &Path) -> Self {
        self.set("output_path", &path.display().to_string())
    }

    fn limits(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.limits);
        self
    }

    fn granted(mut self, granted: Granted) -> Self {
        self.granted = Some(granted);
        self
    }

    async fn start(self) -> Result<GuestMessenger, GuestFailure> {
        let component = &guests().await.hostile;
        let requests = &component.description.capabilities;
        let granted = self
            .granted
            .unwrap_or_else(|| decide(&mine(), requests, &self.settings, Policy::Builtin).unwrap());
        let setup = MessengerSetup {
            instance: "mine".to_owned(),
            settings: self.settings,
            secrets: Vec::new(),
            granted,
            limits: self.limits,
            redirect: Redirect::default(),
            network: NetworkEnvironment::default(),
        };
        component.start_messenger(setup).await
    }

    /// Starts it and delivers three records.
    async fn deliver(self) -> Result<CheckedAnswer, GuestFailure> {
        let mut messenger = self.start().await?;
        messenger.deliver(&batch(&["a", "b", "c"])).await
    }

    /// What the guest reports instead of delivering.
    async fn report(self) -> String {
        report(self.deliver().await.unwrap())
    }

    async fn fails(self, kind: FailureKind) -> GuestFailure {
        let failure = self.deliver().await.unwrap_err();
        assert_eq!(failure.kind, kind, "{failure}");
        assert_eq!(
            (failure.component.as_str(), failure.instance.as_str()),
            ("hostile", "mine")
        );
        failure
    }
}

fn report(answer: CheckedAnswer) -> String {
    match &answer.rest {
        Rest::Other(report) => report.clone(),
        rest => panic!("no report but {rest:?}"),
    }
}

fn origin(cloud: &str, region: Option<&str>) -> Origin {
    Origin {
        cloud: cloud.to_owned(),
        region: region.map(str::to_owned),
        project_id: "p".to_owned(),
        extractor: "nova".to_owned(),
        window: Window { start: 1, end: 2 },
        attributes: Vec::new(),
    }
}

fn batch(ids: &[&str]) -> Batch<'static> {
    let record = |id: &&str| OtherRecord {
        head: Head {
            id: (*id).to_owned(),
            supersedes: (*id).to_owned(),
            measured_at: 0,
            attributes: Vec::new(),
        },
        kind: "test".to_owned(),
        payload: Some("{}".to_owned()),
        ..OtherRecord::default()
    };
    Batch {
        id: "batch".to_owned(),
        attempt: 1,
        instance: "mine".to_owned(),
        record_type: "test".to_owned(),
        origins: vec![origin("first", None), origin("second", Some("RegionOne"))],
        // The last record is of the second origin.
        origin_of: (1..=ids.len())
            .map(|at| u32::from(at == ids.len()))
            .collect(),
        records: ids.iter().map(record).collect::<Vec<_>>().into(),
        now: 0,
        time_left: Duration::from_secs(3600),
        attributes: Vec::new(),
    }
}

/// All messages in a queue, in the order of their names; of nothing else there.
fn messages(queue: &Path) -> Vec<String> {
    let sorted = |path: &Path| {
        let mut paths: Vec<PathBuf> = std::fs::read_dir(path)
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().path())
            .collect();
        paths.sort();
        paths
    };
    sorted(queue)
        .iter()
        .flat_map(|folder| sorted(folder))
        .map(|path| {
            assert_eq!(path.extension(), None, "{}", path.display());
            std::fs::read_to_string(path).unwrap()
        })
        .collect()
}

/// Long enough for a loaded machine, short enough to wait for.
const SOON: Duration = Duration::from_millis(200);
