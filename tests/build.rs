//! Builds the hostile guests from source, as the engine's build script builds
//! the components: a nested cargo with a target folder of its own, and with
//! nothing of what the parent was told for the host's side.

use std::env;
use std::path::PathBuf;
use std::process::Command;

const PACKAGES: &[&str] = &[
    "caso-test-hostile",
    "caso-test-hostile-mapper",
    "caso-test-dialler",
];

/// Set by the parent cargo, clippy or the user for the host, not for guests.
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

fn main() {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("guests");
    for path in ["guests", "../wit", "../Cargo.toml", "../Cargo.lock"] {
        println!("cargo::rerun-if-changed={path}");
    }
    let mut cargo = Command::new(env::var_os("CARGO").expect("cargo sets it"));
    cargo
        .current_dir(here.join(".."))
        .args(["build", "--profile", "guest", "--target", "wasm32-wasip2"])
        .arg("--target-dir")
        .arg(&out)
        // A `build-dir` of the user's own would be the parent's too, and locked.
        .env("CARGO_BUILD_BUILD_DIR", &out)
        .args(parent_flags());
    for package in PACKAGES {
        cargo.args(["--package", package]);
    }
    for name in NOT_FOR_GUESTS {
        cargo.env_remove(name);
    }
    let status = cargo.status().expect("cargo can be started");
    assert!(
        status.success(),
        "the guests of the tests did not build ({status}); is the Rust target `wasm32-wasip2` \
         installed? `rustup target add wasm32-wasip2`"
    );
    let folder = out.join("wasm32-wasip2").join("guest");
    println!("cargo::rustc-env=CASO_TEST_GUESTS={}", folder.display());
}

/// `--locked` and `--offline` of the parent, which tells a build script of
/// neither: read from its command line, up to what is for the program it runs.
fn parent_flags() -> Vec<&'static str> {
    #[cfg(target_os = "linux")]
    let line = std::fs::read(format!(
        "/proc/{}/cmdline",
        std::os::unix::process::parent_id()
    ));
    #[cfg(not(target_os = "linux"))]
    let line = std::io::Result::Ok(Vec::new());
    let line = line.unwrap_or_default();
    let given: Vec<&[u8]> = line
        .split(|byte| *byte == 0)
        .take_while(|word| *word != b"--")
        .collect();
    ["--locked", "--offline", "--frozen"]
        .into_iter()
        .filter(|flag| given.contains(&flag.as_bytes()))
        .collect()
}
