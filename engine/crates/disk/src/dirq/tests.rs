use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use proptest::prelude::*;

use super::posting::link;
use super::*;
use crate::faults::At;

fn queue(path: &Path) -> DirQueue {
    DirQueue::new(path.to_owned(), None, MonotonicNames::default())
}

fn is_hex(name: &str, length: usize) -> bool {
    name.len() == length && name.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// `folder/element` of all elements, in the order in which a reader goes.
fn elements(path: &Path) -> Vec<String> {
    let mut found = BTreeSet::new();
    let Ok(folders) = std::fs::read_dir(path) else {
        return Vec::new();
    };
    for folder in folders.flatten() {
        let Ok(entries) = std::fs::read_dir(folder.path()) else {
            continue;
        };
        for entry in entries.flatten() {
            let names = (folder.file_name(), entry.file_name());
            found.insert(format!("{}/{}", names.0.display(), names.1.display()));
        }
    }
    found.into_iter().collect()
}

#[test]
fn names_are_those_of_dirq() {
    let micros = 0x6920_a001 * 1_000_000 + 999_999;
    assert_eq!(
        names(micros, 0xab),
        ("69209ff4".to_owned(), "6920a001f423fb".to_owned())
    );
}

/// What a reader would not take is not counted, and the order is the reader's.
#[test]
fn the_elements_of_a_queue_are_its_messages_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("queue");
    assert_eq!(crate::elements(&path).unwrap(), [""; 0].map(PathBuf::from));
    let queue = queue(&path);
    let put: Vec<PathBuf> = (0..3)
        .map(|_| path.join(queue.add(b"x").unwrap()))
        .collect();
    let folder = put[0].parent().unwrap();
    for other in [
        "6920a001f423fb.tmp",
        "6920a001f423fb.lck",
        "notes",
        "zz20a001f423fb",
    ] {
        std::fs::write(folder.join(other), "").unwrap();
    }
    std::fs::create_dir(path.join("obsolete")).unwrap();
    std::fs::write(path.join("obsolete/6920a001f423fb"), "").unwrap();
    std::fs::write(path.join("README"), "").unwrap();
    assert_eq!(crate::elements(&path).unwrap(), put);
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert_eq!(crate::elements(&link).unwrap().len(), 3);
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    assert!(crate::elements(&file).is_err());
}

#[test]
fn messages_lie_in_the_order_of_put_and_nothing_else_lies_there() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("deep/er/queue");
    let queue = queue(&path);
    let put: Vec<String> = (0..200)
        .map(|n| queue.add(format!("{n}").as_bytes()).unwrap())
        .collect();
    let found = elements(&path);
    assert_eq!(found, put);
    for (n, element) in found.iter().enumerate() {
        assert_eq!(
            std::fs::read_to_string(path.join(element)).unwrap(),
            n.to_string()
        );
        let (folder, name) = element.split_once('/').unwrap();
        assert!(is_hex(folder, 8) && is_hex(name, 14), "{element}");
        assert_eq!(std::fs::metadata(path.join(element)).unwrap().nlink(), 1);
    }
}

/// A message is acknowledged when `add` returns, so by then its bytes, its name
/// and every folder above it are on disk.
#[test]
fn a_message_and_the_folders_above_it_are_synced_before_it_counts() {
    let dir = tempfile::tempdir().unwrap();
    let counted = At::never();
    let mut queue = queue_ahead(&dir.path().join("a/q"));
    queue.umask = Some(0o027);
    queue.disk = counted.disk();
    queue.add(b"x").unwrap();
    assert_eq!(
        counted.take_steps(dir.path()),
        [
            "Create a/q/f0000000/f000000000001d.tmp",
            "CreateFolder a",
            "SyncFolder",
            "CreateFolder a/q",
            "SyncFolder a",
            "CreateFolder a/q/f0000000",
            "SyncFolder a/q",
            "Create a/q/f0000000/f000000000002d.tmp",
            "Write a/q/f0000000/f000000000002d.tmp",
            "SyncFile a/q/f0000000/f000000000002d.tmp",
            "Link a/q/f0000000/f000000000003d",
            "SyncFolder a/q/f0000000",
        ]
    );
    queue.add(b"y").unwrap();
    assert_eq!(
        counted.take_steps(dir.path()),
        [
            "Create a/q/f0000000/f000000000004d.tmp",
            "Write a/q/f0000000/f000000000004d.tmp",
            "SyncFile a/q/f0000000/f000000000004d.tmp",
            "Link a/q/f0000000/f000000000005d",
            "SyncFolder a/q/f0000000",
        ]
    );
}

