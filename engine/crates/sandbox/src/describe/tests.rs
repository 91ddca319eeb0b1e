use super::*;

const MESSENGER: Roles = Roles {
    mapper: false,
    messenger: true,
    filter: false,
};

fn description() -> Description {
    Description {
        name: "mine".to_owned(),
        summary: "Sends\n\tthings".to_owned(),
        version: "1.0".to_owned(),
        record_types: vec!["cloud".to_owned()],
        options: vec![option("max_size", OptionKind::Integer, Some("100"))],
        capabilities: Vec::new(),
        packing_option: Some("max_size".to_owned()),
        attributes: Vec::new(),
    }
}

fn option(name: &str, kind: OptionKind, default: Option<&str>) -> OptionDescription {
    OptionDescription {
        name: name.to_owned(),
        kind,
        default: default.map(str::to_owned),
        required: false,
        help: "Help\nin lines".to_owned(),
        old_names: Vec::new(),
        attributes: Vec::new(),
    }
}

fn capability(name: &str, kind: &str) -> CapabilityRequest {
    CapabilityRequest {
        name: name.to_owned(),
        kind: kind.to_owned(),
        target: "a:1".to_owned(),
        required: false,
        attributes: Vec::new(),
    }
}

#[test]
fn what_is_shown_is_cleaned() {
    let good = checked(description(), MESSENGER, &[]).unwrap();
    assert_eq!(good.summary, "Sends  things");
    assert_eq!(good.options[0].help, "Help in lines");
}

#[test]
fn each_fault_is_named() {
    let choice = || OptionKind::Choice(vec!["a".to_owned()]);
    type Spoil = Box<dyn Fn(&mut Description)>;
    let cases: Vec<(&str, Spoil)> = vec![
        ("its name `M`", Box::new(|d| d.name = "M".to_owned())),
        ("its name ``", Box::new(|d| d.name.clear())),
        (
            "`max_size` twice",
            Box::new(|d| d.options.push(d.options[0].clone())),
        ),
        (
            "not a `name`",
            Box::new(|d| d.options.push(option("a.b.c", OptionKind::Text, None))),
        ),
        (
            "none of its choices",
            Box::new(move |d| d.options.push(option("c", choice(), Some("b")))),
        ),
        (
            "choice of nothing",
            Box::new(|d| {
                d.options
                    .push(option("c", OptionKind::Choice(Vec::new()), None))
            }),
        ),
        (
            "packing option `no`",
            Box::new(|d| d.packing_option = Some("no".to_owned())),
        ),
        (
            "not an integer option",
            Box::new(|d| d.options[0].kind = OptionKind::Text),
        ),
        (
            "capability `q` twice",
            Box::new(|d| d.capabilities = vec![capability("q", "queue"); 2]),
        ),
        (
            "a capability is not of",
            Box::new(|d| d.capabilities = vec![capability("", "queue")]),
        ),
        (
            "record types",
            Box::new(|d| d.record_types.push("A B".to_owned())),
        ),
    ];
    for (part, spoil) in cases {
        let mut description = description();
        spoil(&mut description);
        let problem = checked(description, MESSENGER, &[])
            .unwrap_err()
            .to_string();
        assert!(problem.contains(part), "{problem}");
    }
}

/// a09 to a18 of the sandbox's review: titles of terminals, forged lines, a megabyte.
#[test]
fn a_text_that_does_more_than_be_read_is_refused_wherever_it_stands() {
    type Spoil = fn(&mut Description, String);
    fn asking(d: &mut Description) -> &mut CapabilityRequest {
        d.capabilities = vec![capability("q", "queue")];
        &mut d.capabilities[0]
    }
    fn attribute(name: &str, value: &str) -> Attribute {
        Attribute {
            name: name.to_owned(),
            value: value.to_owned(),
        }
    }
    let places: [(&str, Spoil); 12] = [
        ("version", |d, text| d.version = text),
        ("summary", |d, text| d.summary = text),
        ("help", |d, text| d.options[0].help = text),
        ("default", |d, text| d.options[0].default = Some(text)),
        ("old name", |d, text| d.options[0].old_names = vec![text]),
        ("choice", |d, text| {
            d.options
                .push(option("c", OptionKind::Choice(vec![text]), None))
        }),
        ("kind of an option", |d, text| {
            d.options.push(option("c", OptionKind::Other(text), None))
        }),
        ("kind of a capability", |d, text| asking(d).kind = text),
        ("target", |d, text| asking(d).target = text),
        ("name of an attribute", |d, text| {
            asking(d).attributes = vec![attribute(&text, "")]
        }),
        ("attribute", |d, text| {
            asking(d).attributes = vec![attribute("a", &text)]
        }),
        ("attribute", |d, text| {
            d.attributes = vec![attribute("a", &text)]
        }),
    ];
    for (what, spoil) in places {
        for sly in [
            "x\x1b]0;owned\x07",
            "x\rerror: messenger `ssm`: 51 records are LOST",
            "x\u{202e}y",
            "x\u{9b}2J",
            "x\u{200d}y",
            "x\u{ad}y",
        ] {
            let mut description = description();
            spoil(&mut description, sly.to_owned());
            let problem = checked(description, MESSENGER, &[])
                .unwrap_err()
                .to_string();
            assert!(
                problem.contains(&format!("its {what} has characters")),
                "{problem}"
            );
            assert!(problem.chars().all(|c| !c.is_control()), "{problem:?}");
        }
        let mut description = description();
        spoil(&mut description, "x".repeat(1 << 20));
        let problem = checked(description, MESSENGER, &[])
            .unwrap_err()
            .to_string();
        assert!(
            problem.contains(&format!("its {what} has more than")),
            "{problem}"
        );
    }
}

