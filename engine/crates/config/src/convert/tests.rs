use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::tests::Site;
use crate::{Config, RecordTypes, ShownValue, load};

/// The conversion of a site's caso.conf.
fn conversion(site: &Site) -> Result<Converted, ConfigErrors> {
    convert(&site.inputs, None)
}

/// The site with its caso.conf converted, and moved away.
fn converted(site: &Site) -> Converted {
    let out = conversion(site).unwrap_or_else(|errors| panic!("{errors}"));
    let folder = site.folder.path().join("etc/caso");
    std::fs::rename(folder.join("caso.conf"), folder.join("caso.old")).unwrap();
    std::fs::write(folder.join("caso.toml"), &out.text).unwrap();
    out
}

/// What a configuration says, but for where it says it.
fn meaning(mut config: Config) -> String {
    for messenger in &mut config.messengers {
        messenger.component.origin = Origin::Default;
        if let RecordTypes::These { origin, .. } = &mut messenger.record_types {
            *origin = Origin::Default;
        }
        for grant in &mut messenger.grants {
            grant.origin = Origin::Default;
        }
    }
    config.mapper.origin = Origin::Default;
    config.files.clear();
    config.warnings.clear();
    let values: Vec<(String, String, Option<String>)> = std::mem::take(&mut config.values)
        .into_iter()
        .map(|value: ShownValue| {
            // A class path and its name, and how a list or a truth is written.
            let text = value.value.map(|text| match value.option.as_str() {
                "messengers" => String::new(),
                // Once assumed, now written.
                "auth_type" => String::new(),
                _ => plain(&text),
            });
            let text = text.filter(|text| !text.is_empty());
            (value.section, value.option, text)
        })
        .collect();
    format!("{config:#?}\n{values:#?}")
}

fn plain(text: &str) -> String {
    // `1` is how a truth may be written, too.
    if let Ok(on) = value::boolean(text) {
        return on.to_string();
    }
    if let Ok(Some(number)) = value::integer(text, i64::MIN, i64::MAX) {
        return number.to_string();
    }
    let mut texts = value::texts(text);
    texts.retain(|text| !text.is_empty());
    texts.join(",")
}

/// The lines in which two texts differ.
fn differences(before: &str, after: &str) -> Vec<String> {
    let (mut one, mut other) = (before.lines(), after.lines());
    let mut out = Vec::new();
    loop {
        match (one.next(), other.next()) {
            (None, None) => return out,
            (one, other) if one != other && out.len() < 9 => {
                out.push(format!("{one:?} became {other:?}"));
            }
            _ => {}
        }
    }
}

#[track_caller]
fn same(text: &str) -> Converted {
    let site = Site::new(text);
    let before = meaning(site.load());
    let out = converted(&site);
    let after = load(&site.inputs).unwrap_or_else(|errors| panic!("{errors}\n{}", out.text));
    let names: Vec<&str> = after.warnings.iter().map(|w| w.key.as_str()).collect();
    assert!(
        names
            .iter()
            .all(|id| !id.starts_with("old-") && !id.starts_with("ignored:")),
        "{names:?}\n{}",
        out.text
    );
    assert_eq!(
        differences(&before, &meaning(after)),
        Vec::<String>::new(),
        "{}",
        out.text
    );
    out
}

#[test]
fn an_old_site_becomes_one_of_today() {
    let out = same(
        "[DEFAULT]\nmessengers = caso.messenger.ssm.SsmMessager, logstash\nsite_name = FOO\n\
         service_name = $site_name-cloud\ntenants = a, b\nbenchmark_name_key = x\nverbose = true\n\
         page_size = 0500\nlock_timeout = 90\ndelivery_timeout = 15m\ndebug = on\nnonsense = 1\n\
         [messenger_ssmv4]\nrecord_types = cloud,ip\nmemory = 64MiB\n\
         [SSM]\noutput_path = /var/spool/x\nmax_size = 100\n\
         [keystone_auth]\nauth_type = v3password\nauth_url = https://k\nuser_id = u\npassword = wo$$rd'\"\\x\n",
    );
    assert_eq!(
        out.text,
        "[DEFAULT]\nmessengers = [\"ssm\", \"logstash\"]\nsite_name = \"FOO\"\nservice_name = \"FOO-cloud\"\n\
         projects = [\"a\", \"b\"]\npage_size = 500\nlock_timeout = 90\ndelivery_timeout = \"15m\"\ndebug = true\n\n\
         [benchmark]\nname_key = \"x\"\n\n\
         [messenger_ssm]\nrecord_types = [\"cloud\", \"ip\"]\nmemory = \"64MiB\"\n\n\
         [ssm]\noutput_path = \"/var/spool/x\"\nmax_size = \"100\"\n\n\
         [keystone_auth]\nauth_type = \"v3password\"\nauth_url = \"https://k\"\nuser_id = \"u\"\n\
         password = '''wo$rd'\"\\x'''\n"
    );
    assert_eq!(out.secrets, ["[keystone_auth] password"]);
    let remarks = out.remarks.join("\n");
    assert_eq!(out.remarks.len(), 3, "{remarks}");
    assert!(
        remarks.contains("was `$site_name-cloud` and is now `FOO-cloud`"),
        "{remarks}"
    );
    assert!(
        remarks.contains("`[DEFAULT] verbose` has no effect"),
        "{remarks}"
    );
    assert!(
        remarks.contains("`[DEFAULT] nonsense` is not an option"),
        "{remarks}"
    );
}

