use super::*;
use crate::faults::{At, End};

#[test]
fn a_torn_last_line_is_cut_before_the_next_is_added() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lines");
    for (before, after) in [
        ("", "c\n"),
        ("a\nb", "a\nc\n"),
        ("a\n", "a\nc\n"),
        ("torn", "c\n"),
    ] {
        fs::write(&path, before).unwrap();
        let mut file = Disk::default().append_lines(&path).unwrap();
        file.write(b"c\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), after);
    }
    let long = "x".repeat(9000);
    fs::write(&path, format!("a\n{long}")).unwrap();
    Disk::default().append_lines(&path).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "a\n");
}

/// A folder that is new is known to the one above it, and so on up.
#[test]
fn new_folders_are_synced_from_the_top_down() {
    let dir = tempfile::tempdir().unwrap();
    let counted = At::never();
    counted
        .disk()
        .create_folder(&dir.path().join("a/b"))
        .unwrap();
    assert_eq!(
        counted.take_steps(dir.path()),
        ["CreateFolder a/b", "SyncFolder", "SyncFolder a"]
    );
}

/// A file of lines that has none may be what a kill left before its folder
/// was synced: only a file that has a line is known to be in it.
#[test]
fn a_file_of_lines_is_in_its_folder_before_it_gets_its_first_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lines");
    let counted = At::never();
    counted.disk().append_lines(&path).unwrap();
    let made = counted.take_steps(dir.path());
    assert_eq!(made, ["Create lines", "SyncFolder"]);
    counted.disk().append_lines(&path).unwrap();
    let again = counted.take_steps(dir.path());
    assert_eq!(again, ["Open lines", "SyncFolder"]);
    fs::write(&path, "a\n").unwrap();
    counted.disk().append_lines(&path).unwrap();
    assert_eq!(counted.take_steps(dir.path()), ["Open lines"]);
    fs::write(&path, "a\ntorn").unwrap();
    counted.disk().append_lines(&path).unwrap();
    let cut = counted.take_steps(dir.path());
    assert_eq!(cut, ["Open lines", "Truncate lines"]);
}

#[test]
fn a_full_disk_names_the_path_and_what_is_free() {
    let dir = tempfile::tempdir().unwrap();
    let disk = At::new(End::Full, 1).disk();
    let path = dir.path().join("f");
    let mut file = disk.create(&path).unwrap();
    let failed = file.write(b"0123456789").unwrap_err();
    assert!(failed.is_full());
    let text = failed.to_string();
    assert!(text.contains(&path.display().to_string()), "{text}");
    assert!(text.contains("bytes free"), "{text}");
}

#[test]
fn after_a_kill_nothing_happens_any_more() {
    let dir = tempfile::tempdir().unwrap();
    let disk = At::new(End::Torn, 1).disk();
    let path = dir.path().join("f");
    let mut file = disk.create(&path).unwrap();
    assert!(file.write(b"0123456789").is_err());
    assert!(file.write(b"more").is_err());
    assert!(disk.remove(&path).is_err());
    assert_eq!(fs::read_to_string(&path).unwrap(), "01234");
}

/// Of each way in which there can be no room: what an operator reads, and is advised to do.
#[test]
fn each_want_of_room_has_its_text_and_its_hint() {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    let limit = (
        " (larger than a file may get here, by `ulimit -f` or `LimitFSIZE=`; nothing was advanced)",
        "raise that limit",
    );
    let inodes = (
        " (its filesystem has no inode left, however many bytes are free; nothing was advanced)",
        "remove some files from that filesystem",
    );
    let bytes = |text| (text, "free some room on that filesystem");
    let none = bytes(" (0 bytes free on its filesystem; nothing was advanced)");
    let few = bytes(" (77 bytes free on its filesystem; nothing was advanced)");
    for (reason, left, files, (text, hint)) in [
        (FileTooLarge, 77, Some(0), limit),
        (FileTooLarge, 0, None, limit),
        (StorageFull, 77, Some(0), inodes),
        (StorageFull, 0, Some(0), none),
        (StorageFull, 0, Some(5), none),
        (StorageFull, 77, Some(5), few),
        (QuotaExceeded, 77, None, few),
    ] {
        let failed = DiskError {
            step: Step::Write,
            path: PathBuf::from("/spool/f"),
            left: Some(Left {
                bytes: left,
                of: 1_000,
                files,
                read_only: false,
            }),
            source: reason.into(),
        };
        assert_eq!(
            failed.to_string(),
            format!("cannot write to `/spool/f`{text}")
        );
        assert_eq!(failed.hint(), Some(hint), "{text}");
        assert!(failed.is_full());
    }
}

