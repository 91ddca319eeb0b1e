//! Reading a list to its end, page by page, for every API that links its
//! pages (`servers_links`, `tenant_usage_links`, Glance's `next`, …).
//!
//! The end of a list is where there is no link to a next page, whatever the
//! number of rows: an API may give fewer than were asked for. But Nova and Cinder link each
//! page that is full, even if nothing follows: where such a page has no link, something on the
//! way has cut it off, and the list goes on after the page's last row. Of the link only
//! the query counts, and of the query only what we did not ask ourselves (the
//! marker): a link's host is the API's own idea of its address, which behind
//! a proxy is often wrong, and a token has no business there.
//!
//! A page that does not come in time is asked again at half its limit. An
//! item that ended a page and is gone from the API when the next page is asked
//! makes it refuse the marker; the list then begins anew, and its reader
//! must know what it has had. Neutron takes a marker that it does not know for
//! none and begins anew by itself; then a link may lead back to a page that we
//! had, and is followed as often as we would begin anew.
//!
//! Nova before 2014.2.3-29 takes no deleted server for a marker, though its lists of
//! changes are full of them. Then the
//! last row of the page that is not deleted is the marker ([`Listing::other_marker`]):
//! the next page repeats what comes after it, which a reader has to bear anyway.

use std::collections::{HashMap, HashSet};
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use url::Url;

use super::error::odd_answer;
use super::{ApiError, Microversion, Scope, Service, Session};

/// A page of a list, as JSON.
pub trait Listing: DeserializeOwned + Send {
    /// Address of the next page, absolute or relative.
    fn next(&self) -> Option<&str>;

    /// Of a page that ends with a row which some versions of the API do not take for a
    /// marker: what such a version takes.
    fn other_marker(&self) -> OtherMarker {
        OtherMarker::NotNeeded
    }

    /// How many rows the page has, and the id of the last one: what a link to the next page
    /// would have for its marker. For an API that links every full page; none for others.
    fn full_pages_are_linked(&self) -> Option<(usize, String)> {
        None
    }

    /// Rows, not yet looked into: an odd one must not cost the others.
    fn into_rows(self) -> Vec<Box<RawValue>>;
}

/// A marker in place of the one that a link has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OtherMarker {
    /// The link's own is as good as any.
    NotNeeded,
    /// The id of another row of the page.
    Row(String),
    /// All rows of the page are of that kind.
    None,
}

/// One of `*_links`.
#[derive(Debug, Clone, Deserialize)]
pub struct Link {
    #[serde(default)]
    pub rel: String,
    #[serde(default)]
    pub href: String,
}

/// The text in that field of a row.
pub fn field(row: &RawValue, name: &str) -> Option<String> {
    let fields: HashMap<&str, &RawValue> = serde_json::from_str(row.get()).ok()?;
    serde_json::from_str(fields.get(name)?.get()).ok()
}

/// The link to the next page.
pub fn next_link(links: &[Link]) -> Option<&str> {
    links
        .iter()
        .find(|link| link.rel == "next" && !link.href.is_empty())
        .map(|link| link.href.as_str())
}

/// The list could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The links lead in a circle.
    #[error(
        "the pages of `{path}` never end: after {pages} of them the `next` link leads back to `{query}`"
    )]
    Endless {
        path: String,
        query: String,
        pages: u64,
    },
    /// Markers went away more often than we begin anew.
    #[error("the list `{path}` was begun {starts} times, and each time lost its place: {source}")]
    LostPlace {
        path: String,
        starts: u32,
        /// A whole page was of deleted servers.
        deleted: bool,
        source: Box<ApiError>,
    },
    /// Something in the list is no object: what else is missing in it nobody can say.
    #[error(
        "the list `{path}` holds something that is no object, `{text}`: it is read again in the next run"
    )]
    NoObject {
        service: Service,
        path: String,
        text: String,
    },
    /// The API refuses so long a page.
    #[error("{source} (the page was to have {limit} rows)")]
    TooLong { limit: u32, source: Box<ApiError> },
}

