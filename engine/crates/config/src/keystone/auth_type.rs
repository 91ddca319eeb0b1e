//! keystoneauth's auth types, by its names.

use crate::value::Choice;

/// An auth type that this version knows how to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AuthType {
    Password,
    V3Password,
    V3ApplicationCredential,
    V3OidcClientCredentials,
    V3OidcPassword,
    V3OidcAccessToken,
    V3Token,
    V2Password,
}

/// Those of keystoneauth's that it does not.
pub(super) const KNOWN_ELSEWHERE: &[&str] = &[
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

impl Choice for AuthType {
    const ALL: &'static [Self] = &[
        Self::V3Password,
        Self::Password,
        Self::V3ApplicationCredential,
        Self::V3OidcClientCredentials,
        Self::V3OidcPassword,
        Self::V3OidcAccessToken,
        Self::V3Token,
        Self::V2Password,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::V3Password => "v3password",
            Self::Password => "password",
            Self::V3ApplicationCredential => "v3applicationcredential",
            Self::V3OidcClientCredentials => "v3oidcclientcredentials",
            Self::V3OidcPassword => "v3oidcpassword",
            Self::V3OidcAccessToken => "v3oidcaccesstoken",
            Self::V3Token => "v3token",
            Self::V2Password => "v2password",
        }
    }
}
