//! Neutron, as far as accounting needs it: the floating IPs of one project.
//! <https://docs.openstack.org/api-ref/network/v2/#list-floating-ips>

use serde::Deserialize;
use serde_json::value::RawValue;

use super::pages::{Link, ListCall, Listing, Pager, next_link};
use super::{Scope, Service};

/// Floating IPs of the project. Without `project_id` an administrator gets
/// those of all projects, whatever the token is for. A Neutron that does not
/// page (`allow_pagination`) gives all at once, without a link.
pub fn floating_ips(project: &str, limit: u32) -> Pager<FloatingIpsPage> {
    let call = ListCall {
        scope: Scope::Project(project.to_owned()),
        service: Service::Network,
        path: "/v2.0/floatingips".into(),
        query: vec![("project_id".into(), project.to_owned())],
        microversion: None,
    };
    Pager::new(call, limit)
}

/// A page of floating IPs.
#[derive(Debug, Deserialize)]
pub struct FloatingIpsPage {
    floatingips: Vec<Box<RawValue>>,
    #[serde(default)]
    floatingips_links: Vec<Link>,
}

impl Listing for FloatingIpsPage {
    fn next(&self) -> Option<&str> {
        next_link(&self.floatingips_links)
    }

    fn into_rows(self) -> Vec<Box<RawValue>> {
        self.floatingips
    }
}
