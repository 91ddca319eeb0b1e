//! What is removed, and what must not be.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::consumer::{Consumer, front};
use super::site::*;
use crate::*;
use caso_disk::{Disk, Fault, Step, Verdict};

/// Garbles a file at the moment when finished segments were removed.
struct Garbles {
    file: PathBuf,
    armed: AtomicBool,
}

impl Fault for Garbles {
    fn before(&self, step: Step, path: &Path) -> Verdict {
        let removed = step == Step::SyncFolder && path.ends_with("segments");
        if removed && self.armed.load(Ordering::SeqCst) {
            fs::write(&self.file, "garbage").unwrap();
        }
        Verdict::Go
    }
}

/// `a` is done with the one segment and `b` is not: the note of `a` on
/// it is all that keeps it from being sent to `a` again.
fn one_waits() -> (Site, PathBuf) {
    let site = Site::new(&["a", "b"]);
    let consumer = Consumer::default();
    site.extract(&["1"]);
    let (journal, _) = site.open();
    consumer.drain(&journal, "a");
    drop(journal);
    let site = Site {
        messengers: vec!["a".into()],
        ..site
    };
    let mut notes = list(&site.path("messengers/a"));
    assert_eq!(notes.len(), 1);
    (site, notes.remove(0))
}

#[test]
fn a_note_that_cannot_be_read_when_it_is_to_go_is_not_taken_for_one_of_nothing() {
    let (site, note) = one_waits();
    let garbles = Arc::new(Garbles {
        file: note.clone(),
        armed: AtomicBool::new(false),
    });
    let disk = Disk::with_fault(garbles.clone());
    let (journal, _) = Journal::open(&site.spool(disk), 2000).unwrap();
    site.seal(&journal, 0, &[cloud("2", "2", 1)]);
    let queue = journal.queue("a");
    let came = Consumer::default().deliver(&queue, (None, None), super::consumer::all);
    came.unwrap();
    // Removes the segment of "2", and then finds the note garbled.
    garbles.armed.store(true, Ordering::SeqCst);
    let _ = journal.clean();
    assert_eq!(site.files("segments").len(), 1);
    assert_eq!(fs::read_to_string(&note).unwrap(), "garbage");
}

/// Killed when its last record was dealt with, and its messenger taken out of the configuration:
/// what is left of the pack keeps its segments from nobody.
#[test]
fn a_pack_with_nothing_left_is_ended_though_nobody_delivers_it() {
    let site = Site::new(&["a"]);
    site.extract(&["1", "2"]);
    let (journal, _) = site.open();
    let queue = journal.queue("a");
    queue.pack(Taking::default(), None).unwrap();
    let mut pack = front(&queue);
    let batch = pack.next_batch().unwrap().unwrap();
    batch.resolve([0]).unwrap();
    journal.clean().unwrap();
    assert_eq!(site.files("messengers/a").len(), 2, "a record is left");
    batch.resolve([1]).unwrap();
    drop((pack, batch));
    journal.clean().unwrap();
    assert_eq!(site.files("messengers/a"), [""; 0]);
    assert_eq!(site.files("segments"), [""; 0]);
}

/// A folder in the place of a note: nobody can read it.
#[test]
fn behind_a_note_that_cannot_be_read_nothing_is_packed_or_removed() {
    let (site, note) = one_waits();
    fs::remove_file(&note).unwrap();
    fs::create_dir(&note).unwrap();
    let consumer = Consumer::default();
    let (journal, _) = site.open();
    let failed = consumer
        .deliver(&journal.queue("a"), (None, None), super::consumer::all)
        .unwrap_err();
    assert!(
        failed.to_string().contains(note.to_str().unwrap()),
        "{failed}"
    );
    assert!(journal.clean().is_err());
    assert_eq!(consumer.ids(), [""; 0]);
    assert_eq!(site.files("segments").len(), 1);
}
