//! What TLS says, in words: of a server, and what to do where that is known. The library's own words are for whoever
//! debugs it, and go no further than the log.

use caso_base::time::format_utc;
use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, Error, PeerIncompatible};

use super::Cause;

/// Signed by one of an authority's name that is not that authority.
pub const OTHERS_SIGNATURE: &str =
    "the signature in its certificate is not that of the authority that it names";

const CLOCK: &str = "`timedatectl status` shows this machine's clock";

/// The cause, a sentence whose subject is the server, and what to do.
pub(super) fn told(error: &Error) -> (Cause, String, Option<String>) {
    let plain = |cause: Cause, text: &str| (cause, text.to_owned(), None);
    match error {
        Error::InvalidCertificate(reason) => of_certificate(reason),
        Error::NoCertificatesPresented => plain(Cause::Certificate, "it shows no certificate"),
        Error::AlertReceived(alert) => of_alert(*alert),
        Error::InvalidMessage(_) => plain(
            Cause::Tls,
            "that port does not speak TLS; is its address `http://`?",
        ),
        Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => version(),
        Error::PeerIncompatible(_) => plain(
            Cause::Tls,
            "it agrees to none of the ciphers and signatures that we offer in TLS",
        ),
        _ => {
            tracing::debug!("TLS: {error}");
            plain(
                Cause::Tls,
                "TLS with it broke off: what it sent is not what the protocol asks for",
            )
        }
    }
}

fn version() -> (Cause, String, Option<String>) {
    (
        Cause::TlsVersion,
        "its TLS is too old: we accept 1.2 and 1.3".to_owned(),
        Some("have TLS 1.2 or 1.3 switched on there".to_owned()),
    )
}

fn of_certificate(reason: &CertificateError) -> (Cause, String, Option<String>) {
    use CertificateError as C;
    let certificate = |text: &str| (Cause::Certificate, format!("its certificate {text}"), None);
    match reason {
        C::UnknownIssuer => (
            Cause::UnknownIssuer,
            "its certificate is signed by an authority that this machine does not know".to_owned(),
            None,
        ),
        C::Expired => of_date("has expired".to_owned()),
        C::ExpiredContext { time, not_after } => of_date(format!(
            "has expired on {}, and by this machine's clock it is {}",
            date(*not_after),
            date(*time)
        )),
        C::NotValidYet => of_date("is not valid yet".to_owned()),
        C::NotValidYetContext { time, not_before } => of_date(format!(
            "is not valid before {}, and by this machine's clock it is {}, which may be behind",
            date(*not_before),
            date(*time)
        )),
        C::NotValidForName => certificate(
            "is for another name; write one of its names in the address, or get a certificate for this one",
        ),
        C::NotValidForNameContext {
            expected,
            presented,
        } => certificate(&format!(
            "is for another name: it was asked for as `{}`, and has {}; write one of its names in the address, or get a \
             certificate for this one",
            expected.to_str(),
            names(presented)
        )),
        C::BadEncoding => certificate("is damaged"),
        C::Revoked => certificate("is revoked"),
        C::BadSignature => (Cause::Certificate, OTHERS_SIGNATURE.to_owned(), None),
        C::UnhandledCriticalExtension => certificate(
            "has a part that must be understood (a critical extension), and is not known",
        ),
        C::UnsupportedSignatureAlgorithmContext { .. }
        | C::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => certificate(
            "is signed in a way that is not taken, such as by SHA-1 or with a short key",
        ),
        C::InvalidPurpose | C::InvalidPurposeContext { .. } => {
            certificate("is not one for servers")
        }
        other => {
            tracing::debug!("certificate: {other}");
            certificate("cannot be used: it, or one of those that it is signed by, is malformed")
        }
    }
}

fn of_date(text: String) -> (Cause, String, Option<String>) {
    (
        Cause::Certificate,
        format!("its certificate {text}"),
        Some(format!(
            "set the clock if it is wrong ({CLOCK}); otherwise have the certificate renewed"
        )),
    )
}

