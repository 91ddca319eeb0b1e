//! What lies on this machine: spool, lock, queues, mapping file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use nix::unistd::Uid;

use super::finding::{Area, Finding, Findings};
use crate::run::commands::status::{Status, UNTAKEN, is_full};
use crate::run::summary::words::{count, len, records, size, span};
use crate::run::{backlog, remedy};
use caso_config::{Config, Origin, ShownValue};
use caso_disk::{Disk, elements};
use caso_extract::projects::VoMapping;
use caso_model::notice::Notices;
use caso_sandbox::Sandbox;
use caso_state::{Cursors, Lock, Spool};

/// A run makes a file for each window, and some beside.
const FEW_FILES: u64 = 1_000;

/// Of the mode of a file.
const READ_BY_ALL: u32 = 0o004;

/// How much a filesystem still takes.
fn room(folder: &Path, findings: &mut Findings) {
    let left = Disk::default().left(folder);
    let shown = folder.display();
    let text = format!("`{shown}`, {} free", size(left.bytes));
    let full = |text, hint: &str| Finding::failed(Area::Spool, text).hint(hint.to_owned());
    if left.read_only {
        let text = format!("`{shown}`: its filesystem is mounted read-only");
        return findings.add(full(text, "mount it for writing"));
    }
    findings.add(match left.files {
        // However many bytes there are.
        Some(files) if files < FEW_FILES => full(
            format!(
                "{text}, but room for no more than {}",
                count(files, "file", "files")
            ),
            "remove some files from its filesystem, whose inodes are used up (`df -i`)",
        ),
        // Below that no queue on it takes anything.
        _ if is_full(&left) => full(text, "free some room on its filesystem"),
        _ => Finding::ok(Area::Spool, text),
    });
}

/// Whether it can be written, by whom, and how much room there is.
///
/// Answers whether it is of use at all: where it is not, what lies in it need not be named one by one.
pub fn spool(config: &Config, findings: &mut Findings) -> bool {
    let folder = &config.spooldir;
    if let Err(error) = Spool::check(folder) {
        findings.add(Finding::failed(Area::Spool, remedy::message(&error)));
        return false;
    }
    let shown = folder.display();
    let Ok(found) = fs::metadata(folder) else {
        let text = format!("`{shown}` is not there yet; the first run makes it");
        findings.add(Finding::ok(Area::Spool, text));
        return true;
    };
    room(folder, findings);
    for part in Spool::parts(folder) {
        if part.exists() && !part.is_dir() {
            let text = format!("`{}` is not a folder", part.display());
            let hint = "move it away; if the folder that was there can be had from a backup, put that in its place";
            findings.add(Finding::failed(Area::Spool, text).hint(hint.to_owned()));
        }
    }
    // Root may write everywhere, and so hides what its owner cannot do.
    let owner = Uid::from_raw(found.uid());
    if Uid::effective().is_root() && !owner.is_root() {
        let name = caso_base::rights::user_name(owner);
        let text = format!(
            "it belongs to `{name}`, and this is root, who may write everywhere: what `{name}` cannot do is not \
             seen here"
        );
        let hint = format!("sudo -u {name} caso check");
        findings.add(Finding::warning(Area::Spool, text).hint(hint));
    }
    true
}

/// Whether messages were sent and nothing is known of a run: then the next one extracts everything once more, and long
/// intervals of storage count beside those that were sent.
pub fn lost_spool<'a>(
    config: &Config,
    queues: impl Iterator<Item = &'a PathBuf>,
    findings: &mut Findings,
) {
    let folder = &config.spooldir;
    let spool = Spool::look(folder, Disk::default());
    let ran = Spool::parts(folder).iter().any(|part| part.exists())
        // One that cannot be read is named elsewhere.
        || Cursors::lastruns(&spool).map_or(true, |found| !found.is_empty());
    if ran {
        return;
    }
    for queue in queues {
        // What took the messages leaves the folders that they were in.
        if fs::read_dir(queue).is_ok_and(|mut found| found.next().is_some()) {
            let waiting = match len(&elements(queue).unwrap_or_default()) {
                0 => "had messages".to_owned(),
                some => format!("has {}", count(some, "message", "messages")),
            };
            let text = format!(
                "`{}` {waiting}, and the spool `{}` knows of no run: if it was lost, everything is extracted once more, and storage \
                 counts twice",
                queue.display(),
                folder.display()
            );
            let hint = "of a new site nothing is to be done; otherwise put the spool back from a backup, or say of each project \
                        where it goes on before the first run (caso cursor set <project> <date>): see \"Backup, and a lost \
                        spool\" in the book";
            findings.add(Finding::warning(Area::Spool, text).hint(hint.to_owned()));
        }
    }
}

