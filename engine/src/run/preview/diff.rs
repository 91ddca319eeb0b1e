//! What would be published beside what is published, record by record.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;

use super::Put;
use super::messages::{self, Record};
use crate::run::summary::words::records;
use crate::run::table::next;
use caso_base::line::{LINE_BYTES, short_line};

/// More lines of a kind nobody reads.
const MOST: usize = 50;

/// The difference.
#[derive(Debug, Default)]
pub struct Diff {
    same: u64,
    only_there: Vec<Record>,
    only_here: Vec<Record>,
    /// Name, and each field with what is there and what is here.
    differing: Vec<(String, Vec<String>)>,
    there: String,
}

type ByKey = BTreeMap<Vec<String>, Record>;

/// Of several records with one key the last counts, as at APEL.
fn by_key<'a>(messages: impl Iterator<Item = &'a [u8]>) -> ByKey {
    let all = messages.flat_map(messages::records);
    all.map(|record| (record.key(), record)).collect()
}

impl Diff {
    /// Of what would be put into queues, beside what lies in the folders.
    ///
    /// # Errors
    /// A folder cannot be read.
    pub fn of(folders: &[PathBuf], put: &[Put]) -> anyhow::Result<Self> {
        let mut there = Vec::new();
        for folder in folders {
            let found = messages::of_folder(folder)
                .with_context(|| format!("cannot read `{}`", folder.display()))?;
            there.extend(found);
        }
        let names: Vec<String> = folders.iter().map(|it| it.display().to_string()).collect();
        let there = by_key(there.iter().map(Vec::as_slice));
        let here = by_key(put.iter().map(|it| it.message.as_slice()));
        Ok(Self {
            there: names.join(", "),
            ..Self::between(there, here)
        })
    }

    fn between(mut there: ByKey, here: ByKey) -> Self {
        let mut diff = Diff::default();
        for (key, ours) in here {
            match there.remove(&key) {
                None => diff.only_here.push(ours),
                Some(theirs) if theirs.fields == ours.fields => diff.same += 1,
                Some(theirs) => {
                    let name = ours.name();
                    diff.differing.push((name, fields(&theirs, &ours)));
                }
            }
        }
        diff.only_there = there.into_values().collect();
        diff
    }

    pub fn differs(&self) -> bool {
        !self.only_there.is_empty() || !self.only_here.is_empty() || !self.differing.is_empty()
    }

    /// For people: counts, then what differs.
    pub fn text(&self) -> String {
        let mut page = format!(
            "beside {}: {} the same, {} only there, {} only here, {} different\n",
            self.there,
            records(self.same),
            self.only_there.len(),
            self.only_here.len(),
            self.differing.len()
        );
        let some = |what: &str, of: &[Record], page: &mut String| {
            for record in of.iter().take(MOST) {
                let _ = writeln!(
                    page,
                    "{what:<11} {}",
                    short_line(&record.name(), LINE_BYTES)
                );
            }
            more(of.len(), page);
        };
        some("only there", &self.only_there, &mut page);
        some("only here", &self.only_here, &mut page);
        for (name, fields) in self.differing.iter().take(MOST) {
            let line = format!("{name}: {}", fields.join("; "));
            let _ = writeln!(
                page,
                "{:<11} {}",
                "different",
                short_line(&line, LINE_BYTES)
            );
        }
        more(self.differing.len(), &mut page);
        page + &next(&[match self.differs() {
            true => {
                "caso preview --format json, for every record; for another window: --extract-from, \
                     --extract-to"
                    .to_owned()
            }
            false => "caso extract".to_owned(),
        }])
    }
}

fn more(all: usize, page: &mut String) {
    let rest = all.saturating_sub(MOST);
    if rest > 0 {
        let _ = writeln!(page, "{:<11} and {rest} more", "");
    }
}

fn fields(theirs: &Record, ours: &Record) -> Vec<String> {
    let mut names: Vec<&String> = theirs.fields.keys().chain(ours.fields.keys()).collect();
    names.sort();
    names.dedup();
    let value = |of: &Record, name: &str| {
        let value = of.fields.get(name).map(String::as_str);
        value.unwrap_or("none").to_owned()
    };
    names
        .into_iter()
        .filter(|name| theirs.fields.get(*name) != ours.fields.get(*name))
        .map(|name| {
            format!(
                "{name} {} there, {} here",
                value(theirs, name),
                value(ours, name)
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(texts: &[&str]) -> ByKey {
        let texts: Vec<String> = texts
            .iter()
            .map(|text| format!("APEL-cloud-message: v0.4\n{text}"))
            .collect();
        by_key(texts.iter().map(String::as_bytes))
    }

    #[test]
    fn each_record_is_the_same_on_one_side_or_different() {
        let there = of(&[
            "VMUUID: a\nCpuCount: 1\n",
            "VMUUID: b\nCpuCount: 1\n%%\nVMUUID: gone\nMachineName: x\n",
            // The last word counts.
            "VMUUID: c\nCpuCount: 1\n",
            "VMUUID: c\nCpuCount: 2\n",
        ]);
        let here = of(&[
            "VMUUID: a\nCpuCount: 1\n%%\nVMUUID: b\nDisk: 3\n%%\nVMUUID: c\nCpuCount: 2\n%%\nVMUUID: new\n",
        ]);
        let diff = Diff {
            there: "/q".to_owned(),
            ..Diff::between(there, here)
        };
        assert!(diff.differs());
        assert_eq!(
            diff.text(),
            "beside /q: 2 records the same, 1 only there, 1 only here, 1 different\n\
             only there  cloud gone 1970-01 `x`\n\
             only here   cloud new 1970-01\n\
             different   cloud b 1970-01: CpuCount 1 there, none here; Disk none there, 3 here\n\
             next  caso preview --format json, for every record; for another window: --extract-from, \
             --extract-to\n"
        );
    }
}
