//! Names and addresses, each replaced by one of its own: the same in, the
//! same out, over all exchanges of a recording, so that whatever belonged
//! together still does.
//!
//! What is replaced: texts under keys that hold names (`name`, `hostname`,
//! `description`, …), names of networks (the keys under `addresses`), values
//! of a server's or volume's own metadata, labels of Prometheus, anything with an `@`, IP and MAC
//! addresses wherever they stand, and the hosts of addresses of APIs. What is
//! not: ids, tags, VO and other properties of projects, properties of
//! flavors and images, regions, roles, types of services.

use std::net::IpAddr;

use serde_json::{Map, Value};
use url::Url;

use super::pseudonyms::Pseudonyms;

impl Pseudonyms {
    /// An address of an API: host, names in the path (`/projects/NAME`) and
    /// in the query (`name=`).
    pub fn url(&mut self, url: &Url) -> Url {
        let mut result = url.clone();
        if let Some(host) = url.host_str() {
            let host = self.host(host);
            // An address that cannot have a host has none to hide.
            let _ = result.set_host(Some(&host));
        }
        let mut path = Vec::new();
        let mut previous = "";
        for segment in url.path().split('/') {
            path.push(if previous == "projects" {
                self.name_or_id(segment)
            } else {
                segment.to_owned()
            });
            previous = segment;
        }
        result.set_path(&path.join("/"));
        let query = url.query().unwrap_or_default();
        if query.contains("name=") || query.contains("query=") {
            let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
            result.query_pairs_mut().clear();
            for (key, value) in pairs {
                let value = if is_name_key(&key) {
                    self.name(&value)
                } else if key == "query" {
                    // Prometheus': labels may hold addresses.
                    self.text(&value)
                } else {
                    value
                };
                result.query_pairs_mut().append_pair(&key, &value);
            }
        }
        result
    }

    /// The scope of a request, which may hold a project's name.
    pub fn scope(&mut self, scope: &str) -> String {
        for prefix in ["project-name:", "domain-name:"] {
            if let Some(name) = scope.strip_prefix(prefix) {
                return format!("{prefix}{}", self.name(name));
            }
        }
        // Somebody may have taken a name for an id.
        match scope.strip_prefix("project:") {
            Some(id) => format!("project:{}", self.name_or_id(id)),
            None => scope.to_owned(),
        }
    }

