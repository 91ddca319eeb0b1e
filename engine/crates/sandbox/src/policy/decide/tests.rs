use super::*;
use crate::policy::{ConnectionTerms, HttpTerms, Kind};
use caso_model::Attribute;
use caso_model::component::OptionValue;
use caso_net::address::Reach;

fn request(name: &str, kind: &str, target: &str, required: bool) -> CapabilityRequest {
    CapabilityRequest {
        name: name.to_owned(),
        kind: kind.to_owned(),
        target: target.to_owned(),
        required,
        attributes: Vec::new(),
    }
}

fn with(mut request: CapabilityRequest, name: &str, value: &str) -> CapabilityRequest {
    request.attributes.push(Attribute {
        name: name.to_owned(),
        value: value.to_owned(),
    });
    request
}

fn setting(name: &str, value: OptionValue) -> Setting {
    Setting {
        name: name.to_owned(),
        value,
    }
}

fn text(name: &str, value: &str) -> Setting {
    setting(name, OptionValue::Text(value.to_owned()))
}

fn instance(name: &str) -> InstanceName {
    InstanceName {
        name: name.to_owned(),
        grants: format!("`grants` in [messenger_{name}]"),
        options: format!("[{name}]"),
        ..InstanceName::default()
    }
}

/// A target is a component's text: done as told, `$keystone_auth.password` would have put the
/// site's password into the grant.
#[test]
fn a_grant_to_add_stands_as_the_configuration_reads_it_back() {
    let requests = [
        request("q", "queue", "/var/$keystone_auth.password", true),
        request("h", "http", "http://a,b", false),
    ];
    let asks = |instance: &InstanceName| {
        decide(instance, &requests[..1], &[], Policy::Site(&[])).unwrap_err()
    };
    let told = asks(&instance("mine")).to_string();
    assert!(
        told.ends_with("add `queue:/var/$$keystone_auth.password` to `grants` in [messenger_mine]"),
        "{told}"
    );
    assert!(
        asks(&instance("mine"))
            .to_guest()
            .contains("$$keystone_auth")
    );
    let toml = InstanceName {
        grammar: caso_base::conf::Grammar::Toml,
        ..instance("mine")
    };
    let told = asks(&toml).to_string();
    assert!(
        told.contains("add `queue:/var/$keystone_auth.password` to"),
        "{told}"
    );
    let granted = decide(&instance("mine"), &requests[1..], &[], Policy::Site(&[])).unwrap();
    let told = granted.denied["h"].to_string();
    assert!(
        told.ends_with(
            "`http:http://a,b`, which would be needed, cannot stand in `grants` in \
             [messenger_mine]: it has a comma, which divides a list"
        ),
        "{told}"
    );
}

/// "Set a `cafile`" named no place, and a component of the site's has no such option.
#[test]
fn a_cafile_is_a_term_of_the_sites_grant_or_an_option_of_what_is_built_in() {
    let site = decide(&instance("mine"), &[], &[], Policy::Site(&[])).unwrap();
    assert_eq!(
        site.cafile_place(),
        ": the term `?cafile=/path` of its grant in `grants` in [messenger_mine]"
    );
    let builtin = decide(&instance("ams"), &[], &[], Policy::Builtin).unwrap();
    assert_eq!(builtin.cafile_place(), " in [ams]");
}

/// What a `$` in `grants` stood for is in the text of the grant.
#[test]
fn a_secret_in_a_grant_is_not_told() {
    let requests = [request("q", "queue", "/var/q", true)];
    let idle = grants(&["queue:/var/S3cr3t%2Cx", "http:https://S3cr3t%2Cx"]);
    let instance = InstanceName {
        mask: crate::Mask::new(["S3cr3t,x".to_owned()]),
        ..instance("mine")
    };
    let error = decide(&instance, &requests, &[], Policy::Site(&idle)).unwrap_err();
    let told = error.to_string();
    assert!(
        told.contains("it is granted `queue:/var/***` and ") && !told.contains("S3cr3t"),
        "{told}"
    );
    assert!(!format!("{instance:?}").contains("S3cr3t"));
    assert_eq!(instance.shown(&idle[0]), "queue:/var/***");
}

