//! The help of every program and command.

use super::{printed, run};
use crate::clouds::plain;

#[test]
fn of_each_program_and_command() {
    let site = plain().site();
    for (name, line) in [
        ("help", "caso --help"),
        ("help-extract", "caso extract --help"),
        ("help-deliver", "caso deliver --help"),
        ("help-projects", "caso projects --help"),
        ("help-mapping-migrate", "caso mapping-migrate --help"),
        ("help-demo", "caso demo --help"),
        ("help-sample", "caso sample --help"),
        ("help-config", "caso config --help"),
        ("help-config-show", "caso config show --help"),
        ("help-config-convert", "caso config convert --help"),
        ("help-config-from-ssm", "caso config from-ssm --help"),
        ("help-init", "caso init --help"),
        ("help-check", "caso check --help"),
        ("help-preview", "caso preview --help"),
        ("help-queue", "caso queue --help"),
        ("help-queue-show", "caso queue show --help"),
        ("help-queue-export", "caso queue export --help"),
        ("help-queue-flush", "caso queue flush --help"),
        ("help-queue-retry", "caso queue retry --help"),
        ("help-queue-drop", "caso queue drop --help"),
        ("help-queue-forget", "caso queue forget --help"),
        ("help-queue-adopt", "caso queue adopt --help"),
        ("help-cursor", "caso cursor --help"),
        ("help-cursor-set", "caso cursor set --help"),
        ("help-republish", "caso republish --help"),
        ("help-report", "caso report --help"),
        ("help-explain", "caso explain --help"),
        ("help-support", "caso support --help"),
        ("help-caso-extract", "caso-extract --help"),
        ("help-caso-projects", "caso-projects --help"),
        ("help-caso-mapping-migrate", "caso-mapping-migrate --help"),
        ("no-command", "caso"),
        ("no-command-of-config", "caso config"),
        ("unknown-command", "caso extarct"),
        ("unknown-flag", "caso-extract --extract-form 2026-10-05"),
        ("flag-without-value", "caso-extract --extract-from"),
        ("replay-without-folder", "caso-extract --replay recording"),
        (
            "record-and-replay",
            "caso-extract --record a --replay b --into c",
        ),
        ("unknown-shell", "caso-extract --shell_completion fish"),
        ("completion-bash", "caso-extract --shell_completion bash"),
        ("completion-zsh", "caso-projects --shell_completion zsh"),
    ] {
        let mut words = line.split(' ');
        let program = words.next().unwrap();
        printed(name, &run(&site, program, &words.collect::<Vec<_>>()));
    }
}

/// A command of `caso` takes what its program takes, and says the same of it.
#[test]
fn a_command_has_the_help_of_its_program() {
    let site = plain().site();
    for name in ["extract", "projects", "mapping-migrate"] {
        let options = |program: &str, arguments: &[&str]| {
            let help = run(&site, program, arguments).expect(0).stdout;
            let (_, options) = help.split_once("Options:").expect("options");
            options.to_owned()
        };
        assert_eq!(
            options("caso", &[name, "--help"]),
            options(&format!("caso-{name}"), &["--help"])
        );
    }
}

/// The version, and nothing that a script would have to cut away.
#[test]
fn of_the_version() {
    let site = plain().site();
    printed("version", &run(&site, "caso", &["--version"]));
    for program in ["caso-extract", "caso-projects", "caso-mapping-migrate"] {
        let outcome = run(&site, program, &["--version"]).expect(0);
        assert_eq!(outcome.stdout, concat!(env!("CARGO_PKG_VERSION"), "\n"));
    }
}
