//! `caso queue forget`: gives up the records that wait for a messenger.
//!
//! Records wait for a messenger that was taken out of `messengers` until it is
//! put back, and their segments stay with them. This is the other way out.

use anyhow::{Context as _, anyhow};
use caso_base::{Clock as _, SystemClock};
use caso_config::Config;
use caso_journal::Waiting;
use caso_state::Spool;

use crate::run::backlog;
use crate::run::exit::Exit;
use crate::run::kind::Kind;
use crate::run::prepare::{Stopped, locked};
use crate::run::remedy::advised;
use crate::run::summary::Summary;
use crate::run::summary::words::records;

/// What to give up.
#[derive(Debug, PartialEq)]
pub struct Forget {
    /// The messenger, as `messengers` named it.
    pub messenger: String,
    /// Give up what waits for it although it is still in `messengers`.
    pub even_if_configured: bool,
}

/// Gives up what waits for a messenger. Answers with a line for the operator.
///
/// # Errors
/// With the exit code; the reason is in the log.
pub async fn forget(config: &Config, what: &Forget) -> Result<String, Exit> {
    locked_spool(config, what).await.map_err(Stopped::report)
}

async fn locked_spool(config: &Config, what: &Forget) -> Result<String, Stopped> {
    let messenger = &what.messenger;
    let is_configured = config.messengers.iter().any(|m| m.name() == messenger);
    if is_configured && !what.even_if_configured {
        return Err(Stopped::with(Exit::Usage)(advised(
            format!(
                "messenger `{messenger}` is in `messengers`, so what waits for it is delivered"
            ),
            "take it out first, or add `--even-if-configured` to lose these records",
        )));
    }
    let spools = Kind::Real
        .spools(&config.spooldir)
        .map_err(Stopped::with(Exit::Nothing))?;
    let _lock = Kind::Real.lock(config).await.map_err(locked)?;
    give_up(&spools.journal, messenger).map_err(Stopped::with(Exit::Nothing))
}

fn give_up(spool: &Spool, messenger: &str) -> anyhow::Result<String> {
    let now = SystemClock::new().now();
    let backlog::Opened {
        journal, recovery, ..
    } = backlog::open(spool, now).context("cannot use the journal")?;
    // What a start finds is reported once, by the run that starts.
    Summary::default().recovered(&recovery);
    let mut waiting = journal.waiting()?;
    waiting.retain(|entry| entry.records > 0);
    if !waiting.iter().any(|entry| entry.messenger == messenger) {
        return Err(nothing_waits(messenger, &waiting));
    }
    let given_up = journal.forget(messenger)?;
    backlog::keep(&journal, spool, &[], now);
    Ok(format!(
        "dropped {} that waited for messenger `{messenger}`\n",
        records(given_up)
    ))
}

