//! How long a check waits for a cloud: as long as a run would (`extraction_timeout`), and no longer; and what it
//! tells at a terminal meanwhile. A service that asks to be left alone for an hour, or answers nothing, is else not to be told from
//! a check that hangs.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{Either, select};

use crate::run::extract::late;
use caso_base::{Clock, Message, SystemClock};
use caso_deliver::PROGRESS;

/// After so long it is said who is waited for, and again after twice as long, up to a minute.
const SILENCE: Duration = Duration::from_secs(5);
const MOST_SILENCE: Duration = Duration::from_secs(60);

/// Of one check.
pub struct Patience {
    clock: SystemClock,
    most: Duration,
    /// On the machine's clock that is never set.
    ends: Duration,
    /// Who is waited for.
    waits: Mutex<Vec<String>>,
}

impl Patience {
    /// From now on.
    pub fn of(most: Duration) -> Self {
        let clock = SystemClock::new();
        Patience {
            ends: clock.monotonic().saturating_add(most),
            clock,
            most,
            waits: Mutex::default(),
        }
    }

    /// What comes of the work of somebody.
    ///
    /// # Errors
    /// The time is over. The message says so, and goes behind what was to be read.
    pub async fn with<T>(&self, who: &str, work: impl Future<Output = T>) -> Result<T, Message> {
        let waits = || self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        waits().push(who.to_owned());
        let left = self.ends.saturating_sub(self.clock.monotonic());
        let work = std::pin::pin!(work);
        let came = match select(work, self.clock.sleep(left)).await {
            Either::Left((done, _)) => Ok(done),
            Either::Right(_) => Err((late::in_time(self.most), late::HINT).into()),
        };
        let mut waits = waits();
        if let Some(at) = waits.iter().position(|it| it == who) {
            waits.remove(at);
        }
        came
    }

    /// Does the work, and says who is waited for.
    pub async fn telling<T>(&self, work: impl Future<Output = T>) -> T {
        let telling = std::pin::pin!(self.tell());
        let work = std::pin::pin!(work);
        match select(work, telling).await {
            Either::Left((done, _)) => done,
            Either::Right((never, _)) => match never {},
        }
    }

    async fn tell(&self) -> std::convert::Infallible {
        let mut silence = SILENCE;
        loop {
            self.clock.sleep(silence).await;
            silence = (silence * 2).min(MOST_SILENCE);
            let waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(first) = waits.first() {
                let more = match waits.len() {
                    1 => String::new(),
                    all => format!(" and {} more", all - 1),
                };
                tracing::info!(target: PROGRESS, "still waiting for {first}{more}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_never_ends_is_ended_and_nobody_is_waited_for_any_more() {
        let patience = Patience::of(Duration::from_millis(20));
        let late = patience.with("Nova", std::future::pending::<()>()).await;
        let late = late.unwrap_err();
        assert!(late.text.contains("`extraction_timeout`"), "{late:?}");
        assert!(patience.waits.lock().unwrap().is_empty());
        // What is there at once is taken, however late it is.
        let done = patience.telling(patience.with("Nova", async { 7 })).await;
        assert_eq!(done.unwrap(), 7);
    }
}
