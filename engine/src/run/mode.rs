//! A run as it is, one that only shows, and one from a recording.
//!
//! A dry run creates and moves nothing of the site's: its journal lies in a
//! temporary folder that goes with it, its messages go to stdout, and it takes
//! no lock. A replay has a spool and outputs of its own in a new folder: what
//! it makes must never be mistaken for accounting of today.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use tempfile::TempDir;

use super::components::Messenger;
use caso_disk::Disk;
use caso_sandbox::{Detour, Sink};
use caso_state::Spool;

pub enum Mode {
    Real,
    Dry { folder: TempDir },
    Replay { into: PathBuf },
}

/// The spools of a run.
pub struct Spools {
    /// Where cursors are read, and moved in a real run.
    pub cursors: Spool,
    /// Where the journal lies.
    pub journal: Spool,
}

impl Mode {
    pub fn dry() -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("caso-dry-run-")
            .tempdir()
            .context("cannot make a temporary folder for the dry run")?;
        Ok(Self::Dry { folder })
    }

    pub fn replay(into: &Path) -> anyhow::Result<Self> {
        let used = fs::read_dir(into).is_ok_and(|mut entries| entries.next().is_some());
        if used {
            bail!(
                "`{}` is not empty: a replay writes into a folder of its own",
                into.display()
            );
        }
        fs::create_dir_all(into)
            .with_context(|| format!("cannot make `{}` for the replay", into.display()))?;
        let into = into
            .canonicalize()
            .with_context(|| format!("cannot use `{}`", into.display()))?;
        Ok(Self::Replay { into })
    }

    pub fn is_real(&self) -> bool {
        matches!(self, Self::Real)
    }

    pub fn spools(&self, spooldir: &Path) -> anyhow::Result<Spools> {
        let open = |folder: &Path| {
            Spool::open(folder, Disk::default())
                .context("cannot use the spool, where cursors and waiting records are kept")
        };
        Ok(match self {
            Self::Real => {
                let spool = open(spooldir)?;
                Spools {
                    cursors: spool.clone(),
                    journal: spool,
                }
            }
            Self::Dry { folder } => Spools {
                cursors: Spool::look(spooldir, Disk::default()),
                journal: open(folder.path())?,
            },
            Self::Replay { into } => {
                let spool = open(&into.join("spool"))?;
                Spools {
                    cursors: spool.clone(),
                    journal: spool,
                }
            }
        })
    }

    /// Turns aside what a messenger would send.
    pub fn turn_aside(&self, messenger: &mut Messenger) {
        let setup = &mut messenger.setup;
        match self {
            Self::Real => {}
            Self::Dry { .. } => {
                setup.granted.directories.clear();
                setup.granted.addresses.clear();
                setup.detour = Detour {
                    queues: Some(shown(&messenger.name, "queue")),
                    connections: Some(shown(&messenger.name, "connection")),
                    requests: Some(shown(&messenger.name, "http")),
                };
            }
            Self::Replay { into } => {
                let folder = into.join(&messenger.name);
                setup.granted.directories.clear();
                setup.granted.addresses.clear();
                for (name, queue) in &mut setup.granted.queues {
                    queue.path = folder.join(caso_state::file_name_for(name));
                }
                setup.detour = Detour {
                    queues: None,
                    connections: Some(kept(folder.clone())),
                    requests: Some(kept(folder)),
                };
            }
        }
    }
}

/// Messages on stdout, each under a line that says what it is.
fn shown(messenger: &str, kind: &'static str) -> Sink {
    let messenger = messenger.to_owned();
    Arc::new(move |name, message| {
        let mut stdout = io::stdout().lock();
        writeln!(
            stdout,
            "== messenger `{messenger}`, {kind} `{name}`, {} bytes",
            message.len()
        )?;
        stdout.write_all(message)?;
        if !message.ends_with(b"\n") {
            stdout.write_all(b"\n")?;
        }
        Ok(())
    })
}

/// What went over a connection or to an origin, in a file named after it.
fn kept(folder: PathBuf) -> Sink {
    Arc::new(move |name, bytes| {
        fs::create_dir_all(&folder)?;
        let path = folder.join(caso_state::file_name_for(name));
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        file.write_all(bytes)
    })
}
