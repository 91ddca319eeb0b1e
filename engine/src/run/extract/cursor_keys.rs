//! The keys of cursors, from the configuration. They are on disk: built in one
//! place, so that no two parts of a run can disagree about them.

use std::collections::BTreeMap;

use caso_config::{CloudConfig, Config};
use caso_journal::SegmentKey;
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

/// That which moves over what a segment holds.
pub fn of_segment(segment: &SegmentKey) -> CursorKey {
    CursorKey {
        cloud: segment.cloud.clone(),
        region: segment.region.clone(),
        extractor: segment.extractor.clone(),
    }
}

/// Those of a cloud: by region, and within it by extractor, in the order of the
/// configuration.
pub fn of_cloud(cloud: &CloudConfig) -> Vec<CursorKey> {
    keys(cloud, &cloud.extractors)
}

fn keys(cloud: &CloudConfig, extractors: &[Extractor]) -> Vec<CursorKey> {
    let regions = cloud.regions().into_iter();
    let of_region = |region: Option<String>| {
        let key = move |extractor: &Extractor| cursor_key(cloud, region.as_deref(), *extractor);
        extractors.iter().map(key)
    };
    regions.flat_map(of_region).collect()
}

/// The addresses of the clouds' Keystones, by the clouds' names.
pub fn keystones(config: &Config) -> BTreeMap<String, String> {
    let clouds = config.clouds.iter();
    let address = |cloud: &CloudConfig| Some((cloud.name.clone(), cloud.keystone_address()?));
    clouds.filter_map(address).collect()
}

/// Every key that the configuration has: of the extractors of this run, and of those that the files name. One that
/// is left out on the command line runs another time.
pub fn of_all(config: &Config) -> Vec<CursorKey> {
    let of_cloud = |cloud: &CloudConfig| {
        let mut extractors = cloud.extractors.clone();
        let others = cloud.written_extractors.iter();
        extractors.extend(others.filter(|it| !cloud.extractors.contains(it)));
        keys(cloud, &extractors)
    };
    config.clouds.iter().flat_map(of_cloud).collect()
}
