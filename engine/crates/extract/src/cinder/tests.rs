//! Volumes of a cloud that changes under our hands.

use caso_stand_in::epoch;
use serde_json::json;
use std::sync::Mutex;

use super::*;
use crate::extract;
use crate::testing::*;
use caso_history::volumes::Holding;
use caso_model::Window;
use caso_model::extraction::Extractor;

async fn run(stand: &std::sync::Arc<Stand>) -> (Kept, Result<(), ExtractError>) {
    run_with(stand, WINDOW, None).await
}

async fn run_with(
    stand: &std::sync::Arc<Stand>,
    window: Window,
    volumes: Option<&Mutex<Holding>>,
) -> (Kept, Result<(), ExtractError>) {
    let mut kept = Kept::default();
    let outcome = extract(
        Extractor::Cinder,
        Task {
            context: &stand.context(),
            project: &project("p1"),
            window,
            history: &Mutex::default(),
            volumes,
        },
        &mut kept,
    )
    .await;
    let seen = stand.seen();
    let of_cinder = seen.iter().filter(|call| call.asks("/volume/"));
    let mut keys = of_cinder.flat_map(|call| &call.query).map(|pair| &pair.0);
    assert!(
        keys.all(|key| key == "limit" || key == "marker"),
        "Cinder ignores it for some, and shows nothing to others: {:?}",
        stand.log()
    );
    (kept, outcome)
}

fn cloud(count: u32) -> Plan {
    let mut plan = plan();
    *plan.volumes() = (0..count).rev().map(|n| volume(n, 10)).collect();
    plan
}

/// The volumes told, in order. Fails if one comes twice.
fn told(kept: &Kept) -> Vec<String> {
    let mut ids: Vec<String> = kept
        .volumes()
        .iter()
        .map(|volume| volume.id.clone())
        .collect();
    ids.sort_unstable();
    let count = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), count, "a volume twice");
    ids
}

fn first(count: u32) -> Vec<String> {
    (0..count).map(uuid).collect()
}

#[tokio::test]
async fn every_volume_comes_once_whatever_the_size_of_pages() {
    for max_limit in [1, 3, 4, 7, 1000] {
        let stand = Plan {
            max_limit,
            ..cloud(7)
        }
        .start();
        let (kept, outcome) = run(&stand).await;
        outcome.unwrap();
        assert_eq!(kept.count(), 7, "pages of {max_limit}");
        assert_eq!(told(&kept), first(7));
        assert!(kept.0.iter().all(|page| page.items.len() <= max_limit));
        for page in &kept.0 {
            assert_eq!(page.tables.users[0].name.as_deref(), Some("Alice"));
        }
        assert_eq!(stand.asked("/users/"), 1);
    }
}

/// Nothing but the page is asked for (see [`run`]): Cinder gives an administrator
/// nothing for `changes-since`.
#[tokio::test]
async fn an_administrator_gets_the_volumes_of_the_project() {
    let mut cloud = cloud(3);
    cloud.accounts[0].role = "admin".into();
    cloud.projects[1].volumes.push(volume(9, 5));
    let (kept, outcome) = run(&cloud.start()).await;
    outcome.unwrap();
    assert_eq!(told(&kept), first(3));
}

#[tokio::test]
async fn a_volume_without_name_or_attachment_is_one_like_others() {
    let mut cloud = cloud(4);
    for (volume, changes) in cloud.volumes().iter_mut().zip([
        json!({"name": null}),
        json!({"status": "in-use", "attachments": []}),
        json!({"status": "in-use", "attachments": [{"server_id": null, "attached_at": null}, 7]}),
        json!({"attachments": null, "user_id": null, "volume_type": null}),
    ]) {
        volume.odd = odd(&changes);
    }
    let (kept, outcome) = run(&cloud.start()).await;
    outcome.unwrap();
    assert_eq!(kept.errors().len(), 0);
    assert_eq!(told(&kept), first(4));
}

/// `cinder.volume.api.API.get_all`: an administrator is shown what others are not.
#[tokio::test]
async fn the_target_of_a_migration_is_no_volume_of_the_projects() {
    let mut cloud = cloud(4);
    for (volume, status) in cloud.volumes().iter_mut().zip([
        json!("migrating"),
        json!("target:70000000-0000-4000-8000-000000000001"),
        json!(null),
        json!("success"),
    ]) {
        volume.odd = odd(&json!({"os-vol-mig-status-attr:migstat": status}));
    }
    let target = cloud.volumes()[1].id.clone();
    let (kept, outcome) = run(&cloud.start()).await;
    outcome.unwrap();
    assert_eq!(kept.errors().len(), 0);
    let others: Vec<String> = first(4).into_iter().filter(|id| *id != target).collect();
    assert_eq!(told(&kept), others);
}

/// It is still the project's, and its next window begins where this one ended.
#[tokio::test]
async fn a_row_that_cannot_be_read_makes_no_other_projects_volume_of_it() {
    let windows = [WINDOW, after(WINDOW), after(after(WINDOW))];
    let mut own = None;
    for (number, window) in windows.into_iter().enumerate() {
        let mut cloud = cloud(1);
        if number == 1 {
            cloud.volumes()[0].odd = odd(&json!({"created_at": "never"}));
        }
        let known = std::sync::Arc::default();
        let holding = Mutex::new(Holding::new("p1", window, own.clone(), &known, false));
        let (kept, outcome) = run_with(&cloud.start(), window, Some(&holding)).await;
        outcome.unwrap();
        assert_eq!(kept.errors().len(), usize::from(number == 1));
        assert!(kept.0.iter().all(|page| page.from.is_none()), "{number}");
        let next = holding.into_inner().unwrap().finish();
        assert_eq!(next.is_some(), number == 0, "{number}");
        own = next.or(own);
    }
}

