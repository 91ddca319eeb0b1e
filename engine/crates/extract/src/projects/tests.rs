//! The list of projects against a small Keystone.

use caso_stand_in::Project;
use serde_json::json;

use super::*;
use crate::testing::{Plan, Planned, Stand, odd, plan, project_with, status};

fn options(configured: &[&str]) -> ProjectOptions {
    ProjectOptions {
        configured: configured.iter().map(|&id| id.to_owned()).collect(),
        tag: "caso".into(),
        vo_property: "VO".into(),
        mapping_file: PathBuf::from("/nowhere/voms.json"),
        domain: Some(DomainRef::Id("default".into())),
    }
}

/// Projects `p1`, `p2` with the tag, and `q0` to `q3` without.
fn cloud() -> Plan {
    let mut cloud = plan();
    cloud.projects.extend((0..4).map(|n| Project {
        name: format!("name/q{n}"),
        tags: Vec::new(),
        properties: [("VO".into(), " vo-q ".into())].into(),
        ..project_with(&format!("q{n}"), Vec::new())
    }));
    cloud
}

async fn find(
    stand: &std::sync::Arc<Stand>,
    options: &ProjectOptions,
) -> (Vec<Result<ProjectRef, ProjectFailure>>, Vec<String>) {
    let context = stand.context();
    let found = super::find(&context.session, options, &context.caches.warnings).await;
    let warnings = context.caches.warnings.take();
    let texts = warnings.into_iter().map(|warning| warning.text).collect();
    (found.unwrap(), texts)
}

fn ids(found: &[Result<ProjectRef, ProjectFailure>]) -> Vec<String> {
    found
        .iter()
        .map(|project| match project {
            Ok(project) => project.id.clone(),
            Err(failure) => format!("not {}", failure.asked),
        })
        .collect()
}

#[tokio::test]
async fn the_configured_come_first_and_each_once() {
    let stand = cloud().start();
    let (found, _) = find(&stand, &options(&["q1", "p2", "name/q1"])).await;
    assert_eq!(ids(&found), ["q1", "p2", "p1"]);
    let first = found[0].as_ref().unwrap();
    assert_eq!(first.configured.as_deref(), Some("q1"));
    assert_eq!(first.name.as_deref(), Some("name/q1"));
    assert_eq!(first.vo, "vo-q");
    assert_eq!(found[2].as_ref().unwrap().configured, None);
}

#[tokio::test]
async fn tagged_projects_need_one_request() {
    let stand = cloud().start();
    let (found, _) = find(&stand, &options(&["p1"])).await;
    assert_eq!(ids(&found), ["p1", "p2"]);
    assert_eq!(stand.log().len(), 2, "{:#?}", stand.log());
}

#[tokio::test]
async fn many_configured_projects_need_one_request_more() {
    let stand = cloud().start();
    let (found, _) = find(&stand, &options(&["q0", "name/q1", "q2", "q3"])).await;
    assert_eq!(ids(&found), ["q0", "q1", "q2", "q3", "p1", "p2"]);
    assert_eq!(stand.log().len(), 3, "{:#?}", stand.log());
    assert_eq!(
        found[1].as_ref().unwrap().configured.as_deref(),
        Some("name/q1")
    );
}

#[tokio::test]
async fn a_missing_project_is_one_failure() {
    let stand = cloud().start();
    let (found, _) = find(&stand, &options(&["../gone", "q0"])).await;
    assert_eq!(ids(&found), ["not ../gone", "q0", "p1", "p2"]);
    let text = found[0].as_ref().unwrap_err().to_string();
    assert!(
        text.contains("`../gone`") && text.contains("`default`"),
        "{text}"
    );

    let mut options = options(&["gone"]);
    options.domain = None;
    let (found, _) = find(&stand, &options).await;
    let hint = found[0].as_ref().unwrap_err().error.hint().unwrap();
    assert!(hint.contains("set `project_domain_name`"), "{hint}");
}

#[tokio::test]
async fn without_system_scope_projects_are_read_with_their_own_token() {
    let mut cloud = cloud();
    cloud.accounts[0].system = false;
    let stand = cloud.start();
    let (found, warnings) = find(&stand, &options(&["p1", "gone"])).await;
    assert_eq!(ids(&found), ["p1", "not gone"]);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].contains("only those in `projects`"),
        "{warnings:?}"
    );
}

#[tokio::test]
async fn the_vo_comes_from_the_property_then_from_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("voms.json");
    std::fs::write(
        &file,
        r#"{"by-file": {"projects": ["p1", "name/q0", "q1", "Q3 "]}}"#,
    )
    .unwrap();
    let mut cloud = cloud();
    for project in &mut cloud.projects {
        match project.id.as_str() {
            "q0" => project.odd = odd(&json!({"VO": null})),
            "q1" => project.odd = odd(&json!({"VO": " "})),
            "q2" => project.odd = odd(&json!({"VO": ["a"]})),
            "q3" => project.properties.clear(),
            _ => {}
        }
    }
    let stand = cloud.start();
    let mut options = options(&["q0", "q1", "q2", "q3"]);
    options.mapping_file = file;
    let (found, warnings) = find(&stand, &options).await;
    assert_eq!(ids(&found), ["q0", "q1", "not q2", "not q3", "p1", "p2"]);
    let vo = |n: usize| found[n].as_ref().unwrap().vo.as_str();
    assert_eq!([vo(0), vo(1), vo(4)], ["by-file", "by-file", "vo-p1"]);
    let odd = found[2].as_ref().unwrap_err();
    assert!(matches!(*odd.error, ProjectError::OddVo { .. }), "{odd}");
    let none = found[3].as_ref().unwrap_err();
    assert!(matches!(*none.error, ProjectError::NoVo { .. }), "{none}");
    assert!(none.to_string().contains("`VO`"), "{none}");
    assert!(none.to_string().ends_with(", which has `Q3 `"), "{none}");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
}

/// After a move to properties a stale file is the normal state.
#[tokio::test]
async fn a_malformed_mapping_file_costs_the_projects_that_need_it() {
    let folder = tempfile::tempdir().unwrap();
    for text in ["{", r#"{"vo": {"tenant": ["x"]}},"#, "[]"] {
        let mut cloud = cloud();
        for project in &mut cloud.projects {
            if project.id == "q1" {
                project.odd = odd(&json!({"VO": ""}));
            }
        }
        let mut options = options(&["q1"]);
        options.mapping_file = folder.path().join("voms.json");
        std::fs::write(&options.mapping_file, text).unwrap();
        let (found, warnings) = find(&cloud.start(), &options).await;
        assert_eq!(ids(&found), ["not q1", "p1", "p2"], "{text}");
        let failure = found[0].as_ref().unwrap_err();
        assert!(
            matches!(*failure.error, ProjectError::NoMapping { .. }),
            "{failure}"
        );
        assert_eq!(warnings.len(), 0, "it says so itself: {warnings:?}");
        // Where nobody needs it.
        options.configured.clear();
        let (found, warnings) = find(&self::cloud().start(), &options).await;
        assert_eq!(ids(&found), ["p1", "p2"], "{text}");
        assert_eq!(warnings.len(), 1, "{warnings:?}");
    }
}

#[tokio::test]
async fn a_keystone_away_ends_the_search() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options(&[]);
    let warnings = Notices::default();
    options.mapping_file = folder.path().join("none.json");
    let stand = cloud().start_with(|_, _| Some(status(503)));
    let found = super::find(&stand.context().session, &options, &warnings).await;
    assert!(found.unwrap_err().is_outage());
}