fn of_alert(alert: AlertDescription) -> (Cause, String, Option<String>) {
    use AlertDescription as A;
    let text = match alert {
        A::ProtocolVersion => return version(),
        A::CertificateRequired => "it asks for a client certificate, and there is none".to_owned(),
        A::UnrecognisedName => "it knows no server of that name".to_owned(),
        A::BadCertificate
        | A::UnsupportedCertificate
        | A::CertificateRevoked
        | A::CertificateExpired
        | A::CertificateUnknown
        | A::UnknownCA
        | A::AccessDenied => {
            return (
                Cause::Alert,
                format!("it refuses our certificate (`{}`)", name(alert)),
                Some(
                    "see whether it is the one that they know, and until when it is valid: openssl x509 -noout -issuer \
                     -subject -dates -in <file>"
                        .to_owned(),
                ),
            );
        }
        A::HandshakeFailure => {
            "it takes none of the ciphers that we offer in TLS (`handshake_failure`)".to_owned()
        }
        other => format!("it broke off TLS (`{}`)", name(other)),
    };
    (Cause::Alert, text, None)
}

/// As RFC 8446 writes it.
fn name(alert: AlertDescription) -> String {
    let mut name = String::new();
    let mut capital = true;
    for c in format!("{alert:?}").chars() {
        if c.is_ascii_uppercase() && !capital {
            name.push('_');
        }
        capital = c.is_ascii_uppercase();
        name.push(c.to_ascii_lowercase());
    }
    name
}

/// `DnsName("a")` and `IpAddress(::1)`, as the library writes them.
fn names(presented: &[String]) -> String {
    let plain = |text: &String| {
        let inner = text
            .split_once('(')
            .map_or(text.as_str(), |(_, inner)| inner);
        format!("`{}`", inner.trim_end_matches(')').trim_matches('"'))
    };
    match presented {
        [] => "no name".to_owned(),
        some => some.iter().map(plain).collect::<Vec<_>>().join(", "),
    }
}

fn date(time: UnixTime) -> String {
    format_utc(i64::try_from(time.as_secs()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustls::pki_types::ServerName;

    use super::*;

    fn certificate(error: CertificateError) -> (String, String) {
        let (cause, text, remedy) = told(&Error::InvalidCertificate(error));
        assert_eq!(cause, Cause::Certificate, "{text}");
        (text, remedy.unwrap_or_default())
    }

    fn at(seconds: u64) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(seconds))
    }

    #[test]
    fn dates_are_dates_with_the_one_of_this_machine_beside_them() {
        let (text, remedy) = certificate(CertificateError::NotValidYetContext {
            time: at(1_795_280_273),
            not_before: at(1_795_366_673),
        });
        assert_eq!(
            text,
            "its certificate is not valid before 2026-11-22T16:57:53Z, and by this machine's clock it is \
             2026-11-21T16:57:53Z, which may be behind"
        );
        assert!(
            remedy.starts_with("set the clock if it is wrong"),
            "{remedy}"
        );
        let (text, _) = certificate(CertificateError::ExpiredContext {
            time: at(1_795_280_273),
            not_after: at(1_795_280_272),
        });
        assert!(
            text.starts_with("its certificate has expired on 2026-11-21T16:57:52Z"),
            "{text}"
        );
    }

    #[test]
    fn names_are_named_plainly() {
        let (text, _) = certificate(CertificateError::NotValidForNameContext {
            expected: ServerName::try_from("cloud.example").unwrap(),
            presented: vec![
                "DnsName(\"a.example\")".to_owned(),
                "IpAddress(::1)".to_owned(),
            ],
        });
        assert!(
            text.contains("asked for as `cloud.example`, and has `a.example`, `::1`;"),
            "{text}"
        );
    }

    #[test]
    fn a_version_that_is_too_old_is_one_cause_however_it_shows() {
        for error in [
            Error::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13),
            Error::PeerIncompatible(PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig),
            Error::AlertReceived(AlertDescription::ProtocolVersion),
        ] {
            assert_eq!(told(&error).0, Cause::TlsVersion, "{error}");
        }
    }

    #[test]
    fn alerts_are_named_as_the_standard_does() {
        for (alert, text) in [
            (
                AlertDescription::UnknownCA,
                "it refuses our certificate (`unknown_ca`)",
            ),
            (
                AlertDescription::InternalError,
                "it broke off TLS (`internal_error`)",
            ),
        ] {
            let (cause, told, _) = told(&Error::AlertReceived(alert));
            assert_eq!((cause, told.as_str()), (Cause::Alert, text));
        }
    }
}
