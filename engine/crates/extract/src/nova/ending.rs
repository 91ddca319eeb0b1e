//! When a server ended, where the clocks of a cloud disagree.
//!
//! `terminated_at` is written by the hypervisor's clock, `updated` of the same row by that of
//! the controller that saves it. Where a hypervisor's clock is wrong, its word alone would end
//! a server in another month, before earlier runs reported it as alive, or in a window that
//! nobody reads; and what has been reported must never be taken back. So here, and nowhere
//! else, an end that cannot be is replaced by the nearest that can:
//!
//! | the end is | then it is |
//! |---|---|
//! | that of a row that is not deleted, and before its creation | none: the server is there |
//! | one that an earlier run corrected | as that run reported it |
//! | behind the window's end, where the row was deleted and last touched before it | when it was last touched |
//! | before its creation | when a deleted row was last touched |
//! | before earlier runs saw the server alive | when it was last touched, but not before that |
//!
//! Clocks that agree within [`EQUAL`] keep cASO's times, to the second. So does an end that is
//! later than its row's last change and has passed all the same: it is told in this window, and
//! which of the two times is wrong nobody knows.

use caso_base::Message;
use caso_base::time::format_utc;
use caso_history::Past;
use caso_model::usage::Server;

use super::selection::is_deleted;

/// How many seconds two clocks may be apart and pass for equal: a row is saved a moment after
/// the time in it.
const EQUAL: i64 = 60;

/// What was put in the place of the end that Nova gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Correction {
    /// What Nova gives.
    was: i64,
    /// What is reported; none: that it runs.
    is: Option<i64>,
    why: Why,
}

/// Why the end that Nova gives cannot be, or is not reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// It was reported otherwise before.
    Reported,
    BeforeCreation,
    AfterLastChange,
    /// An earlier run saw the server alive at that time.
    WasThere(i64),
}

/// When a server ended, by cASO's rule: when it was terminated; else, if it
/// never ran, when it was created; else, if it is deleted all the same (some
/// failures leave no time), when it was last touched.
///
/// Where a policy hides `terminated_at`, the usage entry has it.
pub fn end(server: &Server) -> Option<i64> {
    if server.terminated.is_some() {
        return server.terminated;
    }
    match &server.compute_usage {
        None if server.launched.is_none() => server.created,
        Some(usage) if usage.ended.is_some() => usage.ended,
        _ => server.updated.filter(|_| is_deleted(server)),
    }
}

/// Corrects a server's end for a window that ends at `until`, in the light of what earlier runs
/// reported of it.
pub fn correct(server: &mut Server, past: Option<Past>, until: i64) -> Option<Correction> {
    // One that never ran has no end to be wrong.
    let ran = server.launched.is_some() || server.compute_usage.is_some();
    let was = server.terminated.or_else(|| end(server).filter(|_| ran))?;
    let is_before_creation = server.created.is_some_and(|created| was < created);
    let changed = server.updated;
    let last = changed.filter(|_| is_deleted(server));
    let (is, why) = match (past, last) {
        _ if is_before_creation && !is_deleted(server) => (None, Why::BeforeCreation),
        (Some(Past::Ended(reported)), _) => (Some(reported), Why::Reported),
        (_, Some(last)) if is_before_creation => (Some(last), Why::BeforeCreation),
        (_, Some(last)) if last <= until && was > until.max(last.saturating_add(EQUAL)) => {
            (Some(last), Why::AfterLastChange)
        }
        _ => (Some(was), Why::Reported),
    };
    let (is, why) = match (past, is) {
        (Some(Past::Alive(seen)), Some(end)) if end < seen => {
            let end = changed.map_or(seen, |changed| changed.max(seen));
            (Some(end), Why::WasThere(seen))
        }
        _ => (is, why),
    };
    if is == Some(was) {
        return None;
    }
    server.terminated = is;
    if let (None, Some(usage)) = (is, &mut server.compute_usage) {
        usage.ended = None;
    }
    Some(Correction { was, is, why })
}

impl Correction {
    /// The end that is reported, to be remembered: a row that is touched once more does not lead
    /// to it again.
    pub fn end(&self) -> Option<i64> {
        self.is
    }

