//! The operator's first day: what is wrong is said before anything is asked,
//! and said so that it can be mended.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use caso_stand_in::project_id;
use caso_tests::site::runs_as_root;

use crate::clouds::{FROM, TO, plain, restless};

const WINDOW: [&str; 4] = ["--extract-from", FROM, "--extract-to", TO];

/// A file stands where the spool should be: found before Keystone is asked.
#[test]
fn a_folder_that_is_none_is_found_before_keystone() {
    let world = plain();
    let mut site = world.site();
    let path = site.path().join("in-the-way");
    fs::write(&path, "").unwrap();
    site.set("DEFAULT", "spooldir", &path.display().to_string());
    site.extract(&WINDOW).expect(1).says("in-the-way");
    assert!(world.cloud.seen().is_empty(), "Keystone was asked first");
}

/// The queue's folder as well, which the component asks for and the host makes.
#[test]
fn a_queue_that_cannot_be_made_is_found_before_keystone() {
    let world = plain();
    let mut site = world.site();
    let path = site.path().join("in-the-way");
    fs::write(&path, "").unwrap();
    site.set(
        "ssm",
        "output_path",
        &path.join("ssm").display().to_string(),
    );
    let outcome = site.extract(&WINDOW).expect(1).says("in-the-way");
    assert!(
        world.cloud.seen().is_empty(),
        "Keystone was asked first: {outcome}"
    );
}

/// Names path, owner and our user, before Keystone is asked.
#[test]
fn a_folder_of_somebody_else_is_named_with_its_owner() {
    let world = plain();
    let mut site = world.site();
    site.without_root();
    let locked = site.path().join("locked");
    fs::create_dir(&locked).unwrap();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o555)).unwrap();
    for (section, option) in [("DEFAULT", "spooldir"), ("ssm", "output_path")] {
        let mut site = world.site();
        site.without_root();
        let path = locked.join(option).display().to_string();
        site.set(section, option, &path);
        site.extract(&WINDOW)
            .expect(1)
            .says(&format!("`{}` belongs to", locked.display()))
            .says(&format!(
                "hint: make it for `nobody`: install -d -o nobody {path}"
            ));
    }
    assert!(world.cloud.seen().is_empty(), "Keystone was asked first");
}

/// The link is there: that it cannot be looked at would help nobody.
#[test]
fn a_link_to_what_is_not_there_is_named_with_what_makes_it() {
    let world = plain();
    for (section, option) in [("DEFAULT", "spooldir"), ("ssm", "output_path")] {
        let mut site = world.site();
        let (link, gone) = (site.path().join("link"), site.path().join("gone"));
        symlink(&gone, &link).unwrap();
        site.set(section, option, &link.display().to_string());
        let gone = gone.display();
        site.extract(&WINDOW)
            .expect(1)
            .says(&format!("is a link to `{gone}`, which is not there"))
            .says(&format!("mkdir -p {gone}, or correct the link"));
    }
    assert!(world.cloud.seen().is_empty(), "Keystone was asked first");
}

/// As where root ran cASO once: the command that mends it, for all of the spool.
#[test]
fn a_file_of_root_in_the_spool_has_the_command_that_gives_it_back() {
    // Nobody else may give files away.
    if !runs_as_root() {
        return;
    }
    let world = plain();
    for place in [
        "caso-journal/journal.json",
        "caso-journal/messengers",
        "caso-journal/segments",
    ] {
        let mut site = world.site();
        site.without_root();
        site.extract(&["--extract-from", FROM, "--extract-to", "2026-10-09"])
            .expect(0);
        let path = site.spool().join(place);
        chown(&path, Some(0), Some(0)).unwrap();
        let mode = if path.is_dir() { 0o700 } else { 0o600 };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let whole = site.spool();
        site.extract(&["--extract-to", TO])
            .expect(1)
            .says("belongs to `root:root`")
            .says("we run as `nobody`")
            .says(&format!("chown -R nobody {}", whole.display()));
        let given = std::process::Command::new("chown")
            .args(["-R", "nobody"])
            .arg(&whole)
            .status();
        assert!(given.unwrap().success());
        site.extract(&["--extract-to", TO]).expect(0);
    }
}

