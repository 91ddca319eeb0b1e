use caso_model::Window;
use caso_model::usage::{Counters, Flavor, SizeSpan};
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::*;

fn id(number: u32) -> Uuid {
    Uuid::from_u128(u128::from(number) << 40 | 7)
}

fn sighting(number: u32, vcpus: u32, life: Life) -> Sighting<'static> {
    Sighting {
        id: id(number),
        vcpus: Some(vcpus),
        flavor: None,
        created: Some(100),
        launched: Some(110),
        life,
    }
}

fn bytes(history: &mut History, as_of: i64) -> Vec<u8> {
    let mut bytes = Vec::new();
    let written: Result<(), std::convert::Infallible> = history.write(as_of, 1_000, |piece| {
        bytes.extend_from_slice(piece);
        Ok(())
    });
    written.unwrap();
    bytes
}

/// As the next run opens it.
fn next(history: &mut History, as_of: i64) -> History {
    History::read(&bytes(history, as_of)[..]).unwrap()
}

#[test]
fn a_server_that_was_never_resized_takes_24_bytes() {
    let mut history = History::empty();
    let without = bytes(&mut history, 1_000).len();
    for number in 0..1_000 {
        history.note(&sighting(number, 4, Life::Alive), 1_000);
    }
    let with = bytes(&mut history, 1_000).len();
    // Three more digits in the header's count, and one line for the size that all have.
    assert_eq!(with - without, 24 * 1_000 + 3 + "{\"vcpus\":4}\n".len());
    assert_eq!(next(&mut history, 1_000).len(), 1_000);
}

#[test]
fn sizes_are_remembered_from_the_first_change_on() {
    let mut first = History::empty();
    let nothing = first.note(&sighting(1, 16, Life::Alive), 1_000);
    assert_eq!(nothing, []);
    let mut second = next(&mut first, 1_000);
    let resized = Sighting {
        launched: Some(1_500),
        ..sighting(1, 2, Life::Alive)
    };
    let known = second.note(&resized, 2_000);
    let spans: Vec<_> = known.iter().map(|s| (s.since, s.vcpus)).collect();
    assert_eq!(spans, [(100, 16), (1_500, 2)]);
    // It is known to the runs after, too, and when it ends.
    let mut third = next(&mut second, 2_000);
    let ended = Sighting {
        life: Life::Ended,
        ..resized
    };
    assert_eq!(third.note(&ended, 3_000).len(), 2);
    assert_eq!(next(&mut third, 3_000).len(), 1);
}

/// Server 1, as `flavor` from a boot at `launched` on.
fn flavored(flavor: &str, vcpus: u32, launched: i64, life: Life) -> Sighting<'_> {
    Sighting {
        flavor: Some(flavor),
        launched: Some(launched),
        ..sighting(1, vcpus, life)
    }
}

fn flavor(id: &str) -> Flavor {
    Flavor {
        id: id.to_owned(),
        extra_specs: Some(Vec::new()),
        ..Flavor::default()
    }
}

#[test]
fn flavors_are_remembered_from_the_first_change_on() {
    let mut first = History::empty();
    let plain = flavored("plain", 4, 110, Life::Alive);
    assert_eq!(first.note(&plain, 1_000), []);
    let mut second = next(&mut first, 1_000);
    assert_eq!(second.flavors(id(1), 0).collect::<Vec<_>>(), ["plain"]);
    assert_eq!(second.flavors(id(2), 0).count(), 0);
    // The CPUs stay.
    let with_gpus = flavored("gpus", 4, 1_500, Life::Alive);
    let story = |known: &[SizeSpan]| -> Vec<(i64, u32, String)> {
        let spans = known.iter();
        spans
            .map(|it| (it.since, it.vcpus, it.flavor_id.clone().unwrap_or_default()))
            .collect()
    };
    let expected = [(100, 4, "plain".to_owned()), (1_500, 4, "gpus".to_owned())];
    assert_eq!(story(&second.note(&with_gpus, 2_000)), expected);
    // Known to the runs after, and when it ends, and for as long as its month may be sent again.
    let mut third = next(&mut second, 2_000);
    let had = |history: &History, since| history.flavors(id(1), since).map(str::to_owned).collect();
    let all: Vec<String> = had(&third, 1_499);
    let last: Vec<String> = had(&third, 1_500);
    assert_eq!(
        (all.concat(), last.concat()),
        ("plaingpus".into(), "gpus".into())
    );
    // No API tells the flavor today.
    let unknown = sighting(1, 4, Life::Alive);
    assert_eq!(story(&third.note(&unknown, 3_000)), expected);
    let mut fourth = next(&mut third, 3_000);
    let ended = flavored("gpus", 4, 1_500, Life::Ended);
    assert_eq!(story(&fourth.note(&ended, 4_000)), expected);
    let mut later = next(&mut fourth, 4_000 + 399 * 86_400);
    assert_eq!(later.len(), 1);
    assert_eq!(next(&mut later, 4_001 + 400 * 86_400).len(), 0);
}

