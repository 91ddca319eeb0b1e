//! What went wrong with a request: a code for the guest, and the reason in words.

use std::error::Error as StdError;
use std::io;

use rustls::CertificateError;
use wasmtime_wasi_http::Error;

use super::client::Unresolved;

/// The code, and the whole story in one line without the address, which may
/// hold a secret.
pub fn explain(error: reqwest::Error) -> (Error, String) {
    let error = error.without_url();
    let chain = causes(&error);
    let mut story = String::new();
    for cause in &chain {
        let text = cause.to_string();
        if !story.contains(&text) {
            if !story.is_empty() {
                story.push_str(": ");
            }
            story.push_str(&text);
        }
    }
    (code(&error, &chain, &story), story)
}

fn code(error: &reqwest::Error, chain: &[&(dyn StdError + 'static)], story: &str) -> Error {
    if let Some(tls) = find::<rustls::Error>(chain) {
        return match tls {
            rustls::Error::InvalidCertificate(_) => Error::TlsCertificateError,
            _ => Error::TlsProtocolError,
        };
    }
    if let Some(Unresolved(text)) = find::<Unresolved>(chain) {
        return Error::DnsError {
            rcode: Some(text.clone()),
            info_code: None,
        };
    }
    let refused = find::<io::Error>(chain)
        .is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused);
    match (error.is_connect(), error.is_timeout()) {
        _ if refused => Error::ConnectionRefused,
        (true, true) => Error::ConnectionTimeout,
        (true, false) => Error::DestinationUnavailable,
        (false, true) => Error::HttpResponseTimeout,
        (false, false) if is_cut(story) => Error::ConnectionTerminated,
        (false, false) => Error::HttpProtocolError,
    }
}

/// What an operator can do about a certificate that was not taken.
pub fn hint(story: &str, terms_name: &str) -> Option<String> {
    let unknown = CertificateError::UnknownIssuer;
    story.contains(&format!("{unknown:?}")).then(|| {
        format!(
            "whoever signed its certificate is not known here: set a `cafile` for `{terms_name}`"
        )
    })
}

fn is_cut(story: &str) -> bool {
    ["closed", "reset", "broken pipe", "before message completed"]
        .iter()
        .any(|word| story.to_lowercase().contains(word))
}

fn find<'a, T: StdError + 'static>(chain: &[&'a (dyn StdError + 'static)]) -> Option<&'a T> {
    chain.iter().find_map(|cause| cause.downcast_ref::<T>())
}

/// An error and all that is under it, also what hides inside an `io::Error`,
/// which does not name it as its source.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> Vec<&'a (dyn StdError + 'static)> {
    let mut chain = vec![error];
    let mut next = error.source();
    while let Some(cause) = next {
        chain.push(cause);
        next = match cause
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(inner) => Some(inner),
            None => cause.source(),
        };
    }
    chain
}
