use std::sync::Arc;

use super::*;
use crate::ini;
use crate::sources::{SourceFile, Sources};
use crate::tests::told;
use caso_login::{
    Bearer, ConfiguredScope, DomainRef, GenericUser, LoginMethod, ProjectChoice, ProviderPlace,
    TenantRef, UserRef, WantedToken,
};
use caso_model::secret::Secret;
use std::time::Duration;

fn read_text(text: &str) -> (Option<KeystoneAuth>, Vec<String>, Vec<Notice>) {
    let file = SourceFile {
        path: Arc::new("f".into()),
        ini: ini::parse(text).unwrap(),
    };
    let sources = Sources {
        files: vec![file],
        ..Sources::default()
    };
    let mut reader = Reader::new(&sources);
    let mut warnings = Vec::new();
    let auth = read(&mut reader, "keystone_auth", &mut warnings);
    let errors = reader.errors.finish::<()>(None).unwrap_err().0;
    (auth, errors.iter().map(told).collect(), warnings)
}

const GOOD: &str = "[keystone_auth]\nauth_type = v3password\nauth_url = https://k:5000/v3/\n\
    username = u\nuser_domain_name = Default\npassword = s3cret\n";

#[test]
fn a_password() {
    let (auth, errors, warnings) = read_text(GOOD);
    assert_eq!((errors, warnings), (vec![], vec![]));
    let auth = auth.unwrap();
    assert_eq!(auth.login.auth_url.as_str(), "https://k:5000/v3");
    assert_eq!(auth.timeout, Duration::from_secs(60));
    assert_eq!((auth.connect_retries, auth.status_code_retries), (3, 5));
    assert!(!format!("{auth:?}").contains("s3cret"));
    let LoginMethod::Password(password) = auth.login.method else {
        panic!()
    };
    let domain = DomainRef::Name("Default".into());
    assert_eq!(
        password.user,
        UserRef::Name {
            name: "u".into(),
            domain
        }
    );
    assert_eq!(password.password.expose(), "s3cret");
}

#[test]
fn an_application_credential_needs_its_secret() {
    let (auth, errors, _) = read_text(
        "[keystone_auth]\nauth_type = v3applicationcredential\nauth_url = https://k\napplication_credential_name = n\n",
    );
    assert_eq!(auth, None);
    assert_eq!(errors.len(), 2);
    assert!(errors[0].contains("username") && errors[1].contains("application_credential_secret"));
}

#[test]
fn other_types_are_refused_in_a_sentence() {
    for (name, word) in [
        ("v3kerberos", "does not authenticate"),
        ("v2token", "does not authenticate"),
        ("v3pasword", "did you mean `v3password`?"),
    ] {
        let (auth, errors, _) = read_text(&GOOD.replace("= v3password", &format!("= {name}")));
        assert_eq!(auth, None);
        assert!(
            errors[0].starts_with("`f:2`") && errors[0].contains(word),
            "{errors:?}"
        );
    }
}

#[test]
fn another_section_may_hold_it() {
    let text = GOOD.replace("[keystone_auth]", "[mine]")
        + "tenant_name = p\nproject_domain_id = d\n[keystone_auth]\nauth_section = mine\ntimeout = 5\n";
    let (auth, errors, _) = read_text(&text);
    assert_eq!(errors, Vec::<String>::new());
    let auth = auth.unwrap();
    assert_eq!(auth.timeout, Duration::from_secs(5));
    let project = ProjectChoice::Name {
        name: "p".into(),
        domain: DomainRef::Id("d".into()),
    };
    assert_eq!(
        auth.login.configured,
        Some(ConfiguredScope::Project(project))
    );
}

#[test]
fn a_cloud_may_have_a_section_of_its_own() {
    let text = GOOD.to_owned()
        + "[north]\nauth_section = mine\ncafile = /ca\n"
        + &GOOD
            .replace("[keystone_auth]", "[MINE]")
            .replace("= u", "= n");
    let file = SourceFile {
        path: Arc::new("f".into()),
        ini: ini::parse(&text).unwrap(),
    };
    let sources = Sources {
        files: vec![file],
        environment: [("OS_MINE__PASSWORD".into(), "other".into())].into(),
        ..Sources::default()
    };
    let mut reader = Reader::new(&sources);
    let mut auth = |section| read(&mut reader, section, &mut Vec::new()).unwrap();
    let (one, north) = (auth("keystone_auth"), auth("north"));
    assert_eq!(one.login.who(), "user `u` of domain `Default`");
    assert_eq!(north.login.who(), "user `n` of domain `Default`");
    assert_eq!(north.tls.cafile.unwrap().to_str(), Some("/ca"));
    assert_eq!(one.tls.cafile, None);
    let LoginMethod::Password(login) = north.login.method else {
        panic!()
    };
    assert_eq!(login.password.expose(), "other");
    let resolver = crate::resolve::Resolver::new(&sources);
    assert_eq!(sections(&resolver, "north"), ["north", "mine"]);
    assert_eq!(sections(&resolver, "keystone_auth"), ["keystone_auth"]);
}

