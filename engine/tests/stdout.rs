//! What is printed and cannot be written: a full disk is an error, a reader that
//! has gone is not.

// In a test a panic is the report; clippy exempts the functions marked `#[test]` alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::fs::{self, File, OpenOptions};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use support::text;

/// What prints data without asking a cloud: a name to be started by, and the
/// arguments.
fn commands(folder: &Path) -> Vec<(&'static str, Vec<String>)> {
    let conf = folder.join("caso.conf");
    let voms = folder.join("voms.json");
    fs::write(&voms, r#"{"vo": {"projects": ["p1"]}}"#).unwrap();
    fs::write(
        &conf,
        format!(
            "[DEFAULT]\nsite_name = SITE\nspooldir = {0}/spool\nmapping_file = {1}\ncache_dir = {2}\n",
            folder.display(),
            voms.display(),
            env!("CARGO_TARGET_TMPDIR")
        ),
    )
    .unwrap();
    let conf = conf.display().to_string();
    let words = |text: &str| -> Vec<String> {
        text.split(' ')
            .map(|word| word.replace("CONF", &conf))
            .collect()
    };
    vec![
        ("caso", words("sample")),
        ("caso", words("--help")),
        ("caso", words("--version")),
        ("caso-extract", words("--help")),
        ("caso-extract", words("--version")),
        ("caso-extract", words("--shell_completion bash")),
        ("caso", words("completions zsh")),
        ("caso", words("config show --config-file CONF")),
        ("caso", words("config convert CONF")),
        ("caso-mapping-migrate", words("--config-file CONF")),
    ]
}

fn run(name: &str, arguments: &[String], stdout: Stdio) -> Output {
    use std::os::unix::process::CommandExt as _;
    Command::new(env!("CARGO_BIN_EXE_caso"))
        .arg0(name)
        .args(arguments)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
        .wait_with_output()
        .unwrap()
}

#[test]
fn a_full_disk_is_an_error_that_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for (name, arguments) in commands(folder.path()) {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let outcome = run(name, &arguments, full.into());
        let stderr = text(&outcome.stderr);
        assert_eq!(
            outcome.status.code(),
            Some(1),
            "{name} {arguments:?}: {stderr}"
        );
        assert!(
            stderr.contains("error: cannot write to stdout")
                && stderr.contains("No space left on device"),
            "{name} {arguments:?}: {stderr}"
        );
    }
}

#[test]
fn a_closed_pipe_is_not_an_error() {
    let folder = tempfile::tempdir().unwrap();
    for (name, arguments) in commands(folder.path()) {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let outcome = run(name, &arguments, writer.into());
        let stderr = text(&outcome.stderr);
        assert_eq!(
            outcome.status.code(),
            Some(0),
            "{name} {arguments:?}: {stderr}"
        );
        assert!(!stderr.contains("error"), "{name} {arguments:?}: {stderr}");
    }
}

/// The output whole, for the two tests above to be about something.
#[test]
fn each_of_them_prints() {
    let folder = tempfile::tempdir().unwrap();
    for (index, (name, arguments)) in commands(folder.path()).into_iter().enumerate() {
        let out = folder.path().join(index.to_string());
        let outcome = run(name, &arguments, File::create(&out).unwrap().into());
        let stderr = text(&outcome.stderr);
        assert_eq!(
            outcome.status.code(),
            Some(0),
            "{name} {arguments:?}: {stderr}"
        );
        let printed = fs::metadata(&out).unwrap().len();
        assert!(printed > 0, "{name} {arguments:?}");
    }
}
