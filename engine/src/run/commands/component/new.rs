//! `caso component new`: a folder in which a component begins: a messenger in one of four
//! languages, a mapper or a filter in Rust.
//!
//! It needs nothing but the tools of its language, from their registries: the contract is in
//! it, for C also what is generated of the contract.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::Serialize;

use super::templates::{self, Folder, Template};
use super::trial::{self, Used};
use super::{Shown, contract};
use crate::run::exit::Exit;
use crate::run::remedy;
use crate::run::table::columns;
use caso_base::shell_word;

/// In what it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Rust,
    C,
    Python,
    JavaScript,
}

/// What it is to be: the world that it is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Starter {
    Messenger,
    /// With the plain `http` interface.
    MessengerHttp,
    Mapper,
    Filter,
}

impl Starter {
    pub const ALL: [Self; 4] = [
        Self::Messenger,
        Self::MessengerHttp,
        Self::Mapper,
        Self::Filter,
    ];

    /// As it is asked for.
    pub fn word(self) -> &'static str {
        match self {
            Self::Messenger => "messenger",
            Self::MessengerHttp => "messenger-http",
            Self::Mapper => "mapper",
            Self::Filter => "filter",
        }
    }

    /// As the generated code of C has it.
    fn world(self) -> String {
        self.word().replace('-', "_")
    }

    fn title(self) -> &'static str {
        match self {
            Self::Messenger | Self::MessengerHttp => "messenger",
            Self::Mapper => "mapper",
            Self::Filter => "filter",
        }
    }

    /// What is in it for a reader.
    fn readme(self) -> &'static str {
        match self {
            Self::Messenger => MESSENGER,
            Self::MessengerHttp => MESSENGER_HTTP,
            Self::Mapper => MAPPER,
            Self::Filter => FILTER,
        }
    }
}

const README: &str = include_str!("../../../../templates/README.md.in");
const MESSENGER: &str = include_str!("../../../../templates/messenger.md.in");
const MESSENGER_HTTP: &str = include_str!("../../../../templates/messenger-http.md.in");
const MAPPER: &str = include_str!("../../../../templates/mapper.md.in");
const FILTER: &str = include_str!("../../../../templates/filter.md.in");

impl Language {
    pub const ALL: [Self; 4] = [Self::Rust, Self::C, Self::Python, Self::JavaScript];

    /// As it is asked for.
    pub fn word(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::C => "c",
            Self::Python => "python",
            Self::JavaScript => "javascript",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::C => "C",
            Self::Python => "Python",
            Self::JavaScript => "JavaScript",
        }
    }

    /// The folder's files; none where there is no such starter in the language.
    fn files(self, starter: Starter) -> Option<Folder> {
        match (self, starter) {
            (Self::Rust, Starter::Messenger) => Some(templates::RUST),
            (Self::Rust, Starter::Mapper) => Some(templates::RUST_MAPPER),
            (Self::Rust, Starter::Filter) => Some(templates::RUST_FILTER),
            (Self::C, Starter::Messenger) => Some(templates::C),
            (Self::C, Starter::MessengerHttp) => Some(templates::C_HTTP),
            (Self::Python, Starter::Messenger) => Some(templates::PYTHON),
            (Self::JavaScript, Starter::Messenger) => Some(templates::JAVASCRIPT),
            _ => None,
        }
    }

    /// What has to be there before it is built.
    fn needs(self) -> &'static str {
        match self {
            Self::Rust => "cargo and `rustup target add wasm32-wasip2`",
            Self::C | Self::Python => "python3 with venv",
            Self::JavaScript => "node (20 or later) with npm",
        }
    }

    /// What bites whoever writes in it.
    fn hint(self, starter: Starter) -> &'static str {
        match self {
            Self::Rust => match starter {
                Starter::Messenger | Starter::MessengerHttp => {
                    "A panic is a trap: cASO then offers the batch in halves, down to the record on which \
                     it happens, which goes into quarantine."
                }
                Starter::Mapper => {
                    "A panic is a trap: cASO then maps the page in halves, down to the item on which it \
                     happens, which goes into quarantine."
                }
                Starter::Filter => {
                    "A panic is a trap: all records of the messenger then wait, as none may pass \
                     unfiltered. `drop` the record that it cannot judge."
                }
            },
            Self::C => {
                "Free what the generated code hands to you (`*_free`), and return memory from `malloc` \
                 (`messenger_string_dup`): the host frees it. It needs nothing of WASI as long as it has no \
                 files, no clock and no stdio but `sprintf`."
            }
            Self::Python => {
                "Whatever is needed at run time must be imported at the top of a module: the interpreter is \
                 frozen when the component is built, and there is no library on disk later. `random` and the \
                 clocks stand still (`--stub-wasi`)."
            }
            Self::JavaScript => {
                "Numbers of 64 bits are `bigint`, which `JSON.stringify` does not take; what is absent is \
                 `undefined`; the value of an error of cASO's is in `error.payload`; what `start` throws is a \
                 value of the contract, not an `Error`. For HTTP take `http` out of `disableFeatures` in \
                 `build.mjs`, ask for a capability of kind `http`, make `deliver` an `async` function and use \
                 `fetch`."
            }
        }
    }
}

