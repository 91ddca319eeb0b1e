//! `caso-lastruns.json`: what stands in the lastrun files, by their names, as far as that is on
//! disk. Derived, and so without a format of its own to keep: one that is lost or damaged counts as empty,
//! and then each project's own file says what it last knew.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use caso_base::digest::sha256_hex;
use caso_base::regular;
use caso_disk::{DiskError, Step};

use crate::spool::Spool;

#[derive(Serialize, Deserialize)]
struct Form {
    lastruns: BTreeMap<String, String>,
    /// SHA-256 of the JSON of `lastruns`, in hex.
    sha256: String,
}

pub fn read(spool: &Spool) -> BTreeMap<String, String> {
    let read = || -> Option<BTreeMap<String, String>> {
        let bytes = regular::read(&spool.lastruns_file()).ok()?;
        let form: Form = serde_json::from_slice(&bytes).ok()?;
        let found = sha256_hex(&serde_json::to_vec(&form.lastruns).ok()?);
        (found == form.sha256).then_some(form.lastruns)
    };
    read().unwrap_or_default()
}

/// To be called when the lastrun files have their names: they are in their folder before it is
/// said that they are.
pub fn write(spool: &Spool, lastruns: &BTreeMap<String, String>) -> Result<(), DiskError> {
    let path = spool.lastruns_file();
    let failed = |e: serde_json::Error| DiskError::new(Step::Write, &path, e.into());
    let sha256 = sha256_hex(&serde_json::to_vec(lastruns).map_err(failed)?);
    let lastruns = lastruns.clone();
    let form = serde_json::to_vec(&Form { lastruns, sha256 }).map_err(failed)?;
    spool.disk().sync_folder(spool.folder())?;
    spool.disk().replace(&path, &form)
}