fn nothing_waits(messenger: &str, others: &[Waiting]) -> anyhow::Error {
    let others: Vec<String> = others
        .iter()
        .map(|entry| format!("`{}` ({})", entry.messenger, records(entry.records)))
        .collect();
    match others.as_slice() {
        [] => anyhow!("nothing waits for messenger `{messenger}`, or for any other"),
        others => advised(
            format!("nothing waits for messenger `{messenger}`"),
            format!("something waits for {}", others.join(", ")),
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use caso_config::{CommandLine, ConfigPlace, Inputs};
    use caso_disk::Disk;
    use caso_journal::{Journal, MapperIdentity, Order, SegmentKey};
    use caso_model::Window;
    use caso_model::record::{AccountingRecord, Head, OtherRecord};

    use super::*;

    /// A site with that messenger in `messengers`, and records that wait for
    /// `gone` and `other`.
    fn site(folder: &Path, messenger: &str) -> Config {
        let conf = folder.join("caso.conf");
        let text = format!(
            "[DEFAULT]\nmessengers = {messenger}\nspooldir = {0}/spool\nlock_path = {0}/lock\n\
             lock_timeout = 0\n",
            folder.display()
        );
        std::fs::write(&conf, text).unwrap();
        let command_line = CommandLine {
            configs: vec![ConfigPlace::File(conf)],
            ..CommandLine::default()
        };
        let inputs = Inputs::apart(command_line, folder, vec!["gone".into(), "noop".into()]);
        caso_config::load(&inputs).unwrap()
    }

    fn seal(spool: &Spool, messenger: &str, records: usize) {
        let (journal, _) = Journal::open(spool, 0).unwrap();
        let key = SegmentKey {
            cloud: "default".into(),
            region: None,
            project: "p".into(),
            extractor: "nova".into(),
            window: Window { start: 0, end: 1 },
            again: false,
        };
        let order = Order {
            project: 0,
            extractor: 0,
        };
        let mapper = MapperIdentity {
            name: "mapper".into(),
            version: "1".into(),
            digest: "0".into(),
        };
        let mut segment = journal
            .begin(key, Vec::new(), order, &[messenger.to_owned()], &mapper)
            .unwrap();
        for at in 0..records {
            let record = AccountingRecord::Other(OtherRecord {
                head: Head {
                    id: at.to_string(),
                    supersedes: at.to_string(),
                    measured_at: 1,
                    attributes: Vec::new(),
                },
                kind: "bucket".into(),
                resource_id: at.to_string(),
                ..OtherRecord::default()
            });
            segment.append(&record).unwrap();
        }
        segment.seal().unwrap();
    }

    fn run(config: &Config, messenger: &str, even_if_configured: bool) -> Result<String, Exit> {
        let what = Forget {
            messenger: messenger.into(),
            even_if_configured,
        };
        block_on(forget(config, &what))
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(future)
    }

    #[test]
    fn what_waits_is_given_up_once_and_the_others_keep_theirs() {
        let folder = tempfile::tempdir().unwrap();
        let config = site(folder.path(), "noop");
        let spool = Spool::open(&config.spooldir, Disk::default()).unwrap();
        seal(&spool, "gone", 2);
        seal(&spool, "other", 1);
        let nothing = crate::run::remedy::message(give_up(&spool, "gnoe").unwrap_err().as_ref());
        let expected = (
            "nothing waits for messenger `gnoe`",
            "something waits for `gone` (2 records), `other` (1 record)",
        );
        assert_eq!(nothing, expected.into());
        assert_eq!(
            run(&config, "gone", false),
            Ok("dropped 2 records that waited for messenger `gone`\n".into())
        );
        let segments = config.spooldir.join("caso-journal/segments");
        assert_eq!(std::fs::read_dir(segments).unwrap().count(), 1);
        assert_eq!(run(&config, "gone", false), Err(Exit::Nothing));
        assert_eq!(
            run(&config, "other", false),
            Ok("dropped 1 record that waited for messenger `other`\n".into())
        );
        assert_eq!(
            give_up(&spool, "other").unwrap_err().to_string(),
            "nothing waits for messenger `other`, or for any other"
        );
    }

    #[test]
    fn a_messenger_that_is_still_configured_is_refused_unless_it_is_meant() {
        let folder = tempfile::tempdir().unwrap();
        let config = site(folder.path(), "gone");
        let spool = Spool::open(&config.spooldir, Disk::default()).unwrap();
        seal(&spool, "gone", 1);
        assert_eq!(run(&config, "gone", false), Err(Exit::Usage));
        let waiting = Journal::open(&spool, 0).unwrap().0.waiting().unwrap();
        assert_eq!(waiting[0].records, 1);
        assert!(run(&config, "gone", true).is_ok());
    }

    /// A process of its own has the lock, as two of one process share it: so
    /// the lock is made one that nobody may take.
    #[test]
    fn without_the_lock_nothing_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let config = site(folder.path(), "noop");
        let spool = Spool::open(&config.spooldir, Disk::default()).unwrap();
        seal(&spool, "gone", 1);
        std::fs::write(&config.lock_path, "a file in the folder's place").unwrap();
        assert_eq!(run(&config, "gone", false), Err(Exit::Nothing));
        let waiting = Journal::open(&spool, 0).unwrap().0.waiting().unwrap();
        assert_eq!(waiting[0].records, 1);
    }
}
