//! `caso status`: what the last runs left, from the spool alone. It needs no lock, asks
//! nobody, and writes nothing.

mod cursors;
mod facts;
mod nagios;
mod projects;
mod prometheus;
mod text;

pub use self::cursors::Cursor;
pub use self::facts::{LOOK_BACK, Queue, Status, UNTAKEN, is_full, queues};
pub use self::nagios::unknown;
pub use self::prometheus::prometheus;

use self::nagios::nagios;
use self::text::text;
use caso_base::error_chain;
use caso_config::Config;

use crate::run::exit::Exit;
use crate::stdout;

/// How it is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusForm {
    /// For a person.
    Text,
    /// The facts as one JSON object.
    Json,
    /// A line and an exit code for Nagios and its kin.
    Nagios,
    /// For node_exporter's textfile collector.
    Prometheus,
}

/// What is printed, and the process's exit code: Nagios' own with its form, else 0 where all is
/// well, 1 where something needs attention.
pub struct Shown {
    pub text: String,
    pub exit: Exit,
}

/// # Errors
/// The spool cannot be read; Nagios gets that as an answer.
pub fn status(config: &Config, now: i64, form: StatusForm) -> anyhow::Result<Shown> {
    let status = match form {
        // For people, as much as can be read: it says what cannot.
        StatusForm::Text | StatusForm::Json => Status::look(config, now).with_lock(config),
        StatusForm::Nagios => match Status::read(config, now) {
            Err(error) => return Ok(unknown(&error_chain(error.as_ref()))),
            Ok(status) => status.with_lock(config),
        },
        StatusForm::Prometheus => Status::read(config, now)?,
    };
    let exit = match status.attention().is_empty() {
        true => Exit::Done,
        false => Exit::Nothing,
    };
    Ok(match form {
        StatusForm::Text => Shown {
            text: text(&status),
            exit,
        },
        StatusForm::Json => Shown {
            text: stdout::json(&status)?,
            exit,
        },
        StatusForm::Nagios => nagios(&status),
        StatusForm::Prometheus => Shown {
            text: prometheus(&status),
            exit: Exit::Done,
        },
    })
}

#[cfg(test)]
mod tests;
