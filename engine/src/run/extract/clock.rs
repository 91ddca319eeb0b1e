//! Clocks that are behind ours.
//!
//! A window that ended in a service's future would leave a gap: what changes there until then
//! carries times that the next window takes for read. So no window ends after the present of
//! Keystone, which is asked first, nor after that of the service that is read. The latter is
//! known with its first answer: where it is behind, what was read is dropped and read again,
//! up to its present. Once: the projects after that know.

use super::extractor::Task;
use super::mapping::Counts;
use super::region::Region;
use super::segment::Written;
use super::window::Piece;
use caso_base::time::{DAY, format_utc};
use caso_extract::ExtractError;
use caso_model::Window;
use caso_openstack::{Service, Session};

/// Clocks differ by a little anywhere, and a `Date` is cut to its second.
const APART: i64 = 5;
/// What to do about it.
pub const SET_CLOCK: &str =
    "set the clock that is wrong (`timedatectl status` shows this machine's)";
/// By so much this machine may be behind OpenStack before it is worth a word.
const MUCH_BEHIND: i64 = 60;

/// By how many seconds a service's clock is behind ours, where that is much.
pub fn behind(session: &Session, service: Service) -> Option<i64> {
    let skew = session.clock_skew(service)?;
    // Of a header alone a day and more is not a clock's error but something that somebody made up.
    (-DAY..-APART).contains(&skew).then_some(-skew)
}

/// One of the two clocks is off by days: whose, nobody here can tell. Windows and records
/// would carry times that nobody can take back, so nothing is extracted.
#[derive(Debug, thiserror::Error)]
#[error(
    "OpenStack's clock is {} {} this machine's ({}, by the `Date` of Keystone's answers and by \
     the token that it issued): nothing is extracted until the two agree",
    duration(*.ahead), side(*.ahead), format_utc(*.now)
)]
pub struct ClocksApart {
    /// Seconds; behind ours: below 0.
    ahead: i64,
    /// Our now.
    now: i64,
}

fn duration(seconds: i64) -> String {
    let hours = seconds.unsigned_abs() / 3_600;
    match hours / 24 {
        0..3 => format!("{hours} hours"),
        days => format!("{days} days"),
    }
}

fn side(ahead: i64) -> &'static str {
    if ahead < 0 { "behind" } else { "ahead of" }
}

/// # Errors
/// The clocks are more than a day apart.
pub fn compare(session: &Session, now: i64) -> Result<(), ClocksApart> {
    match session.clock_apart_by_more_than(DAY) {
        None => Ok(()),
        Some(ahead) => Err(ClocksApart { ahead, now }),
    }
}

/// By how many seconds this machine's clock is behind OpenStack's, where that is much and less
/// than a day. Nothing is lost by it: what happened since waits for the next run.
pub fn ours_behind(session: &Session) -> Option<i64> {
    let skew = session.clock_skew(Service::Identity)?;
    (MUCH_BEHIND..=DAY).contains(&skew).then_some(skew)
}

/// What was read of a window.
pub struct Read {
    /// The window, as far as it lies in the service's past.
    pub window: Window,
    pub counts: Counts,
    pub written: Written,
}

impl Task {
    /// Reads a window and writes what comes out; none where all of it lies in the service's
    /// future.
    ///
    /// # Errors
    /// The segment is then discarded.
    pub async fn read(&self, mut piece: Piece) -> Result<Option<Read>, ExtractError> {
        for knows in [false, true] {
            if let Some(present) = self.present_before(piece.window.end) {
                piece.window.end = present;
            }
            let window = piece.window;
            if window.start >= window.end {
                return Ok(None);
            }
            let ends_too_late = || !knows && self.present_before(window.end).is_some();
            let segment = self.segment(piece, ends_too_late);
            if let Some((counts, written)) = segment.await? {
                return Ok(Some(Read {
                    window,
                    counts,
                    written,
                }));
            }
        }
        Ok(None)
    }

    /// The present of the service that is read, where its clock is behind and that lies before
    /// `end`; none where it has not answered yet.
    fn present_before(&self, end: i64) -> Option<i64> {
        let service = caso_extract::service(self.extractor);
        let Region {
            sources, bounds, ..
        } = self.region.as_ref();
        let seconds = behind(&sources.session, service)?;
        let present = bounds.now - seconds;
        if present.saturating_add(APART) >= end {
            return None;
        }
        let key = format!("clock-behind-{}", service.name());
        sources.caches.warnings.warn_once(&key, || {
            (
                format!(
                    "{service}'s clock is {seconds} s behind this machine's: extracting up to its time"
                ),
                SET_CLOCK,
            )
        });
        Some(present)
    }
}
