//! What becomes of a delivery, and of one that goes wrong.

use super::*;
use caso_sandbox::Grant;

#[tokio::test]
async fn what_is_accepted_lies_in_the_queue() {
    let dir = tempfile::tempdir().unwrap();
    let mut messenger = instance("accept").queue(dir.path()).start().await.unwrap();
    for ids in [["a", "b"], ["c", "d"]] {
        let answer = messenger.deliver(&batch(&ids)).await.unwrap();
        assert_eq!((answer.accepted, &answer.rest), (2, &Rest::Done));
    }
    assert_eq!(messages(dir.path()), ["a,b", "c,d"]);
}

#[tokio::test]
async fn a_trap_leaves_nothing_behind_and_names_the_function() {
    let dir = tempfile::tempdir().unwrap();
    let failure = instance("trap")
        .queue(dir.path())
        .fails(FailureKind::Trap)
        .await;
    assert_eq!(failure.detail, "it aborted");
    assert!(failure.stderr.contains("on purpose"), "{failure:?}");
    let guilty = failure
        .frames
        .iter()
        .position(|frame| frame.contains("the_guilty_function"));
    assert!(
        guilty.is_some_and(|index| index < 2),
        "{:?}",
        failure.frames
    );
    assert!(
        failure
            .frames
            .iter()
            .all(|frame| !frame.contains("wasmtime")),
        "{:?}",
        failure.frames
    );
    assert_eq!(messages(dir.path()), Vec::<String>::new());
}

#[tokio::test]
async fn other_ends_are_traps_too() {
    let failure = instance("exit").fails(FailureKind::Trap).await;
    assert!(failure.detail.contains("exited with status"), "{failure}");
    instance("divide").fails(FailureKind::Trap).await;
}

#[tokio::test]
async fn a_fresh_store_follows_a_trap() {
    let dir = tempfile::tempdir().unwrap();
    let mut messenger = instance("trap-on:bad")
        .queue(dir.path())
        .start()
        .await
        .unwrap();
    assert!(messenger.deliver(&batch(&["a"])).await.is_ok());
    let failure = messenger.deliver(&batch(&["b", "bad"])).await.unwrap_err();
    assert!(failure.stderr.contains("bad"), "{failure:?}");
    assert!(messenger.deliver(&batch(&["b"])).await.is_ok());
    assert_eq!(messages(dir.path()), ["a", "b"]);
}

#[tokio::test]
async fn a_store_lives_from_call_to_call_until_then() {
    let mut messenger = instance("count-calls").start().await.unwrap();
    for calls in ["1", "2", "3"] {
        assert_eq!(
            report(messenger.deliver(&batch(&["a"])).await.unwrap()),
            calls
        );
    }
}

#[tokio::test]
async fn a_delivery_given_up_half_way_costs_its_store() {
    let mut messenger = instance("count-calls").start().await.unwrap();
    assert_eq!(
        report(messenger.deliver(&batch(&["a"])).await.unwrap()),
        "1"
    );
    let slow = batch(&["slow"]);
    let given_up = tokio::time::timeout(SOON, messenger.deliver(&slow)).await;
    assert!(given_up.is_err());
    assert_eq!(
        report(messenger.deliver(&batch(&["a"])).await.unwrap()),
        "1"
    );
}

#[tokio::test]
async fn an_answer_outside_the_batch_is_worth_nothing() {
    let dir = tempfile::tempdir().unwrap();
    for (mode, part) in [
        ("wrong-index", "refused record 3 of 3"),
        ("refuse-twice", "refused record 0 twice"),
        ("accepted-too-many", "accepted 4 records of 3"),
    ] {
        let failure = instance(mode)
            .queue(dir.path())
            .fails(FailureKind::Contract)
            .await;
        assert!(failure.detail.contains(part), "{failure}");
    }
    assert_eq!(messages(dir.path()), Vec::<String>::new());
}

#[tokio::test]
async fn answers_come_through_as_given() {
    assert_eq!(
        instance("too-large").deliver().await.unwrap().rest,
        Rest::TooLarge
    );
    assert_eq!(
        instance("retry").deliver().await.unwrap().rest,
        Rest::Retry {
            after_seconds: 7,
            reason: "busy".into()
        }
    );
    assert_eq!(
        instance("refuse-first").deliver().await.unwrap().refused[0].index,
        0
    );
    let left = instance("silent-rest").report().await;
    assert!(left.contains("left 2 records"), "{left}");
}

