//! `caso config show`: every option with the value in force and where it came
//! from.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::component::component_settings;
use super::error::ConfigErrors;
use super::origin::Origin;
use super::types::{ComponentInstance, Config, ShownValue};
use caso_base::conf;
use caso_base::line::clean_lines;
use caso_model::component::{Description, OptionValue};
use caso_model::secret::MASK;

/// A component's own options, in the order of its description.
pub fn component_values(
    config: &Config,
    instance: &ComponentInstance,
    description: &Description,
) -> Result<Vec<ShownValue>, ConfigErrors> {
    let found = component_settings(config, instance, description)?;
    let shown = |name: &String| {
        let setting = found.settings.iter().find(|setting| setting.name == *name);
        let text = setting.map(|setting| text(&setting.value));
        // Nothing is hidden where there is nothing.
        let of_a_secret = |text: &String| found.hidden.iter().any(|known| text.contains(known));
        let hidden = found.secrets.contains(name) || text.as_ref().is_some_and(of_a_secret);
        let mask = |text: String| match hidden && !text.is_empty() {
            true => MASK.to_owned(),
            false => text,
        };
        let (section, option) = name
            .split_once('.')
            .unwrap_or((instance.section.as_str(), name.as_str()));
        ShownValue {
            section: section.to_owned(),
            option: option.to_owned(),
            value: text.map(mask),
            secret: hidden,
            origin: found
                .places
                .get(name)
                .map_or(Origin::Default, |at| at.origin.clone()),
        }
    };
    Ok(description
        .options
        .iter()
        .map(|option| shown(&option.name))
        .collect())
}

fn text(value: &OptionValue) -> String {
    match value {
        OptionValue::Text(text) => text.clone(),
        OptionValue::Integer(number) => number.to_string(),
        OptionValue::Number(number) => number.to_string(),
        OptionValue::Boolean(value) => value.to_string(),
        OptionValue::DurationMilliseconds(span) if span % 1_000 == 0 => {
            format!("{}s", span / 1_000)
        }
        OptionValue::DurationMilliseconds(span) => format!("{span}ms"),
        OptionValue::SizeBytes(size) => size.to_string(),
        OptionValue::Texts(texts) => texts.join(","),
    }
}

/// The files that were read, and the values by section, [DEFAULT] first: an option a line, below
/// a comment with its origin, so that a line can be pasted into a file: a `#` behind a value would
/// be part of it. Options that nobody set and that have no default are comments, and left out
/// unless they are asked for.
pub fn written(files: &[PathBuf], values: &[ShownValue], unset: bool) -> String {
    let mut out = String::new();
    match files {
        [] => out.push_str("# no configuration file was found\n"),
        files => {
            for file in files {
                let _ = writeln!(out, "# read: {}", file.display());
            }
        }
    }
    let mut sections: Vec<&str> = Vec::new();
    for value in values {
        if !sections.contains(&value.section.as_str()) {
            sections.push(&value.section);
        }
    }
    // The engine's own come first, whatever was read first.
    sections.sort_by_key(|section| *section != "DEFAULT");
    for section in sections {
        let mut seen: Vec<&str> = Vec::new();
        let mut lines = String::new();
        for value in values.iter().filter(|value| value.section == section) {
            // Some are read twice, for two purposes.
            if seen.contains(&value.option.as_str()) {
                continue;
            }
            seen.push(&value.option);
            match &value.value {
                Some(text) => {
                    // A default may be a component's text, and `$` in it means nothing. Of one of
                    // several lines what goes on is indented, as in an INI file.
                    let several = |_| conf::dollars(text);
                    let text = clean_lines(&conf::value(text).unwrap_or_else(several));
                    let _ = writeln!(lines, "# {}\n{} = {text}", value.origin, value.option);
                }
                None if unset => {
                    let _ = writeln!(lines, "# not set: {}", value.option);
                }
                None => {}
            }
        }
        if !lines.is_empty() {
            let _ = write!(out, "\n[{section}]\n{lines}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::Site;

    /// Pasted, a default of a component's would have got the password of Keystone.
    #[test]
    fn a_line_that_is_pasted_means_what_was_shown() {
        let shown = |text: &str| {
            let value = ShownValue {
                section: "mine".to_owned(),
                option: "u".to_owned(),
                value: Some(text.to_owned()),
                secret: false,
                origin: Origin::Default,
            };
            let all = written(&[], &[value], false);
            let line = all.lines().skip_while(|line| !line.starts_with("u ="));
            line.collect::<Vec<_>>().join("\n")
        };
        assert_eq!(
            shown("http://x/$keystone_auth.password"),
            "u = http://x/$$keystone_auth.password"
        );
        assert_eq!(shown(" a"), "u = \" a\"");
        assert_eq!(shown("a\n$b"), "u = a\n  $$b");
    }

    #[test]
    fn values_stand_with_their_origins_and_without_secrets() {
        let site = Site::new(
            "[DEFAULT]\nsite_name = FOO\n[keystone_auth]\nauth_type = v3password\n\
             auth_url = https://k\nuser_id = u\npassword = hunter2\n",
        )
        .variable("OS_DEFAULT__PAGE_SIZE", "7")
        .flag("projects", "a,b");
        let config = site.load();
        let text = site.short(&super::written(&config.files, &config.values, false));
        for line in [
            "# read: caso.conf\n",
            "\n[DEFAULT]\n",
            "\n# `caso.conf:2`\nsite_name = FOO\n",
            "\n# default\nservice_name = FOO\n",
            "\n# environment variable `OS_DEFAULT__PAGE_SIZE`\npage_size = 7\n",
            "\n# command line `--projects`\nprojects = a,b\n",
            "\n[keystone_auth]\n",
            "\n# `caso.conf:7`\npassword = ***\n",
        ] {
            assert!(text.contains(line), "{line:?} is not in\n{text}");
        }
        assert!(!text.contains("hunter2") && !text.contains("not set"));
        let all = super::written(&config.files, &config.values, true);
        assert!(all.contains("\n# not set: region_name\n"), "{all}");
    }
}
