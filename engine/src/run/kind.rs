//! What kind of run it is. Everything in which runs differ is decided here:
//! whose clock counts, where the APIs' answers come from, in which spool the run
//! works, where its messages go, and how much is asked for at a time.
//!
//! A dry run creates and moves nothing of the site's: its journal lies in a
//! temporary folder that goes with it, its messages go to stdout, and it takes
//! no lock. A replay has a spool and outputs of its own in a new folder: what
//! it makes must never be mistaken for accounting of today. A recorded run does
//! what it would do otherwise, dry or not, and keeps the answers.

mod outputs;
mod sessions;

use std::fs;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, bail};
use tempfile::TempDir;

use super::recorded_inputs;
use caso_base::{Clock, PinnedClock, SystemClock};
use caso_config::Config;
use caso_disk::Disk;
use caso_extract::RunCaches;
use caso_openstack::recording::{Recorder, Replayer};
use caso_sandbox::Compiling;
use caso_state::{Lock, LockError, Spool};

/// A recording of the test bed, gzipped: what `caso demo` runs on.
static SHIPPED: &[u8] = include_bytes!("../../demo/recording.jsonl.gz");

/// Clouds, and regions of a cloud, that are read at a time.
const SIDE_BY_SIDE: usize = 4;

/// The one way in which runs differ.
pub enum Kind {
    /// What cron starts.
    Real,
    /// Shows what would be sent.
    Dry {
        /// Of its journal.
        folder: TempDir,
    },
    /// Keeps what the APIs answer in `folder`, which is new.
    Recorded {
        folder: PathBuf,
        /// Whether names and addresses are left as they are.
        names: bool,
        /// The folder of a dry run's journal, where it is one.
        dry: Option<TempDir>,
        /// Set when the first session begins.
        recorder: Mutex<Option<Arc<Recorder>>>,
    },
    /// Runs on a recording, in the folder `into`.
    Replay {
        replayer: Arc<Replayer>,
        /// The recording's folder; the one that ships with the program has none.
        folder: Option<PathBuf>,
        into: PathBuf,
    },
}

/// The spools of a run.
#[derive(Debug)]
pub struct Spools {
    /// Where cursors are read, and moved in a real run.
    pub cursors: Spool,
    /// Where the journal lies.
    pub journal: Spool,
}

impl Kind {
    /// # Errors
    /// No temporary folder can be made.
    pub fn dry() -> anyhow::Result<Self> {
        Ok(Self::Dry {
            folder: dry_folder()?,
        })
    }

    /// # Errors
    /// As [`Kind::dry`], where it is a dry run.
    pub fn recorded(folder: PathBuf, names: bool, dry: bool) -> anyhow::Result<Self> {
        Ok(Self::Recorded {
            folder,
            names,
            dry: dry.then(dry_folder).transpose()?,
            recorder: Mutex::new(None),
        })
    }

    /// # Errors
    /// The recording cannot be read, or `into` is not an empty folder, nor one
    /// that can be made.
    pub fn replay(folder: &Path, into: &Path) -> anyhow::Result<Self> {
        Ok(Self::Replay {
            replayer: Arc::new(Replayer::open(folder)?),
            folder: Some(folder.to_owned()),
            into: new_folder(into)?,
        })
    }

    /// A replay of the recording that ships with the program.
    ///
    /// # Errors
    /// As [`Kind::replay`].
    pub fn demo(into: &Path) -> anyhow::Result<Self> {
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(SHIPPED)
            .read_to_end(&mut bytes)
            .context("the recording that ships with the program is damaged")?;
        Ok(Self::Replay {
            replayer: Arc::new(Replayer::from_bytes(bytes, "the shipped recording")?),
            folder: None,
            into: new_folder(into)?,
        })
    }

    /// The configuration that this kind of run asks by: a replay asks what the
    /// recorded run asked, all others what the site wrote.
    ///
    /// # Errors
    /// The recording's options cannot be used.
    pub fn configuration(&self, config: Config) -> anyhow::Result<Config> {
        match self {
            Self::Replay {
                replayer, folder, ..
            } => recorded_inputs::configuration(replayer.header(), folder.as_deref(), config),
            Self::Real | Self::Dry { .. } | Self::Recorded { .. } => Ok(config),
        }
    }

    /// Whether the run does what the site's accounting is made of: moves
    /// cursors, takes the lock, sends.
    pub fn is_real(&self) -> bool {
        matches!(self, Self::Real | Self::Recorded { dry: None, .. })
    }

    /// Whether it only shows what it would send.
    pub fn is_dry(&self) -> bool {
        self.dry_folder().is_some()
    }

    /// Whether OpenStack is asked, and not a recording.
    pub fn is_online(&self) -> bool {
        !matches!(self, Self::Replay { .. })
    }

    /// How components are compiled: the demo's are used for a dozen records, and somebody waits
    /// for them.
    pub fn compiling(&self) -> Compiling {
        match self {
            Self::Replay { folder: None, .. } => Compiling::Soon,
            _ => Compiling::Well,
        }
    }

    fn dry_folder(&self) -> Option<&Path> {
        match self {
            Self::Dry { folder }
            | Self::Recorded {
                dry: Some(folder), ..
            } => Some(folder.path()),
            Self::Real | Self::Recorded { dry: None, .. } | Self::Replay { .. } => None,
        }
    }

