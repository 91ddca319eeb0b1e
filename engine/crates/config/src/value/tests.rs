use std::time::Duration;

use proptest::prelude::*;

use super::*;

#[test]
fn booleans_as_oslo_reads_them() {
    assert_eq!(boolean("YES"), Ok(true));
    assert_eq!(boolean("off"), Ok(false));
    assert!(boolean("").is_err());
    assert!(boolean("y").is_err());
}

#[test]
fn integers_as_python_reads_them() {
    let any = |text| integer(text, i64::MIN, i64::MAX);
    assert_eq!(any(" +1_000 "), Ok(Some(1000)));
    assert_eq!(any(""), Ok(None));
    for bad in ["1__0", "_1", "1.0", "0x10", "ten"] {
        assert_eq!(any(bad), Err("a whole number".into()), "{bad}");
    }
    assert_eq!(
        integer("0", 1, i64::MAX),
        Err("a whole number of at least 1".into())
    );
    assert_eq!(
        integer("70000", 1, 65535),
        Err("a whole number from 1 to 65535".into())
    );
}

#[test]
fn numbers_are_finite() {
    let any = |text| number(text, f64::NEG_INFINITY, f64::INFINITY);
    assert_eq!(any("1e3"), Ok(Some(1000.0)));
    assert!(any("nan").is_err());
    assert!(any("inf").is_err());
}

#[test]
fn lists_keep_empty_entries_in_the_middle() {
    assert_eq!(texts("a,,b,,"), ["a", "", "b"]);
    assert_eq!(texts(" a,\n b "), ["a", "b"]);
    assert_eq!(texts(" , "), [""; 0]);
    assert_eq!(texts(""), [""; 0]);
}

#[test]
fn durations_and_sizes() {
    let d = |text| duration(text, Duration::ZERO, Duration::MAX);
    let ms = |span| Ok(Some(Duration::from_millis(span)));
    assert_eq!(d("90"), ms(90_000));
    assert_eq!(d("1.5h"), ms(5_400_000));
    assert_eq!(d("500ms"), ms(500));
    assert_eq!(d(""), Ok(None));
    for bad in ["-1", "1 fortnight", ".5", "1.", "1M", "s"] {
        assert!(d(bad).is_err(), "{bad}");
    }
    assert!(duration("0", Duration::from_millis(1), Duration::MAX).is_err());
    assert_eq!(size("700k", 0), Ok(Some(700_000)));
    assert_eq!(size("64 MiB", 0), Ok(Some(64 << 20)));
    assert!(size("1", 65_536).is_err());
    assert!(size("99999999999999999999", 0).is_err());
}

#[test]
fn timeouts_may_have_fractions() {
    let seconds = |text| Seconds::parse(text, ());
    let ms = |span| Ok(Some(Seconds(Duration::from_millis(span))));
    assert_eq!(seconds("1.5"), ms(1_500));
    assert_eq!(seconds(""), Ok(None));
    assert!(seconds("0").is_err());
    assert!(seconds("-1").is_err());
}

#[test]
fn endpoints() {
    let read = |text| endpoint(text).map(|endpoint| endpoint.to_string());
    assert_eq!(read("localhost:5000"), Ok("localhost:5000".into()));
    assert_eq!(read("[::1]:80"), Ok("[::1]:80".into()));
    for bad in [
        "::1:80",
        "host",
        "host:0",
        ":80",
        "a b:1",
        "[x]:1",
        "host:99999",
    ] {
        assert!(endpoint(bad).is_err(), "{bad}");
    }
}

/// A word that no type of words has, and a misspelt one.
#[test]
fn words_come_from_the_type() {
    use crate::types::Interface;
    use caso_model::extraction::CounterSource;
    assert_eq!(
        CounterSource::parse("metric", ()),
        Err("one of `any`, `gnocchi`, `ceilometer`".into())
    );
    assert_eq!(
        Vec::<Interface>::parse("publicURL, admin, public", ()),
        Ok(Some(vec![Interface::Public, Interface::Admin]))
    );
    assert_eq!(
        Vec::<Interface>::parse("pubic", ()),
        Err("a list of `public`, `internal`, `admin`".into())
    );
    assert_eq!(
        choice("c", &["a".to_owned(), "b".to_owned()]),
        Err("one of `a`, `b`".into())
    );
}

/// An empty text is no text, an empty number leaves the default.
#[test]
fn what_may_be_missing() {
    assert_eq!(Option::<String>::parse("", None), Ok(Some(None)));
    assert_eq!(Option::<u32>::parse("", u32::ANY), Ok(None));
    assert_eq!(String::parse("", Some("a name")), Err("a name".into()));
}

#[test]
fn forms_of_dates() {
    let midnight = Ok(1_790_812_800);
    for text in [
        "2026-10-01",
        "2026-10-01 00:00",
        "2026-10-01T00:00:00",
        "2026-10-01T00:00:00Z",
        "2026-10-01 00:00:00.999999",
        "2026-10-01 00:00:00+00:00",
        "2026-10-01T02:00+02:00",
        "2026-09-30T19:30:00-0430",
    ] {
        assert_eq!(date(text), midnight, "{text}");
    }
    assert_eq!(date("1969-12-31T23:59:59.5"), Ok(-1));
}

#[test]
fn what_can_be_read_two_ways_is_refused() {
    for text in [
        "",
        "10",
        "01/02/2026",
        "2026-13-01",
        "2026-02-30",
        "20261001",
        "2026-10-01T",
        "2026-10-01T24:00",
        "2026-10-01T10",
        "2026-10-01 10:00 PM",
        "2026-10-01T00:00+2",
        "2026-10-01T00:00:00.",
        "2026-10-01Z",
        "+026-10-01",
        "now",
        "1790812800",
        "2026-10-01T00:00:60",
    ] {
        assert!(date(text).is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn nothing_panics(text in "\\PC*") {
        let span = (Duration::ZERO, Duration::from_millis(9));
        let _ = (boolean(&text), integer(&text, 0, 9), number(&text, 0.0, 9.0), texts(&text), date(&text));
        let _ = (duration(&text, span.0, span.1), size(&text, 0), endpoint(&text), url(&text));
    }

    #[test]
    fn any_number_of_seconds_is_read(seconds in 0_u64..1 << 50) {
        let read = duration(&seconds.to_string(), Duration::ZERO, Duration::MAX);
        prop_assert_eq!(read, Ok(Some(Duration::from_secs(seconds))));
    }

    #[test]
    fn offsets_are_converted(seconds in 0_i64..4_000_000_000, minutes in -1439_i64..1440) {
        let local = chrono::DateTime::from_timestamp(seconds + minutes * 60, 0).unwrap();
        let sign = if minutes < 0 { '-' } else { '+' };
        let text = format!(
            "{}{sign}{:02}:{:02}",
            local.format("%Y-%m-%dT%H:%M:%S"), minutes.abs() / 60, minutes.abs() % 60
        );
        prop_assert_eq!(date(&text), Ok(seconds));
    }
}
