//! Every transition does what STATES.md states, step by step: a sync left out, or
//! one in another place, is a difference to the page and fails under the name of
//! its transition.

use std::path::Path;
use std::sync::Arc;

use super::consumer::{Consumer, Taken, all, nothing};
use super::site::*;
use crate::*;
use caso_disk::faults::At;
use caso_model::Window;
use caso_model::record::AccountingRecord;
use caso_state::{CursorKey, Cursors, Moves};

const PAGE: &str = include_str!("../STATES.md");

/// The block ```` ```steps NAME ```` of the page.
fn stated(name: &str) -> Vec<&'static str> {
    let begin = format!("```steps {name}\n");
    let (_, rest) = PAGE.split_once(&begin).unwrap();
    rest.split_once("```").unwrap().0.lines().collect()
}

/// A site with everything that it does to the disk.
struct Watched {
    site: Site,
    counted: Arc<At>,
}

impl Watched {
    /// Of one messenger, `m`; nothing lies there yet.
    fn new() -> Self {
        Watched {
            site: Site::new(&["m"]),
            counted: At::never(),
        }
    }

    /// With an open journal and one sealed segment of a run before this one.
    fn with_sealed(records: &[&str]) -> (Self, Journal) {
        let watched = Self::new();
        watched.site.extract(records);
        let journal = watched.open();
        watched.forget_steps();
        (watched, journal)
    }

    fn open(&self) -> Journal {
        let spool = self.site.spool(self.counted.disk());
        Journal::open(&spool, 1000).unwrap().0
    }

    fn forget_steps(&self) {
        self.counted.take_steps(Path::new(""));
    }

    /// What was done since the last look, in the words of the page.
    fn steps(&self) -> Vec<String> {
        let steps = self.counted.take_steps(self.site.dir.path());
        let steps = steps.iter().map(|step| in_words_of_the_page(step));
        replacements_as_one(steps.collect())
    }

    fn does(&self, transition: &str) {
        assert_eq!(self.steps(), stated(transition), "{transition}");
    }

    fn deliver(&self, journal: &Journal, rule: impl Fn(&[AccountingRecord]) -> Taken) {
        let consumer = Consumer::default();
        let _ = consumer.deliver(&journal.queue("m"), (None, None), rule);
    }
}

/// `SyncFolder caso-journal/messengers/m` as `SyncFolder messengers/INSTANCE`, the
/// numbers of runs, projects and packs as `N`.
fn in_words_of_the_page(step: &str) -> String {
    let (step, path) = step.split_once(' ').unwrap_or((step, "SPOOL"));
    let path = path.strip_prefix("caso-journal/").unwrap_or(path);
    let words = path.split_inclusive(['/', '_', '.']).map(|word| {
        let end = word.len() - usize::from(word.ends_with(['/', '_', '.']));
        let (word, separator) = word.split_at(end);
        let is_numbers = word.bytes().all(|b| b == b'-' || b.is_ascii_digit());
        let word = match word {
            "m" => "INSTANCE",
            word if is_numbers && word.contains('-') => "N",
            word => word,
        };
        [word, separator].concat()
    });
    format!("{step} {}", words.collect::<String>())
}

/// The five steps in which a file is replaced as one, where it is exactly those.
fn replacements_as_one(mut steps: Vec<String>) -> Vec<String> {
    let mut at = 0;
    while at < steps.len() {
        let target = steps[at]
            .strip_prefix("Create ")
            .and_then(|path| path.strip_suffix(".tmp"));
        if let Some((folder, name)) = target.map(|path| path.rsplit_once('/').unwrap_or(("", path)))
            && let Some(name) = name.strip_prefix('.')
        {
            let target = format!("{folder}/{name}");
            let target = target.trim_start_matches('/');
            let temporary = format!("{folder}/.{name}.tmp");
            let temporary = temporary.trim_start_matches('/');
            let folder = match (folder, name) {
                ("", "journal.json" | "reserve") => "caso-journal",
                ("", _) => "SPOOL",
                (folder, _) => folder,
            };
            let replacement = [
                format!("Create {temporary}"),
                format!("Write {temporary}"),
                format!("SyncFile {temporary}"),
                format!("Rename {target}"),
                format!("SyncFolder {folder}"),
            ];
            if steps[at..].starts_with(&replacement) {
                let one = format!("Replace {target}");
                steps.splice(at..at + replacement.len(), [one]);
            }
        }
        at += 1;
    }
    steps
}