/// What is compiled lies in files that the umask leaves open: they are not mistrusted for it.
#[test]
fn with_the_umask_of_the_documentation_compiled_code_is_kept() {
    let world = plain();
    let mut site = world.site();
    let cache = site.path().join("cache");
    site.set("DEFAULT", "cache_dir", &cache.display().to_string());
    let run = |to: &str| {
        site.extract_with_umask("007", &["--extract-from", FROM, "--extract-to", to])
            .expect(0)
            .never_says("recompiled");
        let mut found = BTreeMap::new();
        code(&cache.join("wasm/modules"), &mut found);
        found
    };
    let compiled = run("2026-10-09");
    assert!(!compiled.is_empty());
    assert_eq!(run(TO), compiled);
}

/// Files of compiled code, and when each was written. None is open to others.
fn code(folder: &Path, found: &mut BTreeMap<PathBuf, SystemTime>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let meta = fs::metadata(&path).unwrap();
        if meta.is_dir() {
            assert_eq!(meta.mode() & 0o077, 0, "{}", path.display());
            code(&path, found);
        } else if path.extension().is_none() {
            assert_eq!(meta.mode() & 0o022, 0, "{}", path.display());
            found.insert(path, meta.modified().unwrap());
        }
    }
}

/// A file of another user among the site's own costs what it is of, by name.
#[test]
fn a_cursor_of_somebody_else_costs_its_project_alone() {
    let world = restless();
    let mut site = world.site();
    site.without_root();
    site.extract(&["--extract-from", FROM, "--extract-to", "2026-10-09"])
        .expect(0);
    let cursors = site
        .spool()
        .join("caso-cursors")
        .join(format!("{}.json", project_id(1)));
    fs::set_permissions(&cursors, fs::Permissions::from_mode(0o000)).unwrap();
    site.extract(&["--extract-to", TO])
        .expect(3)
        .says(&cursors.display().to_string())
        .says("Permission denied");
    assert!(site.cursor(&project_id(0)).unwrap().starts_with(TO));
    assert!(
        site.cursor(&project_id(1))
            .unwrap()
            .starts_with("2026-10-09")
    );
}

#[test]
fn a_bad_value_is_named_with_file_line_and_option() {
    let world = plain();
    let mut site = world.site();
    site.set("DEFAULT", "concurrency", "lots");
    let outcome = site
        .extract(&WINDOW)
        .expect(2)
        .says("concurrency")
        .says("lots")
        .says("caso.conf:");
    assert!(world.cloud.seen().is_empty(), "{outcome}");
}

/// An option of a component's own is its component's affair: that messenger
/// waits, and says why; the extraction goes on.
#[test]
fn a_bad_value_of_a_messenger_is_that_messengers_affair() {
    let world = plain();
    let mut site = world.site();
    site.set("ssm", "max_size", "lots");
    site.extract(&WINDOW)
        .expect(3)
        .says("max_size")
        .says("lots")
        .says("caso.conf:");
    assert!(site.messages().is_empty());
    site.set("ssm", "max_size", "100");
    site.deliver().expect(0);
    world.check(&site, &[0]);
}

/// Once for each state of the configuration, not every hour.
#[test]
fn an_unknown_option_is_said_once_with_the_nearest_known() {
    let world = plain();
    let mut site = world.site();
    site.set("DEFAULT", "mesengers", "ssm");
    site.extract(&["--extract-from", FROM, "--extract-to", "2026-10-07"])
        .expect(0)
        .says("mesengers")
        .says("messengers");
    site.extract(&["--extract-to", "2026-10-08"])
        .expect(0)
        .never_says("mesengers");
    site.set("DEFAULT", "vo_proprety", "VO");
    site.extract(&["--extract-to", TO])
        .expect(0)
        .says("vo_proprety");
}

