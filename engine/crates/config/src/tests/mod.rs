//! Tests of the room as a whole.

mod clouds;
mod component;
mod corpus;
mod load;
mod notices;
mod prometheus;
mod sample;
mod toml;
mod written;

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::*;

/// A file in a folder of its own, and what else `load` reads.
pub struct Site {
    pub folder: tempfile::TempDir,
    pub inputs: Inputs,
}

impl Site {
    pub fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_path_buf();
        std::fs::create_dir_all(root.join("etc/caso")).unwrap();
        std::fs::write(root.join("etc/caso/caso.conf"), text).unwrap();
        let inputs = Inputs {
            program: Program::Extract,
            command_line: CommandLine::default(),
            environment: BTreeMap::new(),
            places: Places {
                home: None,
                root,
                snap_common: None,
                snap: None,
            },
            builtin_messengers: ["logstash", "noop", "ssm"].map(String::from).into(),
        };
        Self { folder, inputs }
    }

    pub fn flag(mut self, option: &str, value: &str) -> Self {
        let key = ("DEFAULT".to_owned(), option.to_owned());
        let typed = (value.to_owned(), format!("--{option}"));
        self.inputs.command_line.values.insert(key, typed);
        self
    }

    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.inputs.environment.insert(name.into(), value.into());
        self
    }

    pub fn program(mut self, program: Program) -> Self {
        self.inputs.program = program;
        self
    }

    pub fn load(&self) -> Config {
        load(&self.inputs).unwrap_or_else(|errors| panic!("{errors}"))
    }

    /// Errors with what to do about each, and the folder's path cut off.
    pub fn errors(&self) -> Vec<String> {
        let errors = load(&self.inputs).unwrap_err();
        errors
            .0
            .iter()
            .map(|error| self.short(&told(error)))
            .collect()
    }

    /// Of names that nobody knows, beside the errors.
    pub fn remarks(&self) -> usize {
        load(&self.inputs).unwrap_err().1.len()
    }

    pub fn warnings(&self) -> Vec<String> {
        self.load()
            .warnings
            .iter()
            .map(|warning| self.short(&warning.to_string()))
            .collect()
    }

    pub fn short(&self, text: &str) -> String {
        let folder: PathBuf = self.folder.path().join("etc/caso");
        text.replace(&format!("{}/", folder.display()), "")
    }
}

/// What is, and what to do about it.
pub(crate) fn told(error: &ConfigError) -> String {
    error.message().to_string()
}
