#![no_main]

libfuzzer_sys::fuzz_target!(|input: caso_fuzz::journal::Input| caso_fuzz::journal::target(input));
