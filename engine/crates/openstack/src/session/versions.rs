//! Which microversions a service offers, from its version document: at the
//! endpoint's version, or, where that asks for more rights than we have or
//! answers something else, in the list at its root.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokio::sync::OnceCell;
use url::Url;

use super::super::identity::token::Token;
use super::super::{ApiError, Microversion, MicroversionRange, Scope, Service};
use super::address::Endpoint;
use super::ask::Purpose;
use super::exchange::{Address, get_headers, label};
use super::{Session, address, answer};
use caso_net::{Method, Request};

/// What is known, by service, of one region.
#[derive(Default)]
pub struct Versions {
    known: Mutex<HashMap<Service, Arc<OnceCell<MicroversionRange>>>>,
}

pub async fn range(
    session: &Session,
    scope: &Scope,
    service: Service,
) -> Result<MicroversionRange, ApiError> {
    let cell = {
        let known = &session.place.versions.known;
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(service).or_default().clone()
    };
    cell.get_or_try_init(|| ask(session, scope, service))
        .await
        .copied()
}

async fn ask(
    session: &Session,
    scope: &Scope,
    service: Service,
) -> Result<MicroversionRange, ApiError> {
    let unsaid = |detail: String, hint: Option<String>| ApiError::NoMicroversions {
        service,
        detail,
        hint,
    };
    let token = session.token(scope).await?;
    let endpoint = session
        .endpoint(&token, scope, service, &session.inner.settings.interfaces)
        .await?;
    let mut refused = None;
    let mut failed = None;
    for url in address::version_documents(&endpoint) {
        match document(session, scope, service, &url).await {
            Ok(document) => match read(&document, address::version_of(&endpoint).as_deref()) {
                Some(range) => return Ok(range),
                None => {
                    let detail = format!("its version document `{url}` names none");
                    refused = Some(unsaid(detail, None));
                }
            },
            Err(error) if error.is_refusal_of(service) => {
                refused = Some(unsaid(error.to_string(), error.hint()));
            }
            // Away: the next address is the same host. And before the service is asked comes
            // Keystone, which says nothing of it.
            Err(error) if error.is_outage() || !error.is_from(service) => return Err(error),
            Err(error) => failed = Some(error),
        }
    }
    Err(failed.or(refused).unwrap_or_else(|| {
        let detail = format!("`{}` has no version document", endpoint.url);
        unsaid(detail, None)
    }))
}

/// A version document. To its address goes the token: it is of the catalog's
/// own host.
pub(super) async fn document(
    session: &Session,
    scope: &Scope,
    service: Service,
    url: &Url,
) -> Result<Value, ApiError> {
    let purpose = Purpose {
        service,
        scope,
        repeat_timeouts: true,
        patient: true,
    };
    let request = |at: &Endpoint, token: &Token| {
        Ok(Request {
            method: Method::Get,
            url: at.url.clone(),
            headers: get_headers(Some(token), service, None),
            body: None,
            scope: label(scope),
        })
    };
    session
        .exchange(&purpose, Address::Known(url), &request, answer::json)
        .await
}

/// Reads a single `version` or a list of `versions`, in which the entry of
/// our endpoint's version counts, or else the newest.
fn read(document: &Value, wanted: Option<&str>) -> Option<MicroversionRange> {
    let one = |version: &Value| {
        let parse = |key: &str| version.get(key)?.as_str()?.parse::<Microversion>().ok();
        Some(MicroversionRange {
            min: parse("min_version")?,
            max: parse("version").or_else(|| parse("max_version"))?,
        })
    };
    if let Some(version) = document.get("version") {
        return one(version);
    }
    let versions = document.get("versions")?.as_array()?;
    let major = |text: &str| text.split('.').next().map(str::to_owned);
    let id = |version: &Value| version.get("id").and_then(Value::as_str).map(str::to_owned);
    let exactly = versions
        .iter()
        .find(|version| wanted.is_some() && id(version).as_deref() == wanted)
        .and_then(one);
    let same_major = || {
        versions
            .iter()
            .filter(|version| {
                wanted
                    .is_none_or(|wanted| id(version).is_some_and(|id| major(&id) == major(wanted)))
            })
            .filter_map(one)
            .max_by_key(|range| range.max)
    };
    exactly.or_else(same_major)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(document: &Value, wanted: Option<&str>) -> Option<String> {
        read(document, wanted).map(|range| format!("{}..{}", range.min, range.max))
    }

    #[test]
    fn single_and_listed() {
        let single = json!({"version": {"id": "v2.1", "version": "2.104", "min_version": "2.1"}});
        assert_eq!(text(&single, Some("v2.1")).as_deref(), Some("2.1..2.104"));
        let listed = json!({"versions": [
            {"id": "v2.0", "version": "", "min_version": ""},
            {"id": "v2.1", "version": "2.9", "min_version": "2.1"},
            {"id": "v3.0", "version": "3.71", "min_version": "3.0"},
        ]});
        assert_eq!(text(&listed, Some("v2.1")).as_deref(), Some("2.1..2.9"));
        assert_eq!(text(&listed, Some("v3")).as_deref(), Some("3.0..3.71"));
        assert_eq!(text(&listed, None).as_deref(), Some("3.0..3.71"));
        // Nova's endpoint of before: the same service at v2 has none itself.
        assert_eq!(text(&listed, Some("v2")).as_deref(), Some("2.1..2.9"));
        for bad in [
            json!({}),
            json!({"versions": 1}),
            json!({"version": {"version": "x"}}),
        ] {
            assert_eq!(text(&bad, None), None);
        }
    }
}
