//! The token that Keystone gives, and the only facts of it that matter here.
//! Source: Keystone API v3, "Password authentication with scoped
//! authorization".

use caso_base::time::parse_timestamp;
use serde_json::Value;

use super::catalog::Catalog;
use caso_model::secret::Secret;
use caso_net::Response;

/// keystoneauth renews a token this long before its end.
const MARGIN_SECONDS: i64 = 120;

/// One token with its scope and catalog.
#[derive(Debug, Clone)]
pub struct Token {
    pub id: Secret,
    /// When to ask for a new one, by our clock; none where Keystone did not
    /// say when it ends, and only a 401 shows it.
    pub renew_at: Option<i64>,
    /// By how many seconds the clock that signed it is ahead of ours, by its `issued_at`.
    pub issued_ahead: Option<i64>,
    /// Id of the project it is for, if any.
    pub project: Option<String>,
    pub project_name: Option<String>,
    /// It is for the system.
    pub system: bool,
    pub user_id: Option<String>,
    /// Absent in an unscoped token.
    pub catalog: Option<Catalog>,
}

/// The answer is not a token: where and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAToken {
    pub path: &'static str,
    pub detail: String,
}

impl Token {
    /// `now`: when it came, by our clock. The lifetime is taken from
    /// Keystone's own two times, so a clock of ours that is off does not
    /// make a token look expired, or fresh for ever.
    pub fn from_response(response: &Response, body: &Value, now: i64) -> Result<Self, NotAToken> {
        let id = response
            .header("x-subject-token")
            .filter(|id| !id.is_empty())
            .ok_or_else(|| NotAToken {
                path: "header X-Subject-Token",
                detail: "missing, so there is no token in the answer".to_owned(),
            })?;
        let token = body
            .get("token")
            .filter(|token| token.is_object())
            .ok_or_else(|| NotAToken {
                path: "token",
                detail: "missing, or no object".to_owned(),
            })?;
        let text = |pointer: &str| {
            token
                .pointer(pointer)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        Ok(Token {
            id: Secret::new(id),
            renew_at: renew_at(text("/expires_at"), text("/issued_at"), now),
            issued_ahead: issued_ahead(text("/issued_at"), now),
            project: text("/project/id"),
            project_name: text("/project/name"),
            system: token.get("system").is_some_and(Value::is_object),
            user_id: text("/user/id"),
            catalog: token
                .get("catalog")
                .filter(|catalog| catalog.is_array())
                .map(Catalog::from_json),
        })
    }

    /// A new one should be asked for.
    pub fn is_due(&self, now: i64) -> bool {
        self.renew_at.is_some_and(|renew| now >= renew)
    }
}

/// How far ahead of `now`, by our clock, a token was issued.
pub fn issued_ahead(issued: Option<String>, now: i64) -> Option<i64> {
    Some(issued.as_deref().and_then(parse_timestamp)? - now)
}

/// When to ask for a new one, by our clock, if it is known when it ends.
pub fn renew_at(expires: Option<String>, issued: Option<String>, now: i64) -> Option<i64> {
    let expires = expires.as_deref().and_then(parse_timestamp)?;
    let issued = issued.as_deref().and_then(parse_timestamp);
    Some(renew_after(expires - issued.unwrap_or(now), now))
}

/// The same for a life in seconds that begins now. One that is shorter than
/// twice the margin would be due at once, at every call.
pub fn renew_after(life: i64, now: i64) -> i64 {
    let life = life.max(0);
    now.saturating_add((life - MARGIN_SECONDS).max(life / 2))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use chrono::DateTime;

    use super::*;

    proptest! {
        #[test]
        fn times_as_written(seconds in 0i64..4_000_000_000) {
            let time = DateTime::from_timestamp(seconds, 0).unwrap();
            for format in ["%Y-%m-%dT%H:%M:%S.000000Z", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"] {
                prop_assert_eq!(parse_timestamp(&time.format(format).to_string()), Some(seconds));
            }
        }

        #[test]
        fn any_life_leaves_time_to_use_the_token(life in 0i64..100_000) {
            let time = |seconds| DateTime::from_timestamp(seconds, 0).unwrap().to_rfc3339();
            let body = serde_json::json!({"token": {"issued_at": time(1000), "expires_at": time(1000 + life)}});
            let response = Response {
                status: 201,
                headers: vec![("x-subject-token".into(), "t".into())],
                body: Vec::new(),
            };
            let token = Token::from_response(&response, &body, 5000).unwrap();
            let renew = token.renew_at.unwrap();
            prop_assert!(renew >= 5000 && renew <= 5000 + life);
            prop_assert!(life < 2 || !token.is_due(5000));
        }
    }
}
