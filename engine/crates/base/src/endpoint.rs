//! A host and a port, as options and grants write them.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A host and a port.
///
/// | form | host |
/// |---|---|
/// | `host:port` | a name, kept in lower case |
/// | `192.0.2.1:port` | an IPv4 address |
/// | `[2001:db8::1]:port` | an IPv6 address, kept without its brackets |
///
/// ```
/// use caso_base::Endpoint;
/// let endpoint: Endpoint = "Logstash.example.org:5000".parse()?;
/// assert_eq!((endpoint.host.as_str(), endpoint.port), ("logstash.example.org", 5000));
/// let endpoint: Endpoint = "[2001:DB8::1]:443".parse()?;
/// assert_eq!(endpoint.host, "2001:db8::1");
/// assert_eq!(endpoint.to_string(), "[2001:db8::1]:443");
/// for bad in ["host", "host:0", "host:65536", ":80", "*:80", "::1:80", "[x]:1", "a b:1"] {
///     assert!(bad.parse::<Endpoint>().is_err(), "{bad}");
/// }
/// # Ok::<(), caso_base::ParseEndpointError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// A name or an address; an IPv6 address without its brackets. Lower case.
    pub host: String,
    /// From 1 to 65535.
    pub port: u16,
}

/// Text that is not a host and a port. The message says what is wrong; the
/// accepted forms are in the table of [`Endpoint`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseEndpointError {
    /// No colon.
    #[error("`{0}` has no port")]
    NoPort(String),
    /// What follows the last colon is not a number from 1 to 65535.
    #[error("`{0}` is not a port from 1 to 65535")]
    Port(String),
    /// What is in brackets is not an IPv6 address.
    #[error("`{0}` is not an IPv6 address")]
    Address(String),
    /// An IPv6 address without brackets: which colon is the port's?
    #[error("the IPv6 address `{0}` lacks brackets")]
    NoBrackets(String),
    /// An empty host, or one with a character that no host name has.
    #[error("`{0}` is not a host")]
    Host(String),
    /// An IPv4 address that nobody would recognise.
    #[error("`{0}` is not an IPv4 address as it is usually written, like 192.0.2.1")]
    Number(String),
}

impl FromStr for Endpoint {
    type Err = ParseEndpointError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (host, port) = text
            .rsplit_once(':')
            .ok_or_else(|| ParseEndpointError::NoPort(text.to_owned()))?;
        let port = match port.parse() {
            Ok(0) => return Err(ParseEndpointError::Port(port.to_owned())),
            Ok(number) if !port.starts_with('+') => number,
            _ => return Err(ParseEndpointError::Port(port.to_owned())),
        };
        let bracketed = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        let host = match bracketed {
            Some(address) => address
                .parse::<Ipv6Addr>()
                .map_err(|_| ParseEndpointError::Address(address.to_owned()))?
                .to_string(),
            None if host.contains(':') => {
                return Err(ParseEndpointError::NoBrackets(host.to_owned()));
            }
            None => {
                let host = host.to_ascii_lowercase();
                match host.strip_suffix('.') {
                    Some(rooted) => rooted.to_owned(),
                    None => host,
                }
            }
        };
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
        if host.is_empty() || !host.chars().all(allowed) {
            return Err(ParseEndpointError::Host(host));
        }
        if is_odd_number(&host) {
            return Err(ParseEndpointError::Number(host));
        }
        Ok(Self { host, port })
    }
}

/// Whether resolvers read it as an IPv4 address that is written in no usual way:
/// `2130706433`, `0x7f.1` and `0177.0.0.1` are all 127.0.0.1 (inet_aton(3)).
fn is_odd_number(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let hexadecimal = |text: &str| {
        let digits = text.strip_prefix("0x");
        digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    (digits(last) || hexadecimal(last)) && host.parse::<Ipv4Addr>().is_err() && !host.contains(':')
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') {
            write!(f, "[{host}]:{port}")
        } else {
            write!(f, "{host}:{port}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_error_names_the_part_that_is_wrong() {
        for (text, problem) in [
            ("example.org", "`example.org` has no port"),
            ("a:99999", "`99999` is not a port"),
            ("[x]:1", "`x` is not an IPv6 address"),
            ("::1:80", "`::1` lacks brackets"),
            ("*:80", "`*` is not a host"),
            (":80", "`` is not a host"),
            ("a:+80", "`+80` is not a port"),
            ("2130706433:80", "`2130706433` is not an IPv4 address"),
            ("0x7f.1:80", "`0x7f.1` is not an IPv4 address"),
            ("0177.0.0.1:80", "`0177.0.0.1` is not an IPv4 address"),
            ("127.1:80", "`127.1` is not an IPv4 address"),
        ] {
            let error = text.parse::<Endpoint>().unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
        }
    }

    proptest! {
        #[test]
        fn what_parses_reads_back_as_written(text in "\\PC{0,20}(:[0-9]{1,5})?") {
            if let Ok(endpoint) = text.parse::<Endpoint>() {
                prop_assert_eq!(endpoint.to_string().parse::<Endpoint>(), Ok(endpoint));
            }
        }
    }
}
