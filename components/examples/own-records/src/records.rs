//! A site's own records: status words of its own, the cost centre of each VM as an attribute,
//! and what a VM held in hours of CPUs and memory, as a record of a kind of its own.
//!
//! A VM's record is cumulative since the VM began, and one for each VM and month is kept by
//! whoever gets it: the last. Its key, `supersedes`, says which those are. The hours are those
//! of a month, and are replaced in the same way: windows overlap, and nothing is added twice.

use crate::caso::accounting::records::{AccountingRecord, CloudRecord, Head, OtherRecord};
use crate::caso::accounting::types::{Attribute, Quantity};
use crate::caso::accounting::usage::{Context, Server, Tables, UsageItem};

/// The kinds of records that are made.
pub const KINDS: &[&str] = &["cloud", "vm-hours"];

/// Where users write who pays. They may write anything there.
const COST_CENTRE: &str = "cost_centre";

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
            let Some(vm) = vm(context, tables, server, unknown)? else {
                return Ok(Vec::new());
            };
            let hours = hours(context, &vm).into_iter().map(AccountingRecord::Other);
            Ok(hours.chain([AccountingRecord::Cloud(vm.clone())]).collect())
        }
        // Whatever else is extracted is not accounted here.
        _ => Ok(Vec::new()),
    }
}

/// The word for a state of Nova's.
fn status(state: &str) -> Option<&'static str> {
    Some(match state.to_ascii_lowercase().as_str() {
        "active" | "build" | "resize" | "verify_resize" => "running",
        "shutoff" | "stopped" => "stopped",
        "shelved" | "shelved_offloaded" => "shelved",
        "paused" | "suspended" => "asleep",
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
            attributes: cost_centre(server).into_iter().collect(),
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

/// Who pays. A name that is not of the contract's begins with `x-`.
fn cost_centre(server: &Server) -> Option<Attribute> {
    let written = server.metadata.as_ref()?;
    let written = written.iter().find(|fact| fact.name == COST_CENTRE)?;
    Some(Attribute {
        name: "x-cost-centre".into(),
        value: written.value.clone(),
    })
}

/// What the VM held in each month that the window touches, from the month's beginning on.
fn hours(context: &Context, vm: &CloudRecord) -> Vec<OtherRecord> {
    let window = context.window;
    let mut records = Vec::new();
    let mut until = vm.head.measured_at;
    while until > window.start.max(vm.start) {
        let begin = month_begin(until - 1);
        records.push(hours_of(context, vm, begin.max(vm.start), until));
        until = begin;
    }
    records
}

fn hours_of(context: &Context, vm: &CloudRecord, start: i64, end: i64) -> OtherRecord {
    let hours = (end - start) as f64 / 3_600.0;
    let quantity = |name: &str, held: Option<f64>| {
        held.map(|held| Quantity {
            name: name.into(),
            value: held * hours,
        })
    };
    let gib = vm.memory_mib.map(|mib| mib as f64 / 1_024.0);
    let month = month(end - 1);
    let facts = [
        ("site-name", &context.site_name),
        ("vo", &context.vo),
        ("project-id", &context.project_id),
    ];
    let facts = facts.map(|(name, value)| Attribute {
        name: name.into(),
        value: value.clone(),
    });
    OtherRecord {
        head: Head {
            id: format!("{}:{month}:hours", vm.head.id),
            supersedes: format!("{}:{month}:hours", vm.vm_uuid),
            measured_at: end,
            attributes: facts.into_iter().chain(vm.head.attributes.clone()).collect(),
        },
        kind: "vm-hours".into(),
        resource_id: vm.vm_uuid.clone(),
        start,
        end,
        quantities: [
            quantity("wall-hours", Some(1.0)),
            quantity("vcpu-hours", vm.cpu_count),
            quantity("memory-gib-hours", gib),
        ]
        .into_iter()
        .flatten()
        .collect(),
        payload: None,
    }
}

/// Year, month and day, in UTC, of a moment in seconds since 1970. (After Howard Hinnant's
/// `civil_from_days`.)
fn date(moment: i64) -> (i64, i64, i64) {
    let days = moment.div_euclid(86_400) + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let in_year = day - (365 * year + year / 4 - year / 100);
    // From March on.
    let from_march = (5 * in_year + 2) / 153;
    let day = in_year - (153 * from_march + 2) / 5 + 1;
    match from_march < 10 {
        true => (year + era * 400, from_march + 3, day),
        false => (year + era * 400 + 1, from_march - 9, day),
    }
}

/// Year and month of a moment.
pub fn month(moment: i64) -> String {
    let (year, month, _) = date(moment);
    format!("{year:04}-{month:02}")
}

/// When the month of a moment began.
fn month_begin(moment: i64) -> i64 {
    let (_, _, day) = date(moment);
    (moment.div_euclid(86_400) - (day - 1)) * 86_400
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

    fn all(context: &Context, server: Server) -> Vec<AccountingRecord> {
        let item = UsageItem::Server(server);
        records(context, &tables(), &item, "unknown").unwrap()
    }

    fn only(server: Server) -> Option<CloudRecord> {
        match all(&context(), server).pop() {
            Some(AccountingRecord::Cloud(record)) => Some(record),
            Some(_) => panic!("another record"),
            None => None,
        }
    }

    #[test]
    fn what_runs_is_measured_at_the_windows_end() {
        let record = only(server("ACTIVE", None)).unwrap();
        assert_eq!(record.wall_seconds, Some(3_660));
        assert_eq!((record.status.as_str(), record.end), ("running", None));
        assert_eq!(record.head.supersedes, "vm:2026-10");
        assert_eq!(record.cpu_count, None);
        assert_eq!(only(server("SHELVED", None)).unwrap().status, "shelved");
        assert_eq!(only(server("SOMETHING", None)).unwrap().status, "unknown");
    }

    #[test]
    fn what_ended_is_completed_and_later_not_there() {
        let record = only(server("DELETED", Some(OCTOBER + 30))).unwrap();
        assert_eq!((record.wall_seconds, record.end), (Some(90), Some(OCTOBER + 30)));
        assert_eq!(record.status, "completed");
        assert!(only(server("DELETED", Some(OCTOBER))).is_none());
    }

    #[test]
    fn who_pays_is_what_users_wrote() {
        let mut paid = server("ACTIVE", None);
        paid.metadata = Some(vec![Attribute {
            name: "cost_centre".into(),
            value: "4711".into(),
        }]);
        let facts = only(paid).unwrap().head.attributes;
        assert_eq!(facts.len(), 1);
        assert_eq!((facts[0].name.as_str(), facts[0].value.as_str()), ("x-cost-centre", "4711"));
    }

    /// It began a minute before October, and the window goes from an hour before.
    #[test]
    fn hours_are_those_of_each_month_and_replace_each_other() {
        let mut context = context();
        context.window.start -= 3_600;
        let records = all(&context, server("ACTIVE", None));
        let hours: Vec<_> = records
            .iter()
            .filter_map(|record| match record {
                AccountingRecord::Other(record) => Some((
                    record.head.supersedes.as_str(),
                    record.start - OCTOBER,
                    record.end - OCTOBER,
                    record.quantities[0].value,
                )),
                _ => None,
            })
            .collect();
        assert_eq!(
            hours,
            [
                ("vm:2026-10:hours", 0, 3_600, 1.0),
                ("vm:2026-09:hours", -60, 0, 60.0 / 3_600.0)
            ]
        );
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
        assert_eq!(month_begin(OCTOBER + 86_400 * 30), OCTOBER);
        assert_eq!(month_begin(OCTOBER), OCTOBER);
    }
}
