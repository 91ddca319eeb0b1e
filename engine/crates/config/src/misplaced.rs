//! Options of components that stand in somebody else's section, as `output_path` in `[messenger_ssm]` or in
//! `[DEFAULT]`: the files are read before any component has described its own, so where an unknown name belongs is
//! found out when those are known.

use super::component::full_name;
use super::types::{ComponentInstance, Config};
use caso_model::component::Description;
use caso_model::notice::Notice;

/// The remarks on the files, those on names that are an option of one of these components with the section that it
/// belongs in. What a messenger's own component has counts before a name that is merely near.
pub fn placed(config: &Config, described: &[(&ComponentInstance, &Description)]) -> Vec<Notice> {
    let mut notices = config.warnings.clone();
    for notice in &mut notices {
        let place = notice.key.strip_prefix("unknown:");
        let Some((written, name)) = place.and_then(|place| place.split_once('.')) else {
            continue;
        };
        // Of a component's own section what is odd is said by itself.
        let mut sections: Vec<String> = described
            .iter()
            .flat_map(|(instance, description)| {
                let names = description.options.iter();
                names.map(|option| full_name(instance, &option.name))
            })
            .filter(|(section, option)| option == name && section != written)
            .map(|(section, _)| section)
            .collect();
        sections.sort();
        sections.dedup();
        let own = written
            .strip_prefix("messenger_")
            .or(written.strip_prefix("filter_"));
        let own = own.and_then(|own| sections.iter().find(|section| *section == own));
        let hint = match (own, sections.as_slice()) {
            (Some(own), _) => format!("it belongs in [{own}]"),
            (None, []) => continue,
            (None, _) if notice.hint.is_some() => continue,
            (None, sections) => format!("it belongs in [{}]", sections.join("] or [")),
        };
        notice.hint = Some(hint);
    }
    notices
}
