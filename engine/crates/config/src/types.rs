//! The configuration as the other rooms see it: typed, checked, complete.

mod auth;
mod instance;
mod prometheus;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::error::ConfigError;
use super::origin::Origin;
use super::sources::Sources;
use caso_model::extraction::{CounterOptions, Extractor};
use caso_model::notice::Notice;
use caso_model::secret::Secret;

use super::own_places::OwnPlaces;

pub use auth::*;
pub use instance::*;
pub use prometheus::*;

/// Which command reads the configuration: it decides on the names of the
/// default files and on a few defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// `caso-extract`.
    Extract,
    /// `caso-projects`.
    Projects,
    /// `caso-mapping-migrate`, where `dry_run` is on unless turned off.
    MappingMigrate,
    /// `caso`.
    Caso,
}

impl Program {
    /// The name by which it is called, and its own files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Extract => "caso-extract",
            Self::Projects => "caso-projects",
            Self::MappingMigrate => "caso-mapping-migrate",
            Self::Caso => "caso",
        }
    }
}

/// All that a run has from outside.
#[derive(Debug, Clone)]
pub struct Config {
    /// The command that asked.
    pub program: Program,
    /// `spooldir`: cursors, lastrun files, journal.
    pub spooldir: PathBuf,
    /// `lock_path`: the folder of the lock file.
    pub lock_path: PathBuf,
    /// How long to wait for another run to end.
    pub lock_timeout: Duration,
    /// Where compiled components may be kept, in order of preference.
    pub cache_dirs: Vec<PathBuf>,
    /// Nothing is published and nothing remembered.
    pub dry_run: bool,
    /// Start of the window.
    pub extract_from: ExtractFrom,
    /// `extract_to`, in epoch seconds; `None` is now.
    pub extract_to: Option<i64>,
    /// Whether windows of the past get public IP records, too.
    pub ip_records_for_past_windows: bool,
    /// Projects of a region that are extracted side by side; at least 1.
    pub concurrency: usize,
    /// Entries asked for in one page of a list; at least 1.
    pub page_size: u32,
    /// Whether what adds up may be extracted twice.
    pub overlapping_intervals: bool,
    /// Where every run writes metrics.
    pub metrics_file: Option<PathBuf>,
    /// How long the extraction of a run may take.
    pub extraction_timeout: Duration,
    /// Bound of the time that one run spends on delivery.
    pub delivery_timeout: Duration,
    /// Records that are on disk for good before delivery begins beside the extraction; 0: never.
    pub deliver_while_extracting: u64,
    /// Bytes that may wait for one messenger before nothing is extracted any more; 0: no bound.
    pub max_waiting: u64,
    /// Whether a partly successful run exits with 0.
    pub partial_exit_ok: bool,
    /// `[ceilometer]`.
    pub counters: CounterOptions,
    /// `--migrate-projects` of `caso-projects` and `caso-mapping-migrate`.
    pub migrate_projects: bool,
    /// What turns usage into records.
    pub mapper: ComponentInstance,
    /// In the order of `messengers`, each name once.
    pub messengers: Vec<MessengerInstance>,
    /// In the order of `clouds`, each name once; one named `default` where the
    /// configuration names none. Never empty.
    pub clouds: Vec<CloudConfig>,
    /// Where the log goes.
    pub logging: Logging,
    /// Files that were read, in the order in which they override each other.
    pub files: Vec<PathBuf>,
    /// Folders of `--config-dir`, whose files are among `files`.
    pub folders: Vec<PathBuf>,
    /// Every option of the engine with the value in force, secrets masked.
    pub values: Vec<ShownValue>,
    /// What is odd in the files and costs nothing.
    pub warnings: Vec<Notice>,
    /// Files and folders from which a configuration is read, or would be if they
    /// were there.
    pub(super) places: OwnPlaces,
    /// Values of the engine's secret options.
    pub(super) secrets: Vec<Secret>,
    /// Sections with keystoneauth's options, of all clouds.
    pub(super) keystone_sections: Vec<String>,
    pub(super) sources: Arc<Sources>,
}

/// Start of the window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ExtractFrom {
    /// Where the last run ended.
    #[default]
    Cursor,
    /// `None`: 1970, whatever the cursors say.
    BeginningOfTime,
    /// An explicit moment, in epoch seconds.
    At(i64),
}

impl ExtractFrom {
    /// The explicit start in epoch seconds, if there is one.
    pub fn explicit(self) -> Option<i64> {
        match self {
            Self::Cursor => None,
            Self::BeginningOfTime => Some(0),
            Self::At(seconds) => Some(seconds),
        }
    }
}

