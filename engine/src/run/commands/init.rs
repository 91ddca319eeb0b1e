//! `caso init`: a first caso.conf, and what is still to be done in OpenStack.
//!
//! A file that says something is never touched. One of comments alone, as the packages bring
//! it, is replaced; it keeps its owner and mode. A new one has mode 0640 and the group of its
//! folder, and is there whole or not at all.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::mapping_migrate::shell;
use crate::run::remedy::advised;
use caso_base::conf;
use caso_base::shell_word as word;
use caso_base::suggest::did_you_mean;
use caso_disk::Disk;

/// Who may read a new file: it may hold a password.
const MODE: u32 = 0o640;

/// What is known of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstSite {
    /// The file to write.
    pub file: PathBuf,
    pub site_name: String,
    pub service_name: Option<String>,
    pub messengers: String,
    /// By id or name, besides those that carry the tag.
    pub projects: Vec<String>,
    pub auth_url: String,
    pub account: Account,
    pub region_name: Option<String>,
    pub cafile: Option<String>,
}

/// Who asks OpenStack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Account {
    Password {
        username: String,
        domain: String,
        password: Option<String>,
    },
    ApplicationCredential {
        id: String,
        secret: Option<String>,
    },
}

/// Writes the file, and answers what is to be done next.
///
/// # Errors
/// The file is there already and says something, or cannot be written; a value that no
/// caso.conf can hold.
pub fn init(site: &FirstSite) -> anyhow::Result<String> {
    let text = text(site)?;
    let file = &site.file;
    match fs::read_to_string(file) {
        Ok(before) if says_nothing(&before) => Disk::default().replace(file, text.as_bytes())?,
        Ok(_) => {
            return Err(advised(
                format!(
                    "`{}` exists and has settings, so it is left as it is",
                    file.display()
                ),
                format!(
                    "name another file, or `caso check --config-file {}` says whether it will do",
                    word(&file.display().to_string())
                ),
            ));
        }
        Err(error) if error.kind() == ErrorKind::NotFound => create(file, &text)?,
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read `{}`", file.display()));
        }
    }
    Ok(next(site))
}

/// Comments, empty lines and section headers alone.
fn says_nothing(text: &str) -> bool {
    text.lines()
        .map(str::trim)
        .all(|line| line.is_empty() || line.starts_with(['#', ';', '[']))
}

fn create(file: &Path, text: &str) -> anyhow::Result<()> {
    let named = || format!("cannot write `{}`", file.display());
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut options = OpenOptions::new();
    let mut made = options
        .write(true)
        .create_new(true)
        .mode(MODE)
        .open(file)
        .with_context(named)?;
    let group = fs::metadata(folder).map(|folder| folder.gid());
    if let Ok(group) = group {
        // Without the right to it the file stays with our own group, and `next` says what to do.
        let _ = fchown(&made, None, Some(group));
    }
    let written = made
        .write_all(text.as_bytes())
        .and_then(|()| made.sync_all());
    if written.is_err() {
        let _ = fs::remove_file(file);
    }
    written.with_context(named)
}

/// A value as caso.conf has it.
fn value(option: &str, text: &str) -> anyhow::Result<String> {
    let written = conf::value(text).ok();
    let written = written.filter(|_| !text.contains(char::is_control) && text.trim() == text);
    written.with_context(|| {
        format!("`{option}` has a control character, or a space at an end, which no caso.conf can hold{}",
            match option {
                "password" | "application_credential_secret" =>
                    format!(": put it into a file of its own, by `{option}_file`"),
                _ => String::new(),
            }
        )
    })
}

/// The lines of a caso.conf.
struct Lines(String);

impl Lines {
    fn option(&mut self, option: &str, it: &str) -> anyhow::Result<()> {
        let it = value(option, it)?;
        let _ = writeln!(self.0, "{option} = {it}");
        Ok(())
    }

    fn section(&mut self, name: &str) {
        let _ = writeln!(self.0, "\n[{name}]");
    }
}

/// A component of a site's own needs more than its name.
fn known(messenger: &str) -> anyhow::Result<()> {
    let known = caso_builtin::messengers();
    if known.iter().any(|name| name == messenger) {
        return Ok(());
    }
    Err(advised(
        format!("`{messenger}` is no messenger of this program; nothing was written"),
        did_you_mean(messenger, known.iter().map(String::as_str)).unwrap_or_else(|| {
            format!(
                "choose of {}; one of your own goes into the file afterwards, with `component` in [messenger_{messenger}]",
                known.join(", ")
            )
        }),
    ))
}

