//! Floating IPs: how many the project holds at this moment.
//!
//! Neutron keeps no history, so the record is a snapshot, taken when the run
//! began, whatever the window. It belongs to a window that reaches up to now.
//! For one that lies in the past it would be wrong: the consumer files it
//! under the month in which it was taken, where it would replace that month's
//! own by the few of these addresses that were there in the old window. Then
//! Neutron is not asked at all, unless the site wants what cASO did.
//!
//! A project's addresses are one item, since a count is all that becomes of
//! them; so they are the one list that is kept until its end.

mod floating_ip;

#[cfg(test)]
mod tests;

use super::fields::Row;
use super::{ExtractContext, ExtractError, Page, PageSink, ProjectRef, Task};
use caso_model::Window;
use caso_model::usage::{FloatingIps, Tables, UsageItem};
use caso_openstack::neutron;

/// A window that ended so long ago still counts as reaching up to now: cron
/// jobs that round their `extract_to` to the hour mean the present, and a run
/// may have waited for the lock.
const PRESENT: i64 = 3600;

/// Reads a project's floating IPs.
pub async fn extract(
    Task {
        context,
        project,
        window,
        ..
    }: Task<'_>,
    sink: &mut dyn PageSink,
) -> Result<(), ExtractError> {
    if !context.ip_records_for_past_windows && lies_in_the_past(window, context.now) {
        context.caches.warnings.warn_once("ip-past-window", || {
            (
                "floating IPs are counted as they are now, and the window lies in the past: no \
                 public IP records are made for it",
                "`ip_records_for_past_windows = true` makes them anyway, as cASO did",
            )
        });
        return Ok(());
    }
    let mut addresses = Vec::new();
    let mut errors = Vec::new();
    let mut foreign = 0_usize;
    let mut pager = neutron::floating_ips(&project.id, context.page_size);
    while let Some(page) = pager.next(&context.session).await? {
        for raw in page.rows {
            let row = Row::parse("floating IP", "id", &raw);
            match row.and_then(|row| floating_ip::read(&row, &project.id)) {
                Ok(Some(address)) => addresses.push(address),
                Ok(None) => foreign += 1,
                Err(error) => errors.push(error),
            }
        }
    }
    if foreign > 0 {
        warn_of_foreign(context, project, foreign);
    }
    // A list that began anew shows addresses twice. One that was given back
    // meanwhile stays: it was held when the run began.
    addresses.sort_unstable_by(|one, other| one.id.cmp(&other.id));
    addresses.dedup_by(|one, other| one.id == other.id);
    errors.sort_unstable_by(|one, other| one.id.cmp(&other.id));
    errors.dedup();
    if addresses.is_empty() && errors.is_empty() {
        return Ok(());
    }
    let held = FloatingIps {
        project_id: project.id.clone(),
        measured_at: context.now,
        addresses,
        attributes: Vec::new(),
    };
    let page = Page {
        tables: Tables::default(),
        items: vec![UsageItem::FloatingIps(held)],
        errors,
        from: None,
    };
    sink.page(page).await
}

fn lies_in_the_past(window: Window, now: i64) -> bool {
    window.end < now.saturating_sub(PRESENT)
}

fn warn_of_foreign(context: &ExtractContext, project: &ProjectRef, foreign: usize) {
    let id = &project.id;
    context.caches.warnings.warn_once("foreign-floating-ips", || {
        format!(
            "Neutron was asked for the floating IPs of project `{id}` and gave {foreign} of other projects, which are not counted: it ignores `project_id`"
        )
    });
}
