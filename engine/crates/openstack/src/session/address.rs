//! From the catalog's endpoint to the address of a request. Endpoints come
//! with and without version, with a project id after it, and under a path of
//! a reverse proxy that the service behind it does not know.

use url::Url;

/// `path` after the endpoint. Where both name a version, the path's counts:
/// Glance's endpoint may end in `/v2`, Keystone's often still in `/v2.0`.
pub fn append(endpoint: &Url, path: &str, query: &[(&str, String)]) -> Url {
    let mut own = segments(endpoint.path());
    let path_segments = segments(path);
    if path_segments.first().is_some_and(|first| is_version(first))
        && own.last().is_some_and(|last| is_version(last))
    {
        own.pop();
    }
    own.extend(path_segments);
    let mut url = base(endpoint, &own, path.ends_with('/'));
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    url
}

/// A link of a page, on the host and under the front path of the endpoint.
pub fn follow(endpoint: &Url, href: &str) -> Result<Url, String> {
    let root = base(endpoint, &[], true);
    let link = root.join(href).map_err(|error| error.to_string())?;
    if !matches!(link.scheme(), "http" | "https") {
        return Err("it is no HTTP address".to_owned());
    }
    let own = segments(endpoint.path());
    // What a reverse proxy put in front of the service's own path.
    let version = own.iter().position(|segment| is_version(segment));
    let front = own.get(..version.unwrap_or(own.len())).unwrap_or_default();
    let theirs = segments(link.path());
    let mut result = front.to_vec();
    if let Some(at) = theirs.iter().position(|segment| is_version(segment)) {
        result.extend(theirs.into_iter().skip(at));
    } else if theirs.starts_with(front) {
        result = theirs;
    } else {
        result.extend(theirs);
    }
    let mut url = base(endpoint, &result, link.path().ends_with('/'));
    url.set_query(link.query());
    Ok(url)
}

/// Where a service's version document may stand, the likeliest first: at the
/// endpoint without the project id that some carry, then at the root, which
/// lists all versions and asks for no token.
pub fn version_documents(endpoint: &Url) -> Vec<Url> {
    let own = segments(endpoint.path());
    match own.iter().position(|segment| is_version(segment)) {
        Some(at) => vec![
            base(endpoint, own.get(..=at).unwrap_or_default(), true),
            base(endpoint, own.get(..at).unwrap_or_default(), true),
        ],
        None => vec![base(endpoint, &own, true)],
    }
}

/// The version that the endpoint is for, such as `v2.1`.
pub fn version_of(endpoint: &Url) -> Option<String> {
    segments(endpoint.path())
        .into_iter()
        .find(|segment| is_version(segment))
}

fn base(endpoint: &Url, segments: &[String], slash: bool) -> Url {
    let mut url = endpoint.clone();
    url.set_query(None);
    url.set_fragment(None);
    let mut path = String::new();
    for segment in segments {
        path.push('/');
        path.push_str(segment);
    }
    if slash {
        path.push('/');
    }
    url.set_path(&path);
    url
}

/// Of an address: escaped as they are.
fn segments(path: &str) -> Vec<String> {
    path.split('/')
        .filter(|segment| !segment.is_empty())
        .map(str::to_owned)
        .collect()
}

