//! keystoneauth's auth types, by its names.

use crate::config::suggest::hint;

/// An auth type that somebody may write down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthType {
    Password,
    V3Password,
    V3ApplicationCredential,
    /// Known to keystoneauth and not to this version.
    Other(&'static str),
    /// Keystone v2, removed from Keystone in 2018.
    V2(&'static str),
}

const OTHERS: &[&str] = &[
    "admin_token",
    "http_basic",
    "none",
    "token",
    "v3adfspassword",
    "v3fedkerb",
    "v3kerberos",
    "v3multifactor",
    "v3oauth1",
    "v3oauth2clientcredential",
    "v3oauth2mtlsclientcredential",
    "v3oidcaccesstoken",
    "v3oidcauthcode",
    "v3oidcclientcredentials",
    "v3oidcdeviceauthz",
    "v3oidcpassword",
    "v3samlpassword",
    "v3token",
    "v3tokenlessauth",
    "v3totp",
];
const V2: &[&str] = &["v2password", "v2token"];
pub const SUPPORTED: &str = "`v3password`, `password` or `v3applicationcredential`";

impl AuthType {
    /// By keystoneauth's name.
    pub fn parse(name: &str) -> Result<Self, String> {
        match name {
            "password" => Ok(Self::Password),
            "v3password" => Ok(Self::V3Password),
            "v3applicationcredential" => Ok(Self::V3ApplicationCredential),
            _ => {
                let among =
                    |names: &'static [&str]| names.iter().copied().find(|other| *other == name);
                let known = || ["password", "v3password", "v3applicationcredential"].into_iter();
                among(OTHERS)
                    .map(Self::Other)
                    .or_else(|| among(V2).map(Self::V2))
                    .ok_or_else(|| format!("{SUPPORTED}{}", hint(name, known())))
            }
        }
    }
}
