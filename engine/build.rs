//! Builds the Rust components from source and embeds them.
//!
//! The components are part of this workspace, but for another target: a nested
//! cargo builds them for `wasm32-wasip2`, in a target folder of its own (its
//! parent holds the lock of the usual one) and always in the profile `guest`,
//! whatever the engine is built in. `sandbox::builtin` includes what comes out.
//!
//! `CASO_COMPONENTS_DIR` names a folder with ready-made `NAME.wasm`, for packagers
//! who build the components apart, or have no target for them.

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Package of each built-in component; its name is what follows `caso-`.
const PACKAGES: &[&str] = &["caso-mapper", "caso-ssm", "caso-logstash", "caso-noop"];
const TARGET: &str = "wasm32-wasip2";
const PROFILE: &str = "guest";

/// What the parent cargo, clippy or the user set for the engine, and must not
/// reach the guests.
const NOT_FOR_GUESTS: &[&str] = &[
    "RUSTC",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "CLIPPY_ARGS",
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_BUILD_RUSTC_WRAPPER",
    "CARGO_BUILD_RUSTC_WORKSPACE_WRAPPER",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_TARGET_DIR",
    "CARGO_BUILD_TARGET_DIR",
];

type Result<T> = std::result::Result<T, Box<dyn Error>>;

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
type Component = (&'static str, PathBuf);

fn names() -> impl Iterator<Item = (&'static str, &'static str)> {
    PACKAGES
        .iter()
        .map(|package| (*package, package.trim_start_matches("caso-")))
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
    let workspace = PathBuf::from(variable("CARGO_MANIFEST_DIR")?)
        .parent()
        .map(Path::to_path_buf)
        .ok_or("the engine's folder has no parent")?;
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
    let parent = ParentFlags::read();
    ensure_target(&workspace, parent.offline)?;

    let target_folder = out.join("guests");
    let mut cargo = Command::new(variable("CARGO")?);
    cargo
        .current_dir(&workspace)
        .args(["build", "--profile", PROFILE, "--target", TARGET])
        .arg("--target-dir")
        .arg(&target_folder)
        // A `build-dir` of the user's own would be the parent's too, and locked.
        .env("CARGO_BUILD_BUILD_DIR", &target_folder);
    for package in PACKAGES {
        cargo.args(["--package", package]);
    }
    if parent.locked {
        cargo.arg("--locked");
    }
    if parent.offline {
        cargo.arg("--offline");
    }
    clear(&mut cargo);
    let status = cargo
        .status()
        .map_err(|error| format!("can't start cargo for the components: {error}"))?;
    if !status.success() {
        return Err(format!(
            "the components did not build for `{TARGET}` ({status}); cargo's own messages stand \
             above, and CASO_COMPONENTS_DIR takes a folder of ready-made components instead"
        )
        .into());
    }
    let folder = target_folder.join(TARGET).join(PROFILE);
    Ok(names()
        .map(|(package, name)| {
            let file = format!("{}.wasm", package.replace('-', "_"));
            (name, folder.join(file))
        })
        .collect())
}

/// Writes the table that `sandbox::builtin` includes.
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

/// Cargo tells a build script nothing of `--locked` and `--offline`, and passes
/// them to no nested cargo: they are read from its command line.
struct ParentFlags {
    locked: bool,
    offline: bool,
}

impl ParentFlags {
    fn read() -> Self {
        let arguments = parent_arguments();
        let given = |flag: &str| arguments.iter().any(|argument| argument == flag);
        let frozen = given("--frozen");
        Self {
            locked: frozen || given("--locked"),
            offline: frozen || given("--offline"),
        }
    }
}

#[cfg(target_os = "linux")]
fn parent_arguments() -> Vec<OsString> {
    use std::os::unix::ffi::OsStringExt;
    let path = format!("/proc/{}/cmdline", std::os::unix::process::parent_id());
    fs::read(path)
        .unwrap_or_default()
        .split(|byte| *byte == 0)
        .map(|argument| OsString::from_vec(argument.to_vec()))
        // What follows is for the program that cargo runs, not for cargo.
        .take_while(|argument| argument != "--")
        .collect()
}

#[cfg(not(target_os = "linux"))]
fn parent_arguments() -> Vec<OsString> {
    Vec::new()
}

/// Asks rustup for the target where it is missing and rustup is in charge.
fn ensure_target(workspace: &Path, offline: bool) -> Result<()> {
    if target_is_there(workspace)? {
        return Ok(());
    }
    let toolchain = env::var("RUSTUP_TOOLCHAIN").ok();
    let remedy = match &toolchain {
        Some(toolchain) => format!("rustup target add --toolchain {toolchain} {TARGET}"),
        None => format!(
            "install the Rust standard library for `{TARGET}` from where your Rust comes from"
        ),
    };
    if toolchain.is_some() && !offline {
        let mut rustup = Command::new("rustup");
        rustup.args(["target", "add"]);
        if let Some(toolchain) = &toolchain {
            rustup.args(["--toolchain", toolchain]);
        }
        rustup.arg(TARGET).current_dir(workspace);
        // Its exit code says less than a second look at the target itself.
        if rustup.status().is_ok() && target_is_there(workspace)? {
            return Ok(());
        }
    }
    Err(format!(
        "the Rust target `{TARGET}`, for which the components are built, is not installed\n\
         remedy: {remedy}\n\
         or set CASO_COMPONENTS_DIR to a folder of ready-made components"
    )
    .into())
}

fn target_is_there(workspace: &Path) -> Result<bool> {
    let output = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .current_dir(workspace)
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .map_err(|error| format!("can't ask rustc for target `{TARGET}`: {error}"))?;
    let folder = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Ok(output.status.success() && has_std(Path::new(&folder)))
}

fn has_std(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else {
        return false;
    };
    entries
        .flatten()
        .any(|entry| entry.file_name().to_string_lossy().starts_with("libstd-"))
}

fn clear(command: &mut Command) {
    for name in NOT_FOR_GUESTS {
        command.env_remove(name);
    }
}

fn variable(name: &str) -> Result<String> {
    env::var(name).map_err(|_| format!("cargo did not set `{name}`").into())
}
