//! Spool folder, cursors and lastrun files, the lock.
