//! Hypervisors whose clocks are wrong, hour by hour: no end is lost, and nothing that was
//! reported is taken back.

use super::remembering::{Hours, three};
use super::*;
use crate::testing::*;
use caso_history::Past;
use caso_model::Window;

const HOUR: i64 = 3600;

/// When server 1 ended, as this window reports it.
fn ended(kept: &Kept) -> Option<i64> {
    let servers = kept.servers();
    let of_one = servers.iter().find(|server| server.id == uuid(1));
    of_one.unwrap().terminated
}

/// Its end would lie behind the window, and the next window's lists do not show it.
#[tokio::test]
async fn an_end_by_a_clock_that_is_ahead_is_that_of_nova() {
    let mut hours = Hours::begin(three()).await;
    let end = hours.window.end;
    let kept = hours.next(|cloud| {
        cloud.server(1).host_clock_ahead = 2 * HOUR;
        cloud.server(1).delete(end + 300);
    });
    let kept = kept.await.unwrap();
    assert_eq!(kept.numbers(), [0, 1, 2]);
    assert_eq!(ended(&kept), Some(end + 300));
    let said = std::mem::take(&mut hours.said);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].contains(&uuid(1)) && said[0].contains("Z,"),
        "{said:?}"
    );
    for _ in 0..4 {
        assert_eq!(hours.next(|_| ()).await.unwrap().numbers(), [0, 2]);
    }
    assert!(hours.said.is_empty(), "{:?}", hours.said);
}

/// The usage has it for as long as the host's clock says.
#[tokio::test]
async fn a_server_whose_end_was_reported_is_not_reported_from_its_usage() {
    let mut hours = Hours::begin(three()).await;
    let end = hours.window.end;
    let kept = hours.next(|cloud| cloud.server(1).delete(end + 300));
    assert_eq!(kept.await.unwrap().numbers(), [0, 1, 2]);
    // As an earlier cASO noted the end of a server whose clock is ahead.
    for _ in 0..4 {
        let later = hours.next(|cloud| cloud.server(1).terminated = Some(end + 9 * HOUR));
        assert_eq!(later.await.unwrap().numbers(), [0, 2]);
    }
}

#[tokio::test]
async fn an_end_behind_the_window_is_still_to_be_reported() {
    let mut hours = Hours::begin(three()).await;
    let end = hours.window.end + HOUR;
    let kept = hours.next(|cloud| cloud.server(1).delete(end + 30)).await;
    assert_eq!(ended(&kept.unwrap()), Some(end + 30));
    let id = Uuid::from_u128(1);
    assert_eq!(hours.history.past(id), Some(Past::Alive(end)));
    let kept = hours.next(|_| ()).await.unwrap();
    assert_eq!(ended(&kept), Some(end + 30));
    assert_eq!(hours.history.past(id), None);
}

/// Days behind, or at 2020; and a month that is published once more says the same.
#[tokio::test]
async fn an_end_by_a_clock_that_is_far_behind_takes_nothing_back() {
    for terminated in [1_577_836_800, WINDOW.end - 2 * 86_400] {
        let mut hours = Hours::begin(three()).await;
        let end = hours.window.end;
        let kept = hours.next(|cloud| {
            cloud.server(1).delete(end + 300);
            cloud.server(1).terminated = Some(terminated);
        });
        assert_eq!(ended(&kept.await.unwrap()), Some(end + 300));
        assert_eq!(hours.said.len(), 1, "{:?}", hours.said);
        hours.said.clear();
        let of_next = hours.window.start;
        hours.window = Window {
            start: WINDOW.start,
            end: end + HOUR,
        };
        let again = hours.read().await.unwrap();
        assert_eq!(ended(&again), Some(end + 300));
        hours.window.start = of_next;
        assert_eq!(hours.next(|_| ()).await.unwrap().numbers(), [0, 2]);
    }
}

/// By clocks that agree, and a list that is late.
#[tokio::test]
async fn an_end_that_is_shown_late_is_not_before_the_last_report() {
    let mut hours = Hours::begin(three()).await;
    let end = hours.window.end;
    let kept = hours.next(|cloud| cloud.server(1).delete(end - 1800)).await;
    assert_eq!(ended(&kept.unwrap()), Some(end));
    assert_eq!(hours.next(|_| ()).await.unwrap().numbers(), [0, 2]);
}
