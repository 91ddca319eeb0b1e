//! What the engine remembers of servers from one run to the next: their sizes (defect 61),
//! and that they were there (defects 62 to 64). And of its own windows: which it sealed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use caso_stand_in::{
    Cloud, Plan, Project, Server, Servers, Volume, epoch, flavor_id, instant, project_id, server_id,
};
use caso_tests::site::Site;

use crate::clouds::Record;

/// Server `n`, with the flavor of that number: 0 has 1 CPU, 1 has 2, 2 has 4.
fn server(n: usize, created: &str, flavor: usize) -> Server {
    let created = epoch(created);
    Server {
        created,
        launched: Some(created),
        updated: created,
        flavor_id: flavor_id(flavor),
        ..Server::numbered(0, n)
    }
}

fn cloud(servers: Vec<Server>) -> Cloud {
    Cloud::start(Plan {
        projects: vec![Project::numbered(0, Servers::Listed(servers))],
        microversion: 96,
        ..Plan::default()
    })
}

/// Something happens to server `n`.
fn change(cloud: &Cloud, n: usize, happen: impl FnOnce(&mut Server)) {
    cloud.change(|plan| match &mut plan.projects[0].servers {
        Servers::Listed(servers) => happen(&mut servers[n]),
        other => panic!("{other:?}"),
    });
}

/// One more server is there, or was.
fn add(cloud: &Cloud, server: Server) {
    cloud.change(|plan| match &mut plan.projects[0].servers {
        Servers::Listed(servers) => servers.push(server),
        other => panic!("{other:?}"),
    });
}

/// A resize ends: Nova moves `launched_at`.
fn resize(cloud: &Cloud, n: usize, flavor: usize, at: &str) {
    let at = epoch(at);
    change(cloud, n, |server| server.resize(flavor_id(flavor), at));
}

fn number(record: &Record, field: &str) -> i64 {
    record[field].parse().expect("a number")
}

/// All records of server `n`, in the order of sending.
fn records_of(site: &Site, n: usize) -> Vec<Record> {
    let messages = site.messages();
    let records = messages.iter().flat_map(|message| message.cloud_records());
    records
        .filter(|record| record["VMUUID"] == server_id(0, n))
        .collect()
}

/// Records without those of months' ends, which other tests look at.
fn site(cloud: &Cloud) -> Site {
    let mut site = Site::at(cloud);
    site.set("mapper", "month_ends", "false");
    site
}

fn cpu(site: &Site, n: usize) -> Vec<(i64, i64)> {
    let records = records_of(site, n);
    let both = |record: &Record| (number(record, "CpuDuration"), number(record, "CpuCount"));
    records.iter().map(both).collect()
}

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

#[test]
fn cpu_time_is_the_sum_over_the_sizes_and_never_falls() {
    let cloud = cloud(vec![
        server(0, "2026-09-01", 2),
        server(1, "2026-01-01", 0),
        server(2, "2026-09-01", 1),
    ]);
    let site = site(&cloud);
    site.extract(&["--extract-to", "2026-10-01"]).expect(0);
    resize(&cloud, 0, 0, "2026-10-02");
    resize(&cloud, 1, 2, "2026-10-30");
    site.extract(&["--extract-to", "2026-11-01"]).expect(0);
    assert_eq!(
        cpu(&site, 0),
        [(30 * DAY * 4, 4), (31 * DAY * 4 + 30 * DAY, 1)]
    );
    let months = (31 + 28 + 31 + 30 + 31 + 30 + 31 + 31 + 30) * DAY;
    assert_eq!(
        cpu(&site, 1),
        [(months, 1), (months + 29 * DAY + 2 * DAY * 4, 4)]
    );
    assert_eq!(cpu(&site, 2), [(30 * DAY * 2, 2), (61 * DAY * 2, 2)]);

    // Resized and deleted before the next run.
    resize(&cloud, 0, 1, "2026-11-02");
    change(&cloud, 0, |server| {
        *server = server.clone().deleted(epoch("2026-11-03"))
    });
    site.extract(&["--extract-to", "2026-11-05"]).expect(0);
    let (last, _) = *cpu(&site, 0).last().unwrap();
    assert_eq!(last, 31 * DAY * 4 + 31 * DAY + DAY * 2);
}

/// Seconds of each accelerator record of server `n`, in the order of sending.
fn accelerators(site: &Site, n: usize) -> Vec<i64> {
    let messages = site.messages();
    let accelerators = messages.iter().filter(|it| it.kind() == "accelerator");
    let records = accelerators.flat_map(|message| message.json_records());
    let of_server = records.filter(|record| record["AssociatedRecord"] == server_id(0, n));
    of_server
        .map(|record| record["AvailableDuration"].as_i64().expect("seconds"))
        .collect()
}

