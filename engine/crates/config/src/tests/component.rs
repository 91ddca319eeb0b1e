use super::*;
use caso_model::Attribute;
use caso_model::component::{Description, OptionDescription, OptionKind, OptionValue};

fn option(name: &str, kind: OptionKind, default: Option<&str>) -> OptionDescription {
    OptionDescription {
        name: name.into(),
        kind,
        default: default.map(str::to_owned),
        required: false,
        help: "Help.".into(),
        old_names: Vec::new(),
        attributes: Vec::new(),
    }
}

fn described(options: Vec<OptionDescription>) -> Description {
    Description {
        name: "mine".into(),
        summary: String::new(),
        version: "1".into(),
        record_types: vec!["ceph-bucket".into()],
        options,
        capabilities: Vec::new(),
        packing_option: None,
        attributes: Vec::new(),
    }
}

const MINE: &str = "[DEFAULT]\nmessengers = mine\n[messenger_mine]\ncomponent = /mine.wasm\n";

struct Case {
    site: Site,
    result: Result<ComponentSettings, ConfigErrors>,
}

fn case(text: &str, options: Vec<OptionDescription>) -> Case {
    let site = Site::new(&format!("{MINE}{text}"));
    let config = site.load();
    let instance = &config.messengers[0].component;
    let result = component_settings(&config, instance, &described(options));
    Case { site, result }
}

impl Case {
    fn values(&self) -> Vec<(String, OptionValue)> {
        let settings = &self.result.as_ref().unwrap().settings;
        settings
            .iter()
            .map(|setting| (setting.name.clone(), setting.value.clone()))
            .collect()
    }

    fn errors(&self) -> Vec<String> {
        let errors = self.result.as_ref().unwrap_err();
        errors
            .0
            .iter()
            .map(|error| self.site.short(&told(error)))
            .collect()
    }

    fn warnings(&self) -> Vec<String> {
        let warnings = &self.result.as_ref().unwrap().warnings;
        warnings
            .iter()
            .map(|warning| self.site.short(&warning.to_string()))
            .collect()
    }
}

#[test]
fn every_kind() {
    let text = |text: &str| OptionValue::Text(text.into());
    let choice = OptionKind::Choice(vec!["a".into(), "b".into()]);
    let cases: Vec<(OptionKind, &str, OptionValue)> = vec![
        (OptionKind::Text, "x y", text("x y")),
        (OptionKind::Integer, "1_000", OptionValue::Integer(1000)),
        (OptionKind::Number, "1.5", OptionValue::Number(1.5)),
        (OptionKind::Boolean, "Yes", OptionValue::Boolean(true)),
        (
            OptionKind::Duration,
            "2m",
            OptionValue::DurationMilliseconds(120_000),
        ),
        (OptionKind::Size, "1KiB", OptionValue::SizeBytes(1024)),
        (OptionKind::Path, "$spooldir/x", text("/var/spool/caso/x")),
        (OptionKind::Url, "https://h/x", text("https://h/x")),
        (OptionKind::Endpoint, "[::1]:5", text("[::1]:5")),
        (choice, "b", text("b")),
        (
            OptionKind::Texts,
            "a, b",
            OptionValue::Texts(vec!["a".into(), "b".into()]),
        ),
        (OptionKind::Secret, "p$$w", text("p$w")),
        (OptionKind::Other("newer".into()), "x", text("x")),
    ];
    for (kind, written, expected) in cases {
        let case = case(
            &format!("[mine]\nx = {written}\n"),
            vec![option("x", kind.clone(), None)],
        );
        assert_eq!(case.values(), [("x".to_owned(), expected)], "{kind:?}");
    }
}

