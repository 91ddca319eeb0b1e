//! Every error that a configuration can have, in the words that the operator
//! reads. Where the words are meant to change: `INSTA_UPDATE=always cargo test
//! -p caso-config --test errors`, and read the difference.

// In a test a panic is the report; clippy exempts the functions marked `#[test]` alone.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic)]

use std::path::{Path, PathBuf};

use caso_config::{
    CommandLine, Config, ConfigError, ConfigErrors, ConfigPlace, Inputs, Places, Program,
};
use caso_config::{component_settings, convert, load};
use caso_model::Attribute;
use caso_model::component::{Description, OptionDescription, OptionKind};

/// What a case says: `ROOT` stands for its folder.
type Said = String;

/// A folder with files in `etc/caso`, and what reads them.
fn site(files: &[(&str, &str)]) -> (tempfile::TempDir, Inputs) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().to_path_buf();
    std::fs::create_dir_all(root.join("etc/caso")).unwrap();
    for (name, text) in files {
        let text = text.replace("ROOT", &root.display().to_string());
        std::fs::write(root.join("etc/caso").join(name), text).unwrap();
    }
    let inputs = Inputs {
        program: Program::Extract,
        command_line: CommandLine::default(),
        environment: [].into(),
        places: Places {
            home: None,
            root,
            snap_common: None,
            snap: None,
        },
        builtin_messengers: ["greendigit_cim", "logstash", "noop", "ssm"]
            .map(String::from)
            .into(),
    };
    (folder, inputs)
}

fn said<T>(folder: &Path, result: Result<T, ConfigErrors>) -> Said {
    let errors = result.err().unwrap_or(ConfigErrors(Vec::new(), Vec::new()));
    assert!(!errors.0.is_empty(), "nothing is wrong");
    errors
        .to_string()
        .replace(&folder.display().to_string(), "ROOT")
}

/// The errors of a caso.conf.
fn conf(text: &str) -> Said {
    let (folder, inputs) = site(&[("caso.conf", text)]);
    said(folder.path(), load(&inputs))
}

/// The errors of a caso.toml.
fn toml(text: &str) -> Said {
    let (folder, inputs) = site(&[("caso.toml", text)]);
    said(folder.path(), load(&inputs))
}

/// Errors of other inputs than one file.
fn inputs(files: &[(&str, &str)], change: impl FnOnce(&mut Inputs)) -> Said {
    let (folder, mut inputs) = site(files);
    change(&mut inputs);
    said(folder.path(), load(&inputs))
}

/// Errors of `caso config convert`.
fn conversion(files: &[(&str, &str)]) -> Said {
    let (folder, inputs) = site(files);
    said(folder.path(), convert(&inputs, None))
}

/// Errors of what a component describes.
fn component(text: &str, options: Vec<OptionDescription>) -> Said {
    let text =
        format!("[DEFAULT]\nmessengers = mine\n[messenger_mine]\ncomponent = /mine.wasm\n{text}");
    let (folder, inputs) = site(&[("caso.conf", &text)]);
    let config: Config = load(&inputs).unwrap();
    let description = Description {
        name: "mine".into(),
        summary: String::new(),
        version: "1".into(),
        record_types: vec!["ceph-bucket".into()],
        options,
        capabilities: Vec::new(),
        packing_option: None,
        attributes: Vec::new(),
    };
    let instance = &config.messengers[0].component;
    said(
        folder.path(),
        component_settings(&config, instance, &description),
    )
}

fn option(name: &str, kind: OptionKind) -> OptionDescription {
    OptionDescription {
        name: name.into(),
        kind,
        default: None,
        required: false,
        help: "Where it goes.".into(),
        old_names: Vec::new(),
        attributes: Vec::new(),
    }
}

/// A `[keystone_auth]` of a user and a password, with other lines behind.
fn keystone(lines: &str) -> Said {
    conf(&format!(
        "[keystone_auth]\nauth_url = https://k/v3\nusername = u\nuser_domain_name = Default\n{lines}"
    ))
}