fn connection(granted: &Granted) -> &ConnectionTerms {
    granted.connection("server").unwrap()
}

fn origin(granted: &Granted) -> &HttpTerms {
    granted
        .origins()
        .find(|(name, _)| *name == "service")
        .unwrap()
        .1
}

fn grants(texts: &[&str]) -> Vec<Grant> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn logstash() -> CapabilityRequest {
    with(
        request("server", "connection", "${host}:${port}", true),
        "tls",
        "${tls}",
    )
}

#[test]
fn a_builtin_gets_what_it_asks_for() {
    let settings = [
        text("host", "Logstash.example"),
        setting("port", OptionValue::Integer(5000)),
        setting("tls", OptionValue::Boolean(true)),
    ];
    let granted = decide(
        &instance("logstash"),
        &[logstash()],
        &settings,
        Policy::Builtin,
    )
    .unwrap();
    let terms = connection(&granted);
    assert_eq!(terms.endpoint.to_string(), "logstash.example:5000");
    assert!(terms.tls && terms.trust.cafile.is_none());
}

#[test]
fn a_site_component_gets_what_the_site_granted_and_its_terms() {
    let settings = [text("host", "a"), setting("port", OptionValue::Integer(1))];
    let asked = with(logstash(), "cafile", "/mine.pem");
    let list = grants(&[
        "connection:tls://a:1?cafile=/site.pem",
        "queue:/never/asked",
    ]);
    let granted = decide(&instance("mine"), &[asked], &settings, Policy::Site(&list)).unwrap();
    assert!(connection(&granted).tls);
    assert_eq!(connection(&granted).trust.cafile, Some("/site.pem".into()));
    assert_eq!(granted.unused, grants(&["queue:/never/asked"]));
}

#[test]
fn a_client_certificate_is_an_option_of_a_builtin_and_a_term_of_a_grant() {
    let asked = || {
        let asked = with(logstash(), "certfile", "${certfile}");
        with(asked, "keyfile", "${keyfile}")
    };
    let settings = |more: &[Setting]| {
        let mut settings = vec![
            text("host", "a"),
            setting("port", OptionValue::Integer(1)),
            setting("tls", OptionValue::Boolean(true)),
        ];
        settings.extend_from_slice(more);
        settings
    };
    let identity = |settings: &[Setting], policy| {
        let granted = decide(&instance("mine"), &[asked()], settings, policy)?;
        let identity = connection(&granted).trust.identity.clone();
        Ok::<_, GrantError>(identity.map(|i| (i.certfile, i.keyfile)))
    };
    let both = settings(&[text("certfile", "/c.pem"), text("keyfile", "/c.key")]);
    let pair = |cert: &str, key: &str| Some((cert.into(), key.into()));
    assert_eq!(
        identity(&both, Policy::Builtin),
        Ok(pair("/c.pem", "/c.key"))
    );
    assert_eq!(identity(&settings(&[]), Policy::Builtin), Ok(None));
    let alone = settings(&[text("certfile", "/c.pem")]);
    assert_eq!(
        identity(&alone, Policy::Builtin),
        Ok(pair("/c.pem", "/c.pem"))
    );
    let error = identity(&settings(&[text("keyfile", "/k")]), Policy::Builtin).unwrap_err();
    assert!(error.to_string().contains("`keyfile` without `certfile`"));
    // Who a site's own component says that it is, is the site's to say.
    let list = grants(&["connection:tls://a:1?certfile=/site.pem"]);
    assert_eq!(
        identity(&both, Policy::Site(&list)),
        Ok(pair("/site.pem", "/site.pem"))
    );
}

#[test]
fn a_missing_grant_names_the_line() {
    let settings = [text("output_path", "/var/spool/q/")];
    let asked = [request("outgoing", "queue", "${output_path}", true)];
    let error = decide(&instance("mine"), &asked, &settings, Policy::Site(&[])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "messenger `mine` needs `outgoing`, which it is not granted: add \
         `queue:/var/spool/q` to `grants` in [messenger_mine]"
    );
}

