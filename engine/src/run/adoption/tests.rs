use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use caso_disk::Disk;
use caso_disk::faults::{End, at_every_step, folder};
use caso_journal::Journal;
use caso_model::record::AccountingRecord;
use caso_state::Spool;
use tempfile::TempDir;

use super::*;

const MESSENGER: &str = "ams";

/// A queue of ssmsend's, and a spool beside it.
struct Site(TempDir);

impl Site {
    /// With three messages, in two folders.
    fn new() -> Self {
        let site = Self(folder().unwrap());
        fs::create_dir(site.spool_folder()).unwrap();
        for (name, text) in site.messages() {
            site.put(name, text);
        }
        site
    }

    fn messages(&self) -> [(&'static str, &'static str); 3] {
        [
            ("6a000000/6a000001000000", "APEL-cloud-message: v0.4\n1"),
            ("6a000000/6a000002000000", "APEL-cloud-message: v0.4\n2"),
            ("6a00003c/6a00003c000000", "APEL-cloud-message: v0.4\n3"),
        ]
    }

    fn put(&self, name: &str, text: &str) {
        let path = self.queue().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn queue(&self) -> PathBuf {
        self.0.path().join("queue")
    }

    fn spool_folder(&self) -> PathBuf {
        self.0.path().join("spool")
    }

    fn spool(&self, disk: Disk) -> Spool {
        Spool::look(&self.spool_folder(), disk)
    }

    /// As the command does it.
    fn adopt(&self, disk: Disk) -> anyhow::Result<(u64, Left)> {
        let spool = self.spool(disk);
        let (journal, _) = Journal::open(&spool, 0)?;
        let left = take_all(&spool, &self.queue())?;
        Ok((seal(&journal, &spool, MESSENGER, 7)?, left))
    }

    /// What a run sends, which sends all that waits.
    fn run(&self) -> Vec<String> {
        let spool = self.spool(Disk::default());
        let (journal, _) = Journal::open(&spool, 0).unwrap();
        settle(&journal, &spool).unwrap();
        let mut sent = Vec::new();
        let sight = journal.records();
        sight
            .records(MESSENGER, &mut |entry| {
                let AccountingRecord::Other(record) = &entry.record else {
                    panic!("{:?}", entry.record);
                };
                sent.push(record.payload.clone().unwrap());
                ControlFlow::Continue(())
            })
            .unwrap();
        journal.forget(MESSENGER).unwrap();
        sent
    }

    /// Nothing is left of it, neither there nor here.
    fn is_over(&self) -> bool {
        let left = [FOLDER, "adopted"].map(|name| self.spool_folder().join(name).exists());
        fs::read_dir(self.queue()).unwrap().next().is_none() && left == [false, false]
    }
}

fn texts(site: &Site) -> Vec<String> {
    let messages = site.messages();
    messages.map(|(_, text)| text.to_owned()).to_vec()
}

/// Killed before or in any step, or with a disk that fills there: repeated, it goes on; a run that
/// comes in between sends all of them or none; and each is sent once.
#[test]
fn disturbed_anywhere_each_message_is_sent_once_and_in_order() {
    for end in [
        End::Kill,
        End::Torn,
        End::FullOnce,
        End::Full,
        End::ErrorOnce,
    ] {
        for with_run_between in [false, true] {
            let steps = at_every_step(end, |disk, name| {
                let site = Site::new();
                let _ = site.adopt(disk);
                let mut sent = Vec::new();
                if with_run_between {
                    sent = site.run();
                }
                let (_, left) = site.adopt(Disk::default()).unwrap();
                assert_eq!(left, Left::default(), "{name}");
                sent.extend(site.run());
                assert_eq!(
                    sent,
                    texts(&site),
                    "{name}, run between: {with_run_between}"
                );
                assert!(site.is_over(), "{name}");
            });
            assert!(steps > 20, "{steps}");
        }
    }
}

#[test]
fn what_somebody_else_has_locked_stays() {
    let site = Site::new();
    let [(first, _), (second, _), _] = site.messages();
    // As dirq locks, and so ssmsend.
    let first = site.queue().join(first);
    fs::hard_link(&first, first.with_extension("lck")).unwrap();
    // As we lock, for another spool.
    let lock = site.queue().join(second).with_extension("lck");
    std::os::unix::fs::symlink("caso:/elsewhere", &lock).unwrap();
    let (number, left) = site.adopt(Disk::default()).unwrap();
    assert_eq!(number, 1);
    assert_eq!(
        left.locked,
        ["6a000000/6a000001000000", "6a000000/6a000002000000"]
    );
    assert!(first.exists() && fs::symlink_metadata(&lock).is_ok());
    assert_eq!(site.run(), texts(&site)[2..]);
}

#[test]
fn what_is_no_message_of_apels_stays_and_is_not_locked() {
    let site = Site::new();
    site.put("6a000000/6a000003000000", "what is this");
    let (number, left) = site.adopt(Disk::default()).unwrap();
    assert_eq!((number, left.locked.len()), (3, 0));
    assert_eq!(left.strange, ["6a000000/6a000003000000"]);
    let folder = site.queue().join("6a000000");
    let names: Vec<_> = fs::read_dir(folder).unwrap().flatten().collect();
    assert_eq!(names.len(), 1, "{names:?}");
}

#[test]
fn a_queue_that_is_not_there_is_an_error() {
    let site = Site::new();
    let spool = site.spool(Disk::default());
    let error = take_all(&spool, Path::new("/nowhere")).unwrap_err();
    assert!(error.to_string().contains("`/nowhere`"), "{error}");
}

#[test]
fn a_run_says_what_was_taken_and_not_sealed() {
    let site = Site::new();
    let spool = site.spool(Disk::default());
    take_all(&spool, &site.queue()).unwrap();
    let (journal, _) = Journal::open(&spool, 0).unwrap();
    let notice = settle(&journal, &spool).unwrap().unwrap();
    assert!(
        notice
            .text
            .starts_with("3 messages taken over from an old queue lie in `")
            && notice.text.ends_with("did not come to its end"),
        "{}",
        notice.text
    );
    assert!(site.run().is_empty());
    drop(journal);
    assert_eq!(site.adopt(Disk::default()).unwrap().0, 3);
    assert_eq!(site.run(), texts(&site));
}
