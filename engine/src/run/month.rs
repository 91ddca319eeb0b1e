//! A month that is read once more: as a window by hand, and by the extractors that make what is
//! asked for.

use anyhow::{Context as _, ensure};

use caso_base::time::{end_of_month, format_utc};
use caso_config::{Config, ExtractFrom};
use caso_model::Window;
use caso_model::record_type::RecordType;

/// 2010-10-01, the month of OpenStack's first release, Austin.
const OPENSTACK: i64 = 1_285_891_200;

/// `2026-10`, of a moment in it, in epoch seconds.
pub fn name(at: i64) -> String {
    format_utc(at).chars().take(7).collect()
}

/// The command that publishes these months once more.
pub fn republish(months: &[&str]) -> String {
    match months {
        [month] => format!("caso republish --month {month} --yes"),
        several => format!(
            "for month in {}; do caso republish --month \"$month\" --yes; done",
            several.join(" ")
        ),
    }
}

/// The month that begins at `first`, up to now where that lies in it.
///
/// # Errors
/// It lies in the future.
pub fn window(first: i64, now: i64) -> anyhow::Result<Window> {
    ensure!(first < now, "{} lies in the future", name(first));
    ensure!(
        first >= OPENSTACK,
        "{} lies before OpenStack's first release, of 2010-10: nothing was used then",
        name(first)
    );
    let end = end_of_month(first).context("no month ends behind that")?;
    Ok(Window {
        start: first,
        end: end.min(now),
    })
}

/// The configuration of a run by hand over this window, with the extractors that make records of
/// these types.
pub fn narrow(config: &mut Config, window: Window, is_wanted: impl Fn(RecordType) -> bool) {
    config.extract_from = ExtractFrom::At(window.start);
    config.extract_to = Some(window.end);
    for cloud in &mut config.clouds {
        cloud
            .extractors
            .retain(|extractor| extractor.record_types().iter().any(|kind| is_wanted(*kind)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_month_is_a_command_and_several_are_a_loop() {
        assert_eq!(
            republish(&["2026-10"]),
            "caso republish --month 2026-10 --yes"
        );
        assert_eq!(
            republish(&["2026-10", "2026-11"]),
            "for month in 2026-10 2026-11; do caso republish --month \"$month\" --yes; done"
        );
    }

    #[test]
    fn a_month_ends_where_it_ends_or_now() {
        let (october, november) = (1_790_812_800, 1_793_491_200);
        let end = |now| window(october, now).map(|window| window.end);
        assert_eq!(end(november + 5).unwrap(), november);
        assert_eq!(end(october + 5).unwrap(), october + 5);
        let error = end(october).unwrap_err().to_string();
        assert_eq!(error, "2026-10 lies in the future");
        let error = window(-315_619_200, november).unwrap_err().to_string();
        assert!(error.starts_with("1960-01 lies before"), "{error}");
    }
}
