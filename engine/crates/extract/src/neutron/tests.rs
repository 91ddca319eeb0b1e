//! Floating IPs, of a Neutron that shows too many and one that forgets.

use caso_stand_in::FloatingIp;
use serde_json::json;
use std::sync::Mutex;

use super::*;
use crate::extract;
use crate::testing::*;
use caso_model::extraction::Extractor;

/// A window that ends when the run begins.
const PRESENT_WINDOW: Window = Window {
    start: WINDOW.start,
    end: NOW,
};

async fn run(context: &ExtractContext, window: Window) -> (Kept, Result<(), ExtractError>) {
    let mut kept = Kept::default();
    let outcome = extract(
        Extractor::Neutron,
        Task {
            context,
            project: &project("p1"),
            window,
            history: &Mutex::default(),
            volumes: None,
        },
        &mut kept,
    )
    .await;
    (kept, outcome)
}

fn cloud(count: u32) -> Plan {
    let mut plan = plan();
    *plan.floating_ips() = (0..count)
        .map(|n| floating_ip(n, &format!("192.0.2.{n}")))
        .collect();
    plan
}

/// The one item, if there is one.
fn held(kept: &Kept) -> Option<&FloatingIps> {
    let mut items = kept.0.iter().flat_map(|page| &page.items);
    let item = items.next();
    assert!(items.next().is_none(), "one item a project");
    item.map(|item| match item {
        UsageItem::FloatingIps(held) => held,
        other => panic!("not floating IPs: {other:?}"),
    })
}