/// Flavor 3 has accelerators, 2 has none. Of the flavor that a server had before, Nova may know
/// nothing any more when the month is sent again.
#[test]
fn accelerators_count_for_as_long_as_the_server_had_them() {
    let cloud = cloud(vec![
        server(0, "2026-09-01", 2),
        server(1, "2026-09-01", 3),
        server(2, "2026-09-01", 3),
    ]);
    let site = site(&cloud);
    site.extract(&["--extract-to", "2026-10-08"]).expect(0);
    assert_eq!(accelerators(&site, 0), [0_i64; 0]);
    // With flavors of as many CPUs as before: nothing else tells of it.
    let another = |id: &str| {
        cloud.change(|plan| {
            let mut flavor = plan.flavors[3].clone();
            (flavor.id, flavor.name) = (id.into(), id.into());
            flavor.extra_specs.clear();
            plan.flavors.push(flavor);
        });
    };
    another("8-cpus");
    resize(&cloud, 0, 3, "2026-10-08 00:30:00");
    let at = epoch("2026-10-08 00:40:00");
    change(&cloud, 1, |server| server.resize("8-cpus".into(), at));
    let hour = |to: &str| {
        site.extract(&["--extract-to", to]).expect(0);
    };
    hour("2026-10-08 01:00:00");
    assert_eq!(accelerators(&site, 0), [1_800]);
    let until_then = 7 * DAY + 2_400;
    assert_eq!(accelerators(&site, 1).last(), Some(&until_then));
    assert_eq!(accelerators(&site, 2).last(), Some(&(7 * DAY + HOUR)));
    hour("2026-10-08 02:00:00");
    assert_eq!(accelerators(&site, 0), [1_800, 1_800 + HOUR]);
    // What Nova shows late is told within an hour; after that it has no more to tell.
    let of_the_first = accelerators(&site, 1);
    assert_eq!(of_the_first.last(), Some(&until_then));
    // Everybody goes to a flavor that replaces the one with accelerators, and that is deleted.
    cloud.change(|plan| {
        let mut flavor = plan.flavors[3].clone();
        (flavor.id, flavor.name) = ("newer".into(), "newer".into());
        plan.flavors.push(flavor);
    });
    let at = epoch("2026-10-08 02:10:00");
    for n in [0, 2] {
        change(&cloud, n, |server| server.resize("newer".into(), at));
    }
    hour("2026-10-08 03:00:00");
    cloud.change(|plan| plan.flavors.retain(|flavor| flavor.id != flavor_id(3)));
    hour("2026-10-08 04:00:00");
    assert_eq!(accelerators(&site, 0).last(), Some(&(1_800 + 3 * HOUR)));
    assert_eq!(accelerators(&site, 2).last(), Some(&(7 * DAY + 4 * HOUR)));
    assert_eq!(accelerators(&site, 1), of_the_first);
    let run = site.start("caso", &["republish"], &["--month", "2026-10", "--yes"]);
    run.finish().expect(0);
    // As far as it was told: what is behind that is the next run's.
    let last = [0, 1, 2].map(|n| accelerators(&site, n).last().copied());
    let told = [1_800 + 3 * HOUR, until_then, 7 * DAY + 4 * HOUR];
    assert_eq!(last, told.map(Some));
    hour("2026-11-02");
    let run = site.start("caso", &["republish"], &["--month", "2026-10", "--yes"]);
    run.finish().expect(0);
    // All of the month, which is over.
    let last = [0, 1, 2].map(|n| accelerators(&site, n).last().copied());
    let from_then = 24 * DAY - 1_800;
    assert_eq!(last, [Some(from_then), Some(until_then), Some(31 * DAY)]);
}

/// As a site does that retires one: Nova keeps the server's copy of it, until that has another.
#[test]
fn a_flavor_that_is_gone_before_its_server_leaves_it_counts_for_its_time() {
    let cloud = cloud(vec![server(0, "2026-09-01", 3)]);
    let site = site(&cloud);
    site.extract(&["--extract-to", "2026-10-08"]).expect(0);
    cloud.change(|plan| {
        let retired = plan.flavors.remove(3);
        let mut other = retired.clone();
        (other.id, other.name) = ("other".into(), "other".into());
        let model = "Accelerator:Model".to_owned();
        other.extra_specs.insert(model, "H100".into());
        plan.flavors.push(other);
        match &mut plan.projects[0].servers {
            Servers::Listed(servers) => servers[0].embedded = Some(retired),
            other => panic!("{other:?}"),
        }
    });
    site.extract(&["--extract-to", "2026-10-08 01:00:00"])
        .expect(0);
    assert_eq!(accelerators(&site, 0).last(), Some(&(7 * DAY + HOUR)));
    let at = epoch("2026-10-08 01:30:00");
    change(&cloud, 0, |server| server.resize("other".into(), at));
    site.extract(&["--extract-to", "2026-10-08 02:00:00"])
        .expect(0);
    let told = accelerators(&site, 0);
    assert!(told.ends_with(&[7 * DAY + HOUR + 1_800, 1_800]), "{told:?}");
}

