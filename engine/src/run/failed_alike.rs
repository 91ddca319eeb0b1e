//! Failures of projects, as the ledger of runs has them: extractors of a project that came to the same are told of once.

use caso_openstack::without_tries;
use caso_state::ledger::FailureLine;

/// A failure, and the extractors that came to it.
pub struct Failed<'a> {
    /// The first of them.
    pub failure: &'a FailureLine,
    /// None where it is the project's, or its cloud's.
    pub extractors: Vec<&'a str>,
}

/// In the order of the first of each.
pub fn in_one<'a>(failures: impl IntoIterator<Item = &'a FailureLine>) -> Vec<Failed<'a>> {
    let mut found: Vec<Failed<'_>> = Vec::new();
    for failure in failures {
        let is_alike = |it: &&mut Failed<'_>| {
            let one = it.failure;
            (&one.cloud, &one.project) == (&failure.cloud, &failure.project)
                && without_tries(&one.reason) == without_tries(&failure.reason)
        };
        let extractor = failure.extractor.as_deref();
        match found.iter_mut().find(is_alike) {
            // Of several regions it may be the same one.
            Some(known) if extractor.is_some_and(|it| known.extractors.contains(&it)) => {}
            Some(known) => known.extractors.extend(extractor),
            None => found.push(Failed {
                failure,
                extractors: extractor.into_iter().collect(),
            }),
        }
    }
    found
}
