//! What is odd about a configuration, as data: `run` prints it once for each
//! state of the configuration, not every hour.

use sha2::{Digest, Sha256};

/// One remark for the operator.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Warning {
    /// Stable from run to run: `old-name:DEFAULT.tenants`.
    pub id: String,
    /// One sentence, with file and line.
    pub text: String,
}

impl Warning {
    pub fn new(id: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            text: text.into(),
        }
    }
}

/// A short text that is the same for the same set of warnings in any order.
pub fn fingerprint(warnings: &[Warning]) -> String {
    let mut sorted: Vec<&Warning> = warnings.iter().collect();
    sorted.sort();
    sorted.dedup();
    let mut hash = Sha256::new();
    for warning in sorted {
        hash.update(warning.id.as_bytes());
        hash.update([0]);
        hash.update(warning.text.as_bytes());
        hash.update([0]);
    }
    hash.finalize()
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fingerprint_follows_the_set() {
        let (a, b) = (Warning::new("a", "one"), Warning::new("b", "two"));
        let both = fingerprint(&[a.clone(), b.clone()]);
        assert_eq!(both, fingerprint(&[b, a.clone(), a.clone()]));
        assert_ne!(both, fingerprint(&[a]));
        assert_eq!(both.len(), 32);
    }
}
