//! A month that is read once more: as a window by hand, and by the extractors that make what is
//! asked for.

use std::collections::BTreeSet;

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

/// All months that a window reaches into, from OpenStack's first on.
pub fn of(window: Window) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut at = match window.end > OPENSTACK {
        true => window.start.max(OPENSTACK),
        false => window.start,
    };
    while at < window.end {
        found.insert(name(at));
        let Some(next) = end_of_month(at) else {
            break;
        };
        at = next;
    }
    found
}

/// The command that publishes these months once more.
pub fn republish(months: &BTreeSet<String>) -> String {
    republish_with(months, "--yes")
}

/// The command that publishes what replaces itself of these months once more.
pub fn republish_what_replaces(months: &BTreeSet<String>) -> String {
    republish_with(months, "--types cloud,accelerator --yes")
}

fn republish_with(months: &BTreeSet<String>, flags: &str) -> String {
    let months: Vec<&str> = months.iter().map(String::as_str).collect();
    match months.as_slice() {
        [month] => format!("caso republish --month {month} {flags}"),
        several => format!(
            "for month in {}; do caso republish --month \"$month\" {flags}; done",
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
        let (october, november) = (1_790_812_800, 1_793_491_200);
        let of = |start, end| of(Window { start, end });
        assert_eq!(
            republish(&of(october, november)),
            "caso republish --month 2026-10 --yes"
        );
        // An hour over a month's end is of both.
        assert_eq!(
            republish(&of(november - 2_580, november + 1_020)),
            "for month in 2026-10 2026-11; do caso republish --month \"$month\" --yes; done"
        );
        // From the beginning of time on nobody used anything before there was an OpenStack.
        assert_eq!(of(0, OPENSTACK + 1), BTreeSet::from(["2010-10".to_owned()]));
        assert_eq!(of(november, november), BTreeSet::new());
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
