//! Many servers, few servers, two projects: all records there, in as few
//! messages as `max_size` allows.

use std::collections::BTreeSet;

use caso_stand_in::{Cloud, Plan};
use caso_tests::site::Site;

/// Within one month, so that every server has one cloud record.
const WINDOW: [&str; 4] = [
    "--extract-from",
    "2026-10-01",
    "--extract-to",
    "2026-10-31 23:59:59",
];

/// The servers with a record, and the sizes of the cloud messages.
fn told(site: &Site) -> (BTreeSet<String>, Vec<usize>) {
    let mut servers = BTreeSet::new();
    let mut sizes = Vec::new();
    for message in site.messages() {
        let records = message.cloud_records();
        if records.is_empty() {
            continue;
        }
        sizes.push(records.len());
        for record in records {
            assert!(
                servers.insert(record["VMUUID"].clone()),
                "{} is told twice",
                record["VMUUID"]
            );
        }
    }
    (servers, sizes)
}

#[test]
fn every_max_limit_tells_the_same_servers() {
    let mut all = Vec::new();
    for max_limit in [3, 100, 1000] {
        let cloud = Cloud::start(Plan {
            max_limit,
            ..Plan::generated(2, 130)
        });
        let site = Site::at(&cloud);
        site.extract(&WINDOW).expect(0);
        let (servers, sizes) = told(&site);
        assert_eq!(servers.len(), 260, "max_limit {max_limit}");
        assert_eq!(sizes.len(), 3, "{sizes:?}");
        all.push(site.cloud_records());
    }
    assert_eq!(all[0], all[1]);
    assert_eq!(all[1], all[2]);
}

/// cASO stops at the first thousand running ones.
#[test]
fn five_thousand_servers_in_one_project() {
    many(5_000);
}

#[test]
fn twenty_thousand_servers_in_one_project() {
    many(20_000);
}

fn many(count: usize) {
    let cloud = Cloud::start(Plan::generated(1, count));
    let site = Site::at(&cloud);
    site.extract(&WINDOW).expect(0);
    let (servers, sizes) = told(&site);
    assert_eq!(servers.len(), count);
    assert_eq!(sizes.len(), count.div_ceil(100));
    // Lists, tokens and the like: a request for a page, and few beside.
    let requests = cloud.seen().len();
    assert!(
        requests < count / 100 + 100,
        "{requests} requests for {count} servers"
    );
}

/// Records of two projects share messages: 70 and 70 are two, not four.
#[test]
fn two_projects_share_a_packing() {
    let cloud = Cloud::start(Plan::generated(2, 70));
    let site = Site::at(&cloud);
    site.extract(&WINDOW).expect(0);
    let (servers, sizes) = told(&site);
    assert_eq!(servers.len(), 140);
    assert_eq!(sizes, [100, 40]);
    let accelerators = site
        .messages()
        .iter()
        .filter(|message| message.kind() == "accelerator")
        .count();
    assert_eq!(
        accelerators, 1,
        "accelerator records of both projects fit into one message"
    );
}

#[test]
fn max_size_is_the_sites_choice() {
    let cloud = Cloud::start(Plan::generated(1, 25));
    let mut site = Site::at(&cloud);
    site.set("ssm", "max_size", "10");
    site.extract(&WINDOW).expect(0);
    assert_eq!(told(&site).1, [10, 10, 5]);
}