#[test]
fn only_what_is_for_want_of_room_is_full() {
    use io::ErrorKind::{FileTooLarge, NotFound, PermissionDenied, QuotaExceeded, StorageFull};
    let dir = tempfile::tempdir().unwrap();
    let of = |reason: io::ErrorKind| DiskError::new(Step::Create, dir.path(), reason.into());
    for reason in [StorageFull, QuotaExceeded, FileTooLarge] {
        assert!(of(reason).is_full(), "{reason}");
    }
    for reason in [NotFound, PermissionDenied] {
        let failed = of(reason);
        assert!(!failed.is_full(), "{reason}");
        assert_eq!(failed.hint(), None);
        let text = format!("cannot create `{}`", dir.path().display());
        assert_eq!(failed.to_string(), text);
    }
}

/// Of every file of a filesystem the same.
#[test]
fn a_full_filesystem_is_named_by_where_it_is_mounted() {
    let at = |path: &str| {
        let reason = io::ErrorKind::StorageFull.into();
        DiskError::new(Step::Create, Path::new(path), reason).mounted_at()
    };
    assert_eq!(at("/proc/self/none/x"), Path::new("/proc"));
    assert_eq!(at("/proc/version"), Path::new("/proc"));
    assert_eq!(at("/nowhere/at/all"), Path::new("/"));
}

#[test]
fn a_failure_says_what_was_tried() {
    let verbs = [
        (Step::CreateFolder, "create the folder"),
        (Step::Create, "create"),
        (Step::Open, "open"),
        (Step::Write, "write to"),
        (Step::Truncate, "cut the torn end of"),
        (Step::SyncFile, "sync"),
        (Step::SyncFolder, "sync"),
        (Step::Rename, "rename to"),
        (Step::Link, "link to"),
        (Step::Remove, "remove"),
        (Step::Lock, "lock"),
    ];
    for (step, verb) in verbs {
        let failed = DiskError::new(step, Path::new("f"), io::Error::other("reason"));
        assert_eq!(failed.to_string(), format!("cannot {verb} `f`"));
    }
}

/// One failure that costs several things is reported for each of them.
#[test]
fn a_failure_can_be_told_again() {
    let full = io::Error::from_raw_os_error(nix::errno::Errno::ENOSPC as i32);
    for source in [full, io::Error::other("no number at all")] {
        let failed = DiskError::new(Step::SyncFolder, Path::new("/"), source);
        let again = failed.again();
        assert_eq!(again.to_string(), failed.to_string());
        assert_eq!(again.left, failed.left);
        assert_eq!(again.source.to_string(), failed.source.to_string());
        assert_eq!(again.source.raw_os_error(), failed.source.raw_os_error());
    }
}

#[test]
fn what_is_left_is_asked_of_the_nearest_place_that_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let size = |left: Option<Left>| left.map(|left| left.of);
    let of = size(Left::at(dir.path()));
    assert!(of.is_some());
    assert_eq!(size(Left::at(&dir.path().join("not/there"))), of);
    assert_eq!(size(Left::beside(&File::open(dir.path()).unwrap())), of);
    let here = size(Left::at(Path::new(".")));
    assert!(here.is_some());
    assert_eq!(size(Left::at(Path::new("not-there/either"))), here);
}

/// Where they are not counted, none left would be a disk on which nothing can be made.
#[test]
fn a_filesystem_that_does_not_count_files_has_not_run_out_of_them() {
    assert_eq!(countable(0, 0), None);
    assert_eq!(countable(10, 0), Some(0));
    assert_eq!(countable(10, 3), Some(3));
}

