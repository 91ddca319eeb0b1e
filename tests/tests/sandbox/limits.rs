//! It cannot outlive its deadline, outgrow its memory or drown its host.

use super::*;

#[tokio::test]
async fn a_loop_ends_at_its_deadline() {
    let failure = instance("loop").limits(|limits| limits.deadline = SOON);
    let failure = failure.fails(FailureKind::Deadline).await;
    assert!(
        failure.detail.contains("computed for longer than 200ms"),
        "{failure}"
    );
    assert_eq!(failure.call, "deliver");
    let limit = failure.limit.unwrap().to_string();
    assert!(limit.starts_with("`deadline` in [messenger_"), "{limit}");
}

#[tokio::test]
async fn a_sleeper_ends_at_its_timeout() {
    let failure = instance("sleep").limits(|limits| limits.timeout = SOON);
    let failure = failure.fails(FailureKind::Deadline).await;
    assert!(
        failure.detail.contains("did not return within 200ms"),
        "{failure}"
    );
    let limit = failure.limit.unwrap().to_string();
    assert!(limit.starts_with("`timeout` in [messenger_"), "{limit}");
}

/// A loop must not hold the thread on which everybody else's timers run.
#[tokio::test(flavor = "current_thread")]
async fn others_go_on_beside_a_loop() {
    let looping = instance("loop").limits(|limits| {
        limits.deadline = Duration::from_secs(3600);
        limits.timeout = Duration::from_secs(3600);
    });
    let mut looping = looping.start().await.unwrap();
    let endless = batch(&["a"]);
    let dir = tempfile::tempdir().unwrap();
    tokio::select! {
        biased;
        _ = looping.deliver(&endless) => panic!("the loop returned"),
        answer = instance("accept").queue(dir.path()).deliver() => {
            assert_eq!(answer.unwrap().accepted, 3);
        }
    }
    assert_eq!(messages(dir.path()), ["a,b,c"]);
}

#[tokio::test]
async fn memory_is_bounded_and_the_report_says_so() {
    let failure = instance("alloc").limits(|limits| limits.memory = 8 << 20);
    let failure = failure.fails(FailureKind::Memory).await;
    assert!(
        failure
            .detail
            .contains("more than the 8 MiB that are allowed"),
        "{failure}"
    );
    let limit = failure.limit.unwrap().to_string();
    assert!(limit.starts_with("`memory` in [messenger_"), "{limit}");
}

#[tokio::test]
async fn a_component_too_large_to_start_is_a_failed_start() {
    let failure = instance("accept").limits(|limits| limits.memory = 64 << 10);
    let failure = failure.fails(FailureKind::Start).await;
    assert!(failure.detail.contains("MiB of memory"), "{failure}");
}

#[tokio::test]
async fn recursion_ends_at_the_stack() {
    instance("deep-recursion").fails(FailureKind::Trap).await;
}

#[tokio::test]
async fn no_more_crosses_at_once_than_is_allowed() {
    let dir = tempfile::tempdir().unwrap();
    for mode in ["huge-answer", "huge-message"] {
        let instance = instance(mode).queue(dir.path());
        let failure = instance
            .limits(|limits| limits.crossing_bytes = 1 << 20)
            .fails(FailureKind::Contract)
            .await;
        assert!(
            failure
                .detail
                .contains("more than 1 MiB to the host at once"),
            "{failure}"
        );
    }
    assert_eq!(messages(dir.path()), Vec::<String>::new());
}

#[tokio::test]
async fn megabytes_of_output_are_dropped_not_kept() {
    for mode in ["print-megabytes", "log-megabytes"] {
        let answer = instance(mode).deliver().await.unwrap();
        assert_eq!(answer.accepted, 3, "{mode}");
    }
}

#[tokio::test]
async fn a_queue_takes_so_many_messages_a_call() {
    let dir = tempfile::tempdir().unwrap();
    let flood = instance("flood-queue").queue(dir.path());
    let report = flood
        .limits(|limits| limits.queue_messages = 10)
        .report()
        .await;
    assert_eq!(report, "9 QueueError::Full");
    assert_eq!(messages(dir.path()).len(), 10);
}

#[tokio::test]
async fn host_objects_are_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let flood = instance("flood-objects").set("directory", &dir.path().display().to_string());
    flood.fails(FailureKind::Trap).await;
}
