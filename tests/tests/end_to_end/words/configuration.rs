//! `caso config`, and everything that is said of a configuration before a run begins:
//! each error with its line and remedy, each warning.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use caso_tests::build::workspace;
use caso_tests::site::Site;

use super::{kept, printed, run};

/// A login, for what is not about logins.
const LOGIN: &str = "[keystone_auth]
auth_type = v3password
auth_url = https://keystone.example.org:5000/v3
username = accounting
user_domain_name = Default
password = secret
";

/// A site that runs no extraction.
fn site() -> Site {
    Site::with_auth_url("http://127.0.0.1:9")
}

/// What `caso config show` says of each of these files, one after the other: exit
/// code and standard error.
#[track_caller]
fn said_of(name: &str, texts: &[&str]) {
    let site = site();
    let mut all = String::new();
    for text in texts {
        fs::write(site.path().join("caso.conf"), text).unwrap();
        let shown = run(
            &site,
            "caso",
            &["config", "show", "--config-file", "caso.conf"],
        );
        let _ = write!(
            all,
            "--- caso.conf\n{text}--- exit code: {}\n{}\n",
            shown.code(),
            shown.filtered()
        );
    }
    kept(name, &all);
}

/// The options of the shipped sample and the sections in which they stand.
fn options() -> Vec<(String, String)> {
    let sample = fs::read_to_string(workspace().join("etc/caso.conf.sample")).unwrap();
    let mut section = String::new();
    let mut options = Vec::new();
    for line in sample.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']').to_owned();
        } else if let Some((option, _)) = line.trim_start_matches('#').split_once(" =") {
            let is_option = option
                .bytes()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
            if is_option && line.starts_with('#') && !line.starts_with("# ") {
                options.push((section.clone(), option.to_owned()));
            }
        }
    }
    assert!(options.len() > 100, "{options:?}");
    options
}

/// Each option in the sample with a value that is a text and nothing else: the error
/// says what is expected. Those that decide which others are read are left alone.
#[test]
fn errors_of_a_value_that_makes_no_sense() {
    const DECIDE: [&str; 6] = [
        "messengers",
        "clouds",
        "keystone",
        "auth_section",
        "auth_type",
        "component",
    ];
    let mut text = String::from("[DEFAULT]\nmessengers = ssm, logstash, noop, greendigit_cim\n");
    let mut last = "DEFAULT".to_owned();
    for (section, option) in options() {
        if DECIDE.contains(&option.as_str()) {
            continue;
        }
        if section != last {
            let _ = writeln!(text, "[{section}]");
            last = section;
        }
        let _ = writeln!(text, "{option} = ?!");
    }
    text += "[keystone_auth]\nauth_type = v3password\n";
    said_of("errors-of-values", &[&text]);
}

/// Those of components are read when the rest makes sense.
#[test]
fn errors_of_a_components_value_that_makes_no_sense() {
    const COMPONENTS: [&str; 6] = [
        "benchmark",
        "accelerator",
        "ssm",
        "logstash",
        "greendigit_cim",
        "mapper",
    ];
    const HOST: [&str; 4] = ["sha256", "memory", "timeout", "deadline"];
    let mut text = format!("{LOGIN}[DEFAULT]\nmessengers = ssm, logstash, noop, greendigit_cim\n");
    for (section, option) in options() {
        let own = section != "mapper" || !HOST.contains(&option.as_str());
        if COMPONENTS.contains(&section.as_str()) && own {
            let _ = write!(text, "[{section}]\n{option} = ?!\n");
        }
    }
    for section in ["ssm", "logstash", "noop", "greendigit_cim"] {
        let _ = write!(
            text,
            "[messenger_{section}]\nrecord_types = ?!\ngrants = ?!\n"
        );
    }
    said_of("errors-of-components-values", &[&text]);
}

