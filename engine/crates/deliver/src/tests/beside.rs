//! What is delivered while others are still extracted.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::support::*;
use crate::*;
use caso_disk::faults::{At, End};
use caso_journal::Journal;
use caso_model::guest::*;
use caso_model::record::AccountingRecord;

const HOUR: Duration = Duration::from_secs(3600);

/// A delivery of an hour that waits for what is ready.
fn begun(site: &Site, journal: &Journal, instance: Instance) -> (Delivering, watch::Sender<bool>) {
    let (cancel, cancelled) = watch::channel(false);
    journal.hold_from(Some(0));
    let clock: Arc<dyn Clock> = site.clock.clone();
    let delivering = begin(journal, vec![instance], HOUR, clock, cancelled);
    (delivering, cancel)
}

/// A project is extracted, and what comes up to it is ready.
fn ready(site: &Site, journal: &Journal, delivering: &Delivering, project: u32, ids: &[&str]) {
    let records: Vec<AccountingRecord> = ids.iter().map(|id| cloud(id, id, 1)).collect();
    site.seal(journal, project, &records);
    journal.hold_from(Some(project + 1));
    delivering.ready().more();
}

/// Until so many records were offered. It fails where nothing goes on any more.
async fn offered(sink: &Sink, records: usize) {
    let all = async {
        let offered = || -> usize { sink.offered().iter().map(|it| it.records.len()).sum() };
        while offered() < records {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), all)
        .await
        .expect("nothing more was offered");
}

async fn nothing_goes_on() {
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
}

#[test]
fn what_is_ready_is_delivered_before_the_end_and_once() {
    let (site, sink) = (Site::new(&["m"]), Sink::default());
    site.extract(&["of an earlier run"]);
    let (journal, _) = site.open();
    let report = block_on(async {
        let (delivering, _keep) = begun(&site, &journal, sink.healthy("m"));
        ready(&site, &journal, &delivering, 0, &["a", "b"]);
        offered(&sink, 3).await;
        // It was read before the one that comes before it.
        site.seal(&journal, 2, &[cloud("d", "d", 1)]);
        ready(&site, &journal, &delivering, 1, &["c"]);
        offered(&sink, 4).await;
        nothing_goes_on().await;
        assert_eq!(sink.ids(), ["of an earlier run", "a", "b", "c"]);
        delivering.end().await.instances.remove(0)
    });
    assert!(report.outcome.is_complete(), "{}", report.outcome);
    assert_eq!((report.delivered, report.waiting), (5, 0));
    assert_eq!(sink.ids(), ["of an earlier run", "a", "b", "c", "d"]);
    assert_eq!(site.files("segments"), [""; 0]);
    assert_eq!(site.files("messengers/m"), [""; 0]);
}

#[test]
fn who_talks_to_another_machine_begins_at_the_end() {
    let (site, sink) = (Site::new(&["m"]), Sink::default());
    let (journal, _) = site.open();
    let instance = Instance {
        beside: false,
        ..sink.healthy("m")
    };
    block_on(async {
        let (delivering, _keep) = begun(&site, &journal, instance);
        ready(&site, &journal, &delivering, 0, &["a"]);
        nothing_goes_on().await;
        assert_eq!(sink.offered(), []);
        assert_eq!(site.files("messengers/m"), [""; 0]);
        delivering.end().await
    });
    assert_eq!(sink.ids(), ["a"]);
}

/// The last record of a part may be the fault of the messenger: what comes with the next one shows it.
#[test]
fn a_suspect_waits_for_what_is_still_extracted() {
    let (site, sink) = (Site::new(&["m"]), Sink::default());
    let (journal, _) = site.open();
    let report = block_on(async {
        let (delivering, _keep) = begun(&site, &journal, sink.poisoned("m", &["bad"]));
        ready(&site, &journal, &delivering, 0, &["a", "bad"]);
        offered(&sink, 4).await;
        nothing_goes_on().await;
        assert_eq!(site.quarantined_ids("m"), [""; 0]);
        ready(&site, &journal, &delivering, 1, &["b"]);
        delivering.end().await.instances.remove(0)
    });
    assert!(report.outcome.is_complete(), "{}", report.outcome);
    assert_eq!((report.delivered, report.failed, report.waiting), (2, 1, 0));
    assert_eq!(sink.ids(), ["a", "b"]);
    assert_eq!(site.quarantined_ids("m"), ["bad"]);
    assert_eq!(site.files("messengers/m"), [""; 0]);
}

/// What it says holds for the run: it is not asked again, and what comes later is packed and waits.
#[test]
fn who_stopped_is_not_tried_again_at_the_end() {
    let (site, sink) = (Site::new(&["m"]), Sink::default());
    let (journal, _) = site.open();
    let report = block_on(async {
        let refuses = |_: &[AccountingRecord]| Ok(answer(0, &[], Rest::Other("no".into())));
        let (delivering, _keep) = begun(&site, &journal, sink.messenger("m", refuses));
        ready(&site, &journal, &delivering, 0, &["a"]);
        offered(&sink, 1).await;
        ready(&site, &journal, &delivering, 1, &["b"]);
        delivering.end().await.instances.remove(0)
    });
    assert!(matches!(report.outcome, Ending::Other(_)));
    assert_eq!(report.waiting, 2);
    assert_eq!(sink.offered().len(), 1);
    site.deliver(vec![sink.healthy("m")]);
    assert_eq!(sink.ids(), ["a", "b"]);
}

/// A disk that is full while all is extracted may have room at the end.
#[test]
fn what_the_disk_kept_from_being_delivered_is_tried_again_at_the_end() {
    let mut struck = 0;
    for step in 0.. {
        let (site, sink) = (Site::new(&["m"]), Sink::default());
        site.extract(&["a", "b"]);
        let full = At::new(End::FullOnce, step);
        let Ok((journal, _)) = Journal::open(&site.spool(full.disk()), 1) else {
            continue;
        };
        let before = full.seen();
        let (early, report) = block_on(async {
            let (delivering, _keep) = begun(&site, &journal, sink.healthy("m"));
            delivering.ready().more();
            nothing_goes_on().await;
            let early = full.seen();
            (early, delivering.end().await.instances.remove(0))
        });
        if step >= early {
            break;
        }
        struck += usize::from(step >= before);
        assert!(report.outcome.is_complete(), "{step}: {}", report.outcome);
        let ids: BTreeSet<String> = sink.ids().into_iter().collect();
        assert_eq!(ids.len(), 2, "{step}");
        assert_eq!(report.waiting, 0, "{step}");
    }
    assert!(struck > 10, "{struck}");
}

/// The time for delivery is that for what is left at the end.
#[test]
fn what_takes_time_beside_the_extraction_takes_none_of_the_deliverys() {
    let (site, sink) = (Site::new(&["m"]), Sink::default());
    let (journal, _) = site.open();
    let report = block_on(async {
        let (delivering, _keep) = begun(&site, &journal, sink.healthy("m"));
        ready(&site, &journal, &delivering, 0, &["a"]);
        offered(&sink, 1).await;
        site.clock.pass(2 * HOUR);
        ready(&site, &journal, &delivering, 1, &["b"]);
        offered(&sink, 2).await;
        site.clock.pass(2 * HOUR);
        site.seal(&journal, 2, &[cloud("c", "c", 1)]);
        delivering.end().await.instances.remove(0)
    });
    assert!(report.outcome.is_complete(), "{}", report.outcome);
    let left: Vec<Duration> = sink.offered().iter().map(|it| it.time_left).collect();
    assert_eq!(left, [HOUR; 3]);
}