    /// A body.
    pub fn json(&mut self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.json(item)),
            Value::Object(fields) => self.fields(fields),
            _ => {}
        }
    }

    fn fields(&mut self, fields: &mut Map<String, Value>) {
        let is_series = fields.contains_key("value") || fields.contains_key("values");
        for (key, field) in fields.iter_mut() {
            match (tail(key).as_str(), &mut *field) {
                ("catalog", Value::Array(services)) => self.catalog(services),
                // Words of Keystone, not of a site.
                ("roles" | "methods" | "tags", _) => {}
                ("addresses", Value::Object(networks)) => {
                    for (network, list) in std::mem::take(networks) {
                        let mut list = list;
                        self.json(&mut list);
                        networks.insert(self.name(&network), list);
                    }
                }
                ("metric", Value::Object(labels)) if is_series => self.labels(labels),
                ("metadata" | "volume_image_metadata", Value::Object(values)) => {
                    for value in values.values_mut() {
                        if let Value::String(text) = value {
                            *text = self.name(text);
                        }
                    }
                }
                ("fault", Value::Object(fault)) => {
                    for word in ["message", "details"] {
                        if let Some(Value::String(text)) = fault.get_mut(word) {
                            *text = self.name(text);
                        }
                    }
                }
                // In a usage entry the name of the flavor.
                ("flavor", Value::String(text)) => *text = self.name(text),
                ("projects" | "tenants", Value::Array(items)) => {
                    for item in items {
                        match item {
                            Value::String(text) => *text = self.name_or_id(text),
                            other => self.json(other),
                        }
                    }
                }
                (word, Value::String(text)) if word.contains("mac_addr") => *text = self.mac(text),
                (_, Value::String(text)) if is_name_key(key) => *text = self.name(text),
                ("message" | "title" | "detail" | "reason", Value::String(text)) => {
                    *text = self.prose(text);
                }
                // Of a mapping of projects to VOs.
                ("tenant", Value::String(text)) => *text = self.name_or_id(text),
                // An id may be a word that is also somebody's name.
                (word, Value::String(_)) if word == "id" || word.ends_with("_id") => {}
                (_, other) => self.json(other),
            }
        }
    }

    /// Labels of a series of Prometheus: names of hosts, machines and people,
    /// but for the id of the server and the name of the metric.
    fn labels(&mut self, labels: &mut Map<String, Value>) {
        for (label, value) in labels.iter_mut() {
            if let Value::String(text) = value
                && label != "__name__"
            {
                *text = self.name_or_id(text);
            }
        }
    }

    fn catalog(&mut self, services: &mut [Value]) {
        for service in services {
            let endpoints = service.get_mut("endpoints").and_then(Value::as_array_mut);
            for endpoint in endpoints.into_iter().flatten() {
                if let Some(Value::String(url)) = endpoint.get_mut("url") {
                    *url = self.text(url);
                }
            }
        }
    }

    /// Any other text: addresses in it, and whatever looks like an e-mail
    /// address. Not the names known so far: a server may be called `active`.
    pub fn text(&mut self, text: &str) -> String {
        self.words(text, false)
    }

    /// What a service says to people: names known so far as well.
    pub fn prose(&mut self, text: &str) -> String {
        self.words(text, true)
    }

    fn words(&mut self, text: &str, prose: bool) -> String {
        if let Ok(url) = Url::parse(text)
            && matches!(url.scheme(), "http" | "https")
        {
            let replaced = self.url(&url).to_string();
            // Parsing adds the slash of an empty path; the catalog had none.
            return if text.ends_with('/') {
                replaced
            } else {
                replaced.trim_end_matches('/').to_owned()
            };
        }
        let mut result = String::with_capacity(text.len());
        let mut word = String::new();
        for c in text.chars() {
            if c.is_whitespace() || "\"'`,;()<>[]{}=".contains(c) {
                let replaced = self.word(&word, prose);
                result.push_str(&replaced);
                word.clear();
                result.push(c);
            } else {
                word.push(c);
            }
        }
        let replaced = self.word(&word, prose);
        result.push_str(&replaced);
        result
    }

    fn word(&mut self, word: &str, prose: bool) -> String {
        let bare = word.trim_end_matches(['.', ':', '!', '?']);
        let end = word.get(bare.len()..).unwrap_or_default();
        if prose && let Some(name) = self.known(bare) {
            return format!("{name}{end}");
        }
        // `10.0.0.1`, `10.0.0.0/24`, `10.0.0.1:22`; a lone `::` is no secret.
        let cut = bare
            .find('/')
            .or_else(|| bare.rfind(':').filter(|at| bare.find(':') == Some(*at)))
            .unwrap_or(bare.len());
        let (front, rest) = bare.split_at(cut);
        if let Ok(address) = front.parse::<IpAddr>() {
            return format!("{}{rest}{end}", self.address(address));
        }
        if bare.contains("://")
            && let Ok(url) = Url::parse(bare)
        {
            return format!("{}{end}", self.url(&url));
        }
        if bare.contains('@') && bare.len() > 2 {
            return format!("{}{end}", self.name(bare));
        }
        word.to_owned()
    }
}

/// Extensions put their name in front: `OS-EXT-SRV-ATTR:hostname`.
fn tail(key: &str) -> String {
    key.rsplit(':').next().unwrap_or(key).to_ascii_lowercase()
}

