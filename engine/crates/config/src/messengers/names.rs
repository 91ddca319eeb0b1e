//! Names of messengers: cASO's of six versions, and which ones may be.

use crate::origin::Origin;
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
    ("ssmv4", "ssm"),
];

/// Names of `ssm` that stood for v0.2, as `ssm` itself did in 1.4.1 to 2.1.
const WROTE_V02: &[&str] = &[
    "caso.messenger.ssm.SsmMessager",
    "caso.messenger.ssm.SsmMessenger",
];

/// `ssmv2`: an instance of `ssm` that writes cloud records v0.2, with ssm's
/// own section.
pub(super) const V2: &str = "ssmv2";

/// Names that would make a component the reader of somebody else's section.
const RESERVED: &[&str] = &[
    "default",
    "keystone_auth",
    "extractor",
    "mapper",
    "benchmark",
    "accelerator",
];

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
        let text = format!(
            "{origin}: `{written}` in `messengers` is an old name; it works, but write \
             `{present}`{version}"
        );
        warnings.push(Notice::warning(format!("old-messenger:{written}"), text));
        present
    })
}

pub(super) fn bad_name(name: &str) -> Option<String> {
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if name.is_empty() {
        return Some("an entry is empty; expected names divided by commas".into());
    }
    if name.starts_with("caso.") {
        return Some(format!(
            "`{name}` is no messenger that cASO had; expected `ssm`, `logstash` or `noop`"
        ));
    }
    if !name.chars().all(safe) || name.starts_with('-') || name.len() > LONGEST {
        return Some(format!(
            "`{name}` cannot name a messenger; expected at most {LONGEST} letters, digits, `_` and `-`"
        ));
    }
    let section = name.to_lowercase();
    if RESERVED.contains(&section.as_str()) || section.starts_with("messenger_") {
        return Some(format!(
            "`{name}` cannot name a messenger: the section [{section}] has another meaning"
        ));
    }
    None
}
