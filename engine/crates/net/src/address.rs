//! From a granted host to the addresses that may be dialled.
//!
//! The name is what the site granted; what the name resolves to is somebody
//! else's word. After resolution, addresses that lead to the machine's own
//! surroundings are dropped: link-local ones, and with them the metadata
//! service of a cloud, which hands credentials to anyone who asks. A site that
//! means such an address writes the address itself. An IPv6 address that carries
//! an IPv4 one (NAT64, 6to4, Teredo and their like) is judged by both, since a
//! gateway on the way delivers to the inner one.
//!
//! Whether a name may lead to this machine or to a private network is for who
//! grants to say ([`Reach`]): the ports of a controller are open to whoever asks
//! from there. `localhost` is no name in this sense.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use caso_base::Endpoint;

/// A name that leads nowhere, or where it must not lead; a sentence for the
/// operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unresolved(pub String);

/// What a name may lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// Addresses that anybody could reach.
    Public,
    /// This machine and private networks as well.
    Local,
}

/// The addresses of an endpoint that may be used, in the resolver's order; at
/// least one.
pub async fn resolve(endpoint: &Endpoint, reach: Reach) -> Result<Vec<SocketAddr>, Unresolved> {
    let found = tokio::net::lookup_host((endpoint.host.as_str(), endpoint.port))
        .await
        .map_err(|error| Unresolved(format!("`{}` cannot be resolved: {error}", endpoint.host)))?;
    allowed(endpoint, reach, found)
}

fn allowed(
    endpoint: &Endpoint,
    reach: Reach,
    found: impl Iterator<Item = SocketAddr>,
) -> Result<Vec<SocketAddr>, Unresolved> {
    let host = endpoint.host.as_str();
    let named = host.parse::<IpAddr>().ok();
    let own_machine = host.eq_ignore_ascii_case("localhost");
    let mut good = Vec::new();
    let mut refused = None;
    for address in found {
        let ip = address.ip();
        let why = match named {
            Some(named) if named == ip => None,
            _ => refusal(ip, reach, own_machine),
        };
        match why {
            None => good.push(address),
            Some(why) => refused = refused.or(Some((ip, why))),
        }
    }
    match (good.is_empty(), refused) {
        (false, _) => Ok(good),
        (true, Some((ip, why))) => Err(Unresolved(format!("`{host}` resolves to `{ip}`, {why}"))),
        (true, None) => Err(Unresolved(format!("`{host}` has no address"))),
    }
}

/// Whether a host is an address of this machine's surroundings, where clouds hand out
/// credentials: no name leads there.
pub fn is_surroundings(host: &str) -> bool {
    let plain = host.trim_start_matches('[').trim_end_matches(']');
    plain.parse::<IpAddr>().is_ok_and(|address| {
        let carried = carried(address).map(IpAddr::V4);
        is_near(address.to_canonical()) || carried.is_some_and(is_near)
    })
}

/// Why a name may not lead there.
fn refusal(address: IpAddr, reach: Reach, own_machine: bool) -> Option<&'static str> {
    let all = [
        Some(address.to_canonical()),
        carried(address).map(IpAddr::V4),
    ];
    let all = || all.into_iter().flatten();
    if all().any(is_near) {
        return Some(
            "which belongs to this machine's surroundings: a site that means it grants the \
             address itself",
        );
    }
    let loopback = all().any(|address| address.is_loopback());
    if loopback && own_machine || reach == Reach::Local {
        return None;
    }
    (loopback || all().any(is_private)).then_some(
        "which belongs to this machine or to a private network: a site that means it adds \
         `?local=true` to the grant",
    )
}

/// The IPv4 address inside an IPv6 one, where a gateway or a tunnel delivers to it.
fn carried(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(v6) = address else { return None };
    let [a, b, c, d, e, f, g, h] = v6.segments();
    let of = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match (a, b, c, d, e, f) {
        // `::` and `::1` are themselves.
        (0, 0, 0, 0, 0, 0) if g == 0 => None,
        // IPv4-mapped, IPv4-compatible, and as SIIT writes it (RFC 4291, RFC 2765).
        (0, 0, 0, 0, 0, 0xffff | 0) | (0, 0, 0, 0, 0xffff, 0) => Some(of(g, h)),
        // NAT64: the well-known prefix and the local one (RFC 6052, RFC 8215).
        (0x64, 0xff9b, 0 | 1, _, _, _) => Some(of(g, h)),
        // 6to4 (RFC 3056).
        (0x2002, _, _, _, _, _) => Some(of(b, c)),
        // Teredo: the client's address, inverted (RFC 4380).
        (0x2001, 0, _, _, _, _) => Some(of(!g, !h)),
        // ISATAP (RFC 5214).
        (_, _, _, _, 0 | 0x200, 0x5efe) => Some(of(g, h)),
        _ => None,
    }
}

