#![no_main]

libfuzzer_sys::fuzz_target!(|input: caso_fuzz::dirq::Input| caso_fuzz::dirq::target(input));