    /// What to say of it; none where it is too little, or was said before.
    pub fn message(&self, server: &Server) -> Option<Message> {
        let equal = |time: i64| time.abs_diff(self.was) <= EQUAL.unsigned_abs();
        if self.is.is_some_and(equal) {
            return None;
        }
        let date = |time: Option<i64>| time.map(format_utc).unwrap_or_default();
        let why = match self.why {
            Why::Reported => return None,
            Why::BeforeCreation => format!("was created at {}", date(server.created)),
            Why::AfterLastChange => format!("last changed at {}", date(server.updated)),
            Why::WasThere(seen) => format!("was still there at {}", format_utc(seen)),
        };
        let is = match self.is {
            Some(is) => format!("its end is reported as {}", format_utc(is)),
            None => "it is reported as running".to_owned(),
        };
        let text = format!(
            "server `{}` of project `{}` ended at {}, says Nova, but it {why}: {is}; other servers with such a time are \
             not named",
            server.id,
            server.project_id,
            format_utc(self.was),
        );
        // Where both clocks agree, a list showed the change late.
        let is_of_host = !server.updated.is_some_and(equal);
        let hint = "correct the clock of the hypervisor that it ran on: `chronyc tracking` there says how far it is off";
        Some(Message::from(text).hint(is_of_host.then(|| hint.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CREATED: i64 = 1_000_000;
    const SEEN: i64 = 2_000_000;

    /// Deleted by the controller's clock at `updated`, by the host's at `terminated`.
    fn gone(terminated: i64, updated: i64) -> Server {
        Server {
            id: "x".into(),
            project_id: "p".into(),
            status: Some("DELETED".into()),
            created: Some(CREATED),
            launched: Some(CREATED + 10),
            terminated: Some(terminated),
            updated: Some(updated),
            ..Server::default()
        }
    }

    fn there(server: Server) -> Server {
        Server {
            status: Some("ERROR".into()),
            ..server
        }
    }

    /// The end that it then has, and what is said.
    fn corrected(server: Server, past: Option<Past>) -> (Option<i64>, Option<String>) {
        corrected_until(server, past, SEEN + 110)
    }

    fn corrected_until(
        mut server: Server,
        past: Option<Past>,
        until: i64,
    ) -> (Option<i64>, Option<String>) {
        let correction = correct(&mut server, past, until);
        let said = correction.and_then(|it| it.message(&server));
        (end(&server), said.map(|it| it.to_string()))
    }

    #[test]
    fn clocks_that_agree_keep_their_times() {
        for past in [None, Some(Past::Alive(SEEN))] {
            for terminated in [SEEN, SEEN + 1, SEEN + 100 + EQUAL] {
                let server = gone(terminated, SEEN + 100);
                let end = Some(terminated);
                assert_eq!(corrected(server.clone(), past), (end, None));
                assert_eq!(corrected(there(server), past), (end, None));
            }
        }
        // It was touched long after its end.
        let touched = gone(CREATED + 20, SEEN);
        assert_eq!(corrected(touched, None), (Some(CREATED + 20), None));
    }

    #[test]
    fn a_server_deleted_in_the_window_ended_in_it() {
        let (end, said) = corrected(gone(SEEN + 161, SEEN + 100), None);
        assert_eq!(end, Some(SEEN + 100));
        let said = said.unwrap();
        for part in [
            "`x`",
            "`p`",
            "1970-01-24T03:36:01Z",
            "1970-01-24T03:35:00Z",
            "chronyc tracking",
        ] {
            assert!(said.contains(part), "{said}");
        }
        // Here the end has passed, or the row was not deleted yet.
        for until in [SEEN + 161, SEEN + 99] {
            let server = gone(SEEN + 161, SEEN + 100);
            assert_eq!(
                corrected_until(server, None, until),
                (Some(SEEN + 161), None)
            );
        }
        // One that is not deleted is saved for other reasons, too.
        let server = there(gone(SEEN + 161, SEEN + 100));
        assert_eq!(corrected(server, None), (Some(SEEN + 161), None));
    }

    #[test]
    fn no_server_ends_before_its_creation() {
        let (end, said) = corrected(gone(5, SEEN), None);
        assert_eq!(end, Some(SEEN));
        assert!(
            said.unwrap()
                .contains("was created at 1970-01-12T13:46:40Z")
        );
        for past in [None, Some(Past::Alive(SEEN)), Some(Past::Ended(SEEN))] {
            let mut server = there(gone(5, SEEN));
            server.compute_usage = Some(caso_model::usage::ComputeUsage {
                ended: Some(5),
                ..Default::default()
            });
            let (end, said) = corrected(server, past);
            assert_eq!(end, None);
            assert!(said.unwrap().contains("it is reported as running"));
        }
    }

    #[test]
    fn no_server_ends_before_it_was_seen_alive() {
        let alive = Some(Past::Alive(SEEN));
        for terminated in [5, SEEN - 1_000, SEEN - 1] {
            let after = gone(terminated, SEEN + 100);
            assert_eq!(corrected(after.clone(), alive).0, Some(SEEN + 100));
            let late = gone(terminated, SEEN - 100);
            assert_eq!(corrected(late, alive).0, Some(SEEN));
            let unknown = Server {
                updated: None,
                ..after
            };
            assert_eq!(corrected(unknown, alive).0, Some(SEEN));
        }
        // Also where the end is that of the row, or stands in the usage alone.
        let mut row = gone(0, SEEN - 100);
        row.terminated = None;
        assert_eq!(corrected(row.clone(), alive).0, Some(SEEN));
        row.launched = None;
        row.compute_usage = Some(caso_model::usage::ComputeUsage {
            ended: Some(SEEN - 500),
            ..Default::default()
        });
        assert_eq!(corrected(row, alive).0, Some(SEEN));
    }

    #[test]
    fn a_list_that_is_late_is_no_hosts_fault() {
        let alive = Some(Past::Alive(SEEN));
        let said = |server| corrected(server, alive).1.unwrap();
        let late = said(gone(SEEN - 1_000, SEEN - 1_000));
        assert!(
            late.contains("was still there at") && !late.contains("chronyc"),
            "{late}"
        );
        assert!(said(gone(SEEN - 1_000, SEEN + 100)).contains("chronyc"));
        assert_eq!(
            corrected(gone(SEEN - 1, SEEN - 1), alive).1,
            None,
            "too little"
        );
    }

    #[test]
    fn what_was_corrected_stays_as_it_was_reported() {
        let mut server = gone(5, SEEN);
        let end = correct(&mut server, None, SEEN + 110)
            .unwrap()
            .end()
            .unwrap();
        assert_eq!(end, SEEN);
        // Whatever touches the row.
        let later = gone(5, SEEN + 900);
        let past = Some(Past::Ended(end));
        assert_eq!(corrected(later, past), (Some(SEEN), None));
    }

    #[test]
    fn one_that_never_ran_ends_with_its_creation() {
        let mut server = gone(0, SEEN);
        (server.terminated, server.launched) = (None, None);
        let alive = Some(Past::Alive(SEEN));
        assert_eq!(corrected(server, alive), (Some(CREATED), None));
    }
}
