//! A month that is published once more and waits, as a messenger is away: no cursor goes by it.

use caso_tests::outcome::Outcome;
use caso_tests::site::Site;

use crate::republish::{THREE, caso, extracted, intervals, moments, once};

fn republish(site: &Site, types: &str) -> Outcome {
    caso(
        site,
        &["republish", "--month", "2026-10"],
        &["--types", types, "--yes"],
    )
}

/// Its window goes to the month's end, and its segment may lack types: what is behind the cursor is still to be
/// extracted, wholly.
#[test]
fn what_a_republish_sealed_moves_no_cursor() {
    for looks in ["deliver", "extract"] {
        let (_cloud, mut site) = extracted();
        let counted = intervals(&site);
        site.with_mischief("retry");
        republish(&site, "cloud,storage").expect(3);
        if looks == "deliver" {
            site.deliver();
        }
        assert_eq!(moments(&site), [THREE, THREE], "{looks}");
        site.extract(&["--extract-to", "2026-10-08 06:00:00"]);
        let six = THREE + 3 * 3_600;
        assert_eq!(moments(&site), [six, six], "{looks}");
        once(&site, looks);
        assert_eq!(intervals(&site).len(), counted.len() + 1, "{looks}");
    }
}
