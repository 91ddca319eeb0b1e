//! Every way to log in besides the password of version 3: a client of an OpenID
//! Provider, an access token, a token, the old Keystone 2.0; and what the
//! operator reads when it does not work.

use caso_stand_in::{Account, Client, Fault, Federation, Reach, Rule, project_id, user_id};
use caso_tests::site::Site;

use crate::clouds::{FROM, TO, World, plain};

const WINDOW: [&str; 4] = ["--extract-from", FROM, "--extract-to", TO];
const SECRET: &str = "s3cret-of-the-client";

fn client(id: &str, account: Option<usize>) -> Client {
    Client {
        id: id.into(),
        secret: SECRET.into(),
        posts: false,
        token_seconds: 3600,
        account: account.map(user_id),
        ephemeral: true,
    }
}

/// A cloud whose Keystone believes a provider.
fn federated() -> World {
    let world = plain();
    world.cloud.change(|plan| {
        plan.accounts.push(Account {
            id: user_id(0xfed),
            name: "caso@test-op".into(),
            password: "nobody knows".into(),
            role: "reader".into(),
            reach: Reach::All,
            system: false,
        });
        let local = Client {
            ephemeral: false,
            ..client("local", Some(0xacc))
        };
        let posts = Client {
            posts: true,
            ..client("posts", Some(0xfed))
        };
        plan.federation = Some(Federation {
            identity_provider: "test-op".into(),
            protocol: "openid".into(),
            clients: vec![
                client("caso", Some(0xfed)),
                client("nobody", None),
                local,
                posts,
            ],
        });
    });
    world
}

/// As EGI's central deployment writes it: no `access_token_type`.
fn as_client(world: &World, id: &str) -> Site {
    let mut site = world.site();
    for option in ["username", "password", "user_domain_id"] {
        site.unset("keystone_auth", option);
    }
    let discovery = format!(
        "{}/oidc/.well-known/openid-configuration",
        world.cloud.url()
    );
    for (option, value) in [
        ("auth_type", "v3oidcclientcredentials"),
        ("identity_provider", "test-op"),
        ("protocol", "openid"),
        ("client_id", id),
        ("client_secret", SECRET),
        ("discovery_endpoint", &discovery),
    ] {
        site.set("keystone_auth", option, value);
    }
    site.set("DEFAULT", "projects", &project_id(0));
    site
}

/// The right records, with or without the names of users.
fn assert_records(world: &World, site: &Site, names: bool) {
    let found = site.cloud_records();
    let expected = world.expected(&[0]);
    assert_eq!(found.len(), expected.len());
    for (id, mut right) in expected {
        if !names {
            right.remove("GlobalUserName");
        }
        assert_eq!(found.get(&id), Some(&right));
    }
}

/// An ephemeral user: Keystone breaks on its system scope, and the run goes on.
#[test]
fn a_client_of_a_provider() {
    let world = federated();
    let site = as_client(&world, "caso");
    site.extract(&WINDOW)
        .expect(0)
        .says("records carry no GlobalUserName")
        .never_says(SECRET);
    assert_records(&world, &site, false);
    // Asked once, whatever the scopes.
    for path in ["/oidc/token", "/oidc/.well-known", "/OS-FEDERATION/"] {
        assert_eq!(world.cloud.count(path), 1, "{path}");
    }
}

#[test]
fn a_client_that_is_a_user_of_the_cloud_reads_names_too() {
    let world = federated();
    let site = as_client(&world, "local");
    site.extract(&WINDOW).expect(0);
    assert_records(&world, &site, true);
}

#[test]
fn a_client_that_is_registered_to_post_its_secret() {
    let world = federated();
    let site = as_client(&world, "posts");
    site.extract(&WINDOW).expect(0);
    assert_records(&world, &site, false);
    assert_eq!(world.cloud.count("/oidc/token"), 2);
}

#[test]
fn a_wrong_federated_login_says_what_and_what_to_do() {
    let cases: [(&str, &str, &[&str]); 5] = [
        (
            "client_secret",
            "not-the-secret",
            &[
                "the OpenID provider refused the client `caso`",
                "invalid_client",
                "`client_secret`",
            ],
        ),
        (
            "identity_provider",
            "nosuch",
            &[
                "Could not find Identity Provider: nosuch",
                "check `identity_provider`",
            ],
        ),
        ("protocol", "nosuch", &["check `protocol`", "no `nosuch`"]),
        (
            "client_id",
            "nobody",
            &["the client `nobody`", "mapping of `test-op`"],
        ),
        (
            "access_token_type",
            "id_token",
            &["`id_token`", "`access_token_type`"],
        ),
    ];
    for (option, value, words) in cases {
        let world = federated();
        let mut site = as_client(&world, "caso");
        site.set("keystone_auth", option, value);
        let mut outcome = site.extract(&WINDOW).expect(1);
        for word in words {
            outcome = outcome.says(word);
        }
        outcome.never_says(SECRET).never_says("not-the-secret");
        assert!(site.messages().is_empty());
    }
}

#[test]
fn an_access_token_that_is_none() {
    let world = federated();
    let mut site = as_client(&world, "caso");
    let file = site.path().join("token");
    std::fs::write(&file, "opaque-and-expired\n").unwrap();
    site.set("keystone_auth", "auth_type", "v3oidcaccesstoken")
        .set(
            "keystone_auth",
            "access_token_file",
            &file.display().to_string(),
        );
    site.extract(&WINDOW)
        .expect(1)
        .says("invalid_token")
        .says("`access_token_file`")
        .says("chmod o-r")
        .never_says("opaque-and-expired");
}

