//! Asking a component what it is, and whether the answer makes sense.

use std::collections::BTreeSet;
use std::sync::Arc;

use wasmtime::Engine;

use super::abi::DescribedAbi;
use super::budget::Budget;
use super::component::Roles;
use super::failure::Who;
use super::limits::Limits;
use super::log::GuestLog;
use super::mask::Mask;
use super::state::{Guest, HostServices, wasi};
use caso_base::line::{clean_line, is_clean, short_line};
use caso_model::Attribute;
use caso_model::component::{CapabilityRequest, Description, OptionDescription, OptionKind};
use caso_model::guest::GuestFailure;

/// Options or capabilities that a component may have, each.
const MOST: usize = 500;
/// Old names of an option, words of a choice, attributes of a thing.
const MOST_OF_ONE: usize = 50;
/// Bytes of a text for the operator.
const TEXT: usize = 2_000;
/// Bytes of a default, a target or the value of an attribute.
const VALUE: usize = 1_000;
/// Bytes of a name or a word.
const WORD: usize = 80;

/// Runs `describe` in a store of its own with nothing granted.
pub async fn ask(
    engine: &Engine,
    described: &DescribedAbi,
    roles: Roles,
    who: Who,
    limits: &Limits,
) -> Result<Description, GuestFailure> {
    let budget = Arc::<Budget>::default();
    let log = GuestLog::new(&who, Mask::default(), limits, Arc::clone(&budget));
    let services = HostServices::nothing(limits, &log);
    let mut wasi = wasi(&log);
    super::clock::pin(&mut wasi, 0);
    let mut guest = Guest::new(engine, who, limits, log, wasi, services, budget);
    guest
        .run("describe", limits.call_time(), async |store| {
            described.describe(store, roles).await
        })
        .await
}

/// What is wrong with a component's description of itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DescriptionError {
    /// Its own name.
    #[error("its name `{0}` is not of a-z, 0-9, `-` and `_`")]
    Name(String),
    /// A flood of options or capabilities.
    #[error("it has more than {MOST} options or capabilities")]
    TooMany,
    /// An option's name.
    #[error("its option `{0}` is not a `name` or `section.name`")]
    OptionName(String),
    /// Two options of one name.
    #[error("it has the option `{0}` twice")]
    OptionTwice(String),
    /// A former name that is a name of another option, too.
    #[error(
        "the old name `{old}` of its option `{option}` is a name of another option, or is there twice"
    )]
    OldNameTwice {
        /// The former name.
        old: String,
        /// The option.
        option: String,
    },
    /// A choice without words.
    #[error("its option `{0}` is a choice of nothing")]
    EmptyChoice(String),
    /// A default that the option itself does not take.
    #[error("the default of its option `{0}` is none of its choices")]
    DefaultNotAChoice(String),
    /// The option that says how many records go into a message.
    #[error("its packing option `{0}` is not an integer option of its own")]
    PackingOption(String),
    /// A text that would do something to a terminal, or could be mistaken for another.
    #[error("its {0} has characters that are not shown, or that steer a terminal: `{1}`")]
    Unclean(&'static str, String),
    /// A text that nobody would read.
    #[error("its {0} has more than {1} bytes")]
    TooLong(&'static str, usize),
    /// A flood at one option or capability.
    #[error("one of its options or capabilities has more than {MOST_OF_ONE} {0}")]
    TooManyOfOne(&'static str),
    /// A secret that would be shown wherever the target is.
    #[error(
        "the target of its capability `{capability}` refers to the secret option `{option}`, and a \
         target is shown"
    )]
    SecretInTarget {
        /// The capability's name.
        capability: String,
        /// The option's name.
        option: String,
    },
    /// A capability's name.
    #[error("the name of a capability is not of a-z, 0-9, `-` and `_`")]
    CapabilityName,
    /// Two capabilities of one name.
    #[error("it asks for the capability `{0}` twice")]
    CapabilityTwice(String),
    /// A mapper that would like to reach outside.
    #[error("it is a mapper or a filter and asks for capabilities, but these are pure")]
    ImpureMapper,
    /// A record type's name.
    #[error("one of its record types is not of a-z, 0-9, `-` and `_`")]
    RecordType,
    /// A part of WASI that is linked only by grant, for which it does not ask.
    #[error(
        "it imports `{import}` but asks for no capability of kind `{kind}`; let it ask for one, \
         which the site then grants, or build it {remedy}"
    )]
    Unasked {
        /// The whole name of the import.
        import: String,
        /// Of the capability that would have it.
        kind: &'static str,
        /// How a toolchain leaves it out.
        remedy: &'static str,
    },
}

/// The description, fit to be shown, or what is wrong with it.
pub fn checked(
    mut description: Description,
    roles: Roles,
    imports: &[String],
) -> Result<Description, DescriptionError> {
    if !is_word(&description.name, "-_") {
        return Err(DescriptionError::Name(shown(&description.name)));
    }
    if description.options.len() > MOST || description.capabilities.len() > MOST {
        return Err(DescriptionError::TooMany);
    }
    texts(&description)?;
    options(&description.options)?;
    secrets_in_targets(&description)?;
    if let Some(packing) = &description.packing_option {
        let found = description
            .options
            .iter()
            .find(|option| option.name == *packing);
        if found.is_none_or(|option| option.kind != OptionKind::Integer) {
            return Err(DescriptionError::PackingOption(shown(packing)));
        }
    }
    let mut seen = BTreeSet::new();
    for request in &description.capabilities {
        if !is_word(&request.name, "-_") {
            return Err(DescriptionError::CapabilityName);
        }
        if !seen.insert(&request.name) {
            return Err(DescriptionError::CapabilityTwice(request.name.clone()));
        }
    }
    if (roles.mapper || roles.filter) && !description.capabilities.is_empty() {
        return Err(DescriptionError::ImpureMapper);
    }
    if description
        .record_types
        .iter()
        .any(|kind| !is_word(kind, "-_"))
    {
        return Err(DescriptionError::RecordType);
    }
    by_grant(&description, imports)?;
    description.version = clean_line(&description.version);
    description.summary = clean_line(&description.summary);
    for option in &mut description.options {
        option.help = clean_line(&option.help);
    }
    Ok(description)
}