#[test]
fn the_first_casos_login_keeps_its_type() {
    same(
        "[DEFAULT]\nsite_name = F\n[extractor]\nuser = u\npassword = p\nendpoint = https://k/v3\n\
          mapping_file = /m.json\ninsecure = no\n[keystone_auth]\nuser_domain_name = D\n",
    );
}

#[test]
fn clouds_keep_their_sections() {
    let out = same(
        "[DEFAULT]\nsite_name = F\nclouds = default, prod\nservice_name = ${site_name}X\n\
         region_name = A, B\n[cloud_prod]\nkeystone = mine\ntenants = p\nsite_name = G\n\
         [keystone_auth]\nauth_type = v3password\nauth_url = https://k\nuser_id = u\npassword = p\n\
         [mine]\nauth_section = other\ntimeout = 5\n\
         [other]\nauth_type = v3password\nauth_url = https://l\nuser_id = u\npassword = p\ntenant_name = t\n",
    );
    assert!(
        out.text.contains("[cloud_prod]\nkeystone = \"mine\"\nprojects = [\"p\"]\nsite_name = \"G\"\nservice_name = \"GX\"\n"),
        "{}",
        out.text
    );
}

#[test]
fn what_cannot_be_written_out_is_an_error() {
    let site = Site::new("[DEFAULT]\nsite_name = $nobody\n");
    let error = conversion(&site).unwrap_err();
    assert_eq!(
        site.short(&error.to_string()),
        "`caso.conf:2`: `[DEFAULT] site_name`: `$nobody` is not an option; write `$$` for a dollar"
    );
}

#[test]
fn without_a_file_there_must_be_one_to_find() {
    let site = Site::new("");
    let folder = site.folder.path().join("etc/caso");
    std::fs::write(folder.join("caso-extract.conf"), "").unwrap();
    let error = conversion(&site).unwrap_err().to_string();
    assert!(error.starts_with("name one of"), "{error}");
    std::fs::remove_file(folder.join("caso-extract.conf")).unwrap();
    std::fs::remove_file(folder.join("caso.conf")).unwrap();
    let error = conversion(&site).unwrap_err().to_string();
    assert!(error.starts_with("no caso.conf was found"), "{error}");
}

/// Every odd file that oslo itself was tried with.
#[test]
fn every_file_of_the_corpus_means_the_same_as_toml() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/config/corpus");
    let mut compared = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_conf = path.extension().is_some_and(|end| end == "conf");
        let Some(text) = std::fs::read_to_string(&path).ok().filter(|_| is_conf) else {
            continue;
        };
        let site = Site::new(&text);
        let Ok(before) = load(&site.inputs) else {
            continue;
        };
        let Ok(out) = conversion(&site) else {
            panic!("{}: loads and cannot be converted", path.display());
        };
        converted(&site);
        let after = load(&site.inputs)
            .unwrap_or_else(|errors| panic!("{}: {errors}\n{}", path.display(), out.text));
        let differences = differences(&meaning(before), &meaning(after));
        assert!(
            differences.is_empty(),
            "{}: {differences:?}\n{}",
            path.display(),
            out.text
        );
        compared += 1;
    }
    assert!(compared > 30, "{compared}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Any text that INI takes comes back as it was.
    #[test]
    fn any_text_survives(text in "[!-~ é\t]{1,30}", list in prop::collection::vec("[a-z$'\"\\\\]{1,5}", 0..4)) {
        let ini = format!(
            "[DEFAULT]\nsite_name = {}\nprojects = {}\n[mine]\nx = {}\n",
            text.replace('\\', "/").replace('$', "$$"),
            list.join(",").replace('\\', "/").replace('$', "$$"),
            text.replace('\\', "/").replace('$', "$$"),
        );
        let site = Site::new(&ini);
        if let Ok(before) = load(&site.inputs) {
            converted(&site);
            let after = load(&site.inputs);
            prop_assert!(after.is_ok(), "{:?}", after.err());
            let differences = differences(&meaning(before), &meaning(after.unwrap()));
            prop_assert!(differences.is_empty(), "{:?}", differences);
        }
    }
}
