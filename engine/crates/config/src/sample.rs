//! `etc/caso.conf.sample`, from the option table and the descriptions of the
//! built-in components.

use std::fmt::Write;

use super::messengers::names::given_less;
use super::table::{self, Described, ceilometer, components, general, prometheus};
use super::value::Kind;
use caso_base::conf;
use caso_model::component::{Description, OptionDescription, OptionKind};

const WIDTH: usize = 79;

const HEAD: &str = "Sample of /etc/caso/caso.conf. Every option is shown with its default, and with nothing \
    where it has none; remove the `#` before its name to set another value.";
const GRAMMAR: &str = "A comment begins in the first column: `#` after a value belongs to the value. A line that \
    begins with a space continues the one above it. `$name` and `${section.name}` stand for the value of another \
    option; a dollar is written `$$`. An environment variable overrides the file (OS_DEFAULT__SITE_NAME, \
    OS_KEYSTONE_AUTH__PASSWORD), and a flag of the command line both.";

/// An option as the sample shows it.
struct Shown<'a> {
    name: &'a str,
    kind: String,
    default: String,
    help: &'a str,
    old: Vec<String>,
    notes: Vec<String>,
}

/// The sample file. The description named `mapper` gives its options, each of
/// the others those of a messenger.
pub fn sample(descriptions: &[Description]) -> String {
    let mut out = String::new();
    comment(&mut out, HEAD);
    out.push_str("#\n");
    comment(&mut out, GRAMMAR);
    header(&mut out, "DEFAULT");
    default_rows(&mut out, descriptions);
    cloud_rows(&mut out);
    for section in ["keystone_auth", ceilometer::CEILOMETER] {
        header(&mut out, section);
        rows(&mut out, section);
    }
    header(&mut out, prometheus::PROMETHEUS);
    rows(&mut out, prometheus::PROMETHEUS);
    lent(&mut out, prometheus::PROMETHEUS, descriptions);
    for description in descriptions {
        let is_mapper = description.name == components::MAPPER;
        if is_filter(description) {
            let section = format!("filter_{}", description.name);
            header(&mut out, &section);
            rows(&mut out, components::FILTER);
        } else if !is_mapper {
            let section = format!("messenger_{}", description.name);
            header(&mut out, &section);
            messenger_rows(&mut out, description);
        }
        let mut sections: Vec<&str> = vec![&description.name];
        for option in &description.options {
            let section = option.name.split_once('.').map(|(section, _)| section);
            sections.extend(section.filter(|section| !sections.contains(section)));
        }
        for section in sections {
            component_section(&mut out, section, description, is_mapper);
        }
    }
    out
}

fn is_filter(description: &Description) -> bool {
    components::BUILTIN_FILTERS.contains(&description.name.as_str())
}

fn component_section(out: &mut String, section: &str, description: &Description, is_mapper: bool) {
    let own = |option: &&OptionDescription| match option.name.split_once('.') {
        Some((named, name)) => named == section && !table::is_lent(named, name),
        None => description.name == section,
    };
    let options: Vec<&OptionDescription> = description.options.iter().filter(own).collect();
    let host_keys = is_mapper && section == components::MAPPER;
    if options.is_empty() && !host_keys {
        return;
    }
    header(out, section);
    if host_keys {
        rows(out, components::MAPPER);
    }
    for option in options {
        described(out, option);
    }
}

/// A component's options in a section of the engine.
fn lent(out: &mut String, section: &str, descriptions: &[Description]) {
    let options = descriptions
        .iter()
        .flat_map(|description| &description.options);
    for option in options {
        if let Some((named, name)) = option.name.split_once('.')
            && named == section
            && table::is_lent(named, name)
        {
            described(out, option);
        }
    }
}

fn described(out: &mut String, option: &OptionDescription) {
    let name = option
        .name
        .split_once('.')
        .map_or(option.name.as_str(), |(_, name)| name);
    let mut notes = Vec::new();
    if option.required {
        notes.push("It must be set.".to_owned());
    }
    show(
        out,
        &Shown {
            name,
            kind: match &option.kind {
                OptionKind::Choice(words) => words.join(" or "),
                kind => Kind::from(kind).words().to_owned(),
            },
            default: shown_default(option),
            help: &option.help,
            old: option.old_names.clone(),
            notes,
        },
    );
}