fn names(records: &[&str]) -> Vec<AccountingRecord> {
    records.iter().map(|id| cloud(id, id, 1)).collect()
}

#[test]
fn a_new_journal() {
    let watched = Watched::new();
    drop(watched.open());
    watched.does("a new journal");
    drop(watched.open());
    watched.does("an empty journal opened again");
}

#[test]
fn open_usage_to_the_mapper_quarantine_and_sealed() {
    let watched = Watched::new();
    let journal = watched.open();
    watched.forget_steps();
    let mut writer = watched.site.begin(&journal, 0);
    for record in names(&["1", "2"]) {
        writer.append(&record).unwrap();
    }
    watched.does("open");
    writer.quarantine_usage(&usage("u"), "no reason").unwrap();
    writer.quarantine_usage(&usage("v"), "no reason").unwrap();
    watched.does("usage to the mapper quarantine");
    writer.seal().unwrap();
    watched.does("sealed");
}

#[test]
fn taken_back() {
    let watched = Watched::new();
    let journal = watched.open();
    let sealed = watched.site.seal(&journal, 0, &names(&["1"]));
    watched.forget_steps();
    journal.revoke(&sealed).unwrap();
    watched.does("taken back");
}

#[test]
fn the_cursor() {
    let watched = Watched::new();
    let cursors = Cursors::open(&watched.site.spool(watched.counted.disk()), false);
    let key = CursorKey {
        cloud: "default".into(),
        region: None,
        extractor: "nova".into(),
    };
    cursors
        .starts("PROJECT", None, std::slice::from_ref(&key))
        .unwrap();
    assert_eq!(watched.steps(), [""; 0], "a start writes nothing");
    let window = |start, end| Window { start, end };
    cursors.advance("PROJECT", &key, window(0, 100)).unwrap();
    watched.does("the first cursor of a project");
    cursors.advance("PROJECT", &key, window(100, 200)).unwrap();
    watched.does("cursor");
    cursors
        .starts("OTHER", None, std::slice::from_ref(&key))
        .unwrap();
    let moves = [("OTHER", 0, 300), ("PROJECT", 200, 300)].map(|(project, start, end)| Moves {
        project: project.to_owned(),
        windows: vec![(key.clone(), window(start, end))],
    });
    let moved = cursors.commit(moves.to_vec());
    assert!(moved.iter().all(Result::is_ok), "{moved:?}");
    watched.does("cursors together");
    assert!(cursors.settle().is_empty());
    watched.does("lastrun files");
    assert!(cursors.settle().is_empty());
    assert_eq!(watched.steps(), [""; 0], "nothing is left to settle");
}

#[test]
fn sealed_together() {
    let watched = Watched::new();
    let journal = watched.open();
    let segments: Vec<_> = (0..3)
        .map(|project| {
            let mut writer = watched.site.begin(&journal, project);
            writer.append(&names(&["1"]).remove(0)).unwrap();
            writer.finish().unwrap()
        })
        .collect();
    watched.forget_steps();
    let sealed = journal.seal(segments);
    assert!(sealed.iter().all(Result::is_ok), "{sealed:?}");
    watched.does("sealed together");
    assert_eq!(journal.sealed().len(), 3);
}

#[test]
fn packed_and_offered() {
    let (watched, journal) = Watched::with_sealed(&["1"]);
    journal.queue("m").pack(Taking::default(), None).unwrap();
    watched.does("packed");
    watched.deliver(&journal, nothing);
    watched.does("offered for the first time");
    watched.deliver(&journal, nothing);
    watched.does("offered");
}

#[test]
fn quarantined_acknowledged_and_the_pack_finished() {
    let (watched, journal) = Watched::with_sealed(&["1", "2", "3"]);
    watched.deliver(&journal, nothing);
    watched.forget_steps();
    let refusing = |at: usize| {
        move |_: &[AccountingRecord]| Taken {
            accepted: 0,
            refused: vec![at],
        }
    };
    watched.deliver(&journal, refusing(0));
    watched.does("quarantined for the first time");
    watched.deliver(&journal, refusing(0));
    watched.does("quarantined");
    watched.deliver(&journal, all);
    watched.does("acknowledged and the pack finished");
    journal.clean().unwrap();
    watched.does("segment finished");
}

