//! The lists laid side by side, on a cloud that changes under our hands.

use serde_json::json;
use std::sync::Mutex;

use super::*;
use crate::testing::{self, *};
use crate::{RunCaches, extract};
use caso_model::extraction::Extractor;
use caso_openstack::pages::LEAST_LIMIT;
use caso_stand_in::{Flavor, Servers};

async fn run(context: &ExtractContext) -> (Kept, Result<(), ExtractError>) {
    let mut kept = Kept::default();
    let outcome = extract(
        Extractor::Nova,
        Task {
            context,
            project: &project("p1"),
            window: WINDOW,
            history: &Mutex::default(),
            volumes: None,
        },
        &mut kept,
    )
    .await;
    (kept, outcome)
}

/// `old` servers that run unchanged, and `new` ones after them.
fn cloud(old: u32, new: u32) -> Plan {
    let mut plan = plan();
    let running = (0..old).map(testing::old);
    let created = (old..old + new).map(testing::new);
    *plan.servers() = running.chain(created).collect();
    plan
}

fn all(count: u32) -> Vec<u128> {
    (0..u128::from(count)).collect()
}

fn texts(caches: &RunCaches) -> Vec<String> {
    let warnings = caches.closing_warnings();
    warnings.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn every_server_comes_once_whatever_the_size_of_pages() {
    for max_limit in [1, 3, 4, 7, 1000] {
        let stand = Plan {
            max_limit,
            ..cloud(5, 8)
        }
        .start();
        let context = stand.context();
        let (kept, outcome) = run(&context).await;
        outcome.unwrap();
        assert_eq!(kept.numbers(), all(13), "pages of {max_limit}");
        assert_eq!(kept.count(), 13);
        assert!(kept.0.iter().all(|page| page.items.len() <= max_limit));
        let servers = kept.servers();
        assert!(servers.iter().all(|server| server.compute_usage.is_some()));
        assert_eq!(texts(&context.caches), Vec::<String>::new());
    }
}

#[tokio::test]
async fn items_refer_to_the_tables_of_their_page() {
    let stand = Plan {
        max_limit: 3,
        ..cloud(0, 4)
    }
    .start();
    let (kept, outcome) = run(&stand.context()).await;
    outcome.unwrap();
    for page in &kept.0 {
        assert_eq!(page.tables.flavors.len(), 1);
        assert_eq!(page.tables.flavors[0].ephemeral_gib, Some(5));
        assert_eq!(page.tables.images[0].properties[0].value, "uri");
        assert_eq!(page.tables.users[0].name.as_deref(), Some("Alice"));
    }
    assert_eq!(stand.asked("/flavors/detail"), 1);
    assert_eq!(stand.asked("/images"), 1);
    assert_eq!(stand.asked("/users/"), 1);
}

#[tokio::test]
async fn projects_may_be_read_by_tasks_of_their_own() {
    let context = cloud(1, 1).start().context();
    let task = tokio::spawn(async move {
        let (kept, outcome) = run(&context).await;
        outcome.map(|_| kept.numbers())
    });
    assert_eq!(task.await.unwrap().unwrap(), all(2));
}

#[tokio::test]
async fn ten_projects_of_a_thousand_servers_cost_few_requests() {
    let ids: Vec<String> = (0..10).map(|n| format!("q{n}")).collect();
    let servers = |first: u32| (first..10_000).step_by(10).map(new).collect();
    let projects = (0..10).map(|n| project_with(&ids[n as usize], servers(n)));
    let stand = Plan {
        projects: projects.collect(),
        ..plan()
    }
    .start();
    let context = stand.context();
    let projects: Vec<_> = ids.iter().map(|id| project(id)).collect();
    let mut servers = 0;
    for outcome in futures_util::future::join_all(projects.iter().map(|project| {
        let context = &context;
        async move {
            let mut kept = Kept::default();
            let history = Mutex::default();
            let outcome = extract(
                Extractor::Nova,
                Task {
                    context,
                    project,
                    window: WINDOW,
                    history: &history,
                    volumes: None,
                },
                &mut kept,
            );
            outcome.await.map(|_| kept.servers().len())
        }
    }))
    .await
    {
        servers += outcome.unwrap();
    }
    assert_eq!(servers, 10_000);
    // A token, two pages of each list and, since each window is a first one, the question
    // after cells for a project; versions, flavors, image, user and the system's token once.
    assert_eq!(context.session.requests(), 65, "{:#?}", stand.log());
}

#[tokio::test]
async fn a_server_deleted_while_lists_are_read_is_told() {
    // It runs unchanged, so only the third list would show it; it goes just
    // before that.
    let stand = Plan {
        max_limit: 3,
        ..cloud(7, 2)
    }
    .start_with(|call, cloud| {
        if call.asks("servers/detail") && call.param("changes-since").is_none() {
            cloud.server(2).delete(NOW + 1);
        }
        None
    });
    let (kept, outcome) = run(&stand.context()).await;
    outcome.unwrap();
    assert_eq!(kept.numbers(), all(9));
    let servers = kept.servers();
    let gone = servers
        .iter()
        .find(|server| server.id.ends_with('2'))
        .unwrap();
    assert_eq!(gone.status.as_deref(), Some("DELETED"));
}

#[tokio::test]
async fn a_marker_that_vanishes_begins_the_list_anew() {
    let mut once = true;
    let stand = Plan {
        max_limit: 3,
        ..cloud(8, 0)
    }
    .start_with(move |call, cloud| {
        let marker = call.param("marker").map(str::to_owned);
        if call.asks("servers/detail")
            && call.param("changes-since").is_none()
            && let Some(marker) = marker
            && std::mem::take(&mut once)
        {
            cloud.servers().retain(|server| server.id != marker);
        }
        None
    });
    let (kept, outcome) = run(&stand.context()).await;
    outcome.unwrap();
    assert_eq!(kept.numbers(), all(8));
}

#[tokio::test]
async fn markers_that_vanish_for_ever_are_an_error() {
    let stand = Plan {
        max_limit: 3,
        ..cloud(0, 8)
    }
    .start_with(|call, _| {
        (call.asks("servers/detail") && call.param("marker").is_some()).then(|| status(400))
    });
    let (_, outcome) = run(&stand.context()).await;
    let error = outcome.unwrap_err().to_string();
    assert!(
        error.contains("/servers/detail") && error.contains("4 times"),
        "{error}"
    );
}

#[tokio::test]
async fn what_only_the_usage_api_knows_is_told_from_there() {
    // Deleted before the window began, says its row, but without a time.
    let mut cloud = cloud(3, 1);
    cloud.server(1).vm_state = "deleted".into();
    // Gone altogether after the usage was read.
    let stand = cloud.start_with(|call, cloud| {
        if call.asks("servers/detail") {
            cloud.servers().retain(|server| server.id != uuid(2));
        }
        None
    });
    let (kept, outcome) = run(&stand.context()).await;
    outcome.unwrap();
    assert_eq!(kept.numbers(), all(4));
    let servers = kept.servers();
    let by = |n: u128| {
        let id = Uuid::from_u128(n).to_string();
        servers.iter().find(|server| server.id == id).unwrap()
    };
    for n in [1, 2] {
        assert_eq!(by(n).status, None);
        assert_eq!(by(n).user_id, None);
        let usage = by(n).compute_usage.as_ref().unwrap();
        assert_eq!(
            (usage.vcpus, usage.memory_mib, usage.disk_gib),
            (Some(2), Some(2048), Some(25))
        );
        assert_eq!(usage.flavor_name.as_deref(), Some("name-f1"));
    }
    assert_eq!(by(1).name.as_deref(), Some("vm-1"));
    assert_eq!(by(2).name, None);
}

#[tokio::test]
async fn a_flavor_that_is_gone_is_taken_from_the_server() {
    let mut cloud = cloud(0, 7);
    cloud.max_limit = 3;
    of_flavor(cloud.server(4), "gone");
    let stand = cloud.start();
    let (kept, outcome) = run(&stand.context()).await;
    outcome.unwrap();
    for server in kept.servers() {
        let embedded = server.embedded_flavor.as_ref();
        if server.id.ends_with('4') {
            let flavor: &caso_model::usage::Flavor = embedded.unwrap();
            assert_eq!(flavor.id, "");
            assert_eq!(flavor.name.as_deref(), Some("name-gone"));
            assert_eq!(flavor.extra_specs.as_ref().unwrap()[0].value, "copied");
        } else {
            assert_eq!(embedded, None);
        }
    }
    // Pages of 3, 3 and 1, and one of them once more.
    assert_eq!(stand.asked("servers/detail"), 4, "{:#?}", stand.log());
    assert_eq!(stand.asked("flavors/detail"), 1);
}

#[tokio::test]
async fn a_flavor_that_goes_between_pages_spoils_nothing() {
    let mut cloud = cloud(0, 7);
    cloud.max_limit = 3;
    for n in 0..4 {
        of_flavor(cloud.server(n), "f2");
    }
    let stand = cloud.start_with(|call, cloud| {
        if call.asks("servers/detail") && call.param("marker").is_some() {
            cloud.flavors.retain(|flavor| flavor.id != "f2");
        }
        None
    });
    let (kept, outcome) = run(&stand.context()).await;
    outcome.unwrap();
    assert_eq!(kept.numbers(), all(7));
    // Read with the first page, and good for the run.
    assert!(
        kept.servers()
            .iter()
            .all(|server| server.embedded_flavor.is_none())
    );
    let known = |page: &Page| page.tables.flavors.iter().any(|flavor| flavor.id == "f2");
    assert!(known(&kept.0[1]));
}

#[tokio::test]
async fn a_flavor_re_created_under_its_name_is_another_one() {
    let mut cloud = cloud(0, 1);
    cloud.flavors = vec![Flavor {
        name: "name-f1".into(),
        vcpus: 64,
        ..flavor("f1-again")
    }];
    let (kept, outcome) = run(&cloud.start().context()).await;
    outcome.unwrap();
    assert_eq!(kept.0[0].tables.flavors, []);
    let server = kept.servers()[0];
    assert_eq!(server.flavor_id.as_deref(), Some("f1"));
    assert_eq!(server.embedded_flavor.as_ref().unwrap().vcpus, Some(2));
}

#[tokio::test]
async fn a_flavor_changed_since_is_told_as_it_is_now() {
    let mut cloud = cloud(0, 1);
    let specs = &mut cloud.flavors[0].extra_specs;
    specs.insert("accounting:benchmark_type".into(), "newer".into());
    let (kept, outcome) = run(&cloud.start().context()).await;
    outcome.unwrap();
    let specs = kept.0[0].tables.flavors[0].extra_specs.as_ref().unwrap();
    assert_eq!(specs[0].value, "newer");
    assert_eq!(kept.servers()[0].embedded_flavor, None);
}

#[tokio::test]
async fn a_sink_that_is_full_ends_the_extraction() {
    struct Full;
    impl PageSink for Full {
        fn page<'a>(
            &'a mut self,
            _page: Page,
        ) -> caso_model::guest::BoxFuture<'a, Result<(), ExtractError>> {
            Box::pin(async {
                Err(ExtractError::sink(std::io::Error::other(
                    "the disk is full",
                )))
            })
        }
    }
    let stand = Plan {
        max_limit: 3,
        ..cloud(0, 9)
    }
    .start();
    let project = project("p1");
    let context = stand.context();
    let mut sink = Full;
    let history = Mutex::default();
    let outcome = extract(
        Extractor::Nova,
        Task {
            context: &context,
            project: &project,
            window: WINDOW,
            history: &history,
            volumes: None,
        },
        &mut sink,
    );
    let error = outcome.await.unwrap_err();
    assert!(!error.is_outage());
    assert_eq!(error.to_string(), "the disk is full");
    // Of the usage four pages (9 rows by 3, and the end), of the servers one, and the next one,
    // which was asked for while the first was on its way into the sink.
    assert_eq!(stand.asked("servers/detail"), 2);
}

