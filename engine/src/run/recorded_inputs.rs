//! What a recording holds besides the exchanges, and how a replay gets it back.
//!
//! What a run asks depends on the configuration and on the cursors. So a
//! recording's folder holds the options that decide it (in the header), the
//! mapping file, and the cursors and lastrun files as they were before the run.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

use super::extract::prometheus::PowerArguments;
use super::extract::session_of;
use caso_config::{CloudConfig, Config, ExtractFrom};
use caso_model::Window;
use caso_model::extraction::CounterOptions;
use caso_model::extraction::Extractor;
use caso_net::Transport;
use caso_openstack::recording::{Header, Names, RecordedSession, Recorder};

const SPOOL: &str = "spool";
const CURSORS: &str = "caso-cursors";
const SERVERS: &str = "caso-servers";

/// The options that decide what is asked.
#[derive(Debug, Serialize, Deserialize)]
struct Arguments {
    extract_from: Option<i64>,
    extract_to: Option<i64>,
    #[serde(default)]
    ip_records_for_past_windows: bool,
    #[serde(default)]
    counters: CounterOptions,
    page_size: u32,
    /// In the order of the header's sessions.
    #[serde(default)]
    clouds: Vec<CloudArguments>,
}

/// Those of one cloud. In recordings of programs that knew one cloud only they
/// stand among the others.
#[derive(Debug, Serialize, Deserialize)]
struct CloudArguments {
    #[serde(default = "only")]
    cloud: String,
    #[serde(default)]
    regions: Vec<String>,
    first_extract_from: Option<i64>,
    projects: Vec<String>,
    caso_tag: Option<String>,
    vo_property: String,
    extractors: Vec<String>,
    /// Where the extractor `prometheus` is among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    power: Option<PowerArguments>,
}

fn only() -> String {
    caso_config::ONLY_CLOUD.to_owned()
}

/// The recorded mapping file of a cloud, by the cloud's place.
fn mapping(cloud: usize) -> String {
    match cloud {
        0 => "voms.json".to_owned(),
        _ => format!("voms-{cloud}.json"),
    }
}

/// Begins a recording in `folder` around `inner`, the way to the first cloud.
///
/// # Errors
/// `folder` is not new, or something that belongs to it cannot be read or
/// written.
pub fn record(
    folder: &Path,
    keep_names: bool,
    config: &Config,
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
    for cloud in &config.clouds {
        let settings = session_of::session_settings(cloud, cloud.keystone()?, config.concurrency);
        header.sessions.push(RecordedSession::of(&settings));
    }
    header.arguments = arguments(config)?;
    let recorder = Recorder::new(inner, folder, header)?;
    for (index, cloud) in config.clouds.iter().enumerate() {
        let from = &cloud.mapping_file;
        if from.exists() {
            let kept = || format!("cannot keep `{}`", from.display());
            let text = fs::read_to_string(from).with_context(kept)?;
            // Projects may stand in it by name.
            let cleaned = recorder.cleaned(serde_json::from_str(&text).with_context(kept)?);
            fs::write(folder.join(mapping(index)), cleaned.to_string()).with_context(kept)?;
        }
    }
    copy_cursors(&config.spooldir, &folder.join(SPOOL))
        .with_context(|| format!("cannot keep the cursors of `{}`", config.spooldir.display()))?;
    Ok(Arc::new(recorder))
}

fn arguments(config: &Config) -> anyhow::Result<BTreeMap<String, serde_json::Value>> {
    let cloud = |cloud: &CloudConfig| CloudArguments {
        cloud: cloud.name.clone(),
        regions: cloud.region_names.clone(),
        first_extract_from: cloud.first_extract_from,
        projects: cloud.projects.clone(),
        caso_tag: cloud.caso_tag.clone(),
        vo_property: cloud.vo_property.clone(),
        extractors: cloud
            .extractors
            .iter()
            .map(|extractor| extractor.as_str().to_owned())
            .collect(),
        power: cloud
            .prometheus
            .as_ref()
            .filter(|_| cloud.extractors.contains(&Extractor::Prometheus))
            .map(PowerArguments::of),
    };
    let arguments = Arguments {
        extract_from: config.extract_from.explicit(),
        extract_to: config.extract_to,
        ip_records_for_past_windows: config.ip_records_for_past_windows,
        counters: config.counters,
        page_size: config.page_size,
        clouds: config.clouds.iter().map(cloud).collect(),
    };
    Ok(serde_json::from_value(serde_json::to_value(arguments)?)?)
}

/// The configuration by which a run asks what the recorded run asked. The
/// recording that ships with the program has no `folder`.
///
/// # Errors
/// The recording's options cannot be used by this version.
pub fn configuration(
    header: &Header,
    folder: Option<&Path>,
    config: Config,
) -> anyhow::Result<Config> {
    let Some(folder) = folder else {
        return asking(header, config);
    };
    let mut config = asking(header, config)
        .with_context(|| format!("the recording in `{}` cannot be replayed", folder.display()))?;
    for (index, cloud) in config.clouds.iter_mut().enumerate() {
        cloud.mapping_file = folder.join(mapping(index));
        cloud.mapping_file_set = false;
    }
    Ok(config)
}

