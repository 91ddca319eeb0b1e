//! An error with its causes, in one line.

use std::error::Error;

/// Joins the causes by colons. Some errors include their cause in their own
/// text; such a cause is not repeated.
#[must_use]
pub fn error_chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let own = cause.to_string();
        if !text.contains(&own) {
            text.push_str(": ");
            text.push_str(&own);
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot list: {source}")]
    struct Telling {
        source: std::io::Error,
    }

    #[test]
    fn a_cause_is_not_repeated() {
        let source = std::io::Error::other("no route");
        let error = anyhow::Error::new(Telling { source }).context("cloud `a`");
        assert_eq!(
            error_chain(error.as_ref()),
            "cloud `a`: cannot list: no route"
        );
    }
}
