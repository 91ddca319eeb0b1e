//! The texts of a refusal: each says what would change it, in the form that is
//! accepted, and where that is written.

use std::fmt;

use super::grant::{Grant, Kind};
use super::request::RequestProblem;
use super::terms::{AddressTerms, ConnectionTerms, HttpTerms, QueueTerms, TlsTerms};
use crate::mask::Mask;
use caso_base::conf::{self, Grammar};
use caso_base::line::clean_line;
use caso_net::address::{Reach, is_surroundings};

/// The messenger instance that asks, and where its operator writes what a
/// refusal asks for. The words are the host's: they stand as they are in texts
/// like "add `queue:/path` to {grants}" and "set it in {options}".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceName {
    /// Its name, shown in backticks.
    pub name: String,
    /// Where its grants are listed.
    pub grants: String,
    /// Where its options are set.
    pub options: String,
    /// How that place reads a grant: one that is offered is written so.
    pub grammar: Grammar,
    /// Secrets of the site, which may have come into a grant by a `$`.
    pub mask: Mask,
}

impl InstanceName {
    /// A name with words that fit any host.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            grants: "its grants".to_owned(),
            options: "its options".to_owned(),
            grammar: Grammar::default(),
            mask: Mask::default(),
        }
    }

    /// The sentence with which a refusal ends that one grant would change. The grant is made of
    /// a component's text: it stands as the list of grants reads it back.
    pub(crate) fn add(&self, grant: &str) -> String {
        let Self {
            grants, grammar, ..
        } = self;
        match conf::entry_in(grant, *grammar) {
            Ok(written) => format!("add `{}` to {grants}", self.mask.hidden(&written)),
            Err(why) => format!(
                "`{}`, which would be needed, cannot stand in {grants}: {why}",
                self.shown(grant)
            ),
        }
    }

    /// A grant of the site's, in a text that people read.
    pub fn shown(&self, grant: &(impl ToString + ?Sized)) -> String {
        self.mask.hidden(&clean_line(&grant.to_string()))
    }
}

impl Default for InstanceName {
    fn default() -> Self {
        Self::new("")
    }
}

/// Why a request is not granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    /// An option that its target needs has no value.
    Unset {
        /// Of the capability.
        kind: String,
        /// As the component wrote it, with `${option}`.
        target: String,
        /// The option's name.
        option: String,
    },
    /// This host has no capability of this kind.
    NotOffered(String),
    /// What it comes to is not a thing that can be granted.
    Invalid {
        /// Why not.
        problem: RequestProblem,
        /// The options whose values make it up.
        options: Vec<String>,
    },
    /// No grant of the site covers it.
    NotGranted {
        /// This one, in its plain form, would.
        grant: Box<Grant>,
        /// Those of the site that cover nothing of what it asks for.
        idle: Vec<Grant>,
    },
    /// It lies in a part of the system of which nobody is granted anything.
    OfTheSystem {
        /// What would be asked for.
        grant: Box<Grant>,
        /// `/`, `/proc` and the like.
        tree: &'static str,
    },
}

impl From<RequestProblem> for Denial {
    fn from(problem: RequestProblem) -> Self {
        Self::Invalid {
            problem,
            options: Vec::new(),
        }
    }
}

/// A component cannot have what it needs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct GrantError {
    /// Who asks.
    pub instance: InstanceName,
    /// The capability's name.
    pub capability: String,
    /// Why not.
    pub denial: Box<Denial>,
}

