//! Builds guests from source for `wasm32-wasip2`: the components for the engine,
//! and the hostile ones for the tests.
//!
//! A nested cargo with a target folder of its own (its parent holds the lock of
//! the usual one), always in the profile `guest`, and without the flags that the
//! parent was given for the host's side.

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

pub const TARGET: &str = "wasm32-wasip2";
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

pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Builds the packages of the workspace and answers with the folder of what
/// came out.
pub fn build(workspace: &Path, packages: &[&str], target_folder: &Path) -> Result<PathBuf> {
    let parent = ParentFlags::read();
    ensure_target(workspace, parent.offline)?;

    let mut cargo = Command::new(variable("CARGO")?);
    cargo
        .current_dir(workspace)
        .args(["build", "--profile", PROFILE, "--target", TARGET])
        .arg("--target-dir")
        .arg(target_folder)
        // A `build-dir` of the user's own would be the parent's too, and locked.
        .env("CARGO_BUILD_BUILD_DIR", target_folder);
    for package in packages {
        cargo.args(["--package", package]);
    }
    if parent.locked {
        cargo.arg("--locked");
    }
    if parent.offline {
        cargo.arg("--offline");
    }
    for name in NOT_FOR_GUESTS {
        cargo.env_remove(name);
    }
    let status = cargo
        .status()
        .map_err(|error| format!("can't start cargo for the guests: {error}"))?;
    if !status.success() {
        return Err(format!(
            "the guests did not build for `{TARGET}` ({status}); cargo's own messages stand above"
        )
        .into());
    }
    Ok(target_folder.join(TARGET).join(PROFILE))
}

/// Cargo hands a build script neither `--locked` nor `--offline`, and passes
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
         remedy: {remedy}"
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

pub fn variable(name: &str) -> Result<String> {
    env::var(name).map_err(|_| format!("cargo did not set `{name}`").into())
}
