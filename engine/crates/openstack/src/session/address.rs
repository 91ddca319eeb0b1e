//! From the catalog's endpoint to the address of a request. Endpoints come
//! with and without version, with a project id after it, and under a path of
//! a reverse proxy that the service behind it does not know.

use url::Url;

/// A service's address, and which of its segments is the service's own version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub url: Url,
    version: Option<usize>,
}

impl Endpoint {
    /// A version counts where it ends the address, or is followed by an id alone
    /// (the token's project, or what looks like an id): before anything else it
    /// belongs to a front, as in `/api/v1/compute`.
    pub fn new(url: Url, project: Option<&str>) -> Self {
        let own = segments(url.path());
        let is_at = |at: &usize| own.get(*at).is_some_and(|segment| is_version(segment));
        let last = own.len().checked_sub(1);
        let before = own.len().checked_sub(2).filter(|_| {
            own.last()
                .is_some_and(|last| project == Some(last.as_str()) || is_id(last))
        });
        let version = last.filter(is_at).or_else(|| before.filter(is_at));
        Endpoint { url, version }
    }

    /// Whatever follows the version: the last that looks like one counts, as in
    /// `/api/v1/compute/v2.1/front`.
    pub fn with_any_version(url: Url) -> Self {
        let own = segments(url.path());
        let version = own.iter().rposition(|segment| is_version(segment));
        Endpoint { url, version }
    }

    pub fn has_version(&self) -> bool {
        self.version.is_some()
    }
}

/// `path` after the endpoint. Where both name a version, the path's counts:
/// Glance's endpoint may end in `/v2`, Keystone's often still in `/v2.0`.
pub fn append(endpoint: &Endpoint, path: &str, query: &[(&str, String)]) -> Url {
    let endpoint = &endpoint.url;
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
pub fn follow(endpoint: &Endpoint, href: &str) -> Result<Url, String> {
    let Endpoint { url, version } = endpoint;
    let root = base(url, &[], true);
    let link = root.join(href).map_err(|error| error.to_string())?;
    if !matches!(link.scheme(), "http" | "https") {
        return Err("it is no HTTP address".to_owned());
    }
    let own = segments(url.path());
    // What a reverse proxy put in front of the service's own path.
    let front = own.get(..version.unwrap_or(own.len())).unwrap_or_default();
    let own_version = version.and_then(|at| own.get(at));
    let theirs = segments(link.path());
    let mut result = front.to_vec();
    let at = theirs
        .iter()
        .rposition(|segment| Some(segment) == own_version)
        .or_else(|| theirs.iter().rposition(|segment| is_version(segment)));
    if let Some(at) = at {
        result.extend(theirs.into_iter().skip(at));
    } else if theirs.starts_with(front) {
        result = theirs;
    } else {
        result.extend(theirs);
    }
    let mut next = base(url, &result, link.path().ends_with('/'));
    next.set_query(link.query());
    Ok(next)
}

/// Where a service's version document may stand, the likeliest first: at the
/// endpoint without the project id that some carry, then at the root, which
/// lists all versions and asks for no token.
pub fn version_documents(endpoint: &Endpoint) -> Vec<Url> {
    let Endpoint { url, version } = endpoint;
    let own = segments(url.path());
    match *version {
        Some(at) => vec![
            base(url, own.get(..=at).unwrap_or_default(), true),
            base(url, own.get(..at).unwrap_or_default(), true),
        ],
        None => vec![base(url, &own, true)],
    }
}

/// The version that the endpoint is for, such as `v2.1`.
pub fn version_of(endpoint: &Endpoint) -> Option<String> {
    segments(endpoint.url.path())
        .into_iter()
        .nth(endpoint.version?)
}

pub(super) fn base(endpoint: &Url, segments: &[String], slash: bool) -> Url {
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
pub(super) fn segments(path: &str) -> Vec<String> {
    path.split('/')
        .filter(|segment| !segment.is_empty())
        .map(str::to_owned)
        .collect()
}

/// `v2`, `v2.0`, `v3`.
pub(super) fn is_version(segment: &str) -> bool {
    segment.strip_prefix('v').is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_ascii_digit())
            && rest.chars().all(|c| c.is_ascii_digit() || c == '.')
    })
}

