//! Which proxy a request goes through, by the environment, as Python's
//! `requests` read it for cASO: a site whose cron line sets `https_proxy`
//! must not find out about the difference from a firewall.
//!
//! | variable | meaning |
//! |---|---|
//! | `http_proxy`, `https_proxy` | for addresses of that scheme |
//! | `all_proxy` | for both, where the above is not set |
//! | `no_proxy` | `*`, or names (with what ends in `.name`), addresses and IPv4 networks that are reached directly |
//!
//! Lower case goes before upper case, an empty lower-case variable unsets
//! the upper-case one, and `HTTP_PROXY` is ignored for a CGI program (where
//! `REQUEST_METHOD` is set, anybody may set it by a `Proxy:` header).

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;

use url::Url;

use crate::exchange::strip_user;

/// The rules, read once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    by_scheme: BTreeMap<String, Chosen>,
    bypass: Vec<String>,
    bypass_all: bool,
}

/// A proxy, and the variable that names it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Chosen {
    url: Url,
    variable: String,
}

/// The proxy that a request goes through, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Through {
    /// Its address, without a password.
    pub proxy: String,
    /// The variable of the environment that names it, as it is spelled there.
    pub variable: String,
}

impl Through {
    /// The part of a sentence about a request that got no answer.
    pub fn asked(&self) -> String {
        let Through { proxy, variable } = self;
        format!(
            "asked through the proxy `{proxy}` (`{variable}` in the environment; `no_proxy` leaves out)"
        )
    }
}

/// `the proxy …`, with where it comes from.
impl fmt::Display for Through {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Through { proxy, variable } = self;
        write!(f, "the proxy `{proxy}` (`{variable}` in the environment)")
    }
}

impl BadProxy {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        format!(
            "correct it, or leave it out for this command alone: `env -u {} caso …`",
            self.variable
        )
    }
}

/// A proxy variable that we cannot use. The value is not shown: it may hold
/// a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable `{variable}` {reason}")]
pub struct BadProxy {
    /// Its name.
    pub variable: String,
    /// The rest of the sentence.
    pub reason: String,
}

impl Proxies {
    /// Reads the variables of the table above.
    pub fn from_environment(environment: &BTreeMap<String, String>) -> Result<Self, BadProxy> {
        let mut found: BTreeMap<String, (&str, &str)> = BTreeMap::new();
        for (name, value) in environment {
            let lower = name.to_ascii_lowercase();
            if let Some(scheme) = lower.strip_suffix("_proxy")
                && !value.is_empty()
            {
                found.insert(scheme.to_owned(), (name, value));
            }
        }
        if environment.contains_key("REQUEST_METHOD") {
            found.remove("http");
        }
        for (name, value) in environment {
            if let Some(scheme) = name.strip_suffix("_proxy") {
                let scheme = scheme.to_ascii_lowercase();
                if value.is_empty() {
                    found.remove(&scheme);
                } else {
                    found.insert(scheme, (name, value));
                }
            }
        }
        let mut proxies = Proxies::default();
        if let Some((_, list)) = found.remove("no") {
            proxies.bypass_all = list.trim() == "*";
            proxies.bypass = list
                .split(',')
                .map(|host| host.trim().trim_start_matches('.').to_ascii_lowercase())
                .filter(|host| !host.is_empty())
                .collect();
        }
        // One that no request goes through may be of any kind: a desktop has a SOCKS one for the rest.
        let both = found.contains_key("http") && found.contains_key("https");
        let unused = |scheme: &str| proxies.bypass_all || (scheme == "all" && both);
        for (scheme, (variable, value)) in found {
            if matches!(scheme.as_str(), "http" | "https" | "all") && !unused(&scheme) {
                let chosen = Chosen {
                    url: parse(variable, value)?,
                    variable: variable.to_owned(),
                };
                proxies.by_scheme.insert(scheme, chosen);
            }
        }
        Ok(proxies)
    }

    /// The proxy for an address, if any.
    pub fn proxy_for(&self, url: &Url) -> Option<&Url> {
        self.chosen(url).map(|chosen| &chosen.url)
    }

    /// Which proxy an address is asked through, and what names it, for people; it may hold a password, which
    /// is left out.
    pub fn through(&self, url: &Url) -> Option<Through> {
        let chosen = self.chosen(url)?;
        let mut proxy = chosen.url.clone();
        strip_user(&mut proxy);
        Some(Through {
            proxy: proxy.as_str().trim_end_matches('/').to_owned(),
            variable: chosen.variable.clone(),
        })
    }

    fn chosen(&self, url: &Url) -> Option<&Chosen> {
        let host = url.host_str()?;
        if self.bypasses(host, url.port()) {
            return None;
        }
        self.by_scheme
            .get(url.scheme())
            .or_else(|| self.by_scheme.get("all"))
    }

    fn bypasses(&self, host: &str, port: Option<u16>) -> bool {
        if self.bypass_all {
            return true;
        }
        let host = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_ascii_lowercase();
        let with_port = port.map(|port| format!("{host}:{port}"));
        let address: Option<Ipv4Addr> = host.parse().ok();
        self.bypass.iter().any(|rule| {
            if let (Some(address), Some((network, bits))) = (address, network(rule)) {
                return contains(network, bits, address);
            }
            matches(&host, rule) || with_port.as_deref().is_some_and(|h| matches(h, rule))
        })
    }
}

