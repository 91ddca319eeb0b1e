//! How many requests the names of users cost, whatever Keystone makes of its list.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::join_all;

use super::*;
use crate::testing::{Plan, Planned as _, Stand, plan, status};
use caso_stand_in::Person;

/// A cloud of so many people, `u0` and so on.
fn people(count: usize) -> Plan {
    Plan {
        people: (0..count).map(|n| person(&format!("u{n}"))).collect(),
        ..plan()
    }
}

fn person(id: &str) -> Person {
    Person {
        id: id.to_owned(),
        name: format!("name of {id}"),
    }
}

fn ids(range: std::ops::Range<usize>) -> BTreeSet<String> {
    range.map(|n| format!("u{n}")).collect()
}

/// How many of the users have names now, and how many requests there were for the list and for
/// single ones.
async fn look_up(stand: &Arc<Stand>, questions: &[BTreeSet<String>]) -> (usize, usize, usize) {
    let context = stand.context();
    let caches = &context.caches;
    let users = join_all(questions.iter().map(|ids| {
        let session = &context.session;
        caches
            .users
            .lookup(session, ids, Patience::Wait, &caches.warnings)
    }))
    .await;
    let named = users
        .into_iter()
        .flat_map(Result::unwrap)
        .filter(|user| {
            let right = user.name == Some(format!("name of {}", user.id));
            assert!(right || user.name.is_none(), "{user:?}");
            right
        })
        .count();
    let by_id = stand.asked("/v3/users/");
    (named, stand.asked("/v3/users") - by_id, by_id)
}

#[tokio::test]
async fn a_thousand_users_of_many_projects_are_one_list() {
    let stand = people(1_000).start();
    let projects: Vec<_> = (0..200).map(|n| ids(5 * n..5 * n + 5)).collect();
    assert_eq!(look_up(&stand, &projects).await, (1_000, 1, 0));
}

#[tokio::test]
async fn a_few_are_asked_for_by_id_and_the_list_is_not() {
    let stand = people(1_000).start();
    assert_eq!(look_up(&stand, &[ids(0..FEW)]).await, (FEW, 0, FEW));
    // Few a page, but many in a run.
    let stand = people(1_000).start();
    let one_each: Vec<_> = (0..50).map(|n| ids(n..n + 1)).collect();
    let (named, lists, by_id) = look_up(&stand, &one_each).await;
    assert_eq!((named, lists), (50, 1));
    assert!(by_id <= FEW, "{by_id}");
}

/// Of those who are not on a whole list, one is asked for.
#[tokio::test]
async fn users_that_are_gone_cost_one_request_together() {
    let stand = people(700).start();
    let projects: Vec<_> = (0..200).map(|n| ids(5 * n..5 * n + 5)).collect();
    assert_eq!(look_up(&stand, &projects).await, (700, 1, 1));
}

/// A list that Keystone cut, or gave of one domain alone, says nothing of the others.
#[tokio::test]
async fn who_is_not_on_a_list_that_is_not_whole_is_asked_for_by_id() {
    let cut = Plan {
        list_limit: Some(30),
        ..people(40)
    };
    assert_eq!(look_up(&cut.start(), &[ids(0..50)]).await, (40, 1, 20));
    // It claims to be whole, and the first who is not on it is there all the same.
    let stand = people(0).start_with(|call, plan| {
        if call.path.ends_with("/v3/users") {
            plan.people = (0..30).map(|n| person(&format!("u{n}"))).collect();
        } else if call.asks("/v3/users/") {
            plan.people = (0..40).map(|n| person(&format!("u{n}"))).collect();
        }
        None
    });
    assert_eq!(look_up(&stand, &[ids(0..40)]).await, (40, 1, 10));
}

/// 401 is Keystone's answer where domains have drivers of their own.
#[tokio::test]
async fn where_the_list_is_refused_users_are_asked_for_by_id() {
    for refusal in [401, 403, 404, 500] {
        let stand = people(20)
            .start_with(move |call, _| call.path.ends_with("/v3/users").then(|| status(refusal)));
        let (named, lists, by_id) = look_up(&stand, &[ids(0..10), ids(5..20)]).await;
        assert_eq!((named, by_id), (25, 20), "{refusal}");
        assert!(lists <= 2, "{refusal}: {lists}");
    }
}

/// What waits is the error's own: no record goes out without a name. Who is patient no more is counted, asked for or
/// not.
#[tokio::test]
async fn nobody_is_said_to_go_out_without_a_name_who_waits_for_it() {
    for (patience, warned) in [
        (Patience::Wait, None),
        (
            Patience::GoOn,
            Some("9 users could not be looked up, and no more were looked up, so"),
        ),
    ] {
        let stand =
            people(9).start_with(|call, _| call.path.contains("/v3/users").then(|| status(503)));
        let context = stand.context();
        let caches = &context.caches;
        let found = caches
            .users
            .lookup(&context.session, &ids(0..9), patience, &caches.warnings)
            .await;
        assert_eq!(found.is_err(), patience == Patience::Wait);
        if let Err(error) = found {
            assert!(error.hint().unwrap().contains("Keystone"), "{error}");
        }
        caches.users.warn_of_failures(&caches.warnings);
        let warnings = caches.warnings.take();
        let texts: Vec<_> = warnings.iter().map(|it| it.text.as_str()).collect();
        assert_eq!(texts.len(), usize::from(warned.is_some()), "{texts:?}");
        assert!(
            texts.iter().all(|text| text.starts_with(warned.unwrap())),
            "{texts:?}"
        );
    }
}

#[tokio::test]
async fn a_recording_has_those_who_are_needed_alone() {
    let stand = people(20).start();
    let context = stand.context();
    let caches = crate::RunCaches::of_a_recording();
    let found = caches
        .users
        .lookup(
            &context.session,
            &ids(0..10),
            Patience::Wait,
            &caches.warnings,
        )
        .await
        .unwrap();
    assert_eq!((found.len(), stand.asked("/v3/users/")), (10, 10));
    assert_eq!(stand.asked("/v3/users"), 10);
}
