//! What is said to an OpenID Connect provider, and what it answers. Sources:
//! OpenID Connect Discovery 1.0, sections 3 and 4; RFC 6749, sections 2.3.1,
//! 4.3, 4.4 and 5; keystoneauth's `v3oidc…` plugins for what sites rely on.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

use super::token::{NotAToken, renew_after};
use caso_login::{OidcGrant, OidcProvider};
use caso_model::secret::Secret;

/// What the discovery document says that matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovered {
    pub token_endpoint: Url,
    /// How a client may prove its secret; empty where it does not say.
    pub auth_methods: Vec<String>,
}

/// The document does not do, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadDocument {
    #[error("it has no `token_endpoint`, so it is no discovery document")]
    NoEndpoint,
    #[error("its `token_endpoint`, `{0}`, is no address that a secret may go to")]
    Endpoint(String),
    #[error("that provider gives no tokens for the grant `{wanted}`, only for {offered}")]
    Grant { wanted: String, offered: String },
}

/// Reads a discovery document that came from `origin`: a secret never goes
/// from there to plain HTTP.
pub fn discovered(
    document: &Value,
    origin: &Url,
    grant: &OidcGrant,
) -> Result<Discovered, BadDocument> {
    let endpoint = document.get("token_endpoint").and_then(Value::as_str);
    let endpoint = endpoint.ok_or(BadDocument::NoEndpoint)?;
    let token_endpoint = Url::parse(endpoint)
        .ok()
        .filter(|url| match url.scheme() {
            "https" => url.has_host(),
            "http" => url.has_host() && origin.scheme() == "http",
            _ => false,
        })
        .ok_or_else(|| BadDocument::Endpoint(endpoint.to_owned()))?;
    let words = |key: &str| -> Vec<String> {
        let words = document.get(key).and_then(Value::as_array);
        let words = words.into_iter().flatten().filter_map(Value::as_str);
        words.map(str::to_owned).collect()
    };
    let grants = words("grant_types_supported");
    if !grants.is_empty() && grants.iter().all(|offered| offered != grant.word()) {
        return Err(BadDocument::Grant {
            wanted: grant.word().to_owned(),
            offered: grants.join(", "),
        });
    }
    Ok(Discovered {
        token_endpoint,
        auth_methods: words("token_endpoint_auth_methods_supported"),
    })
}

/// How a client proves its secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuth {
    /// HTTP Basic, id and secret as they are: keystoneauth's way.
    Basic,
    /// HTTP Basic with both form-encoded, as RFC 6749 says and strict
    /// providers read it.
    BasicEncoded,
    /// In the form, for clients registered as `client_secret_post`.
    Post,
    /// A public client has no secret to prove.
    Public,
}

/// The ways to try, in this order; a further one only where the provider did
/// not know the client by the one before.
pub fn client_auths(provider: &OidcProvider, offered: &[String]) -> Vec<ClientAuth> {
    let Some(secret) = &provider.client_secret else {
        return vec![ClientAuth::Public];
    };
    let may = |word: &str| offered.is_empty() || offered.iter().any(|own| own == word);
    let mut ways = Vec::new();
    if may("client_secret_basic") || !may("client_secret_post") {
        ways.push(ClientAuth::Basic);
        if encode(secret.expose()) != secret.expose()
            || encode(&provider.client_id) != provider.client_id
        {
            ways.push(ClientAuth::BasicEncoded);
        }
    }
    if may("client_secret_post") {
        ways.push(ClientAuth::Post);
    }
    ways
}

/// Headers and form of a token request.
pub fn token_request(provider: &OidcProvider, way: ClientAuth) -> (Vec<(String, String)>, String) {
    let mut headers = vec![
        ("accept".to_owned(), "application/json".to_owned()),
        (
            "content-type".to_owned(),
            "application/x-www-form-urlencoded".to_owned(),
        ),
    ];
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", provider.grant.word());
    form.append_pair("scope", &provider.scope);
    if let OidcGrant::Password { username, password } = &provider.grant {
        form.append_pair("username", username);
        form.append_pair("password", password.expose());
    }
    let (id, secret) = (&provider.client_id, provider.client_secret.as_ref());
    let mut basic = |id: &str, secret: &str| {
        let value = format!("Basic {}", BASE64.encode(format!("{id}:{secret}")));
        headers.push(("authorization".to_owned(), value));
    };
    match (way, secret) {
        (ClientAuth::Basic, Some(secret)) => basic(id, secret.expose()),
        (ClientAuth::BasicEncoded, Some(secret)) => basic(&encode(id), &encode(secret.expose())),
        (ClientAuth::Post, Some(secret)) => {
            form.append_pair("client_id", id);
            form.append_pair("client_secret", secret.expose());
        }
        (ClientAuth::Public, _) | (_, None) => {
            form.append_pair("client_id", id);
        }
    }
    (headers, form.finish())
}

/// The provider does not know the client, as RFC 6749 words it: one more way
/// to prove it may do.
pub fn unknown_client(message: &str) -> bool {
    message.contains("invalid_client") || message.contains("unauthorized_client")
}

/// A token of the provider's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessToken {
    pub secret: Secret,
    /// By our clock; none where the provider did not say.
    pub renew_at: Option<i64>,
}

/// The token in an answer that came at `now`.
pub fn access_token(
    body: &Value,
    provider: &OidcProvider,
    now: i64,
) -> Result<AccessToken, NotAToken> {
    let path = provider.wanted.field();
    let secret = body
        .get(path)
        .and_then(Value::as_str)
        .filter(|token| !token.is_empty())
        .ok_or_else(|| NotAToken {
            path,
            detail: "missing, so the provider gave no such token; see `access_token_type`"
                .to_owned(),
        })?;
    // Some write the number as a text.
    let life = body.get("expires_in").and_then(|life| {
        let text = life.as_str().and_then(|text| text.parse().ok());
        life.as_i64()
            .or_else(|| life.as_f64().map(|life| life as i64))
            .or(text)
    });
    Ok(AccessToken {
        secret: Secret::new(secret),
        renew_at: life.map(|life| renew_after(life, now)),
    })
}

fn encode(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests;
