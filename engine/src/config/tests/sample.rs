use super::*;
use crate::config::{ini, table};
use crate::model::component::{Description, OptionDescription, OptionKind};

fn ssm() -> Description {
    let option = |name: &str, default: &str| OptionDescription {
        name: name.into(),
        kind: OptionKind::Path,
        default: Some(default.into()),
        required: false,
        help: "Where messages go.".into(),
        old_names: vec!["DEFAULT.outgoing".into()],
        attributes: Vec::new(),
    };
    Description {
        name: "ssm".into(),
        summary: String::new(),
        version: "1".into(),
        record_types: Vec::new(),
        options: vec![option("output_path", "/o"), option("historic.key", "k")],
        capabilities: Vec::new(),
        packing_option: None,
        attributes: Vec::new(),
    }
}

#[test]
fn the_sample_shows_every_option_and_sets_none() {
    let text = sample(&[ssm()]);
    let parsed = ini::parse(&text).unwrap();
    assert_eq!(parsed.assignments, []);
    assert!(
        text.lines().all(|line| line.len() <= 110),
        "a line is too long"
    );
    for section in [
        "DEFAULT",
        "keystone_auth",
        "messenger_ssm",
        "ssm",
        "historic",
    ] {
        assert!(
            parsed.sections.iter().any(|(name, _)| name == section),
            "{section}"
        );
    }
    for row in table::rows().filter(|row| row.ignored.is_none() && row.section != "mapper") {
        assert!(text.contains(&format!("\n#{} =", row.name)), "{}", row.name);
    }
    assert!(text.contains(
        "# Where messages go. (path)\n# Formerly: [DEFAULT] outgoing\n#output_path = /o\n"
    ));
}

/// Every line of the sample, uncommented where it has a value, is a
/// configuration that loads without a remark, and changes nothing.
#[test]
fn the_sample_uncommented_is_the_default() {
    let text: String = sample(&[ssm()])
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(rest)
                if !rest.starts_with(' ') && rest.contains(" =") && !rest.ends_with("<unset>") =>
            {
                format!("{rest}\n")
            }
            _ => format!("{line}\n"),
        })
        .collect();
    let text = text.replace("\n[keystone_auth]\n", "\n[keystone_auth]\nauth_url = https://k\nauth_type = v3password\nuser_id = u\npassword = p\n");
    let site = Site::new(&text).variable("OS_DEFAULT__SITE_NAME", "FOO");
    let config = site.load();
    assert_eq!(config.warnings, []);
    let plain = Site::new("")
        .variable("OS_DEFAULT__SITE_NAME", "FOO")
        .load();
    let value = |config: &Config, option: &str| {
        config
            .values
            .iter()
            .find(|value| value.option == option)
            .unwrap()
            .value
            .clone()
    };
    for row in table::rows().filter(|row| row.ignored.is_none() && row.section == "DEFAULT") {
        assert_eq!(
            value(&config, row.name),
            value(&plain, row.name),
            "{}",
            row.name
        );
    }
}
