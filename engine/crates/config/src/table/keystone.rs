//! `[keystone_auth]`: keystoneauth's options, under its names.

use std::path::PathBuf;

use url::Url;

use super::row::{Row, rows};
use crate::value::{Seconds, TlsVersion};
use caso_login::WantedToken;
use caso_model::secret::Secret;

const K: &str = "keystone_auth";
const OTHER_TYPES: &str = "it belongs to an auth_type that is not in use";
const ONE_TIME: &str = "nobody is there to type a one-time password";

rows! {
    AUTH_TYPE: Option<String> = Row::new(K, "auth_type",
        "How to authenticate: v3password, password, v3applicationcredential, v3oidcclientcredentials, v3oidcpassword, \
         v3oidcaccesstoken, v3token or v2password.")
        .old(&["keystone_auth.auth_plugin"]);
    AUTH_SECTION: Option<String> = Row::new(K, "auth_section",
        "Section that holds auth_type and its options, if it is another one.");
    AUTH_URL: Option<Url> = Row::new(K, "auth_url",
        "Address of Keystone, with or without /v3 at its end.")
        .old(&["extractor.endpoint"]);
    USERNAME: Option<String> = Row::new(K, "username", "Name of the user; needs its domain too.")
        .old(&["keystone_auth.user_name", "keystone_auth.user-name", "extractor.user"]);
    USER_ID: Option<String> = Row::new(K, "user_id", "Id of the user, in place of name and domain.");
    USER_DOMAIN_NAME: Option<String> = Row::new(K, "user_domain_name", "Name of the user's domain.");
    USER_DOMAIN_ID: Option<String> = Row::new(K, "user_domain_id", "Id of the user's domain.");
    PASSWORD: Option<Secret> = Row::new(K, "password",
        "Password of the user. A `$` in it is written `$$`.")
        .old(&["extractor.password"]);
    PASSWORD_FILE: Option<PathBuf> = Row::new(K, "password_file",
        "File that holds the password, in place of `password`. Trailing newlines are left out.");
    DEFAULT_DOMAIN_NAME: Option<String> = Row::new(K, "default_domain_name",
        "With auth_type password: name of the domain of user and project, and a reason to look for version 3 first.");
    DEFAULT_DOMAIN_ID: Option<String> = Row::new(K, "default_domain_id",
        "With auth_type password: id of the domain of user and project.");
    APPLICATION_CREDENTIAL_ID: Option<String> = Row::new(K, "application_credential_id",
        "With auth_type v3applicationcredential: id of the application credential.");
    APPLICATION_CREDENTIAL_NAME: Option<String> = Row::new(K, "application_credential_name",
        "With auth_type v3applicationcredential: its name, in place of its id; needs the user too.");
    APPLICATION_CREDENTIAL_SECRET: Option<Secret> = Row::new(K, "application_credential_secret",
        "With auth_type v3applicationcredential: its secret. A `$` in it is written `$$`.");
    APPLICATION_CREDENTIAL_SECRET_FILE: Option<PathBuf> = Row::new(K, "application_credential_secret_file",
        "File that holds it, in place of `application_credential_secret`.");
    IDENTITY_PROVIDER: Option<String> = Row::new(K, "identity_provider",
        "With auth_type v3oidc...: the identity provider, as Keystone knows it.");
    PROTOCOL: Option<String> = Row::new(K, "protocol",
        "With auth_type v3oidc...: the protocol of the identity provider, as Keystone knows it; usually openid.");
    DISCOVERY_ENDPOINT: Option<Url> = Row::new(K, "discovery_endpoint",
        "With auth_type v3oidcclientcredentials or v3oidcpassword: address of the provider's discovery document, \
         which ends with /.well-known/openid-configuration.");
    ACCESS_TOKEN_ENDPOINT: Option<Url> = Row::new(K, "access_token_endpoint",
        "Address at which the provider gives tokens. When it is set, `discovery_endpoint` is not asked.");
    CLIENT_ID: Option<String> = Row::new(K, "client_id", "Client id by which the provider knows us.");
    CLIENT_SECRET: Option<Secret> = Row::new(K, "client_secret",
        "Secret of the client. A `$` in it is written `$$`.");
    CLIENT_SECRET_FILE: Option<PathBuf> = Row::new(K, "client_secret_file",
        "File that holds it, in place of `client_secret`.");
    SCOPE: Option<String> = Row::new(K, "scope",
        "What the provider is asked for; keystoneauth's documentation calls it openid_scope.")
        .default("openid profile")
        .old(&["keystone_auth.openid_scope"]);
    ACCESS_TOKEN_TYPE: WantedToken = Row::new(K, "access_token_type",
        "Which token of the provider's answer Keystone gets.")
        .default("access_token");
    ACCESS_TOKEN: Option<Secret> = Row::new(K, "access_token",
        "With auth_type v3oidcaccesstoken: an access token of the provider.");
    ACCESS_TOKEN_FILE: Option<PathBuf> = Row::new(K, "access_token_file",
        "File that holds it, in place of `access_token`; read anew by every run.");
    TOKEN: Option<Secret> = Row::new(K, "token", "With auth_type v3token: a token of Keystone.");
    TOKEN_FILE: Option<PathBuf> = Row::new(K, "token_file",
        "File that holds it, in place of `token`; read anew by every run.");
    SYSTEM_SCOPE: Option<String> = Row::new(K, "system_scope", "Scope for system operations.");
    DOMAIN_ID: Option<String> = Row::new(K, "domain_id", "Id of the domain to scope to.");
    DOMAIN_NAME: Option<String> = Row::new(K, "domain_name", "Name of the domain to scope to.");
    PROJECT_ID: Option<String> = Row::new(K, "project_id", "Id of the project to scope to.")
        .old(&["keystone_auth.tenant_id", "keystone_auth.tenant-id"]);
    PROJECT_NAME: Option<String> = Row::new(K, "project_name", "Name of the project to scope to.")
        .old(&["keystone_auth.tenant_name", "keystone_auth.tenant-name"]);
    PROJECT_DOMAIN_ID: Option<String> = Row::new(K, "project_domain_id", "Id of the domain of projects given by name.");
    PROJECT_DOMAIN_NAME: Option<String> = Row::new(K, "project_domain_name", "Name of the domain of projects given by name.");
    TRUST_ID: Option<String> = Row::new(K, "trust_id", "Id of the trust to use.");
    CAFILE: Option<PathBuf> = Row::new(K, "cafile",
        "PEM file with the certificates to trust, in place of the system's, or a folder of such files, as \
         `openssl rehash` makes them.");
    CERTFILE: Option<PathBuf> = Row::new(K, "certfile", "PEM file with the client certificate to present.");
    KEYFILE: Option<PathBuf> = Row::new(K, "keyfile", "PEM file with the key of the client certificate.");
    INSECURE: bool = Row::new(K, "insecure",
        "Whether to accept any certificate: anyone in between can then read the password.")
        .default("false")
        .old(&["extractor.insecure"]);
    TLS_MIN_VERSION: TlsVersion = Row::new(K, "tls_min_version",
        "Minimum TLS version.")
        .default("1.2");
    TIMEOUT: Seconds = Row::new(K, "timeout",
        "Seconds to wait for a connection, and for each further part of an answer.")
        .default("60");
    CONNECT_RETRIES: u32 = Row::new(K, "connect_retries",
        "Further tries after a connection that failed.")
        .within(0, 100)
        .default("3");
    STATUS_CODE_RETRIES: u32 = Row::new(K, "status_code_retries",
        "Further tries when a service answers that it is busy or unavailable (429, 502, 503, 504).")
        .within(0, 100)
        .default("5");
    => ignored {
        K, "collect_timing": "`debug` shows the time of every request";
        K, "split_loggers": "there is one log";
        K, "tls_ciphers": "it names ciphers of OpenSSL, which is not in use";
        K, "idp_otp_key": ONE_TIME;
        K, "passcode": OTHER_TYPES;
    }
}
