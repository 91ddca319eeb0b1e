//! Projects that fail and projects that do not: whichever fail, the others are
//! extracted in every run, and those that fail are tried last and named with how
//! long they have.

use std::collections::BTreeSet;
use std::fs;

use caso_stand_in::{Cloud, Fault, Plan, Project, Rule, Server, Servers, epoch, project_id};
use caso_tests::outcome::Outcome;
use caso_tests::site::Site;

/// Where three hourly runs end.
const ENDS: [&str; 3] = [
    "2026-10-05T01:00:00",
    "2026-10-05T02:00:00",
    "2026-10-05T03:00:00",
];

const PROJECTS: usize = 20;
/// More than these that fail alike are told in one line.
const FEW: usize = 3;

fn cloud() -> Cloud {
    let project = |n| Project::numbered(n, Servers::Listed(vec![Server::numbered(n, 0)]));
    Cloud::start(Plan {
        projects: (0..PROJECTS).map(project).collect(),
        ..Plan::default()
    })
}

fn site(cloud: &Cloud, concurrency: &str) -> Site {
    let mut site = Site::at(cloud);
    site.set("DEFAULT", "concurrency", concurrency)
        // One page, which is not asked for again in halves.
        .set("DEFAULT", "page_size", "10")
        .set("keystone_auth", "timeout", "1");
    site
}

fn run(site: &Site, end: &str) -> Outcome {
    site.extract(&["--extract-to", end])
}

/// The projects that are extracted up to there.
fn extracted(site: &Site, end: &str) -> BTreeSet<usize> {
    let end = Some(epoch(&end.replace('T', " ")));
    let there = |n: &usize| {
        site.cursors(&project_id(*n))
            .into_values()
            .any(|at| at == end)
    };
    (0..PROJECTS).filter(there).collect()
}

fn fail(cloud: &Cloud, pattern: &str, projects: &[usize], fault: &Fault) {
    for n in projects {
        let rule = Rule::on(pattern).of_project(&project_id(*n));
        cloud.inject(rule, fault.clone());
    }
}

/// The projects whose servers were listed, in that order.
fn listed(cloud: &Cloud) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for seen in cloud.seen() {
        if let (true, Some(project)) = (seen.path.ends_with("/servers/detail"), seen.project)
            && !found.contains(&project)
        {
            found.push(project);
        }
    }
    found
}

/// Three runs in which these fail: the others are extracted in each of them.
fn all_others(pattern: &str, failing: &[usize], fault: &Fault) {
    let others: BTreeSet<usize> = (0..PROJECTS).filter(|n| !failing.contains(n)).collect();
    for concurrency in ["1", "4"] {
        let cloud = cloud();
        fail(&cloud, pattern, failing, fault);
        let site = site(&cloud, concurrency);
        for (earlier, end) in ENDS.into_iter().enumerate() {
            let mut outcome = run(&site, end).expect(3);
            assert_eq!(extracted(&site, end), others, "{concurrency}: {outcome}");
            let since = match earlier {
                0 => String::new(),
                more => format!("failed in the last {} runs, since 20", more + 1),
            };
            if failing.len() > FEW {
                // One line for all of them.
                let all = format!("nova: {} projects (", failing.len());
                outcome = outcome.says(&all).says(&format!("of the first: {since}"));
                assert!(
                    !outcome.stderr.contains(&project_id(failing[1])),
                    "{outcome}"
                );
                for n in failing {
                    outcome = outcome.says(&format!("`project-{n}`"));
                }
                continue;
            }
            for n in failing {
                let name = format!("project `project-{n}` ({}): nova: ", project_id(*n));
                outcome = outcome.says(&format!("{name}{since}"));
            }
        }
    }
}

#[test]
fn three_projects_with_a_broken_row_cost_no_other() {
    all_others("/servers/detail", &[0, 1, 2], &Fault::Status(500));
}

#[test]
fn three_projects_whose_lists_time_out_cost_no_other() {
    all_others("/servers/detail", &[0, 1, 2], &Fault::Never);
}

/// Nova, or what stands before it, has nothing but 503 for them.
#[test]
fn projects_to_which_nothing_is_answered_cost_no_other() {
    all_others(
        "/compute",
        &[0, 1, 2, 3, 4, 11, 12, 13, 19],
        &Fault::Status(503),
    );
}

