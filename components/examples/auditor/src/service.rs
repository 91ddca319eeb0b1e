//! AUDITOR's requests, and what its answers mean (`routes/add.rs`, `routes/update.rs`).
//!
//! Several records go in one request, `POST /records`, which AUDITOR stores whole or not at
//! all: it is one `INSERT`. One goes by `POST /record`.
//!
//! | answer | means |
//! |---|---|
//! | 200 without a body | stored |
//! | 500 `RECORD_EXISTS`; 200 with a `warning`, where the site has `ignore_record_exists_error`; 409 | AUDITOR has one of them, and has stored none: halves, down to the one that it has. Of a VM that has ended the stop time is set then, by `PUT /record` |
//! | 400 `Json deserialize error …` | one of them is at fault: halves, down to the one |
//! | 500 `UNEXPECTED_ERROR` | the database is away (`GET /health_check` says so), then later; or one is at fault |
//! | 413 | fewer at a time |
//! | 401, 403 | misconfigured: AUDITOR does not know who writes |
//! | 404, 405, a redirect | misconfigured: this is not AUDITOR |
//! | 408, 425, 429, another 5xx, 200 with anything else, none | later, after `Retry-After` if it says so |

use std::time::Duration;

use caso_component::messenger::Rest;
use caso_http::client::{Client, header};
use caso_http::http::{Request, Response};
use caso_http::requests::{self, Entry, Verdict};
use caso_http::words;
use serde_json::Value;

use crate::ORIGIN;
use crate::options::Options;
use crate::record::Record;

/// What is asked, in messages.
const RECORDS: &str = "the records";

/// AUDITOR.
pub struct Service<'a> {
    pub options: &'a Options,
    pub client: &'a mut dyn Client,
}

impl requests::Service<Record> for Service<'_> {
    fn send(&mut self, records: &[Entry<Record>]) -> Result<Verdict, Rest> {
        let (path, body) = match records {
            [one] => ("/record", one.value.json.clone()),
            several => {
                let objects = several.iter().map(|it| it.value.json.as_str());
                let objects: Vec<&str> = objects.collect();
                ("/records", format!("[{}]", objects.join(",")))
            }
        };
        let response = self.ask("POST", path, body, RECORDS)?;
        if says_it_exists(&response) {
            return match records {
                [one] => self.close(&one.value),
                _ => Ok(Verdict::Fewer("AUDITOR has one of them".to_owned())),
            };
        }
        let what = self.quote(&response, RECORDS);
        match response.status {
            200 if response.body.is_empty() => Ok(Verdict::Taken),
            // Of the host, in a dry run.
            204 => Ok(Verdict::Taken),
            200..=299 => Err(words::later(
                &response,
                format!("{what}, which is no answer of AUDITOR's: it may be another service"),
            )),
            400 if says(&response, "Json deserialize error") => Ok(Verdict::AtFault {
                reason: what,
                unless: None,
            }),
            413 => Ok(Verdict::Fewer(what)),
            500 if says(&response, "UNEXPECTED_ERROR") => {
                self.is_healthy()?;
                Ok(Verdict::AtFault {
                    unless: Some(words::later(&response, what.clone())),
                    reason: what,
                })
            }
            _ => Err(Self::stop(&response, what)),
        }
    }

    fn elapsed(&self) -> Duration {
        self.client.elapsed()
    }
}

impl Service<'_> {
    /// A record that AUDITOR has: of a VM that has ended it may still lack the stop time.
    fn close(&mut self, record: &Record) -> Result<Verdict, Rest> {
        if !record.closes {
            return Ok(Verdict::Known);
        }
        let about = "the stop time of a record";
        let response = self.ask("PUT", "/record", record.json.clone(), about)?;
        let what = self.quote(&response, about);
        match response.status {
            200 if response.body.is_empty() => Ok(Verdict::Known),
            // It was there a moment ago.
            404 if says(&response, "Updating unknown record") => Err(words::later(&response, what)),
            200..=299 => Err(words::later(&response, what)),
            _ => Err(Self::stop(&response, what)),
        }
    }

    /// Whether AUDITOR has its database, as far as it says. With `enforce_rbac` it says 403 to
    /// who may write: its policy has `/healthcheck`, and its route is `/health_check`.
    fn is_healthy(&mut self) -> Result<(), Rest> {
        let about = "the question after its health";
        let response = self.ask("GET", "/health_check", String::new(), about)?;
        match response.status {
            500..=599 => Err(words::later(
                &response,
                format!("{}: it has lost its database", self.quote(&response, about)),
            )),
            _ => Ok(()),
        }
    }

    /// What an answer means that says nothing of the records.
    fn stop(response: &Response, what: String) -> Rest {
        match response.status {
            401 | 403 => Rest::Misconfigured(format!(
                "{what}; AUDITOR knows who may write by the common name of the client \
                 certificate: `certfile` and `keyfile` of the grant here, `write_access_cn` \
                 there; a proxy before it may want `token`"
            )),
            300..=399 | 404 | 405 => Rest::Misconfigured(format!("{what}; check `url`")),
            status if words::passes(status) => words::later(response, what),
            _ => Rest::Other(what),
        }
    }

    fn ask(
        &mut self,
        method: &str,
        path: &str,
        body: String,
        about: &str,
    ) -> Result<Response, Rest> {
        let mut headers = Vec::new();
        if !body.is_empty() {
            headers.push(header("content-type", "application/json"));
        }
        if let Some(token) = &self.options.token {
            headers.push(header("authorization", &format!("Bearer {token}")));
        }
        let request = Request {
            method: method.to_owned(),
            path: self.options.address.below(path),
            headers,
            body: body.into_bytes(),
        };
        self.client
            .send(ORIGIN, &request)
            .map_err(|error| words::unanswered(error, &self.options.address.origin, about))
    }

    fn quote(&self, response: &Response, about: &str) -> String {
        words::quote(
            &self.options.address.origin,
            about,
            response.status,
            words::of(response),
            self.options.token.as_deref(),
        )
    }
}

/// Whether AUDITOR has one of the records, which never means that it stored the others.
fn says_it_exists(response: &Response) -> bool {
    let warns = || {
        let value: Option<Value> = serde_json::from_slice(&response.body).ok();
        value.is_some_and(|value| value.get("warning").is_some())
    };
    match response.status {
        409 => true,
        500 => says(response, "RECORD_EXISTS"),
        200 => warns(),
        _ => false,
    }
}

/// Whether the body begins so.
fn says(response: &Response, begin: &str) -> bool {
    response.body.starts_with(begin.as_bytes())
}
