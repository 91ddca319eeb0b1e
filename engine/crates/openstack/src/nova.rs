//! Nova, as far as accounting needs it: lists and their pages, nothing else.
//! <https://docs.openstack.org/api-ref/compute/>
//!
//! Microversions are asked for where a call needs one, and only there: a
//! server's `flavor.id` ends with 2.46, and everything else that we read of a
//! server is in 2.1 already.

use caso_base::time::format_naive;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::pages::{Link, ListCall, Listing, OtherMarker, Pager, Query, field, next_link};
use super::{ApiError, Microversion, MicroversionRange, Scope, Service, Session};

/// From here on os-simple-tenant-usage has pages. Below, it gives as many
/// entries as `[api]max_limit` allows, and does not say that there are more.
pub const USAGE_PAGES: Microversion = Microversion::new(2, 40);
/// From here on a server shows its own copy of its flavor, without an id.
pub const EMBEDDED_FLAVOR: Microversion = Microversion::new(2, 47);
/// From here on flavors show their extra specs in the list.
pub const FLAVOR_EXTRA_SPECS: Microversion = Microversion::new(2, 61);

/// From here on a list without limit and filters shows the servers of a cell that is
/// down, with the status `UNKNOWN`.
/// <https://docs.openstack.org/api-guide/compute/down_cells.html>
pub const DOWN_CELLS: Microversion = Microversion::new(2, 69);

/// What every Nova has.
const OLDEST: MicroversionRange = MicroversionRange {
    min: Microversion::new(2, 1),
    max: Microversion::new(2, 1),
};

/// Nova, seen by one project.
#[derive(Clone)]
pub struct Nova {
    session: Session,
    project: String,
    offered: MicroversionRange,
}

/// Which servers of the project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerList {
    /// Those that are there now.
    Current,
    /// Those that changed at or after this second, deleted ones too.
    ChangedSince(i64),
}

impl Nova {
    /// With the microversions that it says it has. One that does not say is taken for the
    /// oldest, and the error beside it tells why: everything still works, with more requests.
    ///
    /// # Errors
    /// It does not answer, or Keystone does not.
    pub async fn open(
        session: Session,
        project: &str,
    ) -> Result<(Nova, Option<ApiError>), ApiError> {
        let scope = Scope::Project(project.to_owned());
        let (offered, unsaid) = match session.microversions(&scope, Service::Compute).await {
            Ok(offered) => (offered, None),
            Err(unsaid @ ApiError::NoMicroversions { .. }) => (OLDEST, Some(unsaid)),
            Err(error) => return Err(error),
        };
        Ok((Nova::new(session, project, offered), unsaid))
    }

    pub fn new(session: Session, project: &str, offered: MicroversionRange) -> Nova {
        Nova {
            session,
            project: project.to_owned(),
            offered,
        }
    }

    pub fn project(&self) -> &str {
        &self.project
    }

    pub fn session(&self) -> &Session {
        &self.session
    }

    pub fn offers(&self, version: Microversion) -> bool {
        self.offered.contains(version)
    }

    fn list(&self, path: String, query: Query, version: Option<Microversion>) -> ListCall {
        ListCall {
            scope: Scope::Project(self.project.clone()),
            service: Service::Compute,
            path,
            query,
            microversion: version.filter(|version| self.offers(*version)),
        }
    }

    fn servers_call(&self, list: ServerList) -> ListCall {
        let query = match list {
            ServerList::Current => Query::new(),
            ServerList::ChangedSince(time) => {
                vec![("changes-since".into(), format!("{}Z", format_naive(time)))]
            }
        };
        self.list("/servers/detail".into(), query, None)
    }

    /// Servers of the project, newest first.
    pub fn servers(&self, list: ServerList, limit: u32) -> Pager<ServersPage> {
        Pager::new(self.servers_call(list), limit)
    }

    /// Those of a name, deleted ones too where `list` has them. Nova takes a regular expression,
    /// and one before 2.1 may ignore it: who asks compares the names.
    pub fn servers_named(&self, name: &str, list: ServerList, limit: u32) -> Pager<ServersPage> {
        let mut call = self.servers_call(list);
        let literal: String = name
            .chars()
            .flat_map(|c| {
                let plain = c.is_alphanumeric() || matches!(c, '_' | '-' | ' ') || !c.is_ascii();
                (!plain).then_some('\\').into_iter().chain([c])
            })
            .collect();
        call.query.push(("name".into(), format!("^{literal}$")));
        Pager::new(call, limit)
    }

    /// The same servers as on `page`, this time with the copies of their
    /// flavors.
    pub fn servers_with_flavors(&self, list: ServerList, page: &Query) -> Pager<ServersPage> {
        let call = ListCall {
            microversion: Some(EMBEDDED_FLAVOR),
            ..self.servers_call(list)
        };
        Pager::resume(call, page)
    }

