//! Endpoints that name no version (`http://h/volume`), of services whose calls
//! have it in the endpoint: which versions there are, and where, says the version
//! document at the endpoint. The choice is keystoneauth's: what the catalog has but
//! for a project's id at its end is asked, of a link only the path counts, and of a
//! link to another host only the version; the id is put back behind what was found.
//! <https://docs.openstack.org/keystoneauth/latest/api/keystoneauth1.discover.html>
//!
//! Where the path of a link on the catalog's own host lies beside the endpoint's, a
//! proxy may be the reason: such a place counts if a version document stands there.
//!
//! Asked once for each address of a run. Without a document we stop, where
//! keystoneauth goes on with the bare endpoint: that asks a list of the wrong address,
//! and what comes back tells nobody why.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokio::sync::OnceCell;
use url::Url;

use super::super::identity::token::Token;
use super::super::{ApiError, Microversion, Scope, Service};
use super::address::{self, Endpoint};
use super::{Session, versions};

type Answer = OnceCell<Result<Found, ApiError>>;

/// What is known, by service and address, of one region.
#[derive(Default)]
pub struct Placed {
    known: Mutex<HashMap<(Service, String), Arc<Answer>>>,
}

/// A version of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Found {
    url: Url,
    /// The project's id has to follow.
    project: bool,
}

/// An entry of a version document that we can use.
#[derive(Debug, Clone)]
struct Entry {
    id: String,
    /// The id as a number.
    version: Microversion,
    href: Option<String>,
    newest: Option<Microversion>,
}

/// `listed` as it is, or the version below it.
pub async fn endpoint(
    session: &Session,
    scope: &Scope,
    token: &Token,
    service: Service,
    listed: Url,
) -> Result<Endpoint, ApiError> {
    let project = token.project.as_deref();
    let endpoint = Endpoint::new(listed, project);
    if service.endpoint_versions().is_empty() || endpoint.has_version() {
        return Ok(endpoint);
    }
    let (root, suffix) = without_project(&endpoint.url, project);
    let cell = {
        let known = &session.place.placed.known;
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (service, root.to_string());
        known.entry(key).or_default().clone()
    };
    let found = cell
        .get_or_try_init(|| find(session, scope, service, &root))
        .await?;
    match found {
        Ok(found) => {
            let follows = if suffix || found.project {
                project
            } else {
                None
            };
            let mut own = address::segments(found.url.path());
            own.extend(follows.map(str::to_owned));
            let url = address::base(&found.url, &own, false);
            // Told by the service, whatever its name looks like.
            Ok(match Endpoint::new(url, project) {
                endpoint if endpoint.has_version() => endpoint,
                other => Endpoint::with_any_version(other.url),
            })
        }
        Err(error) => {
            // A version, and something unknown behind it.
            let odd = Endpoint::with_any_version(endpoint.url);
            if odd.has_version() {
                Ok(odd)
            } else {
                Err(error.clone())
            }
        }
    }
}

/// An address without the project's id at its end, and whether there was one.
fn without_project(url: &Url, project: Option<&str>) -> (Url, bool) {
    let mut own = address::segments(url.path());
    if project.is_some() && own.last().map(String::as_str) == project {
        own.pop();
        return (address::base(url, &own, true), true);
    }
    let mut plain = url.clone();
    plain.set_query(None);
    plain.set_fragment(None);
    (plain, false)
}

/// The inner error is for good; the outer one may pass.
async fn find(
    session: &Session,
    scope: &Scope,
    service: Service,
    root: &Url,
) -> Result<Result<Found, ApiError>, ApiError> {
    let with_slash = address::base(root, &address::segments(root.path()), true);
    let mut detail = String::new();
    let mut documents = vec![root];
    if *root != with_slash {
        documents.push(&with_slash);
    }
    for url in documents {
        // Boxed: asking leads here for a service by name, and not for an address.
        match Box::pin(versions::document(session, scope, service, url)).await {
            Ok(document) => match entry(&document, service) {
                Ok(entry) => {
                    let single = document.get("version").is_some();
                    let url = place(session, scope, service, &entry, root, single).await;
                    let project = needs_project(service, &entry);
                    return Ok(Ok(Found { url, project }));
                }
                Err(nothing) => detail = nothing,
            },
            Err(error) if error.is_refusal_of(service) => detail = error.to_string(),
            Err(error) => return Err(error),
        }
    }
    let mut example = with_slash.to_string();
    example.push_str(match service {
        Service::Compute => "v2.1",
        _ => "v3",
    });
    Ok(Err(ApiError::NoVersion {
        service,
        endpoint: root.to_string(),
        example,
        detail,
    }))
}

