//! Why a connection or an exchange failed: one classification for OpenStack,
//! Prometheus and guests, by the variants of rustls, hyper and `std::io`, never
//! by their texts, which change from release to release.

mod tls;

use std::error::Error as StdError;
use std::io;

use caso_base::error_chain;

pub(crate) use self::tls::OTHERS_SIGNATURE;

use crate::address::Unresolved;

/// The kinds of failure that somebody decides on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The name leads nowhere, or where it must not lead.
    Unresolved,
    /// Nobody listens at the port.
    Refused,
    /// No connection, for any other reason.
    Unreachable,
    /// No connection, and the system says of none that failed: a proxy did not open the way, if there is one.
    Unopened,
    /// No connection within the bound.
    ConnectTimeout,
    /// The other side closed the connection while it was being made, a
    /// handshake of TLS included.
    HungUp,
    /// The connection ended after it stood and before the answer began, as a
    /// kept one does that the server closes just then. The request was not
    /// answered, and may be made again.
    Cut,
    /// No answer within the bound.
    Silence,
    /// Their certificate is signed by nobody we know: `cafile` would help.
    UnknownIssuer,
    /// Their certificate has another fault.
    Certificate,
    /// They speak none of the versions of TLS that we take.
    TlsVersion,
    /// They ended TLS with an alert: they do not like what we offer.
    Alert,
    /// TLS failed otherwise.
    Tls,
    /// Anything else.
    Protocol,
}

impl Cause {
    /// The connection ended by the other side's doing, whenever.
    pub fn is_closed(self) -> bool {
        matches!(self, Cause::HungUp | Cause::Cut)
    }
}

/// A failure and its story in one line, without the address, which may hold a
/// secret. About TLS it is a sentence whose subject is the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What to decide on.
    pub cause: Cause,
    /// For people.
    pub detail: String,
    /// What to do about it, where TLS says so much.
    pub remedy: Option<String>,
}

impl Failure {
    /// Of a request that got no answer, or whose answer ended early.
    pub fn of_request(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let (connecting, timed_out) = (error.is_connect(), error.is_timeout());
        let found = known(&error);
        let cause = match (&found, connecting, timed_out) {
            (Some(Known::Tls(tls)), ..) => return Failure::of_tls(tls),
            (Some(Known::Unresolved), ..) => Cause::Unresolved,
            (Some(Known::Refused), ..) => Cause::Refused,
            (_, true, true) => Cause::ConnectTimeout,
            (_, false, true) => Cause::Silence,
            (Some(Known::Closed), true, _) => Cause::HungUp,
            (Some(Known::Closed), false, _) => Cause::Cut,
            (None, true, _) if is_of_no_system(&error) => Cause::Unopened,
            (None, true, _) => Cause::Unreachable,
            (None, false, _) => Cause::Protocol,
        };
        Failure {
            cause,
            detail: error_chain(&error),
            remedy: None,
        }
    }

    /// Of reading from or writing to a connection that stood.
    pub fn of_io(error: &io::Error) -> Self {
        let cause = match known(error) {
            Some(Known::Tls(tls)) => return Failure::of_tls(tls),
            Some(Known::Unresolved) => Cause::Unresolved,
            Some(Known::Refused) => Cause::Refused,
            Some(Known::Closed) => Cause::Cut,
            None => Cause::Protocol,
        };
        Failure {
            cause,
            detail: error_chain(error),
            remedy: None,
        }
    }

    /// In a sentence about a server, for the operator of a guest that may reach
    /// it: with what would help, where that is known.
    pub fn at(&self, server: &str) -> String {
        self.at_and(server, "")
    }

    /// The same, with the place of a `cafile`, where that is wanted: ` in [mine]`.
    pub fn at_and(&self, server: &str, cafile: &str) -> String {
        let remedy = match (self.cause, &self.remedy) {
            (Cause::UnknownIssuer, _) => format!("; set a `cafile` for `{server}`{cafile}"),
            (_, Some(remedy)) => format!("; {remedy}"),
            (_, None) => String::new(),
        };
        format!("`{server}`: {}{remedy}", self.detail)
    }

    fn of_tls(error: &rustls::Error) -> Self {
        let (cause, detail, remedy) = tls::told(error);
        Failure {
            cause,
            detail,
            remedy,
        }
    }
}

