//! What can go wrong with a request, typed where code decides on it, and in
//! words that say who can fix it. Every error says which call it was; no
//! error carries a secret: addresses lose their credentials first.

use std::fmt;
use std::mem::{Discriminant, discriminant};
use std::time::Duration;

use super::identity::catalog::Offered;
use super::tries::Tries;
use super::{Scope, Service};
use caso_base::suggest::nearest;
use caso_net::RedirectRefused;
use caso_net::http::CLOSED;
use caso_net::proxy::Through;

/// The call that failed.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    pub service: Service,
    pub scope: Scope,
    pub method: &'static str,
    /// Without user information.
    pub url: String,
    /// How often it was tried.
    pub tries: u32,
    /// From the first try to the last answer, pauses included.
    pub elapsed: Duration,
    /// OpenStack's `x-openstack-request-id`, which its logs know.
    pub request_id: Option<String>,
    /// Of a call that was answered: the proxy which may have done so in the service's place. None where
    /// there is none, or where it is known that the service did.
    pub through: Option<Through>,
}

/// What a proxy has to do with a connection that did not come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyPart {
    /// None is asked.
    None,
    /// It is on the way, and may not be there itself.
    OnTheWay,
    /// It answered, and opens no way.
    Refuses,
    /// It answered that it wants a login.
    WantsLogin,
}

impl Call {
    /// Who answered, as far as anybody can tell.
    fn answerer(&self) -> String {
        let service = self.service;
        match &self.through {
            None => service.to_string(),
            Some(through) => format!("{service}, or {through} in its place,"),
        }
    }

