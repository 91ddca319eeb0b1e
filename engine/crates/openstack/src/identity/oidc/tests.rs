use proptest::prelude::*;
use serde_json::json;

use super::*;
use caso_login::{ProviderPlace, WantedToken};

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn provider(secret: &str) -> OidcProvider {
    OidcProvider {
        place: ProviderPlace::Direct(url("https://op/token")),
        client_id: "caso".into(),
        client_secret: Some(Secret::new(secret)),
        scope: "openid profile".into(),
        wanted: WantedToken::Access,
        grant: OidcGrant::ClientCredentials,
    }
}

#[test]
fn what_a_discovery_document_must_say() {
    let origin = url("https://op/.well-known/openid-configuration");
    let read = |document: Value| discovered(&document, &origin, &OidcGrant::ClientCredentials);
    let real = &crate::testing::recorded("oidc/cc-project")[0].body;
    let found = read(real.clone()).unwrap();
    assert_eq!(found.token_endpoint, url("https://localhost:15556/token"));
    assert!(
        found
            .auth_methods
            .contains(&"client_secret_post".to_owned())
    );
    assert_eq!(read(json!({"issuer": "x"})), Err(BadDocument::NoEndpoint));
    assert!(matches!(
        read(json!({"token_endpoint": "http://op/token"})),
        Err(BadDocument::Endpoint(_))
    ));
    let plain = json!({"token_endpoint": "http://op/token"});
    let grant = OidcGrant::ClientCredentials;
    assert!(discovered(&plain, &url("http://op/x"), &grant).is_ok());
    let other = json!({"token_endpoint": "https://op/t", "grant_types_supported": ["implicit"]});
    let error = read(other).unwrap_err().to_string();
    assert!(
        error.contains("`client_credentials`") && error.contains("implicit"),
        "{error}"
    );
}

#[test]
fn the_ways_to_prove_a_secret() {
    let ways = |secret: &str, offered: &[&str]| {
        let offered: Vec<String> = offered.iter().map(|word| (*word).to_owned()).collect();
        client_auths(&provider(secret), &offered)
    };
    use ClientAuth::{Basic, BasicEncoded, Post, Public};
    assert_eq!(ways("plain", &[]), [Basic, Post]);
    assert_eq!(ways("sp+cial", &[]), [Basic, BasicEncoded, Post]);
    assert_eq!(ways("plain", &["client_secret_post"]), [Post]);
    assert_eq!(ways("plain", &["client_secret_basic", "none"]), [Basic]);
    assert_eq!(ways("plain", &["private_key_jwt"]), [Basic]);
    let public = OidcProvider {
        client_secret: None,
        ..provider("")
    };
    assert_eq!(client_auths(&public, &[]), [Public]);
}

#[test]
fn requests_as_rfc_6749_writes_them() {
    let sent = |secret: &str, way| {
        let (headers, form) = token_request(&provider(secret), way);
        let basic = headers.iter().find(|(name, _)| name == "authorization");
        (basic.map(|(_, value)| value.clone()), form)
    };
    let (basic, form) = sent("secret", ClientAuth::Basic);
    assert_eq!(basic.as_deref(), Some("Basic Y2FzbzpzZWNyZXQ="));
    assert_eq!(form, "grant_type=client_credentials&scope=openid+profile");
    let (encoded, _) = sent("a b&c", ClientAuth::BasicEncoded);
    assert_eq!(
        encoded,
        Some(format!("Basic {}", BASE64.encode("caso:a+b%26c")))
    );
    let (none, form) = sent("a b&c", ClientAuth::Post);
    assert_eq!(none, None);
    assert!(
        form.ends_with("&client_id=caso&client_secret=a+b%26c"),
        "{form}"
    );
    let (none, form) = token_request(&provider("x"), ClientAuth::Public);
    assert!(none.iter().all(|(name, _)| name != "authorization"));
    assert!(form.ends_with("&client_id=caso"), "{form}");
    let password = OidcProvider {
        grant: OidcGrant::Password {
            username: "bób".into(),
            password: Secret::new("p w"),
        },
        ..provider("s")
    };
    let (_, form) = token_request(&password, ClientAuth::Basic);
    assert_eq!(
        form,
        "grant_type=password&scope=openid+profile&username=b%C3%B3b&password=p+w"
    );
}

#[test]
fn the_token_that_is_wanted_and_when_it_ends() {
    let body = json!({"access_token": "a", "id_token": "i", "expires_in": 3600});
    let access = access_token(&body, &provider("s"), 10).unwrap();
    assert_eq!(
        (access.secret.expose(), access.renew_at),
        ("a", Some(10 + 3480))
    );
    let id = OidcProvider {
        wanted: WantedToken::Id,
        ..provider("s")
    };
    assert_eq!(access_token(&body, &id, 10).unwrap().secret.expose(), "i");
    let error = access_token(&json!({"access_token": "a"}), &id, 10).unwrap_err();
    assert_eq!(error.path, "id_token");
    let life = |life: Value| {
        let body = json!({"access_token": "a", "expires_in": life});
        access_token(&body, &provider("s"), 0).unwrap().renew_at
    };
    assert_eq!(life(json!("300")), Some(180));
    assert_eq!(life(json!(5)), Some(2));
    assert_eq!(life(Value::Null), None);
}

proptest! {
    #[test]
    fn any_document_is_read_or_refused(text in ".{0,60}", number in any::<i64>()) {
        let document = json!({"token_endpoint": text, "grant_types_supported": [text], "expires_in": number});
        let grant = OidcGrant::ClientCredentials;
        if let Ok(found) = discovered(&document, &url("https://op"), &grant) {
            prop_assert_eq!(found.token_endpoint.scheme(), "https");
        }
        let body = json!({"access_token": text, "expires_in": number});
        let _ = access_token(&body, &provider(&text), 1_795_281_600);
    }
}
