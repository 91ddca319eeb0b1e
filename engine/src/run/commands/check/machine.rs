//! What lies on this machine: spool, lock, queues, mapping file.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use nix::unistd::{Uid, User};

use super::finding::{Area, Finding, Findings};
use crate::run::commands::status::{Status, UNTAKEN};
use crate::run::remedy;
use crate::run::summary::words::{count, records, size, span};
use caso_config::Config;
use caso_disk::Disk;
use caso_extract::projects::VoMapping;
use caso_model::notice::Notices;
use caso_sandbox::RunLimits;
use caso_state::{Lock, Spool};

/// Whether it can be written, by whom, and how much room there is.
pub fn spool(config: &Config, findings: &mut Findings) {
    let folder = &config.spooldir;
    if let Err(error) = Spool::check(folder) {
        return findings.add(Finding::failed(Area::Spool, error.to_string()));
    }
    let shown = folder.display();
    let Ok(found) = fs::metadata(folder) else {
        let text = format!("`{shown}` is not there yet; the first run makes it");
        return findings.add(Finding::ok(Area::Spool, text));
    };
    let left = Disk::default().left(folder);
    let text = format!("`{shown}`, {} free", size(left.bytes));
    // Below that no queue on it takes anything.
    match left.bytes < RunLimits::default().floor(left.of) {
        true => findings.add(
            Finding::failed(Area::Spool, text).hint("free some room on its filesystem".to_owned()),
        ),
        false => findings.add(Finding::ok(Area::Spool, text)),
    }
    // Root may write everywhere, and so hides what its owner cannot do.
    let owner = Uid::from_raw(found.uid());
    if Uid::effective().is_root() && !owner.is_root() {
        let name = User::from_uid(owner).ok().flatten();
        let name = name.map_or_else(|| owner.to_string(), |user| user.name);
        let text = format!(
            "it belongs to `{name}`, and this is root, who may write everywhere: what `{name}` cannot do is not \
             seen here"
        );
        let hint = format!("sudo -u {name} caso check");
        findings.add(Finding::warning(Area::Spool, text).hint(hint));
    }
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
pub fn queues(config: &Config, now: i64, findings: &mut Findings) {
    let status = match Status::read(config, now) {
        Ok(status) => status,
        Err(error) => {
            return findings.add(Finding::failed(
                Area::Spool,
                remedy::message(error.as_ref()),
            ));
        }
    };
    for queue in &status.queues {
        let name = &queue.messenger;
        let mut well = true;
        let waiting = format!("{} wait", records(queue.waiting));
        if queue.waiting > 0 && !queue.configured {
            well = false;
            let text = format!("{waiting} for it, and it is not in `messengers`");
            let hint = format!("put it back, or caso queue drop {name}");
            findings.add(Finding::warning(Area::Queue, text).of(name).hint(hint));
        } else if let (1.., Some(stopped)) = (queue.waiting, &queue.stopped) {
            well = false;
            let text = format!("{waiting}; the last run stopped: {stopped}");
            let hint = format!("caso queue show {name}");
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
                let hint = "projects with the property in Keystone do without it".to_owned();
                findings.add(Finding::warning(area, error.to_string()).hint(hint));
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
