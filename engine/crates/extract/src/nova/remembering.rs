//! One window after the other: what the last one saw decides what this one asks.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use serde_json::json;

use super::*;
use crate::extract;
use crate::testing::{self, *};
use caso_history::History;
use caso_model::Window;
use caso_model::extraction::Extractor;

const HOUR: i64 = 3600;

/// A cloud that is read hour by hour.
pub(super) struct Hours {
    stand: Arc<Stand>,
    pub(super) history: History,
    pub(super) window: Window,
    /// Requests for servers by the last window, as `path?query`.
    asked: Vec<String>,
    /// Warnings since they were last taken.
    pub(super) said: Vec<String>,
}

impl Hours {
    /// Reads the first hour.
    pub(super) async fn begin(cloud: Plan) -> Hours {
        let mut hours = Hours {
            stand: cloud.start(),
            history: History::empty(),
            window: WINDOW,
            asked: Vec::new(),
            said: Vec::new(),
        };
        hours.read().await.unwrap();
        hours
    }

    /// Lets something happen, and reads the next hour. The history is that of the last
    /// window that could be read.
    pub(super) async fn next(
        &mut self,
        happen: impl FnOnce(&mut Plan),
    ) -> Result<Kept, ExtractError> {
        self.stand.change(happen);
        self.window.end += HOUR;
        self.read().await
    }

    pub(super) async fn read(&mut self) -> Result<Kept, ExtractError> {
        let before = self.stand.log().len();
        let history = Mutex::new(std::mem::take(&mut self.history));
        let mut kept = Kept::default();
        let context = ExtractContext {
            now: self.window.end,
            ..self.stand.context()
        };
        let outcome = extract(
            Extractor::Nova,
            Task {
                context: &context,
                project: &project("p1"),
                window: self.window,
                history: &history,
                volumes: None,
            },
            &mut kept,
        )
        .await;
        self.history = history.into_inner().unwrap();
        self.asked = self.stand.log().split_off(before);
        let said = context.caches.closing_warnings();
        self.said.extend(said.into_iter().map(|notice| notice.text));
        outcome?;
        let mut bytes = Vec::new();
        let written: Result<(), std::convert::Infallible> =
            self.history.write(self.window.end, 1000, |piece| {
                bytes.extend_from_slice(piece);
                Ok(())
            });
        written.unwrap();
        self.history = History::read(&bytes[..]).unwrap();
        self.window.start = self.window.end - 60;
        Ok(kept)
    }

    pub(super) fn asked(&self, part: &str) -> usize {
        self.asked.iter().filter(|call| call.contains(part)).count()
    }
}

pub(super) fn three() -> Plan {
    let mut plan = plan();
    *plan.servers() = (0..3).map(old).collect();
    plan
}

#[tokio::test]
async fn an_hour_in_which_all_goes_on_costs_no_further_request() {
    let mut hours = Hours::begin(three()).await;
    let first = hours.asked.len();
    let kept = hours.next(|_| ()).await.unwrap();
    assert_eq!(kept.numbers(), [0, 1, 2]);
    assert!(hours.asked.len() <= first, "{:#?}", hours.asked);
    assert_eq!(hours.asked("/servers/0"), 0);
}

#[tokio::test]
async fn sizes_go_with_the_server_from_the_first_resize_on() {
    let mut hours = Hours::begin(three()).await;
    let end = hours.window.end;
    let kept = hours
        .next(|cloud| {
            let vm = cloud.server(1);
            vm.embedded.as_mut().unwrap().vcpus = 16;
            vm.boot(end + 600);
        })
        .await
        .unwrap();
    let servers = kept.servers();
    let sizes = |n: usize| -> Vec<(i64, u32)> {
        let id = Uuid::from_u128(n as u128).to_string();
        let server = servers.iter().find(|server| server.id == id).unwrap();
        server.sizes.iter().map(|s| (s.since, s.vcpus)).collect()
    };
    assert_eq!(sizes(0), []);
    let created = old(1).created;
    assert_eq!(sizes(1), [(created, 2), (end + 600, 16)]);
}

