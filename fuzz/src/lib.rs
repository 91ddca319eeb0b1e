//! What is fuzzed, as functions of any input: they panic where a promise is broken. The
//! targets beside call them with what libFuzzer thinks of; the ordinary tests of the
//! workspace (`tests/tests/sandbox/fuzzed.rs`) with a few random inputs, always the same.

pub mod descriptions;
pub mod dirq;
pub mod grants;
pub mod journal;
pub mod options;
