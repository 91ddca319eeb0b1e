//! `caso config convert`: one caso.conf as caso.toml.
//!
//! What comes out means the same: former names become those of today, what `$`
//! stands for is written out, options without effect are left out and named.
//! Only what the file sets is written. Comments are not kept.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::error::{Collector, ConfigError, ConfigErrors};
use super::files;
use super::ini::{Assignment, normalize_section};
use super::keystone;
use super::messengers::names::{former_section, present_name};
use super::origin::Origin;
use super::resolve::{Resolved, Resolver, Slot};
use super::sources::Sources;
use super::table::{self, Described, clouds, components, general, keystone as keystone_rows};
use super::text::listed;
use super::types::Program;
use super::value::{self, Kind};
use super::{Inputs, remarks};
use caso_model::secret::is_secret_name;

/// A file in its new form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Converted {
    /// The text of the new file, or of what belongs into one.
    pub text: String,
    /// What is left out or has changed, a sentence each.
    pub remarks: Vec<String>,
    /// Options whose values nobody else should read.
    pub secrets: Vec<String>,
}

/// Converts `file`, or the one that the search finds.
///
/// # Errors
/// What cannot be read, and what `$` refers to and is not there.
pub fn convert(inputs: &Inputs, file: Option<&Path>) -> Result<Converted, ConfigErrors> {
    let mut errors = Collector::default();
    let path = match file {
        Some(file) => Some(inputs.places.expand(file)),
        None => found(inputs, &mut errors),
    };
    let read = path.and_then(|path| files::read_one(path, &mut errors));
    let Some(read) = read else {
        return errors.finish(None);
    };
    let sources = Sources {
        files: vec![read],
        builtin_messengers: inputs.builtin_messengers.clone(),
        ..Sources::default()
    };
    let converted = Conversion::new(&sources).run(&mut errors);
    errors.finish(Some(converted))
}

/// The one file of the search, if it is one.
fn found(inputs: &Inputs, errors: &mut Collector) -> Option<PathBuf> {
    let mut paths = files::search(Program::Extract, &inputs.places, errors);
    paths.retain(|path| path.extension().is_some_and(|end| end == "conf"));
    match paths.len() {
        1 => paths.pop(),
        0 => {
            errors.push(ConfigError::Convert {
                what: "no caso.conf was found; name the file to convert".into(),
            });
            None
        }
        _ => {
            let names = listed(paths.iter().map(|path| path.display().to_string()));
            errors.push(ConfigError::Convert {
                what: format!("name one of {names}: each has a file of its own"),
            });
            None
        }
    }
}

struct Conversion<'a> {
    sources: &'a Sources,
    resolver: Resolver<'a>,
    keystone_sections: Vec<String>,
    done: BTreeSet<(String, String)>,
    /// Sections in the order of their first option.
    sections: Vec<(String, String)>,
    remarks: Vec<String>,
    secrets: Vec<String>,
}

impl<'a> Conversion<'a> {
    fn new(sources: &'a Sources) -> Self {
        let resolver = Resolver::new(sources);
        let mut conversion = Self {
            sources,
            resolver,
            keystone_sections: keystone::sections(&resolver, keystone_rows::AUTH_TYPE.section),
            done: BTreeSet::new(),
            sections: Vec::new(),
            remarks: Vec::new(),
            secrets: Vec::new(),
        };
        conversion.find_keystone_sections();
        conversion
    }

    /// Those of the clouds that the file has a section or a name for.
    fn find_keystone_sections(&mut self) {
        let text = |slot: &Slot| self.resolver.resolve(slot).ok().flatten();
        let mut sections = Vec::new();
        let listed = text(&Slot::of(&general::CLOUDS));
        for name in listed.map_or_else(Vec::new, |listed| value::texts(&listed.text)) {
            let own = Slot::within(&clouds::KEYSTONE, &clouds::section(&name));
            let named = text(&own).map(|named| named.text);
            let usual = format!("{}_{name}", keystone_rows::AUTH_TYPE.section);
            sections.push(named.unwrap_or(usual));
        }
        for section in sections {
            let section = normalize_section(&section);
            let all = keystone::sections(&self.resolver, &section);
            self.keystone_sections.extend(all);
        }
    }

