//! `caso:http/http`: one call from a request to its whole answer.
//!
//! The guest names a grant and a path below it, never an address; everything else is as
//! for `wasi:http`: the same clients, quotas and waits, nothing followed, nothing sent in a
//! dry run. It cannot read an answer piece by piece, so the host bounds the whole of it, in
//! bytes and in time: a server that drips must not cost the call, and with it the records.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use tokio::time::Instant;
use url::Url;
use wasmtime_wasi_http::Error;

use super::super::bindings::v1::http::caso::http::http::{
    Header, Host, HttpError, Request, Response,
};
use super::super::redirect::locked;
use super::outgoing::{Unanswered, ask, request_of, show};
use super::{Http, Kind, METHOD_BYTES, Most, State, is_forbidden, is_no_method};
use caso_net::{Cause, Failure};

/// The body's length is counted, and not taken from a guest.
const LENGTH: &str = "content-length";

impl Host for State {
    async fn send(
        &mut self,
        name: String,
        request: Request,
    ) -> wasmtime::Result<Result<Response, HttpError>> {
        Ok(self.services.http.send(&name, request).await)
    }
}

impl Http {
    async fn send(&self, name: &str, request: Request) -> Result<Response, HttpError> {
        let Some(terms) = self.granted.origin(name) else {
            return Err(HttpError::Denied(self.granted.refusal(Kind::Http, name)));
        };
        let method = method(&request.method)?;
        let url = url(&terms.origin, &request.path)?;
        let headers = headers(&request.headers, &self.most)?;
        let _permit = self
            .quota
            .request(&self.most)
            .map_err(|error| match error {
                Error::InternalError(Some(text)) => HttpError::Invalid(text),
                error => HttpError::Invalid(error.to_string()),
            })?;
        let body = request.body;
        let size = u64::try_from(body.len()).unwrap_or(u64::MAX);
        if size > self.most.request_bytes || !self.quota.bytes(body.len()) {
            return Err(HttpError::TooLarge(self.most.request_bytes));
        }
        let outgoing = request_of(method, url, headers, body);
        if self.redirected.is_some() {
            let shown = show(&outgoing, self.words.log.mask());
            locked(&self.sent).push((name.to_owned(), shown));
            return Ok(Response {
                status: 204,
                headers: Vec::new(),
                body: Vec::new(),
            });
        }
        let origin = terms.origin.as_str();
        let wait = self.most.connect.saturating_add(self.most.transfer);
        let ends = self.ends.min(Instant::now() + wait);
        let answer = ask(&self.clients, terms, outgoing, left(ends))
            .await
            .map_err(|unanswered| unanswered.plain(origin, &self.granted.cafile_place()))?;
        self.whole(answer, ends, origin).await
    }

    /// The whole of an answer that has begun.
    async fn whole(
        &self,
        mut answer: reqwest::Response,
        ends: Instant,
        origin: &str,
    ) -> Result<Response, HttpError> {
        let status = answer.status().as_u16();
        let headers = answer
            .headers()
            .iter()
            .map(|(name, value)| Header {
                name: name.as_str().to_owned(),
                value: value.as_bytes().iter().copied().map(char::from).collect(),
            })
            .collect();
        let mut body = Vec::new();
        loop {
            let wait = left(ends).min(self.most.transfer);
            let piece = match tokio::time::timeout(wait, answer.chunk()).await {
                Ok(Ok(Some(piece))) => piece,
                Ok(Ok(None)) => break,
                Ok(Err(error)) => return Err(failed(&Failure::of_request(error), origin, "")),
                Err(_) => return Err(HttpError::TimedOut),
            };
            let size = u64::try_from(body.len().saturating_add(piece.len())).unwrap_or(u64::MAX);
            if size > self.most.request_bytes || !self.quota.bytes(piece.len()) {
                return Err(HttpError::TooLarge(self.most.request_bytes));
            }
            body.extend_from_slice(&piece);
        }
        Ok(Response {
            status,
            headers,
            body,
        })
    }
}

fn left(ends: Instant) -> Duration {
    ends.saturating_duration_since(Instant::now())
}

impl Unanswered {
    fn plain(&self, origin: &str, cafile: &str) -> HttpError {
        match self {
            Self::NotSetUp(reason) => HttpError::Tls(reason.clone()),
            Self::Failed(failure) => failed(failure, origin, cafile),
            Self::Silence(_) => HttpError::TimedOut,
        }
    }
}

fn failed(failure: &Failure, origin: &str, cafile: &str) -> HttpError {
    let text = failure.at_and(origin, cafile);
    match failure.cause {
        Cause::Unresolved
        | Cause::Refused
        | Cause::Unreachable
        | Cause::Unopened
        | Cause::HungUp
        | Cause::ConnectTimeout => HttpError::Unavailable(text),
        Cause::Silence => HttpError::TimedOut,
        Cause::Cut => HttpError::Closed,
        Cause::UnknownIssuer
        | Cause::Certificate
        | Cause::TlsVersion
        | Cause::Alert
        | Cause::Tls => HttpError::Tls(text),
        Cause::Protocol => HttpError::Other(text),
    }
}

fn invalid(text: impl Into<String>) -> HttpError {
    HttpError::Invalid(text.into())
}

/// Bytes of a path, encoded. Servers refuse more than a few thousand, and the client a URL of
/// more than 65,534.
const PATH_BYTES: usize = 32 << 10;