/// `v2`, `v2.0`, `v3`.
fn is_version(segment: &str) -> bool {
    segment.strip_prefix('v').is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_ascii_digit())
            && rest.chars().all(|c| c.is_ascii_digit() || c == '.')
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn paths_after_endpoints() {
        for (endpoint, path, expected) in [
            (
                "http://n/v2.1",
                "/servers/detail",
                "http://n/v2.1/servers/detail",
            ),
            ("http://n/v2.1/", "/servers", "http://n/v2.1/servers"),
            ("http://n/v2.1/pid", "/servers", "http://n/v2.1/pid/servers"),
            ("http://g", "/v2/images", "http://g/v2/images"),
            ("http://g/v2/", "/v2/images", "http://g/v2/images"),
            ("https://h/image", "/v2/images", "https://h/image/v2/images"),
            ("http://k/v2.0", "/v3/projects", "http://k/v3/projects"),
            (
                "http://k/identity/v3",
                "/v3/projects",
                "http://k/identity/v3/projects",
            ),
            (
                "http://c/v3/pid",
                "/volumes/detail",
                "http://c/v3/pid/volumes/detail",
            ),
        ] {
            assert_eq!(append(&url(endpoint), path, &[]).as_str(), expected);
        }
        let query = [
            ("changes-since", "2026-10-01T00:00:00Z".to_owned()),
            ("a", "x y&z".to_owned()),
        ];
        assert_eq!(
            append(&url("http://n/v2.1"), "/servers", &query).as_str(),
            "http://n/v2.1/servers?changes-since=2026-10-01T00%3A00%3A00Z&a=x+y%26z"
        );
    }

    #[test]
    fn links_stay_on_the_endpoints_host() {
        for (endpoint, href, expected) in [
            (
                "https://n:1/v2.1",
                "http://internal:8774/v2.1/servers?marker=a",
                "https://n:1/v2.1/servers?marker=a",
            ),
            (
                "https://h/compute/v2.1",
                "http://internal:8774/v2.1/servers?marker=a",
                "https://h/compute/v2.1/servers?marker=a",
            ),
            (
                "https://h/compute/v2.1",
                "https://h/compute/v2.1/servers?marker=a",
                "https://h/compute/v2.1/servers?marker=a",
            ),
            (
                "http://n:8774/v2.1",
                "https://h/compute/v2.1/servers?marker=a",
                "http://n:8774/v2.1/servers?marker=a",
            ),
            (
                "http://g:9292",
                "/v2/images?marker=a&limit=2",
                "http://g:9292/v2/images?marker=a&limit=2",
            ),
            (
                "https://h/image",
                "/v2/images?marker=a",
                "https://h/image/v2/images?marker=a",
            ),
            (
                "https://h/image/v2",
                "/v2/images?marker=a",
                "https://h/image/v2/images?marker=a",
            ),
            (
                "http://n/v2.1/pid",
                "http://n/v2.1/pid/servers?marker=a",
                "http://n/v2.1/pid/servers?marker=a",
            ),
            (
                "https://h/meter",
                "http://internal/meter/x?marker=a",
                "https://h/meter/x?marker=a",
            ),
            (
                "https://h/meter",
                "http://internal/x?marker=a",
                "https://h/meter/x?marker=a",
            ),
        ] {
            assert_eq!(follow(&url(endpoint), href).unwrap().as_str(), expected);
        }
        assert!(follow(&url("http://n"), "ftp://x/y").is_err());
        assert!(follow(&url("http://n"), "http://[").is_err());
    }

    #[test]
    fn documents_of_versions() {
        let texts = |endpoint| {
            version_documents(&url(endpoint))
                .into_iter()
                .map(|url| url.to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(texts("http://n/v2.1"), ["http://n/v2.1/", "http://n/"]);
        assert_eq!(
            texts("http://c/volume/v3/pid"),
            ["http://c/volume/v3/", "http://c/volume/"]
        );
        assert_eq!(texts("http://g"), ["http://g/"]);
    }

    proptest! {
        /// Whatever a service writes into a link, our token stays with it.
        #[test]
        fn no_link_leads_away(href in "[a-z]{0,6}:?/{0,3}[a-z0-9.@:?#%\\[\\] /]{0,30}", path in "(/[a-z0-9.]{1,5}){0,3}") {
            let endpoint = url(&format!("https://cloud:8774{path}"));
            if let Ok(link) = follow(&endpoint, &href) {
                prop_assert_eq!(link.origin(), endpoint.origin());
                prop_assert!(link.username().is_empty() && link.password().is_none());
            }
        }

        #[test]
        fn a_query_comes_back_as_it_was(key in "[a-z-]{1,10}", value in ".*") {
            let url = append(&url("http://n/v2.1"), "/servers", &[(&key, value.clone())]);
            let pairs: Vec<_> = url.query_pairs().into_owned().collect();
            prop_assert_eq!(pairs, vec![(key, value)]);
        }
    }
}
