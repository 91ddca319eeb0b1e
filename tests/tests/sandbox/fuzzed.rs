//! The functions of the fuzz targets (`fuzz/src`) with a few hundred inputs each, the same
//! in every run: that they compile and hold here is what keeps them fit to be fuzzed.

#[path = "../../../fuzz/src/lib.rs"]
mod targets;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// So many inputs, the same ones each time.
fn with<S: Strategy>(cases: u32, inputs: S, target: impl Fn(S::Value)) {
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    runner
        .run(&inputs, |input| {
            target(input);
            Ok(())
        })
        .unwrap();
}

/// Anything, and what is nearly right.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a-z_.${}%:/?=&,-]{0,20}",
        "(queue|http|connection|directory-write|address):[a-z0-9:/.%?&=\\[\\]-]{0,40}",
        "[\\x00-\\x7f]{0,30}",
    ]
}

#[test]
fn grants_are_read_and_written() {
    with(2_000, text(), |text| targets::grants::target(&text));
}

#[test]
fn descriptions_are_checked() {
    let lines = vec((any::<u8>(), text(), text(), text()), 0..12);
    with(500, lines, targets::descriptions::target);
}

#[test]
fn options_are_read() {
    let lines = vec((text(), text()), 0..4);
    with(200, (text(), lines), targets::options::target);
}

#[test]
fn messages_lie_in_their_queue() {
    let name = prop_oneof!["[0-9a-f]{8}", "[0-9a-f]{14}(.tmp|.lck)?", text()];
    let planted = vec((any::<bool>(), name), 0..4);
    let messages = vec(vec(any::<u8>(), 0..50), 0..4);
    with(200, (planted, messages), targets::dirq::target);
}

#[test]
fn a_journal_of_anything_is_opened_or_refused() {
    let bytes = || {
        let json = "[{}\\[\\]\":,a-z0-9\\n]{0,200}".prop_map(String::into_bytes);
        prop_oneof![vec(any::<u8>(), 0..200), json]
    };
    let input = (any::<u32>(), bytes(), bytes());
    with(200, input, targets::journal::target);
}
