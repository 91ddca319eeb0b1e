//! SIGTERM and SIGINT as something that a run can look at.

use nix::sys::signal::Signal;
use std::time::Duration;

use super::watchdog;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// What a run that is asked to end may take to do so.
const GRACE: Duration = Duration::from_secs(15);

/// Becomes true when the process is asked to end. The second signal of a kind
/// ends it at once: what is on disk is good at any instant.
pub fn watch() -> std::io::Result<watch::Receiver<bool>> {
    let (sender, receiver) = watch::channel(false);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    // A write beyond the limit of a file's size (`ulimit -f`, `LimitFSIZE=`) raises it, and
    // unheard it ends the process without a word. Heard, the write fails with EFBIG.
    drop(signal(SignalKind::from_raw(Signal::SIGXFSZ as i32))?);
    tokio::spawn(async move {
        for again in [false, true] {
            let (name, code) = tokio::select! {
                _ = terminate.recv() => ("SIGTERM", 143),
                _ = interrupt.recv() => ("SIGINT", 130),
            };
            if again {
                std::process::exit(code);
            }
            tracing::warn!("{name}: ending; what is not done yet waits for the next run");
            watchdog::end_within(GRACE, code);
            if sender.send(true).is_err() {
                return;
            }
        }
    });
    Ok(receiver)
}