#[test]
fn a_window_of_the_past_has_the_sizes_of_its_time() {
    let cloud = cloud(vec![server(0, "2026-09-01", 2)]);
    let mut site = site(&cloud);
    site.extract(&["--extract-to", "2026-10-01"]).expect(0);
    resize(&cloud, 0, 0, "2026-10-11");
    site.extract(&["--extract-to", "2026-11-01"]).expect(0);
    resize(&cloud, 0, 1, "2026-11-11");
    site.extract(&["--extract-to", "2026-11-20"]).expect(0);
    let sent = cpu(&site, 0).len();
    let october = ["--extract-from", "2026-10-01", "--extract-to", "2026-10-21"];
    // A record as of the first of November is that month's, which has a newer one.
    site.extract(&october).expect(0);
    assert_eq!(cpu(&site, 0).len(), sent);
    // October has been reported whole: a record of the 21st would take its last days back.
    site.unset("mapper", "month_ends");
    site.extract(&october).expect(0);
    let again = cpu(&site, 0);
    assert_eq!(again[sent..], [(40 * DAY * 4 + 21 * DAY - 1, 1)]);
    site.set("mapper", "month_ends", "false");
    // And what is remembered is as it was.
    site.extract(&["--extract-to", "2026-11-21"]).expect(0);
    let (last, _) = *cpu(&site, 0).last().unwrap();
    assert_eq!(last, 40 * DAY * 4 + 31 * DAY + 10 * DAY * 2);
}

/// Nothing is known of the time before: as cASO does, and said once.
#[test]
fn a_loss_of_all_that_is_remembered_is_said_once_and_ends_no_run() {
    let cloud = cloud(vec![server(0, "2026-09-01", 2)]);
    let site = site(&cloud);
    site.extract(&["--extract-to", "2026-10-01"])
        .expect(0)
        .never_says("remembered");
    fs::remove_dir_all(site.spool().join("caso-servers")).unwrap();
    site.extract(&["--extract-to", "2026-10-02"])
        .expect(0)
        .says("nothing is remembered of the servers of project")
        .says("are accounted with their present size");
    site.extract(&["--extract-to", "2026-10-03"])
        .expect(0)
        .never_says("remembered");
    assert_eq!(cpu(&site, 0).last(), Some(&(32 * DAY * 4, 4)));
}

/// N4: a compute host whose clock is ten minutes behind.
#[test]
fn the_end_by_a_clock_that_is_behind_is_reported() {
    let cloud = cloud(vec![server(0, "2026-10-01", 0), server(1, "2026-10-01", 0)]);
    let site = site(&cloud);
    site.extract(&["--extract-to", "2026-10-10"]).expect(0);
    let end = epoch("2026-10-10");
    change(&cloud, 0, |server| {
        server.host_clock_ahead = -600;
        server.delete(end + 300);
    });
    add(
        &cloud,
        Server {
            updated: end + 400,
            ..server(2, "2026-10-10 00:01:00", 0).deleted(end - 200)
        },
    );
    site.extract(&["--extract-to", "2026-10-10 01:00:00"])
        .expect(0);
    for (n, records) in [(0, 2), (2, 1)] {
        let found = records_of(&site, n);
        assert_eq!(found.len(), records, "server {n}: {found:#?}");
        let last = found.last().unwrap();
        assert_eq!(last["Status"], "completed");
    }
    site.extract(&["--extract-to", "2026-10-10 02:00:00"])
        .expect(0);
    assert_eq!(records_of(&site, 0).len(), 2, "once");
}