#[test]
fn given_up() {
    let (watched, journal) = Watched::with_sealed(&["1"]);
    watched.deliver(&journal, nothing);
    watched.site.seal(&journal, 0, &names(&["2"]));
    watched.forget_steps();
    assert_eq!(journal.forget("m").unwrap(), 2);
    watched.does("given up");
}

/// A site whose first server, of hour 1, and those of `others` are in quarantine.
fn with_a_quarantine(others: &[&str]) -> Watched {
    let watched = Watched::new();
    let mut records = vec![cloud("1", "vm", 1)];
    records.extend(others.iter().map(|id| cloud(id, id, 1)));
    watched.site.seal(&watched.open(), 0, &records);
    let journal = watched.open();
    watched.deliver(&journal, |records| Taken {
        refused: (0..records.len()).collect(),
        ..all(records)
    });
    journal.clean().unwrap();
    watched
}

#[test]
fn put_back() {
    let watched = with_a_quarantine(&["2"]);
    watched
        .site
        .seal(&watched.open(), 0, &[cloud("later", "vm", 2)]);
    let journal = watched.open();
    watched.forget_steps();
    assert_eq!(journal.retry("m", &mut |_, _| {}).unwrap().returned, 1);
    watched.does("put back");
}

#[test]
fn the_last_one_put_back() {
    let watched = with_a_quarantine(&[]);
    let journal = watched.open();
    watched.forget_steps();
    assert_eq!(journal.retry("m", &mut |_, _| {}).unwrap().returned, 1);
    watched.does("the last one put back");
}

#[test]
fn delivered_since() {
    let watched = with_a_quarantine(&[]);
    watched.site.seal(
        &watched.open(),
        0,
        &[cloud("later", "vm", 2), cloud("b", "b", 2)],
    );
    let journal = watched.open();
    watched.deliver(&journal, nothing);
    watched.forget_steps();
    watched.deliver(&journal, |records| Taken {
        accepted: records.len() - 1,
        refused: Vec::new(),
    });
    watched.does("delivered since");
}

#[test]
fn a_start_after_a_kill() {
    let watched = Watched::new();
    watched.site.extract(&["1"]);
    let put = |name: &str| std::fs::write(watched.site.path(name), "{}\n").unwrap();
    put("segments/00000001-00001-00-00.open");
    put("quarantine/mapper/00000001-00001-00-00.jsonl.open");
    std::fs::create_dir(watched.site.path("messengers/m")).unwrap();
    put("messengers/m/.00000001-00.pack.tmp");
    drop(watched.open());
    watched.does("a start after a kill");
}

#[test]
fn a_damaged_segment_is_set_aside() {
    let watched = Watched::new();
    watched.site.extract(&["1"]);
    let segment = list(&watched.site.path("segments")).remove(0);
    std::fs::write(segment, "{}\n").unwrap();
    drop(watched.open());
    watched.does("a damaged segment");
}

#[test]
fn a_damaged_pack_is_set_aside() {
    let (watched, journal) = Watched::with_sealed(&["1"]);
    watched.deliver(&journal, nothing);
    drop(journal);
    let mut queue = list(&watched.site.path("messengers/m"));
    queue.retain(|path| path.extension().is_some_and(|ending| ending == "pack"));
    std::fs::write(queue.remove(0), "{}\n").unwrap();
    watched.forget_steps();
    drop(watched.open());
    watched.does("a damaged pack");
}

#[test]
fn a_done_beside_its_pack() {
    let (watched, journal) = Watched::with_sealed(&["1"]);
    watched.deliver(&journal, all);
    drop(journal);
    let done = list(&watched.site.path("messengers/m")).remove(0);
    for ending in ["pack", "ack"] {
        std::fs::write(done.with_extension(ending), "{}\n").unwrap();
    }
    watched.forget_steps();
    drop(watched.open());
    watched.does("a .done beside its pack");
}
