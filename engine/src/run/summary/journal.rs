//! What is left on disk, in words.

use super::Summary;
use super::words::{self, count, records};
use crate::run::month;
use caso_base::time::format_utc;
use caso_journal::{Damaged, Recovery, Waiting};
use caso_model::Window;
use caso_state::backlog::Lost;

impl Summary {
    /// What the start found of runs before.
    pub fn recovered(&mut self, recovery: &Recovery) {
        for notice in &recovery.notices {
            self.notice(notice);
        }
        let open = words::len(&recovery.discarded_open);
        if open > 0 {
            self.line(format!(
                "{} of an interrupted run {} discarded; {} extracted again",
                count(open, "segment", "segments"),
                words::of(open, "was", "were"),
                words::of(open, "its window is", "their windows are")
            ));
        }
        for aside in &recovery.set_aside {
            self.problem(aside.to_string());
        }
        for newer in &recovery.newer_format {
            self.problem(newer.to_string());
        }
    }

    /// Files that were set aside stay there until somebody looks at them. `lost` is what was lost with them.
    pub fn damaged(&mut self, files: &[Damaged], lost: &[Lost]) {
        let (of_records, others): (Vec<_>, Vec<_>) =
            files.iter().partition(|it| it.held.is_records());
        for (files, key) in [(of_records, "damaged-files"), (others, "damaged-notes")] {
            if let Some((text, hint)) = words::damaged(&files, lost) {
                self.standing(&format!("{key}:{}", files.len()), text, hint);
            }
        }
    }

    /// What holds until somebody does something about it: a warning once a week, and a line in each summary.
    pub fn standing(&mut self, key: &str, text: String, hint: String) {
        self.warn(key.to_owned(), (text.clone(), hint));
        self.line(text);
    }

    /// What waits on disk after the run, for messengers of the past too.
    pub fn waiting(&mut self, waiting: &[Waiting], configured: &[String]) {
        if self.dry {
            return;
        }
        for entry in waiting {
            let name = &entry.messenger;
            let gone = if configured.contains(name) {
                ""
            } else {
                if entry.records > 0 {
                    self.for_a_removed_one(name, entry.window);
                }
                ", which is no longer in `messengers`"
            };
            if entry.records > 0 {
                let oldest = entry.oldest.map_or_else(String::new, |at| {
                    format!(", the oldest from {}", format_utc(at))
                });
                self.line(format!(
                    "{} ({}) {} for messenger `{name}`{gone}{oldest}",
                    records(entry.records),
                    words::size(entry.bytes),
                    words::of(entry.records, "waits", "wait"),
                ));
            }
            if entry.quarantined > 0 {
                self.line(format!(
                    "{} of messenger `{name}`{gone} {} in quarantine: `caso queue show {name} \
                     --quarantine` says why, and how to fix it",
                    records(entry.quarantined),
                    words::is(entry.quarantined),
                ));
            }
        }
    }

    fn for_a_removed_one(&mut self, name: &str, window: Option<Window>) {
        let months = window.map(month::of).unwrap_or_default();
        let again = match months.is_empty() {
            true => "publish their months again".to_owned(),
            false => format!(
                "publish their months again: `{}`",
                month::republish(&months)
            ),
        };
        self.warn(
            format!("waiting-for-removed:{name}"),
            (
                format!("records wait for messenger `{name}`, which is no longer in `messengers`"),
                format!(
                    "put it back, or drop what waits for it with `caso queue drop {name}`; if another messenger has \
                     taken over its queue or service, older records would follow newer ones: drop them, and {again}"
                ),
            ),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use caso_journal::Held;

    fn waiting(records: u64, quarantined: u64) -> Waiting {
        Waiting {
            messenger: "ssm".into(),
            records,
            bytes: 120,
            oldest: Some(0),
            window: None,
            attempts: 0,
            quarantined,
        }
    }

    #[test]
    fn one_is_singular() {
        let mut summary = Summary::default();
        let file = |held| Damaged {
            path: "/spool/damaged/a".into(),
            held,
        };
        summary.damaged(&[file(Held::Records(None))], &[]);
        let notes = [Held::Progress, Held::Counter];
        summary.damaged(&notes.map(file), &[]);
        for entry in [waiting(1, 1), waiting(2, 2)] {
            summary.waiting(&[entry], &["ssm".into()]);
        }
        assert_eq!(
            summary.texts(),
            [
                "1 damaged segment of the journal lies in `/spool/damaged`: what messengers had not yet \
                 received of it was not delivered",
                "2 damaged files of the journal lie in `/spool/damaged`: no record was lost with them",
                "1 record (120 bytes) waits for messenger `ssm`, the oldest from \
                 1970-01-01T00:00:00Z",
                "1 record of messenger `ssm` is in quarantine: `caso queue show ssm --quarantine` says why, \
                 and how to fix it",
                "2 records (120 bytes) wait for messenger `ssm`, the oldest from \
                 1970-01-01T00:00:00Z",
                "2 records of messenger `ssm` are in quarantine: `caso queue show ssm --quarantine` says why, \
                 and how to fix it",
            ]
        );
    }
}
