//! Messengers, in words.

use super::Summary;
use super::words::{self, records};
use crate::run::components::Unusable;
use crate::run::remedy;
use caso_base::error_chain;
use caso_deliver::{Delivery, Ending, InstanceReport, MadeAgain};
use caso_journal::JournalError;
use caso_model::guest::{FailureKind, GuestFailure};

/// What to do where a messenger did not take everything.
fn next_step(name: &str, outcome: &Ending) -> String {
    let flush = format!("caso queue flush {name}");
    match outcome {
        Ending::Complete | Ending::Cancelled => flush,
        Ending::RetryLater { .. } => {
            format!("the next run tries again; once that is fixed, so does {flush}")
        }
        Ending::Failed(GuestFailure {
            limit: Some(limit), ..
        }) => format!("{limit}; once that is fixed: {flush}"),
        Ending::Failed(failure) if failure.kind == FailureKind::Start => to_correct(name),
        Ending::Misconfigured(_) | Ending::Other(_) | Ending::Failed(_) => {
            format!("once that is fixed: {flush}")
        }
        Ending::Broken(failure) | Ending::Undecided(failure) => {
            let limit = failure.limit.as_ref();
            let limit = limit.map_or_else(String::new, |limit| format!("; {limit}"));
            format!(
                "the component is at fault: its author needs the text above, and `caso component check FILE --as {name}` shows \
                 whether another one works{limit}; then {flush}"
            )
        }
        Ending::OutOfTime(None) => {
            format!("the next run goes on with them, and so does {flush}; see `delivery_timeout`")
        }
        Ending::OutOfTime(Some(failure)) => {
            let limit = failure.limit.as_ref();
            let limit = limit.map_or_else(String::new, |limit| format!("{limit}, "));
            format!(
                "the component is slow, or hangs: its author needs the text above; {limit}\
                 `delivery_timeout` is how long all may take; then {flush}"
            )
        }
        Ending::Newer { .. } => format!(
            "let that version deliver them, or drop them, with a copy: caso queue drop {name}"
        ),
        Ending::Journal(error) => {
            remedy::of(error).unwrap_or_else(|| format!("once that is fixed: {flush}"))
        }
    }
}

/// A reason behind a messenger's name, which may begin with it.
fn once(name: &str, why: &str) -> String {
    match why.strip_prefix(&format!("messenger `{name}` ")) {
        Some(rest) => format!("it {rest}"),
        None => why.to_owned(),
    }
}

/// Whether a messenger ended for the same reason, so that one line says it.
fn is_for(report: &InstanceReport, error: &JournalError) -> bool {
    matches!(&report.outcome, Ending::Journal(of) if error_chain(of) == error_chain(error))
}

/// What its options say, or what it is.
fn to_correct(name: &str) -> String {
    format!("fix that (`caso check` tries it and sends nothing), then caso queue flush {name}")
}

impl Summary {
    /// A messenger that could not be loaded.
    pub fn unusable(&mut self, unusable: &Unusable) {
        let name = &unusable.name;
        let why = once(name, &unusable.failure.detail);
        self.problem((
            format!("messenger `{name}` is not used, its records wait: {why}"),
            to_correct(name),
        ));
    }

    /// What all messengers came to.
    pub fn delivery(&mut self, delivery: &Delivery) {
        for aside in &delivery.set_aside {
            self.problem(aside.to_string());
        }
        for notice in &delivery.notices {
            self.notice(notice);
        }
        if let Some(error) = &delivery.cleanup
            && !delivery.instances.iter().any(|it| is_for(it, error))
        {
            self.problem(remedy::message(error));
        }
        for report in &delivery.instances {
            self.messenger(report);
        }
    }

