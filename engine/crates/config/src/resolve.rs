//! From an option to the text in force: the layers, then the default, then
//! what `$` stands for.

use super::error::{At, ConfigError};
use super::form::Form;
use super::ini::normalize_section;
use super::origin::Origin;
use super::sources::{Found, Name, Sources};
use super::substitute::substitute;
use super::table::{self, Entry};
use super::value::Kind;
use caso_base::Message;
use caso_model::component::Description;
use caso_model::secret::{MASK, is_secret_name};

/// An option as it is looked up: a row in a certain section, or a component's.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Slot {
    /// Its present name, then former ones; never empty.
    pub names: Vec<Name>,
    pub default: Option<String>,
    pub default_variable: Option<&'static str>,
    /// Set by a former name of the messenger, below all that the site sets.
    pub implied: Option<(String, String)>,
    /// A component's default is taken as it is: a component cannot ask for the
    /// value of somebody else's option.
    pub literal_default: bool,
    /// The same option in [DEFAULT], for a cloud that does not set it.
    pub beneath: Option<Box<Slot>>,
    pub secret: bool,
    /// Absent where nobody described the option.
    pub kind: Option<Kind>,
}

/// A text in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resolved {
    pub text: String,
    pub origin: Origin,
    /// The option is a secret, or refers to one.
    pub secret: bool,
}

impl Slot {
    /// A row in its own section.
    pub fn of(row: &Entry) -> Self {
        Self::within(row, row.section)
    }

    /// A row in a section of the same kind: `messenger_ssm`, `cloud_prod`, or
    /// the one that `auth_section` names. Former names move along with it.
    pub fn within(row: &Entry, section: &str) -> Self {
        let section = normalize_section(section);
        let mut names = vec![(section.clone(), row.name.to_owned())];
        for (old_section, old_name) in row.old.iter().filter_map(|old| old.split_once('.')) {
            let old_section = if old_section == row.section {
                &section
            } else {
                old_section
            };
            if section == row.section || old_section == section {
                names.push((old_section.to_owned(), old_name.to_owned()));
            }
        }
        Self {
            names,
            default: row.default.map(str::to_owned),
            default_variable: row.default_variable,
            implied: None,
            literal_default: false,
            beneath: (row.per_cloud && section != row.section).then(|| Box::new(Self::of(row))),
            secret: row.kind == Kind::Secret,
            kind: Some(row.kind),
        }
    }

    /// A component's option, or one that nobody described.
    pub fn foreign(names: Vec<Name>, default: Option<String>, secret: bool) -> Self {
        Self {
            names,
            default,
            default_variable: None,
            implied: None,
            literal_default: true,
            beneath: None,
            secret,
            kind: None,
        }
    }

    pub fn section(&self) -> &str {
        self.names.first().map_or("", |(section, _)| section)
    }

    pub fn option(&self) -> &str {
        self.names.first().map_or("", |(_, option)| option)
    }

    /// The error for a value of this option.
    pub fn bad_value(
        &self,
        resolved: &Resolved,
        expected: String,
        near: Option<String>,
    ) -> ConfigError {
        let value = if resolved.secret {
            MASK
        } else {
            &resolved.text
        };
        ConfigError::Value {
            at: At::new(&resolved.origin, self.section(), self.option()),
            value: value.to_owned(),
            expected,
            near,
        }
    }
}

/// Looks options up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Resolver<'a> {
    pub sources: &'a Sources,
    /// The component whose options may be referred to as well, and its section.
    pub component: Option<(&'a str, &'a Description)>,
    /// Whether the command line counts.
    pub flags: bool,
}

impl<'a> Resolver<'a> {
    pub fn new(sources: &'a Sources) -> Self {
        Self {
            sources,
            component: None,
            flags: true,
        }
    }

    /// The text in force; `None` when nobody set the option and it has no
    /// default.
    pub fn resolve(&self, slot: &Slot) -> Result<Option<Resolved>, ConfigError> {
        self.follow(slot, &mut Vec::new())
    }

    /// What somebody set. A flag holds for every cloud; beyond that a cloud's
    /// own section, its variables included, goes before [DEFAULT].
    pub fn set(&self, slot: &Slot) -> Option<Found> {
        let beneath = slot.beneath.as_deref();
        let typed = |names: &[Name]| self.sources.typed(names).filter(|_| self.flags);
        let set = |names: &[Name]| typed(names).or_else(|| self.sources.written(names));
        beneath
            .and_then(|beneath| typed(&beneath.names))
            .or_else(|| set(&slot.names))
            .or_else(|| set(&beneath?.names))
    }

