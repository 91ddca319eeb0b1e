//! `caso component new`: a folder in which a messenger begins, in one of four languages.
//!
//! It needs nothing but the tools of its language, from their registries: the contract is in
//! it, for C also what is generated of the contract.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::Serialize;

use super::{Shown, contract, trial};
use crate::run::exit::Exit;
use crate::run::table::columns;

/// In what it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Rust,
    C,
    Python,
    JavaScript,
}

macro_rules! template {
    ($path:literal) => {
        include_bytes!(concat!("../../../../templates/", $path))
    };
}

/// A file, and what it is for; of no interest to a reader where that is empty.
struct Template {
    name: &'static str,
    bytes: &'static [u8],
    what: &'static str,
}

const fn file(name: &'static str, bytes: &'static [u8], what: &'static str) -> Template {
    Template { name, bytes, what }
}

const RUST: &[Template] = &[
    file(
        "src/lib.rs",
        template!("rust/src/lib.rs"),
        "the component: `describe`, `start` and `deliver`",
    ),
    file(
        "src/lines.rs",
        template!("rust/src/lines.rs"),
        "what is written, with its tests",
    ),
    file("Cargo.toml", template!("rust/Cargo.toml.in"), "the package"),
    file(
        "build.sh",
        template!("rust/build.sh"),
        "`cargo build` for WebAssembly",
    ),
    file("test.sh", template!("rust/test.sh"), ""),
    file(".gitignore", template!("rust/gitignore"), ""),
];

const C: &[Template] = &[
    file(
        "component.c",
        template!("c/component.c"),
        "the component: `describe`, `start` and `deliver`",
    ),
    file("lines.c", template!("c/lines.c"), "what is written"),
    file("lines.h", template!("c/lines.h"), ""),
    file(
        "test/test_lines.c",
        template!("c/test/test_lines.c"),
        "its test",
    ),
    file("gen/messenger.c", template!("c/gen/messenger.c"), ""),
    file(
        "gen/messenger.h",
        template!("c/gen/messenger.h"),
        "the contract's types and functions, generated from `wit/`",
    ),
    file(
        "gen/messenger_component_type.o",
        template!("c/gen/messenger_component_type.o"),
        "",
    ),
    file(
        "requirements.txt",
        template!("c/requirements.txt"),
        "the compiler and linker, from PyPI",
    ),
    file(
        "build.sh",
        template!("c/build.sh"),
        "installs them, compiles and links",
    ),
    file("test.sh", template!("c/test.sh"), ""),
    file(".gitignore", template!("c/gitignore"), ""),
];

const PYTHON: &[Template] = &[
    file(
        "component.py",
        template!("python/component.py"),
        "the component: `describe`, `start` and `deliver`",
    ),
    file("lines.py", template!("python/lines.py"), "what is written"),
    file(
        "test_lines.py",
        template!("python/test_lines.py"),
        "its test",
    ),
    file(
        "requirements.txt",
        template!("python/requirements.txt"),
        "what builds it, from PyPI",
    ),
    file(
        "build.sh",
        template!("python/build.sh"),
        "installs that, and freezes interpreter and modules into a component",
    ),
    file("test.sh", template!("python/test.sh"), ""),
    file(".gitignore", template!("python/gitignore"), ""),
];

const JAVASCRIPT: &[Template] = &[
    file(
        "component.js",
        template!("javascript/component.js"),
        "the component: `describe`, `start` and `deliver`",
    ),
    file(
        "lines.js",
        template!("javascript/lines.js"),
        "what is written",
    ),
    file(
        "lines.test.js",
        template!("javascript/lines.test.js"),
        "its test",
    ),
    file(
        "package.json",
        template!("javascript/package.json.in"),
        "what builds it, from npm",
    ),
    file(
        "build.mjs",
        template!("javascript/build.mjs"),
        "makes the component of engine and modules",
    ),
    file(
        "build.sh",
        template!("javascript/build.sh"),
        "installs and builds",
    ),
    file("test.sh", template!("javascript/test.sh"), ""),
    file(".gitignore", template!("javascript/gitignore"), ""),
];

