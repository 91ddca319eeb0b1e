//! Where a run's messages go if not out into the world.

use std::fs::{self, OpenOptions};
use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use super::Kind;
use crate::run::components::Messenger;
use crate::stdout;
use caso_base::line::clean_line;
use caso_sandbox::{Grant, Redirect, Sink};

impl Kind {
    /// Turns what the messenger would send to stdout in a dry run, and into
    /// files in a replay. Nothing of what it was granted is left then that leads
    /// outside.
    pub fn redirect(&self, messenger: &mut Messenger) {
        let setup = &mut messenger.setup;
        if self.is_dry() {
            setup.granted.grants.retain(|_, grant| is_redirected(grant));
            setup.redirect = Redirect {
                queues: Some(shown(&messenger.name, "queue")),
                connections: Some(shown(&messenger.name, "connection")),
                signatures: Some(shown(&messenger.name, "signature")),
                requests: Some(shown(&messenger.name, "http")),
            };
        } else if let Self::Replay { into, .. } = self {
            let folder = into.join(&messenger.name);
            setup.granted.grants.retain(|_, grant| is_redirected(grant));
            for (name, grant) in &mut setup.granted.grants {
                if let Grant::Queue(queue) = grant {
                    queue.path = folder.join(caso_state::file_name_for(name));
                }
            }
            setup.redirect = Redirect {
                queues: None,
                connections: Some(kept(folder.clone())),
                // What is sent holds it, unsigned.
                signatures: Some(Arc::new(|_, _| Ok(()))),
                requests: Some(kept(folder)),
            };
        }
    }
}

/// Whether what goes by this way can be redirected. The other ways are closed.
fn is_redirected(grant: &Grant) -> bool {
    match grant {
        Grant::Queue(_) | Grant::Connection(_) | Grant::Http(_) | Grant::Signature(_) => true,
        Grant::Directory(_) | Grant::Address(_) => false,
    }
}

/// Messages on stdout, each under a line that names its messenger and way.
fn shown(messenger: &str, way: &'static str) -> Sink {
    let messenger = messenger.to_owned();
    Arc::new(move |name, message| {
        let title = format!(
            "== messenger `{messenger}`, {way} `{name}`, {} bytes\n",
            message.len()
        );
        let end: &[u8] = match message.ends_with(b"\n") {
            true => b"",
            false => b"\n",
        };
        if io::stdout().is_terminal() {
            // A message is data, and goes to a file or a program as it is.
            let shown = readable(message);
            return stdout::write_parts(&[title.as_bytes(), shown.as_bytes(), end])
                .map_err(of_stdout);
        }
        stdout::write_parts(&[title.as_bytes(), message, end]).map_err(of_stdout)
    })
}

/// The messenger says what its way says: that must name what could not be written.
fn of_stdout(error: io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("cannot write to standard output: {error}"),
    )
}

/// A message for a person: its lines, without what steers a terminal, each with a mark, so that none can be taken
/// for a line of ours or for the beginning of another message.
fn readable(message: &[u8]) -> String {
    let text = String::from_utf8_lossy(message);
    let mut shown = String::new();
    for line in text.split_inclusive('\n') {
        let (line, end) = match line.strip_suffix('\n') {
            Some(line) => (line, "\n"),
            None => (line, ""),
        };
        shown.push_str("| ");
        shown.push_str(&clean_line(line));
        shown.push_str(end);
    }
    shown
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