/// One step, whatever it is, finds no room.
struct Strike(AtomicUsize);

impl crate::Fault for Strike {
    fn before(&self, _: Step, _: &Path) -> crate::Verdict {
        match self.0.fetch_sub(1, Ordering::SeqCst) {
            0 => crate::Verdict::Fail(ErrorKind::StorageFull.into()),
            _ => crate::Verdict::Go,
        }
    }
}

/// Messages that are put together are all there, or none is: whatever step fails,
/// and what reads them meets none of a batch that is put again later.
#[test]
fn of_messages_that_belong_together_all_are_there_or_none() {
    let put = |queue: &DirQueue| {
        let mut posting = Posting::default();
        for message in [b"a", b"b", b"c"] {
            posting.write(queue, message)?;
        }
        posting.publish()
    };
    let counted = At::never();
    let mut steps = Vec::new();
    for at in 0..1_000 {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("q");
        let mut queue = queue(&path);
        queue.add(b"earlier").unwrap();
        if at == 0 {
            queue.disk = counted.disk();
            assert_eq!(put(&queue).unwrap(), elements(&path)[1..]);
            steps = counted.take_steps(dir.path());
            continue;
        }
        if at > steps.len() {
            break;
        }
        let strike = Strike(AtomicUsize::new(at - 1));
        queue.disk = Disk::with_fault(Arc::new(strike));
        let told = put(&queue).unwrap_err();
        assert!(told.is_full(), "{at}: {told}");
        let left = elements(&path);
        assert_eq!(left.len(), 1, "step {at}, {}: {left:?}", steps[at - 1]);
        assert_eq!(put(&queue).unwrap(), elements(&path)[1..]);
    }
    let count = |step: &str| steps.iter().filter(|s| s.starts_with(step)).count();
    assert_eq!(
        (count("SyncFile"), count("SyncFolder")),
        (3, 1),
        "{steps:?}"
    );
    // None has a name that is read before all are on disk.
    let first = steps.iter().position(|s| s.starts_with("Link")).unwrap();
    let before = |s: &String| s.starts_with("Write") || s.starts_with("SyncFile");
    assert!(!steps[first..].iter().any(before), "{steps:?}");
}

/// Each message is synced once, and sixteen of them wait for the disk as long as one.
#[test]
fn messages_that_belong_together_share_their_waits() {
    let messages: Vec<String> = (0..33).map(|n| n.to_string()).collect();
    let dir = tempfile::tempdir().unwrap();
    let mut queue = queue(&dir.path().join("q"));
    queue.add(b"earlier").unwrap();
    let counted = At::never();
    queue.disk = counted.disk();
    let mut posting = Posting::default();
    for message in &messages {
        posting.write(&queue, message.as_bytes()).unwrap();
    }
    // What was written is not kept open.
    assert_eq!(counted.waits(), 2);
    let names = posting.publish().unwrap();
    assert_eq!(counted.waits(), 3);
    let steps = counted.take_steps(dir.path());
    let syncs: BTreeSet<_> = steps.iter().filter(|s| s.starts_with("SyncFile")).collect();
    assert_eq!(syncs.len(), 33, "{steps:?}");
    for (name, message) in names.iter().zip(&messages) {
        let text = std::fs::read_to_string(queue.path().join(name)).unwrap();
        assert_eq!(&text, message);
    }
}

/// A file that a purge took before it had its name is written, and synced, anew.
#[test]
fn what_a_purge_took_is_on_disk_again_before_it_counts() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("q");
    let mut queue = queue(&path);
    queue.add(b"earlier").unwrap();
    let counted = At::never();
    queue.disk = counted.disk();
    let mut posting = Posting::default();
    posting.write(&queue, b"x").unwrap();
    for element in elements(&path) {
        if element.ends_with(".tmp") {
            std::fs::remove_file(path.join(element)).unwrap();
        }
    }
    let names = posting.publish().unwrap();
    assert_eq!(std::fs::read(path.join(&names[0])).unwrap(), b"x");
    let steps = counted.take_steps(dir.path());
    let words: Vec<_> = steps.iter().filter_map(|s| s.split(' ').next()).collect();
    assert_eq!(
        words,
        [
            "Create",
            "Write",
            "SyncFile",
            "Link",
            "Create",
            "Write",
            "SyncFile",
            "Link",
            "SyncFolder"
        ]
    );
}

