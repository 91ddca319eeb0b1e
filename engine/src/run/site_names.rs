//! Names of the site that APEL's messages cannot carry. Every record has them, so each would be
//! refused, hour after hour: that is a fault of the configuration, said before anything is
//! extracted. What else a messenger refuses costs one record and lies in quarantine.
//!
//! The rules are those of the messengers themselves (`caso-apel`), so that neither knows better.

use super::remedy::advised;
use caso_apel::rules::{VARCHAR, ascii_id, is_null};
use caso_config::{CloudConfig, ComponentSource, Config};

/// Messengers of messages for APEL.
const APELS: [&str; 2] = ["ssm", "ams"];

/// # Errors
/// A name that no message can carry, where a messenger for APEL is among the messengers.
pub fn check(config: &Config) -> anyhow::Result<()> {
    let mut messengers = config.messengers.iter();
    let is_apels = |source: &ComponentSource| APELS.iter().any(|name| source.is_builtin(name));
    let Some(messenger) = messengers.find(|it| is_apels(&it.component.source)) else {
        return Ok(());
    };
    for cloud in &config.clouds {
        for (option, value, mandatory) in names(cloud) {
            if let Some(wrong) = wrong(value, mandatory) {
                return Err(advised(
                    format!(
                        "`[{}] {option}` is `{value}`, which {wrong}: messenger `{}` would refuse \
                         every record",
                        cloud.section,
                        messenger.name()
                    ),
                    format!("correct `{option}` in [{}]", cloud.section),
                ));
            }
        }
    }
    Ok(())
}

/// Each with whether no message does without it.
fn names(cloud: &CloudConfig) -> impl Iterator<Item = (&'static str, &str, bool)> {
    let site = cloud.site_name.as_deref();
    let service = cloud.service_name.as_deref();
    [
        site.map(|it| ("site_name", it, true)),
        service.map(|it| ("service_name", it, false)),
        Some(("cloud_type", cloud.cloud_type.as_str(), false)),
    ]
    .into_iter()
    .flatten()
}

fn wrong(value: &str, mandatory: bool) -> Option<&'static str> {
    if mandatory && is_null(value) {
        return Some("APEL treats as missing");
    }
    ascii_id(value, VARCHAR).err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_messenger_for_apel_would_refuse() {
        for good in [
            "EXAMPLE-SITE",
            "caso/6.0.0 (OpenStack)",
            "a%b",
            "a\tb",
            &"x".repeat(VARCHAR),
        ] {
            assert_eq!(wrong(good, true), None, "{good}");
        }
        for bad in [
            "Zürich",
            "a%%b",
            "a\u{7}",
            &"x".repeat(VARCHAR + 1),
            "none",
            "Null",
        ] {
            assert!(wrong(bad, true).is_some(), "{bad}");
        }
        // Only what no message does without.
        assert_eq!(wrong("none", false), None);
    }
}
