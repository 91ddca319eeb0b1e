use super::*;
use crate::{ini, table};
use caso_model::component::{Description, OptionDescription, OptionKind};

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
        record_types: ["cloud", "ip", "accelerator", "storage"]
            .map(String::from)
            .into(),
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

/// The sample with every option set to the default that it shows.
fn uncommented(descriptions: &[Description]) -> String {
    sample(descriptions)
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if !rest.starts_with(' ') && rest.contains(" =") => format!("{rest}\n"),
            _ => format!("{line}\n"),
        })
        .collect()
}

#[test]
fn the_sample_uncommented_is_the_default() {
    let text = uncommented(&[ssm()]).replace("\nuser_id =\n", "\nuser_id = u\n");
    let text = text.replace("\nauth_url =\n", "\nauth_url = https://k\n");
    let text = text.replace("\nauth_type =\n", "\nauth_type = v3password\n");
    let text = text.replace("\npassword =\n", "\npassword = p\n");
    // Of a section that a sample cannot have.
    let text = text.replace("\nkeystone =\n", "\n");
    let plain = "\n[DEFAULT]\n[keystone_auth]\nauth_url = https://k\nauth_type = v3password\nuser_id = u\npassword = p\n";
    let config = |text: &str| {
        let site = Site::new(
            &text
                .replace("\nmessengers = noop\n", "\n")
                .replace("\n[DEFAULT]\n", "\n[DEFAULT]\nmessengers = ssm\n"),
        );
        let mut config = site.load();
        assert_eq!(config.warnings, []);
        // What says where a value stood differs, of course.
        let value = |value: &mut ShownValue| {
            value.origin = Origin::Default;
            value.value = value.value.take().filter(|text| !text.is_empty());
        };
        config.values.iter_mut().for_each(value);
        for messenger in &mut config.messengers {
            messenger.component.origin = Origin::Default;
            // Unset, and set to what unset means.
            if let RecordTypes::These { names, .. } = &messenger.record_types {
                assert_eq!(*names, ssm().record_types);
                messenger.record_types = RecordTypes::Described;
            }
        }
        config.mapper.origin = Origin::Default;
        config.clouds[0].mapping_file_set = false;
        config.files.clear();
        config
    };
    let (set, plain) = (config(&text), config(plain));
    assert_eq!(set.clouds, plain.clouds);
    assert_eq!(set.messengers, plain.messengers);
    assert_eq!(set.values.len(), plain.values.len());
    for (set, plain) in set.values.iter().zip(&plain.values) {
        // Unset, and set to what unset means.
        let record_types = set.option == "record_types" && plain.value.is_none();
        assert!(set == plain || record_types, "{set:?} is not {plain:?}");
    }
    let rest = |mut config: Config| {
        config.values.clear();
        format!("{config:?}")
    };
    assert_eq!(rest(set), rest(plain));
}

#[test]
fn a_components_default_is_written_so_that_it_is_read_back() {
    let mut description = ssm();
    for (index, default) in ["a$b", " spaces ", "'quoted'", "two\nlines", ""]
        .iter()
        .enumerate()
    {
        let mut option = description.options[0].clone();
        option.name = format!("text_{index}");
        option.kind = OptionKind::Text;
        option.default = Some((*default).to_owned());
        description.options.push(option);
    }
    let text = sample(&[description.clone()])
        .replace("\n#text", "\ntext")
        .replace("\n#  lines", "\n  lines");
    let site = Site::new(&text.replace("#messengers = noop", "messengers = ssm"));
    let config = site.load();
    let described = |config: &Config| {
        component_settings(config, &config.messengers[0].component, &description).unwrap()
    };
    let plain = Site::new("[DEFAULT]\nmessengers = ssm\n").load();
    assert_eq!(described(&config).settings, described(&plain).settings);
    assert!(matches!(
        described(&config).places.get("text_0").unwrap().origin,
        Origin::File { .. }
    ));
}