fn parse(variable: &str, value: &str) -> Result<Url, BadProxy> {
    let bad = |reason: &str| BadProxy {
        variable: variable.to_owned(),
        reason: reason.to_owned(),
    };
    let text = if value.contains("://") {
        value.to_owned()
    } else {
        format!("http://{value}")
    };
    let url = Url::parse(&text).map_err(|_| {
        bad("is not the address of a proxy, such as `http://proxy.example.org:3128`")
    })?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        _ => Err(bad(
            "names a kind of proxy that is not supported; only `http://` and `https://` proxies work",
        )),
    }
}

/// The name itself, or a name under it.
fn matches(host: &str, rule: &str) -> bool {
    host == rule
        || host
            .strip_suffix(rule)
            .is_some_and(|front| front.ends_with('.'))
}

fn network(rule: &str) -> Option<(Ipv4Addr, u32)> {
    let (address, bits) = rule.split_once('/')?;
    let bits: u32 = bits.parse().ok().filter(|bits| (1..=32).contains(bits))?;
    Some((address.parse().ok()?, bits))
}

fn contains(network: Ipv4Addr, bits: u32, address: Ipv4Addr) -> bool {
    let mask = u32::MAX << (32 - bits);
    u32::from(network) & mask == u32::from(address) & mask
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(environment: &[(&str, &str)], url: &str) -> Option<String> {
        let environment = environment
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        Proxies::from_environment(&environment)
            .unwrap()
            .proxy_for(&Url::parse(url).unwrap())
            .map(ToString::to_string)
    }

    #[test]
    fn by_scheme_then_all() {
        let env = [("HTTPS_PROXY", "http://s:1"), ("ALL_PROXY", "a:2")];
        assert_eq!(chosen(&env, "https://x/"), Some("http://s:1/".into()));
        assert_eq!(chosen(&env, "http://x/"), Some("http://a:2/".into()));
        assert_eq!(chosen(&[], "http://x/"), None);
    }

    #[test]
    fn lower_case_first_and_empty_lower_case_unsets() {
        let env = [("HTTP_PROXY", "http://big:1"), ("http_proxy", "small:1")];
        assert_eq!(chosen(&env, "http://x/"), Some("http://small:1/".into()));
        let env = [("HTTP_PROXY", "http://big:1"), ("http_proxy", "")];
        assert_eq!(chosen(&env, "http://x/"), None);
        let env = [("HTTP_PROXY", "http://big:1"), ("REQUEST_METHOD", "GET")];
        assert_eq!(chosen(&env, "http://x/"), None);
    }

    #[test]
    fn no_proxy_as_requests_reads_it() {
        let with = |rule| [("http_proxy", "p:1"), ("no_proxy", rule)];
        for (rule, url, direct) in [
            ("*", "http://any/", true),
            ("example.org", "http://example.org/", true),
            ("example.org", "http://api.example.org/", true),
            (".example.org", "http://example.org:8/", true),
            ("example.org", "http://notexample.org/", false),
            ("api.example.org:5000", "http://api.example.org:5000/", true),
            (
                "api.example.org:5000",
                "http://api.example.org:5001/",
                false,
            ),
            ("10.1.0.0/16", "http://10.1.2.3/", true),
            ("10.1.0.0/16", "http://10.2.2.3/", false),
            (" a , 10.1.2.3 ", "http://10.1.2.3:9/", true),
            ("Example.ORG", "http://EXAMPLE.org/", true),
            ("10.0.0.0/0", "http://10.2.2.3/", false),
            ("", "http://x/", false),
        ] {
            assert_eq!(chosen(&with(rule), url).is_none(), direct, "{rule} {url}");
        }
    }

    #[test]
    fn the_proxy_is_named_without_its_password() {
        let env = [
            ("https_proxy", "http://u:hidden@p:3128"),
            ("ALL_PROXY", "q:1"),
        ];
        let proxies = Proxies::from_environment(
            &env.map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
        )
        .unwrap();
        let through = |url: &str| {
            let through = proxies.through(&Url::parse(url).unwrap());
            through.map(|through| through.asked())
        };
        assert_eq!(
            through("https://a/").as_deref(),
            Some(
                "asked through the proxy `http://p:3128` (`https_proxy` in the environment; `no_proxy` leaves out)"
            )
        );
        assert_eq!(
            through("http://a/").as_deref(),
            Some(
                "asked through the proxy `http://q:1` (`ALL_PROXY` in the environment; `no_proxy` leaves out)"
            )
        );
        let none = Proxies::from_environment(&[].into()).unwrap();
        assert_eq!(none.through(&Url::parse("http://a/").unwrap()), None);
    }

    #[test]
    fn one_that_no_request_goes_through_may_be_of_any_kind() {
        let socks = ("all_proxy", "socks5://s:1");
        let unused = [socks, ("http_proxy", "h:1"), ("https_proxy", "h:2")];
        assert_eq!(chosen(&unused, "http://x/"), Some("http://h:1/".into()));
        assert_eq!(chosen(&[socks, ("no_proxy", "*")], "http://x/"), None);
        for used in [
            vec![socks],
            vec![socks, ("http_proxy", "h:1"), ("no_proxy", "x")],
        ] {
            let used = used.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned()));
            assert!(Proxies::from_environment(&used.collect()).is_err());
        }
    }

    #[test]
    fn an_unusable_proxy_is_named_without_its_value() {
        let env: BTreeMap<String, String> =
            [("all_proxy".to_owned(), "socks5://u:hidden@h:1".to_owned())].into();
        let error = Proxies::from_environment(&env).unwrap_err().to_string();
        assert!(error.contains("`all_proxy`"), "{error}");
        assert!(!error.contains("hidden"), "{error}");
    }
}