#[test]
fn a_messenger_that_does_not_exist_is_named() {
    let world = plain();
    let mut site = world.site();
    site.set("DEFAULT", "messengers", "sms");
    site.extract(&WINDOW).expect(2).says("sms").says("ssm");
    assert!(world.cloud.seen().is_empty(), "Keystone was asked first");
}

/// All extractors of the default list run, whether there is anything to extract
/// or not.
#[test]
fn the_default_extractors_are_named_and_no_failure() {
    let world = plain();
    let mut site = world.site();
    site.unset("DEFAULT", "extractor");
    site.extract(&["--extract-from", FROM, "--extract-to", TO, "--summary"])
        .expect(0)
        .says("cinder")
        .says("neutron");
    world.check(&site, &[0]);
}

/// cASO's class paths are names of the same instances.
#[test]
fn class_paths_of_old_versions_are_messengers() {
    let world = plain();
    let mut site = world.site();
    site.set(
        "DEFAULT",
        "messengers",
        "caso.messenger.ssm.SSMMessengerV04",
    );
    site.extract(&WINDOW).expect(0);
    world.check(&site, &[0]);
}

/// What waits is named, also when its messenger has left the configuration.
#[test]
fn what_waits_is_in_the_summary() {
    let world = plain();
    let mut site = world.site();
    site.with_mischief("retry");
    site.extract(&WINDOW)
        .expect(3)
        .says("wait for messenger `mischief`");
    site.set("DEFAULT", "messengers", "ssm");
    site.extract(&["--extract-to", "2026-10-17", "--summary"])
        .expect(0)
        .says("wait for messenger `mischief`")
        .says("no longer in `messengers`");
    assert!(site.cursor(&project_id(0)).is_some());
}

#[test]
fn the_version_is_all_that_version_prints() {
    let site = plain().site();
    let outcome = site
        .start("caso-extract", &["--version"], &[])
        .finish()
        .expect(0);
    assert!(
        outcome
            .stdout
            .trim()
            .split('.')
            .all(|part| part.parse::<u32>().is_ok()),
        "{outcome}"
    );
}

#[test]
fn an_unknown_flag_is_a_wrong_command_line() {
    let world = plain();
    world.site().extract(&["--extract-form", FROM]).expect(2);
    assert!(world.cloud.seen().is_empty());
}

/// What ships is what the option table says.
#[test]
fn the_sample_is_generated() {
    let site = plain().site();
    let mut command = site.command("caso");
    let output = command.arg("sample").output().unwrap();
    let shipped = fs::read(caso_tests::build::workspace().join("etc/caso.conf.sample")).unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&shipped)
    );
}

#[test]
fn what_was_set_aside_is_in_the_summary_until_it_is_taken_away() {
    let world = plain();
    let mut site = world.site();
    site.with_mischief("retry");
    site.extract(&WINDOW).expect(3);
    let journal = site.spool().join("caso-journal");
    let segment = fs::read_dir(journal.join("segments"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|ending| ending == "seg"))
        .unwrap();
    let text = fs::read(&segment).unwrap();
    fs::write(&segment, &text[..text.len() - 20]).unwrap();
    site.deliver().says("end is missing");
    let summary = || {
        let run = site.start("caso", &["deliver"], &["--summary"]);
        run.finish()
    };
    summary()
        .says("1 damaged segment of the journal lies in")
        .says("hint: caso extract --caso_tag ''")
        .says(" && rm ");
    let status = site.start("caso", &["status"], &[]).finish();
    status
        .expect(1)
        .says("look at")
        .says("1 damaged segment set aside");
    fs::remove_dir_all(journal.join("set-aside")).unwrap();
    summary().never_says("damaged");
}
