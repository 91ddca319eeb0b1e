//! Syslog's facilities.

use caso_base::suggest::did_you_mean;

use super::{Kind, Value};
use crate::types::Facility;

/// By Python's names (`syslog.LOG_USER`), with RFC 5424's numbers.
const FACILITIES: &[(&str, u8)] = &[
    ("LOG_KERN", 0),
    ("LOG_USER", 1),
    ("LOG_MAIL", 2),
    ("LOG_DAEMON", 3),
    ("LOG_AUTH", 4),
    ("LOG_SYSLOG", 5),
    ("LOG_LPR", 6),
    ("LOG_NEWS", 7),
    ("LOG_UUCP", 8),
    ("LOG_CRON", 9),
    ("LOG_AUTHPRIV", 10),
    ("LOG_FTP", 11),
    ("LOG_LOCAL0", 16),
    ("LOG_LOCAL1", 17),
    ("LOG_LOCAL2", 18),
    ("LOG_LOCAL3", 19),
    ("LOG_LOCAL4", 20),
    ("LOG_LOCAL5", 21),
    ("LOG_LOCAL6", 22),
    ("LOG_LOCAL7", 23),
];

/// As oslo.log reads it: `LOG_LOCAL0`, `local0`.
fn facility(text: &str) -> Result<Facility, String> {
    let name = full(text);
    let found = FACILITIES.iter().find(|(known, _)| *known == name);
    found
        .map(|(name, code)| Facility { name, code: *code })
        .ok_or_else(|| "a syslog facility such as `LOG_USER` or `LOG_LOCAL0`".to_owned())
}

fn full(text: &str) -> String {
    let upper = text.to_uppercase();
    match upper.starts_with("LOG_") {
        true => upper,
        false => format!("LOG_{upper}"),
    }
}

impl Value for Facility {
    type Terms = ();
    const ANY: () = ();
    const KIND: Kind = Kind::Text;

    fn parse(text: &str, (): ()) -> Result<Option<Self>, String> {
        match text {
            "" => Ok(None),
            _ => facility(text).map(Some),
        }
    }

    fn near(text: &str) -> Option<String> {
        did_you_mean(&full(text), FACILITIES.iter().map(|(name, _)| *name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facilities() {
        assert_eq!(facility("local3").unwrap().code, 19);
        assert_eq!(facility("LOG_USER").unwrap().name, "LOG_USER");
        assert!(facility("LOG_LOCAL9").is_err());
        assert!(Facility::near("local9").is_some_and(|near| near.contains("did you mean")));
    }
}
