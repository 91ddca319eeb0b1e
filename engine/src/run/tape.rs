//! `--record` and `--replay`: what of a run goes into a recording beside the
//! exchanges, and how a replay gets it back.
//!
//! What a run asks depends on the configuration and on the cursors. So a
//! recording's folder holds the options that decide it (in the header), the
//! mapping file, and the cursors and lastrun files as they were before the run.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::config::{Config, ExtractFrom, Extractor};
use crate::model::Window;
use crate::openstack::recording::{Header, Names, RecordedSession, Recorder, Replayer};
use crate::openstack::{SessionSettings, Transport};

const MAPPING: &str = "voms.json";
const SPOOL: &str = "spool";
const CURSORS: &str = "caso-cursors";

/// The options that decide what is asked.
#[derive(Debug, Serialize, Deserialize)]
struct Arguments {
    extract_from: Option<i64>,
    extract_to: Option<i64>,
    first_extract_from: Option<i64>,
    page_size: u32,
    projects: Vec<String>,
    caso_tag: Option<String>,
    vo_property: String,
    extractors: Vec<String>,
}

/// Begins a recording around `inner`.
pub fn record(
    folder: &Path,
    keep_names: bool,
    config: &Config,
    settings: &SessionSettings,
    now: i64,
    inner: Arc<dyn Transport>,
) -> anyhow::Result<Arc<Recorder>> {
    let names = if keep_names {
        Names::Kept
    } else {
        Names::Replaced
    };
    let window = config.extract_from.explicit().map(|start| Window {
        start,
        end: config.extract_to.unwrap_or(now),
    });
    let mut header = Header::new(now, window, names);
    let cloud = config.clouds.first().context("no cloud is configured")?;
    header.sessions.push(RecordedSession::of(settings));
    header.arguments = arguments(config)?;
    let recorder = Recorder::new(inner, folder, header)?;
    if cloud.mapping_file.exists() {
        let kept = || format!("cannot keep `{}`", cloud.mapping_file.display());
        let text = fs::read_to_string(&cloud.mapping_file).with_context(kept)?;
        // Projects may stand in it by name.
        let mapping = recorder.cleaned(serde_json::from_str(&text).with_context(kept)?);
        fs::write(folder.join(MAPPING), mapping.to_string()).with_context(kept)?;
    }
    copy_cursors(&config.spooldir, &folder.join(SPOOL))
        .with_context(|| format!("cannot keep the cursors of `{}`", config.spooldir.display()))?;
    Ok(Arc::new(recorder))
}

fn arguments(config: &Config) -> anyhow::Result<BTreeMap<String, serde_json::Value>> {
    let cloud = config.clouds.first().context("no cloud is configured")?;
    let arguments = Arguments {
        extract_from: config.extract_from.explicit(),
        extract_to: config.extract_to,
        first_extract_from: config.first_extract_from,
        page_size: config.page_size,
        projects: cloud.projects.clone(),
        caso_tag: cloud.caso_tag.clone(),
        vo_property: cloud.vo_property.clone(),
        extractors: cloud
            .extractors
            .iter()
            .map(|extractor| extractor.as_str().to_owned())
            .collect(),
    };
    Ok(serde_json::from_value(serde_json::to_value(arguments)?)?)
}

/// Opens a recording and makes `config` ask what the recorded run asked.
pub fn replay(folder: &Path, config: &mut Config) -> anyhow::Result<Arc<Replayer>> {
    let replayer = Replayer::open(folder)?;
    apply(replayer.header(), config)
        .with_context(|| format!("the recording in `{}` cannot be replayed", folder.display()))?;
    for cloud in &mut config.clouds {
        cloud.mapping_file = folder.join(MAPPING);
        cloud.mapping_file_set = false;
    }
    Ok(Arc::new(replayer))
}

/// The part of `replay` that needs no folder.
pub fn apply(header: &Header, config: &mut Config) -> anyhow::Result<()> {
    let arguments: Arguments = serde_json::from_value(serde_json::to_value(&header.arguments)?)?;
    config.extract_from = match arguments.extract_from {
        Some(from) => ExtractFrom::At(from),
        None => ExtractFrom::Cursor,
    };
    config.extract_to = arguments.extract_to;
    config.first_extract_from = arguments.first_extract_from;
    config.page_size = arguments.page_size;
    let session = header.sessions.first().context("it has no session")?;
    // One cloud was recorded.
    config.clouds.truncate(1);
    let cloud = config
        .clouds
        .first_mut()
        .context("no cloud is configured")?;
    cloud.projects = arguments.projects;
    cloud.caso_tag = arguments.caso_tag;
    cloud.vo_property = arguments.vo_property;
    cloud.region_name = session.region.clone();
    cloud.extractors = arguments
        .extractors
        .iter()
        .map(|name| {
            Extractor::ALL
                .into_iter()
                .find(|extractor| extractor.as_str() == name)
                .with_context(|| format!("it has an extractor `{name}`, which is unknown"))
        })
        .collect::<anyhow::Result<_>>()?;
    Ok(())
}

/// The recorded cursors, for the replay's own spool.
pub fn restore_cursors(recording: &Path, spool: &Path) -> anyhow::Result<()> {
    copy_cursors(&recording.join(SPOOL), spool)
        .with_context(|| format!("cannot copy the cursors of `{}`", recording.display()))
}

/// Cursors and lastrun files from one spool to another.
fn copy_cursors(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    let Ok(entries) = fs::read_dir(from) else {
        return Ok(());
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let lastrun = name.to_string_lossy();
        if (lastrun == "lastrun" || lastrun.starts_with("lastrun.")) && entry.path().is_file() {
            fs::copy(entry.path(), to.join(&name))?;
        }
    }
    let cursors = from.join(CURSORS);
    if cursors.is_dir() {
        fs::create_dir_all(to.join(CURSORS))?;
        for entry in fs::read_dir(&cursors)? {
            let entry = entry?;
            if entry.path().is_file() {
                fs::copy(entry.path(), to.join(CURSORS).join(entry.file_name()))?;
            }
        }
    }
    Ok(())
}
