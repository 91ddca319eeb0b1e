//! Work that costs as much for one as for many: what comes while it is under way is done together,
//! next. It waits a moment for those who are on their way, and never for anybody else.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::timeout;

/// With so many parts nobody waits for more: what all of them share costs each an eighth.
const ENOUGH: usize = 8;

/// So many are enough where they are so large that others could go on with them.
const ENOUGH_OF_LARGE: usize = 4;
const LARGE: u64 = 20_000;

/// For so long what has come waits for others. A run that is killed meanwhile reads them again.
const PATIENCE: Duration = Duration::from_millis(200);

/// Those who wait, each with its part of the work.
pub struct Together<T, R> {
    waiting: Mutex<Vec<Waiting<T, R>>>,
    /// Held by who does the work of all that wait.
    turn: tokio::sync::Mutex<()>,
    on_their_way: OnTheirWay,
    patience: Duration,
}

/// A part of the work.
struct Waiting<T, R> {
    part: T,
    size: u64,
    done: oneshot::Sender<R>,
}

/// Those who may come with a part, or with none.
#[derive(Default)]
struct OnTheirWay {
    number: AtomicUsize,
    /// Somebody came, or is not on his way any more. Who has the turn listens.
    changed: Notify,
}

/// One who is on his way, until it is dropped.
pub struct Coming<'a>(&'a OnTheirWay);

impl Drop for Coming<'_> {
    fn drop(&mut self) {
        self.0.number.fetch_sub(1, Ordering::AcqRel);
        self.0.changed.notify_one();
    }
}

impl<T, R> Default for Together<T, R> {
    fn default() -> Self {
        Self {
            waiting: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            on_their_way: OnTheirWay::default(),
            patience: PATIENCE,
        }
    }
}

impl<T, R> Together<T, R> {
    /// Says that a part may come.
    pub fn coming(&self) -> Coming<'_> {
        self.on_their_way.number.fetch_add(1, Ordering::AcqRel);
        Coming(&self.on_their_way)
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting<T, R>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All that wait, when there are enough of them or nobody else is on his way.
    async fn gathered(&self) -> Vec<Waiting<T, R>> {
        let enough = async {
            loop {
                let (parts, size) = {
                    let waiting = self.waiting();
                    let size: u64 = waiting.iter().map(|it| it.size).sum();
                    (waiting.len(), size)
                };
                let others = self.on_their_way.number.load(Ordering::Acquire);
                let large = parts >= ENOUGH_OF_LARGE && size >= LARGE;
                if parts == 0 || parts >= ENOUGH || large || others == 0 {
                    break;
                }
                self.on_their_way.changed.notified().await;
            }
        };
        // What has come by then is enough.
        let _ = timeout(self.patience, enough).await;
        std::mem::take(&mut *self.waiting())
    }
}

impl<T: Send + 'static, R: Send + 'static> Together<T, R> {
    /// Has it done, with all that came while what was before it was done; `size` is that of the
    /// part. `work` gives an answer
    /// for each part, in their order, and may block. None where it panicked.
    pub async fn done(
        &self,
        (part, size): (T, u64),
        coming: Coming<'_>,
        work: impl FnOnce(Vec<T>) -> Vec<R> + Send + 'static,
    ) -> Option<R> {
        let (done, mut answer) = oneshot::channel();
        self.waiting().push(Waiting { part, size, done });
        drop(coming);
        tokio::select! {
            biased;
            // It was done with others'. To wait for a turn all the same would hold up what comes
            // behind, until there are as many turns as parts.
            answer = &mut answer => return answer.ok(),
            turn = self.turn.lock() => {
                let all = self.gathered().await;
                if !all.is_empty() {
                    // Those whose work panicked find their answers gone.
                    let _ = tokio::task::spawn_blocking(move || {
                        let all = all.into_iter().map(|it| (it.part, it.done));
                        let (parts, waiting): (Vec<T>, Vec<_>) = all.unzip();
                        for (done, answer) in waiting.into_iter().zip(work(parts)) {
                            // Nobody waits any more where the run was ended.
                            let _ = done.send(answer);
                        }
                    })
                    .await;
                }
                drop(turn);
            }
        }
        answer.await.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};

    use futures_util::FutureExt as _;

    use super::*;

    /// The sizes of the pieces of work.
    type Sizes = Arc<Mutex<Vec<usize>>>;

