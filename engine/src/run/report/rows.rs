//! Rows of the report, of which a part may not have been read.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{By, Row};
use crate::run::ledger::Unread;
use caso_model::extraction::Extractor;

/// The same as it is shown: what could not be read of it is unknown, and not nothing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShownRow {
    pub name: String,
    pub servers: Option<u64>,
    pub wall_seconds: Option<u64>,
    pub cpu_seconds: Option<u64>,
    pub accelerator_seconds: Option<f64>,
    pub gib_days: Option<f64>,
}

impl ShownRow {
    pub fn of(row: Row, unread: &UnreadRows) -> Self {
        let servers = !unread.servers.has(&row.name);
        let volumes = !unread.volumes.has(&row.name);
        Self {
            servers: servers.then_some(row.servers),
            wall_seconds: servers.then_some(row.wall_seconds),
            cpu_seconds: servers.then_some(row.cpu_seconds),
            accelerator_seconds: servers.then_some(row.accelerator_seconds),
            gib_days: volumes.then_some(row.gib_days),
            name: row.name,
        }
    }
}

/// Rows of which something is lacking.
#[derive(Debug, Default)]
pub struct UnreadRows {
    servers: Names,
    volumes: Names,
}

/// Names of rows, or every one: of a cloud that failed as a whole nobody knows whose usage it has.
#[derive(Debug, Default)]
struct Names {
    all: bool,
    some: BTreeSet<String>,
}

impl Names {
    fn has(&self, name: &str) -> bool {
        self.all || self.some.contains(name)
    }
}

impl UnreadRows {
    pub fn of(unread: &[Unread], by: By) -> Self {
        let mut rows = UnreadRows::default();
        for it in unread {
            match it {
                Unread::Whole => {
                    rows.servers.all = true;
                    rows.volumes.all = true;
                }
                Unread::Part {
                    project,
                    vo,
                    extractor,
                } => {
                    let names = match extractor {
                        Extractor::Nova | Extractor::Ceilometer => &mut rows.servers,
                        Extractor::Cinder => &mut rows.volumes,
                        Extractor::Neutron | Extractor::Prometheus => continue,
                    };
                    let name = match by {
                        By::Vo => vo,
                        By::Project => project,
                    };
                    names.some.insert(name.clone());
                }
            }
        }
        rows
    }

    /// Those that are named, whether or not anything of theirs was read.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        self.servers.some.iter().chain(&self.volumes.some)
    }
}
