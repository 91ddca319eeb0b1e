//! The public IP records of a project (APEL public IP record 0.2): one for each IP version
//! of which it holds floating addresses. They are of the moment of the measurement, and of
//! its month: how many a project held at an earlier month's end, Neutron does not state.

use std::net::IpAddr;

use caso_component::records::{AccountingRecord, Head, IpRecord};

use crate::calendar::Month;
use crate::identity;
use crate::page::Page;
use crate::usage::{FloatingIp, FloatingIps};

/// Maps the addresses that a project holds. One that was allocated after the window does
/// not count; one without a time of allocation does, for all that is known is that it is
/// there.
///
/// # Errors
/// When an address cannot be parsed, or the time of measurement is out of range.
pub fn map(page: &Page, held: &FloatingIps) -> Result<Vec<AccountingRecord>, String> {
    let context = page.context;
    let window = context.window;
    let month = Month::of(held.measured_at)?;
    let (mut v4, mut v6) = (0_u32, 0_u32);
    for address in &held.addresses {
        let version = version(address)?;
        if address.created.is_none_or(|created| created <= window.end) {
            let count = if version == 4 { &mut v4 } else { &mut v6 };
            *count = count.saturating_add(1);
        }
    }
    // A project has a count in each region, which must not replace each other.
    let project = match &context.region {
        Some(region) => format!("{}@{region}", held.project_id),
        None => held.project_id.clone(),
    };
    let record = |ip_version: u8, ip_count: u32| {
        let id = format!("ip:{project}:{ip_version}:{}:{}", window.start, window.end);
        AccountingRecord::Ip(IpRecord {
            uuid: identity::derived_uuid(&id),
            head: Head {
                id,
                // APEL's draft has no project in its key, so that the projects of a site
                // would replace each other.
                supersedes: format!(
                    "{}:{}:{project}:{ip_version}:{month}",
                    context.site_name, context.service_name
                ),
                measured_at: held.measured_at,
                attributes: Vec::new(),
            },
            site_name: context.site_name.clone(),
            compute_service: context.service_name.clone(),
            cloud_type: context.cloud_type.clone(),
            local_user: None,
            local_group: held.project_id.clone(),
            global_user_name: None,
            fqan: context.vo.clone(),
            ip_version,
            ip_count,
        })
    };
    Ok([(4, v4), (6, v6)]
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(version, count)| record(version, count))
        .collect())
}

/// 4 or 6, as Neutron states it, or as the address shows.
fn version(address: &FloatingIp) -> Result<u8, String> {
    match (address.version, address.value.parse::<IpAddr>()) {
        (Some(version @ (4 | 6)), _) => Ok(version),
        (_, Ok(IpAddr::V4(_))) => Ok(4),
        (_, Ok(IpAddr::V6(_))) => Ok(6),
        (_, Err(_)) => Err(format!(
            "floating IP `{}` has the address `{}`, which is not an IP address",
            address.id, address.value
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;
    use crate::samples;
    use crate::usage::UsageItem;

    fn counts(addresses: Vec<FloatingIp>) -> Result<Vec<(u8, u32)>, String> {
        let (policy, context, tables) = (Policy::default(), samples::context(), samples::tables());
        let items: [UsageItem; 0] = [];
        let page = Page::new(&policy, &context, &tables, &items);
        let held = FloatingIps {
            project_id: "p".into(),
            measured_at: 2_400,
            addresses,
            attributes: Vec::new(),
        };
        Ok(map(&page, &held)?
            .into_iter()
            .map(|record| match record {
                AccountingRecord::Ip(record) => {
                    assert_eq!(record.head.measured_at, 2_400);
                    (record.ip_version, record.ip_count)
                }
                other => panic!("{other:?}"),
            })
            .collect())
    }

    fn ip(value: &str, created: Option<i64>) -> FloatingIp {
        FloatingIp {
            id: "f".into(),
            value: value.into(),
            version: None,
            status: None,
            created,
            attributes: Vec::new(),
        }
    }

    #[test]
    fn each_version_has_its_record() {
        let addresses = vec![
            ip("2001:db8::1", Some(1)),
            ip("192.0.2.1", Some(1)),
            ip("192.0.2.2", None),
            ip("192.0.2.3", Some(2_000)),
            ip("192.0.2.4", Some(2_001)),
        ];
        assert_eq!(counts(addresses), Ok(vec![(4, 3), (6, 1)]));
        assert_eq!(counts(vec![]), Ok(vec![]));
    }

    #[test]
    fn the_counts_of_two_regions_are_two_records() {
        let heads = |region: Option<&str>| {
            let mut context = samples::context();
            context.region = region.map(str::to_owned);
            let (policy, tables) = (Policy::default(), samples::tables());
            let items: [UsageItem; 0] = [];
            let page = Page::new(&policy, &context, &tables, &items);
            let held = FloatingIps {
                project_id: "p".into(),
                measured_at: 2_400,
                addresses: vec![ip("192.0.2.1", None)],
                attributes: Vec::new(),
            };
            match map(&page, &held).unwrap().remove(0) {
                AccountingRecord::Ip(record) => {
                    (record.head.id, record.head.supersedes, record.uuid)
                }
                other => panic!("{other:?}"),
            }
        };
        let (one, other) = (heads(Some("A")), heads(Some("B")));
        assert!(one.0 != other.0 && one.1 != other.1 && one.2 != other.2);
        assert_eq!(heads(None).0, "ip:p:4:1000:2000");
    }

    #[test]
    fn an_address_that_is_not_one_is_refused() {
        let reason = counts(vec![ip("none", None)]).unwrap_err();
        assert!(
            reason.contains("`none`, which is not an IP address"),
            "{reason}"
        );
    }
}
