//! What the boundary between engine and components costs: counts, which are the same on every
//! machine, then records a second through the built-in mapper and `ssm`, a warm start of all
//! built-in components, and what the limits take (`limits.rs`).
//!
//!     tests/bench/boundary [--check]
//!
//! Nothing is asked and nothing written: usage is made up here, and messages go nowhere. The
//! best of several rounds counts, for what disturbs only makes slower. `--check` makes the exit
//! code 1 below what is aimed at.

mod limits;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use caso_config::{CommandLine, Config, Inputs, Places, Program, component_settings, load};
use caso_model::component::Setting;
use caso_model::guest::{Batch, Messenger as _, Outcome};
use caso_model::record::{AccountingRecord, CloudRecord, RecordList};
use caso_model::usage::{ComputeUsage, Context, Flavor, Server, Tables, UsageItem};
use caso_model::{Origin, Window};
use caso_net::NetworkEnvironment;
use caso_sandbox::{
    Component, GuestMapper, GuestMessenger, InstanceName, Limits, MessengerSetup, Policy, Redirect,
    Sandbox, SandboxSettings, Source, decide,
};

/// Servers of a page, and records of a batch, as a run has them.
const PAGE: usize = 1_000;
/// Pages of a round.
const PAGES: usize = 20;
const ROUNDS: usize = 7;

const OCTOBER: i64 = 1_790_812_800;
const HOUR: i64 = 3_600;

/// What is aimed at.
const RECORDS_A_SECOND: f64 = 500_000.0;
const WARM_START: Duration = Duration::from_millis(10);
const LIMITS_COST: f64 = 0.05;

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    // `cargo bench` adds `--bench`.
    let check = std::env::args().any(|argument| argument == "--check");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    match runtime.block_on(measure()) {
        Ok(missed) if check && !missed.is_empty() => ExitCode::FAILURE,
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Measures and prints, and says what is missed.
async fn measure() -> Result<Vec<&'static str>, Failure> {
    let cache = tempfile::tempdir()?;
    let bench = Bench::new(cache.path()).await?;
    let mut mapper = bench.mapper().await?;
    let bytes = Arc::<AtomicU64>::default();
    let mut ssm = bench.ssm(&bytes).await?;

    let records = map(&mut mapper).await?;
    let batches = batches(&records);
    deliver(&mut ssm, &batches).await?;
    println!("counts");
    println!("  servers                 {:>10}", PAGE * PAGES);
    println!("  records                 {:>10}", records.len());
    println!("  calls of the mapper     {PAGES:>10}");
    println!("  calls of ssm            {:>10}", batches.len());
    println!(
        "  bytes of messages       {:>10}",
        bytes.load(Ordering::Relaxed)
    );

    let (mut mapped, mut delivered) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        let began = Instant::now();
        map(&mut mapper).await?;
        mapped = mapped.min(began.elapsed());
        let began = Instant::now();
        deliver(&mut ssm, &batches).await?;
        delivered = delivered.min(began.elapsed());
    }
    let a_second = |took: Duration| records.len() as f64 / took.as_secs_f64();
    let both = a_second(mapped + delivered);
    println!("records a second");
    println!("  mapper                  {:>10.0}", a_second(mapped));
    println!("  ssm                     {:>10.0}", a_second(delivered));
    println!("  both, one after other   {both:>10.0}   aimed at: {RECORDS_A_SECOND:.0}");

    let mut warm = Duration::MAX;
    for _ in 0..ROUNDS {
        let began = Instant::now();
        Bench::new(cache.path()).await?;
        warm = warm.min(began.elapsed());
    }
    println!("warm start of all built-in components");
    println!(
        "  milliseconds            {:>10.1}   aimed at: {}",
        warm.as_secs_f64() * 1e3,
        WARM_START.as_millis()
    );

    let cost = limits::cost(cache.path(), ROUNDS).await?;
    println!("the limits' part of the time in the mapper");
    println!(
        "  percent                 {:>10.1}   aimed at: {:.0}",
        cost * 100.0,
        LIMITS_COST * 100.0
    );
    let missed = [
        (both < RECORDS_A_SECOND, "records a second"),
        (warm > WARM_START, "warm start"),
        (cost > LIMITS_COST, "limits"),
    ];
    Ok(missed
        .into_iter()
        .filter_map(|(missed, what)| missed.then_some(what))
        .collect())
}