    /// The run's clock: that of the recording where it replays one.
    pub fn clock(&self) -> Arc<dyn Clock> {
        match self {
            Self::Replay { replayer, .. } => Arc::new(PinnedClock::at(replayer.header().clock)),
            _ => Arc::new(SystemClock::new()),
        }
    }

    /// Clouds, and regions of a cloud, that are read at a time.
    pub fn clouds_at_a_time(&self) -> usize {
        match self.keeps_order() {
            true => 1,
            false => SIDE_BY_SIDE,
        }
    }

    /// Projects of a region that are read at a time; at least 1.
    pub fn projects_at_a_time(&self, config: &Config) -> usize {
        match self.keeps_order() {
            true => 1,
            false => config.concurrency.max(1),
        }
    }

    /// Mappers that there may be at a time: one a project, in each region of each cloud that is
    /// read beside others; at least 1.
    pub fn mappers_at_a_time(&self, config: &Config) -> usize {
        let most = self.clouds_at_a_time();
        let clouds = config.clouds.iter();
        let mut regions: Vec<usize> = clouds
            .map(|cloud| cloud.regions().len().clamp(1, most))
            .collect();
        regions.sort_unstable_by(|a, b| b.cmp(a));
        let regions: usize = regions.into_iter().take(most).sum();
        regions.max(1) * self.projects_at_a_time(config)
    }

    /// Whether projects that failed in earlier runs are tried after the others. A
    /// recording says nothing of earlier runs.
    pub fn tries_failing_last(&self) -> bool {
        !self.keeps_order()
    }

    /// What a cloud's run asks for once.
    pub fn caches(&self) -> RunCaches {
        match self.keeps_order() {
            true => RunCaches::of_a_recording(),
            false => RunCaches::default(),
        }
    }

    /// Whether a project's servers, volumes and addresses are read at the same time, and
    /// each page of a list while the one before is mapped. Where one project is read at a
    /// time, one thing is asked after the other.
    pub fn reads_side_by_side(&self, config: &Config) -> bool {
        self.projects_at_a_time(config) > 1
    }

    /// Whether one thing is asked after the other: what projects ask for
    /// together (flavors, images) is then asked by the same one when the
    /// recording is replayed.
    fn keeps_order(&self) -> bool {
        matches!(self, Self::Recorded { .. } | Self::Replay { .. })
    }

    /// One cASO at a time; a run that writes nothing of the site's needs no lock.
    ///
    /// # Errors
    /// Another one has it, or the file cannot be made.
    pub async fn lock(&self, config: &Config) -> Result<Option<Lock>, LockError> {
        match self.is_real() {
            true => Lock::acquire(&config.lock_path, config.lock_timeout)
                .await
                .map(Some),
            false => Ok(None),
        }
    }

    /// The spools, checked and made where the run writes to them; a replay's has
    /// the recorded cursors.
    ///
    /// # Errors
    /// One cannot be written, or the recorded cursors cannot be copied.
    pub fn spools(&self, spooldir: &Path) -> anyhow::Result<Spools> {
        let open = |folder: &Path| {
            Spool::open(folder, Disk::default())
                .context("cannot use the spool, where cursors and waiting records are kept")
        };
        if let Some(folder) = self.dry_folder() {
            return Ok(Spools {
                cursors: Spool::look(spooldir, Disk::default()),
                journal: open(folder)?,
            });
        }
        let spool = match self {
            Self::Replay { into, folder, .. } => {
                let spool = open(&into.join("spool"))?;
                if let Some(folder) = folder {
                    recorded_inputs::restore_cursors(folder, spool.folder())?;
                }
                spool
            }
            _ => open(spooldir)?,
        };
        Ok(Spools {
            cursors: spool.clone(),
            journal: spool,
        })
    }
}

/// Before it the temporary folders of dry runs that were killed are removed: they hold
/// records, which nobody else's eyes are for. Ours carry the process's number.
fn dry_folder() -> anyhow::Result<TempDir> {
    let temporary = std::env::temp_dir();
    remove_left_behind(&temporary);
    tempfile::Builder::new()
        .prefix(&format!("{DRY_FOLDER}{}-", std::process::id()))
        .tempdir_in(temporary)
        .context("cannot make a temporary folder for the dry run")
}

const DRY_FOLDER: &str = "caso-dry-run-";

/// What cannot be read or removed is somebody else's.
fn remove_left_behind(temporary: &Path) {
    for entry in fs::read_dir(temporary).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let process = name
            .to_str()
            .and_then(|name| name.strip_prefix(DRY_FOLDER)?.split_once('-'))
            .and_then(|(process, _)| process.parse::<u32>().ok());
        if process.is_some_and(|process| !Path::new(&format!("/proc/{process}")).exists()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// A replay's folder, in which nothing lies yet, by its full path.
///
/// # Errors
/// Something lies in it, or it cannot be made.
pub fn new_folder(into: &Path) -> anyhow::Result<PathBuf> {
    let used = match fs::read_dir(into) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) if error.kind() == ErrorKind::NotFound => false,
        Err(error) => {
            let text = format!("cannot see whether `{}` is empty", into.display());
            return Err(anyhow::Error::new(error).context(text));
        }
    };
    if used {
        bail!(
            "`{}` is not empty: a replay needs a folder of its own",
            into.display()
        );
    }
    fs::create_dir_all(into)
        .with_context(|| format!("cannot make `{}` for the replay", into.display()))?;
    into.canonicalize()
        .with_context(|| format!("cannot use `{}`", into.display()))
}

#[cfg(test)]
mod tests;