/// From the first run on that sees it: it may be gone before its server leaves it. One that nobody
/// has had is not kept, nor one whose servers are forgotten.
#[test]
fn flavors_are_kept_as_they_last_were() {
    let mut first = History::empty();
    first.note(&flavored("a", 4, 110, Life::Alive), 1_000);
    first.keep_flavor(&flavor("a"));
    let mut second = next(&mut first, 1_000);
    assert_eq!(second.kept_flavor("a"), Some(&flavor("a")));
    second.note(&flavored("b", 4, 1_500, Life::Alive), 2_000);
    second.keep_flavor(&flavor("c"));
    let mut third = next(&mut second, 2_000);
    assert_eq!(third.kept_flavor("a"), Some(&flavor("a")));
    assert_eq!(third.kept_flavor("c"), None);
    // Hidden for a while, and then others.
    let hidden = Flavor {
        extra_specs: None,
        ..flavor("a")
    };
    third.keep_flavor(&hidden);
    assert_eq!(third.kept_flavor("a"), Some(&flavor("a")));
    let renamed = Flavor {
        name: Some("new".to_owned()),
        ..flavor("a")
    };
    third.keep_flavor(&renamed);
    assert_eq!(third.kept_flavor("a"), Some(&renamed));
    third.note(&flavored("b", 4, 1_500, Life::Ended), 3_000);
    let mut later = next(&mut third, 3_001 + 400 * 86_400);
    assert_eq!(
        next(&mut later, 3_001 + 400 * 86_400).kept_flavor("a"),
        None
    );
}

