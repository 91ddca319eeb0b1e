use super::*;
use crate::policy::InstanceName;

/// An instance and its grants, `$` for the test's folder.
struct Instance {
    granted: Granted,
    builtin: bool,
}

fn instance(name: &str, folder: &Path, builtin: bool, grants: &[&str]) -> Instance {
    let mut granted = Granted {
        instance: InstanceName::new(name),
        ..Granted::default()
    };
    for (number, text) in grants.iter().enumerate() {
        let text = text.replace('$', &folder.display().to_string());
        granted
            .grants
            .insert(number.to_string(), text.parse().unwrap());
    }
    Instance { granted, builtin }
}

fn refused(territory: &Territory, instances: &[Instance]) -> Vec<Option<String>> {
    let claims: Vec<Claim<'_>> = instances
        .iter()
        .map(|instance| Claim {
            granted: &instance.granted,
            builtin: instance.builtin,
        })
        .collect();
    let overlaps = territory.overlaps(&claims).into_iter();
    overlaps
        .map(|overlap| overlap.map(|overlap| overlap.to_string()))
        .collect()
}

struct Bed {
    folder: tempfile::TempDir,
    territory: Territory,
}

/// A spool, a cache in it, a configuration and a component.
fn bed() -> Bed {
    let folder = tempfile::tempdir().unwrap();
    let mut territory = Territory::default();
    let path = |name: &str| folder.path().join(name);
    for name in ["spool/cache", "etc/caso", "lib"] {
        std::fs::create_dir_all(path(name)).unwrap();
    }
    territory.folder("the spool", &path("spool"));
    territory.file("the configuration", &path("etc/caso/caso.conf"));
    territory.file("a component", &path("lib/x.wasm"));
    Bed { folder, territory }
}

impl Bed {
    fn site(&self, grants: &[&str]) -> Option<String> {
        let one = instance("evil", self.folder.path(), false, grants);
        let ssm = instance("ssm", self.folder.path(), true, &["queue:$/out/ssm"]);
        let answers = refused(&self.territory, &[one, ssm]);
        assert_eq!(answers[1], None, "what came with the host is not refused");
        answers[0].clone()
    }
}

/// c06, c07 and B5 of the reviews: code for the next run, the passwords, the journal.
#[test]
fn no_grant_covers_or_lies_in_what_the_host_lives_on() {
    let bed = bed();
    for (grant, relation) in [
        ("directory-write:$/spool", "is"),
        ("directory-write:$/spool/cache/wasm", "lies in"),
        ("directory-write:$", "contains"),
        ("directory:$", "contains"),
        ("directory:$/spool/journal", "lies in"),
        ("directory:$/etc", "contains"),
        ("directory:$/etc/caso", "contains"),
        ("directory:$/etc/caso/caso.conf", "is"),
        ("directory-write:$/lib", "contains"),
        ("queue:$/spool/journal", "lies in"),
        ("queue:$/etc", "contains"),
        ("directory:/", "lies in"),
        ("directory:/proc", "lies in"),
        ("directory:/proc/self", "lies in"),
        ("directory-write:/sys/kernel", "lies in"),
        ("directory:/dev", "lies in"),
        ("queue:/run/x", "lies in"),
        ("directory:/var/run/x", "lies in"),
    ] {
        let text = bed
            .site(&[grant])
            .unwrap_or_else(|| panic!("{grant} is granted"));
        assert!(text.contains(&format!(", which {relation} `")), "{text}");
        assert!(text.ends_with("grant it a place of its own"), "{text}");
    }
    for grant in [
        "directory-write:$/spool2",
        "directory:$/etc/caso/templates",
        "directory-write:$/lib/data",
        "queue:$/etc2",
        "queue:$/out/ssm",
        "queue:/dev/shm/q",
    ] {
        assert_eq!(bed.site(&[grant]), None, "{grant}");
    }
}

