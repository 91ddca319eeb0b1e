//! The mapper's options, under the names they have in cASO.

use caso_component::settings::Settings;

/// The choices of a site.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Extra spec of a flavor that names its benchmark.
    pub benchmark_name_key: String,
    /// Extra spec with the benchmark's value.
    pub benchmark_value_key: String,
    /// Extra spec with the accelerator's type.
    pub accelerator_type_key: String,
    /// Extra spec with the accelerator's vendor.
    pub accelerator_vendor_key: String,
    /// Extra spec with the accelerator's model.
    pub accelerator_model_key: String,
    /// Extra spec with the number of accelerators.
    pub accelerator_number_key: String,
    /// Factor by which measured energy is multiplied; finite and greater than zero.
    pub cpu_normalization_factor: f64,
    /// Whether a VM that was never launched gets a cloud record.
    pub record_never_launched: bool,
    /// Whether a VM gets a cloud record as of each month's end in the window too.
    pub month_ends: bool,
}

impl Policy {
    /// Reads the options.
    ///
    /// # Errors
    /// Names the option that is wrong.
    pub fn from_settings(settings: Settings<'_>) -> Result<Self, String> {
        let cpu_normalization_factor = settings.number("prometheus.cpu_normalization_factor")?;
        if !(cpu_normalization_factor.is_finite() && cpu_normalization_factor > 0.0) {
            return Err(format!(
                "option `prometheus.cpu_normalization_factor` must be greater than zero, but is \
                 `{cpu_normalization_factor}`"
            ));
        }
        Ok(Self {
            benchmark_name_key: settings.text("benchmark.name_key")?,
            benchmark_value_key: settings.text("benchmark.value_key")?,
            accelerator_type_key: settings.text("accelerator.type_key")?,
            accelerator_vendor_key: settings.text("accelerator.vendor_key")?,
            accelerator_model_key: settings.text("accelerator.model_key")?,
            accelerator_number_key: settings.text("accelerator.number_key")?,
            cpu_normalization_factor,
            record_never_launched: settings.boolean("record_never_launched")?,
            month_ends: settings.boolean("month_ends")?,
        })
    }
}

impl Default for Policy {
    /// The defaults of cASO 5.2.2, but for what it has not: `month_ends`.
    fn default() -> Self {
        Self {
            benchmark_name_key: "accounting:benchmark_type".to_owned(),
            benchmark_value_key: "accounting:benchmark_value".to_owned(),
            accelerator_type_key: "Accelerator:Type".to_owned(),
            accelerator_vendor_key: "Accelerator:Vendor".to_owned(),
            accelerator_model_key: "Accelerator:Model".to_owned(),
            accelerator_number_key: "Accelerator:Number".to_owned(),
            cpu_normalization_factor: 1.0,
            record_never_launched: true,
            month_ends: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::exports::caso::accounting::description::OptionKind;
    use caso_component::types::{OptionValue, Setting};

    /// The settings that a host makes of the description's defaults.
    fn defaults() -> Vec<Setting> {
        crate::describe()
            .options
            .into_iter()
            .map(|option| {
                let text = option.default.unwrap();
                let value = match option.kind {
                    OptionKind::Number => OptionValue::Number(text.parse().unwrap()),
                    OptionKind::Boolean => OptionValue::Boolean(text == "true"),
                    _ => OptionValue::Text(text),
                };
                Setting {
                    name: option.name,
                    value,
                }
            })
            .collect()
    }

    #[test]
    fn described_defaults_are_the_defaults() {
        assert_eq!(
            Policy::from_settings(Settings(&defaults())),
            Ok(Policy::default())
        );
    }

    #[test]
    fn a_factor_of_zero_is_named() {
        let mut settings = defaults();
        for setting in &mut settings {
            if setting.name == "prometheus.cpu_normalization_factor" {
                setting.value = OptionValue::Number(0.0);
            }
        }
        let error = Policy::from_settings(Settings(&settings)).unwrap_err();
        assert!(
            error.contains("`prometheus.cpu_normalization_factor`"),
            "{error}"
        );
    }
}