/// Also where the CPUs stay, and when the flavor is gone: as it last was.
#[tokio::test]
async fn flavors_go_with_the_server_and_those_it_had_stay_in_the_tables() {
    let mut hours = Hours::begin(three()).await;
    let end = hours.window.end;
    let flavors = |kept: &Kept, n: u128| -> Vec<(i64, String)> {
        let id = Uuid::from_u128(n).to_string();
        let servers = kept.servers();
        let server = servers.iter().find(|server| server.id == id).unwrap();
        let spans = server.sizes.iter();
        spans
            .map(|span| (span.since, span.flavor_id.clone().unwrap_or_default()))
            .collect()
    };
    let tables = |kept: &Kept| -> BTreeSet<(String, usize)> {
        let flavors = kept.0.iter().flat_map(|page| &page.tables.flavors);
        flavors
            .map(|it| (it.id.clone(), it.extra_specs.as_ref().unwrap().len()))
            .collect()
    };
    let kept = hours
        .next(|cloud| {
            of_flavor(cloud.server(1), "f2");
            cloud.server(1).boot(end + 600);
        })
        .await
        .unwrap();
    let story = [
        (old(1).created, "f1".to_owned()),
        (end + 600, "f2".to_owned()),
    ];
    assert_eq!(flavors(&kept, 1), story);
    assert_eq!(flavors(&kept, 0), []);
    let both = BTreeSet::from([("f1".to_owned(), 1), ("f2".to_owned(), 1)]);
    assert_eq!(tables(&kept), both);
    // Of the others nobody has it any more, and then it is gone.
    let kept = hours
        .next(|cloud| {
            cloud.servers().retain(|vm| vm.id == uuid(1));
            cloud.flavors.retain(|flavor| flavor.id != "f1");
        })
        .await
        .unwrap();
    assert_eq!(flavors(&kept, 1), story);
    assert_eq!(tables(&kept), both);
}

/// N4: a compute host 10 minutes behind.
#[tokio::test]
async fn an_end_by_a_clock_that_is_behind_is_reported_once() {
    let mut hours = Hours::begin(three()).await;
    let end = hours.window.end;
    let kept = hours
        .next(|cloud| {
            cloud.server(1).delete(end - 300);
            cloud.server(1).updated = end + 300;
            // Created and deleted there between two runs.
            let mut short = testing::new(7);
            (short.created, short.launched) = (end + 60, Some(end - 540));
            short.delete(end - 200);
            short.updated = end + 400;
            cloud.servers().push(short);
        })
        .await
        .unwrap();
    assert_eq!(kept.numbers(), [0, 1, 2, 7]);
    let again = hours.next(|_| ()).await.unwrap();
    assert_eq!(again.numbers(), [0, 2]);
}

/// A change that was noted before the window's end, and visible after it.
#[tokio::test]
async fn what_becomes_visible_late_is_found_by_the_next_window() {
    let mut hours = Hours::begin(three()).await;
    let end = hours.window.end;
    let kept = hours
        .next(|cloud| {
            // Half an hour late, and known: it is missed.
            cloud.server(1).delete(end - 1800);
            // Never seen, and visible within a quarter of an hour.
            let mut short = testing::new(7);
            (short.created, short.launched) = (end - 800, Some(end - 790));
            short.delete(end - 700);
            cloud.servers().push(short);
        })
        .await
        .unwrap();
    assert_eq!(kept.numbers(), [0, 1, 2, 7]);
    assert_eq!(hours.next(|_| ()).await.unwrap().numbers(), [0, 2]);
}

/// N5: servers of a cell that is down are in no list, and the window waits for it.
#[tokio::test]
async fn a_window_waits_for_a_cell_that_is_down() {
    let mut hours = Hours::begin(three()).await;
    let down = hours
        .next(|cloud| cloud.server(1).in_down_cell = true)
        .await;
    let error = down.err().unwrap();
    assert!(matches!(error, ExtractError::CellDown { .. }), "{error}");
}

