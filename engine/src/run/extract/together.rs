//! Work that costs as much for one as for many: what comes while it is under way is done together,
//! next. Nobody waits for others to come.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Those who wait, each with its part of the work.
pub struct Together<T, R> {
    waiting: Mutex<Vec<(T, oneshot::Sender<R>)>>,
    /// Held by who does the work of all that wait.
    turn: tokio::sync::Mutex<()>,
}

impl<T, R> Default for Together<T, R> {
    fn default() -> Self {
        Self {
            waiting: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        }
    }
}

impl<T: Send + 'static, R: Send + 'static> Together<T, R> {
    /// Has it done, with all that came while what was before it was done. `work` gives an answer
    /// for each part, in their order, and may block. None where it panicked.
    pub async fn done(
        &self,
        part: T,
        work: impl FnOnce(Vec<T>) -> Vec<R> + Send + 'static,
    ) -> Option<R> {
        let (done, answer) = oneshot::channel();
        self.waiting().push((part, done));
        {
            let _turn = self.turn.lock().await;
            let all = std::mem::take(&mut *self.waiting());
            if !all.is_empty() {
                // Those whose work panicked find their answers gone.
                let _ = tokio::task::spawn_blocking(move || {
                    let (parts, waiting): (Vec<T>, Vec<_>) = all.into_iter().unzip();
                    for (done, answer) in waiting.into_iter().zip(work(parts)) {
                        // Nobody waits any more where the run was ended.
                        let _ = done.send(answer);
                    }
                })
                .await;
            }
        }
        answer.await.ok()
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<(T, oneshot::Sender<R>)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};

    use super::*;

    /// While the first is at work two hundred come: they are one piece of work more.
    #[tokio::test(flavor = "multi_thread")]
    async fn what_comes_meanwhile_is_done_together() {
        let together: Arc<Together<usize, usize>> = Arc::default();
        let sizes: Arc<Mutex<Vec<usize>>> = Arc::default();
        let (begun, first_begins) = mpsc::channel();
        let (open, gate) = mpsc::channel::<()>();
        let first = tokio::spawn({
            let (together, sizes) = (together.clone(), sizes.clone());
            async move {
                let work = move |parts: Vec<usize>| {
                    begun.send(()).unwrap();
                    gate.recv().unwrap();
                    sizes.lock().unwrap().push(parts.len());
                    parts
                };
                together.done(0, work).await
            }
        });
        tokio::task::spawn_blocking(move || first_begins.recv().unwrap())
            .await
            .unwrap();
        let others: Vec<_> = (1..=200)
            .map(|n| {
                let (together, sizes) = (together.clone(), sizes.clone());
                let mut done = Box::pin(async move {
                    let work = move |parts: Vec<usize>| {
                        sizes.lock().unwrap().push(parts.len());
                        parts
                    };
                    together.done(n, work).await
                });
                // It stands in the line from here on.
                assert!(futures_util::FutureExt::now_or_never(done.as_mut()).is_none());
                tokio::spawn(done)
            })
            .collect();
        open.send(()).unwrap();
        assert_eq!(first.await.unwrap(), Some(0));
        for (n, other) in (1..=200).zip(others) {
            assert_eq!(other.await.unwrap(), Some(n));
        }
        assert_eq!(*sizes.lock().unwrap(), [1, 200]);
    }

    #[tokio::test]
    async fn a_panic_costs_the_answers_of_that_work() {
        let together: Together<(), ()> = Together::default();
        assert_eq!(together.done((), |_| panic!("broken")).await, None);
        assert_eq!(together.done((), |parts| parts).await, Some(()));
    }
}
