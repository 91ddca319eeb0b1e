//! Builds the guests of the tests from source, as the engine's build script builds
//! the components.

#[path = "../engine/crates/builtin/build/guests.rs"]
mod guests;

use std::path::{Path, PathBuf};

const PACKAGES: &[&str] = &[
    "caso-test-hostile",
    "caso-test-hostile-mapper",
    "caso-test-dialler",
    "caso-test-browser",
    "caso-test-caller",
    "caso-test-filter",
    "caso-mischief",
    "caso-test-month-totals",
    "caso-test-starter",
    "caso-test-starter-mapper",
    "caso-test-starter-filter",
    "caso-test-own-records",
    "caso-test-signer",
    "caso-auditor",
    "caso-otlp",
];

fn main() -> guests::Result<()> {
    let here = PathBuf::from(guests::variable("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(guests::variable("OUT_DIR")?).join("guests");
    for path in [
        "guests",
        "../components/sdk",
        "../components/http",
        "../components/examples",
        "../engine/templates",
        "../engine/crates/builtin/build",
        "../wit",
        "../Cargo.toml",
        "../Cargo.lock",
    ] {
        println!("cargo::rerun-if-changed={path}");
    }
    let workspace = here.parent().unwrap_or(Path::new("."));
    let folder = guests::build(workspace, PACKAGES, &out)?;
    println!("cargo::rustc-env=CASO_TEST_GUESTS={}", folder.display());
    Ok(())
}
