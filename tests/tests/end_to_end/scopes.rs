//! Who asks, and for which projects: scopes, credentials, names, tags, VOs.

use caso_stand_in::{
    Account, ApplicationCredential, Fault, Plan, Reach, Rule, project_id, user_id,
};
use caso_tests::site::Site;

use crate::clouds::{FROM, TO, in_every_cloud, plain};

const WINDOW: [&str; 4] = ["--extract-from", FROM, "--extract-to", TO];

/// An account that may do less than `accounting`.
fn account(n: usize, name: &str) -> Account {
    Account {
        id: user_id(0x100 + n),
        name: name.into(),
        password: "secret".into(),
        role: "reader".into(),
        reach: Reach::All,
        system: false,
    }
}

/// No right on the system: no tags, no names of users; the configured
/// projects all the same.
#[test]
fn a_reader_without_system_scope() {
    in_every_cloud(|world| {
        world
            .cloud
            .change(|plan| plan.accounts.push(account(1, "noscope")));
        let mut site = world.site();
        let projects: Vec<usize> = (0..world.plan.projects.len()).collect();
        let ids: Vec<String> = projects.iter().map(|n| project_id(*n)).collect();
        site.set("keystone_auth", "username", "noscope")
            .set("DEFAULT", "projects", &ids.join(","));
        let outcome = site.extract(&WINDOW).expect(0);
        let found = site.cloud_records();
        for (id, mut right) in world.expected(&projects) {
            right.remove("GlobalUserName");
            assert_eq!(found.get(&id), Some(&right), "{outcome}");
        }
        // One refusal is enough to know.
        assert!(
            world.cloud.count("/v3/users/") <= 2,
            "asked for users {} times",
            world.cloud.count("/v3/users/")
        );
    });
}

/// It sends no scope, and reaches its own project only.
#[test]
fn an_application_credential() {
    in_every_cloud(|world| {
        world.cloud.change(|plan| {
            plan.application_credentials.push(ApplicationCredential {
                id: "c0ffee00c0ffee00c0ffee00c0ffee00".into(),
                name: "accounting".into(),
                secret: "app-secret".into(),
                user_id: plan.accounts[0].id.clone(),
                project_id: project_id(0),
            });
        });
        let mut site = world.site();
        for option in [
            "username",
            "password",
            "user_domain_id",
            "project_domain_id",
        ] {
            site.unset("keystone_auth", option);
        }
        site.set("keystone_auth", "auth_type", "v3applicationcredential")
            .set(
                "keystone_auth",
                "application_credential_id",
                "c0ffee00c0ffee00c0ffee00c0ffee00",
            )
            .set(
                "keystone_auth",
                "application_credential_secret",
                "app-secret",
            )
            .set("DEFAULT", "projects", &project_id(0));
        let outcome = site.extract(&WINDOW).expect(0).never_says("app-secret");
        let found = site.cloud_records();
        for (id, mut right) in world.expected(&[0]) {
            right.remove("GlobalUserName");
            assert_eq!(found.get(&id), Some(&right), "{outcome}");
        }
    });
}

#[test]
fn an_application_credential_of_another_project_says_so() {
    let world = plain();
    world.cloud.change(|plan| {
        plan.projects.push(crate::clouds::project(1));
        plan.application_credentials.push(ApplicationCredential {
            id: "c0ffee".into(),
            name: "accounting".into(),
            secret: "app-secret".into(),
            user_id: plan.accounts[0].id.clone(),
            project_id: project_id(0),
        });
    });
    let mut site = world.site();
    for option in [
        "username",
        "password",
        "user_domain_id",
        "project_domain_id",
    ] {
        site.unset("keystone_auth", option);
    }
    site.set("keystone_auth", "auth_type", "v3applicationcredential")
        .set("keystone_auth", "application_credential_id", "c0ffee")
        .set(
            "keystone_auth",
            "application_credential_secret",
            "app-secret",
        )
        .set(
            "DEFAULT",
            "projects",
            &format!("{},{}", project_id(0), project_id(1)),
        );
    site.extract(&WINDOW).expect(3).says(&project_id(1));
    assert_eq!(site.cloud_records().len(), world.expected(&[0]).len());
    assert_eq!(site.cursor(&project_id(1)), None);
}

