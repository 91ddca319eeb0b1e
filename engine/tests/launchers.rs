//! The launchers, installed in a folder of their own beside a `caso` that shows
//! how it was started, and beside the real one.

// In a test a panic is the report; clippy exempts the functions marked `#[test]` alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use support::text;
use tempfile::TempDir;

const LAUNCHERS: [(&str, &str); 3] = [
    ("caso-extract", env!("CARGO_BIN_EXE_caso-extract")),
    ("caso-projects", env!("CARGO_BIN_EXE_caso-projects")),
    (
        "caso-mapping-migrate",
        env!("CARGO_BIN_EXE_caso-mapping-migrate"),
    ),
];

/// A folder with all launchers, by hard link or copy: by a symbolic link they
/// would be where cargo put them.
fn installed() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, built) in LAUNCHERS {
        place(Path::new(built), &folder.path().join(name));
    }
    folder
}

fn place(built: &Path, there: &Path) {
    fs::hard_link(built, there)
        .or_else(|_| fs::copy(built, there).map(|_| ()))
        .unwrap();
}

/// A `caso` that prints its name and arguments, and does what the first says.
fn stand_in(program: &Path) {
    let script = "#!/bin/sh\n\
                  echo \"$0 $*\"\n\
                  case $1 in exit) exit \"$2\";; kill) kill -\"$2\" $$;; esac\n";
    fs::write(program, script).unwrap();
    fs::set_permissions(program, fs::Permissions::from_mode(0o755)).unwrap();
}

fn run(program: impl Into<PathBuf>, arguments: &[&str], path: &str) -> Output {
    Command::new(program.into())
        .args(arguments)
        .env_clear()
        .env("PATH", path)
        .output()
        .unwrap()
}

#[test]
fn arguments_exit_code_and_signals_are_those_of_caso() {
    let folder = installed();
    let caso = folder.path().join("caso");
    stand_in(&caso);
    for (name, _) in LAUNCHERS {
        let launcher = folder.path().join(name);
        let outcome = run(&launcher, &["exit", "75", "a b"], "/usr/bin:/bin");
        assert_eq!(outcome.status.code(), Some(75));
        // A script has its own path for a name, whatever it was started as.
        assert_eq!(
            text(&outcome.stdout),
            format!("{} exit 75 a b\n", caso.display())
        );
        let outcome = run(&launcher, &["kill", "TERM"], "/usr/bin:/bin");
        assert_eq!(outcome.status.signal(), Some(15));
    }
}

#[test]
fn the_help_is_that_of_caso_under_the_launchers_name() {
    let folder = installed();
    place(
        Path::new(env!("CARGO_BIN_EXE_caso")),
        &folder.path().join("caso"),
    );
    for (name, _) in LAUNCHERS {
        let help = run(folder.path().join(name), &["--help"], "");
        assert_eq!(help.status.code(), Some(0));
        let help = text(&help.stdout);
        assert!(help.contains(&format!("Usage: {name} [OPTIONS]")), "{help}");
        // A link to `caso` that is named as a launcher is one.
        let link = folder.path().join("links").join(name);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(env!("CARGO_BIN_EXE_caso"), &link).unwrap();
        assert_eq!(text(&run(link, &["--help"], "").stdout), help);
    }
}

#[test]
fn a_link_to_a_launcher_starts_the_caso_beside_the_launcher() {
    let folder = installed();
    stand_in(&folder.path().join("caso"));
    let elsewhere = tempfile::tempdir().unwrap();
    // Another one, which is not meant.
    stand_in(&elsewhere.path().join("caso"));
    let link = elsewhere.path().join("extract");
    symlink(folder.path().join("caso-extract"), &link).unwrap();
    let outcome = run(link, &["x"], "/usr/bin:/bin");
    let caso = folder.path().join("caso");
    assert_eq!(text(&outcome.stdout), format!("{} x\n", caso.display()));
}

#[test]
fn a_launcher_alone_takes_the_caso_in_path() {
    let folder = installed();
    let elsewhere = tempfile::tempdir().unwrap();
    let caso = elsewhere.path().join("caso");
    stand_in(&caso);
    let path = format!("/nowhere:{}", elsewhere.path().display());
    let outcome = run(folder.path().join("caso-extract"), &["x"], &path);
    assert_eq!(text(&outcome.stdout), format!("{} x\n", caso.display()));
}

#[test]
fn without_a_caso_a_launcher_names_what_is_missing() {
    let folder = installed();
    let launcher = folder.path().join("caso-extract");
    let missing = format!(
        "error: `caso-extract` starts the program `caso`, which is neither beside it, in `{}`, \
         nor in PATH: install both\n",
        folder.path().canonicalize().unwrap().display()
    );
    let outcome = run(&launcher, &[], "");
    assert_eq!(outcome.status.code(), Some(1));
    assert_eq!(text(&outcome.stderr), missing);
    // A link back to itself would be started for ever.
    symlink(&launcher, folder.path().join("caso")).unwrap();
    let outcome = run(&launcher, &[], "");
    assert_eq!(outcome.status.code(), Some(1));
    assert_eq!(text(&outcome.stderr), missing);
}

#[test]
fn a_caso_that_cannot_be_started_is_named_with_the_reason() {
    let folder = installed();
    let caso = folder.path().join("caso");
    fs::write(&caso, "").unwrap();
    let outcome = run(folder.path().join("caso-extract"), &[], "");
    assert_eq!(outcome.status.code(), Some(1));
    let stderr = text(&outcome.stderr);
    let begin = format!("error: cannot start `{}`: ", caso.display());
    assert!(stderr.starts_with(&begin), "{stderr}");
}