#[test]
fn plain_text_is_no_substitute_for_tls() {
    let settings = [
        text("host", "a"),
        setting("port", OptionValue::Integer(1)),
        setting("tls", OptionValue::Boolean(true)),
    ];
    let list = grants(&["connection:a:1"]);
    let error = decide(
        &instance("m"),
        &[logstash()],
        &settings,
        Policy::Site(&list),
    )
    .unwrap_err();
    assert!(
        error.to_string().contains("add `connection:tls://a:1`"),
        "{error}"
    );
}

#[test]
fn an_optional_request_vanishes_or_is_refused_but_never_fails() {
    let asked = [
        request("unset", "queue", "${nowhere}", false),
        request("empty", "queue", "${empty}", false),
        request("denied", "queue", "/q", false),
        request("web", "http", "https://a", false),
    ];
    let settings = [text("empty", "")];
    let granted = decide(&instance("m"), &asked, &settings, Policy::Site(&[])).unwrap();
    assert_eq!(granted.queues().count(), 0);
    assert_eq!(granted.denied.keys().collect::<Vec<_>>(), ["denied", "web"]);
    let told = granted.refusal(Kind::Queue, "denied");
    assert!(
        told.contains("add `queue:/q` to `grants` in [messenger_m]"),
        "{told}"
    );
    let told = granted.refusal(Kind::Queue, "other");
    assert!(told.contains("no queue `other` is granted"), "{told}");
    assert!(
        told.contains("add `queue:/path` to `grants` in [messenger_m]"),
        "{told}"
    );
}

#[test]
fn what_is_required_and_impossible_is_an_error() {
    for (asked, part) in [
        (
            request("a", "queue", "${output_path}", true),
            "`output_path` is not set",
        ),
        (
            request("a", "queue", "relative", true),
            "not an absolute path",
        ),
        (request("a", "queue", "${open", true), "without `}`"),
        (request("a", "http", "ftp://x", true), "not http or https"),
        (
            request("a", "http", "https://u:secret@x", true),
            "a name or password in an address",
        ),
        (
            with(request("a", "http", "https://x", true), "verify", "maybe"),
            "`verify`: `maybe` is neither true",
        ),
        (
            request("a", "teleport", "x", true),
            "not offered by this host yet",
        ),
        (
            with(request("a", "connection", "h:1", true), "tls", "maybe"),
            "neither true",
        ),
    ] {
        let error = decide(&instance("m"), &[asked], &[], Policy::Builtin)
            .unwrap_err()
            .to_string();
        assert!(error.contains(part), "{error}");
        assert!(!error.contains("u:secret"), "{error}");
    }
}

#[test]
fn an_origin_comes_from_an_address_and_its_terms_from_who_grants() {
    let settings = [
        text("base_url", "https://CIM.example:443/prefix/?x=1"),
        setting("verify_ssl", OptionValue::Boolean(false)),
        text("cafile", "/mine.pem"),
    ];
    let asked = || {
        let asked = request("service", "http", "${base_url}", true);
        with(
            with(asked, "verify", "${verify_ssl}"),
            "cafile",
            "${cafile}",
        )
    };
    let granted = decide(&instance("cim"), &[asked()], &settings, Policy::Builtin).unwrap();
    let terms = origin(&granted);
    assert_eq!(terms.origin, "https://cim.example");
    assert!(!terms.trust.verify && terms.trust.cafile.is_none());

    let error = decide(&instance("mine"), &[asked()], &settings, Policy::Site(&[])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "messenger `mine` needs `service`, which it is not granted: add \
         `http:https://cim.example` to `grants` in [messenger_mine]"
    );
    let list = grants(&["http:https://cim.example?cafile=/site.pem"]);
    let granted = decide(
        &instance("mine"),
        &[asked()],
        &settings,
        Policy::Site(&list),
    )
    .unwrap();
    let terms = origin(&granted);
    assert!(terms.trust.verify);
    assert_eq!(terms.trust.cafile, Some("/site.pem".into()));
}

#[test]
fn reading_is_not_widened_to_writing() {
    let list = grants(&["directory-write:/d"]);
    let asked = [request("data", "directory", "/d", true)];
    let granted = decide(&instance("m"), &asked, &[], Policy::Site(&list)).unwrap();
    assert!(!granted.directories().next().unwrap().1.write);
    assert!(granted.unused.is_empty());
}