#[test]
fn a_file_that_is_gone_is_removed_and_one_that_stays_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Disk::default();
    let file = dir.path().join("f");
    fs::write(&file, "").unwrap();
    disk.remove(&file).unwrap();
    assert!(!file.exists());
    disk.remove(&file).unwrap();
    let folder = dir.path().join("folder");
    fs::create_dir(&folder).unwrap();
    let failed = disk.remove(&folder).unwrap_err();
    assert_eq!((failed.step, &failed.path), (Step::Remove, &folder));
    assert!(folder.exists());
}

#[test]
fn a_folder_is_removed_when_it_is_empty() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("folder");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("f"), "").unwrap();
    let disk = Disk::default();
    let failed = disk.remove_folder(&folder).unwrap_err();
    assert_eq!((failed.step, &failed.path), (Step::Remove, &folder));
    fs::remove_file(folder.join("f")).unwrap();
    disk.remove_folder(&folder).unwrap();
    assert!(!folder.exists());
}

/// Locks are such links: the first one stands.
#[test]
fn a_link_has_its_text_and_is_never_made_over_another() {
    let dir = tempfile::tempdir().unwrap();
    let link = dir.path().join("lock");
    let disk = Disk::default();
    disk.symlink(Path::new("first"), &link).unwrap();
    let failed = disk.symlink(Path::new("second"), &link).unwrap_err();
    assert_eq!(failed.source.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read_link(&link).unwrap(), Path::new("first"));
}

/// That a sync is asked for in its place is all that a test can see of it.
#[test]
fn a_sync_of_a_file_is_asked_for_and_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    type Sync = fn(&DiskFile) -> Result<(), DiskError>;
    let syncs: [Sync; 2] = [DiskFile::sync_data, DiskFile::sync_all];
    for sync in syncs {
        let counted = At::never();
        let file = counted.disk().create(&dir.path().join("f")).unwrap();
        sync(&file).unwrap();
        assert_eq!(counted.take_steps(dir.path()), ["Create f", "SyncFile f"]);
        assert_eq!(counted.waits(), 1);
        let struck = At::new(End::ErrorOnce, 1).disk();
        let file = struck.create(&dir.path().join("f")).unwrap();
        assert_eq!(sync(&file).unwrap_err().step, Step::SyncFile);
        sync(&file).unwrap();
    }
}

/// A disk on which syncs of a folder end like that.
struct Unsynced(nix::errno::Errno);

impl Fault for Unsynced {
    fn before(&self, step: Step, _: &Path) -> Verdict {
        match step {
            Step::SyncFolder => Verdict::Fail(io::Error::from_raw_os_error(self.0 as i32)),
            _ => Verdict::Go,
        }
    }
}

#[test]
fn a_folder_that_cannot_be_synced_here_is_no_failure_and_a_failed_sync_is() {
    use nix::errno::Errno;
    let dir = tempfile::tempdir().unwrap();
    let sync = |errno| Disk::with_fault(Arc::new(Unsynced(errno))).sync_folder(dir.path());
    sync(Errno::EINVAL).unwrap();
    sync(Errno::ENOTSUP).unwrap();
    let failed = sync(Errno::EIO).unwrap_err();
    assert_eq!(failed.source.raw_os_error(), Some(Errno::EIO as i32));
    let disk = Disk::default();
    disk.sync_folder(dir.path()).unwrap();
    // The folder of `spool`, a relative name.
    disk.sync_folder(Path::new("")).unwrap();
    let gone = dir.path().join("gone");
    let failed = disk.sync_folder(&gone).unwrap_err();
    assert_eq!((failed.step, failed.path), (Step::SyncFolder, gone));
}

#[test]
fn a_disk_shows_whether_it_has_faults() {
    assert_eq!(format!("{:?}", Disk::default()), "Disk { faults: false }");
    let struck = format!("{:?}", At::never().disk());
    assert_eq!(struck, "Disk { faults: true }");
}
