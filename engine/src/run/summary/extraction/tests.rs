//! Lines and counts for what extractors came to.

use super::*;
use crate::run::exit::Exit;
use caso_extract::ProjectRef;
use caso_model::extraction::Extractor;

/// A cloud of one region with one project, of which the extractors came to this.
fn summary(results: Vec<(Extractor, ExtractorResult)>) -> Summary {
    let part = |(extractor, result)| ExtractorReport {
        extractor,
        first: false,
        failing: None,
        result,
    };
    let project = ProjectReport {
        project: ProjectRef {
            id: "p1".into(),
            configured: None,
            name: Some("vo".into()),
            vo: "vo".into(),
            disabled: false,
        },
        extractors: results.into_iter().map(part).collect(),
    };
    let report = CloudReport {
        cloud: "default".into(),
        tag: "caso".into(),
        regions: 0,
        requests: 1,
        behind: None,
        result: Ok(vec![RegionReport {
            region: None,
            projects: vec![project],
            warnings: Vec::new(),
        }]),
        failures: Vec::new(),
        without_cursor: Vec::new(),
        lost: Vec::new(),
        listed: true,
        no_project: false,
        ahead: None,
        cancelled: false,
    };
    let mut summary = Summary::default();
    summary.cloud(&report, 1);
    summary
}

fn done(items: u64, records: u64) -> ExtractorResult {
    ExtractorResult::Done {
        window: Window { start: 0, end: 60 },
        counts: Counts {
            items,
            records,
            ..Counts::default()
        },
        stays: None,
    }
}

fn texts(summary: &Summary) -> Vec<String> {
    summary
        .texts()
        .iter()
        .map(|text| (*text).to_owned())
        .collect()
}

#[test]
fn one_is_singular_and_none_is_not() {
    let lines = |items, records| texts(&summary(vec![(Extractor::Nova, done(items, records))]));
    let window = "1970-01-01T00:00:00Z to 1970-01-01T00:01:00Z";
    assert_eq!(
        lines(1, 1),
        [format!(
            "project `vo` (p1): nova: 1 item, 1 record, {window}"
        )]
    );
    assert_eq!(
        lines(0, 2),
        [format!(
            "project `vo` (p1): nova: 0 items, 2 records, {window}"
        )]
    );
    let up_to_date = || (Extractor::Nova, ExtractorResult::UpToDate);
    assert_eq!(
        texts(&summary(vec![up_to_date()])),
        ["1 cursor is already at the window's end"]
    );
    assert_eq!(
        texts(&summary(vec![up_to_date(), up_to_date()])),
        ["2 cursors are already at the window's end"]
    );
    let mut short = summary(Vec::new());
    short.took(0.25);
    assert_eq!(texts(&short), ["1 request, 0.2 s"]);
}

/// The exit code is the sum over extractors, not over projects.
#[test]
fn one_extractor_that_failed_beside_one_that_did_not_is_partly() {
    let failed = || (Extractor::Cinder, ExtractorResult::failed("a fault"));
    let fine = || (Extractor::Nova, done(1, 1));
    let exit = |results| summary(results).exit(false);
    assert_eq!(exit(vec![fine(), failed()]), Exit::Partly);
    assert_eq!(exit(vec![failed()]), Exit::Nothing);
    assert_eq!(exit(vec![fine()]), Exit::Done);
    let cancelled = (
        Extractor::Cinder,
        ExtractorResult::Cancelled { begun: true },
    );
    assert_eq!(exit(vec![fine(), cancelled]), Exit::Partly);
}

/// D29: a region that is nowhere, and a full disk, were a line for each extractor.
#[test]
fn one_cause_is_one_line_however_many_extractors_met_it() {
    let region = Message::from(("the catalog has no region `R`", "correct `region_name`"));
    let other = Message::from("Nova is away");
    let away = |reason, projects| Away {
        projects,
        reason: Some(reason),
        untried: None,
    };
    let lines = causes(BTreeMap::from([
        ("cinder", away(&region, 2)),
        ("neutron", away(&region, 1)),
        ("nova", away(&other, 1)),
    ]));
    let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "cinder, neutron: 2 projects are not extracted and wait for the next run: the catalog \
             has no region `R`",
            "nova: one project is not extracted and waits for the next run: Nova is away",
        ]
    );
    assert_eq!(lines[0].hint.as_deref(), Some("correct `region_name`"));
}

#[test]
fn a_full_disk_is_one_cause_whatever_file_was_written() {
    let full = |path: &str| {
        let at = caso_disk::faults::At::new(caso_disk::faults::End::Full, 0);
        let error = at
            .disk()
            .replace(std::path::Path::new(path), b"x")
            .unwrap_err();
        ExtractorResult::error(&error)
    };
    for path in ["/tmp/one", "/tmp/another"] {
        let ExtractorResult::Failed { reason, blame, .. } = full(path) else {
            panic!("{path}");
        };
        assert_eq!(blame, Blame::Outage);
        assert!(
            reason.text.contains("no room for its records"),
            "{reason:?}"
        );
        assert!(
            reason
                .hint
                .is_some_and(|hint| hint.contains("free some room"))
        );
    }
}
