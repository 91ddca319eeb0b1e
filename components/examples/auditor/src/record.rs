//! AUDITOR's record (`domain/record.rs`), and what it takes as a name, an amount and a score
//! (`domain/validname.rs`, `validamount.rs`, `validvalue.rs`).

use std::collections::BTreeMap;

use caso_component::record_json::iso;
use serde_json::{Value, json};

/// Characters of a name. AUDITOR counts grapheme clusters, of which there are never more.
const LONGEST_NAME: usize = 256;

/// A record, as it is added.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The whole, as JSON: a text, of which a batch has a thousand.
    pub json: String,
    /// Whether AUDITOR may have it without its stop time, as of a VM that ran.
    pub closes: bool,
}

/// Parts of a record on their way, of which one may be nothing for AUDITOR.
#[derive(Debug, Default)]
pub struct Parts {
    meta: BTreeMap<String, Vec<String>>,
    components: Vec<Value>,
}

impl Parts {
    /// Adds a fact; one that is empty is none.
    pub fn meta(mut self, key: &str, value: Option<&str>) -> Result<Self, String> {
        if let Some(value) = value.filter(|value| !value.trim().is_empty()) {
            let value = name(value).map_err(|reason| format!("`{key}` {reason}"))?;
            self.meta.entry(key.to_owned()).or_default().push(value);
        }
        Ok(self)
    }

    /// Adds a component, if it is stated.
    pub fn component(
        mut self,
        name: &str,
        amount: Option<u64>,
        scores: Vec<Value>,
    ) -> Result<Self, String> {
        if let Some(amount) = amount {
            let amount = i64::try_from(amount)
                .map_err(|_| format!("`{name}` is more than AUDITOR can count"))?;
            self.components
                .push(json!({"name": name, "amount": amount, "scores": scores}));
        }
        Ok(self)
    }

    /// The record. `start` and `stop` are epoch seconds.
    pub fn record(self, id: &str, start: i64, stop: Option<i64>) -> Result<Record, String> {
        let id = name(id).map_err(|reason| format!("the id of the record {reason}"))?;
        let stop = stop.map(time).transpose()?;
        let mut json = json!({
            "record_id": id,
            "meta": self.meta,
            "components": self.components,
            "start_time": time(start)?,
        });
        if let (Some(stop), Some(object)) = (stop, json.as_object_mut()) {
            object.insert("stop_time".to_owned(), Value::String(stop));
        }
        Ok(Record {
            json: json.to_string(),
            closes: false,
        })
    }
}

/// A score of a component: what one unit of it achieves.
pub fn score(name: &str, value: f64) -> Result<Value, String> {
    let name = self::name(name).map_err(|reason| format!("the name of a benchmark {reason}"))?;
    if value < 0.0 {
        return Err(format!("the benchmark `{name}` is negative: {value}"));
    }
    Ok(json!({"name": name, "value": value}))
}

/// A text that AUDITOR takes as a name; what is wrong with it otherwise. (PostgreSQL can
/// store no NUL, which AUDITOR answers with 500. The characters `/()"<>\{}`, which its own
/// documentation still forbids, it has taken since 0.7.0.)
pub fn name(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("is empty, which AUDITOR takes for no name".to_owned());
    }
    if text.chars().count() > LONGEST_NAME {
        return Err(format!(
            "is longer than AUDITOR takes, {LONGEST_NAME} characters"
        ));
    }
    if text.contains('\0') {
        return Err("has a NUL, which AUDITOR cannot store".to_owned());
    }
    Ok(text.to_owned())
}

/// Epoch seconds as AUDITOR reads a time. PostgreSQL's times reach further than four digits
/// of a year; what has more is no time of a VM.
fn time(seconds: i64) -> Result<String, String> {
    iso(seconds)
        .filter(|text| text.len() == 19)
        .map(|text| text + "Z")
        .ok_or_else(|| format!("{seconds} is no time that AUDITOR can store"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_auditor_takes() {
        for good in ["a", "/vo.example.org/ops/Role=NULL", "b\u{f3}b <\\>"] {
            assert_eq!(name(good).as_deref(), Ok(good));
        }
        assert!(name(&"\u{451}".repeat(256)).is_ok());
        for bad in ["", " \t", "a\0b", &"x".repeat(257)] {
            assert!(name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_record_is_auditors() {
        let parts = Parts::default()
            .meta("site_id", Some("SITE"))
            .and_then(|it| it.meta("user_id", Some("")))
            .and_then(|it| it.meta("voms", None))
            .and_then(|it| it.component("Cores", Some(2), vec![score("HEPscore23", 9.5)?]))
            .and_then(|it| it.component("Memory", None, Vec::new()))
            .unwrap();
        let record = parts.record("caso-1", 0, Some(60)).unwrap();
        assert_eq!(
            record.json,
            "{\"components\":[{\"amount\":2,\"name\":\"Cores\",\"scores\":[{\"name\":\
             \"HEPscore23\",\"value\":9.5}]}],\"meta\":{\"site_id\":[\"SITE\"]},\"record_id\":\
             \"caso-1\",\"start_time\":\"1970-01-01T00:00:00Z\",\"stop_time\":\
             \"1970-01-01T00:01:00Z\"}"
        );
        let open = Parts::default().record("caso-1", 0, None).unwrap();
        assert!(!open.json.contains("stop_time"));
    }

    #[test]
    fn what_auditor_cannot_store_is_refused_with_the_reason() {
        let meta = Parts::default().meta("voms", Some("a\0b")).unwrap_err();
        assert_eq!(meta, "`voms` has a NUL, which AUDITOR cannot store");
        for time in [i64::MAX, i64::MIN, 253_402_300_800] {
            assert!(Parts::default().record("a", time, None).is_err(), "{time}");
        }
        let count = Parts::default().component("Cores", Some(u64::MAX), Vec::new());
        assert!(count.unwrap_err().contains("`Cores`"));
        assert!(score("HEPscore23", -1.0).is_err() && score("", 1.0).is_err());
    }
}
