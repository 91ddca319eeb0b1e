//! Cinder, as far as accounting needs it: the volumes of one project.
//! <https://docs.openstack.org/api-ref/block-storage/v3/#list-accessible-volumes-with-details>

use serde::Deserialize;
use serde_json::value::RawValue;

use super::pages::{Link, ListCall, Listing, Pager, Query, field, next_link};
use super::{Scope, Service};

/// Volumes of the project, newest first; deleted ones Cinder shows to nobody.
///
/// A token of the project gets the project's own volumes, an administrator's
/// too, as long as `all_tenants` is not asked for. And nothing else is asked:
/// Cinder has no `changes-since`, and an administrator who asks for it gets an
/// empty list.
pub fn volumes(project: &str, limit: u32) -> Pager<VolumesPage> {
    let call = ListCall {
        scope: Scope::Project(project.to_owned()),
        service: Service::BlockStorage,
        path: "/volumes/detail".into(),
        query: Query::new(),
        microversion: None,
    };
    Pager::new(call, limit)
}

/// A page of volumes.
#[derive(Debug, Deserialize)]
pub struct VolumesPage {
    volumes: Vec<Box<RawValue>>,
    #[serde(default)]
    volumes_links: Vec<Link>,
}

impl Listing for VolumesPage {
    fn next(&self) -> Option<&str> {
        next_link(&self.volumes_links)
    }

    fn full_pages_are_linked(&self) -> Option<(usize, String)> {
        Some((self.volumes.len(), field(self.volumes.last()?, "id")?))
    }

    fn into_rows(self) -> Vec<Box<RawValue>> {
        self.volumes
    }
}
