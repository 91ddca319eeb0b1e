//! A grant that is taken is the same one when it is written back, and no text panics.

use caso_sandbox::Grant;

/// The target.
pub fn target(text: &str) {
    if let Ok(grant) = text.parse::<Grant>() {
        let written = grant.to_string();
        let again: Grant = written.parse().expect("what is written is a grant");
        assert_eq!(again, grant, "{written}");
    }
}