#[test]
fn writing_is_granted_by_a_grant_to_write_alone() {
    let asked = [request("data", "directory-write", "/d", true)];
    let list = grants(&["directory-write:/d"]);
    let granted = decide(&instance("m"), &asked, &[], Policy::Site(&list)).unwrap();
    let (name, terms) = granted.directories().next().unwrap();
    assert_eq!((name, terms.write), ("data", true));
    let list = grants(&["directory:/d"]);
    let error = decide(&instance("m"), &asked, &[], Policy::Site(&list)).unwrap_err();
    assert_eq!(
        *error.denial,
        Denial::NotGranted {
            grant: Box::new("directory-write:/d".parse().unwrap()),
            idle: vec!["directory:/d".parse().unwrap()],
        }
    );
    let told = error.to_string();
    assert!(
        told.ends_with("; it is granted `directory:/d`, which it does not ask for"),
        "{told}"
    );
}

#[test]
fn the_first_grant_that_covers_counts_and_the_others_are_unused() {
    let asked = [request("server", "connection", "a:1", true)];
    let list = grants(&[
        "connection:tls://b:1",
        "connection:tls://a:1?cafile=/first.pem",
        "connection:tls://a:1?cafile=/second.pem",
    ]);
    let granted = decide(&instance("m"), &asked, &[], Policy::Site(&list)).unwrap();
    assert_eq!(connection(&granted).trust.cafile, Some("/first.pem".into()));
    assert_eq!(granted.unused, [list[0].clone(), list[2].clone()]);
    let granted = decide(&instance("m"), &asked, &[], Policy::Builtin).unwrap();
    assert!(granted.unused.is_empty());
}

#[test]
fn every_kind_of_value_fills_a_target() {
    for (value, path) in [
        (OptionValue::Text("a".to_owned()), "/a"),
        (OptionValue::Integer(-1), "/-1"),
        (OptionValue::Number(0.5), "/0.5"),
        (OptionValue::Boolean(true), "/true"),
        (OptionValue::DurationMilliseconds(2), "/2"),
        (OptionValue::SizeBytes(3), "/3"),
        (
            OptionValue::Texts(vec!["a".to_owned(), "b".to_owned()]),
            "/a,b",
        ),
    ] {
        let asked = [request("q", "queue", "/${option}", true)];
        let settings = [
            setting("other", OptionValue::Integer(9)),
            setting("option", value),
        ];
        let granted = decide(&instance("m"), &asked, &settings, Policy::Builtin).unwrap();
        assert_eq!(granted.queue("q").unwrap().path.to_str(), Some(path));
    }
}

#[test]
fn terms_that_do_not_apply_are_left_out() {
    let decided =
        |asked: CapabilityRequest| decide(&instance("m"), &[asked], &[], Policy::Builtin).unwrap();
    let plain = request("server", "connection", "a:1", true);
    let terms = [("tls", "false"), ("cafile", "/ca"), ("certfile", "/c")];
    let plain = terms
        .into_iter()
        .fold(plain, |asked, (name, value)| with(asked, name, value));
    let granted = decided(plain);
    let terms = connection(&granted);
    assert!(!terms.tls && terms.trust.cafile.is_none() && terms.trust.identity.is_none());

    let web = |target: &str, verify: &str| {
        let asked = with(request("service", "http", target, true), "verify", verify);
        decided(with(asked, "cafile", "/ca"))
    };
    let granted = web("http://a", "false");
    assert!(origin(&granted).trust.verify && origin(&granted).trust.cafile.is_none());
    let granted = web("https://a", "false");
    assert!(!origin(&granted).trust.verify && origin(&granted).trust.cafile.is_none());
    let granted = web("https://a", "true");
    assert!(origin(&granted).trust.verify);
    assert_eq!(origin(&granted).trust.cafile, Some("/ca".into()));

    let queue = decided(with(request("q", "queue", "/q", true), "umask", "027"));
    assert_eq!(queue.queue("q").unwrap().umask, Some(0o27));
}

