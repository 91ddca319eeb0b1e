//! The usage call: what each server of a project had, and for how long.

use serde_json::{Value, json};

use super::{Call, unknown_marker};
use crate::answer::{Answer, compute};
use crate::server::Server;
use crate::time::{micros, usage_bound};

impl Call<'_> {
    pub(super) fn usage(&self, project: &str) -> Result<Value, Answer> {
        let bound = |name: &str, default: i64| match self.seen.param(name) {
            None => Ok(default),
            Some(text) => usage_bound(text).ok_or_else(|| {
                compute(
                    400,
                    "Invalid datetime string: Datetime is in invalid format",
                )
            }),
        };
        let now = self.state.now(self.world);
        let (start, stop) = (bound("start", now)?, bound("end", now)?);
        if start >= stop {
            return Err(compute(
                400,
                "Invalid start time. The start time cannot occur after the end time.",
            ));
        }
        let paged = self.minor >= 40;
        let limit = if paged {
            self.limit()?
        } else {
            self.world.plan.max_limit
        };
        let marker = self.seen.param("marker").filter(|_| paged);
        let Some(page) = self
            .project()
            .and_then(|servers| servers.by_id(marker))
            .filter(|_| self.marker_known(marker))
        else {
            return Err(unknown_marker(marker));
        };
        let found: Vec<(Server, Value)> = page
            .filter(|server| !self.world.is_gone(&server.id))
            .map(|server| self.world.as_it_is(server))
            .filter_map(|server| {
                let entry = self.usage_body(&server, start, stop, now)?;
                Some((server, entry))
            })
            .take(limit)
            .collect();
        let Some((last, _)) = found.last() else {
            return Ok(json!({"tenant_usage": {}}));
        };
        let last = last.id.clone();
        let full = found.len() == limit;
        // Hours, and hours times what the flavor has of that.
        let total = |times: Option<&str>| -> f64 {
            let number = |entry: &Value, name: &str| entry[name].as_f64().unwrap_or_default();
            let one = |entry: &Value| {
                number(entry, "hours") * times.map_or(1.0, |name| number(entry, name))
            };
            found.iter().map(|(_, entry)| one(entry)).sum()
        };
        let totals = [
            total(Some("vcpus")),
            total(Some("memory_mb")),
            total(Some("local_gb")),
            total(None),
        ];
        let entries: Vec<Value> = found.into_iter().map(|(_, entry)| entry).collect();
        let mut body = json!({"tenant_usage": {
            "tenant_id": project, "server_usages": entries,
            "total_vcpus_usage": totals[0], "total_memory_mb_usage": totals[1],
            "total_local_gb_usage": totals[2], "total_hours": totals[3],
            "start": micros(start), "stop": micros(stop),
        }});
        if full && paged {
            let path = format!("{project}/os-simple-tenant-usage/{project}");
            body["tenant_usage_links"] = self.next(&path, &last);
        }
        Ok(body)
    }

    fn usage_body(&self, server: &Server, start: i64, stop: i64, now: i64) -> Option<Value> {
        let launched = server.launched.filter(|launched| *launched <= stop)?;
        if server.in_down_cell {
            return None;
        }
        if server
            .terminated
            .is_some_and(|terminated| terminated < start)
        {
            return None;
        }
        let flavor = self.booted_from(server)?;
        let until = server.terminated.unwrap_or(stop).min(stop);
        let seconds = (until - launched.max(start)).max(0);
        let state = match server.terminated {
            Some(_) => "terminated",
            None => server.vm_state.as_str(),
        };
        Some(json!({
            "hours": seconds as f64 / 3600.0, "flavor": flavor.name, "instance_id": server.id,
            "name": server.name, "tenant_id": self.token.project(),
            "memory_mb": flavor.ram_mib, "local_gb": flavor.disk_gib + flavor.ephemeral_gib, "vcpus": flavor.vcpus,
            "started_at": micros(launched), "ended_at": server.terminated.map(micros),
            "state": state, "uptime": server.terminated.unwrap_or(now) - launched,
        }))
    }
}
