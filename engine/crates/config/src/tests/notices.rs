//! The keys of warnings: what the memory of a run goes by.

use std::collections::{BTreeMap, BTreeSet};

use caso_model::component::{Description, OptionDescription, OptionKind};

use super::*;

/// A site that does everything that is worth a warning.
const ODD: &str = "[DEFAULT]
messengers = caso.messenger.ssm.SsmMessager, ssmv4, ssm, logstash
clouds = default, two
tenants = a
sitename = x
auth_url = z
use_journal = true
verbose = true
extract_from = 2026-01-01
extract_to = 2026-01-02
extractor = nova, ceilometer
benchmark_name_key = k
[messenger_ssmv4]
memory = 64MiB
[messenger_smm]
record_types = cloud
[cloud_two]
keystone = keystone_auth
extractor = ceilometer, nova
site_nam = y
[cloud_three]
[keystone_auth]
insecure = true
pasword = p
passcode = c
tenant_name = t
[extractor]
user = u
endpoint = http://k:5000/v2.0
[prometheus]
prometheus_verify_ssl = no
prometheus_verifyssl = no
[ssm]
outputpath = /o
[default]
[oslo_concurrency]
[nobody]
";

/// The same site, with its warnings of every kind, as key and text.
fn warnings(text: &str) -> Vec<(String, String)> {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "s").unwrap();
    let text = text.replace(
        "[extractor]\n",
        "password_file = /the/secret\n[extractor]\n",
    );
    let text = text.replace("/the/secret", &secret.display().to_string());
    let mut site = Site::new(&text)
        .variable("OS_KEYSTONE_AUTH__PASWORD", "p")
        .variable("OS_KEYSTONE_AUTH__PASSCODE", "c")
        .variable("OS_DEFAULT__TENANTS", "a")
        .flag("use_journal", "true");
    site.inputs.builtin_messengers.push("greendigit_cim".into());
    let config = site.load();
    let option = |name: &str, old: &str| OptionDescription {
        name: name.into(),
        kind: OptionKind::Text,
        default: None,
        required: false,
        help: "Help.".into(),
        old_names: vec![old.into()],
        attributes: Vec::new(),
    };
    let description = |name: &str, options| Description {
        name: name.into(),
        summary: String::new(),
        version: "1".into(),
        record_types: Vec::new(),
        options,
        capabilities: Vec::new(),
        packing_option: None,
        attributes: Vec::new(),
    };
    let key = option("benchmark.name_key", "DEFAULT.benchmark_name_key");
    let mapper = description("mapper", vec![key]);
    let ssm = description("ssm", vec![option("output_path", "DEFAULT.outgoing")]);
    let instance = &config.messengers[0].component;
    let described = [(&config.mapper, &mapper), (instance, &ssm)];
    let mut notices = config.warnings.clone();
    for (instance, description) in described {
        let settings = component_settings(&config, instance, description).unwrap();
        notices.extend(settings.warnings);
    }
    notices.extend(unknown_sections(&config, &described));
    let plain = |text: &str| site.short(text).replace(&*secret.to_string_lossy(), "FILE");
    notices
        .iter()
        .map(|notice| (plain(&notice.key), plain(&notice.text)))
        .collect()
}

/// Where it is known by then what the components read.
#[test]
fn an_option_of_a_component_in_another_section_is_told_where_it_belongs() {
    let text = "[DEFAULT]\nsite_name = S\nmessengers = ssm, other\noutput_path = /a\nhost = h\n\
                [messenger_ssm]\noutput_path = /b\ngrant = x\n[prometheus]\noutput_path = /c\n\
                [messenger_other]\ncomponent = /other.wasm\nhost = h\n";
    let site = Site::new(text);
    let config = site.load();
    let (ssm, other) = (
        described("ssm", &["output_path"]),
        described("other", &["output_path", "host"]),
    );
    let [first, second] = config.messengers.as_slice() else {
        panic!("two messengers");
    };
    let found = placed(
        &config,
        &[(&first.component, &ssm), (&second.component, &other)],
    );
    let hints: Vec<(&str, &str)> = found
        .iter()
        .filter_map(|it| Some((it.key.strip_prefix("unknown:")?, it.hint.as_deref()?)))
        .collect();
    assert_eq!(
        hints,
        [
            ("DEFAULT.host", "it belongs in [other]"),
            ("DEFAULT.output_path", "it belongs in [other] or [ssm]"),
            ("messenger_other.host", "it belongs in [other]"),
            ("messenger_ssm.grant", "did you mean `grants`?"),
            ("messenger_ssm.output_path", "it belongs in [ssm]"),
            ("prometheus.output_path", "it belongs in [other] or [ssm]"),
        ]
    );
}

