//! Any lines as a segment of the journal: it opens, or says why not, and what it cannot
//! read it sets aside.

use std::fs;

use caso_disk::Disk;
use caso_journal::{Journal, Taking};
use caso_state::Spool;

/// A segment's number and bytes, and those of the journal's counter.
pub type Input = (u32, Vec<u8>, Vec<u8>);

/// The target.
pub fn target(input: Input) {
    let (number, segment, counter) = input;
    let Ok(folder) = tempfile::tempdir() else {
        return;
    };
    let segments = folder.path().join("caso-journal/segments");
    if fs::create_dir_all(&segments).is_err() {
        return;
    }
    let _ = fs::write(
        segments.join(format!("{number:08}-00000-00-00.seg")),
        segment,
    );
    let _ = fs::write(folder.path().join("caso-journal/journal.json"), counter);
    let Ok(spool) = Spool::open(folder.path(), Disk::default()) else {
        return;
    };
    if let Ok((journal, _)) = Journal::open(&spool, 0) {
        let _ = journal.waiting();
        let _ = journal.queue("ssm").pack(Taking::default(), None);
        let _ = journal.damaged();
    }
}