/// Why a place is lost where a whole page is of deleted servers, and what to do.
const DELETED_PAGE: &str = "the page before it has deleted servers alone, and Nova before 2014.2.3-29 begins no page after one: set `page_size`, and `[api]max_limit` in Nova's configuration, to more than a window has deleted servers, or read shorter windows with `--extract-to`";

impl PageError {
    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            PageError::Api(error) => error.hint(),
            PageError::Endless { .. } => {
                Some("this is a defect of the API or of a proxy before it".to_owned())
            }
            PageError::LostPlace { deleted: true, .. } => Some(DELETED_PAGE.to_owned()),
            PageError::LostPlace { source, .. } => source.hint(),
            PageError::NoObject { service, .. } => Some(odd_answer(*service, None)),
            PageError::TooLong { .. } => {
                Some("if that is too many rows for this API, set `page_size` to fewer".to_owned())
            }
        }
    }

    /// The answer behind it, where it was one.
    pub fn api(&self) -> Option<&ApiError> {
        match self {
            PageError::Api(error) => Some(error),
            PageError::LostPlace { source, .. } | PageError::TooLong { source, .. } => Some(source),
            PageError::Endless { .. } | PageError::NoObject { .. } => None,
        }
    }
}

/// Parameters of a query.
pub type Query = Vec<(String, String)>;

/// What list is meant.
#[derive(Debug, Clone)]
pub struct ListCall {
    pub scope: Scope,
    pub service: Service,
    pub path: String,
    /// Without limit and marker.
    pub query: Query,
    pub microversion: Option<Microversion>,
}

/// Rows of one page, and how to ask for the same page again.
#[derive(Debug)]
pub struct FetchedPage {
    pub rows: Vec<Box<RawValue>>,
    /// The page's whole query, limit and marker included.
    pub query: Query,
    /// Whether the list ends here.
    pub last: bool,
}

/// No page is asked for fewer rows than this: what cannot give so few in time
/// will not give fewer either.
pub const LEAST_LIMIT: u32 = 10;

/// Characters of a row in an error.
const MOST_SHOWN: usize = 60;

/// How often a list is begun before giving up on it.
const MOST_STARTS: u32 = 4;

/// A list on its way to its end.
pub struct Pager<L> {
    call: ListCall,
    limit: u32,
    place: Place,
    /// Where to go on if the link's marker is refused.
    other: Other,
    /// The API knows no pages of this list.
    one_page: bool,
    /// Rows of the last page that had a link.
    linked: Option<usize>,
    /// The marker of the page that is asked for without a link to it.
    guessed: Option<String>,
    /// Queries of the pages since the last start.
    asked: HashSet<Query>,
    pages: u64,
    starts: u32,
    listing: PhantomData<fn() -> L>,
}

#[derive(Debug)]
enum Other {
    /// The last page had no need of one.
    NotNeeded,
    /// What its marker adds to our query.
    Next(Query),
    /// All of the last page is deleted.
    None,
}

#[derive(Debug)]
enum Place {
    Start,
    /// What the last link added to our query.
    Next(Query),
    End,
}

impl<L: Listing> Pager<L> {
    /// Begins the list; `limit` is the most rows of a page.
    pub fn new(call: ListCall, limit: u32) -> Self {
        Pager {
            call,
            limit: limit.max(1),
            place: Place::Start,
            other: Other::NotNeeded,
            one_page: false,
            linked: None,
            guessed: None,
            asked: HashSet::new(),
            pages: 0,
            starts: 1,
            listing: PhantomData,
        }
    }

    /// The same list of an API that gives it in one page, of which it is not told how long.
    #[must_use]
    pub fn of_one_page(mut self) -> Self {
        self.one_page = true;
        self
    }