/// The name that was misspelt is known where the option is missing.
#[test]
fn an_option_that_is_missing_is_told_with_the_names_that_nobody_knows() {
    let mut needed = option("needed", OptionKind::Path, None);
    needed.required = true;
    let case = case("[mine]\nneded = /there\n", vec![needed]);
    assert_eq!(case.errors(), ["`[mine] needed` is not set; Help."]);
    let ConfigErrors(_, remarks) = case.result.unwrap_err();
    let told: Vec<String> = remarks
        .iter()
        .map(|remark| remark.message().to_string())
        .collect();
    assert!(told[0].contains("`[mine] neded`"), "{told:?}");
    assert!(told[0].contains("did you mean `needed`?"), "{told:?}");
}

#[test]
fn what_does_not_fit_is_reported_with_its_line() {
    let mut port = option("port", OptionKind::Integer, None);
    for (name, value) in [("minimum", "1"), ("maximum", "65535")] {
        port.attributes.push(Attribute {
            name: name.into(),
            value: value.into(),
        });
    }
    let mut needed = option("needed", OptionKind::Path, None);
    needed.required = true;
    let options = vec![
        port,
        needed,
        option("where", OptionKind::Endpoint, None),
        option("api_token", OptionKind::Url, None),
    ];
    let case = case(
        "[mine]\nport = 0\nwhere = here\napi_token = tell-nobody\n",
        options,
    );
    assert_eq!(
        case.errors(),
        [
            "`caso.conf:6`: `[mine] port` is `0`; expected a whole number from 1 to 65535",
            "`[mine] needed` is not set; Help.",
            "`caso.conf:7`: `[mine] where` is `here`; expected a host and a port: `host:port`, `[::1]:port`",
            "`caso.conf:8`: `[mine] api_token` is `***`; expected an address that begins with `https://` or `http://`",
        ]
    );
}

/// A site would look for it in its own files, where there is nothing of it.
#[test]
fn what_a_component_says_of_its_options_in_contradiction_is_its_own_mistake() {
    let bounded = |kind: OptionKind, bounds: &[(&str, &str)], default: Option<&str>| {
        let mut odd = option("n", kind, default);
        odd.attributes = bounds
            .iter()
            .map(|(name, value)| Attribute {
                name: (*name).into(),
                value: (*value).into(),
            })
            .collect();
        odd
    };
    let from_to = [("minimum", "9"), ("maximum", "3")];
    let secret = option("api_token", OptionKind::Integer, Some("hidden"));
    for (odd, words) in [
        (
            bounded(OptionKind::Integer, &[], Some("abc")),
            "the default of its option `n` is `abc`, where a whole number is expected",
        ),
        (
            bounded(OptionKind::Number, &[("minimum", "NaN")], None),
            "the minimum of its option `n` is `NaN`, which is no such number",
        ),
        (
            bounded(OptionKind::Integer, &[("maximum", "1.5")], None),
            "the maximum of its option `n` is `1.5`, which is no such number",
        ),
        (
            bounded(OptionKind::Integer, &from_to, None),
            "its option `n` is to be at least 9 and at most 3",
        ),
        (
            bounded(OptionKind::Integer, &from_to[..1], Some("8")),
            "the default of its option `n` is `8`, where a whole number",
        ),
        (secret, "the default of its option `api_token` is `***`"),
    ] {
        // Whatever the site has set.
        for text in ["", "[mine]\nn = 5\n"] {
            let errors = case(text, vec![odd.clone()]).errors();
            let error = errors.first().unwrap();
            assert!(error.contains(words), "{errors:?}");
            assert!(error.contains("its author must fix"), "{error}");
        }
    }
    let fine = bounded(OptionKind::Number, &[("minimum", "0.5")], Some("0.5"));
    assert_eq!(case("", vec![fine]).values().len(), 1);
}

#[test]
fn defaults_are_taken_as_they_are() {
    let options = vec![
        option("a", OptionKind::Text, Some("${keystone_auth.password}")),
        option("b", OptionKind::Integer, Some("5")),
        option("c", OptionKind::Text, None),
    ];
    let case = case("[mine]\nb =\n", options);
    let expected = OptionValue::Text("${keystone_auth.password}".into());
    assert_eq!(
        case.values(),
        [
            ("a".into(), expected),
            ("b".into(), OptionValue::Integer(5))
        ]
    );
}