/// And with none.
#[test]
fn errors_of_an_empty_value() {
    let mut text = String::from(LOGIN);
    let mut last = "keystone_auth".to_owned();
    for (section, option) in options() {
        if section == "keystone_auth" || option == "messengers" {
            continue;
        }
        if section != last {
            let _ = writeln!(text, "[{section}]");
            last = section;
        }
        let _ = writeln!(text, "{option} =");
    }
    text += "[DEFAULT]\nmessengers = ssm, logstash, noop, greendigit_cim\n";
    said_of("errors-of-empty-values", &[&text]);
}

#[test]
fn errors_of_a_number_out_of_bounds() {
    said_of(
        "errors-of-bounds",
        &["[DEFAULT]
concurrency = 0
page_size = 0
lock_timeout = -1
delivery_timeout = 1000000h
[keystone_auth]
timeout = 0
connect_retries = -1
status_code_retries = 1000000
[mapper]
memory = 1
timeout = 0
deadline = 100d
[messenger_noop]
memory = 1TiB
[prometheus]
prometheus_step_seconds = 0
"],
    );
}

#[test]
fn errors_of_a_date() {
    let dates = [
        "10",
        "01/02/2026",
        "yesterday",
        "2026-02-30",
        "2026-10-05T25:00",
        "2026-10-05 00:00 CEST",
    ];
    let texts = dates.map(|date| format!("[DEFAULT]\nfirst_extract_from = {date}\n"));
    let mut texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    texts.push("[DEFAULT]\nextract_from = 2026-10-16\nextract_to = 2026-10-05\n");
    said_of("errors-of-dates", &texts);
}

#[test]
fn errors_of_the_grammar() {
    said_of(
        "errors-of-grammar",
        &[
            "[DEFAULT]\nsite_name\n",
            "[DEFAULT]\n= TEST\n",
            "[DEFAULT]\n",
            " site_name = TEST\n",
            "site_name = TEST\n",
            "[DEFAULT\nsite_name = TEST\n",
            "[DEFAULT] # ours\nsite_name = TEST\n",
            "[]\n",
            "[DEFAULT]\nsite_name = $nobody\n",
            "[DEFAULT]\nsite_name = $keystone_auth.password\n",
            "[DEFAULT]\nsite_name = $service_name\nservice_name = $site_name\n",
            "[DEFAULT]\nconfig_source = remote\n",
        ],
    );
}

#[test]
fn errors_of_toml() {
    let site = site();
    let path = site.path().join("caso.toml");
    let mut all = String::new();
    for text in [
        "site_name = \"X\"\n",
        "[DEFAULT]\nsite_name = X\n",
        "[DEFAULT]\nprojects = [\"a,b\"]\n",
        "[DEFAULT]\nextractor = [1]\n",
        "[DEFAULT]\nconcurrency = 99999999999999999999\n",
        "[DEFAULT]\nconcurrency = \"four\"\ndry_run = 1\nsite_name = true\n",
        "[cloud.prod]\nsite_name = \"X\"\n",
    ] {
        fs::write(&path, text).unwrap();
        let shown = run(
            &site,
            "caso",
            &["config", "show", "--config-file", "caso.toml"],
        );
        let _ = write!(
            all,
            "--- caso.toml\n{text}--- exit code: {}\n{}\n",
            shown.code(),
            shown.filtered()
        );
    }
    kept("errors-of-toml", &all);
}

#[test]
fn errors_of_messengers_and_clouds() {
    said_of(
        "errors-of-messengers",
        &[
            "[DEFAULT]\nmesengers = ssm\n",
            "[DEFAULT]\nmessengers = sms\n",
            "[DEFAULT]\nmessengers = ssm,,noop\n",
            "[DEFAULT]\nmessengers = caso.messenger.ssm.Other\n",
            "[DEFAULT]\nmessengers = my messenger\n",
            "[DEFAULT]\nmessengers = extractor\n",
            "[DEFAULT]\nmessengers = noop, NOOP\n",
            "[DEFAULT]\nmessengers = mine\n[messenger_mine]\ncomponent = smm\n",
            "[DEFAULT]\nmessengers = mine\n[messenger_mine]\ncomponent = /nowhere/mine.wasm\nsha256 = 12\n",
            "[DEFAULT]\nmessengers = ssm\n[messenger_ssm]\nrecord_types = cluod\n",
            "[DEFAULT]\nmessengers = ssm\n[messenger_ssm]\nrecord_types = energy\n",
            "[DEFAULT]\nmessengers = ssm\nmapper = /nowhere/mapper.wasm\n",
            "[DEFAULT]\nmessengers = keystone_mine\n[keystone_mine]\npassword = secret\n[keystone_auth]\nauth_section = keystone_mine\n",
        ],
    );
    said_of(
        "errors-of-clouds",
        &[
            "[DEFAULT]\nclouds = prod, my cloud\n",
            "[DEFAULT]\nclouds = prod, PROD\n",
            "[DEFAULT]\nclouds = prod\n[cloud_prod]\nextractor = nvoa\ninterface = pubic\n",
            "[DEFAULT]\nextractor = ceilometr\n[ceilometer]\nsource = gnochi\nreading = use\n",
        ],
    );
}

/// Each way to log in, with nothing but its name.
#[test]
fn errors_of_logins() {
    let types = [
        "v3password",
        "password",
        "v2password",
        "v3applicationcredential",
        "v3token",
        "v3oidcaccesstoken",
        "v3oidcclientcredentials",
        "v3oidcpassword",
        "v3kerberos",
        "v3pasword",
    ];
    let texts = types.map(|name| {
        let url = "auth_url = https://keystone.example.org:5000\n";
        format!("[keystone_auth]\nauth_type = {name}\n{url}")
    });
    let mut texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    texts.extend([
        "[keystone_auth]\nauth_url = https://keystone.example.org:5000/v3\n",
        "[keystone_auth]\nauth_type = v3password\nusername = a\n",
        "[keystone_auth]\nauth_type = v3password\nauth_url = keystone.example.org\n",
        "[keystone_auth]\nauth_type = v3token\nauth_url = https://user:pass@keystone.example.org/v3\ntoken = t\n",
        "[keystone_auth]\nauth_type = v3token\nauth_url = https://keystone.example.org/v2.0\ntoken = t\n",
        "[keystone_auth]\nauth_type = v2password\nauth_url = https://keystone.example.org/v3\nusername = a\npassword = p\n",
        "[keystone_auth]\nauth_type = v3token\nauth_url = https://keystone.example.org/v3\ntoken = t\ntrust_id = 1\n",
        "[keystone_auth]\nauth_type = v3token\nauth_url = https://keystone.example.org/v3\ntoken_file = /nowhere/token\n",
        "[keystone_auth]\nauth_type = v3applicationcredential\nauth_url = https://keystone.example.org/v3\n\
         application_credential_name = caso\napplication_credential_secret = s\n",
    ]);
    said_of("errors-of-logins", &texts);
}

/// What is not as it was meant, and does not stop a run.
#[test]
fn warnings() {
    let with = |text: &str| format!("{text}{LOGIN}");
    let texts = [
        with("[DEFAULT]\nconcurency = 4\n"),
        with("[DEFAULT]\nauth_url = https://keystone.example.org\n"),
        with("[DEFAULT]\nextract_from = 2026-10-05\n"),
        with("[DEFAULT]\nmessengers = ssm, ssm, caso.messenger.ssm.SSMMessengerV04, caso.messenger.ssm.SsmMessager\n"),
        with("[DEFAULT]\nextractor = nova, ceilometer\n"),
        with("[DEFAULT]\nclouds = prod, test\n[cloud_prod]\nkeystone = keystone_auth\n[cloud_test]\nkeystone = keystone_auth\n"),
        with("[DEFAULT]\nclouds = default\n[cloud_tset]\nsite_name = X\n"),
        with("[DEFAULT]\nmessengers = ssm\n[messenger_smm]\nmemory = 64MiB\n"),
        with("[default]\nsite_name = X\n"),
        with("[sssm]\nmax_size = 10\n"),
        with("[oslo_concurrency]\nlock_path = /run\n"),
        with("[DEFAULT]\nmessengers = ssm\n[ssm]\nmaxsize = 10\nentries_per_message = 10\n"),
        with("[DEFAULT]\nbenchmark_name_key = x\nvo_proprety = VO\n"),
        with("[prometheus]\nprometheus_verify_ssl = false\n"),
        format!("{LOGIN}insecure = true\n"),
        "[extractor]\nuser = accounting\npassword = secret\nendpoint = http://keystone.example.org:5000/v2.0\n".to_owned(),
    ];
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    said_of("warnings-of-files", &texts);
}

#[test]
fn warnings_of_variables_and_secrets() {
    let mut site = site();
    let secret = site.path().join("password");
    fs::write(&secret, "secret\n").unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o644)).unwrap();
    site.variable("OS_KEYSTONE_AUTH__USER", "a")
        .variable("OS_KEYSTONE_AUTH__USERNMAE", "a")
        .variable("OS_DEFAULT__CONCURENCY", "4")
        .variable("OS_DEFAULT__OTHER_PROGRAMS", "1");
    let text = LOGIN.replace(
        "password = secret",
        &format!("password_file = {}", secret.display()),
    );
    fs::write(site.path().join("caso.conf"), text).unwrap();
    let shown = run(
        &site,
        "caso",
        &["config", "show", "--config-file", "caso.conf"],
    );
    kept("warnings-of-variables", &shown.filtered());
}