/// There Keystone was of version 2.0, and so was the login.
#[test]
fn the_first_casos_section_is_understood() {
    let text = "[extractor]\npassword = p\nendpoint = http://k:5000/v2.0\ninsecure = true\n";
    let (auth, errors, warnings) = read_text(text);
    assert_eq!(errors, Vec::<String>::new());
    assert_eq!(warnings.len(), 2);
    let assumed = warnings
        .iter()
        .find(|one| one.key == "assumed:keystone_auth.auth_type");
    assert!(assumed.unwrap().text.contains("`v2password`"));
    let auth = auth.unwrap();
    assert!(auth.tls.insecure);
    assert_eq!(auth.login.auth_url.as_str(), "http://k:5000/v2.0");
    let LoginMethod::V2Password(login) = auth.login.method else {
        panic!()
    };
    // The default of 0.3.3.
    assert_eq!(login.user, GenericUser::Name("accounting".into()));
    assert_eq!(login.tenant, None);

    let named = text.replace("password = p", "user = me\npassword = p");
    let later = named.replace("v2.0", "v3") + "[keystone_auth]\nuser_domain_id = default\n";
    for (text, who) in [
        (&named, "user `me`"),
        (&later, "user `me` of domain `default`"),
    ] {
        let (auth, errors, _) = read_text(text);
        assert_eq!(errors, Vec::<String>::new());
        assert_eq!(auth.unwrap().login.who(), who);
    }
    let (_, errors, _) = read_text(&named.replace("v2.0", "v3"));
    assert!(errors[0].contains("user_domain_name"), "{errors:?}");
}

#[test]
fn a_version_and_its_address_go_together() {
    let v2 = "[keystone_auth]\nauth_type = v2password\nauth_url = http://k:5000/v2.0/\nusername = u\n\
        password = p\ntenant_name = t\n";
    let login = read_text(v2).0.unwrap().login;
    let LoginMethod::V2Password(method) = login.method else {
        panic!()
    };
    assert_eq!(method.tenant, Some(TenantRef::Name("t".into())));
    assert_eq!(login.configured, None);
    let (_, errors, _) = read_text(&v2.replace("v2.0", "v3"));
    assert!(errors[0].contains("auth_type = v3password"), "{errors:?}");
    let (_, errors, _) = read_text(&GOOD.replace("5000/v3", "5000/v2.0"));
    assert!(errors[0].contains("auth_type = v2password"), "{errors:?}");
    let any = GOOD
        .replace("= v3password", "= password")
        .replace("5000/v3", "5000/v2.0");
    assert!(read_text(&any).0.is_some());
    let secret = GOOD.replace("https://k", "https://me:hidden@k");
    let (_, errors, _) = read_text(&secret);
    assert!(
        errors[0].contains("`username`") && !errors[0].contains("hidden"),
        "{errors:?}"
    );
}

/// As EGI's central deployment writes it, without `access_token_type` and with
/// either name of the scope.
#[test]
fn a_client_of_a_provider() {
    let text = "[keystone_auth]\nauth_type = v3oidcclientcredentials\nauth_url = https://k/v3\n\
        protocol = openid\nidentity_provider = egi.eu\nclient_id = c\nclient_secret = s3cret\n\
        discovery_endpoint = https://op/.well-known/openid-configuration\nproject_id = p\n";
    let read = |text: &str| {
        let (auth, errors, _) = read_text(text);
        assert_eq!(errors, Vec::<String>::new());
        let login = auth.unwrap().login;
        let LoginMethod::Oidc(oidc) = login.method else {
            panic!()
        };
        let Bearer::Provider(provider) = oidc.bearer else {
            panic!()
        };
        assert_eq!(
            (oidc.identity_provider.as_str(), oidc.protocol.as_str()),
            ("egi.eu", "openid")
        );
        provider
    };
    let provider = read(text);
    assert_eq!(provider.wanted, WantedToken::Access);
    assert_eq!(provider.scope, "openid profile");
    assert_eq!(provider.client_secret, Some(Secret::new("s3cret")));
    assert!(matches!(provider.place, ProviderPlace::Discovery(_)));
    let provider =
        read(&(text.to_owned() + "scope = openid email\naccess_token_type = id_token\n"));
    assert_eq!(
        (provider.scope.as_str(), provider.wanted),
        ("openid email", WantedToken::Id)
    );
    let provider =
        read(&(text.to_owned() + "openid_scope = other\naccess_token_endpoint = https://op/t\n"));
    assert_eq!(provider.scope, "other");
    assert!(matches!(provider.place, ProviderPlace::Direct(_)));

    let (_, errors, _) =
        read_text("[keystone_auth]\nauth_type = v3oidcclientcredentials\nauth_url = https://k\n");
    for name in [
        "client_id",
        "client_secret",
        "discovery_endpoint",
        "identity_provider",
        "protocol",
    ] {
        let named = |error: &&String| error.contains(&format!("`[keystone_auth] {name}`"));
        assert!(
            errors.iter().any(|error| named(&error)),
            "{name}: {errors:?}"
        );
    }
    let (_, errors, _) = read_text(&(text.to_owned() + "access_token_type = jwt\n"));
    assert!(errors[0].contains("id_token"), "{errors:?}");
}