#[test]
fn nobody_reads_somebody_elses_options() {
    let mut sly = option("url", OptionKind::Text, None);
    sly.old_names = vec!["keystone_auth.password".into()];
    let mut older = option("user", OptionKind::Text, None);
    older.old_names = vec!["DEFAULT.site_name".into()];
    let options = vec![
        option("keystone_auth.password", OptionKind::Secret, None),
        option("DEFAULT.spooldir", OptionKind::Text, None),
        option("mapper.memory", OptionKind::Text, None),
        sly,
        older,
    ];
    let errors = case("", options).errors();
    assert_eq!(errors.len(), 5, "{errors:?}");
    assert!(
        errors
            .iter()
            .all(|error| error.contains("not a component's to read"))
    );
}

#[test]
fn nobody_reads_the_section_of_the_password() {
    let auth = "[keystone_auth]\nauth_section = mine\n[mine]\nauth_type = v3password\nauth_url = http://k\nuser_id = u\npassword = p\n";
    let errors = Site::new(&format!("{MINE}{auth}")).errors();
    assert_eq!(
        errors,
        [
            "`caso.conf:6`: `[keystone_auth] auth_section` is `mine`; expected a section that is no messenger's own"
        ]
    );
    let site = Site::new(&format!("{MINE}{}", auth.replace("mine", "other")));
    let config = site.load();
    let password = option("other.password", OptionKind::Secret, None);
    let settings = component_settings(
        &config,
        &config.messengers[0].component,
        &described(vec![password]),
    );
    assert!(
        settings
            .unwrap_err()
            .to_string()
            .contains("not a component's to read")
    );
}

/// Cases a03 to a06 of the sandbox's review, B1 of the contract's: what is nobody's
/// today is somebody's all the same.
#[test]
fn a_component_of_the_sites_reads_its_own_section_and_nothing_else() {
    let secrets = "[vault]\nopenstack = live\n[greendigit_cim]\npassword = green\n\
                   [keystone_auth_old]\npassword = old\n[mine]\nurl = own\n";
    for name in [
        "vault.openstack",
        "greendigit_cim.password",
        "keystone_auth_old.password",
        "keystone_authtoken.password",
        "benchmark.name_key",
        "prometheus.password",
        "mine.url",
        "MINE.url",
    ] {
        let stolen = option(name, OptionKind::Text, None);
        let errors = case(secrets, vec![stolen]).errors();
        assert!(errors[0].contains("in [mine] alone"), "{errors:?}");
        let mut old = option("x", OptionKind::Text, None);
        old.old_names = vec![name.into()];
        let case = case(secrets, vec![old]);
        if name.eq_ignore_ascii_case("mine.url") {
            assert_eq!(case.values()[0].1, OptionValue::Text("own".into()));
        } else {
            assert!(case.errors()[0].contains("in [mine] alone"), "{name}");
        }
    }
    let mut old = option("x", OptionKind::Text, None);
    old.old_names = vec!["DEFAULT.transport_url".into()];
    assert!(case("", vec![old]).errors()[0].contains("in [mine] alone"));
    // A value that is set in the environment alone is no different.
    let site = Site::new(MINE).variable("OS_GREENDIGIT_CIM__PASSWORD", "green");
    let config = site.load();
    let stolen = described(vec![option(
        "greendigit_cim.password",
        OptionKind::Text,
        None,
    )]);
    let instance = &config.messengers[0].component;
    assert!(component_settings(&config, instance, &stolen).is_err());
}

