//! `[keystone_auth]`: keystoneauth's options, under its names.

use super::row::{Row, rows};
use crate::config::value::Kind;

const K: &str = "keystone_auth";
const OTHER_TYPES: &str = "it belongs to an auth_type that is not in use";

rows! {
    AUTH_TYPE = Row::new(K, "auth_type", Kind::Text,
        "How to authenticate: v3password, password or v3applicationcredential.")
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
    DEFAULT_DOMAIN_NAME = Row::new(K, "default_domain_name", Kind::Text,
        "With auth_type password: name of the domain of user and project.");
    DEFAULT_DOMAIN_ID = Row::new(K, "default_domain_id", Kind::Text,
        "With auth_type password: id of the domain of user and project.");
    APPLICATION_CREDENTIAL_ID = Row::new(K, "application_credential_id", Kind::Text,
        "With auth_type v3applicationcredential: id of the application credential.");
    APPLICATION_CREDENTIAL_NAME = Row::new(K, "application_credential_name", Kind::Text,
        "With auth_type v3applicationcredential: its name, in place of its id; needs the user too.");
    APPLICATION_CREDENTIAL_SECRET = Row::new(K, "application_credential_secret", Kind::Secret,
        "With auth_type v3applicationcredential: its secret. A `$` in it is written `$$`.");
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
        "PEM file with the certificates to trust, in place of the system's.");
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
    PROTOCOL = Row::ignored(K, "protocol", OTHER_TYPES);
    IDENTITY_PROVIDER = Row::ignored(K, "identity_provider", OTHER_TYPES);
    CLIENT_ID = Row::ignored(K, "client_id", OTHER_TYPES);
    CLIENT_SECRET = Row::ignored(K, "client_secret", OTHER_TYPES);
    OPENID_SCOPE = Row::ignored(K, "openid_scope", OTHER_TYPES);
    SCOPE = Row::ignored(K, "scope", OTHER_TYPES);
    ACCESS_TOKEN = Row::ignored(K, "access_token", OTHER_TYPES);
    ACCESS_TOKEN_ENDPOINT = Row::ignored(K, "access_token_endpoint", OTHER_TYPES);
    ACCESS_TOKEN_TYPE = Row::ignored(K, "access_token_type", OTHER_TYPES);
    DISCOVERY_ENDPOINT = Row::ignored(K, "discovery_endpoint", OTHER_TYPES);
    IDP_OTP_KEY = Row::ignored(K, "idp_otp_key", OTHER_TYPES);
    TOKEN = Row::ignored(K, "token", OTHER_TYPES);
    PASSCODE = Row::ignored(K, "passcode", OTHER_TYPES);
}