fn files() -> Vec<(&'static str, Said)> {
    let grammar = "x = 1\n[a\nno delimiter\n= 2\n[]\n\n  lost\n";
    let nested = "site_name = \"X\"\n[DEFAULT]\nprojects = [\"a,b\"]\nextractor = [1]\n\
        page_size = 99999999999999999999\n[cloud.prod]\nx = 1\n";
    vec![
        ("lines that are not INI", conf(grammar)),
        ("a byte-order mark", conf("\u{feff}[DEFAULT]\n")),
        ("TOML that means nothing here", toml(nested)),
        (
            "lines that are not TOML",
            toml("[DEFAULT]\nsite_name = FOO\n"),
        ),
        (
            "not UTF-8",
            inputs(&[], |inputs| {
                let path = inputs.places.root.join("etc/caso/caso.conf");
                std::fs::write(path, b"[DEFAULT]\nsite_name = M\xe1laga\n").unwrap();
            }),
        ),
        (
            "files that are not there",
            inputs(&[], |inputs| {
                let missing = inputs.places.root.join("missing");
                inputs.command_line.configs = vec![
                    ConfigPlace::File(missing.clone()),
                    ConfigPlace::Folder(missing),
                ];
            }),
        ),
        (
            "both grammars",
            inputs(&[("caso.conf", ""), ("caso.toml", "")], |_| ()),
        ),
        ("nothing to convert", conversion(&[])),
        (
            "more than one file to convert",
            conversion(&[("caso.conf", ""), ("caso-extract.conf", "")]),
        ),
    ]
}

fn values() -> Vec<(&'static str, Said)> {
    let default = "[DEFAULT]\nextractor = nova, sinder\ninterface = outer\ndry_run = perhaps\nconcurrency = 0\n\
        page_size = many\nlock_timeout = soon\ndelivery_timeout = 0\nvo_property =\ncloud_type =\nspooldir =\n\
        lock_path =\nextract_from = 10\nfirst_extract_from = 01/02/2026\nsyslog_log_facility = LOG_LOCAL9\n\
        config_source = remote\n[ceilometer]\nsource = metric\nreading = larges\n";
    let dollars = "[DEFAULT]\nsite_name = wo$rd\nspooldir = /x/$site_name.d\nservice_name = $caso_tag\n\
        caso_tag = $service_name\n[keystone_auth]\npassword = wo$rd\n";
    let prometheus = "[prometheus]\nprometheus_endpoint = ftp://u:p@h\nprometheus_metric_name =\n\
        vm_uuid_label_name = a-b\nlabels = a\nprometheus_sum_labels = 1a\nprometheus_step_seconds = 0\n\
        prometheus_verify_ssl = maybe\n";
    let toml_types = "[DEFAULT]\nsite_name = [\"a\"]\ndry_run = 1\nprojects = true\npage_size = \"many\"\n\
        concurrency = true\nlock_timeout = true\nextract_to = 5\n[messenger_noop]\nmemory = true\n\
        [keystone_auth]\npassword = 7\ntimeout = true\n";
    vec![
        ("values of [DEFAULT]", conf(default)),
        ("dollars", conf(dollars)),
        ("values of [prometheus]", conf(prometheus)),
        (
            "a user without a password",
            conf("[prometheus]\nprometheus_username = u\n"),
        ),
        ("values of the wrong type in TOML", toml(toml_types)),
        (
            "variables and flags",
            inputs(&[], |inputs| {
                let key = ("DEFAULT".to_owned(), "extract_to".to_owned());
                let typed = ("tomorrow".to_owned(), "--extract-to".to_owned());
                inputs.command_line.values.insert(key, typed);
                inputs
                    .environment
                    .insert("OS_DEFAULT__DRY_RUN".into(), "x".into());
            }),
        ),
        (
            "a window that ends before it begins",
            conf("[DEFAULT]\nextract_from = 2026-01-02\nextract_to = 2026-01-01\n"),
        ),
        ("names of clouds", conf("[DEFAULT]\nclouds = a/b, X, x\n")),
    ]
}

fn messengers() -> Vec<(&'static str, Said)> {
    let names = "[DEFAULT]\nmessengers = logstahs, caso.messenger.x.Y, a b, keystone_auth, ssm, SSM,, mine\n\
        [messenger_mine]\ncomponent = ssmm\n";
    let keys = "[DEFAULT]\nmessengers = ssm\n[messenger_ssm]\nmemory = lots\ntimeout = 1ms\ndeadline = 1000d\n\
        sha256 = 12\n";
    let shared = "[DEFAULT]\nmessengers = mine\n[messenger_mine]\ncomponent = /m.wasm\n[keystone_auth]\n\
        auth_section = mine\n";
    let mut port = option("port", OptionKind::Integer);
    for (name, value) in [("minimum", "1"), ("maximum", "65535")] {
        port.attributes.push(Attribute {
            name: name.into(),
            value: value.into(),
        });
    }
    let mut needed = option("needed", OptionKind::Path);
    needed.required = true;
    let mut sly = option("user", OptionKind::Text);
    sly.old_names = vec!["DEFAULT.site_name".into()];
    let kinds = vec![
        port,
        needed,
        option("endpoint", OptionKind::Endpoint),
        option("url", OptionKind::Url),
        option("number", OptionKind::Number),
        option("size", OptionKind::Size),
        option("span", OptionKind::Duration),
        option(
            "choice",
            OptionKind::Choice(vec!["one".into(), "two".into()]),
        ),
        option("api_token", OptionKind::Boolean),
    ];
    vec![
        ("names of messengers", conf(names)),
        ("host keys of a messenger", conf(keys)),
        ("a messenger in the section of the password", conf(shared)),
        (
            "values of a component's options",
            component(
                "[mine]\nport = 0\nendpoint = here\nurl = h\nnumber = x\nsize = much\nspan = long\n\
                 choice = tow\napi_token = tell-nobody\n",
                kinds,
            ),
        ),
        (
            "options that are not a component's",
            component(
                "",
                vec![option("keystone_auth.password", OptionKind::Secret), sly],
            ),
        ),
        (
            "record types",
            component("record_types = cloud, clod\n", Vec::new()),
        ),
    ]
}

