//! One request until it is answered: sends it, follows the redirects that it may
//! follow ([`redirect::target`]), repeats it by the retry rule, and says what
//! kind of failure is left.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::super::error::{ApiError, Call, ProxyPart};
use super::super::{Scope, Service};
use super::Session;
use super::answer::{self, BadBody};
use super::hush;
use caso_base::Clock;
use caso_net::{Request, Response, TransportError, clean, redirect, retry};

/// How many hops we follow; a service needs one, for a slash at the end.
const LONGEST_CHAIN: u32 = 5;

/// What a request is for.
pub struct Purpose<'a> {
    pub service: Service,
    pub scope: &'a Scope,
    /// False for pages, whose caller asks again for less.
    pub repeat_timeouts: bool,
    /// False where it has just been waited for in vain.
    pub patient: bool,
}

/// How far a call has come; shared by the tries before and after a renewed
/// token.
pub struct Attempts {
    started: Duration,
    tries: u32,
    repeated: u32,
    reconnected: u32,
}

impl Attempts {
    pub fn start(clock: &dyn Clock) -> Self {
        Attempts {
            started: clock.monotonic(),
            tries: 0,
            repeated: 0,
            reconnected: 0,
        }
    }
}

/// A failure, and whether asking again may help.
struct Failure {
    error: ApiError,
    again: Again,
}

enum Again {
    No,
    After(Option<Duration>),
}

impl Session {
    /// `decode` makes a value of a success; a body it finds cut short is
    /// asked for again.
    pub(super) async fn ask<T>(
        &self,
        request: &Request,
        purpose: &Purpose<'_>,
        attempts: &mut Attempts,
        decode: impl Fn(&Response) -> Result<T, BadBody>,
    ) -> Result<T, ApiError> {
        let policy = self.inner.settings.retry;
        loop {
            attempts.tries += 1;
            let failure = match self.once(request, purpose, attempts, &decode).await {
                Ok(value) => return Ok(value),
                Err(failure) => failure,
            };
            let (Again::After(wait), true) = (failure.again, purpose.patient) else {
                return Err(failure.error);
            };
            let unconnected = matches!(failure.error, ApiError::Connect { .. });
            let (spent, bound) = if unconnected {
                (&mut attempts.reconnected, policy.connect_retries)
            } else {
                (&mut attempts.repeated, policy.retries)
            };
            if *spent >= bound {
                return Err(failure.error);
            }
            if policy.gives_up(*spent, wait) {
                return Err(failure.error.asked_to_wait(wait));
            }
            *spent += 1;
            let pause = policy.pause(*spent, wait);
            tracing::debug!("{}; again in {:.1} s", failure.error, pause.as_secs_f64());
            self.inner.clock.sleep(pause).await;
        }
    }

    async fn once<T>(
        &self,
        request: &Request,
        purpose: &Purpose<'_>,
        attempts: &Attempts,
        decode: &impl Fn(&Response) -> Result<T, BadBody>,
    ) -> Result<T, Failure> {
        let mut request = request.clone();
        for _ in 0..=LONGEST_CHAIN {
            let response = match self.send(request.clone(), purpose.service).await {
                Ok(response) => response,
                Err(error) => {
                    let call = self.call(&request, None, purpose, attempts);
                    let proxy = match self.inner.transport.through(&request.url) {
                        Some(_) => ProxyPart::OnTheWay,
                        None => ProxyPart::None,
                    };
                    return Err(no_answer(error, call, purpose, proxy));
                }
            };
            if matches!(response.status, 301 | 302 | 303 | 307 | 308)
                && let Some(location) = response.header("location")
            {
                match redirect::target(&request, location) {
                    Ok(url) => request.url = url,
                    Err(refused) => {
                        let call = self.call(&request, Some(&response), purpose, attempts);
                        return Err(Failure {
                            error: ApiError::Redirect { refused, call },
                            again: Again::No,
                        });
                    }
                }
                continue;
            }
            self.place.presence.count(purpose.service, response.status);
            // 300 is how Keystone, Cinder and Glance give version documents.
            if (200..=300).contains(&response.status) {
                return decode(&response).map_err(|bad| {
                    let bad = decode(&hush::answer(&request, &response))
                        .err()
                        .unwrap_or(bad);
                    let call = self.call(&request, Some(&response), purpose, attempts);
                    bad_body(bad, response.status, call)
                });
            }
            let call = self.call(&request, Some(&response), purpose, attempts);
            let now = self.inner.clock.now();
            let told = hush::answer(&request, &response);
            return Err(refusal(&told, call, purpose, now));
        }
        let call = self.call(&request, None, purpose, attempts);
        Err(Failure {
            error: ApiError::Protocol {
                detail: format!("more than {LONGEST_CHAIN} redirects in a row"),
                call,
            },
            again: Again::No,
        })
    }

