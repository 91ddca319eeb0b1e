//! Ours against oslo.config itself, over `tests/config/corpus`: `oslo.py`
//! there wrote `expected.json`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::ini::{self, FaultKind};
use crate::resolve::{Resolver, Slot};
use crate::sources::{SourceFile, Sources};
use crate::value::{self, Kind};
use crate::{ConfigError, table};

/// Where ours differs, on purpose.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    (
        "substitute-bad-target",
        "DEFAULT.site_name",
        "a bad value is reported at its own option, once",
    ),
    (
        "substitute-bad-target",
        "DEFAULT.service_name",
        "it refers to `site_name`",
    ),
];

fn fault_text(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::NoDelimiter => "No ':' or '=' found in assignment",
        FaultKind::EmptyKey => "Key cannot be empty",
        FaultKind::Continuation => "Unexpected continuation line",
        FaultKind::NoBracket => "Invalid section (must end with ])",
        FaultKind::NoSectionName => "Empty section name",
        FaultKind::NoSection => "Section must be started before assignment",
    }
}

fn sections_of(parsed: &ini::Ini) -> Value {
    let mut sections: BTreeMap<&str, BTreeMap<&str, Vec<&str>>> = BTreeMap::new();
    for (name, _) in &parsed.sections {
        sections.entry(name).or_default();
    }
    for assignment in &parsed.assignments {
        let section = sections.entry(&assignment.section).or_default();
        section
            .entry(&assignment.key)
            .or_default()
            .push(&assignment.value);
    }
    json!(sections)
}

fn value_of(sources: &Sources, section: &str, option: &str) -> Value {
    let row = table::find(section, option).unwrap();
    let resolved = match Resolver::new(sources).resolve(&Slot::within(row, section)) {
        Ok(resolved) => resolved,
        Err(ConfigError::Substitution { .. }) => return json!({"error": "substitution"}),
        Err(other) => panic!("{other}"),
    };
    let Some(text) = resolved.map(|resolved| resolved.text) else {
        return json!({ "value": null });
    };
    let value = match row.kind {
        Kind::Boolean => value::boolean(&text).map(|value| json!(value)),
        Kind::Integer => value::integer(&text, i64::MIN, i64::MAX).map(|value| json!(value)),
        Kind::Texts => Ok(json!(value::texts(&text))),
        _ => Ok(json!(text)),
    };
    value.map_or_else(
        |_| json!({"error": "value"}),
        |value| json!({ "value": value }),
    )
}

fn read_environment(path: &Path) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(path.with_extension("env")).unwrap_or_default();
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn ours_reads_every_odd_file_as_oslo_does() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/config");
    let (files, values) = compare(&folder);
    assert!(
        files >= 60 && values > 2_000,
        "{files} files, {values} values"
    );
}

/// How many files and values were compared.
fn compare(folder: &Path) -> (usize, usize) {
    let expected = std::fs::read_to_string(folder.join("expected.json")).unwrap();
    let expected: BTreeMap<String, Value> = serde_json::from_str(&expected).unwrap();
    let plain = expected["empty"]["values"].as_object().unwrap().clone();
    let mut compared = 0;
    for (name, case) in &expected {
        let path = folder.join("corpus").join(format!("{name}.conf"));
        let bytes = std::fs::read(&path).unwrap();
        let text = String::from_utf8(bytes);
        let fault = &case["fault"];
        if fault["what"] == "not UTF-8" {
            assert!(text.is_err(), "{name}");
            continue;
        }
        let parsed = ini::parse(&text.unwrap());
        if fault.is_object() {
            let faults = parsed.expect_err(name);
            assert_eq!(fault["what"], fault_text(faults[0].kind), "{name}");
            // oslo notices this one only at the end of the value.
            if faults[0].kind != FaultKind::NoSection {
                assert_eq!(fault["line"], faults[0].line, "{name}");
            }
            continue;
        }
        let parsed = parsed.unwrap_or_else(|faults| panic!("{name}: {faults:?}"));
        assert_eq!(case["sections"], sections_of(&parsed), "{name}");
        let sources = Sources {
            files: vec![SourceFile {
                path: Arc::new(path.clone()),
                ini: parsed,
            }],
            environment: read_environment(&path),
            ..Sources::default()
        };
        for (option, default) in &plain {
            let (section, key) = option.split_once('.').unwrap();
            let mut oslo = case["values"].get(option).unwrap_or(default).clone();
            // Several regions here, one there.
            if option == "DEFAULT.region_name"
                && let Some(text) = oslo["value"].as_str()
            {
                oslo = json!({ "value": value::texts(text) });
            }
            let ours = value_of(&sources, section, key);
            compared += 1;
            if DIFFERENCES
                .iter()
                .any(|(file, of, _)| file == name && of == option)
            {
                assert_ne!(ours, oslo, "{name}: {option} is no difference any more");
            } else if oslo != ours {
                panic!("{name}: {option}: oslo {oslo}, ours {ours}");
            }
        }
    }
    (expected.len(), compared)
}
