//! OpenStack: session (TLS, retries, tokens, catalog), then one thin client a service.
