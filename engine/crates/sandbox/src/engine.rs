//! The sandbox: wasmtime's engine, its clock and its cache, once a run.

use std::path::PathBuf;

use caso_disk::MonotonicNames;
use wasmtime::{Cache, CacheConfig, Config, Engine};

use super::admission::{self, Source};
use super::cache::CacheDir;
use super::component::Component;
use super::error::{AdmissionError, SandboxError};
use super::limits::TICK;
use super::link::Linkers;

/// What the sandbox is set up with.
#[derive(Debug, Clone)]
pub struct SandboxSettings {
    /// Where compiled components are kept.
    pub cache_dir: CacheDir,
    /// Bytes that a component file may have. Compiling is the dearest thing a
    /// hostile file can make us do.
    pub component_bytes: u64,
}

impl SandboxSettings {
    pub fn new(cache_dir: CacheDir) -> Self {
        Self {
            cache_dir,
            component_bytes: 64 << 20,
        }
    }
}

/// The engine that all components of a run share.
pub struct Sandbox {
    pub(super) engine: Engine,
    pub(super) linkers: Linkers,
    pub(super) moments: MonotonicNames,
    pub(super) component_bytes: u64,
    cache: Option<PathBuf>,
}

impl Sandbox {
    /// Sets the sandbox up, with warnings for the operator. The clock's thread
    /// ends by itself when the sandbox and its components are gone.
    pub fn new(settings: SandboxSettings) -> Result<(Self, Vec<String>), SandboxError> {
        let uid = nix::unistd::geteuid().as_raw();
        let (folder, mut warnings) = settings.cache_dir.prepare(uid);
        let mut config = config();
        let mut cache = None;
        if let Some(folder) = folder {
            let mut cache_config = CacheConfig::new();
            cache_config.with_directory(&folder);
            match Cache::new(cache_config) {
                Ok(opened) => {
                    config.cache(Some(opened));
                    cache = Some(folder);
                }
                Err(error) => warnings.push(format!(
                    "compiled components are not kept in `{}`: {}",
                    folder.display(),
                    error.root_cause()
                )),
            }
        }
        let engine = Engine::new(&config)
            .map_err(|error| SandboxError::Engine(error.root_cause().to_string()))?;
        tick(&engine)?;
        let linkers = Linkers::new(&engine)
            .map_err(|error| SandboxError::Linker(error.root_cause().to_string()))?;
        let sandbox = Self {
            engine,
            linkers,
            moments: MonotonicNames::default(),
            component_bytes: settings.component_bytes,
            cache,
        };
        Ok((sandbox, warnings))
    }

    /// The folder of compiled components, if there is one that is safe.
    pub fn cache(&self) -> Option<&std::path::Path> {
        self.cache.as_deref()
    }

    /// Admits a component: reads, checks, compiles it and asks what it is.
    pub async fn load(&self, source: Source<'_>) -> Result<Component, AdmissionError> {
        admission::admit(self, source).await
    }
}

fn config() -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        // Without the async ABI a call is four times cheaper, and a component
        // that needs it is refused when it is loaded.
        .concurrency_support(false)
        // One function after the other: a first run has little memory to spare.
        .parallel_compilation(false);
    config
}

/// The clock of every deadline.
fn tick(engine: &Engine) -> Result<(), SandboxError> {
    let engine = engine.weak();
    std::thread::Builder::new()
        .name("sandbox-ticker".to_owned())
        .spawn(move || {
            loop {
                std::thread::sleep(TICK);
                match engine.upgrade() {
                    Some(engine) => engine.increment_epoch(),
                    None => return,
                }
            }
        })
        .map(drop)
        .map_err(SandboxError::Ticker)
}
