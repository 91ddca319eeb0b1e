use super::*;

const MESSENGER: Roles = Roles {
    mapper: false,
    messenger: true,
};

fn description() -> Description {
    Description {
        name: "mine".to_owned(),
        summary: "Sends\x1b[2J things".to_owned(),
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
    assert_eq!(good.summary, "Sends[2J things");
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

#[test]
fn a_mapper_is_pure_and_sockets_need_an_address() {
    let mut asking = description();
    asking.capabilities = vec![capability("a", "address")];
    let mapper = Roles {
        mapper: true,
        messenger: false,
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