/// dirq's readers lock an element by a hard link beside it: from then on it is theirs.
#[test]
fn what_a_reader_has_locked_is_not_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("q");
    struct Reader(PathBuf);
    impl crate::Fault for Reader {
        fn before(&self, step: Step, _: &Path) -> crate::Verdict {
            if step != Step::SyncFolder {
                return crate::Verdict::Go;
            }
            let first = self.0.join(&elements(&self.0)[0]);
            std::fs::hard_link(&first, format!("{}.lck", first.display())).unwrap();
            crate::Verdict::Fail(ErrorKind::StorageFull.into())
        }
    }
    let mut queue = queue(&path);
    queue.add(b"x").unwrap();
    std::fs::remove_file(path.join(&elements(&path)[0])).unwrap();
    queue.disk = Disk::with_fault(Arc::new(Reader(path.clone())));
    let mut posting = Posting::default();
    posting.write(&queue, b"locked").unwrap();
    posting.write(&queue, b"free").unwrap();
    posting.publish().unwrap_err();
    let left = elements(&path);
    assert_eq!(left.len(), 2, "{left:?}");
    assert_eq!(left[1], format!("{}.lck", left[0]));
    assert_eq!(std::fs::read(path.join(&left[0])).unwrap(), b"locked");
}

/// Defect 11 of the durability review: a clock that was ahead, or is set back.
#[test]
fn names_begin_behind_what_lies_in_the_queue() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("q");
    let ahead = MonotonicNames(Arc::new(Mutex::new(0xe000_0000 * 1_000_000)));
    let earlier = DirQueue::new(path.clone(), None, ahead);
    let mut put = vec![earlier.add(b"0").unwrap(), earlier.add(b"1").unwrap()];
    // Locked, half written, and what no clock would give; a link is not ours to follow.
    let last = path.join(&put[1]);
    std::fs::rename(&last, format!("{}.lck", last.display())).unwrap();
    put[1] += ".lck";
    for other in ["ffffffff", "zzzzzzzz", "e0000000000"] {
        std::fs::create_dir(path.join(other)).unwrap();
    }
    for message in [b"2", b"3"] {
        // A process of its own each.
        put.push(queue(&path).add(message).unwrap());
    }
    let mut sorted = put.clone();
    sorted.sort();
    assert_eq!(put, sorted);
    assert_eq!(elements(&path), put);
}

/// A queue whose names are known beforehand, as they are later than any clock: the first is
/// that of microsecond 1.
fn queue_ahead(path: &Path) -> DirQueue {
    let moments = MonotonicNames(Arc::new(Mutex::new(0xf000_0000 * 1_000_000)));
    let mut queue = DirQueue::new(path.to_owned(), None, moments);
    queue.digit = 0xd;
    queue
}

/// A disk on which something happens before each step.
struct Before<F>(F);

impl<F: Fn(Step, &Path) -> io::Result<()> + Send + Sync> crate::Fault for Before<F> {
    fn before(&self, step: Step, path: &Path) -> crate::Verdict {
        match (self.0)(step, path) {
            Ok(()) => crate::Verdict::Go,
            Err(error) => crate::Verdict::Fail(error),
        }
    }
}

fn before(act: impl Fn(Step, &Path) -> io::Result<()> + Send + Sync + 'static) -> Disk {
    Disk::with_fault(Arc::new(Before(act)))
}

/// A reader goes through the folders in order: in an earlier one it would be sent out of turn.
#[test]
fn a_message_lies_in_the_folder_of_the_minute_in_which_it_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("q");
    let queue = queue_ahead(&path);
    queue.moments.begin_behind(0xf000_003c * 1_000_000 - 5);
    // The second one is written in the last microsecond, and named in the next minute. Where there
    // is no folder yet one name more is taken.
    let put = [b"a", b"b", b"c"].map(|message| queue.add(message).unwrap());
    assert_eq!(
        put,
        [
            "f0000000/f000003bf423ed",
            "f0000000/f000003c00000d",
            "f000003c/f000003c00003d"
        ]
    );
    assert_eq!(elements(&path), put);
    assert_eq!(std::fs::read(path.join(&put[2])).unwrap(), b"c");
}