/// c04, c05 and B4: who may write there decides where the host writes.
#[test]
fn nobody_writes_above_or_in_a_queue() {
    let bed = bed();
    for grant in [
        "directory-write:$/out/ssm",
        "directory-write:$/out/ssm/68c00000",
        "directory-write:$/out",
        "directory:$/out",
        "queue:$/out/ssm/68c00000",
        "queue:$/out",
    ] {
        let text = bed
            .site(&[grant])
            .unwrap_or_else(|| panic!("{grant} is granted"));
        assert!(text.contains("(the queue of messenger `ssm`)"), "{text}");
    }
    for own in [
        ["queue:$/q", "directory-write:$/q"],
        ["queue:$/w/q", "directory-write:$/w"],
        ["queue:$/w", "directory-write:$/w/q"],
    ] {
        let text = bed.site(&own).unwrap();
        assert!(text.contains("(the queue of messenger `evil`)"), "{text}");
    }
    assert_eq!(bed.site(&["queue:$/q", "directory:$/q"]), None);
    assert_eq!(bed.site(&["queue:$/q", "directory-write:$/w"]), None);
}

/// The one whose grant is in the way is refused, wherever it stands in the list.
#[test]
fn one_that_has_a_queue_does_not_pay_for_one_that_may_write_there() {
    let bed = bed();
    let honest = |builtin| instance("honest", bed.folder.path(), builtin, &["queue:$/w/q"]);
    let sly = || instance("sly", bed.folder.path(), false, &["directory-write:$/w"]);
    for instances in [[honest(false), sly()], [honest(true), sly()]] {
        let answers = refused(&bed.territory, &instances);
        assert!(answers[0].is_none() && answers[1].is_some(), "{answers:?}");
    }
    let answers = refused(&bed.territory, &[sly(), honest(false)]);
    assert!(answers[0].is_some() && answers[1].is_none(), "{answers:?}");
}

#[test]
fn a_folder_that_may_be_written_is_one_instances_alone() {
    let bed = bed();
    for (first, second, refuses) in [
        ("directory-write:$/d", "directory-write:$/d", true),
        ("directory-write:$/d", "directory:$/d/e", true),
        ("directory:$/d", "directory-write:$/d/e", true),
        ("directory:$/d", "directory:$/d", false),
        ("directory-write:$/d", "directory-write:$/e", false),
        ("queue:$/d", "queue:$/d", false),
        ("queue:$/d", "queue:$/d/e", true),
    ] {
        let instances = [first, second].map(|grant| {
            let name = grant.split(':').next().unwrap();
            instance(name, bed.folder.path(), false, &[grant])
        });
        let answers = refused(&bed.territory, &instances);
        assert_eq!(answers[0], None, "{first} {second}");
        assert_eq!(answers[1].is_some(), refuses, "{first} {second}");
    }
    let both = ["directory:$/d", "directory-write:$/d/out"];
    assert_eq!(bed.site(&both), None, "of one instance");
}

/// Names do not count, places do.
#[test]
fn links_are_seen_through_in_both_directions() {
    let bed = bed();
    let at = |name: &str| bed.folder.path().join(name);
    std::fs::create_dir_all(at("out/ssm")).unwrap();
    let link = |to: &str, name: &str| std::os::unix::fs::symlink(at(to), at(name)).unwrap();
    link("spool", "innocent");
    link("out", "outside");
    link("etc/caso", "templates");
    for grant in [
        "directory-write:$/innocent",
        "directory-write:$/innocent/cache",
        "directory-write:$/outside/ssm",
        "directory-write:$/outside/ssm/68c00000",
        "directory:$/templates",
    ] {
        assert!(bed.site(&[grant]).is_some(), "{grant}");
    }
    // The host's own path leads through a link that the guest could replace.
    let mut territory = Territory::default();
    territory.folder("the spool", &at("outside/spool"));
    let grants = ["directory-write:$/out"];
    let sly = instance("sly", bed.folder.path(), false, &grants);
    assert!(refused(&territory, &[sly])[0].is_some());
}
