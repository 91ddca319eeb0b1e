//! `caso component`: what somebody who writes, or is about to install, a component needs.
//! Nothing here reads a spool or asks OpenStack; a component is taken in as in a run, by
//! `run::components`.

mod battery;
mod capability;
mod check;
mod contract;
mod facts;
mod filters;
mod finding;
mod inspect;
mod list;
mod new;
mod recorded;
mod samples;
mod sink;
mod site;
mod stage;
mod templates;
pub(in crate::run) mod trial;
mod try_out;
mod try_pure;

use std::path::PathBuf;

use serde::Serialize;

use crate::stdout;

pub use self::check::check;
pub use self::contract::wit;
pub use self::inspect::inspect;
pub use self::list::list;
pub use self::new::{LONGEST, Language, NotAName, Starter, new};
pub use self::trial::{Caches, Unset};
pub use self::try_out::{Trial, sample, try_out};

use super::super::exit::Exit;

/// The component that a command is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    pub file: PathBuf,
    /// The name of the messenger that it is, or would be.
    pub name: Option<String>,
    /// Options of its own, with their values.
    pub set: Vec<(String, String)>,
    /// Options of the host that bound it.
    pub bounds: Vec<(&'static str, String)>,
}

/// What a command prints, and how it ends.
pub struct Shown {
    pub text: String,
    pub exit: Exit,
}

impl Shown {
    /// As JSON, or in words.
    fn of(
        facts: &impl Serialize,
        json: bool,
        text: impl FnOnce() -> String,
        exit: Exit,
    ) -> anyhow::Result<Self> {
        let text = match json {
            true => stdout::json(facts)?,
            false => text(),
        };
        Ok(Self { text, exit })
    }
}
