//! Which versions of the contract there are, and words for those that do not fit.
//!
//! Within a major version what differs is matched by the linker: a component of
//! 1.0 runs on a host of any 1.x, and one of 1.1 on a host of 1.0 as long as it
//! imports nothing that 1.0 does not have.

use std::fmt;

/// A major version of the contract that this host speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Major {
    V1,
}

/// The versions that this host speaks, the newest last: the one it has of each
/// major version.
pub const VERSIONS: &[(Major, Version)] = &[(
    Major::V1,
    Version {
        major: 1,
        minor: 0,
        patch: 0,
    },
)];

/// Of the contract, as in `caso:accounting/delivery@1.0.0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    major: u64,
    minor: u64,
    patch: u64,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            major,
            minor,
            patch,
        } = self;
        write!(f, "{major}.{minor}.{patch}")
    }
}

impl Version {
    /// Of three numbers. One with anything behind them (`1.0.0-rc`) is none, as it is
    /// to the linker.
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.').map(|part| part.parse().ok());
        let version = Self {
            major: parts.next()??,
            minor: parts.next()??,
            patch: parts.next()??,
        };
        parts.next().is_none().then_some(version)
    }

    /// The version in the name of one of the contract's interfaces.
    fn of_import(name: &str) -> Option<Self> {
        let (interface, version) = name.split_once('@')?;
        interface
            .starts_with("caso:accounting/")
            .then(|| Self::parse(version))?
    }

    /// The major version, if this host speaks it.
    pub fn spoken(self) -> Option<Major> {
        VERSIONS
            .iter()
            .find(|(_, ours)| ours.major == self.major)
            .map(|(major, _)| *major)
    }
}

/// The version in which a component exports an interface, among those that this
/// host speaks the newest; the error is one that it does not speak, as it is
/// written. `None` where it does not export the interface at all.
pub fn exported(exports: &[String], interface: &str) -> Option<Result<Major, String>> {
    let versions: Vec<&str> = exports
        .iter()
        .filter_map(|export| export.strip_prefix(interface)?.strip_prefix('@'))
        .collect();
    let spoken = versions
        .iter()
        .filter_map(|version| Version::parse(version))
        .filter_map(|version| Some((version, version.spoken()?)))
        .max_by_key(|(version, _)| *version);
    match spoken {
        Some((_, major)) => Some(Ok(major)),
        None => versions.first().map(|version| Err((*version).to_owned())),
    }
}

/// The versions of the contract that this host speaks, the newest of each major version.
pub fn spoken_versions() -> Vec<String> {
    let versions = VERSIONS.iter();
    versions.map(|(_, version)| version.to_string()).collect()
}

/// The newest version of the contract in these names: what a component was built for.
/// Empty where no name is the contract's.
pub fn built_for(names: &[String]) -> String {
    let newest = names
        .iter()
        .filter_map(|name| Version::of_import(name))
        .max();
    newest
        .map(|version| version.to_string())
        .unwrap_or_default()
}

/// Whether this host speaks the version that stands in an interface's name.
pub fn speaks(version: &str) -> bool {
    Version::parse(version).is_some_and(|version| version.spoken().is_some())
}

/// Says that a component of this version is not for this host, and the way out.
pub fn not_spoken(version: &str) -> String {
    let ours = spoken_versions().join(" and ");
    let older = Version::parse(version)
        .zip(VERSIONS.first())
        .is_some_and(|(version, (_, oldest))| version < *oldest);
    let way_out = match older {
        true => "build the component against that",
        false => "update the engine, or build the component against that",
    };
    format!("it is built for version {version} of the contract, this engine has {ours}: {way_out}")
}

/// The same of one of a version that this host speaks in an older form. Nothing
/// where no name of the contract's is newer than what the host has.
pub fn newer(names: &[String]) -> Option<String> {
    let newest = names
        .iter()
        .filter_map(|name| Version::of_import(name))
        .max()?;
    let ours = VERSIONS
        .iter()
        .find(|(_, ours)| ours.major == newest.major)
        .map(|(_, ours)| *ours)?;
    // A patch changes texts alone.
    (newest.minor > ours.minor).then(|| not_spoken(&newest.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELIVERY: &str = "caso:accounting/delivery";

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn what_it_was_built_for_is_the_newest_of_its_names() {
        let built = |these: &[&str]| built_for(&names(these));
        assert_eq!(
            built(&["caso:accounting/log@1.0.0", DELIVERY, "wasi:io/poll@2.0.0"]),
            "1.0.0"
        );
        assert_eq!(
            built(&[
                "caso:accounting/log@1.0.0",
                "caso:accounting/delivery@1.10.0"
            ]),
            "1.10.0"
        );
        assert_eq!(built(&["wasi:io/poll@0.2.0"]), "");
    }

    #[test]
    fn the_version_that_both_sides_speak_is_taken() {
        for (exports, found) in [
            (&["caso:accounting/delivery@1.0.0"][..], Some(Ok(Major::V1))),
            (&["caso:accounting/delivery@1.7.3"], Some(Ok(Major::V1))),
            (
                &[
                    "caso:accounting/delivery@2.0.0",
                    "caso:accounting/delivery@1.0.0",
                ],
                Some(Ok(Major::V1)),
            ),
            (
                &["caso:accounting/delivery@2.0.0"],
                Some(Err("2.0.0".to_owned())),
            ),
            (
                &["caso:accounting/delivery@10.0.0"],
                Some(Err("10.0.0".to_owned())),
            ),
            (
                &["caso:accounting/delivery@1.0.0-rc1"],
                Some(Err("1.0.0-rc1".to_owned())),
            ),
            (&["caso:accounting/delivery"], None),
            (&["caso:accounting/mapping@1.0.0", "exports"], None),
        ] {
            assert_eq!(exported(&names(exports), DELIVERY), found, "{exports:?}");
        }
    }

    #[test]
    fn words_name_both_versions_and_the_way_out() {
        assert_eq!(
            not_spoken("2.0.0"),
            "it is built for version 2.0.0 of the contract, this engine has 1.0.0: update the \
             engine, or build the component against that"
        );
        assert_eq!(
            not_spoken("0.9.0"),
            "it is built for version 0.9.0 of the contract, this engine has 1.0.0: build the \
             component against that"
        );
    }

    #[test]
    fn only_a_later_minor_version_is_newer() {
        let newer = |name: &str| newer(&names(&["wasi:io/poll@0.2.6", name]));
        assert_eq!(newer("caso:accounting/queue@1.0.0"), None);
        assert_eq!(newer("caso:accounting/queue@1.0.9"), None);
        assert_eq!(newer("wasi:cli/exit@1.5.0"), None);
        let words = newer("caso:accounting/queue@1.1.0").unwrap();
        assert!(
            words.starts_with("it is built for version 1.1.0"),
            "{words}"
        );
    }
}
