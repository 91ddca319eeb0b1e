//! What this program lives on, and the messengers whose grants overlap with it or
//! with each other's.

use super::components::{Messenger, Unusable, not_started};
use caso_config::Config;
use caso_sandbox::{Claim, Grant, Territory};

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
    let overlaps = territory.overlaps(&claims);
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

fn territory(config: &Config, messengers: &[Messenger]) -> Territory {
    let mut territory = Territory::default();
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
