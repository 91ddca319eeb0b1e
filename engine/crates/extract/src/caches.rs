//! What a run asks for once, whatever the number of projects.

use std::sync::Arc;

use super::ceilometer::SeriesCache;
use super::flavors::FlavorCache;
use super::images::ImageCache;
use super::users::UserCache;
use caso_model::notice::{Notice, Notices};

/// Flavors, images and archive policies of a region, and its warnings; users are
/// the cloud's. One for each run, cloud and region.
#[derive(Debug, Default)]
pub struct RunCaches {
    pub(super) flavors: FlavorCache,
    pub(super) images: ImageCache,
    pub(super) users: Arc<UserCache>,
    pub(super) series: SeriesCache,
    pub warnings: Notices,
}

impl RunCaches {
    /// For a run that is recorded or replayed: what is asked is kept, so users and images are
    /// asked for by their ids alone, and not all that the cloud has.
    pub fn of_a_recording() -> Self {
        Self {
            users: Arc::new(UserCache::by_id_alone()),
            images: ImageCache::by_id_alone(),
            ..Self::default()
        }
    }

    /// Those of a further region of the same cloud.
    pub fn of_next_region(&self) -> Self {
        Self {
            users: self.users.clone(),
            images: self.images.of_next_region(),
            ..Self::default()
        }
    }

    /// The run's warnings so far that were not taken before. At the end of a
    /// run, after the last extraction: the count of users that could not be
    /// looked up is among them.
    pub fn closing_warnings(&self) -> Vec<Notice> {
        self.users.warn_of_failures(&self.warnings);
        self.warnings.take()
    }
}