#[test]
fn the_line_to_write_is_without_the_terms_of_the_component() {
    for (asked, line) in [
        (
            with(request("a", "queue", "/q", true), "umask", "0"),
            "`queue:/q`",
        ),
        (
            with(
                with(
                    request("a", "connection", "tls://h:1", true),
                    "cafile",
                    "/ca",
                ),
                "certfile",
                "/c",
            ),
            "`connection:tls://h:1`",
        ),
        (
            with(request("a", "http", "https://h", true), "verify", "no"),
            "`http:https://h`",
        ),
        (request("a", "address", "h:1", true), "`address:h:1`"),
    ] {
        let error = decide(&instance("m"), &[asked], &[], Policy::Site(&[])).unwrap_err();
        let end = format!("not granted: add {line} to `grants` in [messenger_m]");
        assert!(error.to_string().ends_with(&end), "{error}");
    }
}

#[test]
fn a_name_is_granted_for_its_own_kind() {
    let asked = [
        request("q", "queue", "/q", true),
        request("c", "connection", "a:1", true),
        request("h", "http", "https://a", true),
        request("d", "directory", "/d", true),
        request("a", "address", "b:2", true),
    ];
    let granted = decide(&instance("m"), &asked, &[], Policy::Builtin).unwrap();
    assert_eq!(
        granted.queues().map(|(name, _)| name).collect::<Vec<_>>(),
        ["q"]
    );
    assert_eq!(
        granted.origins().map(|(name, _)| name).collect::<Vec<_>>(),
        ["h"]
    );
    assert_eq!(
        granted
            .directories()
            .map(|(name, _)| name)
            .collect::<Vec<_>>(),
        ["d"]
    );
    assert_eq!(
        granted
            .addresses()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        ["b:2?local=true"]
    );
    for name in ["q", "c", "h", "d", "a", "none"] {
        assert_eq!(granted.queue(name).is_some(), name == "q");
        assert_eq!(granted.connection(name).is_some(), name == "c");
    }
}

#[test]
fn an_unknown_name_is_refused_with_the_form_of_its_kind() {
    let granted = Granted::nothing(InstanceName::new("m"));
    for (kind, name, line) in [
        (Kind::Queue, "q", "add `queue:/path` to its grants"),
        (
            Kind::Connection,
            "c",
            "add `connection:host:port` to its grants",
        ),
        (
            Kind::Http,
            "https://a",
            "add `http:https://a` to its grants",
        ),
    ] {
        let text = granted.refusal(kind, name);
        assert!(
            text.starts_with(&format!("no {} `{name}` is granted", kind.as_str())),
            "{text}"
        );
        assert!(text.ends_with(line), "{text}");
    }
}

#[test]
fn an_option_that_is_not_set_is_named_with_its_place() {
    let asked = [request("outgoing", "queue", "${output_path}", true)];
    let error = decide(&instance("mine"), &asked, &[], Policy::Builtin).unwrap_err();
    assert_eq!(
        error.to_string(),
        "messenger `mine` needs `outgoing` (queue at `${output_path}`), but the option \
         `output_path` is not set: set it in [mine]"
    );
}

/// The guest was told that its description must ask for it, as it did.
#[test]
fn a_guest_is_told_the_option_that_its_capability_lacks() {
    let asked = [
        request("copy", "queue", "${copy_path}", false),
        request("service", "http", "${url}", false),
    ];
    let granted = decide(&instance("mine"), &asked, &[], Policy::Site(&[])).unwrap();
    assert_eq!(
        granted.refusal(Kind::Queue, "copy"),
        "`copy` is not granted, as the option `copy_path` is not set: set it in [mine]"
    );
    let origin = granted.refusal(Kind::Http, "https://a");
    assert!(origin.contains("the option `url` is not set"), "{origin}");
    let other = granted.refusal(Kind::Queue, "other");
    assert!(other.contains("must ask for it") && !other.contains("_path"));
}

#[test]
fn options_that_make_nothing_that_can_be_granted_are_named() {
    let asked = [request(
        "publish",
        "http",
        "https://${host}:${port}/${host}",
        true,
    )];
    let settings = [
        text("host", "ams.example.org:443"),
        setting("port", OptionValue::Integer(443)),
    ];
    let error = decide(&instance("ams"), &asked, &settings, Policy::Builtin).unwrap_err();
    let error = error.to_string();
    assert!(
        error.starts_with("messenger `ams` asks for `publish`, which is nothing to grant: "),
        "{error}"
    );
    assert!(
        error.ends_with("; it is made of `host` and `port` in [ams]"),
        "{error}"
    );
}

