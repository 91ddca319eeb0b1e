//! Finding the item on which a mapper fails.
//!
//! A page on which the component fails is halved, down to the one item, each
//! half in a fresh store; what is fine gets its outcome, what is not gets its
//! failure. The work is bounded: a component that fails whatever it is given
//! is noticed after a few single items, and one that loops again and again is
//! given up rather than waited for all night.

use std::ops::Range;
use std::time::Duration;

use caso_model::guest::{BoxFuture, FailureKind, GuestFailure, Mapper, Outcome};
use caso_model::usage::{Context, Tables, UsageItem};
use caso_sandbox::{CallTime, GuestMapper, GuestPage};

/// Single items that fail before anything succeeded: then the component is
/// broken, not the items.
const SINGLES: usize = 3;
/// Calls of one page that may run into the deadline. Finding one item among a
/// thousand takes eleven.
const SLOW: usize = 48;

/// A mapper that answers for each item of a page, also where it fails on some.
pub struct BisectingMapper {
    mapper: GuestMapper,
    /// It has mapped something.
    proven: bool,
}

impl BisectingMapper {
    /// Around a started mapper.
    pub fn new(mapper: GuestMapper) -> Self {
        Self {
            mapper,
            proven: false,
        }
    }
}

impl Mapper for BisectingMapper {
    fn map<'a>(
        &'a mut self,
        context: &'a Context,
        tables: &'a Tables,
        items: &'a [UsageItem],
    ) -> BoxFuture<'a, Result<Vec<Outcome>, GuestFailure>> {
        Box::pin(async move {
            let whole = self.mapper.call_time();
            let page = self.mapper.page(context, tables, items);
            let outcomes = bisect(&mut Timed { page, whole }, items.len(), self.proven).await?;
            self.proven |= outcomes
                .iter()
                .any(|outcome| !matches!(outcome, Outcome::Failed(_)));
            Ok(outcomes)
        })
    }
}

/// A page and the time that a call for all of it may take.
struct Timed<'a> {
    page: GuestPage<'a>,
    whole: CallTime,
}

impl Part for Timed<'_> {
    fn call(
        &mut self,
        range: Range<usize>,
        share: Share,
    ) -> BoxFuture<'_, Result<Vec<Outcome>, GuestFailure>> {
        let time = CallTime {
            deadline: share.of(self.whole.deadline),
            timeout: share.of(self.whole.timeout),
        };
        Box::pin(self.page.map(range, time))
    }
}

/// A call for a part of the page, with this much of the limits' time.
trait Part: Send {
    fn call(
        &mut self,
        range: Range<usize>,
        share: Share,
    ) -> BoxFuture<'_, Result<Vec<Outcome>, GuestFailure>>;
}

/// The part of a page that a call gets, for its time limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Share {
    items: usize,
    of: usize,
}

impl Share {
    /// Half the items get half the time, but never so little that a healthy
    /// item on a loaded machine looks like a bad one.
    fn of(self, limit: Duration) -> Duration {
        let items = u32::try_from(self.items.max(1)).unwrap_or(u32::MAX);
        let of = u32::try_from(self.of.max(1)).unwrap_or(u32::MAX);
        let least = (limit / 8).max(Duration::from_secs(1)).min(limit);
        let part = limit.saturating_mul(items) / of;
        part.clamp(least, limit)
    }
}

/// One outcome for each of `len` items. `proven` says that this mapper has
/// mapped something before.
async fn bisect(
    part: &mut dyn Part,
    len: usize,
    proven: bool,
) -> Result<Vec<Outcome>, GuestFailure> {
    let mut outcomes = Vec::with_capacity(len);
    let mut todo = Vec::from([Range { start: 0, end: len }]);
    let mut succeeded = proven;
    let (mut singles, mut slow) = (0, 0);
    let mut last = None;
    while let Some(range) = todo.pop() {
        let share = Share {
            items: range.len(),
            of: len,
        };
        let failure = match part.call(range.clone(), share).await {
            Ok(some) => {
                outcomes.extend(some);
                succeeded = true;
                continue;
            }
            Err(failure) => failure,
        };
        if matches!(
            failure.kind,
            FailureKind::Start | FailureKind::Host | FailureKind::Room
        ) || range.is_empty()
        {
            return Err(failure);
        }
        if failure.kind == FailureKind::Deadline {
            slow += 1;
            if slow > SLOW {
                let detail = format!("{}, for the {slow}th time in one page", failure.detail);
                return Err(GuestFailure { detail, ..failure });
            }
        }
        if range.len() == 1 {
            singles += 1;
            if !succeeded && singles >= SINGLES {
                return Err(failure);
            }
            last = Some(failure.clone());
            outcomes.push(Outcome::Failed(failure));
        } else {
            let middle = range.start + range.len() / 2;
            todo.push(middle..range.end);
            todo.push(range.start..middle);
        }
    }
    match last {
        // Nothing ever went well. A lone item may be to blame for that: then
        // at least an empty page is no trouble.
        Some(failure) if !succeeded => {
            if len > 1 {
                return Err(failure);
            }
            let share = Share { items: 1, of: 1 };
            part.call(0..0, share).await.map(|_| outcomes)
        }
        _ => Ok(outcomes),
    }
}

#[cfg(test)]
mod tests;
