use caso_model::Window;
use caso_model::usage::Counters;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn id(number: u32) -> Uuid {
    Uuid::from_u128(u128::from(number) << 40 | 7)
}

fn sighting(number: u32, vcpus: u32, life: Life) -> Sighting {
    Sighting {
        id: id(number),
        vcpus: Some(vcpus),
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
    // Three more digits in the header's count.
    assert_eq!(with - without, 24 * 1_000 + 3);
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

#[test]
fn a_server_that_only_a_name_is_left_of_is_asked_for_once_a_day() {
    let mut history = History::empty();
    assert_eq!(history.miss(id(1), 1_000, 5_000), None);
    let mut history = next(&mut history, 1_000);
    assert!(history.is_nowhere(id(1)) && !history.is_nowhere(id(2)));
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
    let newer = String::from_utf8_lossy(&whole).replacen("\"format\":1", "\"format\":2", 1);
    assert!(matches!(
        History::read(newer.as_bytes()),
        Err(FormError::Newer { format: 2 })
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
