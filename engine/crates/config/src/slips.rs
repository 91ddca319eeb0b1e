//! What a file says otherwise than it looks: an option that is a part of the one above it, and one that stands
//! there twice.

use std::collections::HashMap;

use super::error::{At, ConfigError};
use super::form::Form;
use super::ini::Assignment;
use super::origin::Origin;
use super::sources::Sources;
use super::table::{self, keystone};
use super::text::strip;
use caso_base::Message;
use caso_model::notice::Notice;

/// An indented line continues the value above it, as in oslo's files. One that sets an option of the engine's
/// was meant to be one: what is above it would hold both, and the option its default.
pub(super) fn swallowed(sources: &Sources) -> Vec<ConfigError> {
    let mut errors = Vec::new();
    for (assignment, origin) in sources.assignments() {
        let section = assignment.section.as_str();
        // Which sections hold a login is not known yet; by their names those do.
        let as_section = match section.starts_with("keystone") {
            true => keystone::AUTH_TYPE.section,
            false => section,
        };
        for (below, name) in continued(assignment) {
            let is_option = table::find(as_section, name).is_some()
                || table::find_old(as_section, name).is_some();
            if is_option {
                let what = (
                    format!(
                        "begins with a space, so that it belongs to the value of `{}` above it",
                        assignment.key
                    ),
                    "begin the line in its first column",
                );
                errors.push(ConfigError::Refused {
                    at: At::new(&lower(&origin, below), section, name),
                    what: Message::from(what),
                });
            }
        }
    }
    errors
}

/// The names that further lines of a value seem to set, with how far below the first they stand.
fn continued(assignment: &Assignment) -> impl Iterator<Item = (usize, &str)> {
    let is_ini = assignment.form == Form::Ini;
    let lines = assignment.value.split('\n').enumerate().skip(1);
    lines.filter(move |_| is_ini).filter_map(|(below, line)| {
        let (name, _) = line.split_once(['=', ':'])?;
        Some((below, strip(name)))
    })
}

fn lower(origin: &Origin, below: usize) -> Origin {
    match origin {
        Origin::File { path, line } => Origin::File {
            path: path.clone(),
            line: line + below,
        },
        other => other.clone(),
    }
}

/// Options that one file sets twice, to different values: the last one counts.
pub(super) fn twice(sources: &Sources) -> Vec<Notice> {
    let mut notices = Vec::new();
    for file in &sources.files {
        let mut seen: HashMap<(&str, &str), &Assignment> = HashMap::new();
        for last in &file.ini.assignments {
            let (section, name) = (last.section.as_str(), last.key.as_str());
            let before = seen.insert((section, name), last);
            if let Some(before) = before.filter(|before| before.value != last.value) {
                let text = (
                    format!(
                        "{}: `[{section}] {name}` is also in line {}, with another value, and this one counts",
                        file.at(last.line),
                        before.line
                    ),
                    "remove the wrong one",
                );
                notices.push(Notice::warning(format!("twice:{section}.{name}"), text));
            }
        }
    }
    notices
}

#[cfg(test)]
mod tests {
    use crate::tests::Site;

    #[test]
    fn an_option_that_continues_the_one_above_is_refused() {
        let text = "[DEFAULT]\nprojects = a,\n  b\n messengers = ssm\nsite_name = S\n[keystone_two]\n\
                    username = u\n\tpassword = p\n[ssm]\noutput_path = /o\n  messengers = x\n";
        assert_eq!(
            Site::new(text).errors(),
            [
                "`caso.conf:4`: `[DEFAULT] messengers`: begins with a space, so that it belongs to the value \
                 of `projects` above it; begin the line in its first column",
                "`caso.conf:8`: `[keystone_two] password`: begins with a space, so that it belongs to the \
                 value of `username` above it; begin the line in its first column",
            ]
        );
        // What is no option of that section is part of a value.
        let text = "[DEFAULT]\nprojects = a,\n  b = c,\n  ssm: d\n";
        assert_eq!(
            Site::new(text).load().clouds[0].projects,
            ["a", "b = c", "ssm: d"]
        );
    }

    #[test]
    fn an_option_that_stands_there_twice_is_told() {
        let text = "[DEFAULT]\nsite_name = A\nspooldir = /s\n[ssm]\noutput_path = /o\n[DEFAULT]\nsite_name = B\n\
                    spooldir = /s\n[logstash]\noutput_path = /p\n";
        let site = Site::new(text);
        assert_eq!(site.load().clouds[0].site_name.as_deref(), Some("B"));
        let twice: Vec<String> = site.warnings();
        let twice: Vec<&String> = twice
            .iter()
            .filter(|it| it.contains(" is also in line "))
            .collect();
        assert_eq!(
            twice,
            [
                "`caso.conf:7`: `[DEFAULT] site_name` is also in line 2, with another value, and this one \
              counts; remove the wrong one"
            ]
        );
    }
}