fn texts(context: &ExtractContext) -> Vec<String> {
    let warnings = context.caches.closing_warnings();
    warnings.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn all_addresses_are_one_item_whatever_the_size_of_pages() {
    for max_limit in [1, 3, 5, 1000] {
        let mut cloud = Plan {
            max_limit,
            ..cloud(5)
        };
        cloud.floating_ips().push(floating_ip(9, "2001:db8::9"));
        let context = cloud.start().context();
        let (kept, outcome) = run(&context, PRESENT_WINDOW).await;
        outcome.unwrap();
        assert_eq!(kept.count(), 1, "pages of {max_limit}");
        let held = held(&kept).unwrap();
        assert_eq!(held.measured_at, NOW);
        assert_eq!(held.project_id, "p1");
        let versions: Vec<_> = held
            .addresses
            .iter()
            .map(|ip| ip.version.unwrap())
            .collect();
        assert_eq!(versions, [4, 4, 4, 4, 4, 6]);
        assert!(
            held.addresses
                .iter()
                .all(|ip| ip.created == Some(WINDOW.start))
        );
        assert_eq!(texts(&context), Vec::<String>::new());
    }
}

/// Neutron shows an administrator the addresses of all projects.
#[tokio::test]
async fn an_administrator_counts_the_addresses_of_the_project_alone() {
    let mut cloud = cloud(2);
    cloud.accounts[0].role = "admin".into();
    for n in 10..15 {
        let theirs = &mut cloud.projects[1].floating_ips;
        theirs.push(floating_ip(n, "198.51.100.1"));
    }
    let stand = cloud.start();
    let context = stand.context();
    let (kept, outcome) = run(&context, PRESENT_WINDOW).await;
    outcome.unwrap();
    assert_eq!(held(&kept).unwrap().addresses.len(), 2);
    assert_eq!(stand.asked("floatingips?project_id=p1&"), 1);
    assert_eq!(texts(&context), Vec::<String>::new());
}

#[tokio::test]
async fn addresses_of_others_are_not_counted_even_if_neutron_gives_them() {
    let mut cloud = cloud(2);
    cloud.accounts[0].role = "admin".into();
    for (n, owner) in [
        (10, json!({"project_id": "p2"})),
        (11, json!({"project_id": null, "tenant_id": "p2"})),
    ] {
        cloud.floating_ips().push(FloatingIp {
            odd: odd(&owner),
            ..floating_ip(n, "198.51.100.1")
        });
    }
    let context = cloud.start().context();
    let (kept, outcome) = run(&context, PRESENT_WINDOW).await;
    outcome.unwrap();
    assert_eq!(kept.errors().len(), 0);
    assert_eq!(held(&kept).unwrap().addresses.len(), 2);
    let said = texts(&context);
    assert!(said[0].contains("gave 2 of other projects"), "{said:?}");
}

#[tokio::test]
async fn an_address_that_cannot_be_read_costs_itself() {
    let mut cloud = cloud(7);
    for (address, fields) in cloud.floating_ips().iter_mut().zip([
        json!({"floating_ip_address": "none"}),
        json!({"floating_ip_address": null}),
        json!({"created_at": "yesterday"}),
        json!({"created_at": "2026-10-01T00:00:00.123456"}),
        json!({"created_at": null}),
        json!({"project_id": null, "tenant_id": null}),
    ]) {
        address.odd = odd(&fields);
    }
    cloud.accounts[0].role = "admin".into();
    let (kept, outcome) = run(&cloud.start().context(), PRESENT_WINDOW).await;
    outcome.unwrap();
    assert_eq!(kept.errors().len(), 4);
    assert_eq!(held(&kept).unwrap().addresses.len(), 3);
    let errors = kept.errors();
    for (n, text) in [
        (0, "`none`"),
        (1, "missing"),
        (2, "`created_at`"),
        (5, "names no owner"),
    ] {
        let id = uuid(n);
        let found = errors
            .iter()
            .any(|error| error.contains(&id) && error.contains(text));
        assert!(found, "{text}: {errors:?}");
    }
}

/// Neutron takes a marker that is gone for none, and gives the first page.
#[tokio::test]
async fn addresses_given_back_between_pages_count_once() {
    for gone in [2, 5] {
        let stand = Plan {
            max_limit: 3,
            ..cloud(9)
        }
        .start_with(move |call, cloud| {
            if call.param("marker") == Some(&uuid(gone)) {
                cloud
                    .floating_ips()
                    .retain(|address| address.id != uuid(gone));
            }
            None
        });
        let (kept, outcome) = run(&stand.context(), PRESENT_WINDOW).await;
        outcome.unwrap();
        // It was held when the run began.
        assert_eq!(held(&kept).unwrap().addresses.len(), 9, "without {gone}");
    }
}

#[tokio::test]
async fn a_list_that_never_ends_is_an_error() {
    let stand = cloud(2).start_with(|call, _| {
        let next = if call.param("marker") == Some("a") {
            "b"
        } else {
            "a"
        };
        call.asks("floatingips").then(|| {
            ok(json!({"floatingips": [], "floatingips_links": [
                {"rel": "next", "href": format!("http://x/floatingips?marker={next}")}]}))
        })
    });
    let (_, outcome) = run(&stand.context(), PRESENT_WINDOW).await;
    let error = outcome.unwrap_err().to_string();
    assert!(error.contains("never end"), "{error}");
    assert!(stand.asked("floatingips") < 20);
}

#[tokio::test]
async fn a_window_of_the_past_has_no_snapshot() {
    let stand = cloud(2).start();
    let context = stand.context();
    for end in [NOW - 3601, NOW - 86_400] {
        let past = Window { end, ..WINDOW };
        let (kept, outcome) = run(&context, past).await;
        outcome.unwrap();
        assert_eq!(kept.0, []);
    }
    assert_eq!(stand.asked("floatingips"), 0);
    let said = texts(&context);
    assert_eq!(said.len(), 1);
    assert!(
        said[0].contains("`ip_records_for_past_windows = true`"),
        "{said:?}"
    );
}

#[tokio::test]
async fn a_window_that_ended_just_now_has_one() {
    for end in [NOW - 3600, NOW - 5, NOW] {
        let context = cloud(2).start().context();
        let (kept, outcome) = run(&context, Window { end, ..WINDOW }).await;
        outcome.unwrap();
        assert_eq!(held(&kept).unwrap().addresses.len(), 2);
        assert_eq!(texts(&context), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_site_may_have_snapshots_for_past_windows() {
    let mut context = cloud(2).start().context();
    context.ip_records_for_past_windows = true;
    let (kept, outcome) = run(&context, WINDOW).await;
    outcome.unwrap();
    assert_eq!(held(&kept).unwrap().measured_at, NOW);
}

#[tokio::test]
async fn a_project_without_addresses_has_no_item() {
    let (kept, outcome) = run(&cloud(0).start().context(), PRESENT_WINDOW).await;
    outcome.unwrap();
    assert_eq!(kept.0, []);
}