/// The entry of the version that we want, or why there is none.
fn entry(document: &Value, service: Service) -> Result<Entry, String> {
    let listed = document
        .pointer("/versions/values")
        .or_else(|| document.get("versions"))
        .and_then(Value::as_array)
        .cloned()
        .or_else(|| document.get("version").map(|one| vec![one.clone()]))
        .ok_or_else(|| "it is JSON, and lists no `versions`".to_owned())?;
    let usable: Vec<Entry> = listed.iter().filter_map(Entry::read).collect();
    let best = service.endpoint_versions().iter().find_map(|major| {
        let of_major = usable.iter().filter(|entry| entry.version.major == *major);
        of_major.max_by_key(|entry| entry.version)
    });
    best.cloned().ok_or_else(|| {
        let ids: Vec<&str> = usable.iter().map(|entry| entry.id.as_str()).collect();
        let majors = service.endpoint_versions().iter();
        let wanted: Vec<String> = majors.map(ToString::to_string).collect();
        let has = match ids.as_slice() {
            [] => "none".to_owned(),
            ids => format!("only {}", ids.join(", ")),
        };
        format!("of version {} it names {has}", wanted.join(" or "))
    })
}

impl Entry {
    fn read(version: &Value) -> Option<Entry> {
        let text = |key: &str| version.get(key)?.as_str().map(str::to_owned);
        let id = text("id")?;
        if text("status").is_some_and(|status| status.eq_ignore_ascii_case("experimental")) {
            return None;
        }
        let newest = text("version")
            .filter(|version| !version.is_empty())
            .or_else(|| text("max_version"));
        Some(Entry {
            version: number(&id)?,
            href: own_link(version),
            newest: newest.and_then(|newest| newest.parse().ok()),
            id,
        })
    }
}

fn own_link(version: &Value) -> Option<String> {
    let links = version.get("links")?.as_array()?;
    let own = links
        .iter()
        .find(|link| link.get("rel").and_then(Value::as_str) == Some("self"))?;
    own.get("href")?.as_str().map(str::to_owned)
}

/// `v3.0` or `v2`.
fn number(id: &str) -> Option<Microversion> {
    let rest = id.strip_prefix('v')?;
    let (major, minor) = rest.split_once('.').unwrap_or((rest, "0"));
    Some(Microversion::new(major.parse().ok()?, minor.parse().ok()?))
}

/// Nova's v2 and Cinder's v2 never went without, the later ones not from the beginning.
fn needs_project(service: Service, entry: &Entry) -> bool {
    let old = match service {
        Service::Compute => entry.version == Microversion::new(2, 0),
        _ => entry.version.major < 3,
    };
    let optional = service.optional_project();
    old || matches!((entry.newest, optional), (Some(newest), Some(optional)) if newest < optional)
}

/// Where a version is, on the host of `root` in any case.
async fn place(
    session: &Session,
    scope: &Scope,
    service: Service,
    entry: &Entry,
    root: &Url,
    single: bool,
) -> Url {
    let own = address::segments(root.path());
    let by_name = || {
        let linked = entry.href.as_deref().and_then(|href| {
            let mut segments = address::segments(href).into_iter().rev();
            segments.find(|segment| address::is_version(segment))
        });
        let id = entry.id.strip_suffix(".0").unwrap_or(&entry.id);
        let mut path = own.clone();
        path.push(linked.unwrap_or_else(|| id.to_owned()));
        address::base(root, &path, false)
    };
    let linked = linked_path(entry, root);
    match linked {
        Some(path) if path.starts_with(&own) => address::base(root, &path, false),
        // A service shows the document of one version at that version's own address.
        _ if single => root.clone(),
        Some(path) => {
            let beside = address::base(root, &path, false);
            let document = address::base(root, &path, true);
            match Box::pin(versions::document(session, scope, service, &document)).await {
                Ok(document) if self::entry(&document, service).is_ok() => beside,
                _ => by_name(),
            }
        }
        None => by_name(),
    }
}

/// The path of a link that leads to the same host and port. A TLS that ends in a
/// proxy makes `http` of the scheme.
fn linked_path(entry: &Entry, root: &Url) -> Option<Vec<String>> {
    let base = address::base(root, &address::segments(root.path()), true);
    let link = base.join(entry.href.as_deref()?).ok()?;
    let same = link.host_str() == root.host_str() && link.port() == root.port();
    (same && matches!(link.scheme(), "http" | "https")).then(|| address::segments(link.path()))
}

#[cfg(test)]
mod tests;