/// One OpenStack.
#[derive(Debug, Clone, PartialEq)]
pub struct CloudConfig {
    /// Part of every cursor's key.
    pub name: String,
    /// Section of its own options: [DEFAULT], or `[cloud_NAME]`.
    pub section: String,
    /// `site_name`; see `site()`.
    pub site_name: Option<String>,
    /// `service_name`: name of the cloud at the site; `site_name` when unset.
    pub service_name: Option<String>,
    /// `cloud_type`: CloudType of the records.
    pub cloud_type: String,
    /// `region_name`, each once; see `regions()`.
    pub region_names: Vec<String>,
    /// Start of a first run, for a project without a cursor; `None` is 1970.
    pub first_extract_from: Option<i64>,
    /// Interfaces of the catalog, best first; never empty.
    pub interfaces: Vec<Interface>,
    /// In the order of the file, each once.
    pub extractors: Vec<Extractor>,
    /// What it would extract with but for the command line.
    pub written_extractors: Vec<Extractor>,
    /// Ids or names, in the order of the file, each once.
    pub projects: Vec<String>,
    /// `caso_tag`; `None` takes no project by tag.
    pub caso_tag: Option<String>,
    /// Whether the command line says which projects: other runs may account others.
    pub projects_typed: bool,
    /// The property of a Keystone project that holds its VO.
    pub vo_property: String,
    /// `voms.json`: the VO of projects without the property.
    pub mapping_file: PathBuf,
    /// Whether somebody set `mapping_file`: the default may be missing.
    pub mapping_file_set: bool,
    /// The section that says how to authenticate.
    pub keystone_section: String,
    /// Absent when it does not say; see `keystone()`.
    pub keystone_auth: Option<KeystoneAuth>,
    /// Absent only where something in it is wrong.
    pub prometheus: Option<PrometheusConfig>,
}

impl CloudConfig {
    /// Whether both log in to one Keystone, as far as their addresses say so.
    pub fn is_of_one_keystone(&self, other: &Self) -> bool {
        let section = self.keystone_section == other.keystone_section;
        let address = self.keystone_address();
        section || address.is_some() && address == other.keystone_address()
    }

    /// The address of its Keystone, without the version at its end.
    pub fn keystone_address(&self) -> Option<String> {
        let url = &self.keystone_auth.as_ref()?.login.auth_url;
        let url = url.as_str().trim_end_matches('/');
        let without = url
            .strip_suffix("/v3")
            .or_else(|| url.strip_suffix("/v2.0"));
        Some(without.unwrap_or(url).to_owned())
    }

    /// The regions to extract from; `None` is the first of the catalog.
    pub fn regions(&self) -> Vec<Option<String>> {
        if self.region_names.is_empty() {
            return vec![None];
        }
        self.region_names.iter().cloned().map(Some).collect()
    }

    /// `site_name`, which every record carries. Commands that make no records
    /// do without it.
    pub fn site(&self) -> Result<&str, ConfigError> {
        self.site_name
            .as_deref()
            .ok_or_else(|| ConfigError::Missing {
                section: self.section.clone(),
                option: "site_name".into(),
                why: "every record carries it; set it to the site's name in the GOC database"
                    .into(),
            })
    }

    /// How to authenticate, for commands that must.
    pub fn keystone(&self) -> Result<&KeystoneAuth, ConfigError> {
        self.keystone_auth.as_ref().ok_or_else(|| ConfigError::Missing {
            section: self.keystone_section.clone(),
            option: "auth_type".into(),
            why: "set it to `v3password`, `v3applicationcredential`, `v3oidcclientcredentials` or another auth type, with `auth_url` and that type's options".into(),
        })
    }
}

/// Interface of an endpoint in the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interface {
    /// For everybody.
    Public,
    /// Within the cloud.
    Internal,
    /// For its operators.
    Admin,
}

impl Interface {
    /// As the catalog has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Admin => "admin",
        }
    }
}

/// oslo.log's options that have a meaning here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logging {
    /// What is asked and answered, too.
    pub debug: bool,
    /// `log_file` in `log_dir`; standard error when absent.
    pub file: Option<PathBuf>,
    /// An object a line.
    pub json: bool,
    /// Facility to log to, with `use_syslog`.
    pub syslog: Option<Facility>,
}

/// A syslog facility.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facility {
    /// Python's: `LOG_LOCAL0`.
    pub name: &'static str,
    /// RFC 5424's number, not yet shifted.
    pub code: u8,
}

/// An option with its value in force, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownValue {
    /// Its section, without brackets.
    pub section: String,
    /// Its name.
    pub option: String,
    /// Masked for secrets; absent when unset.
    pub value: Option<String>,
    /// Whether it is a secret, or refers to one.
    pub secret: bool,
    /// Where it stands.
    pub origin: Origin,
}
