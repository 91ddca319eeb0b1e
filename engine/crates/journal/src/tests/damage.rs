//! Files that somebody or something else changed: damaged, newer, gone.

use std::fs;
use std::path::{Path, PathBuf};

use super::consumer::{Came, Consumer, nothing};
use super::site::*;
use crate::layout::Layout;
use crate::recovery::put_aside;
use crate::*;
use caso_base::error_chain;
use caso_disk::Disk;
use caso_disk::faults::folder;

fn two_segments() -> (Site, PathBuf) {
    let site = Site::new(&["m"]);
    let (journal, _) = site.open();
    site.seal(&journal, 0, &[cloud("a", "a", 1), cloud("b", "b", 1)]);
    site.seal(&journal, 1, &[cloud("c", "c", 1), cloud("d", "d", 1)]);
    drop(journal);
    let first = list(&site.path("segments")).remove(0);
    (site, first)
}

fn flip(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from));
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

fn cut(path: &Path) {
    let bytes = fs::read(path).unwrap();
    fs::write(path, &bytes[..bytes.len() - 20]).unwrap();
}

/// Packs, and nothing is taken.
fn down(site: &Site, consumer: &Consumer) {
    let queue = site.open().0.queue("m");
    consumer.deliver(&queue, (None, None), nothing).unwrap();
}

fn drain(site: &Site, consumer: &Consumer) -> Came {
    consumer.drain(&site.open().0, "m")
}

#[test]
fn a_segment_with_a_flipped_bit_is_set_aside_when_it_is_packed() {
    let (site, first) = two_segments();
    flip(&first, "started", "stopped");
    let (journal, _) = site.open();
    let consumer = Consumer::default();
    consumer.drain(&journal, "m");
    assert_eq!(consumer.ids(), ["c", "d"]);
    let set_aside = journal.take_set_aside();
    assert_eq!(set_aside.len(), 1);
    assert_eq!(set_aside[0].was, first);
    assert!(set_aside[0].path.to_string_lossy().ends_with(".corrupt"));
    let kept = fs::read_to_string(&set_aside[0].path).unwrap();
    assert!(kept.contains("stopped"));
    let damaged = journal.damaged().unwrap();
    assert_eq!(damaged.len(), 1);
    assert_eq!(damaged[0].path, set_aside[0].path);
    assert!(damaged[0].held.is_records());
    let command = damaged[0].held.command();
    assert!(command.is_some() && command == set_aside[0].held.command());
}

/// Opened to read, a pipe waits until somebody writes into it.
#[test]
fn a_pipe_is_set_aside_and_nobody_waits_for_it() {
    for (ending, came) in [("seg", ["2", "3"].as_slice()), ("pack", &["1", "2", "3"])] {
        let site = Site::new(&["m"]);
        let consumer = Consumer::default();
        for hour in ["1", "2", "3"] {
            site.extract(&[hour]);
            if ending != "seg" {
                down(&site, &consumer);
            }
        }
        let path = match ending {
            "seg" => list(&site.path("segments")).remove(0),
            ending => of_kind(&site, ending).remove(0),
        };
        fs::remove_file(&path).unwrap();
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        drain(&site, &consumer);
        assert_eq!(consumer.ids(), came, "{ending}");
        let damaged = site.open().0.damaged().unwrap();
        assert_eq!(damaged.len(), 1, "{ending}");
    }
}

#[test]
fn a_segment_without_its_end_is_set_aside_at_the_start() {
    let (site, first) = two_segments();
    cut(&first);
    let (_, recovery) = site.open();
    assert_eq!(recovery.set_aside.len(), 1);
    assert!(recovery.set_aside[0].reason.contains("end is missing"));
    let consumer = Consumer::default();
    drain(&site, &consumer);
    assert_eq!(consumer.ids(), ["c", "d"]);
}

