//! Names of messengers: cASO's of six versions, and which ones may be.
//!
//! What a component takes and reads is its own to describe. Here stands only
//! what a name meant to cASO.

use crate::origin::Origin;
use crate::table::{self, components};
use crate::text::listed;
use caso_model::notice::Notice;

/// What cASO called a messenger, and what it is here.
const FORMER: &[(&str, &str)] = &[
    ("caso.messenger.noop.NoopMessenger", "noop"),
    ("caso.messenger.logstash.LogstashMessenger", "logstash"),
    ("caso.messenger.ssm.SsmMessager", "ssm"),
    ("caso.messenger.ssm.SsmMessenger", "ssm"),
    ("caso.messenger.ssm.SSMMessenger", "ssm"),
    ("caso.messenger.ssm.SSMMessengerV02", "ssmv2"),
    ("caso.messenger.ssm.SSMMessengerV04", "ssm"),
    (
        "caso.messenger.greendigit_cim.GreenDIGITEnergyMessenger",
        "greendigit_cim",
    ),
    (V4, "ssm"),
];

/// Names of `ssm` that stood for v0.2, as `ssm` itself did in 1.4.1 to 2.1.
const WROTE_V02: &[&str] = &[
    "caso.messenger.ssm.SsmMessager",
    "caso.messenger.ssm.SsmMessenger",
];

/// `ssm`, under its name of cASO 2 to 5.
pub(super) const V4: &str = "ssmv4";

/// A name that stands for an instance of a built-in component, with options of
/// its own but in the component's own section.
pub(super) struct Former {
    pub name: &'static str,
    pub component: &'static str,
    implied: (&'static str, &'static str),
    pub record_types: &'static [&'static str],
}

/// Cloud records v0.2. That version knew no other type; beside it cASO 2 put
/// public IPs into messages of version `null`, which nobody reads.
pub(super) static V2: Former = Former {
    name: "ssmv2",
    component: "ssm",
    implied: ("cloud_version", "0.2"),
    record_types: &["cloud"],
};

impl Former {
    /// The option that the name sets, below all that the site sets.
    pub fn implied(&self) -> (String, String) {
        let (option, value) = self.implied;
        (option.to_owned(), value.to_owned())
    }
}

/// The former section of a messenger's host keys.
pub(crate) fn former_section(name: &str) -> Option<&'static str> {
    (name == "ssm").then_some("messenger_ssmv4")
}

/// What of cASO's a section of host keys belongs to by its former name: with a component of the
/// site's own in it, that one would take the place of what came with the program.
pub(super) fn former_of_section(section: &str) -> Option<(&'static str, &'static str)> {
    let name = section.strip_prefix("messenger_")?;
    [(V4, "ssm"), (V2.name, V2.component)]
        .into_iter()
        .find(|(former, _)| *former == name)
}

/// What a name stands for that a component of the site's own should not have: it would take the
/// place of something else, or be taken for it.
#[must_use]
pub fn stands_for(name: &str, builtin: &[String]) -> Option<String> {
    let lower = name.to_lowercase();
    if let Some((former, present)) = former_of_section(&format!("messenger_{lower}")) {
        return Some(format!(
            "`{former}` is an old name of the built-in `{present}`"
        ));
    }
    if components::BUILTIN_FILTERS.contains(&lower.as_str()) {
        return Some(format!("`{lower}` is a built-in filter"));
    }
    // The very name, too: its component would take the place of the one in the program, with the
    // options that the site has for that, and all records would go to it.
    if builtin.iter().any(|known| known == name) {
        return Some(format!("`{name}` is a built-in messenger"));
    }
    let spelt = |name: &str| name.to_lowercase().replace('-', "_");
    let near = builtin.iter().find(|known| spelt(known) == spelt(name))?;
    Some(format!("`{name}` would be taken for the built-in `{near}`"))
}

/// The record types that a built-in component is given where the site names
/// none, if they are fewer than it describes. cASO gave a third party all that
/// was extracted, cloud records with the names of users among it.
pub(crate) fn given_less(component: &str) -> Option<&'static [&'static str]> {
    (component == "greendigit_cim").then_some(&["energy"] as &[&str])
}

/// Longest name of an instance: it becomes part of file names.
const LONGEST: usize = 64;

/// The name of today for one of cASO's.
pub(crate) fn present_name<'n>(
    written: &'n str,
    origin: &Origin,
    warnings: &mut Vec<Notice>,
) -> &'n str {
    let former = FORMER.iter().find(|(former, _)| *former == written);
    former.map_or(written, |(_, present)| {
        let version = if WROTE_V02.contains(&written) {
            ". It writes cloud records of v0.4; what it wrote before cASO 3 is `ssmv2`"
        } else {
            ""
        };
        let text = (
            format!("{origin}: `{written}` in `messengers` is an old name"),
            format!("it works, but write `{present}`{version}"),
        );
        warnings.push(Notice::warning(format!("old-messenger:{written}"), text));
        present
    })
}

/// Why no messenger can have this name.
pub(super) fn bad_name(name: &str, builtin: &[String]) -> Option<String> {
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if name.is_empty() {
        return Some("an entry is empty; expected comma-separated names".into());
    }
    if name.starts_with("caso.") {
        return Some(format!(
            "`{name}` was never a messenger of cASO; expected one of {}",
            listed(builtin)
        ));
    }
    if !name.chars().all(safe) || name.starts_with('-') || name.len() > LONGEST {
        return Some(format!(
            "`{name}` cannot name a messenger; expected at most {LONGEST} letters, digits, `_` and `-`"
        ));
    }
    let section = name.to_lowercase();
    // It would make a component the reader of somebody else's section.
    if table::is_reserved_section(&section) {
        return Some(format!(
            "`{name}` cannot name a messenger: the section [{section}] has another meaning"
        ));
    }
    None
}
