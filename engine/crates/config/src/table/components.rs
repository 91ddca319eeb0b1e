//! What the host, not the component, is told about a component:
//! `[messenger_NAME]` and `[mapper]`.

use super::row::{Row, rows};
use crate::value::Kind;

/// Stands for the section of each messenger.
pub const MESSENGER: &str = "messenger_NAME";
pub const MAPPER: &str = "mapper";

const MEMORY: &str = "Memory that the component may use.";
const TIMEOUT: &str = "How long one call of the component may take, waiting included.";
const DEADLINE: &str = "How long one call of the component may compute.";
const SHA256: &str = "SHA-256 of the component in hex. One that has another is not started.";
const MEMORY_KIND: Kind = Kind::Size(1 << 20);
const TIME_KIND: Kind = Kind::Duration(100, 86_400_000);

rows! {
    MESSENGER_COMPONENT = Row::new(MESSENGER, "component", Kind::Text,
        "The messenger's component: a file, or the name of a built-in one, for a second instance of it. When \
         unset, the built-in component of the messenger's name.");
    MESSENGER_SHA256 = Row::new(MESSENGER, "sha256", Kind::Text, SHA256);
    MESSENGER_RECORD_TYPES = Row::new(MESSENGER, "record_types", Kind::Texts,
        "Record types to give to this messenger: cloud, ip, accelerator, storage, energy, or one that its \
         component describes. Empty or unset: all that it takes; for ssm, when unset: cloud, ip, accelerator, \
         storage; for ssmv2: cloud.");
    MESSENGER_GRANTS = Row::new(MESSENGER, "grants", Kind::Texts,
        "What a component of your own may use beyond its own computing, divided by commas. Built-in ones are \
         granted what they ask for.");
    MESSENGER_MEMORY = Row::new(MESSENGER, "memory", MEMORY_KIND, MEMORY).default("64MiB");
    MESSENGER_TIMEOUT = Row::new(MESSENGER, "timeout", TIME_KIND, TIMEOUT).default("60s");
    MESSENGER_DEADLINE = Row::new(MESSENGER, "deadline", TIME_KIND, DEADLINE).default("10s");
    MAPPER_SHA256 = Row::new(MAPPER, "sha256", Kind::Text, SHA256);
    MAPPER_MEMORY = Row::new(MAPPER, "memory", MEMORY_KIND, MEMORY).default("64MiB");
    MAPPER_TIMEOUT = Row::new(MAPPER, "timeout", TIME_KIND, TIMEOUT).default("60s");
    MAPPER_DEADLINE = Row::new(MAPPER, "deadline", TIME_KIND, DEADLINE).default("10s");
}

/// The messenger to which cASO gives only these record types, unless told
/// otherwise.
pub const SSM: &str = "ssm";
/// The former section of its host keys, and that of today.
pub const SSM_SECTIONS: (&str, &str) = ("messenger_ssmv4", "messenger_ssm");
pub const SSM_RECORD_TYPES: &[&str] = &["cloud", "ip", "accelerator", "storage"];

/// Built-in messengers that get fewer record types than they could take, unless
/// told otherwise: cASO gave a third party everything that was extracted, cloud
/// records with the names of users among it.
pub const DEFAULT_RECORD_TYPES: &[(&str, &[&str])] =
    &[(SSM, SSM_RECORD_TYPES), ("greendigit_cim", &["energy"])];

/// Those of a built-in component, if they are not what it describes.
pub fn default_record_types(component: &str) -> Option<&'static [&'static str]> {
    let mut known = DEFAULT_RECORD_TYPES.iter();
    known
        .find(|(name, _)| *name == component)
        .map(|(_, types)| *types)
}

/// Those of its former version: v0.2 knew one type of record. Beside it cASO 2
/// put public IPs into messages of version `null`, which nobody reads.
pub const SSM_V2_RECORD_TYPES: &[&str] = &["cloud"];

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

/// Sections that cASO's extractors, messengers and libraries read, whose
/// options are not the engine's.
pub const COMPONENT_SECTIONS: &[&str] = &["benchmark", "accelerator"];

/// Sections of cASO without effect in this version, and why.
pub const IGNORED_SECTIONS: &[(&str, &str)] = &[(
    "oslo_concurrency",
    "the lock's options are `lock_path` and `lock_timeout` in [DEFAULT]",
)];
