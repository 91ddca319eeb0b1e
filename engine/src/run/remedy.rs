//! What to do about an error: the command that gives what is missing, for who may type it, or
//! what the error itself knows.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::iter;
use std::path::Path;

use nix::errno::Errno;

use super::extract::AgainError;
use crate::run::commands::component::Unset;
use crate::run::commands::cursor::is_id;
use crate::run::commands::mapping_migrate::shell;
use crate::run::extract::clock::{ClocksApart, SET_CLOCK};
use crate::run::summary::words::size;
use caso_base::rights::{self, Denied};
use caso_base::{Message, error_chain, shell_word as word};
use caso_config::{CloudConfig, ConfigError};
use caso_disk::{DiskError, Step};
use caso_extract::projects::{MappingError, NO_LIST, ProjectsError};
use caso_extract::{ExtractError, ProjectError, ProjectFailure, ProjectRef};
use caso_journal::JournalError;
use caso_login::{DomainRef, GenericUser, LoginMethod, UserRef};
use caso_model::guest::GuestFailure;
use caso_model::notice::Notice;
use caso_net::http::SetupError;
use caso_net::tls::{KeyAlone, TlsError};
use caso_openstack::prometheus::PrometheusError;
use caso_openstack::{ApiError, Call};
use caso_sandbox::{AdmissionError, RunLimits, SandboxError, Shortage};
use caso_state::{
    CursorError, FolderError, HistoryError, LockError, Spool, SpoolError, UnusableVolumes,
};

/// An error of the engine's own, in its two parts.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
struct Advised {
    text: String,
    hint: String,
}

/// An error that people read, and what to do about it.
pub fn advised(text: impl Into<String>, hint: impl Into<String>) -> anyhow::Error {
    let (text, hint) = (text.into(), hint.into());
    Advised { text, hint }.into()
}

