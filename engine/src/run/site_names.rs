//! Names of the site that SSM's messages cannot carry. Every record has them, so each would be
//! refused, hour after hour: that is a fault of the configuration, said before anything is
//! extracted. What else a messenger refuses costs one record and lies in quarantine.

use anyhow::bail;
use caso_config::{CloudConfig, Config};

/// Of a column `VARCHAR(255)` at APEL.
const MOST: usize = 255;

/// # Errors
/// A name that no message can carry, where `ssm` is among the messengers.
pub fn check(config: &Config) -> anyhow::Result<()> {
    let mut messengers = config.messengers.iter();
    let Some(ssm) = messengers.find(|it| it.component.source.is_builtin("ssm")) else {
        return Ok(());
    };
    for cloud in &config.clouds {
        for (option, value) in names(cloud) {
            if let Some(wrong) = wrong(value) {
                bail!(
                    "`[{}] {option}` is `{value}`, which {wrong}: messenger `{}` would refuse every \
                     record; correct it",
                    cloud.section,
                    ssm.name()
                );
            }
        }
    }
    Ok(())
}

fn names(cloud: &CloudConfig) -> impl Iterator<Item = (&'static str, &str)> {
    let site = cloud.site_name.as_deref().map(|it| ("site_name", it));
    let service = cloud.service_name.as_deref().map(|it| ("service_name", it));
    let kind = Some(("cloud_type", cloud.cloud_type.as_str()));
    [site, service, kind].into_iter().flatten()
}

/// As the component `ssm` has it, in its `rules`.
fn wrong(value: &str) -> Option<&'static str> {
    if !value.is_ascii() {
        return Some("has a character that is not ASCII");
    }
    if value.contains("%%") {
        return Some("has `%%`, which separates records");
    }
    if value.contains(char::is_control) {
        return Some("has a control character");
    }
    (value.len() > MOST).then_some("is longer than 255 characters")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ssm_would_refuse() {
        for good in [
            "EXAMPLE-SITE",
            "caso/6.0.0 (OpenStack)",
            "a%b",
            &"x".repeat(MOST),
        ] {
            assert_eq!(wrong(good), None, "{good}");
        }
        for bad in ["Zürich", "a%%b", "a\u{7}", &"x".repeat(MOST + 1)] {
            assert!(wrong(bad).is_some(), "{bad}");
        }
    }
}
