//! What is made of usage: the part that can be tested without a sandbox.
//!
//! A VM's record is cumulative since the VM began, and one for each VM and month is kept by
//! whoever gets it: the last. Its key, `supersedes`, says which those are.

use crate::caso::accounting::records::{AccountingRecord, CloudRecord, Head};
use crate::caso::accounting::usage::{Context, Server, Tables, UsageItem};

/// The kinds of records that are made.
pub const KINDS: &[&str] = &["cloud"];

/// The records of one item.
///
/// # Errors
/// Why it cannot be accounted.
pub fn records(
    context: &Context,
    tables: &Tables,
    item: &UsageItem,
    unknown: &str,
) -> Result<Vec<AccountingRecord>, String> {
    match item {
        UsageItem::Server(server) => {
            let record = vm(context, tables, server, unknown)?;
            Ok(record.map(AccountingRecord::Cloud).into_iter().collect())
        }
        // Whatever else is extracted is not accounted here.
        _ => Ok(Vec::new()),
    }
}

/// The word for a state of Nova's.
fn status(state: &str) -> Option<&'static str> {
    Some(match state.to_ascii_lowercase().as_str() {
        "active" | "shutoff" | "build" | "resize" | "verify_resize" => "started",
        "paused" => "paused",
        "suspended" => "suspended",
        "error" => "error",
        _ => return None,
    })
}

/// The record of a VM; none where it did not run in the window.
fn vm(
    context: &Context,
    tables: &Tables,
    server: &Server,
    unknown: &str,
) -> Result<Option<CloudRecord>, String> {
    let usage = server.compute_usage.as_ref();
    let start = server
        .launched
        .or(server.created)
        .or(usage.and_then(|usage| usage.started))
        .ok_or_else(|| format!("server `{}` has no start", server.id))?;
    let end = server.terminated.or(usage.and_then(|usage| usage.ended));
    let until = end.unwrap_or(i64::MAX).min(context.window.end);
    if until <= context.window.start || start >= until {
        return Ok(None);
    }
    let wall = u64::try_from(until - start).map_err(|_| "it ends before it begins".to_owned())?;
    let ended = end.is_some_and(|end| end <= context.window.end);
    let status = match (ended, server.status.as_deref()) {
        (true, _) => "completed",
        (false, Some(state)) => status(state).unwrap_or(unknown),
        (false, None) => unknown,
    };
    let flavor = tables
        .flavors
        .iter()
        .find(|flavor| Some(&flavor.id) == server.flavor_id.as_ref())
        .or(server.embedded_flavor.as_ref());
    let user = tables
        .users
        .iter()
        .find(|user| Some(&user.id) == server.user_id.as_ref());
    // What is not known stays absent: absent is not zero.
    let vcpus = usage
        .and_then(|usage| usage.vcpus)
        .or(flavor.and_then(|flavor| flavor.vcpus));
    let window = context.window;
    Ok(Some(CloudRecord {
        head: Head {
            id: format!("cloud:{}:{}:{}", server.id, window.start, window.end),
            supersedes: format!("{}:{}", server.id, month(until - 1)),
            measured_at: until,
            attributes: Vec::new(),
        },
        vm_uuid: server.id.clone(),
        site_name: context.site_name.clone(),
        compute_service: context.service_name.clone(),
        cloud_type: context.cloud_type.clone(),
        machine_name: server.name.clone().unwrap_or_else(|| server.id.clone()),
        local_user_id: server.user_id.clone(),
        local_group_id: server.project_id.clone(),
        global_user_name: user.and_then(|user| user.name.clone()),
        fqan: context.vo.clone(),
        status: status.into(),
        start,
        end: end.filter(|_| ended),
        suspend_seconds: None,
        wall_seconds: Some(wall),
        cpu_seconds: vcpus.map(|vcpus| wall.saturating_mul(u64::from(vcpus))),
        cpu_count: vcpus.map(f64::from),
        network_type: None,
        network_inbound_bytes: None,
        network_outbound_bytes: None,
        public_ip_count: None,
        memory_mib: usage
            .and_then(|usage| usage.memory_mib)
            .or(flavor.and_then(|flavor| flavor.memory_mib)),
        disk_gib: usage
            .and_then(|usage| usage.disk_gib)
            .or(flavor.and_then(|flavor| flavor.root_gib)),
        benchmarks: Vec::new(),
        storage_record_id: None,
        image_id: server.image_id.clone(),
    }))
}

