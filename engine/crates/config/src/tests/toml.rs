//! caso.toml in place of caso.conf.

use super::*;

/// A site whose file is TOML.
fn site(text: &str) -> Site {
    let site = Site::new("");
    let folder = site.folder.path().join("etc/caso");
    std::fs::remove_file(folder.join("caso.conf")).unwrap();
    std::fs::write(folder.join("caso.toml"), text).unwrap();
    site
}

#[test]
fn the_same_settings_with_types() {
    let config = site(
        "[DEFAULT]\nmessengers = ['ssm']\nsite_name = \"FOO\"\nspooldir = \"/s/$x\"\nprojects = [\"a\", \"b\"]\n\
         dry_run = true\npage_size = 7\nlock_timeout = 90\ndelivery_timeout = \"15m\"\n\
         first_extract_from = 2026-01-01T00:00:00Z\n[messenger_ssm]\nmemory = 67108864\n\
         record_types = [\"cloud\"]\n[keystone_auth]\nauth_type = \"v3password\"\nauth_url = \"https://k\"\n\
         user_id = \"u\"\npassword = \"wo$rd\"\n",
    )
    .load();
    assert_eq!(config.warnings, []);
    // `$` is a dollar, but for defaults of ours.
    assert_eq!(config.spooldir, PathBuf::from("/s/$x"));
    assert_eq!(config.lock_path, PathBuf::from("/s/$x"));
    assert_eq!(config.clouds[0].projects, ["a", "b"]);
    assert!(config.dry_run && config.clouds[0].keystone().is_ok());
    assert_eq!((config.page_size, config.lock_timeout.as_secs()), (7, 90));
    assert_eq!(config.delivery_timeout.as_secs(), 900);
    assert_eq!(config.clouds[0].first_extract_from, Some(1_767_225_600));
    assert_eq!(config.messengers[0].component.limits.memory, 64 << 20);
}

#[test]
fn environment_and_flags_override_it() {
    let config = site("[DEFAULT]\nsite_name = \"FOO\"\nprojects = [\"a\"]\n")
        .variable("OS_DEFAULT__SITE_NAME", "ENV")
        .flag("projects", "x,y")
        .load();
    assert_eq!(config.clouds[0].site(), Ok("ENV"));
    assert_eq!(config.clouds[0].projects, ["x", "y"]);
}

#[test]
fn errors_and_remarks_say_file_line_and_key() {
    let folder = |site: &Site| format!("{}/", site.folder.path().join("etc/caso").display());
    let bad = site(
        "[DEFAULT]\nsite_name = [\"a\", \"b\"]\ndry_run = 1\nprojects = true\npage_size = \"many\"\n\
         lock_timeout = 1.5\n[keystone_auth]\npassword = 7\n",
    );
    let errors = load(&bad.inputs).unwrap_err().to_string();
    let errors = errors.replace(&folder(&bad), "");
    for line in [
        "`caso.toml:2`: `[DEFAULT] site_name` is `a,b`; expected text in quotes",
        "`caso.toml:3`: `[DEFAULT] dry_run` is `1`; expected `true` or `false`",
        "`caso.toml:4`: `[DEFAULT] projects` is `true`; expected a list such as `[\"a\", \"b\"]`",
        "`caso.toml:5`: `[DEFAULT] page_size` is `many`; expected a whole number from 1 to 100000",
        "`caso.toml:8`: `[keystone_auth] password` is `***`; expected text in quotes",
    ] {
        assert!(errors.contains(line), "{line} is not in\n{errors}");
    }
    let odd = site("[DEFAULT]\nsitename = \"x\"\ntenants = [\"a\"]\n");
    assert_eq!(
        odd.warnings(),
        [
            "`caso.toml:3`: `[DEFAULT] tenants` is an old name; it works, but write `projects` in [DEFAULT]",
            "`caso.toml:2`: `[DEFAULT] sitename` is not an option and has no effect; did you mean `site_name`?",
        ]
    );
    let broken = site("[DEFAULT]\nsite_name = FOO\n");
    let errors = load(&broken.inputs).unwrap_err().to_string();
    assert!(
        errors
            .replace(&folder(&broken), "")
            .starts_with("`caso.toml:2`: "),
        "{errors}"
    );
}
