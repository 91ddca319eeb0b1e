//! `caso support`: what a maintainer gets, and what nobody gets.

use std::fs;
use std::path::Path;

use caso_stand_in::{Cloud, Plan};
use caso_tests::site::Site;

/// Name and text of every file of the folder.
fn gathered(folder: &Path) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = fs::read_dir(folder)
        .expect("the folder")
        .map(|entry| {
            let path = entry.expect("a file").path();
            let name = path.file_name().expect("a name").display().to_string();
            (name, fs::read_to_string(&path).expect("a text"))
        })
        .collect();
    found.sort();
    found
}

/// Wherever a site wrote it, and whatever it called it.
#[test]
fn no_secret_of_any_spelling_is_in_it_and_what_helps_is() {
    let cloud = Cloud::start(Plan::generated(1, 2));
    let mut site = Site::at(&cloud);
    let log = site.path().join("caso.log");
    let token = site.path().join("token");
    fs::write(&token, "Sfile-tok3n-of-a-component\n").expect("a file");
    site.set("DEFAULT", "log_file", &log.display().to_string());
    site.extract_october().expect(0);
    for (section, option, value) in [
        ("keystone_auth", "pasword", "Smisspelt-pw"),
        ("keystone_auth", "OS_PASSWD", "Sanother-pw"),
        ("keystone_auth", "client_secret", "Sclient/secr3t"),
        (
            "keystone_auth",
            "application_credential_secret",
            "Sapp-cred",
        ),
        (
            "prometheus",
            "prometheus_endpoint",
            "https://reader:Surl-pw@prometheus.example.org",
        ),
        ("mine", "api_key", "Sapi-key"),
        ("mine", "private-key", "Sprivate-key"),
        ("mine", "auth_token_file", &token.display().to_string()),
    ] {
        site.set(section, option, value);
    }
    let mut lines = fs::read_to_string(&log).expect("the log");
    lines += "a component said Smisspelt-pw and Sclient%2Fsecr3t and reader:Surl-pw@\n\
              {\"message\": \"{\\\"password\\\": \\\"Sjson-pw\\\"}\"}\n\
              X-Auth-Token: Sheader-token\n\
              Authorization: Basic Sbasic1234567890\n\
              GET https://u:Sother-url-pw@example.org/\n\
              got gAAAAABSfernetSfernetSfernetSfernet\n\
              -----BEGIN PRIVATE KEY-----\nSpem\n-----END PRIVATE KEY-----\n";
    fs::write(&log, lines).expect("the log");
    let folder = site.path().join("gathered");
    let told = site
        .start("caso", &["support"], &[&folder.display().to_string()])
        .finish()
        .expect(0);
    assert!(
        told.stdout.contains("next  read it, then tar -czf"),
        "{told}"
    );
    let files = gathered(&folder);
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "check.txt",
            "config.txt",
            "ledger.jsonl",
            "log.txt",
            "queue.json",
            "spool.txt",
            "status.json",
            "versions.txt"
        ]
    );
    for (name, text) in &files {
        assert!(!text.is_empty(), "{name}");
        for secret in [
            "Smisspelt-pw",
            "Sanother-pw",
            "Sclient/secr3t",
            "Sclient%2Fsecr3t",
            "Sapp-cred",
            "Surl-pw",
            "Sapi-key",
            "Sprivate-key",
            "Sfile-tok3n",
            "Sjson-pw",
            "Sheader-token",
            "Sbasic",
            "Sother-url-pw",
            "Sfernet",
            "Spem",
        ] {
            assert!(!text.contains(secret), "{secret} is in {name}:\n{text}");
        }
    }
    let text = |name: &str| {
        let found = files.iter().find(|(known, _)| known == name);
        found.map(|(_, text)| text.clone()).unwrap_or_default()
    };
    assert!(
        text("config.txt").contains("\nsite_name = "),
        "{}",
        text("config.txt")
    );
    assert!(
        text("log.txt").contains("a component said *** and *** and"),
        "{}",
        text("log.txt")
    );
    assert!(
        text("ledger.jsonl").contains("\"windows\""),
        "{}",
        text("ledger.jsonl")
    );
    assert!(text("status.json").contains("\"cursors\""));
    assert!(text("spool.txt").contains("caso-journal"));
    assert!(text("versions.txt").starts_with("caso "));
    // Nobody else on this machine reads it, and what is there stays.
    use std::os::unix::fs::MetadataExt as _;
    assert_eq!(fs::metadata(&folder).expect("it").mode() & 0o777, 0o700);
    site.start("caso", &["support"], &[&folder.display().to_string()])
        .finish()
        .expect(1)
        .says("cannot make the folder");
}

/// That is when help is needed; and nobody knows then what to look for in a log.
#[test]
fn a_configuration_that_cannot_be_used_is_told_and_the_log_stays() {
    let cloud = Cloud::start(Plan::generated(1, 1));
    let mut site = Site::at(&cloud);
    site.set("DEFAULT", "concurrency", "none at all");
    let folder = site.path().join("gathered");
    site.start("caso", &["support"], &[&folder.display().to_string()])
        .finish()
        .expect(0);
    let files = gathered(&folder);
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["check.txt", "versions.txt"]);
    assert!(
        files[0]
            .1
            .contains("`[DEFAULT] concurrency` is `none at all`")
    );
}