/// The built-in components, loaded, and a configuration for their options.
struct Bench {
    config: Config,
    components: BTreeMap<&'static str, Component>,
}

impl Bench {
    async fn new(cache: &Path) -> Result<Self, Failure> {
        let sandbox = Sandbox::new(SandboxSettings {
            cache_dirs: vec![cache.to_owned()],
            ..SandboxSettings::default()
        })?;
        let mut components = BTreeMap::new();
        for name in caso_builtin::builtins() {
            let bytes = caso_builtin::builtin(name).ok_or("no such component")?;
            let source = Source::Builtin { name, bytes };
            components.insert(name, sandbox.load(source).await?);
        }
        Ok(Self {
            config: config(cache)?,
            components,
        })
    }

    fn component(&self, name: &str) -> Result<&Component, Failure> {
        Ok(self.components.get(name).ok_or("it is not built in")?)
    }

    async fn mapper(&self) -> Result<GuestMapper, Failure> {
        let component = self.component("mapper")?;
        let found = component_settings(&self.config, &self.config.mapper, &component.description)?;
        let limits = Limits::default();
        let started = component.start_mapper(found.settings, OCTOBER, limits);
        Ok(started.await.map_err(|failure| failure.to_string())?)
    }

    /// Whose messages are counted, and go nowhere.
    async fn ssm(&self, bytes: &Arc<AtomicU64>) -> Result<GuestMessenger, Failure> {
        let component = self.component("ssm")?;
        let instance = self.config.messengers.first().ok_or("no messenger")?;
        let description = &component.description;
        let found = component_settings(&self.config, &instance.component, description)?;
        let settings: Vec<Setting> = found.settings;
        let name = InstanceName::new("ssm");
        let granted = decide(&name, &description.capabilities, &settings, Policy::Builtin)?;
        let counted = Arc::clone(bytes);
        let setup = MessengerSetup {
            instance: "ssm".to_owned(),
            settings,
            secrets: Vec::new(),
            granted,
            limits: Limits::default(),
            redirect: Redirect {
                queues: Some(Arc::new(move |_, message| {
                    counted.fetch_add(message.len() as u64, Ordering::Relaxed);
                    Ok(())
                })),
                ..Redirect::default()
            },
            network: NetworkEnvironment::default(),
        };
        let started = component.start_messenger(setup).await;
        Ok(started.map_err(|failure| failure.to_string())?)
    }
}

fn config(folder: &Path) -> Result<Config, Failure> {
    let etc = folder.join("etc/caso");
    std::fs::create_dir_all(&etc)?;
    std::fs::write(
        etc.join("caso.conf"),
        "[DEFAULT]\nsite_name = SITE\nservice_name = CLOUD\nmessengers = ssm\n\
         [ssm]\noutput_path = /nonexistent/queue\n",
    )?;
    let inputs = Inputs {
        program: Program::Extract,
        command_line: CommandLine::default(),
        environment: BTreeMap::new(),
        places: Places {
            home: None,
            root: folder.to_owned(),
            snap_common: None,
            snap: None,
        },
        builtin_messengers: caso_builtin::messengers(),
    };
    load(&inputs).map_err(|errors| format!("{errors:?}").into())
}

pub fn context() -> Context {
    Context {
        site_name: "SITE".to_owned(),
        service_name: "CLOUD".to_owned(),
        cloud_type: "caso/6 (OpenStack)".to_owned(),
        cloud: "default".to_owned(),
        region: None,
        project_id: "0123456789abcdef0123456789abcdef".to_owned(),
        project_name: Some("project".to_owned()),
        vo: "vo.example.org".to_owned(),
        window: Window {
            start: OCTOBER,
            end: OCTOBER + HOUR,
        },
        now: OCTOBER + HOUR,
        attributes: Vec::new(),
    }
}

