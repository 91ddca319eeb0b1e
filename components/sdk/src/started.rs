//! A started instance, kept between the calls of the host.
//!
//! The contract has the host call `start` once in every store and `deliver` (or
//! `map-usage`) any number of times after it. The component itself has to keep what
//! `start` made of the options; this is the one place that does, and that answers a
//! host which breaks that order.

use std::cell::RefCell;

use crate::messenger::StartError;

/// What `start` made of the options, once it was called.
///
/// A store runs one thread, so the usual place is a `thread_local!`:
/// [`export_messenger!`](crate::export_messenger) puts it there.
#[derive(Debug)]
pub struct Started<T>(RefCell<Option<T>>);

impl<T> Started<T> {
    /// Nothing is started yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(RefCell::new(None))
    }

    /// Runs `start` and keeps what it returns.
    ///
    /// # Errors
    /// The error of `start`, after which another attempt is possible; or, without
    /// running it, that an instance has been started already.
    pub fn start(&self, start: impl FnOnce() -> Result<T, StartError>) -> Result<(), StartError> {
        let mut slot = self.0.borrow_mut();
        if slot.is_some() {
            return Err(StartError::Other("`start` was called twice".to_owned()));
        }
        *slot = Some(start()?);
        Ok(())
    }

    /// Runs `call` on the started instance.
    ///
    /// # Errors
    /// When there is none, for `start` was not called or failed.
    pub fn with<R>(&self, call: impl FnOnce(&mut T) -> R) -> Result<R, String> {
        match self.0.borrow_mut().as_mut() {
            Some(instance) => Ok(call(instance)),
            None => Err("`start` was not called".to_owned()),
        }
    }
}

impl<T> Default for Started<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_reach_the_instance_that_start_made() {
        let started = Started::new();
        started.start(|| Ok(1)).unwrap();
        assert_eq!(
            started.with(|count| {
                *count += 1;
                *count
            }),
            Ok(2)
        );
        assert_eq!(started.with(|count| *count), Ok(2));
    }

    #[test]
    fn a_second_start_is_refused_and_changes_nothing() {
        let started = Started::new();
        started.start(|| Ok(1)).unwrap();
        let again = started.start(|| panic!("must not run"));
        assert_eq!(again.unwrap_err().text(), "`start` was called twice");
        assert_eq!(started.with(|count| *count), Ok(1));
    }

    #[test]
    fn without_a_start_there_is_no_call() {
        let started = Started::<i32>::new();
        assert_eq!(
            started.with(|_| ()),
            Err("`start` was not called".to_owned())
        );
        let failed = started.start(|| Err(StartError::Other("no such path".to_owned())));
        assert_eq!(failed.unwrap_err().text(), "no such path");
        assert!(started.with(|_| ()).is_err());
        started.start(|| Ok(3)).unwrap();
    }
}
