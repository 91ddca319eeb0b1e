//! From a granted host to the addresses that may be dialled.
//!
//! The name is what the site granted; what the name resolves to is somebody
//! else's word. After resolution, addresses that lead to the machine's own
//! surroundings are dropped: link-local ones, and with them the metadata
//! service of a cloud, which hands credentials to anyone who asks. A site that
//! means such an address writes the address itself. Loopback stays: a Logstash
//! on the same machine is common, and `/etc/hosts` is the site's own word.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use caso_base::Endpoint;

/// A name that leads nowhere, or where it must not lead; a sentence for the
/// operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unresolved(pub String);

/// The addresses of an endpoint that may be used, in the resolver's order; at
/// least one.
pub async fn resolve(endpoint: &Endpoint) -> Result<Vec<SocketAddr>, Unresolved> {
    let found = tokio::net::lookup_host((endpoint.host.as_str(), endpoint.port))
        .await
        .map_err(|error| Unresolved(format!("`{}` cannot be resolved: {error}", endpoint.host)))?;
    allowed(endpoint, found)
}

fn allowed(
    endpoint: &Endpoint,
    found: impl Iterator<Item = SocketAddr>,
) -> Result<Vec<SocketAddr>, Unresolved> {
    let named = endpoint.host.parse::<IpAddr>().ok();
    let (good, bad): (Vec<_>, Vec<_>) =
        found.partition(|address| named == Some(address.ip()) || !is_near(address.ip()));
    if let (true, Some(bad)) = (good.is_empty(), bad.first()) {
        return Err(Unresolved(format!(
            "`{}` resolves to `{}`, which belongs to this machine's surroundings: a site that \
             means it grants the address itself",
            endpoint.host,
            bad.ip()
        )));
    }
    if good.is_empty() {
        return Err(Unresolved(format!("`{}` has no address", endpoint.host)));
    }
    Ok(good)
}

/// Link-local, unspecified, multicast and metadata addresses, also as IPv6 writes IPv4.
fn is_near(address: IpAddr) -> bool {
    const METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            v4.is_link_local() || v4.is_unspecified() || v4.is_multicast() || v4.is_broadcast()
        }
        IpAddr::V6(v6) => {
            v6.is_unicast_link_local()
                || v6.is_unspecified()
                || v6.is_multicast()
                || v6 == METADATA
                // ::a.b.c.d, long out of use, but still understood here and there.
                || v6.to_ipv4().is_some_and(|v4| v4.is_link_local())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(host: &str, resolved: &[&str]) -> Result<Vec<String>, String> {
        let endpoint = Endpoint {
            host: host.to_owned(),
            port: 80,
        };
        let found = resolved
            .iter()
            .map(|ip| SocketAddr::new(ip.parse().unwrap(), 80));
        allowed(&endpoint, found)
            .map(|good| good.iter().map(|a| a.ip().to_string()).collect())
            .map_err(|Unresolved(text)| text)
    }

    #[test]
    fn a_name_does_not_lead_to_metadata() {
        for near in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "fe80::1",
            "fd00:ec2::254",
            "0.0.0.0",
            "::",
            "255.255.255.255",
        ] {
            let reason = check("innocent.example", &[near]).unwrap_err();
            assert!(reason.contains("grants the address itself"), "{reason}");
            assert_eq!(check("x", &[near, "192.0.2.1"]).unwrap(), ["192.0.2.1"]);
        }
    }

    #[test]
    fn an_address_the_site_named_is_meant() {
        assert_eq!(
            check("169.254.169.254", &["169.254.169.254"])
                .unwrap()
                .len(),
            1
        );
        assert!(check("169.254.169.253", &["169.254.169.254"]).is_err());
    }

    #[test]
    fn both_families_are_tried_in_order() {
        let good = check("x", &["2001:db8::1", "192.0.2.1", "127.0.0.1"]).unwrap();
        assert_eq!(good, ["2001:db8::1", "192.0.2.1", "127.0.0.1"]);
        assert!(check("x", &[]).unwrap_err().contains("no address"));
    }
}