/// Deleted before the cell went: Nova's list of what is there leaves it out, and shows no cell that is down.
#[tokio::test]
async fn a_window_waits_for_the_cell_of_a_deleted_server() {
    let mut hours = Hours::begin(three()).await;
    let end = hours.window.end;
    let down = hours.next(|cloud| {
        cloud.server(1).delete(end + 60);
        cloud.server(1).in_down_cell = true;
    });
    let text = down.await.err().unwrap().to_string();
    assert!(
        text.contains("a cell of Nova is down") && text.contains("500"),
        "{text}"
    );
}

/// A server for which Nova answers with status 500 for ever: its row is broken.
fn failing(cloud: &mut Plan, end: i64) {
    cloud.server(1).delete(end + 60);
    cloud.server(1).fails = true;
}

/// Nova shows that no cell is down, so it costs itself alone, and is found when it is well again.
#[tokio::test]
async fn a_server_for_which_nova_fails_costs_itself() {
    let mut hours = Hours::begin(three()).await;
    let end = hours.window.end;
    for run in 0..3 {
        let kept = hours.next(|cloud| failing(cloud, end)).await.unwrap();
        assert_eq!(kept.numbers(), [0, 2], "run {run}");
        let errors = kept.errors();
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(
            errors[0].contains(&uuid(1)) && errors[0].contains("500"),
            "{errors:?}"
        );
    }
    let kept = hours.next(|cloud| cloud.server(1).fails = false);
    assert_eq!(kept.await.unwrap().numbers(), [0, 1, 2]);
    assert!(hours.said.is_empty(), "{:?}", hours.said);
}

/// Where Nova cannot say whether a cell is down, the window waits, and not for ever.
#[tokio::test]
async fn an_old_novas_failing_server_is_waited_for_seven_days() {
    let mut hours = Hours::begin(Plan {
        microversion: 60,
        ..three()
    })
    .await;
    let end = hours.window.end;
    let waits = hours.next(|cloud| failing(cloud, end)).await;
    let text = waits.err().unwrap().to_string();
    assert!(
        text.contains("a cell of Nova is down") && text.contains("500"),
        "{text}"
    );
    for (waited, goes_on) in [(7 * 86_400, false), (7 * 86_400 + HOUR, true)] {
        let mut hours = Hours::begin(Plan {
            microversion: 60,
            ..three()
        })
        .await;
        hours.window.end += waited - HOUR;
        let read = hours.next(|cloud| failing(cloud, end)).await;
        let numbers = read.ok().map(|kept| (kept.numbers(), kept.errors().len()));
        assert_eq!(numbers, goes_on.then(|| (vec![0, 2], 1)), "{waited}");
    }
}

/// Its end is that of its row, and the usage names it for ever.
#[tokio::test]
async fn a_server_deleted_without_a_time_is_reported_once_and_not_asked_for() {
    let mut hours = Hours::begin(three()).await;
    let end = hours.window.end;
    let kept = hours.next(|cloud| {
        cloud.server(1).delete(end + 300);
        cloud.server(1).terminated = None;
    });
    assert_eq!(kept.await.unwrap().numbers(), [0, 1, 2]);
    for asked in [1, 0, 0] {
        assert_eq!(hours.next(|_| ()).await.unwrap().numbers(), [0, 2]);
        assert_eq!(hours.asked("/servers/0"), asked, "{:#?}", hours.asked);
    }
    assert!(hours.said.is_empty(), "{:?}", hours.said);
}

