//! Warnings about the configuration are said once for each of its states: cron
//! would mail them every hour.

use crate::config::{Warning, fingerprint};
use crate::state::{DiskError, Spool};

const FILE: &str = "caso-said";

/// Says the warnings, unless the last run that said any said the same ones.
pub fn say(warnings: &[Warning], spool: &Spool, keep: bool) -> Result<(), DiskError> {
    let path = spool.folder().join(FILE);
    let state = fingerprint(warnings);
    let said = std::fs::read_to_string(&path).unwrap_or_default();
    if said.trim() == state {
        return Ok(());
    }
    for warning in warnings {
        tracing::warn!("{}", warning.text);
    }
    if keep && !(warnings.is_empty() && said.is_empty()) {
        spool.disk().replace(&path, state.as_bytes())?;
    }
    Ok(())
}