/// Link-local, unspecified and multicast addresses, and those at which clouds hand
/// out credentials.
fn is_near(address: IpAddr) -> bool {
    // Alibaba's, Oracle's and Azure's.
    const METADATA_V4: [Ipv4Addr; 3] = [
        Ipv4Addr::new(100, 100, 100, 200),
        Ipv4Addr::new(192, 0, 0, 192),
        Ipv4Addr::new(168, 63, 129, 16),
    ];
    // Amazon's and Google's.
    const METADATA_V6: [Ipv6Addr; 2] = [
        Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
        Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
    ];
    match address {
        IpAddr::V4(v4) => {
            v4.is_link_local()
                // All of 0.0.0.0/8 is "this host on this network".
                || v4.octets().first() == Some(&0)
                || v4.is_multicast()
                || v4.is_broadcast()
                || METADATA_V4.contains(&v4)
        }
        IpAddr::V6(v6) => {
            v6.is_unicast_link_local()
                || v6.is_unspecified()
                || v6.is_multicast()
                || METADATA_V6.contains(&v6)
        }
    }
}

/// Networks that are not routed in the Internet: RFC 1918, RFC 6598, RFC 4193, and
/// the site-local ones of RFC 3513.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            v4.is_private() || a == 100 && b & 0xc0 == 64
        }
        IpAddr::V6(v6) => {
            let [first, ..] = v6.segments();
            v6.is_unique_local() || first & 0xffc0 == 0xfec0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached(host: &str, reach: Reach, resolved: &[&str]) -> Result<Vec<String>, String> {
        let endpoint = Endpoint {
            host: host.to_owned(),
            port: 80,
        };
        let found = resolved
            .iter()
            .map(|ip| SocketAddr::new(ip.parse().unwrap(), 80));
        allowed(&endpoint, reach, found)
            .map(|good| good.iter().map(|a| a.ip().to_string()).collect())
            .map_err(|Unresolved(text)| text)
    }

    fn check(host: &str, resolved: &[&str]) -> Result<Vec<String>, String> {
        reached(host, Reach::Local, resolved)
    }

    #[test]
    fn a_name_does_not_lead_to_metadata() {
        for near in [
            "169.254.169.254",
            "100.100.100.200",
            "192.0.0.192",
            "168.63.129.16",
            "fd20:ce::254",
            "::ffff:169.254.169.254",
            "::ffff:168.63.129.16",
            "::169.254.169.254",
            "::ffff:0:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "2001:0:1:2:3:4:5601:5601",
            "2001:db8::5efe:169.254.169.254",
            "fe80::1",
            "fd00:ec2::254",
            "0.0.0.0",
            "0.1.2.3",
            "::",
            "255.255.255.255",
        ] {
            let reason = check("innocent.example", &[near]).unwrap_err();
            assert!(reason.contains("grants the address itself"), "{reason}");
            assert_eq!(check("x", &[near, "192.0.2.1"]).unwrap(), ["192.0.2.1"]);
        }
    }

    #[test]
    fn a_name_leads_to_this_machine_and_private_networks_only_where_the_grant_says_so() {
        for local in [
            "127.0.0.1",
            "127.9.9.9",
            "::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "64:ff9b::a00:1",
            "fd12::1",
            "fec0::1",
        ] {
            let reason = reached("rebound.example", Reach::Public, &[local]).unwrap_err();
            assert!(reason.contains("`?local=true`"), "{local}: {reason}");
            assert_eq!(check("logstash.intern", &[local]).unwrap().len(), 1);
        }
        for (host, address) in [
            ("localhost", "127.0.0.1"),
            ("LOCALHOST", "::1"),
            ("10.0.0.1", "10.0.0.1"),
            ("127.0.0.1", "127.0.0.1"),
            ("collector.example", "192.0.2.1"),
            ("collector.example", "2001:db8::1"),
            ("collector.example", "172.32.0.1"),
            ("collector.example", "100.128.0.1"),
        ] {
            let answer = reached(host, Reach::Public, &[address]);
            assert_eq!(answer.unwrap().len(), 1, "{host} {address}");
        }
        assert!(reached("localhost", Reach::Public, &["10.0.0.1"]).is_err());
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
