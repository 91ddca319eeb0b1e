//! `[keystone_auth]`: keystoneauth's options, under its names.

use super::row::{Row, rows};
use crate::value::Kind;

const K: &str = "keystone_auth";
const OTHER_TYPES: &str = "it belongs to an auth_type that is not in use";
const ONE_TIME: &str = "nobody is there to type a one-time password";

rows! {
    AUTH_TYPE = Row::new(K, "auth_type", Kind::Text,
        "How to authenticate: v3password, password, v3applicationcredential, v3oidcclientcredentials, v3oidcpassword, \
         v3oidcaccesstoken, v3token or v2password.")
        .old(&["keystone_auth.auth_plugin"]);
    AUTH_SECTION = Row::new(K, "auth_section", Kind::Text,
        "Section that holds auth_type and its options, if it is another one.");
    AUTH_URL = Row::new(K, "auth_url", Kind::Url,
        "Address of Keystone, with or without /v3 at its end.")
        .old(&["extractor.endpoint"]);
    USERNAME = Row::new(K, "username", Kind::Text, "Name of the user; needs its domain too.")
        .old(&["keystone_auth.user_name", "extractor.user"]);
    USER_ID = Row::new(K, "user_id", Kind::Text, "Id of the user, in place of name and domain.");
    USER_DOMAIN_NAME = Row::new(K, "user_domain_name", Kind::Text, "Name of the user's domain.");
    USER_DOMAIN_ID = Row::new(K, "user_domain_id", Kind::Text, "Id of the user's domain.");
    PASSWORD = Row::new(K, "password", Kind::Secret,
        "Password of the user. A `$` in it is written `$$`.")
        .old(&["extractor.password"]);
    PASSWORD_FILE = Row::new(K, "password_file", Kind::Path,
        "File that holds the password, in place of `password`. Newlines at its end are left out.");
    DEFAULT_DOMAIN_NAME = Row::new(K, "default_domain_name", Kind::Text,
        "With auth_type password: name of the domain of user and project, and a reason to look for version 3 first.");
    DEFAULT_DOMAIN_ID = Row::new(K, "default_domain_id", Kind::Text,
        "With auth_type password: id of the domain of user and project.");
    APPLICATION_CREDENTIAL_ID = Row::new(K, "application_credential_id", Kind::Text,
        "With auth_type v3applicationcredential: id of the application credential.");
    APPLICATION_CREDENTIAL_NAME = Row::new(K, "application_credential_name", Kind::Text,
        "With auth_type v3applicationcredential: its name, in place of its id; needs the user too.");
    APPLICATION_CREDENTIAL_SECRET = Row::new(K, "application_credential_secret", Kind::Secret,
        "With auth_type v3applicationcredential: its secret. A `$` in it is written `$$`.");
    APPLICATION_CREDENTIAL_SECRET_FILE = Row::new(K, "application_credential_secret_file", Kind::Path,
        "File that holds it, in place of `application_credential_secret`.");
    IDENTITY_PROVIDER = Row::new(K, "identity_provider", Kind::Text,
        "With auth_type v3oidc...: the identity provider, as Keystone knows it.");
    PROTOCOL = Row::new(K, "protocol", Kind::Text,
        "With auth_type v3oidc...: the protocol of the identity provider, as Keystone knows it; usually openid.");
    DISCOVERY_ENDPOINT = Row::new(K, "discovery_endpoint", Kind::Url,
        "With auth_type v3oidcclientcredentials or v3oidcpassword: address of the provider's discovery document, \
         which ends with /.well-known/openid-configuration.");
    ACCESS_TOKEN_ENDPOINT = Row::new(K, "access_token_endpoint", Kind::Url,
        "Address at which the provider gives tokens. When it is set, `discovery_endpoint` is not asked.");
    CLIENT_ID = Row::new(K, "client_id", Kind::Text, "Id of the client that the provider knows us by.");
    CLIENT_SECRET = Row::new(K, "client_secret", Kind::Secret,
        "Secret of the client. A `$` in it is written `$$`.");
    CLIENT_SECRET_FILE = Row::new(K, "client_secret_file", Kind::Path,
        "File that holds it, in place of `client_secret`.");
    SCOPE = Row::new(K, "scope", Kind::Text,
        "What the provider is asked for; keystoneauth's documentation calls it openid_scope.")
        .default("openid profile")
        .old(&["keystone_auth.openid_scope"]);
    ACCESS_TOKEN_TYPE = Row::new(K, "access_token_type", Kind::Choice(&["access_token", "id_token"]),
        "Which token of the provider's answer Keystone gets.")
        .default("access_token");
    ACCESS_TOKEN = Row::new(K, "access_token", Kind::Secret,
        "With auth_type v3oidcaccesstoken: an access token of the provider.");
    ACCESS_TOKEN_FILE = Row::new(K, "access_token_file", Kind::Path,
        "File that holds it, in place of `access_token`; read anew by every run.");
    TOKEN = Row::new(K, "token", Kind::Secret, "With auth_type v3token: a token of Keystone.");
    TOKEN_FILE = Row::new(K, "token_file", Kind::Path,
        "File that holds it, in place of `token`; read anew by every run.");
    SYSTEM_SCOPE = Row::new(K, "system_scope", Kind::Text, "Scope for system operations.");
    DOMAIN_ID = Row::new(K, "domain_id", Kind::Text, "Id of the domain to scope to.");
    DOMAIN_NAME = Row::new(K, "domain_name", Kind::Text, "Name of the domain to scope to.");
    PROJECT_ID = Row::new(K, "project_id", Kind::Text, "Id of the project to scope to.")
        .old(&["keystone_auth.tenant_id"]);
    PROJECT_NAME = Row::new(K, "project_name", Kind::Text, "Name of the project to scope to.")
        .old(&["keystone_auth.tenant_name"]);
    PROJECT_DOMAIN_ID = Row::new(K, "project_domain_id", Kind::Text, "Id of the domain of projects given by name.");
    PROJECT_DOMAIN_NAME = Row::new(K, "project_domain_name", Kind::Text, "Name of the domain of projects given by name.");
    TRUST_ID = Row::new(K, "trust_id", Kind::Text, "Id of the trust to use.");
    CAFILE = Row::new(K, "cafile", Kind::Path,
        "PEM file with the certificates to trust, in place of the system's, or a folder of such files, as \
         `openssl rehash` makes them.");
    CERTFILE = Row::new(K, "certfile", Kind::Path, "PEM file with the client certificate to present.");
    KEYFILE = Row::new(K, "keyfile", Kind::Path, "PEM file with the key of the client certificate.");
    INSECURE = Row::new(K, "insecure", Kind::Boolean,
        "Whether to take any certificate: whoever sits between can then read the password.")
        .default("false")
        .old(&["extractor.insecure"]);
    TLS_MIN_VERSION = Row::new(K, "tls_min_version", Kind::Choice(&["1.2", "1.3"]),
        "Least TLS version to take.")
        .default("1.2");
    TIMEOUT = Row::new(K, "timeout", Kind::Positive,
        "Seconds to wait for a connection, and for each further part of an answer.")
        .default("60");
    CONNECT_RETRIES = Row::new(K, "connect_retries", Kind::Integer(0, 100),
        "Further tries after a connection that failed.")
        .default("3");
    STATUS_CODE_RETRIES = Row::new(K, "status_code_retries", Kind::Integer(0, 100),
        "Further tries when a service answers that it is busy or out of order (429, 502, 503, 504).")
        .default("5");
    COLLECT_TIMING = Row::ignored(K, "collect_timing", "`debug` shows the time of every request");
    SPLIT_LOGGERS = Row::ignored(K, "split_loggers", "there is one log");
    TLS_CIPHERS = Row::ignored(K, "tls_ciphers", "it names ciphers of OpenSSL, which is not in use");
    IDP_OTP_KEY = Row::ignored(K, "idp_otp_key", ONE_TIME);
    PASSCODE = Row::ignored(K, "passcode", OTHER_TYPES);
}
