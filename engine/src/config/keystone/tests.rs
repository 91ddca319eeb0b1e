use std::sync::Arc;

use super::*;
use crate::config::ini;
use crate::config::sources::{SourceFile, Sources};
use crate::model::login::{ConfiguredScope, DomainRef, LoginMethod, ProjectRef, UserRef};
use std::time::Duration;

fn read_text(text: &str) -> (Option<KeystoneAuth>, Vec<String>, Vec<Warning>) {
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
    (
        auth,
        errors.iter().map(ToString::to_string).collect(),
        warnings,
    )
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
        ("v3oidcpassword", "does not authenticate"),
        ("v2password", "Keystone v2"),
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
    let project = ProjectRef::Name {
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
    let resolver = crate::config::resolve::Resolver::new(&sources);
    assert_eq!(sections(&resolver, "north"), ["north", "mine"]);
    assert_eq!(sections(&resolver, "keystone_auth"), ["keystone_auth"]);
}

#[test]
fn the_first_casos_section_is_understood() {
    let (_, errors, warnings) = read_text(
        "[extractor]\nuser = u\npassword = p\nendpoint = http://k:5000/v2.0\ninsecure = true\n",
    );
    assert_eq!(warnings.len(), 2);
    assert!(
        errors[0].contains("`f:4`") && errors[0].contains("Keystone v2"),
        "{errors:?}"
    );
    assert!(errors[1].contains("user_domain_name"), "{errors:?}");
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