#[tokio::test]
async fn a_private_flavor_counts_for_its_project_only() {
    let mut cloud = cloud(0, 2);
    cloud.flavors.push(Flavor {
        only_for: Some(vec!["p1".into()]),
        ..flavor("secret")
    });
    of_flavor(cloud.server(0), "secret");
    of_flavor(cloud.server(1), "secret");
    let second = cloud.servers().pop().unwrap();
    cloud.projects[1].servers = Servers::Listed(vec![second]);
    let stand = cloud.start();
    for order in [["p1", "p2"], ["p2", "p1"]] {
        let context = stand.context();
        for id in order {
            let mut kept = Kept::default();
            let project = project(id);
            let history = Mutex::default();
            let outcome = extract(
                Extractor::Nova,
                Task {
                    context: &context,
                    project: &project,
                    window: WINDOW,
                    history: &history,
                    volumes: None,
                },
                &mut kept,
            );
            outcome.await.unwrap();
            assert_eq!(
                kept.0[0].tables.flavors.len(),
                usize::from(id == "p1"),
                "{order:?}"
            );
            let embedded = kept.servers()[0].embedded_flavor.is_some();
            assert_eq!(embedded, id == "p2", "{order:?}");
        }
    }
}

#[tokio::test]
async fn users_are_asked_once_a_run_and_the_unknown_remembered() {
    let mut cloud = cloud(0, 9);
    cloud.max_limit = 3;
    for n in 0..9 {
        cloud.server(n).user_id = ["alice", "gone"][n as usize % 2].into();
    }
    let stand = cloud.start();
    let (kept, outcome) = run(&stand.context()).await;
    outcome.unwrap();
    assert_eq!(stand.asked("/users/alice"), 1);
    assert_eq!(stand.asked("/users/gone"), 1);
    let names: Vec<_> = kept.0[0]
        .tables
        .users
        .iter()
        .map(|user| user.name.clone())
        .collect();
    assert_eq!(names, [Some("Alice".into()), None]);
}

