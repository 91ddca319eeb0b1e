//! Where a run's messages go if not out into the world.

use std::fs::{self, OpenOptions};
use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use super::Kind;
use crate::run::components::Messenger;
use crate::run::summary::words::grouped;
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
                queues: Some(shown(&messenger.name, "queue", usize::MAX)),
                connections: Some(shown(&messenger.name, "connection", BEGINNING)),
                signatures: Some(shown(&messenger.name, "signature", usize::MAX)),
                requests: Some(shown(&messenger.name, "http", BEGINNING)),
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

/// Bytes of what is sent over a connection in one call, or of a request, that are shown: more than
/// a batch of records is. A stream has no end of its own.
const BEGINNING: usize = 16 << 20;

/// Messages on stdout, each under a line that names its messenger and way, and of each no more
/// than `most` bytes.
fn shown(messenger: &str, way: &'static str, most: usize) -> Sink {
    let messenger = messenger.to_owned();
    Arc::new(move |name, message| {
        let title = format!(
            "== messenger `{messenger}`, {way} `{name}`, {} bytes\n",
            message.len()
        );
        let (message, end) = beginning(message, most);
        if io::stdout().is_terminal() {
            // A message is data, and goes to a file or a program as it is.
            let shown = readable(message);
            return stdout::write_parts(&[title.as_bytes(), shown.as_bytes(), end.as_bytes()])
                .map_err(of_stdout);
        }
        stdout::write_parts(&[title.as_bytes(), message, end.as_bytes()]).map_err(of_stdout)
    })
}

/// The first `most` bytes, to the end of a character, and what follows them: the end of the line,
/// and how much was left out.
fn beginning(message: &[u8], most: usize) -> (&[u8], String) {
    let (mut shown, rest) = message.split_at(most.min(message.len()));
    // Half of a character is none; what is no text ends where it ends.
    if let (false, Err(error)) = (rest.is_empty(), str::from_utf8(shown))
        && error.error_len().is_none()
    {
        shown = shown.get(..error.valid_up_to()).unwrap_or(shown);
    }
    let end = match shown.ends_with(b"\n") {
        true => "",
        false => "\n",
    };
    let more = u64::try_from(message.len() - shown.len()).unwrap_or(u64::MAX);
    match more {
        0 => (shown, end.to_owned()),
        more => (shown, format!("{end}== and {} bytes more\n", grouped(more))),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_stream_the_beginning_is_shown_and_how_much_more_there_was() {
        let of = |message: &[u8], most| {
            let (shown, end) = beginning(message, most);
            (String::from_utf8_lossy(shown).into_owned(), end)
        };
        let text = |shown: &str, end: &str| (shown.to_owned(), end.to_owned());
        assert_eq!(of(b"abc", 3), text("abc", "\n"));
        assert_eq!(of(b"abc\n", usize::MAX), text("abc\n", ""));
        assert_eq!(of(b"abcd", 3), text("abc", "\n== and 1 bytes more\n"));
        assert_eq!(of(b"ab\nd", 3), text("ab\n", "== and 1 bytes more\n"));
        // Never half of a character.
        assert_eq!(
            of("ab\u{e4}".as_bytes(), 3),
            text("ab", "\n== and 2 bytes more\n")
        );
        assert_eq!(of(b"\xff\xff\xff", 2).1, "\n== and 1 bytes more\n");
        let megabytes = vec![b'x'; 8 << 20];
        assert_eq!(beginning(&megabytes, 1_024).0.len(), 1_024);
    }
}