/// Parts of WASI that are linked only for a component that asks for a grant of
/// them: a toolchain's idle import is refused with the switch that leaves it out.
fn by_grant(description: &Description, imports: &[String]) -> Result<(), DescriptionError> {
    for (package, kind, remedy) in [
        (
            "wasi:sockets/",
            "address",
            "without sockets (componentize-py: `--stub-wasi`)",
        ),
        (
            "wasi:http/",
            "http",
            "without HTTP (componentize-py: `--stub-wasi`; componentize-js: \
             `disableFeatures: ['http', 'fetch-event']`)",
        ),
    ] {
        let import = imports.iter().find(|import| import.starts_with(package));
        let asks = |request: &CapabilityRequest| request.kind == kind;
        if let Some(import) = import
            && !description.capabilities.iter().any(asks)
        {
            return Err(DescriptionError::Unasked {
                import: import.clone(),
                kind,
                remedy,
            });
        }
    }
    Ok(())
}

/// Every text of a description is shown sooner or later, in an error if nowhere else.
fn texts(description: &Description) -> Result<(), DescriptionError> {
    fit("version", &description.version, WORD)?;
    fit("summary", &description.summary, TEXT)?;
    attributes(&description.attributes)?;
    for option in &description.options {
        fit("help", &option.help, TEXT)?;
        fit(
            "default",
            option.default.as_deref().unwrap_or_default(),
            VALUE,
        )?;
        few("old names", option.old_names.len())?;
        for old in &option.old_names {
            fit("old name", old, 2 * WORD)?;
        }
        match &option.kind {
            OptionKind::Choice(words) => {
                few("choices", words.len())?;
                for word in words {
                    fit("choice", word, WORD)?;
                }
            }
            OptionKind::Other(kind) => fit("kind of an option", kind, WORD)?,
            _ => {}
        }
        attributes(&option.attributes)?;
    }
    for request in &description.capabilities {
        fit("kind of a capability", &request.kind, WORD)?;
        fit("target", &request.target, VALUE)?;
        attributes(&request.attributes)?;
    }
    Ok(())
}

fn attributes(attributes: &[Attribute]) -> Result<(), DescriptionError> {
    few("attributes", attributes.len())?;
    for attribute in attributes {
        fit("name of an attribute", &attribute.name, WORD)?;
        fit("attribute", &attribute.value, VALUE)?;
    }
    Ok(())
}

fn few(what: &'static str, count: usize) -> Result<(), DescriptionError> {
    match count > MOST_OF_ONE {
        true => Err(DescriptionError::TooManyOfOne(what)),
        false => Ok(()),
    }
}

fn fit(what: &'static str, text: &str, limit: usize) -> Result<(), DescriptionError> {
    if text.len() > limit {
        return Err(DescriptionError::TooLong(what, limit));
    }
    match is_clean(text) {
        true => Ok(()),
        false => Err(DescriptionError::Unclean(what, shown(text))),
    }
}

/// B6 of the contract's review: `https://${password}.example` printed the password in
/// the line that it asked for.
fn secrets_in_targets(description: &Description) -> Result<(), DescriptionError> {
    for request in &description.capabilities {
        let mut secret = description.options.iter().filter(|option| {
            option.is_secret() && request.target.contains(&format!("${{{}}}", option.name))
        });
        if let Some(option) = secret.next() {
            return Err(DescriptionError::SecretInTarget {
                capability: request.name.clone(),
                option: option.name.clone(),
            });
        }
    }
    Ok(())
}

fn options(options: &[OptionDescription]) -> Result<(), DescriptionError> {
    let mut seen = BTreeSet::new();
    for option in options {
        let name = &option.name;
        let words: Vec<&str> = name.split('.').collect();
        if words.len() > 2 || !words.iter().all(|word| is_word(word, "-_")) {
            return Err(DescriptionError::OptionName(shown(name)));
        }
        if !seen.insert(name) {
            return Err(DescriptionError::OptionTwice(name.clone()));
        }
        if let OptionKind::Choice(words) = &option.kind {
            if words.is_empty() {
                return Err(DescriptionError::EmptyChoice(name.clone()));
            }
            if let Some(default) = &option.default
                && !words.contains(default)
            {
                return Err(DescriptionError::DefaultNotAChoice(name.clone()));
            }
        }
    }
    former_names(options)
}

/// A former name is one option's alone: what stands under it in a site's files would be given to two, one of which
/// may be a secret.
fn former_names(options: &[OptionDescription]) -> Result<(), DescriptionError> {
    let mut seen: BTreeSet<&String> = options.iter().map(|option| &option.name).collect();
    for option in options {
        for old in &option.old_names {
            if *old != option.name && !seen.insert(old) {
                return Err(DescriptionError::OldNameTwice {
                    old: shown(old),
                    option: option.name.clone(),
                });
            }
        }
    }
    Ok(())
}

/// A name that is not of the characters it should be, fit to be shown.
fn shown(name: &str) -> String {
    short_line(name, WORD)
}

fn is_word(text: &str, also: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || also.contains(c);
    !text.is_empty() && text.len() <= WORD && text.chars().all(fits)
}

#[cfg(test)]
mod tests;