    /// One server, also a soft-deleted one; none where Nova does not know it (any
    /// more).
    ///
    /// # Errors
    /// Those of the request; a 404 is none.
    pub async fn server(
        &self,
        id: &str,
        version: Option<Microversion>,
    ) -> Result<Option<Box<RawValue>>, ApiError> {
        #[derive(Deserialize)]
        struct Answer {
            server: Box<RawValue>,
        }
        let answer: Result<Answer, ApiError> = self
            .session
            .get(
                &Scope::Project(self.project.clone()),
                Service::Compute,
                &format!("/servers/{}", caso_net::path_segment(id)),
                &[],
                version.filter(|version| self.offers(*version)),
            )
            .await;
        match answer {
            Ok(answer) => Ok(Some(answer.server)),
            Err(error) if error.status_of(Service::Compute) == Some(404) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Ids of servers in cells that are down. Nova shows as many as a page of its own
    /// has; none below [`DOWN_CELLS`], where it does not say.
    ///
    /// # Errors
    /// Those of the request.
    pub async fn servers_in_down_cells(&self) -> Result<Vec<String>, ApiError> {
        #[derive(Deserialize)]
        struct Answer {
            servers: Vec<Brief>,
        }
        #[derive(Deserialize)]
        struct Brief {
            id: String,
            #[serde(default)]
            status: Option<String>,
        }
        if !self.offers(DOWN_CELLS) {
            return Ok(Vec::new());
        }
        let answer: Answer = self
            .session
            .get(
                &Scope::Project(self.project.clone()),
                Service::Compute,
                "/servers",
                &[],
                Some(DOWN_CELLS),
            )
            .await?;
        let down = answer.servers.into_iter();
        let down = down.filter(|server| server.status.as_deref() == Some("UNKNOWN"));
        Ok(down.map(|server| server.id).collect())
    }

    /// The usage API's entries for `start..end`, by server id.
    pub fn usage(&self, start: i64, end: i64, limit: u32) -> Pager<UsagePage> {
        // Without a zone: with one, the answer is 400.
        let query = vec![
            ("start".into(), format_naive(start)),
            ("end".into(), format_naive(end)),
        ];
        let path = format!("/os-simple-tenant-usage/{}", self.project);
        let pager = Pager::new(self.list(path, query, Some(USAGE_PAGES)), limit);
        match self.usage_has_pages() {
            true => pager,
            false => pager.of_one_page(),
        }
    }

    /// Whether the usage API gives all there is.
    pub fn usage_has_pages(&self) -> bool {
        self.offers(USAGE_PAGES)
    }

    /// The flavors that this project may use: the public ones, and private
    /// ones it was given.
    pub fn flavors(&self, limit: u32) -> Pager<FlavorsPage> {
        Pager::new(
            self.list(
                "/flavors/detail".into(),
                Query::new(),
                Some(FLAVOR_EXTRA_SPECS),
            ),
            limit,
        )
    }

    /// Whether [`Nova::flavors`] brings the extra specs.
    pub fn flavors_have_extra_specs(&self) -> bool {
        self.offers(FLAVOR_EXTRA_SPECS)
    }

    /// A flavor's extra specs, where the list does not bring them.
    pub async fn extra_specs(&self, flavor: &str) -> Result<BTreeMap<String, String>, ApiError> {
        #[derive(Deserialize)]
        struct Answer {
            extra_specs: BTreeMap<String, String>,
        }
        let id = caso_net::path_segment(flavor);
        let answer: Answer = self
            .session
            .get(
                &Scope::Project(self.project.clone()),
                Service::Compute,
                // Not `+`: that is a space in a query only.
                &format!("/flavors/{}/os-extra_specs", id.replace('+', "%20")),
                &[],
                None,
            )
            .await?;
        Ok(answer.extra_specs)
    }
}

/// A page of servers.
#[derive(Debug, Deserialize)]
pub struct ServersPage {
    servers: Vec<Box<RawValue>>,
    #[serde(default)]
    servers_links: Vec<Link>,
}

impl Listing for ServersPage {
    fn next(&self) -> Option<&str> {
        next_link(&self.servers_links)
    }

    fn other_marker(&self) -> OtherMarker {
        #[derive(Deserialize)]
        struct Row {
            id: String,
            status: Option<String>,
        }
        // What cannot be read is no marker; its reader says what is wrong with it.
        let rows = self.servers.iter().rev();
        let mut rows = rows.filter_map(|raw| serde_json::from_str::<Row>(raw.get()).ok());
        let deleted = |row: &Row| row.status.as_deref() == Some("DELETED");
        match rows.next() {
            Some(last) if deleted(&last) => match rows.find(|row| !deleted(row)) {
                Some(row) => OtherMarker::Row(row.id),
                None => OtherMarker::None,
            },
            _ => OtherMarker::NotNeeded,
        }
    }

    fn full_pages_are_linked(&self) -> Option<(usize, String)> {
        Some((self.servers.len(), field(self.servers.last()?, "id")?))
    }

    fn into_rows(self) -> Vec<Box<RawValue>> {
        self.servers
    }
}

/// A page of usage. A project without servers has an empty `tenant_usage`.
#[derive(Debug, Deserialize)]
pub struct UsagePage {
    tenant_usage: TenantUsage,
    // The single project's answer says `tenant_usage_links`; the plural is the
    // word of the list over all projects.
    #[serde(default, alias = "tenant_usages_links")]
    tenant_usage_links: Vec<Link>,
}

#[derive(Debug)]
struct TenantUsage {
    server_usages: Vec<Box<RawValue>>,
}

impl<'de> Deserialize<'de> for TenantUsage {
    /// Only `{}` says that there is nothing. An object that holds other things
    /// is no usage: taken for none, every server of the project would be lost.
    fn deserialize<D: serde::Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Rows {
            server_usages: Vec<Box<RawValue>>,
        }
        let raw = Box::<RawValue>::deserialize(reader)?;
        let inner = raw.get().trim().strip_prefix('{');
        let inner = inner.and_then(|text| text.strip_suffix('}'));
        if inner.is_some_and(|text| text.trim().is_empty()) {
            return Ok(TenantUsage {
                server_usages: Vec::new(),
            });
        }
        let rows: Rows = serde_json::from_str(raw.get()).map_err(serde::de::Error::custom)?;
        Ok(TenantUsage {
            server_usages: rows.server_usages,
        })
    }
}

impl Listing for UsagePage {
    fn next(&self) -> Option<&str> {
        next_link(&self.tenant_usage_links)
    }

