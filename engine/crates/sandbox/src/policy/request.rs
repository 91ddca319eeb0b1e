//! What a component asks for: its request with the options' values filled in.
//!
//! A description is written before any site has a configuration, so a target
//! and the terms of a request hold `${option}` where the value of an option
//! belongs. What comes out is a grant like one that an operator would write.

use std::path::PathBuf;

use super::grant::{Grant, GrantProblem, Kind, ParseGrantError};
use super::refusal::Denial;
use super::terms::{self, TlsTerms};
use super::value::{self, ValueError};
use crate::mask::Mask;
use caso_model::component::{CapabilityRequest, OptionValue, Setting};
use caso_net::address::Reach;

/// An attribute of a request that asks for nothing: what it is for, in words.
const PURPOSE: &str = "purpose";

/// What is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestProblem {
    /// `${` without its end in the target.
    #[error("its target `{0}` has a `${{` without `}}`")]
    OpenTarget(String),
    /// The same in a term.
    #[error("its term `{0}` has a `${{` without `}}`")]
    OpenTerm(&'static str),
    /// The target is not one of its kind.
    #[error(transparent)]
    Target(#[from] ParseGrantError),
    /// A value is malformed.
    #[error(transparent)]
    Value(#[from] ValueError),
    /// A term that this host does not know, and so cannot hold.
    #[error("{kind} has no term `{term}` in this version")]
    UnknownTerm {
        /// Its name, fit to be shown.
        term: String,
        /// What is asked for.
        kind: &'static str,
    },
    /// A boolean term is malformed.
    #[error("its term `{term}`: {problem}")]
    Term {
        /// The term's name.
        term: &'static str,
        /// What is wrong with its value.
        problem: ValueError,
    },
    /// The terms do not go together.
    #[error(transparent)]
    Terms(#[from] GrantProblem),
}

/// What a request comes to.
pub enum Wanted {
    /// The grant that would cover it, with the terms that it asks for.
    Grant(Grant),
    /// It is optional, and this option of its target is not set.
    Absent(String),
}

impl Wanted {
    pub fn grant(self) -> Option<Grant> {
        match self {
            Self::Grant(grant) => Some(grant),
            Self::Absent(_) => None,
        }
    }
}

/// What the request comes to with these settings.
pub fn wanted(request: &CapabilityRequest, settings: &[Setting]) -> Result<Wanted, Denial> {
    let target = match fill(&request.target, settings) {
        Ok(target) => target,
        Err(Unfilled::Unset(option)) if !request.required => return Ok(Wanted::Absent(option)),
        Err(Unfilled::Unset(option)) => {
            return Err(Denial::Unset {
                kind: request.kind.clone(),
                target: request.target.clone(),
                option,
            });
        }
        Err(Unfilled::Open) => {
            return Err(RequestProblem::OpenTarget(request.target.clone()).into());
        }
    };
    let Some(kind) = Kind::named(&request.kind) else {
        return Err(Denial::NotOffered(request.kind.clone()));
    };
    let terms = Terms { request, settings };
    let grant = terms
        .grant(kind, &target)
        .map_err(|problem| Denial::Invalid {
            problem,
            options: named_in(&request.target),
        })?;
    Ok(Wanted::Grant(grant))
}

/// The options whose values are filled in, each once.
fn named_in(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for part in text.split("${").skip(1) {
        if let Some((name, _)) = part.split_once('}')
            && !names.iter().any(|it| it == name)
        {
            names.push(name.to_owned());
        }
    }
    names
}

/// The terms of one request.
struct Terms<'a> {
    request: &'a CapabilityRequest,
    settings: &'a [Setting],
}

impl Terms<'_> {
    fn grant(&self, kind: Kind, target: &str) -> Result<Grant, RequestProblem> {
        self.known(kind)?;
        let target = match kind {
            // An option has the address of a service, path and all.
            Kind::Http => value::origin_of(target)?,
            _ => target.to_owned(),
        };
        let mut grant = kind.plain(&target)?;
        match &mut grant {
            Grant::Queue(queue) => {
                if let Some(text) = self.text("umask")? {
                    queue.umask = Some(value::umask(&text)?);
                }
            }
            Grant::Connection(connection) => {
                if let Some(tls) = self.boolean("tls")? {
                    connection.tls = tls;
                }
                if connection.tls {
                    connection.trust = self.trust()?;
                }
                connection.reach = self.reach()?;
            }
            Grant::Http(http) => {
                if http.origin.starts_with("https:") {
                    http.trust = self.trust()?;
                }
                http.reach = self.reach()?;
            }
            Grant::Signature(signature) => {
                let files = &mut signature.files;
                if let Some(keyfile) = self.path("keyfile")? {
                    files.keyfile = keyfile;
                }
                files.encrypt = self.path("encrypt")?;
            }
            Grant::Address(address) => address.reach = self.reach()?,
            Grant::Directory(_) => {}
        }
        Ok(grant)
    }

    /// A term narrows what is asked for: one that is not understood is not granted.
    fn known(&self, kind: Kind) -> Result<(), RequestProblem> {
        let mut terms = self.request.attributes.iter().map(|term| &term.name);
        let known = |term: &&String| {
            let term = term.as_str();
            let of_kind = kind.terms().contains(&term) || kind == Kind::Connection && term == "tls";
            of_kind || term == PURPOSE
        };
        match terms.find(|term| !known(term)) {
            None => Ok(()),
            Some(term) => Err(RequestProblem::UnknownTerm {
                term: shown(term),
                kind: kind.as_str(),
            }),
        }
    }

    /// Whom it would trust, and what it would show.
    fn trust(&self) -> Result<TlsTerms, RequestProblem> {
        let path = |name| self.path(name);
        let verify = self.boolean("verify")?.unwrap_or(true);
        Ok(TlsTerms {
            // Who does not check needs none.
            cafile: path("cafile")?.filter(|_| verify),
            verify,
            identity: terms::identity(path("certfile")?, path("keyfile")?)?,
        })
    }

    fn reach(&self) -> Result<Reach, RequestProblem> {
        Ok(match self.boolean(terms::LOCAL)? {
            Some(false) => Reach::Public,
            // What is asked for is granted to nobody but what came with the host, whose
            // names are the site's own words: an option of caso.conf.
            Some(true) | None => Reach::Local,
        })
    }

    /// The term's value; none where it is not asked for, or its option is not set.
    fn text(&self, name: &'static str) -> Result<Option<String>, RequestProblem> {
        let terms = &self.request.attributes;
        let Some(term) = terms.iter().find(|term| term.name == name) else {
            return Ok(None);
        };
        match fill(&term.value, self.settings) {
            Ok(text) => Ok(Some(text)),
            Err(Unfilled::Unset(_)) => Ok(None),
            Err(Unfilled::Open) => Err(RequestProblem::OpenTerm(name)),
        }
    }

    fn path(&self, name: &'static str) -> Result<Option<PathBuf>, RequestProblem> {
        let text = self.text(name)?;
        Ok(text.map(|text| value::path(&text)).transpose()?)
    }

    fn boolean(&self, term: &'static str) -> Result<Option<bool>, RequestProblem> {
        let text = self.text(term)?;
        text.map(|text| value::boolean(&text))
            .transpose()
            .map_err(|problem| RequestProblem::Term { term, problem })
    }
}

fn shown(text: &str) -> String {
    Mask::default().line(text, 80)
}

enum Unfilled {
    /// This option has no value, or an empty one.
    Unset(String),
    /// `${` without `}`.
    Open,
}

/// Fills in the `${option}`s of a text.
fn fill(text: &str, settings: &[Setting]) -> Result<String, Unfilled> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (option, after) = after.split_once('}').ok_or(Unfilled::Open)?;
        let value = settings
            .iter()
            .find(|setting| setting.name == option)
            .map(|setting| spelled(&setting.value));
        match value {
            Some(value) if !value.is_empty() => {
                filled.push_str(before);
                filled.push_str(&value);
            }
            _ => return Err(Unfilled::Unset(option.to_owned())),
        }
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

fn spelled(value: &OptionValue) -> String {
    match value {
        OptionValue::Text(text) => text.clone(),
        OptionValue::Integer(number) => number.to_string(),
        OptionValue::Number(number) => number.to_string(),
        OptionValue::Boolean(truth) => truth.to_string(),
        OptionValue::DurationMilliseconds(number) | OptionValue::SizeBytes(number) => {
            number.to_string()
        }
        OptionValue::Texts(texts) => texts.join(","),
    }
}
