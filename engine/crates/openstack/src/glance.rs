//! Glance, as far as accounting needs it: some images, by id.
//! <https://docs.openstack.org/api-ref/image/v2/>

use serde::Deserialize;
use serde_json::value::RawValue;

use super::pages::{Link, ListCall, Listing, Pager, next_link};
use super::{ApiError, Scope, Service, Session};

/// Which of the images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageList {
    /// Public ones, the project's own and those that it accepted, unless they are
    /// hidden.
    Usual,
    /// Hidden ones, whoever sees them (Rocky, 2.7).
    Hidden,
    /// Community images of other projects, and shared ones that nobody accepted, too:
    /// a server may boot from either. <https://specs.openstack.org/openstack/glance-specs/specs/ocata/implemented/glance/community_visibility.html>
    Any,
}

impl ImageList {
    fn query(self) -> &'static [(&'static str, &'static str)] {
        match self {
            ImageList::Usual => &[],
            ImageList::Hidden => &[("os_hidden", "true"), ("visibility", "all")],
            ImageList::Any => &[("visibility", "all"), ("member_status", "all")],
        }
    }
}

/// Images by id, those of them that the project sees: `id=in:` is part of the
/// API since Mitaka.
pub fn images(project: &str, list: ImageList, ids: &[&str]) -> Pager<ImagesPage> {
    let mut query = vec![("id".to_owned(), format!("in:{}", ids.join(",")))];
    let of_list = list.query().iter();
    query.extend(of_list.map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
    let call = ListCall {
        scope: Scope::Project(project.to_owned()),
        service: Service::Image,
        path: "/v2/images".into(),
        query,
        microversion: None,
    };
    Pager::new(call, u32::try_from(ids.len()).unwrap_or(u32::MAX))
}

/// All public images that are not hidden, `limit` a page.
pub fn public_images(project: &str, limit: u32) -> Pager<ImagesPage> {
    let call = ListCall {
        scope: Scope::Project(project.to_owned()),
        service: Service::Image,
        path: "/v2/images".into(),
        query: vec![("visibility".to_owned(), "public".to_owned())],
        microversion: None,
    };
    Pager::new(call, limit)
}

/// One image.
pub async fn image(session: &Session, project: &str, id: &str) -> Result<Box<RawValue>, ApiError> {
    let id = caso_net::path_segment(id);
    session
        .get(
            &Scope::Project(project.to_owned()),
            Service::Image,
            &format!("/v2/images/{}", id.replace('+', "%20")),
            &[],
            None,
        )
        .await
}

/// A page of images. Glance's link is a bare `next`.
#[derive(Debug, Deserialize)]
pub struct ImagesPage {
    images: Vec<Box<RawValue>>,
    next: Option<String>,
    #[serde(default)]
    links: Vec<Link>,
}

impl Listing for ImagesPage {
    fn next(&self) -> Option<&str> {
        self.next.as_deref().or_else(|| next_link(&self.links))
    }

    fn into_rows(self) -> Vec<Box<RawValue>> {
        self.images
    }
}
