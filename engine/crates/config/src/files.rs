//! Which files are read, in oslo's order.
//!
//! Without `--config-file`: `caso.conf`, then the command's own file, each from
//! the first folder that has it. Without `--config-dir`: the `*.conf` of
//! `caso.conf.d`, then of the command's own folder, likewise. Then what the
//! command line names, in its order. A later file overrides an earlier one.
//!
//! In each place a file may be TOML instead, by its extension: `caso.toml`, the
//! folder `caso.toml.d`, `*.toml` beside `*.conf` in a folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use caso_base::{Message, shell_word};

use super::error::{Collector, ConfigError};
use super::ini;
use super::sources::SourceFile;
use super::toml_file;
use super::types::Program;
use super::unreadable::unreadable;

/// A file or folder from the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigPlace {
    /// `--config-file`.
    File(PathBuf),
    /// `--config-dir`.
    Folder(PathBuf),
}

/// Where default files are looked for. Handed in, so that a test can use a
/// folder of its own.
#[derive(Debug, Clone)]
pub struct Places {
    /// `~`.
    pub home: Option<PathBuf>,
    /// `/`, where `etc` lies.
    pub root: PathBuf,
    /// `$SNAP_COMMON` and `$SNAP`, of a program installed as a snap.
    pub snap_common: Option<PathBuf>,
    /// See `snap_common`.
    pub snap: Option<PathBuf>,
}

impl Places {
    /// oslo's search path for project `caso`.
    fn folders(&self) -> Vec<PathBuf> {
        let home = self
            .home
            .iter()
            .flat_map(|home| [home.join(".caso"), home.clone()]);
        let etc = [self.root.join("etc/caso"), self.root.join("etc")];
        let snaps = [&self.snap_common, &self.snap];
        let snaps = snaps
            .into_iter()
            .flatten()
            .map(|snap| snap.join("etc/caso"));
        home.chain(etc).chain(snaps).collect()
    }

    /// At most two: the project's and the command's, each as INI or as TOML.
    /// `folder` is the end of a folder's name. Where there are both grammars,
    /// somewhere in the search, one would silently hide the other.
    fn defaults(&self, program: Program, folder: &str, errors: &mut Collector) -> Vec<PathBuf> {
        let mut names = vec!["caso", program.name()];
        names.dedup();
        let first = |name: &str, grammar: &str| {
            let file = format!("{name}.{grammar}{folder}");
            self.folders()
                .into_iter()
                .map(|folder| folder.join(&file))
                // A link to nothing is somebody's mistake, and must not pass for no configuration.
                .find(|path| path.symlink_metadata().is_ok())
        };
        let mut found = Vec::new();
        for name in names {
            match (first(name, "conf"), first(name, "toml")) {
                (Some(conf), Some(toml)) => errors.push(ConfigError::Both {
                    conf,
                    toml,
                    flag: if folder.is_empty() {
                        "--config-file"
                    } else {
                        "--config-dir"
                    },
                }),
                (conf, toml) => found.extend(conf.or(toml)),
            }
        }
        found
    }

    /// Every place where a configuration is looked for, whatever is there; and
    /// whether it is a folder of files.
    pub(super) fn candidates(&self, program: Program) -> Vec<(PathBuf, bool)> {
        let mut names = vec!["caso", program.name()];
        names.dedup();
        let mut all = Vec::new();
        for folder in self.folders() {
            for name in &names {
                for grammar in ["conf", "toml"] {
                    all.push((folder.join(format!("{name}.{grammar}")), false));
                    all.push((folder.join(format!("{name}.{grammar}.d")), true));
                }
            }
        }
        all
    }

    /// `~` and `~/x`, and absolute.
    pub(super) fn expand(&self, path: &Path) -> PathBuf {
        let expanded = match (&self.home, path.strip_prefix("~")) {
            (Some(home), Ok(rest)) if rest.as_os_str().is_empty() => home.clone(),
            (Some(home), Ok(rest)) => home.join(rest),
            _ => path.to_owned(),
        };
        std::path::absolute(&expanded).unwrap_or(expanded)
    }
}

/// The files of the search, where the command line names none.
pub(super) fn search(program: Program, places: &Places, errors: &mut Collector) -> Vec<PathBuf> {
    let mut paths = places.defaults(program, "", errors);
    for folder in places.defaults(program, ".d", errors) {
        paths.extend(conf_files(&folder).unwrap_or_default());
    }
    paths
}

