//! Why the sandbox itself, or a component, is not taken in.

use std::io;
use std::path::PathBuf;

use super::describe::DescriptionError;
use caso_model::guest::GuestFailure;

/// The sandbox could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    #[error("the sandbox's compiler could not be set up: {0}")]
    Engine(String),
    #[error("no thread could be started to keep the sandbox's time")]
    Ticker(#[source] io::Error),
    #[error("the sandbox's host functions could not be linked: {0}")]
    Linker(String),
}

/// A component is not admitted. Each case names the component as the site
/// knows it: a path, or the name of a built-in.
#[derive(Debug, thiserror::Error)]
pub enum AdmissionError {
    #[error("component file `{}` could not be read", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("component file `{}` is not a regular file", path.display())]
    NotRegular { path: PathBuf },
    #[error("component file `{}` has {size} bytes, more than the {limit} that are allowed", path.display())]
    TooLarge {
        path: PathBuf,
        size: u64,
        limit: u64,
    },
    #[error(
        "`{pin}` is not a sha256: the one of `{}` is `{found}`; pin that if the file is the one \
         you mean", path.display()
    )]
    BadPin {
        path: PathBuf,
        pin: String,
        found: String,
    },
    #[error(
        "component file `{}` has sha256 `{found}`, but `{expected}` is pinned: somebody changed \
         the file, or the pin belongs to another version", path.display()
    )]
    Pin {
        path: PathBuf,
        expected: String,
        found: String,
    },
    #[error("`{component}` is not a WebAssembly component: {detail}")]
    NotAComponent { component: String, detail: String },
    #[error("component `{component}` imports `{import}`, which this host does not offer: {why}")]
    Import {
        component: String,
        import: String,
        why: String,
    },
    #[error("component `{component}` does not fit this host: {detail}")]
    Link { component: String, detail: String },
    #[error("component `{component}` exports no `{export}`: {why}")]
    Export {
        component: String,
        export: String,
        why: String,
    },
    #[error("component `{component}` could not describe itself")]
    Describe {
        component: String,
        #[source]
        failure: Box<GuestFailure>,
    },
    #[error("component `{component}` describes itself badly: {problem}")]
    Description {
        component: String,
        problem: DescriptionError,
    },
}