fn described(name: &str, options: &[&str]) -> Description {
    Description {
        name: name.into(),
        summary: String::new(),
        version: "1".into(),
        record_types: Vec::new(),
        options: options
            .iter()
            .map(|name| OptionDescription {
                name: (*name).into(),
                kind: OptionKind::Text,
                default: None,
                required: false,
                help: "Help.".into(),
                old_names: Vec::new(),
                attributes: Vec::new(),
            })
            .collect(),
        capabilities: Vec::new(),
        packing_option: None,
        attributes: Vec::new(),
    }
}

/// A site was sent to [ssm], where its line changed the folder of ssm's messages.
#[test]
fn nobody_is_sent_from_a_messengers_section_to_another_messengers() {
    let text = "[DEFAULT]\nsite_name = S\nmessengers = ssm, mine, third\n\
                [messenger_mine]\ncomponent = /mine.wasm\noutput_path = /q\npassword = p\ngrant = x\nfilters = f\n\
                [filter_f]\ncomponent = /f.wasm\noutput_path = /q\n\
                [messenger_third]\ncomponent = /third.wasm\noutput_path = /q\npage_size = 5\n";
    let site = Site::new(text);
    let config = site.load();
    let ssm = described("ssm", &["output_path", "spare"]);
    let third = described("third", &["spare"]);
    let [first, _, last] = config.messengers.as_slice() else {
        panic!("three messengers");
    };
    let known = [(&first.component, &ssm), (&last.component, &third)];
    let found = placed(&config, &known);
    let hints: Vec<(&str, Option<&str>)> = found
        .iter()
        .filter_map(|it| Some((it.key.strip_prefix("unknown:")?, it.hint.as_deref())))
        .collect();
    let perhaps = |section: &str| match section {
        "f" => Some("it belongs in [f], if it is an option of the component"),
        _ => Some("it belongs in [mine], if it is an option of the component"),
    };
    assert_eq!(
        hints,
        [
            ("filter_f.output_path", perhaps("f")),
            ("messenger_mine.grant", Some("did you mean `grants`?")),
            ("messenger_mine.output_path", perhaps("mine")),
            ("messenger_mine.password", perhaps("mine")),
            ("messenger_third.output_path", None),
            ("messenger_third.page_size", Some("it belongs in [DEFAULT]")),
        ]
    );
}

/// Whose section it is has the host's own options in a section that is known.
#[test]
fn an_option_of_the_hosts_in_the_components_section_is_sent_to_its_own() {
    let site = Site::new(
        "[DEFAULT]\nsite_name = S\nmessengers = ssm\n[ssm]\ngrants = queue:/q\ndeadline = 1s\n",
    );
    let config = site.load();
    let instance = &config.messengers[0].component;
    let description = Description {
        name: "ssm".into(),
        summary: String::new(),
        version: "1".into(),
        record_types: Vec::new(),
        options: Vec::new(),
        capabilities: Vec::new(),
        packing_option: None,
        attributes: Vec::new(),
    };
    let settings = component_settings(&config, instance, &description).unwrap();
    let hints: Vec<Option<&str>> = settings
        .warnings
        .iter()
        .map(|it| it.hint.as_deref())
        .collect();
    assert_eq!(hints, [Some("it belongs in [messenger_ssm]"); 2]);
}

