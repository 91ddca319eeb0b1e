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
    /// Its place among the regions of the cloud.
    pub order: usize,
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
    let own = region.place.region.as_ref();
    let own = own.and_then(|own| region.cloud.region_names.iter().position(|it| it == own));
    let Some(own) = own else { return Ok(None) };
    let session = &region.sources.session;
    let mut first = (rank(here, own), None);
    for other in others {
        for service in caso_extract::services(extractor) {
            if session.shares(&scope, *service, &other.region).await? {
                let candidate = (rank(&other.start, other.order), Some(&other.region));
                first = first.max(candidate);
            }
        }
    }
    Ok(first.1.cloned())
}

/// The greatest is read.
fn rank(start: &Start, order: usize) -> (bool, Option<i64>, Reverse<usize>) {
    let at = start.at.filter(|_| start.extracted);
    (start.extracted, at, Reverse(order))
}
