//! Limits that a site sets for the program as a whole, as `ulimit -v`, `LimitAS=` and
//! batch systems do.

use caso_tests::cloud::{Cloud, Plan};
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

#[test]
fn too_little_address_space_is_named_with_what_it_takes() {
    let cloud = Cloud::start(Plan::generated(1, 3));
    let site = Site::at(&cloud);
    // Compiled components are in the cache, so that what is short is a guest's memory.
    site.extract(&WINDOW).expect(0);
    let outcome = site.extract_within(GIB / 8, &WINDOW);
    assert_ne!(outcome.code(), 0);
    outcome
        .says("`ulimit -v`")
        .says("`LimitAS=`")
        .says("66 MiB");
}

/// It may have more than is reserved for it, and the process may not.
#[test]
fn a_guest_that_cannot_grow_is_told_of_the_process_limit() {
    let cloud = Cloud::start(Plan::generated(1, 3));
    let mut site = Site::at(&cloud);
    site.with_mischief("allocate")
        .set("messenger_mischief", "memory", "3GiB");
    // Compiled components are in the cache.
    site.extract(&["--extract-from", FROM, "--extract-to", TO, "--dry-run"])
        .expect(0);
    site.extract_within(GIB / 8 * 5, &WINDOW)
        .expect(3)
        .says("mischief")
        .says("`LimitAS=`")
        .never_says("it aborted");
    assert_eq!(site.cloud_records().len(), 3, "ssm is no affair of it");
}