/// What an error in a chain says by itself.
enum Known<'a> {
    Tls(&'a rustls::Error),
    Unresolved,
    Refused,
    Closed,
}

/// The most telling of an error and its causes: what TLS says before what came
/// of it on the connection.
fn known<'a>(error: &'a (dyn StdError + 'static)) -> Option<Known<'a>> {
    let chain = causes(error);
    let tls = chain
        .iter()
        .find_map(|cause| cause.downcast_ref::<rustls::Error>());
    tls.map(Known::Tls)
        .or_else(|| chain.iter().find_map(|cause| plain(*cause)))
}

fn plain<'a>(cause: &'a (dyn StdError + 'static)) -> Option<Known<'a>> {
    if cause.is::<Unresolved>() {
        return Some(Known::Unresolved);
    }
    if let Some(error) = cause.downcast_ref::<io::Error>() {
        return match error.kind() {
            io::ErrorKind::ConnectionRefused => Some(Known::Refused),
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::NotConnected
            | io::ErrorKind::UnexpectedEof => Some(Known::Closed),
            _ => None,
        };
    }
    let error = cause.downcast_ref::<hyper::Error>()?;
    let closed = error.is_incomplete_message()
        || error.is_closed()
        || error.is_canceled()
        || error.is_body_write_aborted();
    closed.then_some(Known::Closed)
}

fn is_of_no_system(error: &(dyn StdError + 'static)) -> bool {
    causes(error).iter().all(|cause| !cause.is::<io::Error>())
}

/// An error and all that is under it, also what hides inside an `io::Error`,
/// which does not name it as its source.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> Vec<&'a (dyn StdError + 'static)> {
    let mut chain = vec![error];
    let mut next = inside(error);
    while let Some(cause) = next {
        chain.push(cause);
        next = inside(cause);
    }
    chain
}

fn inside<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    let hidden = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref);
    match hidden {
        Some(hidden) => Some(hidden),
        None => error.source(),
    }
}

#[cfg(test)]
mod tests {
    use rustls::{AlertDescription, CertificateError};

    use super::*;

    /// As hyper and reqwest wrap what the system says.
    #[derive(Debug, thiserror::Error)]
    #[error("error sending request")]
    struct Wrapped(#[source] io::Error);

    fn wrapped(error: io::Error) -> Failure {
        Failure::of_io(&io::Error::other(Wrapped(error)))
    }

    /// The cases of the system's texts, "Broken pipe (os error 32)", included.
    #[test]
    fn a_cut_is_seen_by_its_kind_however_deep() {
        let by_number = [32, 104, 103, 107].map(io::Error::from_raw_os_error);
        let by_kind = [
            io::ErrorKind::UnexpectedEof,
            io::ErrorKind::BrokenPipe,
            io::ErrorKind::ConnectionReset,
            io::ErrorKind::ConnectionAborted,
        ]
        .map(io::Error::from);
        for error in by_number.into_iter().chain(by_kind) {
            let text = error.to_string();
            assert_eq!(wrapped(error).cause, Cause::Cut, "{text}");
        }
        for (error, cause) in [
            (io::ErrorKind::ConnectionRefused.into(), Cause::Refused),
            (
                io::Error::other("reset, closed, broken pipe"),
                Cause::Protocol,
            ),
            (io::Error::other(Unresolved("x".into())), Cause::Unresolved),
        ] {
            assert_eq!(wrapped(error).cause, cause);
        }
    }

    #[test]
    fn tls_goes_before_what_came_of_it() {
        let tls =
            |error: rustls::Error| wrapped(io::Error::new(io::ErrorKind::UnexpectedEof, error));
        let invalid = |error| tls(rustls::Error::InvalidCertificate(error));
        let unknown = invalid(CertificateError::UnknownIssuer);
        assert_eq!(unknown.cause, Cause::UnknownIssuer);
        assert_eq!(
            unknown.detail,
            "its certificate is signed by an authority that this machine does not know"
        );
        assert_eq!(invalid(CertificateError::Revoked).cause, Cause::Certificate);
        let alert = rustls::Error::AlertReceived(AlertDescription::CertificateRequired);
        let alert = tls(alert);
        assert_eq!(alert.cause, Cause::Alert);
        assert!(
            alert.detail.contains("client certificate"),
            "{}",
            alert.detail
        );
        assert_eq!(tls(rustls::Error::DecryptError).cause, Cause::Tls);
    }
}