#[derive(Debug, Serialize)]
struct Made {
    name: String,
    language: &'static str,
    kind: &'static str,
    folder: PathBuf,
    files: Vec<String>,
}

/// Makes the folder, `NAME` in the present one unless another is given.
///
/// # Errors
/// The name is none for a component, there is no such starter in the language, or the folder
/// is in use or cannot be made.
pub fn new(
    language: Language,
    starter: Starter,
    name: &str,
    folder: Option<&Path>,
    json: bool,
) -> anyhow::Result<Shown> {
    usable(name)?;
    let files = files(language, starter)?;
    let folder = folder.unwrap_or(Path::new(name));
    let shown = folder.display();
    if fs::read_dir(folder).is_ok_and(|mut found| found.next().is_some()) || folder.is_file() {
        return Err(remedy::advised(
            format!("`{shown}` exists and is not an empty folder"),
            "choose another name, or remove it",
        ));
    }
    contract::write(&folder.join("wit"))?;
    let readme = readme(language, starter, files, name);
    let mut made: Vec<String> = contract::names()
        .map(|file| format!("wit/{file}"))
        .collect();
    let texts = files
        .files()
        .map(|file| (file.name, named(file.bytes, starter, name)));
    for (file, bytes) in texts.chain([("README.md", readme.into_bytes())]) {
        made.push(file.to_owned());
        let path = folder.join(file);
        let cannot = || format!("cannot write `{}`", path.display());
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(cannot)?;
        }
        fs::write(&path, bytes).with_context(cannot)?;
    }
    let facts = Made {
        name: name.to_owned(),
        language: language.word(),
        kind: starter.word(),
        folder: folder.to_owned(),
        files: made,
    };
    Shown::of(
        &facts,
        json,
        || text(language, starter, files, name, folder),
        Exit::Done,
    )
}

fn files(language: Language, starter: Starter) -> anyhow::Result<Folder> {
    if let Some(files) = language.files(starter) {
        return Ok(files);
    }
    let mut there = Language::ALL.into_iter();
    let there = there.find(|language| language.files(starter).is_some());
    bail!(NotAName(format!(
        "there is no {} in {} to begin with: there is one for `--lang {}`",
        starter.word(),
        language.title(),
        there.map_or("", Language::word)
    )));
}

/// Letters of a component's name.
pub const LONGEST: usize = 40;

/// A name that a file, a package and a messenger may have.
fn usable(name: &str) -> anyhow::Result<()> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
    if !begins || name.len() > LONGEST || !name.chars().all(fits) {
        bail!(NotAName(format!(
            "`{name}` is not a component name: it starts with a letter and has only a-z, 0-9, `-` and `_`, at most {LONGEST}"
        )));
    }
    let builtin = caso_builtin::messengers();
    if let Some(taken) = caso_config::stands_for(name, &builtin) {
        bail!(NotAName(format!("{taken}: choose another name")));
    }
    let nowhere = Path::new("/nonexistent");
    if trial::config(name, Used::bare(&nowhere.join("c.wasm")), &[], nowhere).is_err() {
        bail!(NotAName(format!(
            "`{name}` has another meaning in caso.conf: choose another name"
        )));
    }
    Ok(())
}

/// A wrong command line.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotAName(String);

/// The file with the component's name in it. What is no text has no name to put in.
fn named(bytes: &[u8], starter: Starter, name: &str) -> Vec<u8> {
    match std::str::from_utf8(bytes) {
        Ok(text) => text
            .replace("@NAME@", name)
            .replace("@WORLD@", &starter.world())
            .into_bytes(),
        Err(_) => bytes.to_vec(),
    }
}

/// Those that a reader is told of.
fn told(files: Folder) -> impl Iterator<Item = &'static Template> {
    files.files().filter(|file| !file.what.is_empty())
}