fn logins() -> Vec<(&'static str, Said)> {
    let oidc = "[keystone_auth]\nauth_url = https://k/v3\nauth_type = ";
    vec![
        ("no auth type", keystone("password = p\n")),
        (
            "an auth type of others",
            keystone("auth_type = v3kerberos\npassword = p\n"),
        ),
        (
            "a misspelt auth type",
            keystone("auth_type = v3pasword\npassword = p\n"),
        ),
        ("no password", keystone("auth_type = v3password\n")),
        (
            "a trust",
            keystone("auth_type = v3password\npassword = p\ntrust_id = t\n"),
        ),
        (
            "a password in two places",
            keystone(
                "auth_type = v3password\npassword = p\npassword_file = ROOT/etc/caso/caso.conf\n",
            ),
        ),
        (
            "a password file that is not there",
            keystone("auth_type = v3password\npassword_file = ROOT/missing\n"),
        ),
        (
            "an empty password file",
            keystone("auth_type = v3password\npassword_file = /dev/null\n"),
        ),
        (
            "no address, no user",
            conf("[keystone_auth]\nauth_type = v3password\npassword = p\n"),
        ),
        (
            "a user without a domain",
            conf(
                "[keystone_auth]\nauth_type = v3password\nauth_url = https://k\nusername = u\npassword = p\n",
            ),
        ),
        (
            "an address that is none",
            keystone("auth_url = keystone\nauth_type = v3password\npassword = p\n"),
        ),
        (
            "a password in the address",
            keystone("auth_url = https://u:p@k\nauth_type = v3password\npassword = p\n"),
        ),
        (
            "version 3 at an address of version 2.0",
            keystone("auth_url = https://k/v2.0\nauth_type = v3password\npassword = p\n"),
        ),
        (
            "version 2.0 at an address of version 3",
            keystone("auth_type = v2password\npassword = p\n"),
        ),
        (
            "values of the session",
            keystone(
                "auth_type = v3password\npassword = p\ntimeout = 0\nconnect_retries = many\n\
                 tls_min_version = 1.1\ninsecure = maybe\n",
            ),
        ),
        (
            "an application credential",
            conf("[keystone_auth]\nauth_type = v3applicationcredential\nauth_url = https://k\n"),
        ),
        (
            "a client of a provider",
            conf(&format!(
                "{oidc}v3oidcclientcredentials\naccess_token_type = jwt\n"
            )),
        ),
        (
            "a user of a provider",
            conf(&format!("{oidc}v3oidcpassword\n")),
        ),
        (
            "an access token",
            conf(&format!("{oidc}v3oidcaccesstoken\n")),
        ),
        ("a token", conf(&format!("{oidc}v3token\n"))),
    ]
}

/// What a command that needs it says where a configuration has none.
fn missing() -> Vec<(&'static str, Said)> {
    let (_folder, inputs) = site(&[("caso.conf", "[DEFAULT]\n")]);
    let config = load(&inputs).unwrap();
    let cloud = &config.clouds[0];
    let told = |error: ConfigError| error.message().to_string();
    vec![
        ("no site name", told(cloud.site().unwrap_err())),
        ("no login", told(cloud.keystone().unwrap_err())),
    ]
}

#[test]
fn every_error_in_its_words() {
    let all = [files(), values(), messengers(), logins(), missing()];
    let text: Vec<String> = all
        .into_iter()
        .flatten()
        .map(|(case, said)| format!("# {case}\n{said}\n"))
        .collect();
    insta::with_settings!({
        snapshot_path => PathBuf::from("."),
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!("errors", text.join("\n"));
    });
}
