//! What the engine lives on: every file and folder that it reads or writes by its
//! configuration, so that nobody else is granted one of them.
//!
//! From the table itself: each option that is a path is one, and so is each place
//! where a configuration is looked for, whether or not it is there today. Who could
//! make `~/caso.conf` would be obeyed tomorrow.

use std::fmt;
use std::path::{Path, PathBuf};

use super::load::Inputs;
use super::types::Config;

/// A place of the engine's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnPlace {
    /// Where it is.
    pub path: PathBuf,
    /// In words, for a refusal.
    pub what: String,
    /// Whether everything in it is the engine's. Otherwise it is a file, or a folder
    /// that it shares with others.
    pub alone: bool,
}

impl OwnPlace {
    fn shared(path: &Path, what: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            what: what.into(),
            alone: false,
        }
    }

    fn alone(path: &Path, what: impl Into<String>) -> Self {
        Self {
            alone: true,
            ..Self::shared(path, what)
        }
    }
}

/// All of them. `Debug` shows none: where a file lies is nothing that a run is like.
#[derive(Clone, Default)]
pub struct OwnPlaces(Vec<OwnPlace>);

impl fmt::Debug for OwnPlaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwnPlaces")
    }
}

impl Config {
    /// What the engine lives on; see the module.
    pub fn own_places(&self) -> &[OwnPlace] {
        &self.places.0
    }
}

/// All of them; `paths` are the options that are paths, with their names.
pub(super) fn all(config: &Config, inputs: &Inputs, paths: Vec<(String, String)>) -> OwnPlaces {
    let mut all = vec![
        OwnPlace::alone(&config.spooldir, "`spooldir`"),
        OwnPlace::shared(&config.lock_path, "`lock_path`"),
    ];
    let caches = config.cache_dirs.iter();
    all.extend(caches.map(|folder| OwnPlace::alone(folder, "the cache of compiled components")));
    for file in &config.files {
        all.push(OwnPlace::shared(file, "the configuration"));
    }
    for folder in &config.folders {
        all.push(OwnPlace::alone(folder, "the configuration"));
    }
    for (path, folder) in inputs.places.candidates(inputs.program) {
        let what = "a place of the configuration";
        all.push(match folder {
            true => OwnPlace::alone(&path, what),
            false => OwnPlace::shared(&path, what),
        });
    }
    let log = config.logging.file.iter();
    all.extend(log.map(|file| OwnPlace::shared(file, "the log file")));
    let components = config.messengers.iter().flat_map(|messenger| {
        let filters = messenger.filters.iter();
        filters.chain([&messenger.component])
    });
    for component in components.chain([&config.mapper]) {
        if let Some(file) = component.source.file() {
            let what = format!("the component of `{}`", component.name);
            all.push(OwnPlace::shared(file, what));
        }
    }
    for (name, text) in paths {
        all.push(OwnPlace::shared(
            &inputs.places.expand(Path::new(&text)),
            name,
        ));
    }
    for place in &mut all {
        place.path = std::path::absolute(&place.path).unwrap_or_else(|_| place.path.clone());
    }
    OwnPlaces(all)
}

#[cfg(test)]
mod tests {
    use crate::tests::Site;

    #[test]
    fn every_path_of_the_configuration_is_a_place_of_the_engines() {
        let site = Site::new(
            "[DEFAULT]\nspooldir = /s\nlock_path = /l\nlog_file = caso.log\nlog_dir = /log\n\
             mapping_file = /m.json\nmapper = /map.wasm\nmessengers = mine\n\
             [messenger_mine]\ncomponent = /mine.wasm\n[keystone_auth]\nauth_type = v3password\n\
             auth_url = https://k\nuser_id = u\npassword = p\ncafile = /ca\n\
             certfile = /cert\nkeyfile = /key\n[prometheus]\nprometheus_cafile = /pca\n",
        );
        let config = site.load();
        let places = config.own_places();
        let is = |path: &str, alone: bool| {
            let path = std::path::Path::new(path);
            places
                .iter()
                .any(|place| place.path == path && place.alone == alone)
        };
        for (path, alone) in [
            ("/s", true),
            ("/s/cache", true),
            ("/var/cache/caso", true),
            ("/l", false),
            ("/log", false),
            ("/log/caso.log", false),
            ("/m.json", false),
            ("/map.wasm", false),
            ("/mine.wasm", false),
            ("/ca", false),
            ("/cert", false),
            ("/key", false),
        ] {
            assert!(is(path, alone), "{path}: {places:?}");
        }
        let root = site.folder.path().display();
        for (path, alone) in [
            (format!("{root}/etc/caso/caso.conf"), false),
            (format!("{root}/etc/caso.conf"), false),
            (format!("{root}/etc/caso/caso.toml"), false),
            (format!("{root}/etc/caso/caso.conf.d"), true),
            (format!("{root}/etc/caso-extract.conf"), false),
        ] {
            assert!(is(&path, alone), "{path}: {places:?}");
        }
    }
}
