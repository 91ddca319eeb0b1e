//! Which cloud inherits what Python's cASO left of a project.
//!
//! cASO kept one lastrun file for a project, of the one cloud that it knew. Of
//! several clouds that have the project the first in the configuration goes on
//! from that file, and the others start afresh: a cloud with such a project waits
//! until those before it have read their cursors. The clouds' lists of projects
//! are known only while they run, so that this cannot be settled before.

use tokio::sync::watch;

/// A cloud's place in the line.
pub struct Turn {
    /// Of the clouds before it: whether they have read their cursors.
    before: Vec<watch::Receiver<bool>>,
    /// The same of this one, for those behind it.
    taken: watch::Sender<bool>,
}

/// One turn for each of the clouds, in their order.
pub fn turns(clouds: usize) -> Vec<Turn> {
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..clouds).map(|_| watch::channel(false)).unzip();
    let turn = |(index, taken)| Turn {
        before: receivers.iter().take(index).cloned().collect(),
        taken,
    };
    senders.into_iter().enumerate().map(turn).collect()
}

impl Turn {
    /// Waits for the clouds before it. One that came to its end without
    /// cursors inherits nothing, and is not waited for.
    pub async fn wait(&self) {
        for before in &self.before {
            // An error is a turn that was dropped.
            let _ = before.clone().wait_for(|taken| *taken).await;
        }
    }

    /// Lets those behind it go on.
    pub fn taken(&self) {
        self.taken.send_replace(true);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn a_cloud_waits_for_all_before_it() {
        let turns = turns(3);
        let waits = |at: usize| turns[at].wait().now_or_never().is_none();
        assert_eq!((waits(0), waits(1), waits(2)), (false, true, true));
        turns[1].taken();
        assert!(waits(2), "the first has not taken yet");
        turns[0].taken();
        assert_eq!((waits(1), waits(2)), (false, false));
    }

    #[test]
    fn one_that_failed_is_not_waited_for() {
        let mut turns = turns(2);
        drop(turns.remove(0));
        assert!(turns[0].wait().now_or_never().is_some());
    }
}