/// What Keystone makes ids of projects and users of: 32 hexadecimal digits or more,
/// with or without dashes.
fn is_id(segment: &str) -> bool {
    segment.len() >= 32 && segment.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn at(text: &str) -> Endpoint {
        Endpoint::new(url(text), Some("pid"))
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
            assert_eq!(append(&at(endpoint), path, &[]).as_str(), expected);
        }
        let query = [
            ("changes-since", "2026-10-01T00:00:00Z".to_owned()),
            ("a", "x y&z".to_owned()),
        ];
        assert_eq!(
            append(&at("http://n/v2.1"), "/servers", &query).as_str(),
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
            // A front whose own path looks like a version.
            (
                "https://h/api/v1/compute/v2.1",
                "http://internal:8774/v2.1/servers?marker=a",
                "https://h/api/v1/compute/v2.1/servers?marker=a",
            ),
            (
                "https://h/api/v1/compute/v2.1/pid",
                "https://h/api/v1/compute/v2.1/pid/servers?marker=a",
                "https://h/api/v1/compute/v2.1/pid/servers?marker=a",
            ),
            (
                "https://h/api/v1/image",
                "/v2/images?marker=a",
                "https://h/api/v1/image/v2/images?marker=a",
            ),
        ] {
            assert_eq!(follow(&at(endpoint), href).unwrap().as_str(), expected);
        }
        assert!(follow(&at("http://n"), "ftp://x/y").is_err());
        assert!(follow(&at("http://n"), "http://[").is_err());
    }

    #[test]
    fn documents_of_versions() {
        let texts = |endpoint| {
            version_documents(&at(endpoint))
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
        assert_eq!(
            texts("https://h/api/v1/compute/v2.1"),
            [
                "https://h/api/v1/compute/v2.1/",
                "https://h/api/v1/compute/"
            ]
        );
    }

    #[test]
    fn the_version_is_last_but_for_an_id() {
        let version = |text: &str| version_of(&at(text));
        for (endpoint, expected) in [
            ("https://h/api/v1/compute/v2.1", Some("v2.1")),
            ("https://h/api/v1/compute/v2.1/pid", Some("v2.1")),
            ("https://h/v3/0a4a3b1c0a4a3b1c0a4a3b1c0a4a3b1c", Some("v3")),
            ("https://h/api/v1/compute", None),
            ("https://h/api/v1/compute/pid", None),
            ("https://h", None),
        ] {
            assert_eq!(version(endpoint).as_deref(), expected, "{endpoint}");
        }
        let any = Endpoint::with_any_version(url("https://h/api/v1/compute/v2.1/x/y"));
        assert_eq!(version_of(&any).as_deref(), Some("v2.1"));
    }

    proptest! {
        /// Whatever a service writes into a link, our token stays with it.
        #[test]
        fn no_link_leads_away(href in "[a-z]{0,6}:?/{0,3}[a-z0-9.@:?#%\\[\\] /]{0,30}", path in "(/[a-z0-9.]{1,5}){0,3}") {
            let endpoint = at(&format!("https://cloud:8774{path}"));
            if let Ok(link) = follow(&endpoint, &href) {
                prop_assert_eq!(link.origin(), endpoint.url.origin());
                prop_assert!(link.username().is_empty() && link.password().is_none());
            }
        }

        #[test]
        fn a_query_comes_back_as_it_was(key in "[a-z-]{1,10}", value in ".*") {
            let url = append(&at("http://n/v2.1"), "/servers", &[(&key, value.clone())]);
            let pairs: Vec<_> = url.query_pairs().into_owned().collect();
            prop_assert_eq!(pairs, vec![(key, value)]);
        }
    }
}
