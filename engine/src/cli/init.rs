//! `caso init`: a first caso.conf, from flags, from the variables that `openstack` reads, and
//! from questions at a terminal.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use super::process::{complain, print_page};
use super::task::Task;
use crate::run::{self, Account, Exit, FirstSite};

/// What the command line says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    file: PathBuf,
    site_name: Option<String>,
    service_name: Option<String>,
    messengers: String,
    projects: Vec<String>,
    auth_url: Option<String>,
    username: Option<String>,
    domain: Option<String>,
    region_name: Option<String>,
    cafile: Option<String>,
}

pub fn command() -> Command {
    let text = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help)
    };
    Command::new("init")
        .about("Writes a first caso.conf, and says what is to be done in OpenStack")
        .after_help(format!(
            "What no flag says is taken from the variables that `openstack` reads (an `openrc` file): OS_AUTH_URL, \
             OS_USERNAME, OS_PASSWORD, OS_USER_DOMAIN_NAME, OS_APPLICATION_CREDENTIAL_ID, \
             OS_APPLICATION_CREDENTIAL_SECRET, OS_REGION_NAME, OS_CACERT; what is missing then is asked for at a \
             terminal. A file with settings is not touched; one with only comments is replaced.\n\n{}",
            Exit::table(&[Exit::Done, Exit::Nothing, Exit::Usage])
        ))
        .arg(
            Arg::new("file")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .default_value("/etc/caso/caso.conf")
                .help("The file to write"),
        )
        .arg(text("site-name", "NAME", "Site name as in GOCDB"))
        .arg(text("service-name", "NAME", "Service name, if other than the site's"))
        .arg(text("messengers", "LIST", "Where records go, comma-separated").default_value("ssm"))
        .arg(
            text(
                "project",
                "PROJECT",
                "A project to account, by id or name; may be given several times. Projects with the tag \
                 `caso` are added",
            )
            .action(ArgAction::Append),
        )
        .arg(text("auth-url", "URL", "Address of Keystone"))
        .arg(text("username", "NAME", "The account that reads the usage"))
        .arg(text("user-domain-name", "NAME", "Its domain, if other than `Default`"))
        .arg(text("region-name", "NAME", "The region to account"))
        .arg(text("cafile", "PATH", "PEM file with the certificates to trust"))
}

pub fn task(matches: &ArgMatches) -> Task {
    let text = |name: &str| matches.get_one::<String>(name).cloned();
    Task::Init(Flags {
        file: matches.get_one("file").cloned().unwrap_or_default(),
        site_name: text("site-name"),
        service_name: text("service-name"),
        messengers: text("messengers").unwrap_or_default(),
        projects: matches
            .get_many::<String>("project")
            .map(|names| names.cloned().collect())
            .unwrap_or_default(),
        auth_url: text("auth-url"),
        username: text("username"),
        domain: text("user-domain-name"),
        region_name: text("region-name"),
        cafile: text("cafile"),
    })
}

/// Does it.
pub fn execute(flags: Flags) -> Exit {
    let site = match site(flags, &variable, &ask) {
        Ok(site) => site,
        Err(missing) => return complain(&missing, Exit::Usage),
    };
    match run::init(&site) {
        Ok(next) => print_page(&next),
        Err(error) => complain(&error, Exit::Nothing),
    }
}

/// A variable of the environment; an empty one says nothing, as in an `openrc` file.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

/// Asks whoever sits at the terminal; none where nobody does, or nothing was typed.
fn ask(question: &str) -> Option<String> {
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return None;
    }
    let mut stderr = io::stderr().lock();
    let _ = write!(stderr, "{question}: ").and_then(|()| stderr.flush());
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).ok()?;
    let line = line.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

