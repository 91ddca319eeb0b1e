//! `caso queue export`: the records of a queue or a quarantine as lines of JSON.

use std::io;

use anyhow::Context as _;

use super::entry::each;
use super::{of_messenger, sight};
use crate::stdout;
use caso_config::Config;

/// Lines that are written at a time, in bytes.
const BLOCK: usize = 64 << 10;

/// Writes them to standard output. A reader that has gone ends it.
///
/// # Errors
/// There is no such messenger, the spool cannot be read, or the lines not written.
pub fn export(config: &Config, messenger: &str, quarantine: bool) -> anyhow::Result<()> {
    let (_, sight, _) = sight(config)?;
    of_messenger(config, &sight, messenger)?;
    let mut block = String::new();
    let written = each(&sight, messenger, quarantine, &mut |entry| {
        block.push_str(&entry.line()?);
        if block.len() >= BLOCK {
            write(&block)?;
            block.clear();
        }
        Ok(())
    });
    let written = written.and_then(|()| write(&block));
    match written {
        Err(error) if is_gone(&error) => Ok(()),
        written => written,
    }
}

fn write(block: &str) -> anyhow::Result<()> {
    stdout::write_or_stop(block.as_bytes()).context("cannot write to stdout")
}

/// As `head` goes after its ten lines.
fn is_gone(error: &anyhow::Error) -> bool {
    let cause = error.root_cause().downcast_ref::<io::Error>();
    cause.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
