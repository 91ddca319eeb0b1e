//! What it means that Keystone refuses a token, for it says 401 to everything: a
//! wrong password, a scope on which the account has no role, a project that does
//! not exist. See [`super::tokens`] for what follows from each.

use std::sync::atomic::Ordering;

use serde::Deserialize;

use super::super::error::Call;
use super::super::identity::credentials::Target;
use super::super::identity::token::Token;
use super::super::{ApiError, Scope};
use super::Session;
use super::login::{self, TokenRequest};
use caso_login::LoginMethod;

/// The token that Keystone gave is not for the project that was asked for.
pub(super) fn other_project(session: &Session, wanted: &str, own: Option<&str>) -> ApiError {
    let login = &session.inner.settings.login;
    match own {
        Some(own) if login.bound() => ApiError::OtherProject {
            wanted: wanted.to_owned(),
            own: own.to_owned(),
        },
        own => ApiError::WrongToken {
            who: login.who(),
            wanted: wanted.to_owned(),
            own: own.map(str::to_owned),
        },
    }
}

/// A "no" to this scope, in any of the words Keystones have for it: 401 and
/// 403, 400 where system scope is unknown (before Queens), 500 where it breaks
/// them (a federated user's), and whatever else a proxy makes of that. No
/// answer at all is no "no".
pub(super) fn says_no(error: &ApiError) -> bool {
    match error {
        ApiError::Unauthorized { .. } | ApiError::Forbidden { .. } => true,
        ApiError::Status { status, .. } => *status == 400 || *status >= 500,
        _ => false,
    }
}

/// The credentials themselves were refused, if it was a 401: final.
pub(super) fn refuse(session: &Session, error: ApiError) -> ApiError {
    let ApiError::Unauthorized { message, call, .. } = error else {
        return error;
    };
    let login = &session.inner.settings.login;
    let by_method = match &login.method {
        LoginMethod::Token(_) => {
            "the token has expired, was revoked or is not of this Keystone: put a new one into `token` or `token_file` in `[keystone_auth]`, or log in with an application credential, which does not expire by itself"
        }
        LoginMethod::ApplicationCredential(_) => {
            "check `auth_url` and the credentials in `[keystone_auth]`, and whether the application credential has expired"
        }
        _ => "check `auth_url` and the credentials in `[keystone_auth]`",
    };
    let remedy = by_its_words(&message).unwrap_or(by_method);
    let message = more_factors(&message).unwrap_or(message);
    let error = ApiError::Credentials {
        by: "Keystone",
        who: login.who(),
        message,
        remedy: remedy.to_owned(),
        call,
    };
    let _ = session.inner.tokens.refused.set(error.clone());
    error
}

/// Where Keystone says which of the rules for passwords it was
/// (<https://docs.openstack.org/keystone/latest/admin/configuration.html#security-compliance-and-pci-dss>), or that there is
/// more to log in with.
fn by_its_words(message: &str) -> Option<&'static str> {
    let message = message.to_lowercase();
    [
        (
            "password is expired",
            "give that user a new one (`openstack user password set`, or an administrator's `openstack user set --password-prompt`) and \
             write it into `[keystone_auth]`; an application credential does not expire with the password",
        ),
        (
            "account is locked",
            "stop whatever else logs in as that user with an old password; it is unlocked after `[security_compliance] \
             lockout_duration` of Keystone, or when an administrator disables and enables the user",
        ),
        (
            "account is disabled",
            "an administrator enables it: `openstack user set --enable`",
        ),
        ("additional authentications steps required", SECOND_FACTOR),
        // Of the receipt that Keystone gives for the first one.
        ("required_auth_methods", SECOND_FACTOR),
    ]
    .into_iter()
    .find_map(|(words, remedy)| message.contains(words).then_some(remedy))
}

const SECOND_FACTOR: &str = "that user needs a second factor, which no program types: log in with an application credential of the same \
                             user (`openstack application credential create`), which needs none";

/// What Keystone's receipt for a first factor asks for beside it
/// (<https://docs.openstack.org/api-ref/identity/v3/#multi-factor-authentication>).
fn more_factors(body: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Receipt {
        required_auth_methods: Vec<Vec<String>>,
    }
    let receipt: Receipt = serde_json::from_str(body).ok()?;
    let rules = receipt.required_auth_methods.iter();
    let rules: Vec<String> = rules.map(|methods| methods.join(" and ")).collect();
    Some(format!("it asks for {}", rules.join(", or ")))
}

/// Whether it is the project or the password, with one more request where
/// nothing else can decide.
pub(super) async fn project_refused(
    session: &Session,
    scope: &Scope,
    project: &str,
    error: ApiError,
) -> ApiError {
    let (ApiError::Unauthorized { message, call, .. } | ApiError::Forbidden { message, call }) =
        error
    else {
        return error;
    };
    if !session.inner.tokens.proven.load(Ordering::Acquire)
        && let Err(error) = post(session, TokenRequest::new(scope, &Target::Unsaid)).await
    {
        return refuse(session, error);
    }
    ApiError::NoRole {
        who: session.inner.settings.login.who(),
        project: project.to_owned(),
        message,
        call,
    }
}

/// One token request.
pub(super) async fn post(session: &Session, wanted: TokenRequest<'_>) -> Result<Token, ApiError> {
    let tokens = &session.inner.tokens;
    let method = &session.inner.settings.login.method;
    match login::request(session, wanted).await {
        Ok(token) => {
            tokens.proven.store(true, Ordering::Release);
            Ok(token)
        }
        // Keystone's own 404s here are for an application credential by an id
        // that is gone, and for a token that it never gave; any other means
        // that there is no Keystone.
        Err(ApiError::NotFound { message, call }) => {
            let by_token = matches!(method, LoginMethod::Token(_) | LoginMethod::Oidc(_));
            let own = message.contains("Application Credential")
                || by_token && message.to_lowercase().contains("token");
            Err(if own {
                ApiError::Unauthorized {
                    message,
                    call,
                    hint: None,
                }
            } else {
                no_keystone(session, &message, &call)
            })
        }
        // Found out on the way: final, like a wrong password.
        Err(error @ ApiError::Credentials { .. }) => {
            let _ = tokens.refused.set(error.clone());
            Err(error)
        }
        Err(error) => Err(error),
    }
}

fn no_keystone(session: &Session, message: &str, call: &Call) -> ApiError {
    let method = &session.inner.settings.login.method;
    let (version, hint) = match method {
        LoginMethod::V2Password(_) => (
            "2.0",
            "; newer ones have version 3: set `auth_type = v3password`, `user_domain_name` and `project_domain_name` (mostly `Default`), and an `auth_url` that ends with `/v3`",
        ),
        _ => ("3", ""),
    };
    ApiError::BadUrl {
        url: session.inner.settings.login.auth_url.to_string(),
        detail: format!("no Keystone of version {version} answers {call}: {message}{hint}"),
        from: "`auth_url` in `[keystone_auth]`".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keystone_says_of_a_password_decides_what_to_do() {
        for (message, part) in [
            (
                "The password is expired and needs to be changed for user: 5f0.",
                "openstack user password set",
            ),
            ("The account is locked for user: 5f0.", "lockout_duration"),
            ("The account is disabled for user: 5f0.", "--enable"),
            (
                "Additional authentications steps required.",
                "second factor",
            ),
        ] {
            assert!(
                by_its_words(message).is_some_and(|it| it.contains(part)),
                "{message}"
            );
        }
        assert_eq!(
            by_its_words("The request you have made requires authentication."),
            None
        );
    }
}