#[test]
fn a_segment_that_is_damaged_after_it_was_packed_costs_only_its_own_records() {
    for gone in [false, true] {
        let (site, first) = two_segments();
        let consumer = Consumer::default();
        down(&site, &consumer);
        if gone {
            fs::remove_file(&first).unwrap();
        } else {
            flip(&first, "started", "stopped");
        }
        assert_eq!(drain(&site, &consumer).missing, 2);
        assert_eq!(consumer.ids(), ["c", "d"]);
        assert_eq!(site.files("set-aside").len(), usize::from(!gone));
        assert_eq!(site.files("segments"), [""; 0]);
    }
}

#[test]
fn a_damaged_pack_is_packed_again_in_its_place_in_the_order() {
    for damage in [cut as fn(&Path), |path: &Path| {
        flip(path, "items\":1", "items\":7")
    }] {
        let site = Site::new(&["m"]);
        let consumer = Consumer::default();
        for hour in ["1", "2", "3"] {
            site.extract(&[hour]);
            down(&site, &consumer);
        }
        let pack = list(&site.path("messengers/m"))
            .into_iter()
            .find(|path| path.extension().is_some_and(|e| e == "pack"))
            .unwrap();
        damage(&pack);
        let (journal, recovery) = site.open();
        assert_eq!(recovery.set_aside.len(), 1);
        consumer.drain(&journal, "m");
        assert_eq!(consumer.ids(), ["1", "2", "3"]);
    }
}

/// Where nothing can be packed, as a newer cASO did that last, what lies behind a damaged pack and
/// was offered to nobody is not offered before it.
#[test]
fn behind_a_damaged_pack_nothing_overtakes_where_nothing_can_be_packed() {
    let site = Site::new(&["m"]);
    let consumer = Consumer::default();
    for hour in ["1", "2", "3"] {
        site.extract(&[hour]);
        down(&site, &consumer);
    }
    let packs = of_kind(&site, "pack");
    cut(&packs[0]);
    let ours = fs::read_to_string(&packs[2]).unwrap();
    flip(&packs[2], "{\"format\":2", "{\"format\":9");
    drain(&site, &consumer);
    assert_eq!(consumer.ids(), [""; 0]);
    fs::write(&packs[2], ours).unwrap();
    drain(&site, &consumer);
    assert_eq!(consumer.ids(), ["1", "2", "3"]);
}

#[test]
fn what_a_damaged_file_was_for_is_said() {
    let site = Site::new(&["m"]);
    site.extract(&["1"]);
    down(&site, &Consumer::default());
    for pack in of_kind(&site, "pack") {
        cut(&pack);
    }
    fs::write(site.path("journal.json"), "garbage").unwrap();
    let (_, recovery) = site.open();
    let held: Vec<&Held> = recovery.set_aside.iter().map(|it| &it.held).collect();
    assert_eq!(held, [&Held::Counter, &Held::Progress]);
}

/// Two of one name, and one that another task has set aside a moment ago; any other failure is
/// one.
#[test]
fn what_is_set_aside_gets_a_name_of_its_own() {
    let site = Site::new(&["m"]);
    drop(site.open());
    let layout = Layout::new(site.path(""));
    let path = layout.segments().join("x.seg");
    let aside = |disk: &Disk| put_aside(&layout, disk, &path, "odd".into());
    let name = |aside: Option<SetAside>| aside.unwrap().path;
    for expected in ["segments_x.seg.corrupt", "segments_x.seg.1.corrupt"] {
        fs::write(&path, "x").unwrap();
        let put = name(aside(&Disk::default()).unwrap());
        assert_eq!(put, layout.set_aside().join(expected));
    }
    assert!(aside(&Disk::default()).unwrap().is_none());
    fs::write(&path, "x").unwrap();
    let broken = Disk::with_fault(std::sync::Arc::new(NoRename));
    assert!(aside(&broken).is_err());
    assert!(path.exists());
}

struct NoRename;

