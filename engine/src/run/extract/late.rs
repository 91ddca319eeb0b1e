//! What an extraction waited for when its time (`extraction_timeout`) was over.
//!
//! Of a run that was asked to end nobody asks which project it was at. Of one that took too long that is the whole
//! question: the message names what was being read, and the ledger keeps it, so that `caso status` shows it of the
//! projects. What was not begun is nobody's fault.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::anyhow;

use super::report::{Blame, CloudReport, ExtractorResult};
use crate::run::summary::words::named;
use caso_base::Message;

/// What to do about it.
pub const HINT: &str = "see why that takes so long, or raise `extraction_timeout`";

/// Makes failures of what was being read, which the ledger keeps, and a message that names it. For reports of which the
/// summary has had its lines: here it is one line for all.
pub fn settle(reports: &mut [CloudReport], most: Duration) -> Message {
    let reason = in_time(most);
    let mut keystones = Vec::new();
    let mut projects: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    for report in reports {
        if report.cancelled {
            keystones.push(report.cloud.clone());
            report.result = Err(anyhow!("Keystone's list of projects was {reason}"));
        }
        let regions = report.result.iter_mut().flatten();
        for project in regions.flat_map(|region| &mut region.projects) {
            let name = project.project.name.as_ref();
            let name = name.unwrap_or(&project.project.id);
            for part in &mut project.extractors {
                if matches!(part.result, ExtractorResult::Cancelled { begun: true }) {
                    let names = projects.entry(part.extractor.as_str()).or_default();
                    if !names.contains(name) {
                        names.push(name.clone());
                    }
                    part.result = ExtractorResult::Failed {
                        reason: reason.clone().into(),
                        blame: Blame::Outage,
                        alike: None,
                    };
                }
            }
        }
    }
    let mut waited = Vec::new();
    if !keystones.is_empty() {
        let clouds = named(keystones.iter().map(String::as_str));
        waited.push(format!("Keystone of {clouds}"));
    }
    for (extractor, names) in &projects {
        waited.push(format!(
            "{extractor} of {}",
            named(names.iter().map(String::as_str))
        ));
    }
    let text = format!(
        "the extraction took longer than `extraction_timeout` ({} s): what was not read by then waits for the next run",
        most.as_secs()
    );
    match waited.is_empty() {
        true => (text, "raise `extraction_timeout`").into(),
        false => (
            format!("{text}; it was reading {}", waited.join("; ")),
            HINT,
        )
            .into(),
    }
}

/// Why something came to nothing.
pub fn in_time(most: Duration) -> String {
    format!(
        "not read to its end within `extraction_timeout` ({} s)",
        most.as_secs()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::extract::report::{ExtractorReport, ProjectReport, RegionReport};
    use crate::run::ledger::Extracted;
    use caso_extract::ProjectRef;
    use caso_model::extraction::Extractor;

    fn project(name: &str, results: Vec<(Extractor, ExtractorResult)>) -> ProjectReport {
        ProjectReport {
            project: ProjectRef {
                id: format!("id-of-{name}"),
                configured: None,
                name: Some(name.to_owned()),
                vo: "vo".to_owned(),
                disabled: false,
            },
            extractors: results
                .into_iter()
                .map(|(extractor, result)| ExtractorReport {
                    extractor,
                    first: false,
                    failing: None,
                    result,
                })
                .collect(),
        }
    }

    fn cloud(name: &str, cancelled: bool, projects: Vec<ProjectReport>) -> CloudReport {
        CloudReport {
            cloud: name.to_owned(),
            tag: String::new(),
            regions: 1,
            requests: 0,
            behind: None,
            ahead: None,
            result: Ok(vec![RegionReport {
                region: None,
                projects,
                warnings: Vec::new(),
            }]),
            failures: Vec::new(),
            without_cursor: Vec::new(),
            lost: Vec::new(),
            listed: !cancelled,
            no_project: false,
            cancelled,
        }
    }

    #[test]
    fn what_was_being_read_is_named_and_kept_and_what_was_not_begun_is_not() {
        let begun = |begun| ExtractorResult::Cancelled { begun };
        let mut reports = [
            cloud(
                "south",
                false,
                vec![
                    project(
                        "a",
                        vec![
                            (Extractor::Nova, begun(true)),
                            (Extractor::Cinder, ExtractorResult::UpToDate),
                        ],
                    ),
                    project("b", vec![(Extractor::Nova, begun(true))]),
                    project("c", vec![(Extractor::Nova, begun(false))]),
                ],
            ),
            cloud("north", true, Vec::new()),
        ];
        let told = settle(&mut reports, Duration::from_secs(60));
        assert_eq!(
            told.text,
            "the extraction took longer than `extraction_timeout` (60 s): what was not read by then waits for the next \
             run; it was reading Keystone of `north`; nova of `a`, `b`"
        );
        let kept = Extracted::of(reports.into());
        let failures = kept.failures.iter();
        let failures: Vec<_> = failures
            .map(|it| {
                (
                    it.cloud.as_str(),
                    it.project.as_deref(),
                    it.extractor.as_deref(),
                )
            })
            .collect();
        assert_eq!(
            failures,
            [
                ("south", Some("id-of-a"), Some("nova")),
                ("south", Some("id-of-b"), Some("nova")),
                ("north", None, None),
            ]
        );
        assert_eq!(kept.failures[0].reason, in_time(Duration::from_secs(60)));
    }
}
