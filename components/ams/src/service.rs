//! AMS's two requests, and what its answers mean.
//!
//! | answer to a publish | means |
//! |---|---|
//! | 200 with `messageIds` | as many messages as there are ids are taken, from the first; the others are published again |
//! | 200 without them | not AMS's answer: nothing is known, so it is tried again |
//! | 400, 409, 422 and the like, in AMS's form | refused for good: the message's records are quarantined, with AMS's words; if it is the first five messages, and none is taken, all of them wait |
//! | the same from something else, as HTML | tried again in the next run |
//! | 401 | the token has ended: a new one, once; then it is misconfigured |
//! | 403, 404, a redirect | misconfigured: the DN is not in GOCDB; there is no such project or topic; this is not AMS |
//! | 413 | too large: fewer messages, then fewer records |
//! | 408, 425, 429, 5xx, none | later, after `Retry-After` if it says so |
//!
//! The statuses are those of "API Errors" in AMS's documentation, those of its load balancer
//! are from `argo-ams-library`.

use caso_component::messenger::Rest;
use caso_http::client::{header, is_token};
use caso_http::words::{later, passes, quote, unanswered};
use serde_json::Value;

use crate::http::{Request, Response};
use crate::message::{self, Message, Unsigned};
use crate::options::Options;
use crate::outside::Outside;
use crate::signing::SignError;
use crate::{PUBLISH, TOKEN, words};

/// AMS, and the token in use.
pub struct Service<'a> {
    /// Where it is, and what is published there.
    pub options: &'a Options,
    /// The certificate's subject, if it is known.
    pub subject: Option<&'a str>,
    /// The token that was asked for, kept from call to call.
    pub token: &'a mut Option<String>,
    /// How it is reached.
    pub outside: &'a mut dyn Outside,
    /// Whether the token was asked for in this call and was not good for anything yet: one
    /// that is refused at once is not asked for again.
    pub renewed: bool,
}

/// What became of messages.
#[derive(Debug, PartialEq)]
pub enum Published {
    /// So many from the first are taken: at least one, and perhaps not all.
    Taken(usize),
    /// AMS takes none of them, and never will.
    Refused(String),
    /// They are more than AMS takes at once.
    TooLarge(String),
    /// What the host should do with them.
    Stop(Rest),
}