impl caso_disk::Fault for NoRename {
    fn before(&self, step: caso_disk::Step, _: &Path) -> caso_disk::Verdict {
        match step {
            caso_disk::Step::Rename => caso_disk::Verdict::Fail(std::io::ErrorKind::Other.into()),
            _ => caso_disk::Verdict::Go,
        }
    }
}

/// Another messenger still needs the segments, so that they are there to be sent again.
fn delivered_three_hours(consumer: &Consumer) -> Site {
    let site = Site::new(&["m", "away"]);
    for hour in ["1", "2", "3"] {
        site.extract(&[hour]);
        drain(&site, consumer);
    }
    assert_eq!(consumer.ids(), ["1", "2", "3"]);
    site
}

fn of_kind(site: &Site, ending: &str) -> Vec<PathBuf> {
    let mut files = list(&site.path("messengers/m"));
    files.retain(|path| path.extension().is_some_and(|e| e == ending));
    files
}

#[test]
fn behind_a_note_that_is_gone_or_damaged_everything_is_delivered_again_in_order() {
    let empty = |path: &Path| fs::write(path, "").unwrap();
    let remove = |path: &Path| fs::remove_file(path).unwrap();
    let change = |path: &Path| flip(path, "00000001-0", "00000001-1");
    let younger = |path: &Path| {
        fs::write(
            path,
            "{\"format\":1,\"segments\":[\"00000009-00000-00-00\"]}\n",
        )
        .unwrap();
    };
    for damage in [empty, remove, cut as fn(&Path), change, younger] {
        let consumer = Consumer::default();
        let site = delivered_three_hours(&consumer);
        damage(&of_kind(&site, "done")[0]);
        drain(&site, &consumer);
        assert_eq!(consumer.ids(), ["1", "2", "3", "1", "2", "3"]);
        drain(&site, &consumer);
        assert_eq!(consumer.ids().len(), 6, "once");
    }
}

/// The other messenger is done with all, so that nothing but the gap keeps what lies behind it.
#[test]
fn behind_a_gap_nothing_is_removed_before_it_is_closed() {
    let consumer = Consumer::default();
    let site = delivered_three_hours(&consumer);
    fs::remove_file(&of_kind(&site, "done")[0]).unwrap();
    let (journal, _) = site.open();
    Consumer::default().drain(&journal, "away");
    journal.clean().unwrap();
    assert_eq!(site.files("segments").len(), 3);
    consumer.drain(&journal, "m");
    assert_eq!(consumer.ids(), ["1", "2", "3", "1", "2", "3"]);
    journal.clean().unwrap();
    assert_eq!(site.files("segments").len(), 0);
}

#[test]
fn a_pack_that_was_taken_away_lets_nothing_overtake() {
    let site = Site::new(&["m"]);
    let consumer = Consumer::default();
    for hour in ["1", "2", "3"] {
        site.extract(&[hour]);
        down(&site, &consumer);
    }
    fs::remove_file(&of_kind(&site, "pack")[1]).unwrap();
    let (journal, _) = site.open();
    consumer.drain(&journal, "m");
    assert_eq!(consumer.ids(), ["1", "2", "3"]);
    let notices = journal.take_notices();
    assert_eq!(notices.len(), 1);
    assert!(notices[0].text.contains("delivered again"), "{notices:?}");
}

/// The same journal in a folder of its own.
fn copy_of(site: &Site) -> Site {
    let copy = Site::new(&[]);
    copy_folder(&site.path(""), &copy.path(""));
    copy
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for path in list(from) {
        let target = to.join(path.file_name().unwrap());
        match path.is_dir() {
            true => copy_folder(&path, &target),
            false => drop(fs::copy(&path, &target).unwrap()),
        }
    }
}