    fn counted(sizes: &Sizes) -> impl FnOnce(Vec<usize>) -> Vec<usize> + Send + 'static {
        let sizes = sizes.clone();
        move |parts| {
            sizes.lock().unwrap().push(parts.len());
            parts
        }
    }

    /// While the first is at work two hundred come: they are one piece of work more.
    #[tokio::test(flavor = "multi_thread")]
    async fn what_comes_meanwhile_is_done_together() {
        let together: Arc<Together<usize, usize>> = Arc::default();
        let sizes = Sizes::default();
        let (begun, first_begins) = mpsc::channel();
        let (open, gate) = mpsc::channel::<()>();
        let first = tokio::spawn({
            let (together, sizes) = (together.clone(), sizes.clone());
            async move {
                let work = move |parts: Vec<usize>| {
                    begun.send(()).unwrap();
                    gate.recv().unwrap();
                    counted(&sizes)(parts)
                };
                together.done((0, 1), together.coming(), work).await
            }
        });
        tokio::task::spawn_blocking(move || first_begins.recv().unwrap())
            .await
            .unwrap();
        let others: Vec<_> = (1..=200)
            .map(|n| {
                let (together, sizes) = (together.clone(), sizes.clone());
                let mut done = Box::pin(async move {
                    let work = counted(&sizes);
                    together.done((n, 1), together.coming(), work).await
                });
                // It stands in the line from here on.
                assert!(done.as_mut().now_or_never().is_none());
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

    /// Three bring three parts each, one when the one before is done: that is not a piece of work
    /// for each part.
    #[tokio::test]
    async fn who_has_an_answer_does_not_wait_for_a_turn() {
        let together: Together<usize, usize> = Together::default();
        let sizes = Sizes::default();
        let three = async |n| {
            for _ in 0..3 {
                let done = together.done((n, 1), together.coming(), counted(&sizes));
                assert_eq!(done.await, Some(n));
            }
        };
        // All three stand in the line before one has the turn.
        let turn = together.turn.lock().await;
        let all = futures_util::future::join3(three(1), three(2), three(3));
        let mut all = Box::pin(all);
        assert!(all.as_mut().now_or_never().is_none());
        drop(turn);
        all.await;
        assert_eq!(*sizes.lock().unwrap(), [3, 3, 3]);
    }

    fn patient(patience: Duration) -> Together<usize, usize> {
        Together {
            patience,
            ..Together::default()
        }
    }

    /// The first waits for the second, who is on his way; and for the third no longer when that
    /// one has nothing to bring.
    #[tokio::test]
    async fn those_on_their_way_are_waited_for() {
        let together = patient(Duration::MAX);
        let sizes = Sizes::default();
        let (second, third) = (together.coming(), together.coming());
        let mut first = Box::pin(together.done((1, 1), together.coming(), counted(&sizes)));
        assert!(first.as_mut().now_or_never().is_none());
        let mut second = Box::pin(together.done((2, 1), second, counted(&sizes)));
        assert!(second.as_mut().now_or_never().is_none());
        assert!(first.as_mut().now_or_never().is_none());
        assert!(sizes.lock().unwrap().is_empty());
        drop(third);
        assert_eq!(first.await, Some(1));
        assert_eq!(second.await, Some(2));
        assert_eq!(*sizes.lock().unwrap(), [2]);
    }

    #[tokio::test]
    async fn nobody_is_waited_for_for_ever() {
        let together = patient(Duration::ZERO);
        let sizes = Sizes::default();
        let _never = together.coming();
        let alone = together.done((1, 1), together.coming(), counted(&sizes));
        assert_eq!(alone.await, Some(1));
        assert_eq!(*sizes.lock().unwrap(), [1]);
    }

    #[tokio::test]
    async fn where_there_are_enough_nobody_is_waited_for() {
        let together = patient(Duration::MAX);
        let sizes = Sizes::default();
        let _never = together.coming();
        let all = (0..ENOUGH).map(|n| together.done((n, 1), together.coming(), counted(&sizes)));
        let answers = futures_util::future::join_all(all).await;
        assert_eq!(answers, (0..ENOUGH).map(Some).collect::<Vec<_>>());
        assert_eq!(*sizes.lock().unwrap(), [ENOUGH]);
    }

    /// Four large ones are enough, though a fifth is on its way; four small ones
    /// are not.
    #[tokio::test]
    async fn fewer_are_enough_where_they_are_large() {
        let together = patient(Duration::MAX);
        let sizes = Sizes::default();
        let fifth = together.coming();
        let four = |size| {
            let part = |n| {
                let done = together.done((n, size), together.coming(), counted(&sizes));
                let mut done = Box::pin(done);
                assert!(done.as_mut().now_or_never().is_none());
                done
            };
            futures_util::future::join_all([0, 1, 2, 3].map(part))
        };
        let large = timeout(Duration::from_secs(60), four(LARGE / 4)).await;
        assert_eq!(large.unwrap().len(), 4);
        let mut small = Box::pin(four(LARGE / 4 - 1));
        for _ in 0..100 {
            assert!(small.as_mut().now_or_never().is_none());
            tokio::task::yield_now().await;
        }
        drop(fifth);
        assert_eq!(small.await.len(), 4);
        assert_eq!(*sizes.lock().unwrap(), [4, 4]);
    }

    #[tokio::test]
    async fn a_panic_costs_the_answers_of_that_work() {
        let together: Together<(), ()> = Together::default();
        let broken = together.done(((), 1), together.coming(), |_| panic!("broken"));
        assert_eq!(broken.await, None);
        let whole = together.done(((), 1), together.coming(), |parts| parts);
        assert_eq!(whole.await, Some(()));
    }
}