#[test]
fn the_other_federated_logins_and_a_token() {
    let base = "auth_url = https://k/v3\nprotocol = openid\nidentity_provider = i\n";
    let read = |lines: &str| {
        let (auth, errors, _) = read_text(&format!("[keystone_auth]\n{base}{lines}"));
        assert_eq!(errors, Vec::<String>::new());
        auth.unwrap().login
    };
    let login = read("auth_type = v3oidcaccesstoken\naccess_token = t\n");
    assert_eq!(
        login.who(),
        "the access token (identity provider `i`, protocol `openid`)"
    );
    let login = read(
        "auth_type = v3oidcpassword\nusername = u\npassword = p\nclient_id = c\n\
         access_token_endpoint = https://op/token\n",
    );
    assert!(login.who().starts_with("user `u` of the client `c`"));
    let login = read("auth_type = v3token\ntoken = t\n");
    assert!(matches!(login.method, LoginMethod::Token(_)));
}

/// A generic password without a domain: version 2.0 may be what there is.
#[test]
fn a_user_without_a_domain_is_no_error_where_the_version_is_found_out() {
    let text = GOOD
        .replace("= v3password", "= password")
        .replace("user_domain_name = Default\n", "");
    let (auth, errors, _) = read_text(&text);
    assert_eq!(errors, Vec::<String>::new());
    let LoginMethod::Generic(login) = auth.unwrap().login.method else {
        panic!()
    };
    assert_eq!(login.v3(), None);
    let (auth, _, _) = read_text(&(text + "default_domain_id = default\n"));
    assert_eq!(auth.unwrap().login.who(), "user `u` of domain `default`");
}

/// What is to be done about the one thing that is wrong.
fn hint_of(text: &str) -> String {
    let (_, errors, _) = read_text(text);
    let (_, hint) = errors[0].split_once("; ").unwrap();
    hint.to_owned()
}

#[test]
fn secrets_from_files_of_their_own() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    let mode =
        |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    std::fs::write(&path, "s3cret\r\n\n").unwrap();
    mode(0o640);
    let line = format!("password_file = {}\n", path.display());
    let text = GOOD.replace("password = s3cret\n", &line);
    let (auth, errors, warnings) = read_text(&text);
    assert_eq!((errors, warnings), (vec![], vec![]));
    let LoginMethod::Password(login) = auth.unwrap().login.method else {
        panic!()
    };
    assert_eq!(login.password.expose(), "s3cret");

    mode(0o644);
    let (_, _, warnings) = read_text(&text);
    assert!(
        warnings[0].to_string().contains("chmod o-r")
            && !warnings[0].to_string().contains("s3cret")
    );
    let (_, errors, _) = read_text(&(GOOD.to_owned() + &line));
    assert!(errors[0].contains("`password` is set too"), "{errors:?}");
    std::fs::write(&path, "\n").unwrap();
    let (_, errors, _) = read_text(&text);
    assert!(
        errors.len() == 1 && errors[0].contains("is empty"),
        "{errors:?}"
    );
    std::fs::write(&path, b"\xff\xfe").unwrap();
    assert!(hint_of(&text).contains("it is not UTF-8"));
    std::fs::remove_file(&path).unwrap();
    let (_, errors, _) = read_text(&text);
    assert!(
        errors.len() == 1 && errors[0].contains("cannot read"),
        "{errors:?}"
    );
    assert!(hint_of(&text).starts_with("write the secret into that file"));
    std::fs::create_dir(&path).unwrap();
    assert!(hint_of(&text).starts_with("name the file in it"));
    let (_, errors, _) = read_text(&GOOD.replace("password = s3cret\n", ""));
    assert!(errors[0].contains("`password_file`"), "{errors:?}");
}

#[test]
fn nothing_is_not_an_error() {
    assert_eq!(read_text("[DEFAULT]\n"), (None, vec![], vec![]));
}

#[test]
fn a_dollar_in_a_password_is_one_error() {
    let (_, errors, _) = read_text(&GOOD.replace("s3cret", "wo$rd"));
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].starts_with("`f:6`") && errors[0].contains("write `$$`"));
}
