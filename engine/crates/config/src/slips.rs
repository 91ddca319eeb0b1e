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
/// was meant to be one: what is above it would hold both, and the option its default. What is checked after that
/// is the file as it was meant, so that one space is one error.
pub(super) fn swallowed(sources: &mut Sources) -> Vec<ConfigError> {
    let mut errors = Vec::new();
    for file in &mut sources.files {
        let read = std::mem::take(&mut file.ini.assignments);
        for assignment in read {
            let section = assignment.section.clone();
            let mut above: Option<String> = None;
            for part in parts(assignment) {
                if let Some(above) = above {
                    let what = (
                        format!(
                            "begins with a space, so that it belongs to the value of `{above}` above it"
                        ),
                        "begin the line in its first column",
                    );
                    let origin = Origin::File {
                        path: file.path.clone(),
                        line: part.line,
                    };
                    errors.push(ConfigError::Refused {
                        at: At::new(&origin, &section, &part.key),
                        what: Message::from(what),
                    });
                }
                above = Some(part.key.clone());
                file.ini.assignments.push(part);
            }
        }
    }
    errors
}

/// The assignment up to the first further line that sets an option of the engine's, and each that
/// begins with one.
fn parts(assignment: Assignment) -> Vec<Assignment> {
    if assignment.form != Form::Ini {
        return vec![assignment];
    }
    let section = assignment.section.as_str();
    // Which sections hold a login is not known yet; by their names those do.
    let as_section = match section.starts_with("keystone") {
        true => keystone::AUTH_TYPE.section,
        false => section,
    };
    let is_option = |name: &str| {
        table::find(as_section, name).is_some() || table::find_old(as_section, name).is_some()
    };
    let mut lines = assignment.value.split('\n').enumerate();
    let first = lines.next().map_or("", |(_, line)| line).to_owned();
    let mut parts = vec![Assignment {
        value: first,
        ..assignment.clone()
    }];
    for (below, line) in lines {
        let set = line.split_once(['=', ':']);
        match (
            set.map(|(name, value)| (strip(name), value)),
            parts.last_mut(),
        ) {
            (Some((name, value)), _) if is_option(name) => parts.push(Assignment {
                section: assignment.section.clone(),
                key: name.to_owned(),
                value: strip(value).to_owned(),
                form: assignment.form,
                line: assignment.line + below,
            }),
            (_, Some(part)) => {
                part.value.push('\n');
                part.value.push_str(line);
            }
            (_, None) => {}
        }
    }
    parts
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
        // It is all that is said, whatever the two are: the value above ends where the option begins.
        let text = "[DEFAULT]\nmessengers = ssm\n extractor = nova\nprojects = a\nsite_name = S\n\
                    [ssm]\noutput_path = /o\n";
        assert_eq!(
            Site::new(text).errors(),
            [
                "`caso.conf:3`: `[DEFAULT] extractor`: begins with a space, so that it belongs to the value \
                 of `messengers` above it; begin the line in its first column"
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
