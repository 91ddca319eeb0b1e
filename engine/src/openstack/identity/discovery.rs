//! Where Keystone's version 3 is, for `auth_type = password`: the version
//! document at `auth_url`. Of the addresses in it only the path counts: they
//! often name an internal host, and our password goes to the host of
//! `auth_url` or nowhere.

use serde_json::Value;
use url::Url;

/// What the version document says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Base address of version 3, on the host of `auth_url`.
    V3(Url),
    /// A version document without version 3; its ids.
    Others(Vec<String>),
    /// No version document.
    Nothing,
}

/// `auth_url` names version 3 already.
pub fn names_v3(auth_url: &Url) -> bool {
    auth_url
        .path()
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .is_some_and(|last| last.starts_with("v3"))
}

/// keystoneauth's rule for `v3password`: what ends in `v3` is the base, to
/// anything else `/v3` is appended.
pub fn v3_base(auth_url: &Url) -> Url {
    let mut base = auth_url.clone();
    base.set_query(None);
    base.set_fragment(None);
    let path = base.path().trim_end_matches('/').to_owned();
    if names_v3(auth_url) {
        base.set_path(&path);
    } else {
        base.set_path(&format!("{path}/v3"));
    }
    base
}

/// Reads a version document: a list under `versions`, in which Keystone has
/// one level more (`values`), or a single `version`.
pub fn read(document: &Value, auth_url: &Url) -> Found {
    let versions = document
        .pointer("/versions/values")
        .or_else(|| document.get("versions"))
        .and_then(Value::as_array)
        .cloned()
        .or_else(|| document.get("version").map(|one| vec![one.clone()]));
    let Some(versions) = versions else {
        return Found::Nothing;
    };
    let id = |version: &Value| {
        version
            .get("id")
            .and_then(Value::as_str)
            .unwrap_or("?")
            .to_owned()
    };
    let Some(v3) = versions.iter().find(|v| {
        let usable = v.get("status").and_then(Value::as_str) != Some("EXPERIMENTAL");
        id(v).starts_with("v3") && usable
    }) else {
        return Found::Others(versions.iter().map(id).collect());
    };
    let path = v3
        .get("links")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .find(|link| link.get("rel").and_then(Value::as_str) == Some("self"))
        .and_then(|link| link.get("href").and_then(Value::as_str))
        .and_then(|href| auth_url.join(href).ok())
        .filter(names_v3)
        .map(|href| href.path().trim_end_matches('/').to_owned());
    let mut base = v3_base(auth_url);
    // Behind a proxy with a path of its own Keystone does not know that path:
    // one that lies outside of `auth_url`'s is not believed.
    if let Some(path) = path
        && path.starts_with(auth_url.path().trim_end_matches('/'))
    {
        base.set_path(&path);
    }
    Found::V3(base)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn base_by_rule() {
        for (auth_url, base) in [
            ("https://h:5000", "https://h:5000/v3"),
            ("https://h:5000/", "https://h:5000/v3"),
            ("https://h:5000/v3", "https://h:5000/v3"),
            ("https://h/identity", "https://h/identity/v3"),
            ("https://h/identity/v3/", "https://h/identity/v3"),
        ] {
            assert_eq!(v3_base(&url(auth_url)).as_str(), base);
        }
    }

    fn document(id: &str, href: &str) -> Value {
        json!({"versions": {"values": [
            {"id": "v2.0", "status": "deprecated", "links": []},
            {"id": id, "status": "stable", "links": [{"rel": "self", "href": href}]},
        ]}})
    }

    #[test]
    fn never_another_host() {
        let found = read(
            &document("v3.14", "http://internal:35357/v3/"),
            &url("https://h:5000"),
        );
        assert_eq!(found, Found::V3(url("https://h:5000/v3")));
    }

    #[test]
    fn a_prefix_that_keystone_does_not_know() {
        let auth_url = url("https://h/identity");
        let found = read(&document("v3.14", "http://internal/v3/"), &auth_url);
        assert_eq!(found, Found::V3(url("https://h/identity/v3")));
        let found = read(&document("v3.14", "https://h/identity/v3"), &auth_url);
        assert_eq!(found, Found::V3(url("https://h/identity/v3")));
    }

    #[test]
    fn other_documents() {
        let auth_url = url("http://h");
        assert_eq!(
            read(&json!({"versions": [{"id": "v2.0"}]}), &auth_url),
            Found::Others(vec!["v2.0".into()])
        );
        assert_eq!(read(&json!({"x": 1}), &auth_url), Found::Nothing);
        assert_eq!(read(&json!("page"), &auth_url), Found::Nothing);
        assert_eq!(
            read(&json!({"version": {"id": "v3.14"}}), &auth_url),
            Found::V3(url("http://h/v3"))
        );
    }
}