impl fmt::Display for GrantError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            instance,
            capability,
            denial,
        } = self;
        let InstanceName { name, options, .. } = instance;
        match &**denial {
            Denial::Unset {
                kind,
                target,
                option,
            } => write!(
                f,
                "messenger `{name}` needs `{capability}` ({kind} at `{target}`), but the option \
                 `{option}` is not set: set it in {options}"
            ),
            Denial::Invalid {
                problem,
                options: of,
            } => {
                write!(
                    f,
                    "messenger `{name}` asks for `{capability}`, which is nothing to grant: {}",
                    instance.mask.hidden(&problem.to_string())
                )?;
                match of.as_slice() {
                    [] => Ok(()),
                    of => write!(f, "; it is made of `{}` in {options}", of.join("` and `")),
                }
            }
            Denial::NotGranted { grant, idle } => {
                write!(
                    f,
                    "messenger `{name}` needs `{capability}`, which it is not granted: {}",
                    remedy(instance, grant)
                )?;
                let idle = idle.iter().map(|it| format!("`{}`", instance.shown(it)));
                let idle: Vec<String> = idle.collect();
                match idle.is_empty() {
                    true => Ok(()),
                    false => write!(
                        f,
                        "; it is granted {}, which it does not ask for",
                        idle.join(" and ")
                    ),
                }
            }
            Denial::OfTheSystem { grant, tree } => write!(
                f,
                "messenger `{name}` asks for `{capability}`, `{}`, which is granted to nobody: \
                 it lies in `{tree}`, which is the system's",
                instance.shown(grant)
            ),
            Denial::NotOffered(kind) => write!(
                f,
                "messenger `{name}` needs `{capability}` of kind `{kind}`, which is not offered by \
                 this host yet"
            ),
        }
    }
}

impl GrantError {
    /// For the guest that uses the capability's name all the same.
    pub(super) fn to_guest(&self) -> String {
        let remedy = match &*self.denial {
            Denial::NotGranted { grant, .. } => remedy(&self.instance, grant),
            _ => self.to_string(),
        };
        format!("`{}` is not granted: {remedy}", self.capability)
    }
}

/// The line to add; with a word of warning where it is one that a component might well ask
/// for, and a site should not grant for the asking.
fn remedy(instance: &InstanceName, grant: &Grant) -> String {
    let add = instance.add(&grant.to_string());
    let host = match grant {
        Grant::Connection(terms) => Some(terms.endpoint.host.clone()),
        Grant::Address(terms) => Some(terms.endpoint.host.clone()),
        Grant::Http(terms) => url::Url::parse(&terms.origin)
            .ok()
            .and_then(|url| url.host_str().map(str::to_owned)),
        Grant::Queue(_) | Grant::Directory(_) | Grant::Signature(_) => None,
    };
    match host.is_some_and(|host| is_surroundings(&host)) {
        true => format!(
            "{add}, but only if you know what for: clouds hand out credentials at such addresses"
        ),
        false => add,
    }
}

/// For a guest that uses what it asked for, though the option that makes it up is not set.
pub fn unset(instance: &InstanceName, capability: &str, option: &str) -> String {
    format!(
        "`{capability}` is not granted, as the option `{option}` is not set: set it in {}",
        instance.options
    )
}

/// For a guest that uses a name for which it did not even ask.
pub fn unknown(instance: &InstanceName, kind: Kind, name: &str) -> String {
    let form = match kind {
        // With `wasi:http` a guest names the origin itself.
        Kind::Http if name.contains("://") => format!("http:{name}"),
        Kind::Http => "http:https://host".to_owned(),
        Kind::Queue => "queue:/path".to_owned(),
        Kind::Signature => "signature:/path".to_owned(),
        kind => format!("{}:host:port", kind.as_str()),
    };
    format!(
        "no {} `{name}` is granted: the component's description must ask for it, and {}",
        kind.as_str(),
        instance.add(&form)
    )
}

/// The grant to suggest: without terms that the component chose.
pub fn plain(grant: Grant) -> Grant {
    match grant {
        Grant::Queue(QueueTerms { path, .. }) => Grant::Queue(QueueTerms { path, umask: None }),
        Grant::Connection(ConnectionTerms { endpoint, tls, .. }) => {
            Grant::Connection(ConnectionTerms {
                endpoint,
                tls,
                trust: TlsTerms::default(),
                reach: Reach::Public,
            })
        }
        Grant::Http(HttpTerms { origin, .. }) => Grant::Http(HttpTerms {
            origin,
            trust: TlsTerms::default(),
            reach: Reach::Public,
        }),
        Grant::Address(AddressTerms { endpoint, .. }) => Grant::Address(AddressTerms {
            endpoint,
            reach: Reach::Public,
        }),
        Grant::Directory(terms) => Grant::Directory(terms),
        // Without its key it would be nothing, and without a receiver more than was asked for.
        Grant::Signature(terms) => Grant::Signature(terms),
    }
}
