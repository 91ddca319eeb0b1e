#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| caso_fuzz::grants::target(text));
