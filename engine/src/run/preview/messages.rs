//! APEL messages taken apart into records, ours and those of Python's cASO: fields by name, and a
//! key by which the same thing is found again.
//!
//! Formats: APEL's cloud usage record v0.4 (text), accelerator v0.1 and public IP v0.2 (JSON),
//! StAR (EMI, XML). What depends on the moment at which a record was made is left out.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use caso_base::time::format_utc;
use caso_disk::elements;
use serde_json::Value;

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub kind: &'static str,
    pub fields: BTreeMap<String, String>,
}

impl Record {
    /// The same for the same thing, whenever it is reported: of a server there is one a month, and
    /// of a volume one an interval.
    pub fn key(&self) -> Vec<String> {
        let field = |name: &&str| self.fields.get(*name).cloned().unwrap_or_default();
        let names: &[&str] = match self.kind {
            "accelerator" => &[
                "AssociatedRecord",
                "MeasurementYear",
                "MeasurementMonth",
                "Model",
            ],
            "ip" => &["SiteName", "LocalGroup", "FQAN", "IPVersion"],
            "storage" => &["recordId"],
            _ => &["VMUUID"],
        };
        let mut key: Vec<String> = names.iter().map(field).collect();
        key.insert(0, self.kind.to_owned());
        if self.kind == "cloud" {
            key.push(self.month());
        }
        key
    }

    /// Of a cloud record, as APEL's database computes it.
    fn month(&self) -> String {
        let number = |name: &str| {
            let text = self.fields.get(name);
            text.and_then(|text| text.parse::<i64>().ok()).unwrap_or(0)
        };
        let completed = self
            .fields
            .get("Status")
            .is_some_and(|status| status.eq_ignore_ascii_case("completed"));
        let at = match (number("RecordCreateTime"), completed) {
            (at @ 1.., _) => at,
            (_, true) => number("EndTime"),
            (_, false) => number("StartTime")
                .saturating_add(number("SuspendDuration"))
                .saturating_add(number("WallDuration")),
        };
        format_utc(at).chars().take(7).collect()
    }

    /// For people.
    pub fn name(&self) -> String {
        let key = self.key().join(" ");
        match self.fields.get("MachineName") {
            Some(name) => format!("{key} `{name}`"),
            None => key,
        }
    }
}

/// The records of a message; none of one of another kind.
pub fn records(message: &[u8]) -> Vec<Record> {
    let text = String::from_utf8_lossy(message);
    if let Some((_, body)) = text
        .split_once('\n')
        .filter(|_| text.starts_with("APEL-cloud-message"))
    {
        return body.split("%%\n").filter_map(cloud).collect();
    }
    match text.chars().next() {
        Some('{') => json(&text),
        Some('<') => storage(&text),
        _ => Vec::new(),
    }
}

fn cloud(text: &str) -> Option<Record> {
    let fields: BTreeMap<String, String> = text
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    (!fields.is_empty()).then_some(Record {
        kind: "cloud",
        fields,
    })
}

fn json(text: &str) -> Vec<Record> {
    let Ok(message) = serde_json::from_str::<Value>(text) else {
        return Vec::new();
    };
    let (kind, volatile): (_, &[&str]) = match message.get("Type").and_then(Value::as_str) {
        Some("APEL-accelerator-message") => ("accelerator", &[]),
        Some("APEL Public IP message") => ("ip", &["uuid", "MeasurementTime"]),
        _ => return Vec::new(),
    };
    let rows = message.get("UsageRecords").and_then(Value::as_array);
    let rows = rows.into_iter().flatten().filter_map(Value::as_object);
    rows.map(|row| {
        let fields = row.iter();
        let fields = fields.filter(|(name, _)| !volatile.contains(&name.as_str()));
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Record {
            kind,
            fields: fields
                .map(|(name, value)| (name.clone(), text(value)))
                .collect(),
        }
    })
    .collect()
}

/// `<sr:Name>text</sr:Name>` and `sr:name="text"`, whatever the prefix is: StAR has no other.
fn storage(text: &str) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    for piece in text.split('<').skip(1) {
        let (tag, value) = piece.split_once('>').unwrap_or((piece, ""));
        let mut words = tag.split_whitespace();
        let name = local(words.next().unwrap_or_default());
        if name == "StorageUsageRecord" {
            records.push(Record {
                kind: "storage",
                fields: BTreeMap::new(),
            });
            continue;
        }
        let Some(record) = records.last_mut() else {
            continue;
        };
        for attribute in words {
            if let Some((name, value)) = attribute.split_once("=\"") {
                let value = value.trim_end_matches(['/', '"']);
                record
                    .fields
                    .insert(local(name).to_owned(), value.to_owned());
            }
        }
        if !tag.starts_with('/') && !value.trim().is_empty() {
            record
                .fields
                .insert(name.to_owned(), value.trim().to_owned());
        }
        record.fields.remove("createTime");
    }
    records
}

/// Without the prefix of its namespace.
fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, name)| name)
}

/// The messages of a queue folder, in the order in which they would be sent; what somebody takes
/// away meanwhile is passed over.
///
/// # Errors
/// The folder is there and cannot be read.
pub fn of_folder(folder: &Path) -> io::Result<Vec<Vec<u8>>> {
    let elements = elements(folder)?;
    Ok(elements
        .iter()
        .filter_map(|path| fs::read(path).ok())
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(record: &Record) -> Vec<(&str, &str)> {
        let fields = record.fields.iter();
        fields
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect()
    }

    #[test]
    fn each_kind_of_message_is_taken_apart() {
        let cloud = records(
            b"APEL-cloud-message: v0.4\nVMUUID: a\nStatus: started\nStartTime: 1791072000\nWallDuration: 60\n%%\nVMUUID: b\nStatus: completed\nEndTime: 1796083200\n",
        );
        let keys: Vec<_> = cloud.iter().map(Record::key).collect();
        assert_eq!(keys, [["cloud", "a", "2026-10"], ["cloud", "b", "2026-12"]]);
        let ip = records(br#"{"Type":"APEL Public IP message","Version":"0.2","UsageRecords":[{"uuid":"x","MeasurementTime":1,"SiteName":"S","IPVersion":4,"IPCount":2}]}"#);
        assert_eq!(
            fields(&ip[0]),
            [("IPCount", "2"), ("IPVersion", "4"), ("SiteName", "S")]
        );
        let star = records(
            br#"<sr:StorageUsageRecords xmlns:sr="x"><sr:StorageUsageRecord><sr:RecordIdentity sr:createTime="2026" sr:recordId="r1"/><sr:Site>S</sr:Site></sr:StorageUsageRecord></sr:StorageUsageRecords>"#,
        );
        assert_eq!(fields(&star[0]), [("Site", "S"), ("recordId", "r1")]);
        assert_eq!(records(b"anything"), []);
        assert_eq!(records(b"{"), []);
    }
}
