//! The two requests of the service's API, and what its answers mean.
//!
//! There is no description of the API but cASO 5.2.2's `messenger/greendigit_cim.py`:
//! `GET /gd-cim-api/v1/token?email=…&password=…` answers an object with
//! `access_token` or `token`; `POST /gd-cim-api/v1/submit` takes a list of records
//! with that token as bearer. What its errors look like is not known, so that
//! statuses are read as HTTP defines them, and a body is only quoted.

use caso_component::messenger::Rest;
use serde_json::Value;

use crate::account::Account;
use crate::web::{Reply, Request, Web, WebError};

/// How long to leave a service alone that is not there, in seconds.
const RETRY_SECONDS: u32 = 30;
/// Longest pause that a service may ask for; the next run comes anyhow.
const LONGEST_PAUSE: u32 = 3_600;
/// Characters of an answer that are quoted.
const QUOTED: usize = 300;

/// The service, and the token in use.
pub struct Service<'a> {
    pub account: &'a Account,
    pub token: &'a mut Option<String>,
    pub web: &'a mut dyn Web,
}

/// What became of a list.
#[derive(Debug, PartialEq)]
pub enum Verdict {
    Taken,
    /// The service cannot take what was posted, and why.
    Refused(String),
    /// It is not about the list: what to do with it, and why.
    Stop(Rest, String),
}

impl Service<'_> {
    /// Posts a list of objects.
    pub fn submit<'o>(&mut self, objects: impl Iterator<Item = &'o str>, key: &str) -> Verdict {
        let list: Vec<&str> = objects.collect();
        let body = format!("[{}]", list.join(","));
        match self.post(&body, key) {
            Ok(verdict) | Err(verdict) => verdict,
        }
    }

    /// With a token that was kept from before, and once more with a new one
    /// where that has run out.
    fn post(&mut self, body: &str, key: &str) -> Result<Verdict, Verdict> {
        let kept = self.token.is_some();
        if !kept {
            self.log_in()?;
        }
        let mut reply = self.ask(self.submission(body, key), "the records")?;
        if reply.status == 401 && kept {
            self.log_in()?;
            reply = self.ask(self.submission(body, key), "the records")?;
        }
        let what = self.quote(&reply, "the records");
        match reply.status {
            200..=299 => Ok(Verdict::Taken),
            401 => {
                *self.token = None;
                Err(misconfigured(format!(
                    "it refuses the token that it gave: {what}"
                )))
            }
            413 => Err(Verdict::Stop(Rest::TooLarge, what)),
            403 | 404 | 405 | 300..=399 => Err(misconfigured(what)),
            408 | 425 | 429 | 500..=599 => Err(later(&reply, what)),
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

    /// Asks for a token. One that answers that there is no content wants none:
    /// so does the host in a dry run, where no request leaves.
    fn log_in(&mut self) -> Result<(), Verdict> {
        *self.token = None;
        let request = Request {
            path: self.account.token_path(),
            headers: vec![("accept", "application/json".to_owned())],
            body: None,
        };
        let reply = self.ask(request, "the login")?;
        let what = self.quote(&reply, "the login");
        match reply.status {
            204 => *self.token = Some(String::new()),
            200..=299 => match token(&reply.body) {
                Some(token) => *self.token = Some(token),
                None => {
                    let address = self.account.address();
                    return Err(misconfigured(format!(
                        "`{address}` answered the login without a token: `base_url` may be that \
                         of another service"
                    )));
                }
            },
            400 | 401 | 403 | 422 => {
                return Err(misconfigured(format!(
                    "{what}; check `email` and `password` in its section"
                )));
            }
            408 | 425 | 429 | 500..=599 => return Err(later(&reply, what)),
            _ => return Err(misconfigured(format!("{what}; check `base_url`"))),
        }
        Ok(())
    }

    fn ask(&mut self, request: Request, about: &str) -> Result<Reply, Verdict> {
        let address = self.account.address();
        self.web.send(&request).map_err(|error| match error {
            WebError::Denied => misconfigured(format!(
                "the host does not grant requests to `{address}`; its log says which line would"
            )),
            WebError::Tls(reason) => misconfigured(format!(
                "`{address}` cannot be trusted: {reason}; a private authority goes into `cafile`"
            )),
            WebError::Away(reason) => Verdict::Stop(
                Rest::again(
                    RETRY_SECONDS,
                    format!("`{address}` did not answer {about}: {reason}"),
                ),
                reason,
            ),
            WebError::Other(reason) => {
                let reason = format!("`{address}`, {about}: {reason}");
                Verdict::Stop(Rest::Other(reason.clone()), reason)
            }
        })
    }

    /// What the service said, without what only it and we shall know.
    fn quote(&self, reply: &Reply, about: &str) -> String {
        let address = self.account.address();
        let mut text = format!("`{address}` answered {about} with {}", reply.status);
        if let Some(location) = &reply.location {
            // Without what may be of the address that we asked.
            let to = location.split(['?', '#']).next().unwrap_or_default();
            text.push_str(&format!(", a redirect to `{to}`, which is not followed"));
        }
        let mut body = reply.body.split_whitespace().collect::<Vec<_>>().join(" ");
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

fn token(body: &str) -> Option<String> {
    let value: Value = serde_json::from_str(body).ok()?;
    ["access_token", "token"]
        .iter()
        .find_map(|name| value.get(name)?.as_str())
        // A header takes no more than these.
        .filter(|token| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()))
        .map(str::to_owned)
}

fn misconfigured(reason: String) -> Verdict {
    Verdict::Stop(Rest::Misconfigured(reason.clone()), reason)
}

fn later(reply: &Reply, reason: String) -> Verdict {
    let seconds = reply.retry_after.unwrap_or(RETRY_SECONDS);
    let rest = Rest::again(seconds.clamp(1, LONGEST_PAUSE), reason.clone());
    Verdict::Stop(rest, reason)
}