    fn messenger(&mut self, report: &InstanceReport) {
        let name = &report.name;
        if report.delivered > 0 {
            self.success();
            let would = if self.dry { "would be " } else { "" };
            let places = self.destinations.get(name).cloned().unwrap_or_default();
            let to = words::to(&places);
            let text = format!(
                "messenger `{name}`: {} {would}delivered{to}",
                records(report.delivered)
            );
            let fields = vec![
                ("messenger", name.as_str().into()),
                ("records", report.delivered.into()),
                ("destinations", places.into()),
            ];
            self.line_with(text, fields);
        }
        self.dropped(report);
        self.not_given(report);
        if let Some(message) = made_again(report) {
            self.warn(format!("calls-made-again:{name}"), message);
        }
        let quarantined = report.refused + report.failed;
        if quarantined > 0 {
            self.problem((
                format!(
                    "messenger `{name}`: {} {} in quarantine: {}",
                    records(quarantined),
                    words::is(quarantined),
                    reasons(report)
                ),
                format!("caso queue show {name} --quarantine"),
            ));
        }
        if report.missing > 0 {
            self.problem((
                format!(
                    "messenger `{name}`: {} {} lost to it: the journal's copy of {} is damaged \
                     or gone",
                    records(report.missing),
                    words::is(report.missing),
                    words::of(report.missing, "it", "them")
                ),
                "`caso status` shows the command that remakes them",
            ));
        }
        match &report.outcome {
            Ending::Complete => {}
            Ending::Cancelled => self.failure(),
            outcome => self.problem((
                format!("messenger `{name}`: {outcome}"),
                next_step(name, outcome),
            )),
        }
    }

    fn dropped(&mut self, report: &InstanceReport) {
        let count: u64 = report.dropped.values().sum();
        if count == 0 {
            return;
        }
        self.success();
        let reasons = report.dropped.iter();
        let reasons: Vec<String> = reasons
            .map(|(reason, count)| format!("{reason} ({count})"))
            .collect();
        self.line(format!(
            "messenger `{}`: {} left out by its filters: {}",
            report.name,
            records(count),
            reasons.join("; ")
        ));
    }

    fn not_given(&mut self, report: &InstanceReport) {
        if report.not_given.is_empty() {
            return;
        }
        let of_kind = |(kind, records): (_, &u64)| format!("{records} {kind}");
        let kinds: Vec<String> = report.not_given.iter().map(of_kind).collect();
        self.line(format!(
            "messenger `{}`: left out by its `record_types`: {} {}",
            report.name,
            kinds.join(", "),
            words::of(report.not_given.values().sum(), "record", "records")
        ));
    }

    /// Record types of this run that no messenger is given: these records reach
    /// nobody, which is seldom what a site means.
    pub fn given_to_nobody(&mut self, reports: &[InstanceReport]) {
        let Some((first, others)) = reports.split_first() else {
            return;
        };
        for (kind, number) in &first.not_given {
            if others
                .iter()
                .all(|report| report.not_given.contains_key(kind))
            {
                self.warn(
                    format!("given-to-nobody:{kind}"),
                    (
                        format!(
                            "{number} `{kind}` {} no messenger: none of those in \
                             `messengers` takes {}, or `record_types` leaves {} out",
                            words::of(*number, "record goes to", "records go to"),
                            words::of(*number, "it", "them"),
                            words::of(*number, "it", "them"),
                        ),
                        "caso component list shows which messenger takes what",
                    ),
                );
            }
        }
    }
}

/// Calls that came to nothing, where nothing else tells of them: a run that takes a minute for
/// what takes a second, and may have no time left for it one day.
fn made_again(report: &InstanceReport) -> Option<(String, String)> {
    let MadeAgain { calls, failure } = report.made_again.as_ref()?;
    let told = match &report.outcome {
        Ending::Broken(_) | Ending::Undecided(_) | Ending::Failed(_) => true,
        // So the records were found on which it fails.
        _ => report.failed > 0 && failure.kind != FailureKind::Deadline,
    };
    if told {
        return None;
    }
    let text = format!(
        "{} of messenger `{}` failed and {} made again with fewer records: {failure}",
        words::count(*calls, "call", "calls"),
        report.name,
        words::of(*calls, "was", "were"),
    );
    let hint = match (&failure.limit, failure.kind) {
        (Some(limit), _) => limit.to_string(),
        (None, FailureKind::Room) => "make room there".to_owned(),
        (None, _) => "the component is at fault: its author needs the text above".to_owned(),
    };
    Some((text, hint))
}

/// Each once, with the first record that it is of.
fn reasons(report: &InstanceReport) -> String {
    let mut reasons: Vec<String> = report.reasons.iter().map(ToString::to_string).collect();
    let told: u64 = report.reasons.iter().map(|reason| reason.records).sum();
    match (report.refused + report.failed).saturating_sub(told) {
        0 => {}
        more => reasons.push(format!("and {more} more, for other reasons")),
    }
    reasons.join("; ")
}

#[cfg(test)]
mod tests {
    use caso_deliver::Reason;
    use caso_model::guest::{Bound, Limit};

