//! Glance, as far as accounting needs it: some images, by id.
//! <https://docs.openstack.org/api-ref/image/v2/>

use serde::Deserialize;
use serde_json::value::RawValue;

use super::pages::{Link, ListCall, Listing, Pager, next_link};
use super::{ApiError, Scope, Service, Session};

/// Images by id, those of them that the project sees: `id=in:` is part of the
/// API since Mitaka.
pub fn images(project: &str, ids: &[&str]) -> Pager<ImagesPage> {
    let call = ListCall {
        scope: Scope::Project(project.to_owned()),
        service: Service::Image,
        path: "/v2/images".into(),
        query: vec![("id".into(), format!("in:{}", ids.join(",")))],
        microversion: None,
    };
    Pager::new(call, u32::try_from(ids.len()).unwrap_or(u32::MAX))
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
