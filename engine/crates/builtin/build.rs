//! Builds the Rust components from source and embeds them.
//!
//! The components are part of this workspace, but for another target: a nested
//! cargo builds them for `wasm32-wasip2`, in a target folder of its own (its
//! parent holds the lock of the usual one) and always in the profile `guest`,
//! whatever the engine is built in. `lib.rs` includes what comes out.
//!
//! `CASO_COMPONENTS_DIR` names a folder with ready-made `NAME.wasm`, for packagers
//! who build the components apart, or have no target for them.

#[path = "build/guests.rs"]
mod guests;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use guests::variable;

/// Package of each built-in component; its name is what follows `caso-`, with
/// the underscores that cASO's own names have.
const PACKAGES: &[&str] = &[
    "caso-mapper",
    "caso-ssm",
    "caso-ams",
    "caso-logstash",
    "caso-noop",
    "caso-greendigit-cim",
    "caso-anonymise",
];

type Result<T> = guests::Result<T>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            for line in error.to_string().lines() {
                println!("cargo::error={line}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    println!("cargo::rerun-if-env-changed=CASO_COMPONENTS_DIR");
    let out = PathBuf::from(variable("OUT_DIR")?);
    let components = match env::var_os("CASO_COMPONENTS_DIR") {
        Some(folder) => ready_made(Path::new(&folder))?,
        None => from_source(&out)?,
    };
    embed(&out, &components)
}

/// A component's name and its file.
type Component = (String, PathBuf);

fn names() -> impl Iterator<Item = (&'static str, String)> {
    PACKAGES.iter().map(|package| {
        let name = package.trim_start_matches("caso-").replace('-', "_");
        (*package, name)
    })
}

fn ready_made(folder: &Path) -> Result<Vec<Component>> {
    names()
        .map(|(_, name)| {
            let file = folder.join(format!("{name}.wasm"));
            println!("cargo::rerun-if-changed={}", file.display());
            if file.is_file() {
                Ok((name, file))
            } else {
                Err(format!(
                    "component `{name}` is not in CASO_COMPONENTS_DIR: there is no file `{}`",
                    file.display()
                )
                .into())
            }
        })
        .collect()
}

fn from_source(out: &Path) -> Result<Vec<Component>> {
    // engine/crates/builtin
    let workspace = PathBuf::from(variable("CARGO_MANIFEST_DIR")?)
        .ancestors()
        .nth(3)
        .map(Path::to_path_buf)
        .ok_or("this crate's folder is not where it was in the repository")?;
    for path in ["components", "wit", "Cargo.toml", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={}", workspace.join(path).display());
    }
    if !workspace.join("components").is_dir() {
        return Err(format!(
            "there are no sources of the components in `{}`; \
             set CASO_COMPONENTS_DIR to a folder of ready-made ones",
            workspace.join("components").display()
        )
        .into());
    }
    let folder = guests::build(&workspace, PACKAGES, &out.join("guests")).map_err(|error| {
        format!("{error}\nCASO_COMPONENTS_DIR takes a folder of ready-made components instead")
    })?;
    Ok(names()
        .map(|(package, name)| {
            let file = format!("{}.wasm", package.replace('-', "_"));
            (name, folder.join(file))
        })
        .collect())
}

/// Writes the table that `lib.rs` includes.
fn embed(out: &Path, components: &[Component]) -> Result<()> {
    let mut table = String::from("&[\n");
    for (name, file) in components {
        let kept = out.join(format!("{name}.wasm"));
        fs::copy(file, &kept).map_err(|error| {
            let (from, to) = (file.display(), kept.display());
            format!("can't copy component `{from}` to `{to}`: {error}")
        })?;
        table.push_str(&format!("    ({name:?}, include_bytes!({kept:?})),\n"));
    }
    table.push_str("]\n");
    fs::write(out.join("components.rs"), table)?;
    Ok(())
}
