//! The programs and guests under test, built once in a test run.
//!
//! `cargo test` builds the binaries of a package for that package's own
//! integration tests alone, and the programs belong to another package. So the
//! first test that needs one asks cargo for it, by which it is never an old
//! one either: nothing to do if it is fresh, and the lock on the build folder
//! is free while tests run. `CASO_TEST_PROGRAMS` names a folder of ready-made
//! ones instead: an installed release, say.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The root of the workspace.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests are a member of the workspace")
}

/// The built program of that name: `caso` or `caso-extract`.
pub fn program(name: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER
        .get_or_init(|| {
            if let Some(folder) = std::env::var_os("CASO_TEST_PROGRAMS") {
                return folder.into();
            }
            // …/target/PROFILE/deps/THIS_TEST-HASH
            let test = std::env::current_exe().expect("a running test has a path");
            let folder = test
                .ancestors()
                .nth(2)
                .expect("cargo puts tests into PROFILE/deps")
                .to_path_buf();
            // The default members together, as `cargo test` at the root has
            // them: features are united over them, and nothing is built twice.
            let mut build = cargo(&["build", "--bins", "--quiet"]);
            if folder.ends_with("release") {
                build.arg("--release");
            }
            finish(build);
            folder
        })
        .join(name)
}

/// The folder of the tests' own components.
pub fn guests() -> &'static Path {
    Path::new(env!("CASO_TEST_GUESTS"))
}

/// The messenger `mischief` as a component's file.
pub fn mischief() -> PathBuf {
    guests().join("caso_mischief.wasm")
}

fn cargo(arguments: &[&str]) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(workspace()).args(arguments);
    // What cargo tells this test of its package: ring's build script looks at it, and would
    // be run anew, with all that stands on it, here and by the next cargo.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_")
            || text.starts_with("CARGO_MANIFEST_")
            || text == "OUT_DIR"
        {
            command.env_remove(&name);
        }
    }
    command
}

fn finish(mut build: Command) {
    let output = build.output().expect("cargo can be started");
    assert!(
        output.status.success(),
        "{build:?} failed:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