    fn run(mut self, errors: &mut Collector) -> Converted {
        let lines: Vec<(Assignment, Origin)> = self
            .sources
            .assignments()
            .map(|(assignment, origin)| (assignment.clone(), origin))
            .collect();
        for (assignment, origin) in &lines {
            self.line(assignment, origin, errors);
        }
        self.what_clouds_make_of_it(errors);
        self.assumed_auth_type();
        let mut toml = String::new();
        for (section, options) in &self.sections {
            let gap = if toml.is_empty() { "" } else { "\n" };
            let _ = write!(toml, "{gap}[{}]\n{options}", bare(section));
        }
        Converted {
            text: toml,
            remarks: self.remarks,
            secrets: self.secrets,
        }
    }

    fn line(&mut self, line: &Assignment, origin: &Origin, errors: &mut Collector) {
        let (section, name) = (line.section.as_str(), line.key.as_str());
        let is_keystone = self.keystone_sections.iter().any(|own| own == section);
        let as_section = if is_keystone {
            keystone_rows::AUTH_TYPE.section
        } else {
            section
        };
        let present = table::find(as_section, name);
        let row = present.or_else(|| table::find_old(as_section, name));
        if let Some(row) = row {
            if let Some(why) = row.ignored {
                let left = remarks::no_effect(section, name, origin, why);
                return self.remarks.push(format!("{}; left out", left.text));
            }
            // A former name stays in its section unless it moved with the option.
            let section = match present.is_some() || row.section == as_section {
                true => section,
                false if row.per_cloud && clouds::is_section(section) => section,
                false => row.section,
            };
            return self.row(row, section, errors);
        }
        if let Some((section, name)) = components::former(section, name) {
            let names = vec![
                (section.to_owned(), name.to_owned()),
                (line.section.clone(), line.key.clone()),
            ];
            return self.foreign(names, errors);
        }
        if table::is_engine_section(as_section) && section != components::MAPPER {
            return self.remarks.push(format!(
                "{origin}: `[{section}] {name}` is not an option and has no effect; left out"
            ));
        }
        self.foreign(vec![(section.to_owned(), name.to_owned())], errors);
    }

    /// An option of the engine.
    fn row(&mut self, row: &dyn Described, section: &str, errors: &mut Collector) {
        let new_section = present_section(section);
        let mut slot = Slot::within(row, new_section);
        let former = new_section
            .strip_prefix("messenger_")
            .and_then(former_section);
        slot.names
            .extend(former.map(|former| (former.to_owned(), row.name.to_owned())));
        let Some(resolved) = self.resolved(&slot, errors) else {
            return;
        };
        let mut text = resolved.text;
        if row.name == general::MESSENGERS.name && row.section == general::MESSENGERS.section {
            let mut warnings = Vec::new();
            let names: Vec<String> = value::texts(&text)
                .iter()
                .map(|name| present_name(name, &resolved.origin, &mut warnings).to_owned())
                .collect();
            text = names.join(",");
        }
        self.write(new_section, row.name, &typed(row, &text));
    }

    /// A component's option, whose type is not known here: a text will do.
    fn foreign(&mut self, names: Vec<(String, String)>, errors: &mut Collector) {
        let Some((section, name)) = names.first().cloned() else {
            return;
        };
        let slot = Slot::foreign(names, None, is_secret_name(&name));
        if let Some(resolved) = self.resolved(&slot, errors) {
            self.write(&section, &name, &quoted(&resolved.text));
        }
    }

