//! Which version of Keystone there is, and where, for `auth_type = password`:
//! the version document at `auth_url`, or its path. Of the addresses in the
//! document only the path counts: they often name an internal host, and our
//! password goes to the host of `auth_url` or nowhere.

use serde_json::Value;
use url::Url;

/// A version of Keystone and its base address, on the host of `auth_url`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keystone {
    V3(Url),
    V2(Url),
}

/// Which version is wanted where there are several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// The configuration has domains, which version 2.0 does not know.
    V3,
    Newest,
    Oldest,
}

/// `auth_url` names this version (`v3`, `v2`) already.
pub fn names(auth_url: &Url, version: &str) -> bool {
    auth_url
        .path()
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .is_some_and(|last| last.starts_with(version))
}

/// keystoneauth's rule for `v3password`: what ends in `v3` is the base, to
/// anything else `/v3` is appended.
pub fn v3_base(auth_url: &Url) -> Url {
    base(auth_url, "v3", "v3")
}

/// The same for `v2password`, which keystoneauth wants written in full.
pub fn v2_base(auth_url: &Url) -> Url {
    base(auth_url, "v2", "v2.0")
}

fn base(auth_url: &Url, prefix: &str, version: &str) -> Url {
    let mut base = auth_url.clone();
    base.set_query(None);
    base.set_fragment(None);
    let path = base.path().trim_end_matches('/').to_owned();
    if names(auth_url, prefix) {
        base.set_path(&path);
    } else {
        base.set_path(&format!("{path}/{version}"));
    }
    base
}

/// Without a document: the version that the path ends with, and else what is
/// in use today.
pub fn by_path(auth_url: &Url, wish: &Wish) -> Keystone {
    if names(auth_url, "v2") && *wish != Wish::V3 {
        Keystone::V2(v2_base(auth_url))
    } else {
        Keystone::V3(v3_base(auth_url))
    }
}

/// Reads a version document: a list under `versions`, in which Keystone has
/// one level more (`values`), or a single `version`. An error says why it has
/// nothing for us.
pub fn read(document: &Value, auth_url: &Url, wish: &Wish) -> Result<Keystone, String> {
    let versions = document
        .pointer("/versions/values")
        .or_else(|| document.get("versions"))
        .and_then(Value::as_array)
        .cloned()
        .or_else(|| document.get("version").map(|one| vec![one.clone()]));
    let Some(versions) = versions else {
        return Ok(by_path(auth_url, wish));
    };
    let find = |prefix: &str| {
        versions.iter().find(|version| {
            let usable = version.get("status").and_then(Value::as_str) != Some("EXPERIMENTAL");
            id(version).starts_with(prefix) && usable
        })
    };
    let v3 = find("v3").map(|found| Keystone::V3(place(found, auth_url, "v3", v3_base(auth_url))));
    let v2 = find("v2").map(|found| Keystone::V2(place(found, auth_url, "v2", v2_base(auth_url))));
    let found = match wish {
        Wish::V3 => v3,
        Wish::Newest => v3.or(v2),
        Wish::Oldest => v2.or(v3),
    };
    found.ok_or_else(|| {
        let ids: Vec<&str> = versions.iter().map(id).collect();
        let only = format!("that Keystone has no version 3, only {}", ids.join(", "));
        match wish {
            Wish::V3 => format!(
                "{only}, where there are no domains: set `auth_type = v2password`, or remove the options with \
                 `domain` in their names"
            ),
            Wish::Newest | Wish::Oldest => only,
        }
    })
}

fn id(version: &Value) -> &str {
    version.get("id").and_then(Value::as_str).unwrap_or("?")
}

/// Where the document says that a version is.
fn place(version: &Value, auth_url: &Url, prefix: &str, mut base: Url) -> Url {
    let path = version
        .get("links")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .find(|link| link.get("rel").and_then(Value::as_str) == Some("self"))
        .and_then(|link| link.get("href").and_then(Value::as_str))
        .and_then(|href| auth_url.join(href).ok())
        .filter(|href| names(href, prefix))
        .map(|href| href.path().trim_end_matches('/').to_owned());
    // Behind a proxy with a path of its own Keystone does not know that path:
    // one that lies outside of `auth_url`'s is not believed.
    if let Some(path) = path
        && path.starts_with(auth_url.path().trim_end_matches('/'))
    {
        base.set_path(&path);
    }
    base
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

    fn v3(document: &Value, auth_url: &str) -> Keystone {
        read(document, &url(auth_url), &Wish::V3).unwrap()
    }

    #[test]
    fn never_another_host() {
        let document = document("v3.14", "http://internal:35357/v3/");
        assert_eq!(
            v3(&document, "https://h:5000"),
            Keystone::V3(url("https://h:5000/v3"))
        );
    }

    #[test]
    fn a_prefix_that_keystone_does_not_know() {
        for href in ["http://internal/v3/", "https://h/identity/v3"] {
            let found = v3(&document("v3.14", href), "https://h/identity");
            assert_eq!(found, Keystone::V3(url("https://h/identity/v3")));
        }
    }

    /// keystoneauth 5.18.1 does the same with this answer of a Keystone 12.
    #[test]
    fn version_2_where_nothing_speaks_of_a_domain() {
        let document = &crate::testing::recorded("v2/versions")[0].body;
        let auth_url = url("http://127.0.0.1:15500");
        let found = |wish| read(document, &auth_url, &wish).unwrap();
        let v3 = Keystone::V3(url("http://127.0.0.1:15500/v3"));
        let v2 = Keystone::V2(url("http://127.0.0.1:15500/v2.0"));
        assert_eq!(found(Wish::Oldest), v2);
        assert_eq!((found(Wish::Newest), found(Wish::V3)), (v3.clone(), v3));
        let single = &crate::testing::recorded("v2/versions")[1].body;
        let auth_url = url("http://127.0.0.1:15500/v2.0");
        assert_eq!(read(single, &auth_url, &Wish::Newest).unwrap(), v2);
        let error = read(single, &auth_url, &Wish::V3).unwrap_err();
        assert!(
            error.contains("only v2.0") && error.contains("v2password"),
            "{error}"
        );
    }

    #[test]
    fn other_documents() {
        let auth_url = url("http://h");
        let newest = |document: &Value| read(document, &auth_url, &Wish::Newest);
        let other = newest(&json!({"versions": [{"id": "v1.0"}]})).unwrap_err();
        assert!(other.contains("only v1.0"), "{other}");
        let v3 = Ok(Keystone::V3(url("http://h/v3")));
        for none in [
            json!({"x": 1}),
            json!("page"),
            json!({"version": {"id": "v3.14"}}),
        ] {
            assert_eq!(newest(&none), v3);
        }
    }

    #[test]
    fn the_path_where_there_is_no_document() {
        let by = |text: &str, wish| by_path(&url(text), &wish);
        let v2 = Keystone::V2(url("http://h/v2.0"));
        assert_eq!(by("http://h/v2.0/", Wish::Oldest), v2);
        assert_eq!(
            by("http://h/v3", Wish::Oldest),
            Keystone::V3(url("http://h/v3"))
        );
        assert_eq!(
            by("http://h", Wish::Newest),
            Keystone::V3(url("http://h/v3"))
        );
        assert_eq!(v2_base(&url("http://h")).as_str(), "http://h/v2.0");
    }
}
