//! Nova v2.1: version documents, servers, flavors, usage, each in the shape
//! that its microversion gives it.
//! <https://docs.openstack.org/api-ref/compute/#list-servers-detailed>,
//! <https://docs.openstack.org/api-ref/compute/#show-server-details>,
//! <https://docs.openstack.org/api-ref/compute/#show-usage-statistics-for-tenant>,
//! <https://docs.openstack.org/api-ref/compute/#list-flavors-with-details>,
//! <https://docs.openstack.org/api-ref/compute/#list-extra-specs-for-a-flavor>
//!
//! Three habits of Nova's matter to whoever pages through it. A page is never
//! longer than `[api]max_limit`. A page that is exactly full carries a link to
//! the next one even if nothing follows. And the usage call pages only from
//! 2.40 on: below, it stops at `max_limit` without a word, and its links go
//! through the form of URL that has the project in it twice.

mod flavors;
mod servers;
mod usage;

use serde_json::{Value, json};

use crate::answer::{Answer, compute, unauthorized};
use crate::documents;
use crate::keystone::{Scope, Token};
use crate::plan::Flavor;
use crate::request::Seen;
use crate::server::{Server, Servers};
use crate::state::{State, World};

pub fn answer(state: &State, world: &World, seen: &Seen, path: &str) -> Answer {
    let newest = world.plan.microversion;
    match path {
        "" | "/" => {
            let old = json!({
                "id": "v2.0", "status": "DEPRECATED", "version": "", "min_version": "",
                "updated": "2025-07-04T12:00:00Z",
                "links": [{"rel": "self", "href": format!("{}/compute/v2/", state.base)}],
            });
            return Answer::json(200, &json!({"versions": [old, version(state, newest)]}));
        }
        "/v2.1" | "/v2.1/" => {
            return Answer::json(200, &json!({"version": version(state, newest)}));
        }
        _ => {}
    }
    let Some(token) = state.token(seen) else {
        return unauthorized(&format!("{}/identity", state.base));
    };
    let asked = seen.microversion.as_deref().unwrap_or("2.1");
    let answer = match microversion(asked, newest) {
        Some(minor) => Call {
            state,
            world,
            seen,
            token,
            minor,
        }
        .answer(path)
        .with("openstack-api-version", format!("compute 2.{minor}"))
        .with("x-openstack-nova-api-version", format!("2.{minor}")),
        None => compute(
            406,
            &format!(
                "Version {asked} is not supported by the API. Minimum is 2.1 and maximum is 2.{newest}."
            ),
        ),
    };
    answer.with("vary", "OpenStack-API-Version")
}

fn version(state: &State, newest: u32) -> Value {
    documents::compute_version(newest, &format!("{}/compute/v2.1/", state.base))
}

fn microversion(asked: &str, newest: u32) -> Option<u32> {
    if asked == "latest" {
        return Some(newest);
    }
    let minor: u32 = asked.strip_prefix("2.")?.parse().ok()?;
    (1..=newest).contains(&minor).then_some(minor)
}

/// One authenticated request at one microversion.
struct Call<'a> {
    state: &'a State,
    world: &'a World,
    seen: &'a Seen,
    token: Token,
    minor: u32,
}

impl Call<'_> {
    fn answer(&self, path: &str) -> Answer {
        let mut parts: Vec<&str> = path.trim_matches('/').split('/').skip(1).collect();
        // Nova takes the project's id as the first part and ignores it.
        let project_in_path = parts
            .first()
            .is_some_and(|part| self.token.project() == Some(part));
        if project_in_path {
            parts.remove(0);
        }
        let policy = match parts.as_slice() {
            ["servers", "detail"] => "servers:detail",
            ["servers"] => "servers:index",
            ["servers", _] => "servers:show",
            ["os-simple-tenant-usage", _] => "os-simple-tenant-usage:show",
            ["flavors", _, "os-extra_specs"] => "os-flavor-extra-specs:index",
            ["flavors", _] => "",
            _ => return compute(404, "The resource could not be found."),
        };
        let another = matches!(parts.as_slice(), ["os-simple-tenant-usage", id] if self.token.project() != Some(id));
        let scoped = matches!(self.token.scope, Scope::Project(_));
        if !scoped || another || (!policy.is_empty() && !self.token.reads()) {
            return compute(
                403,
                &format!("Policy doesn't allow os_compute_api:{policy} to be performed."),
            );
        }
        let result = match parts.as_slice() {
            ["servers", "detail"] => self.servers(),
            ["servers"] => self.servers_in_brief(),
            ["servers", id] => self.server(id),
            ["os-simple-tenant-usage", id] => self.usage(id),
            ["flavors", id, "os-extra_specs"] => self
                .flavor(id)
                .map(|flavor| json!({"extra_specs": flavor.extra_specs})),
            ["flavors", "detail"] => self.flavors(),
            ["flavors", id] => self
                .flavor(id)
                .map(|flavor| json!({"flavor": self.flavor_body(flavor)})),
            _ => Err(compute(404, "The resource could not be found.")),
        };
        result.map_or_else(|refusal| refusal, |body| Answer::json(200, &body))
    }

    fn project(&self) -> Option<&Servers> {
        let id = self.token.project()?;
        Some(&self.world.project(id)?.servers)
    }

    /// Nova before 2014.2.3-29 looks for a marker among the living alone.
    fn marker_taken(&self, marker: Option<&str>) -> bool {
        let found = marker.and_then(|id| self.project()?.find(id));
        let deleted = found.is_some_and(|server| self.world.as_it_is(server).is_deleted());
        !(self.world.plan.refuses_deleted_markers && deleted)
    }

    /// A server whose row is gone is no marker any more.
    fn marker_known(&self, marker: Option<&str>) -> bool {
        marker.is_none_or(|id| !self.world.is_gone(id))
    }

    fn limit(&self) -> Result<usize, Answer> {
        let max = self.world.plan.max_limit;
        match self.seen.param("limit") {
            None => Ok(max),
            Some(text) if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) => {
                Ok(text.parse().unwrap_or(max).min(max))
            }
            Some(text) => Err(compute(
                400,
                &format!(
                    "Invalid input for query parameters limit. Value: {text}. '{text}' does not match '^[0-9]*$'"
                ),
            )),
        }
    }

    /// The request's own parameters in order of their names, then the marker.
    fn next(&self, path: &str, marker: &str) -> Value {
        let mut query: Vec<(String, String)> = self
            .seen
            .query
            .iter()
            .filter(|(key, _)| key != "marker")
            .cloned()
            .collect();
        query.sort();
        query.push(("marker".into(), marker.into()));
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(query)
            .finish();
        let base = self.state.link_base(self.world);
        json!([{"rel": "next", "href": format!("{base}/compute/v2.1/{path}?{query}")}])
    }

    /// The flavor as the server has it: its own copy, or the flavor of that
    /// id, listed or not.
    fn booted_from<'s>(&'s self, server: &'s Server) -> Option<&'s Flavor> {
        server.embedded.as_ref().or_else(|| {
            self.world
                .plan
                .flavors
                .iter()
                .find(|flavor| flavor.id == server.flavor_id)
        })
    }
}

fn unknown_marker(marker: Option<&str>) -> Answer {
    compute(
        400,
        &format!("marker [{}] not found", marker.unwrap_or_default()),
    )
}
