use std::time::Duration;

use super::*;
use caso_model::extraction::*;

const SITE: &str = "[DEFAULT]
messengers = caso.messenger.ssm.SsmMessager
site_name = FOO
tenants = a,b,,a
[keystone_auth]
auth_type = v3password
auth_url = https://keystone:5000
username = accounting
user_domain_name = Default
password = hunter2
";

#[test]
fn an_empty_file_gives_the_defaults() {
    let site = Site::new("");
    let config = site.load();
    assert_eq!(config.spooldir, PathBuf::from("/var/spool/caso"));
    assert_eq!(config.lock_path, PathBuf::from("/var/spool/caso"));
    assert_eq!(config.lock_timeout, Duration::from_secs(60));
    assert_eq!(
        config.clouds[0].cloud_type,
        format!("caso/{} (OpenStack)", env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(config.extract_from, ExtractFrom::Cursor);
    assert_eq!(
        (config.extract_to, config.clouds[0].first_extract_from),
        (None, None)
    );
    assert_eq!((config.concurrency, config.page_size), (4, 1000));
    assert_eq!(config.delivery_timeout, Duration::from_secs(600));
    assert!(!config.dry_run && !config.partial_exit_ok && !config.migrate_projects);
    assert_eq!(config.messengers.len(), 1);
    assert_eq!(config.messengers[0].name(), "noop");
    assert_eq!(
        config.mapper.source,
        ComponentSource::BuiltIn("mapper".into())
    );
    assert_eq!(
        config.cache_dirs,
        [
            PathBuf::from("/var/cache/caso"),
            "/var/spool/caso/cache".into()
        ]
    );
    let cloud = &config.clouds[0];
    assert_eq!(cloud.name, "default");
    assert_eq!(
        cloud.extractors,
        [Extractor::Nova, Extractor::Cinder, Extractor::Neutron]
    );
    assert_eq!(cloud.interfaces, [Interface::Public]);
    assert_eq!(cloud.caso_tag.as_deref(), Some("caso"));
    assert_eq!(cloud.vo_property, "VO");
    assert_eq!(cloud.mapping_file, PathBuf::from("/etc/caso/voms.json"));
    assert!(!cloud.mapping_file_set && cloud.projects.is_empty());
    assert!(cloud.keystone().is_err() && config.clouds[0].site().is_err());
    assert_eq!(config.warnings, []);
    let logging = Logging {
        debug: false,
        file: None,
        json: false,
        syslog: None,
    };
    assert_eq!(config.logging, logging);
}

#[test]
fn an_old_site_works_and_is_told_the_new_names() {
    let site = Site::new(SITE);
    let config = site.load();
    assert_eq!(config.messengers[0].name(), "ssm");
    assert_eq!(config.clouds[0].projects, ["a", "b"]);
    assert_eq!(config.clouds[0].service_name.as_deref(), Some("FOO"));
    assert_eq!(config.clouds[0].site(), Ok("FOO"));
    assert!(config.clouds[0].keystone().is_ok());
    assert_eq!(
        site.warnings(),
        [
            "`caso.conf:2`: `caso.messenger.ssm.SsmMessager` in `messengers` is an old name; it works, but write `ssm`. It writes cloud records of v0.4; what it wrote before cASO 3 is `ssmv2`",
            "`caso.conf:4`: `[DEFAULT] tenants` is an old name; it works, but write `projects` in [DEFAULT]",
        ]
    );
    assert!(!format!("{:?}", config.values).contains("hunter2"));
}

#[test]
fn a_debug_print_shows_no_password() {
    let config = Site::new(SITE)
        .variable("OS_KEYSTONE_AUTH__PASSWORD", "hunter3")
        .load();
    let printed = format!("{config:?}");
    assert!(!printed.contains("hunter"), "{printed}");
}

#[test]
fn command_line_over_environment_over_file() {
    let site = Site::new(SITE)
        .variable("OS_DEFAULT__SITE_NAME", "ENV")
        .flag("projects", "x,y");
    let site = site.variable("OS_DEFAULT__PROJECTS", "env");
    let config = site.load();
    assert_eq!(config.clouds[0].site(), Ok("ENV"));
    assert_eq!(config.clouds[0].projects, ["x", "y"]);
    let origin = |option: &str| {
        let shown = config.values.iter().find(|value| value.option == option);
        shown.unwrap().origin.clone()
    };
    assert_eq!(
        origin("site_name"),
        Origin::Environment("OS_DEFAULT__SITE_NAME".into())
    );
    assert_eq!(origin("projects"), Origin::CommandLine("--projects".into()));
    assert!(matches!(origin("auth_type"), Origin::File { line: 6, .. }));
    assert_eq!(origin("spooldir"), Origin::Default);
}

#[test]
fn dates() {
    let window = |from: &str, to: &str| {
        let site = Site::new("")
            .flag("extract_from", from)
            .flag("extract_to", to);
        let config = site.load();
        (config.extract_from, config.extract_to)
    };
    assert_eq!(window("None", "None"), (ExtractFrom::BeginningOfTime, None));
    assert_eq!(window("", ""), (ExtractFrom::Cursor, None));
    assert_eq!(
        window("1970-01-01 02:00+02:00", "1970-01-02"),
        (ExtractFrom::At(0), Some(86_400))
    );
    let errors = Site::new("").flag("extract_from", "10").errors();
    assert!(
        errors[0].starts_with(
            "command line `--extract_from`: `[DEFAULT] extract_from` is `10`; expected a date"
        ),
        "{errors:?}"
    );
    let errors = Site::new("")
        .flag("extract_from", "2026-01-02")
        .flag("extract_to", "2026-01-01")
        .errors();
    assert!(
        errors[0].contains("after that of `extract_from`"),
        "{errors:?}"
    );
}

#[test]
fn all_errors_come_out_together() {
    let errors = Site::new(
        "[DEFAULT]\nextractor = nova, sinder\ndry_run = perhaps\nconcurrency = 0\nsite_name = $sit\n\
         interface = outer\nlock_timeout = soon\nvo_property =\n[keystone_auth]\nauth_type = v3kerberos\n\
         auth_url = keystone\nsecret = x\ninsecure = maybe\ntimeout = 0\n",
    )
    .errors();
    let expected = [
        "`caso.conf:5`: `[DEFAULT] site_name`: `$sit` is not an option; write `$$` for a dollar",
        "`caso.conf:6`: `[DEFAULT] interface` is `outer`; expected a list of `public`, `internal`, `admin`",
        "`caso.conf:2`: `[DEFAULT] extractor` is `nova, sinder`; expected a list of `nova`, `cinder`, `neutron`, \
         `prometheus`, `ceilometer`; did you mean `cinder`?",
        "`caso.conf:8`: `[DEFAULT] vo_property` is empty; expected the name of a property",
        "`caso.conf:13`: `[keystone_auth] insecure` is `maybe`; expected true or false (also yes, no, on, off, 1, 0)",
        "`caso.conf:14`: `[keystone_auth] timeout` is `0`; expected a number of seconds above 0, at most 86400",
        "`caso.conf:11`: `[keystone_auth] auth_url` is `keystone`; expected an address that begins with `https://` or `http://`",
        "`caso.conf:10`: `[keystone_auth] auth_type`: this version does not authenticate with `v3kerberos`; set it to \
         one of `v3password`, `password`, `v3applicationcredential`, `v3oidcclientcredentials`, `v3oidcpassword`, \
         `v3oidcaccesstoken`, `v3token`, `v2password`",
        "`caso.conf:7`: `[DEFAULT] lock_timeout` is `soon`; expected a span of time: seconds, or `500ms`, `90s`, \
         `15m`, `2h`, `1d`, at most 604800 s",
        "`caso.conf:3`: `[DEFAULT] dry_run` is `perhaps`; expected true or false (also yes, no, on, off, 1, 0)",
        "`caso.conf:4`: `[DEFAULT] concurrency` is `0`; expected a whole number from 1 to 64",
    ];
    assert_eq!(errors, expected);
}

#[test]
fn unknown_and_useless_options_are_remarked_on() {
    let site = Site::new(
        "[DEFAULT]\nsitename = x\nextract-to = y\nuse_journal = true\nauth_url = z\nnonsense = 1\n\
         benchmark_name_key = a\nextract_from = 2026-01-01\n[messenger_smm]\nrecord_types = cloud\n\
         [keystone_auth]\npasword = p\npasscode = c\n",
    )
    .variable("OS_KEYSTONE_AUTH__USRNAME", "u")
    .variable("OS_DEFAULT__TRANSPORT_URL", "somebody else's");
    assert_eq!(
        site.warnings(),
        [
            "`caso.conf:8`: `extract_from` in a file applies to every run, so each extracts the same time again",
            "`caso.conf:4`: `[DEFAULT] use_journal` has no effect: under systemd the journal takes standard error; \
             elsewhere there is `use_syslog`",
            "`caso.conf:13`: `[keystone_auth] passcode` has no effect: it belongs to an auth_type that is not in use",
            "`caso.conf:9`: [messenger_smm] has no effect: `messengers` has no `smm`; did you mean `ssm`?",
            "`caso.conf:5`: `[DEFAULT] auth_url` is not an option and has no effect; it belongs in [keystone_auth]",
            "`caso.conf:3`: `[DEFAULT] extract-to` is not an option and has no effect; did you mean `extract_to`?",
            "`caso.conf:6`: `[DEFAULT] nonsense` is not an option and has no effect",
            "`caso.conf:2`: `[DEFAULT] sitename` is not an option and has no effect; did you mean `site_name`?",
            "`caso.conf:12`: `[keystone_auth] pasword` is not an option and has no effect; did you mean `password`?",
            "environment variable `OS_KEYSTONE_AUTH__USRNAME`: `[keystone_auth] usrname` is not an option and has no \
             effect; did you mean `username`?",
        ]
    );
}

/// The default throws records away while the cursors move on.
#[test]
fn messengers_that_is_misspelt_is_no_mere_warning() {
    let meant = "is not an option, and without `messengers` all records are thrown away; \
                 did you mean `messengers`?";
    assert_eq!(
        Site::new("[DEFAULT]\nmesengers = ssm\n").errors(),
        [format!("`caso.conf:2`: `[DEFAULT] mesengers`: {meant}")]
    );
    let variable = "OS_DEFAULT__MESSANGERS";
    assert_eq!(
        Site::new("[DEFAULT]\n").variable(variable, "ssm").errors(),
        [format!(
            "environment variable `{variable}`: `[DEFAULT] messangers`: {meant}"
        )]
    );
    // Where it is set the other name costs nothing.
    for text in [
        "[DEFAULT]\nmesengers = ssm\nmessengers = ssm\n",
        "[DEFAULT]\nmessage_format = x\n",
    ] {
        assert_eq!(Site::new(text).load().messengers.len(), 1, "{text}");
    }
}

/// The default is a spool without cursors: everything would be extracted again.
#[test]
fn a_spooldir_that_is_misspelt_or_misplaced_is_no_mere_warning() {
    let harm = "everything would be extracted again from another spool";
    for text in [
        "[DEFAULT]\nspool_dir = /srv/spool\n",
        "[DEFAULT]\nspoldir = /srv/spool\n",
    ] {
        let name = text.split_whitespace().nth(1).unwrap_or_default();
        assert_eq!(
            Site::new(text).errors(),
            [format!(
                "`caso.conf:2`: `[DEFAULT] {name}`: is not an option, and without `spooldir` {harm}; did you mean \
                 `spooldir`?"
            )]
        );
        assert_eq!(Site::new(text).remarks(), 0, "it is said once");
        let more = Site::new(&format!("{text}projcts = x\n"));
        assert_eq!(more.remarks(), 1, "and others are");
    }
    for section in ["keystone_auth", "ssm", "noop", "logstash"] {
        let errors = Site::new(&format!("[{section}]\nspooldir = /srv/spool\n")).errors();
        let told = format!(
            "`caso.conf:2`: `[{section}] spooldir`: is not an option there, and without `spooldir` in [DEFAULT] {harm}; \
             it belongs in [DEFAULT]"
        );
        assert_eq!(errors, [told]);
    }
    // So is `messengers`.
    let errors = Site::new("[keystone_auth]\nmessengers = ssm\n").errors();
    assert!(
        errors[0].contains("without `messengers` in [DEFAULT] all records are thrown away"),
        "{errors:?}"
    );
    for text in [
        "[DEFAULT]\nspooldir = /s\nspool_dir = /t\n",
        "[DEFAULT]\nspooldir = /s\n[ssm]\nspooldir = /t\n",
        "[mine]\nspooldir = /its/own\n",
    ] {
        Site::new(text).load();
    }
}

#[test]
fn what_hides_an_option_or_its_file_is_named() {
    let site = Site::new("[DEFAULT]\nsite_name = A\nmetrics_file = /run/caso.txt\n")
        .variable("OS_DEFAULT__SITE_NAME", "");
    assert_eq!(
        site.warnings(),
        [
            "environment variable `OS_DEFAULT__SITE_NAME` is empty, and overrides `[DEFAULT] site_name` of \
             `caso.conf:2`; unset OS_DEFAULT__SITE_NAME",
            "`metrics_file` is `/run/caso.txt`: node_exporter's textfile collector reads files that end with \
             `.prom` alone; give it that ending",
        ]
    );
    let site = Site::new("[DEFAULT]\nmetrics_file = /run/caso.prom\nsite_name = A\n")
        .variable("OS_DEFAULT__SITE_NAME", "B");
    assert_eq!(site.warnings(), [""; 0]);
}

#[test]
fn configuration_from_elsewhere_is_refused() {
    let errors = Site::new("[DEFAULT]\nconfig_source = remote\n").errors();
    assert!(
        errors[0].starts_with("`caso.conf:2`: `[DEFAULT] config_source`"),
        "{errors:?}"
    );
    Site::new("[DEFAULT]\nconfig_source =\n").load();
}

#[test]
fn migration_is_dry_unless_told_otherwise() {
    let dry = |program, text| Site::new(text).program(program).load().dry_run;
    assert!(dry(Program::MappingMigrate, ""));
    assert!(!dry(Program::MappingMigrate, "[DEFAULT]\ndry_run = no\n"));
    assert!(!dry(Program::Projects, ""));
}

#[test]
fn logging_goes_where_oslo_log_would_write() {
    let file = |text: &str| Site::new(&format!("[DEFAULT]\n{text}")).load().logging.file;
    assert_eq!(
        file("logfile = a.log\nlog_dir = /l\n"),
        Some("/l/a.log".into())
    );
    assert_eq!(file("log_dir = /l\n"), Some("/l/caso-extract.log".into()));
    assert_eq!(file("log_file =\n"), None);
    let syslog = Site::new("[DEFAULT]\nuse_syslog = on\nsyslog_log_facility = local1\n")
        .load()
        .logging
        .syslog;
    assert_eq!(syslog.unwrap().code, 17);
}

#[test]
fn the_cache_follows_systemd() {
    let cache = |text: &str| {
        Site::new(text)
            .variable("CACHE_DIRECTORY", "/c:/d")
            .load()
            .cache_dirs
    };
    assert_eq!(
        cache("[DEFAULT]\nspooldir = /s\n"),
        [PathBuf::from("/c"), "/s/cache".into()]
    );
    assert_eq!(
        cache("[DEFAULT]\ncache_dir = $spooldir/x\nspooldir = /s\n"),
        [PathBuf::from("/s/x")]
    );
}

#[test]
fn a_tag_may_be_turned_off() {
    assert_eq!(
        Site::new("[DEFAULT]\ncaso_tag =\n").load().clouds[0].caso_tag,
        None
    );
}

#[test]
fn a_broken_file_does_not_hide_the_others_errors() {
    let site = Site::new("[DEFAULT]\nnonsense\n").variable("OS_DEFAULT__DRY_RUN", "x");
    assert_eq!(site.errors().len(), 2);
}

#[test]
fn ceilometer_stands_in_the_place_of_nova() {
    let both = Site::new("[DEFAULT]\nextractor = nova, cinder, ceilometer\n");
    let config = both.load();
    assert_eq!(
        config.clouds[0].extractors,
        [Extractor::Cinder, Extractor::Ceilometer]
    );
    assert_eq!(both.warnings().len(), 1);
    assert!(both.warnings()[0].contains("`nova` does not run"));
    let alone = Site::new("[DEFAULT]\nextractor = ceilometer\n");
    assert_eq!(alone.warnings(), Vec::<String>::new());
    assert_eq!(alone.load().clouds[0].extractors, [Extractor::Ceilometer]);
}

#[test]
fn counters_are_chosen_by_a_word() {
    assert_eq!(Site::new("").load().counters, CounterOptions::default());
    let chosen = Site::new("[ceilometer]\nsource = gnocchi\nreading = largest\n");
    assert_eq!(
        chosen.load().counters,
        CounterOptions {
            source: CounterSource::Gnocchi,
            reading: CounterReading::Largest,
        }
    );
    let wrong = Site::new("[ceilometer]\nsource = metric\n").errors();
    assert_eq!(wrong.len(), 1);
    assert!(
        wrong[0].contains("`metric`") && wrong[0].contains("gnocchi"),
        "{wrong:?}"
    );
}
