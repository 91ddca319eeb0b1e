//! Whether a service is there: what it has answered so far, and a question that
//! is about no project.
//!
//! A project whose lists fail says little about the service. An answer to anybody
//! says that it is there; and where there is none, its version document, which
//! every service has and gives without a token.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use url::Url;

use super::super::{ApiError, Scope, Service};
use super::ask::{Attempts, Purpose};
use super::exchange::{get_headers, label};
use super::{Session, address};
use caso_net::{Method, Request};

/// How many answers each service of a region gave.
#[derive(Default)]
pub struct Presence {
    answers: Mutex<BTreeMap<Service, u64>>,
}

impl Presence {
    /// Counts an answer of this status, if it is the service's own.
    pub fn count(&self, service: Service, status: u16) {
        if !matches!(status, 429 | 502..=504) {
            let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            *answers.entry(service).or_default() += 1;
        }
    }

    pub fn answers(&self, service: Service) -> u64 {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.get(&service).copied().unwrap_or(0)
    }
}

/// See [`Session::is_there`].
pub async fn ask(session: &Session, scope: &Scope, service: Service) -> Result<(), ApiError> {
    let mut found = Ok(());
    for url in documents(session, scope, service).await? {
        found = document(session, scope, service, url).await;
        // The next address is on the same host, behind the same proxy at most.
        if !matches!(found, Err(ApiError::Status { .. })) {
            break;
        }
    }
    found
}

async fn document(
    session: &Session,
    scope: &Scope,
    service: Service,
    url: Url,
) -> Result<(), ApiError> {
    let request = Request {
        method: Method::Get,
        url,
        headers: get_headers(None, service, None),
        body: None,
        scope: label(scope),
    };
    let purpose = Purpose {
        service,
        scope,
        repeat_timeouts: false,
        patient: false,
    };
    let mut attempts = Attempts::start(session.inner.clock.as_ref());
    let asked = session
        .ask(&request, &purpose, &mut attempts, |_| Ok(()))
        .await;
    match asked {
        Err(error) if error.is_outage() => Err(error),
        // To be refused is an answer.
        _ => Ok(()),
    }
}

/// Where its version document stands.
async fn documents(
    session: &Session,
    scope: &Scope,
    service: Service,
) -> Result<Vec<Url>, ApiError> {
    if matches!(service, Service::Identity | Service::OpenIdProvider) {
        return Ok(vec![session.inner.settings.login.auth_url.clone()]);
    }
    let token = session.token(scope).await?;
    let interfaces = &session.inner.settings.interfaces;
    let endpoint = session.endpoint(&token, scope, service, interfaces).await?;
    Ok(address::version_documents(&endpoint))
}