const README: &str = include_str!("../../../../templates/README.md.in");

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

    fn files(self) -> &'static [Template] {
        match self {
            Self::Rust => RUST,
            Self::C => C,
            Self::Python => PYTHON,
            Self::JavaScript => JAVASCRIPT,
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
    fn hint(self) -> &'static str {
        match self {
            Self::Rust => {
                "A panic is a trap: cASO then offers the batch in halves, down to the record on which \
                 it happens, which goes into quarantine."
            }
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
    folder: PathBuf,
    files: Vec<String>,
}

/// Makes the folder, `NAME` in the present one unless another is given.
///
/// # Errors
/// The name is none for a component, or the folder is in use or cannot be made.
pub fn new(
    language: Language,
    name: &str,
    folder: Option<&Path>,
    json: bool,
) -> anyhow::Result<Shown> {
    usable(name)?;
    let folder = folder.unwrap_or(Path::new(name));
    let shown = folder.display();
    if fs::read_dir(folder).is_ok_and(|mut found| found.next().is_some()) || folder.is_file() {
        bail!("`{shown}` is there and is not an empty folder");
    }
    contract::write(&folder.join("wit"))?;
    let readme = readme(language, name);
    let files = language.files();
    let made = files
        .iter()
        .map(|file| (file.name, named(file.bytes, name)));
    for (file, bytes) in made.chain([("README.md", readme.into_bytes())]) {
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
        folder: folder.to_owned(),
        files: files.iter().map(|file| file.name.to_owned()).collect(),
    };
    Shown::of(&facts, json, || text(language, name, folder), Exit::Done)
}

/// A name that a file, a package and a messenger may have.
fn usable(name: &str) -> anyhow::Result<()> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
    if !begins || name.len() > 40 || !name.chars().all(fits) {
        bail!(NotAName(format!(
            "`{name}` is no name for a component: it begins with a letter and is of a-z, 0-9, `-` and `_`, at most 40"
        )));
    }
    let nowhere = Path::new("/nonexistent");
    if let Err(error) = trial::config(name, &nowhere.join("c.wasm"), &[], &[], nowhere) {
        bail!(NotAName(caso_base::error_chain(error.as_ref())));
    }
    if caso_builtin::messengers().iter().any(|known| known == name) {
        bail!(NotAName(format!(
            "`{name}` is a component in the program: choose another name"
        )));
    }
    Ok(())
}

/// A wrong command line.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotAName(String);

/// The file with the component's name in it. What is no text has no name to put in.
fn named(bytes: &[u8], name: &str) -> Vec<u8> {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.replace("@NAME@", name).into_bytes(),
        Err(_) => bytes.to_vec(),
    }
}

fn readme(language: Language, name: &str) -> String {
    let files: Vec<String> = language
        .files()
        .iter()
        .filter(|file| !file.what.is_empty())
        .map(|file| format!("| `{}` | {} |", file.name, file.what))
        .collect();
    let table = format!("| | |\n|---|---|\n{}", files.join("\n"));
    README
        .replace("@NAME@", name)
        .replace("@LANGUAGE@", language.title())
        .replace("@NEEDS@", language.needs())
        .replace("@FILES@", &table)
        .replace("@HINT@", language.hint())
}

fn text(language: Language, name: &str, folder: &Path) -> String {
    let shown = folder.display();
    let mut text = format!(
        "{name}: a messenger in {}, in `{shown}`\n",
        language.title()
    );
    let files = language.files().iter();
    let files = files.filter(|file| !file.what.is_empty());
    let mut rows: Vec<Vec<String>> = files
        .map(|file| vec![file.name.to_owned(), file.what.replace('`', "")])
        .collect();
    rows.push(vec!["README.md".to_owned(), "how it goes on".to_owned()]);
    rows.push(vec!["wit/".to_owned(), "the contract".to_owned()]);
    text += &columns(&rows, 2);
    text += &format!(
        "To build and try it (needs {}):\n  cd {shown}\n  sh build.sh\n  caso component run {name}.wasm\n",
        language.needs().replace('`', "")
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_all_that_its_language_needs() {
        let folder = tempfile::tempdir().unwrap();
        for language in Language::ALL {
            let into = folder.path().join(language.word());
            new(language, "mine-1", Some(&into), false).unwrap();
            for name in [
                "README.md",
                "build.sh",
                "test.sh",
                ".gitignore",
                "wit/worlds.wit",
            ] {
                let text = fs::read_to_string(into.join(name)).unwrap();
                assert!(!text.contains("@NAME@"), "{language:?} {name}");
            }
            let readme = fs::read_to_string(into.join("README.md")).unwrap();
            assert!(!readme.contains('@'), "{readme}");
            assert!(readme.lines().count() < 60, "a page");
            // In use now.
            assert!(new(language, "mine-1", Some(&into), false).is_err());
        }
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
        ] {
            assert!(usable(name).unwrap_err().is::<NotAName>(), "{name}");
        }
    }
}
