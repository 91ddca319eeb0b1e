//! What a flavor's extra specs say for accounting.

use caso_component::log;

use crate::policy::Policy;
use crate::usage::Flavor;

/// Accounting properties of a flavor.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Properties {
    pub benchmark: Benchmark,
    pub accelerator: Option<Accelerator>,
}

/// Name and value of a benchmark. A flavor with one of them is badly set up, and
/// as in cASO the record then tells the one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Benchmark {
    pub name: Option<String>,
    pub value: Option<f64>,
}

/// Accelerators of each VM of a flavor.
#[derive(Debug, Clone, PartialEq)]
pub struct Accelerator {
    pub kind: String,
    /// Vendor and model, as APEL's record has them: in one text.
    pub model: String,
    /// 0.5 where two VMs share one.
    pub count: f64,
}

impl Properties {
    /// Reads them. A property that can't be used costs what it stands for, with
    /// a warning, and not the VM's record.
    pub fn read(policy: &Policy, flavor: &Flavor) -> Self {
        Self {
            benchmark: benchmark(policy, flavor),
            accelerator: accelerator(policy, flavor),
        }
    }
}

fn benchmark(policy: &Policy, flavor: &Flavor) -> Benchmark {
    let name_key = &policy.benchmark_name_key;
    let value_key = &policy.benchmark_value_key;
    let name = spec(flavor, name_key);
    let text = spec(flavor, value_key);
    match (name, text) {
        (None, None) => log::debug(&format!("flavor {} names no benchmark", title(flavor))),
        (Some(_), None) => half_set(flavor, name_key, value_key),
        (None, Some(_)) => half_set(flavor, value_key, name_key),
        (Some(_), Some(_)) => (),
    }
    let value = text.and_then(|text| number(flavor, value_key, text, "no benchmark is recorded"));
    if text.is_some() && value.is_none() {
        return Benchmark::default();
    }
    Benchmark {
        name: name.map(str::to_owned),
        value,
    }
}

fn half_set(flavor: &Flavor, has: &str, lacks: &str) {
    log::warning(&format!(
        "flavor {} has `{has}` but not `{lacks}`: APEL can't weigh the time of its VMs",
        title(flavor)
    ));
}

fn accelerator(policy: &Policy, flavor: &Flavor) -> Option<Accelerator> {
    let keys = [
        &policy.accelerator_type_key,
        &policy.accelerator_vendor_key,
        &policy.accelerator_model_key,
        &policy.accelerator_number_key,
    ];
    let found = keys.map(|key| spec(flavor, key));
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
                title(flavor),
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

/// An extra spec; one without text counts as none.
fn spec<'a>(flavor: &'a Flavor, key: &str) -> Option<&'a str> {
    flavor
        .extra_specs
        .as_ref()?
        .iter()
        .find(|spec| spec.name == key)
        .map(|spec| spec.value.as_str())
        .filter(|value| !value.is_empty())
}

/// A number that is finite and not negative.
fn number(flavor: &Flavor, key: &str, text: &str, consequence: &str) -> Option<f64> {
    match text.trim().parse::<f64>() {
        Ok(value) if value.is_finite() && value >= 0.0 => Some(value),
        _ => {
            log::warning(&format!(
                "flavor {} has `{key}` = `{text}`, which is no number: {consequence} for its VMs",
                title(flavor)
            ));
            None
        }
    }
}

fn title(flavor: &Flavor) -> String {
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
    fn benchmark_is_what_is_set_unless_it_is_no_number() {
        let name = ("accounting:benchmark_type", "HEPscore23");
        let value = |text| ("accounting:benchmark_value", text);
        for (specs, told_name, told_value) in [
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
            assert_eq!(benchmark.name.as_deref(), told_name, "{specs:?}");
            assert_eq!(benchmark.value, told_value, "{specs:?}");
        }
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
    fn specs_that_may_not_be_read_are_none() {
        let mut flavor = samples::flavor("1", &GPU);
        flavor.extra_specs = None;
        assert_eq!(
            Properties::read(&Policy::default(), &flavor),
            Properties::default()
        );
    }
}