fn is_name_key(key: &str) -> bool {
    matches!(
        tail(key).as_str(),
        "name"
            | "display_name"
            | "original_name"
            | "user_name"
            | "username"
            | "project_name"
            | "tenant_name"
            | "domain_name"
            | "user_domain_name"
            | "default_domain_name"
            | "project_domain_name"
            | "application_credential_name"
            | "hostname"
            | "host"
            | "host_name"
            | "hypervisor_hostname"
            | "instance_name"
            | "key_name"
            | "description"
            | "display_description"
            | "email"
            | "contact"
            | "dns_name"
            | "dns_domain"
            | "locked_reason"
            | "node"
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn replaced(value: &Value) -> Value {
        let mut value = value.clone();
        Pseudonyms::default().json(&mut value);
        value
    }

    #[test]
    fn a_server_and_its_usage_still_belong_together() {
        let id = "3174786e9d0146608dfdbebc1b4a983e";
        let before = json!({
            "servers": [{
                "id": id, "name": "alices-machine", "user_id": "alice", "hostId": "abc",
                "created": "2026-10-01T10:20:30Z", "key_name": "alices-key",
                "addresses": {"alices-net": [
                    {"addr": "192.168.1.7", "version": 4, "OS-EXT-IPS:type": "fixed",
                     "OS-EXT-IPS-MAC:mac_addr": "fa:16:3e:01:02:03"},
                    {"addr": "130.206.1.2", "version": 4, "OS-EXT-IPS:type": "floating"},
                    {"addr": "2a00:1450::7", "version": 6, "OS-EXT-IPS:type": "fixed"}]},
                "flavor": {"original_name": "m1.alice", "extra_specs": {"accounting:benchmark": "HEPSPEC06"}},
                "metadata": {"owner": "alice", "note": ""},
                "OS-EXT-SRV-ATTR:hypervisor_hostname": "node7.example.net",
                "fault": {"message": "node7.example.net is full", "code": 500},
            }],
            "tenant_usage": {"server_usages": [{"name": "alices-machine", "flavor": "m1.alice", "instance_id": id}]},
            "user": {"name": "alice@example.net"},
        });
        let after = replaced(&before);
        let text = after.to_string();
        for gone in [
            "alices", "alice@", "m1.alice", "192.168", "130.206", "2a00", "fa:16", "node7",
        ] {
            assert!(!text.contains(gone), "{gone} in {text}");
        }
        let server = &after["servers"][0];
        let usage = &after["tenant_usage"]["server_usages"][0];
        assert_eq!(server["name"], usage["name"]);
        assert_eq!(server["flavor"]["original_name"], usage["flavor"]);
        assert_eq!(server["id"], id);
        for kept in ["user_id", "hostId", "created"] {
            assert_eq!(server[kept], before["servers"][0][kept]);
        }
        assert_eq!(
            server["flavor"]["extra_specs"],
            before["servers"][0]["flavor"]["extra_specs"]
        );
        assert_eq!(server["metadata"]["note"], "");
        let (_, ports) = server["addresses"]
            .as_object()
            .unwrap()
            .iter()
            .next()
            .unwrap();
        let at = |n: usize| {
            ports[n]["addr"]
                .as_str()
                .unwrap()
                .parse::<IpAddr>()
                .unwrap()
        };
        assert!(matches!(at(0), IpAddr::V4(v4) if v4.is_private()));
        assert!(matches!(at(1), IpAddr::V4(v4) if !v4.is_private()));
        assert!(at(2).is_ipv6());
    }

    #[test]
    fn addresses_of_apis() {
        let mut names = Pseudonyms::default();
        let token = json!({"token": {"catalog": [{"type": "compute", "name": "nova", "endpoints": [
            {"url": "https://api.site.org:8774/v2.1", "region": "One"}]}], "roles": [{"name": "reader"}]}});
        let mut after = token.clone();
        names.json(&mut after);
        assert_eq!(after["token"]["roles"], token["token"]["roles"]);
        let service = &after["token"]["catalog"][0];
        assert_eq!(service["name"], "nova");
        let url = service["endpoints"][0]["url"].as_str().unwrap();
        let asked = Url::parse("https://api.site.org:8774/v2.1/servers?limit=3").unwrap();
        assert_eq!(names.url(&asked).as_str(), format!("{url}/servers?limit=3"));
        assert!(!url.contains("site") && url.contains(":8774/v2.1"));
        for kept in [
            "http://127.0.0.1:15000",
            "http://localhost:5000/v3",
            "http://[::1]:5000/v3/",
        ] {
            assert_eq!(names.text(kept), kept);
        }
        let by_name =
            Url::parse("http://localhost/v3/projects/my-project?name=my-project&x=y").unwrap();
        let after = names.url(&by_name).to_string();
        assert!(
            !after.contains("my-project") && after.ends_with("&x=y"),
            "{after}"
        );
        let after = names.prose("Could not find project: my-project.");
        assert!(!after.contains("my-project"), "{after}");
        assert!(
            !names
                .scope("project-name:my-project")
                .contains("my-project")
        );
    }

    proptest! {
        #[test]
        fn same_in_same_out_and_never_the_same_for_two(texts in proptest::collection::vec(".{1,12}", 1..40)) {
            let mut names = Pseudonyms::default();
            let first: Vec<String> = texts.iter().map(|t| names.name(t)).collect();
            let second: Vec<String> = texts.iter().map(|t| names.name(t)).collect();
            prop_assert_eq!(&first, &second);
            let distinct: std::collections::HashSet<_> = texts.iter().collect();
            let replaced: std::collections::HashSet<_> = first.iter().collect();
            prop_assert_eq!(distinct.len(), replaced.len());
        }

        #[test]
        fn free_text_of_any_kind(text in ".*") {
            let mut names = Pseudonyms::default();
            let once = names.text(&text);
            prop_assert_eq!(names.text(&text), once);
        }
    }
}
