//! A configuration file that cannot be read: whose it is and who we are, and the command that opens it. A file with a
//! password is often of root alone, while cASO runs as a user of its own.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use caso_base::{rights, shell_word};
use nix::unistd::{Gid, Group, Uid};

use super::error::ConfigError;

/// The error for it.
pub(super) fn unreadable(path: &Path, error: &io::Error) -> ConfigError {
    let (reason, hint) = match error.kind() {
        io::ErrorKind::PermissionDenied => denied(path, error),
        io::ErrorKind::NotFound => dangling(path),
        _ => None,
    }
    .unwrap_or_else(|| {
        let hint = "check the path and its rights; `caso init` writes a first one";
        (error.to_string(), hint.to_owned())
    });
    ConfigError::Unreadable {
        path: path.to_owned(),
        reason,
        hint,
    }
}

/// None where the file cannot even be looked at: then a folder above it is closed.
fn denied(path: &Path, error: &io::Error) -> Option<(String, String)> {
    let found = fs::metadata(path).ok()?;
    Some((
        format!(
            "it belongs to `{}` with mode {:04o}, and this runs as `{}` ({error})",
            rights::user_name(Uid::from_raw(found.uid())),
            found.mode() & 0o7777,
            rights::us()
        ),
        way_to_read(path),
    ))
}

/// What to do about a file whose mode keeps us from it.
pub(super) fn way_to_read(path: &Path) -> String {
    rights::way_out(path, rights::READ).unwrap_or_else(|| {
        let group = Group::from_gid(Gid::effective()).ok().flatten();
        let group = group.map_or_else(|| Gid::effective().to_string(), |group| group.name);
        let path = path.display().to_string();
        let path = shell_word(&path);
        format!("as root: chgrp {group} {path} && chmod g+r {path}")
    })
}

fn dangling(path: &Path) -> Option<(String, String)> {
    let target = fs::read_link(path).ok()?;
    Some((
        format!(
            "it is a symbolic link to `{}`, which is not there",
            target.display()
        ),
        "put the file there, or let the link lead to it".to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_the_way_is_named_with_the_way_out() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("caso.conf");
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let told = |path: &Path, kind: io::ErrorKind| {
            let error = unreadable(path, &io::Error::from(kind));
            (error.to_string(), error.hint().unwrap())
        };
        let (text, hint) = told(&path, io::ErrorKind::PermissionDenied);
        assert!(
            text.contains("` with mode 0600, and this runs as `"),
            "{text}"
        );
        // It is ours, and its mode lets us.
        assert!(hint.contains("SELinux"), "{hint}");

        let link = dir.path().join("link.conf");
        std::os::unix::fs::symlink("/nowhere/caso.conf", &link).unwrap();
        let (text, hint) = told(&link, io::ErrorKind::NotFound);
        assert!(
            text.ends_with("a symbolic link to `/nowhere/caso.conf`, which is not there"),
            "{text}"
        );
        assert!(hint.contains("the link"), "{hint}");
        let (_, hint) = told(&dir.path().join("none"), io::ErrorKind::NotFound);
        assert!(hint.starts_with("check the path"), "{hint}");
    }
}
