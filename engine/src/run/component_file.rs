//! What is odd about the file of a component: that others could have written it.
//!
//! Whoever may write the file, or put another in its place, is who runs as a component
//! tomorrow, with all that it is granted. A pin (`sha256`) holds whatever becomes of the
//! file, so that nothing is said of one that is pinned.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use caso_config::ComponentInstance;
use caso_model::notice::Notice;

/// So the key of a notice begins that a component of the site's takes the place of one in the
/// program: it holds in each run until somebody renames the one or the other.
pub const REPLACES: &str = "replaces-builtin:";

/// What is to be said of it.
pub fn remarks(instance: &ComponentInstance) -> Vec<Notice> {
    replaces(instance)
        .into_iter()
        .chain(of_the_file(instance))
        .collect()
}

/// A warning of a component that has the name of one in the program, and so gets all that was
/// meant for it. Who pasted what a component calls itself would not know.
fn replaces(instance: &ComponentInstance) -> Option<Notice> {
    let path = instance.source.file()?;
    let (name, section) = (&instance.name, &instance.host_section);
    let messengers = caso_builtin::messengers();
    let (role, option) = match section.split_once('_')? {
        ("messenger", _) if messengers.contains(name) => ("messenger", "messengers"),
        ("filter", _) if caso_builtin::FILTERS.contains(&name.as_str()) => ("filter", "filters"),
        _ => return None,
    };
    let text = format!(
        "[{section}] `component`: `{}` takes the place of the built-in {role} `{name}`, which gets nothing",
        path.display()
    );
    let hint = format!(
        "call it `my_{name}` in `{option}`, with [{role}_my_{name}] and [my_{name}], or take `component` out"
    );
    Some(Notice::warning(format!("{REPLACES}{name}"), (text, hint)))
}

/// A warning of a file that others may write; a word about one that is not pinned.
fn of_the_file(instance: &ComponentInstance) -> Option<Notice> {
    let path = instance.source.file()?;
    if instance.sha256.is_some() {
        return None;
    }
    let name = &instance.name;
    let section = &instance.host_section;
    let pin = format!("pin it with `sha256` in [{section}]");
    let shown = path.display();
    Some(
        match open_to_others(path, nix::unistd::geteuid().as_raw()) {
            Some(place) => Notice::warning(
                format!("component-open:{name}"),
                (
                    format!(
                        "component file `{shown}` can be changed by others, who may write `{place}`"
                    ),
                    format!("{pin}, or close it"),
                ),
            ),
            None => Notice::info(
                format!("component-unpinned:{name}"),
                (format!("component file `{shown}` is not pinned"), pin),
            ),
        },
    )
}

/// The file, or the folder above it, that somebody else may write; none where there is
/// none. One that is not there is for who reads it.
fn open_to_others(path: &Path, uid: u32) -> Option<String> {
    let real = path.canonicalize().ok()?;
    real.ancestors().find_map(|place| {
        let meta = std::fs::symlink_metadata(place).ok()?;
        let others_may_write = meta.mode() & 0o022 != 0;
        // In a folder like /tmp everybody may write, but nobody rename what is not theirs.
        let sticky = meta.is_dir() && meta.mode() & 0o1000 != 0;
        let somebody_elses = meta.uid() != uid && meta.uid() != 0;
        (others_may_write && !sticky || somebody_elses).then(|| place.display().to_string())
    })
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::run::commands::component::trial::{self, Used};

    /// All its records went to that file, and the run said nothing of it.
    #[test]
    fn one_in_the_place_of_what_is_in_the_program_is_warned_of() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mine.wasm");
        let used = Used::bare(&file);
        let said = |instance: &ComponentInstance| {
            let said = remarks(instance);
            let said = said.into_iter().filter(|it| it.key.starts_with(REPLACES));
            said.map(|it| it.to_string()).collect::<Vec<_>>()
        };
        for name in caso_builtin::messengers() {
            let config = trial::config(&name, used, &[], folder.path()).unwrap();
            let said = said(&config.messengers[0].component);
            let [said] = &said[..] else {
                panic!("{name}: {said:?}");
            };
            assert!(said.contains(&format!(
                "takes the place of the built-in messenger `{name}`"
            )));
            assert!(said.contains(&format!("[messenger_my_{name}]")), "{said}");
        }
        let config = trial::of_a_filter("anonymise", used, folder.path()).unwrap();
        assert_eq!(said(&config.messengers[0].filters[0]).len(), 1);
        let config = trial::config("mine", used, &[], folder.path()).unwrap();
        assert_eq!(said(&config.messengers[0].component), Vec::<String>::new());
    }

    /// a29 of the sandbox's review.
    #[test]
    fn a_file_that_others_may_write_is_named_and_so_is_a_folder_above_it() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("lib");
        let file = inner.join("x.wasm");
        fs::create_dir(&inner).unwrap();
        fs::write(&file, "").unwrap();
        let mode = |path: &Path, mode| {
            fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        };
        let uid = nix::unistd::geteuid().as_raw();
        let found = || open_to_others(&file, uid);
        let named = |path: &Path| Some(path.canonicalize().unwrap().display().to_string());
        mode(&file, 0o644);
        mode(&inner, 0o755);
        assert_eq!(found(), None);
        mode(&file, 0o666);
        assert_eq!(found(), named(&file));
        mode(&file, 0o644);
        mode(&inner, 0o777);
        assert_eq!(found(), named(&inner));
        mode(&inner, 0o1777);
        assert_eq!(found(), None);
        // Through a link: what counts is where it leads.
        mode(&inner, 0o777);
        let link = folder.path().join("link.wasm");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert_eq!(open_to_others(&link, uid), named(&inner));
        assert_eq!(open_to_others(&folder.path().join("gone"), uid), None);
    }
}