/// A6 of the contract's review: a term narrows what is asked for, and a component of
/// a later version must not get more than it asked for from a host of today.
#[test]
fn a_term_that_this_host_does_not_know_is_not_granted() {
    let ask = |kind: &str, target: &str, term: &str| {
        let asked = with(request("a", kind, target, true), term, "1");
        decide(&instance("m"), &[asked], &[], Policy::Builtin)
    };
    for (kind, target, term) in [
        ("connection", "h:1", "pin-sha256"),
        ("http", "https://h", "pin-sha256"),
        ("http", "https://h", "tls"),
        ("queue", "/q", "quota"),
        ("queue", "/q", "cafile"),
        ("directory-write", "/d", "quota"),
        ("address", "h:1", "verify"),
        ("queue", "/q", ""),
    ] {
        let error = ask(kind, target, term).unwrap_err().to_string();
        let part = format!("{kind} has no term `{term}` in this version");
        assert!(error.contains(&part), "{error}");
    }
    // What it is for, in words, asks for nothing.
    assert!(ask("queue", "/q", "purpose").is_ok());
    // Its name is a stranger's text.
    let error = ask("queue", "/q", "\u{1b}]0;x\u{7}")
        .unwrap_err()
        .to_string();
    assert!(error.contains("`]0;x`"), "{error}");
    // Optional, it is absent, and the guest is told why.
    let asked = [with(request("a", "queue", "/q", false), "quota", "1")];
    let granted = decide(&instance("m"), &asked, &[], Policy::Builtin).unwrap();
    assert!(granted.queue("a").is_none() && granted.denied.contains_key("a"));
}

/// What an option's value has of `?` and `%` is part of the name, not a term.
#[test]
fn a_target_from_an_option_is_taken_as_it_is() {
    let settings = [text("output_path", "/q?umask=0&100%,x")];
    let asked = [request("q", "queue", "${output_path}", true)];
    let granted = decide(&instance("m"), &asked, &settings, Policy::Builtin).unwrap();
    let queue = granted.queue("q").unwrap();
    assert_eq!(queue.path.to_str(), Some("/q?umask=0&100%,x"));
    assert_eq!(queue.umask, None);
    let error = decide(&instance("m"), &asked, &settings, Policy::Site(&[])).unwrap_err();
    let line = "add `queue:/q%3Fumask=0%26100%25%2Cx` to";
    assert!(error.to_string().contains(line), "{error}");
    let list = grants(&["queue:/q%3Fumask=0%26100%25%2Cx"]);
    assert!(decide(&instance("m"), &asked, &settings, Policy::Site(&list)).is_ok());
}

/// H12 of the sandbox's review: what a name leads to is not the site's word.
#[test]
fn a_name_leads_to_private_networks_where_the_site_says_so() {
    let asked = [
        request("c", "connection", "h:1", true),
        request("w", "http", "https://h", true),
        request("a", "address", "h:2", true),
    ];
    let reaches = |policy| {
        let granted = decide(&instance("m"), &asked, &[], policy).unwrap();
        let web = granted.origins().next().unwrap().1.reach;
        let address = granted.addresses().next().unwrap().reach;
        [granted.connection("c").unwrap().reach, web, address]
    };
    let plain = grants(&["connection:h:1", "http:https://h", "address:h:2"]);
    assert_eq!(reaches(Policy::Site(&plain)), [Reach::Public; 3]);
    let local = grants(&[
        "connection:h:1?local=true",
        "http:https://h?local=true",
        "address:h:2?local=true",
    ]);
    assert_eq!(reaches(Policy::Site(&local)), [Reach::Local; 3]);
    // Its names are options that the site sets.
    assert_eq!(reaches(Policy::Builtin), [Reach::Local; 3]);
}

