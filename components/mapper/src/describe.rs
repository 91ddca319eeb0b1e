//! What the mapper declares to the host: its options and the record types it makes.

use crate::bindings::exports::caso::accounting::description::{
    ComponentDescription, OptionDescription, OptionKind,
};
use crate::policy::Policy;

/// The description. The defaults of the options are those of [`Policy`].
#[must_use]
pub fn describe() -> ComponentDescription {
    let policy = Policy::default();
    let types = ["cloud", "accelerator", "ip", "storage", "energy"];
    ComponentDescription {
        name: "mapper".to_owned(),
        summary: "Maps usage to accounting records as cASO does".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        record_types: types.map(str::to_owned).to_vec(),
        options: options(&policy),
        capabilities: Vec::new(),
        packing_option: None,
        attributes: Vec::new(),
    }
}

fn options(policy: &Policy) -> Vec<OptionDescription> {
    let key = |name: &str, old: &str, default: &str, what: &str| OptionDescription {
        name: name.to_owned(),
        kind: OptionKind::Text,
        default: Some(default.to_owned()),
        required: false,
        help: format!("Extra spec of a flavor that holds {what}."),
        old_names: vec![format!("DEFAULT.{old}")],
        attributes: Vec::new(),
    };
    vec![
        key(
            "benchmark.name_key",
            "benchmark_name_key",
            &policy.benchmark_name_key,
            "the name of its benchmark",
        ),
        key(
            "benchmark.value_key",
            "benchmark_value_key",
            &policy.benchmark_value_key,
            "the value of its benchmark",
        ),
        key(
            "accelerator.type_key",
            "accelerator_type_key",
            &policy.accelerator_type_key,
            "the type of its accelerators",
        ),
        key(
            "accelerator.vendor_key",
            "accelerator_vendor_key",
            &policy.accelerator_vendor_key,
            "the vendor of its accelerators",
        ),
        key(
            "accelerator.model_key",
            "accelerator_model_key",
            &policy.accelerator_model_key,
            "the model of its accelerators",
        ),
        key(
            "accelerator.number_key",
            "accelerator_number_key",
            &policy.accelerator_number_key,
            "the number of its accelerators, a fraction where VMs share one",
        ),
        OptionDescription {
            name: "prometheus.cpu_normalization_factor".to_owned(),
            kind: OptionKind::Number,
            default: Some("1.0".to_owned()),
            required: false,
            help: "Factor by which measured energy is multiplied.".to_owned(),
            old_names: Vec::new(),
            attributes: Vec::new(),
        },
        OptionDescription {
            name: "record_never_launched".to_owned(),
            kind: OptionKind::Boolean,
            default: Some("true".to_owned()),
            required: false,
            help: "Whether a VM that was never launched (a build that failed) gets a cloud \
                   record of no duration, as cASO gives it one."
                .to_owned(),
            old_names: Vec::new(),
            attributes: Vec::new(),
        },
        OptionDescription {
            name: "month_ends".to_owned(),
            kind: OptionKind::Boolean,
            default: Some("true".to_owned()),
            required: false,
            help: "Whether a VM that runs across a month's end gets one more cloud record, as of \
                   the last second of that month. Without it APEL books the time between the \
                   last run of a month and its end to the month of the next run, as with cASO \
                   up to 5.2.2."
                .to_owned(),
            old_names: Vec::new(),
            attributes: Vec::new(),
        },
    ]
}