/// An error with its causes, and what to do about it.
pub fn message(error: &(dyn Error + 'static)) -> Message {
    Message::from(error_chain(error)).hint(of(error))
}

/// Of a cloud as a whole, with what to do about it there: the right that its account lacks to list projects has the
/// command that gives it, and options have the section that this cloud has them in.
pub fn of_cloud(error: &anyhow::Error, cloud: &CloudConfig) -> anyhow::Error {
    let may_not_list = matches!(
        error.downcast_ref::<ProjectsError>(),
        Some(ProjectsError::List { source, .. })
            if source.is_forbidden() && !source.call().is_some_and(Call::is_login)
    );
    let hint = match may_not_list {
        true => Some(format!(
            "{}; or name the projects in `projects`",
            role(cloud, "--system all")
        )),
        false => of(error.as_ref()),
    };
    let text = in_section(error_chain(error.as_ref()), cloud);
    match hint {
        Some(hint) => advised(text, in_section(hint, cloud)),
        None => anyhow::Error::msg(text),
    }
}

/// Who talks to OpenStack knows no configuration, and names the section that most sites have.
fn in_section(text: String, cloud: &CloudConfig) -> String {
    match cloud.keystone_section.as_str() {
        "keystone_auth" => text,
        section => text.replace("[keystone_auth]", &format!("[{section}]")),
    }
}

/// The same in one line, where there is no second one.
pub fn line(error: &(dyn Error + 'static)) -> String {
    // Of several options that are wrong each is a line of its own.
    let lines = message(error).to_string();
    lines.replace(".\n", ". ").replace('\n', "; ")
}

/// Logs an error.
pub fn log_error(message: impl Into<Message>) {
    let Message { text, hint } = message.into();
    tracing::error!(target: "caso", hint, "{text}");
}

/// Logs a warning.
pub fn log_warning(message: impl Into<Message>) {
    let Message { text, hint } = message.into();
    tracing::warn!(target: "caso", hint, "{text}");
}

/// So it begins.
pub const NO_ROOM: &str = "there is no room for its records in the spool";

/// That the spool's disk is full, where an error comes of that: in words that are the same for
/// every file that could not be written.
pub fn no_room(error: &(dyn Error + 'static)) -> Option<Message> {
    let disk = causes(error).find_map(|it| it.downcast_ref::<DiskError>())?;
    let hint = disk.hint()?;
    let place = where_and_how_much(disk);
    let text = format!("{NO_ROOM}{place}; nothing was advanced");
    Some((text, hint).into())
}

/// An error, and what is behind it.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    iter::successors(Some(error), |&error| error.source())
}

/// Which room, and how much there has to be. What is left differs from file to file, and would make many causes of one.
fn where_and_how_much(disk: &DiskError) -> String {
    let limit = disk.source.kind() == ErrorKind::FileTooLarge;
    match disk.left.filter(|_| !limit) {
        None => ", where a file may not get larger, by `ulimit -f` or `LimitFSIZE=`".to_owned(),
        Some(left) => format!(
            ", on the filesystem that is mounted at `{}`, where a run wants {} at least",
            disk.mounted_at().display(),
            size(RunLimits::default().floor(left.of))
        ),
    }
}

/// What to do about an error: what the first of it and its causes says that knows.
pub fn of(error: &(dyn Error + 'static)) -> Option<String> {
    open_files(error)
        .or_else(|| causes(error).find_map(denied))
        .or_else(|| causes(error).find_map(own))
}

/// Of a file or folder that is not for us, as where root ran cASO once: whose it is, and the command that gives it, for
/// the spool as a whole, which has more of them.
fn denied(error: &(dyn Error + 'static)) -> Option<String> {
    let (path, reason, wanted) = place(error)?;
    let by = Denied::of(path, reason)?;
    if let Some(way_out) = by.way_out(wanted) {
        return Some(way_out);
    }
    let spool = Spool::of(path);
    if let Some(spool) = spool
        && let Some(owner) = rights::another_owner(spool)
    {
        let spool = spool.display();
        return Some(format!(
            "{by}: run this as `{owner}`, to whom `{spool}` belongs"
        ));
    }
    // What else is not a file may be the folder of others.
    let whole = spool.or_else(|| (by.at == path && path.is_file()).then_some(path))?;
    Some(format!("{by}; as root: {}", rights::give(whole, &by.us)))
}

/// What could not be read or written, why, and which right on a file that takes.
fn place<'a>(error: &'a (dyn Error + 'static)) -> Option<(&'a Path, &'a io::Error, u32)> {
    if let Some(DiskError {
        step, path, source, ..
    }) = error.downcast_ref()
    {
        // Names are the folder's.
        let place = match step {
            Step::Rename | Step::Link | Step::Remove => path.parent()?,
            _ => path,
        };
        return Some((place, source, rights::WRITE));
    }
    let journal = match error.downcast_ref() {
        Some(JournalError::Read { path, source }) => Some((path, source)),
        _ => None,
    };
    let history = match error.downcast_ref() {
        Some(HistoryError::Read { path, source }) => Some((path, source)),
        _ => match error.downcast_ref() {
            Some(UnusableVolumes::Read { path, source }) => Some((path, source)),
            _ => None,
        },
    };
    let cursor = match error.downcast_ref() {
        Some(CursorError::Read { path, source, .. }) => Some((path, source)),
        _ => None,
    };
    let (path, source) = journal.or(history).or(cursor)?;
    Some((path, source, rights::READ))
}

/// Whatever file it was that could not be opened, it is not the file's fault.
fn open_files(error: &(dyn Error + 'static)) -> Option<String> {
    causes(error).find_map(|error| {
        let code = error.downcast_ref::<io::Error>()?.raw_os_error()?;
        let hint = match Errno::from_raw(code) {
            Errno::EMFILE => {
                "allow more open files: `ulimit -n 1024` before the command, or `LimitNOFILE=` in the systemd unit"
            }
            Errno::ENFILE => "the machine as a whole has too many files open: `sysctl fs.file-nr`",
            _ => return None,
        };
        Some(hint.to_owned())
    })
}

fn own(error: &(dyn Error + 'static)) -> Option<String> {
    fn of<E: Error + 'static>(
        error: &(dyn Error + 'static),
        hint: impl FnOnce(&E) -> Option<String>,
    ) -> Option<String> {
        error.downcast_ref::<E>().and_then(hint)
    }
    let owned = |hint: &'static str| hint.to_owned();
    of(error, |it: &Advised| Some(it.hint.clone()))
        .or_else(|| of(error, ApiError::hint))
        .or_else(|| of(error, |it: &PrometheusError| it.hint().map(owned)))
        .or_else(|| of(error, ExtractError::hint))
        .or_else(|| of(error, ProjectsError::hint))
        .or_else(|| of(error, |it: &ProjectFailure| it.error.hint()))
        .or_else(|| of(error, |it: &MappingError| Some(it.hint())))
        .or_else(|| of(error, ConfigError::hint))
        .or_else(|| of(error, CursorError::hint))
        .or_else(|| of(error, |it: &HistoryError| it.hint().map(owned)))
        .or_else(|| of(error, |it: &UnusableVolumes| it.hint().map(owned)))
        .or_else(|| of(error, |it: &LockError| it.hint().map(owned)))
        .or_else(|| of(error, FolderError::hint))
        .or_else(|| of(error, of_spool))
        .or_else(|| of(error, of_sandbox))
        .or_else(|| of(error, AdmissionError::hint))
        .or_else(|| of(error, of_transport))
        .or_else(|| of(error, |it: &DiskError| it.hint().map(owned)))
        .or_else(|| of(error, |it: &JournalError| it.hint().map(owned)))
        .or_else(|| of(error, TlsError::hint))
        .or_else(|| {
            of(error, |it: &GuestFailure| {
                Some(it.limit.as_ref()?.to_string())
            })
        })
        .or_else(|| of(error, |it: &Unset| it.0.hint.clone()))
        .or_else(|| of(error, |_: &KeyAlone| Some(owned(KeyAlone::HINT))))
        .or_else(|| of(error, |it: &AgainError| Some(it.hint())))
        .or_else(|| of(error, |_: &ClocksApart| Some(owned(SET_CLOCK))))
}

/// Its text is that of what is inside, which is no cause of its own.
fn of_spool(error: &SpoolError) -> Option<String> {
    match error {
        SpoolError::Folder(folder) => folder.hint(),
        SpoolError::Disk(disk) => disk.hint().map(str::to_owned),
    }
}

fn of_transport(error: &SetupError) -> Option<String> {
    match error {
        SetupError::Tls(tls) => tls.hint(),
        SetupError::Proxy(proxy) => Some(proxy.hint()),
        SetupError::Http(_) => None,
    }
}

fn of_sandbox(error: &SandboxError) -> Option<String> {
    matches!(error, SandboxError::AddressSpace(_)).then(|| Shortage::WAYS_OUT.to_owned())
}

/// Of a project whose usage cannot be read.
pub fn of_extraction(error: &ExtractError, cloud: &CloudConfig, project: &ProjectRef) -> Message {
    let hint = match error {
        ExtractError::Api(ApiError::NoRole { .. }) if project.disabled => Some(format!(
            "Keystone has it disabled: openstack project set --enable {}; or remove it from `projects`, or its tag",
            word(&project.id)
        )),
        ExtractError::Api(error) => of_project(error, cloud, &project.id),
        ExtractError::Sink(error) => of(error.as_ref()),
        _ => None,
    };
    let hint = hint.or_else(|| error.hint());
    Message::from(error_chain(error)).hint(hint.map(|hint| in_section(hint, cloud)))
}

/// Of a project that is not accounted at all.
pub fn of_failure(failure: &ProjectFailure, cloud: &CloudConfig) -> Option<String> {
    let id = failure.id.as_deref().unwrap_or(&failure.asked);
    if let Some((property, alike)) = failure.error.alike() {
        return Some(format!(
            "if projects here have their VO in `{}`: set `vo_property = {0}` in [{}]; otherwise: openstack project \
             set --property {} {}",
            alike.name,
            cloud.section,
            word(&format!("{property}={}", alike.value)),
            word(id)
        ));
    }
    match failure.error.as_ref() {
        error @ (ProjectError::Unknown { .. } | ProjectError::UnknownId { .. }) => {
            let by_name = match is_id(&failure.asked) {
                true => None,
                false => error.hint(),
            };
            let by_name = by_name.map_or_else(String::new, |hint| format!("{hint}; "));
            Some(format!(
                "{by_name}remove `{}` from `projects` if it is gone; if it exists: {}",
                failure.asked,
                role(cloud, &format!("--project {}", word(id)))
            ))
        }
        renamed @ ProjectError::Renamed { .. } => renamed.hint(),
        ProjectError::Deleted { id, .. } => Some(format!(
            "remove `{}` from `projects`; caso cursor forget {}",
            failure.asked,
            word(id)
        )),
        unseen @ ProjectError::Unseen { id, .. } => Some(format!(
            "{}; remove `{}` from `projects` if it is gone; if this account may not see it: {}",
            unseen.hint().unwrap_or_default(),
            failure.asked,
            role(cloud, &format!("--project {}", word(id)))
        )),
        ProjectError::Api(error) => of_project(error, cloud, id).or_else(|| error.hint()),
        ProjectError::NoMapping { source, .. } => Some(source.hint()),
        ProjectError::NoVo { property, .. } | ProjectError::OddVo { property, .. } => {
            Some(format!(
                "openstack project set --property {}=<VO> {}",
                word(property),
                word(id)
            ))
        }
    }
}

fn of_project(error: &ApiError, cloud: &CloudConfig, project: &str) -> Option<String> {
    match error {
        ApiError::NoRegion { region, .. } if cloud.region_names.len() > 1 => Some(format!(
            "take `{region}` out of `region_name` in [{}], or replace it with one that exists",
            cloud.section
        )),
        ApiError::NoRegion { .. } | ApiError::NoEndpoint { .. } => {
            let option = error.other_place()?;
            Some(format!("set {option} in [{}]", cloud.section))
        }
        _ => right_on(error, cloud).map(|right| right.on(&[project])),
    }
}

/// A right that the account lacks on projects, and how it gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Right {
    /// The account, as `openstack role add` wants it.
    user: String,
    /// Another way, behind the command.
    or: String,
}

impl Right {
    /// Of an account by its options.
    #[cfg(test)]
    pub fn of(user: &str) -> Self {
        Right {
            user: user.to_owned(),
            or: String::new(),
        }
    }

    /// The command that gives it on these projects.
    pub fn on(&self, projects: &[&str]) -> String {
        let command = |project: &str| shell::role(&self.user, &format!("--project {project}"));
        let command = match projects {
            [project] => command(&word(project)),
            several => {
                let words: Vec<_> = several.iter().map(|project| word(project)).collect();
                let projects = words.join(" ");
                format!(
                    "for project in {projects}; do {}; done",
                    command("\"$project\"")
                )
            }
        };
        command + &self.or
    }
}

/// The right that this error is the lack of.
pub fn right(error: &ExtractError, cloud: &CloudConfig) -> Option<Right> {
    match error {
        ExtractError::Api(error) => right_on(error, cloud),
        _ => None,
    }
}

fn right_on(error: &ApiError, cloud: &CloudConfig) -> Option<Right> {
    let or = match error {
        ApiError::NoRole { .. } | ApiError::WrongToken { .. } => String::new(),
        // A role is no remedy for what a proxy forbids.
        ApiError::Forbidden { call, .. } if call.through.is_some() => return None,
        ApiError::Forbidden { message, call } => rule(message).map_or(String::new(), |rule| {
            let service = call.service;
            format!("; or allow `{rule}` to a role that it has, in the policy of {service}")
        }),
        _ => return None,
    };
    Some(Right {
        user: user(cloud),
        or,
    })
}

/// A warning of a right on the whole cloud that is missing, of lists of projects or names of
/// users, has the command that gives it; others are as they are.
pub fn noticed(notice: Notice, cloud: &CloudConfig) -> Notice {
    match notice.key.as_str() {
        NO_LIST | "users-forbidden" => Notice {
            hint: Some(role(cloud, "--system all")),
            ..notice
        },
        _ => notice,
    }
}

/// oslo.policy: `Policy doesn't allow RULE to be performed.`
fn rule(message: &str) -> Option<&str> {
    let (_, behind) = message.split_once("Policy doesn't allow ")?;
    let rule = behind.split_whitespace().next()?;
    Some(rule.trim_end_matches('.'))
}

fn role(cloud: &CloudConfig, target: &str) -> String {
    shell::role(&user(cloud), target)
}

/// The account, as `openstack role add` wants it.
fn user(cloud: &CloudConfig) -> String {
    let domain = |domain: &DomainRef| match domain {
        DomainRef::Id(text) | DomainRef::Name(text) => format!(" --user-domain {}", word(text)),
    };
    let of_user = |user: &UserRef| match user {
        UserRef::Id(id) => format!("--user {}", word(id)),
        UserRef::Name { name, domain: of } => format!("--user {}{}", word(name), domain(of)),
    };
    let of_name = |user: &GenericUser| match user {
        GenericUser::Id(text) | GenericUser::Name(text) => format!("--user {}", word(text)),
    };
    let Some(auth) = &cloud.keystone_auth else {
        return "--user <account>".to_owned();
    };
    match &auth.login.method {
        LoginMethod::Password(login) => of_user(&login.user),
        LoginMethod::Generic(login) => {
            let of = login.user_domain.as_ref().or(login.default_domain.as_ref());
            format!(
                "{}{}",
                of_name(&login.user),
                of.map(domain).unwrap_or_default()
            )
        }
        LoginMethod::V2Password(login) => of_name(&login.user),
        LoginMethod::ApplicationCredential(_) | LoginMethod::Token(_) | LoginMethod::Oidc(_) => {
            "--user <account>".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    #[test]
    fn the_way_out_is_found_behind_any_context() {
        let error = advised("the lock is held", "wait for its end");
        let error = Err::<(), _>(error).context("cannot begin").unwrap_err();
        let message = message(error.as_ref());
        assert_eq!(message.text, "cannot begin: the lock is held");
        assert_eq!(message.hint.as_deref(), Some("wait for its end"));
        let nothing = anyhow::anyhow!("odd").context("cannot begin");
        assert_eq!(of(nothing.as_ref()), None);
    }

    /// Each error that has a way out is found by its type.
    #[test]
    fn what_an_error_knows_is_found() {
        let missing = ConfigError::Missing {
            section: "DEFAULT".to_owned(),
            option: "site_name".to_owned(),
            why: "set it".to_owned(),
        };
        let error = anyhow::Error::new(missing).context("the configuration is not complete");
        assert_eq!(of(error.as_ref()).as_deref(), Some("set it"));
        let denied = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        let folder = FolderError {
            wanted: "/spool".into(),
            folder: true,
            blocking: "/spool".into(),
            problem: caso_state::FolderProblem::Denied(denied),
            owner: None,
            us: "me".to_owned(),
        };
        let spool = anyhow::Error::new(SpoolError::from(folder)).context("cannot use the spool");
        let hint = of(spool.as_ref()).unwrap_or_default();
        assert!(hint.starts_with("run cASO as its owner"), "{hint}");
        let key = anyhow::Error::new(KeyAlone).context("cannot set up access to OpenStack");
        assert_eq!(of(key.as_ref()).as_deref(), Some(KeyAlone::HINT));
    }

    /// The same for each file of a filesystem, behind whatever failed by it.
    #[test]
    fn a_full_disk_is_named_once_by_its_filesystem() {
        let told = |path: &str, kind: ErrorKind| {
            let full = DiskError::new(caso_disk::Step::Write, path.as_ref(), kind.into());
            let error = anyhow::Error::new(JournalError::from(full)).context("nova");
            no_room(error.as_ref()).map(|it| it.text)
        };
        let full = told("/proc/one", ErrorKind::StorageFull);
        assert_eq!(full, told("/proc/another", ErrorKind::StorageFull));
        let full = full.unwrap();
        assert!(
            full.starts_with(NO_ROOM) && full.contains("mounted at `/proc`, where a run wants "),
            "{full}"
        );
        let limit = told("/proc/one", ErrorKind::FileTooLarge).unwrap();
        assert!(limit.contains("LimitFSIZE="), "{limit}");
        assert_eq!(told("/proc/one", ErrorKind::NotFound), None);
    }

    #[test]
    fn the_rule_is_what_the_service_names() {
        let message =
            "Policy doesn't allow os_compute_api:os-simple-tenant-usage:show to be performed.";
        assert_eq!(
            rule(message),
            Some("os_compute_api:os-simple-tenant-usage:show")
        );
        assert_eq!(rule("Forbidden"), None);
    }
}
