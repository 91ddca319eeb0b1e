//! `caso-projects` and `caso-mapping-migrate`: their lines, and that one bad
//! project costs itself only.

use std::fs;

use caso_stand_in::{Account, Cloud, Plan, Project, Reach, Servers, project_id, user_id};
use caso_tests::outcome::Outcome;
use caso_tests::site::Site;

fn project(n: usize, vo: Option<&str>) -> Project {
    let mut project = Project::numbered(n, Servers::Listed(Vec::new()));
    project.properties.clear();
    if let Some(vo) = vo {
        project.properties.insert("VO".into(), vo.into());
    }
    project
}

/// Projects 0 and 1 with tag and VO, 2 with the tag alone, 3 with neither.
fn cloud() -> Cloud {
    let mut bare = project(3, None);
    bare.tags.clear();
    bare.name = "it's $3".into();
    Cloud::start(Plan {
        projects: vec![
            project(0, Some("vo.example.org")),
            project(1, Some("/vo.example.org/ops")),
            project(2, None),
            bare,
        ],
        accounts: vec![
            Plan::default().accounts[0].clone(),
            Account {
                id: user_id(0xad),
                name: "admin".into(),
                password: "secret".into(),
                role: "admin".into(),
                reach: Reach::All,
                system: true,
            },
            Account {
                id: user_id(0xbe),
                name: "limited".into(),
                password: "secret".into(),
                role: "reader".into(),
                reach: Reach::Only(vec![project_id(0)]),
                system: false,
            },
        ],
        ..Plan::default()
    })
}

fn site(cloud: &Cloud) -> Site {
    let mut site = Site::at(cloud);
    // They make no records, and start no messenger.
    site.unset("DEFAULT", "site_name")
        .set("DEFAULT", "messengers", "greendigit_cim");
    site
}

fn mapping(site: &Site, text: &str) {
    fs::write(site.path().join("voms.json"), text).unwrap();
}

fn run(site: &Site, program: &str, arguments: &[&str]) -> Outcome {
    let outcome = site.start(program, &[], arguments).finish();
    // Nothing is left behind: no lock, no journal, no cursor.
    assert!(
        caso_tests::spool::names(&site.spool()).is_empty(),
        "{outcome}"
    );
    outcome
}

fn line(n: usize, name: &str, vo: &str) -> String {
    format!("'{} ({name}) mapped to VO '{vo}'\n", project_id(n))
}

#[test]
fn projects_are_listed_as_caso_lists_them() {
    let cloud = cloud();
    cloud.change(|plan| plan.projects.truncate(2));
    let site = site(&cloud);
    let outcome = run(&site, "caso-projects", &[]).expect(0);
    let right =
        line(0, "project-0", "vo.example.org") + &line(1, "project-1", "/vo.example.org/ops");
    assert_eq!(outcome.stdout, right);
    assert_eq!(outcome.stderr, "");
    // The same as a subcommand, with cASO's flags.
    let outcome = site
        .start(
            "caso",
            &["projects"],
            &["--nomigrate-projects", "--vo_prop", "VO"],
        )
        .finish();
    assert_eq!(outcome.expect(0).stdout, right);
}

/// However many projects need it, and in `caso check` as well.
#[test]
fn a_fault_in_the_mapping_file_is_named_once_with_its_line() {
    let cloud = Cloud::start(Plan {
        projects: (0..4).map(|n| project(n, None)).collect(),
        ..Plan::default()
    });
    let mut site = site(&cloud);
    mapping(
        &site,
        "{\"vo\": {\"projects\": [\n\"project-0\",\n\"project-1\",\n]}}\n",
    );
    let once = |outcome: Outcome, text: &str| {
        let told = format!("{}{}", outcome.stdout, outcome.stderr);
        assert_eq!(told.matches(text).count(), 1, "{outcome}");
        outcome
    };
    let (what, hint) = ("trailing comma at line 4 column 1", "fix line 4 of `");
    let listed = run(&site, "caso-projects", &[]).expect(1);
    once(once(listed, what), hint)
        .says("4 projects (`project-0`, `project-1`, `project-2`, `project-3`)");
    site.set("DEFAULT", "site_name", "TEST");
    let checked = || site.start("caso", &["check"], &[]).finish();
    once(once(checked(), what), hint);
    once(site.extract(&[]).expect(1), what);

    mapping(
        &site,
        "{\"vo\": {\"tenants\": [\"project-0\"]}, \"vo\": {\"projects\": [\"project-1\"]}}",
    );
    once(checked(), "has VO `vo` twice");
    once(checked(), "uses `tenant` or `tenants`");
}