    fn full_pages_are_linked(&self) -> Option<(usize, String)> {
        let rows = &self.tenant_usage.server_usages;
        Some((rows.len(), field(rows.last()?, "instance_id")?))
    }

    fn into_rows(self) -> Vec<Box<RawValue>> {
        self.tenant_usage.server_usages
    }
}

/// A page of flavors.
#[derive(Debug, Deserialize)]
pub struct FlavorsPage {
    flavors: Vec<Box<RawValue>>,
    #[serde(default)]
    flavors_links: Vec<Link>,
}

impl Listing for FlavorsPage {
    fn next(&self) -> Option<&str> {
        next_link(&self.flavors_links)
    }

    fn into_rows(self) -> Vec<Box<RawValue>> {
        self.flavors
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_row_that_is_not_deleted_is_the_other_marker() {
        let other = |statuses: &[(&str, &str)]| {
            let rows: Vec<_> = statuses
                .iter()
                .map(|(id, status)| serde_json::json!({"id": id, "status": status}))
                .collect();
            let text = serde_json::json!({"servers": rows}).to_string();
            let page: ServersPage = serde_json::from_str(&text).unwrap();
            page.other_marker()
        };
        let row = |id: &str| OtherMarker::Row(id.to_owned());
        assert_eq!(other(&[("a", "ACTIVE"), ("b", "DELETED")]), row("a"));
        assert_eq!(
            other(&[("a", "ACTIVE"), ("b", "SHUTOFF"), ("c", "DELETED")]),
            row("b")
        );
        assert_eq!(
            other(&[("a", "DELETED"), ("b", "ACTIVE")]),
            OtherMarker::NotNeeded
        );
        assert_eq!(other(&[("a", "DELETED")]), OtherMarker::None);
        assert_eq!(other(&[]), OtherMarker::NotNeeded);
    }

    #[test]
    fn only_an_empty_object_is_no_usage() {
        let rows = |inner: &str| {
            let text = format!(r#"{{"tenant_usage": {inner}}}"#);
            serde_json::from_str::<UsagePage>(&text).map(|page| page.into_rows().len())
        };
        assert_eq!(rows("{ }").unwrap(), 0);
        assert_eq!(rows(r#"{"server_usages": [{}, {}]}"#).unwrap(), 2);
        for bad in [
            r#"{"error": "busy"}"#,
            "null",
            "[]",
            r#"{"server_usages": null}"#,
        ] {
            assert!(rows(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn both_spellings_of_the_usage_links_lead_on() {
        for key in ["tenant_usage_links", "tenant_usages_links"] {
            let text = format!(
                r#"{{"tenant_usage": {{}}, "{key}": [{{"rel": "next", "href": "?marker=a"}}]}}"#
            );
            let page: UsagePage = serde_json::from_str(&text).unwrap();
            assert_eq!(page.next(), Some("?marker=a"));
            assert!(page.into_rows().is_empty());
        }
    }
}