/// What the site makes of a secret is one, here and in `caso config show`.
#[test]
fn a_value_made_of_a_secret_is_a_secret() {
    let auth = "[keystone_auth]\nauth_type = v3password\nauth_url = http://k\nuser_id = u\n\
                password = $vault.it\n[vault]\nit = hunter22\n";
    let text =
        "[mine]\nheader = Bearer $keystone_auth.password\ncopy = x${vault.it}y\npin = 123456\n";
    let options = || {
        let mut pin = option("password_pin", OptionKind::Integer, Some("999999"));
        pin.old_names = vec!["pin".into()];
        vec![
            option("header", OptionKind::Text, None),
            option("copy", OptionKind::Text, None),
            pin,
            option(
                "api_token",
                OptionKind::Text,
                Some("of the component's own"),
            ),
        ]
    };
    let case = case(&format!("{auth}{text}"), options());
    let settings = case.result.as_ref().unwrap();
    for hidden in ["Bearer hunter22", "hunter22", "123456"] {
        assert!(
            settings.hidden.iter().any(|text| text == hidden),
            "{hidden}"
        );
    }
    assert!(!settings.hidden.iter().any(|text| text.contains("own")));
    let config = case.site.load();
    let instance = &config.messengers[0].component;
    let shown = component_values(&config, instance, &described(options())).unwrap();
    let shown = written(&[], &shown, false);
    assert!(
        !shown.contains("hunter22") && !shown.contains("123456"),
        "{shown}"
    );
}

#[test]
fn historic_sections_and_names() {
    let key = option(
        "benchmark.name_key",
        OptionKind::Text,
        Some("accounting:benchmark_type"),
    );
    let site = Site::new("[DEFAULT]\nbenchmark_name_key = old\n");
    let config = site.load();
    let only = described(vec![key.clone()]);
    let result = component_settings(&config, &config.mapper, &only);
    let case = Case { site, result };
    assert_eq!(case.values()[0].1, OptionValue::Text("old".into()));
    assert_eq!(
        case.warnings(),
        [
            "`caso.conf:2`: `[DEFAULT] benchmark_name_key` is an old name; it works, but write `name_key` in [benchmark]"
        ]
    );
    let site = Site::new("[DEFAULT]\nbenchmark_name_key = old\n[benchmark]\nname_key = new\n");
    let config = site.load();
    let result = component_settings(&config, &config.mapper, &described(vec![key]));
    let case = Case { site, result };
    assert_eq!(case.values()[0].1, OptionValue::Text("new".into()));
    // It was said to work.
    assert_eq!(
        case.warnings(),
        [
            "`caso.conf:2`: `[DEFAULT] benchmark_name_key` is an old name and has no effect: `name_key` in [benchmark] \
             is set, too, and what counts is `caso.conf:4`; remove the old one"
        ]
    );
}

#[test]
fn unknown_options_of_a_component() {
    let own = vec![option("output_path", OptionKind::Path, None)];
    assert_eq!(
        case("[mine]\noutputpath = /o\n", own).warnings(),
        [
            "`caso.conf:6`: `[mine] outputpath` is not an option and has no effect; did you mean `output_path`?",
        ]
    );
    // One that came with the engine has options in sections of cASO's, too.
    let options = vec![
        option("extra.x", OptionKind::Text, None),
        option("oslo_concurrency.x", OptionKind::Text, None),
    ];
    let site = Site::new("[extra]\ny = 1\n[oslo_concurrency]\nlock_path = a\n");
    let config = site.load();
    let result = component_settings(&config, &config.mapper, &described(options));
    assert_eq!(
        Case { site, result }.warnings(),
        [
            "`caso.conf:2`: `[extra] y` is not an option and has no effect; did you mean `x`?",
            "`caso.conf:4`: `[oslo_concurrency] lock_path` has no effect: the lock's options are `lock_path` and `lock_timeout` in [DEFAULT]",
        ]
    );
}

