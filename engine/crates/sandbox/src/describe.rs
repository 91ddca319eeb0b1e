//! Asking a component what it is, and whether the answer makes sense.

use std::collections::BTreeSet;

use wasmtime::Engine;

use super::bindings::described::DescribedPre;
use super::bindings::described::exports::caso::accounting::description::ComponentDescription;
use super::component::Roles;
use super::failure::Who;
use super::limits::Limits;
use super::log::GuestLog;
use super::mask::Mask;
use super::state::{Guest, HostServices, State, wasi};
use caso_model::component::{CapabilityRequest, Description, OptionDescription, OptionKind};
use caso_model::guest::GuestFailure;

/// Options or capabilities that a component may have, each.
const MOST: usize = 500;
/// Bytes of a text for the operator.
const TEXT: usize = 2_000;

/// Runs `describe` in a store of its own with nothing granted.
pub async fn ask(
    engine: &Engine,
    pre: &DescribedPre<State>,
    who: Who,
    limits: &Limits,
) -> Result<ComponentDescription, GuestFailure> {
    let log = GuestLog::new(&who, Mask::default(), limits);
    let services = HostServices::nothing(limits, &log);
    let mut wasi = wasi(&log);
    super::clock::pin(&mut wasi, 0);
    let mut guest = Guest::new(engine, who, limits, log, wasi, services);
    guest
        .run("describe", limits.call_time(), async |store| {
            let bindings = pre.instantiate_async(&mut *store).await?;
            bindings
                .caso_accounting_description()
                .call_describe(store)
                .await
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
    /// A choice without words.
    #[error("its option `{0}` is a choice of nothing")]
    EmptyChoice(String),
    /// A default that the option itself does not take.
    #[error("the default of its option `{0}` is none of its choices")]
    DefaultNotAChoice(String),
    /// The option that says how many records go into a message.
    #[error("its packing option `{0}` is not an integer option of its own")]
    PackingOption(String),
    /// A capability's name.
    #[error("the name of a capability is not of a-z, 0-9, `-` and `_`")]
    CapabilityName,
    /// Two capabilities of one name.
    #[error("it asks for the capability `{0}` twice")]
    CapabilityTwice(String),
    /// A mapper that would like to reach outside.
    #[error("it is a mapper and asks for capabilities, but a mapper is pure")]
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
    options(&description.options)?;
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
    if roles.mapper && !description.capabilities.is_empty() {
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
    let mask = Mask::default();
    description.version = mask.line(&description.version, 80);
    description.summary = mask.line(&description.summary, TEXT);
    for option in &mut description.options {
        option.help = mask.line(&option.help, TEXT);
    }
    Ok(description)
}

/// Parts of WASI that are linked only for whoever asks for a grant of them: a
/// toolchain's idle import is refused with the switch that leaves it out.
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
    Ok(())
}

/// A name that is not of the characters it should be, fit to be shown.
fn shown(name: &str) -> String {
    Mask::default().line(name, 80)
}

fn is_word(text: &str, also: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || also.contains(c);
    !text.is_empty() && text.len() <= 80 && text.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSENGER: Roles = Roles {
        mapper: false,
        messenger: true,
    };

    fn description() -> Description {
        Description {
            name: "mine".to_owned(),
            summary: "Sends\x1b[2J things".to_owned(),
            version: "1.0".to_owned(),
            record_types: vec!["cloud".to_owned()],
            options: vec![option("max_size", OptionKind::Integer, Some("100"))],
            capabilities: Vec::new(),
            packing_option: Some("max_size".to_owned()),
            attributes: Vec::new(),
        }
    }

    fn option(name: &str, kind: OptionKind, default: Option<&str>) -> OptionDescription {
        OptionDescription {
            name: name.to_owned(),
            kind,
            default: default.map(str::to_owned),
            required: false,
            help: "Help\nin lines".to_owned(),
            old_names: Vec::new(),
            attributes: Vec::new(),
        }
    }

    fn capability(name: &str, kind: &str) -> CapabilityRequest {
        CapabilityRequest {
            name: name.to_owned(),
            kind: kind.to_owned(),
            target: "a:1".to_owned(),
            required: false,
            attributes: Vec::new(),
        }
    }

    #[test]
    fn what_is_shown_is_cleaned() {
        let good = checked(description(), MESSENGER, &[]).unwrap();
        assert_eq!(good.summary, "Sends[2J things");
        assert_eq!(good.options[0].help, "Help in lines");
    }

    #[test]
    fn each_fault_is_named() {
        let choice = || OptionKind::Choice(vec!["a".to_owned()]);
        type Spoil = Box<dyn Fn(&mut Description)>;
        let cases: Vec<(&str, Spoil)> = vec![
            ("its name `M`", Box::new(|d| d.name = "M".to_owned())),
            ("its name ``", Box::new(|d| d.name.clear())),
            (
                "`max_size` twice",
                Box::new(|d| d.options.push(d.options[0].clone())),
            ),
            (
                "not a `name`",
                Box::new(|d| d.options.push(option("a.b.c", OptionKind::Text, None))),
            ),
            (
                "none of its choices",
                Box::new(move |d| d.options.push(option("c", choice(), Some("b")))),
            ),
            (
                "choice of nothing",
                Box::new(|d| {
                    d.options
                        .push(option("c", OptionKind::Choice(Vec::new()), None))
                }),
            ),
            (
                "packing option `no`",
                Box::new(|d| d.packing_option = Some("no".to_owned())),
            ),
            (
                "not an integer option",
                Box::new(|d| d.options[0].kind = OptionKind::Text),
            ),
            (
                "capability `q` twice",
                Box::new(|d| d.capabilities = vec![capability("q", "queue"); 2]),
            ),
            (
                "a capability is not of",
                Box::new(|d| d.capabilities = vec![capability("", "queue")]),
            ),
            (
                "record types",
                Box::new(|d| d.record_types.push("A B".to_owned())),
            ),
        ];
        for (part, spoil) in cases {
            let mut description = description();
            spoil(&mut description);
            let problem = checked(description, MESSENGER, &[])
                .unwrap_err()
                .to_string();
            assert!(problem.contains(part), "{problem}");
        }
    }

    #[test]
    fn a_mapper_is_pure_and_sockets_need_an_address() {
        let mut asking = description();
        asking.capabilities = vec![capability("a", "address")];
        let mapper = Roles {
            mapper: true,
            messenger: false,
        };
        assert!(
            checked(asking.clone(), mapper, &[])
                .unwrap_err()
                .to_string()
                .contains("pure")
        );
        let imports = ["wasi:sockets/tcp@0.2.6".to_owned()];
        assert!(checked(asking, MESSENGER, &imports).is_ok());
        let problem = checked(description(), MESSENGER, &imports)
            .unwrap_err()
            .to_string();
        assert!(
            problem.contains("`address`") && problem.contains("--stub-wasi"),
            "{problem}"
        );
        let imports = ["wasi:http/types@0.2.10".to_owned()];
        let mut asking = description();
        asking.capabilities = vec![capability("a", "http")];
        assert!(checked(asking, MESSENGER, &imports).is_ok());
        let problem = checked(description(), MESSENGER, &imports)
            .unwrap_err()
            .to_string();
        assert!(
            problem.contains("`http`") && problem.contains("fetch-event"),
            "{problem}"
        );
    }
}
