//! What a flavor's extra specs say for accounting.

use caso_component::log;

use crate::policy::Policy;
use crate::usage::Flavor;

/// Accounting properties of a flavor.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Properties {
    pub benchmark: Option<Benchmark>,
    pub accelerator: Option<Accelerator>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Benchmark {
    pub name: String,
    pub value: f64,
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

fn benchmark(policy: &Policy, flavor: &Flavor) -> Option<Benchmark> {
    let name_key = &policy.benchmark_name_key;
    let value_key = &policy.benchmark_value_key;
    match (spec(flavor, name_key), spec(flavor, value_key)) {
        (Some(name), Some(value)) => Some(Benchmark {
            name: name.to_owned(),
            value: number(flavor, value_key, value, "no benchmark is recorded")?,
        }),
        (None, None) => {
            log::debug(&format!("flavor {} names no benchmark", title(flavor)));
            None
        }
        (name, _) => {
            let (has, lacks) = match name {
                Some(_) => (name_key, value_key),
                None => (value_key, name_key),
            };
            log::warning(&format!(
                "flavor {} has `{has}` but not `{lacks}`: no benchmark is recorded for its VMs",
                title(flavor)
            ));
            None
        }
    }
}

fn accelerator(policy: &Policy, flavor: &Flavor) -> Option<Accelerator> {
    let kind = spec(flavor, &policy.accelerator_type_key)?;
    let vendor = spec(flavor, &policy.accelerator_vendor_key)?;
    let model = spec(flavor, &policy.accelerator_model_key)?;
    let key = &policy.accelerator_number_key;
    let count = number(
        flavor,
        key,
        spec(flavor, key)?,
        "no accelerators are recorded",
    )?;
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
    fn benchmark_needs_both_keys_and_a_number() {
        let name = ("accounting:benchmark_type", "HEPscore23");
        let value = |text| ("accounting:benchmark_value", text);
        let full = read(&[name, value("15.7")]).benchmark.unwrap();
        assert_eq!((full.name.as_str(), full.value), ("HEPscore23", 15.7));
        for specs in [
            vec![name],
            vec![value("15.7")],
            vec![name, value("fast")],
            vec![name, value("nan")],
            vec![name, value("-1")],
            vec![name, value("")],
            vec![],
        ] {
            assert_eq!(read(&specs).benchmark, None, "{specs:?}");
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