#[tokio::test]
async fn one_forbidden_user_ends_the_asking() {
    let mut cloud = cloud(0, 9);
    cloud.max_limit = 3;
    for n in 0..9 {
        cloud.server(n).user_id = format!("user-{n}");
    }
    let stand = cloud.start_with(|call, _| call.asks("/users/").then(|| status(403)));
    let context = stand.context();
    let (kept, outcome) = run(&context).await;
    outcome.unwrap();
    assert_eq!(kept.numbers(), all(9));
    assert_eq!(stand.asked("/users/"), 1);
    let warnings = texts(&context.caches);
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].contains("identity:get_user"), "{warnings:?}");
}

#[tokio::test]
async fn users_that_fail_otherwise_are_counted() {
    let mut cloud = cloud(0, 6);
    for n in 0..6 {
        cloud.server(n).user_id = format!("user-{n}");
    }
    let stand = cloud.start_with(|call, _| call.asks("/users/").then(|| status(418)));
    let context = stand.context();
    let (kept, outcome) = run(&context).await;
    outcome.unwrap();
    assert_eq!(kept.numbers(), all(6));
    let warnings = texts(&context.caches);
    assert!(
        warnings[0].starts_with("6 users could not be looked up"),
        "{warnings:?}"
    );
}

#[tokio::test]
async fn a_page_that_comes_too_late_is_asked_again_at_half_its_limit() {
    let stand = cloud(50, 500).start_with(|call, _| {
        let limit = call
            .param("limit")
            .map_or(0, |text| text.parse::<u32>().unwrap());
        (limit > 300).then(timeout)
    });
    let (kept, outcome) = run(&stand.context()).await;
    outcome.unwrap();
    assert_eq!(kept.numbers(), all(550));
    assert!(stand.asked("limit=500") > 0 && stand.asked("limit=250") > 0);
}