/// Two writers may have the same digit.
#[test]
fn a_name_that_another_writer_has_is_left_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("q");
    let queue = queue_ahead(&path);
    assert_eq!(queue.add(b"x").unwrap(), "f0000000/f000000000003d");
    let (tmp, element) = ("f000000000004d.tmp", "f000000000006d");
    for name in [tmp, element] {
        std::fs::write(path.join("f0000000").join(name), "another's").unwrap();
    }
    assert_eq!(queue.add(b"y").unwrap(), "f0000000/f000000000007d");
    for name in [tmp, element] {
        let text = std::fs::read_to_string(path.join("f0000000").join(name)).unwrap();
        assert_eq!(text, "another's");
    }
}

/// A purge takes the folder above the one that is being made, or that one as soon as it is
/// made; or another writer is quicker to make it.
#[test]
fn what_others_do_meanwhile_costs_no_message() {
    type Act = fn(&Path) -> io::Result<()>;
    let cases: [(Step, Act); 3] = [
        (Step::CreateFolder, |queue| {
            std::fs::remove_dir(queue.parent().unwrap())
        }),
        (Step::SyncFolder, |queue| {
            std::fs::remove_dir(queue.join("f0000000"))
        }),
        (Step::CreateFolder, |queue| std::fs::create_dir(queue)),
    ];
    for (case, (at, act)) in cases.into_iter().enumerate() {
        let dir = tempfile::tempdir().unwrap();
        let path = resolved(&dir.path().join("a/q"));
        let mut queue = queue_ahead(&path);
        let (met, place) = (Arc::new(AtomicUsize::new(0)), path.clone());
        let count = Arc::clone(&met);
        queue.disk = before(move |step, path| {
            if step == at && path == place && count.fetch_add(1, Ordering::SeqCst) == 0 {
                act(&place)?;
            }
            Ok(())
        });
        let element = queue.add(b"x").unwrap();
        assert_eq!(std::fs::read(path.join(element)).unwrap(), b"x");
        assert!(met.load(Ordering::SeqCst) > 0, "case {case}");
    }
}

/// And not after a thousand attempts, with another reason.
#[test]
fn a_folder_that_cannot_be_made_ends_the_call_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let path = resolved(&dir.path().join("q"));
    let mut queue = queue_ahead(&path);
    queue.disk = before(|step, _| match step {
        Step::CreateFolder => Err(ErrorKind::StorageFull.into()),
        _ => Ok(()),
    });
    let failure = queue.add(b"x").unwrap_err();
    assert_eq!(
        (failure.action, &failure.path),
        ("making the folder", &path)
    );
    assert!(failure.is_full());
}

#[test]
fn a_folder_that_cannot_be_opened_ends_the_call_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let path = resolved(&dir.path().join("q"));
    let mut queue = queue_ahead(&path);
    let made = path.clone();
    // It is there when the one above it is synced.
    queue.disk = before(move |step, _| {
        if step == Step::SyncFolder {
            std::fs::remove_dir(&made)?;
            std::fs::write(&made, "")?;
        }
        Ok(())
    });
    let failure = queue.add(b"x").unwrap_err();
    assert_eq!((failure.action, &failure.path), ("opening", &path));
    assert_eq!(failure.reason.kind(), ErrorKind::NotADirectory);
    assert!(!failure.is_full());
}

/// On some filesystems a folder cannot be synced, some are not ours to read, and from some the
/// message was taken by then. Where a sync fails it may be lost.
#[test]
fn a_message_counts_where_its_folder_cannot_be_synced_but_not_where_that_fails() {
    use nix::errno::Errno;
    let put = |errno: Errno| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("q");
        let mut queue = queue(&path);
        queue.disk = before(move |step, _| match step {
            Step::SyncFolder => Err(io::Error::from_raw_os_error(errno as i32)),
            _ => Ok(()),
        });
        let put = queue.add(b"x");
        assert_eq!(elements(&path).len(), usize::from(put.is_ok()), "{errno}");
        put
    };
    for errno in [
        Errno::EINVAL,
        Errno::ENOTSUP,
        Errno::ENOSYS,
        Errno::EACCES,
        Errno::ENOENT,
    ] {
        put(errno).unwrap();
    }
    for errno in [Errno::EIO, Errno::ENOSPC] {
        let failure = put(errno).unwrap_err();
        assert_eq!(failure.action, "syncing the folder");
        assert_eq!(failure.reason.raw_os_error(), Some(errno as i32));
        assert_eq!(failure.is_full(), errno == Errno::ENOSPC);
    }
}