/// [DEFAULT], where `messengers` takes the names of the built-in ones.
fn default_rows(out: &mut String, descriptions: &[Description]) {
    let names: Vec<&str> = descriptions
        .iter()
        .map(|description| description.name.as_str())
        .filter(|name| *name != components::MAPPER && !components::BUILTIN_FILTERS.contains(name))
        .collect();
    let built_in = format!("Built in: {}.", names.join(", "));
    for row in live("DEFAULT") {
        let notes = match row.name == general::MESSENGERS.name {
            true => vec![built_in.clone()],
            false => Vec::new(),
        };
        show_row(out, row, row.default.unwrap_or_default().to_owned(), notes);
    }
}

/// The options of a section that have an effect.
fn live(section: &str) -> impl Iterator<Item = &'static dyn Described> {
    table::rows().filter(move |row| row.section == section && row.ignored.is_none())
}

fn header(out: &mut String, section: &str) {
    let _ = write!(out, "\n\n[{section}]\n");
}

fn rows(out: &mut String, section: &str) {
    for row in live(section) {
        let default = row.default.unwrap_or_default().to_owned();
        show_row(out, row, default, Vec::new());
    }
}

/// `[cloud_NAME]`: a section that a sample cannot have, as it names no cloud.
fn cloud_rows(out: &mut String) {
    let _ = write!(out, "\n\n#[{}]\n#\n", table::clouds::CLOUD);
    let own: Vec<String> = table::rows()
        .filter(|row| row.per_cloud)
        .map(|row| format!("`{}`", row.name))
        .collect();
    let text = format!(
        "One such section for each name in `clouds`. Of [DEFAULT] it may set, for this cloud alone: {}.",
        own.join(", ")
    );
    comment(out, &text);
    rows(out, table::clouds::CLOUD);
}

/// `[messenger_NAME]`, where the default of `record_types` is the component's.
fn messenger_rows(out: &mut String, description: &Description) {
    for row in table::rows().filter(|row| row.section == components::MESSENGER) {
        let default = if row.name != components::MESSENGER_RECORD_TYPES.name {
            row.default.unwrap_or_default().to_owned()
        } else {
            given_less(&description.name).map_or_else(
                || description.record_types.join(","),
                |types| types.join(","),
            )
        };
        show_row(out, row, default, Vec::new());
    }
}

fn show_row(out: &mut String, row: &dyn Described, default: String, mut notes: Vec<String>) {
    let flag = row
        .flag
        .map(|flag| format!("On the command line: --{}.", flag.long));
    notes.extend(flag);
    show(
        out,
        &Shown {
            name: row.name,
            kind: row.words(),
            default,
            help: row.help,
            old: row.old.iter().map(|old| (*old).to_owned()).collect(),
            notes,
        },
    );
}

/// Nobody's password stands in a sample, not even a default one.
fn shown_default(option: &OptionDescription) -> String {
    let default = option.default.as_deref().filter(|_| !option.is_secret());
    default.map(written).unwrap_or_default()
}

/// A component's default, as a site would have to write it.
fn written(default: &str) -> String {
    // One of several lines goes on behind the sign of a comment.
    let several = |_| conf::dollars(default).replace('\n', "\n#  ");
    conf::value(default).unwrap_or_else(several)
}

fn show(out: &mut String, option: &Shown<'_>) {
    out.push('\n');
    let notes: Vec<&str> = option.notes.iter().map(String::as_str).collect();
    let text = [&[option.help], notes.as_slice()].concat().join(" ");
    comment(out, &format!("{text} ({})", option.kind));
    if !option.old.is_empty() {
        let names: Vec<String> = option
            .old
            .iter()
            .map(|old| match old.split_once('.') {
                Some((section, name)) => format!("[{section}] {name}"),
                None => old.clone(),
            })
            .collect();
        comment(out, &format!("Formerly: {}", names.join(", ")));
    }
    let default = &option.default;
    let _ = writeln!(
        out,
        "#{} ={}{default}",
        option.name,
        if default.is_empty() { "" } else { " " }
    );
}

/// Words as comment lines no longer than the width.
fn comment(out: &mut String, text: &str) {
    let mut line = String::from("#");
    for word in text.split_whitespace() {
        if line.len() > 1 && line.len() + 1 + word.len() > WIDTH {
            let _ = writeln!(out, "{line}");
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    let _ = writeln!(out, "{line}");
}