fn readme(language: Language, starter: Starter, files: Folder, name: &str) -> String {
    let files: Vec<String> = told(files)
        .map(|file| format!("| `{}` | {} |", file.name, file.what))
        .collect();
    let table = format!("| | |\n|---|---|\n{}", files.join("\n"));
    // The parts of its kind: what it is, how it works, how it is installed.
    let mut parts = starter.readme().split("@PART@\n");
    let mut part = || parts.next().unwrap_or_default().trim_end().to_owned();
    README
        .replace("@WHAT@", &part())
        .replace("@HOW@", &part())
        .replace("@INSTALL@", &part())
        .replace("@NAME@", name)
        .replace("@LANGUAGE@", language.title())
        .replace("@NEEDS@", language.needs())
        .replace("@FILES@", &table)
        .replace("@HINT@", language.hint(starter))
}

fn text(language: Language, starter: Starter, files: Folder, name: &str, folder: &Path) -> String {
    let shown = folder.display();
    let mut text = format!(
        "{name}: a {} in {}, in `{shown}`\n",
        starter.title(),
        language.title()
    );
    let mut rows: Vec<Vec<String>> = told(files)
        .map(|file| vec![file.name.to_owned(), file.what.replace('`', "")])
        .collect();
    rows.push(vec!["README.md".to_owned(), "next steps".to_owned()]);
    rows.push(vec!["wit/".to_owned(), "the contract".to_owned()]);
    text += &columns(&rows, 2);
    text += &format!(
        "To build and try it (needs {}):\n  cd {}\n  sh build.sh\n  caso component run {name}.wasm\n",
        language.needs().replace('`', ""),
        shell_word(&shown.to_string())
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_all_that_its_language_needs() {
        let folder = tempfile::tempdir().unwrap();
        let all = Language::ALL.into_iter().flat_map(|language| {
            let starters = Starter::ALL.into_iter();
            starters.map(move |starter| (language, starter))
        });
        let there = all.filter(|(language, starter)| language.files(*starter).is_some());
        for (language, starter) in there {
            let into = folder.path().join(language.word()).join(starter.word());
            new(language, starter, "mine-1", Some(&into), false).unwrap();
            for name in [
                "README.md",
                "build.sh",
                "test.sh",
                ".gitignore",
                "wit/worlds.wit",
            ] {
                let text = fs::read_to_string(into.join(name)).unwrap();
                let placeholder = ["@NAME@", "@WORLD@"].iter().any(|it| text.contains(it));
                assert!(!placeholder, "{language:?} {starter:?} {name}");
            }
            let readme = fs::read_to_string(into.join("README.md")).unwrap();
            assert!(!readme.contains('@'), "{readme}");
            assert!(readme.lines().count() < 60, "a page");
            // In use now.
            assert!(new(language, starter, "mine-1", Some(&into), false).is_err());
        }
    }

    /// A filter's author waited for a record in quarantine while all of them waited for the filter.
    #[test]
    fn what_a_panic_costs_depends_on_what_panics() {
        let readme = |starter| {
            let files = files(Language::Rust, starter).unwrap();
            readme(Language::Rust, starter, files, "mine")
        };
        for (starter, words, never) in [
            (Starter::Messenger, "down to the record", "unfiltered. "),
            (Starter::Mapper, "down to the item", "down to the record"),
            (Starter::Filter, "then wait", "down to"),
        ] {
            let text = readme(starter);
            let (_, told) = text.split_once("A panic is a trap: ").unwrap();
            assert!(told.contains(words), "{text}");
            assert!(!told.contains(never), "{text}");
        }
    }

    #[test]
    fn what_is_not_there_names_the_language_in_which_it_is() {
        let error = files(Language::Python, Starter::Mapper).err().unwrap();
        assert!(error.is::<NotAName>());
        assert_eq!(
            error.to_string(),
            "there is no mapper in Python to begin with: there is one for `--lang rust`"
        );
    }

    #[test]
    fn a_name_is_one_for_a_package_and_a_messenger() {
        for name in ["mine", "my-csv_2"] {
            assert!(usable(name).is_ok(), "{name}");
        }
        for name in [
            "",
            "2x",
            "Mine",
            "a b",
            "ssm",
            "noop",
            "mapper",
            "../x",
            "prometheus",
            "ssmv2",
            "ssmv4",
            "anonymise",
            "greendigit-cim",
            "greendigit_cim",
        ] {
            assert!(usable(name).unwrap_err().is::<NotAName>(), "{name}");
        }
    }
}
