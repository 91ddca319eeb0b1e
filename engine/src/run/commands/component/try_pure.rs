//! `caso component run FILE` of a filter or a mapper: what it makes of a few records, or of the usage in the
//! recording.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Serialize;

use super::filters::{Verdicts, judged};
use super::recorded::{Recorded, recorded};
use super::samples::{Counts, Records};
use super::trial::{Caches, Used};
use super::try_out::{LINE, Trial, counted, folder, given, shown};
use super::{Shown, Subject};
use crate::run::exit::Exit;
use crate::run::temporary;
use caso_base::line::{clean_line, short_line};
use caso_base::shell_word;
use caso_model::record::AccountingRecord;
use caso_sandbox::{Component, Sandbox};

/// Fields of a record that a filter changed and that are shown.
const CHANGES: usize = 12;

#[derive(Debug, Serialize)]
struct Filtering {
    component: String,
    version: String,
    verdicts: Vec<Verdicts>,
}

/// A filter judges the records that it is tried with.
pub async fn filtered(
    sandbox: &Sandbox,
    subject: &Subject,
    component: &Component,
    trial: &Trial,
    caches: &Caches,
    json: bool,
) -> anyhow::Result<Shown> {
    let gone = temporary::folder("caso-component-")?;
    let records = given(trial, caches, gone.path()).await?;
    let judged = judged(sandbox, subject, component, Used::of(subject), &records).await?;
    let report = Filtering {
        component: component.name.clone(),
        version: component.version.clone(),
        verdicts: judged.counts,
    };
    let text = || {
        let of = match trial {
            Trial::Sample => "the sample records".to_owned(),
            Trial::Demo => "the records of the recording in the program".to_owned(),
            Trial::File(path) => format!("the records of `{}`", path.display()),
        };
        let mut text = format!(
            "{} {} as a filter of {of}\n",
            report.component, report.version
        );
        for verdicts in &report.verdicts {
            text += &format!("  {}\n", verdicts.words());
            if let Some(example) = &verdicts.example {
                text += &changes(&example.0, &example.1);
            }
        }
        text
    };
    Shown::of(&report, json, text, Exit::Done)
}

/// What is different in a record that was replaced, a line a field.
fn changes(before: &AccountingRecord, after: &AccountingRecord) -> String {
    let (before, after) = (fields(before), fields(after));
    let names = before
        .keys()
        .chain(after.keys().filter(|name| !before.contains_key(*name)));
    let changed = names.filter(|name| before.get(*name) != after.get(*name));
    let value = |fields: &Fields, name: &str| {
        let value = fields
            .get(name)
            .map_or("nothing".to_owned(), ToString::to_string);
        short_line(&clean_line(&value), LINE)
    };
    let mut lines = changed.map(|name| {
        format!(
            "    {name}: {} becomes {}\n",
            value(&before, name),
            value(&after, name)
        )
    });
    let mut text: String = lines.by_ref().take(CHANGES).collect();
    match lines.count() {
        0 => {}
        more => text += &format!("    … and {more} fields more\n"),
    }
    text
}

type Fields = serde_json::Map<String, serde_json::Value>;

/// The fields of a record, without its type.
fn fields(record: &AccountingRecord) -> Fields {
    let whole = serde_json::to_value(record).unwrap_or_default();
    let one = whole.as_object().and_then(|kinds| kinds.values().next());
    one.and_then(|record| record.as_object().cloned())
        .unwrap_or_default()
}

#[derive(Debug, Serialize)]
struct Mapping {
    component: String,
    version: String,
    /// Of the recording in the program, by type.
    records: Counts,
    /// The first record of each type.
    examples: Vec<AccountingRecord>,
    /// Where all of them are, where that was asked for.
    file: Option<PathBuf>,
    /// Whether all of it could be accounted; the log says what could not.
    whole: bool,
}

/// A mapper makes records of the recording in the program, and leaves them in this new folder, where there is one.
pub async fn mapped(
    subject: &Subject,
    component: &Component,
    caches: &Caches,
    into: Option<&Path>,
    json: bool,
) -> anyhow::Result<Shown> {
    let into = into.map(|into| folder(Some(into))).transpose()?;
    let gone = temporary::folder("caso-component-")?;
    let mapper = Some(Used::of(subject));
    let Recorded { records, whole } = recorded(mapper, &caches.0, gone.path()).await?;
    let report = Mapping {
        component: component.name.clone(),
        version: component.version.clone(),
        records: records.counts(),
        examples: examples(&records),
        file: into.map(|into| kept(&records, &into)).transpose()?,
        whole,
    };
    let made = records.records.len();
    let exit = Exit::of(made, usize::from(!whole), false);
    Shown::of(&report, json, || text(&report), exit)
}

/// The first record of each type.
fn examples(records: &Records) -> Vec<AccountingRecord> {
    let mut seen = BTreeSet::new();
    let records = records.records.iter().map(|(record, _)| record);
    records
        .filter(|record| seen.insert(record.record_type().to_owned()))
        .cloned()
        .collect()
}

/// One record a line, as `--records` takes them.
fn kept(records: &Records, into: &Path) -> anyhow::Result<PathBuf> {
    let mut lines = String::new();
    for (record, _) in &records.records {
        lines += &serde_json::to_string(record).context("a record cannot be written as JSON")?;
        lines.push('\n');
    }
    let path = into.join("records.jsonl");
    fs::write(&path, lines).with_context(|| format!("cannot write `{}`", path.display()))?;
    Ok(path)
}

fn text(report: &Mapping) -> String {
    let made = match report.records.is_empty() {
        true => "no record".to_owned(),
        false => counted(&report.records),
    };
    let mut text = format!(
        "{} {} as the mapper, on the recording in the program\nmakes {made}\n",
        report.component, report.version
    );
    for record in &report.examples {
        let pretty = serde_json::to_string_pretty(&fields(record)).unwrap_or_default();
        let (kind, shown) = (record.record_type(), shown(pretty.as_bytes()));
        text += &format!("\nthe first {}:\n\n{shown}", clean_line(kind));
    }
    if let Some(file) = &report.file {
        let file = file.display().to_string();
        text += &format!(
            "\nall of them, one a line: `{file}`\nnext  caso component run MESSENGER --records {}, with a messenger's file\n",
            shell_word(&file)
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_filter_changed_is_shown_by_field() {
        let records = Records::sample().unwrap();
        let (before, _) = records.records.into_iter().next().unwrap();
        let mut after = before.clone();
        let AccountingRecord::Cloud(cloud) = &mut after else {
            panic!("the first sample is a cloud record")
        };
        cloud.global_user_name = Some("of\nnobody".to_owned());
        let AccountingRecord::Cloud(was) = &before else {
            panic!()
        };
        let name = serde_json::to_string(&was.global_user_name).unwrap();
        assert_eq!(
            changes(&before, &after),
            format!("    global_user_name: {name} becomes \"of\\nnobody\"\n")
        );
        assert_eq!(changes(&before, &before), "");
    }
}
