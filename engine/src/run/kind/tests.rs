//! What each kind of run owns.

use super::*;

fn demo() -> (TempDir, Kind) {
    let folder = tempfile::tempdir().unwrap();
    let kind = Kind::demo(&folder.path().join("out")).unwrap();
    (folder, kind)
}

/// Of each: real, dry, online, clouds at a time.
#[test]
fn kinds_differ_in_nothing_else() {
    let facts = |kind: &Kind| {
        let clouds = kind.clouds_at_a_time();
        (kind.is_real(), kind.is_dry(), kind.is_online(), clouds)
    };
    let recorded = |dry| Kind::recorded("r".into(), false, dry).unwrap();
    assert_eq!(facts(&Kind::Real), (true, false, true, SIDE_BY_SIDE));
    assert_eq!(
        facts(&Kind::dry().unwrap()),
        (false, true, true, SIDE_BY_SIDE)
    );
    assert_eq!(facts(&recorded(false)), (true, false, true, 1));
    assert_eq!(facts(&recorded(true)), (false, true, true, 1));
    assert_eq!(facts(&demo().1), (false, false, false, 1));
}

#[test]
fn a_replays_clock_stands_at_the_recordings() {
    let (_folder, kind) = demo();
    let Kind::Replay { replayer, .. } = &kind else {
        panic!("a demo is a replay");
    };
    assert_eq!(kind.clock().now(), replayer.header().clock);
    assert!(Kind::Real.clock().now() > replayer.header().clock);
}

#[test]
fn a_dry_run_makes_nothing_in_the_spool() {
    let site = tempfile::tempdir().unwrap();
    let spooldir = site.path().join("spool");
    let kind = Kind::dry().unwrap();
    let spools = kind.spools(&spooldir).unwrap();
    assert!(!spooldir.exists());
    let journal = spools.journal.folder().to_owned();
    assert!(journal.is_dir());
    drop(kind);
    assert!(!journal.exists(), "its journal goes with it");
}

#[test]
fn a_replay_works_in_its_own_folder() {
    let (folder, kind) = demo();
    let spools = kind.spools(Path::new("/nowhere/at/all")).unwrap();
    let own = folder.path().canonicalize().unwrap().join("out/spool");
    assert_eq!(spools.cursors.folder(), own);
    assert_eq!(spools.journal.folder(), own);
}

#[test]
fn a_replays_folder_is_empty_or_new() {
    let folder = tempfile::tempdir().unwrap();
    assert!(new_folder(folder.path()).is_ok());
    assert!(new_folder(&folder.path().join("a/b")).is_ok());
    let used = new_folder(folder.path()).unwrap_err().to_string();
    assert!(used.ends_with("is not empty: a replay needs a folder of its own"));
}

/// A file, so that the test fails for root as well, who may read every folder.
#[test]
fn a_folder_that_cannot_be_read_is_not_an_empty_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = new_folder(&file).unwrap_err().to_string();
    assert_eq!(
        error,
        format!("cannot see whether `{}` is empty", file.display())
    );
}

#[test]
fn what_a_killed_dry_run_left_is_removed_and_a_running_ones_is_not() {
    let temporary = tempfile::tempdir().unwrap();
    // No process has the highest number that a kernel gives.
    let dead = temporary.path().join("caso-dry-run-4194304-abc");
    let ours = format!("caso-dry-run-{}-abc", std::process::id());
    let ours = temporary.path().join(ours);
    let other = temporary.path().join("caso-dry-run-notes");
    for folder in [&dead, &ours, &other] {
        fs::create_dir(folder).unwrap();
        fs::write(folder.join("records"), "x").unwrap();
    }
    remove_left_behind(temporary.path());
    assert!(!dead.exists());
    assert!(ours.join("records").exists());
    assert!(other.join("records").exists());
}
