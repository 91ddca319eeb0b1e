//! One cloud and region: asks its APIs with the right token at the right
//! address, as often as it takes and no more. The regions of a cloud have one
//! Keystone: their sessions share tokens and the catalog, and log in once.
//!
//! A call goes: token of the scope ([`tokens`]) → endpoint of the service in
//! that token's catalog ([`address`]) → request, repeated by the retry rule
//! ([`ask`], [`retry`]) → typed value ([`answer`]). A 401 in between throws
//! that one token away and goes round once more.

mod address;
pub(super) mod answer;
mod ask;
mod federation;
mod login;
mod tokens;
mod versions;

#[cfg(test)]
mod tests_calls;
#[cfg(test)]
mod tests_federation;
#[cfg(test)]
mod tests_tokens;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::OnceCell;
use url::Url;

use self::answer::BadBody;
use self::ask::{Attempts, Errand};
use self::tokens::Tokens;
use self::versions::Versions;
use super::identity::catalog::Catalog;
use super::identity::discovery::Keystone;
use super::identity::token::Token;
use super::keystone::Project;
use super::{ApiError, Microversion, MicroversionRange, Scope, Service};
use caso_base::Clock;
use caso_net::{Method, Request, Response, Transport};

use caso_login::{DomainRef, Login};

pub use caso_net::RetryPolicy;

/// What a session needs to know of the configuration.
#[derive(Debug, Clone)]
pub struct SessionSettings {
    pub login: Login,
    /// Interfaces of the catalog, in order of preference.
    pub interfaces: Vec<String>,
    /// The region that the session begins in; none for any. See
    /// [`Session::in_region`].
    pub region: Option<String>,
    pub retry: RetryPolicy,
}

impl SessionSettings {
    /// With cASO's defaults: the public interface, any region.
    pub fn new(login: Login) -> Self {
        SessionSettings {
            login,
            interfaces: vec!["public".to_owned()],
            region: None,
            retry: RetryPolicy::default(),
        }
    }
}

/// A cloud and region. Cheap to clone; all clones share tokens, what is
/// known of versions, and the count of requests.
#[derive(Clone)]
pub struct Session {
    inner: Arc<Inner>,
    place: Arc<Place>,
}

/// What is a region's own.
struct Place {
    /// Only endpoints of this region; none for any.
    region: Option<String>,
    versions: Versions,
}

struct Inner {
    settings: SessionSettings,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    tokens: Tokens,
    /// The tenants of a Keystone 2.0, once they were listed.
    tenants: OnceCell<Vec<Project>>,
    requests: AtomicU64,
    /// Their clock minus ours; `i64::MIN` while unknown.
    skew: AtomicI64,
}

