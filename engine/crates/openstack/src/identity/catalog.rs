//! The service catalog of a token: which address a service has. Matching is
//! keystoneauth's, so that a site's catalog means the same to us as it did
//! to cASO: types by alias, interfaces in order of preference, region
//! exactly, the first match in the catalog's order.

use std::fmt;

use serde_json::Value;

use super::super::Service;

/// One address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub service_type: String,
    /// `public`, `internal` or `admin`.
    pub interface: String,
    pub region: Option<String>,
    pub url: String,
}

/// One of the endpoints that there are, for an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// Of the service that was asked for.
    pub own: bool,
    pub service_type: String,
    pub interface: String,
    pub region: Option<String>,
}

impl fmt::Display for Offered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let region = self.region.as_deref().unwrap_or("no region");
        write!(f, "{} {} in {region}", self.interface, self.service_type)
    }
}

/// All addresses of a token, in the catalog's order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalog {
    pub endpoints: Vec<Endpoint>,
}

impl Catalog {
    /// Takes what it can use: an entry without type, or an endpoint without
    /// address or interface, is as if it were not there.
    pub fn from_json(catalog: &Value) -> Self {
        let text = |value: &Value, key: &str| {
            value
                .get(key)
                .and_then(Value::as_str)
                .map(str::trim)
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        };
        let mut endpoints = Vec::new();
        for entry in catalog.as_array().into_iter().flatten() {
            let Some(service_type) = text(entry, "type") else {
                continue;
            };
            let listed = entry.get("endpoints").and_then(Value::as_array);
            for endpoint in listed.into_iter().flatten() {
                let (Some(interface), Some(url)) =
                    (text(endpoint, "interface"), text(endpoint, "url"))
                else {
                    continue;
                };
                endpoints.push(Endpoint {
                    service_type: service_type.clone(),
                    interface: interface_word(&interface),
                    region: text(endpoint, "region_id").or_else(|| text(endpoint, "region")),
                    url,
                });
            }
        }
        Catalog { endpoints }
    }

