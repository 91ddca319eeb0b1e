//! Projects that were extracted, and that Keystone does not give any more as the configuration asks for them: what
//! became of each, and the command that cures it.

use caso_stand_in::{Cloud, Fault, Plan, Rule, project_id};
use caso_tests::outcome::Outcome;
use caso_tests::site::Site;

/// Two projects with the tag, extracted.
fn extracted() -> (Cloud, Site) {
    let cloud = Cloud::start(Plan::generated(2, 3));
    let site = Site::at(&cloud);
    to(&site, "2026-10-16")
        .expect(0)
        .never_says("no longer accounted");
    (cloud, site)
}

fn to(site: &Site, end: &str) -> Outcome {
    site.extract(&["--extract-to", end])
}

fn caso(site: &Site, command: &[&str], arguments: &[&str]) -> Outcome {
    site.start("caso", command, arguments).finish()
}

#[test]
fn one_that_lost_its_tag_is_named_once_with_the_command_that_gives_it_back() {
    let (cloud, site) = extracted();
    let id = project_id(1);
    cloud.change(|plan| plan.projects[1].tags.clear());
    let what = format!(
        "project `project-1` ({id}) is no longer accounted: `projects` does not name it, and it does not have the \
         tag `caso`; it was extracted up to 2026-10-16T00:00:00Z"
    );
    let way_out = format!(
        "openstack project set --tag caso {id}, to account it; caso cursor forget {id}, to give it up"
    );
    to(&site, "2026-10-17")
        .expect(0)
        .says(&format!("warning: {what}"))
        .says(&format!("hint: {way_out}"));
    // cron has mailed it.
    to(&site, "2026-10-18").expect(0).never_says("warning: ");
    caso(&site, &["check"], &[])
        .expect(0)
        .says(&what)
        .says(&way_out);
    let status = caso(&site, &["status"], &[]).expect(1);
    assert_eq!(status.stdout.matches(&way_out).count(), 1, "{status}");
    // A run of one project by hand says nothing of the others.
    site.extract(&["--projects", &project_id(0), "--dry-run"])
        .expect(0)
        .never_says("no longer accounted");
    cloud.change(|plan| plan.projects[1].tags = vec!["caso".into()]);
    to(&site, "2026-10-19")
        .expect(0)
        .never_says("no longer accounted");
}

#[test]
fn one_that_was_deleted_is_named_with_the_command_that_forgets_it() {
    let (cloud, site) = extracted();
    let id = project_id(1);
    cloud.change(|plan| plan.projects.truncate(1));
    to(&site, "2026-10-17")
        .expect(0)
        .says(&format!(
            "warning: project `project-1` ({id}) is no longer accounted: gone from Keystone; it was extracted up \
             to 2026-10-16T00:00:00Z"
        ))
        .says(&format!("hint: caso cursor forget {id}\n"));
    caso(&site, &["cursor", "forget"], &[&id, "--yes"]).expect(0);
    caso(&site, &["check"], &[])
        .expect(0)
        .never_says("no longer accounted");
}

/// Nobody pays for them every hour, who never forgets one.
#[test]
fn of_many_nobody_is_asked() {
    let cloud = Cloud::start(Plan::generated(13, 1));
    let site = Site::at(&cloud);
    to(&site, "2026-10-16").expect(0);
    cloud.change(|plan| plan.projects.truncate(1));
    let before = cloud.count("GET /identity/v3/projects/");
    to(&site, "2026-10-17")
        .expect(0)
        .says("warning: 12 projects are no longer accounted: deleted, or `projects` does not name them, and it")
        .says(" and 9 more")
        .says("hint: `caso status` names each; openstack project set --tag caso <project>, to account one");
    assert_eq!(cloud.count("GET /identity/v3/projects/"), before);
}