#[test]
fn a_token_that_was_revoked() {
    let world = plain();
    let mut site = world.site();
    site.set("keystone_auth", "auth_type", "v3token")
        .set("keystone_auth", "token", "gone-by-now");
    site.extract(&WINDOW)
        .expect(1)
        .says("Keystone refused the token of the configuration")
        .says("`token_file`")
        .never_says("gone-by-now");
}

#[test]
fn a_password_from_a_file() {
    let world = plain();
    let mut site = world.site();
    let file = site.path().join("password");
    std::fs::write(&file, "secret\n").unwrap();
    site.unset("keystone_auth", "password");
    site.set(
        "keystone_auth",
        "password_file",
        &file.display().to_string(),
    );
    site.extract(&WINDOW).expect(0).says("chmod o-r");
    assert_records(&world, &site, true);
    std::fs::remove_file(&file).unwrap();
    site.extract(&WINDOW)
        .expect(2)
        .says("cannot read")
        .says("password_file");
}

/// A whole cloud of 2014: version 2.0 and nothing else.
fn old() -> World {
    let world = plain();
    world.cloud.change(|plan| plan.version_2 = true);
    world
}

fn at_version_2(world: &World, auth_type: &str) -> Site {
    let mut site = Site::with_auth_url(&format!("{}/identity/v2.0", world.cloud.url()));
    for option in ["user_domain_id", "project_domain_id"] {
        site.unset("keystone_auth", option);
    }
    let name = world.plan.projects[0].name.clone();
    site.set("keystone_auth", "auth_type", auth_type)
        .set("DEFAULT", "projects", &name);
    site
}

/// The VO comes with the tenants; users are for administrators.
#[test]
fn the_old_keystone() {
    for auth_type in ["v2password", "password"] {
        let world = old();
        let site = at_version_2(&world, auth_type);
        site.extract(&WINDOW)
            .expect(0)
            .says("records carry no GlobalUserName")
            .says("`admin_required`");
        assert_records(&world, &site, false);
        assert_eq!(world.cloud.count("/v2.0/tenants"), 1);
        assert_eq!(world.cloud.count("/identity-admin/v2.0/users/"), 1);
    }
}

#[test]
fn the_old_keystone_tells_an_administrator_the_names() {
    let world = old();
    world
        .cloud
        .change(|plan| plan.accounts[0].role = "admin".into());
    let site = at_version_2(&world, "v2password");
    site.extract(&WINDOW).expect(0);
    assert_records(&world, &site, true);
}

#[test]
fn the_configuration_of_caso_0_3_3() {
    let world = old();
    let mut site = at_version_2(&world, "x");
    for option in ["auth_type", "auth_url", "username", "password"] {
        site.unset("keystone_auth", option);
    }
    let name = world.plan.projects[0].name.clone();
    site.unset("DEFAULT", "projects")
        .set("DEFAULT", "tenants", &name);
    site.set("extractor", "password", "secret")
        .set(
            "extractor",
            "endpoint",
            &format!("{}/identity/v2.0", world.cloud.url()),
        )
        .set("extractor", "insecure", "true");
    site.extract(&WINDOW)
        .expect(0)
        .says("`v2password` is assumed");
    assert_records(&world, &site, false);
}

#[test]
fn wrong_versions_say_the_right_one() {
    let world = old();
    let mut site = at_version_2(&world, "v3password");
    site.set("keystone_auth", "user_domain_id", "default");
    site.extract(&WINDOW)
        .expect(2)
        .says("auth_type = v2password");
    let new = plain();
    let mut site = at_version_2(&new, "v2password");
    let url = format!("{}/identity", new.cloud.url());
    site.set("keystone_auth", "auth_url", &url);
    site.extract(&WINDOW)
        .expect(1)
        .says("no Keystone of version 2.0")
        .says("auth_type = v3password");
}

/// 400 before Queens, 500 for federated users, 403 by a proxy's rule.
#[test]
fn a_refused_system_scope_is_no_end() {
    for status in [400, 403, 500, 503] {
        let world = plain();
        let rule = Rule::on("POST /identity/v3/auth/tokens").times(1);
        world.cloud.inject(rule, Fault::Status(status));
        let mut site = world.site();
        site.set("DEFAULT", "projects", &project_id(0)).set(
            "keystone_auth",
            "status_code_retries",
            "0",
        );
        site.extract(&WINDOW)
            .expect(0)
            .says("records carry no GlobalUserName");
        assert_records(&world, &site, false);
    }
}

/// A recording of a federated run has no secret in it, and plays.
#[test]
fn a_federated_run_recorded_and_replayed() {
    let world = federated();
    let site = as_client(&world, "caso");
    let folder = site.path().join("recording");
    let folder = folder.display().to_string();
    site.extract(&[&WINDOW[..], &["--record", &folder, "--record-names"]].concat())
        .expect(0);
    let text = std::fs::read_to_string(format!("{folder}/recording.jsonl")).unwrap();
    for secret in [SECRET, "access-0", "gAAAAAB", "Basic "] {
        assert!(!text.contains(secret), "{secret}");
    }
    world.cloud.forget_seen();
    let into = site.path().join("replayed").display().to_string();
    site.extract(&[&WINDOW[..], &["--replay", &folder, "--into", &into]].concat())
        .expect(0);
    assert!(world.cloud.seen().is_empty());
}
