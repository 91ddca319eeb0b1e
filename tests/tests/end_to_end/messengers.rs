//! Messengers that misbehave: nobody else is harmed, and nothing lost.

use std::time::Duration;

use caso_stand_in::project_id;
use caso_tests::logstash::{Logstash, Mood};
use caso_tests::outcome::Outcome;
use caso_tests::site::Site;

use crate::clouds::{FROM, TO, World, in_every_cloud, plain};

fn extract(site: &Site) -> Outcome {
    site.extract(&["--extract-from", FROM, "--extract-to", TO])
}

fn all(world: &World) -> Vec<usize> {
    (0..world.plan.projects.len()).collect()
}

/// The messenger does that and `ssm` beside it delivers all the same; then it
/// behaves, and what waited for it is delivered without an OpenStack.
fn harms_nobody(verb: &str) {
    in_every_cloud(|world| {
        let mut site = world.site();
        site.with_mischief(verb);
        site.set("messenger_mischief", "timeout", "5")
            .set("messenger_mischief", "deadline", "1");
        let outcome = extract(&site).expect(3);
        outcome.says("mischief");
        world.check(&site, &all(world));
        let messages = site.messages().len();

        site.set("mischief", "verb", "accept");
        world.cloud.forget_seen();
        site.deliver().expect(0);
        assert!(world.cloud.seen().is_empty(), "deliver asked OpenStack");
        assert_eq!(
            site.messages().len(),
            messages,
            "ssm delivered something twice"
        );
    });
}

#[test]
fn one_that_loops() {
    harms_nobody("loop");
}

#[test]
fn one_that_asks_for_more_time() {
    harms_nobody("retry");
}

#[test]
fn one_that_is_misconfigured() {
    harms_nobody("misconfigured");
}

#[test]
fn one_that_does_not_start() {
    harms_nobody("refuse-to-start");
}

#[test]
fn one_that_traps_on_everything() {
    traps("trap");
}

#[test]
fn one_that_allocates_without_end() {
    traps("allocate");
}

#[test]
fn one_that_names_a_record_that_is_not_there() {
    traps("refuse-beyond");
}

#[test]
fn one_that_accepts_more_than_there_is() {
    traps("accept-too-many");
}

/// Whether it goes to quarantine or waits is the messenger's misfortune; that
/// `ssm` has everything and the run says so is what counts.
fn traps(verb: &str) {
    in_every_cloud(|world| {
        let mut site = world.site();
        site.with_mischief(verb);
        extract(&site).expect(3).says("mischief");
        world.check(&site, &all(world));
    });
}

/// Halved down to the one record, which goes to quarantine.
#[test]
fn one_that_traps_on_one_record_only() {
    in_every_cloud(|world| {
        let mut site = world.site();
        site.with_mischief("trap-on")
            .set("mischief", "victim", "vm-0-4");
        let outcome = extract(&site).expect(3).says("1 record is in quarantine");
        world.check(&site, &all(world));
        assert!(!outcome.stderr.contains("vm-0-5"), "{outcome}");
        // Nothing waits any more: the next run is a clean one.
        site.deliver().expect(0);
    });
}

#[test]
fn one_that_refuses_a_record() {
    let world = plain();
    let mut site = world.site();
    site.with_mischief("refuse-first");
    extract(&site)
        .expect(3)
        .says("out of mischief")
        .says("1 record is in quarantine");
    world.check(&site, &[0]);
}

/// Megabytes of output are bounded, and carry no control characters.
#[test]
fn one_that_prints_megabytes() {
    let world = plain();
    let mut site = world.site();
    site.with_mischief("shout");
    let outcome = extract(&site).expect(0);
    let printed = outcome.stdout.len() + outcome.stderr.len();
    assert!(printed < 1 << 20, "{printed} bytes");
    assert!(!outcome.stderr.contains('\x1b') && !outcome.stdout.contains('\x1b'));
    world.check(&site, &[0]);
}

#[test]
fn one_that_asks_for_what_it_was_not_granted() {
    let world = plain();
    let mut site = world.site();
    site.with_mischief("ask");
    // It took the denial well; had it been let in, it would have trapped.
    extract(&site).expect(0);
    world.check(&site, &[0]);
}

/// A capability that the site did not grant: not started, and the message says
/// which line would grant it.
#[test]
fn one_that_would_like_a_queue() {
    let world = plain();
    let mut site = world.site();
    let queue = site.path().join("mine").display().to_string();
    site.with_mischief("put").set("mischief", "output", &queue);
    extract(&site)
        .expect(3)
        .says("grants")
        .says("messenger_mischief");
    assert!(caso_tests::spool::read(&site.path().join("mine")).is_empty());

    site.set("messenger_mischief", "grants", &format!("queue:{queue}"));
    extract(&site).expect(0);
    let texts: Vec<String> = caso_tests::spool::read(&site.path().join("mine"))
        .into_iter()
        .map(|message| message.text)
        .collect();
    assert!(
        !texts.is_empty() && texts.iter().all(|text| text == "hello\n"),
        "{texts:?}"
    );
}

