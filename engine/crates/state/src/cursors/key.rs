//! What a cursor belongs to.

use serde::{Deserialize, Serialize};

use crate::histories::Place;

/// What a cursor belongs to, beside its project.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CursorKey {
    /// Name of the cloud in the configuration.
    pub cloud: String,
    /// Name of its region; none for a cloud whose region is not named.
    pub region: Option<String>,
    /// Name of the extractor.
    pub extractor: String,
}

impl CursorKey {
    /// Its cloud and region.
    pub fn place(&self) -> Place {
        Place {
            cloud: self.cloud.clone(),
            region: self.region.clone(),
        }
    }
}

impl Place {
    /// The key of an extractor of this cloud and region.
    pub fn key(&self, extractor: &str) -> CursorKey {
        CursorKey {
            cloud: self.cloud.clone(),
            region: self.region.clone(),
            extractor: extractor.to_owned(),
        }
    }
}