/// Year and month, in UTC, of a moment in seconds since 1970. (After Howard Hinnant's
/// `civil_from_days`.)
pub fn month(moment: i64) -> String {
    let days = moment.div_euclid(86_400) + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let in_year = day - (365 * year + year / 4 - year / 100);
    // From March on.
    let from_march = (5 * in_year + 2) / 153;
    let (month, year) = match from_march < 10 {
        true => (from_march + 3, year + era * 400),
        false => (from_march - 9, year + era * 400 + 1),
    };
    format!("{year:04}-{month:02}")
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::caso::accounting::types::Window;

    pub const OCTOBER: i64 = 1_790_812_800;

    pub fn context() -> Context {
        Context {
            site_name: "SITE".into(),
            service_name: "CLOUD".into(),
            cloud_type: "OpenStack".into(),
            cloud: "default".into(),
            region: None,
            project_id: "p".into(),
            project_name: None,
            vo: "vo.example.org".into(),
            window: Window {
                start: OCTOBER,
                end: OCTOBER + 3_600,
            },
            now: OCTOBER + 3_600,
            attributes: Vec::new(),
        }
    }

    pub fn tables() -> Tables {
        Tables {
            flavors: Vec::new(),
            images: Vec::new(),
            users: Vec::new(),
            other: Vec::new(),
        }
    }

    pub fn server(status: &str, terminated: Option<i64>) -> Server {
        Server {
            id: "vm".into(),
            name: None,
            project_id: "p".into(),
            user_id: None,
            status: Some(status.into()),
            vm_state: None,
            task_state: None,
            created: Some(OCTOBER - 60),
            launched: None,
            terminated,
            updated: None,
            image_id: None,
            flavor_id: None,
            embedded_flavor: None,
            addresses: None,
            compute_usage: None,
            counters: None,
            earlier_counters: None,
            sizes: Vec::new(),
            metadata: None,
            tags: None,
            attributes: Vec::new(),
        }
    }

    fn only(server: Server) -> Option<CloudRecord> {
        let item = UsageItem::Server(server);
        match records(&context(), &tables(), &item, "unknown")
            .unwrap()
            .pop()
        {
            Some(AccountingRecord::Cloud(record)) => Some(record),
            Some(_) => panic!("another record"),
            None => None,
        }
    }

    #[test]
    fn what_runs_is_measured_at_the_windows_end() {
        let record = only(server("ACTIVE", None)).unwrap();
        assert_eq!(record.wall_seconds, Some(3_660));
        assert_eq!((record.status.as_str(), record.end), ("started", None));
        assert_eq!(record.head.supersedes, "vm:2026-10");
        assert_eq!(record.cpu_count, None);
        assert_eq!(only(server("SHELVED", None)).unwrap().status, "unknown");
    }

    #[test]
    fn what_ended_is_completed_and_later_not_there() {
        let record = only(server("DELETED", Some(OCTOBER + 30))).unwrap();
        assert_eq!(
            (record.wall_seconds, record.end),
            (Some(90), Some(OCTOBER + 30))
        );
        assert_eq!(record.status, "completed");
        assert!(only(server("DELETED", Some(OCTOBER))).is_none());
    }

    #[test]
    fn months_are_those_of_the_calendar() {
        for (moment, found) in [
            (0, "1970-01"),
            (951_782_399, "2000-02"),
            (OCTOBER - 1, "2026-09"),
            (OCTOBER, "2026-10"),
        ] {
            assert_eq!(month(moment), found);
        }
    }
}