fn text(site: &FirstSite) -> anyhow::Result<String> {
    let mut lines = Lines(
        "# Written by `caso init`. Every other option, with what it is for: `caso sample`.\n"
            .to_owned(),
    );
    lines.section("DEFAULT");
    lines.option("site_name", &site.site_name)?;
    if let Some(service) = &site.service_name {
        lines.option("service_name", service)?;
    }
    for name in site.messengers.split(',').map(str::trim) {
        known(name)?;
    }
    lines.option("messengers", &site.messengers)?;
    if !site.projects.is_empty() {
        lines.option("projects", &site.projects.join(", "))?;
    }
    if let Some(region) = &site.region_name {
        lines.option("region_name", region)?;
    }
    lines.section("keystone_auth");
    match &site.account {
        Account::Password {
            username,
            domain,
            password,
        } => {
            lines.option("auth_type", "v3password")?;
            lines.option("auth_url", &site.auth_url)?;
            lines.option("username", username)?;
            lines.option("user_domain_name", domain)?;
            // Of projects that are named, not given by id.
            lines.option("project_domain_name", domain)?;
            match password {
                Some(password) => lines.option("password", password)?,
                None => lines.option("password_file", &secret_file(site))?,
            }
        }
        Account::ApplicationCredential { id, secret } => {
            lines.option("auth_type", "v3applicationcredential")?;
            lines.option("auth_url", &site.auth_url)?;
            lines.option("application_credential_id", id)?;
            match secret {
                Some(secret) => lines.option("application_credential_secret", secret)?,
                None => {
                    lines.option("application_credential_secret_file", &secret_file(site))?;
                }
            }
        }
    }
    if let Some(cafile) = &site.cafile {
        lines.option("cafile", cafile)?;
    }
    Ok(lines.0)
}

/// Where a secret goes that is not known yet.
fn secret_file(site: &FirstSite) -> String {
    let file = std::path::absolute(&site.file).unwrap_or_else(|_| site.file.clone());
    file.with_extension("secret").display().to_string()
}

/// What is still to be done, as lines to type.
fn next(site: &FirstSite) -> String {
    let file = word(&site.file.display().to_string()).into_owned();
    let mut page = format!("wrote {}\n", site.file.display());
    let found = fs::metadata(&site.file);
    if found.is_ok_and(|found| found.gid() == 0) {
        let _ = writeln!(
            page,
            "\nIts group is root. If cASO runs as a user of its own:\n  chgrp caso {file}"
        );
    }
    let (secret, user) = match &site.account {
        Account::Password {
            username,
            domain,
            password,
        } => (
            password,
            Some(format!(
                "--user {} --user-domain {}",
                word(username),
                word(domain)
            )),
        ),
        Account::ApplicationCredential { secret, .. } => (secret, None),
    };
    if secret.is_none() {
        let _ = writeln!(
            page,
            "\nThe secret goes into a file of its own, which the same group must be able to read:\n  \
             install -m 0640 /dev/stdin {}",
            word(&secret_file(site))
        );
    }
    if let Some(user) = user {
        page.push_str("\nIn OpenStack, for each project, with its VO:\n");
        let named = match site.projects.is_empty() {
            true => vec!["PROJECT".to_owned()],
            false => site.projects.clone(),
        };
        for project in &named {
            let project = word(project);
            let role = shell::role(&user, &format!("--project {project}"));
            let _ = writeln!(page, "  {role}");
            let _ = writeln!(
                page,
                "  openstack project set --property VO=NAME-OF-THE-VO {project}"
            );
            if site.projects.is_empty() {
                let _ = writeln!(page, "  openstack project set --tag caso {project}");
            }
        }
    }
    let _ = write!(
        page,
        "\nnext  caso check --config-file {file}\n      caso preview --config-file {file}\n"
    );
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(file: &Path) -> FirstSite {
        FirstSite {
            file: file.to_owned(),
            site_name: "EXAMPLE".into(),
            service_name: None,
            messengers: "ssm".into(),
            projects: Vec::new(),
            auth_url: "https://keystone.example.org:5000/v3".into(),
            account: Account::Password {
                username: "accounting".into(),
                domain: "Default".into(),
                password: Some("pa$$word $x".into()),
            },
            region_name: None,
            cafile: None,
        }
    }

    #[test]
    fn what_says_something_is_not_touched() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("caso.conf");
        fs::write(&file, "[DEFAULT]\nsite_name = MINE\n").unwrap();
        let refused = init(&site(&file)).unwrap_err().to_string();
        assert!(refused.contains("exists and has settings"), "{refused}");
        let kept = fs::read_to_string(&file).unwrap();
        assert_eq!(kept, "[DEFAULT]\nsite_name = MINE\n");
    }

    #[test]
    fn comments_alone_are_replaced_and_a_new_file_is_for_its_group() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("caso.conf");
        fs::write(&file, "# nothing\n[DEFAULT]\n#site_name =\n\n").unwrap();
        init(&site(&file)).unwrap();
        assert!(fs::read_to_string(&file).unwrap().contains("EXAMPLE"));
        let new = dir.path().join("new.conf");
        init(&site(&new)).unwrap();
        assert_eq!(fs::metadata(&new).unwrap().mode() & 0o777 & !MODE, 0);
    }

    /// `$` is written twice; what a line cannot hold is refused before anything is written.
    #[test]
    fn values_are_written_so_that_they_are_read_as_they_were() {
        let dir = tempfile::tempdir().unwrap();
        let mut site = site(&dir.path().join("caso.conf"));
        let found = text(&site).unwrap();
        assert!(found.contains("password = pa$$$$word $$x\n"), "{found}");
        for bad in ["two\nlines", " at its beginning", "at its end "] {
            site.account = Account::ApplicationCredential {
                id: "id".into(),
                secret: Some(bad.into()),
            };
            let refused = init(&site).unwrap_err().to_string();
            assert!(
                refused.contains("`application_credential_secret_file`"),
                "{refused}"
            );
            assert!(!site.file.exists());
        }
    }
}