/// What else a run writes: metrics, log, compiled components. None of it stops a run.
pub fn files(config: &Config, sandbox: Option<&Sandbox>, findings: &mut Findings) {
    let mut warn = |text: String, hint: &str| {
        findings.add(Finding::warning(Area::File, text).hint(hint.to_owned()));
    };
    if let Some(path) = &config.metrics_file
        && let Err(reason) = replaceable(path)
    {
        warn(
            format!("`metrics_file` cannot be written: {reason}"),
            "correct `metrics_file`, or make that folder writable for this user",
        );
    }
    if let Some(path) = &config.logging.file
        && let Err(error) = OpenOptions::new().append(true).open(path)
        && let Err(reason) = match error.kind() {
            io::ErrorKind::NotFound => replaceable(path),
            _ => Err(format!("`{}`: {error}", path.display())),
        }
    {
        warn(
            format!("the log file cannot be written: {reason}"),
            "correct `log_file` or `log_dir`",
        );
    }
    let there = config.cache_dirs.iter().any(|folder| folder.is_dir());
    match sandbox.and_then(|sandbox| sandbox.cache().warning()) {
        Some(warning) => {
            let hint = sandbox.and_then(|sandbox| sandbox.cache().hint());
            findings.add(Finding::warning(Area::File, warning).hint(hint));
        }
        None if there => {}
        None => {
            let made = |folder: &PathBuf| caso_state::check_folder(folder).err();
            let refused: Vec<_> = config.cache_dirs.iter().map(made).collect();
            if let Some(Some(reason)) = refused.first()
                && refused.iter().all(Option::is_some)
            {
                warn(
                    format!(
                        "compiled components are not kept, they are recompiled in each run: {reason}"
                    ),
                    "set `cache_dir` to a writable folder",
                );
            }
        }
    }
}

/// Files in which a secret stands and that everybody on this machine can read. Most sites have one
/// that came with Python cASO: no run is stopped by it.
pub fn secrets<'a>(values: impl Iterator<Item = &'a ShownValue>, findings: &mut Findings) {
    let mut open: BTreeMap<&Path, BTreeSet<String>> = BTreeMap::new();
    for it in
        values.filter(|it| it.secret && it.value.as_ref().is_some_and(|text| !text.is_empty()))
    {
        let Origin::File { path, .. } = &it.origin else {
            continue;
        };
        if fs::metadata(path.as_ref()).is_ok_and(|found| found.mode() & READ_BY_ALL != 0) {
            let names = open.entry(path.as_ref()).or_default();
            names.insert(format!("[{}] {}", it.section, it.option));
        }
    }
    for (path, names) in open {
        let names = Vec::from_iter(names).join(", ");
        let path = path.display();
        let text = format!("`{path}` holds {names}, and everybody on this machine can read it");
        let hint =
            format!("chmod o= {path}, which the user who runs cASO must still be able to read");
        findings.add(Finding::warning(Area::File, text).hint(hint));
    }
}

