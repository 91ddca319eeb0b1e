//! One line, and Nagios' exit codes: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.

use super::{Shown, Status};
use crate::run::exit::Exit;
use caso_base::line::clean_line;
use caso_base::time::DAY;

/// What the spool says cannot be read. Nagios reads standard output alone.
pub fn unknown(reason: &str) -> Shown {
    let line = clean_line(reason);
    Shown {
        text: format!("CASO UNKNOWN - {line}\n"),
        // Its code is 3 as well.
        exit: Exit::Partly,
    }
}

/// No run for a day, or nothing extracted for a day, is critical; what `attention` names is a
/// warning. The performance data are seconds and counts.
pub fn nagios(status: &Status) -> Shown {
    let lag = status
        .cursors
        .iter()
        .filter(|cursor| cursor.is_awaited())
        .filter_map(|cursor| cursor.lag);
    let last = status.last_run.as_ref().map(|run| status.now - run.began);
    // A replay is of the time of its recording, and nobody waits for the next one.
    let replay = status.last_run.as_ref().is_some_and(|run| run.replay);
    let critical = !replay && last.is_none_or(|age| age > DAY)
        || lag.clone().min().is_some_and(|lag| lag > DAY);
    let attention = status.attention();
    let (word, exit) = match (critical, attention.is_empty()) {
        // Its code is 2 as well.
        (true, _) => ("CRITICAL", Exit::Usage),
        (false, false) => ("WARNING", Exit::Nothing),
        (false, true) => ("OK", Exit::Done),
    };
    let what = match attention.is_empty() {
        true => "all well".to_owned(),
        false => attention.join(", "),
    };
    let waiting: u64 = status.queues.iter().map(|queue| queue.waiting).sum();
    let quarantined: u64 = status.queues.iter().map(|queue| queue.quarantined).sum();
    let oldest = status.outgoing.iter().filter_map(|it| it.oldest).min();
    let age = oldest.map_or(0, |at| (status.now - at).max(0));
    Shown {
        text: format!(
            "CASO {word} - {what} | lag={}s run_age={}s waiting={waiting} quarantined={quarantined} \
             outgoing_age={age}s\n",
            lag.max().unwrap_or(0).max(0),
            last.unwrap_or(0).max(0),
        ),
        exit,
    }
}