#[test]
fn a_wrong_password_does_nothing_and_says_so() {
    in_every_cloud(|world| {
        let mut site = world.site();
        site.set("keystone_auth", "password", "geheim");
        let outcome = site.extract(&WINDOW).expect(1).never_says("geheim");
        assert!(
            outcome.stderr.contains("refused user `accounting`"),
            "{outcome}"
        );
        assert!(site.messages().is_empty());
        assert_eq!(site.cursor(&project_id(0)), None);
    });
}

/// Defect 11: the run died, after cursors had moved.
#[test]
fn a_missing_project_among_good_ones() {
    in_every_cloud(|world| {
        let mut site = world.site();
        let missing = "0123456789abcdef0123456789abcdef";
        site.set(
            "DEFAULT",
            "projects",
            &format!("{missing}, {}", project_id(0)),
        );
        site.extract(&WINDOW).expect(3).says(missing);
        let all: Vec<usize> = (0..world.plan.projects.len()).collect();
        world.check(&site, &all);
        assert_eq!(site.cursor(missing), None);
        assert!(site.cursor(&project_id(0)).is_some());
    });
}

#[test]
fn a_site_may_call_partly_a_success() {
    let world = plain();
    let mut site = world.site();
    site.set("DEFAULT", "projects", "0123456789abcdef0123456789abcdef")
        .set("DEFAULT", "partial_exit_ok", "true");
    site.extract(&WINDOW)
        .expect(0)
        .says("0123456789abcdef0123456789abcdef");
}

/// Defects 18 and 19: by name, by id and by tag, and each once.
#[test]
fn projects_by_name_and_tag_are_extracted_once() {
    in_every_cloud(|world| {
        let mut site = world.site();
        site.set("DEFAULT", "projects", "project-0");
        site.extract(&WINDOW).expect(0);
        let all: Vec<usize> = (0..world.plan.projects.len()).collect();
        world.check(&site, &all);
        let records: usize = site
            .messages()
            .iter()
            .map(|message| message.cloud_records().len())
            .sum();
        assert_eq!(
            records,
            site.cloud_records().len(),
            "some server is told twice"
        );
    });
}

/// The token is forgotten by the cloud between two pages: one more login, and
/// nothing lost.
#[test]
fn a_token_that_ends_in_the_middle() {
    in_every_cloud(|world| {
        world
            .cloud
            .inject(Rule::on("/servers/detail").nth(1), Fault::TokenEnds);
        world
            .cloud
            .inject(Rule::on("os-simple-tenant-usage").nth(1), Fault::TokenEnds);
        let site = world.site();
        site.extract(&WINDOW).expect(0);
        let all: Vec<usize> = (0..world.plan.projects.len()).collect();
        world.check(&site, &all);
    });
}

/// One token a scope, whatever is asked with it.
#[test]
fn one_login_a_scope() {
    in_every_cloud(|world| {
        world.site().extract(&WINDOW).expect(0);
        let logins = world.cloud.count("POST /identity/v3/auth/tokens");
        assert!(logins <= world.plan.projects.len() + 1, "{logins} logins");
    });
}

/// Defect 10: without a VO nothing can be reported, and nothing may be skipped.
#[test]
fn a_project_without_vo_keeps_its_cursor() {
    let world = plain();
    world.cloud.change(|plan| {
        let mut project = crate::clouds::project(1);
        project.properties.clear();
        plan.projects.push(project);
    });
    let site = world.site();
    site.extract(&WINDOW).expect(3).says("project-1");
    world.check(&site, &[0]);
    assert_eq!(site.cursor(&project_id(1)), None);
}

#[test]
fn the_mapping_file_knows_a_vo_too() {
    let plan = Plan {
        projects: vec![{
            let mut project = crate::clouds::project(0);
            project.properties.clear();
            project
        }],
        ..Plan::default()
    };
    let cloud = caso_stand_in::Cloud::start(plan);
    let site = Site::at(&cloud);
    let voms = format!(
        "{{\"vo-0.example.org\": {{\"projects\": [\"{}\"]}}}}",
        project_id(0)
    );
    std::fs::write(site.path().join("voms.json"), voms).unwrap();
    site.extract(&WINDOW).expect(0);
    assert!(
        site.cloud_records()
            .values()
            .all(|record| record["FQAN"] == "vo-0.example.org")
    );
    assert!(!site.cloud_records().is_empty());
}