#[test]
fn one_that_cannot_be_listed_costs_itself() {
    let cloud = cloud();
    let mut site = site(&cloud);
    site.set(
        "DEFAULT",
        "projects",
        &format!("gone-project,project-3,{}", project_id(1)),
    );
    mapping(&site, r#"{"by-file": {"tenant": "it's $3"}}"#);
    let outcome = run(&site, "caso-projects", &[])
        .expect(3)
        .says("`gone-project`")
        .says("it has no VO");
    // In the order of the configuration, then of the tags; no line of VO `None`.
    assert_eq!(
        outcome.stdout,
        line(1, "project-1", "/vo.example.org/ops") + &line(0, "project-0", "vo.example.org")
    );
    cloud.change(|plan| plan.projects[3].name = "project-3".into());
    mapping(&site, r#"{"by-file": {"tenant": "project-3"}}"#);
    let outcome = run(&site, "caso-projects", &[]).expect(3);
    assert!(
        outcome.stdout.starts_with(&line(3, "project-3", "by-file")),
        "{outcome}"
    );
}

/// Sites write `VO` and `accounting:VO`.
#[test]
fn a_property_that_looks_like_the_one_meant_is_named_and_what_it_takes() {
    for (has, wanted) in [("accounting:VO", "VO"), ("VO", "accounting:VO")] {
        let cloud = cloud();
        cloud.change(|plan| {
            plan.projects.truncate(1);
            plan.projects[0].properties = [(has.to_owned(), "vo.example.org".to_owned())].into();
        });
        let mut site = Site::at(&cloud);
        site.set("DEFAULT", "vo_property", wanted);
        let command = |name: &str| site.start("caso", &[name], &[]).finish();
        for outcome in [
            site.extract(&["--dry-run"]),
            command("check"),
            command("projects"),
        ] {
            outcome
                .expect(1)
                .says(&format!(
                    "Keystone has no property `{wanted}` of it (it has `{has}`, which is `vo.example.org`)"
                ))
                .says(&format!(
                    "hint: if projects here have their VO in `{has}`: set `vo_property = {has}` in [DEFAULT]; \
                     otherwise: openstack project set --property {wanted}=vo.example.org {}",
                    project_id(0)
                ));
        }
        site.set("DEFAULT", "vo_property", has);
        site.extract(&["--dry-run"]).expect(0);
    }
}

#[test]
fn what_an_account_may_not_see_is_named_and_the_others_listed() {
    let cloud = cloud();
    let mut site = site(&cloud);
    site.set("keystone_auth", "username", "limited").set(
        "DEFAULT",
        "projects",
        &format!("{},{}", project_id(1), project_id(0)),
    );
    let outcome = run(&site, "caso-projects", &[])
        .expect(3)
        .says(&project_id(1));
    assert_eq!(outcome.stdout, line(0, "project-0", "vo.example.org"));
}

#[test]
fn exit_codes_are_those_of_caso_extract() {
    let cloud = cloud();
    let mut site = site(&cloud);
    cloud.change(|plan| plan.projects.clear());
    run(&site, "caso-projects", &[])
        .expect(1)
        .says("no project to account");
    site.set("DEFAULT", "caso_tag", "");
    run(&site, "caso-projects", &[])
        .expect(1)
        .says("no project to account: `projects` and `caso_tag` are both empty");
    site.set("DEFAULT", "caso_tag", "caso, other");
    run(&site, "caso-projects", &[])
        .expect(1)
        .says("all of the tags `caso`, ` other`")
        .says("write `caso_tag = caso,other`");
    site.unset("DEFAULT", "caso_tag");
    site.set("keystone_auth", "password", "wrong");
    run(&site, "caso-projects", &[])
        .expect(1)
        .says("Keystone refused");
    site.unset("keystone_auth", "auth_type");
    for option in [
        "auth_url",
        "username",
        "password",
        "user_domain_id",
        "project_domain_id",
        "connect_retries",
        "status_code_retries",
    ] {
        site.unset("keystone_auth", option);
    }
    run(&site, "caso-projects", &[]).expect(2).says("auth_type");
    run(&site, "caso-projects", &["--no-such-flag"]).expect(2);
}

const WARNING: &str = "WARNING: Running in 'dry-run' mode, no actions will be peformed. If you want to apply the changes, run with '--nodry-run'. Be aware that in that case the cASO user will need write access to Keystone. If unsure run the following commands as admin.\n";

fn set(change: &str, project: &str) -> String {
    format!("openstack project set {change} {project}\n")
}

#[test]
fn the_mapping_is_printed_as_commands() {
    let cloud = cloud();
    let mut site = site(&cloud);
    site.set("DEFAULT", "vo_property", "accounting:VO")
        .set("DEFAULT", "projects", &project_id(2));
    mapping(
        &site,
        &format!(
            r#"{{"/vo.example.org/ops": {{"projects": ["{}"]}}, "it's $HOME": {{"tenants": ["it's $3", null], "tenant": null}}}}"#,
            project_id(2)
        ),
    );
    let outcome = run(&site, "caso-mapping-migrate", &["--migrate-projects"]).expect(0);
    let right = [
        WARNING.to_owned(),
        set(
            "--property accounting:VO=/vo.example.org/ops",
            &project_id(2),
        ),
        // By name in the file, by id in the command.
        set(
            r#"--property 'accounting:VO=it'"'"'s $HOME'"#,
            &project_id(3),
        ),
        set("--tag caso", &project_id(2)),
    ];
    assert_eq!(outcome.stdout, right.concat());
    assert_eq!(cloud.count("PATCH") + cloud.count("PUT"), 0);
    let again = site
        .start("caso", &["mapping-migrate"], &[])
        .finish()
        .expect(0);
    assert_eq!(again.stdout, right[..3].concat());
}

#[test]
fn what_must_not_be_migrated_is_named_and_the_others_told() {
    let cloud = cloud();
    let site = site(&cloud);
    mapping(
        &site,
        &format!(
            r#"{{"other.vo": ["{}", "gone", "{}"], "None": [null]}}"#,
            project_id(0),
            project_id(2)
        ),
    );
    let outcome = run(&site, "caso-mapping-migrate", &[])
        .expect(3)
        .says("has the property `VO` = `vo.example.org` in Keystone")
        .says("project `gone`");
    assert_eq!(
        outcome.stdout,
        WARNING.to_owned() + &set("--property VO=other.vo", &project_id(2))
    );
}

#[test]
fn a_dry_run_needs_no_keystone_and_no_rights() {
    let cloud = cloud();
    let mut site = site(&cloud);
    let text = format!(r#"{{"vo": {{"projects": ["{}", "-a b"]}}}}"#, project_id(2));
    mapping(&site, &text);
    let right = WARNING.to_owned()
        + &set("--property VO=vo", &project_id(2))
        + &set("--property VO=vo", "-- '-a b'");
    // One that may not see them; then a wrong password.
    site.set("keystone_auth", "username", "limited");
    let outcome = run(&site, "caso-mapping-migrate", &[])
        .expect(0)
        .says("as it is written");
    assert_eq!(outcome.stdout, right);
    site.set("keystone_auth", "password", "wrong");
    let outcome = run(&site, "caso-mapping-migrate", &[])
        .expect(0)
        .says("Keystone could not be asked");
    assert_eq!(outcome.stdout, right);
    run(&site, "caso-mapping-migrate", &["--nodry-run"])
        .expect(1)
        .says("Keystone refused");
}

#[test]
fn without_dry_run_keystone_is_changed_once() {
    let cloud = cloud();
    let mut site = site(&cloud);
    site.set("keystone_auth", "username", "admin").set(
        "DEFAULT",
        "projects",
        &format!("{},{}", project_id(3), project_id(0)),
    );
    mapping(
        &site,
        &format!(r#"{{"vo.new": ["{}", "gone"]}}"#, project_id(2)),
    );
    let arguments = ["--nodry-run", "--migrate-projects", "--summary"];
    let outcome = run(&site, "caso-mapping-migrate", &arguments)
        .expect(3)
        .says("project `gone`")
        .says("has the property `VO` = `vo.new`")
        .says("has the tag `caso`");
    assert_eq!(outcome.stdout, "");
    // Project 0 has the tag already.
    assert_eq!((cloud.count("PATCH"), cloud.count("PUT")), (1, 1));
    run(&site, "caso-mapping-migrate", &arguments)
        .expect(3)
        .says("already");
    assert_eq!((cloud.count("PATCH"), cloud.count("PUT")), (1, 1));
    // What was migrated counts, without the file.
    mapping(&site, r#"{"vo": ["x"]}"#);
    let listed = run(&site, "caso-projects", &["--projects", &project_id(2)]).stdout;
    assert!(
        listed.starts_with(&line(2, "project-2", "vo.new")),
        "{listed}"
    );
}

#[test]
fn without_the_right_to_write_each_is_named() {
    let cloud = cloud();
    let site = site(&cloud);
    mapping(
        &site,
        &format!(r#"{{"vo": ["{}", "{}"]}}"#, project_id(2), project_id(3)),
    );
    run(&site, "caso-mapping-migrate", &["--nodry-run"])
        .expect(1)
        .says("project `project-2`")
        .says("project `it's $3`")
        .says("identity:update_project");
}

#[test]
fn a_mapping_file_that_is_not_there_or_is_none() {
    let cloud = cloud();
    let mut site = site(&cloud);
    run(&site, "caso-mapping-migrate", &[])
        .expect(1)
        .says("does not exist");
    mapping(&site, "{\n \"vo\": {\"projects\": [1]}}");
    run(&site, "caso-mapping-migrate", &[])
        .expect(1)
        .says("line 2");
    mapping(&site, "{}");
    run(&site, "caso-mapping-migrate", &[])
        .expect(0)
        .says("nothing to migrate");
    site.set("DEFAULT", "caso_tag", "");
    run(&site, "caso-mapping-migrate", &["--migrate-projects"])
        .expect(1)
        .says("`caso_tag` is empty");
}