/// Behind a name of the last moments there would be none left.
#[test]
fn a_name_that_no_clock_gives_is_not_counted() {
    let read = |name: &str| hexadecimal(name, 0..8, 8);
    assert_eq!(read("fffeffff"), Some(0xfffe_ffff));
    for name in ["ffff0000", "ffffffff", "fffefff", "fffefffff", "fffeffxf"] {
        assert_eq!(read(name), None, "{name}");
    }
}

#[test]
fn without_a_umask_of_the_grant_the_process_has_its_say() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("q");
    let element = path.join(queue(&path).add(b"x").unwrap());
    std::fs::create_dir(dir.path().join("folder")).unwrap();
    std::fs::write(dir.path().join("file"), "").unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().mode();
    assert_eq!(mode(&element), mode(&dir.path().join("file")));
    for folder in [&path, element.parent().unwrap()] {
        assert_eq!(mode(folder), mode(&dir.path().join("folder")));
    }
}

#[test]
fn a_umask_of_the_grant_wins_over_the_process() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("q");
    let queue = DirQueue::new(path.clone(), Some(0o007), MonotonicNames::default());
    let element = queue.add(b"x").unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(&path.join(&element)), 0o660);
    assert_eq!(mode(&path), 0o770);
    assert_eq!(mode(path.join(&element).parent().unwrap()), 0o770);
}

#[test]
fn any_other_error_ends_the_call_and_names_path_and_reason() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let failure = queue(&file.join("queue")).add(b"x").unwrap_err();
    assert_eq!(
        failure.reason.raw_os_error(),
        Some(nix::errno::Errno::ENOTDIR as i32)
    );
    let text = failure.to_string();
    assert!(
        text.contains(&file.display().to_string()) && text.contains("os error 20"),
        "{text}"
    );
}

#[test]
fn an_element_is_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let (tmp, target) = (dir.path().join("x.tmp"), dir.path().join("x"));
    let folder = Folder::open(&resolved(dir.path())).unwrap();
    for linked in [true, false] {
        let name = || match linked {
            true => link(&folder, "x.tmp", "x"),
            false => folder.rename_exclusively("x.tmp", "x"),
        };
        std::fs::write(&tmp, "new").unwrap();
        std::fs::write(&target, "old").unwrap();
        let error = name().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "old");
        std::fs::remove_file(&target).unwrap();
        name().unwrap();
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "new");
        assert!(!tmp.exists());
        assert_eq!(name().unwrap_err().kind(), ErrorKind::NotFound);
        std::fs::remove_file(&target).unwrap();
    }
}

/// A guest that may write in the queue's folder, or above it, plants links (the
/// attack: cases c04 and c05 of the sandbox's review). Nothing is written where
/// they lead.
#[test]
fn a_link_in_the_queue_or_in_its_place_is_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let outside = dir.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    let moments = || MonotonicNames(Arc::new(Mutex::new(0xf000_0000 * 1_000_000)));
    let link = |to: &Path, at: &Path| std::os::unix::fs::symlink(to, at).unwrap();
    let nothing = |at: &Path| std::fs::read_dir(at).unwrap().next().is_none();

    // The folder of the minute, as it will be called.
    let path = dir.path().join("minute");
    std::fs::create_dir(&path).unwrap();
    link(&outside, &path.join("f0000000"));
    let planted = DirQueue::new(path, None, moments());
    let failure = planted.add(b"x").unwrap_err().to_string();
    assert!(
        failure.contains("is a link, which is not followed"),
        "{failure}"
    );
    assert!(nothing(&outside));

    // The queue itself, or a folder above it, before the first message.
    for replaced in ["a/q", "a"] {
        let folder = tempfile::tempdir_in(dir.path()).unwrap();
        let path = folder.path().join("a/q");
        std::fs::create_dir_all(&path).unwrap();
        let queue = DirQueue::new(path, None, moments());
        let at = folder.path().join(replaced);
        std::fs::rename(&at, folder.path().join("away")).unwrap();
        link(&outside, &at);
        let failure = queue.add(b"x").unwrap_err().to_string();
        assert!(
            failure.contains("is a link, which is not followed"),
            "{failure}"
        );
        assert!(nothing(&outside));
    }

    // Later: the folder that was opened is the queue, whatever has its name.
    let path = dir.path().join("later");
    let queue = DirQueue::new(path.clone(), None, moments());
    queue.add(b"x").unwrap();
    std::fs::rename(&path, dir.path().join("moved")).unwrap();
    link(&outside, &path);
    let element = queue.add(b"y").unwrap();
    assert!(dir.path().join("moved").join(element).exists());
    assert!(nothing(&outside));
}