#[tokio::test]
async fn two_instances_share_no_store() {
    let mut one = instance("count-calls").start().await.unwrap();
    let mut other = instance("count-calls").start().await.unwrap();
    for calls in ["1", "2"] {
        for messenger in [&mut one, &mut other] {
            let answer = messenger.deliver(&batch(&["a"])).await.unwrap();
            assert_eq!(report(answer), calls);
        }
    }
}

#[tokio::test]
async fn each_record_comes_with_its_origin() {
    assert_eq!(
        instance("origins").report().await,
        r#"[Some("first/None/1-2"), Some("first/None/1-2"), Some("second/Some(\"RegionOne\")/1-2"), None]"#
    );
}

#[tokio::test]
async fn it_knows_how_long_a_call_may_take() {
    // The run has an hour left, a call a minute and a half.
    let own = instance("time-left").limits(|limits| limits.timeout = Duration::from_secs(90));
    assert_eq!(own.report().await, "90000");
    let mut messenger = instance("time-left").start().await.unwrap();
    let mut late = batch(&["a"]);
    late.time_left = Duration::from_millis(1_500);
    assert_eq!(report(messenger.deliver(&late).await.unwrap()), "1500");
}

#[tokio::test]
async fn it_is_started_with_facts_of_the_host() {
    let limits = |limits: &mut Limits| {
        limits.timeout = Duration::from_secs(90);
        limits.deadline = Duration::from_secs(5);
        limits.memory = 48 << 20;
    };
    assert_eq!(
        instance("facts").limits(limits).report().await,
        concat!(
            "engine=",
            env!("CARGO_PKG_VERSION"),
            ", contract=1.0.0, timeout-milliseconds=90000, deadline-milliseconds=5000, \
             memory-bytes=50331648"
        )
    );
}

#[tokio::test]
async fn a_start_that_fails_says_why() {
    let refused = instance("start-refuses").set("key", "hunter2-and-more");
    let failure = refused.fails(FailureKind::Start).await;
    assert_eq!(failure.detail, "no such thing as `***`");
    assert_eq!(failure.option, None);
    let wrong = instance("start-refuses-option").set("key", "hunter2-and-more");
    let failure = wrong.fails(FailureKind::Start).await;
    assert_eq!(failure.detail, "***");
    // As it is shown to people: without what a terminal would obey.
    assert_eq!(failure.option.as_deref(), Some("mode"));
    let failure = instance("start-traps").fails(FailureKind::Start).await;
    assert!(failure.stderr.contains("at the start"), "{failure:?}");
}

#[tokio::test]
async fn a_disk_error_is_the_hosts_and_names_path_and_errno() {
    let dir = tempfile::tempdir().unwrap();
    let blocked = dir.path().join("file");
    std::fs::write(&blocked, "").unwrap();
    let failure = instance("accept")
        .queue(&blocked.join("q"))
        .fails(FailureKind::Host)
        .await;
    assert!(
        failure.detail.contains(&blocked.display().to_string()),
        "{failure}"
    );
    assert!(failure.detail.contains("os error 20"), "{failure}");
}

#[tokio::test]
async fn secrets_reach_neither_answers_nor_reports() {
    let key = "correct-horse-battery";
    let answer = instance("tell-secret")
        .set("key", key)
        .deliver()
        .await
        .unwrap();
    assert_eq!(answer.refused[0].reason, "***");
    assert_eq!(report(answer), "the key is ***");
    let failure = instance("die-telling")
        .set("key", key)
        .fails(FailureKind::Trap)
        .await;
    assert!(
        failure.stderr.contains("***") && !format!("{failure:?}").contains(key),
        "{failure:?}"
    );
}

#[tokio::test]
async fn a_site_component_gets_what_the_site_granted() {
    let dir = tempfile::tempdir().unwrap();
    let queue = dir.path().display().to_string();
    let settings = [
        text("output_path", &queue),
        text("server", "localhost:5000"),
    ];
    let requests = &guests().await.hostile.description.capabilities;
    let grants: Vec<Grant> = vec![format!("queue:{queue}").parse().unwrap()];
    let granted = decide(&mine(), requests, &settings, Policy::Site(&grants)).unwrap();
    let refused = instance("connect").granted(granted).report().await;
    assert!(
        refused.contains("add `connection:localhost:5000` to `grants` in [messenger_mine]"),
        "{refused}"
    );
    assert_eq!(messages(dir.path()), ["a,b,c"]);
}
