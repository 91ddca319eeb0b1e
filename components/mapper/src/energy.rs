//! The energy record of a server, with cASO's arithmetic.

use caso_component::records::{AccountingRecord, EnergyRecord, Head};

use crate::identity;
use crate::page::Page;
use crate::usage::Energy;

/// Maps measured energy. None when there was none, or no time in which it could
/// have been used.
pub fn map(page: &Page, energy: &Energy) -> Result<Vec<AccountingRecord>, String> {
    let context = page.context;
    let server = &energy.server;
    let vm_uuid = identity::uuid(&server.id)?;
    let measured = energy.watt_hours;
    if !measured.is_finite() {
        return Err(format!(
            "server `{vm_uuid}`: energy `{measured}` is no number"
        ));
    }
    let created = server
        .created
        .ok_or_else(|| format!("server `{vm_uuid}` has no `created`"))?;
    let status = server
        .status
        .as_deref()
        .ok_or_else(|| format!("server `{vm_uuid}` has no `status`"))?
        .to_lowercase();
    let start = created.max(energy.measured.start);
    let end = server
        .terminated
        .map_or(energy.measured.end, |end| end.min(energy.measured.end));
    let wall_seconds = match u64::try_from(end.saturating_sub(start)) {
        Ok(seconds) if seconds > 0 && measured > 0.0 => seconds,
        _ => return Ok(Vec::new()),
    };
    let vcpus = page.flavor(server).and_then(|flavor| flavor.vcpus);
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
        // CPU time is taken for wall time on every CPU, and so this is always 1.
        efficiency: cpu_seconds.map(|_| 1.0),
        wall_seconds,
        cpu_seconds,
        suspend_seconds: Some(0),
        cpu_normalization_factor: Some(factor),
        finished: status == "deleted",
        status,
        owner: context.vo.clone(),
    })])
}

/// Seconds as a number; exact for 285 million years.
#[allow(clippy::cast_precision_loss)]
fn exact(seconds: u64) -> f64 {
    seconds as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;
    use crate::samples;
    use crate::usage::UsageItem;
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
    fn no_energy_and_no_time_make_no_record() {
        let mut none = energy();
        none.watt_hours = 0.0;
        assert_eq!(record(none), None);
        let mut later = energy();
        later.server.created = Some(2_000);
        assert_eq!(record(later), None);
    }
}
