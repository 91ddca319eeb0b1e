//! One cloud and region: asks its APIs with the right token at the right
//! address, as often as it takes and no more. The regions of a cloud have one
//! Keystone: their sessions share tokens and the catalog, and log in once.
//!
//! A call goes: token of the scope ([`tokens`]) → endpoint of the service in
//! that token's catalog ([`endpoint`], [`address`]) → request, repeated by the retry rule
//! ([`ask`], [`caso_net::retry`]) → typed value ([`answer`]). A 401 in between throws
//! that one token away and goes round once more ([`exchange`]).

mod address;
pub(super) mod answer;
mod ask;
mod endpoint;
mod exchange;
mod federation;
mod hush;
mod login;
mod presence;
mod refusal;
mod tokens;
mod unversioned;
mod versions;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::{OnceCell, Semaphore};

use self::address::Endpoint;
use self::ask::Purpose;
use self::exchange::{Address, ApiCall, get_headers, label};
use self::presence::Presence;
use self::tokens::Tokens;
use self::unversioned::Placed;
use self::versions::Versions;
use super::identity::discovery::Keystone;
use super::identity::token::Token;
use super::project::Project;
use super::{ApiError, Microversion, MicroversionRange, Scope, Service};
use caso_base::Clock;
use caso_net::{Method, Request, Transport};

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
    /// So many requests are on their way to a service at a time, whoever asks; at least 1.
    pub at_a_time: usize,
}