    /// Version 2.0's: one object for each region, with all its addresses in it.
    /// What there is none of is absent, or empty.
    pub fn from_v2_json(catalog: &Value) -> Self {
        let text = |value: &Value, key: &str| {
            let text = value.get(key).and_then(Value::as_str).map(str::trim);
            text.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let mut endpoints = Vec::new();
        for entry in catalog.as_array().into_iter().flatten() {
            let Some(service_type) = text(entry, "type") else {
                continue;
            };
            let listed = entry.get("endpoints").and_then(Value::as_array);
            for endpoint in listed.into_iter().flatten() {
                for word in ["publicURL", "internalURL", "adminURL"] {
                    endpoints.extend(text(endpoint, word).map(|url| Endpoint {
                        service_type: service_type.clone(),
                        interface: interface_word(word),
                        region: text(endpoint, "region"),
                        url,
                    }));
                }
            }
        }
        Catalog { endpoints }
    }

    /// The address of a service. `interfaces`: in order of preference, old
    /// spellings (`publicURL`) allowed; `region`: none for any.
    pub fn find(
        &self,
        service: Service,
        interfaces: &[String],
        region: Option<&str>,
    ) -> Option<&Endpoint> {
        for service_type in service.types() {
            for interface in interfaces {
                let interface = interface_word(interface);
                let found = self.endpoints.iter().find(|endpoint| {
                    type_word(&endpoint.service_type) == *service_type
                        && endpoint.interface == interface
                        && region.is_none_or(|region| endpoint.region.as_deref() == Some(region))
                });
                if found.is_some() {
                    return found;
                }
            }
        }
        None
    }

    /// The regions that any endpoint names, in the catalog's order.
    pub fn regions(&self) -> Vec<String> {
        let mut regions: Vec<String> = Vec::new();
        for region in self.endpoints.iter().filter_map(|one| one.region.as_ref()) {
            if !regions.contains(region) {
                regions.push(region.clone());
            }
        }
        regions
    }

    /// The regions of a service, of the type and interface that [`Catalog::find`]
    /// takes where no region is asked for: the one that it takes comes first. Regions that share its address have the same
    /// service, and are not among them.
    pub fn regions_of(&self, service: Service, interfaces: &[String]) -> Vec<String> {
        let Some(taken) = self.find(service, interfaces, None) else {
            return Vec::new();
        };
        let mut regions: Vec<String> = taken.region.clone().into_iter().collect();
        let alike = self.endpoints.iter().filter(|endpoint| {
            let word = type_word(&endpoint.service_type);
            endpoint.interface == taken.interface
                && service.types().contains(&word.as_str())
                && endpoint.url != taken.url
        });
        for region in alike.filter_map(|endpoint| endpoint.region.as_ref()) {
            if !regions.contains(region) {
                regions.push(region.clone());
            }
        }
        regions
    }

    /// Whether the service is not to be had in this region at all: the catalog
    /// lists others there, and this one under no interface.
    pub fn lacks(&self, service: Service, region: Option<&str>) -> bool {
        let mut in_region = self
            .endpoints
            .iter()
            .filter(|endpoint| {
                region.is_none_or(|region| endpoint.region.as_deref() == Some(region))
            })
            .map(|endpoint| type_word(&endpoint.service_type))
            .peekable();
        in_region.peek().is_some()
            && in_region.all(|word| !service.types().contains(&word.as_str()))
    }

    /// What there is of a service; of all services when there is nothing of
    /// it. For the error.
    pub fn available(&self, service: Service) -> Vec<Offered> {
        let offered = |endpoint: &Endpoint| {
            let word = type_word(&endpoint.service_type);
            Offered {
                own: service.types().contains(&word.as_str()),
                service_type: endpoint.service_type.clone(),
                interface: endpoint.interface.clone(),
                region: endpoint.region.clone(),
            }
        };
        let all: Vec<Offered> = self.endpoints.iter().map(offered).collect();
        let own: Vec<Offered> = all.iter().filter(|it| it.own).cloned().collect();
        match own.is_empty() {
            true => all,
            false => own,
        }
    }
}

/// os-service-types reads `_` as `-` and ignores case.
fn type_word(text: &str) -> String {
    text.to_ascii_lowercase().replace('_', "-")
}

fn interface_word(text: &str) -> String {
    let text = text.trim();
    text.strip_suffix("URL")
        .unwrap_or(text)
        .to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn endpoint(interface: &str, region: &str, url: &str) -> Value {
        json!({"interface": interface, "region_id": region, "region": region, "url": url})
    }

    fn catalog() -> Catalog {
        Catalog::from_json(&json!([
            {"type": "volumev3", "endpoints": []},
            {"type": "volumev2", "endpoints": [endpoint("public", "One", "http://v2")]},
            {"type": "compute", "endpoints": [
                {"interface": "public", "region": "One"},
                {"interface": "public", "region": "One", "url": null},
                {"interface": "public", "region": "One", "url": ""},
                {"region": "One", "url": "http://lost"},
                null,
                endpoint("internal", "One", "http://internal"),
                endpoint("public", "One", "http://first"),
                endpoint("public", "One", "http://second"),
                endpoint("public", "Two", "http://two"),
            ]},
            {"name": "typeless", "endpoints": [endpoint("public", "One", "http://x")]},
            {"type": "broken"},
            7,
        ]))
    }

    fn find(service: Service, interfaces: &[&str], region: Option<&str>) -> Option<String> {
        let interfaces: Vec<String> = interfaces.iter().map(|i| (*i).to_owned()).collect();
        catalog()
            .find(service, &interfaces, region)
            .map(|endpoint| endpoint.url.clone())
    }

    #[test]
    fn first_match_by_interface_and_region() {
        let first = Some("http://first".to_owned());
        assert_eq!(find(Service::Compute, &["public"], None), first);
        assert_eq!(find(Service::Compute, &["publicURL"], Some("One")), first);
        assert_eq!(find(Service::Compute, &["admin", "public"], None), first);
        assert_eq!(
            find(Service::Compute, &["public"], Some("Two")),
            Some("http://two".into())
        );
        assert_eq!(
            find(Service::Compute, &["internal", "public"], Some("One")),
            Some("http://internal".into())
        );
        assert_eq!(find(Service::Compute, &["public"], Some("one")), None);
        assert_eq!(find(Service::Compute, &["admin"], None), None);
    }

    #[test]
    fn empty_type_gives_way_to_its_alias() {
        assert_eq!(
            find(Service::BlockStorage, &["public"], None),
            Some("http://v2".into())
        );
        assert_eq!(find(Service::Image, &["public"], None), None);
    }

    #[test]
    fn a_service_is_lacking_only_where_others_are_listed() {
        let catalog = catalog();
        assert!(catalog.lacks(Service::Image, None));
        assert!(catalog.lacks(Service::Image, Some("One")));
        // There, but not for us: under other interfaces, or in another region.
        assert!(!catalog.lacks(Service::Compute, Some("One")));
        assert!(!catalog.lacks(Service::BlockStorage, None));
        assert!(catalog.lacks(Service::BlockStorage, Some("Two")));
        // A region that is misspelled lists nothing.
        assert!(!catalog.lacks(Service::Image, Some("one")));
        assert!(!Catalog::default().lacks(Service::Image, None));
    }

    #[test]
    fn the_regions_of_a_service_begin_with_the_one_that_is_taken() {
        let catalog = catalog();
        let public = ["public".to_owned()];
        assert_eq!(
            catalog.regions_of(Service::Compute, &public),
            ["One", "Two"]
        );
        let internal = ["internal".to_owned(), "public".to_owned()];
        assert_eq!(catalog.regions_of(Service::Compute, &internal), ["One"]);
        assert!(catalog.regions_of(Service::Image, &public).is_empty());
    }

    #[test]
    fn says_what_there_is() {
        let catalog = catalog();
        let compute = catalog.available(Service::Compute);
        assert_eq!(compute.len(), 4);
        assert_eq!(compute[0].to_string(), "internal compute in One");
        assert_eq!(catalog.available(Service::Image).len(), 5);
        assert!(Catalog::from_json(&json!(null)).endpoints.is_empty());
    }
}