/// 25,000 old names cost two seconds.
#[test]
fn a_flood_at_one_option_is_refused() {
    let mut many = description();
    many.options[0].old_names = (0..51).map(|n| format!("old{n}")).collect();
    let problem = checked(many, MESSENGER, &[]).unwrap_err().to_string();
    assert!(problem.contains("more than 50 old names"), "{problem}");
}

#[test]
fn a_secret_does_not_stand_in_a_target() {
    let mut sly = description();
    sly.options.push(option("password", OptionKind::Text, None));
    sly.capabilities = vec![capability("web", "http")];
    sly.capabilities[0].target = "https://${password}.evil.example".to_owned();
    let problem = checked(sly, MESSENGER, &[]).unwrap_err().to_string();
    assert!(problem.contains("secret option `password`"), "{problem}");
}

/// What is set under a former name is the same secret.
#[test]
fn a_secret_of_an_old_name_does_not_stand_in_a_target() {
    let mut sly = description();
    sly.options.push(option("host", OptionKind::Text, None));
    sly.options[1].old_names = vec!["password".to_owned()];
    sly.capabilities = vec![capability("web", "http")];
    sly.capabilities[0].target = "https://${host}.evil.example".to_owned();
    let problem = checked(sly, MESSENGER, &[]).unwrap_err().to_string();
    assert!(problem.contains("secret option `host`"), "{problem}");
}

#[test]
fn an_old_name_is_one_options_alone() {
    let old = |of_first: &[&str], of_second: &[&str]| {
        let mut sly = description();
        sly.options
            .push(option("password", OptionKind::Secret, None));
        for (option, old) in sly.options.iter_mut().zip([of_first, of_second]) {
            option.old_names = old.iter().map(|old| (*old).to_owned()).collect();
        }
        checked(sly, MESSENGER, &[])
    };
    for (first, second) in [
        (&["password"][..], &[][..]),
        (&["was"], &["was"]),
        (&[], &["max_size"]),
    ] {
        let problem = old(first, second).unwrap_err().to_string();
        assert!(problem.contains("is a name of another option"), "{problem}");
    }
    assert!(old(&["max_size", "was"], &["secret"]).is_ok());
}

#[test]
fn a_mapper_is_pure_and_sockets_need_an_address() {
    let mut asking = description();
    asking.capabilities = vec![capability("a", "address")];
    let mapper = Roles {
        mapper: true,
        messenger: false,
        filter: false,
    };
    assert!(
        checked(asking.clone(), mapper, &[])
            .unwrap_err()
            .to_string()
            .contains("pure")
    );
    let imports = ["wasi:sockets/tcp@0.2.6".to_owned()];
    assert!(checked(asking, MESSENGER, &imports).is_ok());
    let problem = checked(description(), MESSENGER, &imports)
        .unwrap_err()
        .to_string();
    assert!(
        problem.contains("`address`") && problem.contains("--stub-wasi"),
        "{problem}"
    );
    let imports = ["wasi:http/types@0.2.10".to_owned()];
    let mut asking = description();
    asking.capabilities = vec![capability("a", "http")];
    assert!(checked(asking, MESSENGER, &imports).is_ok());
    let problem = checked(description(), MESSENGER, &imports)
        .unwrap_err()
        .to_string();
    assert!(
        problem.contains("`http`") && problem.contains("fetch-event"),
        "{problem}"
    );
}