impl Session {
    pub fn new(
        settings: SessionSettings,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Session {
        Session {
            place: Place::new(settings.region.as_deref()),
            inner: Arc::new(Inner {
                settings,
                transport,
                clock,
                tokens: Tokens::default(),
                tenants: OnceCell::new(),
                requests: AtomicU64::new(0),
                skew: AtomicI64::new(i64::MIN),
            }),
        }
    }

    /// The same cloud in another region, with the same tokens and one count of
    /// requests.
    pub fn in_region(&self, region: Option<&str>) -> Session {
        Session {
            inner: self.inner.clone(),
            place: Place::new(region),
        }
    }

    /// `GET path` of a service, as JSON. `path` follows the catalog's
    /// endpoint as python's clients append it: `/servers/detail` for Nova,
    /// `/v2/images` for Glance, `/v2.0/floatingips` for Neutron,
    /// `/v3/projects` for Keystone; a version that the endpoint ends in as
    /// well is not doubled.
    ///
    /// With a `limit` in the query the call is for a page: one that gets no
    /// answer in time comes back at once ([`ApiError::is_timeout`]), for the
    /// caller to ask again for less. Any other is repeated here.
    pub async fn get<T: DeserializeOwned>(
        &self,
        scope: &Scope,
        service: Service,
        path: &str,
        query: &[(&str, String)],
        version: Option<Microversion>,
    ) -> Result<T, ApiError> {
        let page = query.iter().any(|(key, _)| *key == "limit");
        let build = |endpoint: &Url| Ok(address::append(endpoint, path, query));
        let question = Question {
            repeat_timeouts: !page,
            ..self.question(service, version)
        };
        self.fetch(scope, &question, &build).await
    }

    /// The same at the address for administrators, which has calls of its own
    /// in version 2.0 of Keystone.
    pub async fn get_admin<T: DeserializeOwned>(
        &self,
        scope: &Scope,
        service: Service,
        path: &str,
    ) -> Result<T, ApiError> {
        let build = |endpoint: &Url| Ok(address::append(endpoint, path, &[]));
        let interfaces = ["admin".to_owned()];
        let question = Question {
            interfaces: &interfaces,
            ..self.question(service, None)
        };
        self.fetch(scope, &question, &build).await
    }

    /// Keystone is of version 2.0: tenants instead of projects, and nothing
    /// for the whole cloud.
    pub async fn has_tenants(&self) -> Result<bool, ApiError> {
        Ok(matches!(login::keystone(self).await?, Keystone::V2(_)))
    }

    /// `POST path` of a service with a question as its body, for APIs that
    /// take searches so; it must be one that changes nothing, for it is
    /// repeated as a `GET` is. One that gets no answer in time comes back at
    /// once, as a page does: ask for less.
    pub async fn search<T: DeserializeOwned>(
        &self,
        scope: &Scope,
        service: Service,
        path: &str,
        query: &[(&str, String)],
        question: &Value,
    ) -> Result<T, ApiError> {
        let build = |endpoint: &Url| Ok(address::append(endpoint, path, query));
        let question = Question {
            repeat_timeouts: false,
            body: Some(question),
            ..self.question(service, None)
        };
        self.fetch(scope, &question, &build).await
    }

    /// Whether the catalog for this scope has an endpoint of the service that
    /// we may use.
    pub async fn offers(&self, scope: &Scope, service: Service) -> Result<bool, ApiError> {
        let token = self.token(scope).await?;
        let settings = &self.inner.settings;
        let found = token.catalog.as_ref().and_then(|catalog| {
            catalog.find(service, &settings.interfaces, self.place.region.as_deref())
        });
        Ok(found.is_some())
    }

    /// Follows a `next` link of a page, absolute or relative. Only its path
    /// and query are used, on the host of the catalog's endpoint: links often
    /// name an internal host, or `http`. Not repeated after a timeout, as
    /// pages are.
    pub async fn get_link<T: DeserializeOwned>(
        &self,
        scope: &Scope,
        service: Service,
        href: &str,
        version: Option<Microversion>,
    ) -> Result<T, ApiError> {
        let build = |endpoint: &Url| {
            address::follow(endpoint, href).map_err(|detail| ApiError::BadUrl {
                url: href.to_owned(),
                detail,
                from: format!("a link in a page of {service}"),
            })
        };
        let question = Question {
            repeat_timeouts: false,
            ..self.question(service, version)
        };
        self.fetch(scope, &question, &build).await
    }

    /// Changes a thing of a service, with `PATCH` or `PUT`: both may be repeated,
    /// as every request here. What the answer says of the thing is not looked at.
    pub async fn change(
        &self,
        method: Method,
        scope: &Scope,
        service: Service,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> Result<(), ApiError> {
        let errand = Errand {
            service,
            scope,
            repeat_timeouts: true,
            patient: true,
        };
        let request = |endpoint: &Url, token: &Token| {
            let mut headers = get_headers(Some(token), service, None);
            if body.is_some() {
                headers.push(("content-type".to_owned(), "application/json".to_owned()));
            }
            Ok(Request {
                method,
                url: address::append(endpoint, path, &[]),
                headers,
                body: body.map(ToString::to_string),
                scope: label(scope),
            })
        };
        let interfaces = &self.inner.settings.interfaces;
        self.exchange(&errand, interfaces, &request, |_| Ok(()))
            .await
    }

    /// The microversions of a service. Asked once.
    pub async fn microversions(
        &self,
        scope: &Scope,
        service: Service,
    ) -> Result<MicroversionRange, ApiError> {
        versions::range(self, scope, service).await
    }

    /// All HTTP requests so far: tokens, repetitions and redirects included.
    pub fn requests(&self) -> u64 {
        self.inner.requests.load(Ordering::Relaxed)
    }

    /// Their clock minus ours in seconds, by the last `Date` header; none
    /// before the first answer.
    pub fn server_date_skew(&self) -> Option<i64> {
        let skew = self.inner.skew.load(Ordering::Relaxed);
        (skew != i64::MIN).then_some(skew)
    }

    /// The account has no role on the system (as far as was asked), so
    /// [`Scope::System`] means less here: no list of projects, no users.
    pub fn system_refused(&self) -> bool {
        self.inner.tokens.system_refused()
    }

    /// The one project that the credentials are for, once a token is there:
    /// an application credential's, or the one a refused system scope fell
    /// back to.
    pub async fn own_project(&self, scope: &Scope) -> Result<Option<String>, ApiError> {
        Ok(self.token(scope).await?.project.clone())
    }

    /// Id of a project that was given by name, as Keystone resolves it when
    /// it gives us a token for it: needs no right to list projects. The
    /// token is kept for the project.
    pub async fn resolve_project(
        &self,
        name: &str,
        domain: &DomainRef,
    ) -> Result<String, ApiError> {
        tokens::resolve_project(self, name, domain).await
    }

    /// Where the tenants of a Keystone 2.0 are kept.
    pub(super) fn tenants(&self) -> &OnceCell<Vec<Project>> {
        &self.inner.tenants
    }

    /// What it was made of.
    pub fn settings(&self) -> &SessionSettings {
        &self.inner.settings
    }

    async fn token(&self, scope: &Scope) -> Result<Arc<Token>, ApiError> {
        tokens::token(self, scope).await
    }

    /// The endpoint of a service in a token's catalog.
    async fn endpoint(
        &self,
        token: &Token,
        scope: &Scope,
        service: Service,
        interfaces: &[String],
    ) -> Result<Url, ApiError> {
        let settings = &self.inner.settings;
        let region = self.place.region.as_deref();
        let catalog = token.catalog.as_ref();
        let found = catalog.and_then(|catalog| {
            let found = catalog.find(service, interfaces, region);
            // Keystone is often one for all regions, and listed in one.
            if found.is_none() && service == Service::Identity {
                catalog.find(service, interfaces, None)
            } else {
                found
            }
        });
        match found {
            Some(endpoint) => Url::parse(&endpoint.url)
                .ok()
                .filter(|url| url.has_host() && matches!(url.scheme(), "http" | "https"))
                .ok_or_else(|| ApiError::BadUrl {
                    url: endpoint.url.clone(),
                    detail: "it is no HTTP address".to_owned(),
                    from: format!("the catalog's endpoint of {service}"),
                }),
            // Not where another interface was asked for.
            None if service == Service::Identity && interfaces == settings.interfaces => {
                login::base(self).await
            }
            None if self.is_unknown_region(catalog) => Err(ApiError::NoRegion {
                region: region.unwrap_or_default().to_owned(),
                known: catalog.map_or_else(Vec::new, Catalog::regions),
            }),
            None => Err(ApiError::NoEndpoint {
                service,
                scope: scope.clone(),
                interfaces: interfaces.to_vec(),
                region: self.place.region.clone(),
                available: catalog.map_or_else(Vec::new, |catalog| catalog.available(service)),
                lacking: catalog.is_some_and(|catalog| catalog.lacks(service, region)),
            }),
        }
    }

    /// Not that this service is missing in the region: the region is.
    fn is_unknown_region(&self, catalog: Option<&Catalog>) -> bool {
        match (&self.place.region, catalog) {
            (Some(region), Some(catalog)) => !catalog.regions().contains(region),
            _ => false,
        }
    }

    /// A plain one.
    fn question(&self, service: Service, version: Option<Microversion>) -> Question<'_> {
        Question {
            service,
            interfaces: &self.inner.settings.interfaces,
            version,
            repeat_timeouts: true,
            body: None,
        }
    }

    async fn fetch<T: DeserializeOwned>(
        &self,
        scope: &Scope,
        question: &Question<'_>,
        build: &(dyn Fn(&Url) -> Result<Url, ApiError> + Sync),
    ) -> Result<T, ApiError> {
        let Question {
            service, version, ..
        } = *question;
        let errand = Errand {
            service,
            scope,
            repeat_timeouts: question.repeat_timeouts,
            patient: true,
        };
        let request = |endpoint: &Url, token: &Token| {
            let mut headers = get_headers(Some(token), service, version);
            let method = match question.body {
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
                body: question.body.map(Value::to_string),
                scope: label(scope),
            })
        };
        self.exchange(&errand, question.interfaces, &request, answer::json)
            .await
    }

