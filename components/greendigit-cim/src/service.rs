//! The two requests of the service's API, and what its answers mean.
//!
//! The API is documented only by its client, cASO 5.2.2's `messenger/greendigit_cim.py`:
//! `GET /gd-cim-api/v1/token?email=…&password=…` returns an object with `access_token` or
//! `token`; `POST /gd-cim-api/v1/submit` takes a list of records, with that token as the
//! bearer. The format of its errors is unknown: statuses are taken as HTTP defines them
//! (RFC 9110), and a body is only quoted.

use caso_component::messenger::Rest;
use serde_json::Value;

use crate::account::Account;
use crate::http::{HttpClient, HttpError, Request, Response};

/// Seconds until a service that is not there, or is overloaded, is tried again.
const RETRY_SECONDS: u32 = 30;
/// Longest pause in seconds that a service may ask for; by then the next run is due.
const LONGEST_PAUSE: u32 = 3_600;
/// Characters of a response that are quoted.
const QUOTED: usize = 300;

/// The service, and the token in use.
pub struct Service<'a> {
    /// Where it is, and the account there.
    pub account: &'a Account,
    /// The token; none before the first login, empty where the service wants none.
    pub token: &'a mut Option<String>,
    /// How it is reached.
    pub http: &'a mut dyn HttpClient,
}

/// What became of a list of records.
#[derive(Debug, PartialEq)]
pub enum Verdict {
    /// The service has accepted all of them.
    Accepted,
    /// The service cannot process the list, for this reason: one of its records is wrong,
    /// or more.
    Refused(String),
    /// The reason lies elsewhere. What the host should do with the list, and why.
    Stop(Rest, String),
}

impl Service<'_> {
    /// Posts a list of JSON objects, with `key` as its `Idempotency-Key`.
    pub fn submit(&mut self, objects: &[String], key: &str) -> Verdict {
        let body = format!("[{}]", objects.join(","));
        match self.post(&body, key) {
            Ok(verdict) | Err(verdict) => verdict,
        }
    }

    /// Posts with the token kept from an earlier call, and once more with a new one if
    /// that has expired.
    fn post(&mut self, body: &str, key: &str) -> Result<Verdict, Verdict> {
        let kept = self.token.is_some();
        if !kept {
            self.log_in()?;
        }
        let mut response = self.send(self.submission(body, key), "the records")?;
        if response.status == 401 && kept {
            self.log_in()?;
            response = self.send(self.submission(body, key), "the records")?;
        }
        let what = self.quote(&response, "the records");
        match response.status {
            200..=299 => Ok(Verdict::Accepted),
            401 => {
                *self.token = None;
                Err(misconfigured(format!(
                    "the service refuses the token that it issued: {what}"
                )))
            }
            413 => Err(Verdict::Stop(Rest::TooLarge, what)),
            403 | 404 | 405 | 300..=399 => Err(misconfigured(what)),
            408 | 425 | 429 | 500..=599 => Err(later(&response, what)),
            _ => Ok(Verdict::Refused(what)),
        }
    }

    fn submission(&self, body: &str, key: &str) -> Request {
        let mut headers = vec![
            ("content-type", "application/json".to_owned()),
            ("accept", "application/json".to_owned()),
            ("idempotency-key", format!("\"{key}\"")),
        ];
        if let Some(token) = self.token.as_ref().filter(|token| !token.is_empty()) {
            headers.push(("authorization", format!("Bearer {token}")));
        }
        Request {
            path: self.account.submit_path(),
            headers,
            body: Some(body.to_owned()),
        }
    }

    /// Asks for a token. A service that answers 204 No Content wants none; so the host
    /// answers in a dry run, where no request leaves.
    fn log_in(&mut self) -> Result<(), Verdict> {
        *self.token = None;
        let request = Request {
            path: self.account.token_path(),
            headers: vec![("accept", "application/json".to_owned())],
            body: None,
        };
        let response = self.send(request, "the login")?;
        let what = self.quote(&response, "the login");
        match response.status {
            204 => *self.token = Some(String::new()),
            200..=299 => match token(&response.body) {
                Some(token) => *self.token = Some(token),
                None => {
                    let address = self.account.address();
                    return Err(misconfigured(format!(
                        "`{address}` answered the login without a token: `base_url` may be the \
                         address of another service"
                    )));
                }
            },
            400 | 401 | 403 | 422 => {
                return Err(misconfigured(format!(
                    "{what}; check `email` and `password` in this messenger's section"
                )));
            }
            408 | 425 | 429 | 500..=599 => return Err(later(&response, what)),
            _ => return Err(misconfigured(format!("{what}; check `base_url`"))),
        }
        Ok(())
    }

    /// Sends a request; `about` says what it is for, in the error.
    fn send(&mut self, request: Request, about: &str) -> Result<Response, Verdict> {
        let address = self.account.address();
        self.http.send(&request).map_err(|error| match error {
            HttpError::Denied => misconfigured(format!(
                "the host does not grant requests to `{address}`; its log has the line to add"
            )),
            HttpError::Tls(reason) => misconfigured(format!(
                "`{address}` cannot be trusted: {reason}; if its certificate is from an authority \
                 of your own, set `cafile`"
            )),
            HttpError::Unavailable(reason) => Verdict::Stop(
                Rest::retry(
                    RETRY_SECONDS,
                    format!("`{address}` did not answer {about}: {reason}"),
                ),
                reason,
            ),
            HttpError::Other(reason) => {
                let reason = format!("`{address}`, {about}: {reason}");
                Verdict::Stop(Rest::Other(reason.clone()), reason)
            }
        })
    }

    /// The response in words, without token and password.
    fn quote(&self, response: &Response, about: &str) -> String {
        let address = self.account.address();
        let mut text = format!("`{address}` answered {about} with {}", response.status);
        if let Some(location) = &response.location {
            // Without the query: it may be the one we sent, with the password in it.
            let to = location.split(['?', '#']).next().unwrap_or_default();
            text.push_str(&format!(", a redirect to `{to}`, which is not followed"));
        }
        let mut body = response
            .body
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        let token = self.token.as_deref().unwrap_or_default();
        for secret in [token, &self.account.password] {
            if !secret.is_empty() {
                body = body.replace(secret, "***");
            }
        }
        if !body.is_empty() {
            let short: String = body.chars().take(QUOTED).collect();
            let more = if short.len() < body.len() { "…" } else { "" };
            text.push_str(&format!(": {short}{more}"));
        }
        text
    }
}

/// The token in the response to a login.
fn token(body: &str) -> Option<String> {
    let value: Value = serde_json::from_str(body).ok()?;
    ["access_token", "token"]
        .iter()
        .find_map(|name| value.get(name)?.as_str())
        // What a header value can hold.
        .filter(|token| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()))
        .map(str::to_owned)
}

fn misconfigured(reason: String) -> Verdict {
    Verdict::Stop(Rest::Misconfigured(reason.clone()), reason)
}

fn later(response: &Response, reason: String) -> Verdict {
    let seconds = response.retry_after.unwrap_or(RETRY_SECONDS);
    let rest = Rest::retry(seconds.clamp(1, LONGEST_PAUSE), reason.clone());
    Verdict::Stop(rest, reason)
}