impl Service<'_> {
    /// Signs a text; `first` and `records` are its place.
    pub fn sign(&mut self, first: usize, records: usize, text: &str) -> Result<Message, Unsigned> {
        match self.outside.sign(text.as_bytes()) {
            Ok(signed) => Ok(Message::new(first, records, text, &signed)),
            Err(SignError::Full) => Err(Unsigned::Full),
            Err(SignError::Invalid(reason)) => Err(Unsigned::Refused(reason)),
            Err(SignError::Denied(reason) | SignError::Misconfigured(reason)) => {
                Err(Unsigned::Stop(Rest::Misconfigured(reason)))
            }
            Err(SignError::Other(reason)) => Err(Unsigned::Stop(Rest::Other(reason))),
        }
    }

    /// Publishes the messages, in their order, with the token kept from an earlier call, and
    /// once more with a new one if that has ended.
    pub fn publish(&mut self, record_type: &str, messages: &[Message]) -> Published {
        match self.try_publish(record_type, messages) {
            Ok(published) => published,
            Err(rest) => Published::Stop(rest),
        }
    }

    fn try_publish(&mut self, record_type: &str, messages: &[Message]) -> Result<Published, Rest> {
        let topic = self.options.topic(record_type);
        let path = format!(
            "/v1/projects/{}/topics/{topic}:publish",
            self.options.project
        );
        let body = message::body(messages);
        loop {
            let mut headers = vec![header("content-type", "application/json")];
            if let Some(token) = self.token_in_use(record_type)? {
                headers.push(header("x-api-key", &token));
            }
            let request = Request {
                method: "POST".to_owned(),
                path: path.clone(),
                headers,
                body: body.clone().into_bytes(),
            };
            let response = self.send(PUBLISH, &request, "the messages")?;
            if response.status == 401 && self.options.token.is_none() && !self.renewed {
                *self.token = None;
                continue;
            }
            if response.status != 401 {
                // It was good for this one, so that its end is news.
                self.renewed = false;
            }
            return self.judge(record_type, messages, &response);
        }
    }

    /// What AMS says of the messages.
    fn judge(
        &mut self,
        record_type: &str,
        messages: &[Message],
        response: &Response,
    ) -> Result<Published, Rest> {
        let what = self.quote(response, "the messages");
        match response.status {
            // Where nothing is signed nothing is sent, and this is the host's answer.
            204 if messages.iter().all(|message| message.unsigned) => {
                Ok(Published::Taken(messages.len()))
            }
            200..=299 => match taken(response) {
                Some(0) => Err(later(response, format!("{what}, and took none of them"))),
                Some(count) => Ok(Published::Taken(count.min(messages.len()))),
                None => Err(later(
                    response,
                    format!("{what}, without the ids of messages: it may be another service"),
                )),
            },
            401 => {
                *self.token = None;
                Err(Rest::Misconfigured(match &self.options.token {
                    Some(_) => format!("{what}; check `token`"),
                    None => format!(
                        "{what}, though it gave the token itself; {}",
                        self.registration(record_type)
                    ),
                }))
            }
            403 => Err(Rest::Misconfigured(format!(
                "{what}; {}",
                self.registration(record_type)
            ))),
            404 => Err(Rest::Misconfigured(format!(
                "{what}; check `ams_project` (`{}`) and the topic `{}`",
                self.options.project,
                self.options.topic(record_type)
            ))),
            300..=399 | 405 => Err(Rest::Misconfigured(format!(
                "{what}; check `host` and `port`"
            ))),
            413 => Ok(Published::TooLarge(what)),
            status if passes(status) => Err(later(response, what)),
            _ if words::of_ams(response).is_some() => Ok(Published::Refused(what)),
            // Of something on the way, which knows nothing of the messages.
            _ => Err(Rest::Other(what)),
        }
    }

    /// The token to publish with; none where the host sends nothing.
    fn token_in_use(&mut self, record_type: &str) -> Result<Option<String>, Rest> {
        if let Some(token) = &self.options.token {
            return Ok(Some(token.clone()));
        }
        if self.token.is_none() {
            *self.token = Some(self.ask(record_type)?);
        }
        Ok(self.token.clone().filter(|token| !token.is_empty()))
    }

    /// Asks for a token with the host's certificate, which the grant's terms have. Empty in
    /// a dry run, where nothing is asked and the host answers 204.
    fn ask(&mut self, record_type: &str) -> Result<String, Rest> {
        self.renewed = true;
        let host = &self.options.host;
        let request = Request {
            method: "GET".to_owned(),
            path: format!("/v1/service-types/ams/hosts/{host}:authx509"),
            headers: Vec::new(),
            body: Vec::new(),
        };
        let response = self.send(TOKEN, &request, "the request for a token")?;
        // Its body has the token, so it is not quoted.
        let what = match response.status {
            200..=299 => format!("`{host}` answered the request for a token"),
            _ => self.quote(&response, "the request for a token"),
        };
        match response.status {
            204 if response.body.is_empty() => Ok(String::new()),
            200..=299 => token(&response).ok_or_else(|| {
                later(
                    &response,
                    format!("{what} without one: check `host` and `authn_port`"),
                )
            }),
            status if passes(status) => Err(later(&response, what)),
            400 | 401 | 403 | 404 => Err(Rest::Misconfigured(format!(
                "{what}; {}",
                self.registration(record_type)
            ))),
            _ => Err(Rest::Misconfigured(format!(
                "{what}; check `host` and `authn_port`"
            ))),
        }
    }

    /// What a site has to do for AMS to know it.
    fn registration(&self, record_type: &str) -> String {
        let dn = match self.subject {
            Some(subject) => format!("`{subject}`"),
            None => "the subject of `certificate`".to_owned(),
        };
        format!(
            "{dn} must be the host DN of a service endpoint of type `{}` in GOCDB, and AMS takes \
             some hours to know it",
            Options::service_type(record_type)
        )
    }

    /// Sends a request; `about` says what it is for, in the error.
    fn send(&mut self, origin: &str, request: &Request, about: &str) -> Result<Response, Rest> {
        self.outside
            .send(origin, request)
            .map_err(|error| unanswered(error, &self.options.host, about))
    }

    /// The answer in words, without the token.
    fn quote(&self, response: &Response, about: &str) -> String {
        let tokens = [&self.options.token, &*self.token].into_iter().flatten();
        quote(
            &self.options.host,
            about,
            response.status,
            words::of(response),
            tokens.map(String::as_str),
        )
    }
}

/// How many messages the answer has the ids of.
fn taken(response: &Response) -> Option<usize> {
    let value: Value = serde_json::from_slice(&response.body).ok()?;
    Some(value.get("messageIds")?.as_array()?.len())
}

/// The token in an answer.
fn token(response: &Response) -> Option<String> {
    let value: Value = serde_json::from_slice(&response.body).ok()?;
    let token = value.get("token")?.as_str()?;
    is_token(token).then(|| token.to_owned())
}