    /// Whether it asks Keystone for a token.
    pub fn is_login(&self) -> bool {
        self.service == Service::Identity
            && self.method == "POST"
            && self.url.ends_with("/auth/tokens")
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{} {}`", self.method, self.url)?;
        if let Scope::Project(id) = &self.scope {
            write!(f, " for project `{id}`")?;
        }
        let tries = Tries {
            tries: self.tries,
            elapsed: self.elapsed,
            request_id: self.request_id.as_deref(),
        };
        write!(f, " {tries}")
    }
}

/// Why no value came back.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ApiError {
    /// Keystone does not know user and password, or the application
    /// credential, or a provider does not vouch for us. Asked once; every later request of the session fails with
    /// the same error without going out.
    #[error("{by} refused {who}: {message}, {call}")]
    Credentials {
        /// Keystone, or the OpenID provider.
        by: &'static str,
        who: String,
        message: String,
        /// The way out.
        remedy: String,
        call: Box<Call>,
    },
    /// The credentials are good, but not for this project.
    #[error(
        "Keystone gives {who} no token for project `{project}`: it does not exist, is disabled, or the account has no role on it ({message}), {call}"
    )]
    NoRole {
        who: String,
        project: String,
        message: String,
        call: Box<Call>,
    },
    /// An application credential is for one project, and not for this one.
    #[error("the application credential is for project `{own}`, not for project `{wanted}`")]
    OtherProject { wanted: String, own: String },
    /// Keystone gave a token that is not for the project that it was asked for.
    #[error(
        "Keystone gives {who} a token for {}, where one for project `{wanted}` was asked for", token_project(.own.as_deref())
    )]
    WrongToken {
        who: String,
        wanted: String,
        /// The token's project; absent where it has none.
        own: Option<String>,
    },
    /// Version 2.0 of Keystone does not list the tenant for this account.
    #[error("{who} has no tenant `{tenant}`: it does not exist, or the account has no role on it")]
    NoTenant { who: String, tenant: String },
    /// 401 to a request with a fresh token.
    #[error("{} does not accept our token: {message}, {call}", call.service)]
    Unauthorized {
        message: String,
        call: Box<Call>,
        /// What it means and what to do; none where the caller knows more.
        hint: Option<String>,
    },
    /// 403.
    #[error("{} forbids this account {call}: {message}", call.answerer())]
    Forbidden { message: String, call: Box<Call> },
    /// 404.
    #[error("{} does not know {call}: {message}", call.service)]
    NotFound { message: String, call: Box<Call> },
    /// No answer in time, or a gateway's 504.
    #[error("{} did not answer in time ({detail}), {call}", call.service)]
    Timeout {
        detail: String,
        proxy: ProxyPart,
        call: Box<Call>,
    },
    /// 429, or 413 with a Retry-After, to the last try as well.
    #[error("{} asks us to slow down (status {status}{}): {message}, {call}", call.service, wait_text(*.retry_after))]
    RateLimited {
        status: u16,
        retry_after: Option<Duration>,
        message: String,
        call: Box<Call>,
    },
    /// Any other status that is not a success.
    #[error("{} answered with status {status} to {call}: {message}", call.answerer())]
    Status {
        status: u16,
        message: String,
        call: Box<Call>,
    },
    /// A success whose body is not JSON, such as a login page.
    #[error("{} answered {call} with status {status} and something that is not JSON (content type `{content_type}`): {excerpt}", call.answerer())]
    NotJson {
        status: u16,
        content_type: String,
        excerpt: String,
        call: Box<Call>,
    },
    /// The body ended in the middle.
    #[error("the answer of {} ended in the middle ({detail}), {call}", call.service)]
    Truncated { detail: String, call: Box<Call> },
    /// JSON, but not of the documented shape.
    #[error("{} answered {call} in an unexpected form: at `{path}`: {detail}", call.service)]
    Shape {
        path: String,
        detail: String,
        call: Box<Call>,
    },
    /// The body is larger than the transport takes.
    #[error("the answer of {} is larger than {limit} bytes, {call}", call.service)]
    TooLarge { limit: u64, call: Box<Call> },
    /// No connection.
    #[error("cannot reach {}: {detail}, {call}", call.service)]
    Connect {
        detail: String,
        /// What a proxy has to do with it.
        proxy: ProxyPart,
        call: Box<Call>,
    },
    /// The TLS handshake failed, by their certificate or ours.
    #[error("cannot trust {}: {detail}, {call}", call.service)]
    Tls {
        unknown_issuer: bool,
        detail: String,
        /// What to do about it, where more is known than that `cafile` would help.
        remedy: Option<String>,
        call: Box<Call>,
    },
    /// The catalog of our token has no address for the service.
    #[error(
        "the catalog for {scope} has no endpoint for {service} (types {}; interface {}; region {}); {}",
        .service.types().join(", "), .interfaces.join(" or "),
        .region.as_deref().unwrap_or("any"), available_text(.available)
    )]
    NoEndpoint {
        service: Service,
        scope: Scope,
        interfaces: Vec<String>,
        region: Option<String>,
        /// What there is of it, or of all services where there is nothing of it.
        available: Vec<Offered>,
        /// The region has other services, and of this one no endpoint under
        /// any interface: the cloud does without it.
        lacking: bool,
    },
    /// The catalog of our token has nothing in the region.
    #[error("the catalog has no region `{region}`; {}", regions_text(.known))]
    NoRegion { region: String, known: Vec<String> },
    /// The catalog's endpoint names no version, and the service does not say where
    /// one is.
    #[error(
        "the catalog's endpoint of {service}, `{endpoint}`, names no version, and its version document does not help: {detail}"
    )]
    NoVersion {
        service: Service,
        endpoint: String,
        example: String,
        detail: String,
    },
    /// The service answers where its version document should be, and does not say which
    /// microversions it has.
    #[error("{service} does not say which microversions it has: {detail}")]
    NoMicroversions {
        service: Service,
        detail: String,
        hint: Option<String>,
    },
    /// Sent elsewhere, where the request must not go.
    #[error("{} {refused}, {call}", call.service)]
    Redirect {
        refused: RedirectRefused,
        call: Box<Call>,
    },
    /// A malformed address.
    #[error("`{url}` is not a usable address ({detail}), from {from}")]
    BadUrl {
        url: String,
        detail: String,
        from: String,
    },
    /// The recording has no such exchange.
    #[error("not in the recording: {detail}, {call}")]
    Unrecorded { detail: String, call: Box<Call> },
    /// Anything else between us and them.
    #[error("talking to {} failed: {detail}, {call}", call.service)]
    Protocol { detail: String, call: Box<Call> },
}

/// What an error is, without its words: two calls that came to the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApiErrorKind {
    error: Discriminant<ApiError>,
    service: Option<Service>,
    status: Option<u16>,
}

impl ApiError {
    /// Of what kind it is, whatever project it befell.
    pub fn kind(&self) -> ApiErrorKind {
        ApiErrorKind {
            error: discriminant(self),
            service: self.service(),
            status: self.status(),
        }
    }

    /// What to do about it, where that is known. The text does not have it.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            ApiError::Credentials { remedy, .. } => remedy,
            ApiError::NoRole { .. } => {
                "check the id, or give the account the role `reader` on the project"
            }
            ApiError::OtherProject { wanted, .. } => {
                return Some(format!(
                    "take `{wanted}` from the list of projects, or use a credential of its own or a password for it"
                ));
            }
            ApiError::WrongToken { .. } => {
                "check the id, and on which projects the account has a role"
            }
            ApiError::NoTenant { .. } => "check the id, or give the account a role on the tenant",
            ApiError::Unauthorized { hint, .. } | ApiError::NoMicroversions { hint, .. } => {
                return hint.clone();
            }
            ApiError::Tls {
                remedy: Some(remedy),
                ..
            } => remedy,
            ApiError::Tls {
                unknown_issuer: true,
                ..
            } => {
                "set `cafile` in `[keystone_auth]` to a file with the certificate of the authority that signed it"
            }
            ApiError::Connect { proxy, call, .. } if *proxy != ProxyPart::None => {
                return Some(of_proxy(*proxy, call.service));
            }
            ApiError::Connect { call, detail, .. }
                if call.service == Service::Identity
                    && call.url.starts_with("http://")
                    && detail.starts_with(CLOSED) =>
            {
                "check `auth_url` in `[keystone_auth]`: a port where TLS is spoken hangs up on `http://` and wants \
                 `https://`; and that Keystone runs"
            }
            ApiError::Connect { call, .. } if call.service == Service::Identity => {
                "check `auth_url` in `[keystone_auth]`, and that Keystone runs"
            }
            ApiError::NoEndpoint { available, .. } if available.is_empty() => {
                "no endpoint is entered in Keystone, or a filter hides all of them from this project: an administrator looks at \
                 `openstack endpoint list`, and whoever has this account at `openstack catalog list`"
            }
            ApiError::NoRegion { .. } | ApiError::NoEndpoint { .. } => {
                return self.other_place().map(|option| format!("set {option}"));
            }
            ApiError::NoVersion {
                endpoint, example, ..
            } => {
                return Some(format!(
                    "have the address with the version put into the catalog (such as `{example}`), or have the document at `{endpoint}` let through"
                ));
            }
            ApiError::Redirect { call, .. } => redirect_remedy(call.service),
            ApiError::Status { call, .. }
            | ApiError::Forbidden { call, .. }
            | ApiError::NotJson { call, .. }
                if call.through.is_some() =>
            {
                return Some(format!(
                    "see in the logs of both which of the two it was; if it was the proxy, add the host to `no_proxy`, or \
                     have it let us through to {}; the next run asks again",
                    call.service
                ));
            }
            // No role opens that door.
            ApiError::Forbidden { call, .. } if call.is_login() => {
                "ask whoever runs what is in front of Keystone: it blocks logins from here"
            }
            ApiError::Status { status, call, .. } => {
                let service = call.service;
                return Some(match status {
                    500.. => format!(
                        "the fault is {service}'s: its log at this time says more; the next run asks again"
                    ),
                    _ => format!(
                        "ask whoever runs {service}: its log at this time says more; the next run asks again"
                    ),
                });
            }
            ApiError::NotFound { call, .. } => {
                return Some(match call.service {
                    Service::Identity => "check `auth_url` in `[keystone_auth]`".to_owned(),
                    service => format!(
                        "check the address in the catalog: openstack endpoint list --service {}",
                        service.types().first().unwrap_or(&"")
                    ),
                });
            }
            ApiError::NotJson { call, .. } | ApiError::Truncated { call, .. } => {
                return Some(format!(
                    "look at what is between here and {}, such as a proxy or a load balancer; the next run \
                     asks again",
                    call.service
                ));
            }
            ApiError::Timeout { call, proxy, .. } => {
                let service = call.service;
                return Some(match proxy {
                    ProxyPart::None => format!(
                        "see whether {service} is overloaded, or raise `timeout` in `[keystone_auth]`"
                    ),
                    _ => format!(
                        "see whether the proxy lets us through to {service}, or correct that variable, or add the host to \
                         `no_proxy`; if it does, see whether {service} is overloaded, or raise `timeout` in `[keystone_auth]`"
                    ),
                });
            }
            ApiError::RateLimited { .. } => {
                "lower `concurrency` in [DEFAULT], or where it is 1 have the limit raised"
            }
            ApiError::TooLarge { .. } => "lower `page_size` in [DEFAULT]",
            ApiError::Shape { call, .. } => {
                return Some(odd_answer(call.service, call.request_id.as_deref()));
            }
            ApiError::Connect { call, .. } => {
                return Some(format!(
                    "see whether {} runs, and whether its address in the catalog can be reached from here; the \
                     next run asks again",
                    call.service
                ));
            }
            ApiError::Tls { call, .. } => match call.service {
                Service::Identity => {
                    "check `auth_url` in `[keystone_auth]`, and the certificate at that address"
                }
                _ => "check the address in the catalog, and the certificate there",
            },
            ApiError::BadUrl { from, .. } if from.contains("auth_url") => {
                "correct `auth_url`: Keystone's usually ends with `/v3`"
            }
            ApiError::Protocol { .. } => {
                "see whether the address begins with `https://` where TLS is spoken, and what answers there"
            }
            _ => return None,
        };
        Some(text.to_owned())
    }

    /// With how long the server wants to be left alone, where the text does not have it.
    pub(crate) fn asked_to_wait(mut self, wait: Option<Duration>) -> Self {
        if let (ApiError::Status { message, .. }, Some(wait)) = (&mut self, wait) {
            *message = format!(
                "{message} (it wants to be left alone for {} s)",
                wait.as_secs()
            );
        }
        self
    }

    /// The option, with its value, by which the catalog has what was asked for.
    pub fn other_place(&self) -> Option<String> {
        match self {
            ApiError::NoRegion { region, known } => {
                let all: Vec<&str> = known.iter().map(String::as_str).collect();
                let near = nearest(region, all.iter().copied());
                set_to("region_name", near.as_slice()).or_else(|| set_to("region_name", &all))
            }
            ApiError::NoEndpoint {
                region, available, ..
            } => other_endpoint(region.as_deref(), available),
            _ => None,
        }
    }

    /// No answer in time. Pages are then asked again with half the limit.
    pub fn is_timeout(&self) -> bool {
        matches!(self, ApiError::Timeout { .. })
    }

    /// The same was asked before, for more at a time, and came too late then too: how often and how long in all.
    #[must_use]
    pub fn after(mut self, earlier: Option<&ApiError>) -> Self {
        if let (ApiError::Timeout { call, .. }, Some(ApiError::Timeout { call: before, .. })) =
            (&mut self, earlier)
        {
            call.tries += before.tries;
            call.elapsed += before.elapsed;
        }
        self
    }

    /// The account lacks a right: 403, or no token for the project.
    pub fn is_forbidden(&self) -> bool {
        matches!(self, ApiError::Forbidden { .. } | ApiError::NoRole { .. })
    }

    /// 404: the thing asked for is not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, ApiError::NotFound { .. })
    }

    /// 401 with a fresh token, or credentials that Keystone refuses.
    pub fn is_unauthorized(&self) -> bool {
        matches!(
            self,
            ApiError::Unauthorized { .. } | ApiError::Credentials { .. }
        )
    }

    /// The service may be away as a whole: no connection, no answer in time, a
    /// proxy's 502, 503 or 504, a request to slow down. Whether it is, an answer
    /// to another request shows ([`super::Session::is_there`]). A 500 or 501 is
    /// about the request that got it.
    pub fn is_outage(&self) -> bool {
        match self {
            ApiError::Connect { .. }
            | ApiError::Timeout { .. }
            | ApiError::RateLimited { .. }
            | ApiError::Truncated { .. }
            | ApiError::Tls { .. } => true,
            ApiError::Status { status, .. } => matches!(status, 502..=504),
            _ => false,
        }
    }

    /// The cloud does without the service that was asked for.
    pub fn is_service_lacking(&self) -> bool {
        matches!(self, ApiError::NoEndpoint { lacking: true, .. })
    }

    /// Status of the answer, where there was one and it says something.
    pub fn status(&self) -> Option<u16> {
        match self {
            ApiError::Credentials { .. }
            | ApiError::NoRole { .. }
            | ApiError::Unauthorized { .. } => Some(401),
            ApiError::Forbidden { .. } => Some(403),
            ApiError::NotFound { .. } => Some(404),
            ApiError::Status { status, .. }
            | ApiError::NotJson { status, .. }
            | ApiError::RateLimited { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Status of the answer, where it was this service that answered. A login on the way to it
    /// says nothing of it.
    pub fn status_of(&self, service: Service) -> Option<u16> {
        self.status().filter(|_| self.is_from(service))
    }

    /// This service answered that what was asked for is not there, or not for us: a refusal, or
    /// something else in its place. A 500 says nothing of what there is, and neither does
    /// a login on the way to the service.
    pub fn is_refusal_of(&self, service: Service) -> bool {
        let refusal = match self {
            ApiError::Unauthorized { .. }
            | ApiError::Forbidden { .. }
            | ApiError::NotFound { .. }
            | ApiError::NotJson { .. }
            | ApiError::Shape { .. }
            | ApiError::Redirect { .. } => true,
            ApiError::Status { status, .. } => *status < 500,
            _ => false,
        };
        refusal && self.is_from(service)
    }

    /// It failed in a call to this service.
    pub(crate) fn is_from(&self, service: Service) -> bool {
        self.call().is_some_and(|call| call.service == service)
    }

    /// The service that failed, for one line an outage.
    pub fn service(&self) -> Option<Service> {
        match self {
            ApiError::NoEndpoint { service, .. }
            | ApiError::NoVersion { service, .. }
            | ApiError::NoMicroversions { service, .. } => Some(*service),
            other => other.call().map(|call| call.service),
        }
    }

    /// The call it was.
    pub fn call(&self) -> Option<&Call> {
        match self {
            ApiError::Credentials { call, .. }
            | ApiError::NoRole { call, .. }
            | ApiError::Unauthorized { call, .. }
            | ApiError::Forbidden { call, .. }
            | ApiError::NotFound { call, .. }
            | ApiError::Timeout { call, .. }
            | ApiError::RateLimited { call, .. }
            | ApiError::Status { call, .. }
            | ApiError::NotJson { call, .. }
            | ApiError::Truncated { call, .. }
            | ApiError::Shape { call, .. }
            | ApiError::TooLarge { call, .. }
            | ApiError::Connect { call, .. }
            | ApiError::Tls { call, .. }
            | ApiError::Redirect { call, .. }
            | ApiError::Unrecorded { call, .. }
            | ApiError::Protocol { call, .. } => Some(call),
            ApiError::OtherProject { .. }
            | ApiError::WrongToken { .. }
            | ApiError::NoTenant { .. }
            | ApiError::NoEndpoint { .. }
            | ApiError::NoRegion { .. }
            | ApiError::NoVersion { .. }
            | ApiError::NoMicroversions { .. }
            | ApiError::BadUrl { .. } => None,
        }
    }
}

fn of_proxy(proxy: ProxyPart, service: Service) -> String {
    match proxy {
        ProxyPart::WantsLogin => {
            "write the proxy's user and password into that variable (`http://USER:PASSWORD@HOST:PORT`), or add the host to `no_proxy`".to_owned()
        }
        ProxyPart::Refuses => format!(
            "add the host to `no_proxy`, or have the proxy let `CONNECT` through to {service}; its log says why it did not"
        ),
        ProxyPart::OnTheWay | ProxyPart::None => {
            "correct that variable, or add the host to `no_proxy`".to_owned()
        }
    }
}

/// What to do about an answer that the API of the service does not give.
pub(crate) fn odd_answer(service: Service, request: Option<&str>) -> String {
    let ask = match request {
        Some(id) => format!(
            "ask whoever runs {service}, whose log has the request `{id}`: the answer is not what its API documents"
        ),
        None => format!(
            "ask whoever runs {service} whether it gave that answer, which is not what its API documents, or something \
             before it, such as a proxy"
        ),
    };
    format!(
        "{ask}; `caso-extract --dry-run --record DIR` keeps the answer, and `caso support` gathers what a report needs"
    )
}

fn token_project(own: Option<&str>) -> String {
    own.map_or_else(|| "no project".to_owned(), |own| format!("project `{own}`"))
}

fn regions_text(known: &[String]) -> String {
    let quoted: Vec<String> = known.iter().map(|region| format!("`{region}`")).collect();
    match quoted.as_slice() {
        [] => "its endpoints name none".to_owned(),
        [one] => format!("there is {one}"),
        _ => format!("there are {}", quoted.join(", ")),
    }
}

fn wait_text(retry_after: Option<Duration>) -> String {
    match retry_after {
        Some(wait) => format!(", for {} s", wait.as_secs()),
        None => String::new(),
    }
}

fn redirect_remedy(service: Service) -> &'static str {
    match service {
        Service::Identity => {
            "write the final address into `auth_url` in `[keystone_auth]`, where it is Keystone's; where it is a login page, something in \
             front of Keystone blocks programs"
        }
        Service::OpenIdProvider => {
            "write the final address into `discovery_endpoint` or `access_token_endpoint` in `[keystone_auth]`"
        }
        _ => {
            "have the final address put into the cloud's catalog; where it is a login page, something in front of the service blocks programs"
        }
    }
}

fn available_text(available: &[Offered]) -> String {
    if available.is_empty() {
        "it lists no endpoint at all".to_owned()
    } else {
        let all: Vec<String> = available.iter().map(ToString::to_string).collect();
        format!("it has {}", all.join("; "))
    }
}

/// What to write where the catalog has a service in another region, or under another interface.
fn other_endpoint(region: Option<&str>, available: &[Offered]) -> Option<String> {
    let own = || available.iter().filter(|it| it.own);
    let here: Vec<&str> = own()
        .filter(|it| region.is_none() || it.region.as_deref() == region)
        .map(|it| it.interface.as_str())
        .collect();
    if here.is_empty() {
        let regions: Vec<&str> = own().filter_map(|it| it.region.as_deref()).collect();
        return set_to("region_name", &regions);
    }
    set_to("interface", &here)
}

/// `` `option = value` ``, or the values that there are.
fn set_to(option: &str, values: &[&str]) -> Option<String> {
    let mut each: Vec<&str> = Vec::new();
    for value in values {
        if !each.contains(value) {
            each.push(value);
        }
    }
    let quoted: Vec<String> = each.iter().map(|value| format!("`{value}`")).collect();
    match (each.as_slice(), quoted.split_last()) {
        ([one], _) => Some(format!("`{option} = {one}`")),
        (_, Some((last, others))) => Some(format!("`{option}` to {} or {last}", others.join(", "))),
        (_, None) => None,
    }
}
