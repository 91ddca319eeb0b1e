//! `caso report --html`: what was used, as one page with plots, from the ledger of runs alone.
//!
//! It asks nobody, takes no lock, and has everything in it: it may be opened from a disk, sent by
//! mail and printed. Names of VOs, projects and flavors are what somebody wrote into OpenStack:
//! `maud` escapes them, and so does `plotters`.

mod figures;
mod page;
mod plot;
mod spans;

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use self::figures::Figures;
use self::page::{Head, page};
use super::ledger::lacks_runs;
use super::month;
use crate::stdout;
use caso_config::Config;
use caso_disk::Disk;
use caso_state::{Cursors, Spool, ledger};

/// Which page, and where to.
#[derive(Debug, PartialEq)]
pub struct ReportPage {
    /// The month's first second, in epoch seconds; none: everything that the ledger has.
    pub month: Option<i64>,
    /// None: to standard output.
    pub file: Option<PathBuf>,
}

/// Makes it.
///
/// # Errors
/// The month lies in the future, the ledger cannot be read, or the page cannot be written: then
/// what was there before is there.
pub fn report_page(config: &Config, what: &ReportPage, now: i64) -> anyhow::Result<()> {
    let sites = config
        .clouds
        .iter()
        .filter_map(|cloud| cloud.site_name.clone());
    let mut sites: Vec<String> = sites.collect();
    sites.dedup();
    of_spool(&config.spooldir, sites, what, now)
}

fn of_spool(spool: &Path, sites: Vec<String>, what: &ReportPage, now: i64) -> anyhow::Result<()> {
    let range = what
        .month
        .map(|first| month::window(first, now))
        .transpose()?;
    let spool = Spool::look(spool, Disk::default());
    let since = range.map_or(now - ledger::KEPT, |range| range.start);
    let mut figures = Figures::new(range, Cursors::renamed(&spool));
    let unreadable = ledger::each(&spool, since, &mut |run| figures.run(run))
        .context("cannot read the ledger of runs")?;
    lacks_runs(&unreadable);
    let head = Head {
        sites,
        month: what.month.map(month::name),
        now,
    };
    let text = page(&head, &figures.finish(now))?;
    match &what.file {
        Some(path) => Ok(Disk::default().replace(path, text.as_bytes())?),
        None => stdout::write(&text),
    }
}

#[cfg(test)]
mod tests;
