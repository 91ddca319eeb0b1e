//! Projects that fail alike: one line for all of them, and one command that helps them all.

use super::FEW;
use crate::run::extract::report::Alike;
use crate::run::summary::words::named;
use caso_base::Message;
use caso_base::line::LINE_BYTES;
use caso_extract::{ProjectFailure, ProjectRef};

/// A project of which extractors failed for one reason.
pub struct Failure<'a> {
    pub project: &'a ProjectRef,
    /// Place and project, as it is told.
    pub name: String,
    pub extractors: Vec<&'a str>,
    pub reason: Message,
    pub alike: Option<&'a Alike>,
}

impl Failure<'_> {
    /// Whether it is of the same cause, as far as anybody can tell.
    fn is_like(&self, other: &Self) -> bool {
        let kind = |it: &Self| it.alike.map(|alike| &alike.kind);
        let same_kind = kind(self).is_some() && kind(self) == kind(other);
        self.extractors == other.extractors && (same_kind || self.reason == other.reason)
    }

    fn message(self) -> Message {
        let Failure {
            name,
            extractors,
            reason,
            ..
        } = self;
        reason.of(&format!("{name}: {}: ", extractors.join(", ")))
    }
}

/// Failures of one cause.
pub struct Cause<'a>(Vec<Failure<'a>>);

impl<'a> Cause<'a> {
    /// Each with a line of its own, where they are few.
    ///
    /// # Errors
    /// They are more: the line of all of them.
    pub fn one_by_one(self, place: &str) -> Result<Vec<Failure<'a>>, Message> {
        match self.0.len() {
            ..=FEW => Ok(self.0),
            _ => Err(of_all(place, self.0)),
        }
    }
}

/// Those that are alike together, where the first of them is.
pub fn by_cause(failures: Vec<Failure<'_>>) -> Vec<Cause<'_>> {
    let mut causes: Vec<Cause<'_>> = Vec::new();
    for failure in failures {
        let known = causes.iter_mut().find(|Cause(of)| {
            let first = of.first();
            first.is_some_and(|first| first.is_like(&failure))
        });
        match known {
            Some(Cause(of)) => of.push(failure),
            None => causes.push(Cause(vec![failure])),
        }
    }
    causes
}

/// A line for each, and one for more than a few that are alike, where the first of them is.
pub fn in_lines(place: &str, failures: Vec<Failure<'_>>) -> Vec<Message> {
    let causes = by_cause(failures).into_iter();
    let lines = causes.flat_map(|cause| match cause.one_by_one(place) {
        Ok(few) => few.into_iter().map(Failure::message).collect(),
        Err(all) => vec![all],
    });
    lines.collect()
}

/// Projects for whom nothing but the mapping file has the VO, and that cannot be used: one cause.
pub fn without_mapping(failures: &[&ProjectFailure]) -> Option<Message> {
    let [first, others @ ..] = failures else {
        return None;
    };
    let error = first.without_mapping()?;
    if others.is_empty() {
        return Some(Message::from(first.to_string()).hint(error.hint()));
    }
    let names = named(
        failures
            .iter()
            .map(|it| it.name.as_ref().unwrap_or(&it.asked).as_str()),
    );
    let text = format!(
        "{} projects ({names}) have their VO only in the mapping file and are not accounted: {error}",
        failures.len()
    );
    Some(Message::from(text).hint(error.hint()))
}

fn of_all(place: &str, failures: Vec<Failure<'_>>) -> Message {
    let names = named(failures.iter().map(|it| {
        let name = it.project.name.as_ref();
        name.unwrap_or(&it.project.id).as_str()
    }));
    let ids: Vec<&str> = failures.iter().map(|it| it.project.id.as_str()).collect();
    let count = failures.len();
    let Some(first) = failures.into_iter().next() else {
        return Message::default();
    };
    let right = first.alike.and_then(|alike| alike.right.as_ref());
    let hint = right.map(|right| match right.on(&ids) {
        all if all.len() <= LINE_BYTES => all,
        // Too many for a line.
        _ => format!(
            "{}, and so for each of the others, which `caso status` names",
            right.on(ids.get(..1).unwrap_or_default())
        ),
    });
    let Message { text, hint: own } = first.reason;
    let text = format!(
        "{place}{}: {count} projects ({names}) are not extracted and wait for the next run; of the first: {text}",
        first.extractors.join(", ")
    );
    Message::from(text).hint(hint.or(own))
}

#[cfg(test)]
mod tests {
    use caso_extract::ExtractError;
    use caso_openstack::{ApiError, Call, Scope, Service};

    use super::*;
    use crate::run::remedy::Right;

    fn forbidden(service: Service) -> Alike {
        let call = Call {
            service,
            scope: Scope::Unscoped,
            method: "GET",
            url: "http://here".to_owned(),
            tries: 1,
            elapsed: std::time::Duration::ZERO,
            request_id: None,
            through: None,
        };
        let error = ExtractError::Api(ApiError::Forbidden {
            message: "no".to_owned(),
            call: Box::new(call),
        });
        Alike {
            kind: error.kind().unwrap(),
            right: Some(Right::of("--user me")),
        }
    }

    type Case<'a> = (usize, &'static str, Option<&'a Alike>);

    fn lines(failures: &[Case<'_>]) -> Vec<(String, Option<String>)> {
        let projects: Vec<ProjectRef> = (0..30)
            .map(|number| ProjectRef {
                id: format!("id{number}"),
                configured: None,
                name: (number != 1).then(|| format!("p{number}")),
                vo: "vo".to_owned(),
                disabled: false,
            })
            .collect();
        let mut found = Vec::new();
        for (project, reason, alike) in failures {
            found.push(Failure {
                project: &projects[*project],
                name: format!("project {project}"),
                extractors: vec!["cinder"],
                reason: (format!("{reason} {project}"), "its own").into(),
                alike: *alike,
            });
        }
        let told = in_lines("cloud `a`: ", found);
        told.into_iter().map(|it| (it.text, it.hint)).collect()
    }

    #[test]
    fn many_that_fail_alike_are_one_line_with_one_command() {
        let (cinder, nova) = (
            &forbidden(Service::BlockStorage),
            &forbidden(Service::Compute),
        );
        let mut failures: Vec<_> = (0..22).map(|it| (it, "forbidden", Some(cinder))).collect();
        failures.insert(1, (25, "forbidden", Some(nova)));
        let named = |numbers: std::ops::Range<usize>, name: fn(usize) -> String| {
            numbers.map(name).collect::<Vec<_>>()
        };
        assert_eq!(
            lines(&failures),
            [
                (
                    format!(
                        "cloud `a`: cinder: 22 projects (`p0`, `id1`, {} and 2 more) are not extracted and wait for the \
                         next run; of the first: forbidden 0",
                        named(2..20, |number| format!("`p{number}`")).join(", ")
                    ),
                    Some(format!(
                        "for project in {}; do openstack role add --user me --project \"$project\" reader; done",
                        named(0..22, |number| format!("id{number}")).join(" ")
                    ))
                ),
                (
                    "project 25: cinder: forbidden 25".to_owned(),
                    Some("its own".to_owned())
                ),
            ]
        );
    }

    #[test]
    fn few_have_a_line_each_and_so_have_those_of_which_nothing_is_known() {
        let cinder = &forbidden(Service::BlockStorage);
        let failures: Vec<_> = (0..3).map(|it| (it, "forbidden", Some(cinder))).collect();
        assert_eq!(lines(&failures).len(), 3);
        let failures: Vec<_> = (0..7).map(|it| (it, "odd", None)).collect();
        assert_eq!(lines(&failures).len(), 7);
    }
}
