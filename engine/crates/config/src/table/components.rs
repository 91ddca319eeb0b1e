//! What the host, not the component, is told about a component:
//! `[messenger_NAME]` and `[mapper]`.

use std::time::Duration;

use super::row::{Row, rows};
use crate::value::{Sha256, Size};

/// Stands for the section of each messenger.
pub const MESSENGER: &str = "messenger_NAME";
pub const MAPPER: &str = "mapper";
/// Stands for the section of each filter.
pub const FILTER: &str = "filter_NAME";
/// The filters that are part of the program.
pub const BUILTIN_FILTERS: &[&str] = &["anonymise"];

const MEMORY: &str = "Memory that the component may use.";
const TIMEOUT: &str = "How long one call of the component may take, waiting included.";
const DEADLINE: &str = "How long one call of the component may compute.";
const SHA256: &str = "SHA-256 of the component in hex. One that differs is not started.";
const TENTH: Duration = Duration::from_millis(100);
const DAY: Duration = Duration::from_secs(86_400);

rows! {
    MESSENGER_COMPONENT: Option<String> = Row::new(MESSENGER, "component",
        "The messenger's component: a file, or the name of a built-in one, for a second instance of it. When \
         unset, the built-in component of the messenger's name.");
    MESSENGER_SHA256: Option<Sha256> = Row::new(MESSENGER, "sha256", SHA256);
    MESSENGER_RECORD_TYPES: Vec<String> = Row::new(MESSENGER, "record_types",
        "Record types to give to this messenger: cloud, ip, accelerator, storage, energy, or one that its \
         component describes. Empty or unset: all that it takes; for ssm, when unset: cloud, ip, accelerator, \
         storage; for ssmv2: cloud.");
    MESSENGER_GRANTS: Vec<String> = Row::new(MESSENGER, "grants",
        "What a component of your own may use beyond its own computing, comma-separated. Built-in ones are \
         granted what they ask for.");
    MESSENGER_FILTERS: Vec<String> = Row::new(MESSENGER, "filters",
        "Filters that records pass on their way to this messenger, in order: built in is anonymise; for one of your \
         own [filter_NAME] has its component. Where one cannot do its work the records wait: none goes by unfiltered.");
    MESSENGER_MEMORY: Size = Row::new(MESSENGER, "memory", MEMORY)
        .bytes_at_least(1 << 20)
        .default("64MiB");
    MESSENGER_TIMEOUT: Duration = Row::new(MESSENGER, "timeout", TIMEOUT)
        .at_least(TENTH)
        .at_most(DAY)
        .default("60s");
    MESSENGER_DEADLINE: Duration = Row::new(MESSENGER, "deadline", DEADLINE)
        .at_least(TENTH)
        .at_most(DAY)
        .default("10s");
    MESSENGER_OUTPUT: Size = Row::new(MESSENGER, "output",
        "What the component may put into queues, and as much into folders, in one run beyond 16 KiB for each record \
         that it is given. One that wants more is stopped, and its records wait.")
        .bytes_at_least(1 << 20)
        .default("64MiB");
    FILTER_COMPONENT: Option<String> = Row::new(FILTER, "component",
        "The filter's component: a file, or the name of a built-in one, for a second instance of it with options of \
         its own. When unset, the built-in filter of that name.");
    FILTER_SHA256: Option<Sha256> = Row::new(FILTER, "sha256", SHA256);
    FILTER_MEMORY: Size = Row::new(FILTER, "memory", MEMORY)
        .bytes_at_least(1 << 20)
        .default("64MiB");
    FILTER_TIMEOUT: Duration = Row::new(FILTER, "timeout", TIMEOUT)
        .at_least(TENTH)
        .at_most(DAY)
        .default("60s");
    FILTER_DEADLINE: Duration = Row::new(FILTER, "deadline", DEADLINE)
        .at_least(TENTH)
        .at_most(DAY)
        .default("10s");
    MAPPER_SHA256: Option<Sha256> = Row::new(MAPPER, "sha256", SHA256);
    MAPPER_MEMORY: Size = Row::new(MAPPER, "memory", MEMORY)
        .bytes_at_least(1 << 20)
        .default("64MiB");
    MAPPER_TIMEOUT: Duration = Row::new(MAPPER, "timeout", TIMEOUT)
        .at_least(TENTH)
        .at_most(DAY)
        .default("60s");
    MAPPER_DEADLINE: Duration = Row::new(MAPPER, "deadline", DEADLINE)
        .at_least(TENTH)
        .at_most(DAY)
        .default("10s");
}

/// Former names of options that are a component's now: (old, new). They hold
/// whether or not the component itself describes them.
pub const FORMER: &[(&str, &str)] = &[
    ("DEFAULT.benchmark_name_key", "benchmark.name_key"),
    ("DEFAULT.benchmark_value_key", "benchmark.value_key"),
    ("DEFAULT.accelerator_type_key", "accelerator.type_key"),
    ("DEFAULT.accelerator_vendor_key", "accelerator.vendor_key"),
    ("DEFAULT.accelerator_model_key", "accelerator.model_key"),
    ("DEFAULT.accelerator_number_key", "accelerator.number_key"),
];

/// The name of today for one of those.
pub fn former(section: &str, name: &str) -> Option<(&'static str, &'static str)> {
    let mut known = FORMER.iter();
    let (_, new) = known.find(|(old, _)| old.split_once('.') == Some((section, name)))?;
    new.split_once('.')
}

/// The sections of those: a component's, described or not.
pub fn component_sections() -> impl Iterator<Item = &'static str> {
    let new = FORMER.iter().filter_map(|(_, new)| new.split_once('.'));
    new.map(|(section, _)| section)
}

/// Headings of cASO's own sample files that say nothing: what `config_source` could be, and a
/// messenger's that had options once.
pub fn is_of_the_sample(section: &str) -> bool {
    matches!(section, "sample_remote_file_source" | "messenger_ssmv4")
}

/// Former names of components' options in a section.
pub fn former_names_in(section: &str) -> impl Iterator<Item = &'static str> {
    let split = FORMER.iter().filter_map(|(old, _)| old.split_once('.'));
    split
        .filter(move |(of, _)| *of == section)
        .map(|(_, name)| name)
}

/// Why a section of cASO's has no effect in this version.
pub fn why_ignored(section: &str) -> Option<&'static str> {
    match section {
        "oslo_concurrency" => {
            Some("the lock's options are `lock_path` and `lock_timeout` in [DEFAULT]")
        }
        _ => None,
    }
}
