//! When a VM began and ended, and what of that a window sees.

use caso_component::log;

use crate::status;
use crate::usage::Server;

/// A VM's life, as far as it is known now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    pub start: i64,
    pub end: Option<i64>,
    /// Whether it never ran: its life is the moment of its creation.
    pub never_launched: bool,
}

/// A life as a record for a window tells it. Durations of APEL's cloud records
/// are cumulative: it begins where the VM began, not where the window does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    pub start: i64,
    /// Absent while the VM runs, and also when it ended after the window.
    pub end: Option<i64>,
    /// The end, or where the window ends.
    pub until: i64,
}

impl Lifetime {
    /// Reads a server's times.
    ///
    /// The start is `created`: Nova moves `launched_at` and the usage API's
    /// `started_at` when a VM is resized or rebuilt, and its cumulative times
    /// would drop. The end is `terminated_at`; the creation for what was never
    /// launched; the last update for a deleted server that lost its end.
    pub fn of(server: &Server) -> Result<Self, String> {
        let usage = server.compute_usage.as_ref();
        let start = server
            .created
            .or_else(|| usage.and_then(|usage| usage.started))
            .ok_or_else(|| {
                format!(
                    "server `{}` has neither `created` nor a `started_at` in its usage",
                    server.id
                )
            })?;
        // The usage API lists no server that was never launched, so an entry
        // there outweighs a `launched_at` that is missing.
        let never_launched =
            server.created.is_some() && server.launched.is_none() && usage.is_none();
        let deleted = server
            .status
            .as_deref()
            .is_some_and(|status| status.eq_ignore_ascii_case("deleted"));
        let end = match server.terminated {
            Some(terminated) => Some(terminated),
            None if never_launched => Some(start),
            None => {
                usage
                    .and_then(|usage| usage.ended)
                    .or(if deleted { server.updated } else { None })
            }
        };
        let end = end.map(|end| {
            if end < start {
                log::warning(&format!(
                    "server `{}` ended at {end}, before it was created at {start}: it is \
                     recorded as if it had ended when it was created",
                    server.id
                ));
            }
            end.max(start)
        });
        Ok(Self {
            start,
            end,
            never_launched,
        })
    }

    /// What a record for the window tells of it; nothing when it lies outside.
    pub fn told_at(self, from: i64, to: i64) -> Option<Told> {
        if self.start > to || self.end.is_some_and(|end| end < from) {
            return None;
        }
        let end = self.end.filter(|end| *end <= to);
        Some(Told {
            start: self.start,
            end,
            until: end.unwrap_or(to),
        })
    }
}

impl Told {
    /// Seconds from the start.
    pub fn seconds(self) -> u64 {
        // `until` is never before `start`: `of` and `told_at` see to that.
        u64::try_from(self.until.saturating_sub(self.start)).unwrap_or(0)
    }

    /// The record's status: a VM that still runs at the end of the window is not
    /// `completed`, whatever became of it since.
    pub fn status(self, server: &Server) -> &'static str {
        let now = match (&server.status, &server.compute_usage) {
            (Some(text), _) => status::of(text),
            (None, Some(usage)) => usage
                .state
                .as_deref()
                .map_or("unknown", status::of_usage_state),
            (None, None) => "unknown",
        };
        if self.end.is_none() && now == status::COMPLETED {
            status::STARTED
        } else {
            now
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn told(server: &Server) -> Option<Told> {
        Lifetime::of(server).unwrap().told_at(1_000, 2_000)
    }

    #[test]
    fn end_of_a_life() {
        let mut server = samples::server();
        server.launched = Some(510);
        server.updated = Some(1_700);
        assert_eq!(told(&server).unwrap().end, None);
        assert_eq!(told(&server).unwrap().seconds(), 1_500);
        server.status = Some("DELETED".into());
        assert_eq!(told(&server).unwrap().end, Some(1_700));
        server.terminated = Some(1_600);
        assert_eq!(told(&server).unwrap().end, Some(1_600));
        assert_eq!(told(&server).unwrap().seconds(), 1_100);
    }

    #[test]
    fn edges_of_the_window_belong_to_it() {
        let mut server = samples::server();
        server.created = Some(2_000);
        assert_eq!(told(&server).unwrap().seconds(), 0);
        server.created = Some(2_001);
        assert_eq!(told(&server), None);
        server.created = Some(500);
        server.terminated = Some(1_000);
        assert_eq!(told(&server).unwrap().end, Some(1_000));
        server.terminated = Some(999);
        assert_eq!(told(&server), None);
        server.terminated = Some(2_000);
        assert_eq!(told(&server).unwrap().end, Some(2_000));
        server.terminated = Some(2_001);
        assert_eq!(told(&server).unwrap().end, None);
    }

    #[test]
    fn republished_window_sees_the_vm_running() {
        let mut server = samples::server();
        server.status = Some("DELETED".into());
        server.terminated = Some(3_000);
        let told = told(&server).unwrap();
        assert_eq!((told.end, told.status(&server)), (None, "started"));
        server.status = Some("ERROR".into());
        assert_eq!(told.status(&server), "error");
    }

    #[test]
    fn never_launched_lasts_no_time() {
        let mut server = samples::server();
        server.created = Some(1_500);
        server.launched = None;
        let life = Lifetime::of(&server).unwrap();
        assert!(life.never_launched);
        assert_eq!(life.end, Some(1_500));
        server.compute_usage = Some(samples::usage());
        let life = Lifetime::of(&server).unwrap();
        assert!(!life.never_launched);
        assert_eq!(life.end, None);
    }

    #[test]
    fn known_to_the_usage_api_alone() {
        let mut server = samples::only_usage();
        let life = Lifetime::of(&server).unwrap();
        assert_eq!((life.start, life.end), (600, None));
        assert!(!life.never_launched);
        if let Some(usage) = &mut server.compute_usage {
            usage.ended = Some(1_800);
            usage.state = Some("terminated".into());
        }
        let told = told(&server).unwrap();
        assert_eq!((told.end, told.status(&server)), (Some(1_800), "completed"));
    }

    #[test]
    fn no_start_at_all_is_refused() {
        let mut server = samples::server();
        server.created = None;
        assert!(Lifetime::of(&server).unwrap_err().contains(&server.id));
    }

    #[test]
    fn end_before_the_start_lasts_no_time() {
        let mut server = samples::server();
        server.created = Some(1_500);
        server.terminated = Some(1_499);
        assert_eq!(told(&server).unwrap().seconds(), 0);
    }
}
