//! `caso component wit`: the contract's text, which is in the program.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::Serialize;

use super::Shown;
use crate::run::exit::Exit;
use caso_base::regular;

macro_rules! wit {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../../../wit/", $name)))),*]
    };
}

/// The files of `wit/`, `worlds.wit` last.
pub const WIT: &[(&str, &str)] = wit![
    "types.wit",
    "descriptions.wit",
    "description.wit",
    "usage.wit",
    "outcomes.wit",
    "mapping.wit",
    "records.wit",
    "deliveries.wit",
    "delivery.wit",
    "log.wit",
    "queue.wit",
    "connection.wit",
    "worlds.wit",
];

/// The packages beside it, each in a folder of its own: the worlds of the contract never
/// grow.
const BESIDE: &[(&str, &str)] = wit![
    "filter/filter.wit",
    "http/http.wit",
    "signature/signature.wit",
];

/// All files.
fn files() -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    WIT.iter().chain(BESIDE)
}

/// Their names, below the folder that they are written to.
pub fn names() -> impl Iterator<Item = &'static str> {
    files().map(|(name, _)| *name)
}

/// The contract, as `--json` has it.
#[derive(Debug, Serialize)]
pub struct Written {
    /// The package's name and version.
    package: String,
    /// Where the files were written; none where they are printed.
    folder: Option<PathBuf>,
    files: Vec<File>,
}

#[derive(Debug, Serialize)]
struct File {
    name: &'static str,
    /// Absent where it was written to a folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'static str>,
}

/// Prints the contract, or writes it into a folder.
///
/// # Errors
/// The folder cannot be written, or has another file of one of the names.
pub fn wit(folder: Option<&Path>, json: bool) -> anyhow::Result<Shown> {
    if let Some(folder) = folder {
        write(folder)?;
    }
    let facts = Written {
        package: package().to_owned(),
        folder: folder.map(Path::to_path_buf),
        files: files()
            .map(|(name, text)| File {
                name,
                text: folder.is_none().then_some(*text),
            })
            .collect(),
    };
    let text = || match folder {
        Some(folder) => format!(
            "{}: {} files in `{}`\n",
            facts.package,
            files().count(),
            folder.display()
        ),
        None => whole(),
    };
    Shown::of(&facts, json, text, Exit::Done)
}

/// Writes the contract's files into a folder, which is made. A file that is there with the
/// same text stays.
///
/// # Errors
/// It cannot be made or written, or one of its files has another text; then none is written.
pub fn write(folder: &Path) -> anyhow::Result<()> {
    for (name, text) in files() {
        let path = folder.join(name);
        match regular::read(&path) {
            Ok(found) if found == text.as_bytes() => {}
            Ok(_) => bail!(
                "`{}` exists with other content: choose a new folder, or remove it",
                path.display()
            ),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                let text = format!("cannot use `{}`", folder.display());
                return Err(anyhow::Error::new(error).context(text));
            }
        }
    }
    for (name, text) in files() {
        let path = folder.join(name);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent)
            .with_context(|| format!("cannot make `{}`", parent.display()))?;
        fs::write(&path, text).with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    Ok(())
}

/// All of it as one file, which may say only once what package it is.
fn whole() -> String {
    let mut text = format!("package {};\n", package());
    for (_, part) in WIT {
        text += without_package(part);
    }
    for (_, part) in BESIDE {
        let package = package_of(part);
        text += &format!("\npackage {package} {{{}}}\n", without_package(part));
    }
    text
}

fn without_package(part: &'static str) -> &'static str {
    part.split_once(";\n").map_or(part, |(_, rest)| rest)
}

/// Name and version, from the first line of each file.
pub fn package() -> &'static str {
    WIT.first().map_or("", |(_, text)| package_of(text))
}

fn package_of(text: &'static str) -> &'static str {
    text.strip_prefix("package ")
        .and_then(|rest| rest.split_once(';'))
        .map_or("", |(package, _)| package)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_all_of_the_folder_and_of_one_package() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../wit");
        let mut files: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".wit"))
            .collect();
        files.sort();
        let mut ours: Vec<&str> = WIT.iter().map(|(name, _)| *name).collect();
        ours.sort_unstable();
        assert_eq!(ours, files);
        let first = format!("package {};\n", package());
        for (name, text) in WIT {
            assert!(text.starts_with(&first), "{name}");
        }
        let packages = |line: &&str| line.starts_with("package ");
        let whole = whole();
        let found: Vec<&str> = whole.lines().filter(packages).collect();
        assert_eq!(
            found,
            [
                first.trim_end(),
                "package caso:filter@1.0.0 {",
                "package caso:http@1.0.0 {",
                "package caso:signature@1.0.0 {"
            ]
        );
        for (name, text) in BESIDE {
            assert_eq!(
                *text,
                fs::read_to_string(format!("{folder}/{name}")).unwrap()
            );
        }
    }

    #[test]
    fn a_file_of_another_text_is_left_and_nothing_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let into = folder.path().join("a/wit");
        write(&into).unwrap();
        write(&into).unwrap();
        fs::remove_file(into.join("log.wit")).unwrap();
        fs::write(into.join("worlds.wit"), "mine").unwrap();
        let error = write(&into).unwrap_err().to_string();
        assert!(error.contains("worlds.wit` exists"), "{error}");
        assert!(!into.join("log.wit").exists());
    }
}
