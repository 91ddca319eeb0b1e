//! Completions and manual pages, made of the definition that parses the line:
//! there is no second list of flags that could fall behind.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;

use super::commands::Started;

/// The script that completes the program's command lines.
pub fn script(of: Started, shell: Shell) -> String {
    let mut command = of.command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// Writes `caso.1`, `caso-extract.1` and so on, one for each command. Those of
/// `caso-extract`, `caso-projects` and `caso-mapping-migrate` are the launchers'
/// too.
///
/// # Errors
/// A folder or file that cannot be written.
pub fn man(command: Command, folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
    let version = command.get_version().unwrap_or_default().to_owned();
    let mut command = without_help_command(command);
    // Gives each subcommand its full name.
    command.build();
    pages(&command, &version, folder)
}

fn pages(command: &Command, version: &str, folder: &Path) -> anyhow::Result<()> {
    let page = Man::new(command.clone()).source(format!("caso {version}"));
    let path = folder.join(page.get_filename());
    let mut text = Vec::new();
    page.render(&mut text)
        .and_then(|()| fs::write(&path, text))
        .with_context(|| format!("cannot write `{}`", path.display()))?;
    for command in command.get_subcommands().filter(|one| !one.is_hide_set()) {
        pages(command, version, folder)?;
    }
    Ok(())
}

/// `caso help …` needs no pages of its own.
fn without_help_command(command: Command) -> Command {
    command
        .disable_help_subcommand(true)
        .mut_subcommands(without_help_command)
}

#[cfg(test)]
mod tests {
    use std::process::{Command as Process, Stdio};

    use clap::ValueEnum as _;

    use super::*;

    /// All long flags that help texts show, with the command they are of.
    fn flags(command: &Command) -> Vec<String> {
        let shown = command.get_arguments().filter(|arg| !arg.is_hide_set());
        let mut all: Vec<String> = shown
            .filter_map(|arg| arg.get_long().map(str::to_owned))
            .collect();
        all.extend(command.get_subcommands().flat_map(flags));
        all
    }

    #[test]
    fn every_shell_gets_every_subcommand_and_flag() {
        let caso = Started::Caso.command();
        for shell in Shell::value_variants() {
            let script = script(Started::Caso, *shell);
            for command in caso.get_subcommands() {
                assert!(script.contains(command.get_name()), "{shell}: {command}");
            }
            for flag in flags(&caso) {
                assert!(script.contains(&flag), "{shell}: --{flag}");
            }
        }
    }

    #[test]
    fn a_launchers_script_completes_the_launcher() {
        for (started, name) in [
            (Started::Extract, "caso-extract"),
            (Started::Projects, "caso-projects"),
            (Started::MappingMigrate, "caso-mapping-migrate"),
        ] {
            let zsh = script(started, Shell::Zsh);
            assert!(zsh.starts_with(&format!("#compdef {name}\n")), "{zsh}");
            for flag in flags(&started.command()) {
                assert!(zsh.contains(&format!("--{flag}")), "{name}: --{flag}");
            }
        }
    }

    #[test]
    fn bash_reads_its_scripts() {
        for started in [Started::Caso, Started::Extract] {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("script");
            fs::write(&file, script(started, Shell::Bash)).unwrap();
            let checked = Process::new("bash")
                .arg("-n")
                .arg(&file)
                .stdin(Stdio::null())
                .output();
            // A machine without bash needs no script for it either.
            if let Ok(checked) = checked {
                assert!(checked.status.success(), "{checked:?}");
            }
        }
    }

    #[test]
    fn each_command_has_a_page_with_every_flag() {
        let folder = tempfile::tempdir().unwrap();
        let into = folder.path().join("man1");
        let caso = Started::Caso.command();
        man(caso.clone(), &into).unwrap();
        let page = |name: &str| {
            let text = fs::read_to_string(into.join(format!("{name}.1"))).unwrap();
            // roff writes a dash as `\-`.
            text.replace("\\-", "-")
        };
        for command in caso.get_subcommands() {
            let name = format!("caso-{}", command.get_name());
            let text = page(&name);
            assert!(text.contains(&format!("\n.TH {name} 1 ")), "{text}");
            assert!(text.contains("caso 6."), "{text}");
            let own = command.get_arguments().filter(|arg| !arg.is_hide_set());
            for flag in own.filter_map(clap::Arg::get_long) {
                assert!(text.contains(&format!("--{flag}")), "{name}: --{flag}");
            }
        }
        assert!(page("caso").contains("\n.TH caso 1 "));
        assert!(page("caso-config-show").contains("--unset"));
        assert!(page("caso-extract").contains("75 another run holds the lock"));
        let help = fs::read_dir(&into).unwrap().filter(|entry| {
            entry
                .as_ref()
                .unwrap()
                .file_name()
                .to_string_lossy()
                .contains("help")
        });
        assert_eq!(help.count(), 0);
    }

    #[test]
    fn a_page_that_cannot_be_written_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let error = man(Started::Caso.command(), &file).unwrap_err();
        assert!(error.to_string().contains(&file.display().to_string()));
    }
}