/// As the first version wrote it: the CPUs where the number of size and flavor is now.
#[test]
fn a_history_of_format_1_is_read() {
    let mut body = br#"{"format":1,"engine":"caso 6.0.0","as_of":1000,"servers":3,"more":1}
"#
    .to_vec();
    for (number, vcpus, more) in [(1, 16, 0), (2, u32::MAX, 0), (3, 0, 1_u32)] {
        body.extend(id(number).into_bytes());
        body.extend(u32::to_le_bytes(vcpus));
        body.extend(more.to_le_bytes());
    }
    body.extend(br#"{"sizes":[{"since":100,"vcpus":2},{"since":500,"vcpus":0}]}"#);
    body.push(b'\n');
    let sha256 = caso_base::digest::hex(&Sha256::digest(&body));
    body.extend(format!("{{\"sha256\":\"{sha256}\"}}\n").bytes());
    let mut history = History::read(&body[..]).unwrap();
    let vcpus = |known: Vec<SizeSpan>| known.iter().map(|it| it.vcpus).collect::<Vec<_>>();
    // The flavor that is seen first is no other one.
    let same = flavored("a", 16, 110, Life::Alive);
    assert_eq!(history.note(&same, 2_000), []);
    let unknown = sighting(2, 8, Life::Alive);
    assert_eq!(history.note(&unknown, 2_000), []);
    let resized = Sighting {
        launched: Some(1_500),
        ..sighting(3, 4, Life::Alive)
    };
    assert_eq!(vcpus(history.note(&resized, 2_000)), [2, 0, 4]);
    let mut again = next(&mut history, 2_000);
    let resized = flavored("b", 4, 2_500, Life::Alive);
    assert_eq!(vcpus(again.note(&resized, 3_000)), [16, 4]);
}

#[test]
fn where_no_api_gives_the_size_the_last_one_holds() {
    let mut first = History::empty();
    first.note(&sighting(1, 16, Life::Alive), 1_000);
    let mut second = next(&mut first, 1_000);
    let unknown = Sighting {
        vcpus: None,
        ..sighting(1, 0, Life::Alive)
    };
    let sizes = second.note(&unknown, 2_000);
    assert_eq!((sizes.len(), sizes[0].vcpus), (1, 16));
}

#[test]
fn who_was_alive_and_is_not_shown_is_missing() {
    let mut first = History::empty();
    for (number, life) in [
        (1, Life::Alive),
        (2, Life::Hidden(900)),
        (3, Life::Ended),
        (4, Life::Alive),
    ] {
        first.note(&sighting(number, 1, life), 1_000);
    }
    assert_eq!(first.missing().count(), 0, "new ones are not missing");
    let mut second = next(&mut first, 1_000);
    second.note(&sighting(4, 1, Life::Alive), 2_000);
    assert_eq!(second.missing().collect::<Vec<_>>(), [id(1), id(2)]);
    assert_eq!(second.changed_since(50), Some(900));
    second.note(&sighting(2, 1, Life::Hidden(900)), 2_000);
    assert_eq!(second.changed_since(50), Some(950));
    assert_eq!(second.miss(id(1), 2_000, 5_000), Some(1_000));
    assert_eq!(
        (second.missing().count(), second.changed_since(50)),
        (0, None)
    );
}

#[test]
fn a_server_that_is_nowhere_is_looked_for_again_and_then_given_up() {
    let mut history = History::empty();
    history.note(&sighting(1, 1, Life::Alive), 1_000);
    for (until, said) in [(2_000, Some(1_000)), (3_000, None), (6_001, None)] {
        history = next(&mut history, until - 1_000);
        assert_eq!(history.missing().count(), 1, "{until}");
        assert_eq!(history.changed_since(50), Some(950));
        assert_eq!(history.miss(id(1), until, 5_000), said);
    }
    history = next(&mut history, 6_001);
    assert_eq!(history.missing().count(), 0);
    // Should it come back, and nobody know of a boot, its new size counts from its last report on.
    let mut found = History::empty();
    found.note(&sighting(1, 8, Life::Alive), 1_000);
    let mut found = next(&mut found, 1_000);
    found.miss(id(1), 2_000, 5_000);
    let mut found = next(&mut found, 2_000);
    let back = Sighting {
        launched: None,
        ..sighting(1, 1, Life::Ended)
    };
    let sizes = found.note(&back, 3_000);
    let spans: Vec<_> = sizes.iter().map(|s| (s.since, s.vcpus)).collect();
    assert_eq!(spans, [(100, 8), (1_000, 1)]);
}

/// It stands in a list, and what became of it is owed: also of one that is new, but not of one whose end was reported.
#[test]
fn what_could_not_be_read_is_missed_by_the_next_run_and_not_for_ever() {
    let window = |end: i64| Window {
        start: end - 1_000,
        end,
    };
    let mut history = History::empty();
    history.note(&sighting(1, 1, Life::Alive), 1_000);
    history.note(&sighting(2, 1, Life::Ended), 1_000);
    let mut history = next(&mut history, 1_000);
    for number in [1, 2, 3] {
        history.pass_over(id(number), window(2_000), 5_000);
    }
    assert_eq!(history.missing().count(), 0);
    let mut history = next(&mut history, 2_000);
    assert_eq!(history.missing().collect::<Vec<_>>(), [id(1), id(3)]);
    assert_eq!(history.changed_since(50), Some(950));
    history.pass_over(id(1), window(3_000), 5_000);
    assert_eq!(history.changed_since(50), Some(950), "that of the third");
    history.note(&sighting(3, 1, Life::Alive), 3_000);
    let mut history = next(&mut history, 3_000);
    history.pass_over(id(1), window(6_001), 5_000);
    let history = next(&mut history, 6_001);
    assert_eq!(history.missing().collect::<Vec<_>>(), [id(3)]);
}

/// A list names it for ever: it was not lost, and stays known for as long as it is named.
#[test]
fn a_server_whose_end_was_reported_is_not_missed() {
    let mut history = History::empty();
    history.note(&sighting(1, 1, Life::Alive), 1_000);
    let mut history = next(&mut history, 1_000);
    history.note(&sighting(1, 1, Life::Ended), 2_000);
    let mut history = next(&mut history, 2_000);
    for until in [3_000, 90_000, 180_000] {
        assert!(!history.is_nowhere(id(1)), "{until}");
        assert_eq!(history.miss(id(1), until, 5_000), None);
        history = next(&mut history, until);
        assert!(history.is_nowhere(id(1)), "{until}");
        assert_eq!(history.missing().count(), 0);
        let window = Window {
            start: until,
            end: until + 1_000,
        };
        assert_eq!(history.reported(id(1), window), Some(Reported::Ended));
        history = next(&mut history, until + 86_401);
    }
    assert_eq!(next(&mut history, 180_000 + 32 * 86_400).len(), 0);
}

#[test]
fn what_is_known_of_a_life_outweighs_its_row() {
    let mut history = History::empty();
    let servers = [
        (1, Life::Alive),
        (2, Life::Hidden(500)),
        (3, Life::Ended),
        (4, Life::EndedAt(700)),
    ];
    for (number, life) in servers {
        history.note(&sighting(number, 1, life), 1_000);
    }
    history.owe(id(5), 900);
    assert_eq!(history.past(id(1)), None, "not by this run");
    let mut history = next(&mut history, 1_000);
    let pasts = [1, 2, 3, 4, 5, 6].map(|number| history.past(id(number)));
    let (alive, ended) = (Some(Past::Alive(1_000)), Some(Past::Ended(700)));
    assert_eq!(pasts, [alive, alive, None, ended, None, None]);
    assert_eq!(history.last_seen(id(5)), Some(900));
    // Missed, it was alive until it was; and what was reported stays for two months, unless it
    // came back.
    history.miss(id(1), 2_000, 5_000);
    history.note(&sighting(4, 1, Life::Ended), 2_000);
    let mut history = next(&mut history, 2_000);
    assert_eq!(history.past(id(1)), alive);
    assert_eq!(history.past(id(4)), ended);
    assert_eq!(next(&mut history, 2_000 + 62 * 86_400).past(id(4)), ended);
    history.note(&sighting(4, 1, Life::Alive), 3_000);
    let history = next(&mut history, 3_000);
    assert_eq!(history.past(id(4)), Some(Past::Alive(3_000)));
}

#[test]
fn a_server_that_only_a_name_is_left_of_is_asked_for_once_a_day() {
    let mut history = History::empty();
    assert_eq!(history.miss(id(1), 1_000, 5_000), None);
    let mut history = next(&mut history, 1_000);
    assert!(history.is_nowhere(id(1)) && !history.is_nowhere(id(2)));
    let window = Window {
        start: 1_000,
        end: 2_000,
    };
    assert_eq!(history.reported(id(1), window), None);
    assert_eq!(history.missing().count(), 0);
    let mut history = next(&mut history, 87_400);
    assert!(history.is_nowhere(id(1)));
    assert!(!next(&mut history, 87_401).is_nowhere(id(1)));
}

#[test]
fn an_end_is_remembered_as_long_as_a_list_may_show_it_again() {
    let mut first = History::empty();
    first.note(&sighting(1, 1, Life::Ended), 1_000);
    first.note(&sighting(2, 1, Life::Alive), 1_000);
    let mut second = next(&mut first, 1_000);
    let reported = |id| {
        second.reported(
            id,
            Window {
                start: 940,
                end: 2_000,
            },
        )
    };
    assert_eq!(reported(id(1)), Some(Reported::Ended));
    assert_eq!(reported(id(2)), Some(Reported::Alive));
    assert_eq!(reported(id(3)), None);
    // What a later window reported counts for nothing in this one.
    let earlier = Window {
        start: 0,
        end: 1_000,
    };
    assert_eq!(second.reported(id(1), earlier), None);
    assert_eq!(next(&mut second, 2_000).len(), 2);
    assert_eq!(next(&mut second, 2_001).len(), 1);
}

#[test]
fn counters_never_fall_and_outlive_their_source() {
    let cpu = |nanoseconds| {
        Some(Counters {
            cpu_nanoseconds: Some(nanoseconds),
            measured_at: Some(990),
            ..Counters::default()
        })
    };
    let mut first = History::empty();
    first.note(&sighting(1, 1, Life::Alive), 1_000);
    assert_eq!(first.count(id(1), cpu(500)), (cpu(500), None));
    let mut second = next(&mut first, 1_000);
    second.note(&sighting(1, 1, Life::Alive), 2_000);
    assert_eq!(second.count(id(1), cpu(300)), (cpu(500), cpu(500)));
    let mut third = next(&mut second, 2_000);
    third.note(&sighting(1, 1, Life::Ended), 3_000);
    assert_eq!(third.count(id(1), None), (cpu(500), cpu(500)));
    assert_eq!(third.count(id(9), cpu(1)), (cpu(1), None));
}

#[test]
fn what_is_not_whole_is_not_used() {
    let mut history = History::empty();
    for number in 0..50 {
        history.note(&sighting(number, 1, Life::Hidden(3)), 1_000);
    }
    let whole = bytes(&mut history, 1_000);
    assert!(History::read(&whole[..]).is_ok());
    for length in 0..whole.len() {
        assert!(History::read(&whole[..length]).is_err(), "{length} bytes");
    }
    for at in 0..whole.len() {
        let mut bad = whole.clone();
        bad[at] ^= 1;
        assert!(History::read(&bad[..]).is_err(), "byte {at}");
    }
    let newer = String::from_utf8_lossy(&whole).replacen("\"format\":2", "\"format\":3", 1);
    assert!(matches!(
        History::read(newer.as_bytes()),
        Err(FormError::Newer { format: 3 })
    ));
    let huge = br#"{"format":1,"engine":"","as_of":0,"servers":9000000000000000000,"more":0}
"#;
    assert!(matches!(
        History::read(&huge[..]),
        Err(FormError::Damaged(_))
    ));
}

proptest! {
    /// Whatever is seen, in whatever order: the CPU seconds that the sizes add up
    /// to never fall from one run to the next.
    #[test]
    fn cpu_time_never_falls(
        steps in proptest::collection::vec((1..5_000_i64, 1..32_u32, -4_000..6_000_i64, 0..3), 1..40),
    ) {
        let mut history = History::empty();
        let (mut now, mut told) = (1_000_i64, 0_i64);
        for (pause, vcpus, launched, resized) in steps {
            now += pause;
            let seen = Sighting {
                launched: Some(now + launched),
                vcpus: (resized != 0).then_some(vcpus),
                ..sighting(1, vcpus, Life::Alive)
            };
            let known = history.note(&seen, now);
            let spans = if known.is_empty() {
                seen.vcpus.map(|vcpus| vec![(100, vcpus)]).unwrap_or_default()
            } else {
                known.iter().map(|span| (span.since, span.vcpus)).collect()
            };
            let mut sum = 0;
            for (place, (since, vcpus)) in spans.iter().enumerate() {
                let from = if place == 0 { 100 } else { *since };
                let to = spans.get(place + 1).map_or(now, |next| next.0.min(now));
                sum += (to - from).max(0) * i64::from(*vcpus);
            }
            if !spans.is_empty() {
                prop_assert!(sum >= told, "{sum} after {told}: {spans:?} at {now}");
                told = sum;
            }
            history = next(&mut history, now);
        }
    }
}