#[tokio::test]
async fn a_page_that_never_comes_is_an_error_of_the_project() {
    let stand = cloud(0, 3).start_with(|call, _| call.asks("servers/detail").then(timeout));
    let (kept, outcome) = run(&stand.context()).await;
    let error = outcome.unwrap_err();
    assert!(error.is_outage(), "{error}");
    assert_eq!(kept.0, []);
    let least = format!("limit={LEAST_LIMIT}");
    let log = stand.log();
    assert_eq!(log.iter().filter(|line| line.ends_with(&least)).count(), 1);
    let asked = log.iter().filter(|line| line.contains("servers/detail"));
    let tries = format!("({} tries in ", asked.count());
    assert!(error.to_string().contains(&tries), "{error}");
}

#[tokio::test]
async fn a_page_that_is_no_json_is_an_error_that_says_so() {
    let stand = cloud(0, 3).start_with(|call, _| call.asks("servers/detail").then(|| status(200)));
    let (_, outcome) = run(&stand.context()).await;
    let error = outcome.unwrap_err().to_string();
    assert!(
        error.contains("not JSON") && error.contains("servers/detail"),
        "{error}"
    );
}

#[tokio::test]
async fn links_in_a_circle_are_an_error() {
    let stand = cloud(0, 3).start_with(|call, _| {
        call.asks("servers/detail").then(|| {
            ok(json!({"servers": [], "servers_links": [
                {"rel": "next", "href": "http://x/servers/detail?marker=a"}]}))
        })
    });
    let (_, outcome) = run(&stand.context()).await;
    let error = outcome.unwrap_err().to_string();
    assert!(
        error.contains("never end") && error.contains("marker=a"),
        "{error}"
    );
}

