//! Syslog's facilities.

use caso_base::suggest::hint;

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
    let upper = text.to_uppercase();
    let name = match upper.starts_with("LOG_") {
        true => upper,
        false => format!("LOG_{upper}"),
    };
    let found = FACILITIES.iter().find(|(known, _)| *known == name);
    found
        .map(|(name, code)| Facility { name, code: *code })
        .ok_or_else(|| {
            let near = hint(&name, FACILITIES.iter().map(|(name, _)| *name));
            format!("a syslog facility such as `LOG_USER` or `LOG_LOCAL0`{near}")
        })
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facilities() {
        assert_eq!(facility("local3").unwrap().code, 19);
        assert_eq!(facility("LOG_USER").unwrap().name, "LOG_USER");
        assert!(facility("LOG_LOCAL9").unwrap_err().contains("did you mean"));
    }
}