    /// Goes to a page that this list gave before, at another microversion
    /// perhaps, and from there on. It begins only once: a marker that is gone
    /// by now is an error.
    pub fn resume(call: ListCall, page: &Query) -> Self {
        let limit = page
            .iter()
            .find(|(key, _)| key == "limit")
            .and_then(|(_, limit)| limit.parse().ok())
            .unwrap_or(LEAST_LIMIT);
        let added = page
            .iter()
            .filter(|(key, _)| key != "limit" && call.query.iter().all(|(our, _)| our != key))
            .cloned()
            .collect();
        Pager {
            place: Place::Next(added),
            starts: MOST_STARTS,
            ..Pager::new(call, limit)
        }
    }

    /// The next page; none at the end.
    pub async fn next(&mut self, session: &Session) -> Result<Option<FetchedPage>, PageError> {
        loop {
            let mut query = self.call.query.clone();
            match &self.place {
                Place::End => return Ok(None),
                Place::Start => {}
                Place::Next(added) => query.extend(added.iter().cloned()),
            }
            match self.fetch(session, &query).await {
                Ok(page) => return self.step(page, query).map(Some),
                // An API that has no such pages after all.
                Err(error) if self.lost_place(&error) && self.guessed.is_some() => {
                    self.place = Place::End;
                }
                Err(error) if self.lost_place(&error) && matches!(self.place, Place::Next(_)) => {
                    let other = std::mem::replace(&mut self.other, Other::NotNeeded);
                    let deleted = matches!(other, Other::None);
                    if let Other::Next(added) = other {
                        self.place = Place::Next(added);
                        continue;
                    }
                    if self.starts >= MOST_STARTS {
                        return Err(PageError::LostPlace {
                            path: self.call.path.clone(),
                            starts: self.starts,
                            deleted,
                            source: Box::new(error),
                        });
                    }
                    self.starts += 1;
                    self.asked.clear();
                    self.place = Place::Start;
                }
                Err(error) if self.limit > LEAST_LIMIT && self.is_about_length(&error) => {
                    return Err(PageError::TooLong {
                        limit: self.limit,
                        source: Box::new(error),
                    });
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Asks for one page, with half the limit after each timeout.
    async fn fetch(&mut self, session: &Session, query: &Query) -> Result<L, ApiError> {
        let mut earlier = None;
        loop {
            let query = with_limit(query, self.limit);
            let query: Vec<(&str, String)> = query
                .iter()
                .map(|(key, value)| (key.as_str(), value.clone()))
                .collect();
            let answer = session
                .get(
                    &self.call.scope,
                    self.call.service,
                    &self.call.path,
                    &query,
                    self.call.microversion,
                )
                .await;
            match answer {
                Err(error) if error.is_timeout() && self.limit > LEAST_LIMIT => {
                    self.limit = (self.limit / 2).max(LEAST_LIMIT);
                    earlier = Some(error.after(earlier.as_ref()));
                    tracing::debug!(
                        path = self.call.path,
                        limit = self.limit,
                        "a page came too late"
                    );
                }
                answer => return answer.map_err(|error| error.after(earlier.as_ref())),
            }
        }
    }

    /// What a page without a link adds to our query, where it is full and had to have one.
    fn marker_of_a_lost_link(&mut self, page: &L) -> Option<Query> {
        let guessed = self.guessed.take();
        let (rows, last) = page.full_pages_are_linked().filter(|_| !self.one_page)?;
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        // An API may have a limit of its own, which is then that of the pages before. One that
        // gives more than was asked for, or the same page again, knows of no pages.
        let full = self.linked.map_or(limit, |linked| linked.min(limit));
        if rows < full || rows > limit || guessed.as_ref() == Some(&last) {
            return None;
        }
        tracing::info!(
            path = self.call.path,
            rows,
            "a full page has no link to the next one: going on after its last row"
        );
        self.guessed = Some(last.clone());
        Some(vec![("marker".to_owned(), last)])
    }

    fn step(&mut self, page: L, query: Query) -> Result<FetchedPage, PageError> {
        self.pages += 1;
        let fetched = with_limit(&query, self.limit);
        let next = match page.next() {
            Some(href) => {
                self.guessed = None;
                Some(added_by_link(href, &self.call.query))
            }
            None => self.marker_of_a_lost_link(&page),
        };
        let last = next.is_none();
        self.place = match next {
            None => Place::End,
            Some(added) => {
                self.other = match page.other_marker() {
                    OtherMarker::NotNeeded => Other::NotNeeded,
                    OtherMarker::None => Other::None,
                    OtherMarker::Row(id) => {
                        let mut other = added.clone();
                        other.retain(|(key, _)| key != "marker");
                        other.push(("marker".to_owned(), id));
                        Other::Next(other)
                    }
                };
                let mut next = self.call.query.clone();
                next.extend(added.iter().cloned());
                if next == query || self.asked.contains(&next) {
                    if next == query || self.starts >= MOST_STARTS {
                        return Err(PageError::Endless {
                            path: self.call.path.clone(),
                            query: spell(&next),
                            pages: self.pages,
                        });
                    }
                    self.starts += 1;
                    self.asked.clear();
                }
                self.asked.insert(query);
                Place::Next(added)
            }
        };
        let rows = page.into_rows();
        if !last {
            self.linked = Some(rows.len());
        }
        if let Some(odd) = rows.iter().find(|row| !row.get().starts_with('{')) {
            return Err(PageError::NoObject {
                service: self.call.service,
                path: self.call.path.clone(),
                text: odd.get().chars().take(MOST_SHOWN).collect(),
            });
        }
        Ok(FetchedPage {
            rows,
            query: fetched,
            last,
        })
    }

    /// Whether the API refuses the marker: Nova and Glance with 400, others with
    /// 404.
    fn lost_place(&self, error: &ApiError) -> bool {
        matches!(error.status_of(self.call.service), Some(400 | 404))
    }

    /// A 403 (or 400, 413) that speaks of the number of rows.
    fn is_about_length(&self, error: &ApiError) -> bool {
        if !error.is_from(self.call.service) {
            return false;
        }
        let message = match error {
            ApiError::Forbidden { message, .. } => message,
            ApiError::Status {
                status: 400 | 413 | 422,
                message,
                ..
            } => message,
            _ => return false,
        };
        let message = message.to_lowercase();
        ["limit", "page", "too many", "too large", "maximum"]
            .iter()
            .any(|word| message.contains(word))
    }
}

fn with_limit(query: &Query, limit: u32) -> Query {
    let mut query = query.clone();
    query.push(("limit".into(), limit.to_string()));
    query
}

/// What a link asks for beyond our own query: its marker. Our own parameters
/// stay as we wrote them, and are there even if the link forgot one.
fn added_by_link(href: &str, ours: &Query) -> Query {
    // Only there so that a relative link can be read; never asked.
    let link = Url::parse("http://list/").and_then(|base| base.join(href));
    let Ok(link) = link else { return Query::new() };
    link.query_pairs()
        .filter(|(key, _)| key != "limit" && ours.iter().all(|(our, _)| our != key))
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect()
}

fn spell(query: &Query) -> String {
    query
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect::<Vec<_>>()
        .join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_adds_its_marker_and_nothing_of_ours() {
        let ours = vec![(
            "changes-since".to_owned(),
            "2026-10-01T00:00:00Z".to_owned(),
        )];
        for href in [
            "http://10.0.0.1:8774/v2.1/servers/detail?changes-since=2026&limit=3&marker=abc",
            "/v2.1/servers/detail?marker=abc&limit=3",
            "servers/detail?marker=abc",
            "?marker=abc",
        ] {
            assert_eq!(
                added_by_link(href, &ours),
                vec![("marker".to_owned(), "abc".to_owned())],
                "{href}"
            );
        }
        assert_eq!(added_by_link("http://[", &ours), Query::new());
    }

    /// Lengths of the pages of a list of servers, two a page, by the answer to a marker.
    async fn lengths(
        answer: impl Fn(Option<&str>) -> crate::testing::Outcome + Send + Sync + 'static,
    ) -> Vec<usize> {
        use crate::testing::{Fake, session, token};

        let fake = Fake::new(move |request| match request.method {
            caso_net::Method::Post => token(request, "t"),
            _ => {
                let mut pairs = request.url.query_pairs();
                let marker = pairs.find(|(key, _)| key == "marker");
                answer(marker.as_ref().map(|(_, marker)| &**marker))
            }
        });
        let (session, _) = session(&fake);
        let oldest = crate::Microversion::new(2, 1);
        let offered = crate::MicroversionRange {
            min: oldest,
            max: oldest,
        };
        let nova = crate::nova::Nova::new(session.clone(), "p", offered);
        let mut pager = nova.servers(crate::nova::ServerList::Current, 2);
        let mut lengths = Vec::new();
        while let Some(page) = pager.next(&session).await.unwrap() {
            lengths.push(page.rows.len());
        }
        lengths
    }

    #[tokio::test]
    async fn a_full_page_without_a_link_is_followed_by_what_comes_after_it() {
        use crate::testing::{answer, refusal};
        use serde_json::json;

        let rows = |ids: &[&str]| {
            let rows: Vec<_> = ids.iter().map(|id| json!({"id": id})).collect();
            answer(200, &json!({"servers": rows}))
        };
        let paged = move |marker: Option<&str>| match marker {
            None => rows(&["a", "b"]),
            Some("b") => rows(&["c", "d"]),
            _ => rows(&[]),
        };
        assert_eq!(lengths(paged).await, [2, 2, 0]);
        // APIs without pages: what they do with a marker is no error.
        assert_eq!(lengths(move |_| rows(&["a", "b"])).await, [2, 2]);
        assert_eq!(lengths(move |_| rows(&["a", "b", "c"])).await, [3]);
        let refusing = move |marker: Option<&str>| match marker {
            None => rows(&["a", "b"]),
            Some(_) => refusal(400),
        };
        assert_eq!(lengths(refusing).await, [2]);
    }

    #[tokio::test]
    async fn a_page_that_is_too_long_for_the_api_names_the_option() {
        use crate::testing::{Fake, refusal, session, text, token};

        async fn ask(body: &'static str) -> PageError {
            let fake = Fake::new(move |request| match request.method {
                caso_net::Method::Post => token(request, "t"),
                _ if body.is_empty() => refusal(403),
                _ => text(403, &[], body),
            });
            let (session, _) = session(&fake);
            let oldest = crate::Microversion::new(2, 1);
            let offered = crate::MicroversionRange {
                min: oldest,
                max: oldest,
            };
            let nova = crate::nova::Nova::new(session.clone(), "p", offered);
            let mut pager = nova.flavors(1000);
            pager.next(&session).await.unwrap_err()
        }
        let error = ask(r#"{"forbidden": {"message": "Limit 1000 exceeds the maximum"}}"#).await;
        assert!(error.api().is_some_and(ApiError::is_forbidden), "{error:?}");
        let said = error.to_string();
        assert!(
            said.contains("1000 rows")
                && error
                    .hint()
                    .is_some_and(|hint| hint.contains("`page_size`")),
            "{said}"
        );
        let other = ask("").await;
        assert_eq!(other.hint(), None, "{other}");
    }

    #[test]
    fn only_next_leads_on() {
        let links: Vec<Link> =
            serde_json::from_str(r#"[{"rel": "self", "href": "a"}, {"rel": "next", "href": "b"}]"#)
                .unwrap();
        assert_eq!(next_link(&links), Some("b"));
        assert_eq!(next_link(&links[..1]), None);
    }
}
