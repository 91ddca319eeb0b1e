//! How a run ended, for cron and whatever watches it.

/// Exit codes of `caso-extract` and of `caso`'s subcommands that run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All that was asked for is done.
    Done,
    /// Nothing is done: no project was extracted, no record delivered.
    Nothing,
    /// The command line or the configuration is wrong; nothing was touched.
    Usage,
    /// Some of it is done; the rest is named on stderr and waits.
    Partly,
    /// Another run holds the lock.
    Locked,
}

impl Exit {
    /// The process's exit code. 75 is sysexits' EX_TEMPFAIL.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Nothing => 1,
            Self::Usage => 2,
            Self::Partly => 3,
            Self::Locked => 75,
        }
    }

    /// What `successes` and `failures` of a run come to.
    pub fn of(successes: usize, failures: usize, partial_is_success: bool) -> Self {
        match (successes, failures) {
            (_, 0) => Self::Done,
            (0, _) => Self::Nothing,
            _ if partial_is_success => Self::Done,
            _ => Self::Partly,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_beside_a_success_is_partly_unless_the_site_says_otherwise() {
        assert_eq!(Exit::of(3, 0, false), Exit::Done);
        assert_eq!(Exit::of(0, 0, false), Exit::Done);
        assert_eq!(Exit::of(0, 2, false), Exit::Nothing);
        assert_eq!(Exit::of(0, 2, true), Exit::Nothing);
        assert_eq!(Exit::of(1, 2, false).code(), 3);
        assert_eq!(Exit::of(1, 2, true).code(), 0);
        assert_eq!(Exit::Locked.code(), 75);
    }
}