    /// What stands there, before substitution.
    fn written(&self, slot: &Slot) -> Option<(Found, bool)> {
        let set = self.set(slot).map(|found| {
            let literal = found.form != Form::Ini;
            (found, literal)
        });
        set.or_else(|| {
            let (by, text) = slot.implied.clone()?;
            Some((
                Found {
                    text,
                    form: Form::Ini,
                    origin: Origin::Implied(by),
                },
                true,
            ))
        })
        .or_else(|| {
            let name = slot.default_variable?;
            let text = self.sources.environment.get(name)?.clone();
            Some((
                Found {
                    text,
                    form: Form::Ini,
                    origin: Origin::Environment(name.to_owned()),
                },
                false,
            ))
        })
        .or_else(|| {
            let text = slot.default.clone()?;
            Some((
                Found {
                    text,
                    form: Form::Ini,
                    origin: Origin::Default,
                },
                slot.literal_default,
            ))
        })
    }

    fn follow(&self, slot: &Slot, trail: &mut Vec<Name>) -> Result<Option<Resolved>, ConfigError> {
        let Some((found, literal)) = self.written(slot) else {
            return Ok(None);
        };
        if let Some(expected) = slot.kind.and_then(|kind| kind.refusal(found.form)) {
            return Err(ConfigError::Value {
                at: At::new(&found.origin, slot.section(), slot.option()),
                value: if slot.secret { MASK.into() } else { found.text },
                expected: expected.into(),
                near: None,
            });
        }
        let mut secret = slot.secret;
        let text = if literal {
            found.text
        } else {
            trail.push((slot.section().to_owned(), slot.option().to_owned()));
            let text = substitute(&found.text, |name| {
                let problem = |problem: Message| ConfigError::Substitution {
                    at: At::new(&found.origin, slot.section(), slot.option()),
                    problem,
                };
                let Some(target) = self.reference(slot.section(), name) else {
                    return Err(problem(self.unknown(slot, name)));
                };
                if trail.contains(&(target.section().to_owned(), target.option().to_owned())) {
                    return Err(problem("its value refers to itself".into()));
                }
                let resolved = self.follow(&target, trail)?;
                Ok(resolved.map_or_else(String::new, |resolved| {
                    secret |= resolved.secret;
                    match target.kind {
                        Some(kind) => kind.as_python_prints(resolved.text),
                        None => resolved.text,
                    }
                }))
            })?;
            trail.pop();
            text
        };
        Ok(Some(Resolved {
            text,
            origin: found.origin,
            secret,
        }))
    }

    /// The option that `$name` means in `section`: one of the same section,
    /// else of [DEFAULT].
    fn reference(&self, section: &str, name: &str) -> Option<Slot> {
        match name.split_once('.') {
            Some((section, option)) => self.slot(section, option),
            None => self
                .slot(section, name)
                .or_else(|| self.slot("DEFAULT", name)),
        }
    }

    fn slot(&self, section: &str, option: &str) -> Option<Slot> {
        if let Some(row) = table::find(section, option) {
            return Some(Slot::within(row, section));
        }
        if let Some(row) = table::find_old(section, option) {
            return Some(Slot::of(row));
        }
        let own = self.component.and_then(|(own, description)| {
            description.options.iter().find(|described| {
                let name = described
                    .name
                    .split_once('.')
                    .unwrap_or((own, &described.name));
                name == (section, option)
            })
        });
        let names = vec![(section.to_owned(), option.to_owned())];
        if let Some(described) = own {
            let secret = described.is_secret();
            return Some(Slot::foreign(names, described.default.clone(), secret));
        }
        if table::is_engine_section(section)
            && section != table::components::MAPPER
            && !table::is_lent(section, option)
        {
            return None;
        }
        // An option of a component that is not at hand: what the site wrote.
        self.sources.find(&names)?;
        let secret = is_secret_name(option);
        Some(Slot::foreign(names, None, secret))
    }

    /// Why `$name` in this option is an error. A secret is not quoted.
    fn unknown(&self, slot: &Slot, name: &str) -> Message {
        if slot.secret {
            return (
                "a `$` in it is followed by something that is not an option",
                "write `$$` for a dollar",
            )
                .into();
        }
        match name.split_once('.') {
            Some((before, _)) if self.reference(slot.section(), before).is_some() => (
                format!("`${name}` is not an option"),
                format!("write `${{{before}}}` where a dot follows, or `$$` for a dollar"),
            )
                .into(),
            _ => (
                format!("`${name}` is not an option"),
                "write `$$` for a dollar",
            )
                .into(),
        }
    }
}

#[cfg(test)]
mod tests;