    use super::*;

    fn failure(kind: FailureKind, bound: Bound, section: &str) -> GuestFailure {
        let limit = Limit {
            bound,
            section: section.to_owned(),
        };
        GuestFailure {
            limit: Some(limit),
            ..GuestFailure::seen_by_host("c", "mine", "deliver", kind, "it took too much")
        }
    }

    /// A site that was sent to `delivery_timeout` waited longer for what computes too long.
    #[test]
    fn the_limit_that_ended_a_call_is_the_one_that_is_named() {
        let too_long = |bound| failure(FailureKind::Deadline, bound, "messenger_mine");
        let memory = failure(FailureKind::Memory, Bound::Memory, "messenger_mine");
        let of_a_filter = |kind| failure(kind, Bound::Deadline, "filter_f");
        for (ending, words, never) in [
            (
                Ending::OutOfTime(Some(too_long(Bound::Deadline))),
                "`deadline` in [messenger_mine] is how long a call may compute, `delivery_timeout`",
                "`timeout`",
            ),
            (
                Ending::OutOfTime(Some(too_long(Bound::Timeout))),
                "`timeout` in [messenger_mine] is how long a call may take, waits included",
                "`deadline`",
            ),
            (
                Ending::Broken(memory.clone()),
                "`memory` in [messenger_mine] is how much memory it may use; then",
                "`deadline`",
            ),
            (
                Ending::Undecided(memory),
                "`memory` in [messenger_mine]",
                "timeout",
            ),
            (
                Ending::Failed(of_a_filter(FailureKind::Host)),
                "`deadline` in [filter_f]",
                "messenger_",
            ),
            (
                Ending::Failed(of_a_filter(FailureKind::Start)),
                "`deadline` in [filter_f]",
                "messenger_",
            ),
        ] {
            let step = next_step("mine", &ending);
            assert!(step.contains(words), "{step}");
            assert!(!step.contains(never), "{step}");
            assert!(step.contains("caso queue flush mine"), "{step}");
        }
    }

    fn report() -> InstanceReport {
        InstanceReport {
            outcome: Ending::Complete,
            ..InstanceReport::new("mine")
        }
    }

    #[test]
    fn a_messenger_is_named_once() {
        assert_eq!(
            once("mine", "messenger `mine` needs `outgoing`"),
            "it needs `outgoing`"
        );
        let other = "messenger `other` needs `outgoing`";
        assert_eq!(once("mine", other), other);
    }

    /// `queue flush` took 45 s for calls that came to nothing, and was silent about it.
    #[test]
    fn calls_that_came_to_nothing_are_told_unless_something_else_tells_of_them() {
        let again = |kind, bound, outcome| InstanceReport {
            made_again: Some(MadeAgain {
                calls: 3,
                failure: failure(kind, bound, "messenger_mine"),
            }),
            failed: 1,
            outcome,
            ..report()
        };
        let slow = |outcome| again(FailureKind::Deadline, Bound::Deadline, outcome);
        for outcome in [Ending::Complete, Ending::OutOfTime(None)] {
            let (text, hint) = made_again(&slow(outcome)).unwrap();
            assert!(
                text.starts_with(
                    "3 calls of messenger `mine` failed and were made again with fewer records: "
                ),
                "{text}"
            );
            assert!(hint.starts_with("`deadline` in [messenger_mine]"), "{hint}");
        }
        let memory = failure(FailureKind::Memory, Bound::Memory, "messenger_mine");
        assert_eq!(made_again(&slow(Ending::Broken(memory))), None);
        // A record on which it fails is found so, and named as one in quarantine.
        let trap = again(FailureKind::Trap, Bound::Memory, Ending::Complete);
        assert_eq!(made_again(&trap), None);
        assert_eq!(made_again(&report()), None);
    }

    #[test]
    fn what_no_reason_is_shown_of_is_counted() {
        let reason = |number: u64| Reason {
            record: format!("r{number}"),
            why: format!("reason {number}"),
            records: 1,
        };
        let mut report = InstanceReport {
            refused: 59,
            failed: 1,
            reasons: (1..=5).map(reason).collect(),
            ..report()
        };
        assert!(
            reasons(&report).ends_with("record `r5`: reason 5; and 55 more, for other reasons"),
            "{}",
            reasons(&report)
        );
        report.refused = 4;
        assert!(reasons(&report).ends_with("reason 5"));
    }
}