/// Puts together what is known. Whoever gave a name to the account meant a password.
fn site(
    flags: Flags,
    variable: &dyn Fn(&str) -> Option<String>,
    ask: &dyn Fn(&str) -> Option<String>,
) -> anyhow::Result<FirstSite> {
    let mut missing = Vec::new();
    let mut known = |flag: Option<String>, name: Option<&str>, what: &str, way: &str| {
        let from_variable = || name.and_then(variable);
        let found = flag.or_else(from_variable).or_else(|| ask(what));
        found.unwrap_or_else(|| {
            missing.push(match name {
                Some(name) => format!("{what} (`{way}` or {name})"),
                None => format!("{what} (`{way}`)"),
            });
            String::new()
        })
    };
    let site_name = known(
        flags.site_name,
        None,
        "the site's name in GOCDB",
        "--site-name",
    );
    let auth_url = known(
        flags.auth_url,
        Some("OS_AUTH_URL"),
        "Keystone's address",
        "--auth-url",
    );
    let credential = variable("OS_APPLICATION_CREDENTIAL_ID").filter(|_| flags.username.is_none());
    let account = match credential {
        Some(id) => Account::ApplicationCredential {
            id,
            secret: variable("OS_APPLICATION_CREDENTIAL_SECRET"),
        },
        None => Account::Password {
            username: known(
                flags.username.clone(),
                Some("OS_USERNAME"),
                "the account's name",
                "--username",
            ),
            domain: flags
                .domain
                .or_else(|| variable("OS_USER_DOMAIN_NAME"))
                .unwrap_or_else(|| "Default".to_owned()),
            // That of another account is not this one's.
            password: variable("OS_PASSWORD").filter(|_| {
                let other = flags.username.as_ref();
                other.is_none_or(|name| variable("OS_USERNAME").as_ref() == Some(name))
            }),
        },
    };
    anyhow::ensure!(
        missing.is_empty(),
        "missing: {}; nothing was written",
        missing.join(", ")
    );
    Ok(FirstSite {
        file: flags.file,
        site_name,
        service_name: flags.service_name,
        messengers: flags.messengers,
        projects: flags.projects,
        auth_url,
        account,
        region_name: flags.region_name.or_else(|| variable("OS_REGION_NAME")),
        cafile: flags.cafile.or_else(|| variable("OS_CACERT")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOBODY: &dyn Fn(&str) -> Option<String> = &|_| None;

    fn openrc(name: &str) -> Option<String> {
        let text = match name {
            "OS_AUTH_URL" => "https://keystone.example.org/v3",
            "OS_USERNAME" => "admin",
            "OS_PASSWORD" => "secret",
            "OS_CACERT" => "/etc/ssl/ca.pem",
            _ => return None,
        };
        Some(text.to_owned())
    }

    #[test]
    fn flags_go_before_variables_and_what_is_missing_is_named_at_once() {
        let flags = Flags {
            site_name: Some("SITE".into()),
            ..Flags::default()
        };
        let found = site(flags.clone(), &openrc, NOBODY).unwrap();
        assert_eq!(found.cafile.as_deref(), Some("/etc/ssl/ca.pem"));
        let password = |username: &str, password: Option<&str>| Account::Password {
            username: username.into(),
            domain: "Default".into(),
            password: password.map(str::to_owned),
        };
        assert_eq!(found.account, password("admin", Some("secret")));
        // The password of another account is not this one's.
        let other = Flags {
            username: Some("accounting".into()),
            ..flags
        };
        let found = site(other, &openrc, NOBODY).unwrap();
        assert_eq!(found.account, password("accounting", None));
        let error = site(Flags::default(), &|_| None, NOBODY).unwrap_err();
        assert_eq!(
            error.to_string(),
            "missing: the site's name in GOCDB (`--site-name`), Keystone's address (`--auth-url` or OS_AUTH_URL), \
             the account's name (`--username` or OS_USERNAME); nothing was written"
        );
    }

    #[test]
    fn what_is_missing_is_asked_for() {
        let asked = |question: &str| Some(format!("<{question}>"));
        let found = site(Flags::default(), &|_| None, &asked).unwrap();
        assert_eq!(found.site_name, "<the site's name in GOCDB>");
    }
}
