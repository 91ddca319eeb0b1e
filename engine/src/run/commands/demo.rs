//! `caso demo`: the whole way of a record, on a recording of a real OpenStack,
//! in a folder of its own.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tokio::sync::watch;

use crate::run::{ComponentWarnings, Exit, Invocation, Kind, run};
use crate::stdout;
use caso_base::error_chain;
use caso_config::{CommandLine, ConfigPlace, Inputs};

/// What a site would have in /etc/caso/caso.conf, less what the replay replaces.
const CONF: &str = include_str!("../../../demo/caso.conf");

/// Runs the demo in `folder`, or in a new one.
pub async fn demo(folder: Option<PathBuf>) -> Exit {
    match prepare(folder) {
        Ok((folder, invocation)) => {
            let (_keep, cancel) = watch::channel(false);
            let exit = run(invocation, cancel).await;
            if exit == Exit::Done
                && let Err(error) = show(&folder)
            {
                tracing::error!("{}", error_chain(error.as_ref()));
                return Exit::Nothing;
            }
            exit
        }
        Err(error) => {
            tracing::error!("{}", error_chain(error.as_ref()));
            Exit::Nothing
        }
    }
}

fn prepare(folder: Option<PathBuf>) -> anyhow::Result<(PathBuf, Invocation)> {
    let folder = match folder {
        Some(folder) => folder,
        None => tempfile::Builder::new()
            .prefix("caso-demo-")
            .tempdir()
            .context("cannot make a temporary folder")?
            .keep(),
    };
    fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
    let conf = folder.join("caso.conf");
    fs::write(&conf, CONF).with_context(|| format!("cannot write `{}`", conf.display()))?;
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

/// One message, and where the others are.
fn show(folder: &Path) -> anyhow::Result<()> {
    let out = folder.join("out");
    let queue = out.join("ssm").join("outgoing");
    let mut messages = files(&queue)?;
    messages.sort();
    let mut text = String::new();
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
