//! Syncs side by side.
//!
//! A disk takes as long for one sync as for twenty that come together: filesystems put what waits
//! into one commit of their journal. So what many projects wrote is synced by
//! a few threads at once, and each folder once for all that was renamed in it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;

use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, rlim_t};

use crate::atomic::Beside;
use crate::disk::{Disk, DiskError, DiskFile, Step};

/// So many syncs are under way at a time.
pub(crate) const AT_A_TIME: usize = 16;

/// Bytes of stack for a thread that does nothing else.
const STACK: usize = 128 << 10;

/// Each thread has a heap of its own. Where the process's address space is limited that is needed
/// for guests.
fn at_a_time(address_space: nix::Result<(rlim_t, rlim_t)>) -> usize {
    match address_space {
        Ok((soft, _)) if soft != RLIM_INFINITY => 1,
        _ => AT_A_TIME,
    }
}

/// A file that was written.
pub(crate) struct Open<'a> {
    pub(crate) disk: &'a Disk,
    pub(crate) path: &'a Path,
    pub(crate) file: &'a File,
}

/// Puts files on disk, each with its contents and length. One answer a file, in their order.
pub(crate) fn side_by_side(files: &[Open<'_>]) -> Vec<io::Result<()>> {
    let at_a_time = at_a_time(getrlimit(Resource::RLIMIT_AS));
    in_threads(files, at_a_time, |file| file.sync_all())
}

fn in_threads(
    files: &[Open<'_>],
    at_a_time: usize,
    sync: impl Fn(&File) -> io::Result<()> + Sync,
) -> Vec<io::Result<()>> {
    let sync = &sync;
    let mut synced = Vec::with_capacity(files.len());
    for files in files.chunks(at_a_time) {
        // Asked in their order, so that a test knows which one it strikes.
        let allowed: Vec<io::Result<()>> = files
            .iter()
            .map(|open| open.disk.allow(Step::SyncFile, open.path))
            .collect();
        if let Some(open) = files.first() {
            open.disk.waited(1);
        }
        let alone = files.len() == 1;
        thread::scope(|scope| {
            let threads: Vec<_> = files
                .iter()
                .zip(allowed)
                .map(|(open, allowed)| {
                    let sync = || sync(open.file);
                    let thread = || {
                        let thread = thread::Builder::new().stack_size(STACK);
                        thread.spawn_scoped(scope, sync).map_err(|_| sync())
                    };
                    allowed.map(|()| match alone {
                        true => Err(sync()),
                        false => thread(),
                    })
                })
                .collect();
            for thread in threads {
                let lost = |_| Err(io::Error::other("the sync did not come back"));
                synced.push(thread.and_then(|thread| match thread {
                    Ok(thread) => thread.join().unwrap_or_else(lost),
                    // One alone, or without room for a thread: it was done here.
                    Err(done) => done,
                }));
            }
        });
    }
    synced
}

impl Disk {
    /// Puts files on disk, each with its contents and length. One answer a file, in their order.
    pub fn sync_files(&self, files: &[&DiskFile]) -> Vec<Result<(), DiskError>> {
        let open: Vec<Open<'_>> = files
            .iter()
            .map(|file| Open {
                disk: self,
                path: file.path(),
                file: file.inner(),
            })
            .collect();
        let failed = |path, error| DiskError::new(Step::SyncFile, path, error);
        let answers = side_by_side(&open).into_iter();
        answers
            .zip(files)
            .map(|(answer, file)| answer.map_err(|error| failed(file.path(), error)))
            .collect()
    }

    /// Puts what was written on disk: all files synced side by side, then each given its name, in
    /// their order, then each folder synced once. One answer a file; a folder that cannot be
    /// synced costs all that are in it, which have their names all the same.
    pub fn keep(&self, files: Vec<Beside>) -> Vec<Result<(), DiskError>> {
        let written: Vec<&DiskFile> = files.iter().map(Beside::file).collect();
        let synced = self.sync_files(&written);
        let mut folders: BTreeMap<PathBuf, Result<(), DiskError>> = BTreeMap::new();
        let mut named = Vec::with_capacity(files.len());
        for (file, synced) in files.into_iter().zip(synced) {
            let folder = file.folder();
            named.push(synced.and_then(|()| {
                file.name()?;
                folders.insert(folder.clone(), Ok(()));
                Ok(folder)
            }));
        }
        for (folder, synced) in &mut folders {
            *synced = self.sync_folder(folder);
        }
        let known = |named: Result<PathBuf, DiskError>| match folders.get(&named?) {
            Some(Err(failed)) => Err(failed.again()),
            Some(Ok(())) | None => Ok(()),
        };
        named.into_iter().map(known).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::{At, End};
    use std::sync::Mutex;

    /// However many files: one answer each, in their order, and one wait for each sixteen.
    #[test]
    fn many_syncs_are_one_wait() {
        let dir = tempfile::tempdir().unwrap();
        let counted = At::never();
        let disk = counted.disk();
        let files: Vec<DiskFile> = (0..2 * AT_A_TIME + 1)
            .map(|n| disk.create(&dir.path().join(n.to_string())).unwrap())
            .collect();
        counted.take_steps(dir.path());
        let all: Vec<&DiskFile> = files.iter().collect();
        let synced = disk.sync_files(&all);
        assert!(synced.iter().all(Result::is_ok));
        assert_eq!(synced.len(), files.len());
        let steps: Vec<String> = (0..files.len()).map(|n| format!("SyncFile {n}")).collect();
        assert_eq!(counted.take_steps(dir.path()), steps);
        assert_eq!(counted.waits(), 3);
    }

    /// However many they are: two waits, and each folder is synced once.
    #[test]
    fn files_kept_together_share_their_folders_sync() {
        let dir = tempfile::tempdir().unwrap();
        let counted = At::never();
        let disk = counted.disk();
        let write = |name: &str| {
            let fill = |file: &mut DiskFile| file.write(name.as_bytes());
            disk.write_beside::<DiskError>(&dir.path().join(name), fill)
                .unwrap()
        };
        let files = vec![write("a"), write("b"), write("c")];
        counted.take_steps(dir.path());
        assert!(disk.keep(files).iter().all(Result::is_ok));
        assert_eq!(
            counted.take_steps(dir.path()),
            [
                "SyncFile .a.tmp",
                "SyncFile .b.tmp",
                "SyncFile .c.tmp",
                "Rename a",
                "Rename b",
                "Rename c",
                "SyncFolder"
            ]
        );
        assert_eq!(counted.waits(), 2);
        assert_eq!(std::fs::read_to_string(dir.path().join("b")).unwrap(), "b");
    }

    #[test]
    fn one_that_fails_costs_itself() {
        let dir = tempfile::tempdir().unwrap();
        // The first three steps make the files.
        let kill = At::new(End::Kill, 4);
        let disk = kill.disk();
        let files: Vec<DiskFile> = (0..3)
            .map(|n| disk.create(&dir.path().join(n.to_string())).unwrap())
            .collect();
        let all: Vec<&DiskFile> = files.iter().collect();
        let synced: Vec<bool> = disk.sync_files(&all).iter().map(Result::is_ok).collect();
        assert_eq!(synced, [true, false, false]);
    }

    /// A thread has a heap of its own, for which a limited address space has no room to spare.
    #[test]
    fn in_a_limited_address_space_one_file_is_synced_after_the_other() {
        let limit = 4 << 30;
        assert_eq!(at_a_time(Ok((RLIM_INFINITY, RLIM_INFINITY))), 16);
        assert_eq!(at_a_time(Ok((limit, RLIM_INFINITY))), 1);
        assert_eq!(at_a_time(Err(nix::errno::Errno::EPERM)), 16);
    }

    #[test]
    fn several_files_have_a_thread_each_and_one_alone_has_none() {
        let file = tempfile::tempfile().unwrap();
        let disk = Disk::default();
        let files = [(); 5].map(|()| Open {
            disk: &disk,
            path: Path::new("f"),
            file: &file,
        });
        let here = thread::current().id();
        for (at_a_time, expected) in [
            (5, [false, false, false, false, false]),
            (2, [false, false, false, false, true]),
            (1, [true, true, true, true, true]),
        ] {
            let threads = Mutex::new(Vec::new());
            let synced = in_threads(&files, at_a_time, |_| {
                threads.lock().unwrap().push(thread::current().id());
                Ok(())
            });
            assert!(synced.len() == 5 && synced.iter().all(Result::is_ok));
            let were_here = threads
                .into_inner()
                .unwrap()
                .into_iter()
                .map(|id| id == here);
            assert_eq!(were_here.collect::<Vec<_>>(), expected, "{at_a_time}");
        }
    }

    /// A name that may be lost is not reported as kept, and what lies elsewhere is.
    #[test]
    fn a_folder_that_cannot_be_synced_costs_all_that_are_in_it() {
        let dir = tempfile::tempdir().unwrap();
        let write = |disk: &Disk, name: &str| {
            let path = dir.path().join(name);
            disk.write_beside::<DiskError>(&path, |file| file.write(b"new"))
                .unwrap()
        };
        let names = ["a/1", "a/2", "b/1"];
        for name in ["a", "b"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        let counted = At::never();
        let files = names.map(|name| write(&counted.disk(), name));
        counted.take_steps(dir.path());
        assert!(counted.disk().keep(files.into()).iter().all(Result::is_ok));
        let steps = counted.take_steps(dir.path());
        let struck = counted.seen() - 2;
        assert_eq!(steps[steps.len() - 2..], ["SyncFolder a", "SyncFolder b"]);
        let disk = At::new(End::ErrorOnce, struck).disk();
        let files = names.map(|name| write(&disk, name));
        let told: Vec<Option<String>> = disk
            .keep(files.into())
            .into_iter()
            .map(|kept| kept.err().map(|failed| failed.to_string()))
            .collect();
        let failed = format!("cannot sync `{}`", dir.path().join("a").display());
        assert_eq!(told, [Some(failed.clone()), Some(failed), None]);
        for name in names {
            let text = std::fs::read_to_string(dir.path().join(name)).unwrap();
            assert_eq!(text, "new");
        }
    }

    /// One whose contents are not on disk does not get its name, and leaves nothing.
    #[test]
    fn a_file_that_cannot_be_synced_leaves_the_old_one_in_its_place() {
        let dir = tempfile::tempdir().unwrap();
        // Behind two steps for each of the files.
        let disk = At::new(End::ErrorOnce, 4).disk();
        let files = ["1", "2"].map(|name| {
            let path = dir.path().join(name);
            std::fs::write(&path, "old").unwrap();
            disk.write_beside::<DiskError>(&path, |file| file.write(b"new"))
                .unwrap()
        });
        let kept = disk.keep(files.into());
        assert_eq!(
            kept.iter().map(Result::is_ok).collect::<Vec<_>>(),
            [false, true]
        );
        let text = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
        assert_eq!((text("1").as_str(), text("2").as_str()), ("old", "new"));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
    }
}
