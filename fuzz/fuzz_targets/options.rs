#![no_main]

libfuzzer_sys::fuzz_target!(|input: caso_fuzz::options::Input| caso_fuzz::options::target(input));
