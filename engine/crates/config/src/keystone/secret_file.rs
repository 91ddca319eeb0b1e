//! A secret from the file itself, or from one of its own: a `caso.conf` that
//! many may read, or that is kept in a repository, then holds none. A file of
//! its own is also how other programs renew it (an agent's access token), and
//! how systemd and secret stores hand secrets over.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::section::Section;
use crate::table::Row;
use crate::unreadable::way_to_read;
use caso_base::Message;
use caso_base::rights::{self, Denied};
use caso_model::notice::Notice;
use caso_model::secret::Secret;

/// The secret, if either option is set; both is an error.
pub fn read(
    section: &mut Section<'_, '_>,
    row: &Row<Option<Secret>>,
    file: &Row<Option<PathBuf>>,
    warnings: &mut Vec<Notice>,
) -> Option<Secret> {
    let written = section.get(row);
    let Some(path) = section.get(file) else {
        return written;
    };
    if written.is_some() {
        return section.refuse(
            file,
            (format!("`{}` is set too", row.name), "keep one of them"),
        );
    }
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => {
            let what = Message::from(format!("cannot read `{}`: {error}", path.display()));
            let hint = unreadable(&path, &error, row.name);
            return section.refuse(file, what.hint(hint));
        }
    };
    let secret = text.trim_end_matches(['\n', '\r']);
    if secret.is_empty() {
        let what = format!("`{}` is empty", path.display());
        return section.refuse(file, (what, "write the secret into it, as its one line"));
    }
    if open_to_all(&path) {
        let text = (
            format!(
                "`[{}] {}`: anybody on this machine can read the secret in `{}`",
                section.name,
                file.name,
                path.display()
            ),
            "remove that right with `chmod o-r`",
        );
        warnings.push(Notice::warning(
            format!(
                "open-secret:{}.{}:{}",
                section.name,
                file.name,
                path.display()
            ),
            text,
        ));
    }
    Some(Secret::new(secret))
}

/// What to do about a file that cannot be read.
fn unreadable(path: &Path, error: &io::Error, option: &str) -> Option<String> {
    if let Some(denied) = Denied::of(path, error) {
        return Some(match denied.at == path {
            true => way_to_read(path),
            false => format!("{denied}: have it let through there, or keep the file elsewhere"),
        });
    }
    match error.kind() {
        io::ErrorKind::NotFound => Some(format!(
            "write the secret into that file, readable by `{}` alone, or correct the path, or set `{option}` instead",
            rights::us()
        )),
        io::ErrorKind::IsADirectory => Some("name the file in it that holds the secret".to_owned()),
        io::ErrorKind::InvalidData => {
            Some("it is not UTF-8: write the secret into it as text".to_owned())
        }
        _ => None,
    }
}

/// A needed one; a note says of both options.
pub fn needed(
    section: &mut Section<'_, '_>,
    row: &Row<Option<Secret>>,
    file: &Row<Option<PathBuf>>,
    warnings: &mut Vec<Notice>,
) -> Option<Secret> {
    let secret = read(section, row, file, warnings);
    if secret.is_none() && !section.is_set(file) {
        let why = format!("the auth_type needs it, or `{}`", file.name);
        return section.missing(row, &why);
    }
    secret
}

fn open_to_all(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o004 != 0)
}
