//! `anonymise`: a filter that hides who used something, so that a site can give its records
//! to others and keep the names of its users.
//!
//! The fields that say it are hashed with a key (the same user gets the same hash in every
//! record, and without the key nobody finds out by trying names) or left out.

#![warn(missing_docs)]

#[cfg(target_family = "wasm")]
mod component;
mod fields;
mod hash;

use caso_component::description::{ComponentDescription, OptionDescription, OptionKind};
use caso_component::messenger::StartError;
use caso_component::records::{AccountingRecord, RecordList};
use caso_component::settings::Settings;
use caso_component::types::Setup;

#[allow(
    missing_docs,
    reason = "generated: the documentation is that of the files in wit/"
)]
mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit", "../../wit/filter"],
        world: "caso:filter/filter",
        additional_derives: [PartialEq],
        generate_all,
        with: {
            "caso:accounting/types@1.0.0": caso_component::types,
            "caso:accounting/descriptions@1.0.0": caso_component::caso::accounting::descriptions,
            "caso:accounting/records@1.0.0": caso_component::records,
            "caso:accounting/deliveries@1.0.0": caso_component::caso::accounting::deliveries,
            "caso:accounting/log@1.0.0": caso_component::caso::accounting::log,
        },
    });
}

pub use bindings::caso::filter::verdicts::Verdict;

/// Those that say who somebody is.
const USERS: &str =
    "local-user-id, local-user, global-user-name, user-identity, user-id, user-name";

/// Hexadecimal digits of a hash: 128 bits, as many as a UUID has.
const DIGITS: usize = 32;
/// A shorter key is found by trying.
const SHORTEST_KEY: usize = 16;

/// What it is.
#[must_use]
pub fn describe() -> ComponentDescription {
    let methods = vec!["hash".to_owned(), "drop".to_owned()];
    ComponentDescription {
        options: vec![
            OptionDescription::new(
                "method",
                OptionKind::Choice(methods),
                Some("hash"),
                "What becomes of the fields: hash replaces each value by a keyed hash (HMAC-SHA256, 32 \
                 hexadecimal digits), the same for the same user in every record; drop leaves it out.",
            ),
            OptionDescription::new(
                "key",
                OptionKind::Secret,
                None,
                "The key of the hash, at least 16 characters. Anyone with it can tell whose a hash is; with \
                 another key the same user gets another hash.",
            ),
            OptionDescription::new(
                "fields",
                OptionKind::Texts,
                Some(USERS),
                "The fields, by the contract's names. Besides the default: machine-name, local-group-id, \
                 local-group, group, sub-group, fqan, owner, project-id, vo, directory-path, image-id; and \
                 attributes of a record by their names.",
            ),
        ],
        ..ComponentDescription::new(
            "anonymise",
            "Hides the names and ids of users",
            env!("CARGO_PKG_VERSION"),
        )
    }
}

/// What becomes of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Method {
    Hash { key: String },
    Drop,
}

/// The filter with its options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anonymise {
    method: Method,
    fields: Vec<String>,
}

impl Anonymise {
    /// Takes the options.
    ///
    /// # Errors
    /// A hash without a key that is worth the name, or no field at all.
    pub fn start(setup: &Setup) -> Result<Self, StartError> {
        let settings = Settings::from(setup);
        let method = match settings.text("method")?.as_str() {
            "drop" => Method::Drop,
            _ => match settings.optional_text("key")? {
                Some(key) if key.chars().count() >= SHORTEST_KEY => Method::Hash { key },
                Some(_) => {
                    return Err(StartError::option(
                        "key",
                        "must have 16 characters at least; `openssl rand -hex 32` makes one",
                    ));
                }
                None => {
                    return Err(StartError::option(
                        "key",
                        "is needed for `method = hash`; `openssl rand -hex 32` makes one",
                    ));
                }
            },
        };
        let fields = settings.texts("fields")?;
        if fields.is_empty() {
            return Err(StartError::option("fields", "names no field"));
        }
        Ok(Self { method, fields })
    }

    /// One verdict for each record.
    #[must_use]
    pub fn filter(&self, records: RecordList) -> Vec<Verdict> {
        fields::each(records)
            .into_iter()
            .map(|record| self.verdict(record))
            .collect()
    }

    fn verdict(&self, mut record: AccountingRecord) -> Verdict {
        let before = record.clone();
        fields::change(&mut record, &self.fields, &|value| self.hidden(value));
        match record == before {
            true => Verdict::Keep,
            false => Verdict::Replace(record),
        }
    }