impl SessionSettings {
    /// With cASO's defaults: the public interface, any region; and with as many requests at a
    /// time as anybody wants.
    pub fn new(login: Login) -> Self {
        SessionSettings {
            login,
            interfaces: vec!["public".to_owned()],
            region: None,
            retry: RetryPolicy::default(),
            at_a_time: Semaphore::MAX_PERMITS,
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

/// How many requests may be on their way to each service. First come, first served.
#[derive(Default)]
struct Doors(Mutex<BTreeMap<Service, Arc<Semaphore>>>);

impl Doors {
    fn of(&self, service: Service, at_a_time: usize) -> Arc<Semaphore> {
        let mut doors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let door = doors.entry(service).or_insert_with(|| {
            Arc::new(Semaphore::new(at_a_time.clamp(1, Semaphore::MAX_PERMITS)))
        });
        door.clone()
    }
}

/// What is a region's own.
struct Place {
    /// Only endpoints of this region; none for any.
    region: Option<String>,
    versions: Versions,
    presence: Presence,
    doors: Doors,
    /// Where the services are whose endpoints name no version.
    placed: Placed,
    /// Where no region was asked for: by service that was asked, the regions that
    /// catalogs list it in, the one that was taken first.
    listed: Mutex<BTreeMap<Service, Vec<String>>>,
}

struct Inner {
    settings: SessionSettings,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    tokens: Tokens,
    /// The tenants of a Keystone 2.0, once they were listed.
    tenants: OnceCell<Vec<Project>>,
    requests: AtomicU64,
    /// Keystone's, which is one for all regions.
    doors: Doors,
    /// Services that have taken a token of ours.
    accepted: Mutex<BTreeSet<Service>>,
    /// Their clocks minus ours, by the last answer of each.
    skews: Mutex<BTreeMap<Service, i64>>,
    /// By how much the last token was issued in our future.
    issued_ahead: Mutex<Option<i64>>,
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
                doors: Doors::default(),
                accepted: Mutex::default(),
                skews: Mutex::default(),
                issued_ahead: Mutex::default(),
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
        let build = |endpoint: &Endpoint| Ok(address::append(endpoint, path, query));
        let call = ApiCall {
            repeat_timeouts: !page,
            ..self.plain(service, version)
        };
        self.fetch(scope, &call, &build).await
    }

    /// The same at the address for administrators, which has calls of its own
    /// in version 2.0 of Keystone.
    pub async fn get_admin<T: DeserializeOwned>(
        &self,
        scope: &Scope,
        service: Service,
        path: &str,
    ) -> Result<T, ApiError> {
        let build = |endpoint: &Endpoint| Ok(address::append(endpoint, path, &[]));
        let interfaces = ["admin".to_owned()];
        let call = ApiCall {
            interfaces: &interfaces,
            ..self.plain(service, None)
        };
        self.fetch(scope, &call, &build).await
    }

    /// Keystone is of version 2.0: tenants instead of projects, and nothing
    /// for the whole cloud.
    pub async fn has_tenants(&self) -> Result<bool, ApiError> {
        Ok(matches!(login::keystone(self).await?, Keystone::V2(_)))
    }

    /// `POST path` of a service with a search as its body, for APIs that
    /// take searches so; it must be one that changes nothing, for it is
    /// repeated as a `GET` is. One that gets no answer in time comes back at
    /// once, as a page does: ask for less.
    pub async fn search<T: DeserializeOwned>(
        &self,
        scope: &Scope,
        service: Service,
        path: &str,
        query: &[(&str, String)],
        search: &Value,
    ) -> Result<T, ApiError> {
        let build = |endpoint: &Endpoint| Ok(address::append(endpoint, path, query));
        let call = ApiCall {
            repeat_timeouts: false,
            body: Some(search),
            ..self.plain(service, None)
        };
        self.fetch(scope, &call, &build).await
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

    /// Whether the catalog for this scope has one address of the service in this region and in another one: then it is one
    /// service, which both regions share. Not where one of them has none.
    ///
    /// # Errors
    /// There is no token for the scope.
    pub async fn shares(
        &self,
        scope: &Scope,
        service: Service,
        other: &str,
    ) -> Result<bool, ApiError> {
        let token = self.token(scope).await?;
        let address = |region: Option<&str>| {
            let interfaces = &self.inner.settings.interfaces;
            let endpoint = token.catalog.as_ref()?.find(service, interfaces, region)?;
            Some(endpoint.url.trim_end_matches('/'))
        };
        let here = address(self.place.region.as_deref());
        Ok(here.is_some() && here == address(Some(other)))
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
        let build = |endpoint: &Endpoint| {
            address::follow(endpoint, href).map_err(|detail| ApiError::BadUrl {
                url: href.to_owned(),
                detail,
                from: format!("a link in a page of {service}"),
            })
        };
        let call = ApiCall {
            repeat_timeouts: false,
            ..self.plain(service, version)
        };
        self.fetch(scope, &call, &build).await
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
        let purpose = Purpose {
            service,
            scope,
            repeat_timeouts: true,
            patient: true,
        };
        let request = |endpoint: &Endpoint, token: &Token| {
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
        let address = Address::Catalog(&self.inner.settings.interfaces);
        self.exchange(&purpose, address, &request, |_| Ok(())).await
    }

    /// The microversions of a service. Asked once.
    pub async fn microversions(
        &self,
        scope: &Scope,
        service: Service,
    ) -> Result<MicroversionRange, ApiError> {
        versions::range(self, scope, service).await
    }

    /// How many requests of this region the service has answered so far, with
    /// whatever it said. What a proxy says in its place (502, 503, 504), and to be
    /// asked to slow down, is no answer.
    pub fn answers(&self, service: Service) -> u64 {
        self.place.presence.answers(service)
    }

    /// Asks the service for what is no project's: its version document, without a
    /// token and without patience. The scope is one whose catalog has the service.
    ///
    /// # Errors
    /// It gave no answer: an outage.
    pub async fn is_there(&self, scope: &Scope, service: Service) -> Result<(), ApiError> {
        presence::ask(self, scope, service).await
    }

    /// All HTTP requests so far: tokens, repetitions and redirects included.
    pub fn requests(&self) -> u64 {
        self.inner.requests.load(Ordering::Relaxed)
    }

    /// A service's clock minus ours in seconds, by the last `Date` header; none
    /// before its first answer.
    pub fn clock_skew(&self, service: Service) -> Option<i64> {
        let skews = self.inner.skews.lock();
        let skews = skews.unwrap_or_else(PoisonError::into_inner);
        skews.get(&service).copied()
    }

    /// When the certificates end of the servers that were spoken to, in epoch seconds, by name.
    pub fn certificate_ends(&self) -> BTreeMap<String, i64> {
        self.inner.transport.certificate_ends()
    }

    /// Logs in for the scope, unless a token for it is there; answers with when that is to be
    /// renewed, by our clock in epoch seconds, as far as Keystone says.
    ///
    /// # Errors
    /// There is no token for it.
    pub async fn log_in(&self, scope: &Scope) -> Result<Option<i64>, ApiError> {
        Ok(self.token(scope).await?.renew_at)
    }

    fn note_issued(&self, token: &Token) {
        if token.issued_ahead.is_some() {
            let ahead = self.inner.issued_ahead.lock();
            *ahead.unwrap_or_else(PoisonError::into_inner) = token.issued_ahead;
        }
    }

    /// By how many seconds Keystone's clock is ahead of ours (behind it: below 0), where two
    /// witnesses agree on more than `least`: the `Date` of its answers, which a proxy may have
    /// made up, and the moment at which it issued our token.
    pub fn clock_apart_by_more_than(&self, least: i64) -> Option<i64> {
        let date = self.clock_skew(Service::Identity)?;
        let issued = self.inner.issued_ahead.lock();
        let issued = (*issued.unwrap_or_else(PoisonError::into_inner))?;
        let both = date.unsigned_abs().min(issued.unsigned_abs());
        let agree = date.signum() == issued.signum();
        (agree && i64::try_from(both).is_ok_and(|both| both > least)).then_some(date)
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

    /// Where no region was asked for: the services that were asked so far and are
    /// listed in several regions, with these, the one that was taken first.
    /// Keystone, which is often one for all regions, is not among them.
    pub fn regions_to_choose(&self) -> BTreeMap<Service, Vec<String>> {
        let listed = &self.place.listed;
        let mut listed = listed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        listed.retain(|service, regions| *service != Service::Identity && regions.len() > 1);
        listed
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

    /// The way to a service, which no more requests may be on at a time than the settings say.
    fn door(&self, service: Service) -> Arc<Semaphore> {
        let doors = match service {
            Service::Identity => &self.inner.doors,
            _ => &self.place.doors,
        };
        doors.of(service, self.inner.settings.at_a_time)
    }

    async fn token(&self, scope: &Scope) -> Result<Arc<Token>, ApiError> {
        tokens::token(self, scope).await
    }
}

impl Place {
    fn new(region: Option<&str>) -> Arc<Self> {
        Arc::new(Self {
            region: region.map(str::to_owned),
            versions: Versions::default(),
            presence: Presence::default(),
            doors: Doors::default(),
            placed: Placed::default(),
            listed: Mutex::default(),
        })
    }

    /// Catalogs of two projects may differ: what either has counts.
    fn note(&self, service: Service, regions: Vec<String>) {
        let mut listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        let known = listed.entry(service).or_default();
        for region in regions {
            if !known.contains(&region) {
                known.push(region);
            }
        }
    }
}