/// What is suggested covers what is asked for, and is what a refusal would suggest.
#[test]
fn what_is_suggested_is_enough() {
    let settings = [
        text("host", "logstash.example"),
        setting("port", OptionValue::Integer(5000)),
        setting("tls", OptionValue::Boolean(true)),
        text("path", "/q"),
    ];
    let requests = [
        logstash(),
        with(request("queue", "queue", "${path}", false), "umask", "027"),
        request("unset", "queue", "${no_such_option}", false),
        request("unknown", "shell", "/bin/sh", false),
    ];
    let who = instance("mine");
    let found = suggested(&who, &requests, &settings).unwrap();
    let texts: Vec<String> = found.values().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        ["queue:/q", "connection:tls://logstash.example:5000"]
    );
    let found: Vec<Grant> = found.into_values().collect();
    let granted = decide(&who, &requests, &settings, Policy::Site(&found)).unwrap();
    assert_eq!(granted.grants.len(), 2);
    assert!(granted.unused.is_empty());
    let required = [request("unset", "queue", "${no_such_option}", true)];
    assert!(suggested(&who, &required, &settings).is_err());
}

/// A component asks for `/`, and the run told the site to add the line that grants it.
#[test]
fn a_line_that_would_be_refused_is_not_suggested() {
    for (kind, target, tree) in [
        ("directory-write", "/", "/"),
        ("directory", "/proc/self", "/proc"),
        ("queue", "/run/systemd", "/run"),
    ] {
        let asked = [request("more", kind, target, true)];
        let error = decide(&instance("m"), &asked, &[], Policy::Site(&[])).unwrap_err();
        let suggested = suggested(&instance("m"), &asked, &[]).unwrap_err();
        for text in [error.to_string(), suggested.to_string()] {
            assert!(
                text.contains("granted to nobody") && text.contains(&format!("lies in `{tree}`")),
                "{text}"
            );
            assert!(!text.contains("add `"), "{text}");
        }
    }
}

/// The same for the service that hands out a cloud's credentials, by its address in any form:
/// a site may mean it, and is warned.
#[test]
fn a_line_for_the_metadata_service_comes_with_a_warning() {
    for (kind, target, warned) in [
        ("http", "http://169.254.169.254", true),
        ("http", "http://0xa9fea9fe", true),
        ("http", "http://[64:ff9b::a9fe:a9fe]", true),
        ("connection", "[fd00:ec2::254]:80", true),
        ("address", "169.254.169.254:80", true),
        ("http", "https://collector.example.org", false),
        ("connection", "192.0.2.1:80", false),
    ] {
        let asked = [request("more", kind, target, true)];
        let error = decide(&instance("m"), &asked, &[], Policy::Site(&[])).unwrap_err();
        let text = error.to_string();
        assert_eq!(text.contains("hand out credentials"), warned, "{text}");
    }
}

/// Whatever key and receiver a component asks for, it gets those of the grant.
#[test]
fn a_signature_has_the_key_and_the_receiver_of_the_grant() {
    let ask = |certificate: &str| {
        let request = request("host", "signature", certificate, true);
        with(
            with(request, "keyfile", "/its.pem"),
            "encrypt",
            "/nobody.pem",
        )
    };
    let of = |granted: Granted| granted.signature("host").unwrap().to_string();
    let site = grants(&[
        "signature:/c.pem?keyfile=/k.pem&encrypt=/r.pem",
        "signature:/d.pem",
    ]);
    let decide = |request, policy| decide(&instance("mine"), &[request], &[], policy);
    let site = Policy::Site(&site);
    assert_eq!(
        of(decide(ask("/c.pem"), site).unwrap()),
        "/c.pem?keyfile=/k.pem&encrypt=/r.pem"
    );
    assert_eq!(of(decide(ask("/d.pem"), site).unwrap()), "/d.pem");
    // One that came with the host gets what it asks for.
    assert_eq!(
        of(decide(ask("/c.pem"), Policy::Builtin).unwrap()),
        "/c.pem?keyfile=/its.pem&encrypt=/nobody.pem"
    );
    // What it is refused is suggested whole: without the receiver it would be more.
    assert_eq!(
        decide(ask("/e.pem"), site).unwrap_err().to_string(),
        "messenger `mine` needs `host`, which it is not granted: add \
         `signature:/e.pem?keyfile=/its.pem&encrypt=/nobody.pem` to `grants` in [messenger_mine]; it is granted \
         `signature:/c.pem?keyfile=/k.pem&encrypt=/r.pem` and `signature:/d.pem`, which it does not ask for"
    );
}
