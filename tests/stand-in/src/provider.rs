//! An OpenID Provider for clients that log in by themselves, as in OpenID
//! Connect Discovery 1.0, section 3, and RFC 6749, sections 2.3.1, 4.4 and 5.2;
//! the words of its refusals are those of oidc-provider 9, which
//! `tests/openstack/parts/oidc` runs.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::json;

use crate::accounts::{Client, Federation};
use crate::answer::Answer;
use crate::request::Seen;
use crate::state::State;

pub fn answer(state: &State, seen: &Seen, path: &str) -> Answer {
    let world = state.world();
    let Some(federation) = &world.plan.federation else {
        return Answer::json(404, &json!({"error": "not_found"}));
    };
    match (seen.method.as_str(), path) {
        ("GET", "/.well-known/openid-configuration") => Answer::json(
            200,
            &json!({
                "issuer": format!("{}/oidc", state.base),
                "token_endpoint": format!("{}/oidc/token", state.base),
                "grant_types_supported": ["implicit", "client_credentials"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            }),
        ),
        ("POST", "/token") => {
            let form: HashMap<String, String> = url::form_urlencoded::parse(seen.body.as_bytes())
                .into_owned()
                .collect();
            if form.get("grant_type").map(String::as_str) != Some("client_credentials") {
                return refused(
                    400,
                    "unsupported_grant_type",
                    "unsupported grant_type requested",
                );
            }
            let Some(client) = client(federation, seen, &form) else {
                return refused(401, "invalid_client", "client authentication failed");
            };
            let token =
                state.new_access_token(&client.id, state.now(&world) + client.token_seconds);
            Answer::json(
                200,
                &json!({
                    "access_token": token, "expires_in": client.token_seconds,
                    "scope": form.get("scope"), "token_type": "Bearer",
                }),
            )
        }
        _ => Answer::json(
            404,
            &json!({"error": "invalid_request", "error_description": "unrecognized route"}),
        ),
    }
}

fn refused(status: u16, error: &str, description: &str) -> Answer {
    Answer::json(
        status,
        &json!({"error": error, "error_description": description}),
    )
}

fn client<'a>(
    federation: &'a Federation,
    seen: &Seen,
    form: &HashMap<String, String>,
) -> Option<&'a Client> {
    let basic = seen.authorization.as_deref().and_then(|header| {
        let bytes = BASE64.decode(header.strip_prefix("Basic ")?).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let (id, secret) = text.split_once(':')?;
        Some((id.to_owned(), secret.to_owned()))
    });
    let posted = form
        .get("client_id")
        .cloned()
        .zip(form.get("client_secret").cloned());
    federation.clients.iter().find(|client| {
        let shown = if client.posts { &posted } else { &basic };
        shown
            .as_ref()
            .is_some_and(|(id, secret)| *id == client.id && *secret == client.secret)
    })
}
