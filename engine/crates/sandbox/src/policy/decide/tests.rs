use super::*;
use crate::policy::{ConnectionTerms, HttpTerms, Kind};
use caso_model::Attribute;
use caso_model::component::OptionValue;

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
    }
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
    assert!(terms.tls && terms.cafile.is_none());
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
    assert_eq!(connection(&granted).cafile, Some("/site.pem".into()));
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
        let identity = connection(&granted).identity.clone();
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
    assert!(!terms.verify && terms.cafile.is_none());

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
    assert!(terms.verify);
    assert_eq!(terms.cafile, Some("/site.pem".into()));
}

#[test]
fn reading_is_not_widened_to_writing() {
    let list = grants(&["directory-write:/d"]);
    let asked = [request("data", "directory", "/d", true)];
    let granted = decide(&instance("m"), &asked, &[], Policy::Site(&list)).unwrap();
    assert!(!granted.directories().next().unwrap().1.write);
    assert!(granted.unused.is_empty());
}
