//! Options of components that stand in somebody else's section, as `output_path` in `[messenger_ssm]` or in
//! `[DEFAULT]`: the files are read before any component has described its own, so where an unknown name belongs is
//! found out when those are known.

use super::component::full_name;
use super::messengers::names::former_section;
use super::remarks;
use super::table;
use super::types::{ComponentInstance, Config};
use caso_model::component::Description;
use caso_model::notice::Notice;

type Described<'a> = [(&'a ComponentInstance, &'a Description)];

/// The remarks on the files, those on names that are an option of one of these components with the section that it
/// belongs in. What a messenger's own component has counts before a name that is merely near.
///
/// In `[messenger_X]` and `[filter_X]` X alone is meant: who follows a hint to the section of another one changes where
/// that one's records go. X may have no description, for one that cannot be used is among the reasons to look there.
pub fn placed(config: &Config, described: &Described<'_>) -> Vec<Notice> {
    let mut notices = config.warnings.clone();
    for notice in &mut notices {
        let place = notice.key.strip_prefix("unknown:");
        let Some((written, name)) = place.and_then(|place| place.split_once('.')) else {
            continue;
        };
        let near = notice.hint.take();
        notice.hint = if table::is_of_an_instance(written) {
            host_section(config, described, (written, name), near)
        } else {
            near.or_else(|| belongs(&sections(described, (written, name))))
        };
    }
    notices
}

/// The sections in which one of these has an option of this name, but for the one in which it was written: of a
/// component's own section what is odd is said by itself.
fn sections(described: &Described<'_>, (written, name): (&str, &str)) -> Vec<String> {
    let all = described.iter().flat_map(|(instance, description)| {
        let names = description.options.iter();
        names.map(|option| full_name(instance, &option.name))
    });
    let mut sections: Vec<String> = all
        .filter(|(section, option)| option == name && section != written)
        .map(|(section, _)| section)
        .collect();
    sections.sort();
    sections.dedup();
    sections
}

fn belongs(sections: &[String]) -> Option<String> {
    (!sections.is_empty()).then(|| format!("it belongs in [{}]", sections.join("] or [")))
}

/// What to do with a line in the section of an instance.
fn host_section(
    config: &Config,
    described: &Described<'_>,
    (written, name): (&str, &str),
    near: Option<String>,
) -> Option<String> {
    let is_its = |instance: &ComponentInstance| {
        instance.host_section == written || former_section(&instance.name) == Some(written)
    };
    let messengers = config.messengers.iter();
    let mut instances =
        messengers.flat_map(|one| std::iter::once(&one.component).chain(&one.filters));
    let instance = instances.find(|instance| is_its(instance));
    // Whose section belongs to nobody has a remark on that.
    let Some(instance) = instance else {
        return near;
    };
    let own: Vec<_> = described
        .iter()
        .filter(|(instance, _)| is_its(instance))
        .copied()
        .collect();
    match own.is_empty() {
        false => belongs(&sections(&own, (written, name)))
            .or(near)
            .or_else(|| remarks::of_the_engine(name, written)),
        true => near.or_else(|| {
            let section = &instance.section;
            Some(format!(
                "it belongs in [{section}], if it is an option of the component"
            ))
        }),
    }
}