/// `projects` names the second one, which is not tagged.
fn named() -> (Cloud, Site) {
    let cloud = Cloud::start(Plan::generated(2, 3));
    cloud.change(|plan| plan.projects[1].tags.clear());
    let mut site = Site::at(&cloud);
    site.set("DEFAULT", "projects", "project-1");
    to(&site, "2026-10-16").expect(0);
    cloud.change(|plan| plan.projects[1].name = "brand new".into());
    (cloud, site)
}

#[test]
fn one_that_was_renamed_is_named_by_what_it_is_called_now() {
    let (_cloud, mut site) = named();
    let id = project_id(1);
    let what = format!(
        "Keystone has no project of this name; the one that was extracted by it, {id}, is now called `brand new`"
    );
    let way_out = format!("write `brand new` or `{id}` in its place in `projects`");
    to(&site, "2026-10-17")
        .expect(3)
        .says(&format!("error: project `project-1`: {what}"))
        .says(&format!("hint: {way_out}"))
        .never_says("no longer accounted");
    for (command, code) in [("check", 3), ("projects", 3), ("status", 1)] {
        caso(&site, &[command], &[])
            .expect(code)
            .says(&what)
            .says(&way_out)
            .never_says("cursor forget");
    }
    for (name, end) in [("brand new", "2026-10-18"), (&id, "2026-10-19")] {
        site.set("DEFAULT", "projects", name);
        to(&site, end).expect(0).never_says("no cursor");
        let at = site.cursors(&id);
        assert!(at.values().all(Option::is_some), "{at:?}");
    }
}

#[test]
fn nobody_guesses_of_one_that_keystone_does_not_show() {
    let (cloud, site) = named();
    cloud.inject(
        Rule::on(&format!("GET /identity/v3/projects/{}", project_id(1))),
        Fault::Status(403),
    );
    to(&site, "2026-10-17")
        .expect(3)
        .says("remove `project-1` from `projects` if it is gone")
        .says(&format!(
            "it was {}, extracted up to 2026-10-16T00:00:00Z",
            project_id(1)
        ))
        .never_says("is now called")
        .never_says("no longer accounted");
}

#[test]
fn one_that_projects_names_and_that_was_deleted_has_the_commands_that_give_it_up() {
    let (cloud, site) = named();
    let id = project_id(1);
    cloud.change(|plan| plan.projects.truncate(1));
    let what = format!(
        "Keystone has no project of this name any more, nor one of the id that it was extracted by, {id}, up to \
         2026-10-16T00:00:00Z"
    );
    let way_out = format!("remove `project-1` from `projects`; caso cursor forget {id}");
    to(&site, "2026-10-17")
        .expect(3)
        .says(&format!("error: project `project-1`: {what}"))
        .says(&format!("hint: {way_out}"))
        .never_says("no longer accounted")
        .never_says("role add");
    for (command, code) in [("check", 3), ("projects", 3), ("status", 1)] {
        caso(&site, &[command], &[])
            .expect(code)
            .says(&what)
            .says(&way_out)
            .never_says("never extracted");
    }
}

/// It is accounted all the while, and `projects` still has its old name.
#[test]
fn one_that_was_renamed_and_has_the_tag_is_named_by_what_it_is_called_now() {
    let cloud = Cloud::start(Plan::generated(2, 3));
    let mut site = Site::at(&cloud);
    site.set("DEFAULT", "projects", "project-1");
    to(&site, "2026-10-16").expect(0);
    cloud.change(|plan| plan.projects[1].name = "brand new".into());
    let id = project_id(1);
    let way_out = format!("write `brand new` or `{id}` in its place in `projects`");
    to(&site, "2026-10-17")
        .expect(3)
        .says(&format!(
            "Keystone has no project of this name; the one that was extracted by it, {id}, is now called `brand new`"
        ))
        .says(&format!("hint: {way_out}"));
    caso(&site, &["status"], &[])
        .expect(1)
        .says(&way_out)
        .never_says("never extracted");
    let at = site.cursors(&id);
    assert!(at.values().all(Option::is_some), "{at:?}");
    site.set("DEFAULT", "projects", "brand new");
    to(&site, "2026-10-18").expect(0);
}