/// The folders that the command line names.
pub(super) fn folders(places: &Places, named: &[ConfigPlace]) -> Vec<PathBuf> {
    let folders = named.iter().filter_map(|place| match place {
        ConfigPlace::File(_) => None,
        ConfigPlace::Folder(path) => Some(places.expand(path)),
    });
    folders.collect()
}

/// Reads them all.
pub(super) fn read(
    program: Program,
    places: &Places,
    named: &[ConfigPlace],
    errors: &mut Collector,
) -> Vec<SourceFile> {
    let mut paths = Vec::new();
    let file_named = named
        .iter()
        .any(|place| matches!(place, ConfigPlace::File(_)));
    let folder_named = named
        .iter()
        .any(|place| matches!(place, ConfigPlace::Folder(_)));
    if !file_named {
        paths.extend(places.defaults(program, "", errors));
    }
    if !folder_named {
        for folder in places.defaults(program, ".d", errors) {
            // A default folder that cannot be listed is as good as none.
            paths.extend(conf_files(&folder).unwrap_or_default());
        }
    }
    for place in named {
        match place {
            ConfigPlace::File(path) => paths.push(places.expand(path)),
            ConfigPlace::Folder(path) => {
                let path = places.expand(path);
                let listed = conf_files(&path).map_err(|error| ConfigError::Folder {
                    path,
                    reason: error.to_string(),
                });
                paths.extend(errors.take(listed).unwrap_or_default());
            }
        }
    }
    paths
        .into_iter()
        .filter_map(|path| read_one(path, errors))
        .collect()
}

/// Python's `sorted(glob('*.conf'))`, and `*.toml`: no hidden files.
fn conf_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let visible = name.to_str().is_some_and(|name| {
            (name.ends_with(".conf") || name.ends_with(".toml")) && !name.starts_with('.')
        });
        if visible {
            files.push(folder.join(name));
        }
    }
    files.sort();
    Ok(files)
}

/// The file by that name, in the grammar of its extension.
pub(super) fn read_one(path: PathBuf, errors: &mut Collector) -> Option<SourceFile> {
    let bytes = errors.take(fs::read(&path).map_err(|error| unreadable(&path, &error)))?;
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let before = error
                .as_bytes()
                .iter()
                .take(error.utf8_error().valid_up_to());
            let file = path.display().to_string();
            let file = shell_word(&file);
            let from = match error.as_bytes() {
                [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "utf-16",
                _ => "windows-1252",
            };
            // Printed, what it converts would be on the terminal, passwords and all.
            let hint = format!(
                "find out what it is with `file {file}`, convert it, as by `(umask 077; iconv -f {from} -t utf-8 -o {file}.new {file}) && cat {file}.new > {file} && rm {file}.new`"
            );
            errors.push(ConfigError::Grammar {
                path,
                line: before.filter(|byte| **byte == b'\n').count() + 1,
                what: ("the line is not UTF-8 text", hint).into(),
            });
            return None;
        }
    };
    if path.extension().is_some_and(|end| end == "toml") {
        return match toml_file::parse(&text) {
            Ok(ini) => Some(SourceFile {
                path: Arc::new(path),
                ini,
            }),
            Err(faults) => {
                for fault in faults {
                    errors.push(ConfigError::Grammar {
                        path: path.clone(),
                        line: fault.line,
                        what: fault.what.into(),
                    });
                }
                None
            }
        };
    }
    // oslo takes the mark for a part of the first line. What is wrong behind it is another matter.
    let marked = text.strip_prefix('\u{feff}');
    let mut faults: Vec<(usize, Message)> = Vec::new();
    if marked.is_some() {
        let what = "the file begins with a byte-order mark";
        let way_out = format!("sed -i '1s/^\\xEF\\xBB\\xBF//' {}", path.display());
        faults.push((1, (what, way_out).into()));
    }
    match ini::parse(marked.unwrap_or(&text)) {
        Ok(ini) if faults.is_empty() => {
            return Some(SourceFile {
                path: Arc::new(path),
                ini,
            });
        }
        Ok(_) => {}
        Err(found) => {
            let found = found.into_iter();
            faults.extend(found.map(|fault| (fault.line, fault.kind.message())));
        }
    }
    for (line, what) in faults {
        errors.push(ConfigError::Grammar {
            path: path.clone(),
            line,
            what,
        });
    }
    None
}

#[cfg(test)]
mod tests;
