//! What went wrong with a request, as the guest hears it.

use caso_net::{Cause, Failure};
use wasmtime_wasi_http::Error;

/// The code of `wasi:http` for a failure.
pub fn code(failure: &Failure) -> Error {
    match failure.cause {
        Cause::UnknownIssuer | Cause::Certificate => Error::TlsCertificateError,
        Cause::TlsVersion | Cause::Alert | Cause::Tls => Error::TlsProtocolError,
        Cause::Unresolved => Error::DnsError {
            rcode: Some(failure.detail.clone()),
            info_code: None,
        },
        Cause::Refused => Error::ConnectionRefused,
        Cause::Unreachable | Cause::Unopened | Cause::HungUp => Error::DestinationUnavailable,
        Cause::ConnectTimeout => Error::ConnectionTimeout,
        Cause::Silence => Error::HttpResponseTimeout,
        Cause::Cut => Error::ConnectionTerminated,
        Cause::Protocol => Error::HttpProtocolError,
    }
}
