//! `[prometheus]`.

use super::*;
use caso_model::component::{Description, OptionDescription, OptionKind, OptionValue};
use caso_model::secret::{MASK, Secret};

fn read(text: &str) -> PrometheusConfig {
    let config = Site::new(&format!("[prometheus]\n{text}")).load();
    config.clouds[0].prometheus.clone().unwrap()
}

fn errors(text: &str) -> Vec<String> {
    Site::new(&format!("[prometheus]\n{text}")).errors()
}

#[test]
fn defaults_are_casos() {
    let read = read("");
    assert_eq!(read.endpoint.as_str(), "http://localhost:9090/");
    assert_eq!(read.metric, "prometheus_value");
    assert_eq!(read.uuid_label, "uuid");
    let label = (
        "type_instance".to_owned(),
        "scaph_process_power_microwatts".to_owned(),
    );
    assert_eq!(read.labels, [label]);
    assert_eq!((read.step, read.insecure), (30, false));
    assert_eq!(read.login, None);
    assert!(read.sum_labels.is_empty());
}

#[test]
fn labels_are_names_and_values() {
    let read = read("labels = a : b:c , d:\n");
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(read.labels, [pair("a", "b:c"), pair("d", "")]);
    assert_eq!(self::read("labels =\n").labels, []);
    for (line, expected) in [
        ("labels = a", "a list of labels, each as name:value"),
        ("labels = 1a:b", "names of labels"),
        ("labels = a{:b", "names of labels"),
        ("vm_uuid_label_name = a-b", "names of labels"),
        ("prometheus_sum_labels = pid, a b", "names of labels"),
        ("prometheus_metric_name =", "the name of a metric"),
        (
            "prometheus_step_seconds = 0",
            "a whole number from 1 to 3600",
        ),
    ] {
        let errors = errors(line);
        assert!(
            errors.len() == 1 && errors[0].contains(expected),
            "{errors:?}"
        );
    }
}

#[test]
fn a_user_comes_with_a_password() {
    let text = |text: &str| LoginSecret::Text(Secret::new(text));
    for (lines, user, password) in [
        (
            "prometheus_endpoint = https://u%40v:p%3Aw@h/x\n",
            "u@v",
            text("p:w"),
        ),
        (
            "prometheus_username = u\nprometheus_password = p\n",
            "u",
            text("p"),
        ),
        (
            "prometheus_username = u\nprometheus_password_file = /p\n",
            "u",
            LoginSecret::File("/p".into()),
        ),
    ] {
        let read = read(lines);
        let user = user.to_owned();
        assert_eq!(read.login, Some(BasicLogin { user, password }));
        assert!(!format!("{read:?}").contains("p:w"), "{read:?}");
        assert!(!read.endpoint.as_str().contains('@'));
    }
    let errors = errors("prometheus_username = u\n");
    assert!(
        errors[0].contains("`prometheus_password_file`"),
        "{errors:?}"
    );
}

#[test]
fn an_address_with_a_password_is_not_shown() {
    for good in ["https://u:hunter2@h", "ftp://u:hunter2@h"] {
        let site = Site::new(&format!("[prometheus]\nprometheus_endpoint = {good}\n"));
        let text = match load(&site.inputs) {
            Ok(config) => format!("{:?}", config.values),
            Err(errors) => errors.to_string(),
        };
        assert!(!text.contains("hunter2"), "{text}");
        assert!(text.contains(MASK), "{text}");
    }
}

#[test]
fn trust_in_anybody_is_worth_a_warning() {
    let site = Site::new("[prometheus]\nprometheus_verify_ssl = no\n");
    let warnings = site.warnings();
    assert!(
        warnings[0].contains("set `prometheus_cafile`"),
        "{warnings:?}"
    );
}

/// The factor is the mapper's, and nobody else's.
#[test]
fn the_mapper_has_an_option_in_the_section() {
    let site = Site::new(
        "[DEFAULT]\nmessengers = mine\n[messenger_mine]\ncomponent = /m.wasm\n\
         [prometheus]\ncpu_normalization_factor = 2\nlabel = a:b\n",
    );
    let config = site.load();
    let warnings = site.warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].contains("did you mean `labels`?"),
        "{warnings:?}"
    );
    let description = |option: &str| Description {
        name: "any".into(),
        summary: String::new(),
        version: String::new(),
        record_types: Vec::new(),
        options: vec![OptionDescription {
            name: option.into(),
            kind: OptionKind::Number,
            default: None,
            required: false,
            help: String::new(),
            old_names: Vec::new(),
            attributes: Vec::new(),
        }],
        capabilities: Vec::new(),
        packing_option: None,
        attributes: Vec::new(),
    };
    let factor = description("prometheus.cpu_normalization_factor");
    let settings = component_settings(&config, &config.mapper, &factor).unwrap();
    assert_eq!(settings.settings[0].value, OptionValue::Number(2.0));
    let messenger = &config.messengers[0].component;
    assert!(component_settings(&config, messenger, &factor).is_err());
    let password = description("prometheus.prometheus_password");
    assert!(component_settings(&config, &config.mapper, &password).is_err());
}
