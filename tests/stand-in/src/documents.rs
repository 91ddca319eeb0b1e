//! Documents that a scripted answer has in common with the stand-in's own: tokens, catalogs
//! and versions, as Keystone and Nova write them. Plain functions of plain values, for a test that
//! has no plan.
//!
//! <https://docs.openstack.org/api-ref/identity/v3/#password-authentication-with-scoped-authorization>,
//! <https://docs.openstack.org/api-ref/identity/v3/#list-versions>,
//! <https://docs.openstack.org/api-ref/compute/#api-versions>

use serde_json::{Value, json};

use crate::time::token_time;

/// Whom a token was issued to, when and for what.
pub struct Issued<'a> {
    pub method: &'a str,
    pub user_id: &'a str,
    pub user_name: &'a str,
    pub role: &'a str,
    pub at: i64,
    pub expires: i64,
    pub scope: IssuedFor<'a>,
}

/// What a token is for; with a scope it has roles and a catalog.
pub enum IssuedFor<'a> {
    Nothing,
    System {
        catalog: Value,
    },
    Project {
        id: &'a str,
        name: &'a str,
        catalog: Value,
    },
}

/// The body of the answer to `POST /v3/auth/tokens`.
pub fn token(issued: Issued) -> Value {
    let domain = json!({"id": "default", "name": "Default"});
    let mut token = json!({
        "methods": [issued.method],
        "user": {"domain": domain, "id": issued.user_id, "name": issued.user_name,
                 "password_expires_at": null},
        "audit_ids": ["TejDFsIWROGknAVb4tryfw"],
        "expires_at": token_time(issued.expires),
        "issued_at": token_time(issued.at),
    });
    let roles = json!([{"id": "a21ec101aa7d46dcbf889187fdffc22c", "name": issued.role}]);
    match issued.scope {
        IssuedFor::Nothing => {}
        IssuedFor::System { catalog } => {
            token["roles"] = roles;
            token["system"] = json!({"all": true});
            token["catalog"] = catalog;
        }
        IssuedFor::Project { id, name, catalog } => {
            token["roles"] = roles;
            token["project"] = json!({"domain": domain, "id": id, "name": name});
            token["is_domain"] = json!(false);
            token["catalog"] = catalog;
        }
    }
    json!({ "token": token })
}

/// An entry of a catalog. An endpoint is interface, region and address.
pub fn service<'a>(
    kind: &str,
    name: &str,
    endpoints: impl IntoIterator<Item = (&'a str, &'a str, String)>,
) -> Value {
    let endpoint = |(interface, region, url): (&str, &str, String)| {
        json!({
            "id": format!("{kind}-{interface}-{region}"), "interface": interface,
            "region_id": region, "region": region, "url": url,
        })
    };
    let endpoints: Vec<Value> = endpoints.into_iter().map(endpoint).collect();
    json!({"endpoints": endpoints, "id": format!("{kind}-service"), "type": kind, "name": name})
}

/// Keystone's description of its version 3, which is at `href`.
pub fn identity_version(href: &str) -> Value {
    json!({
        "id": "v3.14", "status": "stable", "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": href}],
        "media-types": [{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}],
    })
}

/// Nova's description of its version 2.1, with microversions up to 2.`newest`.
pub fn compute_version(newest: u32, href: &str) -> Value {
    json!({
        "id": "v2.1", "status": "CURRENT", "version": format!("2.{newest}"), "min_version": "2.1",
        "updated": "2013-07-23T11:33:21Z", "links": [{"rel": "self", "href": href}],
    })
}