    /// What stands there instead; nothing where it is left out. What was empty said nothing.
    fn hidden(&self, value: &str) -> Option<String> {
        match &self.method {
            Method::Drop => None,
            Method::Hash { .. } if value.is_empty() => Some(String::new()),
            Method::Hash { key } => Some(hash::hmac(key.as_bytes(), value, DIGITS)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use caso_component::samples;
    use caso_component::types::OptionValue;

    const KEY: &str = "0123456789abcdef";

    fn started(method: &str, key: Option<&str>, fields: &[&str]) -> Result<Anonymise, StartError> {
        let text =
            |name: &str, value: &str| samples::setting(name, OptionValue::Text(value.into()));
        let mut settings = vec![text("method", method)];
        settings.extend(key.map(|key| text("key", key)));
        let fields = fields.iter().map(|field| (*field).to_owned()).collect();
        settings.push(samples::setting("fields", OptionValue::Texts(fields)));
        Anonymise::start(&samples::setup("anonymise", settings))
    }

    fn users() -> Vec<&'static str> {
        USERS.split(", ").collect()
    }

    #[test]
    fn a_user_has_one_hash_in_records_of_every_type() {
        let filter = started("hash", Some(KEY), &users()).unwrap();
        let mut cloud = samples::cloud();
        cloud.global_user_name = Some("alice".into());
        cloud.local_user_id = None;
        let mut ip = samples::ip();
        ip.global_user_name = Some("alice".into());
        let verdicts = filter.filter(RecordList::Cloud(vec![cloud.clone()]));
        let [Verdict::Replace(AccountingRecord::Cloud(hashed))] = verdicts.as_slice() else {
            panic!("{verdicts:?}");
        };
        let verdicts = filter.filter(RecordList::Ip(vec![ip]));
        let [Verdict::Replace(AccountingRecord::Ip(other))] = verdicts.as_slice() else {
            panic!("{verdicts:?}");
        };
        assert_eq!(hashed.global_user_name, other.global_user_name);
        assert_eq!(hashed.global_user_name.as_ref().map(String::len), Some(32));
        // Nothing besides: what is absent stays absent.
        assert_eq!(
            *hashed,
            caso_component::records::CloudRecord {
                global_user_name: hashed.global_user_name.clone(),
                ..cloud.clone()
            }
        );
        let another = started("hash", Some("another key, as long"), &users()).unwrap();
        let verdicts = another.filter(RecordList::Cloud(vec![cloud]));
        assert_ne!(
            verdicts,
            [Verdict::Replace(AccountingRecord::Cloud(hashed.clone()))]
        );
    }

    #[test]
    fn what_is_dropped_is_absent() {
        let filter = started("drop", None, &users()).unwrap();
        let verdicts = filter.filter(RecordList::Storage(vec![samples::storage()]));
        let [Verdict::Replace(AccountingRecord::Storage(record))] = verdicts.as_slice() else {
            panic!("{verdicts:?}");
        };
        assert_eq!((&record.local_user, &record.user_identity), (&None, &None));
        let mut other = samples::other();
        for name in ["user-name", "kept"] {
            other
                .head
                .attributes
                .push(caso_component::types::Attribute {
                    name: name.into(),
                    value: "alice".into(),
                });
        }
        let verdicts = filter.filter(RecordList::Other(vec![other]));
        let [Verdict::Replace(AccountingRecord::Other(record))] = verdicts.as_slice() else {
            panic!("{verdicts:?}");
        };
        let attributes = &record.head.attributes;
        assert!(attributes.iter().any(|attribute| attribute.name == "kept"));
        assert!(
            !attributes
                .iter()
                .any(|attribute| attribute.name == "user-name")
        );
    }

    #[test]
    fn fields_are_taken_by_name() {
        let filter = started("drop", None, &["machine-name"]).unwrap();
        let mut cloud = samples::cloud();
        cloud.machine_name = "alice-laptop".into();
        cloud.global_user_name = Some("alice".into());
        let verdicts = filter.filter(RecordList::Cloud(vec![cloud]));
        let [Verdict::Replace(AccountingRecord::Cloud(record))] = verdicts.as_slice() else {
            panic!("{verdicts:?}");
        };
        assert_eq!(record.machine_name, "");
        assert_eq!(record.global_user_name.as_deref(), Some("alice"));
        // A record that has none of them goes on as it is.
        let verdicts = filter.filter(RecordList::Energy(vec![samples::energy()]));
        assert_eq!(verdicts, [Verdict::Keep]);
    }

    #[test]
    fn a_hash_needs_a_key() {
        for (method, key, fields, good) in [
            ("hash", None, &["fqan"][..], false),
            ("hash", Some("short"), &["fqan"], false),
            ("hash", Some(KEY), &[], false),
            ("hash", Some(KEY), &["fqan"], true),
            ("drop", None, &["fqan"], true),
        ] {
            assert_eq!(
                started(method, key, fields).is_ok(),
                good,
                "{method} {key:?}"
            );
        }
    }
}
