//! Usage of a kind that the contract has no case for, passed on as a record of that kind.
//!
//! What was used is in its quantities, which need no policy. Usage without any says in its
//! payload alone what it is, and only who knows the kind can account it.
//!
//! Like a storage record, the record is of its interval alone: consumers add them up.

use caso_component::records::{AccountingRecord, Head, OtherRecord};
use caso_component::types::Attribute;

use crate::identity;
use crate::page::Page;
use crate::usage::OtherUsage;

/// Makes the record. To what the usage states its attributes add the site and the owner,
/// for which the record has no fields.
///
/// # Errors
/// When it has no quantities.
pub fn map(page: &Page, usage: &OtherUsage) -> Result<Vec<AccountingRecord>, String> {
    if usage.quantities.is_empty() {
        return Err(format!(
            "usage `{}` is of kind `{}`, which is unknown to this mapper, and has no quantities",
            usage.id, usage.kind
        ));
    }
    let measured = usage.measured;
    let id = identity::key(format!(
        "{}:{}:{}:{}",
        usage.kind, usage.id, measured.start, measured.end
    ));
    Ok(vec![AccountingRecord::Other(OtherRecord {
        head: Head {
            supersedes: id.clone(),
            id,
            measured_at: measured.end,
            attributes: facts(page, usage),
        },
        kind: usage.kind.clone(),
        resource_id: usage.id.clone(),
        start: measured.start,
        end: measured.end,
        quantities: usage.quantities.clone(),
        payload: usage.payload.clone(),
    })])
}

fn facts(page: &Page, usage: &OtherUsage) -> Vec<Attribute> {
    let context = page.context;
    let ours = [
        ("site-name", Some(context.site_name.clone())),
        ("compute-service", Some(context.service_name.clone())),
        ("cloud-type", Some(context.cloud_type.clone())),
        ("vo", Some(context.vo.clone())),
        ("project-id", Some(usage.project_id.clone())),
        ("user-id", usage.user_id.clone()),
        ("user-name", page.user_name(usage.user_id.as_deref())),
    ];
    let ours = ours.into_iter().filter_map(|(name, value)| {
        Some(Attribute {
            name: name.to_owned(),
            value: value?,
        })
    });
    ours.chain(usage.attributes.iter().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;
    use crate::usage::UsageItem;
    use crate::{map as map_page, samples};
    use caso_component::types::{Quantity, Window};

    fn bucket() -> OtherUsage {
        OtherUsage {
            kind: "bucket".into(),
            id: "b1".into(),
            project_id: "project".into(),
            user_id: Some("u1".into()),
            measured: Window {
                start: 1_000,
                end: 2_000,
            },
            quantities: vec![Quantity {
                name: "capacity-bytes".into(),
                value: 12.5,
            }],
            payload: None,
            attributes: vec![Attribute {
                name: "x-tier".into(),
                value: "cold".into(),
            }],
        }
    }

    #[test]
    fn quantities_are_passed_on_with_site_and_owner() {
        let items = [UsageItem::Other(bucket())];
        let (context, tables) = (samples::context(), samples::tables());
        let outcome = map_page(&Policy::default(), &context, &tables, &items).remove(0);
        let [AccountingRecord::Other(record)] = &outcome.records[..] else {
            panic!("{outcome:?}");
        };
        assert_eq!(record.head.id, "bucket:b1:1000:2000");
        assert_eq!(record.head.supersedes, record.head.id);
        assert_eq!(
            (record.start, record.end, record.head.measured_at),
            (1_000, 2_000, 2_000)
        );
        assert_eq!(
            (record.kind.as_str(), record.resource_id.as_str()),
            ("bucket", "b1")
        );
        assert_eq!(record.quantities, bucket().quantities);
        let facts: Vec<String> = record
            .head
            .attributes
            .iter()
            .map(|fact| format!("{}={}", fact.name, fact.value))
            .collect();
        assert_eq!(
            facts,
            [
                "site-name=SITE",
                "compute-service=SITE-CLOUD",
                "cloud-type=caso/test (OpenStack)",
                "vo=vo.example.org",
                "project-id=project",
                "user-id=u1",
                "user-name=alice",
                "x-tier=cold",
            ]
        );
    }

    #[test]
    fn what_only_its_payload_says_is_refused() {
        let usage = OtherUsage {
            quantities: Vec::new(),
            payload: Some("{}".into()),
            ..bucket()
        };
        let items = [UsageItem::Other(usage)];
        let (context, tables) = (samples::context(), samples::tables());
        let outcome = map_page(&Policy::default(), &context, &tables, &items).remove(0);
        assert!(outcome.records.is_empty());
        let reason = outcome.refused.unwrap();
        assert!(
            reason.contains("`bucket`") && reason.contains("no quantities"),
            "{reason}"
        );
    }
}
