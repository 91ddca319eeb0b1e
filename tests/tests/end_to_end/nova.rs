//! Servers, flavors, usage: what Nova says and what must come of it, above all
//! where cASO 5.2.2 made something else of it.

use caso_stand_in::{
    Cloud, Fault, Flavor, Plan, Project, Rule, Server, Servers, epoch, flavor_id, project_id,
    server_id, user_id,
};
use caso_tests::site::Site;

use crate::clouds::{FROM, TO, in_every_cloud, record, restless};

fn extract(site: &Site) -> caso_tests::outcome::Outcome {
    site.extract(&["--extract-from", FROM, "--extract-to", TO])
}

fn cloud_of(servers: Vec<Server>) -> (Plan, Cloud) {
    let plan = Plan {
        projects: vec![Project::numbered(0, Servers::Listed(servers))],
        ..Plan::default()
    };
    (plan.clone(), Cloud::start(plan))
}

#[test]
fn every_server_has_its_record() {
    in_every_cloud(|world| {
        let site = world.site();
        extract(&site).expect(0);
        let all: Vec<usize> = (0..world.plan.projects.len()).collect();
        world.check(&site, &all);
    });
}

#[test]
fn no_request_is_made_for_a_single_server() {
    in_every_cloud(|world| {
        extract(&world.site()).expect(0);
        for seen in world.cloud.seen() {
            assert!(
                !seen.kind().ends_with("servers/ID"),
                "{} {}",
                seen.method,
                seen.path
            );
        }
    });
}

/// The row at the end of a page is purged before the next page is asked for,
/// so Nova does not know the marker any more.
#[test]
fn a_marker_that_vanished_costs_no_record() {
    for list in ["os-simple-tenant-usage", "changes-since", "/servers/detail"] {
        let world = restless();
        world.cloud.inject(
            Rule::on(list).of_project(&project_id(0)).nth(1),
            Fault::VanishLast,
        );
        let site = world.site();
        extract(&site).expect(0);
        let found = site.cloud_records();
        let expected = world.expected(&[0]);
        let lost: Vec<&String> = expected
            .keys()
            .filter(|id| !found.contains_key(*id))
            .collect();
        // The purged one itself may be gone from every list by then.
        assert!(lost.len() <= 1, "{list}: {lost:?}");
    }
}

/// Defect 25: CpuDuration 1 for ever.
#[test]
fn a_server_whose_flavor_is_gone_keeps_its_cpus_and_benchmark() {
    let booted = Flavor {
        id: flavor_id(77),
        name: "d1.deleted".into(),
        ..Plan::default().flavors[2].clone()
    };
    let server = Server {
        flavor_id: booted.id.clone(),
        embedded: Some(booted),
        ..Server::numbered(0, 0)
    };
    let ended = Server {
        id: server_id(0, 1),
        ..server.clone()
    }
    .deleted(epoch("2026-10-10"));
    let (plan, cloud) = cloud_of(vec![server.clone(), ended.clone()]);
    let site = Site::at(&cloud);
    extract(&site).expect(0);
    let found = site.cloud_records();
    for server in [server, ended] {
        assert_eq!(found[&server.id], record(&plan, 0, &server, epoch(TO)));
    }
}

/// The flavor as it is now counts, as cASO reads it, not the server's copy.
#[test]
fn a_flavor_changed_after_its_servers_booted_counts_as_it_is_now() {
    let mut then = Plan::default().flavors[0].clone();
    then.extra_specs
        .insert("accounting:benchmark_value".into(), "3.3".into());
    let server = Server {
        embedded: Some(then),
        ..Server::numbered(0, 0)
    };
    let (_, cloud) = cloud_of(vec![server.clone()]);
    let site = Site::at(&cloud);
    extract(&site).expect(0);
    assert_eq!(site.cloud_records()[&server.id]["Benchmark"], "15.7");
}

/// Deleted and made again under its name, with another id: what the old one's
/// servers booted with is another flavor.
#[test]
fn a_flavor_made_again_under_its_name_is_not_the_servers_flavor() {
    let mut old = Plan::default().flavors[0].clone();
    old.id = flavor_id(77);
    old.vcpus = 3;
    old.extra_specs
        .insert("accounting:benchmark_value".into(), "3.3".into());
    let server = Server {
        flavor_id: old.id.clone(),
        embedded: Some(old),
        ..Server::numbered(0, 0)
    };
    let (_, cloud) = cloud_of(vec![server.clone()]);
    let site = Site::at(&cloud);
    extract(&site).expect(0);
    let found = &site.cloud_records()[&server.id];
    assert_eq!(
        (found["CpuCount"].as_str(), found["Benchmark"].as_str()),
        ("3", "3.3")
    );
}

/// Defect 39: Nova lists the row to nobody, and cASO's request for it is a 404.
#[test]
fn a_server_known_to_the_usage_call_alone_gets_its_record() {
    // Last changed before the window, gone by now, and up within it.
    let server = Server {
        updated: epoch("2026-10-02"),
        ..Server::numbered(0, 0).deleted(epoch("2026-10-09"))
    };
    let server = Server {
        updated: epoch("2026-10-02"),
        ..server
    };
    let (_, cloud) = cloud_of(vec![server.clone(), Server::numbered(0, 1)]);
    let site = Site::at(&cloud);
    extract(&site).expect(0);
    let found = site.cloud_records();
    let record = &found[&server.id];
    assert_eq!(record["Status"], "completed");
    assert_eq!(record["MachineName"], server.name);
    assert_eq!(record["EndTime"], epoch("2026-10-09").to_string());
    assert_eq!(record["CpuCount"], "1");
    assert_eq!(record["CpuDuration"], record["WallDuration"]);
    assert!(found.contains_key(&server_id(0, 1)));
}

