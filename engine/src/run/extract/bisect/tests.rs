use super::*;

/// A mapper that fails on some items, and counts its calls.
struct Fake {
    bad: fn(usize) -> bool,
    bad_when_empty: bool,
    kind: FailureKind,
    calls: usize,
}

impl Fake {
    fn new(bad: fn(usize) -> bool) -> Self {
        Self {
            bad,
            bad_when_empty: false,
            kind: FailureKind::Trap,
            calls: 0,
        }
    }
}

impl Part for Fake {
    fn call(
        &mut self,
        mut range: Range<usize>,
        _: Share,
    ) -> BoxFuture<'_, Result<Vec<Outcome>, GuestFailure>> {
        self.calls += 1;
        let fails = range.clone().any(self.bad) || (range.is_empty() && self.bad_when_empty);
        let answer = if fails {
            let detail = format!("{range:?}");
            let (call, kind) = ("map-usage", self.kind);
            Err(GuestFailure::seen_by_host(
                "fake", "fake", call, kind, detail,
            ))
        } else {
            Ok(range
                .by_ref()
                .map(|index| Outcome::Refused(index.to_string()))
                .collect())
        };
        Box::pin(async move { answer })
    }
}

async fn failed(fake: &mut Fake, len: usize, proven: bool) -> Result<Vec<usize>, GuestFailure> {
    let outcomes = bisect(fake, len, proven).await?;
    assert_eq!(outcomes.len(), len);
    let mut failed = Vec::new();
    for (index, outcome) in outcomes.into_iter().enumerate() {
        match outcome {
            Outcome::Failed(_) => failed.push(index),
            other => assert_eq!(other, Outcome::Refused(index.to_string())),
        }
    }
    Ok(failed)
}

#[tokio::test]
async fn a_good_page_is_one_call() {
    let mut fake = Fake::new(|_| false);
    assert_eq!(
        failed(&mut fake, 1_000, false).await.unwrap(),
        Vec::<usize>::new()
    );
    assert_eq!(fake.calls, 1);
}

#[tokio::test]
async fn one_bad_item_is_found_wherever_it_stands() {
    for bad in [|i| i == 0, |i| i == 617, |i| i == 999] as [fn(usize) -> bool; 3] {
        let mut fake = Fake::new(bad);
        let found = failed(&mut fake, 1_000, false).await.unwrap();
        assert!(found.len() == 1 && bad(found[0]), "{found:?}");
        assert!(fake.calls <= 21, "{}", fake.calls);
    }
}

#[tokio::test]
async fn many_bad_items_are_all_found() {
    let found = failed(&mut Fake::new(|i| i % 10 == 3), 100, false)
        .await
        .unwrap();
    assert_eq!(found, [3, 13, 23, 33, 43, 53, 63, 73, 83, 93]);
}

#[tokio::test]
async fn a_component_that_always_fails_is_broken_soon() {
    let mut fake = Fake::new(|_| true);
    assert!(failed(&mut fake, 1_000, false).await.is_err());
    assert!(fake.calls <= 14, "{}", fake.calls);
    assert!(failed(&mut Fake::new(|_| true), 2, false).await.is_err());
}

#[tokio::test]
async fn a_lone_bad_item_is_the_item_unless_nothing_works() {
    assert_eq!(
        failed(&mut Fake::new(|_| true), 1, false).await.unwrap(),
        [0]
    );
    let mut fake = Fake {
        bad_when_empty: true,
        ..Fake::new(|_| true)
    };
    assert!(failed(&mut fake, 1, false).await.is_err());
}

#[tokio::test]
async fn a_proven_component_is_not_to_blame() {
    assert_eq!(
        failed(&mut Fake::new(|_| true), 5, true).await.unwrap(),
        [0, 1, 2, 3, 4]
    );
}

#[tokio::test]
async fn a_component_that_cannot_start_is_not_halved() {
    let mut fake = Fake {
        kind: FailureKind::Start,
        ..Fake::new(|i| i == 5)
    };
    assert!(failed(&mut fake, 10, true).await.is_err());
    assert_eq!(fake.calls, 1);
}

#[tokio::test]
async fn loops_are_not_waited_for_all_night() {
    let mut fake = Fake {
        kind: FailureKind::Deadline,
        ..Fake::new(|i| i % 2 == 0)
    };
    let failure = failed(&mut fake, 1_000, false).await.unwrap_err();
    assert!(failure.detail.contains("49th time"), "{failure}");
    assert!(fake.calls < 120, "{}", fake.calls);
}

#[test]
fn time_shrinks_with_the_items_but_not_below_a_second() {
    let of = |items, limit| Share { items, of: 1_000 }.of(Duration::from_millis(limit));
    assert_eq!(of(1_000, 10_000), Duration::from_secs(10));
    assert_eq!(of(500, 10_000), Duration::from_secs(5));
    assert_eq!(of(1, 10_000), Duration::from_millis(1_250));
    assert_eq!(of(1, 200), Duration::from_millis(200));
}
