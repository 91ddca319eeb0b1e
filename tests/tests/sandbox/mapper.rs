//! A mapper that fails, and on what.

use super::*;
use caso::BisectingMapper;
use caso_model::guest::{Mapper, Outcome};
use caso_model::usage::{Context, OtherUsage, Tables, UsageItem};

async fn start(mode: &str, now: i64, limits: Limits) -> Result<BisectingMapper, GuestFailure> {
    guests()
        .await
        .mapper
        .start_mapper(vec![text("mode", mode)], now, limits)
        .await
        .map(BisectingMapper::new)
}

fn items(count: usize) -> Vec<UsageItem> {
    (0..count)
        .map(|n| {
            UsageItem::Other(OtherUsage {
                kind: "test".to_owned(),
                id: format!("item-{n}"),
                project_id: "p".to_owned(),
                payload: Some("{}".to_owned()),
                ..OtherUsage::default()
            })
        })
        .collect()
}

async fn map(mapper: &mut BisectingMapper, count: usize) -> Result<Vec<Outcome>, GuestFailure> {
    let context = Context {
        site_name: String::new(),
        service_name: String::new(),
        cloud_type: String::new(),
        cloud: String::new(),
        region: None,
        project_id: "p".to_owned(),
        project_name: None,
        vo: "vo".to_owned(),
        window: Window { start: 0, end: 1 },
        now: 0,
        attributes: Vec::new(),
    };
    mapper
        .map(&context, &Tables::default(), &items(count))
        .await
}

async fn outcomes(mode: &str, count: usize) -> Vec<Outcome> {
    map(&mut start(mode, 0, Limits::default()).await.unwrap(), count)
        .await
        .unwrap()
}

/// The places of the items without records, and the first one's outcome.
fn lost(outcomes: &[Outcome]) -> (Vec<usize>, &Outcome) {
    let lost: Vec<usize> = outcomes
        .iter()
        .enumerate()
        .filter(|(_, outcome)| !matches!(outcome, Outcome::Records(_)))
        .map(|(index, _)| index)
        .collect();
    let first = &outcomes[lost[0]];
    (lost, first)
}

#[tokio::test]
async fn the_item_on_which_it_traps_is_found() {
    let outcomes = outcomes("trap:item-37", 100).await;
    assert_eq!(outcomes.len(), 100);
    let (places, outcome) = lost(&outcomes);
    assert_eq!(places, [37]);
    let Outcome::Failed(failure) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(
        (failure.kind, failure.call),
        (FailureKind::Trap, "map-usage")
    );
    assert!(failure.stderr.contains("cannot map item-37"), "{failure:?}");
    for (index, outcome) in outcomes
        .iter()
        .enumerate()
        .filter(|(index, _)| *index != 37)
    {
        let Outcome::Records(records) = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(records[0].head().id, format!("item-{index}"));
    }
}

#[tokio::test]
async fn the_item_on_which_it_loops_is_found() {
    let limits = Limits {
        deadline: SOON,
        ..Limits::default()
    };
    let mut mapper = start("loop:item-2", 0, limits).await.unwrap();
    let outcomes = map(&mut mapper, 4).await.unwrap();
    let (places, outcome) = lost(&outcomes);
    assert_eq!(places, [2]);
    assert!(
        matches!(outcome, Outcome::Failed(f) if f.kind == FailureKind::Deadline),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_mapper_that_fails_on_everything_is_broken() {
    for (mode, kind) in [
        ("trap", FailureKind::Trap),
        ("wrong-count", FailureKind::Contract),
    ] {
        let mut mapper = start(mode, 0, Limits::default()).await.unwrap();
        let failure = map(&mut mapper, 100).await.unwrap_err();
        assert_eq!(failure.kind, kind, "{failure}");
    }
}

#[tokio::test]
async fn a_lone_item_is_quarantined_all_the_same() {
    let outcomes = outcomes("trap", 1).await;
    assert!(
        matches!(&outcomes[..], [Outcome::Failed(_)]),
        "{outcomes:?}"
    );
}

#[tokio::test]
async fn a_record_that_breaks_the_contract_costs_its_item() {
    for (verb, reason) in [
        (
            "empty-id",
            "the mapper broke the contract: a test record has an empty `id`",
        ),
        ("no-json", "payload that is no JSON object"),
        ("twice", "two test records of one item have the id `item-1`"),
        ("refuse", "a bad one"),
        ("red-id", "a control character in its `id`"),
        ("long-id", "a key `id` of 1001 bytes, more than 1000"),
        (
            "kind-cloud",
            "has the kind `cloud`, which is kept for cloud records",
        ),
        ("kind-path", "an other record has the kind `../../x"),
    ] {
        let outcomes = outcomes(&format!("{verb}:item-1"), 3).await;
        let (places, outcome) = lost(&outcomes);
        assert_eq!(places, [1]);
        assert!(
            matches!(outcome, Outcome::Refused(text) if text.contains(reason)
                && !text.contains(char::is_control)),
            "{outcome:?}"
        );
    }
}

#[tokio::test]
async fn a_part_that_is_refused_costs_no_record() {
    let outcomes = outcomes("partly:item-1", 3).await;
    let (places, outcome) = lost(&outcomes);
    assert_eq!(places, [1]);
    let Outcome::Partly(records, reason) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(records[0].head().id, "item-1");
    assert_eq!(reason, "its other half");
}

#[tokio::test]
async fn it_cannot_tell_two_runs_apart() {
    let now = 1_763_745_793;
    let mut seen = Vec::new();
    for _ in 0..2 {
        let mut mapper = start("surroundings", now, Limits::default()).await.unwrap();
        seen.push(map(&mut mapper, 1).await.unwrap());
    }
    assert_eq!(seen[0], seen[1]);
    let [Outcome::Refused(text)] = &seen[0][..] else {
        panic!("{seen:?}")
    };
    assert!(text.starts_with("Ok(1763745793) 0ns"), "{text}");
}

#[tokio::test]
async fn a_refused_option_stops_it_at_the_start() {
    let failure = start("start-refuses", 0, Limits::default())
        .await
        .err()
        .unwrap();
    assert_eq!((failure.kind, failure.call), (FailureKind::Start, "start"));
    assert_eq!(failure.detail, "which status map?");
    assert_eq!(failure.option.as_deref(), Some("mode"));
    assert_eq!(
        failure.to_string(),
        "component `hostile-mapper` (the mapper) failed in `start`: option `mode`: which status map?"
    );
}
