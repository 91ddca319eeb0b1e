//! What this program lives on, and the messengers whose grants overlap with it or
//! with each other's.

use std::path::Path;

use super::components::{Messenger, Unusable, not_started};
use caso_config::Config;
use caso_model::notice::Notice;
use caso_sandbox::{Claim, Grant, Territory, same_place};
use caso_state::Spool;

/// Those that may run, and those whose grants lie in somebody's way. Before any of
/// them runs: a guest could move what is compared.
pub fn parted(config: &Config, messengers: Vec<Messenger>) -> (Vec<Messenger>, Vec<Unusable>) {
    let territory = territory(config, &messengers);
    let claims: Vec<Claim<'_>> = messengers
        .iter()
        .map(|messenger| Claim {
            granted: &messenger.setup.granted,
            builtin: messenger.component.builtin,
        })
        .collect();
    let mut overlaps = territory.overlaps(&claims);
    // What comes with the host writes where the site says, but among what the host itself lives on.
    let spool = spool(config);
    for (messenger, overlap) in messengers.iter().zip(&mut overlaps) {
        if messenger.component.builtin {
            let claim = Claim {
                granted: &messenger.setup.granted,
                builtin: false,
            };
            *overlap = spool.overlaps(&[claim]).pop().flatten();
        }
    }
    let mut usable = Vec::new();
    let mut unusable = Vec::new();
    for (messenger, overlap) in messengers.into_iter().zip(overlaps) {
        match overlap {
            None => usable.push(messenger),
            Some(overlap) => unusable.push(Unusable {
                failure: not_started(&messenger.name, &overlap.into()),
                name: messenger.name,
            }),
        }
    }
    (usable, unusable)
}

/// Messengers that write the same records into one queue: each of them is allowed to, and whoever takes
/// messages there would get the records twice.
pub fn twice(config: &Config, messengers: &[Messenger]) -> Vec<Notice> {
    let instance = |name: &str| {
        let mut instances = config.messengers.iter();
        instances
            .find(|it| it.name() == name)
            .map(|it| &it.component)
    };
    let mut notices = Vec::new();
    for (at, one) in messengers.iter().enumerate() {
        for other in messengers.iter().skip(at + 1) {
            let (Some(queue), true) = (shared_queue(one, other), share_records(one, other)) else {
                continue;
            };
            let text = (
                format!(
                    "messengers `{}` and `{}` write the same records into `{}`: who takes them there gets each twice",
                    one.name,
                    other.name,
                    queue.display()
                ),
                match (instance(&one.name), instance(&other.name)) {
                    (Some(one), Some(it)) if one.section != it.section => format!(
                        "set another folder in [{}], or part them by `record_types` in [{}]",
                        it.section, it.host_section
                    ),
                    // A former name has no folder of its own.
                    (_, Some(it)) => format!(
                        "take one of them out of `messengers`, or part them by `record_types` in [{}]",
                        it.host_section
                    ),
                    (_, None) => "take one of them out of `messengers`".to_owned(),
                },
            );
            let key = format!("written-twice:{}:{}", one.name, other.name);
            notices.push(Notice::warning(key, text));
        }
    }
    notices
}

fn queues(messenger: &Messenger) -> impl Iterator<Item = &Path> {
    let grants = messenger.setup.granted.grants.values();
    grants.filter_map(|grant| match grant {
        Grant::Queue(terms) => Some(terms.path.as_path()),
        _ => None,
    })
}

fn shared_queue<'a>(one: &'a Messenger, other: &Messenger) -> Option<&'a Path> {
    queues(one).find(|queue| queues(other).any(|it| same_place(it, queue)))
}

/// None takes all.
fn share_records(one: &Messenger, other: &Messenger) -> bool {
    match (&one.record_types, &other.record_types) {
        (Some(one), Some(other)) => one.iter().any(|kind| other.contains(kind)),
        (Some(types), None) | (None, Some(types)) => !types.is_empty(),
        (None, None) => true,
    }
}

/// The spool itself, and its parts: a folder of its own beside them is nobody's.
fn spool(config: &Config) -> Territory {
    let mut territory = Territory::default();
    let folder = std::path::absolute(&config.spooldir);
    let folder = folder.unwrap_or_else(|_| config.spooldir.clone());
    territory.file("`spooldir`", &folder);
    for part in Spool::parts(&folder) {
        territory.folder("a part of `spooldir`", &part);
    }
    territory
}

/// Where programs lie that others start, and where it is said what is started.
const RUN_BY_THE_SYSTEM: [&str; 34] = [
    "/boot",
    "/etc/NetworkManager",
    "/etc/alternatives",
    "/etc/apt",
    "/etc/cron.d",
    "/etc/cron.daily",
    "/etc/cron.hourly",
    "/etc/cron.monthly",
    "/etc/cron.weekly",
    "/etc/default",
    "/etc/init.d",
    "/etc/ld.so.conf.d",
    "/etc/logrotate.d",
    "/etc/modprobe.d",
    "/etc/pam.d",
    "/etc/profile.d",
    "/etc/ssh",
    "/etc/sudoers.d",
    "/etc/sysctl.d",
    "/etc/systemd",
    "/etc/udev",
    "/etc/yum.repos.d",
    "/root/.ssh",
    "/usr/bin",
    "/usr/lib",
    "/usr/lib64",
    "/usr/libexec",
    "/usr/local/bin",
    "/usr/local/lib",
    "/usr/local/sbin",
    "/usr/sbin",
    "/var/lib/dpkg",
    "/var/lib/rpm",
    "/var/spool/cron",
];

fn territory(config: &Config, messengers: &[Messenger]) -> Territory {
    let mut territory = Territory::default();
    // Who could write there would run with rights that no grant gives. What came with the program is not compared.
    if messengers.iter().any(|it| !it.component.builtin) {
        if let Ok(program) = std::env::current_exe() {
            territory.file("this program", &program);
        }
        for folder in RUN_BY_THE_SYSTEM {
            territory.folder("the system runs what lies there", Path::new(folder));
        }
    }
    for place in config.own_places() {
        match place.alone {
            true => territory.folder(place.what.as_str(), &place.path),
            false => territory.file(place.what.as_str(), &place.path),
        }
    }
    // What is read for a grant: who could write there would choose whom we trust.
    for messenger in messengers {
        for grant in messenger.setup.granted.grants.values() {
            let files: Vec<_> = match grant {
                Grant::Connection(terms) => terms.trust.files().collect(),
                Grant::Http(terms) => terms.trust.files().collect(),
                Grant::Signature(terms) => terms.files().collect(),
                Grant::Queue(_) | Grant::Directory(_) | Grant::Address(_) => continue,
            };
            for file in files {
                let what = format!("certificates or a key of messenger `{}`", messenger.name);
                territory.file(what, file);
            }
        }
    }
    territory
}
