//! The end of a run before its end: SIGKILL at many moments, SIGTERM, another
//! run that holds the lock. Nothing is lost; a delivery may be repeated.

use std::thread;
use std::time::Duration;

use caso_tests::cloud::{Fault, Rule, project_id};

use crate::clouds::{FROM, TO, in_every_cloud, plain, restless};

/// Killed after so many milliseconds, again and again, until a run is through.
#[test]
fn killed_at_any_moment_nothing_is_lost() {
    let world = restless();
    // Slow enough to be hit within every part of the extraction.
    world
        .cloud
        .inject(Rule::on("/"), Fault::Slow(Duration::from_millis(3)));
    let mut killed = 0;
    for step in 0..24_u64 {
        let site = world.site();
        let mut run = site.start(
            "caso-extract",
            &[],
            &["--extract-from", FROM, "--extract-to", TO],
        );
        thread::sleep(Duration::from_millis(15 + 13 * step));
        if run.runs() {
            killed += 1;
        }
        run.kill();
        // From the cursor, as cron would: what was extracted is not again.
        let after = site
            .extract(&["--extract-from", FROM, "--extract-to", TO])
            .expect(0);
        let found = site.cloud_records();
        for (id, mut right) in world.expected(&[0]) {
            let mut record = found.get(&id).cloned().unwrap_or_default();
            // A user vanished under an earlier one of these runs.
            record.remove("GlobalUserName");
            right.remove("GlobalUserName");
            assert_eq!(record, right, "killed after step {step}, {after}");
        }
    }
    assert!(killed > 3, "only {killed} runs were still at work");
}

#[test]
fn sigterm_ends_a_run_cleanly() {
    let world = plain();
    world
        .cloud
        .inject(Rule::on("/servers/detail"), Fault::Never);
    let site = world.site();
    site.extract(&["--dry-run", "--extract-from", FROM, "--extract-to", FROM]);
    let run = site.start(
        "caso-extract",
        &[],
        &["--extract-from", FROM, "--extract-to", TO],
    );
    while world.cloud.count("/servers/detail") == 0 {
        thread::sleep(Duration::from_millis(5));
    }
    let outcome = run.terminate();
    assert_eq!(outcome.signal(), None, "{outcome}");
    assert!(outcome.took < Duration::from_secs(30), "{outcome}");
    assert_eq!(site.cursor(&project_id(0)), None);
    world.cloud.heal();
    site.extract(&["--extract-from", FROM, "--extract-to", TO])
        .expect(0);
    world.check(&site, &[0]);
}

/// The second run waits as long as it was told, names the first, and ends
/// with 75.
#[test]
fn two_runs_do_not_meet() {
    in_every_cloud(|world| {
        world.cloud.inject(Rule::on("/compute"), Fault::Never);
        let mut site = world.site();
        site.set("DEFAULT", "lock_timeout", "1");
        let first = site.start(
            "caso-extract",
            &[],
            &["--extract-from", FROM, "--extract-to", TO],
        );
        while world.cloud.count("/compute") == 0 {
            thread::sleep(Duration::from_millis(5));
        }
        site.extract(&["--extract-from", FROM, "--extract-to", TO])
            .expect(75)
            .says(&first.id().to_string());
        first.kill();
    });
}