    /// The value without `$`; once for each option.
    fn resolved(&mut self, slot: &Slot, errors: &mut Collector) -> Option<Resolved> {
        let key = (slot.section().to_owned(), slot.option().to_owned());
        if !self.done.insert(key) {
            return None;
        }
        let written = self.sources.find(&slot.names)?;
        let resolved = errors.take(self.resolver.resolve(slot)).flatten()?;
        if resolved.secret && !resolved.text.is_empty() {
            let name = format!("[{}] {}", slot.section(), slot.option());
            self.secrets.push(name);
        }
        if !resolved.secret
            && written.text.replace("$$", "").contains('$')
            && written.text != resolved.text
        {
            self.remarks.push(format!(
                "{}: `[{}] {}` was `{}` and is now `{}`, whatever becomes of the options that it referred to",
                resolved.origin,
                slot.section(),
                slot.option(),
                written.text,
                resolved.text
            ));
        }
        Some(resolved)
    }

    /// A `$` of [DEFAULT] that stands for a cloud's own value there.
    fn what_clouds_make_of_it(&mut self, errors: &mut Collector) {
        let listed = self.resolver.resolve(&Slot::of(&general::CLOUDS));
        let listed = listed.ok().flatten();
        for name in listed.map_or_else(Vec::new, |listed| value::texts(&listed.text)) {
            let section = clouds::section(&name);
            for row in table::rows().filter(|row| row.per_cloud) {
                let slot = Slot::within(row, &section);
                let common = Slot::of(row);
                if self.sources.find(&slot.names).is_some()
                    || self.sources.find(&common.names).is_none()
                {
                    continue;
                }
                let own = errors.take(self.resolver.resolve(&slot)).flatten();
                let common = errors.take(self.resolver.resolve(&common)).flatten();
                if let (Some(own), Some(common)) = (own, common)
                    && own.text != common.text
                {
                    self.write(&section, row.name, &typed(row, &own.text));
                }
            }
        }
    }

    /// cASO 0.3.3 had no auth_type: `[extractor] user` said it all.
    fn assumed_auth_type(&mut self) {
        let section = keystone_rows::AUTH_TYPE.section;
        let slot = Slot::of(&keystone_rows::AUTH_TYPE);
        let ancient = [("extractor".to_owned(), "user".to_owned())];
        if self.sources.find(&ancient).is_some() && matches!(self.resolver.resolve(&slot), Ok(None))
        {
            self.write(
                section,
                keystone_rows::AUTH_TYPE.name,
                &quoted("v3password"),
            );
        }
    }

    fn write(&mut self, section: &str, name: &str, value: &str) {
        let line = format!("{} = {value}\n", bare(name));
        match self.sections.iter_mut().find(|(known, _)| known == section) {
            Some((_, lines)) => lines.push_str(&line),
            None => self.sections.push((section.to_owned(), line)),
        }
    }
}

/// The text as a value of TOML's own, where it is one.
fn typed(row: &dyn Described, text: &str) -> String {
    let plain = || {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse::<i64>().ok()).flatten()
    };
    let number = match row.kind {
        Kind::Boolean => {
            return value::boolean(text).map_or_else(|_| quoted(text), |on| on.to_string());
        }
        Kind::Texts => {
            let items: Vec<String> = value::texts(text).iter().map(|item| quoted(item)).collect();
            return format!("[{}]", items.join(", "));
        }
        // One out of bounds stays as it was written, for the error to quote.
        Kind::Integer if row.check(text).is_err() => None,
        Kind::Integer => value::integer(text, i64::MIN, i64::MAX).ok().flatten(),
        Kind::Number | Kind::Seconds | Kind::Duration | Kind::Size => plain(),
        Kind::Text
        | Kind::Secret
        | Kind::Path
        | Kind::Url
        | Kind::Endpoint
        | Kind::Date
        | Kind::Choice => None,
    };
    number.map_or_else(|| quoted(text), |number| number.to_string())
}

/// The section of today for the host keys of a messenger.
fn present_section(section: &str) -> &str {
    match former_section("ssm") {
        Some(former) if section == former => "messenger_ssm",
        _ => section,
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn bare(key: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    match !key.is_empty() && key.chars().all(plain) {
        true => key.to_owned(),
        false => serde_json::Value::String(key.to_owned()).to_string(),
    }
}

#[cfg(test)]
mod tests;
