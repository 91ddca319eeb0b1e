//! The request, `POST /v1/metrics`, and what its answers mean ("OTLP/HTTP Response").
//!
//! | answer | means |
//! |---|---|
//! | 200 with a JSON object or nothing in it | all points are taken; a `partialSuccess` without rejected points is a warning |
//! | 200 whose `partialSuccess` has rejected points | not to be sent again, and not said which: the request's records are quarantined with the server's words |
//! | 200 with anything else | not an OTLP answer: nothing is known, so it is tried again |
//! | 400, unless it is a page | one of the records is bad: fewer at a time, down to the one, which is refused |
//! | 401, 403 | misconfigured: `token` or `headers` |
//! | 404, 405, 415, a redirect | misconfigured: `endpoint` |
//! | 413 | fewer at a time |
//! | 429, 502, 503, 504, none | later, after `Retry-After` if it says so |
//! | any other | not to be tried again, says the specification, and to be dropped: not again in this run, and the records wait for the next |

use std::time::Duration;

use caso_component::log;
use caso_component::messenger::Rest;
use caso_http::client::{Client, header};
use caso_http::http::{Request, Response};
use caso_http::requests::{self, Entry, Verdict};
use caso_http::words;
use serde_json::Value;

use crate::ORIGIN;
use crate::options::Options;
use crate::point::Point;
use crate::request;

/// What is asked, in messages.
const METRICS: &str = "the metrics";

/// The receiver.
pub struct Service<'a> {
    pub options: &'a Options,
    pub client: &'a mut dyn Client,
}

impl requests::Service<Vec<Point>> for Service<'_> {
    fn send(&mut self, records: &[Entry<Vec<Point>>]) -> Result<Verdict, Rest> {
        let points = || records.iter().flat_map(|it| &it.value);
        let mut headers = vec![header("content-type", "application/json")];
        headers.extend(self.options.headers.iter().cloned());
        let request = Request {
            method: "POST".to_owned(),
            path: self.options.path.clone(),
            headers,
            body: request::body(&self.options.service_name, points()).into_bytes(),
        };
        let address = &self.options.endpoint.origin;
        let response = self
            .client
            .send(ORIGIN, &request)
            .map_err(|error| words::unanswered(error, address, METRICS))?;
        self.judge(&response, points().count())
    }

    fn elapsed(&self) -> Duration {
        self.client.elapsed()
    }
}

impl Service<'_> {
    fn judge(&self, response: &Response, points: usize) -> Result<Verdict, Rest> {
        let what = self.quote(response);
        match response.status {
            200..=299 => match Partial::of(response) {
                Some(partial) => Ok(self.partly(&partial, points)),
                None => Err(words::later(
                    response,
                    format!(
                        "{what}, which is no answer of OTLP in JSON: it may be another service"
                    ),
                )),
            },
            400 if !words::is_page(response) => Ok(Verdict::AtFault {
                reason: what,
                unless: None,
            }),
            401 | 403 => Err(Rest::Misconfigured(format!(
                "{what}; check `token` and `headers`"
            ))),
            300..=399 | 404 | 405 | 415 => {
                Err(Rest::Misconfigured(format!("{what}; check `endpoint`")))
            }
            413 => Ok(Verdict::Fewer(what)),
            429 | 502..=504 => Err(words::later(response, what)),
            _ => Err(Rest::Other(what)),
        }
    }

    fn partly(&self, partial: &Partial, points: usize) -> Verdict {
        let said = words::quote(
            &self.options.endpoint.origin,
            METRICS,
            200,
            words::short(&partial.message),
            self.secrets(),
        );
        if partial.rejected == 0 {
            if !partial.message.is_empty() {
                log::warning(&said);
            }
            return Verdict::Taken;
        }
        Verdict::Refused(format!(
            "{} of the {points} data points in its request were rejected, and not said which; \
             {said}",
            partial.rejected
        ))
    }

    fn secrets(&self) -> impl Iterator<Item = &str> {
        self.options.secrets.iter().map(String::as_str)
    }

    fn quote(&self, response: &Response) -> String {
        // A failure is a `Status`, whose message is what there is to read.
        let value: Option<Value> = serde_json::from_slice(&response.body).ok();
        let message = value.as_ref().and_then(|it| it.get("message")?.as_str());
        let said = match message {
            Some(message) => words::short(message),
            None => words::of(response),
        };
        words::quote(
            &self.options.endpoint.origin,
            METRICS,
            response.status,
            said,
            self.secrets(),
        )
    }
}

/// `ExportMetricsPartialSuccess`.
#[derive(Debug, Default, PartialEq)]
struct Partial {
    rejected: u64,
    message: String,
}

impl Partial {
    /// Of an `ExportMetricsServiceResponse`; none where the body is not one. Nothing at all is
    /// what an empty message is in protobuf, which some answer with, and the host in a dry run.
    fn of(response: &Response) -> Option<Self> {
        if response.body.is_empty() {
            return Some(Self::default());
        }
        let value: Value = serde_json::from_slice(&response.body).ok()?;
        let partial = match value.as_object()?.get("partialSuccess") {
            None | Some(Value::Null) => return Some(Self::default()),
            Some(partial) => partial.as_object()?,
        };
        // A 64-bit number: a text, or a number.
        let rejected = match partial.get("rejectedDataPoints") {
            None | Some(Value::Null) => 0,
            Some(Value::String(text)) => text.parse().ok()?,
            Some(number) => number.as_u64()?,
        };
        let message = partial.get("errorMessage").and_then(Value::as_str);
        Some(Self {
            rejected,
            message: message.unwrap_or_default().to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_as_protobuf_has_it_in_json() {
        let read = |body: &str| {
            let response = Response {
                status: 200,
                headers: Vec::new(),
                body: body.as_bytes().to_vec(),
            };
            Partial::of(&response).map(|it| (it.rejected, it.message))
        };
        for (body, rejected, message) in [
            ("", 0, ""),
            ("{}", 0, ""),
            (r#"{"partialSuccess":null}"#, 0, ""),
            (r#"{"partialSuccess":{}}"#, 0, ""),
            (
                r#"{"partialSuccess":{"rejectedDataPoints":"0"},"x":1}"#,
                0,
                "",
            ),
            (r#"{"partialSuccess":{"errorMessage":"old"}}"#, 0, "old"),
            (r#"{"partialSuccess":{"rejectedDataPoints":"3"}}"#, 3, ""),
            (r#"{"partialSuccess":{"rejectedDataPoints":3}}"#, 3, ""),
        ] {
            assert_eq!(read(body), Some((rejected, message.to_owned())), "{body}");
        }
        for body in [
            "<html>",
            "[]",
            "ok",
            r#"{"partialSuccess":7}"#,
            r#"{"partialSuccess":{"rejectedDataPoints":"-1"}}"#,
        ] {
            assert_eq!(read(body), None, "{body}");
        }
    }
}