#[test]
fn errors_of_files() {
    let site = site();
    let home = site.path().join("home");
    fs::create_dir(&home).unwrap();
    for name in ["caso.conf", "caso.toml"] {
        fs::write(home.join(name), "").unwrap();
    }
    fs::write(
        site.path().join("latin1.conf"),
        b"[DEFAULT]\nsite_name = \xf1\n",
    )
    .unwrap();
    let mut all = String::new();
    for (arguments, home) in [
        (
            &["config", "show", "--config-file", "/nowhere/caso.conf"][..],
            None,
        ),
        (&["config", "show", "--config-dir", "/nowhere"], None),
        (&["config", "show", "--config-file", "latin1.conf"], None),
        (&["config", "show"], Some(&home)),
        (&["config", "convert", "/nowhere/caso.conf"], None),
        (&["config", "convert"], Some(&home)),
    ] {
        let mut command = site.command("caso");
        command.args(arguments);
        if let Some(home) = home {
            command.env("HOME", home);
        }
        let outcome = caso_tests::outcome::Running::start(command, site.path()).finish();
        let _ = write!(
            all,
            "--- caso {}\n{}\n",
            arguments.join(" "),
            outcome.snapshot()
        );
    }
    kept("errors-of-files", &all);
}

/// The site of all these tests, as `caso config` shows it and turns it into TOML.
#[test]
fn shown_and_converted() {
    let mut site = site();
    site.unset("DEFAULT", "cache_dir")
        .set("DEFAULT", "projects", "a, b")
        .set("ssm", "max_size", "50")
        .variable("OS_DEFAULT__PAGE_SIZE", "77");
    // Writes caso.conf, and ends before anything is asked.
    site.extract(&["--version"]).expect(0);
    let show = ["config", "show", "--config-file", "caso.conf"];
    printed("config-show", &run(&site, "caso", &show));
    let unset = [&show[..], &["--unset", "--messengers", "noop"]].concat();
    printed("config-show-unset", &run(&site, "caso", &unset));
    printed(
        "config-convert",
        &run(&site, "caso", &["config", "convert", "caso.conf"]),
    );
    fs::write(
        site.path().join("old.conf"),
        "[DEFAULT]\nmessengers = caso.messenger.ssm.SSMMessengerV04\nmesengers = x\n\
         site_name = \"TEST\"\nprojects = a,b\nsleep_time = 5\n[extractor]\nuser = accounting\npassword = secret\n\
         endpoint = http://keystone.example.org:5000/v2.0\n[oslo_concurrency]\nlock_path = /run\n",
    )
    .unwrap();
    printed(
        "config-convert-of-an-old-file",
        &run(&site, "caso", &["config", "convert", "old.conf"]),
    );
}