#[tokio::test]
async fn a_row_that_cannot_be_read_costs_itself() {
    let mut cloud = cloud(1, 4);
    cloud.server(0).odd = odd(&json!({"created": "long ago"}));
    cloud.server(2).odd = odd(&json!({"updated": 7}));
    cloud.server(3).odd = odd(&json!({"tenant_id": "p2"}));
    let stand = cloud.start();
    let (kept, outcome) = run(&stand.context()).await;
    outcome.unwrap();
    assert_eq!(kept.errors().len(), 3);
    assert_eq!(kept.numbers(), [1, 4]);
    let errors = kept.errors();
    for (n, field) in [(0, "`created`"), (2, "`updated`"), (3, "project `p2`")] {
        let id = Uuid::from_u128(n).to_string();
        assert!(
            errors.iter().any(|e| e.contains(&id) && e.contains(field)),
            "{errors:?}"
        );
    }
}

/// It is reported by its flavor, so nothing is lost.
#[tokio::test]
async fn usage_that_cannot_be_read_is_said_and_costs_nothing() {
    let stand = cloud(0, 3).start_with(|call, _| {
        let row = |n| json!({"instance_id": uuid(n), "vcpus": "2", "ended_at": null});
        call.asks("tenant-usage")
            .then(|| ok(json!({"tenant_usage": {"server_usages": [row(0), row(1)]}})))
    });
    let context = stand.context();
    let (kept, outcome) = run(&context).await;
    outcome.unwrap();
    assert_eq!(kept.numbers(), all(3));
    assert_eq!(kept.errors(), [] as [String; 0]);
    let warnings = texts(&context.caches);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    for part in [
        "`vcpus`",
        &uuid(0),
        "what its flavor gives is reported",
        "`p1`",
    ] {
        assert!(warnings[0].contains(part), "{warnings:?}");
    }
    let servers = kept.servers();
    let server = servers.iter().find(|server| server.id == uuid(0)).unwrap();
    assert_eq!(server.compute_usage.as_ref().unwrap().vcpus, None);
}

#[tokio::test]
async fn facts_that_a_record_can_do_without_cost_none() {
    let mut cloud = cloud(0, 4);
    cloud.server(0).odd = odd(&json!({"image": "i1"}));
    cloud.server(1).odd = odd(&json!({"image": "i1"}));
    cloud.server(2).odd = odd(&json!({"addresses": {"n": null}}));
    let stand = cloud.start();
    let context = stand.context();
    let (kept, outcome) = run(&context).await;
    outcome.unwrap();
    assert_eq!(kept.numbers(), all(4));
    assert_eq!(kept.errors(), [] as [String; 0]);
    assert_eq!(texts(&context.caches).len(), 2);
}

#[tokio::test]
async fn without_glance_servers_go_on_and_one_warning_says_so() {
    for answer in [
        (|| status(403)) as fn() -> Reply,
        || status(503),
        || status(200),
        timeout,
    ] {
        let mut cloud = cloud(0, 7);
        cloud.max_limit = 3;
        let stand = cloud.start_with(move |call, _| call.asks("/images").then(answer));
        let context = stand.context();
        let (kept, outcome) = run(&context).await;
        outcome.unwrap();
        assert_eq!(kept.numbers(), all(7));
        assert!(kept.0.iter().all(|page| page.tables.images.is_empty()));
        assert!(
            kept.servers()
                .iter()
                .all(|server| server.image_id.is_some())
        );
        let warnings = texts(&context.caches);
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(stand.asked("/images") <= 2, "{:#?}", stand.log());
    }
}

#[tokio::test]
async fn a_glance_without_the_filter_is_asked_one_by_one() {
    let mut cloud = cloud(0, 3);
    cloud.server(1).image_id = Some("deleted".into());
    cloud.server(2).image_id = None;
    let stand = cloud.start_with(|call, _| call.param("id").map(|_| status(400)));
    let (kept, outcome) = run(&stand.context()).await;
    outcome.unwrap();
    assert_eq!(kept.0[0].tables.images.len(), 1);
    assert_eq!(stand.asked("/images/"), 2);
}

