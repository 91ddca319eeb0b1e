use super::*;
use crate::Service;
use crate::testing::{Recorded, recorded};

fn login(user: GenericUser, password: &str) -> V2Login {
    V2Login {
        user,
        password: Secret::new(password),
        tenant: None,
    }
}

#[test]
fn bodies_as_keystone_12_takes_them() {
    let asked: Vec<Value> = recorded("v2/tokens")
        .into_iter()
        .map(|exchange| exchange.request.body)
        .collect();
    let name = || login(GenericUser::Name("accounting".into()), "secret");
    let id = GenericUser::Id("7a49db2a294a4da68fd876faafd3e2a0".into());
    let by_name = TenantRef::Name("vo-project".into());
    let by_id = TenantRef::Id("3174786e9d0146608dfdbebc1b4a983e".into());
    let bodies = [
        request_body(&name(), Some(&by_name)),
        request_body(&name(), Some(&by_id)),
        request_body(&name(), None),
        request_body(&login(id, "secret"), Some(&by_id)),
    ];
    for (body, asked) in bodies.iter().zip(&asked) {
        assert_eq!(&serde_json::from_str::<Value>(body).unwrap(), asked);
    }
}

#[test]
fn a_scoped_token_with_its_catalog() {
    let exchange: Recorded = recorded("v2/tokens").remove(0);
    let token = token(&exchange.body, 1_000).unwrap();
    assert_eq!(token.id.expose(), exchange.body["access"]["token"]["id"]);
    assert_eq!(
        token.project.as_deref(),
        Some("3174786e9d0146608dfdbebc1b4a983e")
    );
    assert_eq!(token.project_name.as_deref(), Some("vo-project"));
    // A day, by our clock, but for the margin.
    assert_eq!(token.renew_at, Some(1_000 + 86_400 - 120));
    let catalog = token.catalog.unwrap();
    let find = |service, interface: &str, region| {
        let found = catalog.find(service, &[interface.to_owned()], region);
        found.map(|endpoint| endpoint.url.clone())
    };
    let nova = "http://127.0.0.1:18774/v2.1/3174786e9d0146608dfdbebc1b4a983e".to_owned();
    assert_eq!(
        find(Service::Compute, "public", Some("RegionOne")),
        Some(nova.clone())
    );
    assert_eq!(find(Service::Compute, "publicURL", None), Some(nova));
    assert!(
        find(Service::Compute, "public", Some("RegionTwo"))
            .unwrap()
            .contains(":28774/")
    );
    let admin = find(Service::Identity, "admin", None);
    assert_eq!(admin.as_deref(), Some("http://127.0.0.1:15535/v2.0"));
    // `"publicURL": ""` and no `adminURL` at all are both none.
    for (service, interface) in [("object-store", "public"), ("metering", "admin")] {
        let mut all = catalog.endpoints.iter();
        assert!(!all.any(|one| one.service_type == service && one.interface == interface));
    }
    let mut metric = catalog
        .endpoints
        .iter()
        .filter(|one| one.service_type == "metric");
    assert!(metric.all(|endpoint| endpoint.region.is_none()));
}

#[test]
fn an_unscoped_token_has_neither_project_nor_catalog() {
    let exchange: Recorded = recorded("v2/tokens").remove(2);
    let token = token(&exchange.body, 0).unwrap();
    assert!(token.project.is_none() && token.catalog.is_none());
}

/// As the samples of Keystone 12's own documentation show older ones.
#[test]
fn times_without_zone_and_parts_that_are_null() {
    let body = json!({"access": {"token": {
        "expires": "2014-01-31T15:30:58Z", "issued_at": "2014-01-30T15:30:58.819584",
        "id": "aaaaa-bbbbb-ccccc-dddd",
        "tenant": {"description": null, "enabled": true, "id": "t", "name": "demo"}},
        "serviceCatalog": [{"endpoints": [{"publicURL": "http://h/v2"}], "type": "compute"}, null],
        "user": {"id": "u"}}});
    let token = token(&body, 10).unwrap();
    assert_eq!(token.renew_at, Some(10 + 86_400 - 120));
    assert_eq!(token.catalog.unwrap().endpoints.len(), 1);
    for bad in [
        json!({}),
        json!({"access": {"token": {"id": ""}}}),
        json!([]),
    ] {
        assert_eq!(super::token(&bad, 0).unwrap_err().path, "access.token.id");
    }
}
