//! Where a connection leads, and who we say that we are there.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Endpoint {
    /// A name or an address; an IPv6 address without its brackets. Lower case.
    pub host: String,
    pub port: u16,
}

/// A client certificate: PEM files, or one file that holds both.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    pub certfile: PathBuf,
    pub keyfile: PathBuf,
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (host, port) = text
            .rsplit_once(':')
            .ok_or_else(|| format!("`{text}` has no port"))?;
        let port = match port.parse() {
            Ok(port) if port != 0 => port,
            _ => return Err(format!("`{port}` is not a port from 1 to 65535")),
        };
        let host = match host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
        {
            Some(address) => address
                .parse::<std::net::Ipv6Addr>()
                .map_err(|_| format!("`{address}` is not an IPv6 address"))?
                .to_string(),
            None if host.contains(':') => {
                return Err(format!("the IPv6 address `{host}` stands without brackets"));
            }
            None => host.to_ascii_lowercase(),
        };
        let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
        if host.is_empty() || !host.chars().all(name) {
            return Err(format!("`{host}` is not a host"));
        }
        Ok(Self { host, port })
    }
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
