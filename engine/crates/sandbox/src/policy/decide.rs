//! The decision: which of the capabilities that a component asks for it gets.
//!
//! A capability counts when the component asks for it *and* somebody granted
//! it. For each request, in this order:
//!
//! 1. The `${option}`s of its target are filled in. An optional request whose
//!    option is not set is absent; a required one is denied.
//! 2. Its kind must be one that this host has.
//! 3. Target and terms must be a thing that can be granted.
//! 4. A component that came with the host gets that, because enabling it is the
//!    grant.
//! 5. A component of the site gets the first of the site's grants that covers
//!    it, with the terms of the grant, not its own: it cannot choose the CA by
//!    which its server is checked. Without one it is denied.
//!
//! A denial of a required capability stops the component; an optional one is
//! denied when the guest uses it. An empty list of grants denies all.

use std::collections::BTreeMap;

use super::grant::Grant;
use super::granted::{Absent, Granted};
use super::refusal::{Denial, GrantError, InstanceName, plain};
use super::request::{Wanted, wanted};
use super::territory::system_tree;
use caso_model::component::{CapabilityRequest, Setting};

/// Who grants.
#[derive(Debug, Clone, Copy)]
pub enum Policy<'a> {
    /// A component that came with the host: it gets what it asks for.
    Builtin,
    /// A component of the site: it gets what is in this list.
    Site(&'a [Grant]),
}

/// The answer to one request.
#[derive(Debug, PartialEq, Eq)]
enum Decision<'a> {
    Granted {
        grant: Grant,
        /// The site's grant that covers it.
        source: Option<&'a Grant>,
    },
    /// Optional, and this option of its target is not set.
    Absent(String),
    Denied(Denial),
}

/// Decides on all requests of a component for one instance. An error is the
/// denial of a capability that it requires.
pub fn decide(
    instance: &InstanceName,
    requests: &[CapabilityRequest],
    settings: &[Setting],
    policy: Policy<'_>,
) -> Result<Granted, GrantError> {
    let mut granted = Granted::nothing(instance.clone());
    let mut used = Vec::new();
    let idle = || idle(requests, settings, policy);
    for request in requests {
        match decide_one(request, settings, policy, idle) {
            Decision::Granted { grant, source } => {
                used.extend(source);
                granted.grants.insert(request.name.clone(), grant);
            }
            Decision::Absent(option) => {
                let kind = request.kind.clone();
                granted
                    .absent
                    .insert(request.name.clone(), Absent { kind, option });
            }
            Decision::Denied(denial) => {
                let error = GrantError {
                    instance: instance.clone(),
                    capability: request.name.clone(),
                    denial: Box::new(denial),
                };
                if request.required {
                    return Err(error);
                }
                granted.denied.insert(request.name.clone(), error);
            }
        }
    }
    if let Policy::Site(grants) = policy {
        granted.by_site = true;
        let unused = grants.iter().filter(|grant| !used.contains(grant));
        granted.unused = unused.cloned().collect();
    }
    Ok(granted)
}

/// The grants that would cover all that a component asks for, by the capability's name: each
/// in the plain form in which a refusal suggests it. What is optional and cannot be had is
/// not among them.
///
/// # Errors
/// Something that it requires is nothing to grant, or needs an option that is not set.
pub fn suggested(
    instance: &InstanceName,
    requests: &[CapabilityRequest],
    settings: &[Setting],
) -> Result<BTreeMap<String, Grant>, GrantError> {
    let mut grants = BTreeMap::new();
    for request in requests {
        let wanted = wanted(request, settings);
        match wanted.and_then(|wanted| wanted.grant().map(to_add).transpose()) {
            Ok(Some(grant)) => {
                grants.insert(request.name.clone(), grant);
            }
            Err(denial) if request.required => {
                return Err(GrantError {
                    instance: instance.clone(),
                    capability: request.name.clone(),
                    denial: Box::new(denial),
                });
            }
            Ok(None) | Err(_) => {}
        }
    }
    Ok(grants)
}

/// The grant that a site would add for what is wanted, in its plain form; a denial where that
/// would be refused all the same.
fn to_add(wanted: Grant) -> Result<Grant, Denial> {
    let grant = plain(wanted);
    match system_tree(&grant) {
        None => Ok(grant),
        Some(tree) => Err(Denial::OfTheSystem {
            grant: Box::new(grant),
            tree,
        }),
    }
}

/// The grants of a site that cover nothing of what is asked for: one of them may be meant for what is missing.
fn idle(requests: &[CapabilityRequest], settings: &[Setting], policy: Policy<'_>) -> Vec<Grant> {
    let Policy::Site(grants) = policy else {
        return Vec::new();
    };
    let wanted = requests
        .iter()
        .filter_map(|one| wanted(one, settings).ok()?.grant());
    let wanted: Vec<Grant> = wanted.collect();
    let covers = |grant: &&Grant| wanted.iter().any(|wanted| grant.covers(wanted));
    grants
        .iter()
        .filter(|grant| !covers(grant))
        .cloned()
        .collect()
}

fn decide_one<'a>(
    request: &CapabilityRequest,
    settings: &[Setting],
    policy: Policy<'a>,
    idle: impl Fn() -> Vec<Grant>,
) -> Decision<'a> {
    let wanted = match wanted(request, settings) {
        Ok(Wanted::Grant(wanted)) => wanted,
        Ok(Wanted::Absent(option)) => return Decision::Absent(option),
        Err(denial) => return Decision::Denied(denial),
    };
    let grants = match policy {
        Policy::Builtin => {
            return Decision::Granted {
                grant: wanted,
                source: None,
            };
        }
        Policy::Site(grants) => grants,
    };
    let Some(source) = grants.iter().find(|grant| grant.covers(&wanted)) else {
        let denial = match to_add(wanted) {
            Ok(grant) => Denial::NotGranted {
                grant: Box::new(grant),
                idle: idle(),
            },
            Err(denial) => denial,
        };
        return Decision::Denied(denial);
    };
    let grant = match source {
        // A directory that may be written is handed out as it was asked for.
        Grant::Directory(_) => wanted,
        source => source.clone(),
    };
    Decision::Granted {
        grant,
        source: Some(source),
    }
}

#[cfg(test)]
mod tests;