/// Whether a file can be written where it is to lie; its folder is not made.
fn replaceable(path: &Path) -> Result<(), String> {
    if path.is_dir() {
        return Err(format!("`{}` is a folder", path.display()));
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    if !folder.as_os_str().is_empty() && !folder.is_dir() {
        return Err(format!("there is no folder `{}`", folder.display()));
    }
    caso_state::check_folder(folder).map_err(|error| error.to_string())
}

/// Whether it can be taken, and who has it.
pub fn lock(config: &Config, findings: &mut Findings) {
    findings.add(match Lock::look(&config.lock_path) {
        Ok(None) => Finding::ok(Area::Lock, "free"),
        Ok(Some(holder)) => {
            Finding::ok(Area::Lock, format!("held by {holder}: a run is under way"))
        }
        Err(error) => Finding::failed(Area::Lock, remedy::message(&error)),
    });
}

/// What waits, what was refused, what nobody takes.
pub fn queues(config: &Config, now: i64, is_usable: bool, findings: &mut Findings) {
    let status = Status::look(config, now);
    for unreadable in status.unreadable.iter().filter(|_| is_usable) {
        findings.add(Finding::failed(Area::Spool, unreadable.as_str()));
    }
    for it in &status.damaged_cursors {
        let text = format!("`{}`: {}", it.file.display(), it.reason);
        let hint = "move it away: its project goes on from its lastrun file".to_owned();
        findings.add(Finding::warning(Area::Spool, text).hint(hint));
    }
    if let Some((text, hint)) = backlog::words(&config.spooldir, &status.lost_windows) {
        findings.add(Finding::warning(Area::Spool, text).hint(hint));
    }
    for it in &status.damaged_ledger {
        let text = format!(
            "{} of `{}` cannot be read: what the ledger said of those runs is lost",
            count(it.lines, "line", "lines"),
            it.file.display()
        );
        let hint = "restore the file from a backup; without one, remove those lines (an intact one is a JSON object)"
            .to_owned();
        findings.add(Finding::warning(Area::Spool, text).hint(hint));
    }
    for queue in &status.queues {
        let name = &queue.messenger;
        let mut well = true;
        let bound = config.max_waiting;
        if bound > 0 && queue.bytes >= bound {
            let text = format!(
                "{} ({}) wait, and `max_waiting` is {}: nothing is extracted, for nobody",
                records(queue.waiting),
                size(queue.bytes),
                size(bound)
            );
            let hint = format!(
                "caso queue flush {name}, drop them with a copy (caso queue drop {name}), or raise `max_waiting`"
            );
            findings.add(Finding::failed(Area::Queue, text).of(name).hint(hint));
            continue;
        }
        let waiting = format!("{} wait", records(queue.waiting));
        if queue.waiting > 0 && !queue.configured {
            well = false;
            let text = format!("{waiting} for it, and it is not in `messengers`");
            let hint = format!("put it back, or caso queue drop {name}");
            findings.add(Finding::warning(Area::Queue, text).of(name).hint(hint));
        } else if let (1.., Some(stopped)) = (queue.waiting, &queue.stopped) {
            well = false;
            let text = format!("{waiting}; the last run stopped: {stopped}");
            let hint = format!("once that is fixed: caso queue flush {name}");
            findings.add(Finding::warning(Area::Queue, text).of(name).hint(hint));
        }
        if queue.quarantined > 0 {
            well = false;
            let text = format!("{} in quarantine", records(queue.quarantined));
            let hint = format!("caso queue show {name} --quarantine");
            findings.add(Finding::warning(Area::Queue, text).of(name).hint(hint));
        }
        if well {
            let text = match queue.waiting {
                0 => "nothing waits".to_owned(),
                _ => waiting,
            };
            findings.add(Finding::ok(Area::Queue, text).of(name));
        }
    }
    for outgoing in &status.outgoing {
        let age = outgoing.oldest.map_or(0, |oldest| now - oldest);
        if age > UNTAKEN {
            let text = format!(
                "`{}` has {}, the oldest for {}: nobody takes them",
                outgoing.folder.display(),
                count(outgoing.messages, "message", "messages"),
                span(age)
            );
            let hint = "does ssmsend run, and may its user remove files there?".to_owned();
            let finding = Finding::warning(Area::Queue, text).of(&outgoing.messenger);
            findings.add(finding.hint(hint));
        }
    }
}

/// One that cannot be read costs the projects that need it, which are named there.
pub fn mapping(config: &Config, findings: &mut Findings) {
    let mut seen = Vec::new();
    for cloud in &config.clouds {
        let file = &cloud.mapping_file;
        if seen.contains(&file) {
            continue;
        }
        seen.push(file);
        let warnings = Notices::default();
        let read = VoMapping::read(file, &warnings);
        let area = Area::Configuration;
        match read {
            Err(error) => {
                findings.add(Finding::warning(area, error.to_string()).hint(error.hint()));
            }
            Ok(_) if file.exists() => {
                let text = format!("mapping file `{}` can be read", file.display());
                findings.add(Finding::ok(area, text));
            }
            Ok(_) if cloud.mapping_file_set => {
                let text = format!(
                    "the mapping file `{}` is not there: projects need the property `{}` in Keystone",
                    file.display(),
                    cloud.vo_property
                );
                findings.add(Finding::ok(area, text));
            }
            Ok(_) => {}
        }
        for warning in warnings.take() {
            findings.add(Finding::warning(area, warning.message()));
        }
    }
}