fn asking(header: &Header, mut config: Config) -> anyhow::Result<Config> {
    let written = serde_json::to_value(&header.arguments)?;
    let mut arguments: Arguments = serde_json::from_value(written.clone())?;
    if arguments.clouds.is_empty() {
        arguments.clouds.push(serde_json::from_value(written)?);
    }
    config.extract_from = match arguments.extract_from {
        Some(from) => ExtractFrom::At(from),
        None => ExtractFrom::Cursor,
    };
    config.extract_to = arguments.extract_to;
    config.ip_records_for_past_windows = arguments.ip_records_for_past_windows;
    config.counters = arguments.counters;
    config.page_size = arguments.page_size;
    if header.sessions.len() < arguments.clouds.len() {
        bail!("it has fewer sessions than clouds");
    }
    // Which clouds there are is the recording's, under which names of site and
    // service they are reported the configuration's.
    config.clouds = arguments
        .clouds
        .into_iter()
        .zip(&header.sessions)
        .map(|(recorded, session)| cloud(&config, recorded, session))
        .collect::<anyhow::Result<_>>()?;
    Ok(config)
}

fn cloud(
    config: &Config,
    recorded: CloudArguments,
    session: &RecordedSession,
) -> anyhow::Result<CloudConfig> {
    let same = config
        .clouds
        .iter()
        .find(|known| known.name == recorded.cloud);
    let like = same.or_else(|| config.clouds.first());
    let like = like.context("no cloud is configured")?.clone();
    let region_names = match recorded.regions.is_empty() {
        true => session.region.iter().cloned().collect(),
        false => recorded.regions,
    };
    let extractor = |name: &String| {
        Extractor::named(name)
            .with_context(|| format!("it has an extractor `{name}`, which is unknown"))
    };
    Ok(CloudConfig {
        prometheus: recorded.power.map(PowerArguments::config).transpose()?,
        name: recorded.cloud,
        region_names,
        first_extract_from: recorded.first_extract_from,
        projects: recorded.projects,
        caso_tag: recorded.caso_tag,
        vo_property: recorded.vo_property,
        extractors: recorded
            .extractors
            .iter()
            .map(extractor)
            .collect::<anyhow::Result<_>>()?,
        ..like
    })
}

/// The recorded cursors, for the replay's own spool.
///
/// # Errors
/// One of them cannot be read or written.
pub fn restore_cursors(recording: &Path, spool: &Path) -> anyhow::Result<()> {
    copy_cursors(&recording.join(SPOOL), spool)
        .with_context(|| format!("cannot copy the cursors of `{}`", recording.display()))
}

/// Cursors, lastrun files and what is remembered of servers from one spool to another. A spool that is not
/// there has none; one that cannot be read is an error: without its cursors the
/// recording would answer other questions than a replay asks.
fn copy_cursors(from: &Path, to: &Path) -> io::Result<()> {
    let is_lastrun = |name: &str| name == "lastrun" || name.starts_with("lastrun.");
    fs::create_dir_all(to)?;
    copy_files(from, to, is_lastrun)?;
    for folder in [CURSORS, SERVERS] {
        copy_folder(&from.join(folder), &to.join(folder))?;
    }
    Ok(())
}

/// With the folders in it; one that is not there has none.
fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    if !from.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(to)?;
    copy_files(from, to, |_| true)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy_folder(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

fn copy_files(from: &Path, to: &Path, wanted: impl Fn(&str) -> bool) -> io::Result<()> {
    let entries = match fs::read_dir(from) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name()))?;
        if wanted(&name.to_string_lossy()) && path.is_file() {
            fs::copy(&path, to.join(&name))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lastrun_files_and_cursors_are_copied_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::create_dir_all(from.join(CURSORS)).unwrap();
        fs::create_dir_all(from.join("caso-servers/cloud")).unwrap();
        for name in [
            "lastrun",
            "lastrun.p1",
            "lastrunner",
            "caso-cursors/p1.json",
            "caso-servers/cloud/p1.a",
        ] {
            fs::write(from.join(name), name).unwrap();
        }
        copy_cursors(&from, &to).unwrap();
        for name in [
            "lastrun",
            "lastrun.p1",
            "caso-cursors/p1.json",
            "caso-servers/cloud/p1.a",
        ] {
            assert_eq!(fs::read_to_string(to.join(name)).unwrap(), name);
        }
        assert!(!to.join("lastrunner").exists());
    }

    #[test]
    fn no_spool_has_no_cursors_and_an_unreadable_one_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("to");
        copy_cursors(&folder.path().join("none"), &to).unwrap();
        // A file in its place: root, too, cannot read that as a folder.
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let error = copy_cursors(&file, &to).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotADirectory);
    }
}
