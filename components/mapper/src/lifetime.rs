//! When a VM began and ended, and what a record for a window reports of that.
//!
//! Times are epoch seconds. Both edges of the window count here: a VM that ended in its
//! first second, or began when it ends, is reported.

use caso_component::log;
use caso_component::types::Window;

use crate::calendar;
use crate::status;
use crate::usage::Server;

/// How many seconds before its end a VM that ended before the window may have gone through a
/// month's end that no window reported.
const LATE: i64 = 86_400;

/// The life of a VM as far as it is known now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// When it began.
    pub start: i64,
    /// When it ended, never before `start`; absent while it runs.
    pub end: Option<i64>,
    /// Whether it never ran: it then begins and ends with its creation.
    pub never_launched: bool,
}

/// The life of a VM as a record for a window reports it. It begins where the VM began, not
/// where the window does: durations of APEL's cloud records are cumulative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reported {
    /// When the VM began.
    pub start: i64,
    /// When it ended; absent while it runs, and also when it ended after the window.
    pub end: Option<i64>,
    /// The moment for which the record speaks: `end`, the end of the window, or a month's
    /// last second within it; never before `start`.
    pub until: i64,
}

impl Lifetime {
    /// Reads a server's times.
    ///
    /// The start is `created`, and not `launched_at` or the usage API's `started_at`: Nova
    /// moves these when a VM is resized or rebuilt, so cumulative durations would drop. The
    /// end is `terminated_at`. For a VM that was never launched it is the creation; for one
    /// without `terminated_at` it is the usage API's `ended_at`, or, if it is deleted, its
    /// last update.
    ///
    /// # Errors
    /// When the server has neither `created` nor `started_at`.
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
        // The usage API lists no server that was never launched, so an entry there counts
        // for more than a missing `launched_at`.
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
                    "server `{}` ended at {}, before it was created at {}: it is recorded as if \
                     it had ended when it was created",
                    server.id,
                    calendar::date(end),
                    calendar::date(start)
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

    /// What a record for the window reports of it; nothing when it began after it. One that
    /// ended before it is reported: the host met its end in this window, by a clock that was
    /// behind, or late.
    pub fn reported_in(self, window: Window) -> Option<Reported> {
        if self.start > window.end {
            return None;
        }
        let end = self.end.filter(|end| *end <= window.end);
        Some(Reported {
            start: self.start,
            end,
            until: end.unwrap_or(window.end),
        })
    }
}

impl Reported {
    /// Seconds from the start: the wall time.
    pub fn seconds(self) -> u64 {
        // Not negative: `of` and `reported_in` keep `until` from being before `start`.
        u64::try_from(self.until.saturating_sub(self.start)).unwrap_or(0)
    }

    /// The same life as of each month that ended within the window while it went on: in its
    /// last second, in the order of the months. Such a record has no end, whenever the VM
    /// ended after that second.
    ///
    /// Not for a month in whose last second the VM began: it held nothing of that month, and a
    /// duration of 0, which is sent as one second, would be booked to the next one.
    ///
    /// # Errors
    /// When a time is in no year that a record can name.
    pub fn at_month_ends(self, window: Window) -> Result<impl Iterator<Item = Self>, String> {
        // An end that is reported late lies before the window, and so may a month's end that
        // no window reported.
        let from = if self.until < window.start {
            self.until.saturating_sub(LATE)
        } else {
            window.start
        };
        let from = from.max(self.start.saturating_add(1));
        let ends = calendar::month_ends(from, self.until)?;
        Ok(ends.map(move |until| Self {
            start: self.start,
            end: None,
            until,
        }))
    }

    /// Whether it is one of those, and not the report as of the window's end.
    pub fn is_of_a_month_end(self, window: Window) -> bool {
        self.end.is_none() && self.until < window.end
    }

    /// The record's status. A VM that still runs at `until` is not `completed`, whatever
    /// happened to it since.
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

    fn reported(server: &Server) -> Option<Reported> {
        let window = Window {
            start: 1_000,
            end: 2_000,
        };
        Lifetime::of(server).unwrap().reported_in(window)
    }

    #[test]
    fn end_of_a_life() {
        let mut server = samples::server();
        server.launched = Some(510);
        server.updated = Some(1_700);
        assert_eq!(reported(&server).unwrap().end, None);
        assert_eq!(reported(&server).unwrap().seconds(), 1_500);
        server.status = Some("DELETED".into());
        assert_eq!(reported(&server).unwrap().end, Some(1_700));
        server.terminated = Some(1_600);
        assert_eq!(reported(&server).unwrap().end, Some(1_600));
        assert_eq!(reported(&server).unwrap().seconds(), 1_100);
    }

    #[test]
    fn edges_of_the_window_belong_to_it() {
        let mut server = samples::server();
        server.created = Some(2_000);
        assert_eq!(reported(&server).unwrap().seconds(), 0);
        server.created = Some(2_001);
        assert_eq!(reported(&server), None);
        server.created = Some(500);
        server.terminated = Some(1_000);
        assert_eq!(reported(&server).unwrap().end, Some(1_000));
        // By a clock that is behind, or late.
        server.terminated = Some(999);
        assert_eq!(reported(&server).unwrap().end, Some(999));
        server.terminated = Some(2_000);
        assert_eq!(reported(&server).unwrap().end, Some(2_000));
        server.terminated = Some(2_001);
        assert_eq!(reported(&server).unwrap().end, None);
    }

    #[test]
    fn republished_window_sees_the_vm_running() {
        let mut server = samples::server();
        server.status = Some("DELETED".into());
        server.terminated = Some(3_000);
        let reported = reported(&server).unwrap();
        assert_eq!((reported.end, reported.status(&server)), (None, "started"));
        server.status = Some("ERROR".into());
        assert_eq!(reported.status(&server), "error");
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
        let reported = reported(&server).unwrap();
        assert_eq!(
            (reported.end, reported.status(&server)),
            (Some(1_800), "completed")
        );
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
        assert_eq!(reported(&server).unwrap().seconds(), 0);
        let lines = log::take_lines();
        let dates = "ended at 1970-01-01T00:24:59Z, before it was created at 1970-01-01T00:25:00Z";
        assert!(lines[0].1.contains(dates), "{lines:?}");
        for sane in [1_500, 1_501] {
            server.terminated = Some(sane);
            assert!(reported(&server).is_some());
            assert!(log::take_lines().is_empty(), "{sane}");
        }
    }
}
