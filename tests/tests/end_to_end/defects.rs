//! The tables of tests/ name tests; here they are looked for.

use std::collections::BTreeSet;
use std::fs;

use caso_tests::build::workspace;
use toml::Table;

fn table(name: &str) -> Table {
    let path = workspace().join("tests").join(name);
    fs::read_to_string(path).unwrap().parse().unwrap()
}

fn is_there(file: &str, test: &str) -> bool {
    fs::read_to_string(workspace().join(file))
        .is_ok_and(|source| source.contains(&format!("fn {test}(")))
}

#[test]
fn every_defect_of_caso_has_a_test_that_shows_it_done_right() {
    let mut numbers = BTreeSet::new();
    let table = table("defects.toml");
    for defect in table["defect"].as_array().unwrap() {
        let number = defect["number"].as_integer().unwrap();
        assert!(numbers.insert(number), "defect {number} stands twice");
        let tests = defect["tests"].as_array().unwrap();
        assert!(!tests.is_empty(), "defect {number} has no test");
        for named in tests {
            let named = named.as_str().unwrap();
            let (file, test) = named.split_once("::").unwrap();
            assert!(is_there(file, test), "defect {number}: no test `{named}`");
        }
    }
    assert_eq!(numbers, (1..=59).collect());
}

#[test]
fn every_difference_from_caso_has_a_test() {
    let table = table("differences.toml");
    for difference in table["difference"].as_array().unwrap() {
        let named = difference["test"].as_str().unwrap();
        let (module, test) = named.split_once("::").unwrap();
        let file = format!("tests/tests/end_to_end/{module}.rs");
        assert!(is_there(&file, test), "no test `{named}`");
    }
}