/// `/var/spool/apel` may be a link to a larger disk: the site's own word.
#[test]
fn a_link_of_the_sites_own_above_the_queue_is_followed() {
    let dir = tempfile::tempdir().unwrap();
    let real = dir.path().join("data");
    std::fs::create_dir(&real).unwrap();
    std::os::unix::fs::symlink(&real, dir.path().join("spool")).unwrap();
    let queue = queue(&dir.path().join("spool/q"));
    let element = queue.add(b"x").unwrap();
    assert!(real.join("q").join(element).exists());
}

#[test]
fn a_queue_that_somebody_removed_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("q");
    let queue = queue(&path);
    queue.add(b"x").unwrap();
    std::fs::remove_dir_all(&path).unwrap();
    let element = queue.add(b"y").unwrap();
    assert_eq!(std::fs::read(path.join(element)).unwrap(), b"y");
}

/// Writers, and readers that take elements and purge as Python's dirq does.
#[test]
fn writers_and_a_purger_lose_nothing() {
    const WRITERS: usize = 4;
    const EACH: usize = 150;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("q");
    let done = AtomicBool::new(false);
    let mut taken = Vec::new();
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let queue = queue(&path);
                scope.spawn(move || {
                    for n in 0..EACH {
                        // Whose folder goes each time before it has written gives up, and has
                        // written nothing: its caller comes again.
                        let message = format!("{writer}.{n}");
                        // On a busy machine it may come again often: the purger has no other work.
                        let mut tries = (0..2_000).map(|_| queue.add(message.as_bytes()));
                        tries
                            .find_map(|tried| match tried {
                                Ok(added) => Some(added),
                                Err(_) => {
                                    std::thread::yield_now();
                                    None
                                }
                            })
                            .unwrap();
                    }
                })
            })
            .collect();
        let purger = scope.spawn(|| {
            let (mut taken, mut rounds) = (Vec::new(), 0_u32);
            loop {
                let last = done.load(Ordering::SeqCst);
                for element in elements(&path) {
                    if element.ends_with(".tmp") {
                        continue;
                    }
                    taken.push(std::fs::read_to_string(path.join(&element)).unwrap());
                    std::fs::remove_file(path.join(&element)).unwrap();
                }
                // All empty folders, the last one too: harder than dirq itself. Not in every round: who
                // never has a folder for long enough gives up one day.
                rounds += 1;
                let folders = std::fs::read_dir(&path).into_iter().flatten().flatten();
                for folder in folders.filter(|_| rounds % 3 == 0) {
                    let _ = std::fs::remove_dir(folder.path());
                }
                if last {
                    return taken;
                }
            }
        });
        // Whatever became of them, else the purger would go on for ever.
        let ended: Vec<_> = writers.into_iter().map(|writer| writer.join()).collect();
        done.store(true, Ordering::SeqCst);
        taken = purger.join().unwrap();
        assert!(ended.iter().all(Result::is_ok));
    });
    taken.sort();
    let mut wanted: Vec<String> = (0..WRITERS)
        .flat_map(|w| (0..EACH).map(move |n| format!("{w}.{n}")))
        .collect();
    wanted.sort();
    assert_eq!(taken, wanted);
}

proptest! {
    #[test]
    fn names_keep_their_form_and_order(a in 0u64..4_294_967_295_000_000, step in 1u64..1 << 40, digit: u8) {
        let b = (a + step).min(4_294_967_295_999_999);
        let (first, second) = (names(a, digit), names(b, digit));
        prop_assert!(is_hex(&first.0, 8) && is_hex(&first.1, 14));
        prop_assert!(first.0 <= second.0 && first < second);
        prop_assert!(first.1[..8] >= first.0[..]);
    }

    #[test]
    fn moments_never_go_back(clock in proptest::collection::vec(0u64..1_000, 1..50)) {
        let moments = MonotonicNames::default();
        let mut last = 0;
        for micros in clock {
            let moment = moments.next(UNIX_EPOCH + Duration::from_micros(micros));
            prop_assert!(moment > last && moment >= micros);
            last = moment;
        }
    }
}
