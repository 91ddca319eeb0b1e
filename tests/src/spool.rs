//! A dirq spool as ssmsend reads it, and the records of its cloud messages.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// One message of the spool.
#[derive(Clone, Debug)]
pub struct Message {
    /// `DDDDDDDD/SSSSSSSSMMMMMR`
    pub name: String,
    pub text: String,
}

impl Message {
    /// The message's first line, or its JSON type.
    pub fn kind(&self) -> &str {
        if self.text.starts_with('{') {
            match self.text.contains("APEL-accelerator-message") {
                true => "accelerator",
                false => "ip",
            }
        } else if self.text.starts_with('<') {
            "storage"
        } else {
            self.text.lines().next().unwrap_or_default()
        }
    }

    /// The records of a cloud message, field by field; none of another one.
    pub fn cloud_records(&self) -> Vec<BTreeMap<String, String>> {
        let Some(body) = self.text.strip_prefix("APEL-cloud-message: v0.4\n") else {
            return Vec::new();
        };
        body.split("%%\n").map(fields).collect()
    }
}

impl Message {
    /// The records of a storage message: its elements' and attributes' texts
    /// by name; none of another one.
    pub fn storage_records(&self) -> Vec<BTreeMap<String, String>> {
        let Some(body) = self.text.strip_prefix("<sr:StorageUsageRecords ") else {
            return Vec::new();
        };
        body.split("<sr:StorageUsageRecord>")
            .skip(1)
            .map(star_fields)
            .collect()
    }

    /// The records of a JSON message (`ip`, `accelerator`); none of another one.
    pub fn json_records(&self) -> Vec<serde_json::Value> {
        if !self.text.starts_with('{') {
            return Vec::new();
        }
        let message: serde_json::Value = serde_json::from_str(&self.text).expect("JSON");
        message["UsageRecords"].as_array().expect("a list").clone()
    }
}

/// `<sr:Name>text</sr:Name>` and `sr:name="text"`, which is all there is.
fn star_fields(record: &str) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    for piece in record.split("sr:").skip(1) {
        let end = piece
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(piece.len());
        let (name, rest) = piece.split_at(end);
        let text = match rest.strip_prefix("=\"") {
            Some(value) => value.split('"').next(),
            None => rest
                .strip_prefix('>')
                .and_then(|text| text.split('<').next()),
        };
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            fields.insert(name.to_owned(), text.to_owned());
        }
    }
    fields
}

fn fields(record: &str) -> BTreeMap<String, String> {
    record
        .lines()
        .map(|line| {
            line.split_once(": ")
                .unwrap_or_else(|| panic!("no field in `{line}`"))
        })
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// The messages of a spool in the order of sending; none of a folder that is
/// not there. Whatever dirq would not have made fails the test; a temporary
/// file, which a killed run leaves and a reader's purge removes, does not.
pub fn read(folder: &Path) -> Vec<Message> {
    let mut messages = Vec::new();
    for directory in names(folder) {
        assert!(
            hexadecimal(&directory, 8),
            "`{directory}` in the spool is not dirq's"
        );
        for element in names(&folder.join(&directory)) {
            if element.ends_with(".tmp") {
                continue;
            }
            assert!(
                hexadecimal(&element, 14),
                "`{element}` in the spool is not dirq's"
            );
            let path = folder.join(&directory).join(&element);
            messages.push(Message {
                name: format!("{directory}/{element}"),
                text: fs::read_to_string(path).expect("a message is text"),
            });
        }
    }
    messages.sort_by(|a, b| a.name.cmp(&b.name));
    messages
}

/// Temporary files and locks in a spool: a run that was not killed leaves none.
pub fn leftovers(folder: &Path) -> Vec<String> {
    names(folder)
        .iter()
        .flat_map(|directory| names(&folder.join(directory)))
        .filter(|element| !hexadecimal(element, 14))
        .collect()
}

/// What is in a folder, sorted; nothing if there is no such folder.
pub fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .map(|entry| {
            entry
                .expect("a folder can be read")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}

fn hexadecimal(text: &str, length: usize) -> bool {
    text.len() == length
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
