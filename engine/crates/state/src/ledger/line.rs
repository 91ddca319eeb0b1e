//! A line of the ledger: what a run did.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use caso_model::Window;

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RunLine {
    /// Of the line.
    pub format: u32,
    /// Version of the program.
    pub version: String,
    /// When it began, in epoch seconds.
    pub began: i64,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// Its exit code.
    pub exit: u8,
    /// Id of its process.
    pub process: u32,
    /// Whether it extracted, or only delivered.
    pub extracted: bool,
    /// Whether it ran on a recording, at the time of that: it moves no cursor.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replay: bool,
    /// Clouds whose projects it was given as the configuration asks for them, by their names: one of these that it
    /// says nothing of was not among them. A run of some projects by hand has none, nor has a line of a version that did not say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listed: Vec<String>,
    /// Requests to OpenStack and Prometheus.
    pub requests: u64,
    /// Names of the projects that were found, by their ids.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<String, String>,
    /// What was extracted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<WindowLine>,
    /// What failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<FailureLine>,
    /// What was delivered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messengers: Vec<MessengerLine>,
    /// What was told of it as an error, as far as it is not too much.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<ProblemLine>,
}

/// An error of a run, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProblemLine {
    /// What is.
    pub text: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// One window of one extractor: all projects of which it is the same.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct WindowLine {
    /// Name of the cloud in the configuration.
    pub cloud: String,
    /// Name of its region, where that has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Name of the extractor.
    pub extractor: String,
    /// What was extracted, in epoch seconds.
    pub window: Window,
    /// Records that came of it, by id of the project.
    pub records: BTreeMap<String, u64>,
    /// The same, by record type.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub types: BTreeMap<String, u64>,
    /// Items that came to no record, as their rows could not be read or the mapper refused them, by
    /// id of the project.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lost: BTreeMap<String, u64>,
    /// From when on `used` counts, in epoch seconds: where the window before it ended. None where
    /// nothing was counted, as in lines of a version that did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_from: Option<i64>,
    /// What the records say was used from then to the window's end, by id of the project. One
    /// that is in `records` and not here was not counted: its use is unknown, not nothing.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub used: BTreeMap<String, Vec<UseRow>>,
}

/// What was used on a day by a VO, of a flavor. What is none was not used, or is of another
/// extractor.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct UseRow {
    /// Days since 1970-01-01, in UTC.
    pub day: i64,
    /// Name of the VO.
    pub vo: String,
    /// Name of the flavor, where a server used it and its name is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flavor: Option<String>,
    /// Seconds for which servers existed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_seconds: Option<u64>,
    /// Those times the CPUs that each had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_seconds: Option<f64>,
    /// Seconds of servers whose CPUs nobody stated: they are not in `cpu_seconds`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_cpus: Option<u64>,
    /// Seconds times accelerators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accelerator_seconds: Option<f64>,
    /// Seconds times GiB of storage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gib_seconds: Option<f64>,
    /// Energy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watt_hours: Option<f64>,
}

/// One extractor of one project, or a whole cloud, that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureLine {
    /// Name of the cloud in the configuration.
    pub cloud: String,
    /// Id of the project; none where the cloud failed as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Its name, as far as that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Name of the extractor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extractor: Option<String>,
    /// In words.
    pub reason: String,
}

/// What one messenger came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessengerLine {
    /// Name of its instance.
    pub name: String,
    /// Records that it took in this run.
    pub delivered: u64,
    /// Records that it refused or failed on in this run.
    pub quarantined: u64,
    /// Records that wait.
    pub waiting: u64,
    /// Records that were lost to it, as the journal's copy of them was damaged or gone.
    #[serde(default, skip_serializing_if = "is_none")]
    pub missing: u64,
    /// Why it stopped before its queue was empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
    /// Folders of its queues, which somebody else empties.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queues: Vec<PathBuf>,
}

// serde hands in a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_none(number: &u64) -> bool {
    *number == 0
}

/// What tells one run from another: none begins before the other has ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RunId {
    /// When it began, in epoch seconds.
    pub began: i64,
    /// Id of its process.
    pub process: u32,
}