#[test]
fn secrets_are_named() {
    let options = vec![
        option("a", OptionKind::Secret, None),
        option("api_token", OptionKind::Text, None),
        option("b", OptionKind::Text, None),
    ];
    assert_eq!(
        case("", options).result.unwrap().secrets,
        ["a", "api_token"]
    );
}

#[test]
fn record_types_of_the_contract_or_of_the_component() {
    let with = |types: &str| {
        let site = Site::new(&format!("{MINE}record_types = {types}\n"));
        let config = site.load();
        component_settings(&config, &config.messengers[0].component, &described(vec![]))
            .map_err(|errors| site.short(&errors.to_string()))
    };
    assert!(with("cloud, ceph-bucket").is_ok());
    let error = with("cloud, clod").unwrap_err();
    assert!(
        error.starts_with("`caso.conf:5`: `[messenger_mine] record_types` is `clod`"),
        "{error}"
    );
    assert!(error.ends_with("did you mean `cloud`?"), "{error}");
}

#[test]
fn implied_options_yield_to_the_site() {
    let version = |text: &str| {
        let config = Site::new(&format!("[DEFAULT]\nmessengers = ssmv2\n{text}")).load();
        let options = vec![option("cloud_version", OptionKind::Text, Some("0.4"))];
        let settings = component_settings(
            &config,
            &config.messengers[0].component,
            &described(options),
        );
        settings.unwrap().settings[0].value.clone()
    };
    assert_eq!(version(""), OptionValue::Text("0.2".into()));
    assert_eq!(
        version("[ssm]\ncloud_version = 0.4\n"),
        OptionValue::Text("0.4".into())
    );
}

#[test]
fn an_option_may_refer_to_another_of_its_component() {
    let options = vec![
        option("base", OptionKind::Path, Some("/b")),
        option("out", OptionKind::Path, None),
    ];
    let case = case("[mine]\nout = ${mine.base}/$base\n", options);
    assert_eq!(case.values()[1].1, OptionValue::Text("/b//b".into()));
}

#[test]
fn sections_of_nobody() {
    let site = Site::new(
        "[default]\nx = 1\n[logstah]\n[oslo_concurrency]\n[prometheus]\n[benchmark]\n[extra]\n[other]\n",
    );
    let config = site.load();
    let description = described(vec![option("extra.x", OptionKind::Text, None)]);
    let warnings = unknown_sections(&config, &[(&config.mapper, &description)]);
    let texts: Vec<_> = warnings
        .iter()
        .map(|warning| site.short(&warning.to_string()))
        .collect();
    assert_eq!(
        texts,
        [
            "`caso.conf:1`: [default] has no effect; write `[DEFAULT]` in capitals",
            "`caso.conf:3`: [logstah] is unknown and has no effect; did you mean `logstash`?",
            "`caso.conf:4`: [oslo_concurrency] has no effect: the lock's options are `lock_path` and `lock_timeout` in [DEFAULT]",
            "`caso.conf:8`: [other] is unknown and has no effect",
        ]
    );
}

/// cASO took a relative path as from the folder that it was started in.
#[test]
fn a_relative_path_works_and_is_warned_of_with_the_absolute_one() {
    let options = || vec![option("output_path", OptionKind::Path, None)];
    let case = case("[mine]\noutput_path = out/going\n", options());
    let here = std::env::current_dir().unwrap().join("out/going");
    let here = here.display().to_string();
    let settings = case.result.as_ref().unwrap();
    assert_eq!(
        case.values(),
        [("output_path".to_owned(), OptionValue::Text(here.clone()))]
    );
    let [warning] = &settings.warnings[..] else {
        panic!("{:?}", settings.warnings)
    };
    assert_eq!(warning.key, "relative:mine.output_path");
    assert!(warning.text.contains(&format!("`{here}`")), "{warning}");
    let case = self::case("[mine]\noutput_path = /out\n", options());
    assert!(case.result.unwrap().warnings.is_empty());
}