pub fn tables() -> Tables {
    Tables {
        flavors: vec![Flavor {
            id: "m1".to_owned(),
            name: Some("m1.large".to_owned()),
            vcpus: Some(4),
            memory_mib: Some(8_192),
            root_gib: Some(80),
            ephemeral_gib: Some(0),
            extra_specs: Some(Vec::new()),
            ..Flavor::default()
        }],
        ..Tables::default()
    }
}

/// Servers that run, as Nova lists them.
pub fn page() -> Vec<UsageItem> {
    (0..PAGE)
        .map(|n| {
            UsageItem::Server(Server {
                id: format!("{n:08x}-1111-4222-8333-444455556666"),
                name: Some(format!("worker-{n}.example.org")),
                project_id: "0123456789abcdef0123456789abcdef".to_owned(),
                user_id: Some("fedcba9876543210fedcba9876543210".to_owned()),
                status: Some("ACTIVE".to_owned()),
                vm_state: Some("active".to_owned()),
                created: Some(OCTOBER - 86_400),
                launched: Some(OCTOBER - 86_300),
                image_id: Some("aaaaaaaa-1111-4222-8333-444455556666".to_owned()),
                flavor_id: Some("m1".to_owned()),
                addresses: Some(Vec::new()),
                compute_usage: Some(ComputeUsage {
                    started: Some(OCTOBER - 86_300),
                    vcpus: Some(4),
                    memory_mib: Some(8_192),
                    disk_gib: Some(80),
                    state: Some("active".to_owned()),
                    flavor_name: Some("m1.large".to_owned()),
                    ..ComputeUsage::default()
                }),
                ..Server::default()
            })
        })
        .collect()
}

/// A round of the mapper.
async fn map(mapper: &mut GuestMapper) -> Result<Vec<CloudRecord>, Failure> {
    let (context, tables, items) = (context(), tables(), page());
    let time = mapper.call_time();
    let mut records = Vec::with_capacity(PAGE * PAGES);
    for _ in 0..PAGES {
        let mut page = mapper.page(&context, &tables, &items);
        let outcomes = page.map(0..PAGE, time).await;
        for outcome in outcomes.map_err(|failure| failure.to_string())? {
            let Outcome::Records(made) = outcome else {
                return Err(format!("{outcome:?}").into());
            };
            records.extend(made.into_iter().filter_map(|record| match record {
                AccountingRecord::Cloud(record) => Some(record),
                _ => None,
            }));
        }
    }
    Ok(records)
}

/// The records as batches.
fn batches(records: &[CloudRecord]) -> Vec<Batch<'_>> {
    let origin = Origin {
        cloud: "default".to_owned(),
        region: None,
        project_id: context().project_id,
        extractor: "nova".to_owned(),
        window: context().window,
        attributes: Vec::new(),
    };
    records
        .chunks(PAGE)
        .enumerate()
        .map(|(n, records)| Batch {
            id: format!("batch-{n}"),
            attempt: 1,
            instance: "ssm".to_owned(),
            record_type: "cloud".to_owned(),
            origins: vec![origin.clone()],
            origin_of: vec![0; records.len()],
            records: RecordList::Cloud(records.iter().map(Cow::Borrowed).collect()),
            now: OCTOBER + HOUR,
            time_left: Duration::from_secs(600),
            attributes: Vec::new(),
        })
        .collect()
}

/// A round of `ssm`.
async fn deliver(ssm: &mut GuestMessenger, batches: &[Batch<'_>]) -> Result<(), Failure> {
    for batch in batches {
        let answer = ssm.deliver(batch).await;
        let answer = answer.map_err(|failure| failure.to_string())?.into_inner();
        if usize::try_from(answer.accepted)? != batch.records.len() {
            return Err(format!("{answer:?}").into());
        }
    }
    Ok(())
}
