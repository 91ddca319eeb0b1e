//! What a list leaves out, where it does not go on, and what is empty in it.

use std::collections::{BTreeMap, BTreeSet};

use caso_stand_in::{
    Cloud, Fault, Image, Plan, Project, Rule, Server, Servers, epoch, image_id, project_id,
    server_id,
};
use caso_tests::site::Site;
use serde_json::json;

use crate::clouds::{FROM, TO};

const WINDOW: [&str; 4] = ["--extract-from", FROM, "--extract-to", TO];
const URI: &str = "vmcatcher_event_ad_mpuri";

fn image(n: usize, visibility: &str, hidden: bool) -> Image {
    Image {
        properties: BTreeMap::from([(URI.to_owned(), format!("https://appdb.example/{n}"))]),
        visibility: visibility.into(),
        hidden,
        ..Image::numbered(n)
    }
}

/// Projects of which each has a server of each of these images.
fn booted_from(projects: usize, images: &[usize]) -> Vec<Project> {
    let project = |p| {
        let servers = images.iter().enumerate().map(|(n, image)| Server {
            image_id: Some(image_id(*image)),
            ..Server::numbered(p, n)
        });
        Project::numbered(p, Servers::Listed(servers.collect()))
    };
    (0..projects).map(project).collect()
}

fn image_ids(site: &Site) -> BTreeSet<String> {
    let records = site.cloud_records();
    records
        .values()
        .map(|record| record["ImageId"].clone())
        .collect()
}

#[test]
fn hidden_and_community_images_keep_their_properties() {
    // Few, which are asked for by id, and many, which have lists.
    for (known, most) in [(3_usize, 1 + 2), (12, 1 + 2)] {
        let images: Vec<Image> = (0..known)
            .map(|n| match n % 3 {
                0 => image(n, "public", false),
                1 => image(n, "public", true),
                _ => image(n, "community", n % 2 == 0),
            })
            .collect();
        let all: Vec<usize> = (0..known).collect();
        let cloud = Cloud::start(Plan {
            projects: booted_from(2, &all),
            images,
            ..Plan::default()
        });
        let site = Site::at(&cloud);
        site.extract(&WINDOW).expect(0);
        let expected = all.iter().map(|n| format!("https://appdb.example/{n}"));
        assert_eq!(image_ids(&site), expected.collect(), "{known}");
        // The second project has them of the first.
        assert!(cloud.count("/v2/images") <= most, "{known}");
    }
}

#[test]
fn an_image_that_is_gone_is_asked_for_once_a_run() {
    let gone: Vec<usize> = (50..60).collect();
    let cloud = Cloud::start(Plan {
        projects: booted_from(3, &gone),
        images: vec![image(0, "public", false)],
        ..Plan::default()
    });
    let mut site = Site::at(&cloud);
    // Side by side, two could ask for the same before one of them knows.
    site.set("DEFAULT", "concurrency", "1");
    site.extract(&WINDOW).expect(0);
    let expected: BTreeSet<String> = gone.iter().map(|n| image_id(*n)).collect();
    assert_eq!(image_ids(&site), expected);
    assert_eq!(cloud.count("/v2/images/"), gone.len());
    // Three lists by id a project, and the second one's question is the list of all public images.
    assert_eq!(cloud.count("/v2/images"), gone.len() + 3 * 3 + 1);
}

/// Seven servers, of which these were deleted in the window.
fn changed(deleted: &[usize]) -> Vec<Server> {
    let server = |n| {
        let server = Server {
            updated: epoch("2026-10-06") + n as i64,
            ..Server::numbered(0, n)
        };
        match deleted.contains(&n) {
            true => server.deleted(epoch("2026-10-07") + n as i64),
            false => server,
        }
    };
    (0..7).map(server).collect()
}

fn old_nova(servers: Vec<Server>) -> Cloud {
    Cloud::start(Plan {
        projects: vec![Project::numbered(0, Servers::Listed(servers))],
        max_limit: 3,
        refuses_deleted_markers: true,
        ..Plan::default()
    })
}

#[test]
fn a_nova_that_takes_no_deleted_marker_is_read_to_the_end() {
    // Newest first in pages of three: the rows 4 and 1 end pages.
    let cloud = old_nova(changed(&[4, 1, 0]));
    let site = Site::at(&cloud);
    site.extract(&WINDOW).expect(0);
    let records = site.cloud_records();
    let all: BTreeSet<String> = (0..7).map(|n| server_id(0, n)).collect();
    assert_eq!(records.keys().cloned().collect::<BTreeSet<_>>(), all);
    for n in [4, 1, 0] {
        assert_eq!(records[&server_id(0, n)]["Status"], "completed", "{n}");
    }
    assert!(site.cursor(&project_id(0)).is_some());
}

