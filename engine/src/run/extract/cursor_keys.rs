//! The keys of cursors, from the configuration. They are on disk: built in one
//! place, so that no two parts of a run can disagree about them.

use caso_config::{CloudConfig, Config};
use caso_model::extraction::Extractor;
use caso_state::CursorKey;

/// That of one extractor in a region of the cloud.
pub fn cursor_key(cloud: &CloudConfig, region: Option<&str>, extractor: Extractor) -> CursorKey {
    CursorKey {
        cloud: cloud.name.clone(),
        region: region.map(str::to_owned),
        extractor: extractor.as_str().to_owned(),
    }
}

/// Those of a cloud: by region, and within it by extractor, in the order of the
/// configuration.
pub fn of_cloud(cloud: &CloudConfig) -> Vec<CursorKey> {
    let regions = cloud.regions().into_iter();
    let of_region = |region: Option<String>| {
        let key = move |extractor: &Extractor| cursor_key(cloud, region.as_deref(), *extractor);
        cloud.extractors.iter().map(key)
    };
    regions.flat_map(of_region).collect()
}

/// Every key that the configuration has.
pub fn of_all(config: &Config) -> Vec<CursorKey> {
    config.clouds.iter().flat_map(of_cloud).collect()
}
