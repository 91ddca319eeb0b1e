//! What a guest may use in a whole run, and what it may not open: each test names the
//! attack of the sandbox's review and what holds against it.

use super::*;
use caso_sandbox::RunLimits;

fn little(limits: &mut Limits) {
    limits.run = RunLimits {
        output: 3 << 20,
        disk_floor: 0,
        ..RunLimits::default()
    };
}

/// c02: a call for each record, each with a message as large as a call may put.
#[tokio::test]
async fn messages_of_all_calls_together_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let queue = folder.path().join("q");
    let attack = instance("one-a-time").queue(&queue).limits(little);
    let mut messenger = attack.start().await.unwrap();
    let mut failure = None;
    for _ in 0..10 {
        match messenger.deliver(&batch(&["a"])).await {
            Ok(_) => {}
            Err(failed) => {
                failure = Some(failed);
                break;
            }
        }
    }
    let failure = failure.unwrap();
    // Nobody's record is at fault, so none is quarantined for it.
    assert_eq!(failure.kind, FailureKind::Host);
    let limit = failure.limit.unwrap().to_string();
    assert!(
        limit.starts_with("raise `output` in [messenger_"),
        "{limit}"
    );
    let put = messages(&queue);
    assert!(put.iter().map(String::len).sum::<usize>() <= 4 << 20);
}

/// c03: ten thousand messages a record.
#[tokio::test]
async fn the_number_of_messages_is_bounded_by_that_of_the_records() {
    let folder = tempfile::tempdir().unwrap();
    let attack = instance("flood-queue").queue(&folder.path().join("q"));
    let failure = attack.fails(FailureKind::Host).await;
    assert!(failure.detail.contains("1012 messages"), "{failure}");
    assert!(
        messages(&folder.path().join("q")).is_empty(),
        "of a call that failed"
    );
}

/// d05 and "directory-write without any quota".
#[tokio::test]
async fn a_folder_is_filled_so_far_and_not_further() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display().to_string();
    let attack = instance("fill-folder")
        .set("directory", &path)
        .limits(little);
    let failure = attack.fails(FailureKind::Host).await;
    assert!(
        failure
            .detail
            .contains("more into folders in one run than 3 MiB"),
        "{failure}"
    );
    let files = std::fs::read_dir(folder.path()).unwrap();
    let bytes: u64 = files
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum();
    assert!(bytes <= 3 << 20, "{bytes}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display().to_string();
    let failure = instance("many-files")
        .set("directory", &path)
        .fails(FailureKind::Host)
        .await;
    assert!(
        failure.detail.contains("10000 files and folders"),
        "{failure}"
    );
}

/// The journal of all messengers stands on that disk.
#[tokio::test]
async fn below_the_floor_of_free_disk_nothing_is_taken() {
    let full = |limits: &mut Limits| {
        limits.run.disk_floor = u64::MAX;
        limits.run.floor_part = 1;
    };
    let folder = tempfile::tempdir().unwrap();
    let queue = folder.path().join("q");
    let failure = instance("accept")
        .queue(&queue)
        .limits(full)
        .fails(FailureKind::Room)
        .await;
    assert!(
        failure.detail.contains("kept free for what waits"),
        "{failure}"
    );
    assert!(messages(&queue).is_empty());
    let path = folder.path().display().to_string();
    let attack = instance("fill-folder").set("directory", &path).limits(full);
    let failure = attack.fails(FailureKind::Host).await;
    assert!(failure.detail.contains("make room there"), "{failure}");
}

/// d04: the process stayed for ever, and took no signal.
#[tokio::test]
async fn a_pipe_is_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let path = folder.path().display().to_string();
    let report = instance("open-pipe").set("directory", &path).report().await;
    assert_eq!(report, "false false");
}

/// Against h01: what stands for a mapper goes on for a messenger.
#[tokio::test]
async fn a_messengers_clock_moves() {
    let report = instance("wait-for-nothing").report().await;
    let waited: u64 = report.parse().unwrap();
    assert!(waited >= 20_000_000, "{waited}");
}