#[test]
fn a_page_of_deleted_servers_alone_is_named_with_the_way_out() {
    let cloud = old_nova(changed(&[6, 5, 4]));
    Site::at(&cloud)
        .extract(&WINDOW)
        .expect(1)
        .says("has deleted servers alone")
        .says("`page_size`");
}

#[test]
fn an_empty_text_is_no_time_and_no_number() {
    let mut servers = changed(&[]);
    servers[2].odd = BTreeMap::from([
        ("OS-SRV-USG:launched_at".to_owned(), json!("")),
        ("OS-SRV-USG:terminated_at".to_owned(), json!("")),
    ]);
    let cloud = Cloud::start(Plan {
        projects: vec![Project::numbered(0, Servers::Listed(servers))],
        ..Plan::default()
    });
    let site = Site::at(&cloud);
    site.extract(&WINDOW).expect(0).never_says("is not a time");
    assert_eq!(site.cloud_records().len(), 7);
}

/// Nova links each page that is full, even if nothing follows.
#[test]
fn a_full_page_that_has_lost_its_link_is_not_the_end() {
    let servers = (0..7).map(|n| Server::numbered(0, n));
    let cloud = Cloud::start(Plan {
        projects: vec![Project::numbered(0, Servers::Listed(servers.collect()))],
        // Less than what we ask for, so that the pages before say what is full.
        max_limit: 2,
        ..Plan::default()
    });
    let site = Site::at(&cloud);
    cloud.inject(Rule::on("/servers/detail").nth(2), Fault::Unlinked);
    cloud.inject(Rule::on("os-simple-tenant-usage").nth(2), Fault::Unlinked);
    site.extract(&["--extract-from", "2026-10-01", "--extract-to", "2026-10-02"])
        .expect(0);
    assert_eq!(site.cloud_records().len(), 7);
    assert_eq!(cloud.count("os-simple-tenant-usage"), 4);
}

/// A new server that ended already is in the part of the list of changes that is missing: told
/// from its usage, and again when its row is seen.
#[test]
fn a_list_of_changes_that_is_cut_is_made_up_for_by_the_next_run() {
    let cloud = Cloud::start(Plan {
        projects: vec![Project::numbered(
            0,
            Servers::Listed(vec![Server::numbered(0, 1)]),
        )],
        ..Plan::default()
    });
    let site = Site::at(&cloud);
    site.extract(&["--extract-to", "2026-10-02"]).expect(0);
    let short = Server {
        created: epoch("2026-10-02 00:10:00"),
        launched: Some(epoch("2026-10-02 00:12:00")),
        ..Server::numbered(0, 0)
    };
    let short = short.deleted(epoch("2026-10-02 00:40:00"));
    cloud.change(|plan| match &mut plan.projects[0].servers {
        Servers::Listed(servers) => servers.push(short),
        other => panic!("{other:?}"),
    });
    cloud.inject(Rule::on("changes-since"), Fault::HalfList);
    site.extract(&["--extract-to", "2026-10-02 02:00:00"])
        .expect(0);
    cloud.heal();
    let told = |site: &Site| {
        let record = &site.cloud_records()[&server_id(0, 0)];
        assert_eq!(record["Status"], "completed");
        record["WallDuration"].clone()
    };
    assert_eq!(told(&site), (28 * 60).to_string());
    site.extract(&["--extract-to", "2026-10-02 06:00:00"])
        .expect(0);
    assert_eq!(told(&site), (30 * 60).to_string());
    cloud.forget_seen();
    site.extract(&["--extract-to", "2026-10-02 10:00:00"])
        .expect(0);
    let lists = cloud.count("/servers/detail");
    assert_eq!(lists, 2, "changes, and those of now: looked for no more");
}

/// A proxy or a service that allows shorter pages than ours refuses the longer one: the
/// option is named, and once it is set the run goes through.
#[test]
fn pages_that_are_too_long_for_an_api_name_their_option() {
    let rows = (0..3).map(|n| Server::numbered(0, n)).collect();
    let project = Project::numbered(0, Servers::Listed(rows));
    for path in ["/servers/detail", "/volumes/detail"] {
        let cloud = Cloud::start(Plan {
            projects: vec![project.clone()],
            ..Plan::default()
        });
        let too_long = |limit: &str| limit.parse::<u32>().is_ok_and(|limit| limit > 100);
        let rule = Rule::on(path).when(move |seen| seen.param("limit").is_some_and(too_long));
        cloud.inject(
            rule,
            Fault::Words(403, "The limit of a request is 100 rows"),
        );
        let mut site = Site::at(&cloud);
        site.set("DEFAULT", "extractor", "nova, cinder");
        site.extract(&WINDOW)
            .expect(3)
            .says("The limit of a request is 100 rows")
            .says("the page was to have 1000 rows")
            .says("set `page_size` to fewer");
        site.set("DEFAULT", "page_size", "100");
        site.extract(&WINDOW).expect(0);
    }
}
