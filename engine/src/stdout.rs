//! Data, for whatever reads stdout.
//!
//! A reader that has gone, as `head` goes after its ten lines, wants no more
//! and is no failure. Anything else is one, a full disk above all: of a script
//! that is to be run, or a configuration that is to be installed, half must not
//! look like the whole.

use std::io::{self, ErrorKind, Write};

use anyhow::Context as _;
use serde::Serialize;

use crate::advice;
use caso_base::line::clean_json;

/// Writes `text` to stdout, down to the device.
///
/// # Errors
/// Whatever keeps it from being written, but for a closed pipe.
pub fn write(text: &str) -> anyhow::Result<()> {
    write_parts(&[text.as_bytes()]).context("cannot write to stdout")
}

/// Writes a page for people: the commands on it are for the configuration of this process. The
/// JSON object that a command has in its place is left as it is.
///
/// # Errors
/// As [`write`].
pub fn page(text: &str) -> anyhow::Result<()> {
    match text.starts_with('{') {
        true => write(text),
        false => write(&advice::of_process(text)),
    }
}

/// What `--json` prints, for [`write`].
///
/// # Errors
/// It cannot be written as JSON.
pub fn json(value: &impl Serialize) -> anyhow::Result<String> {
    let text = serde_json::to_string_pretty(value).context("it cannot be written as JSON")?;
    Ok(clean_json(text) + "\n")
}

/// Writes the parts one behind the other, with nothing of another thread's
/// between them.
///
/// # Errors
/// As [`write`].
pub fn write_parts(parts: &[&[u8]]) -> io::Result<()> {
    to(&mut io::stdout().lock(), parts)
}

/// Writes a part of what is long: unlike [`write`] it says when the reader has gone, so that
/// nothing more is made for it.
///
/// # Errors
/// Whatever keeps it from being written, a closed pipe among it.
pub fn write_or_stop(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// Forgives a closed pipe.
///
/// # Errors
/// Every other one.
pub fn forgiven(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

fn to(out: &mut impl Write, parts: &[&[u8]]) -> io::Result<()> {
    let mut all = || {
        for part in parts {
            out.write_all(part)?;
        }
        // What is buffered now would fail at the process's end, unseen.
        out.flush()
    };
    forgiven(all())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails with an error of this kind, at once or when flushed.
    struct Broken {
        kind: ErrorKind,
        at_flush: bool,
    }

    impl Write for Broken {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            match self.at_flush {
                true => Ok(bytes.len()),
                false => Err(self.kind.into()),
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(self.kind.into())
        }
    }

    #[test]
    fn a_closed_pipe_alone_is_forgiven() {
        for at_flush in [false, true] {
            let write = |kind| to(&mut Broken { kind, at_flush }, &[b"a", b"b"]);
            assert!(write(ErrorKind::BrokenPipe).is_ok());
            for kind in [ErrorKind::StorageFull, ErrorKind::PermissionDenied] {
                assert_eq!(write(kind).map_err(|error| error.kind()), Err(kind));
            }
        }
    }
}
