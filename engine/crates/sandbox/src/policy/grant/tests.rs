use super::*;
use proptest::prelude::*;

#[test]
fn every_form_reads_back_as_written() {
    for text in [
        "queue:/var/spool/apel/outgoing/openstack",
        "queue:/q?umask=027",
        "connection:logstash.example.org:5000",
        "connection:tls://logstash.example.org:5001",
        "connection:tls://[2001:db8::1]:5001?cafile=/etc/ca.pem",
        "connection:tls://a:1?certfile=/c.pem&keyfile=/k.pem",
        "connection:tls://a:1?cafile=/a%3Fb%26c.pem&certfile=/c.pem&keyfile=/k.pem&local=true",
        "connection:tls://a:1?verify=false",
        "connection:a:1?local=true",
        "http:https://example.org",
        "http:http://example.org:8080",
        "http:https://example.org:8443?cafile=/etc/ca.pem",
        "http:https://[2001:db8::1]?verify=false",
        "http:https://a?certfile=/c.pem&keyfile=/k.pem",
        "http:http://a?local=true",
        "directory:/etc/templates",
        "directory:/a b/100%25%2C/%3F",
        "directory:/a%20queue:/b",
        "directory-write:/var/lib/x",
        "address:[::1]:9",
        "address:a:9?local=true",
        "signature:/both.pem",
        "signature:/c.pem?keyfile=/k.pem&encrypt=/r%2C.pem",
    ] {
        assert_eq!(text.parse::<Grant>().unwrap().to_string(), text);
    }
}

#[test]
fn terms_come_in_any_order_and_a_key_may_lie_with_its_certificate() {
    for (text, same) in [
        (
            "connection:tls://a:1?keyfile=/k&cafile=/a&certfile=/c",
            "connection:tls://a:1?cafile=/a&certfile=/c&keyfile=/k",
        ),
        (
            "connection:tls://a:1?certfile=/both.pem",
            "connection:tls://a:1?certfile=/both.pem&keyfile=/both.pem",
        ),
    ] {
        assert_eq!(text.parse::<Grant>().unwrap().to_string(), same);
    }
}

#[test]
fn paths_and_hosts_have_one_form() {
    assert_eq!(
        "queue:/q//a/./b/".parse::<Grant>().unwrap().to_string(),
        "queue:/q/a/b"
    );
    let grant: Grant = "address:LOGSTASH.Example:5".parse().unwrap();
    assert_eq!(grant.to_string(), "address:logstash.example:5");
}

#[test]
fn a_refusal_teaches_the_form() {
    for (text, problem, form) in [
        ("everything", "names no kind", "`queue:/path`"),
        // What a list made of a comma in a path.
        (
            "b",
            "a comma divides grants: one in a path is `%2C`",
            "`queue:/path`",
        ),
        (
            "queue: /q",
            "a blank stands behind `queue:`",
            "`queue:/path`",
        ),
        (
            "queue:/q queue:/r",
            "`queue:/r` in it begins another grant: divide them by a comma",
            "`queue:/path`",
        ),
        (
            "connection:a:1;connection:b:2",
            "`connection:b:2` in it begins another grant",
            "`connection:host:port`",
        ),
        (
            "connection:a:1 address:b:2",
            "`address:b:2` in it begins another grant",
            "`connection:host:port`",
        ),
        (
            "connection:b c:1",
            "`b c` is not a host",
            "`connection:host:port`",
        ),
        (
            "connection:tcp://a:1",
            "`tcp://` does not belong there: a connection is plain TCP, or `tls://`",
            "`connection:tls://host:port`",
        ),
        (
            "connection://a:1",
            "`//` does not belong there",
            "`connection:host:port`",
        ),
        (
            "address:tls://a:1",
            "`tls://` does not belong there: an address is plain TCP",
            "`address:host:port`",
        ),
        (
            "http:https://a b",
            "`https://a b` has a blank",
            "`http:https://host`",
        ),
        ("all:*", "no kind `all`", "`connection:host:port`"),
        ("queue:spool", "not an absolute path", "`queue:/path`"),
        ("queue:/a/../etc", "contains `..`", "`queue:/path`"),
        ("queue:/a?umask=9", "octal", "?umask=027"),
        (
            "connection:example.org",
            "no port",
            "`connection:host:port`",
        ),
        (
            "connection:*:80",
            "`*` is not a host",
            "`connection:host:port`",
        ),
        ("connection:a:0", "not a port", "`connection:host:port`"),
        (
            "connection:::1:80",
            "lacks brackets",
            "`connection:host:port`",
        ),
        (
            "connection:a:1?cafile=/x",
            "without `tls://`",
            "`connection:tls://host:port`",
        ),
        (
            "connection:a:1?certfile=/x",
            "without `tls://`",
            "`connection:tls://host:port`",
        ),
        (
            "connection:tls://a:1?keyfile=/x",
            "`keyfile` without `certfile`",
            "&certfile=/path",
        ),
        (
            "connection:tls://a:1?cafile=/x&cafile=/y",
            "`cafile` is there twice",
            "`connection:tls://host:port`",
        ),
        ("http:ftp://x", "not http", "`http:https://host`"),
        (
            "http://x",
            "before an address: `http:http://x`",
            "`http:https://host`",
        ),
        (
            "https://x:1",
            "before an address: `http:https://x:1`",
            "`http:https://host`",
        ),
        (
            "http:https://*.example.org",
            "no wildcards",
            "`http:https://host`",
        ),
        (
            "connection:2130706433:80",
            "not an IPv4 address",
            "`connection:host:port`",
        ),
        (
            "connection:a:1?pin-sha256=00",
            "connection has no term `pin-sha256` (it has cafile, certfile, keyfile, verify, local)",
            "`connection:host:port`",
        ),
        (
            "directory:/q?umask=0",
            "directory has no term `umask`;",
            "`directory:/path`",
        ),
        ("queue:/q?", "`` is not a term", "`queue:/path`"),
        ("queue:/q?umask", "`umask` is not a term", "`queue:/path`"),
        ("queue:/q?umask=027&", "`` is not a term", "`queue:/path`"),
        ("queue:/100%/q", "and `%` itself is `%25`", "`queue:/path`"),
        ("queue:/q%ff", "hexadecimal digits", "`queue:/path`"),
        ("queue:/q%00", "control character", "`queue:/path`"),
        ("queue:/q/%2e%2e/x", "contains `..`", "`queue:/path`"),
        (
            "http:https://x/path",
            "more than an origin",
            "`http:https://host`",
        ),
        (
            "http:https://u:p@x",
            "more than an origin",
            "`http:https://host`",
        ),
        (
            "http:http://x?verify=false",
            "without `https://`",
            "`http:https://host`",
        ),
        (
            "http:https://x?verify=perhaps",
            "neither true nor false",
            "`http:https://host`",
        ),
        (
            "http:https://x?verify=false&cafile=/y",
            "beside",
            "`http:https://host`",
        ),
    ] {
        let message = text.parse::<Grant>().unwrap_err().to_string();
        assert!(
            message.contains(problem) && message.contains(form),
            "{message}"
        );
    }
}

