//! Neutron v2.0: the list of floating IPs.
//! <https://docs.openstack.org/api-ref/network/v2/#list-floating-ips>
//!
//! Where the reference is silent, as Neutron 29 answers: an administrator is
//! shown the addresses of all projects unless `project_id` says which; a role
//! that may not read gets 200 and an empty list; a full page has a link to the
//! next one and one back; and a marker that is gone counts as none, so that the
//! list begins anew without a word.

use serde_json::{Value, json};

use crate::answer::{Answer, identity, put, unauthorized};
use crate::cinder::next_query;
use crate::plan::FloatingIp;
use crate::request::Seen;
use crate::state::State;
use crate::time::instant;

pub fn answer(state: &State, seen: &Seen, path: &str) -> Answer {
    let world = state.world();
    let Some(token) = state.token(seen) else {
        return unauthorized(&format!("{}/identity", state.base));
    };
    if path.trim_matches('/') != "v2.0/floatingips" {
        return identity(404, "The resource could not be found.");
    }
    let mut held: Vec<(&str, &FloatingIp)> = world
        .projects()
        .flat_map(|project| {
            let addresses = project.floating_ips.iter();
            addresses.map(|address| (project.id.as_str(), address))
        })
        .filter(|(_, address)| !world.is_gone(&address.id))
        .filter(|(owner, _)| token.role == "admin" || token.project() == Some(owner))
        .filter(|(owner, _)| seen.param("project_id").is_none_or(|id| id == *owner))
        .filter(|_| token.reads())
        .collect();
    held.sort_by(|one, other| one.1.id.cmp(&other.1.id));
    let from = seen.param("marker").map_or(0, |marker| {
        let at = held.iter().position(|(_, address)| address.id == marker);
        at.map_or(0, |at| at + 1)
    });
    let max = world.plan.max_limit;
    let limit = seen.param("limit").and_then(|limit| limit.parse().ok());
    let limit: usize = limit.map_or(max, |limit: usize| limit.min(max));
    let page: Vec<&(&str, &FloatingIp)> = held.iter().skip(from).take(limit).collect();
    let rows: Vec<Value> = page
        .iter()
        .map(|(owner, address)| body(owner, address))
        .collect();
    let mut answer = json!({"floatingips": rows});
    if let (Some((_, first)), Some((_, last))) = (page.first(), page.last())
        && page.len() == limit
    {
        let base = format!("{}/network/v2.0/floatingips", state.link_base(&world));
        answer["floatingips_links"] = json!([
            {"rel": "next", "href": format!("{base}?{}", next_query(seen, &last.id))},
            {"rel": "previous",
             "href": format!("{base}?{}&page_reverse=True", next_query(seen, &first.id))},
        ]);
    }
    Answer::json(200, &answer)
}

fn body(owner: &str, address: &FloatingIp) -> Value {
    let mut row = json!({
        "id": address.id, "tenant_id": owner, "project_id": owner,
        "floating_ip_address": address.address, "floating_network_id": "96b28b1e-5b1c-4535-9669-e5d1193af6bc",
        "router_id": null, "port_id": null, "fixed_ip_address": null, "status": "DOWN",
        "description": "", "port_details": null, "tags": [], "created_at": instant(address.created),
        "updated_at": instant(address.created), "revision_number": 0,
    });
    put(&mut row, &address.odd);
    row
}
