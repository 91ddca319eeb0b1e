//! It reaches what it was granted and nothing else.

use super::*;

#[tokio::test]
async fn a_name_that_was_not_granted_is_denied_with_the_line_to_add() {
    let report = instance("ask-ungranted").report().await;
    assert!(
        report.contains("no queue `elsewhere` is granted"),
        "{report}"
    );
    assert!(
        report.contains("add `queue:/path` to `grants` in [messenger_mine]"),
        "{report}"
    );
    assert!(
        report.contains("no connection `elsewhere` is granted"),
        "{report}"
    );
    assert_eq!(report.matches("Denied").count(), 2, "{report}");
}

#[tokio::test]
async fn there_is_no_environment_no_argument_no_file() {
    let report = instance("env").report().await;
    assert_eq!(
        report,
        "0 variables, 0 arguments, root closed, stdin Ok(\"\")"
    );
    let report = instance("write-file").report().await;
    assert!(!report.contains("written"), "{report}");
}

#[tokio::test]
async fn a_directory_is_that_directory() {
    let dir = tempfile::tempdir().unwrap();
    let (inside, outside) = (dir.path().join("inside"), dir.path().join("outside"));
    std::fs::create_dir(&inside).unwrap();
    std::os::unix::fs::symlink(&outside, inside.join("link")).unwrap();
    let writer = instance("write-file").set("directory", &inside.display().to_string());
    let report = writer.report().await;
    assert_eq!(
        report,
        "/tmp/x refused, x refused, /etc/passwd refused, /data/x written, /data/../x refused, \
         /data/link refused"
    );
    assert_eq!(
        std::fs::read_to_string(inside.join("x")).unwrap(),
        "hostile"
    );
    assert!(!outside.exists() && !dir.path().join("x").exists());
}

#[tokio::test]
async fn a_directory_to_read_is_not_written() {
    let dir = tempfile::tempdir().unwrap();
    let mut requests = guests().await.hostile.description.capabilities.clone();
    requests.retain(|request| request.name == "data");
    requests[0].kind = "directory".to_owned();
    let settings = [text("directory", &dir.path().display().to_string())];
    let granted = decide(&mine(), &requests, &settings, Policy::Builtin).unwrap();
    let report = instance("write-file").granted(granted).report().await;
    assert!(report.contains("/data/x refused"), "{report}");
}

#[tokio::test]
async fn a_directory_that_is_gone_is_the_hosts_failure() {
    let gone = instance("accept").set("directory", "/no/such/folder");
    let failure = gone.fails(FailureKind::Host).await;
    assert!(failure.detail.contains("`/no/such/folder`"), "{failure}");
}
