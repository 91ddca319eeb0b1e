//! Flavors, as far as the project of the token is shown them.

use serde_json::{Value, json};

use super::{Call, unknown_marker};
use crate::answer::{Answer, compute};
use crate::plan::Flavor;

impl Call<'_> {
    pub(super) fn flavors(&self) -> Result<Value, Answer> {
        let limit = self.limit()?;
        let marker = self.seen.param("marker");
        if marker.is_some_and(|id| self.visible_flavors().all(|flavor| flavor.id != id)) {
            return Err(unknown_marker(marker));
        }
        let mut visible: Vec<&Flavor> = self.visible_flavors().collect();
        visible.sort_by(|a, b| a.id.cmp(&b.id));
        let found: Vec<&Flavor> = visible
            .into_iter()
            .filter(|flavor| marker.is_none_or(|marker| flavor.id.as_str() > marker))
            .take(limit)
            .collect();
        let bodies: Vec<Value> = found
            .iter()
            .map(|flavor| self.flavor_body(flavor))
            .collect();
        let mut body = json!({"flavors": bodies});
        if let Some(last) = found.last().filter(|_| found.len() == limit) {
            body["flavors_links"] = self.next("flavors/detail", &last.id);
        }
        Ok(body)
    }

    pub(super) fn flavor(&self, id: &str) -> Result<&Flavor, Answer> {
        self.visible_flavors()
            .find(|flavor| flavor.id == id)
            .ok_or_else(|| compute(404, &format!("Flavor {id} could not be found.")))
    }

    fn visible_flavors(&self) -> impl Iterator<Item = &Flavor> {
        self.world.plan.flavors.iter().filter(|flavor| {
            let open = flavor
                .only_for
                .as_ref()
                .is_none_or(|only| only.iter().any(|id| self.token.project() == Some(id)));
            open && !self.world.is_gone(&flavor.id)
        })
    }

    pub(super) fn flavor_body(&self, flavor: &Flavor) -> Value {
        let base = format!("{}/compute", self.state.base);
        let mut body = json!({
            "id": flavor.id, "name": flavor.name, "ram": flavor.ram_mib, "disk": flavor.disk_gib,
            "swap": if self.minor >= 75 { json!(0) } else { json!("") },
            "OS-FLV-EXT-DATA:ephemeral": flavor.ephemeral_gib, "OS-FLV-DISABLED:disabled": false,
            "vcpus": flavor.vcpus, "os-flavor-access:is_public": flavor.only_for.is_none(), "rxtx_factor": 1.0,
            "links": [
                {"rel": "self", "href": format!("{base}/v2.1/flavors/{}", flavor.id)},
                {"rel": "bookmark", "href": format!("{base}/flavors/{}", flavor.id)}],
        });
        if self.minor >= 55 {
            body["description"] = json!(null);
        }
        if self.minor >= 61 && self.token.reads() {
            body["extra_specs"] = json!(flavor.extra_specs);
        }
        body
    }
}
