//! A grant that is taken is the same one when it is written back, and no text panics.

#![no_main]

use caso_sandbox::Grant;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(grant) = text.parse::<Grant>() {
        let written = grant.to_string();
        let again: Grant = written.parse().expect("what is written is a grant");
        assert_eq!(again, grant, "{written}");
    }
});