/// Every bit of every note and pack: all records arrive, and the last hour's last.
#[test]
fn a_flipped_bit_in_what_was_delivered_loses_nothing_and_sends_nothing_stale() {
    let consumer = Consumer::default();
    let site = delivered_three_hours(&consumer);
    site.extract(&["4"]);
    let notes = of_kind(&site, "done");
    let kept: Vec<Vec<u8>> = notes.iter().map(|path| fs::read(path).unwrap()).collect();
    for (note, good) in notes.iter().zip(&kept) {
        for at in (0..good.len() * 8).step_by(3) {
            let copy = copy_of(&site);
            let mut bad = good.clone();
            bad[at / 8] ^= 1 << (at % 8);
            fs::write(
                copy.path("messengers/m").join(note.file_name().unwrap()),
                bad,
            )
            .unwrap();
            let consumer = Consumer::default();
            drain(&copy, &consumer);
            let got = consumer.ids();
            assert_eq!(
                got.last().map(String::as_str),
                Some("4"),
                "bit {at}: {got:?}"
            );
            assert!(got.is_sorted(), "bit {at}: {got:?}");
        }
    }
}

#[test]
fn a_damaged_segment_says_of_which_window_it_was_and_how_to_extract_that_again() {
    let (site, first) = two_segments();
    cut(&first);
    let (_, recovery) = site.open();
    let text = recovery.set_aside[0].to_string();
    for part in [
        "--caso_tag '' --projects",
        "--extractor nova",
        "--extract-from 1",
        "--extract-to 1",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

/// A disk on which nothing can be written as long as the reserve is there.
struct FullUntilGivenUp(PathBuf);

impl caso_disk::Fault for FullUntilGivenUp {
    fn before(&self, step: caso_disk::Step, _: &Path) -> caso_disk::Verdict {
        use caso_disk::Step::{Create, Write};
        match matches!(step, Create | Write) && self.0.exists() {
            true => caso_disk::Verdict::Fail(std::io::ErrorKind::StorageFull.into()),
            false => caso_disk::Verdict::Go,
        }
    }

    fn left(&self) -> Option<caso_disk::Left> {
        let full = self.0.exists();
        Some(caso_disk::Left {
            bytes: if full { 0 } else { 100_000 },
            of: 10_000_000,
            files: None,
            read_only: false,
        })
    }
}

#[test]
fn a_full_disk_is_emptied_once_the_messenger_is_back() {
    let site = Site::new(&["m"]);
    let consumer = Consumer::default();
    site.extract(&["1", "2"]);
    down(&site, &consumer);
    let reserve = site.path("reserve");
    assert_eq!(fs::metadata(&reserve).unwrap().len(), 256 * 1024);
    let full = Disk::with_fault(std::sync::Arc::new(FullUntilGivenUp(reserve.clone())));
    let (journal, _) = Journal::open(&site.spool(full), 5_000).unwrap();
    // What is extracted before the delivery does not get the room.
    assert_eq!(fs::metadata(&reserve).unwrap().len(), 75_000);
    journal.make_room();
    consumer.drain(&journal, "m");
    assert_eq!(consumer.ids(), ["1", "2"]);
    assert_eq!(site.files("segments"), [""; 0]);
    drop(journal);
    drop(site.open());
    let anew = fs::metadata(&reserve).unwrap().len();
    assert_eq!(anew, 256 * 1024, "made anew where there is room");
}

/// A disk with so much left, and of that size.
struct Left(u64, u64);

impl caso_disk::Fault for Left {
    fn before(&self, _: caso_disk::Step, _: &Path) -> caso_disk::Verdict {
        caso_disk::Verdict::Go
    }

    fn left(&self) -> Option<caso_disk::Left> {
        Some(caso_disk::Left {
            bytes: self.0,
            of: self.1,
            files: None,
            read_only: false,
        })
    }
}

/// An eighth of the disk and three quarters of what is left of it, of 8 KiB at least; given up where less is left
/// than it has, and made anew of what is left then.
#[test]
fn so_much_is_kept_of_a_small_disk() {
    let kept = |left, of| {
        let site = Site::new(&["m"]);
        let disk = Disk::with_fault(std::sync::Arc::new(Left(left, of)));
        drop(Journal::open(&site.spool(disk), 1).unwrap());
        fs::metadata(site.path("reserve")).ok().map(|it| it.len())
    };
    assert_eq!(kept(16_384, 65_536), Some(8_192));
    assert_eq!(kept(16_384, 65_535), None);
    assert_eq!(kept(10_924, 65_536), Some(8_192));
    assert_eq!(kept(10_923, 65_536), None);
    let site = Site::new(&["m"]);
    drop(site.open());
    let reserve = site.path("reserve");
    for (left, kept) in [
        (256 * 1024, Some(256 * 1024)),
        (256 * 1024 - 1, Some(196_605)),
        (100_000, Some(75_000)),
        (10_000, None),
    ] {
        let disk = Disk::with_fault(std::sync::Arc::new(Left(left, 1 << 30)));
        drop(Journal::open(&site.spool(disk), 1).unwrap());
        let found = fs::metadata(&reserve).ok().map(|it| it.len());
        assert_eq!(found, kept, "{left}");
    }
    // To be delivered.
    let (journal, _) = site.open();
    let disk = Disk::with_fault(std::sync::Arc::new(Left(10_000, 1 << 30)));
    assert!(reserve.exists());
    drop(journal);
    let (journal, _) = Journal::open(&site.spool(disk), 1).unwrap();
    fs::write(&reserve, [0; 20_000]).unwrap();
    journal.make_room();
    assert!(!reserve.exists());
}

#[test]
fn a_newer_segment_is_left_alone_and_holds_what_lies_behind_it() {
    let site = Site::new(&["m"]);
    for hour in ["1", "2", "3"] {
        site.extract(&[hour]);
    }
    let second = list(&site.path("segments")).remove(1);
    let newer = "{\"format\":9,\"engine\":\"9.0.0\",\"all\":\"different\"}\nnobody knows\n";
    let ours = fs::read_to_string(&second).unwrap();
    fs::write(&second, newer).unwrap();
    let (journal, recovery) = site.open();
    assert_eq!(recovery.newer_format.len(), 1);
    assert_eq!(recovery.newer_format[0].engine, "9.0.0");
    let told = recovery.newer_format[0].to_string();
    for part in [&*second.to_string_lossy(), "format 9", "9.0.0"] {
        assert!(told.contains(part), "{told}");
    }
    let consumer = Consumer::default();
    consumer.drain(&journal, "m");
    drop(journal);
    assert_eq!(consumer.ids(), ["1"]);
    assert_eq!(fs::read_to_string(&second).unwrap(), newer);
    assert_eq!(site.waiting()["m"], 1);
    fs::write(&second, ours).unwrap();
    drain(&site, &consumer);
    assert_eq!(consumer.ids(), ["1", "2", "3"]);
}

#[test]
fn a_newer_pack_holds_its_own_queue_and_no_other() {
    let site = Site::new(&["m", "n"]);
    site.extract(&["1"]);
    let consumer = Consumer::default();
    down(&site, &consumer);
    let pack = site.path("messengers/m/00000001-00.pack");
    let pack = if pack.exists() {
        pack
    } else {
        list(&site.path("messengers/m")).remove(1)
    };
    fs::write(&pack, "{\"format\":9}\n").unwrap();
    site.extract(&["2"]);
    let n = Consumer::default();
    let (journal, _) = site.open();
    assert_eq!(consumer.drain(&journal, "m").newer, Some(9));
    n.drain(&journal, "n");
    assert_eq!(consumer.ids(), [""; 0]);
    assert_eq!(n.ids(), ["1", "2"]);
}

#[test]
fn a_newer_journal_is_not_touched() {
    let site = Site::new(&["m"]);
    site.extract(&["1"]);
    let counter = site.path("journal.json");
    fs::write(&counter, "{\"format\":9,\"engine\":\"7.0.0\"}\n").unwrap();
    fs::write(site.path("segments/00000009-00000-00-00.open"), "x").unwrap();
    let failed = Journal::open(&site.spool(Disk::default()), 1)
        .err()
        .unwrap();
    assert!(failed.to_string().contains("7.0.0"), "{failed}");
    assert!(site.path("segments/00000009-00000-00-00.open").exists());
}

#[test]
fn a_runs_number_is_never_given_twice() {
    let site = Site::new(&["m"]);
    let consumer = Consumer::default();
    let segment_name = || {
        let (journal, _) = site.open();
        site.seal(&journal, 0, &[cloud("a", "a", 1)]);
        site.files("segments").remove(0)
    };
    let first = segment_name();
    drain(&site, &consumer);
    assert_eq!(site.files("segments"), [""; 0]);
    let second = segment_name();
    assert!(second > first, "after all segments are gone");
    fs::write(site.path("journal.json"), "garbage").unwrap();
    let (_, recovery) = site.open();
    assert_eq!(recovery.set_aside.len(), 1);
    let third = segment_name();
    assert_eq!(third, second, "listed first");
    assert_eq!(
        site.files("segments").len(),
        2,
        "and the counter goes on behind what is there"
    );
}

#[test]
fn what_was_left_open_is_discarded_and_named() {
    let site = Site::new(&["m"]);
    site.extract(&["a"]);
    let open = site.path("segments/00000009-00000-00-00.open");
    fs::write(&open, "half a li").unwrap();
    fs::write(
        site.path("quarantine/mapper/00000009-00000-00-00.jsonl.open"),
        "",
    )
    .unwrap();
    fs::write(site.path(".journal.json.tmp"), "").unwrap();
    let (journal, recovery) = site.open();
    assert_eq!(recovery.discarded_open, [open]);
    assert_eq!(site.files("segments").len(), 1);
    assert_eq!(site.files("quarantine/mapper"), [""; 0]);
    assert_eq!(journal.waiting().unwrap()[0].records, 1);
}

#[test]
fn files_that_are_not_ours_are_left_alone() {
    let site = Site::new(&["m"]);
    site.extract(&["a"]);
    let mine = [
        "segments/README",
        "segments/x.seg",
        "segments/.hidden",
        "segments/note.tmp",
        "messengers/note.txt",
    ];
    for name in mine {
        fs::write(site.path(name), "mine").unwrap();
    }
    let consumer = Consumer::default();
    drain(&site, &consumer);
    assert_eq!(consumer.ids(), ["a"]);
    for name in mine {
        assert_eq!(fs::read_to_string(site.path(name)).unwrap(), "mine");
    }
}

/// The real thing: a file size limit of the system stops the write, in a
/// process of its own as the limit is the process's.
#[test]
fn a_real_limit_of_the_system_names_file_and_room() {
    let dir = folder().unwrap();
    let child = std::process::Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 64; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "tests::damage::writes_much"])
        .args(["--ignored", "--nocapture"])
        .env("CASO_LIMITED_SPOOL", dir.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&child.stdout).into_owned();
    assert!(
        text.contains("answer: the journal could not be written: cannot write to"),
        "{text}"
    );
    assert!(text.contains("`ulimit -f`"), "{text}");
    assert_eq!(list(&dir.path().join("caso-journal/segments")).len(), 0);
}

#[test]
#[ignore = "started by a_real_limit_of_the_system_names_file_and_room"]
fn writes_much() {
    let Some(folder) = std::env::var_os("CASO_LIMITED_SPOOL") else {
        return;
    };
    let spool = caso_state::Spool::open(Path::new(&folder), Disk::default()).unwrap();
    let (journal, _) = Journal::open(&spool, 1).unwrap();
    let window = caso_model::Window { start: 0, end: 1 };
    let order = Order {
        project: 0,
        extractor: 0,
    };
    let mut writer = journal
        .begin(
            key(0, window),
            Vec::new(),
            order,
            &["m".to_owned()],
            &mapper(),
        )
        .unwrap();
    let failed = (0..10_000)
        .map(|at| at.to_string())
        .find_map(|id| writer.append(&cloud(&id, &id, 1)).err())
        .unwrap();
    println!("answer: {}", error_chain(&failed));
}