#[tokio::test]
async fn an_old_nova_hides_servers_from_usage_but_not_from_the_lists() {
    let mut cloud = cloud(7, 5);
    cloud.max_limit = 3;
    cloud.microversion = 12;
    // Ended before the window: in no usage, and in no list of ours.
    let mut ended = old(99);
    ended.delete(WINDOW.start - 5);
    cloud.servers().push(ended);
    let stand = cloud.start();
    let context = stand.context();
    let (kept, outcome) = run(&context).await;
    outcome.unwrap();
    assert_eq!(kept.numbers(), all(12));
    let specs = kept.0[0].tables.flavors[0].extra_specs.as_ref().unwrap();
    assert_eq!(specs[0].value, "hepscore");
    // Below 2.40 usage has no pages, and a marker there means nothing.
    assert_eq!(stand.asked("tenant-usage"), 1);
    assert_eq!(stand.asked("/os-extra_specs"), 1);
    let warnings = texts(&context.caches);
    assert!(warnings[0].contains("exactly 3 servers"), "{warnings:?}");
}

#[tokio::test]
async fn forbidden_extra_specs_are_absent_and_warned_of_once() {
    let mut cloud = cloud(0, 7);
    cloud.max_limit = 3;
    cloud.microversion = 60;
    of_flavor(cloud.server(0), "f2");
    let stand = cloud.start_with(|call, _| call.asks("os-extra_specs").then(|| status(403)));
    let context = stand.context();
    let (kept, outcome) = run(&context).await;
    outcome.unwrap();
    assert!(
        kept.0
            .iter()
            .all(|page| page.tables.flavors[0].extra_specs.is_none())
    );
    assert_eq!(stand.asked("os-extra_specs"), 1);
    let warnings = texts(&context.caches);
    assert_eq!(warnings.len(), 1);
    assert!(
        warnings[0].contains("os-flavor-extra-specs:index"),
        "{warnings:?}"
    );
}

#[tokio::test]
async fn a_nova_that_hides_its_versions_is_taken_for_the_oldest() {
    let stand = cloud(2, 2).start_with(|call, _| {
        (call.path == "/compute/v2.1/" || call.path == "/compute/").then(|| status(404))
    });
    let context = stand.context();
    let (kept, outcome) = run(&context).await;
    outcome.unwrap();
    assert_eq!(kept.numbers(), all(4));
    assert_eq!(texts(&context.caches).len(), 1);
}

/// What Keystone says to the login before the first request says nothing of Nova: with the oldest
/// microversion records would lose their benchmark and their accelerators.
#[tokio::test]
async fn a_login_that_fails_before_the_versions_is_no_old_nova() {
    for code in [400, 403, 404, 418, 500] {
        let stand = cloud(2, 2)
            .start_with(move |call, _| call.path.ends_with("/auth/tokens").then(|| status(code)));
        let context = stand.context();
        let (kept, outcome) = run(&context).await;
        let error = outcome.unwrap_err();
        assert!(!error.is_service_lacking(), "{code}: {error}");
        assert_eq!(kept.0, [], "{code}");
        assert_eq!(texts(&context.caches), [] as [&str; 0], "{code}");
    }
}

#[tokio::test]
async fn a_nova_that_fails_to_say_its_versions_is_asked_again_in_the_next_run() {
    for broken in ["/compute/v2.1/", "/compute/"] {
        let stand = cloud(2, 2).start_with(move |call, _| match call.path.as_str() {
            path if path == broken => Some(status(500)),
            "/compute/v2.1/" | "/compute/" => Some(status(404)),
            _ => None,
        });
        let context = stand.context();
        let (_, outcome) = run(&context).await;
        assert!(outcome.is_err(), "{broken}");
        assert_eq!(texts(&context.caches), [] as [&str; 0], "{broken}");
    }
}

#[tokio::test]
async fn a_forbidden_usage_is_an_error_of_the_project() {
    let stand = cloud(0, 1).start_with(|call, _| call.asks("tenant-usage").then(|| status(403)));
    let (kept, outcome) = run(&stand.context()).await;
    assert!(matches!(
        outcome,
        Err(ExtractError::Api(ApiError::Forbidden { .. }))
    ));
    assert_eq!(kept.0, []);
}

#[tokio::test]
async fn a_first_window_without_servers_costs_three_requests_and_a_token() {
    let stand = cloud(0, 0).start();
    let context = stand.context();
    let (kept, outcome) = run(&context).await;
    outcome.unwrap();
    assert_eq!(kept.0, []);
    // The versions are once a run.
    assert_eq!(context.session.requests(), 5);
}
