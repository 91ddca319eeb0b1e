//! oslo's INI into one typed, validated `Config`.

mod error;
mod origin;
mod secret;
mod sources;
mod types;
mod warning;

pub use error::{ConfigError, ConfigErrors};
pub use origin::Origin;
pub use secret::{MASK, Secret, is_secret_name};
pub use types::*;
pub use warning::{Warning, fingerprint};

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::model::component::{Description, Setting};

/// What was typed on the command line: made from clap's matches by
/// `CommandLine::from_matches`.
#[derive(Debug, Clone, Default)]
pub struct CommandLine {
    /// `--config-file` and `--config-dir`, in the order in which they stood.
    pub configs: Vec<ConfigPlace>,
    /// (section, option) with the value as text and the flag as spelled.
    pub values: BTreeMap<(String, String), (String, String)>,
    /// `--version`.
    pub version: bool,
    /// `--shell_completion bash`.
    pub shell_completion: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigPlace {
    File(PathBuf),
    Folder(PathBuf),
}

/// Where default files are looked for. Handed in, so that a test can use a
/// folder of its own.
#[derive(Debug, Clone)]
pub struct Places {
    pub home: Option<PathBuf>,
    /// `/`.
    pub root: PathBuf,
    pub snap_common: Option<PathBuf>,
    pub snap: Option<PathBuf>,
}

/// All that `load` reads.
#[derive(Debug, Clone)]
pub struct Inputs {
    pub program: Program,
    pub command_line: CommandLine,
    pub environment: BTreeMap<String, String>,
    pub places: Places,
    /// Names of the messengers that are embedded in the engine.
    pub builtin_messengers: Vec<String>,
}

impl CommandLine {
    pub fn from_matches(matches: &clap::ArgMatches) -> Self {
        let _ = matches;
        Self::default()
    }
}

/// Finds, reads, checks.
pub fn load(inputs: &Inputs) -> Result<Config, ConfigErrors> {
    let _ = inputs;
    Err(ConfigErrors(Vec::new()))
}

/// The flags of cASO 5.2.2 and the seed's, in their exact spelling.
pub fn flags(program: Program) -> Vec<clap::Arg> {
    let _ = program;
    Vec::new()
}

/// A component's options with the values in force.
#[derive(Debug, Clone, Default)]
pub struct ComponentSettings {
    /// In the order of the description; unset options without default absent.
    pub settings: Vec<Setting>,
    /// Names of those whose values nobody may see.
    pub secrets: Vec<String>,
    /// Where each came from, by the option's name.
    pub origins: BTreeMap<String, Origin>,
    pub warnings: Vec<Warning>,
}

/// Parses and checks the options that a component describes.
pub fn component_settings(
    config: &Config,
    instance: &ComponentInstance,
    description: &Description,
) -> Result<ComponentSettings, ConfigErrors> {
    let _ = (&config.sources, instance, description);
    Ok(ComponentSettings::default())
}
