use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::ini;
use crate::sources::{SourceFile, Sources};
use crate::tests::told;

fn read_text(text: &str) -> (Vec<MessengerInstance>, Vec<String>, Vec<Notice>) {
    let file = SourceFile {
        path: Arc::new("f".into()),
        ini: ini::parse(text).unwrap(),
    };
    let sources = Sources {
        files: vec![file],
        builtin_messengers: ["ssm", "logstash", "noop", "greendigit_cim"]
            .map(String::from)
            .into(),
        ..Sources::default()
    };
    let mut reader = Reader::new(&sources);
    let mut warnings = Vec::new();
    let instances = read(&mut reader, &mut warnings);
    let errors = reader.errors.finish::<()>(None).unwrap_err().0;
    (
        instances.instances,
        errors.iter().map(told).collect(),
        warnings,
    )
}

fn names(list: &str) -> Vec<String> {
    let (instances, errors, _) = read_text(&format!("[DEFAULT]\nmessengers = {list}\n"));
    assert_eq!(errors, Vec::<String>::new());
    instances
        .iter()
        .map(|instance| instance.name().to_owned())
        .collect()
}

#[test]
fn every_name_of_six_versions() {
    assert_eq!(
        names("ssm,ssmv2,logstash,noop"),
        ["ssm", "ssmv2", "logstash", "noop"]
    );
    assert_eq!(
        names("caso.messenger.ssm.SsmMessager, caso.messenger.noop.NoopMessenger"),
        ["ssm", "noop"]
    );
    assert_eq!(names("caso.messenger.ssm.SSMMessengerV02"), ["ssmv2"]);
    assert_eq!(
        names("ssmv4, ssm, caso.messenger.ssm.SSMMessengerV04"),
        ["ssm"]
    );
}

#[test]
fn the_second_version_of_ssm() {
    let (instances, _, _) =
        read_text("[DEFAULT]\nmessengers = ssmv2\n[messenger_ssmv2]\nmemory = 8MiB\n");
    let component = &instances[0].component;
    assert_eq!(component.source, ComponentSource::BuiltIn("ssm".into()));
    assert_eq!(component.section, "ssm");
    assert_eq!(
        component.implied,
        [("cloud_version".to_owned(), "0.2".to_owned())]
    );
    // v0.2 knew nothing else.
    assert!(
        matches!(&instances[0].record_types, RecordTypes::These { names, .. } if names == &["cloud"])
    );
    assert_eq!(component.limits.memory, 8 << 20);
    assert_eq!(component.limits.timeout, Duration::from_secs(60));
}

#[test]
fn record_types() {
    let types = |text: &str| read_text(text).0[0].record_types.clone();
    // The four that it describes.
    assert_eq!(
        types("[DEFAULT]\nmessengers = ssm\n"),
        RecordTypes::Described
    );
    // It describes more than a third party should be given unasked.
    assert!(
        matches!(types("[DEFAULT]\nmessengers = greendigit_cim\n"), RecordTypes::These { names, .. } if names == ["energy"])
    );
    assert_eq!(
        types("[DEFAULT]\nmessengers = ssm\n[messenger_ssm]\nrecord_types =\n"),
        RecordTypes::All
    );
    assert_eq!(
        types("[DEFAULT]\nmessengers = noop\n"),
        RecordTypes::Described
    );
    let old = types("[DEFAULT]\nmessengers = ssmv4\n[messenger_ssmv4]\nrecord_types = cloud\n");
    assert!(matches!(old, RecordTypes::These { names, .. } if names == ["cloud"]));
}

#[test]
fn a_component_of_ones_own() {
    let digest = "AB".repeat(32);
    let (instances, errors, _) = read_text(&format!(
        "[DEFAULT]\nmessengers = mine, ssm2\n[messenger_mine]\ncomponent = /x/mine.wasm\nsha256 = {digest}\n\
         grants = queue outgoing /q,\n  connection server h:1\n[messenger_ssm2]\ncomponent = ssm\n"
    ));
    assert_eq!(errors, Vec::<String>::new());
    assert_eq!(
        instances[0].component.source.file(),
        Some("/x/mine.wasm".as_ref())
    );
    assert_eq!(instances[0].component.sha256, Some(digest.to_lowercase()));
    let grants: Vec<_> = instances[0]
        .grants
        .iter()
        .map(|grant| grant.text.as_str())
        .collect();
    assert_eq!(grants, ["queue outgoing /q", "connection server h:1"]);
    assert_eq!(
        instances[1].component.source,
        ComponentSource::BuiltIn("ssm".into())
    );
    assert_eq!(instances[1].component.section, "ssm2");
}

#[test]
fn names_that_are_refused() {
    for (list, word) in [
        ("keystone_auth", "another meaning"),
        ("messenger_ssm", "another meaning"),
        ("prometheus", "another meaning"),
        ("benchmark", "another meaning"),
        ("Prometheus", "another meaning"),
        ("ceilometer", "another meaning"),
        ("cloud_x", "another meaning"),
        ("keystone_auth_x", "another meaning"),
        ("keystone_authtoken", "another meaning"),
        ("extractor", "another meaning"),
        ("mapper", "another meaning"),
        ("default", "another meaning"),
        ("oslo_concurrency", "another meaning"),
        ("../x", "cannot name"),
        ("ssm,,noop", "empty"),
        ("logstahs", "did you mean `logstash`?"),
        ("caso.messenger.Other", "was never a messenger of cASO"),
        ("caso.messenger.Other", "`greendigit_cim`"),
    ] {
        let (_, errors, _) = read_text(&format!("[DEFAULT]\nmessengers = {list}\n"));
        assert!(
            errors[0].starts_with("`f:2`") && errors[0].contains(word),
            "{errors:?}"
        );
    }
}

