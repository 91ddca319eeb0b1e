//! The accounting properties in a flavor's extra specs.

use caso_component::log;
use caso_component::records::Benchmark;

use crate::policy::Policy;
use crate::usage::Flavor;

/// Accounting properties of a flavor.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Properties {
    /// The benchmark of its VMs. A flavor with only one of name and value is incomplete;
    /// the record then has that one, as in cASO. The value is finite and not negative.
    pub benchmark: Option<Benchmark>,
    /// The accelerators of each of its VMs.
    pub accelerator: Option<Accelerator>,
}

/// Accelerators of each VM of a flavor.
#[derive(Debug, Clone, PartialEq)]
pub struct Accelerator {
    /// `GPU`, for example.
    pub kind: String,
    /// Vendor and model in one text, as in APEL's record.
    pub model: String,
    /// Finite and not negative; 0.5 where two VMs share one.
    pub count: f64,
}

impl Properties {
    /// Reads the extra specs. A value that cannot be used is left out with a warning; the
    /// VM's record is made without it.
    pub fn read(policy: &Policy, flavor: &Flavor) -> Self {
        Self {
            benchmark: benchmark(policy, flavor),
            accelerator: accelerator(policy, flavor),
        }
    }
}

fn benchmark(policy: &Policy, flavor: &Flavor) -> Option<Benchmark> {
    let name_key = &policy.benchmark_name_key;
    let value_key = &policy.benchmark_value_key;
    let name = extra_spec(flavor, name_key);
    let text = extra_spec(flavor, value_key);
    match (name, text) {
        (None, None) => log::debug(&format!("flavor {} has no benchmark", display_name(flavor))),
        (Some(_), None) => warn_incomplete(flavor, name_key, value_key),
        (None, Some(_)) => warn_incomplete(flavor, value_key, name_key),
        (Some(_), Some(_)) => (),
    }
    let value = text.and_then(|text| number(flavor, value_key, text, "no benchmark is recorded"));
    if text.is_some() && value.is_none() {
        return None;
    }
    (name.is_some() || value.is_some()).then(|| Benchmark {
        name: name.map(str::to_owned),
        value,
        attributes: Vec::new(),
    })
}

fn warn_incomplete(flavor: &Flavor, has: &str, lacks: &str) {
    log::warning(&format!(
        "flavor {} has `{has}` but not `{lacks}`: APEL cannot normalize the time of its VMs",
        display_name(flavor)
    ));
}

fn accelerator(policy: &Policy, flavor: &Flavor) -> Option<Accelerator> {
    let keys = [
        &policy.accelerator_type_key,
        &policy.accelerator_vendor_key,
        &policy.accelerator_model_key,
        &policy.accelerator_number_key,
    ];
    let found = keys.map(|key| extra_spec(flavor, key));
    let [Some(kind), Some(vendor), Some(model), Some(count)] = found else {
        let named = |there: bool| {
            let keys = keys.iter().zip(found);
            let keys = keys.filter(|(_, value)| value.is_some() == there);
            let names: Vec<String> = keys.map(|(key, _)| format!("`{key}`")).collect();
            names.join(", ")
        };
        if found.iter().any(Option::is_some) {
            log::warning(&format!(
                "flavor {} has {} but not {}: no accelerators are recorded for its VMs",
                display_name(flavor),
                named(true),
                named(false)
            ));
        }
        return None;
    };
    let key = &policy.accelerator_number_key;
    let count = number(flavor, key, count, "no accelerators are recorded")?;
    Some(Accelerator {
        kind: kind.to_owned(),
        model: format!("{vendor} {model}"),
        count,
    })
}

/// The value of an extra spec. An empty one counts as absent.
fn extra_spec<'a>(flavor: &'a Flavor, key: &str) -> Option<&'a str> {
    flavor
        .extra_specs
        .as_ref()?
        .iter()
        .find(|spec| spec.name == key)
        .map(|spec| spec.value.as_str())
        .filter(|value| !value.is_empty())
}

/// Parses a number that is finite and not negative; else warns, with the consequence.
fn number(flavor: &Flavor, key: &str, text: &str, consequence: &str) -> Option<f64> {
    match text.trim().parse::<f64>() {
        Ok(value) if value.is_finite() && value >= 0.0 => Some(value),
        _ => {
            log::warning(&format!(
                "flavor {} has `{key}` = `{text}`, which is not a number from 0 on: {consequence} \
                 for its VMs",
                display_name(flavor)
            ));
            None
        }
    }
}

