//! What a filesystem answers when it lacks something, as opposed to when
//! something is wrong. One list for each thing, used by all that write.

use std::io;

use nix::errno::Errno;

pub(crate) fn errno(error: &io::Error) -> Option<Errno> {
    error.raw_os_error().map(Errno::from_raw)
}

/// There is no room, or none for us.
pub(crate) fn no_room(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

/// A folder cannot be synced on this filesystem: some FUSE and CIFS mounts
/// answer EINVAL, others ENOTSUP (on Linux the same as EOPNOTSUPP) or ENOSYS.
/// Renames in it are then as durable as the filesystem makes them by itself.
pub(crate) fn cannot_sync_folders(error: &io::Error) -> bool {
    matches!(
        errno(error),
        Some(Errno::EINVAL | Errno::ENOTSUP | Errno::ENOSYS)
    )
}

/// There are no hard links on this filesystem, or no more for this file.
pub(crate) fn has_no_hard_links(error: &io::Error) -> bool {
    matches!(
        errno(error),
        Some(Errno::EPERM | Errno::EOPNOTSUPP | Errno::ENOSYS | Errno::EMLINK)
    )
}

/// There are no record locks on this filesystem: NFS without a lock daemon
/// answers ENOLCK, some FUSE mounts ENOSYS or EOPNOTSUPP.
pub(crate) fn has_no_locks(error: &io::Error) -> bool {
    matches!(
        errno(error),
        Some(Errno::ENOLCK | Errno::ENOSYS | Errno::EOPNOTSUPP)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of these errors a list names.
    fn named(list: fn(&io::Error) -> bool) -> Vec<Errno> {
        let all = [
            Errno::EPERM,
            Errno::EIO,
            Errno::EACCES,
            Errno::EINVAL,
            Errno::EMLINK,
            Errno::ENOLCK,
            Errno::ENOSYS,
            Errno::ENOSPC,
            Errno::EOPNOTSUPP,
        ];
        all.into_iter()
            .filter(|errno| list(&io::Error::from_raw_os_error(*errno as i32)))
            .collect()
    }

    #[test]
    fn only_what_says_that_the_filesystem_lacks_something_is_forgiven() {
        assert_eq!(
            named(cannot_sync_folders),
            [Errno::EINVAL, Errno::ENOSYS, Errno::EOPNOTSUPP]
        );
        assert_eq!(
            named(has_no_hard_links),
            [
                Errno::EPERM,
                Errno::EMLINK,
                Errno::ENOSYS,
                Errno::EOPNOTSUPP
            ]
        );
        assert_eq!(
            named(has_no_locks),
            [Errno::ENOLCK, Errno::ENOSYS, Errno::EOPNOTSUPP]
        );
        assert!(!cannot_sync_folders(&io::Error::other("no number at all")));
    }
}