/// It took `ssm`'s place, and nobody was told.
#[test]
fn a_component_of_ones_own_has_no_former_name_of_another() {
    for (named, section, present) in [
        ("ssmv4", "ssmv4", "ssm"),
        ("ssm", "ssmv4", "ssm"),
        ("SSMv4", "ssmv4", "ssm"),
        ("ssmv2", "ssmv2", "ssm"),
    ] {
        let (instances, errors, _) = read_text(&format!(
            "[DEFAULT]\nmessengers = {named}\n[messenger_{section}]\ncomponent = /x/mine.wasm\n"
        ));
        let [error] = &errors[..] else {
            panic!("{named}: {errors:?}");
        };
        assert!(error.starts_with("`f:4`"), "{error}");
        let words = format!("`{section}` is an old name of the built-in `{present}`");
        assert!(error.contains(&words), "{error}");
        assert!(error.contains("choose another name"), "{error}");
        assert!(instances.is_empty());
    }
    // What is said openly is meant.
    let text = "[DEFAULT]\nmessengers = ssm, ssmv2\n[messenger_ssm]\ncomponent = /x/mine.wasm\n\
                [messenger_ssmv2]\ncomponent = ssm\n";
    assert_eq!(read_text(text).1, Vec::<String>::new());
}

#[test]
fn a_name_that_means_something_else_is_known() {
    let builtin = ["ssm", "greendigit_cim"].map(String::from);
    for (name, words) in [
        ("ssmv4", "an old name of the built-in `ssm`"),
        ("SSMv2", "an old name of the built-in `ssm`"),
        ("anonymise", "a built-in filter"),
        ("ssm", "`ssm` is a built-in messenger"),
        ("greendigit_cim", "a built-in messenger"),
        ("greendigit-cim", "taken for the built-in `greendigit_cim`"),
    ] {
        let stands_for = names::stands_for(name, &builtin);
        assert!(stands_for.unwrap().contains(words), "{name}");
    }
    for name in ["mine", "my_ssm", "ssmv3"] {
        assert_eq!(names::stands_for(name, &builtin), None, "{name}");
    }
}

#[test]
fn bad_host_keys_are_all_reported() {
    let (_, errors, _) = read_text(
        "[DEFAULT]\nmessengers = ssm\n[messenger_ssm]\nmemory = lots\ntimeout = soon\nsha256 = 12\n",
    );
    assert_eq!(errors.len(), 3, "{errors:?}");
}

#[test]
fn a_filter_has_limits_of_its_own() {
    let text = "[DEFAULT]\nmessengers = ssm\n[mapper]\ndeadline = 1s\n[messenger_ssm]\nfilters = anonymise, f\n\
                deadline = 2s\n[filter_f]\ncomponent = anonymise\ndeadline = 3s\ntimeout = 4s\nmemory = 5MiB\n";
    let (instances, errors, _) = read_text(text);
    assert_eq!(errors, Vec::<String>::new());
    let limits: Vec<(u64, u64, u64)> = instances[0]
        .filters
        .iter()
        .map(|filter| &filter.limits)
        .map(|it| (it.memory >> 20, it.timeout.as_secs(), it.deadline.as_secs()))
        .collect();
    assert_eq!(limits, [(64, 60, 10), (5, 4, 3)]);
}

/// The place is the line of `filters`, not of `messengers`.
#[test]
fn a_filter_that_is_a_messenger_is_refused_where_it_stands() {
    let text = "[DEFAULT]\nmessengers = ssm, noop\n[messenger_ssm]\nfilters = noop\n[filter_noop]\n\
                component = anonymise\n";
    let (_, errors, _) = read_text(text);
    assert_eq!(
        errors,
        [
            "`f:4`: `[messenger_ssm] filters`: `noop` is a filter and a messenger; give one another name"
        ]
    );
}

/// Of most misspelt options a warning is enough; this one would send users' names.
#[test]
fn misspelt_filters_are_refused() {
    let (_, errors, _) =
        read_text("[DEFAULT]\nmessengers = ssm\n[messenger_ssm]\nfilter = anonymise\n");
    assert_eq!(
        errors,
        [
            "`f:4`: `[messenger_ssm] filter`: is not an option, and without `filters` the messenger gets users' names \
             and ids as they are; did you mean `filters`?"
        ]
    );
}

/// What is wrong with a component's own place is told once, by the name that was written.
#[test]
fn a_misspelt_component_is_named() {
    let (_, errors, _) =
        read_text("[DEFAULT]\nmessengers = ssm, mine\n[messenger_mine]\ncompnent = /mine.wasm\n");
    assert_eq!(
        errors,
        [
            "`f:2`: `[DEFAULT] messengers`: no messenger `mine` is built in (there are `ssm`, `logstash`, `noop`, \
             `greendigit_cim`); `f:4`: `[messenger_mine] compnent` is not an option; did you mean `component`?"
        ]
    );
}