/// Each service has a clock of its own, and what changes in its future is in no list yet.
#[test]
fn a_window_ends_in_the_past_of_the_service_that_is_read() {
    let cloud = cloud(vec![server(0, "2026-10-01", 0)]);
    cloud.change(|plan| plan.nova_clock_ahead = -900);
    let site = site(&cloud);
    site.extract(&[])
        .expect(0)
        .says("s behind this machine's: extracting up to its time");
    let record = records_of(&site, 0).pop().expect("a record");
    let until = number(&record, "StartTime") + number(&record, "WallDuration");
    let cursors = site.cursors(&project_id(0));
    assert_eq!(cursors.values().copied().collect::<Vec<_>>(), [Some(until)]);
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = i64::try_from(since.unwrap().as_secs()).unwrap();
    assert!(
        (now - 1_500..=now - 899).contains(&until),
        "{until} at {now}"
    );
}

/// N5: one cell's database is away over a run.
#[test]
fn a_window_waits_while_a_cell_is_down() {
    let cloud = cloud(vec![server(0, "2026-10-01", 0), server(1, "2026-10-01", 0)]);
    let site = site(&cloud);
    site.extract(&["--extract-to", "2026-10-10"]).expect(0);
    let gone = epoch("2026-10-10 00:10:00");
    change(&cloud, 1, |server| {
        server.delete(gone);
        server.in_down_cell = true;
    });
    add(
        &cloud,
        Server {
            in_down_cell: true,
            ..server(2, "2026-10-10 00:02:00", 0).deleted(gone)
        },
    );
    site.extract(&["--extract-to", "2026-10-10 01:00:00"])
        .expect(1);
    assert!(
        site.cursor(&project_id(0))
            .unwrap()
            .starts_with("2026-10-10 00:00:00")
    );
    for n in [1, 2] {
        change(&cloud, n, |server| server.in_down_cell = false);
    }
    site.extract(&["--extract-to", "2026-10-10 02:00:00"])
        .expect(0);
    for n in [1, 2] {
        let last = records_of(&site, n).pop().expect("a record");
        assert_eq!(last["Status"], "completed", "server {n}");
        assert_eq!(last["EndTime"], gone.to_string());
    }
    // One that is alive there: Nova names it, and so do we.
    change(&cloud, 0, |server| server.in_down_cell = true);
    site.extract(&["--extract-to", "2026-10-10 03:00:00"])
        .expect(1)
        .says("a cell of Nova is down")
        .says(&server_id(0, 0));
}

/// N5, in a run that misses nobody, since it knows nobody yet: a first one. Nova is asked.
#[test]
fn a_first_window_waits_while_a_cell_is_down() {
    let mut away = server(1, "2026-10-01", 0);
    away.in_down_cell = true;
    let cloud = cloud(vec![server(0, "2026-10-01", 0), away]);
    let site = site(&cloud);
    site.extract(&["--extract-to", "2026-10-10"])
        .expect(1)
        .says("a cell of Nova is down")
        .says(&server_id(0, 1));
    assert_eq!(site.cursor(&project_id(0)), None);
    change(&cloud, 1, |server| server.in_down_cell = false);
    site.extract(&["--extract-to", "2026-10-11"]).expect(0);
    assert_eq!(records_of(&site, 1).len(), 1);
}

/// N11: a soft-deleted server holds its size until it is reclaimed.
#[test]
fn a_soft_deleted_server_is_reported_by_every_run() {
    let cloud = cloud(vec![server(0, "2026-10-01", 0), server(1, "2026-10-01", 0)]);
    let site = site(&cloud);
    site.extract(&["--extract-to", "2026-10-10"]).expect(0);
    change(&cloud, 1, |server| {
        server.soft_delete(epoch("2026-10-10 00:30:00"));
    });
    for hour in 1..5 {
        site.extract(&["--extract-to", &format!("2026-10-10 0{hour}:00:00")])
            .expect(0)
            .never_says("not reported");
        let last = records_of(&site, 1).pop().unwrap();
        assert_eq!(number(&last, "WallDuration"), 9 * DAY + hour * HOUR);
    }
    // A month that is published once more begins after the soft delete.
    site.extract(&[
        "--extract-from",
        "2026-10-10 02:00:00",
        "--extract-to",
        "2026-10-10 03:00:00",
    ])
    .expect(0);
    let again = records_of(&site, 1).pop().unwrap();
    // Not as of 3 o'clock: 4 o'clock was reported already.
    assert_eq!(number(&again, "WallDuration"), 9 * DAY + 4 * HOUR);
}

/// Nova shows it nowhere: said once, and no run fails for it.
#[test]
fn a_server_that_nova_knows_no_more_is_named_once() {
    let cloud = cloud(vec![server(0, "2026-10-01", 0), server(1, "2026-10-01", 0)]);
    let site = site(&cloud);
    site.extract(&["--extract-to", "2026-10-10"]).expect(0);
    cloud.change(|plan| match &mut plan.projects[0].servers {
        Servers::Listed(servers) => servers.truncate(1),
        other => panic!("{other:?}"),
    });
    site.extract(&["--extract-to", "2026-10-10 01:00:00"])
        .expect(0)
        .says(&server_id(0, 1))
        .says("is gone from Nova");
    site.extract(&["--extract-to", "2026-10-10 02:00:00"])
        .expect(0)
        .never_says(&server_id(0, 1));
}

