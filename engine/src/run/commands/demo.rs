//! `caso demo`: the whole way of a record, on a recording of a real OpenStack,
//! in a folder of its own, which has a configuration to go on with.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use tokio::sync::watch;

use crate::run::kind::new_folder;
use crate::run::table::next;
use crate::run::temporary;
use crate::run::{ComponentWarnings, Exit, Invocation, Kind, remedy, run};
use crate::stdout;
use caso_base::conf;
use caso_config::{CommandLine, ConfigPlace, Inputs};

/// What a site would have in /etc/caso/caso.conf; `FOLDER` is the demo's.
const CONF: &str = include_str!("../../../demo/caso.conf");
/// What a demo makes in its folder, and `--remove` removes.
const FOLDERS: [&str; 2] = ["cache", "out"];
const CONF_NAME: &str = "caso.conf";

/// Runs the demo in `folder`, or in a new one.
pub async fn demo(folder: Option<PathBuf>) -> Exit {
    match prepare(folder) {
        Ok((folder, invocation)) => {
            let (_keep, cancel) = watch::channel(false);
            let exit = run(invocation, cancel).await;
            if exit == Exit::Done
                && let Err(error) = show(&folder)
            {
                remedy::log_error(remedy::message(error.as_ref()));
                return Exit::Nothing;
            }
            exit
        }
        Err(error) => {
            remedy::log_error(remedy::message(error.as_ref()));
            Exit::Nothing
        }
    }
}

fn prepare(folder: Option<PathBuf>) -> anyhow::Result<(PathBuf, Invocation)> {
    let folder = match folder {
        Some(folder) => folder,
        None => temporary::folder("caso-demo-")?.keep(),
    };
    let folder = new_folder(&folder)?;
    let conf = folder.join(CONF_NAME);
    let text = CONF.replace("FOLDER", &conf::dollars(&folder.display().to_string()));
    fs::write(&conf, text).with_context(|| format!("cannot write `{}`", conf.display()))?;
    let command_line = CommandLine {
        configs: vec![ConfigPlace::File(conf)],
        ..CommandLine::default()
    };
    let inputs = Inputs::apart(command_line, &folder, caso_builtin::messengers());
    let mut config = caso_config::load(&inputs)?;
    config.cache_dirs = vec![folder.join("cache")];
    let into = folder.join("out");
    Ok((
        folder,
        Invocation {
            config,
            kind: Kind::demo(&into)?,
            extract: true,
            only: None,
            again: None,
            verbose: true,
            remarks: ComponentWarnings::default(),
        },
    ))
}

/// Removes what a demo made, and nothing else.
///
/// # Errors
/// There is no demo in the folder, or something in it cannot be removed.
pub fn remove_demo(folder: &Path) -> anyhow::Result<()> {
    let conf = folder.join(CONF_NAME);
    let ours = CONF.lines().next().unwrap_or_default();
    let text = fs::read_to_string(&conf).unwrap_or_default();
    ensure!(
        text.lines().next() == Some(ours),
        "`{}` has no demo in it: its caso.conf does not begin as a demo's does",
        folder.display()
    );
    let failed = |path: &Path| format!("cannot remove `{}`", path.display());
    for name in FOLDERS {
        let path = folder.join(name);
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).with_context(|| failed(&path));
            }
            _ => {}
        }
    }
    fs::remove_file(&conf).with_context(|| failed(&conf))?;
    // What somebody else put there stays, and the folder with it.
    match fs::remove_dir(folder) {
        Err(error) if error.kind() != ErrorKind::DirectoryNotEmpty => {
            Err(error).with_context(|| failed(folder))
        }
        _ => Ok(()),
    }
}

/// What an item and a record are, one message, and how to go on.
fn show(folder: &Path) -> anyhow::Result<()> {
    let out = folder.join("out");
    let queue = out.join("ssm").join("outgoing");
    let mut messages = files(&queue)?;
    messages.sort();
    let mut text = "\nAn item is what OpenStack stated of one thing: a server, a volume, the addresses of a project. A record is \
        what\ngoes to the accounting repository: a server that lived through a month's end has one more for that month.\n\
        Times are seconds since 1970, and `EndTime: 0` is a server that still runs.\n"
        .to_owned();
    if let Some(first) = messages.first() {
        let message = fs::read_to_string(first)
            .with_context(|| format!("cannot read `{}`", first.display()))?;
        let record = message.split("\n%%\n").next().unwrap_or_default();
        text += &format!("\nThe first record of `{}`:\n\n", first.display());
        text += &format!("{record}\n\n");
    }
    text += &format!(
        "messenger ssm: {} messages in `{}`\n",
        messages.len(),
        queue.display()
    );
    let lines = out.join("logstash").join("server");
    let count = fs::read_to_string(&lines)
        .with_context(|| format!("cannot read `{}`", lines.display()))?
        .lines()
        .count();
    text += &format!(
        "messenger logstash: {count} lines in `{}`\n",
        lines.display()
    );
    let conf = folder.join(CONF_NAME);
    let with = |command: &str| format!("caso {command} --config-file {}", conf.display());
    text += "\n";
    text += &next(&[
        with("status"),
        with("config show"),
        with("report --html use.html"),
        "caso component run --replay demo mine.wasm".to_owned(),
        format!("caso demo --remove {}", folder.display()),
    ]);
    stdout::write(&text)
}

fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in
        fs::read_dir(folder).with_context(|| format!("cannot read `{}`", folder.display()))?
    {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    Ok(found)
}