fn after(window: Window) -> Window {
    Window {
        start: window.end,
        end: window.end + 3600,
    }
}

#[tokio::test]
async fn facts_are_read_as_cinder_writes_them() {
    let mut cloud = cloud(1);
    let volume = &mut cloud.volumes()[0];
    volume.status = "in-use".into();
    volume.attachments = vec![
        ("s1".into(), epoch("2026-10-02")),
        ("s2".into(), epoch("2026-10-03")),
    ];
    let (kept, outcome) = run(&cloud.start()).await;
    outcome.unwrap();
    let volume = kept.volumes()[0];
    assert_eq!(volume.size_gib, Some(10));
    assert_eq!(volume.created, Some(WINDOW.start));
    assert_eq!(volume.updated, None);
    assert_eq!(volume.deleted, None);
    assert_eq!(volume.volume_type.as_deref(), Some("__DEFAULT__"));
    assert_eq!(volume.attributes[0].value, "nova");
    let attached: Vec<_> = volume
        .attachments
        .iter()
        .map(|attachment| {
            (
                attachment.server_id.as_deref().unwrap(),
                attachment.attached,
            )
        })
        .collect();
    assert_eq!(
        attached,
        [("s1", Some(1_790_899_200)), ("s2", Some(1_790_985_600))]
    );
}

#[tokio::test]
async fn what_was_created_after_the_window_is_left_out() {
    let mut cloud = cloud(3);
    cloud.volumes()[0].created = epoch("2026-11-20");
    let stand = cloud.start();
    let (kept, outcome) = run(&stand).await;
    outcome.unwrap();
    assert_eq!(told(&kept), first(2));
}

/// Version 1 of the API, which some catalogs still list as `volume`.
#[tokio::test]
async fn the_name_of_version_1_is_read_too() {
    let mut cloud = cloud(1);
    cloud.volumes()[0].odd = odd(&json!({"name": null, "display_name": "old"}));
    let (kept, _) = run(&cloud.start()).await;
    assert_eq!(kept.volumes()[0].name.as_deref(), Some("old"));
}

#[tokio::test]
async fn a_row_that_cannot_be_read_costs_itself_and_is_said_once() {
    let mut cloud = Plan {
        max_limit: 3,
        ..cloud(7)
    };
    let volumes = cloud.volumes();
    volumes[0].odd = odd(&json!({"created_at": "long ago"}));
    volumes[1].odd = odd(&json!({"size": "big"}));
    volumes[2].odd = odd(&json!({"os-vol-tenant-attr:tenant_id": "p2"}));
    let mut once = true;
    // The list begins anew after its first page.
    let stand = cloud.start_with(move |call, _| {
        (call.param("marker").is_some() && std::mem::take(&mut once)).then(|| status(404))
    });
    let (kept, outcome) = run(&stand).await;
    outcome.unwrap();
    assert_eq!(kept.errors().len(), 3);
    assert_eq!(told(&kept), first(4));
    let errors = kept.errors();
    for text in ["`created_at`", "`size`", "project `p2`"] {
        let found = errors.iter().filter(|error| error.contains(text));
        assert_eq!(found.count(), 1, "{text}: {errors:?}");
    }
    assert!(errors.iter().all(|error| error.starts_with("volume `0")));
}

#[tokio::test]
async fn a_volume_that_vanishes_between_pages_begins_the_list_anew() {
    let stand = Plan {
        max_limit: 3,
        ..cloud(8)
    }
    .start_with(|call, cloud| {
        // The marker of the second page.
        if call.param("marker") == Some(&uuid(5)) {
            cloud.volumes().retain(|volume| volume.id != uuid(5));
        }
        None
    });
    let (kept, outcome) = run(&stand).await;
    outcome.unwrap();
    assert_eq!(told(&kept), first(8));
}

#[tokio::test]
async fn a_refusal_in_the_middle_is_an_error() {
    let stand = Plan {
        max_limit: 3,
        ..cloud(8)
    }
    .start_with(|call, _| call.param("marker").is_some().then(|| status(403)));
    let (_, outcome) = run(&stand).await;
    let error = outcome.unwrap_err();
    assert!(!error.is_outage() && !error.is_service_lacking());
    assert!(error.to_string().contains("Cinder forbids"), "{error}");
}

#[tokio::test]
async fn a_cloud_without_cinder_is_told_from_one_whose_cinder_is_away() {
    let lacks = Plan {
        lacks: vec!["block-storage".into()],
        ..cloud(1)
    };
    let (_, outcome) = run(&lacks.start()).await;
    assert!(outcome.unwrap_err().is_service_lacking());
    let away = cloud(1).start_with(|call, _| call.asks("/volume/").then(|| status(503)));
    let (_, outcome) = run(&away).await;
    let error = outcome.unwrap_err();
    assert!(error.is_outage() && !error.is_service_lacking(), "{error}");
}