    /// A request with the token of its scope at the service's address; what the
    /// two are is known only here.
    async fn exchange<T>(
        &self,
        errand: &Errand<'_>,
        interfaces: &[String],
        build: &(dyn Fn(&Url, &Token) -> Result<Request, ApiError> + Sync),
        decode: impl Fn(&Response) -> Result<T, BadBody>,
    ) -> Result<T, ApiError> {
        let scope = errand.scope;
        let mut attempts = Attempts::start(self.inner.clock.as_ref());
        let mut renewed = false;
        loop {
            let token = self.token(scope).await?;
            let endpoint = self
                .endpoint(&token, scope, errand.service, interfaces)
                .await?;
            let request = build(&endpoint, &token)?;
            match self.ask(&request, errand, &mut attempts, &decode).await {
                // The token ended before its time: revoked, or a Keystone
                // that lost its keys. Once; then it is not the token.
                Err(ApiError::Unauthorized { .. }) if !renewed => {
                    renewed = true;
                    tokens::discard(self, scope, &token).await;
                }
                other => return other,
            }
        }
    }
}

impl Place {
    fn new(region: Option<&str>) -> Arc<Self> {
        Arc::new(Self {
            region: region.map(str::to_owned),
            versions: Versions::default(),
        })
    }
}

/// What is asked of a service, but for the address.
struct Question<'a> {
    service: Service,
    interfaces: &'a [String],
    version: Option<Microversion>,
    repeat_timeouts: bool,
    body: Option<&'a Value>,
}

/// Headers of a `GET`. Nova before 2.27 knows its own header only.
fn get_headers(
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
fn label(scope: &Scope) -> String {
    match scope {
        Scope::System => "system".to_owned(),
        Scope::Project(id) => format!("project:{id}"),
        Scope::Unscoped => "unscoped".to_owned(),
    }
}