/// N11: only a list of changes shows a soft-deleted server.
#[tokio::test]
async fn a_soft_deleted_server_is_reported_in_every_window_until_it_is_reclaimed() {
    let mut hours = Hours::begin(three()).await;
    let end = hours.window.end;
    let soft = |cloud: &mut Plan| cloud.server(1).soft_delete(end + 300);
    for run in 0..4 {
        let kept = hours.next(soft).await.unwrap();
        assert_eq!(kept.numbers(), [0, 1, 2], "run {run}");
        assert_eq!(hours.asked("/servers/0"), 0, "{:#?}", hours.asked);
    }
    let reclaimed = hours.window.end + 100;
    let kept = hours.next(|cloud| cloud.server(1).delete(reclaimed)).await;
    assert_eq!(kept.unwrap().numbers(), [0, 1, 2]);
    assert_eq!(hours.next(|_| ()).await.unwrap().numbers(), [0, 2]);
}

/// Without a memory of when it was deleted, it is asked for alone.
#[tokio::test]
async fn a_soft_deleted_server_of_which_nothing_is_remembered_is_found() {
    let mut cloud = three();
    cloud.server(1).vm_state = "soft-delete".into();
    let hours = Hours::begin(cloud).await;
    assert_eq!(hours.asked("/servers/0"), 1);
    assert_eq!(hours.history.len(), 3);
}

/// It is there, and its row says so: nobody looks for it, in this run or a later one.
#[tokio::test]
async fn a_row_that_cannot_be_read_is_not_looked_for() {
    let mut hours = Hours::begin(three()).await;
    let plain = hours.next(|_| ()).await.unwrap();
    assert_eq!(plain.numbers(), [0, 1, 2]);
    let usual = hours.asked.len();
    for _ in 0..2 {
        let kept = hours
            .next(|cloud| {
                cloud.server(1).odd.insert("created".into(), json!("soon"));
            })
            .await
            .unwrap();
        assert_eq!(kept.numbers(), [0, 2]);
        assert_eq!(hours.asked.len(), usual, "{:#?}", hours.asked);
    }
}

/// Deleted meanwhile, in a window behind: its end is found, and that of one that nobody has ever read.
#[tokio::test]
async fn what_ended_while_its_row_could_not_be_read_is_reported_when_it_can() {
    let mut hours = Hours::begin(three()).await;
    let end = hours.window.end;
    let spoil = |cloud: &mut Plan, id| {
        let vm = cloud.servers().iter_mut().find(|vm| vm.id == uuid(id));
        vm.unwrap().odd.insert("created".into(), json!("soon"));
    };
    let kept = hours.next(|cloud| {
        cloud.server(1).delete(end + 300);
        let mut short = testing::new(7);
        (short.created, short.launched) = (end + 60, Some(end + 90));
        short.delete(end + 400);
        cloud.servers().push(short);
        spoil(cloud, 1);
        spoil(cloud, 7);
    });
    assert_eq!(kept.await.unwrap().numbers(), [0, 2]);
    assert_eq!(hours.next(|_| ()).await.unwrap().numbers(), [0, 2]);
    let kept = hours.next(|cloud| {
        for vm in cloud.servers() {
            vm.odd.clear();
        }
    });
    assert_eq!(kept.await.unwrap().numbers(), [0, 1, 2, 7]);
    assert_eq!(hours.next(|_| ()).await.unwrap().numbers(), [0, 2]);
    assert!(hours.said.is_empty(), "{:?}", hours.said);
}

#[tokio::test]
async fn a_server_that_nova_knows_no_more_is_named_once() {
    let mut hours = Hours::begin(three()).await;
    let kept = hours
        .next(|cloud| cloud.servers().retain(|vm| vm.id != uuid(1)))
        .await
        .unwrap();
    assert_eq!(kept.numbers(), [0, 2]);
    assert_eq!(hours.asked("/servers/0"), 1);
    let said = std::mem::take(&mut hours.said);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("is gone from Nova"), "{said:?}");
    assert_eq!(hours.next(|_| ()).await.unwrap().numbers(), [0, 2]);
    assert!(hours.said.is_empty(), "{:?}", hours.said);
}
