//! The messengers: admitted, configured, started, and each of their ways tried without sending
//! anything.

use std::path::Path;
use std::sync::Arc;

use url::Url;

use super::finding::{Area, Finding, Findings};
use crate::run::commands::status::is_full;
use crate::run::components::{Components, Messenger};
use crate::run::remedy;
use crate::run::summary::words::{size, to};
use caso_config::{ComponentSource, Config};
use caso_disk::{Disk, Left};
use caso_sandbox::{
    ConnectionTerms, Grant, HttpTerms, Limits, MessengerSetup, Redirect, Sink, TlsTerms,
};
use caso_signature::Signer;

/// A line for each messenger, and one for each of its ways that does not work.
pub async fn messengers(
    config: &Config,
    loaded: &Components,
    now: i64,
    offline: bool,
    findings: &mut Findings,
) {
    for unusable in &loaded.unusable {
        let finding = Finding::failed(Area::Messenger, unusable.failure.detail.as_str());
        findings.add(finding.of(&unusable.name));
    }
    let mut without_queue = 0;
    for messenger in &loaded.messengers {
        // As a run tries them, before it asks anybody.
        let mut queues = messenger.queues();
        without_queue += usize::from(queues.any(|queue| writable(queue).is_err()));
        let mut wrong = Vec::new();
        if let Err(reason) = starts(messenger).await {
            wrong.push(reason);
        }
        for grant in messenger.setup.granted.grants.values() {
            match way(messenger, grant, now, offline).await {
                Ok(warnings) => {
                    for warning in warnings {
                        let finding = Finding::warning(Area::Messenger, warning);
                        findings.add(finding.of(&messenger.name));
                    }
                }
                Err(reason) => wrong.push(reason),
            }
        }
        if wrong.is_empty() {
            let text = format!(
                "{}{}",
                component(config, messenger),
                to(&messenger.destinations())
            );
            findings.add(Finding::ok(Area::Messenger, text).of(&messenger.name));
        }
        for reason in wrong {
            // A run that could deliver nothing to anybody extracts nothing.
            let hint = match loaded.messengers.len() {
                1 => "nothing is extracted, or what is waits in the spool, until it works",
                _ => "its records wait in the spool until it works",
            }
            .to_owned();
            let finding = Finding::failed(Area::Messenger, reason).of(&messenger.name);
            findings.add(finding.hint(hint));
        }
    }
    if without_queue > 0 && without_queue == loaded.messengers.len() {
        findings.stops();
    }
}

/// Its component, and how it is known to be the right one.
fn component(config: &Config, messenger: &Messenger) -> String {
    let mut instances = config.messengers.iter();
    let instance = instances.find(|instance| instance.name() == messenger.name);
    let component = &messenger.component;
    let from = match instance.map(|it| (&it.component.source, &it.component.sha256)) {
        Some((ComponentSource::File(path), Some(_))) => {
            format!("`{}`, as pinned", path.display())
        }
        Some((ComponentSource::File(path), None)) => format!("`{}`, not pinned", path.display()),
        Some((ComponentSource::BuiltIn(_), _)) | None => "built in".to_owned(),
    };
    format!("{} {} ({from})", component.name, component.version)
}

/// Whether it takes its options. What it would say while it starts goes nowhere.
async fn starts(messenger: &Messenger) -> Result<(), String> {
    let mut starter = messenger.starter();
    let nowhere: Sink = Arc::new(|_, _| Ok(()));
    starter.redirected(Redirect {
        queues: Some(nowhere.clone()),
        connections: Some(nowhere.clone()),
        signatures: Some(nowhere.clone()),
        requests: Some(nowhere),
    });
    let started = starter.start().await;
    started.map(drop).map_err(|failure| failure.detail)
}

/// What works, with what is to be warned of.
async fn way(
    messenger: &Messenger,
    grant: &Grant,
    now: i64,
    offline: bool,
) -> Result<Vec<String>, String> {
    let works = match grant {
        Grant::Signature(terms) => {
            let signer = Signer::read(&terms.files).map_err(|error| remedy::line(&error))?;
            return signer.check(now).map_err(|error| remedy::line(&error));
        }
        Grant::Queue(terms) => writable(&terms.path).and_then(|()| room(&terms.path)),
        Grant::Directory(terms) if terms.write => {
            writable(&terms.path).and_then(|()| room(&terms.path))
        }
        Grant::Directory(terms) => match terms.path.is_dir() {
            true => Ok(()),
            false => Err(format!("`{}` is not a folder", terms.path.display())),
        },
        Grant::Connection(_) | Grant::Http(_) | Grant::Address(_) if offline => Ok(()),
        Grant::Connection(terms) => connects(messenger, terms).await,
        Grant::Http(terms) => match direct(messenger, terms)? {
            Some(terms) => connects(messenger, &terms).await,
            // The proxy would answer for it.
            None => Ok(()),
        },
        Grant::Address(terms) => {
            let terms = ConnectionTerms {
                endpoint: terms.endpoint.clone(),
                tls: false,
                trust: TlsTerms::default(),
                reach: terms.reach,
            };
            connects(messenger, &terms).await
        }
    };
    works.map(|()| Vec::new())
}

/// Whether its filesystem takes anything yet, by the rule of the sandbox.
fn room(folder: &Path) -> Result<(), String> {
    room_of(folder, &Disk::default().left(folder))
}

fn room_of(folder: &Path, left: &Left) -> Result<(), String> {
    match is_full(left) {
        true => Err(format!(
            "`{}`: its filesystem has {} free, which is kept for others: free some room there",
            folder.display(),
            size(left.bytes)
        )),
        false => Ok(()),
    }
}

fn writable(path: &Path) -> Result<(), String> {
    caso_state::check_folder(path).map_err(|error| remedy::line(&error))
}

async fn connects(messenger: &Messenger, terms: &ConnectionTerms) -> Result<(), String> {
    let MessengerSetup {
        granted, network, ..
    } = &messenger.setup;
    caso_sandbox::try_connection(terms, granted, &network.certificates, &Limits::default()).await
}

/// The connection that requests to an origin go over; none where they go through a proxy.
fn direct(messenger: &Messenger, terms: &HttpTerms) -> Result<Option<ConnectionTerms>, String> {
    let HttpTerms {
        origin,
        trust,
        reach,
    } = terms;
    let bad = |why: String| format!("`{origin}`: {why}");
    let url = Url::parse(origin).map_err(|error| bad(error.to_string()))?;
    if messenger.setup.network.proxies.proxy_for(&url).is_some() {
        return Ok(None);
    }
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or_default();
    let endpoint = format!("{host}:{port}");
    Ok(Some(ConnectionTerms {
        endpoint: endpoint.parse().map_err(|error| bad(format!("{error}")))?,
        tls: url.scheme() == "https",
        trust: trust.clone(),
        reach: *reach,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_whose_disk_is_full_takes_nothing() {
        let left = |bytes| Left {
            bytes,
            of: 1 << 40,
            files: None,
            read_only: false,
        };
        let queue = Path::new("/queue");
        assert_eq!(room_of(queue, &left(1 << 30)), Ok(()));
        let full = room_of(queue, &left(1 << 20)).unwrap_err();
        assert!(
            full.starts_with("`/queue`: its filesystem has 1.0 MiB free"),
            "{full}"
        );
    }
}
