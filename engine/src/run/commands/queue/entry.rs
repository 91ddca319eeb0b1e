//! A record of a queue or a quarantine as `queue show --json`, `queue export` and the files of
//! `queue drop` have it: one shape, which stays.

use std::ops::ControlFlow;

use anyhow::Context as _;
use serde::Serialize;
use serde_json::Value;

use caso_journal::{QuarantineCause, QuarantinedRecord, Sight, WaitingRecord};
use caso_model::Origin;
use caso_model::record::AccountingRecord;

/// One record. Fields are added; none changes its meaning, or `format` changes. Times are epoch
/// seconds.
#[derive(Debug, Serialize)]
pub struct Entry {
    pub format: u32,
    pub messenger: String,
    /// `waiting` or `quarantined`.
    pub state: &'static str,
    /// When it was extracted, or came into quarantine.
    pub since: i64,
    /// Of the record, as in its head.
    pub id: String,
    /// As in `record_types`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it is of: a server, a volume, a project.
    pub resource: String,
    pub measured_at: i64,
    /// Cloud, region, project, extractor, window and further facts.
    pub origin: Option<Origin>,
    /// What the messenger did: `refused` or `failed`; only in quarantine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<QuarantineCause>,
    /// In its words; only in quarantine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The record, with the fields of `wit/records.wit`.
    pub record: Value,
}

impl Entry {
    fn waiting(messenger: &str, it: WaitingRecord) -> Self {
        let origin = Origin::clone(&it.origin);
        Self::of(messenger, "waiting", it.extracted, it.record, Some(origin))
    }

    fn quarantined(messenger: &str, it: QuarantinedRecord) -> Self {
        Entry {
            why: Some(it.cause),
            reason: Some(it.reason),
            ..Self::of(messenger, "quarantined", it.at, it.record, it.origin)
        }
    }

    fn of(
        messenger: &str,
        state: &'static str,
        since: i64,
        record: AccountingRecord,
        origin: Option<Origin>,
    ) -> Self {
        let head = record.head();
        Entry {
            format: 1,
            messenger: messenger.to_owned(),
            state,
            since,
            id: head.id.clone(),
            kind: record.record_type().to_owned(),
            resource: resource(&record),
            measured_at: head.measured_at,
            origin,
            why: None,
            reason: None,
            record: fields(&record),
        }
    }

    /// The project's name, or its id; empty where nobody knows.
    pub fn project(&self) -> &str {
        self.origin.as_ref().map_or("", Origin::project)
    }

    /// Whether somebody means it by that: its id, or what it is of.
    pub fn is(&self, id: &str) -> bool {
        self.id == id || self.resource == id
    }

    /// As one line.
    pub fn line(&self) -> anyhow::Result<String> {
        let mut line = serde_json::to_string(self).context("a record cannot be written as JSON")?;
        line.push('\n');
        Ok(line)
    }
}

fn resource(record: &AccountingRecord) -> String {
    match record {
        AccountingRecord::Cloud(it) => it.vm_uuid.clone(),
        AccountingRecord::Ip(it) => it.local_group.clone(),
        AccountingRecord::Accelerator(it) => it.associated_record.clone(),
        AccountingRecord::Storage(it) => it.resource_id.clone(),
        AccountingRecord::Energy(it) => it.exec_unit_id.clone(),
        AccountingRecord::Other(it) => it.resource_id.clone(),
    }
}

/// Without the word for its case, which is `type`.
fn fields(record: &AccountingRecord) -> Value {
    match serde_json::to_value(record) {
        Ok(Value::Object(case)) => case.into_iter().next().map_or(Value::Null, |(_, it)| it),
        _ => Value::Null,
    }
}

/// Every record of a queue, or of its quarantine, in its order.
///
/// # Errors
/// The journal cannot be read, or `each` failed.
pub fn each(
    sight: &Sight,
    messenger: &str,
    quarantine: bool,
    each: &mut dyn FnMut(Entry) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut failed = None;
    let mut take = |entry| match each(entry) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            failed = Some(error);
            ControlFlow::Break(())
        }
    };
    match quarantine {
        true => sight.quarantined(messenger, &mut |it| take(Entry::quarantined(messenger, it))),
        false => sight.records(messenger, &mut |it| take(Entry::waiting(messenger, it))),
    }
    .context("cannot read the journal")?;
    failed.map_or(Ok(()), Err)
}
