//! A service that several regions of a cloud share: one Cinder, say, whose address the catalog has in both. A project
//! is read there once. Read as two, its storage would count twice as soon as the two have come to different moments.
//!
//! It is read in the region in which it was extracted before, the farthest of them; where it was in none, in the first of the
//! configuration.

use std::cmp::Reverse;

use super::region::Region;
use caso_model::extraction::Extractor;
use caso_openstack::{ApiError, Scope};
use caso_state::Start;

/// Where an extractor of the project starts in another region of the cloud.
#[derive(Debug, Clone)]
pub struct Elsewhere {
    pub region: String,
    pub start: Start,
}

/// The region in which the project is read instead of in this one; none where it is read here.
///
/// # Errors
/// The project's catalog is not to be had.
pub async fn is_read_in(
    region: &Region,
    project: &str,
    extractor: Extractor,
    here: &Start,
    others: &[Elsewhere],
) -> Result<Option<String>, ApiError> {
    let scope = Scope::Project(project.to_owned());
    let service = caso_extract::service(extractor);
    let names = &region.cloud.region_names;
    // The greatest is read.
    let rank = |name: Option<&String>, start: &Start| {
        let at = start.at.filter(|_| start.extracted);
        let order = names.iter().position(|it| Some(it) == name);
        (start.extracted, at, Reverse(order))
    };
    let mut first = (rank(region.place.region.as_ref(), here), None);
    for other in others {
        let session = &region.sources.session;
        if session.shares(&scope, service, &other.region).await? {
            let candidate = (rank(Some(&other.region), &other.start), Some(&other.region));
            first = first.max(candidate);
        }
    }
    Ok(first.1.cloned())
}
