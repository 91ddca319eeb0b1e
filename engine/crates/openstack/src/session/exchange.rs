//! One call with the token of its scope: the request is built, sent, and sent once
//! more with a new token where the service refused the first.

use std::collections::BTreeSet;
use std::sync::{MutexGuard, PoisonError};

use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::super::identity::token::Token;
use super::super::{ApiError, Microversion, Scope, Service};
use super::address::Endpoint;
use super::answer::{self, BadBody};
use super::ask::{Attempts, Purpose};
use super::{Session, tokens};
use caso_net::{Method, Request, Response};

/// Where a call goes.
#[derive(Clone, Copy)]
pub(super) enum Address<'a> {
    /// To the service's endpoint in the token's catalog, on the first of these
    /// interfaces that it has.
    Catalog(&'a [String]),
    /// To an address that is known already.
    Known(&'a Url),
}

impl Session {
    /// A plain call: any number of tries, no body.
    pub(super) fn plain(&self, service: Service, version: Option<Microversion>) -> ApiCall<'_> {
        ApiCall {
            service,
            interfaces: &self.inner.settings.interfaces,
            version,
            repeat_timeouts: true,
            body: None,
        }
    }

    pub(super) async fn fetch<T: DeserializeOwned>(
        &self,
        scope: &Scope,
        call: &ApiCall<'_>,
        build: &(dyn Fn(&Endpoint) -> Result<Url, ApiError> + Sync),
    ) -> Result<T, ApiError> {
        let ApiCall {
            service, version, ..
        } = *call;
        let purpose = Purpose {
            service,
            scope,
            repeat_timeouts: call.repeat_timeouts,
            patient: true,
        };
        let request = |endpoint: &Endpoint, token: &Token| {
            let mut headers = get_headers(Some(token), service, version);
            let method = match call.body {
                None => Method::Get,
                Some(_) => {
                    headers.push(("content-type".to_owned(), "application/json".to_owned()));
                    Method::Post
                }
            };
            Ok(Request {
                method,
                url: build(endpoint)?,
                headers,
                body: call.body.map(Value::to_string),
                scope: label(scope),
            })
        };
        let address = Address::Catalog(call.interfaces);
        self.exchange(&purpose, address, &request, answer::json)
            .await
    }

    fn accepted(&self) -> MutexGuard<'_, BTreeSet<Service>> {
        let accepted = self.inner.accepted.lock();
        accepted.unwrap_or_else(PoisonError::into_inner)
    }

    /// What a 401 to a token means that Keystone has just given.
    fn refused_here(&self, service: Service) -> Option<String> {
        let rules = "an application credential may have access rules that leave this path out (`openstack access rule list`)";
        if matches!(service, Service::Identity | Service::OpenIdProvider) {
            None
        } else if self.accepted().contains(&service) {
            Some(format!(
                "it takes the token for other paths, so that it is the right to this one that is missing: {rules}, or the account lacks a role"
            ))
        } else {
            Some(format!(
                "the token is new: {rules}, or {service} cannot check tokens because its own service user (`[keystone_authtoken]` in its configuration) has no right to"
            ))
        }
    }

    /// A request with the token of its scope, at `address`. The only place where
    /// a token is thrown away because a service refused it.
    pub(super) async fn exchange<T>(
        &self,
        purpose: &Purpose<'_>,
        address: Address<'_>,
        build: &(dyn Fn(&Endpoint, &Token) -> Result<Request, ApiError> + Sync),
        decode: impl Fn(&Response) -> Result<T, BadBody>,
    ) -> Result<T, ApiError> {
        let scope = purpose.scope;
        let mut attempts = Attempts::start(self.inner.clock.as_ref());
        let mut renewed = false;
        loop {
            let token = self.token(scope).await?;
            let endpoint = match address {
                Address::Catalog(interfaces) => {
                    self.endpoint(&token, scope, purpose.service, interfaces)
                        .await?
                }
                Address::Known(url) => Endpoint::new(url.clone(), None),
            };
            let request = build(&endpoint, &token)?;
            match self.ask(&request, purpose, &mut attempts, &decode).await {
                // The token ended before its time: revoked, or a Keystone
                // that lost its keys. Once; then it is not the token.
                Err(ApiError::Unauthorized { .. }) if !renewed => {
                    renewed = true;
                    tokens::discard(self, scope, &token).await;
                }
                Err(ApiError::Unauthorized { message, call, .. }) => {
                    let hint = self.refused_here(purpose.service);
                    return Err(ApiError::Unauthorized {
                        message,
                        call,
                        hint,
                    });
                }
                other => {
                    // Version documents ask for no token.
                    if other.is_ok() && matches!(address, Address::Catalog(_)) {
                        self.accepted().insert(purpose.service);
                    }
                    return other;
                }
            }
        }
    }
}

/// What is asked of a service, but for the path.
pub(super) struct ApiCall<'a> {
    pub service: Service,
    pub interfaces: &'a [String],
    pub version: Option<Microversion>,
    pub repeat_timeouts: bool,
    pub body: Option<&'a Value>,
}

/// Headers of a `GET`. Nova before 2.27 knows its own header only.
pub(super) fn get_headers(
    token: Option<&Token>,
    service: Service,
    version: Option<Microversion>,
) -> Vec<(String, String)> {
    let mut headers = vec![("accept".to_owned(), "application/json".to_owned())];
    if let Some(token) = token {
        headers.push(("x-auth-token".to_owned(), token.id.expose().to_owned()));
    }
    if let (Some(version), Some(word)) = (version, service.version_word()) {
        headers.push((
            "openstack-api-version".to_owned(),
            format!("{word} {version}"),
        ));
        if service == Service::Compute {
            headers.push((
                "x-openstack-nova-api-version".to_owned(),
                version.to_string(),
            ));
        }
    }
    headers
}

/// The scope's word in a recording.
pub(super) fn label(scope: &Scope) -> String {
    match scope {
        Scope::System => "system".to_owned(),
        Scope::Project(id) => format!("project:{id}"),
        Scope::Unscoped => "unscoped".to_owned(),
    }
}