    async fn send(&self, request: Request, service: Service) -> Result<Response, TransportError> {
        self.inner.requests.fetch_add(1, Ordering::Relaxed);
        let asked = format!("{} {}", request.method.name(), clean(&request.url));
        let door = self.door(service);
        // It is closed by nobody.
        let _through = door.acquire().await;
        let began = self.inner.clock.monotonic();
        let response = self.inner.transport.send(request).await?;
        tracing::debug!(
            "{asked}: {}, {} bytes, {:.2} s",
            response.status,
            response.body.len(),
            self.inner
                .clock
                .monotonic()
                .saturating_sub(began)
                .as_secs_f64()
        );
        let date = response
            .header("date")
            .and_then(|text| httpdate::parse_http_date(text).ok())
            .and_then(retry::unix);
        if let Some(date) = date {
            let skew = date - self.inner.clock.now();
            let skews = self.inner.skews.lock();
            skews
                .unwrap_or_else(PoisonError::into_inner)
                .insert(service, skew);
        }
        Ok(response)
    }

    fn call(
        &self,
        request: &Request,
        response: Option<&Response>,
        purpose: &Purpose<'_>,
        attempts: &Attempts,
    ) -> Box<Call> {
        let request_id = response.and_then(|response| {
            response
                .header("x-openstack-request-id")
                .or_else(|| response.header("x-compute-request-id"))
        });
        // Of what is encrypted a proxy could not have answered; and it gives no such id.
        let unsigned = response.is_some() && request_id.is_none() && request.url.scheme() == "http";
        let through = unsigned.then(|| self.inner.transport.through(&request.url));
        Box::new(Call {
            service: purpose.service,
            scope: purpose.scope.clone(),
            method: request.method.name(),
            url: clean(&request.url),
            tries: attempts.tries,
            elapsed: self
                .inner
                .clock
                .monotonic()
                .saturating_sub(attempts.started),
            request_id: request_id.map(str::to_owned),
            through: through.flatten(),
        })
    }
}

fn no_answer(
    error: TransportError,
    call: Box<Call>,
    purpose: &Purpose<'_>,
    proxy: ProxyPart,
) -> Failure {
    let (error, again) = match error {
        TransportError::Connect(detail) => (
            ApiError::Connect {
                detail,
                proxy,
                call,
            },
            true,
        ),
        TransportError::Proxy {
            wants_login,
            detail,
        } => (
            ApiError::Connect {
                detail,
                proxy: match wants_login {
                    true => ProxyPart::WantsLogin,
                    false => ProxyPart::Refuses,
                },
                call,
            },
            !wants_login,
        ),
        TransportError::Truncated(detail) => (ApiError::Truncated { detail, call }, true),
        TransportError::Timeout(detail) => (
            ApiError::Timeout {
                detail,
                proxy,
                call,
            },
            purpose.repeat_timeouts,
        ),
        TransportError::Tls {
            unknown_issuer,
            detail,
            remedy,
        } => (
            ApiError::Tls {
                unknown_issuer,
                detail,
                remedy,
                call,
            },
            false,
        ),
        TransportError::TooLarge { limit } => (ApiError::TooLarge { limit, call }, false),
        TransportError::Unrecorded(detail) => (ApiError::Unrecorded { detail, call }, false),
        TransportError::Protocol(detail) => (ApiError::Protocol { detail, call }, false),
    };
    Failure {
        error,
        again: if again { Again::After(None) } else { Again::No },
    }
}

fn bad_body(bad: BadBody, status: u16, call: Box<Call>) -> Failure {
    match bad {
        BadBody::Truncated(detail) => Failure {
            error: ApiError::Truncated { detail, call },
            again: Again::After(None),
        },
        BadBody::NotJson {
            content_type,
            excerpt,
        } => Failure {
            error: ApiError::NotJson {
                status,
                content_type,
                excerpt,
                call,
            },
            again: Again::No,
        },
        BadBody::Shape { path, detail } => Failure {
            error: ApiError::Shape { path, detail, call },
            again: Again::No,
        },
    }
}

fn refusal(response: &Response, call: Box<Call>, purpose: &Purpose<'_>, now: i64) -> Failure {
    let message = answer::message(response);
    let status = response.status;
    let wait = retry::retry_after(response, now);
    let (error, again) = match status {
        401 => (
            ApiError::Unauthorized {
                message,
                call,
                hint: None,
            },
            Again::No,
        ),
        403 => (ApiError::Forbidden { message, call }, Again::No),
        404 => (ApiError::NotFound { message, call }, Again::No),
        429 => (
            ApiError::RateLimited {
                status,
                retry_after: wait,
                message,
                call,
            },
            Again::After(wait),
        ),
        413 if wait.is_some() => (
            ApiError::RateLimited {
                status,
                retry_after: wait,
                message,
                call,
            },
            Again::After(wait),
        ),
        504 => (
            ApiError::Timeout {
                detail: match &call.through {
                    Some(through) => format!("{through}, or another gateway, says 504: {message}"),
                    None => format!("a gateway says 504: {message}"),
                },
                proxy: match call.through {
                    Some(_) => ProxyPart::OnTheWay,
                    None => ProxyPart::None,
                },
                call,
            },
            if purpose.repeat_timeouts {
                Again::After(wait)
            } else {
                Again::No
            },
        ),
        502 | 503 => (
            ApiError::Status {
                status,
                message,
                call,
            },
            Again::After(wait),
        ),
        _ => (
            ApiError::Status {
                status,
                message,
                call,
            },
            Again::No,
        ),
    };
    Failure { error, again }
}

#[cfg(test)]
mod tests;
