//! What the operator is warned of, over several runs: `caso deliver` makes them
//! without a cloud.

// In a test a panic is the report; clippy exempts the functions marked `#[test]` alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use support::text;

const CONF: &str = "[DEFAULT]\nsite_name = SITE\nmessengers = noop\nnonsense = 1\n";

/// Standard error of a delivery with this configuration.
fn deliver(folder: &Path, conf: &str) -> String {
    let file = folder.join("caso.conf");
    let spool = folder.join("spool");
    fs::write(&file, format!("{conf}spooldir = {}\n", spool.display())).unwrap();
    let outcome = Command::new(env!("CARGO_BIN_EXE_caso"))
        .arg("deliver")
        .arg("--config-file")
        .arg(&file)
        .env_clear()
        .env("CACHE_DIRECTORY", env!("CARGO_TARGET_TMPDIR"))
        .output()
        .unwrap();
    let stderr = text(&outcome.stderr);
    assert_eq!(outcome.status.code(), Some(0), "{stderr}");
    stderr
}

#[test]
fn a_comment_line_in_the_configuration_warns_of_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let first = deliver(folder.path(), CONF);
    assert!(first.contains("caso.conf:4`: "), "{first}");
    assert!(first.contains("nonsense`"), "{first}");
    assert_eq!(deliver(folder.path(), CONF), "");
    let commented = format!("# A comment, above everything.\n{CONF}");
    assert_eq!(deliver(folder.path(), &commented), "");
    // Another matter is new, in the same file and the same place.
    let other = deliver(folder.path(), &CONF.replace("nonsense", "rubbish"));
    assert!(other.contains("rubbish`"), "{other}");
    assert!(!other.contains("nonsense`"), "{other}");
}

#[test]
fn a_memory_that_cannot_be_read_repeats_everything() {
    let folder = tempfile::tempdir().unwrap();
    let first = deliver(folder.path(), CONF);
    fs::write(folder.path().join("spool/caso-warnings"), "\0").unwrap();
    assert_eq!(deliver(folder.path(), CONF), first);
    assert_eq!(deliver(folder.path(), CONF), "");
}