/// What was put into a queue appears when deliver returned well, and not before.
#[test]
fn one_that_traps_after_a_message() {
    let world = plain();
    let mut site = world.site();
    let queue = site.path().join("mine").display().to_string();
    site.with_mischief("put-and-trap")
        .set("mischief", "output", &queue)
        .set("messenger_mischief", "grants", &format!("queue:{queue}"));
    extract(&site).expect(3);
    assert!(caso_tests::spool::read(&site.path().join("mine")).is_empty());
}

/// A list that is empty, or whose line is gone, would throw away all that is extracted from then on.
#[test]
fn a_list_of_messengers_that_was_lost_loses_no_record() {
    let world = plain();
    let mut site = world.site();
    site.extract(&["--extract-to", "2026-11-01"]).expect(0);
    let before = site.cursor(&project_id(0));
    site.set("DEFAULT", "messengers", "");
    let november = ["--extract-to", "2026-11-02"];
    site.extract(&november)
        .expect(2)
        .says("`messengers` names none")
        .says("hint: for APEL write `messengers = ssm`");
    site.unset("DEFAULT", "messengers");
    site.extract(&november)
        .expect(2)
        .says("this spool has records delivered to `ssm`")
        .says("hint: write `messengers = ssm` again, or `messengers = noop` where that is meant");
    assert_eq!(site.cursor(&project_id(0)), before);
    site.extract(&["--extract-to", "2026-11-02", "--dry-run"])
        .expect(0);
    site.set("DEFAULT", "messengers", "ssm");
    site.extract(&november).expect(0);
    assert_ne!(site.cursor(&project_id(0)), before);
    // On purpose.
    site.set("DEFAULT", "messengers", "noop");
    site.extract(&["--extract-to", "2026-11-03"]).expect(0);
}

fn at_logstash(world: &World, port: u16) -> Site {
    let mut site = world.site();
    site.set("DEFAULT", "messengers", "logstash, ssm")
        .set("logstash", "host", "127.0.0.1")
        .set("logstash", "port", &port.to_string());
    site
}

/// The servers that Logstash was told of; it may be told twice.
fn told(logstash: &Logstash) -> std::collections::BTreeSet<String> {
    logstash
        .lines()
        .iter()
        .filter(|line| line.get("MachineName").is_some())
        .filter_map(|line| Some(line.get("VMUUID")?.as_str()?.to_owned()))
        .collect()
}

fn logstash_has_all(world: &World, logstash: &Logstash) {
    let told = told(logstash);
    for id in world.expected(&all(world)).keys() {
        assert!(told.contains(id), "logstash was never told of {id}");
    }
}

#[test]
fn logstash_gets_a_line_a_record() {
    in_every_cloud(|world| {
        let logstash = Logstash::start(Mood::Normal);
        let site = at_logstash(world, logstash.port());
        extract(&site).expect(0);
        world.check(&site, &all(world));
        logstash_has_all(world, &logstash);
    });
}

#[test]
fn logstash_is_down() {
    in_every_cloud(|world| {
        let site = at_logstash(world, Logstash::down());
        extract(&site).expect(3).says("logstash");
        world.check(&site, &all(world));
        let logstash = Logstash::start(Mood::Normal);
        let mut site = site;
        site.set("logstash", "port", &logstash.port().to_string());
        site.deliver().expect(0);
        logstash_has_all(world, &logstash);
    });
}

#[test]
fn logstash_is_slow() {
    let world = plain();
    let logstash = Logstash::start(Mood::Slow {
        bytes: 512,
        pause: Duration::from_millis(2),
    });
    let site = at_logstash(&world, logstash.port());
    extract(&site).expect(0);
    world.check(&site, &[0]);
    logstash_has_all(&world, &logstash);
}

#[test]
fn logstash_closes_half_way() {
    in_every_cloud(|world| {
        let logstash = Logstash::start(Mood::ClosesAfter(700));
        let site = at_logstash(world, logstash.port());
        // Both codes are right: TCP takes what Logstash will never read, and
        // whether we see in time that it has closed is the network's affair. That
        // nothing is lost once Logstash is well, if we saw it, is ours.
        let outcome = extract(&site);
        assert!(matches!(outcome.code(), 0 | 3), "{outcome}");
        world.check(&site, &all(world));
        logstash.set_mood(Mood::Normal);
        if outcome.code() == 3 {
            site.deliver().expect(0);
            logstash_has_all(world, &logstash);
        }
    });
}
