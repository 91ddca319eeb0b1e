//! Limits that a site sets for the program as a whole, as `ulimit -v`, `LimitAS=` and
//! batch systems do.

use caso_stand_in::{Cloud, Plan};
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
