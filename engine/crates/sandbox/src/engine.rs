//! The sandbox: wasmtime's engine, its clock and its cache, once a run.

use std::path::{Path, PathBuf};

use caso_disk::MonotonicNames;
use tempfile::TempDir;
use tokio::sync::Semaphore;
use wasmtime::{Config, Engine, OptLevel, RegallocAlgorithm};

use super::address_space::AddressSpace;
use super::admission::{Admission, Place, Source};
use super::cache::sums::Sums;
use super::cache::{self, CacheChoice, CacheProblem, CacheRefusal};
use super::compile::{AT_A_TIME, CompilerProcess};
use super::component::Component;
use super::error::{AdmissionError, SandboxError};
use super::limits::{GUARD, RESERVED, TICK};
use super::link::Linkers;

/// What the sandbox is set up with.
#[derive(Debug, Clone)]
pub struct SandboxSettings {
    /// Folders below which compiled components may be kept, best first. The
    /// first one that is safe is taken; without any, components are compiled
    /// anew in each run.
    pub cache_dirs: Vec<PathBuf>,
    /// How this program is started to compile a component of the site's; none: it is
    /// compiled here, with nothing to end it.
    pub compiler: Option<CompilerProcess>,
    /// How components are compiled here. `compiler` compiles well, and what it made is only
    /// found where that is asked for: [`Compiling::Soon`] is for components that came with
    /// the program, and no others.
    pub compiling: Compiling,
    /// Bytes that a component file may have. Compiling is the dearest thing a
    /// hostile file can make us do.
    pub component_bytes: u64,
}

/// How machine code is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compiling {
    /// For runs to come.
    Well,
    /// For one run, which is small.
    Soon,
}

impl Default for SandboxSettings {
    /// Nothing is kept, and a component may have 32 MiB; one in Python has 20.
    fn default() -> Self {
        Self {
            cache_dirs: Vec::new(),
            compiler: None,
            compiling: Compiling::Well,
            component_bytes: 32 << 20,
        }
    }
}

/// The engine that all components of a run share.
pub struct Sandbox {
    engine: Engine,
    linkers: Linkers,
    moments: MonotonicNames,
    component_bytes: u64,
    cache: CacheChoice,
    /// Where compiled components lie, for this run if not for longer.
    code: Option<PathBuf>,
    /// What lies there should be, where it is kept.
    sums: Option<Sums>,
    compiler: Option<CompilerProcess>,
    /// How many of them at a time.
    compiling: Semaphore,
    /// A cache for this run alone.
    _own: Option<TempDir>,
}

impl Sandbox {
    /// Sets the sandbox up. The clock's thread ends by itself when the sandbox
    /// and its components are gone.
    ///
    /// # Errors
    ///
    /// When the process has no address space for a guest, or wasmtime cannot be set up on this
    /// machine. A cache that cannot be used is none: see [`Self::cache`].
    pub fn new(settings: SandboxSettings) -> Result<Self, SandboxError> {
        if let Some(shortage) = AddressSpace::of_process().shortage(1) {
            return Err(SandboxError::AddressSpace(shortage));
        }
        let uid = nix::unistd::geteuid().as_raw();
        let mut cache = CacheChoice::among(&settings.cache_dirs, uid);
        let mut config = config();
        if settings.compiling == Compiling::Soon {
            config
                .cranelift_opt_level(OptLevel::None)
                .cranelift_regalloc_algorithm(RegallocAlgorithm::SinglePass);
        }
        let mut opened = |folder: &Path| {
            cache::open(folder)
                .map(|opened| {
                    config.cache(Some(opened));
                })
                .map_err(|error| CacheProblem::Compiler(error.root_cause().to_string()))
        };
        let mut sums = None;
        if let Some(folder) = cache.folder.take() {
            let checked = Sums::check(&folder).map_err(CacheProblem::Io);
            match checked.and_then(|checked| opened(&folder).map(|()| checked)) {
                Ok((checked, damaged)) => {
                    cache.folder = Some(folder);
                    cache.damaged = damaged;
                    sums = Some(checked);
                }
                Err(problem) => cache.refused.push(CacheRefusal { folder, problem }),
            }
        }
        // What another process compiles has to lie somewhere.
        let own = match (&cache.folder, &settings.compiler) {
            (None, Some(_)) => tempfile::Builder::new().prefix("caso-code-").tempdir().ok(),
            _ => None,
        };
        let own = own.filter(|own| opened(own.path()).is_ok());
        let code = cache.folder.clone();
        let code = code.or_else(|| own.as_ref().map(|own| own.path().to_owned()));
        let engine = Engine::new(&config)
            .map_err(|error| SandboxError::Engine(error.root_cause().to_string()))?;
        tick(&engine)?;
        let linkers = Linkers::new(&engine)
            .map_err(|error| SandboxError::Linker(error.root_cause().to_string()))?;
        Ok(Self {
            engine,
            linkers,
            moments: MonotonicNames::default(),
            component_bytes: settings.component_bytes,
            cache,
            code,
            sums,
            compiler: settings.compiler,
            compiling: Semaphore::new(AT_A_TIME),
            _own: own,
        })
    }

    /// Where compiled components are kept, and which folders were not safe.
    pub fn cache(&self) -> &CacheChoice {
        &self.cache
    }

    /// Admits a component: reads, checks, compiles it and asks what it is.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is not what was pinned, is not a component
    /// of the contract, imports what this host does not offer, or describes
    /// itself badly.
    pub async fn load(&self, source: Source<'_>) -> Result<Component, AdmissionError> {
        self.load_at(source, &Place::default()).await
    }

    /// The same for a component of which the site says how much memory it may use.
    ///
    /// # Errors
    ///
    /// As for [`Self::load`].
    pub async fn load_at(
        &self,
        source: Source<'_>,
        place: &Place<'_>,
    ) -> Result<Component, AdmissionError> {
        let admitted = Admission {
            engine: &self.engine,
            linkers: &self.linkers,
            moments: &self.moments,
            component_bytes: self.component_bytes,
            code: self.code.as_deref(),
            compiler: self.compiler.as_ref(),
            compiling: &self.compiling,
        }
        .admit(source, place)
        .await;
        if let Some(Err(error)) = self.sums.as_ref().map(Sums::note) {
            tracing::debug!(
                "compiled code is not noted, and is recompiled in the next run: {error}"
            );
        }
        admitted
    }
}

/// The same for the process that compiles: what it makes is found here by it.
pub fn config() -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        // Without the async ABI a call is four times cheaper, and a component
        // that needs it is refused when it is loaded.
        .concurrency_support(false)
        // The same bits on every machine: a mapper's records do not depend on it.
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        // What copies a text from one component inside another to the next is a module with the
        // memories of both: without more than one the compiler ends at each that was composed.
        .wasm_multi_memory(true)
        // Nobody needs one beyond 4 GiB.
        .wasm_memory64(false)
        // One function after the other: a first run has little memory to spare.
        .parallel_compilation(false)
        // wasmtime would reserve 4 GiB for each memory, so that no access has to be
        // checked, and a batch system's or a unit's limit of address space ended a run
        // after a few projects. What a guest may have by default is reserved instead;
        // one that is allowed more moves when it grows.
        .memory_reservation(RESERVED)
        .memory_reservation_for_growth(RESERVED)
        .memory_guard_size(GUARD);
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
