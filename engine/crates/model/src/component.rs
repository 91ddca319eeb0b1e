//! What a component says of itself, and the options it is given.
//! Documented in `wit/descriptions.wit` and `wit/types.wit`.

use super::Attribute;
use super::secret::is_secret;

/// What values an option takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OptionKind {
    Text,
    Integer,
    Number,
    Boolean,
    Duration,
    Size,
    Path,
    Url,
    Endpoint,
    Choice(Vec<String>),
    Texts,
    Secret,
    /// A kind newer than this host: treated as text.
    Other(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionDescription {
    /// `name`, in the section of the instance; or, of a built-in component,
    /// `section.name` for an option that keeps its historic section
    /// (`benchmark.name_key`).
    pub name: String,
    pub kind: OptionKind,
    pub default: Option<String>,
    pub required: bool,
    pub help: String,
    /// Former names, each `name` or `section.name`.
    pub old_names: Vec<String>,
    pub attributes: Vec<Attribute>,
}

impl OptionDescription {
    /// Whether its value is one that nobody may see: by its kind, its name, or a former name, under which it may
    /// still be set.
    pub fn is_secret(&self) -> bool {
        let mut names = self.old_names.iter().chain([&self.name]);
        names.any(|name| is_secret(&self.kind, name))
    }
}

/// Something outside the sandbox that a component would like to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapabilityRequest {
    pub name: String,
    pub kind: String,
    /// With `${option}` for the value of an option.
    pub target: String,
    pub required: bool,
    pub attributes: Vec<Attribute>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    pub name: String,
    pub summary: String,
    pub version: String,
    /// Empty means all.
    pub record_types: Vec<String>,
    pub options: Vec<OptionDescription>,
    pub capabilities: Vec<CapabilityRequest>,
    pub packing_option: Option<String>,
    pub attributes: Vec<Attribute>,
}

/// The value of one option, parsed and checked.
#[derive(Debug, Clone, PartialEq)]
pub enum OptionValue {
    Text(String),
    Integer(i64),
    Number(f64),
    Boolean(bool),
    DurationMilliseconds(u64),
    SizeBytes(u64),
    Texts(Vec<String>),
}

/// What a component is started with.
#[derive(Debug, Clone, PartialEq)]
pub struct Setup {
    /// Name of the instance.
    pub instance: String,
    /// The options in force, in the order of the description.
    pub settings: Vec<Setting>,
    /// Facts of the host.
    pub attributes: Vec<Attribute>,
}

/// One option with the value in force. Whether it is secret follows from the
/// description (kind) and the name (password, secret, token).
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    pub name: String,
    pub value: OptionValue,
}
