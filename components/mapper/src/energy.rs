//! The energy record of a server (GreenDIGIT CIM), computed as cASO 5.2.2 does.
//!
//! Unlike the durations of a cloud record, those of an energy record are of the measured
//! interval alone. It is not divided at a month's end: how much of the energy was used
//! before it was not measured.

use caso_component::records::{AccountingRecord, EnergyRecord, Head};

use crate::identity;
use crate::lifetime::Lifetime;
use crate::page::Page;
use crate::usage::{Energy, Server};

/// Maps measured energy; no records when it is zero, or the server did not exist in the
/// measured interval.
///
/// # Errors
/// Why it cannot be accounted: an id that is not a UUID, no start, no status, an energy that
/// is not finite.
pub fn map(page: &Page, energy: &Energy) -> Result<Vec<AccountingRecord>, String> {
    let context = page.context;
    let server = &energy.server;
    let vm_uuid = identity::canonical_uuid(&server.id)?;
    let measured = energy.watt_hours;
    if !measured.is_finite() {
        return Err(format!(
            "server `{vm_uuid}`: energy `{measured}` is not a finite number"
        ));
    }
    let life = Lifetime::of(server)?;
    let start = life.start.max(energy.measured.start);
    let end = life
        .end
        .map_or(energy.measured.end, |end| end.min(energy.measured.end));
    let finished = life.end.is_some_and(|end| end <= energy.measured.end);
    let wall_seconds = match u64::try_from(end.saturating_sub(start)) {
        Ok(seconds) if seconds > 0 && measured > 0.0 => seconds,
        _ => return Ok(Vec::new()),
    };
    let usage = server.compute_usage.as_ref();
    let vcpus = page
        .flavor(server)
        .and_then(|flavor| flavor.vcpus)
        .or_else(|| usage.and_then(|usage| usage.vcpus));
    let cpu_seconds = vcpus.and_then(|vcpus| wall_seconds.checked_mul(u64::from(vcpus)));
    let factor = page.policy.cpu_normalization_factor;
    let watt_hours = measured * factor;
    Ok(vec![AccountingRecord::Energy(EnergyRecord {
        head: Head {
            id: format!(
                "energy:{vm_uuid}:{}:{}",
                energy.measured.start, energy.measured.end
            ),
            supersedes: format!("{vm_uuid}:{start}:{end}"),
            measured_at: end,
            attributes: Vec::new(),
        },
        exec_unit_id: vm_uuid,
        site_name: context.site_name.clone(),
        compute_service: context.service_name.clone(),
        cloud_type: context.cloud_type.clone(),
        start,
        end,
        watt_hours,
        work: cpu_seconds.map(|seconds| exact(seconds) / watt_hours),
        // CPU time is taken to be the wall time of every CPU, so this is always 1.
        efficiency: cpu_seconds.map(|_| 1.0),
        wall_seconds,
        cpu_seconds,
        suspend_seconds: Some(0),
        cpu_normalization_factor: Some(factor),
        finished,
        status: status(server, finished)?,
        owner: context.vo.clone(),
    })])
}

/// Nova's status in lower case, or the usage API's state for a server that Nova no longer
/// lists. A VM that was deleted after the measured interval was active at its end.
fn status(server: &Server, finished: bool) -> Result<String, String> {
    let usage = server.compute_usage.as_ref();
    let now = server
        .status
        .as_deref()
        .or_else(|| usage.and_then(|usage| usage.state.as_deref()))
        .ok_or_else(|| format!("server `{}` has no `status`", server.id))?
        .to_lowercase();
    // Nova's word for a deleted server, and that of its usage API.
    let gone = ["deleted", "terminated"].contains(&now.as_str());
    Ok(match (gone, finished) {
        (true, true) => "deleted".to_owned(),
        (true, false) => "active".to_owned(),
        (false, _) => now,
    })
}

/// Seconds as a float, exact up to 285 million years.
#[allow(clippy::cast_precision_loss)]
fn exact(seconds: u64) -> f64 {
    seconds as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;
    use crate::samples;
    use crate::usage::{ComputeUsage, UsageItem};
    use caso_component::types::Window;

    fn record(energy: Energy) -> Option<EnergyRecord> {
        let policy = Policy {
            cpu_normalization_factor: 2.0,
            ..Policy::default()
        };
        let (context, tables) = (samples::context(), samples::tables());
        let items: [UsageItem; 0] = [];
        let page = Page::new(&policy, &context, &tables, &items);
        match map(&page, &energy).unwrap().into_iter().next() {
            Some(AccountingRecord::Energy(record)) => Some(record),
            None => None,
            other => panic!("{other:?}"),
        }
    }

    fn energy() -> Energy {
        Energy {
            server: samples::server(),
            measured: Window {
                start: 1_000,
                end: 2_000,
            },
            watt_hours: 0.25,
            attributes: Vec::new(),
        }
    }

    #[test]
    fn numbers_are_casos() {
        let record = record(energy()).unwrap();
        assert_eq!((record.start, record.end), (1_000, 2_000));
        assert_eq!(
            (record.wall_seconds, record.cpu_seconds),
            (1_000, Some(2_000))
        );
        assert_eq!((record.watt_hours, record.work), (0.5, Some(4_000.0)));
        assert_eq!(
            (record.efficiency, record.status.as_str()),
            (Some(1.0), "active")
        );
        assert!(!record.finished);
    }

    #[test]
    fn ends_with_the_server() {
        let mut energy = energy();
        energy.server.terminated = Some(1_100);
        energy.server.status = Some("DELETED".into());
        let record = record(energy).unwrap();
        assert_eq!((record.end, record.wall_seconds), (1_100, 100));
        assert!(record.finished);
    }

    #[test]
    fn a_server_deleted_after_the_window_ran_in_it() {
        let mut energy = energy();
        energy.server.terminated = Some(2_001);
        energy.server.status = Some("DELETED".into());
        let record = record(energy).unwrap();
        assert_eq!((record.end, record.wall_seconds), (2_000, 1_000));
        assert_eq!((record.finished, record.status.as_str()), (false, "active"));
    }

    #[test]
    fn one_that_ended_with_the_window_is_finished() {
        let mut energy = energy();
        energy.server.terminated = Some(2_000);
        let record = record(energy).unwrap();
        assert_eq!((record.end, record.finished), (2_000, true));
    }

    #[test]
    fn known_to_the_usage_api_alone() {
        let mut energy = energy();
        energy.server.created = None;
        energy.server.status = None;
        energy.server.terminated = None;
        energy.server.compute_usage = Some(ComputeUsage {
            started: Some(1_500),
            ended: Some(1_800),
            state: Some("terminated".into()),
            ..samples::usage()
        });
        let record = record(energy).unwrap();
        assert_eq!((record.start, record.end), (1_500, 1_800));
        assert_eq!((record.finished, record.status.as_str()), (true, "deleted"));
    }

    #[test]
    fn without_energy_or_time_there_is_no_record() {
        let mut none = energy();
        none.watt_hours = 0.0;
        assert_eq!(record(none), None);
        let mut later = energy();
        later.server.created = Some(2_000);
        assert_eq!(record(later), None);
    }
}
