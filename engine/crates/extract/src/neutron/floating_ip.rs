//! A row of `floatingips` as the facts of one floating IP.

use std::net::IpAddr;

use crate::ItemError;
use crate::fields::Row;
use caso_model::usage::FloatingIp;

/// Reads a floating IP; none where it belongs to another project. `tenant_id`
/// is the owner's older name, and the only one before Newton.
pub fn read(row: &Row<'_>, project_id: &str) -> Result<Option<FloatingIp>, ItemError> {
    let owner = match row.text("project_id")? {
        Some(owner) => Some(owner),
        None => row.text("tenant_id")?,
    };
    match owner {
        None => return Err(row.error("names no owner (`project_id`, `tenant_id`)".into())),
        Some(owner) if owner != project_id => return Ok(None),
        Some(_) => {}
    }
    let value = row
        .text("floating_ip_address")?
        .ok_or_else(|| row.error("`floating_ip_address` is missing".into()))?;
    // Checked here, where it costs this address: the mapper gets a project's
    // addresses as one item, and could only refuse them all.
    let version = match value.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => 4,
        Ok(IpAddr::V6(_)) => 6,
        Err(_) => {
            return Err(row.error(format!("`floating_ip_address` is no address: `{value}`")));
        }
    };
    Ok(Some(FloatingIp {
        id: row.id().to_owned(),
        value,
        version: Some(version),
        status: row.text("status")?,
        created: row.time("created_at")?,
        attributes: Vec::new(),
    }))
}