/// A row that was deleted without the time of it: for the usage call it runs
/// for ever, and no list has it once its deletion lies before the window. It
/// must not be told as running; cASO, too, tells it no more.
#[test]
fn a_deleted_server_without_an_end_does_not_run_for_ever() {
    let server = Server {
        terminated: None,
        updated: epoch("2026-10-02"),
        ..Server::numbered(0, 0).deleted(epoch("2026-10-02"))
    };
    let (_, cloud) = cloud_of(vec![server.clone(), Server::numbered(0, 1)]);
    let site = Site::at(&cloud);
    extract(&site).expect(0);
    let found = site.cloud_records();
    assert!(!found.contains_key(&server.id), "{:?}", found[&server.id]);
    assert!(found.contains_key(&server_id(0, 1)));
}

/// Defect 26: half an accelerator is legal, and nonsense in one flavor's
/// properties is no reason to lose a project.
#[test]
fn odd_flavor_properties_cost_nothing_but_themselves() {
    let mut plan = Plan {
        projects: vec![Project::numbered(
            0,
            Servers::Listed((0..8).map(|n| Server::numbered(0, n)).collect()),
        )],
        ..Plan::default()
    };
    plan.flavors[3]
        .extra_specs
        .insert("Accelerator:Number".into(), "0.5".into());
    plan.flavors[0]
        .extra_specs
        .insert("accounting:benchmark_value".into(), "very fast".into());
    let cloud = Cloud::start(plan.clone());
    let site = Site::at(&cloud);
    // Something was lost on the way: said, and not taken for a failure of the run.
    extract(&site).expect(0).says("very fast");
    let found = site.cloud_records();
    assert_eq!(found.len(), 8);
    assert!(!found[&server_id(0, 0)].contains_key("Benchmark"));
    let accelerators: Vec<String> = site
        .messages()
        .into_iter()
        .filter(|message| message.kind() == "accelerator")
        .map(|message| message.text)
        .collect();
    assert_eq!(accelerators.len(), 1);
    assert!(
        accelerators[0].contains("\"Count\": 0.5"),
        "{}",
        accelerators[0]
    );
}

/// Defects 27 and 28: names that would have APEL refuse the message, or block ssmsend's queue.
#[test]
fn no_name_can_spoil_a_message() {
    let names = [
        "100 %% sure",
        "two\nlines",
        "ünïcödé ☃",
        "line\u{2028}separator",
        "tab\there",
        "None",
        "",
    ];
    let servers: Vec<Server> = names
        .iter()
        .enumerate()
        .map(|(n, name)| Server {
            name: (*name).into(),
            ..Server::numbered(0, n)
        })
        .chain([Server::numbered(0, 50)])
        .collect();
    let (_, cloud) = cloud_of(servers);
    let site = Site::at(&cloud);
    let outcome = extract(&site).expect(0);
    assert!(
        site.cloud_records().contains_key(&server_id(0, 50)),
        "one bad name cost a good record: {outcome}"
    );
    for message in site.messages() {
        assert!(message.text.is_ascii());
        if message.kind() == "accelerator" {
            continue;
        }
        // As APEL cuts a message: at %% wherever it stands, and by every line separator there is.
        let (_, body) = message.text.split_once('\n').expect("a header");
        for chunk in body.split("%%") {
            for line in chunk
                .trim()
                .split(['\n', '\r', '\x0b', '\x0c', '\x1c', '\x1d', '\x1e'])
            {
                assert!(line.contains(':'), "APEL refuses the message for `{line}`");
            }
        }
    }
}

/// Defect 33 stays: a server that never ran is reported with a second.
#[test]
fn a_server_that_never_started_is_told_as_cast_in_stone() {
    let server = Server {
        vm_state: "error".into(),
        launched: None,
        updated: epoch("2026-10-06"),
        ..Server::numbered(0, 0)
    };
    let (_, cloud) = cloud_of(vec![Server {
        created: epoch("2026-10-06"),
        ..server.clone()
    }]);
    let site = Site::at(&cloud);
    extract(&site).expect(0);
    let record = &site.cloud_records()[&server.id];
    assert_eq!(
        (record["WallDuration"].as_str(), record["Status"].as_str()),
        ("1", "error")
    );
    assert_eq!(record["EndTime"], epoch("2026-10-06").to_string());
}

#[test]
fn an_unknown_user_and_a_forbidden_one_cost_a_name_each() {
    let (_, cloud) = cloud_of(vec![
        Server {
            user_id: user_id(4711),
            ..Server::numbered(0, 0)
        },
        Server::numbered(0, 1),
    ]);
    let site = Site::at(&cloud);
    extract(&site).expect(0);
    let found = site.cloud_records();
    assert!(!found[&server_id(0, 0)].contains_key("GlobalUserName"));
    assert_eq!(found[&server_id(0, 1)]["GlobalUserName"], "user-1");
}

/// An old Nova: no paging of usage, flavors without their extra specs.
#[test]
fn older_clouds_are_asked_as_they_understand() {
    for microversion in [1, 40, 47, 61] {
        let world = crate::clouds::plain();
        world.cloud.change(|plan| plan.microversion = microversion);
        let site = world.site();
        extract(&site).expect(0);
        let found = site.cloud_records();
        assert_eq!(
            found.keys().collect::<Vec<_>>(),
            world.expected(&[0]).keys().collect::<Vec<_>>(),
            "2.{microversion}"
        );
        assert_eq!(found, world.expected(&[0]), "2.{microversion}");
    }
}
