//! Why the sandbox itself, or a component, is not taken in.

use std::io;
use std::path::{Path, PathBuf};

use super::address_space::Shortage;
use super::describe::DescriptionError;
use super::unusable::Feature;
use caso_model::guest::GuestFailure;

/// The sandbox could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// Not one guest would fit.
    #[error("{0}")]
    AddressSpace(Shortage),
    /// The machine is not one for which wasmtime compiles, or lacks what it needs.
    #[error("the sandbox's compiler could not be set up: {0}")]
    Engine(String),
    /// Without that thread no deadline would ever be reached.
    #[error("no thread could be started to keep the sandbox's time")]
    Ticker(#[source] io::Error),
    /// A mistake of this crate: two host functions of one name.
    #[error("the sandbox's host functions could not be linked: {0}")]
    Linker(String),
}

fn used(feature: Feature) -> String {
    match feature {
        Feature::Async => {
            "is built for async (WASI 0.3), and calls of the contract are synchronous".to_owned()
        }
        Feature::Proposal(Some(name)) => format!("uses {name}, which this engine does not have"),
        Feature::Proposal(None) => {
            "uses a feature of WebAssembly that this engine does not have".to_owned()
        }
    }
}

/// A relative path depends on the folder that this program was started in.
fn looked_for(path: &Path) -> String {
    let whole = std::path::absolute(path);
    whole.as_deref().unwrap_or(path).display().to_string()
}

/// A component is not admitted. Each case names the component as the operator
/// knows it: a path, or the name of a built-in.
#[derive(Debug, thiserror::Error)]
pub enum AdmissionError {
    /// The file is not there, or may not be read.
    #[error("component file `{}` could not be read", looked_for(path))]
    Read {
        /// Of the file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A folder, a pipe, a device.
    #[error("component file `{}` is not a regular file", path.display())]
    NotRegular {
        /// Of what is there.
        path: PathBuf,
    },
    /// Larger than the settings allow.
    #[error(
        "component file `{}` has {size} bytes, more than the {limit} that are allowed",
        path.display()
    )]
    TooLarge {
        /// Of the file.
        path: PathBuf,
        /// Its bytes, as far as they were counted.
        size: u64,
        /// Bytes that it may have.
        limit: u64,
    },
    /// What should pin the file is not 64 hexadecimal digits.
    #[error(
        "`{pin}` is not a sha256: the one of `{}` is `{found}`; pin that if the file is the one \
         you mean", path.display()
    )]
    BadPin {
        /// Of the file.
        path: PathBuf,
        /// As it was written.
        pin: String,
        /// The file's own digest, lower-case hex.
        found: String,
    },
    /// Not the bytes that were pinned.
    #[error(
        "component file `{}` has sha256 `{found}`, but `{expected}` is pinned: somebody changed \
         the file, or the pin belongs to another version", path.display()
    )]
    Pin {
        /// Of the file.
        path: PathBuf,
        /// The pin, lower-case hex.
        expected: String,
        /// The file's own digest, lower-case hex.
        found: String,
    },
    /// The bytes are something else, or damaged.
    #[error("`{component}` is not a WebAssembly component: {detail}")]
    NotAComponent {
        /// Path or name.
        component: String,
        /// What they are, or where the compiler stopped.
        detail: String,
        /// What makes a component of them.
        hint: Option<String>,
    },
    /// It is a component, for an engine that has more than this one.
    #[error("component `{component}` {} ({detail})", used(*feature))]
    Feature {
        /// Path or name.
        component: String,
        /// Of what it makes use.
        feature: Feature,
        /// The validator's words.
        detail: String,
    },
    /// It is too dear to compile, or could not be.
    #[error("component `{component}` cannot be used: {detail}")]
    Compile {
        /// Path or name.
        component: String,
        /// What it takes too much of.
        detail: String,
    },
    /// It wants something of the host that no component gets.
    #[error("component `{component}` imports `{import}`, which this host does not offer: {why}")]
    Import {
        /// Path or name.
        component: String,
        /// Its whole name, with the version.
        import: String,
        /// Why not.
        why: String,
    },
    /// An import or export has another type than in the contract.
    #[error("component `{component}` does not fit this host: {detail}")]
    Link {
        /// Path or name.
        component: String,
        /// Which, and how.
        detail: String,
    },
    /// It cannot do what a component must.
    #[error("component `{component}` exports no `{export}`: {why}")]
    Export {
        /// Path or name.
        component: String,
        /// What is missing.
        export: String,
        /// What it would be for, or what is there instead.
        why: String,
    },
    /// It is of a version of the contract that this host does not speak.
    #[error("component `{component}` cannot be used: {why}")]
    Version {
        /// Path or name.
        component: String,
        /// Which, which the host has, and the way out.
        why: String,
    },
    /// `describe` failed.
    #[error("component `{component}` could not describe itself: {}", failure.cause())]
    Describe {
        /// Path or name.
        component: String,
        /// How. Its own text would name the component once more.
        failure: Box<GuestFailure>,
    },
    /// `describe` answered what makes no sense.
    #[error("component `{component}` describes itself badly: {problem}")]
    Description {
        /// Path or name.
        component: String,
        /// What is wrong with it.
        problem: DescriptionError,
    },
}

impl AdmissionError {
    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotAComponent { hint, .. } => hint.clone(),
            Self::Feature { feature, .. } => Some(match feature {
                Feature::Async => {
                    "build it for WASI 0.2, with functions that are not async".to_owned()
                }
                Feature::Proposal(_) => "build it without that".to_owned(),
            }),
            Self::Describe { failure, .. } => Some(failure.limit.as_ref()?.to_string()),
            _ => None,
        }
    }
}
