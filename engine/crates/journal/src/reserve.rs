//! Room kept for emptying a full disk.
//!
//! To deliver what waits takes room first: an attempt, an acknowledgement and a `.done` are
//! written before a segment can be removed. Where a messenger that is away has filled the
//! disk, nothing of that can be written, and the spool would stay full when it is back. So a
//! file of no content is kept, and given up when the disk is full. It is made anew of what is left whenever the
//! journal is opened: while the messenger stays away, what is extracted finds the disk full first.

use crate::shared::Shared;

const MOST: u64 = 256 * 1024;
/// Of a small filesystem an eighth, but for one where that is not worth having.
const SHARE: u64 = 8;
const FEWEST: u64 = 8 * 1024;

/// Gives the room back where the disk has less left than that.
pub(crate) fn give_up_where_full(shared: &Shared) {
    let path = shared.layout.reserve();
    let Ok(kept) = std::fs::metadata(&path) else {
        return;
    };
    if shared.disk.left(&path).bytes < kept.len() && shared.disk.remove(&path).is_ok() {
        tracing::warn!(
            "the disk of `{}` is full: its reserve of {} bytes is used to deliver what waits; free \
             some room",
            shared.layout.root().display(),
            kept.len()
        );
    }
}

/// Keeps room, of what is left three quarters at most. Without it things go on as they can.
pub(crate) fn keep(shared: &Shared) {
    let path = shared.layout.reserve();
    let left = shared.disk.left(&path);
    let size = (left.of / SHARE).min(MOST).min(left.bytes / 4 * 3);
    let kept = std::fs::metadata(&path).map_or(0, |kept| kept.len());
    if size < FEWEST || kept >= size {
        return;
    }
    // No zeros, of which some filesystems keep none.
    let written = usize::try_from(size).map(|size| vec![0xA5; size]);
    if let Ok(bytes) = written
        && let Err(failed) = shared.disk.replace(&path, &bytes)
    {
        tracing::debug!("no reserve was made: {failed}");
    }
}