/// Volumes of one project, whose intervals a consumer adds up.
fn volumes() -> Cloud {
    let mut project = Project::numbered(0, Servers::Listed(Vec::new()));
    project.volumes = vec![Volume::numbered(0, 0)];
    Cloud::start(Plan {
        projects: vec![project],
        ..Plan::default()
    })
}

fn volumes_site(cloud: &Cloud) -> Site {
    let mut site = Site::at(cloud);
    site.set("DEFAULT", "extractor", "cinder")
        .set("DEFAULT", "first_extract_from", "2026-10-09");
    site
}

/// From when to when the volume was reported, in the order of sending.
fn intervals(site: &Site) -> Vec<(String, String)> {
    let records = site.storage_records().into_iter();
    let interval =
        |record: BTreeMap<String, String>| (record["StartTime"].clone(), record["EndTime"].clone());
    records.map(interval).collect()
}

fn interval(from: &str, to: &str) -> (String, String) {
    let text = |time: &str| instant(epoch(time)).trim_end_matches('Z').to_owned();
    (text(from), text(to))
}

/// Cursors and lastrun files of a spool, to put back.
fn cursors(site: &Site) -> Vec<(PathBuf, Vec<u8>)> {
    let files = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    };
    let spool = site.spool();
    let mut all = files(&spool.join("caso-cursors"));
    all.extend(files(&spool).into_iter().filter(|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with("lastrun")
    }));
    all.into_iter()
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect()
}

/// N2: killed between the sealing of a window and the move of its cursor. The spool is
/// put into the state that such a kill leaves: another messenger still waits for the
/// segment, and the cursors are those from before.
#[test]
fn a_window_that_was_sealed_before_a_kill_is_not_read_again() {
    let cloud = volumes();
    let mut site = volumes_site(&cloud);
    // Nobody listens there.
    site.set("DEFAULT", "messengers", "ssm, logstash")
        .set("logstash", "host", "127.0.0.1")
        .set("logstash", "port", "1");
    site.extract(&["--extract-to", "2026-10-10"]).expect(3);
    let before = cursors(&site);
    site.extract(&["--extract-to", "2026-10-10 04:00:00"])
        .expect(3);
    for (path, bytes) in &before {
        fs::write(path, bytes).unwrap();
    }
    site.extract(&["--extract-to", "2026-10-10 08:00:00"])
        .expect(3);
    assert_eq!(
        intervals(&site),
        [
            interval("2026-10-09", "2026-10-10"),
            interval("2026-10-10", "2026-10-10 04:00:00"),
            interval("2026-10-10 04:00:00", "2026-10-10 08:00:00"),
        ]
    );
    // An operator's hand counts more than what waits: what was read is read again, in the window
    // of the first time, so that it counts once.
    site.set_cursor(&project_id(0), "2026-10-10 06:00:00");
    site.extract(&["--extract-to", "2026-10-10 09:00:00"])
        .expect(3);
    assert_eq!(
        intervals(&site)[3..],
        [
            interval("2026-10-10 04:00:00", "2026-10-10 08:00:00"),
            interval("2026-10-10 08:00:00", "2026-10-10 09:00:00"),
        ]
    );
}

/// The cursor cannot be written, and the run goes on to deliver: not that window.
#[test]
fn a_window_whose_cursor_cannot_be_moved_is_not_delivered() {
    let cloud = volumes();
    let site = volumes_site(&cloud);
    site.extract(&["--extract-to", "2026-10-10"]).expect(0);
    // Where the cursor's new text would go first.
    let project = project_id(0);
    let in_the_way = site
        .spool()
        .join(format!("caso-cursors/.{project}.json.tmp"));
    fs::create_dir(&in_the_way).unwrap();
    site.extract(&["--extract-to", "2026-10-10 04:00:00"])
        .expect(1)
        .says(&project);
    assert_eq!(intervals(&site).len(), 1);
    fs::remove_dir(&in_the_way).unwrap();
    site.extract(&["--extract-to", "2026-10-10 08:00:00"])
        .expect(0);
    assert_eq!(
        intervals(&site)[1..],
        [interval("2026-10-10", "2026-10-10 08:00:00")]
    );
}