/// What fails comes after what does not, and the longest of it last; what is
/// delivered keeps the order of the configuration.
#[test]
fn what_failed_is_tried_last_and_delivered_in_its_place() {
    let cloud = cloud();
    let site = site(&cloud, "1");
    fail(&cloud, "/servers/detail", &[4], &Fault::Status(500));
    run(&site, ENDS[0]).expect(3);
    fail(&cloud, "/servers/detail", &[0, 2], &Fault::Status(500));
    run(&site, ENDS[1]).expect(3);
    cloud.heal();
    cloud.forget_seen();
    let before = site.messages().len();
    run(&site, ENDS[2]).expect(0);

    // The tests' clock has whole seconds: two runs may begin in the same.
    let last: BTreeSet<String> = listed(&cloud).split_off(PROJECTS - 3).into_iter().collect();
    assert_eq!(last, [0, 2, 4].map(project_id).into());
    let messages = site.messages().split_off(before);
    let records = messages.iter().flat_map(|message| message.cloud_records());
    let found: Vec<String> = records.map(|record| record["FQAN"].clone()).collect();
    let right: Vec<String> = (0..PROJECTS)
        .map(|n| format!("vo-{n}.example.org"))
        .collect();
    assert_eq!(found, right);
}

/// The file of failures is there as long as something fails, decides on nothing
/// where it is damaged, and a run without failures makes none.
#[test]
fn what_is_remembered_of_failures_is_small_and_no_reason_to_fail() {
    let cloud = cloud();
    let site = site(&cloud, "4");
    let file = site.spool().join("caso-failures.json");
    run(&site, ENDS[0]).expect(0);
    assert!(!file.exists());
    fail(&cloud, "/servers/detail", &[7], &Fault::Status(500));
    site.extract(&["--dry-run", "--extract-to", ENDS[1]])
        .expect(3);
    assert!(!file.exists(), "a dry run writes nothing");
    run(&site, ENDS[1]).expect(3);
    let text = fs::read_to_string(&file).expect("a project failed");
    assert!(text.contains(&project_id(7)) && !text.contains(&project_id(8)));
    fs::write(&file, "{").expect("the spool is writable");
    run(&site, ENDS[1])
        .expect(1)
        .says("is damaged, so it is not known which projects failed")
        .never_says("in the last");
    cloud.heal();
    run(&site, ENDS[1]).expect(0);
    assert!(!file.exists());
}

/// One that is away costs a few requests and one line; and nobody is to blame.
#[test]
fn a_service_that_is_away_costs_few_requests_and_one_line() {
    for fault in [Fault::Status(503), Fault::Closed] {
        let cloud = cloud();
        cloud.inject(Rule::on("/compute"), fault);
        let site = site(&cloud, "1");
        let outcome = run(&site, ENDS[0])
            .expect(1)
            .says("nova: 20 projects are not extracted and wait for the next run: ")
            .never_says("not tried");
        assert_eq!(
            outcome.stderr.matches("wait for the next run").count(),
            1,
            "{outcome}"
        );
        // Three projects with two tries each, and questions at growing distance.
        let asked = cloud.count("/compute");
        assert!(asked <= 20, "{asked}");
        assert!(!site.spool().join("caso-failures.json").exists());
    }
}

/// Nova comes back while the run goes on: those that were passed over have their
/// turn.
#[test]
fn a_service_that_comes_back_is_tried_again_for_all() {
    let cloud = cloud();
    cloud.inject(Rule::on("/compute").times(10), Fault::Status(503));
    let site = site(&cloud, "1");
    run(&site, ENDS[0]).expect(3);
    assert_eq!(extracted(&site, ENDS[0]), (3..PROJECTS).collect());
}

/// 500 to everybody is one line, too: no project is worse off than another.
#[test]
fn a_service_that_fails_for_all_projects_is_one_line() {
    let cloud = cloud();
    cloud.inject(Rule::on("/servers/detail"), Fault::Status(500));
    let site = site(&cloud, "4");
    let outcome = run(&site, ENDS[0])
        .expect(1)
        .says("nova: 20 projects are not extracted and wait for the next run: ");
    assert_eq!(outcome.stderr.matches("status 500").count(), 1, "{outcome}");
}

/// Keystone says it in its list, and gives nobody a token: no role would.
#[test]
fn a_project_that_keystone_has_disabled_is_said_to_be() {
    let cloud = cloud();
    cloud.change(|plan| plan.projects[1].enabled = false);
    let site = site(&cloud, "4");
    run(&site, ENDS[0]).expect(3).says(&format!(
        "hint: Keystone has it disabled: openstack project set --enable {};",
        project_id(1)
    ));
}
