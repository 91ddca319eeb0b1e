//! The command that gives what is missing, for who may type it.

use crate::run::commands::mapping_migrate::shell::{self, word};
use caso_config::CloudConfig;
use caso_extract::{ExtractError, ProjectError, ProjectFailure, ProjectRef};
use caso_login::{DomainRef, GenericUser, LoginMethod, UserRef};
use caso_openstack::ApiError;

/// Of a project whose usage cannot be read.
pub fn of_extraction(
    error: &ExtractError,
    cloud: &CloudConfig,
    project: &ProjectRef,
) -> Option<String> {
    match error {
        ExtractError::Api(error) => of_project(error, cloud, &project.id),
        _ => None,
    }
}

/// Of a project that is not accounted at all.
pub fn of_failure(failure: &ProjectFailure, cloud: &CloudConfig) -> Option<String> {
    let id = failure.id.as_deref().unwrap_or(&failure.asked);
    match failure.error.as_ref() {
        ProjectError::Unknown { .. } | ProjectError::UnknownId { .. } => Some(format!(
            "take `{}` out of `projects` if it is gone; if it is there: {}",
            failure.asked,
            role(cloud, &format!("--project {}", word(id)))
        )),
        ProjectError::Api(error) => of_project(error, cloud, id),
        ProjectError::NoVo { property, .. }
        | ProjectError::NoMapping { property, .. }
        | ProjectError::OddVo { property, .. } => Some(format!(
            "openstack project set --property {}=<VO> {}",
            word(property),
            word(id)
        )),
    }
}

fn of_project(error: &ApiError, cloud: &CloudConfig, project: &str) -> Option<String> {
    let role = || role(cloud, &format!("--project {}", word(project)));
    match error {
        ApiError::NoRole { .. } | ApiError::WrongToken { .. } => Some(role()),
        ApiError::Forbidden { message, call } => Some(match rule(message) {
            Some(rule) => format!(
                "{}; or allow `{rule}` to a role that it has, in the policy of {}",
                role(),
                call.service
            ),
            None => role(),
        }),
        ApiError::NoRegion { .. } => Some(format!("`region_name` in [{}]", cloud.section)),
        _ => None,
    }
}

/// Of a right on the whole cloud: lists of projects, names of users.
pub fn on_the_system(key: &str, cloud: &CloudConfig) -> Option<String> {
    matches!(key, "projects-forbidden" | "users-forbidden").then(|| role(cloud, "--system all"))
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