fn method(text: &str) -> Result<Method, HttpError> {
    if text.len() > METHOD_BYTES {
        return Err(invalid(format!(
            "the method has more than {METHOD_BYTES} bytes"
        )));
    }
    Method::from_bytes(text.as_bytes())
        .ok()
        .filter(|method| !is_no_method(method))
        .ok_or_else(|| invalid("the method is none, or not available"))
}

/// The address of a path below an origin. What is dialled is compared with the origin
/// once more: no path may lead elsewhere.
fn url(origin: &str, path: &str) -> Result<Url, HttpError> {
    let too_long = || invalid(format!("the path has more than {PATH_BYTES} bytes"));
    if path.len() > PATH_BYTES {
        return Err(too_long());
    }
    let plain = |byte: u8| byte > b' ' && byte != 0x7f && byte != b'#';
    if !path.starts_with('/') || !path.bytes().all(plain) {
        return Err(invalid(
            "the path begins with `/`, and has no spaces, control characters or `#`: encode them",
        ));
    }
    let url = Url::parse(&format!("{origin}{path}"))
        .ok()
        .filter(|url| url.origin().ascii_serialization() == origin)
        .ok_or_else(|| invalid("the path is none of a URL"))?;
    // What has to be encoded is three times as long then.
    match url.as_str().len() > origin.len().saturating_add(PATH_BYTES) {
        true => Err(too_long()),
        false => Ok(url),
    }
}

fn headers(given: &[Header], most: &Most) -> Result<HeaderMap, HttpError> {
    let mut headers = HeaderMap::new();
    let mut bytes = 0usize;
    for Header { name, value } in given {
        bytes = bytes
            .saturating_add(name.len())
            .saturating_add(value.len())
            .saturating_add(size_of::<(HeaderName, HeaderValue)>());
        if bytes > most.header_bytes {
            let most = most.header_bytes;
            return Err(invalid(format!("the headers have more than {most} bytes")));
        }
        let known = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| invalid("the name of a header is none"))?;
        if known == LENGTH || is_forbidden(&known) {
            return Err(invalid(format!("the header `{known}` is the host's")));
        }
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| {
            let text = format!("the value of the header `{known}` has control characters");
            invalid(text)
        })?;
        headers.append(known, value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Addresses in the place of paths, and what a URL standard would quietly leave out.
    #[test]
    fn a_path_leads_below_its_origin_or_nowhere() {
        let origin = "https://api.example:8443";
        for (path, asked) in [
            ("/a/b?c=d%20e", Some("https://api.example:8443/a/b?c=d%20e")),
            ("/../../x", Some("https://api.example:8443/x")),
            (
                "//other.example/",
                Some("https://api.example:8443//other.example/"),
            ),
            (
                "/\\other.example",
                Some("https://api.example:8443//other.example"),
            ),
            (
                "/@other.example/",
                Some("https://api.example:8443/@other.example/"),
            ),
            ("", None),
            ("@other.example/", None),
            (".other.example/", None),
            ("1/", None),
            ("https://other.example/", None),
            ("/a b", None),
            ("/a\r\nHost: other", None),
            ("/a\tb", None),
            ("/a#b", None),
        ] {
            let found = url(origin, path).ok();
            assert_eq!(found.as_ref().map(Url::as_str), asked, "{path:?}");
        }
    }

    #[test]
    fn a_path_is_bounded_as_headers_are() {
        let origin = "https://api.example:8443";
        let of = |one: &str, count: usize| url(origin, &format!("/{}", one.repeat(count)));
        assert!(of("a", PATH_BYTES - 1).is_ok());
        for (one, count) in [
            ("a", PATH_BYTES),
            ("a", 1 << 20),
            ("\u{e4}", PATH_BYTES / 4),
        ] {
            let refused = of(one, count).unwrap_err();
            assert!(
                matches!(refused, HttpError::Invalid(text) if text.contains("path has more than")),
                "{one} {count}"
            );
        }
    }

    #[test]
    fn what_is_the_connections_is_not_the_guests() {
        let most = Most {
            requests: 1,
            at_once: 1,
            request_bytes: 1,
            bytes: 1,
            header_bytes: 1_000,
            connect: Duration::ZERO,
            transfer: Duration::ZERO,
        };
        let of = |name: &str, value: &str| {
            let header = Header {
                name: name.to_owned(),
                value: value.to_owned(),
            };
            headers(&[header], &most)
        };
        assert!(of("Authorization", "Bearer x").is_ok());
        assert!(of("X-Name", "p\u{e4}ss").is_ok());
        for (name, value) in [
            ("Host", "other.example"),
            ("content-length", "3"),
            ("Transfer-Encoding", "chunked"),
            ("Connection", "keep-alive"),
            ("Proxy-Authorization", "x"),
            ("Upgrade", "x"),
            ("Expect", "100-continue"),
            ("X", "a\r\nHost: other"),
            ("X: y\r\nZ", "a"),
            ("", "a"),
            ("X", &"x".repeat(1_000)),
        ] {
            assert!(of(name, value).is_err(), "{name}: {value}");
        }
        for forbidden in ["CONNECT", "connect", "TrAcE", "", "GET /", "G\r\n"] {
            assert!(method(forbidden).is_err(), "{forbidden}");
        }
        assert!(method("PROPFIND").is_ok());
        assert!(method(&"X".repeat(METHOD_BYTES)).is_ok());
        let long = method(&"X".repeat(1 << 20)).unwrap_err();
        assert!(
            matches!(long, HttpError::Invalid(text) if text.contains("method has more than 64 bytes"))
        );
    }
}