#[test]
fn two_matters_never_share_a_key() {
    let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (key, text) in warnings(ODD) {
        texts.entry(key).or_default().insert(text);
    }
    for (key, texts) in &texts {
        assert_eq!(texts.len(), 1, "{key}: {texts:#?}");
    }
    let keys: Vec<&str> = texts.keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        [
            "assumed:keystone_auth.auth_type",
            "clouds-alike:default:two",
            "fixed-window:extract_from",
            "fixed-window:extract_to",
            "ignored:DEFAULT.use_journal",
            "ignored:DEFAULT.use_journal:--use_journal",
            "ignored:DEFAULT.verbose",
            "ignored:keystone_auth.passcode",
            "ignored:keystone_auth.passcode:OS_KEYSTONE_AUTH__PASSCODE",
            "insecure:keystone_auth",
            "nova-and-ceilometer:DEFAULT",
            "nova-and-ceilometer:cloud_two",
            "old-messenger:caso.messenger.ssm.SsmMessager",
            "old-messenger:ssmv4",
            "old-name:DEFAULT.benchmark_name_key",
            "old-name:DEFAULT.tenants",
            "old-name:extractor.endpoint",
            "old-name:extractor.user",
            "old-name:keystone_auth.tenant_name",
            "old-section:messenger_ssmv4",
            "open-secret:keystone_auth.password_file:FILE",
            "prometheus-insecure",
            "repeated-messenger:ssm",
            "repeated-messenger:ssmv4",
            "unknown-section:cloud_three",
            "unknown-section:default",
            "unknown-section:messenger_smm",
            "unknown-section:nobody",
            "unknown-section:oslo_concurrency",
            "unknown:DEFAULT.auth_url",
            "unknown:DEFAULT.sitename",
            "unknown:DEFAULT.tenants:OS_DEFAULT__TENANTS",
            "unknown:cloud_two.site_nam",
            "unknown:keystone_auth.pasword",
            "unknown:keystone_auth.pasword:OS_KEYSTONE_AUTH__PASWORD",
            "unknown:prometheus.prometheus_verifyssl",
            "unknown:ssm.outputpath",
        ]
    );
}

/// Comment lines move all lines below them, and no key.
#[test]
fn a_comment_line_changes_no_key() {
    let keys = |text: &str| -> Vec<String> {
        let warnings = warnings(text);
        warnings.into_iter().map(|(key, _)| key).collect()
    };
    let (before, texts) = (keys(ODD), warnings(ODD));
    for end in ODD.match_indices('\n').map(|(at, _)| at + 1) {
        let (above, below) = ODD.split_at(end);
        assert_eq!(keys(&format!("{above}# a comment\n{below}")), before);
    }
    let moved = warnings(&format!("# a comment\n{ODD}"));
    assert_eq!(
        moved.iter().map(|(key, _)| key).collect::<Vec<_>>(),
        before.iter().collect::<Vec<_>>()
    );
    // It would prove nothing if no text named a line.
    assert_ne!(moved, texts);
}

#[test]
fn a_home_in_a_path_is_no_home() {
    let site = Site::new("[DEFAULT]\nmessengers = noop\nspooldir = ~/spool\n");
    let warnings = site.warnings();
    let of_spool = warnings.iter().find(|it| it.contains("`~/spool`"));
    assert!(
        of_spool.is_some_and(|it| it.contains("/~/spool`; write the full path: it is the shell")),
        "{warnings:?}"
    );
}

#[test]
fn every_relative_path_in_a_file_is_warned_of() {
    let text = "[DEFAULT]\nmessengers = noop\nspooldir = spool\nlock_path = $spooldir\n\
        mapping_file = voms.json\nlog_file = caso.log\nlog_dir = logs\ncache_dir = /cache\n\
        [keystone_auth]\nauth_url = http://k:5000/v3\nauth_type = v3password\ncafile = ca.pem\n\
        username = u\npassword = p\nuser_domain_id = default\n\
        [prometheus]\nprometheus_cafile = prom.pem\n";
    let site = Site::new(text).flag("mapping_file", "other.json");
    let config = site.load();
    let mut keys: Vec<&str> = config
        .warnings
        .iter()
        .map(|warning| warning.key.as_str())
        .filter(|key| key.starts_with("relative:"))
        .collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        [
            "relative:DEFAULT.log_dir",
            "relative:DEFAULT.mapping_file",
            "relative:DEFAULT.spooldir",
            "relative:keystone_auth.cafile",
            "relative:prometheus.prometheus_cafile",
        ]
    );
    let here = std::env::current_dir().unwrap().join("spool");
    let named = config.warnings.iter();
    assert!(
        named
            .filter(|warning| warning.key == "relative:DEFAULT.spooldir")
            .all(|warning| warning.text.contains(&format!("`{}`", here.display())))
    );
}
