//! A point at which a stand-in waits for the test, and the test for it: so a case
//! is timed by what the program asks for, and not by a clock.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

/// How long somebody is waited for who may never come.
const PATIENCE: Duration = Duration::from_secs(60);

/// Closed at first. Clones are the same gate.
#[derive(Clone)]
pub struct Gate(Arc<Inner>);

struct Inner {
    arrived: Mutex<usize>,
    news: Condvar,
    /// Without any permit; closed when the gate is opened.
    opened: Semaphore,
}

impl Default for Gate {
    fn default() -> Self {
        Gate(Arc::new(Inner {
            arrived: Mutex::new(0),
            news: Condvar::new(),
            opened: Semaphore::new(0),
        }))
    }
}

impl Gate {
    /// Waits until somebody stands before the gate; false if nobody came.
    pub fn is_reached(&self) -> bool {
        let arrived = self
            .0
            .arrived
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let waited = self
            .0
            .news
            .wait_timeout_while(arrived, PATIENCE, |arrived| *arrived == 0);
        *waited.unwrap_or_else(PoisonError::into_inner).0 > 0
    }

    /// Lets pass whoever stands there, and all who come later.
    pub fn open(&self) {
        self.0.opened.close();
    }

    /// What a stand-in says that cannot wait.
    pub fn arrive(&self) {
        *self
            .0
            .arrived
            .lock()
            .unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.news.notify_all();
    }

    /// Arrives, and waits until it is open.
    pub async fn pass(&self) {
        self.arrive();
        // An error is what a closed semaphore answers: the way is free.
        let _ = self.0.opened.acquire().await;
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a gate")
    }
}
