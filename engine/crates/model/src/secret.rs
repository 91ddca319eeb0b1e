//! A text that is shown to nobody: passwords, tokens, application credentials.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::component::OptionKind;

/// Masks itself wherever it is printed or serialized: what is kept of a
/// configuration is kept without it. Equality and the text itself are for the
/// code that sends it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// What is printed in a secret's place.
pub const MASK: &str = "***";

/// What is serialized in a secret's place.
pub const REMOVED: &str = "removed";

/// Parts of a name that speak of a secret: of an option as of a key of what is sent and
/// recorded. Both have more of their own.
pub const SECRET_WORDS: [&str; 7] = [
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "secret",
    "token",
    "apikey",
];

/// Characters below which a secret is not looked for in other texts: it would blank
/// half of every line.
pub const SHORTEST_SECRET: usize = 4;

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the request that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(REMOVED)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

/// Whether nobody may see the values of an option: by its kind, or by its name.
pub fn is_secret(kind: &OptionKind, name: &str) -> bool {
    *kind == OptionKind::Secret || is_secret_name(name)
}

/// Whether an option of this name holds a secret, whatever its kind: a site's
/// own component may have called its password a text.
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["password", "secret", "token"]
        .iter()
        .any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_itself() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?}"), "*** ***");
        assert_eq!(secret.expose(), "hunter2");
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"removed\"");
    }

    #[test]
    fn names_of_secrets() {
        assert!(is_secret_name("application_credential_secret"));
        assert!(is_secret_name("API_TOKEN"));
        assert!(!is_secret_name("username"));
        assert!(is_secret(&OptionKind::Secret, "x") && is_secret(&OptionKind::Text, "token"));
        assert!(!is_secret(&OptionKind::Text, "x"));
    }
}