/// Name and id, for the log.
fn display_name(flavor: &Flavor) -> String {
    match (&flavor.name, flavor.id.as_str()) {
        (Some(name), "") => format!("`{name}`"),
        (Some(name), id) => format!("`{name}` (`{id}`)"),
        (None, id) => format!("`{id}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn read(specs: &[(&str, &str)]) -> Properties {
        Properties::read(&Policy::default(), &samples::flavor("1", specs))
    }

    const GPU: [(&str, &str); 3] = [
        ("Accelerator:Type", "GPU"),
        ("Accelerator:Vendor", "NVIDIA"),
        ("Accelerator:Model", "A100"),
    ];

    fn gpus(number: &str) -> Option<f64> {
        let mut specs = GPU.to_vec();
        specs.push(("Accelerator:Number", number));
        read(&specs).accelerator.map(|accelerator| {
            assert_eq!(accelerator.model, "NVIDIA A100");
            accelerator.count
        })
    }

    #[test]
    fn benchmark_is_what_is_set_unless_it_is_not_a_number() {
        let name = ("accounting:benchmark_type", "HEPscore23");
        let value = |text| ("accounting:benchmark_value", text);
        for (specs, expected_name, expected_value) in [
            (vec![name, value("15.7")], Some("HEPscore23"), Some(15.7)),
            (vec![name], Some("HEPscore23"), None),
            (vec![name, value("")], Some("HEPscore23"), None),
            (vec![value("15.7")], None, Some(15.7)),
            (vec![name, value("fast")], None, None),
            (vec![name, value("nan")], None, None),
            (vec![name, value("-1")], None, None),
            (vec![], None, None),
        ] {
            let benchmark = read(&specs).benchmark;
            let name = benchmark.as_ref().and_then(|it| it.name.as_deref());
            let value = benchmark.as_ref().and_then(|it| it.value);
            assert_eq!((name, value), (expected_name, expected_value), "{specs:?}");
            let stated = expected_name.is_some() || expected_value.is_some();
            assert_eq!(benchmark.is_some(), stated, "{specs:?}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_logged_with_the_flavors_name() {
        let name = ("accounting:benchmark_type", "HEPscore23");
        let value = ("accounting:benchmark_value", "99");
        for (specs, expected) in [
            (
                vec![name],
                "has `accounting:benchmark_type` but not `accounting:benchmark_value`",
            ),
            (
                vec![value],
                "has `accounting:benchmark_value` but not `accounting:benchmark_type`",
            ),
            (
                vec![name, ("accounting:benchmark_value", "fast")],
                "has `accounting:benchmark_value` = `fast`, which is not a number from 0 on: no \
                 benchmark is recorded for its VMs",
            ),
            (
                vec![name, value, GPU[0], GPU[2]],
                "has `Accelerator:Type`, `Accelerator:Model` but not `Accelerator:Vendor`, \
                 `Accelerator:Number`: no accelerators",
            ),
        ] {
            read(&specs);
            let lines = log::take_lines();
            let [(log::Level::Warning, line)] = &lines[..] else {
                panic!("{lines:?}");
            };
            let flavor = "flavor `m1.sample` (`1`) ";
            assert!(line.starts_with(&format!("{flavor}{expected}")), "{line}");
        }
        read(&[name, value]);
        assert!(log::take_lines().is_empty());
    }

    #[test]
    fn a_flavor_is_named_by_what_it_has() {
        let mut flavor = samples::flavor("", &[]);
        assert_eq!(display_name(&flavor), "`m1.sample`");
        flavor.name = None;
        flavor.id = "1".into();
        assert_eq!(display_name(&flavor), "`1`");
    }

    #[test]
    fn accelerators_may_be_shared() {
        assert_eq!(gpus("2"), Some(2.0));
        assert_eq!(gpus("0.5"), Some(0.5));
        assert_eq!(gpus("two"), None);
        assert_eq!(gpus("-1"), None);
    }

    #[test]
    fn accelerator_needs_all_four_keys() {
        assert_eq!(read(&GPU).accelerator, None);
        assert_eq!(read(&[("Accelerator:Number", "1")]).accelerator, None);
    }

    #[test]
    fn extra_specs_that_may_not_be_read_are_absent() {
        let mut flavor = samples::flavor("1", &GPU);
        flavor.extra_specs = None;
        assert_eq!(
            Properties::read(&Policy::default(), &flavor),
            Properties::default()
        );
    }
}
