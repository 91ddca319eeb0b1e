//! SIGTERM, SIGINT and SIGHUP as something that a run can look at.

use nix::sys::signal::Signal;
use std::time::Duration;

use super::watchdog;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// What a run that is asked to end may take to do so.
const GRACE: Duration = Duration::from_secs(15);

/// What becomes of work that a signal ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undone {
    /// The next run does it.
    Waits,
    /// It was to be shown, and nothing of it is kept.
    IsNotShown,
}

impl Undone {
    fn words(self) -> &'static str {
        match self {
            Self::Waits => "what is not done yet waits for the next run",
            Self::IsNotShown => "nothing is kept of it, and nothing was sent",
        }
    }
}

/// Becomes true when the process is asked to end. The second signal
/// ends it at once: what is on disk is good at any instant. A terminal that closes asks, too,
/// unless the process was started to outlive it (`nohup`).
pub fn watch(undone: Undone) -> std::io::Result<watch::Receiver<bool>> {
    let (sender, receiver) = watch::channel(false);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = match ignores(Signal::SIGHUP) {
        true => None,
        false => Some(signal(SignalKind::hangup())?),
    };
    // A write beyond the limit of a file's size (`ulimit -f`, `LimitFSIZE=`) raises it, and
    // unheard it ends the process without a word. Heard, the write fails with EFBIG.
    drop(signal(SignalKind::from_raw(Signal::SIGXFSZ as i32))?);
    tokio::spawn(async move {
        for again in [false, true] {
            let (name, code) = tokio::select! {
                _ = terminate.recv() => ("SIGTERM", 143),
                _ = interrupt.recv() => ("SIGINT", 130),
                () = heard(&mut hangup) => ("SIGHUP", 129),
            };
            if again {
                std::process::exit(code);
            }
            tracing::warn!("{name}: ending; {}", undone.words());
            watchdog::end_within(GRACE, code);
            if sender.send(true).is_err() {
                return;
            }
        }
    });
    Ok(receiver)
}

/// The next signal of a kind that is listened to; none ever of another.
async fn heard(signal: &mut Option<tokio::signal::unix::Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// Whether who started this process told it to ignore a signal. Where the system does not say,
/// the signal stays what it is.
fn ignores(signal: Signal) -> bool {
    match std::fs::read_to_string("/proc/self/status") {
        Ok(status) => is_ignored(&status, signal),
        Err(_) => true,
    }
}

/// As `SigIgn` in proc(5) says it: a mask in which the lowest bit is signal 1.
fn is_ignored(status: &str, signal: Signal) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_none_or(|mask| mask >> (signal as i32 - 1) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_that_nohup_ignores_is_left_alone() {
        let status =
            |mask: &str| format!("Name:\tcaso\nSigBlk:\t0000000000000001\nSigIgn:\t{mask}\n");
        let nohup = status("0000000000001001");
        assert!(is_ignored(&nohup, Signal::SIGHUP));
        assert!(is_ignored(&nohup, Signal::SIGPIPE));
        assert!(!is_ignored(&nohup, Signal::SIGTERM));
        assert!(!is_ignored(&status("0000000000001000"), Signal::SIGHUP));
        // Not known: it is left as it is.
        assert!(is_ignored("Name:\tcaso\n", Signal::SIGHUP));
    }
}
