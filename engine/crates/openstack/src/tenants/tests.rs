use super::super::keystone;
use super::super::session::SessionSettings;
use super::super::testing::{Fake, ManualClock, START, recorded, replaying};
use super::*;
use caso_login::{DomainRef, GenericUser, Login, LoginMethod, TenantRef, V2Login};
use caso_model::secret::Secret;
use std::sync::Arc;

const VO_PROJECT: &str = "3174786e9d0146608dfdbebc1b4a983e";
const ALICE: &str = "27a54f682e7c4c9d85abc5e74806cfb8";

fn login() -> Login {
    Login {
        auth_url: "http://127.0.0.1:15500/v2.0".parse().unwrap(),
        method: LoginMethod::V2Password(V2Login {
            user: GenericUser::Name("accounting".into()),
            password: Secret::new("secret"),
            tenant: Some(TenantRef::Id(VO_PROJECT.into())),
        }),
        configured: None,
        project_domain: None,
    }
}

fn session(fake: &Arc<Fake>) -> Session {
    Session::new(
        SessionSettings::new(login()),
        fake.clone(),
        ManualClock::at(START),
    )
}

#[tokio::test]
async fn tenants_with_their_vo_in_one_list() {
    let fake = replaying(&["v2/tokens", "v2/tenants"]);
    let session = session(&fake);
    let project = keystone::project_by_id(&session, VO_PROJECT).await.unwrap();
    assert_eq!(project.name, "vo-project");
    assert_eq!(project.extra["VO"], "vo.example.org");
    assert_eq!(project.extra["accounting:VO"], "vo.colon.example.org");
    let any = DomainRef::Id("any".into());
    let by_name = keystone::project_by_name(&session, "vo-project", &any).await;
    assert_eq!(by_name.unwrap(), Some(project));
    let all = keystone::projects_of_account(&session).await.unwrap();
    let closed = all
        .iter()
        .find(|tenant| tenant.name == "closed-project")
        .unwrap();
    assert_eq!(closed.enabled, Some(false));
    assert_eq!(
        keystone::projects_by_tag(&session, "caso").await.unwrap(),
        []
    );
    let lists = fake
        .lines()
        .iter()
        .filter(|line| *line == "/v2.0/tenants")
        .count();
    assert_eq!(lists, 1);
    assert!(session.has_tenants().await.unwrap());
}

#[tokio::test]
async fn a_tenant_that_is_not_listed_is_not_called_an_application_credentials() {
    let token = recorded("v2/tokens").remove(1);
    let fake = Fake::new(move |request| match request.method {
        caso_net::Method::Post => token.outcome(),
        _ => super::super::testing::text(200, &[], r#"{"tenants": []}"#),
    });
    let error = keystone::project_by_id(&session(&fake), VO_PROJECT)
        .await
        .unwrap_err();
    assert!(
        matches!(&error, ApiError::NoTenant { tenant, .. } if tenant == VO_PROJECT),
        "{error}"
    );
    assert!(error.to_string().contains("user `accounting`"), "{error}");
}

#[tokio::test]
async fn users_at_the_address_for_administrators() {
    // The last recorded answer for this id: an account whose role counts as admin.
    let fake = replaying(&["v2/tokens", "v2/users"]);
    let session_one = session(&fake);
    let name = keystone::user_name(&session_one, ALICE).await.unwrap();
    assert_eq!(name.as_deref(), Some("alice"));
    let gone = keystone::user_name(&session_one, "0123456789abcdef0123456789abcdef");
    assert_eq!(gone.await.unwrap(), None);

    let refused = recorded("v2/users").remove(1);
    let tokens = recorded("v2/tokens").remove(1);
    let fake = Fake::new(move |request| match request.method {
        caso_net::Method::Post => tokens.outcome(),
        _ => refused.outcome(),
    });
    let error = keystone::user_name(&session(&fake), ALICE)
        .await
        .unwrap_err();
    assert!(error.is_forbidden(), "{error}");
    assert!(error.to_string().contains("admin_required"), "{error}");
    assert!(
        error
            .call()
            .unwrap()
            .url
            .starts_with("http://127.0.0.1:15535/v2.0/users/")
    );
}

#[tokio::test]
async fn one_wrong_password_and_one_wrong_tenant_are_told_apart() {
    let [refused, good] = [7, 2].map(|at| recorded("v2/tokens").remove(at));
    let fake = Fake::new(move |request| match request.scope.as_str() {
        "unsaid" => good.outcome(),
        _ => refused.outcome(),
    });
    let nowhere = session(&fake)
        .own_project(&Scope::Project("nosuch".into()))
        .await;
    let error = nowhere.unwrap_err();
    assert!(matches!(error, ApiError::NoRole { .. }), "{error}");

    let wrong = recorded("v2/tokens").remove(6);
    let fake = Fake::new(move |_| wrong.outcome());
    let error = session(&fake)
        .own_project(&Scope::System)
        .await
        .unwrap_err();
    assert!(matches!(error, ApiError::Credentials { .. }), "{error}");
    assert!(error.to_string().contains("user `accounting`"), "{error}");

    let frozen = recorded("v2/tokens").remove(5);
    let fake = Fake::new(move |_| frozen.outcome());
    let error = session(&fake)
        .own_project(&Scope::System)
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("The account is disabled"),
        "{error}"
    );
}

#[tokio::test]
async fn a_cloud_without_version_2_is_said_so() {
    let fake = Fake::new(|_| super::super::testing::text(404, &[], "<h1>Not Found</h1>"));
    let error = session(&fake)
        .own_project(&Scope::System)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("version 2.0") && error.contains("auth_type = v3password"),
        "{error}"
    );
}
