#![no_main]

libfuzzer_sys::fuzz_target!(|lines: caso_fuzz::descriptions::Lines| caso_fuzz::descriptions::target(lines));
