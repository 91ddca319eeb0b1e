//! `clouds` and `region_name`.

use super::*;
use caso_model::extraction::*;

const KEYSTONE: &str = "auth_type = v3password\nauth_url = https://k\nuser_id = u\npassword = p\n";

fn two(extra: &str) -> String {
    format!(
        "[DEFAULT]\nclouds = default, Prod\nsite_name = SITE\nprojects = a\nregion_name = R\n\
         first_extract_from = 2026-01-01\n[keystone_auth]\n{KEYSTONE}[keystone_auth_prod]\n{KEYSTONE}\
         [cloud_prod]\n{extra}"
    )
}

#[test]
fn what_a_cloud_does_not_set_it_has_from_default() {
    let text =
        two("site_name = OTHER\nregion_name = A, B, A\nextractor = nova\nfirst_extract_from =\n");
    let config = Site::new(&text).load();
    assert_eq!(config.warnings, []);
    let [first, second] = &config.clouds[..] else {
        panic!("{:?}", config.clouds);
    };
    assert_eq!(
        (first.name.as_str(), second.name.as_str()),
        ("default", "Prod")
    );
    assert_eq!((first.site(), second.site()), (Ok("SITE"), Ok("OTHER")));
    // The default of `service_name` is the site's name, of this cloud.
    assert_eq!(first.service_name.as_deref(), Some("SITE"));
    assert_eq!(second.service_name.as_deref(), Some("OTHER"));
    assert_eq!(first.regions(), [Some("R".to_owned())]);
    assert_eq!(
        second.regions(),
        ["A", "B"].map(|name| Some(name.to_owned()))
    );
    assert_eq!(second.projects, ["a"]);
    assert_eq!(second.extractors, [Extractor::Nova]);
    assert_eq!(first.first_extract_from, Some(1_767_225_600));
    assert_eq!(second.first_extract_from, None);
    assert_eq!(first.keystone_section, "keystone_auth");
    assert_eq!(second.keystone_section, "keystone_auth_prod");
    assert!(second.keystone().is_ok());
}

#[test]
fn a_flag_is_for_every_cloud_a_variable_for_its_section() {
    let text = two("projects = b\ncaso_tag = t\n");
    let site = Site::new(&text)
        .flag("projects", "x")
        .variable("OS_DEFAULT__CASO_TAG", "default-tag")
        .variable("OS_CLOUD_PROD__VO_PROPERTY", "vo");
    let config = site.load();
    assert_eq!(config.clouds[0].projects, ["x"]);
    assert_eq!(config.clouds[1].projects, ["x"]);
    assert_eq!(config.clouds[0].caso_tag.as_deref(), Some("default-tag"));
    assert_eq!(config.clouds[1].caso_tag.as_deref(), Some("t"));
    assert_eq!(config.clouds[1].vo_property, "vo");
    assert!(config.clouds[0].projects_typed);
    let config = Site::new(&text).flag("vo_property", "x").load();
    assert!(!config.clouds[0].projects_typed);
}

#[test]
fn a_login_is_never_shared_by_accident() {
    let text = format!("[DEFAULT]\nclouds = one, two\nsite_name = S\n[keystone_auth]\n{KEYSTONE}");
    let config = Site::new(&text).load();
    let error = config.clouds[0].keystone().unwrap_err().to_string();
    assert!(
        error.starts_with("`[keystone_auth_one] auth_type` is not set"),
        "{error}"
    );
    let text = format!(
        "{text}[cloud_one]\nkeystone = keystone_auth\n[cloud_two]\nkeystone = keystone_auth\n"
    );
    let warnings = Site::new(&text).warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].contains("a project of both is refused in one"),
        "{warnings:?}"
    );
    // Each has projects of its own.
    let divided = text
        .replace("site_name = S\n", "site_name = S\ncaso_tag =\n")
        .replace("[cloud_one]\n", "[cloud_one]\nprojects = a\n")
        .replace("[cloud_two]\n", "[cloud_two]\nprojects = b\n");
    assert_eq!(Site::new(&divided).warnings(), Vec::<String>::new());
    let shared = divided.replace("projects = b", "projects = b, a");
    assert_eq!(Site::new(&shared).warnings().len(), 1);
    // The same login in a section of its own.
    let copied = text.replace("[cloud_two]\nkeystone = keystone_auth\n", "[cloud_two]\n");
    let copied = format!("{copied}[keystone_auth_two]\n{KEYSTONE}");
    let warnings = Site::new(&copied).warnings();
    assert!(warnings[0].contains("share one Keystone"), "{warnings:?}");
    let text = text.replace("[cloud_one]\n", "[cloud_one]\nregion_name = A\n");
    let text = text.replace("[cloud_two]\n", "[cloud_two]\nregion_name = B\n");
    assert_eq!(Site::new(&text).warnings(), Vec::<String>::new());
}

#[test]
fn sections_and_options_that_mean_nothing_are_remarked_on() {
    let text = two("region_name = B\nsite_nam = x\npage_size = 7\n") + "[cloud_prd]\n";
    let site = Site::new(&text).variable("OS_CLOUD_PROD__SITENAME", "x");
    assert_eq!(
        site.warnings(),
        [
            "`caso.conf:21`: [cloud_prd] has no effect: `clouds` has no `prd`; did you mean `Prod`?",
            "`caso.conf:20`: `[cloud_prod] page_size` is not an option and has no effect; it belongs in [DEFAULT]",
            "`caso.conf:19`: `[cloud_prod] site_nam` is not an option and has no effect; did you mean `site_name`?",
            "environment variable `OS_CLOUD_PROD__SITENAME`: `[cloud_prod] sitename` is not an option and has no \
             effect; did you mean `site_name`?",
        ]
    );
    let errors = Site::new("[DEFAULT]\nclouds = a/b, X, x\n").errors();
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(errors[1].contains("differ only in case"), "{errors:?}");
}

#[test]
fn misspelt_variables_are_remarked_on_where_they_are_almost_ours() {
    let site = Site::new("")
        .variable("OS_DEFAULT__SITENAME", "x")
        .variable("OS_DEFAULT__TENANTS", "x")
        .variable("OS_DEFAULT__TRANSPORT_URL", "somebody else's")
        .variable("OS_MESSENGER_NOOP__RECORDTYPES", "x");
    assert_eq!(
        site.warnings(),
        [
            "environment variable `OS_DEFAULT__SITENAME`: `[DEFAULT] sitename` is not an option and has no effect; \
             did you mean `site_name`?",
            "environment variable `OS_DEFAULT__TENANTS` has no effect: a former name counts in files only; set \
             `OS_DEFAULT__PROJECTS`",
            "environment variable `OS_MESSENGER_NOOP__RECORDTYPES`: `[messenger_noop] recordtypes` is not an option \
             and has no effect; did you mean `record_types`?",
        ]
    );
}