#[test]
fn serde_goes_through_the_text() {
    let grants: Vec<Grant> = serde_json::from_str(r#"["queue:/q","address:a:1"]"#).unwrap();
    assert_eq!(
        serde_json::to_string(&grants).unwrap(),
        r#"["queue:/q","address:a:1"]"#
    );
    assert!(serde_json::from_str::<Grant>(r#""queue:q""#).is_err());
}

#[test]
fn only_the_same_thing_or_less_is_covered() {
    let grant = |text: &str| text.parse::<Grant>().unwrap();
    for (granted, wanted, covered) in [
        ("queue:/q?umask=027", "queue:/q", true),
        ("queue:/q", "queue:/q/below", false),
        ("connection:tls://a:1", "connection:a:1", true),
        ("connection:a:1", "connection:tls://a:1", false),
        ("connection:a:1", "connection:a:2", false),
        ("connection:a:1", "address:a:1", false),
        ("directory-write:/d", "directory:/d", true),
        ("directory:/d", "directory-write:/d", false),
        ("directory:/d", "directory:/d/e", false),
        ("http:https://a", "http:https://a:443", true),
        ("http:https://a?cafile=/ca", "http:https://a", true),
        ("http:https://a", "http:http://a", false),
        ("http:https://a", "http:https://a:8443", false),
        ("http:https://a", "http:https://b.a", false),
        ("http:https://a", "connection:tls://a:443", false),
    ] {
        assert_eq!(
            grant(granted).covers(&grant(wanted)),
            covered,
            "{granted} / {wanted}"
        );
    }
}

#[test]
fn a_grant_is_never_compared_by_prefix() {
    let grant = |text: &str| text.parse::<Grant>().unwrap();
    for (short, long) in [
        ("queue:/q", "queue:/queue"),
        ("queue:/q", "queue:/q/below"),
        ("connection:a:1", "connection:a:11"),
        ("connection:a:1", "connection:a.example:1"),
        ("connection:tls://a:1", "connection:tls://ab:1"),
        ("http:https://a", "http:https://a.example"),
        ("http:https://a", "http:https://a:8443"),
        ("http:https://a:8", "http:https://a:80"),
        ("directory:/d", "directory:/data"),
        ("directory:/d", "directory:/d/below"),
        ("directory-write:/d", "directory-write:/d/below"),
        ("address:a:1", "address:a:11"),
        ("address:a:1", "address:a.example:1"),
    ] {
        assert!(!grant(short).covers(&grant(long)), "{short} / {long}");
        assert!(!grant(long).covers(&grant(short)), "{long} / {short}");
        assert!(grant(long).covers(&grant(long)), "{long}");
    }
}

#[test]
fn a_term_that_stands_twice_is_refused() {
    for text in [
        "connection:tls://a:1?cafile=/x&cafile=/y",
        "connection:tls://a:1?cafile=/x?cafile=/y",
        "queue:/q?umask=1&umask=2",
        "http:https://a?verify=true&verify=false",
    ] {
        assert!(text.parse::<Grant>().is_err(), "{text}");
    }
}

/// C8 of the contract's review: the first reading took `/a&verify=false` for a file.
#[test]
fn terms_are_terms_and_paths_are_paths() {
    let parse = |text: &str| text.parse::<Grant>();
    assert!(parse("http:https://h?cafile=/a&verify=false").is_err());
    assert!(parse("queue:/q?umask=no?umask=027").is_err());
    let odd = parse("queue:/q%3Fumask%3D0?umask=027").unwrap();
    let Grant::Queue(queue) = &odd else {
        panic!("{odd}");
    };
    assert_eq!(queue.path.to_str(), Some("/q?umask=0"));
    assert_eq!(queue.umask, Some(0o27));
    assert_eq!(odd.to_string(), "queue:/q%3Fumask=0?umask=027");
}

proptest! {
    #[test]
    fn what_parses_is_stable(text in "(queue|connection|directory|address|http):[ -~]{0,30}") {
        if let Ok(grant) = text.parse::<Grant>() {
            prop_assert_eq!(grant.to_string().parse::<Grant>().unwrap(), grant);
        }
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,40}") {
        let _ = text.parse::<Grant>();
    }
}
