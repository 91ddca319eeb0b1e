//! The tables of tests/ name tests; here they are looked for.

use std::collections::BTreeSet;
use std::fs;

use caso_tests::build::workspace;
use toml::Table;

use crate::inventory::{Test, tests};

fn table(name: &str) -> Table {
    let path = workspace().join("tests").join(name);
    fs::read_to_string(path).unwrap().parse().unwrap()
}

/// Fails unless `module::name` names one test that `cargo test` runs. The module
/// only counts where several tests have the name: files may be moved.
#[track_caller]
fn is_there(tests: &[Test], named: &str, by: &str) {
    let (module, name) = named.split_once("::").unwrap();
    let mut found: Vec<&Test> = tests.iter().filter(|test| test.name == name).collect();
    if found.len() > 1 {
        found.retain(|test| test.modules.iter().any(|its| its == module));
    }
    assert_eq!(found.len(), 1, "{by} names the test `{named}`: {found:?}");
}

#[test]
fn every_defect_of_caso_has_a_test_that_shows_it_done_right() {
    let all = tests();
    let mut numbers = BTreeSet::new();
    let table = table("defects.toml");
    for defect in table["defect"].as_array().unwrap() {
        let number = defect["number"].as_integer().unwrap();
        assert!(numbers.insert(number), "defect {number} stands twice");
        let tests = defect["tests"].as_array().unwrap();
        assert!(!tests.is_empty(), "defect {number} has no test");
        for named in tests {
            let named = named.as_str().unwrap();
            is_there(&all, named, &format!("defect {number}"));
        }
    }
    assert_eq!(numbers, (1..=68).collect());
}

#[test]
fn every_difference_from_caso_has_a_test() {
    let all = tests();
    let table = table("differences.toml");
    for difference in table["difference"].as_array().unwrap() {
        let named = difference["test"].as_str().unwrap();
        is_there(&all, named, "a difference");
    }
}
