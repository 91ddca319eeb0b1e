//! keystoneauth's auth types, by its names.

use caso_base::suggest::hint;

/// An auth type that somebody may write down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthType {
    Password,
    V3Password,
    V3ApplicationCredential,
    V3OidcClientCredentials,
    V3OidcPassword,
    V3OidcAccessToken,
    V3Token,
    V2Password,
    /// Known to keystoneauth and not to this version.
    Other(&'static str),
}

const SUPPORTED: [(&str, AuthType); 8] = [
    ("v3password", AuthType::V3Password),
    ("password", AuthType::Password),
    ("v3applicationcredential", AuthType::V3ApplicationCredential),
    ("v3oidcclientcredentials", AuthType::V3OidcClientCredentials),
    ("v3oidcpassword", AuthType::V3OidcPassword),
    ("v3oidcaccesstoken", AuthType::V3OidcAccessToken),
    ("v3token", AuthType::V3Token),
    ("v2password", AuthType::V2Password),
];

const OTHERS: &[&str] = &[
    "admin_token",
    "http_basic",
    "none",
    "token",
    "v2token",
    "v3adfspassword",
    "v3fedkerb",
    "v3kerberos",
    "v3multifactor",
    "v3oauth1",
    "v3oauth2clientcredential",
    "v3oauth2mtlsclientcredential",
    "v3oidcauthcode",
    "v3oidcdeviceauthz",
    "v3samlpassword",
    "v3tokenlessauth",
    "v3totp",
];

/// The names that there are, for people.
pub fn supported() -> String {
    SUPPORTED.map(|(name, _)| format!("`{name}`")).join(", ")
}

impl AuthType {
    /// By keystoneauth's name.
    pub fn parse(name: &str) -> Result<Self, String> {
        let own = SUPPORTED.iter().find(|(known, _)| *known == name);
        own.map(|(_, auth_type)| *auth_type)
            .or_else(|| {
                let other = OTHERS.iter().find(|other| **other == name);
                other.map(|other| Self::Other(other))
            })
            .ok_or_else(|| {
                let names = SUPPORTED.iter().map(|(name, _)| *name);
                format!("one of {}{}", supported(), hint(name, names))
            })
    }
}
