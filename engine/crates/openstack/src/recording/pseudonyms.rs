//! What stands for what in a recording with names replaced. Numbered as they
//! come, which shows nothing of what they stood for, and cannot collide.
//! Loopback addresses stay, private ones stay private, the others are taken
//! from the ranges set aside for documentation and benchmarks.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Names of metrics: Ceilometer's words, which a replay asks for.
const METERS: [&str; 3] = ["cpu", "network.incoming.bytes", "network.outgoing.bytes"];

/// What stands for what.
#[derive(Debug, Default)]
pub struct Pseudonyms {
    names: HashMap<String, String>,
    hosts: HashMap<String, String>,
    macs: HashMap<String, String>,
    addresses: HashMap<IpAddr, IpAddr>,
}

impl Pseudonyms {
    /// A name of a person, machine, network or project.
    pub fn name(&mut self, text: &str) -> String {
        if text.is_empty() || METERS.contains(&text) {
            return text.to_owned();
        }
        let next = self.names.len() + 1;
        self.names
            .entry(text.to_owned())
            .or_insert_with(|| {
                if text.contains('@') {
                    format!("user-{next}@example.org")
                } else {
                    format!("name-{next}")
                }
            })
            .clone()
    }

    /// What stands for a name that came before.
    pub fn known(&self, text: &str) -> Option<&str> {
        self.names.get(text).map(String::as_str)
    }

    /// A name, unless it is an id.
    pub fn name_or_id(&mut self, text: &str) -> String {
        if is_id(text) {
            text.to_owned()
        } else {
            self.name(text)
        }
    }

    /// An IP address.
    pub fn address(&mut self, address: IpAddr) -> IpAddr {
        let next = self.addresses.len() as u32 + 1;
        *self
            .addresses
            .entry(address)
            .or_insert_with(|| match address {
                IpAddr::V4(v4) if v4.is_loopback() || v4.is_unspecified() || v4.is_broadcast() => {
                    address
                }
                IpAddr::V4(v4) if v4.is_private() => {
                    Ipv4Addr::from_bits(0x0a00_0000 | (next & 0x00ff_ffff)).into()
                }
                // 198.18.0.0/15, for benchmarks (RFC 2544).
                IpAddr::V4(_) => Ipv4Addr::from_bits(0xc612_0000 | (next & 0x0001_ffff)).into(),
                IpAddr::V6(v6) if v6.is_loopback() || v6.is_unspecified() => address,
                IpAddr::V6(v6) => {
                    let front: u128 = if v6.is_unique_local() {
                        0xfd00 << 112
                    } else if v6.is_unicast_link_local() {
                        0xfe80 << 112
                    } else {
                        0x2001_0db8 << 96
                    };
                    Ipv6Addr::from_bits(front | u128::from(next)).into()
                }
            })
    }

    /// The host of an address, as it stands in it.
    pub fn host(&mut self, host: &str) -> String {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = bare.parse::<IpAddr>() {
            return match self.address(address) {
                IpAddr::V6(v6) => format!("[{v6}]"),
                IpAddr::V4(v4) => v4.to_string(),
            };
        }
        if host.eq_ignore_ascii_case("localhost") {
            return host.to_owned();
        }
        let next = self.hosts.len() + 1;
        self.hosts
            .entry(host.to_ascii_lowercase())
            .or_insert_with(|| format!("host-{next}.example.org"))
            .clone()
    }

    /// A MAC address; the result is a locally administered one.
    pub fn mac(&mut self, mac: &str) -> String {
        let next = self.macs.len() + 1;
        let [_, _, a, b, c, d, e, f] = (next as u64).to_be_bytes();
        self.macs
            .entry(mac.to_owned())
            .or_insert_with(|| format!("{:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}", a | 2))
            .clone()
    }
}

/// 32 or 64 hexadecimal digits, or a UUID.
fn is_id(text: &str) -> bool {
    let digits = text.bytes().filter(|b| *b != b'-').count();
    text.is_empty()
        || (matches!(digits, 32 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-'))
}
