//! Limits that a site sets for the program as a whole, as `ulimit -v`, `LimitAS=` and
//! batch systems do.

use caso_stand_in::{Cloud, Plan, project_id};
use caso_tests::site::Site;

use crate::clouds::{FROM, TO};

const GIB: u64 = 1 << 30;
const WINDOW: [&str; 4] = ["--extract-from", FROM, "--extract-to", TO];

#[test]
fn twenty_projects_fit_into_two_gibibytes_of_address_space() {
    let cloud = Cloud::start(Plan::generated(20, 6));
    let site = Site::at(&cloud);
    site.extract_within(2 * GIB, &WINDOW).expect(0);
    assert_eq!(site.cloud_records().len(), 20 * 6);
}

/// Of twenty projects four would be read at a time, and there is room for one.
#[test]
fn with_little_address_space_fewer_projects_are_read_at_a_time() {
    let cloud = Cloud::start(Plan::generated(20, 6));
    let mut site = Site::at(&cloud);
    site.extract_within(GIB / 2, &WINDOW)
        .expect(0)
        .says("the process may have 512 MiB of address space, and 680 MiB are needed")
        .says("`LimitAS=`")
        .says("4 projects may be read at a time, and 1 will be");
    assert_eq!(site.cloud_records().len(), 20 * 6);
    site.set("DEFAULT", "concurrency", "1");
    site.extract_within(GIB / 2, &WINDOW)
        .expect(0)
        .never_says("address space");
}

/// Nothing is tried that could end halfway: not a component is compiled.
#[test]
fn with_too_little_address_space_a_run_ends_before_it_begins() {
    let cloud = Cloud::start(Plan::generated(2, 6));
    let mut site = Site::at(&cloud);
    let cache = site.path().join("cache").display().to_string();
    site.set("DEFAULT", "cache_dir", &cache);
    for mebibytes in [160, 256, 384, 480] {
        site.extract_within(mebibytes << 20, &WINDOW)
            .expect(1)
            .says(&format!(
                "the process may have {mebibytes} MiB of address space"
            ))
            .says("482 MiB are needed")
            .says("`ulimit -v`");
        assert!(cloud.seen().is_empty());
        assert_eq!(site.cursors(&project_id(0)).len(), 0);
    }
}

/// It may have more than is reserved for it, and the process may not.
#[test]
fn a_guest_that_cannot_grow_names_the_process_limit() {
    let cloud = Cloud::start(Plan::generated(1, 3));
    let mut site = Site::at(&cloud);
    site.with_mischief("allocate")
        .set("messenger_mischief", "memory", "3GiB");
    site.extract_within(GIB, &WINDOW)
        .expect(3)
        .says("mischief")
        .says("there is no address space left for it")
        .says("`LimitAS=`")
        .never_says("it aborted");
    assert_eq!(site.cloud_records().len(), 3, "ssm is no affair of it");
}
